//! What the catalogue declares, enforced in every row as it is scanned.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::catalogue::Declared;
use crate::plan::{Type, Value};

/// The only function that may run below the boundary.
pub(super) const ENFORCE: &str = "enforce";

/// A total function of one column: canonical type, NaN to NULL, numbers clamped, unlisted values
/// to NULL.
#[derive(Debug)]
pub(super) struct Enforce {
    kind: Type,
    declared: Declared,
    identity: String,
    signature: Signature,
}

impl Enforce {
    pub(super) fn new(kind: Type, declared: Declared) -> Self {
        let identity = format!("{kind:?} {declared:?}");
        Self { kind, declared, identity, signature: Signature::any(1, Volatility::Immutable) }
    }

    fn apply(&self, column: &ArrayRef) -> Result<ArrayRef, DataFusionError> {
        // Arrow's cast is safe: what does not fit becomes NULL.
        let column = cast(column, &self.kind.arrow())?;
        Ok(match &self.declared {
            Declared::Nothing => without_nan(column),
            Declared::Bounds { lower, upper } => clamped(column, *lower, *upper),
            Declared::Values(values) => listed(column, values),
        })
    }
}

fn without_nan(column: ArrayRef) -> ArrayRef {
    match column.as_any().downcast_ref::<Float64Array>() {
        Some(floats) => {
            let kept = floats.iter().map(|value| value.filter(|float| !float.is_nan()));
            Arc::new(kept.collect::<Float64Array>())
        }
        None => column,
    }
}

fn clamped(column: ArrayRef, lower: f64, upper: f64) -> ArrayRef {
    if let Some(floats) = column.as_any().downcast_ref::<Float64Array>() {
        let clamp = |float: f64| (!float.is_nan()).then(|| float.max(lower).min(upper));
        return Arc::new(
            floats.iter().map(|value| value.and_then(clamp)).collect::<Float64Array>(),
        );
    }
    if let Some(integers) = column.as_any().downcast_ref::<Int64Array>() {
        // Casts of floats to integers saturate, so the bounds hold for every integer.
        let (lower, upper) = (lower.ceil() as i64, upper.floor() as i64);
        let clamp = |integer: i64| integer.max(lower).min(upper);
        return Arc::new(integers.iter().map(|value| value.map(clamp)).collect::<Int64Array>());
    }
    column
}

fn listed(column: ArrayRef, values: &[Value]) -> ArrayRef {
    if let Some(integers) = column.as_any().downcast_ref::<Int64Array>() {
        let list: BTreeSet<i64> = values
            .iter()
            .filter_map(|value| match value {
                Value::Int(integer) => Some(*integer),
                _ => None,
            })
            .collect();
        let keep = |value: Option<i64>| value.filter(|integer| list.contains(integer));
        return Arc::new(integers.iter().map(keep).collect::<Int64Array>());
    }
    if let Some(texts) = column.as_any().downcast_ref::<StringArray>() {
        let list: BTreeSet<&str> = values
            .iter()
            .filter_map(|value| match value {
                Value::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        let kept = texts.iter().map(|value| value.filter(|text| list.contains(text)));
        return Arc::new(kept.collect::<StringArray>());
    }
    if let Some(truths) = column.as_any().downcast_ref::<BooleanArray>() {
        let keep =
            |value: Option<bool>| value.filter(|truth| values.contains(&Value::Bool(*truth)));
        return Arc::new(truths.iter().map(keep).collect::<BooleanArray>());
    }
    column
}

impl PartialEq for Enforce {
    fn eq(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}

impl Eq for Enforce {}

impl Hash for Enforce {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity.hash(state);
    }
}

impl ScalarUDFImpl for Enforce {
    fn name(&self) -> &str {
        ENFORCE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(self.kind.arrow())
    }

    fn invoke_with_args(
        &self,
        arguments: ScalarFunctionArgs,
    ) -> Result<ColumnarValue, DataFusionError> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let [column] = arrays.as_slice() else {
            return Err(DataFusionError::Internal("enforce takes one column".into()));
        };
        self.apply(column).map(ColumnarValue::Array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Type, declared: Declared, given: ArrayRef, expected: ArrayRef) {
        assert_eq!(&Enforce::new(kind, declared).apply(&given).unwrap(), &expected);
    }

    #[test]
    fn numbers_are_clamped_and_nan_is_null() {
        let bounds = Declared::Bounds { lower: 0.0, upper: 10.0 };
        check(
            Type::Float64,
            bounds.clone(),
            Arc::new(Float64Array::from(vec![
                Some(f64::NAN),
                Some(-f64::NAN),
                Some(f64::INFINITY),
                Some(f64::NEG_INFINITY),
                None,
                Some(3.5),
            ])),
            Arc::new(Float64Array::from(vec![None, None, Some(10.0), Some(0.0), None, Some(3.5)])),
        );
        check(
            Type::Int64,
            bounds,
            Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(i64::MAX), None, Some(7)])),
            Arc::new(Int64Array::from(vec![Some(0), Some(10), None, Some(7)])),
        );
    }

    #[test]
    fn unlisted_values_are_null() {
        check(
            Type::Text,
            Declared::Values(vec![Value::Text("a".into())]),
            Arc::new(StringArray::from(vec![Some("a"), Some("A"), None])),
            Arc::new(StringArray::from(vec![Some("a"), None, None])),
        );
        check(
            Type::Int64,
            Declared::Values(vec![Value::Int(1), Value::Int(2)]),
            Arc::new(Int64Array::from(vec![1, 2, 3])),
            Arc::new(Int64Array::from(vec![Some(1), Some(2), None])),
        );
        check(
            Type::Bool,
            Declared::Values(vec![Value::Bool(true)]),
            Arc::new(BooleanArray::from(vec![true, false])),
            Arc::new(BooleanArray::from(vec![Some(true), None])),
        );
    }
}
