//! Bugs planted into what two runs are compared by: each is found, so the comparison can fail.

use voilage_privacy::sensitivity::{Sensitivity, SensitivityTerms};
use voilage_query::Spend;
use voilage_tests::neighbourhood::{Change, Neighbourhood};
use voilage_tests::plans;
use voilage_tests::records::Manner;
use voilage_tests::replay::{Run, violations};

const SQL: &str = "SELECT kind, COUNT(*) AS n, SUM(size) AS size FROM events GROUP BY kind";

/// A question on records and on a neighbour whose newcomer has a hundred rows in many groups.
fn runs(sql: &str) -> (Run, Run) {
    let changes = [Change::Added(Manner::Sweep, 100)];
    let neighbourhood = Neighbourhood::build(plans::HUB, "hostile", &changes);
    neighbourhood.runs(sql, &Spend::AsWritten, 0).unwrap()
}

fn found(base: &Run, other: &Run, what: &str) {
    let violations = violations(base, other);
    assert!(violations.iter().any(|violation| violation.contains(what)), "{violations:?}");
}

/// A plan that declares less than what a person can change: the bug that all of this is for.
#[test]
fn a_sensitivity_declared_too_small_is_found() {
    let (mut base, mut other) = runs(SQL);
    assert_eq!(violations(&base, &other), Vec::<String>::new());
    let declare = |run: &mut Run, max_groups, per_group| {
        for column in &mut run.columns {
            let terms = SensitivityTerms { max_groups, per_group };
            column.request.sensitivity = Sensitivity::new(terms).unwrap();
        }
    };
    for run in [&mut base, &mut other] {
        declare(run, 1, 1_000);
    }
    found(&base, &other, "changed 2 groups, and may change 1");
    for run in [&mut base, &mut other] {
        declare(run, 2, 1);
    }
    found(&base, &other, "and may by 1");
}

/// A rollup that is bounded once: its total is added up from cells that were bounded by finer keys, so
/// that somebody who is in several of them is in the total several times.
#[test]
fn a_rollup_that_is_bounded_once_is_found() {
    let sql = "SELECT kind, COUNT(DISTINCT who) AS people FROM events GROUP BY ROLLUP (kind)";
    let (mut base, mut other) = runs(sql);
    assert_eq!(violations(&base, &other), Vec::<String>::new());
    for run in [&mut base, &mut other] {
        assert_eq!(run.columns.len(), 2);
        let total = run.columns[0].cells.iter().map(|cell| cell.exact).sum();
        run.columns[1].cells[0].exact = total;
    }
    found(&base, &other, "and may by 1");
}

/// Groups that are merged after bounding: a person who was bounded in each of them is in the one that
/// comes out several times.
#[test]
fn groups_that_are_merged_after_bounding_are_found() {
    let (mut base, mut other) = runs(SQL);
    for column in base.columns.iter_mut().chain(&mut other.columns) {
        let total = column.cells.iter().map(|cell| cell.exact).sum();
        column.cells.truncate(1);
        column.cells[0].exact = total;
    }
    found(&base, &other, "and may by 3");
}

/// A price for the question as a whole: one person may be in two groups, and the noise was paid for
/// somebody who is in one.
#[test]
fn a_price_per_question_instead_of_per_group_is_found() {
    let (mut base, mut other) = runs(SQL);
    for column in base.columns.iter_mut().chain(&mut other.columns) {
        let per_group = column.request.sensitivity.per_group();
        let terms = SensitivityTerms { max_groups: 1, per_group };
        column.request.sensitivity = Sensitivity::new(terms).unwrap();
    }
    found(&base, &other, "cells changed, and 1 may");
    found(&base, &other, "the squared L2 distance is");
}

/// A cell that is NULL as long as nobody is in it.
#[test]
fn null_in_an_empty_cell_is_found() {
    let (base, mut other) = runs(SQL);
    let Ok(shown) = &mut other.outcome else { panic!("it was answered") };
    let mut columns = shown.table.columns().to_vec();
    columns[1] = arrow::array::new_null_array(columns[1].data_type(), shown.table.num_rows());
    let names = shown.table.schema();
    let columns =
        names.fields().iter().zip(columns).map(|(field, column)| (field.name(), column, true));
    shown.table = arrow::array::RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    found(&base, &other, "shown differently");
}

/// Values that are counted where they come from, and united nowhere: a value that two parts of the rows
/// have is counted twice, and a person with rows in both parts brings twice as many.
#[test]
fn distinct_values_that_are_added_up_are_found() {
    let sql = "SELECT kind, COUNT(DISTINCT note) AS notes FROM events GROUP BY kind";
    let (base, mut other) = runs(sql);
    assert_eq!(violations(&base, &other), Vec::<String>::new());
    for cell in &mut other.columns[0].cells {
        cell.exact += 3;
    }
    found(&base, &other, "a cell changed by");
}

#[test]
fn noise_that_depends_on_the_records_is_found() {
    let (base, mut other) = runs(SQL);
    other.columns[0].request.column.push('x');
    found(&base, &other, "is another");
    let (base, mut other) = runs(SQL);
    other.columns.pop();
    found(&base, &other, "noise requests");
}

#[test]
fn a_public_cell_that_comes_or_goes_is_found() {
    let (base, mut other) = runs(SQL);
    other.columns[0].cells.pop();
    found(&base, &other, "public cells differ");
}

/// Keys may be learned from one person alone, and only as many as the bound allows.
#[test]
fn learned_candidates_beyond_the_bound_are_found() {
    let (base, mut other) = runs("SELECT note, COUNT(*) AS n FROM events GROUP BY note");
    assert_eq!(violations(&base, &other), Vec::<String>::new());
    for column in &mut other.columns {
        let cell = column.cells[0].clone();
        for extra in 0..3_u8 {
            let mut planted = cell.clone();
            planted.label = vec![extra; 5].into();
            planted.exact = 1;
            column.cells.push(planted);
        }
    }
    found(&base, &other, "candidate keys differ");
    let (base, mut other) = runs("SELECT note, COUNT(*) AS n FROM events GROUP BY note");
    for column in &mut other.columns {
        let mut planted = column.cells[0].clone();
        planted.label = vec![1; 5].into();
        planted.exact = 2;
        column.cells.push(planted);
    }
    found(&base, &other, "supported by several people");
}

#[test]
fn an_error_or_an_answer_that_depends_on_the_records_is_found() {
    let (base, mut other) = runs(SQL);
    other.outcome = Err("divide by zero".to_owned());
    found(&base, &other, "divide by zero instead of an answer");
    let (base, mut other) = runs(SQL);
    if let Ok(shown) = &mut other.outcome {
        shown.table = shown.table.slice(0, 1);
    }
    found(&base, &other, "shown differently");
    let (base, mut other) = runs(SQL);
    if let Ok(shown) = &mut other.outcome {
        shown.receipt[0] = "more".to_owned();
    }
    found(&base, &other, "receipts differ");
}
