//! Functions of one row that cannot fail: what may run over owned rows below the boundary.
//!
//! For every row there is a value or NULL; nothing here overflows, divides by zero, raises, reads a
//! clock or allocates without bound. A float result is never NaN, infinite or -0.0. A text result is at
//! most [`TEXT_BYTES_MAX`] bytes long. The result of a row depends on that row's arguments alone,
//! whatever stands in the rows beside it.
//!
//! | module | functions |
//! |---|---|
//! | `number` | arithmetic, rounding, roots and logarithms, clamping, bucketing |
//! | `choice` | COALESCE, NULLIF, GREATEST, LEAST |
//! | `calendar`, `date` | days and years; parts, truncation, differences, shifts |
//! | `text`, `pattern` | trimming, cutting, searching, joining; LIKE |
//! | `cast` | conversions between the canonical types |
//!
//! Never imported here: anything that could fail for one row and not for another.

mod argument;
mod calendar;
mod cast;
mod choice;
mod date;
mod number;
mod pattern;
mod text;

#[cfg(test)]
mod tests;

use arrow::array::ArrayRef;

pub use argument::Argument;
pub use cast::{cast, casts};
pub use pattern::Pattern;

use crate::KernelError;

/// A text result with more bytes is NULL.
pub const TEXT_BYTES_MAX: usize = 1 << 16;

/// A text put together from others with more bytes is NULL: a batch of 8,192 rows of what can grow takes
/// 32 MiB at most. What only passes a text on may give [`TEXT_BYTES_MAX`] for each row, 512 MiB in such a
/// batch, so whoever plans calls bounds how many of them one batch meets.
pub const JOINED_BYTES_MAX: usize = 1 << 12;

/// A function of one row. Closed: each has its kernel here and its entry in the allow-list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the allow-list describes each")]
pub enum Function {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Negate,
    Absolute,
    Sign,
    Floor,
    Ceiling,
    Truncate,
    Round,
    SquareRoot,
    NaturalLogarithm,
    DecimalLogarithm,
    Exponential,
    Power,
    Clamp,
    WidthBucket,
    Coalesce,
    NullIf,
    Greatest,
    Least,
    DatePart,
    DateTrunc,
    DaysBetween,
    DateDiff,
    ShiftDate,
    ShiftTimestamp,
    Lower,
    Upper,
    Trim,
    TrimStart,
    TrimEnd,
    Substring,
    Left,
    Right,
    Length,
    StartsWith,
    Position,
    Join,
    Concat,
    Replace,
}

/// Applies a function to `rows` rows.
///
/// *Shape*: `rows` values; one where every argument is a constant and `rows` is one.
///
/// *Guarantee*: total. An error means arguments of a wrong number or type, never a value.
pub fn apply(
    function: Function,
    arguments: &[Argument],
    rows: usize,
) -> Result<ArrayRef, KernelError> {
    use Function as F;
    match function {
        F::Add | F::Subtract | F::Multiply | F::Divide | F::Remainder => {
            number::arithmetic(function, arguments, rows)
        }
        F::Negate | F::Absolute | F::Sign | F::Floor | F::Ceiling | F::Truncate => {
            number::of_one(function, arguments, rows)
        }
        F::Round => number::round(arguments, rows),
        F::SquareRoot | F::NaturalLogarithm | F::DecimalLogarithm | F::Exponential => {
            number::transcendental(function, arguments, rows)
        }
        F::Power => number::power(arguments, rows),
        F::Clamp => number::clamp(arguments, rows),
        F::WidthBucket => number::width_bucket(arguments, rows),
        F::Coalesce => choice::coalesce(arguments, rows),
        F::NullIf => choice::null_if(arguments, rows),
        F::Greatest | F::Least => choice::extreme(function, arguments, rows),
        F::DatePart => date::part(arguments, rows),
        F::DateTrunc => date::trunc(arguments, rows),
        F::DaysBetween => date::days_between(arguments, rows),
        F::DateDiff => date::difference(arguments, rows),
        F::ShiftDate => date::shift_date(arguments, rows),
        F::ShiftTimestamp => date::shift_timestamp(arguments, rows),
        F::Lower | F::Upper => text::case(function, arguments, rows),
        F::Trim | F::TrimStart | F::TrimEnd => text::trim(function, arguments, rows),
        F::Substring => text::substring(arguments, rows),
        F::Left | F::Right => text::end(function, arguments, rows),
        F::Length => text::length(arguments, rows),
        F::StartsWith => text::starts_with(arguments, rows),
        F::Position => text::position(arguments, rows),
        F::Join | F::Concat => text::join(function, arguments, rows),
        F::Replace => text::replace(arguments, rows),
    }
}
