//! The bounding itself: in one partition, per unit the groups, per group the rows, then totals.

use std::hash::BuildHasher;
use std::ops::Range;

use rayon::prelude::*;

use crate::canonical::TupleEncoder;
use crate::cells::Cells;
use crate::dictionary::encoded_bytes;
use crate::integer::Integer;
use crate::intern::{Interner, Strings};
use crate::lane::{Shared, UnitKind};
use crate::measure::{Kept, Member, Reading};
use crate::number::Values;
use crate::rank::{ABSENT, Ranking};
use crate::store::{PARTITION_BITS, Rows, Segment};
use crate::{BoundingPlan, KernelError};

/// A slice of rows from which sorting and hashing use all threads: a unit that has most of the
/// rows must not leave the other threads idle.
const PARALLEL_ROWS: usize = 1 << 16;
/// Rows are sorted in buckets of about so many.
const BUCKET_ROWS: usize = 16;
const BUCKET_BITS_MAX: u32 = 13;

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
    pub(crate) readings: Vec<Reading>,
}

/// For each segment, the numbers of its units among all of the partition.
type UnitNumbers = Vec<Vec<u64>>;

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

/// Memory that is used again for every partition.
#[derive(Default)]
pub(crate) struct Scratch {
    members: Vec<Member>,
    buckets: Vec<u32>,
    groups: Vec<Range<usize>>,
    ranked: Vec<(u64, usize)>,
    chosen: Vec<Member>,
}

