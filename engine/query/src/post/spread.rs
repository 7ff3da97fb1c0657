//! Variances and standard deviations from three noisy sums over the same rows.

use voilage_kernels::Grid;
use voilage_privacy::source::Simulation;

use super::simulation::{REPLICAS, ends};
use crate::error::QueryError;
use crate::plan::{Boundary, NoisyMeasure, Spread, Squares};
use crate::release::Released;

/// The positions of the three noisy columns.
#[derive(Clone, Copy)]
pub(crate) struct Moments {
    pub(crate) squares: usize,
    pub(crate) deviations: usize,
    pub(crate) count: usize,
}

/// The noisy sums of one cell.
#[derive(Clone, Copy)]
pub(crate) struct Sums {
    pub(crate) squares: i128,
    pub(crate) deviations: i128,
    pub(crate) count: i128,
}

/// How sums become a measure of spread.
pub(crate) struct Formula {
    grid: Grid,
    units: Squares,
    spread: Spread,
}

impl Formula {
    pub(crate) fn new(
        boundary: &Boundary,
        squares: usize,
        spread: Spread,
    ) -> Result<Self, QueryError> {
        let NoisyMeasure::Squares { value } = boundary.noisy[squares].measure else {
            return Err(QueryError::bug("a spread without squares"));
        };
        let grid = boundary.values[value].grid;
        let grid = grid.ok_or_else(|| QueryError::bug("squares without a grid"))?;
        Ok(Self { grid, units: Squares::of(&grid), spread })
    }

    /// The spread. Never negative, and never more than values within the bounds can have.
    pub(crate) fn value(&self, sums: Sums) -> f64 {
        let (Spread::Variance { sample } | Spread::Deviation { sample }) = self.spread;
        let count = sums.count.max(1) as f64;
        let middle = self.grid.middle_steps();
        let (low, high) = (self.grid.lower_steps() - middle, self.grid.upper_steps() - middle);
        let mean = (sums.deviations as f64 / count).clamp(low as f64, high as f64);
        let square = self.units.origin() as f64 + sums.squares as f64 / count;
        let square = square.clamp(0.0, self.units.largest() as f64) * self.units.unit();
        // Half the width is the largest deviation of all, where the values lie on both bounds.
        let most = ((high - low) as f64 / 2.0).powi(2);
        let variance = (square - mean * mean).clamp(0.0, most);
        let variance =
            if sample { variance * count.max(2.0) / (count.max(2.0) - 1.0) } else { variance };
        let variance = variance * self.grid.step() * self.grid.step();
        match self.spread {
            Spread::Variance { .. } => variance,
            Spread::Deviation { .. } => variance.sqrt(),
        }
    }
}

/// The spread of every cell.
pub(super) fn values(
    boundary: &Boundary,
    released: &Released,
    moments: Moments,
    spread: Spread,
) -> Result<Vec<f64>, QueryError> {
    let formula = Formula::new(boundary, moments.squares, spread)?;
    Ok(sums(released, moments).map(|sums| formula.value(sums)).collect())
}

/// The interval of every cell's spread, by simulation.
pub(super) fn ends_of(
    boundary: &Boundary,
    released: &Released,
    moments: Moments,
    spread: Spread,
) -> Result<Vec<(f64, f64)>, QueryError> {
    let formula = Formula::new(boundary, moments.squares, spread)?;
    let mut simulation = Simulation::from_hash(released.seed);
    let mut draw = |position: usize| simulation.draws(&boundary.noisy[position].noise, REPLICAS);
    Ok(sums(released, moments)
        .map(|seen| {
            let noises = (draw(moments.squares), draw(moments.deviations), draw(moments.count));
            let mut imagined: Vec<f64> = (0..REPLICAS)
                .map(|replica| {
                    formula.value(Sums {
                        squares: seen.squares.saturating_add(noises.0[replica]),
                        deviations: seen.deviations.saturating_add(noises.1[replica]),
                        count: seen.count.saturating_add(noises.2[replica]),
                    })
                })
                .collect();
            let value = formula.value(seen);
            let (low, high) = ends(&mut imagined);
            (low.min(value), high.max(value))
        })
        .collect())
}

fn sums(released: &Released, moments: Moments) -> impl Iterator<Item = Sums> {
    let Moments { squares, deviations, count } = moments;
    (0..released.noisy[count].len()).map(move |cell| Sums {
        squares: released.noisy[squares][cell],
        deviations: released.noisy[deviations][cell],
        count: released.noisy[count][cell],
    })
}
