//! COUNT(DISTINCT x): what is counted, what it costs, and what a person with many values changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use tempfile::TempDir;
use voilage_query::Study;
use voilage_tests::clinic::{Clinic, Visit, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{ask, rho};

fn study(visits: &[Visit]) -> (TempDir, Study) {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), visits);
    let study = clinic.study(Arc::new(Tape::recording(1)));
    (folder, study)
}

/// The counts of the first column behind the keys, at a loss where the noise is next to nothing.
fn counts(visits: &[Visit], sql: &str) -> Vec<i64> {
    let (_folder, study) = study(visits);
    let answer = ask(&study, sql, &rho("800")).unwrap();
    let last = answer.table.column(answer.table.num_columns() - 1);
    last.as_primitive::<Int64Type>().values().to_vec()
}

#[test]
fn values_are_counted_by_group_without_null_and_behind_the_filter() {
    let mut visits = orderly_visits();
    visits.iter_mut().step_by(5).for_each(|visit| visit.minutes = None);
    let of = |site: i64, passes: fn(&Visit) -> bool| -> i64 {
        let here = visits.iter().filter(|visit| visit.site == Some(site) && passes(visit));
        here.filter_map(|visit| visit.minutes).collect::<BTreeSet<_>>().len() as i64
    };
    let found = counts(
        &visits,
        "SELECT site, COUNT(DISTINCT minutes) AS n FROM visits WHERE site IS NOT NULL GROUP BY site",
    );
    assert_eq!(found, [of(1, |_| true), of(2, |_| true), 0]);
    let dear = counts(
        &visits,
        "SELECT site, COUNT(DISTINCT minutes) FILTER (WHERE cost > 80) AS n FROM visits \
         WHERE site IS NOT NULL GROUP BY site",
    );
    assert_eq!(dear, [of(1, |v| v.cost > Some(80.0)), of(2, |v| v.cost > Some(80.0)), 0]);
    assert!(dear[0] < found[0]);
}

/// Three of a person's values count in a group, however many there are and however often.
#[test]
fn a_person_brings_as_many_values_as_rows_to_a_group() {
    let visit = |n: i64| Visit {
        person: Some(5),
        site: Some(1),
        reason: Some(format!("{n}")),
        cost: Some(1.0),
        minutes: Some(n % 2),
    };
    let many: Vec<Visit> = (0..1_000).map(visit).collect();
    let by_site = |column: &str| {
        format!("SELECT site, COUNT(DISTINCT {column}) FROM visits WHERE site = 1 GROUP BY site")
    };
    assert_eq!(counts(&many, &by_site("reason"))[0], 3);
    assert_eq!(counts(&many, &by_site("minutes"))[0], 2);
    // Half of what fifty people have is common, and the rest nobody else has.
    let crowd: Vec<Visit> = (0..50)
        .flat_map(|person| {
            [visit(0), visit(1_000 + person)].map(|v| Visit { person: Some(person), ..v })
        })
        .collect();
    assert_eq!(counts(&crowd, &by_site("reason"))[0], 51);
}

#[test]
fn it_is_priced_by_the_rows_of_a_group_and_said_so() {
    let (_folder, study) = study(&orderly_visits());
    let sql = "SELECT site, COUNT(DISTINCT reason) AS reasons, COUNT(DISTINCT reason) AS again, \
               COUNT(DISTINCT person) AS people FROM visits GROUP BY site";
    let question = study.question(sql, &rho("0.1")).unwrap();
    let noisy = &question.explanation().boundaries[0].noisy;
    let told: Vec<_> = noisy.iter().map(|c| (c.name.as_str(), c.sensitivity.as_str())).collect();
    assert_eq!(told, [("n0_values", "2 groups x 3"), ("n1_units", "2 groups x 1")]);
    assert_eq!(noisy[0].measure, "distinct values, at most 3 of each unit in a group");
    let interval = ask(&study, sql, &rho("0.1")).unwrap().intervals;
    assert!(interval[1].is_some() && interval[1] == interval[2]);
    let tuple = study.question("SELECT COUNT(DISTINCT site, reason) FROM visits", &rho("0.1"));
    let error = tuple.unwrap_err().to_string();
    assert!(error.contains("COUNT(DISTINCT first || '/' || second)"), "{error}");
}

/// The values that are chosen do not say in which order the rows lie, and a value that is counted is
/// no part of the choice of rows: the sum is the same with it and without.
#[test]
fn counting_values_leaves_other_aggregates_alone() {
    let visits: Vec<Visit> = (0..40)
        .flat_map(|person| {
            (0..9).map(move |n| Visit {
                person: Some(person),
                site: Some(1),
                reason: Some(format!("{}", n % 7)),
                cost: Some(n as f64),
                minutes: Some(n),
            })
        })
        .collect();
    let exact = |sql: &str| {
        let folder = tempfile::tempdir().unwrap();
        let tape = Tape::recording(3);
        let study = Clinic::build(folder.path(), &visits).study(Arc::new(tape.clone()));
        ask(&study, sql, &rho("0.5")).unwrap();
        let sums = tape.columns().into_iter().filter(|c| c.request.column.ends_with("_sum"));
        sums.map(|c| c.cells[0].exact).collect::<Vec<_>>()
    };
    let alone = exact("SELECT SUM(minutes) AS m FROM visits WHERE site = 1");
    let beside =
        exact("SELECT SUM(minutes) AS m, COUNT(DISTINCT reason) AS r FROM visits WHERE site = 1");
    assert_eq!(alone, beside);
}
