//! Exact conversion of Arrow numbers to grid steps, one routine per kind of number.

use arrow::array::types::{
    ArrowPrimitiveType, Decimal32Type, Decimal64Type, Decimal128Type, Float16Type, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, i256};

use super::{Grid, decompose};
use crate::KernelError;

/// Powers of ten up to this one keep every product below in 256 bits.
const SCALE_MAX: u8 = 38;

pub(super) fn accepts(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null
        | DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float16
        | DataType::Float32
        | DataType::Float64 => true,
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale) => scale.unsigned_abs() <= SCALE_MAX,
        DataType::Dictionary(_, values) => accepts(values),
        DataType::RunEndEncoded(_, values) => accepts(values.data_type()),
        _ => false,
    }
}

pub(super) fn to_steps(grid: &Grid, values: &ArrayRef) -> Result<Int64Array, KernelError> {
    let data_type = values.data_type();
    let not_numeric = || KernelError::NotNumeric { data_type: data_type.clone() };
    if !accepts(data_type) {
        return Err(not_numeric());
    }
    Ok(match data_type {
        DataType::Boolean => booleans(grid, values),
        DataType::Int8 => integers::<Int8Type>(grid, values),
        DataType::Int16 => integers::<Int16Type>(grid, values),
        DataType::Int32 => integers::<Int32Type>(grid, values),
        DataType::Int64 => integers::<Int64Type>(grid, values),
        DataType::UInt8 => integers::<UInt8Type>(grid, values),
        DataType::UInt16 => integers::<UInt16Type>(grid, values),
        DataType::UInt32 => integers::<UInt32Type>(grid, values),
        DataType::UInt64 => integers::<UInt64Type>(grid, values),
        DataType::Float16 => floats::<Float16Type>(grid, values, |value| value.to_f64()),
        DataType::Float32 => floats::<Float32Type>(grid, values, f64::from),
        DataType::Float64 => floats::<Float64Type>(grid, values, |value| value),
        DataType::Decimal32(_, scale) => decimals::<Decimal32Type>(grid, values, *scale),
        DataType::Decimal64(_, scale) => decimals::<Decimal64Type>(grid, values, *scale),
        DataType::Decimal128(_, scale) => decimals::<Decimal128Type>(grid, values, *scale),
        DataType::Dictionary(_, inner) => {
            let plain = arrow::compute::cast(values, inner).map_err(|_| not_numeric())?;
            return to_steps(grid, &plain);
        }
        DataType::RunEndEncoded(_, inner) => {
            let plain =
                arrow::compute::cast(values, inner.data_type()).map_err(|_| not_numeric())?;
            return to_steps(grid, &plain);
        }
        // Only the type of NULLs is left.
        _ => Int64Array::new_null(values.len()),
    })
}

fn booleans(grid: &Grid, values: &ArrayRef) -> Int64Array {
    let rule = IntegerRule::new(grid);
    let (no, yes) = (rule.steps(0), rule.steps(1));
    let values = values.as_boolean();
    values.iter().map(|value| value.map(|value| if value { yes } else { no })).collect()
}

fn integers<T>(grid: &Grid, values: &ArrayRef) -> Int64Array
where
    T: ArrowPrimitiveType,
    T::Native: Into<i128>,
{
    let rule = IntegerRule::new(grid);
    values.as_primitive::<T>().unary(|value| rule.steps(value.into()))
}

fn floats<T: ArrowPrimitiveType>(
    grid: &Grid,
    values: &ArrayRef,
    widen: impl Fn(T::Native) -> f64,
) -> Int64Array {
    let values = values.as_primitive::<T>();
    let steps = |value: f64| grid.round(value.clamp(grid.lower(), grid.upper()));
    // Where there is no NaN, rows need not be looked at one by one.
    if values.values().iter().fold(true, |none, &value| none & !widen(value).is_nan()) {
        return values.unary(|value| steps(widen(value)));
    }
    values.unary_opt(|value| {
        let value = widen(value);
        (!value.is_nan()).then(|| steps(value))
    })
}

fn decimals<T>(grid: &Grid, values: &ArrayRef, scale: i8) -> Int64Array
where
    T: ArrowPrimitiveType,
    T::Native: Into<i128>,
{
    let rule = DecimalRule::new(grid, scale);
    values.as_primitive::<T>().unary(|value| rule.steps(value.into()))
}

/// Puts 64-bit integers on a grid without ever leaving the integers.
struct IntegerRule {
    grid: Grid,
    /// The smallest integer within the bounds, and the largest; saturated, which no 64-bit
    /// integer can notice.
    inside: (i128, i128),
}

