//! Weights: which columns get more of a question's loss.

use std::sync::Arc;

use voilage_query::{AskOptions, Question, Spend, Study, Weights};
use voilage_tests::clinic::{Clinic, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{neighbours, rho};

const SQL: &str = "SELECT site, COUNT(*) AS n, SUM(minutes) AS total, AVG(cost) AS mean, \
                   MEDIAN(minutes) AS middle FROM visits GROUP BY site";

fn study() -> (tempfile::TempDir, Study) {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    (folder, study)
}

fn weighed(study: &Study, sql: &str, weights: &str) -> Question {
    let weights = Some(Weights::parse(weights).unwrap());
    let options = AskOptions { weights, ..AskOptions::default() };
    study.question_with(sql, &rho("0.5"), &options).unwrap()
}

/// The rho of each kind of noisy column, from its scale and its sensitivity; of a search, all rounds.
fn parts(question: &Question) -> Vec<(String, f64)> {
    let number = |text: &str| match text.split_once('/') {
        Some((above, below)) => above.parse::<f64>().unwrap() / below.parse::<f64>().unwrap(),
        None => text.parse().unwrap(),
    };
    let boundaries = question.explanation().boundaries.iter();
    let columns = boundaries.flat_map(|boundary| &boundary.noisy);
    let mut parts: Vec<(String, f64)> = Vec::new();
    for column in columns {
        let (groups, each) = column.sensitivity.split_once(" groups x ").unwrap();
        let ratio = number(each) / number(&column.scale);
        let rho = number(groups) * ratio * ratio / 2.0;
        match parts.iter_mut().find(|(measure, _)| *measure == column.measure) {
            Some((_, sum)) => *sum += rho,
            None => parts.push((column.measure.clone(), rho)),
        }
    }
    parts
}

fn charged(question: &Question) -> f64 {
    question.explanation().loss["rho"].parse().unwrap()
}

#[test]
fn a_weight_is_a_share_of_the_same_price() {
    let (_folder, study) = study();
    let of = |weights: &str| {
        let question = weighed(&study, SQL, weights);
        assert!(charged(&question) <= 0.5 && charged(&question) > 0.4999, "the price stays");
        let parts = parts(&question);
        let of = |start: &str| -> f64 {
            let is_it = |measure: &str| match start {
                "rows" => measure == start,
                _ => measure.starts_with(start),
            };
            parts.iter().filter(|(measure, _)| is_it(measure)).map(|(_, rho)| rho).sum()
        };
        [of("rows"), of("sum of"), of("deviations"), of("search")]
    };
    let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-3, "{a} and {b}");
    let [rows, sum, deviations, search] = of("n = 1");
    close(rows, sum);
    close(sum, deviations);
    // The rounds of a search cost together what another column costs.
    close(search, deviations);
    let [rows, sum, deviations, search] = of("total = 4, middle = 0.5");
    close(sum, 4.0 * rows);
    close(deviations, rows);
    close(search, 0.5 * rows);
}

/// A mean weighs for its sum and for its count; a column of two weights has the larger one.
#[test]
fn what_columns_share_gets_the_largest_weight() {
    let (_folder, study) = study();
    let sql = "SELECT AVG(minutes) AS mean, VAR(minutes) AS spread FROM visits";
    let question = weighed(&study, sql, "mean = 3, spread = 2");
    let parts: Vec<f64> = parts(&question).into_iter().map(|(_, rho)| rho).collect();
    // Deviations and rows of the mean, squares of the spread.
    assert!((parts[0] / parts[1] - 1.0).abs() < 1e-3);
    assert!((parts[2] / parts[0] - 2.0 / 3.0).abs() < 1e-3, "{parts:?}");
}

/// Names are those of the query, inside it too, so that a ratio's parts can be weighed.
#[test]
fn names_of_inner_columns_and_of_several_boundaries_are_known() {
    let (_folder, study) = study();
    let sql = "SELECT a.total / b.whole AS share FROM \
               (SELECT SUM(minutes) AS total FROM visits WHERE site = 1) AS a CROSS JOIN \
               (SELECT SUM(minutes) AS whole FROM visits) AS b";
    let question = weighed(&study, sql, "WHOLE = 9");
    let boundaries = &question.explanation().boundaries;
    assert_eq!(boundaries.len(), 2);
    let scale = |boundary: usize| {
        let text = &boundaries[boundary].noisy[0].scale;
        let (above, below) = text.split_once('/').unwrap_or((text, "1"));
        above.parse::<f64>().unwrap() / below.parse::<f64>().unwrap()
    };
    assert!((scale(0) / scale(1) - 3.0).abs() < 0.01, "nine times the loss, a third of the noise");
}

#[test]
fn weights_are_part_of_the_question() {
    let (_folder, study) = study();
    let ask = |weights: &str| {
        weighed(&study, SQL, weights).run(&voilage_query::observer::Unobserved).unwrap()
    };
    let first = ask("n = 2");
    let other = ask("n = 3");
    assert!(!other.replayed);
    assert_ne!(first.receipt.plan_hash, other.receipt.plan_hash);
    assert!(ask("n = 2.0").replayed, "the same weights in other words");
}

#[test]
fn wrong_weights_are_refused_before_any_charge() {
    let (_folder, study) = study();
    for text in [
        "",
        "n",
        "n = ",
        "= 2",
        "n = 0",
        "n = -1",
        "n = 0.0009",
        "n = 1001",
        "n = NaN",
        "n = 1e400",
        "n = 1, N = 2",
        "n = \u{0662}",
        "n = 1 total = 2",
    ] {
        assert!(Weights::parse(text).is_err(), "{text:?}");
    }
    for (options, why) in [
        ("weights = 'm = 2'", "no column of this name"),
        ("weights = 'site = 2'", "no column of this name"),
        ("weights = 2", "not name = number"),
        ("weights = 'n = 2', weights = 'n = 3'", "given twice"),
    ] {
        let sql = SQL.replacen(
            "SELECT",
            &format!("SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(rho = 0.5, {options})"),
            1,
        );
        let error = study.question(&sql, &Spend::AsWritten).unwrap_err();
        assert_eq!(error.kind().exit_code(), 2, "{options}");
        assert!(error.to_string().contains(why), "{options}: {error}");
    }
    assert!(study.hub().ledger().charges("study").unwrap().is_empty());
}

#[test]
fn one_person_changes_weighed_columns_within_their_sensitivity() {
    neighbours::check(&SQL.replacen(
        "SELECT",
        "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(weights = 'n = 5, middle = 0.1')",
        1,
    ));
}
