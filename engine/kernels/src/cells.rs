//! Totals of groups while they are added up: integers only, so that the order never matters.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rayon::prelude::*;

/// Up to so many numbered groups, totals lie in one array.
const DENSE_GROUPS_MAX: usize = 1 << 16;
const BUCKET_BITS: u32 = 8;
/// What a bucket collects at least before it is added up, so that each table is used many times in a
/// row: so many groups, but no more totals than fit the processor's caches.
const PENDING_GROUPS: usize = 1 << 8;
const PENDING_CELLS_MAX: usize = 1 << 10;

/// How many units had more than is kept of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Over {
    /// Units with rows in more groups than `max_groups`.
    pub groups: u64,
    /// Units with more rows in some group than `max_rows_per_group`.
    pub rows: u64,
}

impl Over {
    /// Counts one unit.
    pub(crate) fn add(&mut self, groups: bool, rows: bool) {
        self.groups += u64::from(groups);
        self.rows += u64::from(rows);
    }

    /// Both together, of disjoint sets of units.
    #[must_use]
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { groups: self.groups + other.groups, rows: self.rows + other.rows }
    }
}

/// Totals per group: first the units, then the measures.
pub(crate) struct Cells<S> {
    pub(crate) over: Over,
    width: usize,
    kind: Kind<S>,
}

enum Kind<S> {
    /// Indexed by the group's number.
    Dense(Vec<i128>),
    /// By the group's number or value, spread over buckets by hash.
    Scattered { buckets: Vec<Bucket<S>>, hasher: S },
}

struct Bucket<S> {
    pending_keys: Vec<u64>,
    pending: Vec<i128>,
    table: HashTable<u32>,
    keys: Vec<u64>,
    cells: Vec<i128>,
    hasher: S,
}

/// All groups that somebody reached, in no particular order.
pub(crate) struct Reached {
    pub(crate) over: Over,
    pub(crate) keys: Vec<u64>,
    /// Per group the units, then the measures.
    pub(crate) cells: Vec<i128>,
}

impl<S: BuildHasher + Clone + Send> Cells<S> {
    /// No totals yet; `numbered` is the number of groups where groups are numbers below it.
    pub(crate) fn new(numbered: Option<usize>, measures: usize, hasher: &S) -> Self {
        let width = 1 + measures;
        let kind = match numbered {
            Some(groups) if groups <= DENSE_GROUPS_MAX => Kind::Dense(vec![0; groups * width]),
            Some(_) | None => Kind::Scattered {
                buckets: (0..1 << BUCKET_BITS).map(|_| Bucket::new(hasher.clone())).collect(),
                hasher: hasher.clone(),
            },
        };
        Self { over: Over::default(), width, kind }
    }

    /// Where to add one unit's share of a group: the units, then the measures.
    ///
    /// Fewer than 2^40 rows pass through a process, each adding less than 2^80: no total reaches
    /// 2^127.
    #[inline]
    pub(crate) fn of(&mut self, key: u64) -> &mut [i128] {
        match &mut self.kind {
            Kind::Dense(cells) => &mut cells[key as usize * self.width..][..self.width],
            Kind::Scattered { buckets, hasher } => {
                let bucket = (hasher.hash_one(key) >> (64 - BUCKET_BITS)) as usize;
                buckets[bucket].pending_cell(key, self.width)
            }
        }
    }

