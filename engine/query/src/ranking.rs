//! ROW_NUMBER, RANK and DENSE_RANK as signed 64-bit integers.
//!
//! DataFusion's own are unsigned, a type that neither files nor the private plan have: comparing
//! one with a constant would go through decimals.

use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::functions_window::all_default_window_functions;
use datafusion::logical_expr::function::{
    ExpressionArgs, PartitionEvaluatorArgs, WindowUDFFieldArgs,
};
use datafusion::logical_expr::window_state::WindowAggState;
use datafusion::logical_expr::{PartitionEvaluator, Signature, WindowUDF, WindowUDFImpl};
use datafusion::physical_expr::PhysicalExpr;

const RANKING: [&str; 3] = ["row_number", "rank", "dense_rank"];

/// DataFusion's window functions, the three as signed integers.
pub(crate) fn window_functions() -> Vec<Arc<WindowUDF>> {
    all_default_window_functions().into_iter().map(signed).collect()
}

/// The same function, as a signed integer if it is one of the three.
pub(crate) fn signed(function: Arc<WindowUDF>) -> Arc<WindowUDF> {
    if RANKING.contains(&function.name()) {
        Arc::new(WindowUDF::new_from_impl(Signed { inner: function }))
    } else {
        function
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Signed {
    inner: Arc<WindowUDF>,
}

impl WindowUDFImpl for Signed {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn expressions(&self, arguments: ExpressionArgs) -> Vec<Arc<dyn PhysicalExpr>> {
        self.inner.expressions(arguments)
    }

    fn partition_evaluator(
        &self,
        arguments: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>, DataFusionError> {
        let inner = self.inner.partition_evaluator_factory(arguments)?;
        Ok(Box::new(SignedEvaluator { inner }))
    }

    fn field(&self, arguments: WindowUDFFieldArgs) -> Result<FieldRef, DataFusionError> {
        Ok(Arc::new(Field::new(arguments.name(), DataType::Int64, false)))
    }
}

#[derive(Debug)]
struct SignedEvaluator {
    inner: Box<dyn PartitionEvaluator>,
}

fn signed_array(array: ArrayRef) -> Result<ArrayRef, DataFusionError> {
    Ok(cast(&array, &DataType::Int64)?)
}

impl PartitionEvaluator for SignedEvaluator {
    fn memoize(&mut self, state: &mut WindowAggState) -> Result<(), DataFusionError> {
        self.inner.memoize(state)
    }

    fn get_range(&self, row: usize, rows: usize) -> Result<Range<usize>, DataFusionError> {
        self.inner.get_range(row, rows)
    }

    fn is_causal(&self) -> bool {
        self.inner.is_causal()
    }

    fn evaluate_all(
        &mut self,
        values: &[ArrayRef],
        rows: usize,
    ) -> Result<ArrayRef, DataFusionError> {
        signed_array(self.inner.evaluate_all(values, rows)?)
    }

    fn evaluate(
        &mut self,
        values: &[ArrayRef],
        range: &Range<usize>,
    ) -> Result<ScalarValue, DataFusionError> {
        self.inner.evaluate(values, range)?.cast_to(&DataType::Int64)
    }

    fn evaluate_all_with_rank(
        &self,
        rows: usize,
        peers: &[Range<usize>],
    ) -> Result<ArrayRef, DataFusionError> {
        signed_array(self.inner.evaluate_all_with_rank(rows, peers)?)
    }

    fn supports_bounded_execution(&self) -> bool {
        self.inner.supports_bounded_execution()
    }

    fn uses_window_frame(&self) -> bool {
        self.inner.uses_window_frame()
    }

    fn include_rank(&self) -> bool {
        self.inner.include_rank()
    }
}
