//! One expression over constants, by the physical expression that rows would meet.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::DFSchema;
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::physical_expr::create_physical_expr;
use datafusion::scalar::ScalarValue;

use super::raise;
use crate::plan::{Scalar, Type, Value};

/// The value of an expression in each of `rows` rows, whose columns have these types and values.
/// None where it cannot be evaluated, which no row decides.
pub(crate) fn evaluate(
    scalar: &Scalar,
    columns: &[(Type, Vec<Value>)],
    rows: usize,
) -> Option<Vec<Value>> {
    let names: Vec<String> = (0..columns.len()).map(|position| format!("c{position}")).collect();
    let fields: Vec<Field> = columns
        .iter()
        .zip(&names)
        .map(|((kind, _), name)| Field::new(name, kind.arrow(), true))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays: Vec<ArrayRef> = columns
        .iter()
        .map(|(_, values)| ScalarValue::iter_to_array(values.iter().map(Value::scalar)).ok())
        .collect::<Option<_>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options).ok()?;
    let named = DFSchema::try_from(schema).ok()?;
    let physical = create_physical_expr(
        &raise::expr(scalar, &names),
        &named,
        &ExecutionProps::new(),
        &PhysicalPlanningContext::default(),
    );
    let results = physical.ok()?.evaluate(&batch).ok()?.into_array(rows).ok()?;
    (0..rows)
        .map(|row| match ScalarValue::try_from_array(&results, row).ok()? {
            // As it is: a NaN that should not be there is not hidden.
            ScalarValue::Float64(Some(float)) => Some(Value::Float(float)),
            other => Value::from_scalar(&other),
        })
        .collect()
}
