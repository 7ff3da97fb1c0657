//! Bounds that a question states as constants.

use crate::plan::Value;

/// Whether two constants are bounds in order.
pub(super) fn is_below(low: &Value, high: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    };
    match (low, high) {
        (Value::Int(low), Value::Int(high)) => low < high,
        _ => number(low).zip(number(high)).is_some_and(|(low, high)| low < high),
    }
}
