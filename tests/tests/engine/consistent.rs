//! Consistent values: counts that are not negative, and totals that are the sums of their parts.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use voilage_query::{Answer, AskOptions, Spend, Study};
use voilage_tests::clinic::{Clinic, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{ask, rho};

const ROLLUP: &str = "SELECT site, minutes < 30 AS short, GROUPING(site, minutes < 30) AS g, \
                      COUNT(*) AS n, SUM(minutes) AS total, COUNT(DISTINCT person) AS people \
                      FROM visits GROUP BY ROLLUP (site, minutes < 30)";

fn study() -> (tempfile::TempDir, Study) {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(5)));
    (folder, study)
}

fn consistent(study: &Study, sql: &str, price: &str) -> Answer {
    let options = AskOptions { consistent: true, ..AskOptions::default() };
    let question = study.question_with(sql, &rho(price), &options).unwrap();
    assert!(question.explanation().notes.iter().any(|note| note.contains("sums of their parts")));
    question.run(&voilage_query::observer::Unobserved).unwrap()
}

fn whole(answer: &Answer, name: &str) -> Vec<Option<i64>> {
    let column = answer.table.column_by_name(name).unwrap();
    let column = cast(column, &DataType::Int64).unwrap();
    column.as_primitive::<Int64Type>().iter().collect()
}

#[test]
fn parts_add_up_and_no_count_is_negative() {
    let (_folder, study) = study();
    let drawn = ask(&study, ROLLUP, &rho("0.002")).unwrap();
    let answer = consistent(&study, ROLLUP, "0.002");
    assert!(answer.replayed, "it is free, and the values as they were drawn are too");
    let (sites, sets) = (whole(&answer, "site"), whole(&answer, "g"));
    for name in ["n", "total"] {
        let values = whole(&answer, name);
        let of = |set: i64, site: Option<Option<i64>>| -> i64 {
            let rows = (0..values.len()).filter(|row| sets[*row] == Some(set));
            let rows = rows.filter(|row| site.is_none_or(|site| sites[*row] == site));
            rows.map(|row| values[row].unwrap()).sum()
        };
        assert_eq!(of(1, None), of(3, None), "sites add up to the total of {name}");
        for site in [Some(1), Some(2), Some(3), None] {
            assert_eq!(of(0, Some(site)), of(1, Some(site)), "{name} of site {site:?}");
        }
        assert!(values.iter().all(|value| value.unwrap() >= 0), "{name}: {values:?}");
        assert_ne!(values, whole(&drawn, name), "with so much noise, something had to give");
        // Intervals hold what is shown, and stay around what was drawn.
        let position = answer.table.schema().index_of(name).unwrap();
        let (ours, plain) = (&answer.intervals[position], &drawn.intervals[position]);
        let (ours, plain) = (ours.as_ref().unwrap(), plain.as_ref().unwrap());
        for (row, value) in values.iter().enumerate() {
            let value = value.unwrap() as f64;
            assert!(ours.low.value(row) <= value && value <= ours.high.value(row));
            assert!(
                ours.low.value(row) >= 0.0
                    && ours.high.value(row) >= plain.high.value(row).max(0.0)
            );
        }
    }
    let people = whole(&answer, "people");
    let before = whole(&drawn, "people");
    let cut: Vec<_> = before.iter().map(|value| value.map(|value| value.max(0))).collect();
    assert_eq!(people, cut, "people do not add up, and are cut off at 0");
}

/// Sets that are not nested do not add up to each other; their counts are not negative all the same.
#[test]
fn a_cube_is_cut_off_and_a_total_beside_its_parts_is_fitted() {
    let (_folder, study) = study();
    let cube =
        "SELECT site, cost > 50 AS dear, COUNT(*) AS n FROM visits GROUP BY CUBE (site, cost > 50)";
    let counts = whole(&consistent(&study, cube, "0.002"), "n");
    assert!(counts.iter().all(|count| count.unwrap() >= 0));
    let beside = "SELECT SUM(n) AS parts, MAX(whole) AS whole FROM \
                  (SELECT site, COUNT(*) AS n FROM visits GROUP BY site) AS t CROSS JOIN \
                  (SELECT COUNT(*) AS whole FROM visits) AS u";
    let answer = consistent(&study, beside, "0.002");
    assert_eq!(whole(&answer, "parts"), whole(&answer, "whole"));
    let interval = answer.intervals[0].as_ref().unwrap();
    assert!(interval.low.is_valid(0) && interval.low.value(0) < interval.high.value(0));
}

#[test]
fn consistency_is_said_in_sql_and_is_no_part_of_the_question() {
    let (_folder, study) = study();
    let sql = ROLLUP.replacen(
        "SELECT",
        "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(rho = 0.5, consistent = true)",
        1,
    );
    let first = ask(&study, &sql, &Spend::AsWritten).unwrap();
    let drawn = ask(&study, ROLLUP, &rho("0.5")).unwrap();
    assert!(drawn.replayed);
    assert_eq!(first.receipt, drawn.receipt);
    let top = "SELECT site, COUNT(*) AS n FROM visits GROUP BY site ORDER BY n DESC LIMIT 1";
    let question = study.question(top, &rho("0.5")).unwrap();
    assert!(question.explanation().notes[0].contains("LIMIT chooses among released values"));
}
