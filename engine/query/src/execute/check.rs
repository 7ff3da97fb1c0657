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
use datafusion::physical_expr::ScalarFunctionExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, CastExpr, NegativeExpr};
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use super::Failure;
use super::enforce::ENFORCE;
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
    if let Some(call) = expr.downcast_ref::<ScalarFunctionExpr>() {
        return (call.fun().name() != ENFORCE).then_some("a function");
    }
    expr.downcast_ref::<NegativeExpr>().map(|_| "a negation")
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::Field;
    use datafusion::config::ConfigOptions;
    use datafusion::functions::core::coalesce;
    use datafusion::physical_expr::expressions::lit;

    use super::*;

    fn check(expr: &dyn PhysicalExpr, expected: Option<&str>) {
        assert_eq!(can_fail(expr), expected, "{expr}");
    }

    #[test]
    fn what_an_optimizer_could_slip_in_is_noticed() {
        let binary = |op| BinaryExpr::new(lit(1_i64), op, lit(0_i64));
        check(&binary(Operator::Divide), Some("arithmetic"));
        check(&binary(Operator::Plus), Some("arithmetic"));
        check(&binary(Operator::Lt), None);
        check(&CastExpr::new(lit(1.5), DataType::Int64, None), Some("a cast"));
        check(&CastExpr::new(lit(1_i64), DataType::Float64, None), None);
        check(&NegativeExpr::new(lit(1_i64)), Some("a negation"));
        let field = Arc::new(Field::new("c", DataType::Int64, true));
        let options = Arc::new(ConfigOptions::default());
        let call =
            ScalarFunctionExpr::new("coalesce", coalesce(), vec![lit(1_i64)], field, options);
        check(&call, Some("a function"));
    }
}
