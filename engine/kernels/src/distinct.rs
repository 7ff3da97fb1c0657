//! Counting distinct values: which values a unit brings to a group, and the union over all units.
//!
//! Of its values in a group, whatever rows are kept there, a unit brings the `max_rows_per_group` of
//! smallest rank; the rank covers the unit, the group and the value, and nobody else. A group's
//! count is the size of the union. One unit more adds its own values to that union and takes none
//! away, so that the count changes by at most as many as it brings. Values are compared by their
//! canonical bytes or by their bits, never by hash.

use std::hash::BuildHasher;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use rayon::prelude::*;

use crate::KernelError;
use crate::bounder::{Renumbered, under_common_numbers};
use crate::canonical::{canonical_column, presence};
use crate::dictionary::{Entries, TupleDictionary, UNKNOWN};
use crate::grouping::UnitRows;
use crate::integer::Integer;
use crate::lane::{Intake, Shared};
use crate::memory::Account;
use crate::number::{Codes, NULL};
use crate::rank::Ranking;
use crate::sets::Sets;
use crate::settle::GroupNames;
use crate::store::{Field32, Segment, Width};

/// Before so many pairs a worker neither sorts them nor counts their memory.
const PAIRS_MIN: usize = 1 << 12;

/// How the values of a column are told apart.
pub(crate) enum Counting {
    /// The value is its own code.
    Codes(DataType, Codes),
    /// The number of the value among those that the lane has met.
    Numbers(DataType),
}

impl Counting {
    /// For each value column of these canonical types.
    pub(crate) fn all(counted: &[Option<DataType>]) -> Vec<Option<Self>> {
        let of = |canonical: &DataType| match Integer::of(canonical) {
            Some(integer) => Self::Codes(canonical.clone(), Codes::new(integer)),
            None => Self::Numbers(canonical.clone()),
        };
        counted.iter().map(|canonical| canonical.as_ref().map(of)).collect()
    }
}

/// The values to be counted that a lane has met: for each value column where they are numbered, a
/// dictionary.
pub(crate) struct Met<S>(Vec<Option<TupleDictionary<S>>>);

impl<S: BuildHasher + Clone> Met<S> {
    pub(crate) fn new(shared: &Shared<S>) -> Result<Self, KernelError> {
        let met = (shared.counting.iter()).map(|counting| match counting {
            Some(Counting::Numbers(canonical)) => {
                TupleDictionary::new(std::slice::from_ref(canonical), &shared.hasher).map(Some)
            }
            Some(Counting::Codes(..)) | None => Ok(None),
        });
        Ok(Self(met.collect::<Result<_, _>>()?))
    }

    /// Which value each row of a batch has, as records store it.
    pub(crate) fn which(
        &mut self,
        shared: &Shared<S>,
        value: usize,
        column: &ArrayRef,
    ) -> Result<Vec<u64>, KernelError> {
        let unreadable = || KernelError::Internal { doing: "reading values to be counted" };
        match &shared.counting[value] {
            Some(Counting::Codes(canonical, codes)) => {
                let plain = canonical_column(column, canonical).ok_or_else(unreadable)?;
                Ok(codes.of(&plain))
            }
            Some(Counting::Numbers(_)) => {
                let met = self.0.get_mut(value).and_then(Option::as_mut).ok_or_else(unreadable)?;
                if met.len().saturating_add(column.len()) >= UNKNOWN as usize {
                    let limit = u64::from(UNKNOWN);
                    return Err(KernelError::TooLarge { what: "values to be counted", limit });
                }
                let present = presence(column).ok_or_else(unreadable)?;
                let columns = std::slice::from_ref(column);
                let numbers = met.learn(columns, column.len(), &mut [Entries::default()]);
                let stored = |(&number, present): (&u32, bool)| {
                    if present { u64::from(number) + 1 } else { 0 }
                };
                Ok(numbers.ok_or_else(unreadable)?.iter().zip(present.iter()).map(stored).collect())
            }
            None => Err(unreadable()),
        }
    }

