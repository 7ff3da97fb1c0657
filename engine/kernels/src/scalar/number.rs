//! Arithmetic. What has no value in its type is NULL: overflow, division by zero, the root of a
//! negative number, and every NaN or infinity.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use super::Function;
use super::argument::{Argument, each, exactly, finite, wrong};
use crate::KernelError;

/// Two numbers of one type.
pub(super) fn arithmetic(
    function: Function,
    arguments: &[Argument],
    rows: usize,
) -> Result<ArrayRef, KernelError> {
    let [a, b] = exactly(arguments)?;
    match (a.kind(), b.kind()) {
        (DataType::Int64, DataType::Int64) => {
            let of: fn(i64, i64) -> Option<i64> = match function {
                Function::Add => i64::checked_add,
                Function::Subtract => i64::checked_sub,
                Function::Multiply => i64::checked_mul,
                Function::Divide => i64::checked_div,
                // The remainder by -1 is 0, also of the smallest integer.
                _ => |a, b| (b != 0).then(|| a.wrapping_rem(b)),
            };
            integers(a, b, rows, of)
        }
        (DataType::Float64, DataType::Float64) => match function {
            Function::Add => floats(a, b, rows, |a, b| a + b),
            Function::Subtract => floats(a, b, rows, |a, b| a - b),
            Function::Multiply => floats(a, b, rows, |a, b| a * b),
            Function::Divide => floats(a, b, rows, |a, b| a / b),
            _ => floats(a, b, rows, |a, b| a % b),
        },
        _ => Err(wrong("two numbers of one type")),
    }
}

fn integers(
    a: &Argument,
    b: &Argument,
    rows: usize,
    of: impl Fn(i64, i64) -> Option<i64>,
) -> Result<ArrayRef, KernelError> {
    let (a, b) = (a.values::<Int64Type>()?, b.values::<Int64Type>()?);
    Ok(each::<Int64Type>(rows, |row| of(a.get(row)?, b.get(row)?)))
}

fn floats(
    a: &Argument,
    b: &Argument,
    rows: usize,
    of: impl Fn(f64, f64) -> f64,
) -> Result<ArrayRef, KernelError> {
    let (a, b) = (a.values::<Float64Type>()?, b.values::<Float64Type>()?);
    Ok(each::<Float64Type>(rows, |row| finite(of(a.get(row)?, b.get(row)?))))
}

/// Negation, absolute value, sign, and rounding to whole numbers.
pub(super) fn of_one(
    function: Function,
    arguments: &[Argument],
    rows: usize,
) -> Result<ArrayRef, KernelError> {
    let [a] = exactly(arguments)?;
    if *a.kind() == DataType::Int64 {
        let of: fn(i64) -> Option<i64> = match function {
            Function::Negate => i64::checked_neg,
            Function::Absolute => i64::checked_abs,
            Function::Sign => |a| Some(a.signum()),
            // Integers are whole already.
            _ => Some,
        };
        let a = a.values::<Int64Type>()?;
        return Ok(each::<Int64Type>(rows, |row| of(a.get(row)?)));
    }
    let of: fn(f64) -> f64 = match function {
        Function::Negate => |a| -a,
        Function::Absolute => f64::abs,
        Function::Sign => |a| {
            if a > 0.0 {
                1.0
            } else if a < 0.0 {
                -1.0
            } else {
                // Zero stays zero, and NaN stays NaN and becomes NULL.
                a * 0.0
            }
        },
        Function::Floor => f64::floor,
        Function::Ceiling => f64::ceil,
        _ => f64::trunc,
    };
    let a = a.values::<Float64Type>()?;
    Ok(each::<Float64Type>(rows, |row| finite(of(a.get(row)?))))
}

/// Half away from zero, to a number of decimal places.
pub(super) fn round(arguments: &[Argument], rows: usize) -> Result<ArrayRef, KernelError> {
    if let [a] = arguments {
        if *a.kind() == DataType::Int64 {
            let a = a.values::<Int64Type>()?;
            return Ok(each::<Int64Type>(rows, |row| a.get(row)));
        }
        let a = a.values::<Float64Type>()?;
        return Ok(each::<Float64Type>(rows, |row| finite(a.get(row)?.round())));
    }
    let [a, places] = exactly(arguments)?;
    let (a, places) = (a.values::<Float64Type>()?, places.values::<Int64Type>()?);
    Ok(each::<Float64Type>(rows, |row| {
        let places = i32::try_from(places.get(row)?).ok().filter(|places| places.abs() <= 300)?;
        let factor = 10_f64.powi(places.abs());
        let value = a.get(row)?;
        finite(if places < 0 {
            (value / factor).round() * factor
        } else {
            (value * factor).round() / factor
        })
    }))
}

