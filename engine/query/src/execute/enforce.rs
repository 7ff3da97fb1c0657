//! What the catalogue declares, enforced in every row as it is scanned.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{Array, ArrayData, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use voilage_kernels::Declaration;

use crate::catalogue::Declared;
use crate::plan::{Type, Value};

const NAME: &str = "enforce";

/// A total function of one column: canonical type, NaN and too long texts to NULL, numbers clamped,
/// unlisted values to NULL.
#[derive(Debug)]
pub(super) struct Enforce {
    output: DataType,
    declaration: Declaration,
    identity: String,
    signature: Signature,
    entries: Mutex<Vec<Entries>>,
}

/// The entries of a dictionary as they came, and as they are enforced. The batches of a row group
/// share their entries, which are enforced once.
#[derive(Debug)]
struct Entries {
    given: ArrayData,
    enforced: ArrayRef,
}

/// So many dictionaries are remembered: one for each of a few threads.
const ENTRIES_MAX: usize = 4;

impl Enforce {
    pub(super) fn new(kind: Type, declared: &Declared) -> Self {
        Self::into_type(kind.arrow(), declared)
    }

    /// For text that stays a dictionary, because nothing but the kernel reads it.
    pub(super) fn dictionary(declared: &Declared) -> Self {
        let text = Type::Text.arrow();
        Self::into_type(DataType::Dictionary(DataType::Int32.into(), text.into()), declared)
    }

    fn into_type(output: DataType, declared: &Declared) -> Self {
        let identity = format!("{output} {declared:?}");
        let signature = Signature::any(1, Volatility::Immutable);
        let entries = Mutex::default();
        Self { output, declaration: declaration(declared), identity, signature, entries }
    }

    fn apply(&self, column: &ArrayRef) -> Result<ArrayRef, DataFusionError> {
        // Texts are cut before they are brought to one layout, in which long ones have no room.
        // Arrow's cast is safe: what does not fit becomes NULL.
        match column.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                let enforced = self.declaration.enforce(Arc::clone(column));
                Ok(self.declaration.enforce(cast(&enforced, &self.output)?))
            }
            DataType::Dictionary(_, _) => {
                let dictionary = column.as_any_dictionary();
                let enforced = dictionary.with_values(self.enforced(dictionary.values()));
                if *enforced.data_type() == self.output {
                    return Ok(enforced);
                }
                Ok(self.declaration.enforce(cast(&enforced, &self.output)?))
            }
            _ => Ok(self.declaration.enforce(cast(column, &self.output)?)),
        }
    }

    /// The entries of a dictionary, enforced now or before.
    fn enforced(&self, values: &ArrayRef) -> ArrayRef {
        let given = values.to_data();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        // Entries that are held here cannot be replaced by others in the same place.
        if let Some(known) = entries.iter().find(|known| known.given.ptr_eq(&given)) {
            return Arc::clone(&known.enforced);
        }
        let enforced = self.declaration.enforce(Arc::clone(values));
        if entries.len() == ENTRIES_MAX {
            entries.remove(0);
        }
        entries.push(Entries { given, enforced: Arc::clone(&enforced) });
        enforced
    }
}

fn declaration(declared: &Declared) -> Declaration {
    match declared {
        Declared::Nothing => Declaration::Nothing,
        Declared::Bounds { lower, upper } => match (lower, upper) {
            (Value::Float(lower), Value::Float(upper)) => {
                Declaration::Floats { lower: *lower, upper: *upper }
            }
            (Value::Int(lower), Value::Int(upper))
            | (Value::Timestamp(lower), Value::Timestamp(upper)) => {
                Declaration::Integers { lower: *lower, upper: *upper }
            }
            (Value::Date(lower), Value::Date(upper)) => {
                Declaration::Integers { lower: i64::from(*lower), upper: i64::from(*upper) }
            }
            // The catalogue takes no other bounds.
            _ => Declaration::Nothing,
        },
        Declared::Values(values) => listed(values),
    }
}

/// A list holds values of the column's type; NULL is always allowed.
fn listed(values: &[Value]) -> Declaration {
    let kind = values.first().map(Value::kind);
    match kind {
        Some(Type::Int64) => Declaration::ListedIntegers(
            values
                .iter()
                .filter_map(|value| if let Value::Int(value) = value { Some(*value) } else { None })
                .collect(),
        ),
        Some(Type::Text) => Declaration::ListedTexts(
            values
                .iter()
                .filter_map(|value| match value {
                    Value::Text(text) => Some(text.clone()),
                    _ => None,
                })
                .collect(),
        ),
        Some(Type::Bool) => Declaration::ListedTruths(
            values
                .iter()
                .filter_map(
                    |value| if let Value::Bool(truth) = value { Some(*truth) } else { None },
                )
                .collect(),
        ),
        // The catalogue takes no other lists, and none that is empty.
        Some(Type::Float64 | Type::Date | Type::Timestamp) | None => Declaration::Nothing,
    }
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
        Ok(self.output.clone())
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
    use datafusion::arrow::array::{BooleanArray, Float64Array, Int64Array, StringArray};

    use super::*;

    fn check(kind: Type, declared: Declared, given: ArrayRef, expected: ArrayRef) {
        assert_eq!(&Enforce::new(kind, &declared).apply(&given).unwrap(), &expected);
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
