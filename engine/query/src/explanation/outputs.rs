//! The noisy columns of a boundary, and the errors to expect of the query's aggregates.

use voilage_privacy::mechanism::{
    Confidence, Quantile, Ratio, half_width_of_rounds, ratio_interval,
};

use super::{ErrorPart, ExplainedOutput, ExplainedRange, origin};
use crate::catalogue::Catalogue;
use crate::error::QueryError;
use crate::plan::{Boundary, CutNoise, NoisyMeasure, OutputColumn, Spread};
use crate::post::{Formula, Sums};
use crate::receipt::ReceiptColumn;
use crate::refusal::readable;
use crate::release::{CUT, column_name};

/// The group size for which a mean's error is predicted.
const GROUP_SIZE: i128 = 1_000;

pub(crate) fn noisy(boundary: &Boundary) -> Vec<ReceiptColumn> {
    let column = |(position, column): (usize, &crate::plan::NoisyColumn)| ReceiptColumn {
        name: column_name(position, &column.measure),
        measure: measure(&column.measure, boundary),
        mechanism: column.noise.family().to_owned(),
        scale: column.noise.scale().to_string(),
        sensitivity: format!(
            "{} groups x {}",
            column.sensitivity.max_groups(),
            column.sensitivity.per_group()
        ),
    };
    let columns = boundary.noisy.iter().enumerate().map(column);
    columns.chain(boundary.cut.iter().flat_map(estimates)).collect()
}

/// The estimates of how many units were cut.
fn estimates(cut: &CutNoise) -> [ReceiptColumn; 2] {
    let measures =
        ["units with more groups than are kept", "units with more rows in a group than are kept"];
    let mut columns = CUT.into_iter().zip(measures);
    std::array::from_fn(|_| {
        let (name, measure) = columns.next().unwrap_or_default();
        ReceiptColumn {
            name: name.to_owned(),
            measure: measure.to_owned(),
            mechanism: cut.noise.family().to_owned(),
            scale: cut.noise.scale().to_string(),
            sensitivity: format!("1 groups x {}", cut.sensitivity.per_group()),
        }
    })
}

fn measure(measure: &NoisyMeasure, boundary: &Boundary) -> String {
    let steps = |value: &usize| {
        let grid = boundary.values[*value].grid;
        grid.map_or_else(String::new, |grid| {
            format!(
                " of values in [{}, {}], in steps of {}",
                grid.lower(),
                grid.upper(),
                grid.step()
            )
        })
    };
    match measure {
        NoisyMeasure::Units { present_in: None } => "distinct units".to_owned(),
        NoisyMeasure::Units { present_in: Some(_) } => {
            "distinct units with a row that passes the filter".to_owned()
        }
        NoisyMeasure::Values { .. } => format!(
            "distinct values, at most {} of each unit in a group",
            boundary.max_rows_per_group
        ),
        NoisyMeasure::Score { value, quantile, round } => {
            format!(
                "search for the quantile {}{}, round {}",
                quantile.to_f64(),
                steps(value),
                round + 1
            )
        }
        NoisyMeasure::Squares { value } => {
            format!("squared deviations from the middle{}", steps(value))
        }
        NoisyMeasure::Rows { present_in: None } => "rows".to_owned(),
        NoisyMeasure::Rows { present_in: Some(_) } => "rows that have a value".to_owned(),
        NoisyMeasure::Sum { value } => format!("sum{}", steps(value)),
        NoisyMeasure::Deviations { value } => {
            format!("deviations from the middle{}", steps(value))
        }
    }
}

/// The query's aggregates with the error to expect of each.
pub(crate) fn outputs(
    boundary: &Boundary,
    catalogue: &Catalogue,
) -> Result<Vec<ExplainedOutput>, QueryError> {
    boundary
        .outputs
        .iter()
        .zip(&boundary.output_names)
        .map(|(output, name)| {
            let name = readable(name);
            let (kind, error_95, note) = expected(boundary, output);
            Ok(ExplainedOutput {
                name: name.clone(),
                kind: kind.to_owned(),
                range: range(boundary, output, &name, catalogue)?,
                error_95,
                note: note.to_owned(),
                parts: parts(boundary, output, error_95),
            })
        })
        .collect()
}

/// The range of the values that an aggregate sums: what the grid holds.
fn range(
    boundary: &Boundary,
    output: &OutputColumn,
    name: &str,
    catalogue: &Catalogue,
) -> Result<Option<ExplainedRange>, QueryError> {
    let noisy = match output {
        OutputColumn::Count { noisy } | OutputColumn::Sum { noisy, .. } => *noisy,
        OutputColumn::Quantile { first, .. } => *first,
        OutputColumn::Mean { deviations, .. } | OutputColumn::Spread { deviations, .. } => {
            *deviations
        }
    };
    let value = match boundary.noisy[noisy].measure {
        NoisyMeasure::Sum { value }
        | NoisyMeasure::Deviations { value }
        | NoisyMeasure::Score { value, .. }
        | NoisyMeasure::Squares { value } => value,
        NoisyMeasure::Units { .. } | NoisyMeasure::Values { .. } | NoisyMeasure::Rows { .. } => {
            return Ok(None);
        }
    };
    let value = &boundary.values[value];
    let mut range = origin::range(name, &value.value, &boundary.input, catalogue)?;
    if let Some(grid) = value.grid {
        range.lower = Some(origin::decimal(grid.lower()));
        range.upper = Some(origin::decimal(grid.upper()));
    }
    Ok(Some(range))
}

