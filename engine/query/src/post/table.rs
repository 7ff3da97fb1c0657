//! From noisy integers to the values of the query's aggregates, with intervals.
//!
//! Nothing here reads data: it is arithmetic on sealed values and public parameters. No cell is
//! ever NULL: an empty public cell answers with noise around zero, and its mean lies within the
//! declared bounds.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, RecordBatchOptions,
};
use datafusion::arrow::datatypes::SchemaRef;
use voilage_kernels::Grid;
use voilage_privacy::mechanism::{Confidence, Ratio, ratio_interval};

use super::consistent::is_positive;
use super::quantile;
use super::spread::{self, Moments};
use crate::error::QueryError;
use crate::plan::{Boundary, KeyDomain, NoisyMeasure, OutputColumn, SmallestGroup};
use crate::release::Released;

/// The released table as the plan above sees it.
pub(super) fn shown(
    boundary: &Boundary,
    released: &Released,
    schema: SchemaRef,
) -> Result<RecordBatch, QueryError> {
    let mut ends = Vec::with_capacity(boundary.outputs.len());
    for output in 0..boundary.outputs.len() {
        ends.push(ends_of(boundary, released, output)?);
    }
    assembled(boundary, released, schema, ends)
}

/// The table for noisy values that were only imagined. Nobody asks for the intervals around them.
pub(super) fn imagined(
    boundary: &Boundary,
    released: &Released,
    schema: SchemaRef,
) -> Result<RecordBatch, QueryError> {
    let nothing = vec![0.0; released.keys.num_rows()];
    let ends = vec![Ends { low: nothing.clone(), high: nothing }; boundary.outputs.len()];
    assembled(boundary, released, schema, ends)
}

/// The ends of a column's intervals, cell by cell.
#[derive(Clone)]
struct Ends {
    low: Vec<f64>,
    high: Vec<f64>,
}

impl Ends {
    fn of(ends: impl Iterator<Item = (f64, f64)>) -> Self {
        let (low, high) = ends.unzip();
        Self { low, high }
    }
}

fn assembled(
    boundary: &Boundary,
    released: &Released,
    schema: SchemaRef,
    ends: Vec<Ends>,
) -> Result<RecordBatch, QueryError> {
    let mut columns: Vec<ArrayRef> = released.keys.columns().to_vec();
    for output in 0..boundary.outputs.len() {
        columns.push(values_of(boundary, released, output)?);
    }
    let (low, high): (Vec<_>, Vec<_>) = ends.into_iter().map(|ends| (ends.low, ends.high)).unzip();
    let floats = |values| -> ArrayRef { Arc::new(Float64Array::from(values)) };
    columns.extend(low.into_iter().chain(high).map(floats));
    let options = RecordBatchOptions::new().with_row_count(Some(released.keys.num_rows()));
    RecordBatch::try_new_with_options(schema, columns, &options)
        .map_err(|error| QueryError::bug(format!("a released table is malformed: {error}")))
}

fn values_of(
    boundary: &Boundary,
    released: &Released,
    output: usize,
) -> Result<ArrayRef, QueryError> {
    Ok(match &boundary.outputs[output] {
        OutputColumn::Count { noisy } => whole(released.shown(*noisy), 1.0, true),
        OutputColumn::Sum { noisy, integer } => {
            whole(released.shown(*noisy), grid(boundary, *noisy)?.step(), *integer)
        }
        OutputColumn::Quantile { integer, .. } => {
            let values =
                quantile::cells(boundary, released, output)?.into_iter().map(|cell| cell.0);
            if *integer {
                // Whole steps of a power of two; what was imagined between them is cut off.
                Arc::new(Int64Array::from_iter_values(values.map(|value| value as i64)))
            } else {
                Arc::new(Float64Array::from_iter_values(values))
            }
        }
        OutputColumn::Mean { deviations, count } => {
            let mean = Mean::new(boundary, *deviations)?;
            let sums = released.noisy[*deviations].iter().zip(&released.noisy[*count]);
            Arc::new(
                sums.map(|(sum, rows)| Some(mean.value(*sum, *rows))).collect::<Float64Array>(),
            )
        }
        OutputColumn::Spread { squares, deviations, count, spread } => {
            let (squares, deviations, count) = (*squares, *deviations, *count);
            let moments = Moments { squares, deviations, count };
            let values = spread::values(boundary, released, moments, *spread)?;
            Arc::new(Float64Array::from(values))
        }
    })
}

fn ends_of(boundary: &Boundary, released: &Released, output: usize) -> Result<Ends, QueryError> {
    match &boundary.outputs[output] {
        OutputColumn::Count { noisy } => Ok(whole_ends(boundary, released, *noisy, 1.0)),
        OutputColumn::Sum { noisy, .. } => {
            Ok(whole_ends(boundary, released, *noisy, grid(boundary, *noisy)?.step()))
        }
        OutputColumn::Quantile { .. } => {
            let cells = quantile::cells(boundary, released, output)?;
            Ok(Ends::of(cells.into_iter().map(|(_, low, high)| (low, high))))
        }
        OutputColumn::Mean { deviations, count } => {
            mean_ends(boundary, released, *deviations, *count)
        }
        OutputColumn::Spread { squares, deviations, count, spread } => {
            let (squares, deviations, count) = (*squares, *deviations, *count);
            let moments = Moments { squares, deviations, count };
            let ends = spread::ends_of(boundary, released, moments, *spread)?;
            Ok(Ends::of(ends.into_iter()))
        }
    }
}

