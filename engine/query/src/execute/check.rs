//! The last look before rows are read: no expression of the physical plan can fail.
//!
//! DataFusion's optimizer may rewrite expressions after the analysis, so what really runs is
//! walked once more.

use std::any::Any;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, CastExpr, NegativeExpr};
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use super::Failure;
use crate::error::QueryError;

/// Refuses a physical plan with an expression that could fail.
pub(super) fn total(plan: &Arc<dyn ExecutionPlan>) -> Result<(), Failure> {
    let mut fallible = None;
    let walked = plan.apply(|node| {
        node.apply_expressions(&mut |root: &Arc<dyn PhysicalExpr>| {
            root.apply(|expr| {
                if let Some(what) = can_fail(expr.as_ref()) {
                    fallible.get_or_insert(what);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        Ok::<_, DataFusionError>(TreeNodeRecursion::Continue)
    });
    if walked.is_err() {
        return Err(QueryError::bug("a physical plan cannot be walked").into());
    }
    match fallible {
        None => Ok(()),
        Some(what) => {
            Err(QueryError::bug(format!("the planner put {what} below the boundary")).into())
        }
    }
}

fn can_fail(expr: &dyn PhysicalExpr) -> Option<&'static str> {
    let expr = expr as &dyn Any;
    if let Some(cast) = expr.downcast_ref::<CastExpr>() {
        return (*cast.cast_type() != DataType::Float64).then_some("a cast");
    }
    if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        return match binary.op() {
            Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::And
            | Operator::Or
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom => None,
            _ => Some("arithmetic"),
        };
    }
    expr.downcast_ref::<NegativeExpr>().map(|_| "a negation")
}