/// Square root, logarithms and the exponential function.
pub(super) fn transcendental(
    function: Function,
    arguments: &[Argument],
    rows: usize,
) -> Result<ArrayRef, KernelError> {
    let [a] = exactly(arguments)?;
    let of: fn(f64) -> f64 = match function {
        Function::SquareRoot => f64::sqrt,
        Function::NaturalLogarithm => f64::ln,
        Function::DecimalLogarithm => f64::log10,
        _ => f64::exp,
    };
    let a = a.values::<Float64Type>()?;
    Ok(each::<Float64Type>(rows, |row| finite(of(a.get(row)?))))
}

/// A power of doubles.
pub(super) fn power(arguments: &[Argument], rows: usize) -> Result<ArrayRef, KernelError> {
    let [a, b] = exactly(arguments)?;
    floats(a, b, rows, f64::powf)
}

/// A number brought between two others; NULL where they are the wrong way round.
pub(super) fn clamp(arguments: &[Argument], rows: usize) -> Result<ArrayRef, KernelError> {
    let [a, low, high] = exactly(arguments)?;
    if *a.kind() == DataType::Int64 {
        let (a, low) = (a.values::<Int64Type>()?, low.values::<Int64Type>()?);
        let high = high.values::<Int64Type>()?;
        return Ok(each::<Int64Type>(rows, |row| {
            let (a, low, high) = (a.get(row)?, low.get(row)?, high.get(row)?);
            (low <= high).then(|| a.clamp(low, high))
        }));
    }
    let (a, low) = (a.values::<Float64Type>()?, low.values::<Float64Type>()?);
    let high = high.values::<Float64Type>()?;
    Ok(each::<Float64Type>(rows, |row| {
        let (a, low, high) = (a.get(row)?, low.get(row)?, high.get(row)?);
        if a.is_nan() || low.is_nan() || high.is_nan() || low > high {
            return None;
        }
        finite(a.max(low).min(high))
    }))
}

/// The number of the bucket among `count` equal ones from `low` to `high`: 0 below `low`,
/// `count + 1` from `high` on. NULL where the buckets are empty or more than 2^31.
pub(super) fn width_bucket(arguments: &[Argument], rows: usize) -> Result<ArrayRef, KernelError> {
    let [a, low, high, count] = exactly(arguments)?;
    let count = count.values::<Int64Type>()?;
    let buckets = |row| count.get(row).filter(|count| (1..=1 << 31).contains(count));
    if *a.kind() == DataType::Int64 {
        let (a, low) = (a.values::<Int64Type>()?, low.values::<Int64Type>()?);
        let high = high.values::<Int64Type>()?;
        return Ok(each::<Int64Type>(rows, |row| {
            let (a, low, high) = (a.get(row)?, low.get(row)?, high.get(row)?);
            let count = buckets(row)?;
            if low >= high {
                return None;
            }
            if a < low {
                return Some(0);
            }
            if a >= high {
                return Some(count + 1);
            }
            let (offset, width) =
                (i128::from(a) - i128::from(low), i128::from(high) - i128::from(low));
            i64::try_from(offset * i128::from(count) / width).ok().map(|bucket| bucket + 1)
        }));
    }
    let (a, low) = (a.values::<Float64Type>()?, low.values::<Float64Type>()?);
    let high = high.values::<Float64Type>()?;
    Ok(each::<Int64Type>(rows, |row| {
        let (a, low, high) = (a.get(row)?, low.get(row)?, high.get(row)?);
        let count = buckets(row)?;
        if a.is_nan() || !low.is_finite() || !high.is_finite() || low >= high {
            return None;
        }
        if a < low {
            return Some(0);
        }
        if a >= high {
            return Some(count + 1);
        }
        // Halves cannot overflow; the clamp absorbs rounding at the last edge.
        let share = (a / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
        if share.is_nan() {
            return None;
        }
        Some(((share * count as f64) as i64 + 1).clamp(1, count))
    }))
}
