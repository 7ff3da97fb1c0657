//! Which groups of a unit are kept, and which rows of a group: the smallest ranks, and nothing but
//! them.

use std::hash::BuildHasher;

use rayon::prelude::*;

use crate::BoundingPlan;
use crate::grouping::UnitRows;
use crate::rank::{ABSENT, Ranking};
use crate::settle::{GroupNames, Job};

/// From so many rows of a unit on, sorting and hashing use all threads: a unit that has most of
/// the rows must not leave the other threads idle.
const PARALLEL_ROWS: usize = 1 << 16;
/// Up to so many groups are kept by inserting into a short list.
const SHORT_LIST: usize = 16;

/// One group of a unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    pub(crate) key: u64,
    /// The unit's rows in it.
    pub(crate) rows: u32,
}

/// The groups of one unit by key. Between units every place is free.
pub(crate) struct GroupTable {
    /// One more than a group's place in the list, 0 for none: by the number of the key where keys
    /// are few, else by hash.
    slots: Vec<u32>,
    by_number: bool,
}

impl GroupTable {
    /// A table for keys that are numbers below `numbered`, where that is known and small.
    pub(crate) fn new(numbered: Option<usize>) -> Self {
        const NUMBERED_MAX: usize = 1 << 14;
        let numbered = numbered.filter(|&keys| keys <= NUMBERED_MAX);
        Self { slots: vec![0; numbered.unwrap_or(0)], by_number: numbered.is_some() }
    }

    /// Lists the groups of a unit, and for each row the place of its group in the list.
    pub(crate) fn list(
        &mut self,
        keys: impl ExactSizeIterator<Item = u64>,
        hasher: &impl BuildHasher,
        groups: &mut Vec<Group>,
        places: &mut Vec<u32>,
    ) {
        groups.clear();
        places.clear();
        if self.by_number {
            places.extend(keys.map(|key| {
                let slot = &mut self.slots[key as usize];
                if *slot == 0 {
                    groups.push(Group { key, rows: 0 });
                    *slot = groups.len() as u32;
                }
                groups[*slot as usize - 1].rows += 1;
                *slot - 1
            }));
            groups.iter().for_each(|group| self.slots[group.key as usize] = 0);
            return;
        }
        let mut mask = (2 * keys.len()).next_power_of_two().clamp(FEW_SLOTS, MANY_SLOTS) - 1;
        self.make(mask);
        places.extend(keys.map(|key| {
            let place = self.place(key, mask, hasher, groups);
            groups[place as usize].rows += 1;
            if 2 * groups.len() > mask {
                mask = 2 * mask + 1;
                self.spread(mask, hasher, groups);
            }
            place
        }));
        self.slots[..=mask].fill(0);
    }

    fn make(&mut self, mask: usize) {
        if self.slots.len() <= mask {
            self.slots.resize(mask + 1, 0);
        }
    }

    #[inline]
    fn place(
        &mut self,
        key: u64,
        mask: usize,
        hasher: &impl BuildHasher,
        groups: &mut Vec<Group>,
    ) -> u32 {
        let mut slot = hasher.hash_one(key) as usize & mask;
        loop {
            match self.slots[slot] {
                0 => break,
                place if groups[place as usize - 1].key == key => return place - 1,
                _ => slot = (slot + 1) & mask,
            }
        }
        groups.push(Group { key, rows: 0 });
        self.slots[slot] = groups.len() as u32;
        groups.len() as u32 - 1
    }

    #[cold]
    fn spread(&mut self, mask: usize, hasher: &impl BuildHasher, groups: &[Group]) {
        self.make(mask);
        self.slots[..=mask].fill(0);
        for (place, group) in (1..).zip(groups) {
            let mut slot = hasher.hash_one(group.key) as usize & mask;
            while self.slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = place;
        }
    }
}

/// A unit's table starts with at least so many places.
const FEW_SLOTS: usize = 16;
/// And with at most so many, because a unit with very many rows may have few groups.
const MANY_SLOTS: usize = 1 << 12;

/// Memory that is used again for every group.
#[derive(Default)]
pub(crate) struct Choosing {
    sorted: Vec<u32>,
    copies: Vec<u64>,
    ranked: Vec<(u64, u32)>,
    chosen: Vec<u32>,
}

