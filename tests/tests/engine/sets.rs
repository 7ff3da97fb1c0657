//! ROLLUP, CUBE and GROUPING SETS: one boundary for each set, each with its own bounding.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use tempfile::TempDir;
use voilage_query::{Answer, Study};
use voilage_tests::clinic::{Clinic, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{ask, neighbours, rho};

fn study() -> (TempDir, Study, Tape) {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let tape = Tape::recording(1);
    let study = clinic.study(Arc::new(tape.clone()));
    (folder, study, tape)
}

/// A column as whole numbers; NULL is none.
fn whole(answer: &Answer, column: usize) -> Vec<Option<i64>> {
    let array = cast(answer.table.column(column), &DataType::Int64).unwrap();
    array.as_primitive::<Int64Type>().iter().collect()
}

#[test]
fn each_set_has_its_rows_its_bounds_and_its_price() {
    let (_folder, study, tape) = study();
    let sql = "SELECT site, minutes < 30 AS short, COUNT(*) AS n, GROUPING(site) AS no_site, \
               GROUPING(site, minutes < 30) AS number FROM visits \
               GROUP BY ROLLUP (site, minutes < 30)";
    let question = study.question(sql, &rho("100")).unwrap();
    let explanation = question.explanation();
    let boundaries = &explanation.boundaries;
    let cells: Vec<_> = boundaries.iter().map(|b| b.keys.cells.clone()).collect();
    assert_eq!(cells, [Some("12".to_owned()), Some("4".to_owned()), None]);
    // A person is in two groups of the first two sets, and in the only one of the last.
    let groups: Vec<u32> = boundaries.iter().map(|boundary| boundary.max_groups).collect();
    assert_eq!(groups, [2, 2, 1]);
    let loss: f64 = explanation.loss["rho"].parse().unwrap();
    assert!(loss > 99.9 && loss <= 100.0, "three equal parts: {loss}");
    let sigma = |boundary: usize| {
        let (above, below) = boundaries[boundary].noisy[0].scale.split_once('/').unwrap();
        above.parse::<f64>().unwrap() / below.parse::<f64>().unwrap()
    };
    assert!((sigma(0) / sigma(2) - 2_f64.sqrt()).abs() < 0.01, "equal rho for each");
    let answer = ask(&study, sql, &rho("100")).unwrap();
    assert_eq!(answer.table.num_rows(), 12 + 4 + 1);
    assert_eq!(tape.columns().len(), 3);
    let numbers = whole(&answer, 4);
    assert_eq!(numbers.iter().filter(|number| **number == Some(0)).count(), 12);
    assert_eq!(numbers.iter().filter(|number| **number == Some(1)).count(), 4);
    assert_eq!(numbers.last().unwrap(), &Some(3));
    // A site that is NULL is told from all sites together.
    for (site, no_site) in whole(&answer, 0).iter().zip(whole(&answer, 3)) {
        assert!(site.is_none() || no_site == Some(0));
    }
    let total = whole(&answer, 2).last().unwrap().unwrap();
    let mut rows: BTreeMap<Option<i64>, i64> = BTreeMap::new();
    orderly_visits().iter().for_each(|visit| *rows.entry(visit.person).or_default() += 1);
    // At most three rows of a person count in the one group of the total.
    let bounded: i64 = rows.values().map(|rows| (*rows).min(3)).sum();
    assert!((total - bounded).abs() <= 3, "{total} of {bounded}");
    let interval = answer.intervals[2].as_ref().unwrap();
    assert!((0..answer.table.num_rows()).all(|row| interval.low.is_valid(row)));
    assert!(answer.intervals[0].is_none() && answer.intervals[4].is_none());
}

#[test]
fn sets_are_those_of_the_query_and_one_asked_for_twice_is_drawn_once() {
    let (_folder, study, tape) = study();
    for (sets, boundaries, rows) in [
        ("CUBE (site, minutes < 30)", 4, 12 + 4 + 3 + 1),
        ("GROUPING SETS ((site), (minutes < 30))", 2, 4 + 3),
        ("GROUPING SETS ((site, minutes < 30), ())", 2, 12 + 1),
        ("GROUPING SETS ((site), (site), ())", 2, 4 + 4 + 1),
        ("GROUPING SETS ((site))", 1, 4),
        ("site, ROLLUP (minutes < 30)", 2, 12 + 4),
        ("ROLLUP (site), ROLLUP (minutes < 30)", 4, 12 + 4 + 3 + 1),
    ] {
        let sql = format!("SELECT COUNT(*) AS n, AVG(cost) AS cost FROM visits GROUP BY {sets}");
        let drawn = tape.columns().len();
        let question = study.question(&sql, &rho("0.5")).unwrap();
        assert_eq!(question.explanation().boundaries.len(), boundaries, "{sets}");
        let answer = ask(&study, &sql, &rho("0.5")).unwrap();
        assert_eq!(answer.table.num_rows(), rows, "{sets}");
        // Some of these questions are the same to the ledger, and were answered before.
        if !answer.replayed {
            assert_eq!(tape.columns().len() - drawn, 3 * boundaries, "{sets}");
        }
    }
}

/// A rolled-up table is a table like any other: totals beside parts, shares, and cut-offs.
#[test]
fn what_is_computed_from_sets_has_intervals() {
    let (_folder, study, _) = study();
    let sql = "WITH t AS (SELECT site, GROUPING(site) AS total, COUNT(*) AS n FROM visits \
               WHERE site IN (1, 2) GROUP BY ROLLUP (site)) \
               SELECT a.site, a.n, 100.0 * a.n / b.n AS share FROM t AS a CROSS JOIN t AS b \
               WHERE a.total = 0 AND b.total = 1 ORDER BY a.site";
    let answer = ask(&study, sql, &rho("1")).unwrap();
    let shares = answer.intervals[2].as_ref().unwrap();
    assert!((0..2).all(|row| shares.low.value(row) < shares.high.value(row)));
    let sql = "SELECT COUNT(*) AS n FROM visits WHERE cost > (SELECT MAX(c) FROM (SELECT AVG(cost) \
               AS c FROM visits GROUP BY ROLLUP (site)) AS t)";
    assert_eq!(ask(&study, sql, &rho("1")).unwrap().table.num_rows(), 1);
}

#[test]
fn one_person_changes_every_set_within_its_own_sensitivity() {
    for sql in [
        "SELECT site, minutes < 30 AS short, COUNT(*) AS n, COUNT(DISTINCT person) AS people, \
         SUM(cost) AS cost FROM visits GROUP BY ROLLUP (site, minutes < 30)",
        "SELECT site, cost > 50 AS dear, AVG(minutes) AS m, GROUPING(site) AS g FROM visits \
         GROUP BY CUBE (site, cost > 50)",
        "SELECT site, MEDIAN(cost) AS m FROM visits GROUP BY GROUPING SETS ((site), ())",
    ] {
        neighbours::check(sql);
    }
}

#[test]
fn too_many_sets_and_sets_of_nothing_are_refused_before_any_charge() {
    let (_folder, study, _) = study();
    let keys: Vec<_> = (1..=65).map(|cut| format!("cost > {cut}")).collect();
    let wide =
        format!("SELECT COUNT(*) FROM visits GROUP BY GROUPING SETS (({}), ())", keys.join(", "));
    for (sql, why) in [
        (
            "SELECT COUNT(*) FROM visits GROUP BY CUBE (site, cost > 1, cost > 2, cost > 3, cost > 4, \
             cost > 5)",
            "more than 32 sets",
        ),
        (wide.as_str(), "more than 64 keys"),
        ("SELECT site FROM visits GROUP BY ROLLUP (site)", "would measure nothing"),
        ("SELECT person, COUNT(*) FROM visits GROUP BY ROLLUP (person)", "over the unit"),
        ("SELECT cost, COUNT(*) FROM visits GROUP BY ROLLUP (cost)", "doubles"),
        ("SELECT site, ARRAY_AGG(cost) FROM visits GROUP BY CUBE (site)", "array_agg"),
    ] {
        let error = ask(&study, sql, &rho("0.1")).unwrap_err();
        assert_eq!(error.kind().exit_code(), 2, "{sql}: {error}");
        assert!(error.to_string().contains(why), "{sql}: {error}");
        assert_eq!(error.to_string().matches("refused [").count(), 1, "{sql}: {error}");
    }
    assert!(study.hub().ledger().charges("study").unwrap().is_empty());
}

/// The keys that occur, without another aggregate: learned by their noisy number of people.
#[test]
fn distinct_keys_are_learned_keys() {
    let (_folder, study, tape) = study();
    let distinct = ask(&study, "SELECT DISTINCT reason FROM visits", &rho("10")).unwrap();
    let grouped = ask(&study, "SELECT reason FROM visits GROUP BY reason", &rho("10")).unwrap();
    assert_eq!(distinct.table.schema(), grouped.table.schema());
    assert!(distinct.table.num_rows() > 0 && grouped.table.num_rows() > 0);
    assert_eq!(tape.columns().len(), 2);
    assert_eq!(tape.columns()[0].request, tape.columns()[1].request, "one price for both");
    neighbours::check("SELECT DISTINCT reason FROM visits -- GROUP BY reason");
    let listed = ask(&study, "SELECT DISTINCT site FROM visits", &rho("10")).unwrap_err();
    assert!(listed.to_string().contains("nothing would be measured"), "{listed}");
}
