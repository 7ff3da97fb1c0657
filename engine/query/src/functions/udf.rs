//! The functions as DataFusion sees them.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use voilage_kernels::KernelError;
use voilage_kernels::scalar::{Argument, Function, Pattern, apply, cast};

use super::ends::ends;
use super::table::{Entry, TABLE};
use super::{entry, overload};
use crate::plan::Type;

/// Every SQL name of the allow-list, for a session.
pub(crate) fn registered() -> Vec<Arc<ScalarUDF>> {
    let all = TABLE.iter().filter(|entry| !entry.sql.is_empty());
    all.map(|entry| Arc::new(ScalarUDF::new_from_impl(Total::named(entry, entry.sql[0]))))
        .chain(ends())
        .collect()
}

/// A function of the allow-list.
#[derive(Debug)]
pub(crate) struct Total {
    entry: &'static Entry,
    name: &'static str,
    aliases: Vec<String>,
    signature: Signature,
}

impl Total {
    pub(crate) fn new(function: Function) -> Self {
        let entry = entry(function);
        Self::named(entry, entry.name)
    }

    fn named(entry: &'static Entry, name: &'static str) -> Self {
        let others = entry.sql.iter().filter(|other| **other != name);
        Self {
            entry,
            name,
            aliases: others.map(|other| (*other).to_owned()).collect(),
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }

    pub(crate) fn function(&self) -> Function {
        self.entry.function
    }

    fn types(&self, given: &[DataType]) -> Result<(Vec<Type>, Type), DataFusionError> {
        let kinds: Option<Vec<Option<Type>>> = given.iter().map(canonical).collect();
        kinds.and_then(|kinds| overload(self.entry, &kinds)).ok_or_else(|| {
            let given: Vec<String> = given.iter().map(ToString::to_string).collect();
            DataFusionError::Plan(format!(
                "{} does not take ({}); it is written {}",
                self.name,
                given.join(", "),
                self.entry.written
            ))
        })
    }
}

/// The canonical type of a value of the planner; none within for NULL.
fn canonical(kind: &DataType) -> Option<Option<Type>> {
    use DataType as D;
    Some(Some(match kind {
        D::Null => return Some(None),
        D::Boolean => Type::Bool,
        D::Int8 | D::Int16 | D::Int32 | D::Int64 => Type::Int64,
        D::UInt8 | D::UInt16 | D::UInt32 | D::UInt64 => Type::Int64,
        D::Float16 | D::Float32 | D::Float64 => Type::Float64,
        D::Decimal32(..) | D::Decimal64(..) | D::Decimal128(..) | D::Decimal256(..) => {
            Type::Float64
        }
        D::Utf8 | D::LargeUtf8 | D::Utf8View => Type::Text,
        D::Date32 => Type::Date,
        D::Timestamp(_, None) => Type::Timestamp,
        _ => return None,
    }))
}

impl PartialEq for Total {
    fn eq(&self, other: &Self) -> bool {
        self.entry.function == other.entry.function && self.name == other.name
    }
}

impl Eq for Total {}

impl Hash for Total {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Total {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>, DataFusionError> {
        Ok(self.types(given)?.0.into_iter().map(Type::arrow).collect())
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(self.types(given)?.1.arrow())
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        over_rows(&call, |arguments, rows| apply(self.entry.function, arguments, rows))
    }
}

/// Evaluates for one row where every argument is a constant, and for all rows otherwise.
fn over_rows(
    call: &ScalarFunctionArgs,
    of: impl Fn(&[Argument], usize) -> Result<ArrayRef, KernelError>,
) -> Result<ColumnarValue, DataFusionError> {
    let failed = |error: KernelError| DataFusionError::Execution(error.to_string());
    let mut arguments = Vec::with_capacity(call.args.len());
    let mut constant = true;
    for argument in &call.args {
        arguments.push(match argument {
            ColumnarValue::Array(array) => {
                constant = false;
                Argument::column(Arc::clone(array))
            }
            ColumnarValue::Scalar(scalar) => {
                Argument::constant(scalar.to_array()?).map_err(failed)?
            }
        });
    }
    let rows = if constant { 1 } else { call.number_rows };
    let result = of(&arguments, rows).map_err(failed)?;
    Ok(if constant {
        ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
    } else {
        ColumnarValue::Array(result)
    })
}

/// A conversion that gives NULL for what does not fit.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Convert {
    to: Type,
    signature: Signature,
}

impl Convert {
    pub(crate) fn new(to: Type) -> Self {
        Self { to, signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Convert {
    fn name(&self) -> &str {
        "convert"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(self.to.arrow())
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        over_rows(&call, |arguments, rows| cast(&arguments[0], &self.to.arrow(), rows))
    }
}

/// A comparison with a constant pattern.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Matches {
    pattern: String,
    insensitive: bool,
    signature: Signature,
}

impl Matches {
    pub(crate) fn new(pattern: &str, insensitive: bool) -> Self {
        let signature = Signature::any(1, Volatility::Immutable);
        Self { pattern: pattern.to_owned(), insensitive, signature }
    }
}

impl ScalarUDFImpl for Matches {
    fn name(&self) -> &str {
        "matches"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let pattern = Pattern::new(&self.pattern, self.insensitive);
        over_rows(&call, |arguments, rows| pattern.matches(&arguments[0], rows))
    }
}
