//! The bounding itself: in one partition, per unit the groups, per group the rows, then totals.

use std::hash::BuildHasher;

use rayon::prelude::*;

use crate::KernelError;
use crate::canonical::TupleEncoder;
use crate::cells::Cells;
use crate::choice::{Choosing, Group, GroupTable};
use crate::dictionary::encoded_bytes;
use crate::distinct::{Distinct, Found, Visit};
use crate::grouping::{Grouping, UnitRows};
use crate::integer::{Integer, Label};
use crate::intern::{Interner, Strings};
use crate::lane::{Shared, UnitKind};
use crate::measure::{Kept, Readings};
use crate::number::Values;
use crate::rank::Ranking;
use crate::store::{PARTITION_BITS, Segment};

/// The bytes of groups, which ranks are computed from.
pub(crate) enum GroupNames {
    /// By the group's number.
    Strings(Strings),
    /// By the group's value.
    Values(Values),
}

/// What all partitions share.
pub(crate) struct Job<'a, S, R> {
    pub(crate) shared: &'a Shared<S>,
    pub(crate) groups: &'a GroupNames,
    pub(crate) ranking: &'a R,
    pub(crate) readings: &'a Readings,
    /// The values that are counted; nothing where none are.
    pub(crate) distinct: Option<&'a Distinct<'a>>,
}

/// The bytes of a partition's units.
enum UnitNames {
    Integers(Integer),
    Strings(Strings),
}

/// A part of a partition: its rows, and what their numbers stand for.
pub(crate) struct Part {
    pub(crate) segment: Segment,
    /// The number of each of its lane's keys among all keys; nothing where they are the same.
    pub(crate) keys: Option<std::sync::Arc<Vec<u32>>>,
}

/// Memory that is used again for every partition and every unit.
pub(crate) struct Scratch {
    grouping: Grouping,
    table: GroupTable,
    groups: Vec<Group>,
    /// For each row of a unit, the place of its group.
    places: Vec<u32>,
    /// The places of the groups that are kept, with their ranks.
    ranked: Vec<(u64, u32)>,
    /// For each group, where its rows begin among the kept ones.
    starts: Vec<u32>,
    /// The rows of kept groups, group by group.
    rows: Vec<u32>,
    choosing: Choosing,
    /// The distinct values so far.
    pub(crate) found: Found,
}

impl Scratch {
    /// For groups that are numbers below `numbered`, where that is known.
    pub(crate) fn new(numbered: Option<usize>) -> Self {
        Self {
            grouping: Grouping::default(),
            table: GroupTable::new(numbered),
            groups: Vec::new(),
            places: Vec::new(),
            ranked: Vec::new(),
            starts: Vec::new(),
            rows: Vec::new(),
            choosing: Choosing::default(),
            found: Found::default(),
        }
    }
}