    /// How much memory the values take; it cannot be spilled.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.0.iter().flatten().map(TupleDictionary::memory_bytes).sum()
    }
}

/// The columns whose values are counted, with the values of all lanes under common numbers.
pub(crate) struct Distinct<'a> {
    columns: Vec<Column>,
    account: &'a Account,
}

struct Column {
    /// Its place among the value columns.
    value: usize,
    field: Field32,
    names: GroupNames,
    /// For each lane, its numbers among all.
    renumbered: Vec<Renumbered>,
}

/// What one worker has found: for each column, the pairs of a group and a value.
#[derive(Default)]
pub(crate) struct Found {
    columns: Vec<Pairs>,
    brought: Brought,
}

#[derive(Default)]
struct Pairs {
    pairs: Vec<(u64, u64)>,
    /// So many of them are sorted, and each is there once.
    settled: usize,
    accounted_bytes: usize,
}

/// Memory that is used again for every group.
#[derive(Default)]
struct Brought {
    values: Vec<u64>,
    ranked: Vec<(u64, u64)>,
}

/// What one unit has in one group.
pub(crate) struct Visit<'a> {
    pub(crate) unit: &'a [u8],
    pub(crate) group: u64,
    /// All of its rows there, kept or not.
    pub(crate) rows: &'a [u32],
    /// What they are rows of.
    pub(crate) of: UnitRows<'a>,
    pub(crate) groups: &'a GroupNames,
    /// At most so many values are counted.
    pub(crate) limit: usize,
}

impl<'a> Distinct<'a> {
    /// The columns of a plan, once all rows are there.
    pub(crate) fn new<S: BuildHasher + Clone>(
        shared: &'a Shared<S>,
        lanes: &[Intake<S>],
    ) -> Result<Self, KernelError> {
        let mut columns = Vec::new();
        for (value, counting) in shared.counting.iter().enumerate() {
            let (names, renumbered) = match counting {
                None => continue,
                Some(Counting::Codes(_, codes)) => {
                    (GroupNames::Values(codes.values()), vec![None; lanes.len()])
                }
                Some(Counting::Numbers(_)) => {
                    let labels = (lanes.iter())
                        .filter_map(|lane| lane.met.0[value].as_ref())
                        .map(TupleDictionary::labels)
                        .collect::<Result<Vec<_>, _>>()?;
                    let (strings, renumbered) = under_common_numbers(labels, &shared.hasher)?;
                    (GroupNames::Strings(strings), renumbered)
                }
            };
            let field = shared.shape.values[value];
            columns.push(Column { value, field, names, renumbered });
        }
        Ok(Self { columns, account: &shared.account })
    }

    /// Whether all values in rows that were spilled by a lane are values that there are.
    pub(crate) fn knows(&self, lane: usize, segment: &Segment, words: usize) -> bool {
        self.columns.iter().all(|column| {
            let known = |value: u64| match &column.renumbered[lane] {
                Some(numbers) => value < numbers.len() as u64,
                None => column.names.knows(value),
            };
            let mut records = segment.chunks.iter().flat_map(|chunk| chunk.chunks_exact(words));
            records.all(|record| column.read(record).is_none_or(known))
        })
    }

    /// Brings the rows of a lane to the common numbers.
    pub(crate) fn renumber(&self, lane: usize, segment: &mut Segment, words: usize) {
        for column in &self.columns {
            let Some(numbers) = &column.renumbered[lane] else { continue };
            let at = column.field.at;
            for record in segment.chunks.iter_mut().flat_map(|chunk| chunk.chunks_exact_mut(words))
            {
                if let Some(number) = record[at].checked_sub(1) {
                    record[at] = numbers[number as usize] + 1;
                }
            }
        }
    }

