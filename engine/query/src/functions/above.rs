//! Arithmetic and casts over released values, which mean what they mean below the boundary.
//!
//! Nothing here protects anybody: a question that was paid for should not end in "division by
//! zero" because a noisy count happens to be 0.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, DataFusionError};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, ScalarUDF, TryCast,
};
use voilage_kernels::scalar::Function;

use super::udf::Total;

/// The plan with total arithmetic and casts.
pub(crate) fn total_above(plan: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
    plan.transform_up_with_subqueries(|node| {
        if matches!(node, LogicalPlan::TableScan(_)) {
            return Ok(Transformed::no(node));
        }
        let mut schema = merge_schema(&node.inputs());
        schema.merge(node.schema());
        let preserver = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            let name = preserver.save(&expr);
            let rewritten = expr.transform_up(|expr| total(expr, &schema))?;
            Ok(rewritten.update_data(|expr| name.restore(expr)))
        })
    })
    .map(|plan| plan.data)
}

fn total(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>, DataFusionError> {
    match expr {
        Expr::BinaryExpr(binary) => match function(&binary, schema) {
            Some(function) => {
                let function = ScalarUDF::new_from_impl(Total::new(function));
                Ok(Transformed::yes(function.call(vec![*binary.left, *binary.right])))
            }
            None => Ok(Transformed::no(Expr::BinaryExpr(binary))),
        },
        Expr::Cast(cast) if !matches!(*cast.expr, Expr::Literal(..)) => {
            let data_type = cast.field.data_type().clone();
            Ok(Transformed::yes(Expr::TryCast(TryCast::new(cast.expr, data_type))))
        }
        other => Ok(Transformed::no(other)),
    }
}

fn function(binary: &BinaryExpr, schema: &DFSchema) -> Option<Function> {
    let function = match binary.op {
        Operator::Plus => Function::Add,
        Operator::Minus => Function::Subtract,
        Operator::Multiply => Function::Multiply,
        Operator::Divide => Function::Divide,
        Operator::Modulo => Function::Remainder,
        _ => return None,
    };
    let kinds = (binary.left.get_type(schema).ok()?, binary.right.get_type(schema).ok()?);
    let numbers = matches!(
        kinds,
        (DataType::Int64, DataType::Int64) | (DataType::Float64, DataType::Float64)
    );
    numbers.then_some(function)
}
