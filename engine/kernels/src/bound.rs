//! The bounding itself: per unit the groups, per group the rows, then integer totals.
//!
//! Units are independent of each other, so that they are spread over the threads of the current
//! rayon pool; integer totals are added up in whatever order threads finish.

use std::ops::Range;

use rayon::prelude::*;

use crate::intern::Strings;
use crate::rank::Ranking;
use crate::rows::{ABSENT, RowStore};
use crate::{BoundingPlan, Measure, ValueColumn};

/// A slice of rows from which sorting and hashing use all threads: a unit that has most of the
/// rows must not leave the other threads idle.
const PARALLEL_ROWS: usize = 1 << 16;

/// Totals of all groups, indexed by group id.
pub(crate) struct GroupTotals {
    /// Per group the units, then the measures.
    cells: Vec<i128>,
    width: usize,
}

/// The totals of one group.
pub(crate) struct CellTotals<'a> {
    pub(crate) units: i128,
    pub(crate) measures: &'a [i128],
}

impl GroupTotals {
    fn zero(groups: usize, measures: usize) -> Self {
        let width = 1 + measures;
        Self { cells: vec![0; groups * width], width }
    }

    pub(crate) fn of(&self, group: usize) -> CellTotals<'_> {
        let cell = &self.cells[group * self.width..][..self.width];
        CellTotals { units: cell[0], measures: &cell[1..] }
    }

    fn cell_mut(&mut self, group: u32) -> &mut [i128] {
        &mut self.cells[group as usize * self.width..][..self.width]
    }

    /// There are fewer than 2^32 rows of at most 2^54 steps each: no total reaches 2^127.
    fn add(mut self, other: Self) -> Self {
        for (mine, theirs) in self.cells.iter_mut().zip(&other.cells) {
            *mine += theirs;
        }
        self
    }
}

/// Bounds every unit and measures every group.
pub(crate) fn bound<R: Ranking>(
    plan: &BoundingPlan,
    rows: &RowStore,
    units: &Strings,
    groups: &Strings,
    ranking: &R,
) -> GroupTotals {
    let by_unit = RowsByUnit::new(&rows.units, units.len());
    let measures = measures(plan);
    let job = Job { plan, rows, units, groups, ranking, measures: &measures };
    let zero = || GroupTotals::zero(groups.len(), plan.measures.len());
    by_unit
        .parts(rayon::current_num_threads())
        .into_par_iter()
        .map(|part| {
            let mut totals = zero();
            let mut scratch = Vec::new();
            for unit in part {
                job.bound_unit(unit as u32, by_unit.rows_of(unit), &mut scratch, &mut totals);
            }
            totals
        })
        .reduce_with(GroupTotals::add)
        .unwrap_or_else(zero)
}

/// Row numbers ordered by unit.
struct RowsByUnit {
    rows: Vec<u32>,
    /// Where each unit's rows start, and after them the number of rows.
    starts: Vec<usize>,
}

impl RowsByUnit {
    /// A counting sort, linear in rows and units.
    fn new(unit_of_row: &[u32], units: usize) -> Self {
        let mut starts = vec![0; units + 1];
        for &unit in unit_of_row {
            starts[unit as usize + 1] += 1;
        }
        for unit in 0..units {
            starts[unit + 1] += starts[unit];
        }
        let mut next = starts.clone();
        let mut rows = vec![0; unit_of_row.len()];
        for (row, &unit) in unit_of_row.iter().enumerate() {
            let place = &mut next[unit as usize];
            rows[*place] = row as u32;
            *place += 1;
        }
        Self { rows, starts }
    }

    fn rows_of(&self, unit: usize) -> &[u32] {
        &self.rows[self.starts[unit]..self.starts[unit + 1]]
    }

    /// Cuts the units into ranges of about equally many rows.
    fn parts(&self, parts: usize) -> Vec<Range<usize>> {
        let units = self.starts.len() - 1;
        let cut = |part| match part {
            0 => 0,
            _ if part == parts => units,
            _ => self.starts.partition_point(|&start| start < self.rows.len() / parts * part),
        };
        (0..parts).map(|part| cut(part).min(units)..cut(part + 1).min(units)).collect()
    }
}

/// A measure with its grid looked up.
enum Reading {
    Units,
    Rows,
    RowsWith { value: usize },
    Sum { value: usize, origin: i64 },
}

fn measures(plan: &BoundingPlan) -> Vec<Reading> {
    let origin = |value: usize, centred: bool| match plan.values[value] {
        ValueColumn::Grid(grid) if centred => grid.middle_steps(),
        ValueColumn::Grid(_) | ValueColumn::Presence => 0,
    };
    (plan.measures.iter())
        .map(|measure| match *measure {
            Measure::Units => Reading::Units,
            Measure::Rows { present_in: None } => Reading::Rows,
            Measure::Rows { present_in: Some(value) } => Reading::RowsWith { value },
            Measure::Sum { value, centred } => {
                Reading::Sum { value, origin: origin(value, centred) }
            }
        })
        .collect()
}

