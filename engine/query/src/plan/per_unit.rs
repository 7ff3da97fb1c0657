//! What may be computed from the rows of one unit: aggregates and windows.
//!
//! Every form depends on the multiset of those rows only, never on the order in which they arrive
//! or on anybody else's: sums are wide integers on a grid, and where a form reads rows in an order
//! the order is completed with all columns, so that only identical rows are interchangeable.

use serde::Serialize;
use voilage_kernels::Grid;

use super::{Scalar, Value};

/// An aggregate over some rows of one unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnitAggregate {
    /// Which one.
    pub function: UnitFunction,
    /// The value aggregated; none where rows are counted.
    pub argument: Option<Scalar>,
    /// Rows for which this is not true are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<Scalar>,
}

impl UnitAggregate {
    /// The expressions that it reads: the argument, then the filter.
    pub fn reads(&self) -> impl Iterator<Item = &Scalar> {
        self.argument.iter().chain(&self.filter)
    }
}

/// The aggregates. NULL arguments are left out; without any other, all but the counts are NULL.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitFunction {
    /// Rows, or values.
    Count,
    /// Different values.
    CountDistinct,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// Whether all values are true.
    All,
    /// Whether any value is true.
    Any,
    /// What follows from count, sum and sum of squares.
    Moments(Moments),
}

/// Functions of the moments of integers, or of doubles on a grid.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Moments {
    /// The sum, saturated once, at the end.
    Sum(#[serde(serialize_with = "super::boundary::grid_terms")] Option<Grid>),
    /// The mean, as one division of two integers.
    Mean(#[serde(serialize_with = "super::boundary::grid_terms")] Option<Grid>),
    /// The spread of numbers on a grid, from integer moments around its middle.
    Spread {
        /// The grid.
        #[serde(serialize_with = "one_grid_terms")]
        grid: Grid,
        /// Whether one less than the number of values is the divisor.
        sample: bool,
        /// Whether the square root is taken.
        root: bool,
    },
}

fn one_grid_terms<S: serde::Serializer>(grid: &Grid, out: S) -> Result<S::Ok, S::Error> {
    super::boundary::grid_terms(&Some(*grid), out)
}

/// A window function over the rows of one unit that share a partition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WindowCall {
    /// What is computed.
    pub function: WindowFunction,
    /// The partition beside the unit: expressions over the input's columns.
    pub partition: Vec<Scalar>,
    /// The order of the rows.
    pub order: Vec<SortKey>,
    /// Which rows around the current one are read.
    pub frame: Frame,
}

impl WindowCall {
    /// The expressions that it reads: partition, order, argument, filter.
    pub fn reads(&self) -> impl Iterator<Item = &Scalar> {
        let order = self.order.iter().map(|key| &key.value);
        self.partition.iter().chain(order).chain(self.function.argument()).chain(self.filter())
    }

    /// Rows for which this is not true are left out.
    pub fn filter(&self) -> Option<&Scalar> {
        match &self.function {
            WindowFunction::Aggregate(aggregate) => aggregate.filter.as_ref(),
            WindowFunction::RowNumber
            | WindowFunction::Rank
            | WindowFunction::DenseRank
            | WindowFunction::Shifted { .. }
            | WindowFunction::First(_)
            | WindowFunction::Last(_)
            | WindowFunction::Nth(..) => None,
        }
    }
}

/// The window functions.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WindowFunction {
    /// The position of the row, from 1.
    RowNumber,
    /// One more than the rows before the row's peers.
    Rank,
    /// One more than the different peers before.
    DenseRank,
    /// The value so many rows before (negative: after), or the default where there is none.
    Shifted {
        /// The value.
        value: Scalar,
        /// How many rows before.
        offset: i64,
        /// A constant of the value's type.
        default: Value,
    },
    /// The value of the first row of the frame.
    First(Scalar),
    /// The value of the last row of the frame.
    Last(Scalar),
    /// The value of a row of the frame, counted from 1.
    Nth(Scalar, i64),
    /// An aggregate over the frame.
    Aggregate(UnitAggregate),
}

impl WindowFunction {
    /// The value that it is about.
    pub fn argument(&self) -> Option<&Scalar> {
        match self {
            Self::RowNumber | Self::Rank | Self::DenseRank => None,
            Self::Shifted { value, .. }
            | Self::First(value)
            | Self::Last(value)
            | Self::Nth(value, _) => Some(value),
            Self::Aggregate(aggregate) => aggregate.argument.as_ref(),
        }
    }

    /// Whether it tells peers apart, so that their order must be completed.
    pub fn tells_peers_apart(&self, frame: &Frame) -> bool {
        match self {
            Self::Rank | Self::DenseRank => false,
            Self::RowNumber
            | Self::Shifted { .. }
            | Self::First(_)
            | Self::Last(_)
            | Self::Nth(..) => true,
            Self::Aggregate(_) => frame.rows,
        }
    }
}

/// A key of an ORDER BY.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SortKey {
    /// The value sorted by.
    pub value: Scalar,
    /// Whether large values come first.
    pub descending: bool,
    /// Whether NULLs come first.
    pub nulls_first: bool,
}

/// Which rows around the current one a window reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Frame {
    /// Whether edges count rows; otherwise the current row stands for all its peers.
    pub rows: bool,
    /// The first row read.
    pub start: Edge,
    /// The last row read.
    pub end: Edge,
}

/// An end of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Edge {
    /// So many rows before; none: from the beginning.
    Preceding(Option<u64>),
    /// The current row, or its peers.
    Current,
    /// So many rows after; none: to the end.
    Following(Option<u64>),
}
