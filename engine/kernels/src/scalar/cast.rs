//! Conversions between the canonical types. What has no counterpart is NULL.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType::{Boolean, Date32, Float64, Int64, Utf8};
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};

use super::argument::{Argument, each, each_truth, finite, wrong};
use super::calendar::{DAY, civil, days, month_length};
use super::text::{is_text, written};
use crate::KernelError;

const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// Whether there is a conversion.
pub fn casts(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (from, to) if from == to => true,
        (Boolean, Int64 | Float64 | Utf8) | (Int64, Boolean | Float64 | Utf8) => true,
        (Float64, Int64 | Utf8) => true,
        (Utf8, Boolean | Int64 | Float64 | Date32) | (Date32, Utf8) => true,
        (Utf8 | Date32, to) if *to == TIMESTAMP => true,
        (from, Utf8 | Date32) if *from == TIMESTAMP => true,
        _ => false,
    }
}

/// Converts every value, or gives NULL.
///
/// Doubles lose their fraction on the way to integers; a double outside the integers is NULL. Text
/// is read without the blanks around it; `NaN` and infinities are NULL. Years outside 0 to 9999
/// have no text.
///
/// # Errors
/// When there is no such conversion, whatever the values are.
pub fn cast(argument: &Argument, to: &DataType, rows: usize) -> Result<ArrayRef, KernelError> {
    let from = argument.kind().clone();
    if !casts(&from, to) {
        return Err(wrong(&format!("a cast from {from} to {to}")));
    }
    if from == *to {
        let places: Vec<(usize, usize)> =
            (0..rows).map(|row| (0, argument.position(row))).collect();
        let array: &dyn Array = argument.array().as_ref();
        return arrow::compute::interleave(&[array], &places)
            .map_err(|_| wrong("values of this type"));
    }
    if is_text(argument.array()) {
        return from_text(argument, to, rows);
    }
    match from {
        Boolean => from_truth(argument, to, rows),
        Int64 => from_integer(argument, to, rows),
        Float64 => from_float(argument, to, rows),
        Date32 => from_date(argument, to, rows),
        _ => from_timestamp(argument, to, rows),
    }
}

fn from_truth(argument: &Argument, to: &DataType, rows: usize) -> Result<ArrayRef, KernelError> {
    let truths = argument.array().as_boolean_opt().ok_or_else(|| wrong("bool"))?;
    let get = |row: usize| {
        let position = argument.position(row);
        (!truths.is_null(position)).then(|| truths.value(position))
    };
    match to {
        Int64 => Ok(each::<Int64Type>(rows, |row| get(row).map(i64::from))),
        Float64 => Ok(each::<Float64Type>(rows, |row| get(row).map(f64::from))),
        _ => written(rows, |row| get(row).map(|truth| truth.to_string())),
    }
}

fn from_integer(argument: &Argument, to: &DataType, rows: usize) -> Result<ArrayRef, KernelError> {
    let integers = argument.values::<Int64Type>()?;
    match to {
        Boolean => Ok(each_truth(rows, |row| integers.get(row).map(|integer| integer != 0))),
        Float64 => Ok(each::<Float64Type>(rows, |row| integers.get(row).map(|i| i as f64))),
        _ => written(rows, |row| integers.get(row).map(|integer| integer.to_string())),
    }
}

fn from_float(argument: &Argument, to: &DataType, rows: usize) -> Result<ArrayRef, KernelError> {
    let floats = argument.values::<Float64Type>()?;
    match to {
        Int64 => Ok(each::<Int64Type>(rows, |row| whole(floats.get(row)?))),
        _ => written(rows, |row| finite(floats.get(row)?).map(|float| float.to_string())),
    }
}

/// The integer towards zero.
fn whole(float: f64) -> Option<i64> {
    // 2^63 is the first double above every integer, and -2^63 is an integer.
    let within = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float);
    within.then_some(float as i64)
}