impl<S: BuildHasher + Clone + Send, R: Ranking> Job<'_, S, R> {
    /// Bounds the units of one partition and adds up what they contribute.
    pub(crate) fn settle(
        &self,
        parts: Vec<Part>,
        scratch: &mut Scratch,
        cells: &mut Cells<S>,
    ) -> Result<(), KernelError> {
        let (names, numbers) = self.units(&parts)?;
        let numbered = match &names {
            UnitNames::Integers(_) => None,
            UnitNames::Strings(names) => Some((numbers.as_slice(), names.len())),
        };
        let mut grouping = std::mem::take(&mut scratch.grouping);
        grouping.fill(&self.shared.shape, &parts, &self.shared.hasher, numbered)?;
        // The rows lie in the grouping now.
        drop(parts);
        for (unit, rows) in grouping.units() {
            let label: Label;
            let name = match &names {
                UnitNames::Integers(integer) => {
                    label = integer.label(unit.cast_signed());
                    label.as_slice()
                }
                UnitNames::Strings(names) => names.get(unit as u32),
            };
            self.settle_unit(name, rows, scratch, cells);
        }
        scratch.grouping = grouping;
        Ok(())
    }

    /// The partition's units by number, and for each part the numbers of its units.
    fn units(&self, parts: &[Part]) -> Result<(UnitNames, Vec<Vec<u32>>), KernelError> {
        let encoder: Option<&TupleEncoder> = match &self.shared.units {
            UnitKind::Integers(integer) => return Ok((UnitNames::Integers(*integer), Vec::new())),
            UnitKind::Bytes(encoder) => Some(encoder),
            UnitKind::Encoded(_) => None,
        };
        let mut all = Interner::of_part(self.shared.hasher.clone(), PARTITION_BITS);
        let numbers = (parts.iter())
            .map(|part| part.segment.units.iter().map(|unit| all.intern(unit)).collect())
            .collect();
        let all = all.into_strings();
        let names = match encoder {
            Some(encoder) => encoded_bytes(encoder, || all.iter().map(Some))?,
            None => all,
        };
        Ok((UnitNames::Strings(names), numbers))
    }

    /// Bounds one unit and adds up what it contributes.
    pub(crate) fn settle_unit(
        &self,
        unit: &[u8],
        rows: UnitRows<'_>,
        scratch: &mut Scratch,
        cells: &mut Cells<S>,
    ) {
        let Shared { plan, shape, hasher, .. } = self.shared;
        let Scratch { table, groups, places, ranked, .. } = scratch;
        table.list(rows.keys(shape), hasher, groups, places);
        // Before anything is cut.
        let crowded = groups.iter().any(|group| group.rows > plan.max_rows_per_group);
        cells.over.add(groups.len() > plan.max_groups as usize, crowded);
        if groups.len() > plan.max_groups as usize {
            self.keep_groups(unit, groups, ranked);
        } else {
            ranked.clear();
            ranked.extend((0..groups.len() as u32).map(|place| (0, place)));
        }
        if self.readings.read_values() {
            return self.add_values(unit, rows, scratch, cells);
        }
        for &(_, place) in &scratch.ranked {
            let group = scratch.groups[place as usize];
            let count = group.rows.min(plan.max_rows_per_group) as usize;
            self.add(group.key, &Kept { count, rows: &[], of: rows, fields: &[] }, cells);
        }
    }

    /// Chooses rows of the kept groups and adds up what their values say.
    fn add_values(
        &self,
        unit: &[u8],
        rows: UnitRows<'_>,
        scratch: &mut Scratch,
        cells: &mut Cells<S>,
    ) {
        /// The group is not kept.
        const OUT: u32 = u32::MAX;
        let Scratch { groups, places, ranked, starts, rows: kept, choosing, found, .. } = scratch;
        starts.clear();
        starts.resize(groups.len(), OUT);
        let mut start = 0;
        for &(_, place) in ranked.iter() {
            starts[place as usize] = start;
            start += groups[place as usize].rows;
        }
        kept.clear();
        kept.resize(start as usize, 0);
        for (row, &place) in (0..).zip(places.iter()) {
            let next = &mut starts[place as usize];
            if *next != OUT {
                kept[*next as usize] = row;
                *next += 1;
            }
        }
        let Shared { plan, shape, .. } = self.shared;
        for &(_, place) in ranked.iter() {
            let Group { key, rows: count } = groups[place as usize];
            // Every start has moved on to the end.
            let end = starts[place as usize] as usize;
            let mut of_group = &kept[end - count as usize..end];
            if let Some(distinct) = self.distinct {
                let limit = plan.max_rows_per_group as usize;
                let groups = self.groups;
                let visit = Visit { unit, group: key, rows: of_group, of: rows, groups, limit };
                distinct.visit(self.ranking, &visit, found);
            }
            if count > plan.max_rows_per_group {
                of_group = self.choose_rows(unit, key, &rows, of_group, choosing);
            }
            let kept =
                Kept { count: of_group.len(), rows: of_group, of: rows, fields: &shape.values };
            self.add(key, &kept, cells);
        }
    }

    #[inline]
    fn add(&self, key: u64, kept: &Kept<'_>, cells: &mut Cells<S>) {
        let cell = cells.of(key);
        cell[0] += 1;
        self.readings.add(kept, &mut cell[1..]);
    }
}

impl GroupNames {
    /// How many groups there are, where they are numbered.
    pub(crate) fn numbered(&self) -> Option<usize> {
        match self {
            Self::Strings(strings) => Some(strings.len()),
            Self::Values(_) => None,
        }
    }

    /// Whether a key stands for a group.
    pub(crate) fn knows(&self, key: u64) -> bool {
        match self {
            Self::Strings(strings) => key < strings.len() as u64,
            Self::Values(values) => values.knows(key),
        }
    }

    /// Places of keys in the order of their canonical bytes.
    pub(crate) fn order(&self, keys: &[u64]) -> Vec<u32> {
        let mut order: Vec<u32> = (0..keys.len() as u32).collect();
        match self {
            Self::Strings(strings) => {
                let bytes = |place: u32| strings.get(keys[place as usize] as u32);
                order.par_sort_unstable_by(|&a, &b| bytes(a).cmp(bytes(b)));
            }
            Self::Values(values) => {
                order.par_sort_unstable_by_key(|&place| values.order(keys[place as usize]));
            }
        }
        order
    }

    #[inline]
    pub(crate) fn with_bytes<T>(&self, key: u64, read: impl FnOnce(&[u8]) -> T) -> T {
        match self {
            Self::Strings(strings) => read(strings.get(key as u32)),
            Self::Values(values) => read(values.label(key).as_slice()),
        }
    }
}
