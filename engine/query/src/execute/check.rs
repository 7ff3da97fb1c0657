//! The last look before rows are read: no expression of the physical plan can fail.
//!
//! DataFusion's optimizer may rewrite expressions after the analysis, and put in casts or filters of
//! its own, so what really runs is walked once more. Both lists below are allow-lists: a kind of
//! node or expression that they do not name is refused, also one that a new version brings.
//!
//! | expression | why it is allowed |
//! |---|---|
//! | column, literal | nothing is computed |
//! | comparison, AND, OR | a total order, three-valued logic; other operators can fail |
//! | NOT, IS NULL, IS NOT NULL, IN | total |
//! | CASE | chooses among what is checked itself |
//! | cast that keeps every value | integers to wider ones and to doubles, text to other layouts |
//! | our own functions | total: `functions` and the scan's `enforce` |
//! | dynamic filter | what a join's build side learned, checked like the rest: a comparison or a
//! membership test that skips rows which would not match anyway |

use std::any::Any;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::DataFusionError;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::ScalarFunctionExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CaseExpr, CastExpr, Column, DynamicFilterPhysicalExpr, InListExpr, IsNotNullExpr,
    IsNullExpr, Literal, NotExpr,
};
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use super::Failure;
use super::enforce::Enforce;
use crate::error::QueryError;
use crate::functions::{Convert, Matches, Total};

/// The nodes that may run below the boundary: each passes rows on, or combines rows of two inputs,
/// by expressions that are checked.
const NODES: [&str; 22] = [
    "AggregateExec",
    "BoundedWindowAggExec",
    "CrossJoinExec",
    "NestedLoopJoinExec",
    "PartialSortExec",
    "WindowAggExec",
    "DataSourceExec",
    "FilterExec",
    "ProjectionExec",
    "CoalesceBatchesExec",
    "CoalescePartitionsExec",
    "CooperativeExec",
    "RepartitionExec",
    "HashJoinExec",
    "SortMergeJoinExec",
    "SortExec",
    "SortPreservingMergeExec",
    "EmptyExec",
    "PlaceholderRowExec",
    "UnionExec",
    "InterleaveExec",
    "BufferExec",
];

