//! Generated questions: rows of units, plans, and the many ways Arrow can carry the same rows.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::{Bounder, BoundingPlan, Grid, Keys, Measure, PartialState, ValueColumn};

/// One row; small numbers stand for the values, so that collisions and duplicates are common.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) unit: Option<u8>,
    text: Option<u8>,
    number: u8,
    value: u8,
    present: Option<bool>,
    /// What is counted: a text, a float, an integer.
    counted: (Option<u8>, u8, u8),
}

/// Integers to be counted: small ones, and some that need an escape.
const INTEGERS: [Option<i64>; 7] =
    [None, Some(0), Some(-1), Some(7), Some(i64::MIN), Some(i64::MAX), Some(1 << 62)];

/// Numbers for the float key and the value, NULL first.
const NUMBERS: [Option<f64>; 10] = [
    None,
    Some(f64::NAN),
    Some(-0.0),
    Some(0.0),
    Some(0.3),
    Some(5.0),
    Some(-7.5),
    Some(f64::INFINITY),
    Some(f64::NEG_INFINITY),
    Some(1e300),
];

/// Unit 0 has about half of all rows; NULL units, NULL keys and duplicates are frequent.
pub(super) fn rows(most: usize) -> impl Strategy<Value = Vec<Row>> {
    let unit = prop_oneof![4 => Just(Some(0)), 4 => (1..9_u8).prop_map(Some), 1 => Just(None)];
    let row = (
        unit,
        prop_oneof![1 => Just(None), 6 => (0..3_u8).prop_map(Some)],
        0..5_u8,
        0..10_u8,
        any::<Option<bool>>(),
        (proptest::option::weighted(0.8, 0..6_u8), 0..10_u8, 0..7_u8),
    )
        .prop_map(|(unit, text, number, value, present, counted)| Row {
            unit,
            text,
            number,
            value,
            present,
            counted,
        });
    prop::collection::vec(row, 0..most)
}

/// Plans over the columns of [`batch`]: both key kinds, every measure, several bounds; about half of
/// them count distinct values.
pub(super) fn plans() -> impl Strategy<Value = BoundingPlan> {
    let limit = || prop_oneof![1..4_u32, Just(1000), Just(u32::MAX)];
    (limit(), limit(), any::<[u8; 16]>(), any::<bool>(), any::<bool>()).prop_map(
        |(max_groups, max_rows_per_group, rank_key, public, counts)| {
            let mut measures = all_measures();
            if counts {
                measures.extend((2..5).map(|value| Measure::Distinct { value }));
                measures.swap(5, 9);
            }
            let last = if counts { ValueColumn::Distinct } else { ValueColumn::Presence };
            BoundingPlan {
                max_groups,
                max_rows_per_group,
                rank_key,
                keys: if public { Keys::Public(domain()) } else { Keys::Learned },
                values: vec![
                    ValueColumn::Grid(Grid::with_step(-5.0, 10.0, -1).unwrap()),
                    ValueColumn::Presence,
                    last,
                    last,
                    last,
                ],
                measures,
            }
        },
    )
}

/// Whether a plan counts distinct values.
pub(super) fn counts_values(plan: &BoundingPlan) -> bool {
    plan.values.contains(&ValueColumn::Distinct)
}

pub(super) fn all_measures() -> Vec<Measure> {
    vec![
        Measure::Units,
        Measure::Rows { present_in: None },
        Measure::Rows { present_in: Some(0) },
        Measure::Rows { present_in: Some(1) },
        Measure::Sum { value: 0, centred: false },
        Measure::Sum { value: 0, centred: true },
        Measure::UnitsWith { value: 1 },
        Measure::Squares { value: 0 },
        Measure::RowsBelow { value: 0, steps: 3 },
        Measure::RowsBelow { value: 0, steps: 3 },
        Measure::RowsBelow { value: 0, steps: 5 },
        Measure::RowsBelow { value: 0, steps: 40 },
        Measure::RowsBelow { value: 0, steps: -9 },
    ]
}

/// Some of the keys that occur, one that never does, and NULL; not sorted.
fn domain() -> RecordBatch {
    let texts = [Some("é-text-1"), None, Some("é-text-0"), Some("never"), None];
    let numbers = [Some(0.0), Some(0.3), Some(-0.0), Some(0.0), Some(f64::NAN)];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(texts.to_vec())),
        Arc::new(Float64Array::from(numbers.to_vec())),
    ];
    RecordBatch::try_from_iter_with_nullable([
        ("text", Arc::clone(&columns[0]), true),
        ("number", Arc::clone(&columns[1]), true),
    ])
    .unwrap()
}

pub(super) fn schema() -> SchemaRef {
    batch(&[]).schema()
}

