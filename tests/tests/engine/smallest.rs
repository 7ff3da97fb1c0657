//! Groups of few people are not shown: the rule of a site, and what it costs.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use voilage_budgets::{Act, ProjectRules};
use voilage_query::{Answer, AskOptions, Question, Spend, Study};
use voilage_tests::clinic::{Clinic, Visit, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{ask, neighbours, rho};

const SITES: &str = "SELECT site, COUNT(*) AS n FROM visits GROUP BY site";
const REASONS: &str = "SELECT reason, COUNT(*) AS n FROM visits GROUP BY reason";

fn at_least(min_units: u32) -> AskOptions {
    AskOptions { min_units: Some(min_units), ..AskOptions::default() }
}

fn asked(study: &Study, sql: &str, price: &str, min_units: u32) -> (Question, Answer) {
    let question = study.question_with(sql, &rho(price), &at_least(min_units)).unwrap();
    let answer = question.run(&voilage_query::observer::Unobserved).unwrap();
    (question, answer)
}

/// A visit of each of so many new people, for a reason of their own.
fn of_reason(reason: &str, people: std::ops::Range<i64>) -> impl Iterator<Item = Visit> + '_ {
    people.map(move |person| Visit {
        person: Some(person),
        site: Some(1),
        reason: Some(reason.to_owned()),
        cost: Some(1.0),
        minutes: Some(1),
    })
}

fn study_of(visits: &[Visit], seed: u64) -> (tempfile::TempDir, Clinic, Study, Tape) {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), visits);
    let tape = Tape::recording(seed);
    let study = clinic.study(Arc::new(tape.clone()));
    (folder, clinic, study, tape)
}

/// Public cells vanish by their noisy count alone: one that holds nobody and one that holds many are
/// decided about in the same way, and the count is paid for like any other column.
#[test]
fn public_groups_are_shown_by_their_noisy_count_alone() {
    let (_folder, _clinic, study, tape) = study_of(&orderly_visits(), 1);
    let (question, answer) = asked(&study, SITES, "0.5", 11);
    let columns = &question.explanation().boundaries[0].noisy;
    assert_eq!(columns.len(), 2, "the count of units is a column of its own: {columns:?}");
    assert_eq!(columns[1].measure, "distinct units");
    let counted = &tape.columns()[1];
    assert_eq!(counted.cells.len(), 4, "every public cell gets its noise");
    let shown = counted.cells.iter().filter(|cell| cell.released >= 11).count();
    assert!(shown > 0 && shown < 4);
    assert_eq!(answer.table.num_rows(), shown);
    let again = asked(&study, SITES, "0.5", 11).1;
    assert!(again.replayed);
    assert_eq!(again.table, answer.table);
}

/// Whatever the true count is, the noisy one decides about a public cell: with little noise and a
/// number above every count, nothing is shown, and a table without keys has no row either.
#[test]
fn no_group_is_left_over_an_unreachable_number() {
    let (_folder, _clinic, study, _) = study_of(&orderly_visits(), 1);
    for sql in [SITES, REASONS, "SELECT COUNT(*) AS n, AVG(cost) AS cost FROM visits"] {
        let (_, answer) = asked(&study, sql, "50", 5_000);
        assert_eq!(answer.table.num_rows(), 0, "{sql}");
    }
    // What is computed from a table that lost its row is NULL, and the rows above are public ones.
    let (_, answer) =
        asked(&study, "SELECT 1 AS one, (SELECT COUNT(*) FROM visits) AS n", "300", 5_000);
    assert_eq!(answer.table.num_rows(), 1);
}

/// With next to no noise, learned keys of 10 people are hidden and those of 11 and more are shown
/// only if the noise does not hide them: the true count and the noisy one must both suffice.
#[test]
fn learned_groups_need_the_true_and_the_noisy_count() {
    let rare = of_reason("ten", 5_000..5_010).chain(of_reason("sixty", 6_000..6_060));
    let visits: Vec<Visit> = orderly_visits().into_iter().chain(rare).collect();
    let (_folder, _clinic, study, tape) = study_of(&visits, 3);
    let (question, answer) = asked(&study, REASONS, "300", 11);
    let keys = &question.explanation().boundaries[0].keys;
    let threshold: i128 = keys.threshold.as_ref().unwrap().parse().unwrap();
    let plain = study.question(REASONS, &rho("300")).unwrap();
    let before: i128 =
        plain.explanation().boundaries[0].keys.threshold.as_ref().unwrap().parse().unwrap();
    assert_eq!(threshold, before + 10);
    assert_eq!(keys.delta, plain.explanation().boundaries[0].keys.delta, "the same delta");
    let reasons: Vec<String> =
        answer.table.column(0).as_string::<i32>().iter().flatten().map(ToOwned::to_owned).collect();
    assert!(reasons.iter().any(|reason| reason == "sixty"), "{reasons:?}");
    assert!(!reasons.iter().any(|reason| reason == "ten"), "{reasons:?}");
    assert_eq!(tape.columns().len(), 2);
}