/// What all units share.
struct Job<'a, R> {
    plan: &'a BoundingPlan,
    rows: &'a RowStore,
    units: &'a Strings,
    groups: &'a Strings,
    ranking: &'a R,
    measures: &'a [Reading],
}

/// One row of a unit: its group, then its number.
type Member = (u32, u32);

impl<R: Ranking> Job<'_, R> {
    fn bound_unit(
        &self,
        unit: u32,
        rows: &[u32],
        scratch: &mut Vec<Member>,
        totals: &mut GroupTotals,
    ) {
        scratch.clear();
        scratch.extend(rows.iter().map(|&row| (self.rows.groups[row as usize], row)));
        sort_by(scratch, |member| *member);
        let mut kept: Vec<&[Member]> = scratch.chunk_by(|a, b| a.0 == b.0).collect();
        let unit = self.units.get(unit);
        self.keep_groups(unit, &mut kept);
        for members in kept {
            let group = members[0].0;
            let cell = totals.cell_mut(group);
            cell[0] += 1;
            self.measure(unit, members, &mut cell[1..]);
        }
    }

    /// Keeps the `max_groups` groups of smallest rank, ties by the group's bytes.
    fn keep_groups(&self, unit: &[u8], kept: &mut Vec<&[Member]>) {
        let limit = self.plan.max_groups as usize;
        if kept.len() <= limit {
            return;
        }
        let mut ranked: Vec<(u64, &[u8], &[Member])> = (kept.iter())
            .map(|&members| {
                let group = self.groups.get(members[0].0);
                (self.ranking.group(unit, group), group, members)
            })
            .collect();
        ranked.select_nth_unstable_by(limit - 1, |a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        kept.clear();
        kept.extend(ranked[..limit].iter().map(|ranked| ranked.2));
    }

    /// Measures a unit's rows in one group, choosing among them only when values are read.
    fn measure(&self, unit: &[u8], members: &[Member], measures: &mut [i128]) {
        let limit = self.plan.max_rows_per_group as usize;
        let reads_values = (self.measures.iter())
            .any(|reading| matches!(reading, Reading::RowsWith { .. } | Reading::Sum { .. }));
        let chosen =
            (reads_values && members.len() > limit).then(|| self.choose_rows(unit, members, limit));
        let kept = chosen.as_deref().unwrap_or(members);
        for (total, reading) in measures.iter_mut().zip(self.measures) {
            *total += match *reading {
                Reading::Units => 1,
                Reading::Rows => kept.len().min(limit) as i128,
                Reading::RowsWith { value } => {
                    self.values_of(kept, value).filter(|&steps| steps != ABSENT).count() as i128
                }
                Reading::Sum { value, origin } => self
                    .values_of(kept, value)
                    .filter(|&steps| steps != ABSENT)
                    .map(|steps| i128::from(steps - origin))
                    .sum(),
            };
        }
    }

    fn values_of(&self, members: &[Member], value: usize) -> impl Iterator<Item = i64> {
        let column = &self.rows.values[value];
        members.iter().map(|&(_, row)| column.get(row))
    }

    /// The `limit` rows of smallest rank, ties by values and then by number among identical rows.
    fn choose_rows(&self, unit: &[u8], members: &[Member], limit: usize) -> Vec<Member> {
        // Sorted by values, identical rows are neighbours, and which of them comes first is of no
        // consequence: the boundary reads the same values from each.
        let mut sorted = members.to_vec();
        let values = |member: &Member| self.rows.values(member.1);
        if sorted.len() < PARALLEL_ROWS {
            sorted.sort_unstable_by(|a, b| values(a).cmp(values(b)));
        } else {
            sorted.par_sort_unstable_by(|a, b| values(a).cmp(values(b)));
        }
        let mut copies = Vec::with_capacity(sorted.len());
        for identical in sorted.chunk_by(|a, b| values(a).eq(values(b))) {
            copies.extend(0..identical.len() as u64);
        }
        let prefix = self.ranking.prefix(unit, self.groups.get(members[0].0));
        let rank = |place: usize| {
            (self.ranking.row(&prefix, values(&sorted[place]), copies[place]), place)
        };
        let mut ranked: Vec<(u64, usize)> = if sorted.len() < PARALLEL_ROWS {
            (0..sorted.len()).map(rank).collect()
        } else {
            (0..sorted.len()).into_par_iter().map(rank).collect()
        };
        // The place among the sorted rows orders ties by values and then by copy.
        ranked.select_nth_unstable(limit - 1);
        ranked[..limit].iter().map(|&(_, place)| sorted[place]).collect()
    }
}

fn sort_by<K: Ord + Send>(members: &mut [Member], key: impl Fn(&Member) -> K + Sync) {
    if members.len() < PARALLEL_ROWS {
        members.sort_unstable_by_key(key);
    } else {
        members.par_sort_unstable_by_key(key);
    }
}
