//! The bounder gives the reference's state, bit for bit, however the rows arrive.

use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::cases::{
    Row, batch, bounded, by_the_book, carriers, counts_values, dress, plans, rows, sample, schema,
    split,
};
use super::spill::{Shelf, spilling};
use crate::bounder::finish;
use crate::lane::{Intake, Shared};
use crate::rank::KeyedRanking;
use crate::{Bounder, BoundingPlan, KernelError, Keys, Measure, Memory, PartialState};

/// A table hash that sends everything to one place.
#[derive(Clone)]
struct Constant;

impl BuildHasher for Constant {
    type Hasher = Self;
    fn build_hasher(&self) -> Self {
        Self
    }
}

impl Hasher for Constant {
    fn finish(&self) -> u64 {
        7
    }
    fn write(&mut self, _: &[u8]) {}
}

static POOLS: LazyLock<[ThreadPool; 2]> = LazyLock::new(|| {
    [1, 2].map(|threads| ThreadPoolBuilder::new().num_threads(threads).build().unwrap())
});

fn with_constant_hash(plan: &BoundingPlan, rows: &[Row]) -> PartialState {
    let shared = Shared::new(plan.clone(), &schema(), Memory::default(), Constant).unwrap();
    let shared = Arc::new(shared);
    let mut lanes = [Intake::new(&shared).unwrap(), Intake::new(&shared).unwrap()];
    for (place, piece) in split(&batch(rows), &[500]).iter().enumerate() {
        lanes[place].push(piece).unwrap();
    }
    finish(&shared, lanes.into(), &KeyedRanking::new(&plan.rank_key)).unwrap()
}

/// Rows, and the same rows in another order.
fn shuffled(most: usize) -> impl Strategy<Value = (Vec<Row>, Vec<Row>)> {
    rows(most).prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_bounder_agrees_with_the_reference(
        plan in plans(),
        (rows, shuffled) in shuffled(120),
        cuts in prop::collection::vec(any::<u16>(), 0..4),
        clothes in prop::collection::vec(carriers(), 5),
    ) {
        let expected = by_the_book(&plan, &rows);
        let batches: Vec<_> = split(&batch(&shuffled), &cuts)
            .iter()
            .zip(clothes)
            .map(|(piece, carriers)| dress(piece, carriers))
            .collect();
        for pool in &*POOLS {
            prop_assert_eq!(&pool.install(|| bounded(&plan, &batches)), &expected);
        }
        let shelf = Arc::new(Shelf::default());
        prop_assert_eq!(&spilling(&plan, &batches, 3, &shelf), &expected);
        let fits = matches!(plan.keys, Keys::Learned) || counts_values(&plan);
        prop_assert!(shelf.was_used() || fits || expected.batch().num_rows() == 0);
        prop_assert_eq!(with_constant_hash(&plan, &shuffled), expected);
    }

    /// Streams give the same state when they are sorted and follow each other, wherever they are cut;
    /// any other rows give the same state or are refused.
    #[test]
    fn streams_agree_with_the_reference_or_are_refused(
        plan in plans(),
        (rows, shuffled) in shuffled(120),
        cuts in prop::collection::vec(any::<u16>(), 0..6),
        turns in prop::collection::vec(0..3_usize, 7),
        clothes in prop::collection::vec(carriers(), 7),
    ) {
        let expected = by_the_book(&plan, &rows);
        let mut sorted = shuffled.clone();
        sorted.sort_by_key(|row| row.unit);
        let streamed = |rows: &[Row], turns: &[usize]| -> Result<PartialState, KernelError> {
            let bounder = Bounder::new(plan.clone(), schema())?;
            let mut lanes: Vec<_> =
                (0..3).map(|_| bounder.sorted_lane()).collect::<Result<_, _>>()?;
            let pieces = split(&batch(rows), &cuts);
            for ((piece, &lane), carriers) in pieces.iter().zip(turns).zip(&clothes) {
                lanes[lane].push(&dress(piece, *carriers))?;
            }
            // The order in which lanes are handed over is no order of their rows.
            lanes.rotate_left(1);
            bounder.finish_sorted(lanes)
        };
        let mut rising = turns.clone();
        rising.sort_unstable();
        match streamed(&sorted, &rising) {
            Ok(state) => prop_assert_eq!(&state, &expected),
            // Values to be counted take the general way.
            Err(error) => {
                prop_assert!(counts_values(&plan));
                prop_assert_eq!(error, KernelError::Unsorted);
            }
        }
        for (rows, turns) in [(&sorted, &turns), (&shuffled, &rising), (&shuffled, &turns)] {
            match streamed(rows, turns) {
                Ok(state) => prop_assert_eq!(&state, &expected),
                Err(error) => prop_assert_eq!(error, KernelError::Unsorted),
            }
        }
    }

    #[test]
    fn counts_alone_need_no_choice_of_rows(plan in plans(), rows in rows(120)) {
        let counts = [Measure::Units, Measure::Rows { present_in: None }];
        let short = BoundingPlan { measures: counts.to_vec(), ..plan.clone() };
        let (short, full) = (
            bounded(&short, &[batch(&rows)]).cells(&plan.keys).unwrap(),
            bounded(&plan, &[batch(&rows)]).cells(&plan.keys).unwrap(),
        );
        prop_assert_eq!(&short.measures[..], &full.measures[..2]);
        prop_assert_eq!((short.labels, short.units), (full.labels, full.units));
    }

    #[test]
    fn states_of_disjoint_units_merge_in_any_order(
        plan in plans(),
        rows in rows(120),
        order in Just((0..4_u8).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let whole = bounded(&plan, &[batch(&rows)]);
        let part = |share: u8| {
            let mine = |row: &&Row| row.unit.unwrap_or(0) % 4 == share;
            let rows: Vec<Row> = rows.iter().filter(mine).cloned().collect();
            let state = bounded(&plan, &[batch(&rows)]);
            PartialState::from_ipc(&state.to_ipc().unwrap()).unwrap()
        };
        let parts: Vec<_> = order.iter().map(|&share| part(share)).collect();
        prop_assert_eq!(&PartialState::merge(parts.clone()).unwrap(), &whole);
        // Merging merged states changes nothing either.
        let [a, b, c, d] = <[PartialState; 4]>::try_from(parts).unwrap();
        let left = PartialState::merge(vec![a, b]).unwrap();
        let right = PartialState::merge(vec![d, c]).unwrap();
        prop_assert_eq!(PartialState::merge(vec![right, left]).unwrap(), whole);
    }
}

/// A unit beyond the size from which sorting and hashing use all threads.
#[test]
fn a_unit_with_most_rows_is_bounded_like_any_other() {
    let (plan, seed) = (sample(plans()), sample(prop::collection::vec(rows(9), 100)).concat());
    let plan = BoundingPlan { max_groups: 3, max_rows_per_group: 50, ..plan };
    let mut rows: Vec<Row> = seed.iter().cycle().take(300_000).cloned().collect();
    rows.iter_mut().step_by(2).for_each(|row| row.unit = Some(0));
    let expected = by_the_book(&plan, &rows);
    for pool in &*POOLS {
        let state = pool.install(|| bounded(&plan, &split(&batch(&rows), &[100, 733])));
        assert_eq!(state, expected);
    }
}