impl<S: BuildHasher + Clone + Send, R: Ranking> Job<'_, S, R> {
    /// Bounds the units of one partition and adds up what they contribute.
    pub(crate) fn settle(
        &self,
        parts: Vec<Part>,
        scratch: &mut Scratch,
        cells: &mut Cells<S>,
    ) -> Result<(), KernelError> {
        let shape = &self.shared.shape;
        let (segments, keys): (Vec<Segment>, Vec<_>) =
            parts.into_iter().map(|part| (part.segment, part.keys)).unzip();
        let rows = Rows::new(&segments, shape.words);
        if !rows.can_be_numbered() {
            return Err(KernelError::TooLarge { what: "rows of one part", limit: u32::MAX.into() });
        }
        let (units, numbers) = self.units(&segments)?;
        let mut members = std::mem::take(&mut scratch.members);
        members.clear();
        members.reserve(rows.count());
        let mut first_chunk = 0;
        for (part, segment) in segments.iter().enumerate() {
            for (first, chunk) in rows.chunks_of(first_chunk, segment) {
                let records = chunk.chunks_exact(shape.words);
                members.extend(records.zip(first..).map(|(record, row)| {
                    let (unit, key) = (shape.unit(record), shape.key(record));
                    Member {
                        unit: numbers.as_ref().map_or(unit, |numbers| numbers[part][unit as usize]),
                        key: keys[part].as_ref().map_or(key, |keys| keys[key as usize].into()),
                        row,
                    }
                }));
            }
            first_chunk += segment.chunks.len();
        }
        let members = self.sorted(members, scratch);
        for of_unit in members.chunk_by(|a, b| a.unit == b.unit) {
            self.settle_unit(&units, of_unit, &rows, scratch, cells);
        }
        scratch.members = members;
        Ok(())
    }

    /// The partition's units by number, and for each segment the numbers of its units.
    fn units(&self, segments: &[Segment]) -> Result<(UnitNames, Option<UnitNumbers>), KernelError> {
        let encoder: Option<&TupleEncoder> = match &self.shared.units {
            UnitKind::Integers(integer) => return Ok((UnitNames::Integers(*integer), None)),
            UnitKind::Bytes(encoder) => Some(encoder),
            UnitKind::Encoded(_) => None,
        };
        let mut all = Interner::of_part(self.shared.hasher.clone(), PARTITION_BITS);
        let numbers = (segments.iter())
            .map(|segment| segment.units.iter().map(|unit| all.intern(unit).into()).collect())
            .collect();
        let all = all.into_strings();
        let names = match encoder {
            Some(encoder) => encoded_bytes(encoder, || all.iter().map(Some))?,
            None => all,
        };
        Ok((UnitNames::Strings(names), Some(numbers)))
    }

    /// Sorted by unit in any order, then by group.
    ///
    /// Rows are first put into buckets of few units each, by further bits of the unit's hash, so
    /// that little is left to sort. A hash that is bad makes large buckets and nothing worse.
    fn sorted(&self, members: Vec<Member>, scratch: &mut Scratch) -> Vec<Member> {
        let order = |member: &Member| u128::from(member.unit) << 64 | u128::from(member.key);
        let bits = (members.len() / BUCKET_ROWS).max(1).ilog2().min(BUCKET_BITS_MAX);
        if bits == 0 || members.len() >= u32::MAX as usize {
            let mut members = members;
            sort_by(&mut members, order);
            return members;
        }
        let bucket = |member: &Member| {
            let hash = self.shared.hasher.hash_one(member.unit.cast_signed());
            ((hash << PARTITION_BITS) >> (64 - bits)) as usize
        };
        let mut starts = vec![0_u32; (1 << bits) + 1];
        scratch.buckets.clear();
        scratch.buckets.extend(members.iter().map(|member| bucket(member) as u32));
        for &bucket in &scratch.buckets {
            starts[bucket as usize + 1] += 1;
        }
        for bucket in 1..starts.len() {
            starts[bucket] += starts[bucket - 1];
        }
        let mut next = starts.clone();
        let mut sorted = vec![Member { unit: 0, key: 0, row: 0 }; members.len()];
        for (&member, &bucket) in members.iter().zip(&scratch.buckets) {
            let place = &mut next[bucket as usize];
            sorted[*place as usize] = member;
            *place += 1;
        }
        for ends in starts.windows(2) {
            sort_by(&mut sorted[ends[0] as usize..ends[1] as usize], order);
        }
        sorted
    }

    fn settle_unit(
        &self,
        units: &UnitNames,
        members: &[Member],
        rows: &Rows<'_>,
        scratch: &mut Scratch,
        cells: &mut Cells<S>,
    ) {
        let Scratch { groups, ranked, chosen, .. } = scratch;
        groups.clear();
        let mut start = 0;
        for group in members.chunk_by(|a, b| a.key == b.key) {
            groups.push(start..start + group.len());
            start += group.len();
        }
        let label;
        let unit = match units {
            UnitNames::Integers(integer) => {
                label = integer.label(members[0].unit.cast_signed());
                label.as_slice()
            }
            UnitNames::Strings(names) => names.get(members[0].unit as u32),
        };
        self.keep_groups(unit, members, groups, ranked);
        let limit = self.shared.plan.max_rows_per_group as usize;
        let reads_values = self.readings.iter().any(|reading| reading.reads_values());
        for group in groups.iter() {
            let mut kept = &members[group.clone()];
            let count = kept.len().min(limit);
            if reads_values && kept.len() > limit {
                self.choose_rows(unit, kept, rows, chosen);
                kept = chosen;
            }
            let cell = cells.of(kept[0].key);
            cell[0] += 1;
            let kept = Kept { count, members: kept, rows, fields: &self.shared.shape.values };
            for (total, reading) in cell[1..].iter_mut().zip(&self.readings) {
                *total += reading.of(&kept);
            }
        }
    }

    /// Keeps the `max_groups` groups of smallest rank, ties by the group's bytes.
    fn keep_groups(
        &self,
        unit: &[u8],
        members: &[Member],
        groups: &mut Vec<Range<usize>>,
        ranked: &mut Vec<(u64, usize)>,
    ) {
        let limit = self.shared.plan.max_groups as usize;
        if groups.len() <= limit {
            return;
        }
        let prefix = self.ranking.unit(unit);
        let key = |place: usize| members[groups[place].start].key;
        ranked.clear();
        ranked.extend((0..groups.len()).map(|place| {
            let rank =
                self.groups.with_bytes(key(place), |group| self.ranking.group(&prefix, group));
            (rank, place)
        }));
        ranked.select_nth_unstable_by(limit - 1, |a, b| {
            a.0.cmp(&b.0).then_with(|| self.groups.compare(key(a.1), key(b.1)))
        });
        ranked.truncate(limit);
        let kept: Vec<Range<usize>> =
            ranked.iter().map(|&(_, place)| groups[place].clone()).collect();
        groups.clear();
        groups.extend(kept);
    }

    /// The `limit` rows of smallest rank, ties by values and then by number among identical rows.
    fn choose_rows(
        &self,
        unit: &[u8],
        members: &[Member],
        rows: &Rows<'_>,
        chosen: &mut Vec<Member>,
    ) {
        let BoundingPlan { max_rows_per_group, .. } = self.shared.plan;
        let limit = max_rows_per_group as usize;
        let fields = &self.shared.shape.values;
        // Sorted by values, identical rows are neighbours, and which of them comes first is of no
        // consequence: the boundary reads the same values from each.
        let stored = |member: &Member| {
            let record = rows.record(member.row);
            fields.iter().map(move |field| field.stored(record))
        };
        let mut sorted = members.to_vec();
        if sorted.len() < PARALLEL_ROWS {
            sorted.sort_unstable_by(|a, b| stored(a).cmp(stored(b)));
        } else {
            sorted.par_sort_unstable_by(|a, b| stored(a).cmp(stored(b)));
        }
        let mut copies = Vec::with_capacity(sorted.len());
        for identical in sorted.chunk_by(|a, b| stored(a).eq(stored(b))) {
            copies.extend(0..identical.len() as u64);
        }
        let key = members[0].key;
        let prefix = self.groups.with_bytes(key, |group| self.ranking.prefix(unit, group));
        let rank = |place: usize| {
            let record = rows.record(sorted[place].row);
            let values =
                fields.iter().map(|field| field.steps(field.stored(record)).unwrap_or(ABSENT));
            (self.ranking.row(&prefix, values, copies[place]), place)
        };
        let mut ranked: Vec<(u64, usize)> = if sorted.len() < PARALLEL_ROWS {
            (0..sorted.len()).map(rank).collect()
        } else {
            (0..sorted.len()).into_par_iter().map(rank).collect()
        };
        // The place among the sorted rows orders ties by values and then by copy.
        ranked.select_nth_unstable(limit - 1);
        chosen.clear();
        chosen.extend(ranked[..limit].iter().map(|&(_, place)| sorted[place]));
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

    fn compare(&self, a: u64, b: u64) -> std::cmp::Ordering {
        match self {
            Self::Strings(strings) => strings.get(a as u32).cmp(strings.get(b as u32)),
            Self::Values(values) => values.order(a).cmp(&values.order(b)),
        }
    }
}

fn sort_by<K: Ord + Send>(members: &mut [Member], key: impl Fn(&Member) -> K + Sync) {
    if members.len() < PARALLEL_ROWS {
        members.sort_unstable_by_key(key);
    } else {
        members.par_sort_unstable_by_key(key);
    }
}
