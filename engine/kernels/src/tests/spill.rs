//! Rows outside of memory, in several lanes, and stores that fail.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{
    ArrayRef, AsArray, Int64Array, LargeListArray, RecordBatch, StringArray, UInt32Array,
    UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, UInt32Type};
use proptest::prelude::*;

use super::cases::{batch, counts_values, plans, rows, sample, schema};
use crate::{
    Bounder, BoundingPlan, Grid, KernelError, Keys, Measure, Memory, PartialState, Spill,
    ValueColumn, reference,
};

/// A store in memory that can be told to fail.
#[derive(Default)]
pub(super) struct Shelf {
    slots: Mutex<BTreeMap<u32, Vec<RecordBatch>>>,
    refuses_to_put: AtomicBool,
    refuses_to_take: AtomicBool,
}

impl Shelf {
    pub(super) fn was_used(&self) -> bool {
        !self.slots.lock().unwrap().is_empty()
    }
}

impl Spill for Shelf {
    fn put(&self, slot: u32, batch: &RecordBatch) -> Result<(), String> {
        if self.refuses_to_put.load(Ordering::Relaxed) {
            return Err("no space left".to_owned());
        }
        self.slots.lock().unwrap().entry(slot).or_default().push(batch.clone());
        Ok(())
    }

    fn take(&self, slot: u32) -> Result<Vec<RecordBatch>, String> {
        if self.refuses_to_take.load(Ordering::Relaxed) {
            return Err("it is gone".to_owned());
        }
        Ok(self.slots.lock().unwrap().get(&slot).cloned().unwrap_or_default())
    }
}

/// So small that many rows are spilled, and large enough for the few keys.
const LIMIT_BYTES: usize = 1 << 12;

fn bounder(plan: &BoundingPlan, shelf: &Arc<Shelf>) -> Bounder {
    let spill: Arc<dyn Spill> = Arc::clone(shelf) as _;
    let limit_bytes = match plan.keys {
        // Public keys are no part of the limit, so that every row can be spilled at once; learned
        // keys are, and texts to be counted.
        Keys::Public(_) if !counts_values(plan) => 1,
        Keys::Public(_) | Keys::Learned => LIMIT_BYTES,
    };
    let memory = Memory { limit_bytes: Some(limit_bytes), spill: Some(spill) };
    Bounder::with_memory(plan.clone(), schema(), memory).unwrap()
}

/// The batches dealt to several lanes in turn, with next to no memory.
pub(super) fn spilling(
    plan: &BoundingPlan,
    batches: &[RecordBatch],
    lanes: usize,
    shelf: &Arc<Shelf>,
) -> PartialState {
    let bounder = bounder(plan, shelf);
    let mut lanes: Vec<_> = (0..lanes).map(|_| bounder.lane().unwrap()).collect();
    for (turn, batch) in batches.iter().enumerate() {
        let lane = turn % lanes.len();
        lanes[lane].push(batch).unwrap();
    }
    bounder.finish(lanes).unwrap()
}

#[test]
fn a_store_that_fails_is_an_error_that_says_so() {
    let plan = BoundingPlan { keys: Keys::Learned, ..sample(plans()) };
    let many = batch(&sample(prop::collection::vec(rows(9), 400)).concat());
    let shelf = Arc::new(Shelf::default());
    shelf.refuses_to_put.store(true, Ordering::Relaxed);
    let error = bounder(&plan, &shelf).lane().unwrap().push(&many).unwrap_err();
    assert_eq!(error, KernelError::Spill { detail: "no space left".to_owned() });

    let shelf = Arc::new(Shelf::default());
    let full = bounder(&plan, &shelf);
    let mut lane = full.lane().unwrap();
    lane.push(&many).unwrap();
    assert!(shelf.was_used());
    shelf.refuses_to_take.store(true, Ordering::Relaxed);
    let error = full.finish(vec![lane]).unwrap_err();
    assert_eq!(error, KernelError::Spill { detail: "it is gone".to_owned() });

    // A store that gives back something else.
    let shelf = Arc::new(Shelf::default());
    let full = bounder(&plan, &shelf);
    let mut lane = full.lane().unwrap();
    lane.push(&many).unwrap();
    shelf.slots.lock().unwrap().values_mut().for_each(|batches| batches.push(many.clone()));
    let error = full.finish(vec![lane]).unwrap_err().to_string();
    assert!(error.contains("holds no such rows"), "{error}");
}

