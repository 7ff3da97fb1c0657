//! Bounds of a value and the public fixed-point grid it is put on.
//!
//! Values are clamped first and rounded afterwards, half to even. Rounding is monotone, so that
//! a clamped value can never land outside `[lower_steps, upper_steps]`, and sensitivities taken
//! from the steps are never too small.

mod steps;
#[cfg(test)]
mod tests;

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::DataType;

use crate::KernelError;

/// Up to this magnitude every integer is an `f64`, so that a bound in steps is exact.
const STEPS_MAX: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
/// The default grid has at least this many steps (as a binary logarithm) between its bounds.
const RESOLUTION_LOG2: i32 = 20;
/// Smallest step: below it `2^-step_log2` would not be a normal number.
const STEP_LOG2_MIN: i32 = -1022;
/// Largest step: with it 2^53 steps are still finite.
const STEP_LOG2_MAX: i32 = 970;

/// Bounds `[lower, upper]` and a grid of step `2^step_log2` that values are clamped to and
/// rounded on.
///
/// *Guarantee*: `lower < upper`, both finite; no value on the grid exceeds 2^53 steps;
/// `lower_steps() < upper_steps()`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    lower: f64,
    upper: f64,
    step_log2: i32,
    lower_steps: i64,
    upper_steps: i64,
}

impl Grid {
    /// The default grid for bounds: its step is the largest power of two that is at most
    /// `(upper - lower) / 2^20`.
    ///
    /// *Errors*: bounds that are not finite, reversed, equal, too wide (the width overflows) or
    /// too narrow for their magnitude (more than 2^53 steps from zero).
    pub fn for_bounds(lower: f64, upper: f64) -> Result<Self, KernelError> {
        check_bounds(lower, upper)?;
        let refuse = |why| Err(KernelError::Bounds { lower, upper, why });
        let Some(width_log2) = floor_log2_of_width(lower, upper) else {
            return refuse("they are too far apart; give bounds that people can really reach");
        };
        let step_log2 = width_log2 - RESOLUTION_LOG2;
        if step_log2 < STEP_LOG2_MIN {
            return refuse("they are too close to each other; scale the value up first");
        }
        match Self::with_step(lower, upper, step_log2) {
            Err(KernelError::Step { .. }) => {
                refuse("they are too close to each other for their size; subtract an offset first")
            }
            other => other,
        }
    }

    /// A grid with a chosen step of `2^step_log2`.
    ///
    /// *Errors*: bad bounds as in [`Grid::for_bounds`]; a step so small that a bound is more than
    /// 2^53 steps from zero, so large that both bounds round to one step, or outside the range
    /// in which scaling by it is exact.
    pub fn with_step(lower: f64, upper: f64, step_log2: i32) -> Result<Self, KernelError> {
        check_bounds(lower, upper)?;
        let refuse = |why| Err(KernelError::Step { lower, upper, step_log2, why });
        if !(STEP_LOG2_MIN..=STEP_LOG2_MAX).contains(&step_log2) {
            return refuse("use a step between 2^-1022 and 2^970");
        }
        let inverse_step = power_of_two(-step_log2);
        if (lower * inverse_step).abs() > STEPS_MAX || (upper * inverse_step).abs() > STEPS_MAX {
            return refuse("a bound is more than 2^53 steps from zero; use a larger step");
        }
        let lower_steps = round_to_steps(lower, inverse_step);
        let upper_steps = round_to_steps(upper, inverse_step);
        if lower_steps == upper_steps {
            return refuse("both bounds round to the same step; use a smaller step");
        }
        // Adding zero turns -0.0 into 0.0, so that equal grids print alike.
        Ok(Self { lower: lower + 0.0, upper: upper + 0.0, step_log2, lower_steps, upper_steps })
    }

    /// The lower bound, in the value's own unit.
    pub fn lower(&self) -> f64 {
        self.lower
    }

    /// The upper bound, in the value's own unit.
    pub fn upper(&self) -> f64 {
        self.upper
    }

    /// The binary logarithm of the step.
    pub fn step_log2(&self) -> i32 {
        self.step_log2
    }

    /// The step, in the value's own unit; an exact power of two.
    pub fn step(&self) -> f64 {
        power_of_two(self.step_log2)
    }

    /// The lower bound, rounded to the grid. *Units*: steps.
    pub fn lower_steps(&self) -> i64 {
        self.lower_steps
    }

    /// The upper bound, rounded to the grid. *Units*: steps.
    pub fn upper_steps(&self) -> i64 {
        self.upper_steps
    }

