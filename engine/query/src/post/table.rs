//! From noisy integers to the values of the query's aggregates, with intervals.
//!
//! Nothing here reads data: it is arithmetic on sealed values and public parameters. No cell is
//! ever NULL: an empty public cell answers with noise around zero, and its mean lies within the
//! declared bounds.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, RecordBatchOptions,
};
use datafusion::arrow::datatypes::SchemaRef;
use voilage_kernels::Grid;
use voilage_privacy::mechanism::{Confidence, Ratio, ratio_interval};

use crate::error::QueryError;
use crate::plan::{Boundary, KeyDomain, NoisyMeasure, OutputColumn};
use crate::release::Released;

/// The released table as the plan above sees it.
pub(super) fn shown(
    boundary: &Boundary,
    released: &Released,
    schema: SchemaRef,
) -> Result<RecordBatch, QueryError> {
    let mut columns: Vec<ArrayRef> = released.keys.columns().to_vec();
    let (mut lows, mut highs): (Vec<ArrayRef>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
    for output in &boundary.outputs {
        let cells = match output {
            OutputColumn::Count { noisy } => whole(boundary, released, *noisy, 1.0, true),
            OutputColumn::Sum { noisy, integer } => {
                let step = grid(boundary, *noisy)?.step();
                whole(boundary, released, *noisy, step, *integer)
            }
            OutputColumn::Mean { deviations, count } => {
                mean(boundary, released, *deviations, *count)?
            }
        };
        columns.push(cells.values);
        lows.push(Arc::new(Float64Array::from(cells.low)));
        highs.push(Arc::new(Float64Array::from(cells.high)));
    }
    columns.extend(lows);
    columns.extend(highs);
    let options = RecordBatchOptions::new().with_row_count(Some(released.keys.num_rows()));
    RecordBatch::try_new_with_options(schema, columns, &options)
        .map_err(|error| QueryError::bug(format!("a released table is malformed: {error}")))
}

struct Cells {
    values: ArrayRef,
    low: Vec<f64>,
    high: Vec<f64>,
}

/// A count or sum: noisy steps times the size of a step.
fn whole(
    boundary: &Boundary,
    released: &Released,
    position: usize,
    step: f64,
    integer: bool,
) -> Cells {
    let noisy = &released.noisy[position];
    // A selecting count was only seen because it reached the threshold.
    let truncated_at = match &boundary.domain {
        KeyDomain::Learned { selector, threshold, .. } if *selector == position => Some(*threshold),
        KeyDomain::Learned { .. } | KeyDomain::Public(_) => None,
    };
    let intervals =
        boundary.noisy[position].noise.intervals(&Confidence::ninety_five(), truncated_at);
    let ends: Vec<(i128, i128)> = noisy.iter().map(|value| intervals.around(*value)).collect();
    let scaled = |value: i128| value as f64 * step;
    let values: ArrayRef = if integer {
        let saturated = |value: &i128| {
            let value = value.saturating_mul(step as i128);
            i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
        };
        Arc::new(Int64Array::from_iter_values(noisy.iter().map(saturated)))
    } else {
        Arc::new(Float64Array::from_iter_values(noisy.iter().copied().map(scaled)))
    };
    Cells {
        values,
        low: ends.iter().map(|(low, _)| scaled(*low)).collect(),
        high: ends.iter().map(|(_, high)| scaled(*high)).collect(),
    }
}

/// A mean: the middle of the bounds plus noisy deviations over a noisy count of at least one.
fn mean(
    boundary: &Boundary,
    released: &Released,
    deviations: usize,
    count: usize,
) -> Result<Cells, QueryError> {
    let grid = grid(boundary, deviations)?;
    let middle = grid.middle_steps();
    let bounds = ((grid.lower_steps() - middle) as f64, (grid.upper_steps() - middle) as f64);
    let value_of = |steps: f64| (middle as f64 + steps) * grid.step();
    let mut values = Vec::new();
    let (mut low, mut high) = (Vec::new(), Vec::new());
    for (sum, rows) in released.noisy[deviations].iter().zip(&released.noisy[count]) {
        let ratio = *sum as f64 / (*rows).max(1) as f64;
        values.push(value_of(ratio.clamp(bounds.0, bounds.1)));
        let (from, to) = ratio_interval(
            &Ratio {
                sum: *sum,
                sum_noise: &boundary.noisy[deviations].noise,
                count: *rows,
                count_noise: &boundary.noisy[count].noise,
                bounds,
            },
            &Confidence::ninety_five(),
        );
        low.push(value_of(from));
        high.push(value_of(to));
    }
    Ok(Cells { values: Arc::new(Float64Array::from(values)), low, high })
}

fn grid(boundary: &Boundary, noisy: usize) -> Result<Grid, QueryError> {
    let value = match boundary.noisy[noisy].measure {
        NoisyMeasure::Sum { value } | NoisyMeasure::Deviations { value } => value,
        NoisyMeasure::Units | NoisyMeasure::Rows { .. } => {
            return Err(QueryError::bug("a count has no grid"));
        }
    };
    boundary.values[value].grid.ok_or_else(|| QueryError::bug("a sum without a grid"))
}
