//! Squared deviations on a grid of their own, for variances.

use crate::Grid;

/// A squared deviation has at most so many bits: finer than any noise, and small enough that
/// noise for it can be drawn.
const BITS: u32 = 22;

/// How squared deviations from [`Grid::middle_steps`] are counted: in units of `2^shift` squared
/// steps, rounded half up, and less half of the largest square, so that one row changes a sum by
/// half as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Squares {
    middle: i64,
    shift: u32,
    largest: i128,
}

impl Squares {
    /// The squares of deviations on a grid.
    pub fn of(grid: &Grid) -> Self {
        // A deviation is at most 2^53 steps, so that its square fits.
        let deviation = i128::from(grid.max_deviation_steps());
        let square = deviation * deviation;
        let shift = (i128::BITS - square.leading_zeros()).saturating_sub(BITS);
        Self { middle: grid.middle_steps(), shift, largest: rounded(square, shift) }
    }

    /// What a value adds to a sum. *Units*: `2^shift` squared steps.
    ///
    /// *Guarantee*: for every value on the grid, at most [`Squares::max_deviation`] in size.
    pub fn deviation(&self, steps: i64) -> i128 {
        let deviation = i128::from(steps) - i128::from(self.middle);
        rounded(deviation * deviation, self.shift) - self.origin()
    }

    /// The most that one row can add or take away; at least one.
    pub fn max_deviation(&self) -> u128 {
        (self.largest - self.origin()).unsigned_abs()
    }

    /// The square that counts as nothing. *Units*: `2^shift` squared steps.
    pub fn origin(&self) -> i128 {
        self.largest / 2
    }

    /// The largest square of a value on the grid. *Units*: `2^shift` squared steps.
    pub fn largest(&self) -> i128 {
        self.largest
    }

    /// Squared steps in one unit.
    pub fn unit(&self) -> f64 {
        f64::from(self.shift).exp2()
    }
}

fn rounded(square: i128, shift: u32) -> i128 {
    (square + ((1 << shift) >> 1)) >> shift
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_value_on_the_grid_adds_more_than_declared(
            lower in -1e12_f64..1e12, width in 1e-3_f64..1e12, share in 0.0_f64..=1.0,
        ) {
            let Ok(grid) = Grid::for_bounds(lower, lower + width) else { return Ok(()) };
            let squares = Squares::of(&grid);
            let reach = (grid.upper_steps() - grid.lower_steps()) as f64;
            let value = grid.lower_steps() + (reach * share) as i64;
            for value in [value, grid.lower_steps(), grid.upper_steps(), grid.middle_steps()] {
                let value = value.clamp(grid.lower_steps(), grid.upper_steps());
                prop_assert!(squares.deviation(value).unsigned_abs() <= squares.max_deviation());
            }
            prop_assert!(squares.max_deviation() >= 1 && squares.max_deviation() <= 1 << BITS);
        }
    }

    #[test]
    fn narrow_and_wide_grids_have_squares() {
        for (lower, upper) in [(0.0, 1.0), (-1.0, 1.0), (0.0, 2_f64.powi(53)), (0.0, 120.0)] {
            let grid = Grid::with_step(lower, upper, 0).unwrap();
            let squares = Squares::of(&grid);
            assert!(squares.max_deviation() >= 1);
            let far = squares.deviation(grid.upper_steps()) + squares.origin();
            let exact = (grid.upper_steps() - grid.middle_steps()) as f64;
            let error = (far as f64 * squares.unit() - exact * exact).abs();
            assert!(error <= squares.unit() / 2.0);
        }
    }
}
