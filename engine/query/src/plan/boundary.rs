//! The boundary: where owned rows become a noisy public table.

use serde::Serialize;
use voilage_kernels::Grid;
use voilage_privacy::mechanism::{Leaves, Noise, Quantile, Seen};
use voilage_privacy::sensitivity::Sensitivity;

pub use voilage_kernels::Squares;

use super::{DerivedTable, Relation, Scalar, Type, Value};

/// Everything of a statement that touches owned rows.
#[derive(Clone, Debug, Serialize)]
pub struct PrivatePlan {
    /// The version of the canonical form.
    pub version: u32,
    /// The dataset whose units are protected.
    pub dataset: String,
    /// The boundaries, in the order in which they are drawn.
    pub boundaries: Vec<Boundary>,
    /// Public tables that boundaries read, each computed from earlier ones once they are sealed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub derived: Vec<DerivedTable>,
}

impl Boundary {
    /// The points at which a search over a value asks.
    pub(crate) fn leaves(&self, value: usize) -> Option<Leaves> {
        self.values.get(value)?.leaves()
    }
}

impl MeasuredValue {
    /// The points at which a search asks, for a value on a grid.
    pub(crate) fn leaves(&self) -> Option<Leaves> {
        let grid = self.grid?;
        Some(Leaves::between(grid.lower_steps(), grid.upper_steps()))
    }
}

impl PrivatePlan {
    /// The version written by this build.
    pub const VERSION: u32 = 2;
}

/// A private aggregate.
#[derive(Clone, Debug, Serialize)]
pub struct Boundary {
    /// The owned rows aggregated.
    pub input: Relation,
    /// The GROUP BY expressions over the input's columns.
    pub keys: Vec<Scalar>,
    /// The types of the keys.
    pub key_kinds: Vec<Type>,
    /// The names of the keys, for people only.
    #[serde(skip)]
    pub key_names: Vec<String>,
    /// Which key tuples are released.
    pub domain: KeyDomain,
    /// At most so many groups keep a unit's rows.
    pub max_groups: u32,
    /// At most so many of a unit's rows are kept in a group.
    pub max_rows_per_group: u32,
    /// The expressions over the input's columns that the measures read.
    pub values: Vec<MeasuredValue>,
    /// The columns that get noise, each priced on its own.
    pub noisy: Vec<NoisyColumn>,
    /// Which groups are too small to be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smallest: Option<SmallestGroup>,
    /// The noise of two estimates, if they are asked for: how many units had more groups, and how many
    /// more rows in a group, than are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<CutNoise>,
    /// How the query's aggregates follow from the noisy columns.
    #[serde(skip)]
    pub outputs: Vec<OutputColumn>,
    /// Where values are means of several releases: how the count came to be seen that decided which
    /// cells are shown.
    #[serde(skip)]
    pub seen: Option<Seen>,
    /// The names of the query's aggregates, for people only.
    #[serde(skip)]
    pub output_names: Vec<String>,
}

/// An expression read by a measure.
#[derive(Clone, Debug, Serialize)]
pub struct MeasuredValue {
    /// The expression over the input's columns.
    pub value: Scalar,
    /// In other rows than those for which this is true, the value counts as NULL.
    pub present_if: Option<Scalar>,
    /// The grid its values are put on; none where only its presence is read, or which value it is.
    #[serde(serialize_with = "grid_terms")]
    pub grid: Option<Grid>,
    /// Whether its distinct values are counted. Rows are ranked without such a value, and nothing
    /// else reads it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub distinct: bool,
}

/// The bounds by their bits and the step: what the grid is made of.
pub(super) fn grid_terms<S: serde::Serializer>(
    grid: &Option<Grid>,
    out: S,
) -> Result<S::Ok, S::Error> {
    grid.as_ref()
        .map(|grid| (grid.lower().to_bits(), grid.upper().to_bits(), grid.step_log2()))
        .serialize(out)
}

/// Which key tuples are released.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyDomain {
    /// Known beforehand: the values of each key, in output order; the tuples are their product.
    Public(Vec<Vec<Value>>),
    /// Selected by thresholding a noisy count of units.
    Learned {
        /// The position of that count among the noisy columns.
        selector: usize,
        /// A key is released where the noisy count reaches it.
        threshold: i128,
        /// What the selection costs, for people; the ledger has the exact value.
        delta: String,
    },
}

