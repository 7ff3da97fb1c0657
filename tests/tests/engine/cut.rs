//! How many people had more groups or rows than are kept: a paid estimate beside the answer, and
//! warnings before it.

use std::sync::Arc;

use voilage_query::{Answer, AskOptions, Question, Spend, Study};
use voilage_tests::clinic::{Clinic, Visit, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{neighbours, rho};

const SITES: &str = "SELECT site, COUNT(*) AS n FROM visits GROUP BY site";

fn study(visits: &[Visit]) -> (tempfile::TempDir, Study, Tape) {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), visits);
    let tape = Tape::recording(1);
    let study = clinic.study(Arc::new(tape.clone()));
    (folder, study, tape)
}

fn asked(study: &Study, sql: &str, price: &str) -> (Question, Answer) {
    let options = AskOptions { estimate_cut: true, ..AskOptions::default() };
    let question = study.question_with(sql, &rho(price), &options).unwrap();
    let answer = question.run(&voilage_query::observer::Unobserved).unwrap();
    (question, answer)
}

/// Visits of somebody to so many sites, so many times each.
fn visits_of(person: i64, sites: i64, times: usize) -> Vec<Visit> {
    let visit = |site| Visit {
        person: Some(person),
        site: Some(site),
        reason: Some("flu".to_owned()),
        cost: Some(1.0),
        minutes: Some(1),
    };
    (1..=sites).flat_map(|site| vec![visit(site); times]).collect()
}

/// 7 people at three sites (two are kept), 5 others with four visits to one site (three are kept).
#[test]
fn units_are_counted_before_they_are_cut() {
    let many_groups = (1_000..1_007).flat_map(|person| visits_of(person, 3, 1));
    let many_rows = (2_000..2_005).flat_map(|person| visits_of(person, 1, 4));
    let visits: Vec<Visit> =
        orderly_visits().into_iter().chain(many_groups).chain(many_rows).collect();
    let (_folder, study, tape) = study(&visits);
    let (question, answer) = asked(&study, SITES, "100");
    let columns = tape.columns();
    let exact = |name: &str| {
        let column = columns.iter().find(|column| column.request.column == name).unwrap();
        assert_eq!(column.cells.len(), 1);
        let sensitivity = column.request.sensitivity;
        assert_eq!((sensitivity.max_groups(), sensitivity.per_group()), (1, 1));
        column.cells[0].exact
    };
    let (_base, ordinary, base_tape) = self::study(&orderly_visits());
    asked(&ordinary, SITES, "100");
    let before = |position: usize| base_tape.columns()[position].cells[0].exact;
    assert_eq!(exact("cut_groups"), before(1) + 7);
    assert_eq!(exact("cut_rows"), before(2) + 5);
    let [cut] = answer.cut.as_slice() else { panic!("{:?}", answer.cut) };
    assert_eq!((cut.max_groups, cut.max_rows_per_group), (2, 3));
    let groups = cut.over_max_groups;
    assert!(groups.low <= groups.value && groups.value <= groups.high);
    assert!((groups.value - exact("cut_groups")).abs() <= 3, "{groups:?}");
    // They are priced: each gets a tenth of what the column gets.
    let scales: Vec<f64> = question.explanation().boundaries[0]
        .noisy
        .iter()
        .map(|column| {
            let (above, below) = column.scale.split_once('/').unwrap_or((&column.scale, "1"));
            above.parse::<f64>().unwrap() / below.parse::<f64>().unwrap()
        })
        .collect();
    assert_eq!(scales.len(), 3);
    // Rho of the column is 2 * 3^2 / (2 sigma^2), that of an estimate 1 / (2 sigma^2).
    let rho = [18.0 / (2.0 * scales[0].powi(2)), 1.0 / (2.0 * scales[1].powi(2))];
    assert!((rho[1] / rho[0] - 0.1).abs() < 0.001, "{rho:?}");
    let charged: f64 = question.explanation().loss["rho"].parse().unwrap();
    assert!((charged - (rho[0] + 2.0 * rho[1])).abs() < 0.01 && charged <= 100.0);
}

/// They are sealed with the answer: a replay shows the same numbers, and the plain question is another.
#[test]
fn estimates_are_part_of_the_release() {
    let (_folder, study, tape) = study(&orderly_visits());
    let (_, first) = asked(&study, SITES, "0.5");
    let (_, again) = asked(&study, SITES, "0.5");
    assert!(again.replayed);
    assert_eq!(first.cut, again.cut);
    assert_eq!(tape.columns().len(), 3);
    let plain = crate::ask(&study, SITES, &rho("0.5")).unwrap();
    assert!(plain.cut.is_empty() && !plain.replayed);
    let sql = "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(rho = 0.5, estimate_cut = true) \
               site, COUNT(*) AS n FROM visits GROUP BY ROLLUP (site)";
    let answer = crate::ask(&study, sql, &Spend::AsWritten).unwrap();
    assert_eq!(answer.cut.len(), 2, "each set is bounded by itself");
    assert_eq!(answer.cut[1].max_groups, 1);
}

#[test]
fn one_person_changes_each_estimate_by_one_at_most() {
    for sql in [
        "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(estimate_cut = true) site, COUNT(*) AS n, AVG(cost) AS c \
         FROM visits GROUP BY site",
        "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(estimate_cut = true) reason, COUNT(*) AS n \
         FROM visits GROUP BY reason",
    ] {
        neighbours::check(sql);
    }
}

#[test]
fn bounds_that_look_too_small_are_told_before_paying() {
    let (_folder, study, _) = study(&orderly_visits());
    let warnings = |sql: &str, options: &AskOptions| {
        let question = study.question_with(sql, &rho("0.5"), options).unwrap();
        question.explanation().warnings.join("\n")
    };
    let default = AskOptions::default();
    assert_eq!(warnings(SITES, &default), "");
    let few = AskOptions { max_groups: Some(1), max_rows_per_group: Some(1), ..default.clone() };
    let told = warnings(SITES, &few);
    assert!(told.contains("1 groups of a unit are kept, and visits expects up to 2"), "{told}");
    assert!(told.contains("1 rows in a group of a unit are kept, and visits expects up to 3"));
    // Rows do not matter where units are counted.
    let people = "SELECT site, COUNT(DISTINCT person) AS n FROM visits GROUP BY site";
    assert!(!warnings(people, &few).contains("rows"));
    // Tables that only say who is asked about add no rows.
    let cohort = "SELECT COUNT(*) AS n FROM people WHERE person IN (SELECT person FROM visits)";
    assert_eq!(warnings(cohort, &default), "");
    let reasons = "SELECT reason, COUNT(*) AS n FROM visits GROUP BY reason";
    assert!(warnings(reasons, &few).contains("its keys are learned"));
    // Features of each person are one row each.
    let features = "SELECT AVG(n) FROM (SELECT person, clamp(COUNT(*), 0, 9) AS n FROM visits \
                    GROUP BY person) AS t";
    assert_eq!(warnings(features, &default), "");
}

#[test]
fn what_is_neither_true_nor_false_is_refused() {
    let (_folder, study, _) = study(&orderly_visits());
    for value in ["1", "'yes'", "NULL", "maybe"] {
        let sql = format!(
            "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(rho = 0.5, estimate_cut = {value}) COUNT(*) \
             FROM visits"
        );
        let error = study.question(&sql, &Spend::AsWritten).unwrap_err().to_string();
        assert!(error.contains("neither true nor false"), "{value}: {error}");
    }
}
