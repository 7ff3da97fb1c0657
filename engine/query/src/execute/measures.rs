//! What the kernel measures for each noisy column, and the exact values of a column from its totals.

use voilage_kernels::{Measure, Totals};
use voilage_privacy::mechanism::{Leaves, Quantile, Search};

use crate::error::QueryError;
use crate::plan::{Boundary, MeasuredValue, NoisyMeasure};

/// The measures of a boundary.
pub(crate) struct Measures {
    /// In the order of the kernel's totals.
    pub(super) kernel: Vec<Measure>,
    columns: Vec<Source>,
}

/// Where the exact values of a noisy column come from.
enum Source {
    /// One measure.
    Measure(usize),
    /// A round of a search: the rows with a value, then those below each leaf but the first.
    Score { rows: usize, quantile: Quantile, leaves: Leaves, round: usize },
}

impl Measures {
    /// The measures that a boundary needs, each once.
    ///
    /// # Errors
    /// A search over a value without a grid, which the analysis excludes.
    pub(crate) fn of(boundary: &Boundary) -> Result<Self, QueryError> {
        Self::needed(boundary.noisy.iter().map(|column| column.measure), &boundary.values)
    }

    /// How many measures the kernel keeps for each group; none that could be kept for columns that
    /// contradict each other.
    pub(crate) fn count(
        noisy: impl Iterator<Item = NoisyMeasure>,
        values: &[MeasuredValue],
    ) -> usize {
        Self::needed(noisy, values).map_or(usize::MAX - 1, |measures| measures.kernel.len())
    }

    fn needed(
        noisy: impl Iterator<Item = NoisyMeasure>,
        values: &[MeasuredValue],
    ) -> Result<Self, QueryError> {
        let mut measures = Self { kernel: Vec::new(), columns: Vec::new() };
        for measure in noisy {
            let source = match measure {
                NoisyMeasure::Units { present_in: None } => measures.one(Measure::Units),
                NoisyMeasure::Units { present_in: Some(value) } => {
                    measures.one(Measure::UnitsWith { value })
                }
                NoisyMeasure::Squares { value } => measures.one(Measure::Squares { value }),
                NoisyMeasure::Values { value } => measures.one(Measure::Distinct { value }),
                NoisyMeasure::Rows { present_in } => measures.one(Measure::Rows { present_in }),
                NoisyMeasure::Sum { value } => measures.one(Measure::Sum { value, centred: false }),
                NoisyMeasure::Deviations { value } => {
                    measures.one(Measure::Sum { value, centred: true })
                }
                NoisyMeasure::Score { value, quantile, round } => {
                    let leaves = values.get(value).and_then(MeasuredValue::leaves);
                    let leaves =
                        leaves.ok_or_else(|| QueryError::bug("a search without a grid"))?;
                    let rows = measures.leaves(value, &leaves);
                    Source::Score { rows, quantile, leaves, round: round as usize }
                }
            };
            measures.columns.push(source);
        }
        Ok(measures)
    }

    fn one(&mut self, measure: Measure) -> Source {
        let known = self.kernel.iter().position(|known| *known == measure);
        if known.is_none() {
            self.kernel.push(measure);
        }
        Source::Measure(known.unwrap_or(self.kernel.len() - 1))
    }

    /// The rows with a value, and behind them the rows below each leaf but the first.
    fn leaves(&mut self, value: usize, leaves: &Leaves) -> usize {
        let below = |leaf| Measure::RowsBelow { value, steps: leaves.start(leaf) };
        let known = self.kernel.iter().position(|known| *known == below(1));
        if let Some(first) = known {
            return first - 1;
        }
        self.kernel.push(Measure::Rows { present_in: Some(value) });
        self.kernel.extend((1..leaves.count()).map(below));
        self.kernel.len() - leaves.count() as usize
    }

    /// The exact values of a noisy column, cell by cell. A round of a search asks each cell about the
    /// leaf that follows from the noisy scores that it has heard.
    pub(crate) fn exact(
        &self,
        position: usize,
        totals: &Totals,
        noisy: &[Vec<i128>],
    ) -> Result<Vec<i128>, QueryError> {
        let missing = || QueryError::bug("a measure is missing");
        match self.columns.get(position).ok_or_else(missing)? {
            Source::Measure(measure) => totals.measures.get(*measure).cloned().ok_or_else(missing),
            Source::Score { rows, quantile, leaves, round } => {
                let heard =
                    position.checked_sub(*round).and_then(|first| noisy.get(first..position));
                let heard = heard.ok_or_else(missing)?;
                let counts = totals.measures.get(*rows..).ok_or_else(missing)?;
                let score = |cell: usize| {
                    let search = Search::after(*leaves, heard.iter().map(|column| column[cell]));
                    let at = |measure: usize| {
                        counts.get(measure).and_then(|cells| u64::try_from(cells[cell]).ok())
                    };
                    // A search asks about no leaf before the second.
                    let below = at(search.asks() as usize).ok_or_else(missing)?;
                    Ok(quantile.score(below, at(0).ok_or_else(missing)?))
                };
                (0..counts[0].len()).map(score).collect()
            }
        }
    }
}
