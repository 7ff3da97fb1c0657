//! Types of units and keys, and plans that do not fit them.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Float32Array, Float64Array, Int64Array, ListArray, NullArray, RecordBatch,
    RecordBatchOptions, RunArray, StringArray,
};
use arrow::datatypes::{Field, Int32Type, Schema};

use super::cases::through_one_lane;
use crate::{Bounder, BoundingPlan, Grid, KernelError, Keys, Measure, Totals, ValueColumn};

fn plan() -> BoundingPlan {
    BoundingPlan {
        max_groups: 9,
        max_rows_per_group: 9,
        rank_key: [0; 16],
        keys: Keys::Learned,
        values: Vec::new(),
        measures: vec![Measure::Rows { present_in: None }],
    }
}

fn table(columns: Vec<ArrayRef>) -> RecordBatch {
    let fields: Vec<Field> = (columns.iter().enumerate())
        .map(|(i, column)| Field::new(format!("c{i}"), column.data_type().clone(), true))
        .collect();
    let rows = columns.first().map_or(0, |column| column.len());
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).unwrap()
}

fn totals(plan: BoundingPlan, columns: Vec<ArrayRef>) -> Totals {
    let batch = table(columns);
    let keys = plan.keys.clone();
    through_one_lane(&plan, batch.schema(), &[batch]).cells(&keys).unwrap()
}

#[test]
fn nan_units_are_nobody_and_both_zeros_are_one_unit() {
    let units = vec![Some(f64::NAN), Some(0.0), Some(-0.0), None, Some(-f64::NAN), Some(1.0)];
    let keys = vec!["a"; 6];
    let totals = totals(
        plan(),
        vec![Arc::new(Float64Array::from(units)), Arc::new(StringArray::from(keys))],
    );
    assert_eq!((totals.units, totals.measures), (vec![2], vec![vec![3]]));
}

#[test]
fn a_unit_column_of_nulls_counts_nobody() {
    let keys: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    assert!(totals(plan(), vec![Arc::new(NullArray::new(2)), keys]).units.is_empty());
}

#[test]
fn nan_keys_are_the_null_key_and_runs_are_unpacked() {
    let units: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
    let keys = Float32Array::from(vec![Some(f32::NAN), None, Some(-0.0), Some(0.0)]);
    let runs = RunArray::<Int32Type>::try_new(
        &vec![3, 4].into(),
        &StringArray::from(vec![Some("x"), None]),
    )
    .unwrap();
    let totals = totals(plan(), vec![units, Arc::new(keys), Arc::new(runs)]);
    let expected: Vec<ArrayRef> = vec![
        Arc::new(Float32Array::from(vec![None, Some(0.0), Some(0.0)])),
        Arc::new(StringArray::from(vec![Some("x"), None, Some("x")])),
    ];
    assert_eq!(totals.keys.columns(), expected);
    assert_eq!(totals.units, [2, 1, 1]);
}

#[test]
fn presence_reads_any_type_and_counts_no_nan() {
    let units: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let keys: ArrayRef = Arc::new(StringArray::from(vec!["a"; 3]));
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
        Some(vec![Some(1)]),
        None,
        Some(vec![]),
    ]);
    let floats = Float64Array::from(vec![Some(f64::NAN), None, Some(f64::INFINITY)]);
    let plan = BoundingPlan {
        values: vec![ValueColumn::Presence; 3],
        measures: (0..3).map(|value| Measure::Rows { present_in: Some(value) }).collect(),
        ..plan()
    };
    let nulls: ArrayRef = Arc::new(NullArray::new(3));
    let totals = totals(plan, vec![units, keys, Arc::new(lists), Arc::new(floats), nulls]);
    assert_eq!(totals.measures, [[2], [1], [0]]);
}

fn refusal(plan: BoundingPlan, columns: Vec<ArrayRef>) -> String {
    let schema = table(columns).schema();
    match Bounder::new(plan, schema) {
        Ok(_) => panic!("the plan was accepted"),
        Err(error) => error.to_string(),
    }
}

fn ids() -> ArrayRef {
    Arc::new(Int64Array::from(vec![1, 2]))
}

fn texts(texts: [&str; 2]) -> ArrayRef {
    Arc::new(StringArray::from(texts.to_vec()))
}

#[test]
fn plans_that_make_no_sense_are_refused_with_a_fix() {
    let columns = || vec![ids(), texts(["secret", "secret"])];
    let expect = |plan: BoundingPlan, columns: Vec<ArrayRef>, why: &str| {
        let message = refusal(plan, columns);
        assert!(message.contains(why), "{message}");
        assert!(!message.contains("secret"), "{message}");
    };
    expect(BoundingPlan { max_groups: 0, ..plan() }, columns(), "max_groups is 0");
    let no_rows = BoundingPlan { max_rows_per_group: 0, ..plan() };
    expect(no_rows, columns(), "max_rows_per_group is 0");
    let sum = Measure::Sum { value: 0, centred: false };
    let sum_of_nothing = BoundingPlan { measures: vec![sum], ..plan() };
    expect(sum_of_nothing.clone(), columns(), "reads value column 0, but the plan has 0");
    let values = vec![ValueColumn::Presence];
    let sum_of_presence = BoundingPlan { values, ..sum_of_nothing.clone() };
    expect(sum_of_presence, columns(), "give that column bounds");
    expect(plan(), vec![ids()], "no key columns to learn");
    expect(plan(), Vec::new(), "the input has 0");
    let public = |columns| BoundingPlan { keys: Keys::Public(table(columns)), ..plan() };
    let repeated = vec![texts(["secret", "secret"])];
    expect(public(repeated), columns(), "rows 0 and 1 of the public keys are the same key");
    expect(public(vec![ids()]), columns(), "cast the public keys to Utf8");
    expect(public(vec![ids(), ids()]), columns(), "needs 3 columns");
    expect(public(Vec::new()), vec![ids()], "exactly one");
    let grid = ValueColumn::Grid(Grid::for_bounds(0.0, 1.0).unwrap());
    let text_on_a_grid = BoundingPlan { values: vec![grid], ..sum_of_nothing };
    let three = vec![ids(), ids(), texts(["secret", "x"])];
    expect(text_on_a_grid, three, "column c2 has type Utf8, which cannot be put on a grid");
    let list: ArrayRef = Arc::new(ListArray::new_null(
        Arc::new(Field::new("item", ids().data_type().clone(), true)),
        2,
    ));
    expect(plan(), vec![ids(), list], "cannot be a group key");
}

#[test]
fn a_batch_of_another_schema_is_refused_and_leaves_nothing_behind() {
    let good = table(vec![ids(), texts(["a", "b"])]);
    let bounder = Bounder::new(plan(), good.schema()).unwrap();
    let mut lane = bounder.lane().unwrap();
    let wrong = lane.push(&table(vec![ids(), ids()])).unwrap_err();
    assert!(matches!(wrong, KernelError::BatchType { column: 1, .. }), "{wrong}");
    let short = lane.push(&table(vec![ids()])).unwrap_err();
    assert!(matches!(short, KernelError::ColumnCount { expected: 2, found: 1 }), "{short}");
    lane.push(&good).unwrap();
    let totals = bounder.finish(vec![lane]).unwrap().cells(&Keys::Learned).unwrap();
    assert_eq!(totals.units, [1, 1]);
}