/// A count or sum: noisy steps times the size of a step.
fn whole(noisy: &[i128], step: f64, integer: bool) -> ArrayRef {
    if integer {
        let saturated = |value: &i128| {
            let value = value.saturating_mul(step as i128);
            i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
        };
        Arc::new(Int64Array::from_iter_values(noisy.iter().map(saturated)))
    } else {
        Arc::new(Float64Array::from_iter_values(noisy.iter().map(|value| *value as f64 * step)))
    }
}

/// The ends around a count or sum. Where consistent values are shown, these are the ends around the values
/// as they were drawn, which hold the exact one at the stated rate, widened to hold what is shown.
fn whole_ends(boundary: &Boundary, released: &Released, position: usize, step: f64) -> Ends {
    let Ends { mut low, mut high } = drawn_ends(boundary, released, position, step);
    if let Some(Some(shown)) = released.consistent.get(position) {
        // What is never negative has no negative end.
        let least = if is_positive(boundary, position) { 0.0 } else { f64::NEG_INFINITY };
        for (cell, value) in shown.iter().enumerate() {
            let value = *value as f64 * step;
            low[cell] = low[cell].max(least).min(value);
            high[cell] = high[cell].max(least).max(value);
        }
    }
    Ends { low, high }
}

fn drawn_ends(boundary: &Boundary, released: &Released, position: usize, step: f64) -> Ends {
    // A selecting count was only seen because it reached the threshold, or the smallest group.
    let truncated_at = match (&boundary.domain, boundary.smallest) {
        (KeyDomain::Learned { selector, threshold, .. }, _) if *selector == position => {
            Some(*threshold)
        }
        (KeyDomain::Public(_), Some(SmallestGroup { units, counted })) if counted == position => {
            Some(i128::from(units))
        }
        (KeyDomain::Learned { .. } | KeyDomain::Public(_), _) => None,
    };
    let (noise, confidence) = (&boundary.noisy[position].noise, Confidence::ninety_five());
    let scaled = |(low, high): (i128, i128)| (low as f64 * step, high as f64 * step);
    if let (Some(_), Some(seen)) = (truncated_at, &boundary.seen) {
        // Only the first reading was selected; the mean of all of them is what is shown.
        let mut known = HashMap::new();
        let mut around = |mean| {
            *known.entry(mean).or_insert_with(|| noise.interval_of_seen(mean, &confidence, seen))
        };
        return Ends::of(released.noisy[position].iter().map(|value| scaled(around(*value))));
    }
    let intervals = noise.intervals(&confidence, truncated_at);
    Ends::of(released.noisy[position].iter().map(|value| scaled(intervals.around(*value))))
}

/// A mean: the middle of the bounds plus noisy deviations over a noisy count of at least one.
struct Mean {
    grid: Grid,
    /// What the sum is counted from: the middle, or nothing where it is a plain sum.
    origin: i64,
    bounds: (f64, f64),
}

impl Mean {
    fn new(boundary: &Boundary, deviations: usize) -> Result<Self, QueryError> {
        let grid = grid(boundary, deviations)?;
        let origin = match boundary.noisy[deviations].measure {
            NoisyMeasure::Sum { .. } => 0,
            _ => grid.middle_steps(),
        };
        let bounds = ((grid.lower_steps() - origin) as f64, (grid.upper_steps() - origin) as f64);
        Ok(Self { grid, origin, bounds })
    }

    fn value(&self, sum: i128, rows: i128) -> f64 {
        let ratio = sum as f64 / rows.max(1) as f64;
        self.at(ratio.clamp(self.bounds.0, self.bounds.1))
    }

    fn at(&self, steps: f64) -> f64 {
        (self.origin as f64 + steps) * self.grid.step()
    }
}

fn mean_ends(
    boundary: &Boundary,
    released: &Released,
    deviations: usize,
    count: usize,
) -> Result<Ends, QueryError> {
    let mean = Mean::new(boundary, deviations)?;
    let sums = released.noisy[deviations].iter().zip(&released.noisy[count]);
    Ok(Ends::of(sums.map(|(sum, rows)| {
        let ratio = Ratio {
            sum: *sum,
            sum_noise: &boundary.noisy[deviations].noise,
            count: *rows,
            count_noise: &boundary.noisy[count].noise,
            bounds: mean.bounds,
        };
        let (from, to) = ratio_interval(&ratio, &Confidence::ninety_five());
        (mean.at(from), mean.at(to))
    })))
}

fn grid(boundary: &Boundary, noisy: usize) -> Result<Grid, QueryError> {
    let value = match boundary.noisy[noisy].measure {
        NoisyMeasure::Sum { value } | NoisyMeasure::Deviations { value } => value,
        NoisyMeasure::Units { .. }
        | NoisyMeasure::Values { .. }
        | NoisyMeasure::Rows { .. }
        | NoisyMeasure::Score { .. }
        | NoisyMeasure::Squares { .. } => {
            return Err(QueryError::bug("a count has no grid"));
        }
    };
    boundary.values[value].grid.ok_or_else(|| QueryError::bug("a sum without a grid"))
}