    /// What the totals take. *Units*: bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        match &self.kind {
            Kind::Dense(cells) => cells.capacity() * size_of::<i128>(),
            Kind::Scattered { buckets, .. } => buckets.iter().map(Bucket::memory_bytes).sum(),
        }
    }

    /// What one thread's totals take at once, before a row is added. *Units*: bytes.
    pub(crate) fn dense_bytes(numbered: Option<usize>, measures: usize) -> usize {
        match numbered {
            Some(groups) if groups <= DENSE_GROUPS_MAX => {
                groups.saturating_mul(1 + measures).saturating_mul(size_of::<i128>())
            }
            Some(_) | None => 0,
        }
    }

    /// Adds up the totals of several threads.
    pub(crate) fn merge(all: Vec<Self>) -> Reached {
        let width = all.first().map_or(1, |cells| cells.width);
        let over = all.iter().fold(Over::default(), |over, cells| over.plus(cells.over));
        let mut dense: Option<Vec<i128>> = None;
        let mut by_bucket: Vec<Vec<Bucket<S>>> = Vec::new();
        for cells in all {
            match cells.kind {
                Kind::Dense(cells) => match &mut dense {
                    Some(sum) => sum.iter_mut().zip(cells).for_each(|(sum, cell)| *sum += cell),
                    None => dense = Some(cells),
                },
                Kind::Scattered { buckets, .. } => {
                    by_bucket.resize_with(buckets.len(), Vec::new);
                    by_bucket.iter_mut().zip(buckets).for_each(|(all, bucket)| all.push(bucket));
                }
            }
        }
        let mut reached = Reached { over, keys: Vec::new(), cells: Vec::new() };
        for (key, cell) in dense.iter().flat_map(|cells| cells.chunks(width).enumerate()) {
            if cell[0] > 0 {
                reached.keys.push(key as u64);
                reached.cells.extend_from_slice(cell);
            }
        }
        let buckets: Vec<Bucket<S>> = (by_bucket.into_par_iter())
            .filter_map(|same| {
                same.into_iter().reduce(|mut sum, other| {
                    sum.absorb(other, width);
                    sum
                })
            })
            .map(|mut bucket| {
                bucket.settle(width);
                bucket
            })
            .collect();
        for bucket in buckets {
            reached.keys.extend(bucket.keys);
            reached.cells.extend(bucket.cells);
        }
        reached
    }
}

impl<S: BuildHasher> Bucket<S> {
    fn new(hasher: S) -> Self {
        Self {
            pending_keys: Vec::new(),
            pending: Vec::new(),
            table: HashTable::new(),
            keys: Vec::new(),
            cells: Vec::new(),
            hasher,
        }
    }

    fn memory_bytes(&self) -> usize {
        (self.keys.capacity() + self.pending_keys.capacity()) * size_of::<u64>()
            + (self.cells.capacity() + self.pending.capacity()) * size_of::<i128>()
            + self.table.capacity() * (size_of::<u32>() + 1)
    }

    #[inline]
    fn pending_cell(&mut self, key: u64, width: usize) -> &mut [i128] {
        // As many as there are groups, or each of them would be fetched for one addition.
        let least = (PENDING_CELLS_MAX / width).clamp(1, PENDING_GROUPS);
        if self.pending_keys.len() >= least.max(self.keys.len()) {
            self.settle(width);
        }
        self.pending_keys.push(key);
        let start = self.pending.len();
        self.pending.resize(start + width, 0);
        &mut self.pending[start..]
    }

    fn settle(&mut self, width: usize) {
        let keys = std::mem::take(&mut self.pending_keys);
        let pending = std::mem::take(&mut self.pending);
        for (&key, cell) in keys.iter().zip(pending.chunks(width)) {
            self.add(key, cell, width);
        }
        (self.pending_keys, self.pending) = (keys, pending);
        self.pending_keys.clear();
        self.pending.clear();
    }

    fn absorb(&mut self, mut other: Self, width: usize) {
        other.settle(width);
        for (&key, cell) in other.keys.iter().zip(other.cells.chunks(width)) {
            self.add(key, cell, width);
        }
    }

    fn add(&mut self, key: u64, cell: &[i128], width: usize) {
        let Self { table, keys, cells, hasher, .. } = self;
        // The first bits are the same for all keys of a bucket; the table looks at these first.
        let hash = |key: u64| hasher.hash_one(key).rotate_left(BUCKET_BITS);
        let place = match table.find(hash(key), |&place| keys[place as usize] == key) {
            Some(&place) => place as usize,
            None => {
                let place = keys.len();
                table.insert_unique(hash(key), place as u32, |&old| hash(keys[old as usize]));
                keys.push(key);
                cells.resize(cells.len() + width, 0);
                place
            }
        };
        let sums = &mut cells[place * width..][..width];
        sums.iter_mut().zip(cell).for_each(|(sum, add)| *sum += add);
    }
}