/// Refuses a physical plan with a node or an expression that could fail.
pub(super) fn total(plan: &Arc<dyn ExecutionPlan>) -> Result<(), Failure> {
    let mut refused: Option<String> = None;
    let walked = plan.apply(|node| {
        if !NODES.contains(&node.name()) {
            refused.get_or_insert_with(|| format!("a {}", node.name()));
        }
        let inputs: Vec<Arc<Schema>> =
            node.children().into_iter().map(|child| child.schema()).collect();
        node.apply_expressions(&mut |root: &Arc<dyn PhysicalExpr>| {
            root.apply(|expr| {
                if let Some(what) = can_fail(expr, &inputs) {
                    refused.get_or_insert(what);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        Ok::<_, DataFusionError>(TreeNodeRecursion::Continue)
    });
    if walked.is_err() {
        return Err(QueryError::bug("a physical plan cannot be walked").into());
    }
    match refused {
        None => Ok(()),
        Some(what) => {
            Err(QueryError::bug(format!("the planner put {what} below the boundary")).into())
        }
    }
}

/// Refuses a physical plan with a join that keeps one of its sides in memory, whatever that side holds:
/// where rows of people are joined with each other, they must have room on disk.
pub(super) fn spills(plan: &Arc<dyn ExecutionPlan>) -> Result<(), Failure> {
    let mut found = false;
    let walked = plan.apply(|node| {
        found |= node.name() == "HashJoinExec";
        Ok::<_, DataFusionError>(TreeNodeRecursion::Continue)
    });
    if walked.is_err() {
        return Err(QueryError::bug("a physical plan cannot be walked").into());
    }
    if found {
        return Err(QueryError::bug("the planner joined rows of people in memory").into());
    }
    Ok(())
}

/// What about an expression could fail; nothing if it is on the list.
fn can_fail(expr: &Arc<dyn PhysicalExpr>, inputs: &[Arc<Schema>]) -> Option<String> {
    let any = expr.as_ref() as &dyn Any;
    if any.is::<Column>()
        || any.is::<Literal>()
        || any.is::<NotExpr>()
        || any.is::<IsNullExpr>()
        || any.is::<IsNotNullExpr>()
        || any.is::<InListExpr>()
        || any.is::<CaseExpr>()
        || any.is::<DynamicFilterPhysicalExpr>()
    {
        return None;
    }
    if let Some(cast) = any.downcast_ref::<CastExpr>() {
        // Beside two inputs nothing says whose column is meant, so its type is not known.
        let from = match inputs {
            [input] => cast.expr().data_type(input).ok(),
            _ => None,
        };
        let keeps = from.is_some_and(|from| keeps_every_value(&from, cast.cast_type()));
        return (!keeps).then(|| format!("a cast to {}", cast.cast_type()));
    }
    if let Some(binary) = any.downcast_ref::<BinaryExpr>() {
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
            other => Some(format!("the operator {other}")),
        };
    }
    if let Some(call) = any.downcast_ref::<ScalarFunctionExpr>() {
        let function = call.fun().inner().as_ref() as &dyn Any;
        let ours = function.is::<Enforce>()
            || function.is::<Total>()
            || function.is::<Convert>()
            || function.is::<Matches>();
        return (!ours).then(|| format!("the function {}", call.name()));
    }
    Some("an expression of an unknown kind".to_owned())
}

/// Whether every value of one type has a counterpart in the other.
fn keeps_every_value(from: &DataType, to: &DataType) -> bool {
    use DataType::{Float32, Float64, Int8, Int16, Int32, Int64, LargeUtf8, Utf8, Utf8View};
    match (from, to) {
        (from, to) if from == to => true,
        (Int8 | Int16 | Int32 | Int64, Float64) | (Float32, Float64) => true,
        (Int8, Int16 | Int32 | Int64) | (Int16, Int32 | Int64) | (Int32, Int64) => true,
        (Utf8 | Utf8View, Utf8 | LargeUtf8 | Utf8View) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::Field;
    use datafusion::common::{JoinType, NullEquality};
    use datafusion::config::ConfigOptions;
    use datafusion::functions::core::coalesce;
    use datafusion::logical_expr::ScalarUDF;
    use datafusion::physical_expr::expressions::{LikeExpr, NegativeExpr, TryCastExpr, lit};
    use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
    use datafusion::physical_plan::empty::EmptyExec;
    use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
    use voilage_kernels::scalar::Function;

    use super::*;

    fn check(expr: impl PhysicalExpr + 'static, expected: Option<&str>) {
        let schema = Arc::new(Schema::empty());
        let expr: Arc<dyn PhysicalExpr> = Arc::new(expr);
        assert_eq!(can_fail(&expr, &[schema]).as_deref(), expected, "{expr}");
    }

    fn call(function: Arc<ScalarUDF>) -> ScalarFunctionExpr {
        let field = Arc::new(Field::new("c", DataType::Int64, true));
        let options = Arc::new(ConfigOptions::default());
        ScalarFunctionExpr::new(
            function.name(),
            Arc::clone(&function),
            vec![lit(1_i64)],
            field,
            options,
        )
    }

    #[test]
    fn an_optimizer_cast_after_totality_is_noticed() {
        check(CastExpr::new(lit(1.5), DataType::Int64, None), Some("a cast to Int64"));
        check(CastExpr::new(lit("x"), DataType::Float64, None), Some("a cast to Float64"));
        check(CastExpr::new(lit("x"), DataType::Date32, None), Some("a cast to Date32"));
        check(CastExpr::new(lit(1_i64), DataType::Float64, None), None);
        check(
            TryCastExpr::new(lit("x"), DataType::Float64),
            Some("an expression of an unknown kind"),
        );
    }

    #[test]
    fn a_cast_between_joined_inputs_is_refused_because_its_column_could_be_either() {
        let schema = |kind| Arc::new(Schema::new(vec![Field::new("c", kind, true)]));
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new("c", 0));
        let cast: Arc<dyn PhysicalExpr> = Arc::new(CastExpr::new(column, DataType::Float64, None));
        let (numbers, texts) = (schema(DataType::Int64), schema(DataType::Utf8));
        assert_eq!(can_fail(&cast, &[Arc::clone(&numbers)]), None);
        assert!(can_fail(&cast, &[Arc::clone(&texts)]).is_some());
        assert!(can_fail(&cast, &[numbers, texts]).is_some());
    }

    #[test]
    fn a_join_of_people_that_stays_in_memory_is_noticed() {
        let schema = Arc::new(Schema::new(vec![Field::new("c", DataType::Int64, true)]));
        let rows = || -> Arc<dyn ExecutionPlan> { Arc::new(EmptyExec::new(Arc::clone(&schema))) };
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new("c", 0));
        let on = vec![(Arc::clone(&column), column)];
        let hashed = HashJoinExec::try_new(
            rows(),
            rows(),
            on,
            None,
            &JoinType::Inner,
            None,
            PartitionMode::CollectLeft,
            NullEquality::NullEqualsNothing,
            false,
        );
        let hashed: Arc<dyn ExecutionPlan> = Arc::new(hashed.unwrap());
        assert!(spills(&hashed).is_err());
        assert!(spills(&(Arc::new(CoalescePartitionsExec::new(hashed)) as _)).is_err());
        assert!(spills(&rows()).is_ok());
    }

    #[test]
    fn what_is_not_named_is_refused() {
        let binary = |op| BinaryExpr::new(lit(1_i64), op, lit(0_i64));
        check(binary(Operator::Divide), Some("the operator /"));
        check(binary(Operator::Plus), Some("the operator +"));
        check(binary(Operator::RegexMatch), Some("the operator ~"));
        check(binary(Operator::Lt), None);
        check(NegativeExpr::new(lit(1_i64)), Some("an expression of an unknown kind"));
        check(
            LikeExpr::new(false, false, lit("a"), lit("%")),
            Some("an expression of an unknown kind"),
        );
        check(call(coalesce()), Some("the function coalesce"));
        let ours = ScalarUDF::new_from_impl(Total::new(Function::Absolute));
        check(call(Arc::new(ours)), None);
    }
}