/// A damaged store names units, keys and values that are not there: an error, never an index.
#[test]
fn rows_that_a_store_made_up_are_an_error() {
    let learned = BoundingPlan { keys: Keys::Learned, ..sample(plans()) };
    let grid = Grid::with_step(0.0, 10.0, 0).unwrap();
    let plan = BoundingPlan {
        values: vec![ValueColumn::Grid(grid)],
        measures: vec![Measure::Sum { value: 0, centred: false }],
        ..learned
    };
    let texts = |prefix: &str| -> ArrayRef {
        Arc::new((0..400).map(|row| Some(format!("{prefix}{}", row % 37))).collect::<StringArray>())
    };
    let values: ArrayRef = Arc::new(Int64Array::from_iter_values((0..400).map(|row| row % 11)));
    let columns = [("unit", texts("u")), ("key", texts("k")), ("value", values)];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    // A record is the key's number, one more than the steps above 0, and the unit's number.
    for (word, made_up, sound) in [(0, 400, false), (2, 400, false), (1, 12, false), (1, 11, true)]
    {
        let shelf = Arc::new(Shelf::default());
        let spill: Arc<dyn Spill> = Arc::clone(&shelf) as _;
        let memory = Memory { limit_bytes: Some(LIMIT_BYTES), spill: Some(spill) };
        let bounder = Bounder::with_memory(plan.clone(), rows.schema(), memory).unwrap();
        let mut lane = bounder.lane().unwrap();
        lane.push(&rows).unwrap();
        assert!(shelf.was_used());
        for batch in shelf.slots.lock().unwrap().values_mut().flatten() {
            *batch = with_first_word(batch, word, made_up);
        }
        let result = bounder.finish(vec![lane]).map_err(|error| error.to_string());
        match result {
            Ok(_) => assert!(sound, "word {word} may not be {made_up}"),
            Err(error) => assert!(!sound && error.contains("holds no such rows"), "{error}"),
        }
    }
}

/// A spilled batch whose first record has another word.
fn with_first_word(batch: &RecordBatch, word: usize, made_up: u32) -> RecordBatch {
    let lists = batch.column(0).as_list::<i64>();
    let mut words = lists.value(0).as_primitive::<UInt32Type>().values().to_vec();
    words[word] = made_up;
    let item = Arc::new(Field::new_list_field(DataType::UInt32, false));
    let ends = OffsetBuffer::from_lengths([words.len()]);
    let words = UInt32Array::new(words.into(), None);
    let words = LargeListArray::new(item, ends, Arc::new(words), None);
    let columns = [Arc::new(words) as ArrayRef, batch.column(1).clone(), batch.column(2).clone()];
    RecordBatch::try_new(batch.schema(), columns.to_vec()).unwrap()
}

/// The totals of learned keys take memory that no spilling frees: they are counted.
#[test]
fn totals_that_fill_the_memory_are_an_error() {
    // Numbers are keys by themselves, so that only their totals take memory.
    let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(0..200_000));
    let units: ArrayRef = Arc::new(Int64Array::from_iter_values(0..200_000));
    let rows = RecordBatch::try_from_iter([("unit", units), ("key", keys)]).unwrap();
    for (limit_bytes, fits) in [(1 << 20, false), (1 << 26, true)] {
        let spill: Arc<dyn Spill> = Arc::new(Shelf::default());
        let memory = Memory { limit_bytes: Some(limit_bytes), spill: Some(spill) };
        let bounder = Bounder::with_memory(counts(), rows.schema(), memory).unwrap();
        let mut lane = bounder.lane().unwrap();
        lane.push(&rows).unwrap();
        let memory = Memory { limit_bytes: Some(limit_bytes), spill: None };
        let streaming = Bounder::with_memory(counts(), rows.schema(), memory).unwrap();
        let mut sorted = streaming.sorted_lane().unwrap();
        let streamed = sorted.push(&rows).and_then(|()| streaming.finish_sorted(vec![sorted]));
        for state in [bounder.finish(vec![lane]), streamed] {
            let expected = KernelError::Memory { limit_bytes };
            match state {
                Ok(_) => assert!(fits),
                Err(error) => assert!(!fits && error == expected, "{error}"),
            }
        }
    }
}

#[test]
fn without_a_store_the_limit_is_an_error() {
    let plan = sample(plans());
    let many = batch(&sample(prop::collection::vec(rows(9), 400)).concat());
    let memory = Memory { limit_bytes: Some(LIMIT_BYTES), spill: None };
    let bounder = Bounder::with_memory(plan, schema(), memory).unwrap();
    let error = bounder.lane().unwrap().push(&many).unwrap_err();
    assert_eq!(error, KernelError::Memory { limit_bytes: LIMIT_BYTES });
    assert!(error.to_string().contains("raise the limit"), "{error}");
}