/// The noise alone shows no learned group that is too small, and hides no public one that is: the
/// same question again, with one noisy count replaced.
#[test]
fn the_true_count_decides_about_learned_groups_and_never_about_public_ones() {
    let visits: Vec<Visit> =
        orderly_visits().into_iter().chain(of_reason("ten", 5_000..5_010)).collect();
    for (sql, exact, shown) in [(REASONS, 10, 0), (REASONS, 11, 1), (SITES, 0, 1)] {
        let extra = of_reason("ten", 5_010..5_000 + i64::from(exact.max(10)));
        let visits: Vec<Visit> = visits.iter().cloned().chain(extra).collect();
        let (_folder, clinic, study, tape) = study_of(&visits, 3);
        let without = asked(&study, sql, "0.9", 11).1.table.num_rows();
        let mut columns = tape.columns();
        let counted = columns.iter_mut().find(|column| column.request.column.ends_with("units"));
        let mut cells = counted.unwrap().cells.iter_mut();
        let cell = cells.find(|cell| cell.exact == i128::from(exact)).unwrap();
        // The threshold is far above both counts, so that the noise did not show it by itself.
        assert!(cell.released < 20);
        cell.released = 1_000_000;
        clinic.open_project("again", voilage_privacy::Accountant::Zcdp);
        let again = clinic.project("again", Arc::new(Tape::replaying(&columns)));
        let with = asked(&again, sql, "0.9", 11).1.table.num_rows();
        assert_eq!(with - without, shown, "{sql} with a count of {exact}");
    }
}

/// The rule of the project holds whatever a question asks for, and more may be asked for.
#[test]
fn the_projects_rule_is_a_floor() {
    let (_folder, clinic, study, _) = study_of(&orderly_visits(), 1);
    let source = |options: &AskOptions| {
        let question = study.question_with(SITES, &rho("0.5"), options).unwrap();
        let keys = question.explanation().boundaries[0].keys.clone();
        (keys.min_units, keys.min_units_source.unwrap_or_default())
    };
    assert_eq!(source(&AskOptions::default()).0, None);
    let rules = ProjectRules { min_units: Some(11), ..ProjectRules::default() };
    clinic.decide(&Act::SetRules { project: "study".into(), rules });
    let rule = (Some(11), "the project's rule".to_owned());
    assert_eq!(source(&AskOptions::default()), rule);
    assert_eq!(source(&at_least(5)), rule);
    assert_eq!(source(&at_least(20)), (Some(20), "asked for in the question".to_owned()));
    // What was released before the rule is another question than what is asked under it.
    let under = study.question(SITES, &rho("0.5")).unwrap();
    let (_folder, _clinic, free, _) = study_of(&orderly_visits(), 1);
    let before = ask(&free, SITES, &rho("0.5")).unwrap();
    let after = under.run(&voilage_query::observer::Unobserved).unwrap();
    assert_ne!(before.receipt.plan_hash, after.receipt.plan_hash);
}

#[test]
fn the_number_is_said_in_sql_by_either_name_and_once() {
    let (_folder, _clinic, study, _) = study_of(&orderly_visits(), 1);
    let written = |options: &str| {
        let sql = SITES.replacen(
            "SELECT",
            &format!("SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(rho = 0.5, {options})"),
            1,
        );
        let question = study.question(&sql, &Spend::AsWritten);
        question.map(|question| question.explanation().boundaries[0].keys.min_units)
    };
    assert_eq!(written("min_units = 7").unwrap(), Some(7));
    assert_eq!(written("min_privacy_units_per_group = 7").unwrap(), Some(7));
    for options in [
        "min_units = 0",
        "min_units = -3",
        "min_units = 2.5",
        "min_units = 5, min_privacy_units_per_group = 5",
    ] {
        assert_eq!(written(options).unwrap_err().kind().exit_code(), 2, "{options}");
    }
    assert!(study.question_with(SITES, &rho("0.5"), &at_least(0)).is_err());
    let sql =
        "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(rho = 0.5, min_units = 3) COUNT(*) FROM visits";
    let twice = study.question_with(sql, &Spend::AsWritten, &at_least(3)).unwrap_err().to_string();
    assert!(twice.contains("said twice"), "{twice}");
}

/// The count that decides is shown with an interval that knows that it was only seen because it was large.
#[test]
fn the_interval_of_the_deciding_count_is_cut_off_at_the_number() {
    let (_folder, _clinic, study, _) = study_of(&orderly_visits(), 2);
    let sql = "SELECT site, COUNT(DISTINCT person) AS people FROM visits GROUP BY site";
    let (question, answer) = asked(&study, sql, "0.002", 30);
    assert_eq!(question.explanation().boundaries[0].noisy.len(), 1, "the count is shared");
    let plain = ask(&study, sql, &rho("0.002")).unwrap();
    let high = |answer: &Answer, row: usize| answer.intervals[1].as_ref().unwrap().high.value(row);
    let low = |answer: &Answer, row: usize| answer.intervals[1].as_ref().unwrap().low.value(row);
    let people = |answer: &Answer, row: usize| {
        answer.table.column(1).as_primitive::<Int64Type>().value(row) as f64
    };
    let half_width = high(&plain, 0) - people(&plain, 0);
    assert!(answer.table.num_rows() > 0);
    for row in 0..answer.table.num_rows() {
        let shown = people(&answer, row);
        assert!(shown >= 30.0);
        assert!(high(&answer, row) <= shown + half_width, "being seen speaks for more people");
        // Whatever the draws are, a value near the number says less about small counts.
        let same = low(&answer, row) >= (shown - half_width).max(0.0)
            && high(&answer, row) >= shown + half_width;
        assert!(shown >= 45.0 || !same, "{shown} has the interval of a value that is always seen");
    }
}

#[test]
fn one_person_changes_what_decides_within_its_sensitivity() {
    for sql in [SITES, REASONS, "SELECT COUNT(*) AS n, AVG(cost) AS cost FROM visits"] {
        let sql =
            sql.replacen("SELECT", "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(min_units = 11)", 1);
        neighbours::check(&sql);
    }
}