fn from_date(argument: &Argument, to: &DataType, rows: usize) -> Result<ArrayRef, KernelError> {
    let dates = argument.values::<Date32Type>()?;
    match to {
        Utf8 => written(rows, |row| date_text(i64::from(dates.get(row)?))),
        _ => Ok(each::<TimestampMicrosecondType>(rows, |row| {
            i64::from(dates.get(row)?).checked_mul(DAY)
        })),
    }
}

fn from_timestamp(
    argument: &Argument,
    to: &DataType,
    rows: usize,
) -> Result<ArrayRef, KernelError> {
    let stamps = argument.values::<TimestampMicrosecondType>()?;
    match to {
        Utf8 => written(rows, |row| {
            let stamp = stamps.get(row)?;
            let date = date_text(stamp.div_euclid(DAY))?;
            let micros = stamp.rem_euclid(DAY);
            let seconds = micros / 1_000_000;
            let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
            let fraction = match micros % 1_000_000 {
                0 => String::new(),
                micros => format!(".{micros:06}"),
            };
            Some(format!("{date} {hour:02}:{minute:02}:{second:02}{fraction}"))
        }),
        _ => {
            Ok(each::<Date32Type>(rows, |row| i32::try_from(stamps.get(row)?.div_euclid(DAY)).ok()))
        }
    }
}

fn date_text(day: i64) -> Option<String> {
    let (year, month, day) = civil(day);
    (0..=9_999).contains(&year).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

fn from_text(argument: &Argument, to: &DataType, rows: usize) -> Result<ArrayRef, KernelError> {
    let texts = argument.texts()?;
    let get = |row: usize| texts.get(row).map(str::trim);
    Ok(match to {
        Boolean => each_truth(rows, |row| truth(get(row)?)),
        Int64 => each::<Int64Type>(rows, |row| get(row)?.parse().ok()),
        Float64 => each::<Float64Type>(rows, |row| finite(get(row)?.parse().ok()?)),
        Date32 => each::<Date32Type>(rows, |row| i32::try_from(date(get(row)?)?).ok()),
        _ => each::<TimestampMicrosecondType>(rows, |row| timestamp(get(row)?)),
    })
}

fn truth(text: &str) -> Option<bool> {
    let is = |word: &&str| text.eq_ignore_ascii_case(word);
    if ["true", "t", "yes", "y", "1"].iter().any(is) {
        return Some(true);
    }
    ["false", "f", "no", "n", "0"].iter().any(is).then_some(false)
}

/// The day number of `YYYY-MM-DD`.
fn date(text: &str) -> Option<i64> {
    let mut fields = text.split('-');
    let year = number(fields.next()?, 4)?;
    let (month, day) = (number(fields.next()?, 2)?, number(fields.next()?, 2)?);
    let valid = fields.next().is_none()
        && (1..=12).contains(&month)
        && (1..=month_length(year, month)).contains(&day);
    valid.then(|| days(year, month, day))
}

/// Microseconds of `YYYY-MM-DD[ HH:MM[:SS[.ffffff]]]`, with a blank or a T between.
fn timestamp(text: &str) -> Option<i64> {
    let Some((day, clock)) = text.split_once(['T', ' ']) else {
        return date(text)?.checked_mul(DAY);
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut fields = clock.split(':');
    let (hour, minute) = (number(fields.next()?, 2)?, number(fields.next()?, 2)?);
    let second = match fields.next() {
        None => 0,
        Some(second) => number(second, 2)?,
    };
    let digits = fraction.len();
    if fields.next().is_some() || hour > 23 || minute > 59 || second > 59 || digits > 6 {
        return None;
    }
    let micros = number(fraction, digits)? * 10_i64.pow(6 - u32::try_from(digits).ok()?);
    let seconds = (hour * 60 + minute) * 60 + second;
    date(day)?.checked_mul(DAY)?.checked_add(seconds * 1_000_000 + micros)
}

/// A number of exactly so many ASCII digits.
fn number(text: &str, digits: usize) -> Option<i64> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}
