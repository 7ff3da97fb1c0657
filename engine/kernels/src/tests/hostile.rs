//! Any array in any place: an answer or a refusal, never a panic, never a value in a message.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array,
    FixedSizeBinaryArray, Float64Array, Int64Array, IntervalMonthDayNanoArray, ListArray,
    NullArray, StringArray, StringViewArray, StructArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, IntervalMonthDayNano, Schema, i256};
use proptest::prelude::*;

use crate::{Bounder, BoundingPlan, Grid, Keys, Measure, ValueColumn, reference};

const CANARY: &str = "canary-7391";
const CANARY_NUMBER: i64 = 739_173_917_391;

/// An array of some type over a few values, extremes among them.
fn arrays(rows: usize) -> impl Strategy<Value = ArrayRef> {
    let number = prop_oneof![
        Just(None),
        (0..4_i64).prop_map(Some),
        Just(Some(i64::MIN)),
        Just(Some(i64::MAX)),
        Just(Some(CANARY_NUMBER)),
    ];
    (0..18_u8, prop::collection::vec(number, rows))
        .prop_map(|(kind, numbers)| array(kind, &numbers))
}

fn array(kind: u8, numbers: &[Option<i64>]) -> ArrayRef {
    let of = |number: &Option<i64>| *number;
    let text = |number: &Option<i64>| number.map(|n| format!("{CANARY}{n}"));
    let integers = Int64Array::from_iter(numbers.iter().map(of));
    let texts = StringArray::from_iter(numbers.iter().map(text));
    match kind {
        0 => Arc::new(texts),
        1 => Arc::new(StringViewArray::from_iter(numbers.iter().map(text))),
        2 => Arc::new(BinaryArray::from_iter(numbers.iter().map(text))),
        3 => Arc::new(BooleanArray::from_iter(numbers.iter().map(|n| n.map(|n| n > 1)))),
        4 => Arc::new(Date32Array::from_iter(numbers.iter().map(|n| n.map(|n| n as i32)))),
        5 => Arc::new(TimestampMicrosecondArray::from_iter(numbers.iter().map(of))),
        6 => Arc::new(Float64Array::from_iter(
            numbers.iter().map(|n| n.map(|n| f64::from_bits(n as u64))),
        )),
        7 => Arc::new(UInt64Array::from_iter(numbers.iter().map(|n| n.map(|n| n as u64)))),
        8 => Arc::new(NullArray::new(numbers.len())),
        9 => Arc::new(
            Decimal128Array::from_iter(numbers.iter().map(|n| n.map(i128::from)))
                .with_data_type(DataType::Decimal128(38, 30)),
        ),
        10 => Arc::new(
            Decimal256Array::from_iter(
                numbers.iter().map(|n| n.map(|n| i256::from_i128(n.into()))),
            )
            .with_data_type(DataType::Decimal256(76, 3)),
        ),
        11 => Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(
            numbers.iter().map(|n| n.map(|n| vec![Some(n)])),
        )),
        12 => Arc::new(StructArray::from(vec![(
            Arc::new(Field::new("n", DataType::Int64, true)),
            Arc::new(integers) as ArrayRef,
        )])),
        13 => Arc::new(IntervalMonthDayNanoArray::from_iter(
            numbers.iter().map(|n| n.map(|n| IntervalMonthDayNano::new(0, 0, n))),
        )),
        14 => Arc::new(
            FixedSizeBinaryArray::try_from_sparse_iter_with_size(
                numbers.iter().map(|n| n.map(i64::to_be_bytes)),
                8,
            )
            .unwrap(),
        ),
        15 => cast(&texts, &DataType::Dictionary(DataType::Int8.into(), DataType::Utf8.into()))
            .unwrap(),
        16 => cast(&texts, &DataType::LargeUtf8).unwrap(),
        _ => Arc::new(integers),
    }
}

fn table(columns: Vec<ArrayRef>, rows: usize) -> RecordBatch {
    let fields: Vec<Field> = (columns.iter().enumerate())
        .map(|(i, column)| Field::new(format!("c{i}"), column.data_type().clone(), true))
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).unwrap()
}

fn clean(error: &crate::KernelError) -> bool {
    let message = format!("{error} {error:?}");
    !message.contains(CANARY) && !message.contains(&CANARY_NUMBER.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_batch_is_answered_or_refused(
        columns in (0..14_usize).prop_flat_map(|rows| {
            (prop::collection::vec(arrays(rows), 1..6), Just(rows))
        }),
        other in (0..6_usize).prop_flat_map(|rows| {
            (prop::collection::vec(arrays(rows), 0..6), Just(rows))
        }),
        grids in prop::collection::vec(any::<bool>(), 0..3),
        public in any::<bool>(),
        limits in (0..3_u32, 0..3_u32),
    ) {
        let batch = table(columns.0, columns.1);
        let other = table(other.0, other.1);
        let grid = Grid::for_bounds(-10.0, 3.5).unwrap();
        let values: Vec<_> = grids.iter()
            .map(|&on| if on { ValueColumn::Grid(grid) } else { ValueColumn::Presence })
            .collect();
        let measures = (0..values.len()).flat_map(|value| [
            Measure::Rows { present_in: Some(value) },
            if grids[value] { Measure::Sum { value, centred: true } } else { Measure::Units },
        ]).collect();
        let keys = if public { Keys::Public(other.clone()) } else { Keys::Learned };
        let plan = BoundingPlan {
            max_groups: limits.0,
            max_rows_per_group: limits.1,
            rank_key: [3; 16],
            keys: keys.clone(),
            values,
            measures,
        };
        match Bounder::new(plan.clone(), batch.schema()) {
            Err(error) => prop_assert!(clean(&error), "{error}"),
            Ok(bounder) => {
                let mut lane = bounder.lane().unwrap();
                if batch.schema() != other.schema() && let Err(error) = lane.push(&other) {
                    prop_assert!(clean(&error), "{error}");
                } else if batch.schema() != other.schema() {
                    // The other batch happened to fit; start again without it.
                    lane = bounder.lane().unwrap();
                }
                lane.push(&batch).unwrap();
                let state = bounder.finish(vec![lane]).unwrap();
                prop_assert_eq!(
                    &state,
                    &reference::bound(&plan, &batch.schema(), std::slice::from_ref(&batch)).unwrap()
                );
                let totals = state.cells(&keys).unwrap();
                prop_assert_eq!(totals.labels.len(), totals.keys.num_rows());
            }
        }
    }
}
