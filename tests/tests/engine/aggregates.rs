//! Every aggregate: what is measured for it, how exact it is, and what one person can change.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use tempfile::TempDir;
use voilage_query::{Answer, Study};
use voilage_tests::clinic::{Clinic, Visit, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{ask, neighbours, rho};

/// A clinic in which some costs are missing.
fn visits() -> Vec<Visit> {
    let mut visits = orderly_visits();
    visits.iter_mut().step_by(7).for_each(|visit| visit.cost = None);
    visits
}

fn study() -> (TempDir, Study) {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    (folder, study)
}

fn value(answer: &Answer, column: usize, row: usize) -> f64 {
    let array = cast(answer.table.column(column), &DataType::Float64).unwrap();
    assert!(!array.is_null(row), "no released value is ever NULL");
    array.as_primitive::<Float64Type>().value(row)
}

/// The names of the noisy columns that a question pays for.
fn paid(study: &Study, sql: &str) -> Vec<String> {
    let question = study.question(sql, &rho("0.1")).unwrap();
    let columns = &question.explanation().boundaries[0].noisy;
    columns.iter().map(|column| column.name.clone()).collect()
}

#[test]
fn filters_choose_the_rows_of_one_aggregate_only() {
    let (_folder, study) = study();
    let sql = "SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE minutes >= 30) AS long, \
               SUM(cost) FILTER (WHERE minutes >= 30) AS cost, \
               AVG(minutes) FILTER (WHERE cost > 50) AS mean, \
               COUNT(DISTINCT person) FILTER (WHERE cost > 50) AS people, \
               COUNT(cost) FILTER (WHERE minutes >= 30) AS priced FROM visits WHERE site = 1";
    let answer = ask(&study, sql, &rho("800")).unwrap();
    // Nobody has more than two visits at a site, so that nothing is cut.
    let mut visits = visits();
    visits.retain(|visit| visit.site == Some(1));
    let long = || visits.iter().filter(|visit| visit.minutes >= Some(30));
    let dear = || visits.iter().filter(|visit| visit.cost > Some(50.0));
    let mut people: Vec<_> = dear().map(|visit| visit.person).collect();
    people.dedup();
    let minutes: i64 = dear().filter_map(|visit| visit.minutes).sum();
    let expected = [
        visits.len() as f64,
        long().count() as f64,
        long().filter_map(|visit| visit.cost).sum(),
        minutes as f64 / dear().count() as f64,
        people.len() as f64,
        long().filter(|visit| visit.cost.is_some()).count() as f64,
    ];
    // Five standard deviations of the noise at a seventh of the loss: of counts, a sum, a mean of 30 rows.
    for (column, (expected, within)) in
        expected.iter().zip([1.0, 1.0, 120.0, 3.0, 1.0, 1.0]).enumerate()
    {
        let value = value(&answer, column, 0);
        assert!((value - expected).abs() <= within, "column {column}: {value} against {expected}");
    }
}

#[test]
fn a_count_is_reused_only_over_the_same_rows() {
    let (_folder, study) = study();
    for (aggregates, expected) in [
        ("AVG(cost), COUNT(cost)", "deviations rows"),
        ("AVG(cost), VAR(cost), STDDEV_POP(cost), COUNT(cost)", "deviations rows squares"),
        // A NULL in one argument is no NULL in the other.
        ("AVG(cost), COUNT(*)", "deviations rows rows"),
        ("AVG(cost), AVG(minutes)", "deviations rows deviations rows"),
        // Another FILTER, other rows.
        ("AVG(cost) FILTER (WHERE site = 1), COUNT(cost)", "deviations rows rows"),
        (
            "AVG(cost) FILTER (WHERE site = 1), COUNT(cost) FILTER (WHERE site = 1)",
            "deviations rows",
        ),
        (
            "COUNT(*) FILTER (WHERE site = 1), COUNT(*) FILTER (WHERE site = 2), COUNT(*)",
            "rows rows rows",
        ),
        ("COUNT(DISTINCT person), COUNT(DISTINCT person) FILTER (WHERE site = 1)", "units units"),
    ] {
        let names = paid(&study, &format!("SELECT {aggregates} FROM visits"));
        let kinds: Vec<&str> =
            names.iter().filter_map(|name| name.split_once('_')).map(|(_, kind)| kind).collect();
        assert_eq!(kinds.join(" "), expected, "{aggregates}");
    }
}

#[test]
fn spreads_are_those_of_the_rows_and_within_the_bounds() {
    let (_folder, study) = study();
    let sql = "SELECT site, VAR(minutes) AS part, VAR_POP(minutes) AS whole, \
               STDDEV(minutes) AS deviation FROM visits WHERE site IS NOT NULL GROUP BY site";
    let answer = ask(&study, sql, &rho("800")).unwrap();
    for row in 0..2 {
        let values: Vec<f64> = visits()
            .iter()
            .filter(|visit| visit.site == Some(row as i64 + 1))
            .filter_map(|visit| visit.minutes)
            .map(|minutes| minutes as f64)
            .collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let whole = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
        let expected = [whole * n / (n - 1.0), whole, (whole * n / (n - 1.0)).sqrt()];
        // The noise of the squares is 75 minutes squared a row, over 75 rows.
        for (column, expected) in expected.into_iter().enumerate() {
            let value = value(&answer, column + 1, row);
            let within = if column == 2 { 1.0 } else { 8.0 };
            assert!((value - expected).abs() < within, "{value} against {expected}");
            let interval = answer.intervals[column + 1].as_ref().unwrap();
            assert!(interval.low.value(row) <= value && value <= interval.high.value(row));
        }
    }
    // An empty cell answers within what the bounds allow, and never with NULL.
    for column in 1..4 {
        let value = value(&answer, column, 2);
        assert!((0.0..=1_800.0).contains(&value), "{value}");
    }
}

#[test]
fn one_person_changes_every_aggregate_within_its_sensitivity() {
    for sql in [
        "SELECT site, VAR(cost) AS v, STDDEV(minutes) AS s FROM visits GROUP BY site",
        "SELECT site, COUNT(*) FILTER (WHERE cost > 50) AS n, AVG(minutes) FILTER (WHERE cost > 50) \
         AS m, COUNT(DISTINCT person) FILTER (WHERE minutes < 30) AS p FROM visits GROUP BY site",
        "SELECT reason, VAR_POP(minutes) AS v, SUM(cost) FILTER (WHERE site = 1) AS c FROM visits \
         GROUP BY reason",
    ] {
        neighbours::check(sql);
    }
}

/// Runs a question with other noise again and again, and counts how often the interval of each column
/// holds what the question says about the exact bounded values.
///
/// 120 seeded runs of 2 rows each through the whole engine; the covered share has a standard deviation
/// of 1.4% where the rows are independent, 2% where they are not. The test alarms below 90%, which
/// happens by chance less than once in 100 columns at the worst, with a fixed seed, and notices intervals
/// that are a third too narrow (81%). The rate itself is measured beside the code, over 10,000 runs.
#[test]
fn derived_columns_are_covered() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &visits());
    let sql = "SELECT site, n, share, ratio, difference FROM (SELECT site, n, \
               100.0 * n / SUM(n) OVER () AS share, 1.0 * long / n AS ratio, n - long AS difference \
               FROM (SELECT site, COUNT(*) AS n, COUNT(*) FILTER (WHERE minutes >= 30) AS long \
               FROM visits WHERE site IN (1, 2) GROUP BY site) AS t) AS u ORDER BY n DESC LIMIT 2";
    let exact = ask(&clinic.study(Arc::new(Tape::recording(1))), sql, &rho("300")).unwrap();
    let truth = |site: f64, column: usize| {
        let row = (0..2).find(|row| value(&exact, 0, *row) == site).unwrap();
        value(&exact, column, row)
    };
    let mut covered = [0_u32; 5];
    const RUNS: u32 = 120;
    for seed in 0..RUNS {
        let study = clinic.study(Arc::new(Tape::recording(u64::from(seed))));
        let answer = ask(&study, sql, &rho(&format!("0.8{seed:04}"))).unwrap();
        for row in 0..2 {
            for (column, covered) in covered.iter_mut().enumerate().skip(1) {
                let interval = answer.intervals[column].as_ref().unwrap();
                let truth = truth(value(&answer, 0, row), column);
                let inside = interval.low.value(row) <= truth && truth <= interval.high.value(row);
                *covered += u32::from(inside);
            }
        }
    }
    for covered in &covered[1..] {
        let share = f64::from(*covered) / f64::from(2 * RUNS);
        assert!(share >= 0.9, "{covered:?} of {}", 2 * RUNS);
    }
}