    /// Adds the values that a unit brings to a group.
    pub(crate) fn visit<R: Ranking>(&self, ranking: &R, visit: &Visit<'_>, found: &mut Found) {
        let Found { columns, brought } = found;
        columns.resize_with(self.columns.len(), Pairs::default);
        for (column, pairs) in self.columns.iter().zip(columns) {
            column.bring(ranking, visit, brought);
            pairs.pairs.extend(brought.values.iter().map(|&value| (visit.group, value)));
            if pairs.pairs.len() >= PAIRS_MIN.max(2 * pairs.settled) {
                pairs.settle();
            }
        }
    }

    /// Counts the memory of what a worker has found.
    ///
    /// *Errors*: more than there is memory for.
    pub(crate) fn account(&self, found: &mut Found) -> Result<(), KernelError> {
        for pairs in found.columns.iter_mut().filter(|pairs| pairs.settled > PAIRS_MIN) {
            let now = pairs.pairs.capacity() * size_of::<(u64, u64)>();
            self.account.replace_totals(pairs.accounted_bytes, now)?;
            pairs.accounted_bytes = now;
        }
        Ok(())
    }

    /// The sets of all groups in this order, for each value column that is counted.
    pub(crate) fn sets(&self, found: Vec<Found>, groups: &[u64]) -> Vec<(usize, Sets)> {
        let mut all: Vec<Vec<(u64, u64)>> = self.columns.iter().map(|_| Vec::new()).collect();
        for found in found {
            for (all, pairs) in all.iter_mut().zip(found.columns) {
                all.extend(pairs.pairs);
            }
        }
        (self.columns.iter().zip(all))
            .map(|(column, mut pairs)| {
                pairs.par_sort_unstable();
                pairs.dedup();
                let mut sets = Sets::default();
                for &group in groups {
                    let first = pairs.partition_point(|pair| pair.0 < group);
                    let values: Vec<u64> = (pairs[first..].iter())
                        .take_while(|pair| pair.0 == group)
                        .map(|pair| pair.1)
                        .collect();
                    for place in column.names.order(&values) {
                        let value = values[place as usize];
                        column.names.with_bytes(value, |bytes| sets.add(bytes));
                    }
                    sets.end();
                }
                (column.value, sets)
            })
            .collect()
    }
}

impl Pairs {
    /// Leaves each pair once.
    fn settle(&mut self) {
        self.pairs.sort_unstable();
        self.pairs.dedup();
        self.settled = self.pairs.len();
    }
}

impl Column {
    /// A row's value; nothing for NULL.
    fn read(&self, record: &[u32]) -> Option<u64> {
        let stored = self.field.stored(record);
        match self.field.width {
            Width::Code => (stored != NULL).then_some(stored),
            Width::Number | Width::Presence | Width::Narrow { .. } | Width::Wide { .. } => {
                stored.checked_sub(1)
            }
        }
    }

    /// The values of smallest rank, ties by bytes.
    fn bring<R: Ranking>(&self, ranking: &R, visit: &Visit<'_>, brought: &mut Brought) {
        let Brought { values, ranked } = brought;
        values.clear();
        values.extend(visit.rows.iter().filter_map(|&row| self.read(visit.of.record(row))));
        values.sort_unstable();
        values.dedup();
        if values.len() <= visit.limit {
            return;
        }
        let prefix =
            visit.groups.with_bytes(visit.group, |group| ranking.values(visit.unit, group));
        ranked.clear();
        ranked.extend(values.iter().map(|&value| {
            (self.names.with_bytes(value, |bytes| ranking.value(&prefix, bytes)), value)
        }));
        ranked.select_nth_unstable_by(visit.limit - 1, |a, b| {
            a.0.cmp(&b.0).then_with(|| self.names.compare(a.1, b.1))
        });
        values.clear();
        values.extend(ranked[..visit.limit].iter().map(|&(_, value)| value));
    }
}