/// Keys cannot be spilled: their number is bounded by an error, not by luck.
#[test]
fn keys_that_fill_the_memory_are_an_error() {
    let texts: StringArray = (0..10_000).map(|key| Some(format!("key-{key}"))).collect();
    let units: ArrayRef = Arc::new(Int64Array::from_iter_values(0..10_000));
    let batch = RecordBatch::try_from_iter([("unit", units), ("key", Arc::new(texts) as _)]);
    let batch = batch.unwrap();
    let spill: Arc<dyn Spill> = Arc::new(Shelf::default());
    let memory = Memory { limit_bytes: Some(LIMIT_BYTES), spill: Some(spill) };
    let bounder = Bounder::with_memory(counts(), batch.schema(), memory).unwrap();
    let error = bounder.lane().unwrap().push(&batch).unwrap_err();
    assert_eq!(error, KernelError::Memory { limit_bytes: LIMIT_BYTES });
}

#[test]
fn lanes_of_another_bounder_are_refused() {
    let plan = sample(plans());
    let [one, two] = [0, 1].map(|_| Bounder::new(plan.clone(), schema()).unwrap());
    let foreign = two.lane().unwrap();
    let error = one.finish(vec![foreign]).unwrap_err().to_string();
    assert!(error.contains("several bounders"), "{error}");
}

fn counts() -> BoundingPlan {
    BoundingPlan {
        max_groups: 2,
        max_rows_per_group: 2,
        rank_key: [7; 16],
        keys: Keys::Learned,
        values: Vec::new(),
        measures: vec![Measure::Rows { present_in: None }],
    }
}

fn agree(plan: &BoundingPlan, columns: Vec<(&str, ArrayRef)>) {
    let nullable = columns.into_iter().map(|(name, column)| (name, column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(nullable).unwrap();
    let expected = reference::bound(plan, &batch.schema(), std::slice::from_ref(&batch)).unwrap();
    let bounder = Bounder::new(plan.clone(), batch.schema()).unwrap();
    let mut lanes = vec![bounder.lane().unwrap(), bounder.lane().unwrap()];
    let half = batch.num_rows() / 2;
    lanes[0].push(&batch.slice(half, batch.num_rows() - half)).unwrap();
    lanes[1].push(&batch.slice(0, half)).unwrap();
    assert_eq!(bounder.finish(lanes).unwrap(), expected);
}

/// Learned keys that are numbers are their own codes: the ends of the range, NULL, and what a code
/// has to escape.
#[test]
fn every_number_is_a_key_of_its_own() {
    let edge = 1_i64 << 62;
    let numbers = [
        Some(i64::MIN),
        Some(i64::MIN + 1),
        Some(-edge - 1),
        Some(-edge),
        Some(1 - edge),
        Some(-1),
        Some(0),
        None,
        Some(1),
        Some(2),
        Some(edge - 1),
        Some(edge),
        Some(edge + 1),
        Some(i64::MAX),
    ];
    let numbers: Vec<Option<i64>> = numbers.iter().cycle().take(97).copied().collect();
    let units: ArrayRef = Arc::new(Int64Array::from_iter_values((0..97).map(|row| row % 11)));
    let signed: ArrayRef = Arc::new(Int64Array::from(numbers.clone()));
    agree(&counts(), vec![("unit", Arc::clone(&units)), ("key", Arc::clone(&signed))]);
    let unsigned: UInt64Array = numbers.iter().map(|n| n.map(i64::cast_unsigned)).collect();
    agree(&counts(), vec![("unit", units), ("key", Arc::new(unsigned))]);
    // The same numbers as units.
    let keys: ArrayRef = Arc::new(Int64Array::from_iter_values((0..97).map(|row| row % 5)));
    agree(&counts(), vec![("unit", signed), ("key", keys)]);
}

/// A grid so fine that a value takes two words, whose upper one decides.
#[test]
fn wide_values_are_kept_whole() {
    let grid = Grid::with_step(-(2.0_f64.powi(52)), 2.0_f64.powi(52), 0).unwrap();
    let plan = BoundingPlan {
        values: vec![ValueColumn::Presence, ValueColumn::Grid(grid)],
        measures: vec![
            Measure::Sum { value: 1, centred: false },
            Measure::Sum { value: 1, centred: true },
            Measure::Rows { present_in: Some(0) },
        ],
        ..counts()
    };
    let values: Int64Array =
        (0..200_i64).map(|row| (row % 7 != 0).then(|| (row - 100) * (1 << 46) + row)).collect();
    let units: ArrayRef = Arc::new(Int64Array::from_iter_values((0..200).map(|row| row % 9)));
    let keys: ArrayRef = Arc::new(Int64Array::from_iter_values((0..200).map(|row| row % 4)));
    let values: ArrayRef = Arc::new(values);
    agree(
        &plan,
        vec![("unit", units), ("key", keys), ("present", Arc::clone(&values)), ("value", values)],
    );
}
