//! `dp_interval_low(x)` and `dp_interval_high(x)` above the aggregate.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use voilage_query::{Answer, Interval, Study};
use voilage_tests::clinic::{Clinic, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{ask, neighbours, rho};

fn study() -> (tempfile::TempDir, Study) {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    (folder, study)
}

fn column(answer: &Answer, name: &str) -> Vec<Option<f64>> {
    let column = answer.table.column_by_name(name).unwrap();
    column.as_primitive::<Float64Type>().iter().collect()
}

fn interval<'a>(answer: &'a Answer, name: &str) -> &'a Interval {
    let position = answer.table.schema().index_of(name).unwrap();
    answer.intervals[position].as_ref().unwrap()
}

/// The columns of ends are the intervals that the plain question has: of a count, of a mean, of a ratio
/// and of a share of the total.
#[test]
fn ends_are_those_of_the_interval() {
    let (_folder, study) = study();
    let plain = "SELECT site, COUNT(*) AS n, AVG(cost) AS mean, \
                 1.0 * COUNT(cost) / COUNT(*) AS ratio, \
                 100.0 * COUNT(*) / SUM(COUNT(*)) OVER () AS share \
                 FROM visits WHERE site IN (1, 2) GROUP BY site";
    let ends = plain.replace(
        "AS share ",
        "AS share, dp_interval_low(COUNT(*)) AS n_lo, dp_interval_high(COUNT(*)) AS n_hi, \
         dp_interval_low(AVG(cost)) AS mean_lo, dp_interval_high(AVG(cost)) AS mean_hi, \
         dp_interval_low(1.0 * COUNT(cost) / COUNT(*)) AS ratio_lo, \
         dp_interval_high(1.0 * COUNT(cost) / COUNT(*)) AS ratio_hi, \
         dp_interval_low(100.0 * COUNT(*) / SUM(COUNT(*)) OVER ()) AS share_lo, \
         dp_interval_high(100.0 * COUNT(*) / SUM(COUNT(*)) OVER ()) AS share_hi ",
    );
    let plain = ask(&study, plain, &rho("1")).unwrap();
    let with = ask(&study, &ends, &rho("1")).unwrap();
    assert!(with.replayed, "ends are free");
    for name in ["n", "mean", "ratio", "share"] {
        let expected = interval(&plain, name);
        assert_eq!(interval(&with, name), expected, "{name} keeps its interval");
        let low: Vec<_> = expected.low.iter().collect();
        let high: Vec<_> = expected.high.iter().collect();
        assert_eq!(column(&with, &format!("{name}_lo")), low, "{name}");
        assert_eq!(column(&with, &format!("{name}_hi")), high, "{name}");
        assert!(low.iter().zip(&high).all(|(low, high)| low.unwrap() < high.unwrap()));
        let position = with.table.schema().index_of(&format!("{name}_lo")).unwrap();
        assert!(with.intervals[position].is_none(), "an end has no interval");
    }
}

