//! Answers with so little noise that they are the exact bounded ones.

use std::sync::Arc;

use arrow::util::pretty::pretty_format_batches;
use tempfile::TempDir;
use voilage_privacy::quantity::Accountant;
use voilage_query::question::SpendOptions;
use voilage_query::{SignedReceipt, Spend, Study};
use voilage_tests::clinic::{Clinic, Visit, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{ask, rho};

fn clinic(visits: &[Visit]) -> (TempDir, Clinic) {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), visits);
    (folder, clinic)
}

/// Counts are exact: the loss is so large, and the seed such, that their noise is zero.
fn check(study: &Study, sql: &str, expected: &str) {
    let answer = ask(study, sql, &rho("250")).unwrap();
    let shown = pretty_format_batches(&[answer.table]).unwrap().to_string();
    assert_eq!(shown.trim(), expected.trim(), "{sql}\n{shown}");
}

#[test]
fn public_keys_show_every_cell() {
    let (_folder, clinic) = clinic(&orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    check(
        &study,
        "SELECT site, COUNT(DISTINCT person) AS people, COUNT(*) AS visits FROM visits GROUP BY site",
        "
+------+--------+--------+
| site | people | visits |
+------+--------+--------+
| 1    | 45     | 75     |
| 2    | 45     | 75     |
| 3    | 0      | 0      |
|      | 0      | 0      |
+------+--------+--------+",
    );
}

#[test]
fn sums_means_filters_and_order() {
    let visits = orderly_visits();
    let long: Vec<&Visit> =
        visits.iter().filter(|visit| visit.minutes >= Some(30) && visit.site == Some(1)).collect();
    let cost: f64 = long.iter().filter_map(|visit| visit.cost).sum();
    let minutes: i64 = long.iter().filter_map(|visit| visit.minutes).sum();
    let (_folder, clinic) = clinic(&visits);
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let sql = "SELECT SUM(cost) AS cost, SUM(minutes) AS minutes, AVG(minutes) AS mean, COUNT(*) AS n \
               FROM visits WHERE minutes >= 30 AND site = 1";
    let answer = ask(&study, sql, &rho("250")).unwrap();
    let value = |column: usize| {
        let array =
            arrow::compute::cast(answer.table.column(column), &arrow::datatypes::DataType::Float64);
        let array = array.unwrap();
        array.as_any().downcast_ref::<arrow::array::Float64Array>().unwrap().value(0)
    };
    // Five standard deviations of each column's noise at a quarter of the loss.
    let n = long.len() as f64;
    assert!((value(0) - cost).abs() < 135.0, "{} against {cost}", value(0));
    assert!((value(1) - minutes as f64).abs() < 81.0, "{} against {minutes}", value(1));
    assert!((value(2) - minutes as f64 / n).abs() < 50.0 / n, "{}", value(2));
    assert!((value(3) - n).abs() < 1.5, "{} against {n}", value(3));
    for interval in &answer.intervals {
        let interval = interval.as_ref().unwrap();
        assert!(interval.low.value(0) <= interval.high.value(0));
    }
}

#[test]
fn joins_cohorts_learned_keys_and_post_processing() {
    let (_folder, clinic) = clinic(&orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    check(
        &study,
        "SELECT r.chapter, COUNT(DISTINCT v.person) AS people FROM visits v \
         JOIN reasons r ON v.reason = r.reason GROUP BY r.chapter ORDER BY people DESC",
        "
+---------+--------+
| chapter | people |
+---------+--------+
| lung    | 40     |
| bone    | 20     |
+---------+--------+",
    );
    check(
        &study,
        "SELECT p.sex, COUNT(DISTINCT v.person) AS people FROM visits v JOIN people p \
         ON v.person = p.person WHERE p.sex IS NOT NULL AND v.person IN \
         (SELECT person FROM visits WHERE reason = 'flu') GROUP BY p.sex",
        "
+-----+--------+
| sex | people |
+-----+--------+
| f   | 10     |
| m   | 10     |
+-----+--------+",
    );
    check(
        &study,
        "SELECT site, 2 * people AS twice FROM (SELECT site, COUNT(DISTINCT person) AS people \
         FROM visits WHERE site IS NOT NULL GROUP BY site) AS t WHERE people > 1 ORDER BY site DESC LIMIT 1",
        "
+------+-------+
| site | twice |
+------+-------+
| 2    | 90    |
+------+-------+",
    );
}

/// Offline, with only the public key: the receipt as written is signed, and no other one is.
#[test]
fn a_receipt_is_proved_by_the_ledgers_key_alone() {
    let (_folder, clinic) = clinic(&orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let sql = "SELECT COUNT(*) AS n FROM visits";
    let receipt = ask(&study, sql, &rho("0.5")).unwrap().receipt;
    let key = study.hub().ledger().public_key().unwrap();
    let json = serde_json::to_string_pretty(&receipt).unwrap();
    let signed = SignedReceipt::parse(&json).unwrap();
    assert!(signed.holds(&key));
    study.hub().ledger().present(&signed.body, &signed.proof).unwrap();
    for (written, changed) in [
        ("\"project\": \"study\"", "\"project\": \"other\""),
        ("\"rho\": \"0.5\"", "\"rho\": \"0.1\""),
    ] {
        assert!(json.contains(written), "{json}");
        let other = SignedReceipt::parse(&json.replace(written, changed)).unwrap();
        assert!(!other.holds(&key), "{changed}");
    }
    assert!(SignedReceipt::parse("{}").is_none());
}

#[test]
fn a_question_asked_again_costs_nothing_and_is_the_same() {
    let (_folder, clinic) = clinic(&orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let sql = "SELECT site, AVG(cost) AS cost FROM visits GROUP BY site";
    let first = ask(&study, sql, &rho("0.5")).unwrap();
    let spent = study.project().unwrap().spent;
    let again = ask(
        &study,
        "SELECT site, AVG(cost) AS price FROM visits GROUP BY site ORDER BY 1 DESC",
        &rho("0.5"),
    );
    let again = again.unwrap();
    assert!(!first.replayed && again.replayed);
    assert_eq!(first.receipt, again.receipt);
    assert_eq!(study.project().unwrap().spent, spent);
    let fresh = clinic.study(Arc::new(Tape::recording(99)));
    assert_eq!(ask(&fresh, sql, &rho("0.5")).unwrap().table, first.table);
    assert_eq!(study.hub().ledger().charges("study").unwrap().len(), 1);
}

#[test]
fn a_pure_project_pays_epsilon_and_has_no_learned_keys() {
    let (_folder, clinic) = clinic(&orderly_visits());
    clinic.open_project("pure", Accountant::Pure);
    let study = clinic.project("pure", Arc::new(Tape::recording(3)));
    let spend = SpendOptions { epsilon: Some("1"), ..SpendOptions::default() };
    let spend = Spend::from_options(spend).unwrap();
    let answer =
        ask(&study, "SELECT COUNT(DISTINCT person) AS people FROM visits", &spend).unwrap();
    assert_eq!(answer.receipt.loss.get("epsilon").map(String::as_str), Some("1"));
    assert_eq!(answer.receipt.columns[0].mechanism, "discrete_laplace");
    let refused = ask(&study, "SELECT reason, COUNT(*) FROM visits GROUP BY reason", &spend);
    assert!(refused.unwrap_err().to_string().contains("learned keys cost delta"));
}