impl<S, R: Ranking> Job<'_, S, R> {
    /// The places of the `max_groups` groups of smallest rank, ties by the group's bytes; more than
    /// so many are there.
    pub(crate) fn keep_groups(&self, unit: &[u8], groups: &[Group], ranked: &mut Vec<(u64, u32)>) {
        let limit = self.shared.plan.max_groups as usize;
        let prefix = self.ranking.unit(unit);
        let key = |place: u32| groups[place as usize].key;
        let less = |a: &(u64, u32), b: &(u64, u32)| {
            a.0.cmp(&b.0).then_with(|| self.groups.compare(key(a.1), key(b.1)))
        };
        let ranks = (0..groups.len() as u32).map(|place| {
            let rank =
                self.groups.with_bytes(key(place), |group| self.ranking.group(&prefix, group));
            (rank, place)
        });
        // All ranks first: their hashes overlap in the processor where nothing branches in between.
        ranked.clear();
        ranked.extend(ranks);
        if limit > SHORT_LIST {
            ranked.select_nth_unstable_by(limit - 1, less);
            ranked.truncate(limit);
            return;
        }
        let mut kept = 0;
        for at in 0..ranked.len() {
            let next = ranked[at];
            if kept == limit {
                if less(&next, &ranked[limit - 1]).is_ge() {
                    continue;
                }
                kept -= 1;
            }
            let mut place = kept;
            while place > 0 && less(&next, &ranked[place - 1]).is_lt() {
                ranked[place] = ranked[place - 1];
                place -= 1;
            }
            ranked[place] = next;
            kept += 1;
        }
        ranked.truncate(limit);
    }

    /// The `max_rows_per_group` rows of smallest rank, ties by values and then by number among
    /// identical rows; more than so many are there.
    pub(crate) fn choose_rows<'a>(
        &self,
        unit: &[u8],
        key: u64,
        rows: &UnitRows<'_>,
        of_group: &[u32],
        choosing: &'a mut Choosing,
    ) -> &'a [u32] {
        let BoundingPlan { max_rows_per_group, .. } = self.shared.plan;
        let limit = max_rows_per_group as usize;
        let fields = &self.shared.shape.ranking;
        let Choosing { sorted, copies, ranked, chosen } = choosing;
        // Sorted by values, identical rows are neighbours, and which of them comes first is of no
        // consequence: the boundary reads the same values from each.
        let stored = |row: u32| {
            let record = rows.record(row);
            fields.iter().map(move |field| field.stored(record))
        };
        sorted.clear();
        sorted.extend_from_slice(of_group);
        let by_values = |a: &u32, b: &u32| stored(*a).cmp(stored(*b));
        if sorted.len() < PARALLEL_ROWS {
            sorted.sort_unstable_by(by_values);
        } else {
            sorted.par_sort_unstable_by(by_values);
        }
        copies.clear();
        for identical in sorted.chunk_by(|a, b| stored(*a).eq(stored(*b))) {
            copies.extend(0..identical.len() as u64);
        }
        let prefix = self.groups.with_bytes(key, |group| self.ranking.prefix(unit, group));
        let rank = |place: u32| {
            let record = rows.record(sorted[place as usize]);
            let values =
                fields.iter().map(|field| field.steps(field.stored(record)).unwrap_or(ABSENT));
            (self.ranking.row(&prefix, values, copies[place as usize]), place)
        };
        let count = sorted.len() as u32;
        ranked.clear();
        if sorted.len() < PARALLEL_ROWS {
            ranked.extend((0..count).map(rank));
        } else {
            ranked.par_extend((0..count).into_par_iter().map(rank));
        }
        // The place among the sorted rows orders ties by values and then by copy.
        ranked.select_nth_unstable(limit - 1);
        chosen.clear();
        chosen.extend(ranked[..limit].iter().map(|&(_, place)| sorted[place as usize]));
        chosen
    }
}

impl GroupNames {
    pub(crate) fn compare(&self, a: u64, b: u64) -> std::cmp::Ordering {
        match self {
            Self::Strings(strings) => strings.get(a as u32).cmp(strings.get(b as u32)),
            Self::Values(values) => values.order(a).cmp(&values.order(b)),
        }
    }
}