/// The rows in plain types: unit, two keys, two values, three values to be counted.
pub(super) fn batch(rows: &[Row]) -> RecordBatch {
    let text = |prefix: &str, number: u8| format!("{prefix}{number}");
    let units: StringArray = rows.iter().map(|row| row.unit.map(|u| text("unit-", u))).collect();
    let texts: StringArray = rows.iter().map(|row| row.text.map(|t| text("é-text-", t))).collect();
    let number = |index: u8| NUMBERS[usize::from(index)];
    let numbers: Float64Array = rows.iter().map(|row| number(row.number)).collect();
    let values: Float64Array = rows.iter().map(|row| number(row.value)).collect();
    let present: Int64Array = rows.iter().map(|row| row.present.map(i64::from)).collect();
    let notes: StringArray =
        rows.iter().map(|row| row.counted.0.map(|note| text("note ", note))).collect();
    let floats: Float64Array = rows.iter().map(|row| number(row.counted.1)).collect();
    let integers: Int64Array =
        rows.iter().map(|row| INTEGERS[usize::from(row.counted.2)]).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(units),
        Arc::new(texts),
        Arc::new(numbers),
        Arc::new(values),
        Arc::new(present),
        Arc::new(notes),
        Arc::new(floats),
        Arc::new(integers),
    ];
    let names = ["unit", "text", "number", "value", "present", "note", "float", "integer"];
    let fields: Vec<Field> = (names.iter().zip(&columns))
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).unwrap()
}

/// How a column is carried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Carrier {
    Plain,
    Dictionary,
    View,
    Large,
    /// A slice out of a longer array, so that offsets are not zero.
    Slice,
}

pub(super) fn carriers() -> impl Strategy<Value = [Carrier; 8]> {
    use Carrier::{Dictionary, Large, Plain, Slice, View};
    let one = || proptest::sample::select(vec![Plain, Dictionary, View, Large, Slice]);
    [one(), one(), one(), one(), one(), one(), one(), one()]
}

/// The same rows in other Arrow clothes.
pub(super) fn dress(plain: &RecordBatch, carriers: [Carrier; 8]) -> RecordBatch {
    let columns: Vec<ArrayRef> = (plain.columns().iter().zip(carriers))
        .map(|(column, carrier)| {
            let text = column.data_type() == &DataType::Utf8;
            let target = match carrier {
                Carrier::Dictionary => {
                    DataType::Dictionary(DataType::Int32.into(), column.data_type().clone().into())
                }
                Carrier::View if text => DataType::Utf8View,
                Carrier::Large if text => DataType::LargeUtf8,
                Carrier::Slice => {
                    let twice = [column.as_ref(), column.as_ref(), column.as_ref()];
                    return arrow::compute::concat(&twice)
                        .unwrap()
                        .slice(column.len(), column.len());
                }
                _ => column.data_type().clone(),
            };
            cast(column, &target).unwrap()
        })
        .collect();
    let fields: Vec<Field> = (plain.schema().fields().iter().zip(&columns))
        .map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// Cuts a batch at places given in thousandths of its length.
pub(super) fn split(batch: &RecordBatch, thousandths: &[u16]) -> Vec<RecordBatch> {
    let mut cuts: Vec<usize> =
        thousandths.iter().map(|&cut| batch.num_rows() * usize::from(cut % 1000) / 1000).collect();
    cuts.extend([0, batch.num_rows()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| batch.slice(cut[0], cut[1] - cut[0])).collect()
}

/// One value of a strategy, the same in every run.
pub(super) fn sample<S: Strategy>(strategy: S) -> S::Value {
    strategy.new_tree(&mut TestRunner::deterministic()).unwrap().current()
}

/// What the bounder makes of some batches, through one lane.
pub(super) fn bounded(plan: &BoundingPlan, batches: &[RecordBatch]) -> PartialState {
    through_one_lane(plan, schema(), batches)
}

pub(super) fn through_one_lane(
    plan: &BoundingPlan,
    schema: SchemaRef,
    batches: &[RecordBatch],
) -> PartialState {
    let bounder = Bounder::new(plan.clone(), schema).unwrap();
    let mut lane = bounder.lane().unwrap();
    for batch in batches {
        lane.push(batch).unwrap();
    }
    bounder.finish(vec![lane]).unwrap()
}

/// What the reference makes of the same rows in plain types.
pub(super) fn by_the_book(plan: &BoundingPlan, rows: &[Row]) -> PartialState {
    let batches = [batch(rows)];
    let one = concat_batches(&schema(), &batches).unwrap();
    crate::reference::bound(plan, &schema(), &[one]).unwrap()
}
