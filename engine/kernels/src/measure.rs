//! What the kept rows of one unit in one group add to the group's totals.
//!
//! A new measure of integers is a variant of [`Measure`], a variant of [`Reading`], an arm in
//! [`Reading::of`] and its slow twin in `reference.rs`.
//!
//! Many counts of the rows below rising points of one value, as quantiles need them, are one
//! histogram: each row is counted once, between two points, and the counts are summed up at the end.

use crate::grouping::UnitRows;
use crate::store::Field32;
use crate::{BoundingPlan, Measure, Squares, ValueColumn};

/// A measure with everything about its column looked up.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reading {
    Units,
    Rows,
    RowsWith { value: usize },
    UnitsWith { value: usize },
    Squares { value: usize, squares: Squares },
    Sum { value: usize, origin_steps: i64 },
}

/// The readings of a plan's measures.
pub(crate) struct Readings {
    /// With their place among the measures.
    single: Vec<(usize, Reading)>,
    histograms: Vec<Histogram>,
    /// Whether distinct values are counted, which `distinct.rs` collects.
    distinct: bool,
}

/// Consecutive measures that count the rows below rising points of one value.
struct Histogram {
    value: usize,
    /// The first one's place among the measures.
    first: usize,
    points: Vec<i64>,
}

/// The kept rows of one unit in one group, at most `max_rows_per_group`.
pub(crate) struct Kept<'a> {
    /// How many are kept.
    pub(crate) count: usize,
    /// The kept rows themselves where some measure reads values; none otherwise.
    pub(crate) rows: &'a [u32],
    /// What they are rows of.
    pub(crate) of: UnitRows<'a>,
    pub(crate) fields: &'a [Field32],
}

impl Kept<'_> {
    /// The values of the kept rows in one column. *Units*: steps; nothing for NULL.
    #[inline]
    fn steps(&self, value: usize) -> impl Iterator<Item = Option<i64>> {
        let field = self.fields[value];
        self.rows.iter().map(move |&row| field.steps(field.stored(self.of.record(row))))
    }
}

impl Readings {
    pub(crate) fn all(plan: &BoundingPlan) -> Self {
        let mut all = Self { single: Vec::new(), histograms: Vec::new(), distinct: false };
        let origin_steps = |value: usize, centred: bool| match plan.values[value] {
            ValueColumn::Grid(grid) if centred => grid.middle_steps(),
            ValueColumn::Grid(_) | ValueColumn::Presence | ValueColumn::Distinct => 0,
        };
        for (place, measure) in plan.measures.iter().enumerate() {
            let reading = match *measure {
                Measure::Units => Reading::Units,
                Measure::UnitsWith { value } => Reading::UnitsWith { value },
                Measure::Distinct { .. } => {
                    all.distinct = true;
                    continue;
                }
                Measure::RowsBelow { value, steps } => {
                    all.count_below(place, value, steps);
                    continue;
                }
                Measure::Squares { value } => match plan.values[value] {
                    ValueColumn::Grid(grid) => {
                        Reading::Squares { value, squares: Squares::of(&grid) }
                    }
                    // A plan with squares of anything else is refused before anything is read.
                    ValueColumn::Presence | ValueColumn::Distinct => Reading::RowsWith { value },
                },
                Measure::Rows { present_in: None } => Reading::Rows,
                Measure::Rows { present_in: Some(value) } => Reading::RowsWith { value },
                Measure::Sum { value, centred } => {
                    Reading::Sum { value, origin_steps: origin_steps(value, centred) }
                }
            };
            all.single.push((place, reading));
        }
        all
    }

    /// A further point of the last histogram, or the first one of another.
    fn count_below(&mut self, place: usize, value: usize, steps: i64) {
        match self.histograms.last_mut() {
            Some(last) if last.goes_on(place, value, steps) => last.points.push(steps),
            _ => self.histograms.push(Histogram { value, first: place, points: vec![steps] }),
        }
    }

    /// Whether it matters which rows are kept, and not only how many.
    pub(crate) fn read_values(&self) -> bool {
        self.distinct
            || !self.histograms.is_empty()
            || self.single.iter().any(|(_, reading)| reading.reads_values())
    }

    /// Adds what one unit adds to one group.
    #[inline]
    pub(crate) fn add(&self, kept: &Kept<'_>, measures: &mut [i128]) {
        for (place, reading) in &self.single {
            measures[*place] += reading.of(kept);
        }
        for histogram in &self.histograms {
            histogram.add(kept, &mut measures[histogram.first..]);
        }
    }

    /// Sums the histograms of one group up, once everything has been added.
    pub(crate) fn complete(&self, measures: &mut [i128]) {
        for Histogram { first, points, .. } in &self.histograms {
            let mut below = 0;
            for count in &mut measures[*first..first + points.len()] {
                below += *count;
                *count = below;
            }
        }
    }
}

impl Histogram {
    fn goes_on(&self, place: usize, value: usize, steps: i64) -> bool {
        self.first + self.points.len() == place
            && self.value == value
            && self.points.last().is_some_and(|last| *last < steps)
    }

    /// Counts each row at the first point that it is below.
    fn add(&self, kept: &Kept<'_>, counts: &mut [i128]) {
        for steps in kept.steps(self.value).flatten() {
            let point = self.points.partition_point(|point| *point <= steps);
            if point < self.points.len() {
                counts[point] += 1;
            }
        }
    }
}

impl Reading {
    /// Whether it matters which rows are kept, and not only how many.
    fn reads_values(self) -> bool {
        match self {
            Self::Units | Self::Rows => false,
            Self::RowsWith { .. }
            | Self::UnitsWith { .. }
            | Self::Squares { .. }
            | Self::Sum { .. } => true,
        }
    }

    /// What one unit adds to one group.
    #[inline]
    fn of(self, kept: &Kept<'_>) -> i128 {
        match self {
            Self::Units => 1,
            Self::Rows => kept.count as i128,
            Self::UnitsWith { value } => i128::from(kept.steps(value).flatten().next().is_some()),
            Self::Squares { value, squares } => {
                kept.steps(value).flatten().map(|steps| squares.deviation(steps)).sum()
            }
            Self::RowsWith { value } => kept.steps(value).flatten().count() as i128,
            Self::Sum { value, origin_steps } => {
                kept.steps(value).flatten().map(|steps| i128::from(steps - origin_steps)).sum()
            }
        }
    }
}