/// The kind of an aggregate, half the width of its 95% interval, and what that refers to.
fn expected(boundary: &Boundary, output: &OutputColumn) -> (&'static str, f64, &'static str) {
    let confidence = Confidence::ninety_five();
    let half = |noisy: usize| boundary.noisy[noisy].noise.half_width(&confidence) as f64;
    let step = |noisy: usize| match boundary.noisy[noisy].measure {
        NoisyMeasure::Sum { value } | NoisyMeasure::Deviations { value } => {
            boundary.values[value].grid.map_or(1.0, |grid| grid.step())
        }
        NoisyMeasure::Units { .. }
        | NoisyMeasure::Values { .. }
        | NoisyMeasure::Rows { .. }
        | NoisyMeasure::Score { .. }
        | NoisyMeasure::Squares { .. } => 1.0,
    };
    match output {
        OutputColumn::Count { noisy } => ("count", half(*noisy), "in every group"),
        OutputColumn::Sum { noisy, .. } => ("sum", half(*noisy) * step(*noisy), "in every group"),
        OutputColumn::Mean { deviations, count } => {
            // A mean in the middle of its bounds, from deviations around it or from a plain sum.
            let (grid, is_centred) = match boundary.noisy[*deviations].measure {
                NoisyMeasure::Deviations { value } => (boundary.values[value].grid, true),
                NoisyMeasure::Sum { value } => (boundary.values[value].grid, false),
                _ => (None, true),
            };
            let (bounds, middle) = grid.map_or(((0.0, 0.0), 0), |grid| {
                let origin = if is_centred { grid.middle_steps() } else { 0 };
                let ends = (grid.lower_steps() - origin, grid.upper_steps() - origin);
                ((ends.0 as f64, ends.1 as f64), grid.middle_steps() - origin)
            });
            let (low, high) = ratio_interval(
                &Ratio {
                    sum: i128::from(middle) * GROUP_SIZE,
                    sum_noise: &boundary.noisy[*deviations].noise,
                    count: GROUP_SIZE,
                    count_noise: &boundary.noisy[*count].noise,
                    bounds,
                },
                &confidence,
            );
            ("mean", (high - low) / 2.0 * step(*deviations), "for a group of 1,000 rows")
        }
        OutputColumn::Quantile { first, rounds, .. } => {
            (quantile_kind(boundary, *first), rank_error(boundary, *first, *rounds), RANK_NOTE)
        }
        OutputColumn::Spread { squares, spread, .. } => {
            ("spread", spread_error(boundary, *squares, *spread), "for a group of 1,000 rows")
        }
    }
}

/// The noisy columns that an aggregate is computed from, each with what its noise does at most. A mean is
/// furthest off at the ends of its range, where the noise of the count moves it too.
fn parts(boundary: &Boundary, output: &OutputColumn, error_95: f64) -> Vec<ErrorPart> {
    let alone = |noisy: usize| vec![ErrorPart { noisy, error_95 }];
    match output {
        OutputColumn::Count { noisy } | OutputColumn::Sum { noisy, .. } => alone(*noisy),
        OutputColumn::Quantile { first, .. } => alone(*first),
        OutputColumn::Spread { squares, .. } => alone(*squares),
        OutputColumn::Mean { deviations, count } => {
            let grid = match boundary.noisy[*deviations].measure {
                NoisyMeasure::Deviations { value } => boundary.values[value].grid,
                _ => None,
            };
            let confidence = Confidence::ninety_five();
            let half = |noisy: usize| boundary.noisy[noisy].noise.half_width(&confidence) as f64;
            let (step, reach) = grid.map_or((1.0, 0.0), |grid| {
                let middle = grid.middle_steps();
                let reach = (grid.upper_steps() - middle).max(middle - grid.lower_steps());
                (grid.step(), reach as f64 * grid.step())
            });
            let size = GROUP_SIZE as f64;
            vec![
                ErrorPart { noisy: *deviations, error_95: half(*deviations) * step / size },
                ErrorPart { noisy: *count, error_95: half(*count) * reach / size },
            ]
        }
    }
}

/// Half the width of a spread's interval where the mean is in the middle and the mean square half of
/// the largest: there the noise of the squares decides.
fn spread_error(boundary: &Boundary, squares: usize, spread: Spread) -> f64 {
    let half = boundary.noisy[squares].noise.half_width(&Confidence::ninety_five());
    let at = |squares: i128| Sums { squares, deviations: 0, count: GROUP_SIZE };
    match Formula::new(boundary, squares, spread) {
        Ok(formula) => (formula.value(at(half)) - formula.value(at(-half))).abs() / 2.0,
        Err(_) => f64::INFINITY,
    }
}

/// What the error of a quantile refers to: how far its value is off depends on the data.
const RANK_NOTE: &str = "rows in rank: so many rows may lie between what is shown and the quantile";

/// A quantile by its share. MIN and MAX are told apart, because they are not what their names say.
fn quantile_kind(boundary: &Boundary, first: usize) -> &'static str {
    match boundary.noisy[first].measure {
        NoisyMeasure::Score { quantile: Quantile::MEDIAN, .. } => "median",
        NoisyMeasure::Score { quantile: Quantile::FIRST_PERCENT, .. } => {
            "quantile 0.01 (the minimum itself would show one person)"
        }
        NoisyMeasure::Score { quantile: Quantile::LAST_PERCENT, .. } => {
            "quantile 0.99 (the maximum itself would show one person)"
        }
        _ => "quantile",
    }
}

/// The half width of all rounds together, in rows.
fn rank_error(boundary: &Boundary, first: usize, rounds: u32) -> f64 {
    let NoisyMeasure::Score { quantile, .. } = boundary.noisy[first].measure else {
        return f64::INFINITY;
    };
    let noise = &boundary.noisy[first].noise;
    let half = half_width_of_rounds(noise, rounds, &Confidence::ninety_five());
    half as f64 / f64::from(quantile.denominator())
}
