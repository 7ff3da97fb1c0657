//! Distinct values: what is counted, what one unit can change, and how much memory it may take.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};

use super::cases::through_one_lane;
use super::spill::Shelf;
use crate::{
    Bounder, BoundingPlan, KernelError, Keys, Measure, Memory, PartialState, Spill, ValueColumn,
};

fn plan(max_rows_per_group: u32) -> BoundingPlan {
    BoundingPlan {
        max_groups: 1,
        max_rows_per_group,
        rank_key: *b"0123456789abcdef",
        keys: Keys::Learned,
        values: vec![ValueColumn::Distinct],
        measures: vec![Measure::Distinct { value: 0 }, Measure::Rows { present_in: None }],
    }
}

fn rows(units: Vec<i64>, values: ArrayRef) -> RecordBatch {
    let keys: ArrayRef = Arc::new(Int64Array::from(vec![0; units.len()]));
    let columns: [(&str, ArrayRef, bool); 3] = [
        ("unit", Arc::new(Int64Array::from(units)), true),
        ("key", keys, true),
        ("v", values, true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn state(plan: &BoundingPlan, batch: &RecordBatch) -> PartialState {
    through_one_lane(plan, batch.schema(), std::slice::from_ref(batch))
}

fn count(plan: &BoundingPlan, units: Vec<i64>, values: ArrayRef) -> i128 {
    state(plan, &rows(units, values)).cells(&plan.keys).unwrap().measures[0][0]
}

fn texts(texts: impl IntoIterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(texts.into_iter().collect::<StringArray>())
}

#[test]
fn values_are_counted_once_and_null_never() {
    let units = || vec![1, 2, 3, 4, 5, 6];
    let few = ["a", "b", "a", "", "b", "a"].map(|text| Some(text.to_owned()));
    assert_eq!(count(&plan(9), units(), texts(few)), 3);
    assert_eq!(count(&plan(9), units(), texts([(); 6].map(|()| None))), 0);
    let zeros = [Some(0.0), Some(-0.0), Some(f64::NAN), None, Some(-f64::NAN), Some(1.5)];
    assert_eq!(count(&plan(9), units(), Arc::new(Float64Array::from(zeros.to_vec()))), 2);
    let wide = [Some(i64::MIN), Some(i64::MAX), None, Some(i64::MIN), Some(0), Some(0)];
    assert_eq!(count(&plan(9), units(), Arc::new(Int64Array::from(wide.to_vec()))), 3);
}

/// A unit's rows are cut, its values are not as long as there are few enough of them: a value that it
/// has once counts beside one that it has a thousand times.
#[test]
fn values_are_chosen_apart_from_rows() {
    let mut values = vec![Some("often".to_owned()); 1_000];
    values.push(Some("once".to_owned()));
    let totals = state(&plan(2), &rows(vec![7; 1_001], texts(values))).cells(&Keys::Learned);
    assert_eq!(totals.unwrap().measures, [[2], [2]]);
}

/// A unit brings exactly as many of its values as it may, and another unit's values do not move
/// that choice: with everybody's values in it, the count is that of the rest plus none; with nobody
/// else's, plus the limit.
#[test]
fn one_unit_adds_at_most_the_limit() {
    let limit = 3_u32;
    let others: Vec<i64> = (0..500).collect();
    let own = |first: i64| (first..first + 1_000).map(|n| Some(format!("value {n}")));
    let common = || (0..500).map(|n| Some(format!("value {n}")));
    let base = count(&plan(limit), others.clone(), texts(common()));
    assert_eq!(base, 500);
    for (first, expected) in [(10_000, 500 + i128::from(limit)), (0, 500 + 2)] {
        let mut units = others.clone();
        units.resize(1_500, 1_000);
        let with = count(&plan(limit), units, texts(common().chain(own(first))));
        assert!(with - base <= limit.into(), "{with}");
        // Of a thousand values of which half are common, about half of three are new.
        assert!(with <= expected && (first == 0 || with == expected), "{with}");
    }
}

/// Over many units each of two values is brought about equally often.
///
/// 4,000 fair choices: a count outside 2000 +- 190 (6 standard deviations) has a probability of
/// 2e-9 under any key; the key is fixed here. A choice that prefers one value with a probability of
/// 0.6 would be seen.
#[test]
fn the_choice_prefers_no_value() {
    let units: Vec<i64> = (0..4_000).flat_map(|unit| [unit, unit]).collect();
    let values = (0..8_000).map(|row| Some(format!("{}{}", row % 2, row / 2)));
    let batch = rows(units, texts(values));
    let state = state(&plan(1), &batch);
    let sets = state.batch().column(1).as_list::<i64>().value(0);
    let (sets, mut first) = (sets.as_binary::<i64>().clone(), 0);
    assert_eq!(sets.iter().count(), 4_000);
    sets.iter().flatten().for_each(|bytes| first += usize::from(bytes[1] == b'0'));
    assert!(first.abs_diff(2_000) <= 190, "{first}");
}

/// States of disjoint units hold the values themselves: their sizes do not add up.
#[test]
fn merged_states_count_a_common_value_once() {
    let part = |units: Vec<i64>, values: [&str; 2]| {
        state(&plan(9), &rows(units, texts(values.map(|text| Some(text.to_owned())))))
    };
    let parts = vec![part(vec![1, 2], ["a", "b"]), part(vec![3, 4], ["b", "c"])];
    let merged = PartialState::merge(parts).unwrap();
    assert_eq!(merged.cells(&Keys::Learned).unwrap().measures[0], [3]);
    // Values of another type have other bytes.
    let numbers = state(&plan(9), &rows(vec![9], Arc::new(Int64Array::from(vec![1]))));
    let error = PartialState::merge(vec![merged, numbers]).unwrap_err().to_string();
    assert!(error.contains("do not belong together"), "{error}");
}

#[test]
fn sets_that_are_out_of_order_are_refused() {
    let good = state(&plan(9), &rows(vec![1], texts([Some("a".to_owned())])));
    let kind = |batch: &RecordBatch| batch.schema().field(1).data_type().clone();
    let two = state(&plan(9), &rows(vec![1, 2], texts(["a", "b"].map(|t| Some(t.to_owned())))));
    assert_eq!(kind(good.batch()), kind(two.batch()));
    let sets = two.batch().column(1).as_list::<i64>();
    let turned = arrow::compute::take(sets.values(), &Int64Array::from(vec![1, 0]), None).unwrap();
    let DataType::LargeList(item) = kind(two.batch()) else { unreachable!() };
    let turned = arrow::array::LargeListArray::new(item, sets.offsets().clone(), turned, None);
    let mut columns = two.batch().columns().to_vec();
    columns[1] = Arc::new(turned);
    let batch = RecordBatch::try_new(two.batch().schema(), columns).unwrap();
    let error = PartialState::try_from_batch(batch).unwrap_err().to_string();
    assert!(error.contains("a set is not in order"), "{error}");
}

/// What cannot be spilled is bounded by an error: the values of a lane, and the pairs of a group and
/// a value of all workers.
#[test]
fn values_that_fill_the_memory_are_an_error() {
    const LIMIT_BYTES: usize = 1 << 18;
    let refused = |values: ArrayRef| {
        let units = (0..50_000).collect();
        let batch = rows(units, values);
        let spill: Arc<dyn Spill> = Arc::new(Shelf::default());
        let memory = Memory { limit_bytes: Some(LIMIT_BYTES), spill: Some(spill) };
        let bounder = Bounder::with_memory(plan(1), batch.schema(), memory).unwrap();
        let mut lane = bounder.lane().unwrap();
        lane.push(&batch).and_then(|()| bounder.finish(vec![lane]).map(|_| ())).unwrap_err()
    };
    let long = refused(texts((0..50_000).map(|n| Some(format!("value {n}")))));
    assert_eq!(long, KernelError::Memory { limit_bytes: LIMIT_BYTES });
    let numbers = refused(Arc::new(Int64Array::from_iter_values(0..50_000)));
    assert_eq!(numbers, KernelError::Memory { limit_bytes: LIMIT_BYTES });
    let one = Int64Array::from(vec![5; 50_000]);
    let batch = rows((0..50_000).collect(), Arc::new(one));
    assert_eq!(state(&plan(1), &batch).cells(&Keys::Learned).unwrap().measures[0], [1]);
}

#[test]
fn other_measures_of_a_counted_column_are_refused() {
    let schema = |kind: DataType| {
        let field = |name, kind| Field::new(name, kind, true);
        Arc::new(Schema::new(vec![
            field("unit", DataType::Int64),
            field("key", DataType::Int64),
            field("v", kind),
        ]))
    };
    let refused = |plan: BoundingPlan, kind: DataType| match Bounder::new(plan, schema(kind)) {
        Ok(_) => panic!("the plan was accepted"),
        Err(error) => error.to_string(),
    };
    let rows = vec![Measure::Rows { present_in: Some(0) }];
    let error = refused(BoundingPlan { measures: rows, ..plan(1) }, DataType::Utf8);
    assert!(error.contains("add a value column of its own"), "{error}");
    let presence = vec![ValueColumn::Presence];
    let error = refused(BoundingPlan { values: presence, ..plan(1) }, DataType::Utf8);
    assert!(error.contains("add a value column of its own"), "{error}");
    let list = DataType::List(Arc::new(Field::new_list_field(DataType::Int64, true)));
    let error = refused(plan(1), list);
    assert!(error.contains("cannot be counted by value"), "{error}");
}
