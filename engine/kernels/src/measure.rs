//! What the kept rows of one unit in one group add to the group's totals.
//!
//! A new measure of integers is a variant of [`Measure`], a variant of [`Reading`], an arm in
//! [`Reading::of`] and its slow twin in `reference.rs`.

use crate::grouping::UnitRows;
use crate::store::Field32;
use crate::{BoundingPlan, Measure, Squares, ValueColumn};

/// A measure with everything about its column looked up.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reading {
    Units,
    Rows,
    RowsWith { value: usize },
    RowsBelow { value: usize, steps: i64 },
    UnitsWith { value: usize },
    Squares { value: usize, squares: Squares },
    Sum { value: usize, origin_steps: i64 },
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

impl Reading {
    /// The readings of a plan's measures, in their order.
    pub(crate) fn all(plan: &BoundingPlan) -> Vec<Self> {
        let origin_steps = |value: usize, centred: bool| match plan.values[value] {
            ValueColumn::Grid(grid) if centred => grid.middle_steps(),
            ValueColumn::Grid(_) | ValueColumn::Presence => 0,
        };
        (plan.measures.iter())
            .map(|measure| match *measure {
                Measure::Units => Self::Units,
                Measure::UnitsWith { value } => Self::UnitsWith { value },
                Measure::RowsBelow { value, steps } => Self::RowsBelow { value, steps },
                Measure::Squares { value } => match plan.values[value] {
                    ValueColumn::Grid(grid) => Self::Squares { value, squares: Squares::of(&grid) },
                    // A plan with squares of a presence is refused before anything is read.
                    ValueColumn::Presence => Self::RowsWith { value },
                },
                Measure::Rows { present_in: None } => Self::Rows,
                Measure::Rows { present_in: Some(value) } => Self::RowsWith { value },
                Measure::Sum { value, centred } => {
                    Self::Sum { value, origin_steps: origin_steps(value, centred) }
                }
            })
            .collect()
    }

    /// Whether it matters which rows are kept, and not only how many.
    pub(crate) fn reads_values(self) -> bool {
        match self {
            Self::Units | Self::Rows => false,
            Self::RowsWith { .. }
            | Self::RowsBelow { .. }
            | Self::UnitsWith { .. }
            | Self::Squares { .. }
            | Self::Sum { .. } => true,
        }
    }

    /// What one unit adds to one group.
    #[inline]
    pub(crate) fn of(self, kept: &Kept<'_>) -> i128 {
        match self {
            Self::Units => 1,
            Self::Rows => kept.count as i128,
            Self::RowsBelow { value, steps } => {
                kept.steps(value).flatten().filter(|found| *found < steps).count() as i128
            }
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