#[test]
fn a_row_that_cannot_be_recognised_has_no_interval_and_one_that_can_has() {
    let (_folder, study) = study();
    for (sql, has) in [
        ("SELECT 2 * n FROM (SELECT site, COUNT(*) AS n FROM visits GROUP BY site) AS t", true),
        (
            "SELECT MAX(n) - MIN(n) FROM (SELECT site, COUNT(*) AS n FROM visits GROUP BY site) AS t",
            true,
        ),
        (
            "SELECT site, n + 1 AS m FROM (SELECT site, COUNT(*) AS n FROM visits GROUP BY site) AS t \
          WHERE n > 10 ORDER BY m LIMIT 1",
            true,
        ),
        (
            "SELECT a.n - b.n AS d FROM (SELECT site, COUNT(*) AS n FROM visits GROUP BY site) AS a \
          JOIN (SELECT site, COUNT(cost) AS n FROM visits GROUP BY site) AS b ON a.site = b.site",
            true,
        ),
        (
            "SELECT DISTINCT n / 1000 AS k FROM (SELECT site, COUNT(*) AS n FROM visits GROUP BY site) AS t",
            false,
        ),
    ] {
        let answer = ask(&study, sql, &rho("0.5")).unwrap();
        let column = answer.table.num_columns() - 1;
        let interval = answer.intervals[column].as_ref().unwrap();
        for row in 0..answer.table.num_rows() {
            assert_eq!(interval.low.is_valid(row), has || answer.table.num_rows() == 1, "{sql}");
            if has {
                let value = value(&answer, column, row);
                assert!(
                    interval.low.value(row) <= value && value <= interval.high.value(row),
                    "{sql}"
                );
            }
        }
    }
}

