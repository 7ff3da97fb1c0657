//! Record and replay: a plan runs on data and on its neighbours, which differ by one person, with
//! the released values and the bounding key held fixed. Everything but the exact values must be
//! the same, and those may differ by the declared sensitivity only.

use std::collections::BTreeMap;
use std::sync::Arc;

use voilage_privacy::source::testing::RecordedColumn;
use voilage_query::Answer;
use voilage_tests::clinic::{Clinic, Visit, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{ask, rho};

const QUESTIONS: [&str; 10] = [
    "SELECT COUNT(*) AS n, COUNT(DISTINCT person) AS people FROM visits",
    "SELECT site, COUNT(*) AS n, SUM(cost) AS cost FROM visits GROUP BY site",
    "SELECT site, AVG(cost) AS cost, AVG(minutes) AS minutes, COUNT(cost) AS n FROM visits GROUP BY site",
    "SELECT SUM(minutes) AS minutes FROM visits WHERE cost > 20 AND site IN (1, 2)",
    "SELECT reason, COUNT(*) AS n FROM visits GROUP BY reason",
    "SELECT r.chapter, AVG(v.cost) AS cost FROM visits v JOIN reasons r ON v.reason = r.reason GROUP BY r.chapter",
    "SELECT p.sex, COUNT(*) AS n FROM visits v JOIN people p ON v.person = p.person GROUP BY p.sex",
    "SELECT site, COUNT(DISTINCT person) AS n FROM visits WHERE person IN \
     (SELECT person FROM visits WHERE cost >= 50) GROUP BY site",
    "SELECT site, COUNT(DISTINCT reason) AS reasons, COUNT(DISTINCT cost) AS costs FROM visits GROUP BY site",
    "SELECT reason, COUNT(DISTINCT minutes) FILTER (WHERE cost > 50) AS lengths, SUM(minutes) AS m \
     FROM visits GROUP BY reason",
];

/// People that are hard on an engine: many rows, many groups, hostile values.
fn newcomers() -> Vec<Vec<Visit>> {
    let visit = |site, reason: &str, cost, minutes| Visit {
        person: Some(1_000),
        site,
        reason: Some(reason.to_owned()),
        cost,
        minutes,
    };
    vec![
        vec![visit(Some(1), "flu", Some(100.0), Some(60))],
        (0..1_000).map(|n| visit(Some(1 + n % 3), "flu", Some(99.0), Some(n % 60))).collect(),
        (0..100).map(|n| visit(Some(2), &format!("rare {n}"), Some(1.0), Some(1))).collect(),
        // Everything that others have, and as much that nobody has, all of it in two groups.
        (0..1_000)
            .map(|n| {
                let reason = ["flu", "cough", "fracture"].get(n % 6).copied();
                let own = format!("own {n}");
                let cost = Some(n as f64 / 10.0);
                visit(Some(1 + n as i64 % 2), reason.unwrap_or(&own), cost, Some(n as i64 % 60))
            })
            .collect(),
        [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e308, f64::MIN_POSITIVE]
            .into_iter()
            .map(|cost| visit(Some(3), "cough", Some(cost), Some(i64::MIN)))
            .collect(),
        vec![
            visit(None, "", None, None),
            visit(Some(i64::MAX), "\u{0}", Some(-1.0), Some(i64::MAX)),
            Visit { person: Some(i64::MIN), ..visit(Some(1), "flu", Some(5.0), None) },
        ][..2]
            .to_vec(),
    ]
}

/// A run's exact values by column and key, and everything that must not depend on a person.
fn run(visits: &[Visit], sql: &str, tape: Tape) -> (Answer, Vec<RecordedColumn>) {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), visits);
    let study = clinic.study(Arc::new(tape.clone()));
    let answer = ask(&study, sql, &rho("0.5")).unwrap();
    (answer, tape.columns())
}

fn exact(column: &RecordedColumn) -> BTreeMap<Box<[u8]>, i128> {
    column.cells.iter().map(|cell| (cell.label.clone(), cell.exact)).collect()
}

pub(crate) fn compare(sql: &str, one: &[RecordedColumn], other: &[RecordedColumn], learned: bool) {
    assert_eq!(one.len(), other.len(), "{sql}: the number of noise requests differs");
    for (left, right) in one.iter().zip(other) {
        assert_eq!(left.request, right.request, "{sql}: the noise differs");
        let (a, b) = (exact(left), exact(right));
        if !learned {
            assert!(a.keys().eq(b.keys()), "{sql}: public cells differ");
        }
        let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
        let value = |cells: &BTreeMap<Box<[u8]>, i128>, key| cells.get(key).copied().unwrap_or(0);
        let distances: Vec<u128> = keys
            .into_iter()
            .map(|key| value(&a, key).abs_diff(value(&b, key)))
            .filter(|distance| *distance > 0)
            .collect();
        let sensitivity = &left.request.sensitivity;
        assert!(
            distances.len() <= sensitivity.max_groups() as usize,
            "{sql}: one person changed {} groups",
            distances.len()
        );
        for distance in distances {
            assert!(
                distance <= sensitivity.per_group(),
                "{sql}: {} changed by {distance}",
                left.request.column
            );
        }
    }
}

#[test]
fn one_person_more_or_less_changes_exact_values_within_the_sensitivity_and_nothing_else() {
    QUESTIONS.into_iter().for_each(check);
}

/// Records a question on the orderly clinic and replays it on every neighbour.
pub(crate) fn check(sql: &str) {
    let base = orderly_visits();
    let learned = sql.contains("GROUP BY reason") || sql.contains("GROUP BY r.chapter");
    let (answer, recorded) = run(&base, sql, Tape::recording(42));
    let mut neighbours: Vec<Vec<Visit>> = [4, 31, 60]
        .into_iter()
        .map(|gone| base.iter().filter(|v| v.person != Some(gone)).cloned().collect())
        .collect();
    for newcomer in newcomers() {
        neighbours.push(newcomer.into_iter().chain(base.iter().cloned()).collect());
    }
    for neighbour in neighbours {
        let (other, replayed) = run(&neighbour, sql, Tape::replaying(&recorded));
        compare(sql, &recorded, &replayed, learned);
        assert_eq!(answer.receipt.loss, other.receipt.loss, "{sql}");
        assert_eq!(answer.receipt.plan_hash, other.receipt.plan_hash, "{sql}");
        if !learned {
            assert_eq!(answer.table, other.table, "{sql}");
            assert_eq!(answer.intervals, other.intervals, "{sql}");
        }
    }
}

/// The comparison itself can fail: a value that moves further than declared is noticed.
#[test]
#[should_panic(expected = "changed by")]
fn a_larger_change_than_declared_is_noticed() {
    let (_, recorded) = run(&orderly_visits(), QUESTIONS[1], Tape::recording(1));
    let mut tampered = recorded.clone();
    let bound = tampered[0].request.sensitivity.per_group() as i128;
    tampered[0].cells[0].exact += bound + 1;
    compare(QUESTIONS[1], &recorded, &tampered, false);
}

#[test]
fn row_order_changes_nothing() {
    let base: Vec<Visit> = newcomers().remove(1).into_iter().chain(orderly_visits()).collect();
    let mut turned = base.clone();
    turned.reverse();
    for sql in QUESTIONS {
        let (answer, recorded) = run(&base, sql, Tape::recording(42));
        let (other, again) = run(&turned, sql, Tape::recording(42));
        assert_eq!(recorded, again, "{sql}");
        assert_eq!(answer.table, other.table, "{sql}");
    }
}