#[test]
fn ends_filter_sort_and_enter_arithmetic() {
    let (_folder, study) = study();
    let counts = "SELECT site, COUNT(*) AS n FROM visits GROUP BY site";
    let all = ask(&study, counts, &rho("0.02")).unwrap();
    let known = interval(&all, "n");
    let sure = (0..4).filter(|row| known.low.value(*row) > 0.0).count();
    assert!(sure > 0 && sure < 4, "some site is certain to have rows, another is not");
    for sql in [
        format!("{counts} HAVING dp_interval_low(COUNT(*)) > 0"),
        format!("SELECT site, n FROM ({counts}) AS t WHERE dp_interval_low(n) > 0"),
        format!(
            "SELECT site, n FROM (SELECT site, n, dp_interval_low(n) AS lo FROM ({counts}) AS t) AS u \
             WHERE lo > 0"
        ),
    ] {
        let answer = ask(&study, &sql, &rho("0.02")).unwrap();
        assert!(answer.replayed, "{sql}");
        assert_eq!(answer.table.num_rows(), sure, "{sql}");
        // What passes through keeps its interval.
        assert!((0..sure).all(|row| interval(&answer, "n").high.is_valid(row)), "{sql}");
    }
    let sql = "SELECT site, (dp_interval_high(n) - dp_interval_low(n)) / 2 AS half, n - 1 AS m \
               FROM (SELECT site, COUNT(*) AS n FROM visits GROUP BY site) AS t \
               ORDER BY dp_interval_high(n) DESC, site LIMIT 2";
    let answer = ask(&study, sql, &rho("0.02")).unwrap();
    assert_eq!(answer.table.num_rows(), 2);
    let half = column(&answer, "half")[0].unwrap();
    assert!((half - (known.high.value(0) - known.low.value(0)) / 2.0).abs() < 1e-9);
    let nested = "SELECT site, dp_interval_low(n) AS lo, dp_interval_high(n) AS hi FROM \
                  (SELECT site, COUNT(*) AS n FROM visits GROUP BY site \
                  HAVING dp_interval_low(COUNT(*)) > 0) AS t ORDER BY dp_interval_low(n)";
    let answer = ask(&study, nested, &rho("0.02")).unwrap();
    let low = column(&answer, "lo");
    assert!(low.len() == sure && low.is_sorted_by(|a, b| a <= b));
}

/// A cut-off at the end of an interval: the later boundary reads it from the earlier one's seal.
#[test]
fn ends_may_cut_off_rows() {
    let (_folder, study) = study();
    let sql = "SELECT COUNT(*) AS n FROM visits WHERE cost > \
               (SELECT dp_interval_high(AVG(cost)) FROM visits)";
    let mean = ask(&study, "SELECT AVG(cost) AS c FROM visits", &rho("1")).unwrap();
    let answer = ask(&study, sql, &rho("1")).unwrap();
    assert_eq!(answer.table.num_rows(), 1);
    assert!(mean.intervals[0].is_some());
    neighbours::check(sql);
    neighbours::check(
        "SELECT site, dp_interval_low(n) AS lo FROM (SELECT site, COUNT(*) AS n FROM visits \
         GROUP BY site) AS t WHERE dp_interval_high(n) > 3",
    );
}

#[test]
fn what_has_no_interval_is_refused_before_any_charge() {
    let (_folder, study) = study();
    for (sql, why) in [
        ("SELECT SUM(dp_interval_low(cost)) FROM visits", "a row of an individual"),
        ("SELECT dp_interval_low(cost) FROM visits", "a row of an individual"),
        (
            "SELECT site, COUNT(*), dp_interval_low(site) FROM visits GROUP BY site",
            "what has no noise",
        ),
        ("SELECT dp_interval_low(5), COUNT(*) FROM visits", "what has no noise"),
        ("SELECT dp_interval_low(dp_interval_high(COUNT(*))) FROM visits", "no interval itself"),
        (
            "SELECT SUM(dp_interval_low(n)) FROM (SELECT site, COUNT(*) AS n FROM visits \
             GROUP BY site) AS t",
            "inside an aggregate",
        ),
        (
            "SELECT dp_interval_low(n + lo) FROM (SELECT n, dp_interval_low(n) AS lo FROM \
             (SELECT COUNT(*) AS n FROM visits) AS t) AS u",
            "settled for those",
        ),
        ("SELECT dp_interval_low() FROM visits", ""),
        ("SELECT dp_interval_low(COUNT(*), 1) FROM visits", ""),
        ("SELECT dp_interval_lower(COUNT(*)) FROM visits", "dp_interval_low"),
    ] {
        let error = ask(&study, sql, &rho("0.1")).unwrap_err();
        assert_eq!(error.kind().exit_code(), 2, "{sql}: {error}");
        assert!(error.to_string().contains(why), "{sql}: {error}");
    }
    assert!(study.hub().ledger().charges("study").unwrap().is_empty());
}