    /// The point that centred sums deviate from: halfway between the bounds, rounded down.
    /// *Units*: steps.
    pub fn middle_steps(&self) -> i64 {
        // Both are at most 2^53, so that the sum cannot overflow; the shift rounds down.
        (self.lower_steps + self.upper_steps) >> 1
    }

    /// The largest magnitude a value on the grid can have. *Units*: steps.
    ///
    /// *Guarantee*: at least 1, and no result of [`Grid::to_steps`] exceeds it.
    pub fn max_abs_steps(&self) -> u64 {
        self.lower_steps.unsigned_abs().max(self.upper_steps.unsigned_abs())
    }

    /// The largest deviation from [`Grid::middle_steps`] a value can have: half the width,
    /// rounded up. *Units*: steps.
    pub fn max_deviation_steps(&self) -> u64 {
        let middle = self.middle_steps();
        self.upper_steps.abs_diff(middle).max(self.lower_steps.abs_diff(middle))
    }

    /// Clamps numbers to the bounds and rounds them to the grid, half to even.
    ///
    /// *Shape*: as long as the input. *Units*: steps. NULL and NaN become NULL; infinities become
    /// the bounds.
    ///
    /// *Guarantee*: exact for integers of every width, booleans, floats and decimals of up to 38
    /// digits; no value passes through a type that cannot hold it before it is clamped.
    ///
    /// *Errors*: an array that holds no numbers.
    pub fn to_steps(&self, values: &ArrayRef) -> Result<Int64Array, KernelError> {
        steps::to_steps(self, values)
    }

    /// Whether [`Grid::to_steps`] reads arrays of this type.
    pub fn accepts(data_type: &DataType) -> bool {
        steps::accepts(data_type)
    }

    /// Rounds a value that already lies within the bounds.
    fn round(&self, clamped: f64) -> i64 {
        round_to_steps(clamped, power_of_two(-self.step_log2))
    }
}

fn check_bounds(lower: f64, upper: f64) -> Result<(), KernelError> {
    let refuse = |why| Err(KernelError::Bounds { lower, upper, why });
    if !lower.is_finite() || !upper.is_finite() {
        return refuse("a bound is not a finite number; give two ordinary numbers");
    }
    if lower == upper {
        return refuse("they are equal, which leaves nothing to measure; widen them");
    }
    if lower > upper {
        return refuse("they are reversed; swap them");
    }
    Ok(())
}

/// Rounds `value / step` to the nearest integer, half to even.
///
/// Multiplying by a power of two is exact unless the product overflows or is subnormal. It cannot
/// overflow, because a grid has at most 2^53 steps on either side of zero; and where it is
/// subnormal the quotient is far below one half and rounds to zero with or without the lost bits.
///
/// Beyond 2^52 every double is whole. Below it, adding 2^52 leaves a sum without room for
/// fractions, so that the addition rounds, half to even, and taking 2^52 away again is exact; the
/// processor's own instruction for this is not there on every x86-64, and a call costs much more.
#[inline]
fn round_to_steps(value: f64, inverse_step: f64) -> i64 {
    const WHOLE: f64 = (1_u64 << (f64::MANTISSA_DIGITS - 1)) as f64;
    let steps = value * inverse_step;
    let shift = WHOLE.copysign(steps);
    let rounded = (steps + shift) - shift;
    (if steps.abs() < WHOLE { rounded } else { steps }) as i64
}

/// 2^exponent, for the exponents of normal numbers.
fn power_of_two(exponent: i32) -> f64 {
    const BIAS: i32 = 1023;
    const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;
    f64::from_bits(u64::from((exponent + BIAS).unsigned_abs()) << FRACTION_BITS)
}

/// floor(log2(upper - lower)) of the exact difference; nothing when the difference overflows.
fn floor_log2_of_width(lower: f64, upper: f64) -> Option<i32> {
    let width = upper - lower;
    if !width.is_finite() {
        return None;
    }
    let (mantissa, exponent) = decompose(width);
    let log2 = exponent + mantissa.ilog2() as i32;
    // The rounded difference may have been rounded up to a power of two that the exact one does
    // not reach. The rounding error of a difference is itself an f64 (Knuth's TwoDiff).
    let lower_seen = upper - width;
    let error = (upper - (width + lower_seen)) + (lower_seen - lower);
    let rounded_up_to_power = mantissa.is_power_of_two() && error < 0.0;
    Some(if rounded_up_to_power { log2 - 1 } else { log2 })
}

/// The magnitude of a finite number as `mantissa * 2^exponent`, mantissa below 2^53.
fn decompose(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let biased = ((bits >> 52) & 0x7ff) as i32;
    if biased == 0 { (fraction, -1074) } else { (fraction | (1 << 52), biased - 1075) }
}
