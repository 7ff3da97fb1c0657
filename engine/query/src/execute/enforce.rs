//! What the catalogue declares, enforced in every row as it is scanned.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Float64Array, Int64Array,
    PrimitiveArray, StringArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Date32Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::catalogue::Declared;
use crate::plan::{Type, Value};

const NAME: &str = "enforce";

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
            Declared::Bounds { lower, upper } => clamped(column, lower, upper),
            Declared::Values(values) => listed(column, values),
        })
    }
}

/// NaN is NULL, and there is one zero.
fn one_zero(float: f64) -> Option<f64> {
    (!float.is_nan()).then_some(float + 0.0)
}

fn without_nan(column: ArrayRef) -> ArrayRef {
    match column.as_any().downcast_ref::<Float64Array>() {
        Some(floats) => {
            let kept = floats.iter().map(|value| value.and_then(one_zero));
            Arc::new(kept.collect::<Float64Array>())
        }
        None => column,
    }
}

/// Values between two of the column's own type.
fn clamped(column: ArrayRef, lower: &Value, upper: &Value) -> ArrayRef {
    match (lower, upper) {
        (Value::Float(lower), Value::Float(upper)) => {
            let clamp = |float: f64| one_zero(float).map(|float| float.max(*lower).min(*upper));
            match column.as_any().downcast_ref::<Float64Array>() {
                Some(floats) => Arc::new(
                    floats.iter().map(|value| value.and_then(clamp)).collect::<Float64Array>(),
                ),
                None => column,
            }
        }
        (Value::Int(lower), Value::Int(upper)) => whole::<Int64Type>(column, *lower, *upper),
        (Value::Date(lower), Value::Date(upper)) => whole::<Date32Type>(column, *lower, *upper),
        (Value::Timestamp(lower), Value::Timestamp(upper)) => {
            whole::<TimestampMicrosecondType>(column, *lower, *upper)
        }
        // The catalogue takes no other bounds.
        _ => column,
    }
}

fn whole<T: ArrowPrimitiveType>(column: ArrayRef, lower: T::Native, upper: T::Native) -> ArrayRef
where
    T::Native: Ord,
{
    match column.as_primitive_opt::<T>() {
        Some(values) => {
            let clamped = values.iter().map(|value| value.map(|value| value.clamp(lower, upper)));
            Arc::new(clamped.collect::<PrimitiveArray<T>>())
        }
        None => column,
    }
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
        NAME
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
        let bounds = |lower, upper| Declared::Bounds { lower, upper };
        let floats = bounds(Value::Float(0.0), Value::Float(10.0));
        check(
            Type::Float64,
            floats,
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
            bounds(Value::Int(0), Value::Int(10)),
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