impl IntegerRule {
    fn new(grid: &Grid) -> Self {
        Self { grid: *grid, inside: (grid.lower().ceil() as i128, grid.upper().floor() as i128) }
    }

    fn steps(&self, value: i128) -> i64 {
        if value < self.inside.0 {
            return self.grid.lower_steps();
        }
        if value > self.inside.1 {
            return self.grid.upper_steps();
        }
        let step_log2 = self.grid.step_log2();
        if value == 0 || step_log2 > 65 {
            // Below half a step, because the magnitude is at most 2^64.
            return 0;
        }
        if step_log2 <= 0 {
            // A value other than zero within 2^53 steps leaves at most 53 bits to shift by.
            return (value << step_log2.unsigned_abs()) as i64;
        }
        let quotient = value >> step_log2;
        let rest = value - (quotient << step_log2);
        let half = 1_i128 << (step_log2 - 1);
        let up = rest > half || (rest == half && quotient & 1 == 1);
        (quotient + i128::from(up)) as i64
    }
}

/// Puts decimals on a grid by one exact division of 256-bit integers.
///
/// A decimal is `raw * factor / divisor`, both powers of ten and at least one of them 1. With
/// scales of at most 38 every intermediate result stays below 2^255.
struct DecimalRule {
    grid: Grid,
    factor: i256,
    divisor: i256,
    /// Smallest and largest `raw * factor` within the bounds; saturated far outside.
    inside: (i256, i256),
}

impl DecimalRule {
    fn new(grid: &Grid, scale: i8) -> Self {
        let power = ten_to_the(scale.unsigned_abs());
        let (factor, divisor) = if scale >= 0 { (i256::ONE, power) } else { (power, i256::ONE) };
        let lower = -floor_of_product(-grid.lower(), divisor);
        let upper = floor_of_product(grid.upper(), divisor);
        Self { grid: *grid, factor, divisor, inside: (lower, upper) }
    }

    fn steps(&self, raw: i128) -> i64 {
        let numerator = i256::from_i128(raw).wrapping_mul(self.factor);
        if numerator < self.inside.0 {
            return self.grid.lower_steps();
        }
        if numerator > self.inside.1 {
            return self.grid.upper_steps();
        }
        if numerator == i256::ZERO {
            return 0;
        }
        let step_log2 = self.grid.step_log2();
        if step_log2 <= 0 {
            // The quotient has at most 54 bits and the divisor 127, which bounds the shift.
            let shift = step_log2.unsigned_abs() as u8;
            return divide_half_even(numerator << shift, self.divisor);
        }
        if bit_length(self.divisor) + step_log2.unsigned_abs() > 255 {
            // The numerator is below 2^254 and the denominator at least 2^255.
            return 0;
        }
        divide_half_even(numerator, self.divisor << (step_log2 as u8))
    }
}

/// `numerator / denominator`, rounded half to even; the denominator is positive.
fn divide_half_even(numerator: i256, denominator: i256) -> i64 {
    let quotient = numerator.wrapping_div(denominator);
    let rest = numerator.wrapping_rem(denominator).wrapping_abs();
    let complement = denominator.wrapping_sub(rest);
    let odd = quotient & i256::ONE == i256::ONE;
    let away = rest > complement || (rest == complement && odd);
    // Truncation went towards zero; where the quotient is zero only the numerator has the sign.
    let direction = if numerator.is_negative() { i256::MINUS_ONE } else { i256::ONE };
    let rounded = if away { quotient.wrapping_add(direction) } else { quotient };
    rounded.as_i128() as i64
}

/// floor(value * factor) for a finite value and a positive factor below 2^127, saturated at
/// +-2^254, which no numerator reaches.
fn floor_of_product(value: f64, factor: i256) -> i256 {
    let (mantissa, exponent) = decompose(value);
    let product = i256::from_i128(i128::from(mantissa)).wrapping_mul(factor);
    let signed = if value < 0.0 { product.wrapping_neg() } else { product };
    if product == i256::ZERO {
        return i256::ZERO;
    }
    if exponent >= 0 {
        if bit_length(product) + exponent.unsigned_abs() > 254 {
            let limit = i256::ONE << 254_u8;
            return if value < 0.0 { limit.wrapping_neg() } else { limit };
        }
        return signed << (exponent as u8);
    }
    // The shift is arithmetic: it rounds down, and beyond the last bit it leaves 0 or -1.
    signed >> (exponent.unsigned_abs().min(255) as u8)
}

fn bit_length(positive: i256) -> u32 {
    256 - positive.leading_zeros()
}

fn ten_to_the(exponent: u8) -> i256 {
    (0..exponent).fold(i256::ONE, |power, _| power.wrapping_mul(i256::from_i128(10)))
}
