//! Partial states: layout, merging, travelling, and what is refused.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal128Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
};
use arrow::datatypes::{DataType, Field, Schema};
use proptest::prelude::*;

use super::cases::{batch, bounded, plans, rows, through_one_lane};
use crate::{BoundingPlan, Keys, Measure, PartialState};

fn plan(keys: Keys) -> BoundingPlan {
    BoundingPlan {
        max_groups: 2,
        max_rows_per_group: 2,
        rank_key: [1; 16],
        keys,
        values: Vec::new(),
        measures: vec![Measure::Rows { present_in: None }],
    }
}

fn input(units: &[i64], keys: &[Option<&str>]) -> RecordBatch {
    let units: ArrayRef = Arc::new(Int64Array::from(units.to_vec()));
    let keys: ArrayRef = Arc::new(StringArray::from(keys.to_vec()));
    RecordBatch::try_from_iter_with_nullable([("id", units, true), ("key", keys, true)]).unwrap()
}

fn state(plan: &BoundingPlan, input: &RecordBatch) -> PartialState {
    through_one_lane(plan, input.schema(), std::slice::from_ref(input))
}

fn key_batch(keys: &[Option<&str>]) -> RecordBatch {
    input(&vec![0; keys.len()], keys).project(&[1]).unwrap()
}

fn no_columns(rows: usize) -> RecordBatch {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options).unwrap()
}

#[test]
fn public_cells_follow_the_domain_and_include_zeros() {
    let domain = key_batch(&[Some("z"), Some("never"), None, Some("a")]);
    let plan = plan(Keys::Public(domain.clone()));
    let keys = [Some("a"), Some("a"), Some("a"), None, Some("outside"), Some("z")];
    let totals = state(&plan, &input(&[1, 1, 1, 2, 2, 3], &keys)).cells(&plan.keys).unwrap();
    assert_eq!(totals.keys.columns(), domain.columns());
    assert_eq!(totals.units, [1, 0, 1, 1]);
    assert_eq!(totals.measures, [[1, 0, 1, 2]]);
    assert_eq!(totals.labels.len(), 4);
}

#[test]
fn learned_cells_are_sorted_with_null_first() {
    let plan = plan(Keys::Learned);
    let totals =
        state(&plan, &input(&[1, 2, 3], &[Some("b"), None, Some("a")])).cells(&plan.keys).unwrap();
    assert_eq!(totals.keys.columns(), key_batch(&[None, Some("a"), Some("b")]).columns());
    let labels: Vec<&[u8]> = totals.labels.iter().collect();
    assert!(labels.is_sorted());
    // The bytes of a key are its label in noise records: they must survive an upgrade of Arrow.
    assert_eq!(labels[0], [0]);
    assert_eq!(labels[1], [2, b'a', 0, 0, 0, 0, 0, 0, 0, 1]);
}

#[test]
fn without_keys_there_is_one_global_group() {
    let plan = plan(Keys::Public(no_columns(1)));
    let units = input(&[5, 5, 5, 6], &[None; 4]).project(&[0]).unwrap();
    let totals = state(&plan, &units).cells(&plan.keys).unwrap();
    assert_eq!((totals.keys.num_rows(), totals.keys.num_columns()), (1, 0));
    assert_eq!((totals.units, totals.measures), (vec![2], vec![vec![3]]));
    assert_eq!(totals.labels.iter().collect::<Vec<_>>(), [b""]);
    // Nobody at all: the group is there and holds zero.
    let nobody = state(&plan, &units.slice(0, 0));
    let travelled = PartialState::from_ipc(&nobody.to_ipc().unwrap()).unwrap();
    let totals = PartialState::merge(vec![nobody, travelled]).unwrap().cells(&plan.keys).unwrap();
    assert_eq!((totals.units, totals.measures), (vec![0], vec![vec![0]]));
}

#[test]
fn states_of_different_plans_do_not_merge() {
    let rows = input(&[1], &[Some("a")]);
    let here = plan(Keys::Learned);
    let elsewhere = BoundingPlan { max_groups: 3, ..here.clone() };
    let error = PartialState::merge(vec![state(&here, &rows), state(&elsewhere, &rows)]);
    assert!(error.unwrap_err().to_string().contains("do not belong together"));
    assert!(PartialState::merge(Vec::new()).unwrap_err().to_string().contains("at least one"));
    let other_keys = Keys::Public(key_batch(&[Some("b")]));
    let error = state(&here, &rows).cells(&other_keys).unwrap_err().to_string();
    assert!(error.contains("a key that the public keys do not have"), "{error}");
    let numbers = rows.project(&[0]).unwrap();
    let error = state(&here, &rows).cells(&Keys::Public(numbers)).unwrap_err().to_string();
    assert!(error.contains("cast the public keys to Utf8"), "{error}");
}