/// The imagined noise is a function of what was sealed: a replay shows the same intervals.
#[test]
fn intervals_of_derived_columns_are_the_same_at_every_replay() {
    let (_folder, study) = study();
    let sql = "SELECT site, VAR(minutes) AS v, SUM(minutes) / 60 AS h FROM visits GROUP BY site";
    let first = ask(&study, sql, &rho("0.5")).unwrap();
    let again = ask(&study, sql, &rho("0.5")).unwrap();
    assert!(again.replayed);
    assert_eq!(first.intervals, again.intervals);
    assert!(first.intervals[1].is_some() && first.intervals[2].is_some());
}

#[test]
fn quantiles_are_those_of_the_rows_in_order_and_never_null() {
    let (_folder, study) = study();
    let sql = "SELECT site, MIN(minutes) AS low, APPROX_PERCENTILE_CONT(minutes, 0.25) AS quarter, \
               MEDIAN(minutes) AS middle, APPROX_PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY minutes) AS high, \
               MAX(minutes) AS top FROM visits WHERE site IS NOT NULL GROUP BY site";
    let answer = ask(&study, sql, &rho("800")).unwrap();
    for row in 0..2 {
        let mut minutes: Vec<i64> = visits()
            .iter()
            .filter(|visit| visit.site == Some(row as i64 + 1))
            .filter_map(|visit| visit.minutes)
            .collect();
        minutes.sort_unstable();
        for (column, share) in [0.01, 0.25, 0.5, 0.9, 0.99].into_iter().enumerate() {
            // The noise of a round is below two rows in rank.
            let rank = share * minutes.len() as f64;
            let at = |rank: f64| minutes[(rank as usize).min(minutes.len() - 1)] as f64;
            let value = value(&answer, column + 1, row);
            assert!(
                at((rank - 3.0).max(0.0)) <= value && value <= at(rank + 3.0),
                "{share}: {value}"
            );
            let interval = answer.intervals[column + 1].as_ref().unwrap();
            assert!(interval.low.value(row) <= value && value <= interval.high.value(row));
        }
    }
    // With much noise they are still in order, and within the bounds; so is the empty site.
    let answer = ask(&study, sql, &rho("0.01")).unwrap();
    for row in 0..3 {
        let values: Vec<f64> = (1..6).map(|column| value(&answer, column, row)).collect();
        assert!(values.is_sorted() && values[0] >= 0.0 && values[4] <= 60.0, "{values:?}");
    }
}

#[test]
fn one_person_changes_every_round_of_a_search_within_its_sensitivity() {
    neighbours::check(
        "SELECT site, MEDIAN(cost) AS m, APPROX_PERCENTILE_CONT(cost, 0.9) AS p, MAX(minutes) AS t \
         FROM visits GROUP BY site",
    );
    neighbours::check("SELECT reason, MEDIAN(minutes) AS m FROM visits GROUP BY reason");
}

#[test]
fn quantiles_outside_their_range_are_refused_before_any_charge() {
    let (_folder, study) = study();
    for share in ["0.0", "1.0", "0.1234567"] {
        let sql = format!("SELECT APPROX_PERCENTILE_CONT(cost, {share}) FROM visits");
        let error = ask(&study, &sql, &rho("0.1")).unwrap_err().to_string();
        assert!(error.contains("strictly between 0 and 1"), "{error}");
    }
    for sql in [
        "SELECT APPROX_PERCENTILE_CONT(cost, 1.5) FROM visits",
        "SELECT APPROX_PERCENTILE_CONT(cost, -0.5) FROM visits",
        "SELECT APPROX_PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY cost DESC) FROM visits",
        "SELECT MEDIAN(person) FROM visits",
    ] {
        let refused = ask(&study, sql, &rho("0.1"));
        assert_eq!(refused.unwrap_err().kind().exit_code(), 2, "{sql}");
    }
    assert!(study.hub().ledger().charges("study").unwrap().is_empty());
}

/// The rounds of a search cost together what one other column costs.
#[test]
fn a_search_is_one_column_to_the_budget() {
    let (_folder, study) = study();
    let scales = |sql: &str| -> Vec<String> {
        let question = study.question(sql, &rho("0.1")).unwrap();
        let columns = &question.explanation().boundaries[0].noisy;
        columns.iter().map(|column| column.scale.clone()).collect()
    };
    let both = scales("SELECT COUNT(*), MEDIAN(minutes) FROM visits");
    assert_eq!(both.len(), 1 + 6, "every round is told");
    assert_eq!(both[0], scales("SELECT COUNT(*), SUM(minutes) FROM visits")[0]);
}
