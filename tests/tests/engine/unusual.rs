//! Aggregates of unusual inputs: refusals before any charge, and data that says nothing.

use std::fmt::Write;
use std::fs;
use std::sync::Arc;

use arrow::array::Array;
use voilage_query::question::SpendOptions;
use voilage_query::{AskOptions, Hub, Spend, Study};
use voilage_tests::clinic::{Clinic, Visit, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{ask, rho};

fn study(visits: &[Visit]) -> (tempfile::TempDir, Clinic, Study, Tape) {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), visits);
    let tape = Tape::recording(1);
    let study = clinic.study(Arc::new(tape.clone()));
    (folder, clinic, study, tape)
}

#[test]
fn unusual_parameters_are_refused_before_any_charge() {
    let (_folder, _clinic, study, _) = study(&orderly_visits());
    let mut text = String::new();
    for sql in [
        "SELECT SUM(clamp(cost, 10, 0)) FROM visits",
        "SELECT SUM(clamp(cost, 5, 5)) FROM visits",
        "SELECT AVG(clamp(cost, CAST('NaN' AS DOUBLE), 5)) FROM visits",
        "SELECT AVG(clamp(cost, -1.7e308, 1.7e308)) FROM visits",
        "SELECT VAR(clamp(cost, -1e18, 1e18)) FROM visits",
        "SELECT SUM(cost * 1e308) FROM visits",
        "SELECT APPROX_PERCENTILE_CONT(cost, 0.0) FROM visits",
        "SELECT APPROX_PERCENTILE_CONT(cost, 1.0) FROM visits",
        "SELECT APPROX_PERCENTILE_CONT(cost, -0.1) FROM visits",
        "SELECT APPROX_PERCENTILE_CONT(cost, 1.5) FROM visits",
        "SELECT APPROX_PERCENTILE_CONT(cost, NULL) FROM visits",
        "SELECT APPROX_PERCENTILE_CONT(cost, minutes) FROM visits",
        "SELECT APPROX_PERCENTILE_CONT(cost, 1e-9) FROM visits",
        "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(max_groups_contributed = 0) COUNT(*) FROM visits",
        "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(max_groups_contributed = -2) COUNT(*) FROM visits",
        "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(max_groups_contributed = 3) COUNT(*) FROM visits",
        "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(max_rows_per_group = 0) COUNT(*) FROM visits",
        "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(max_rows_per_group = 4) COUNT(*) FROM visits",
        "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(group_selection_strategy = PUBLIC_GROUPS) minutes, \
         site, width_bucket(cost, 0, 100, 4000) AS b, COUNT(*) FROM visits \
         GROUP BY minutes, site, width_bucket(cost, 0, 100, 4000)",
    ] {
        let outcome = match study.question(sql, &rho("0.1")) {
            Ok(question) => format!("accepted, {}", question.explanation().boundaries[0].keys.kind),
            Err(error) => format!("exit {}: {error}", error.kind().exit_code()),
        };
        writeln!(text, "{sql}\n-> {outcome}\n").unwrap();
    }
    // An epsilon so small that the noise would not fit: nothing is drawn and nothing charged.
    for (sql, price) in [
        ("SELECT COUNT(*) FROM visits", "0.0000000000000001"),
        (
            "SELECT SUM(clamp(minutes * 99999999999, 0, 1000000000000)) FROM visits",
            "0.000000000000001",
        ),
        (
            "SELECT MEDIAN(clamp(minutes * 99999999999, 0, 1000000000000)) FROM visits",
            "0.00000000000000001",
        ),
    ] {
        let error = SpendOptions { rho: Some(price), ..SpendOptions::default() };
        let error = Spend::from_options(error).and_then(|price| study.question(sql, &price)).err();
        let told = error.map_or("accepted".to_owned(), |error| {
            format!("exit {}: {error}", error.kind().exit_code())
        });
        writeln!(text, "{sql} for rho {price}\n-> {told}\n").unwrap();
    }
    insta::assert_snapshot!("unusual", text);
    let none =
        AskOptions { max_groups: Some(0), max_rows_per_group: Some(0), ..AskOptions::default() };
    assert!(study.question_with("SELECT COUNT(*) FROM visits", &rho("0.1"), &none).is_err());
    assert!(study.hub().ledger().charges("study").unwrap().is_empty());
}

#[test]
fn lists_that_cannot_be_public_keys_are_refused() {
    let (folder, clinic, _, _) = study(&orderly_visits());
    let hub = fs::read_to_string(clinic.hub_file()).unwrap();
    let mut text = String::new();
    let million = (0..1_000_000).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    for (what, values) in
        [("a value twice", "1, 2, 3, 2"), ("no value", ""), ("a million values", &million)]
    {
        assert!(hub.contains("values = [1, 2, 3]"));
        let changed = hub.replacen("values = [1, 2, 3]", &format!("values = [{values}]"), 1);
        fs::write(clinic.hub_file(), changed).unwrap();
        let error = Hub::open(&clinic.hub_file()).err().unwrap().to_string();
        let error = error.replace(&*folder.path().to_string_lossy(), "FOLDER");
        writeln!(text, "{what}\n-> {error}\n").unwrap();
    }
    for bounds in ["[\"NaN\", \"1\"]", "[\"100\", \"0\"]", "[\"7\", \"7\"]", "[\"-inf\", \"1\"]"] {
        let changed = hub.replacen("[\"0\", \"100\"]", bounds, 1);
        assert_ne!(changed, hub);
        fs::write(clinic.hub_file(), changed).unwrap();
        let error = Hub::open(&clinic.hub_file()).err().unwrap().to_string();
        let error = error.replace(&*folder.path().to_string_lossy(), "FOLDER");
        writeln!(text, "bounds {bounds}\n-> {error}\n").unwrap();
    }
    insta::assert_snapshot!("lists", text);
}

/// A column of NULLs alone and a table without rows tell nothing: both answer like cells that nobody is
/// in, at the same price and with the same shape, and never with NULL.
#[test]
fn data_that_says_nothing_answers_like_an_empty_cell() {
    let sql = "SELECT site, COUNT(cost) AS n, SUM(cost) AS total, AVG(cost) AS mean, VAR(cost) AS spread, \
               STDDEV_POP(cost) AS deviation, MEDIAN(cost) AS middle, MIN(cost) AS low, MAX(cost) AS top \
               FROM visits GROUP BY site";
    let total =
        "SELECT AVG(cost) AS mean, MEDIAN(cost) AS middle, COUNT(DISTINCT person) AS n FROM visits";
    let all = orderly_visits();
    let nulls: Vec<Visit> = all.iter().cloned().map(|v| Visit { cost: None, ..v }).collect();
    for sql in [sql, total] {
        let mut shapes = Vec::new();
        for visits in [all.as_slice(), nulls.as_slice(), &[]] {
            let (_folder, clinic, study, tape) = study(&all);
            clinic.write_visits(visits);
            let answer = ask(&study, sql, &rho("0.5")).unwrap();
            for column in answer.table.columns().iter().skip(usize::from(sql.contains("site"))) {
                assert_eq!(column.null_count(), 0, "{sql}");
            }
            let requests: Vec<_> = tape
                .columns()
                .into_iter()
                .map(|column| (column.request, column.cells.len()))
                .collect();
            let receipt = &answer.receipt;
            shapes.push((answer.table.num_rows(), requests, receipt.loss.clone()));
        }
        assert!(shapes.windows(2).all(|pair| pair[0] == pair[1]), "{sql}");
    }
}