#[test]
fn a_total_beyond_38_digits_is_refused() {
    let one = state(&plan(Keys::Learned), &input(&[1], &[Some("a")]));
    let huge = with_columns(&one, |columns| columns[1] = decimal(&[10_i128.pow(38) - 1]));
    let huge = PartialState::try_from_batch(huge).unwrap();
    assert!(PartialState::merge(vec![huge.clone()]).is_ok());
    let error = PartialState::merge(vec![huge, one]).unwrap_err();
    assert!(error.to_string().contains("38 decimal digits"), "{error}");
}

fn decimal(values: &[i128]) -> ArrayRef {
    let values = Decimal128Array::from(values.to_vec());
    Arc::new(values.with_precision_and_scale(38, 0).unwrap())
}

fn with_columns(state: &PartialState, change: impl Fn(&mut Vec<ArrayRef>)) -> RecordBatch {
    let mut columns = state.batch().columns().to_vec();
    change(&mut columns);
    RecordBatch::try_new(state.batch().schema(), columns).unwrap()
}

#[test]
fn malformed_states_are_refused() {
    let good = state(&plan(Keys::Learned), &input(&[1, 2], &[Some("a"), Some("b")]));
    let refused = |batch: RecordBatch, why: &str| {
        let error = PartialState::try_from_batch(batch).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    };
    refused(input(&[1], &[None]), "not a partial state of this format");
    refused(with_columns(&good, |columns| columns[2] = decimal(&[1, 0])), "a group has no units");
    let keys = |keys: &[Option<&str>]| Arc::clone(key_batch(keys).column(0));
    for wrong in [[Some("b"), Some("a")], [Some("a"), Some("a")]] {
        refused(with_columns(&good, |columns| columns[0] = keys(&wrong)), "keys are not sorted");
    }
    let with_metadata = |key_columns: &str| {
        let metadata: HashMap<_, _> = [
            ("voilage.partial_state", "1"),
            ("voilage.key_columns", key_columns),
            ("voilage.over", "0 2"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        let schema = good.batch().schema().as_ref().clone().with_metadata(metadata);
        RecordBatch::try_new(Arc::new(schema), good.batch().columns().to_vec()).unwrap()
    };
    refused(with_metadata("3"), "number of key columns");
    refused(with_metadata("-1"), "number of key columns");
    refused(with_metadata("0"), "a total is not a Decimal128(38, 0)");
    assert!(PartialState::try_from_batch(with_metadata("1")).is_ok());
    for cut in ["", "1", "-1 0", "1 x", "1 2 3"] {
        let mut metadata = good.batch().schema().metadata().clone();
        metadata.insert("voilage.over".to_owned(), cut.to_owned());
        let schema = good.batch().schema().as_ref().clone().with_metadata(metadata);
        let columns = good.batch().columns().to_vec();
        refused(RecordBatch::try_new(Arc::new(schema), columns).unwrap(), "who was cut");
    }
    let fields = vec![Field::new("key", DataType::Utf8, true)];
    let schema = Schema::new_with_metadata(fields, good.batch().schema().metadata().clone());
    let short = RecordBatch::try_new(Arc::new(schema), vec![keys(&[Some("a")])]).unwrap();
    refused(short, "number of key columns");
}

#[test]
fn a_stream_cut_anywhere_is_refused() {
    let state = state(&plan(Keys::Learned), &input(&[1, 2], &[Some("a"), Some("b")]));
    let bytes = state.to_ipc().unwrap();
    assert_eq!(PartialState::from_ipc(&bytes).unwrap(), state);
    for length in 0..bytes.len() - 8 {
        let error = PartialState::from_ipc(&bytes[..length]).unwrap_err().to_string();
        assert!(error.contains("partial state is malformed"), "{error}");
    }
    let twice = [&bytes[..], &bytes[..]].concat();
    assert!(PartialState::from_ipc(&twice).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn states_travel_unchanged(plan in plans(), rows in rows(60)) {
        let state = bounded(&plan, &[batch(&rows)]);
        prop_assert_eq!(PartialState::from_ipc(&state.to_ipc().unwrap()).unwrap(), state);
    }

    #[test]
    fn damaged_streams_never_bring_the_process_down(
        plan in plans(),
        rows in rows(20),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = bounded(&plan, &[batch(&rows)]).to_ipc().unwrap();
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        // A flipped bit in a total cannot be noticed here; whatever is accepted can be used.
        if let Ok(state) = PartialState::from_ipc(&bytes) {
            let _ = state.cells(&Keys::Learned);
            let _ = PartialState::merge(vec![state.clone(), state]);
        }
    }
}
