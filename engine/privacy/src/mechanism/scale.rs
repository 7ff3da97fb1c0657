//! The scales that the samplers can draw from exactly.

use std::fmt;

use dashu::integer::{IBig, UBig};
use dashu::rational::RBig;

use crate::error::PrivacyError;

/// Bits of the mantissa: fine enough that rounding a scale up costs at most 5e-7 of rho, small
/// enough that every product of the samplers fits its fixed width (the proof notes of the two
/// mechanisms do the sums).
const MANTISSA_BITS: u32 = 22;

const MANTISSA_MAX: u32 = (1 << MANTISSA_BITS) - 1;

/// Exponents of the finest and of the coarsest scales.
const EXPONENT_MIN: i32 = -22;
const EXPONENT_MAX: i32 = 32;

/// The smallest scale, as a power of two. It costs a rho of 2048 for one group of one step, more
/// than any budget.
const SCALE_MIN_LOG2: i32 = -6;

/// A scale `mantissa * 2^exponent` with `2^-6 <= scale <= (2^22 - 1) * 2^32` and an odd mantissa.
///
/// *Units*: grid steps.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Scale {
    mantissa: u32,
    exponent: i32,
}

impl Scale {
    /// The smallest representable scale that is at least `target`.
    pub(crate) fn at_least(target: &RBig) -> Result<Self, PrivacyError> {
        Self::smallest(|exponent| mantissa_at_least(&scaled(target, -exponent)))
    }

    /// The smallest representable scale whose square is at least `target`.
    pub(crate) fn sqrt_at_least(target: &RBig) -> Result<Self, PrivacyError> {
        Self::smallest(|exponent| mantissa_sqrt_at_least(&scaled(target, -2 * exponent)))
    }

    /// The representable scale with exactly this value.
    pub(crate) fn exactly(value: &RBig) -> Result<Self, PrivacyError> {
        Self::at_least(value).ok().filter(|found| found.to_rational() == *value).ok_or_else(|| {
            let text = format!("{}/{}", value.numerator(), value.denominator());
            PrivacyError::ScaleNotRepresentable { scale: text.chars().take(80).collect() }
        })
    }

    /// The next larger representable scale.
    pub(crate) fn next_up(self) -> Result<Self, PrivacyError> {
        let (mantissa, exponent) = self.whole_mantissa();
        Self::at_least(&scaled(&RBig::from(mantissa + 1), exponent))
    }

    /// The scale is `numerator / 2^places` with `places <= 22`.
    pub(crate) fn numerator(self) -> u64 {
        u64::from(self.mantissa) << self.exponent.max(0)
    }

    /// Binary places of the scale: zero for whole scales.
    pub(crate) fn places(self) -> u32 {
        (-self.exponent).max(0).unsigned_abs()
    }

    /// The exact value.
    pub(crate) fn to_rational(self) -> RBig {
        scaled(&RBig::from(self.mantissa), self.exponent)
    }

    /// The exact value: 22 bits fit a double.
    pub(crate) fn to_f64(self) -> f64 {
        f64::from(self.mantissa) * f64::from(self.exponent).exp2()
    }

    /// Tries the exponents from the finest, so that the first hit is the closest scale.
    fn smallest(mantissa_for: impl Fn(i32) -> Option<u32>) -> Result<Self, PrivacyError> {
        for exponent in EXPONENT_MIN..=EXPONENT_MAX {
            if let Some(mantissa) = mantissa_for(exponent) {
                let floor = 1 << (SCALE_MIN_LOG2 - EXPONENT_MIN);
                let is_finest = exponent == EXPONENT_MIN;
                let mantissa = if is_finest { mantissa.max(floor) } else { mantissa };
                return Ok(Self::normal(mantissa, exponent));
            }
        }
        Err(PrivacyError::ScaleTooLarge)
    }

    /// One value has one form: trailing zeros move from the mantissa into the exponent.
    fn normal(mantissa: u32, exponent: i32) -> Self {
        let shift = mantissa.trailing_zeros();
        Self { mantissa: mantissa >> shift, exponent: exponent + shift.cast_signed() }
    }

    /// The form with the longest mantissa.
    fn whole_mantissa(self) -> (u32, i32) {
        let room = MANTISSA_BITS - (u32::BITS - self.mantissa.leading_zeros());
        let shift = room.min((self.exponent - EXPONENT_MIN).unsigned_abs());
        (self.mantissa << shift, self.exponent - shift.cast_signed())
    }
}

/// `numerator/denominator`.
impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator(), 1u64 << self.places())
    }
}

impl fmt::Debug for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scale({self})")
    }
}

/// `value * 2^power`.
fn scaled(value: &RBig, power: i32) -> RBig {
    let factor = RBig::from(UBig::ONE << power.unsigned_abs() as usize);
    if power >= 0 { value * factor } else { value / factor }
}

fn mantissa_at_least(value: &RBig) -> Option<u32> {
    u32::try_from(value.ceil().max(IBig::ZERO)).ok().filter(|mantissa| *mantissa <= MANTISSA_MAX)
}

fn mantissa_sqrt_at_least(square: &RBig) -> Option<u32> {
    let floor = u64::try_from(square.floor()).ok()?;
    let root = floor.isqrt();
    let is_below = RBig::from(root).sqr() < *square;
    u32::try_from(root + u64::from(is_below)).ok().filter(|mantissa| *mantissa <= MANTISSA_MAX)
}
