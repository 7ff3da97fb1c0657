//! No released column is NULL because of the data: cells that nobody is in, columns without a value and
//! questions about no rows answer like any other.

use std::sync::Arc;

use arrow::array::Array;
use voilage_tests::clinic::{Clinic, Visit, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{ask, rho};

/// Every aggregate there is.
const AGGREGATES: &str = "COUNT(*) AS a, COUNT(cost) AS b, COUNT(DISTINCT person) AS c, \
    COUNT(DISTINCT reason) AS d, SUM(cost) AS e, SUM(minutes) AS f, AVG(cost) AS g, VAR(cost) AS h, \
    STDDEV_POP(minutes) AS i, MIN(minutes) AS j, MAX(cost) AS k, MEDIAN(minutes) AS l, \
    APPROX_PERCENTILE_CONT(cost, 0.9) AS m, COUNT(DISTINCT minutes) FILTER (WHERE cost > 50) AS n, \
    AVG(minutes) FILTER (WHERE 1 = 0) AS o";

fn check(visits: &[Visit], rows: &str) {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), visits);
    let study = clinic.study(Arc::new(Tape::recording(1)));
    for (keys, cells) in [("", 1), ("site", 4)] {
        let (first, last) = match keys {
            "" => (String::new(), String::new()),
            keys => (format!("{keys}, "), format!(" GROUP BY {keys}")),
        };
        let sql = format!("SELECT {first}{AGGREGATES} FROM visits{rows}{last}");
        let answer = ask(&study, &sql, &rho("0.5")).unwrap();
        assert_eq!(answer.table.num_rows(), cells);
        let first = answer.table.num_columns() - 15;
        for (column, interval) in answer.table.columns().iter().zip(&answer.intervals).skip(first) {
            assert_eq!(column.null_count(), 0, "{sql}");
            let interval = interval.as_ref().unwrap();
            assert_eq!(interval.low.null_count() + interval.high.null_count(), 0, "{sql}");
        }
    }
}

#[test]
fn a_cell_that_nobody_is_in_is_never_null() {
    check(&orderly_visits(), "");
}

#[test]
fn a_column_without_a_value_and_a_question_about_no_rows_answer_like_an_empty_cell() {
    let mut empty = orderly_visits();
    for visit in &mut empty {
        (visit.cost, visit.minutes, visit.reason, visit.site) = (None, None, None, None);
    }
    check(&empty, "");
    check(&orderly_visits(), " WHERE reason = 'unheard of'");
}
