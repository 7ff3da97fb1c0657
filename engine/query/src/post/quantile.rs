//! Quantiles from the noisy scores of their searches, in order where one value has several.

use voilage_kernels::Grid;
use voilage_privacy::mechanism::{Confidence, Leaves, Quantile, Search, half_width_of_rounds};

use crate::error::QueryError;
use crate::plan::{Boundary, NoisyMeasure, OutputColumn};
use crate::release::Released;

/// A search of a boundary.
struct Found<'a> {
    /// The position of its output.
    output: usize,
    quantile: Quantile,
    leaves: Leaves,
    /// The noisy scores of its rounds.
    heard: &'a [Vec<i128>],
    half_width: i128,
}

/// What a search says about a cell. *Units*: grid steps.
struct Place {
    value: f64,
    low: f64,
    high: f64,
}

/// The quantiles of one output, and the ends of their intervals, cell by cell, in the value's unit.
pub(super) fn cells(
    boundary: &Boundary,
    released: &Released,
    output: usize,
) -> Result<Vec<(f64, f64, f64)>, QueryError> {
    let (value, grid) = searched(boundary, output)?;
    let mut searches = Vec::new();
    for sibling in 0..boundary.outputs.len() {
        if let OutputColumn::Quantile { .. } = boundary.outputs[sibling]
            && searched(boundary, sibling)?.0 == value
        {
            searches.push(found(boundary, released, sibling)?);
        }
    }
    searches.sort_by(|a, b| {
        let share = |quantile: &Quantile| {
            u64::from(quantile.numerator()) * 1_000_000_000 / u64::from(quantile.denominator())
        };
        share(&a.quantile).cmp(&share(&b.quantile))
    });
    let rank = searches.iter().position(|search| search.output == output);
    let rank = rank.ok_or_else(|| QueryError::bug("a quantile without a search"))?;
    let step = grid.step();
    Ok((0..released.keys.num_rows())
        .map(|cell| {
            let places: Vec<Place> =
                searches.iter().map(|search| search.place(cell, released)).collect();
            // Numbers put into order are no further from what they estimate than before, all together,
            // and ends put into order still hold it.
            let at = |of: fn(&Place) -> f64| {
                let mut all: Vec<f64> = places.iter().map(of).collect();
                all.sort_unstable_by(f64::total_cmp);
                all[rank] * step
            };
            (at(|place| place.value), at(|place| place.low), at(|place| place.high))
        })
        .collect())
}

/// The value that an output searches, and its grid.
fn searched(boundary: &Boundary, output: usize) -> Result<(usize, Grid), QueryError> {
    let bug = || QueryError::bug("a quantile without a grid");
    let OutputColumn::Quantile { first, .. } = boundary.outputs[output] else { return Err(bug()) };
    let NoisyMeasure::Score { value, .. } = boundary.noisy[first].measure else {
        return Err(bug());
    };
    Ok((value, boundary.values[value].grid.ok_or_else(bug)?))
}

fn found<'a>(
    boundary: &Boundary,
    released: &'a Released,
    output: usize,
) -> Result<Found<'a>, QueryError> {
    let bug = || QueryError::bug("a quantile without its rounds");
    let OutputColumn::Quantile { first, rounds, .. } = boundary.outputs[output] else {
        return Err(bug());
    };
    let NoisyMeasure::Score { value, quantile, .. } = boundary.noisy[first].measure else {
        return Err(bug());
    };
    // All rounds have one price, and so one noise.
    let noise = &boundary.noisy[first].noise;
    Ok(Found {
        output,
        quantile,
        leaves: boundary.leaves(value).ok_or_else(bug)?,
        heard: released.noisy.get(first..first + rounds as usize).ok_or_else(bug)?,
        half_width: half_width_of_rounds(noise, rounds, &Confidence::ninety_five()),
    })
}

impl Found<'_> {
    fn place(&self, cell: usize, released: &Released) -> Place {
        let search = Search::after(self.leaves, self.heard.iter().map(|column| column[cell]));
        let (low, high) = search.interval(self.half_width);
        let (value, low, high) = (search.found() as f64, low as f64, high as f64);
        let moved = released.moved.get(self.output).and_then(|cells| cells.get(cell));
        let value = match moved {
            None => value,
            Some(moved) if *moved < 0.0 => value + moved * (value - low),
            Some(moved) => value + moved * (high - value),
        };
        Place { value, low, high }
    }
}
