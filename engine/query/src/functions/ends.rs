//! `dp_interval_low(x)` and `dp_interval_high(x)`: the ends of the 95% interval of a released value.
//!
//! They are names for the planner only. What they stand for is computed in `post`, which puts columns
//! in their place before anything runs.

use std::any::Any;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// An end of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum End {
    /// The lower one.
    Low,
    /// The upper one.
    High,
}

impl End {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Low => "dp_interval_low",
            Self::High => "dp_interval_high",
        }
    }
}

/// The functions, for a session.
pub(super) fn ends() -> impl Iterator<Item = Arc<ScalarUDF>> {
    let function = |end| {
        // Not immutable: a constant is no released value, and is refused instead of computed.
        let signature = Signature::any(1, Volatility::Stable);
        Arc::new(ScalarUDF::new_from_impl(EndOf { end, signature }))
    };
    [End::Low, End::High].into_iter().map(function)
}

/// The end that a call asks for, and its argument.
pub(crate) fn end_of(expr: &Expr) -> Option<(End, &Expr)> {
    let Expr::ScalarFunction(call) = expr else { return None };
    let inner: &dyn Any = call.func.inner().as_ref();
    let [argument] = call.args.as_slice() else { return None };
    inner.downcast_ref::<EndOf>().map(|function| (function.end, argument))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct EndOf {
    end: End,
    signature: Signature,
}

impl ScalarUDFImpl for EndOf {
    fn name(&self) -> &str {
        self.end.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(
        &self,
        _arguments: ScalarFunctionArgs,
    ) -> Result<ColumnarValue, DataFusionError> {
        Err(DataFusionError::Internal("the end of an interval was not computed".into()))
    }
}
