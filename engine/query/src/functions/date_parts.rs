//! The parts that dates have, and which of them a function can use.

use datafusion::logical_expr::Expr;
use voilage_kernels::scalar::Function;

use super::lower::refuse;
use crate::error::Refusal;
use crate::plan::{Scalar, Value};
use crate::remedy::Remedy;

/// Parts that follow each other, so that each has a beginning and can be counted.
const SUCCESSIVE: [&str; 9] =
    ["year", "isoyear", "quarter", "month", "week", "day", "hour", "minute", "second"];

/// Days numbered within a longer part.
const NUMBERED: [&str; 3] = ["doy", "dow", "isodow"];

/// The part of a date is a known constant, and one that the function has an answer for.
pub(super) fn check(whole: &Expr, function: Function, arguments: &[Scalar]) -> Result<(), Refusal> {
    let counts = match function {
        Function::DatePart => false,
        Function::DateTrunc | Function::DateDiff => true,
        _ => return Ok(()),
    };
    let part = match arguments.first() {
        Some(Scalar::Literal(Value::Text(part))) => part.as_str(),
        _ => "",
    };
    let among = |parts: &[&str]| parts.iter().any(|known| known.eq_ignore_ascii_case(part));
    if among(&SUCCESSIVE) || !counts && among(&NUMBERED) {
        return Ok(());
    }
    if among(&NUMBERED) {
        return Err(refuse(
            whole,
            &format!(
                "{part} numbers a day within a longer part, so it neither begins nor is counted"
            ),
            "write 'day' instead, or read the number with extract(dow FROM d)",
        )
        .remedied(Remedy::Day));
    }
    let known = match counts {
        true => SUCCESSIVE.join(", "),
        false => [&SUCCESSIVE[..], &NUMBERED[..]].concat().join(", "),
    };
    Err(refuse(whole, "it names no part of dates", &format!("write one of {known} as a constant")))
}
