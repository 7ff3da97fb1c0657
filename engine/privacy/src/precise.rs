//! Binary floating point of 256 bits, for the logarithms and exponentials behind a privacy
//! statement.
//!
//! One operation errs by at most one unit in the last place. Results are moved by a margin of
//! `2^-150`, which is more than `2^60` times what the handful of operations of one formula can
//! lose, before they are rounded in the safe direction. So the direction of the final rounding is
//! certain.

use dashu::base::Sign;
use dashu::float::{FBig, round::mode::HalfEven};
use dashu::integer::IBig;
use dashu::rational::RBig;

/// A binary floating-point number whose precision is [`PRECISION_BITS`].
pub(crate) type Real = FBig<HalfEven, 2>;

/// Bits of the significand.
pub(crate) const PRECISION_BITS: usize = 256;

/// The nearest [`Real`] to an exact number.
pub(crate) fn from_rational(value: &RBig) -> Real {
    from_integer(value.numerator().clone()) / from_integer(value.denominator().clone().into())
}

/// The nearest [`Real`] to an integer.
pub(crate) fn from_integer(value: IBig) -> Real {
    Real::from(value).with_precision(PRECISION_BITS).value()
}

/// The exact value of a finite floating-point number.
pub(crate) fn from_f64(value: f64) -> Real {
    Real::try_from(value).unwrap_or(Real::ZERO).with_precision(PRECISION_BITS).value()
}

/// The circle constant.
pub(crate) fn pi() -> Real {
    Real::pi(PRECISION_BITS)
}

/// More than the error of any formula in this crate whose terms stay below `2^32`.
pub(crate) fn margin() -> Real {
    Real::from_parts(IBig::ONE, -150).with_precision(PRECISION_BITS).value()
}

/// The exact rational value of a [`Real`].
pub(crate) fn to_rational(value: &Real) -> RBig {
    RBig::try_from(value.clone()).unwrap_or(RBig::ZERO)
}

/// The largest multiple of `1 / units_per_one` that is not above `value`, and not below zero.
pub(crate) fn floor_to_grid(value: &Real, units_per_one: i64) -> RBig {
    let units = (to_rational(value) * RBig::from(units_per_one)).floor();
    to_grid(units, units_per_one)
}

/// The smallest multiple of `1 / units_per_one` that is not below `value`, and not below zero.
pub(crate) fn ceil_to_grid(value: &Real, units_per_one: i64) -> RBig {
    let units = (to_rational(value) * RBig::from(units_per_one)).ceil();
    to_grid(units, units_per_one)
}

fn to_grid(units: IBig, units_per_one: i64) -> RBig {
    if units.sign() == Sign::Negative {
        return RBig::ZERO;
    }
    RBig::from_parts(units, units_per_one.unsigned_abs().into())
}