/// The noise of each of the estimates of how many units were cut: one unit is one of them or not.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CutNoise {
    /// What one unit can change: a single number, by one.
    #[serde(serialize_with = "sensitivity_terms")]
    pub sensitivity: Sensitivity,
    /// The noise really drawn.
    pub noise: Noise,
}

/// A rule that groups of few units are not shown.
///
/// A learned key is shown if its true bounded count reaches the number and its noisy count the
/// threshold, which is raised. Of public keys only the noisy count decides, so that no group is
/// missing because of who is in it but for noise that is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SmallestGroup {
    /// Groups of fewer units are not shown.
    pub units: u32,
    /// The position of the count of distinct units among the noisy columns.
    pub counted: usize,
}

/// A column that gets independent noise.
#[derive(Clone, Debug, Serialize)]
pub struct NoisyColumn {
    /// What is measured.
    pub measure: NoisyMeasure,
    /// What one unit can change.
    #[serde(serialize_with = "sensitivity_terms")]
    pub sensitivity: Sensitivity,
    /// The noise really drawn.
    pub noise: Noise,
}

fn sensitivity_terms<S: serde::Serializer>(
    sensitivity: &Sensitivity,
    out: S,
) -> Result<S::Ok, S::Error> {
    (sensitivity.max_groups(), sensitivity.per_group().to_string()).serialize(out)
}

/// What a noisy column measures, in integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NoisyMeasure {
    /// Distinct units, or those of which at least one kept row has a value.
    Units {
        /// The position of that value in `values`.
        present_in: Option<usize>,
    },
    /// Rows, or rows in which a value is not NULL.
    Rows {
        /// The position of that value in `values`.
        present_in: Option<usize>,
    },
    /// Distinct values, of each unit at most `max_rows_per_group` in a group.
    Values {
        /// The position of the value in `values`.
        value: usize,
    },
    /// The sum of a value in steps of its grid.
    Sum {
        /// The position of the value in `values`.
        value: usize,
    },
    /// The sum of a value's deviations from the middle of its grid, in steps.
    Deviations {
        /// The position of the value in `values`.
        value: usize,
    },
    /// How far the rows below a point are above a share of all rows, in one round of a search for
    /// that quantile; the point follows from the noisy scores of the rounds before it, which are the
    /// columns before this one.
    Score {
        /// The position of the value in `values`.
        value: usize,
        /// Which quantile.
        quantile: Quantile,
        /// The round, from zero on.
        round: u32,
    },
    /// The sum of a value's squared deviations, as [`Squares`] counts them.
    Squares {
        /// The position of the value in `values`.
        value: usize,
    },
}

/// How one aggregate of the query follows from the noisy columns, by position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputColumn {
    /// A count, as it is.
    Count {
        /// The noisy column.
        noisy: usize,
    },
    /// A sum: steps times the grid's step.
    Sum {
        /// The noisy column.
        noisy: usize,
        /// Whether the result is an integer.
        integer: bool,
    },
    /// A mean: the grid's middle plus deviations over a count of at least one, within the bounds.
    Mean {
        /// The noisy sum of deviations.
        deviations: usize,
        /// The noisy count.
        count: usize,
    },
    /// A quantile: where a search over the noisy scores of its rounds ends. Quantiles of one value
    /// are put into order.
    Quantile {
        /// The noisy column of the first round; those of the others follow it.
        first: usize,
        /// How many rounds there are.
        rounds: u32,
        /// Whether the result is an integer.
        integer: bool,
    },
    /// A variance or its root, from three noisy columns over the same rows.
    Spread {
        /// The noisy sum of squared deviations.
        squares: usize,
        /// The noisy sum of deviations.
        deviations: usize,
        /// The noisy count.
        count: usize,
        /// Which measure of spread.
        spread: Spread,
    },
}

impl OutputColumn {
    /// The noisy columns that it is computed from.
    pub(crate) fn noisy(&self) -> Vec<usize> {
        match self {
            Self::Count { noisy } | Self::Sum { noisy, .. } => vec![*noisy],
            Self::Mean { deviations, count } => vec![*deviations, *count],
            Self::Quantile { first, rounds, .. } => (*first..first + *rounds as usize).collect(),
            Self::Spread { squares, deviations, count, .. } => vec![*squares, *deviations, *count],
        }
    }
}

/// A measure of spread, over a sample (divided by `n - 1`) or over all (by `n`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Spread {
    /// The variance.
    Variance {
        /// Whether it is divided by `n - 1`.
        sample: bool,
    },
    /// The standard deviation.
    Deviation {
        /// Whether it is divided by `n - 1`.
        sample: bool,
    },
}
