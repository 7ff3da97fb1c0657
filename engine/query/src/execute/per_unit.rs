//! Aggregates and windows of each unit, in DataFusion's terms.

use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::functions_aggregate::bool_and_or::{bool_and_udaf, bool_or_udaf};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{AggregateUDF, Expr, LogicalPlanBuilder, lit};
use datafusion::physical_expr::window::{
    PlainAggregateWindowExpr, SlidingAggregateWindowExpr, StandardWindowExpr, WindowExpr,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec, WindowUDFExpr};

use super::Failure;
use super::moments::{MOMENTS, MomentsFunction};
use super::raise::{Raised, Raising, expr, malformed, named};
use crate::error::QueryError;
use crate::plan::{Relation, Scalar, UnitAggregate, UnitFunction};

/// Aggregates over integers, or that only compare: no order of rows changes what they give.
const AGGREGATES: [&str; 6] = ["count", "min", "max", "bool_and", "bool_or", MOMENTS];

/// Window functions that read the rows of one unit in an order that all its columns complete.
const WINDOWS: [&str; 8] =
    ["row_number", "rank", "dense_rank", "lag", "lead", "first_value", "last_value", "nth_value"];

/// Refuses a physical plan with another aggregate or window function, which an optimizer could put in.
pub(super) fn known(plan: &Arc<dyn ExecutionPlan>) -> Result<(), Failure> {
    let mut unknown = None;
    let walked = plan.apply(|node| {
        let node = node.as_ref() as &dyn std::any::Any;
        let functions = node.downcast_ref::<AggregateExec>().map(AggregateExec::aggr_expr);
        for function in functions.unwrap_or_default() {
            if !AGGREGATES.contains(&function.fun().name()) {
                unknown.get_or_insert_with(|| function.fun().name().to_owned());
            }
        }
        let windows = node
            .downcast_ref::<WindowAggExec>()
            .map(WindowAggExec::window_expr)
            .or_else(|| node.downcast_ref().map(BoundedWindowAggExec::window_expr));
        for window in windows.unwrap_or_default() {
            if let Some(name) = unknown_window(window.as_ref()) {
                unknown.get_or_insert(name);
            }
        }
        Ok::<_, DataFusionError>(TreeNodeRecursion::Continue)
    });
    match (walked, unknown) {
        (Err(_), _) => Err(QueryError::bug("a physical plan cannot be walked").into()),
        (Ok(_), Some(name)) => {
            Err(QueryError::bug(format!("the planner put {name} below the boundary")).into())
        }
        (Ok(_), None) => Ok(()),
    }
}

/// The name of a window function that is not on the list. Aggregates over a frame are the same as
/// those over all rows.
fn unknown_window(window: &dyn WindowExpr) -> Option<String> {
    let any = window.as_any();
    let aggregate = any
        .downcast_ref()
        .map(PlainAggregateWindowExpr::get_aggregate_expr)
        .or_else(|| any.downcast_ref().map(SlidingAggregateWindowExpr::get_aggregate_expr));
    if let Some(aggregate) = aggregate {
        let name = aggregate.fun().name();
        return (!AGGREGATES.contains(&name)).then(|| name.to_owned());
    }
    let function = any
        .downcast_ref()
        .map(StandardWindowExpr::get_standard_func_expr)
        .and_then(|function| function.as_any().downcast_ref::<WindowUDFExpr>());
    match function.map(|function| function.fun().name()) {
        Some(name) if WINDOWS.contains(&name) => None,
        Some(name) => Some(name.to_owned()),
        None => Some(window.name().to_owned()),
    }
}

impl Raising<'_> {
    /// One row for each unit and tuple of keys.
    pub(super) fn per_unit(
        &mut self,
        input: &Relation,
        keys: &[Scalar],
        aggregates: &[UnitAggregate],
    ) -> Result<Raised, QueryError> {
        let input = self.relation(input)?;
        let unit = input.unit.clone().ok_or_else(|| QueryError::bug("features of no units"))?;
        let read = |scalar: &Scalar| expr(scalar, &input.columns);
        let mut exprs: Vec<Expr> = keys.iter().map(read).collect();
        for aggregate in aggregates {
            exprs.extend(aggregate.reads().map(read));
        }
        let read = self.project(input.plan, Some(named(&unit)), exprs)?;
        let unit = read.unit.ok_or_else(|| QueryError::bug("features of no units"))?;
        let (key_names, values) = read.columns.split_at(keys.len());
        let mut values = values.iter();
        let mut next = || values.next().map(|name| named(name));
        let node = self.fresh();
        let mut columns = key_names.to_vec();
        let mut calls = Vec::with_capacity(aggregates.len());
        for (position, aggregate) in aggregates.iter().enumerate() {
            let argument = aggregate.argument.as_ref().and_then(|_| next());
            let filter = aggregate.filter.as_ref().and_then(|_| next());
            let name = format!("c{node}_{position}");
            calls.push(call(&aggregate.function, argument, filter).alias(&name));
            columns.push(name);
        }
        let groups: Vec<Expr> =
            std::iter::once(&unit).chain(key_names).map(|name| named(name)).collect();
        let plan = LogicalPlanBuilder::new(read.plan)
            .aggregate(groups, calls)
            .and_then(|builder| builder.build())
            .map_err(malformed)?;
        Ok(Raised { plan, unit: Some(unit), columns })
    }
}

/// An aggregate of DataFusion that does not depend on the order of rows, or our own.
pub(super) fn function(function: &UnitFunction) -> (Arc<AggregateUDF>, bool) {
    match function {
        UnitFunction::Count => (count_udaf(), false),
        UnitFunction::CountDistinct => (count_udaf(), true),
        UnitFunction::Min => (min_udaf(), false),
        UnitFunction::Max => (max_udaf(), false),
        UnitFunction::All => (bool_and_udaf(), false),
        UnitFunction::Any => (bool_or_udaf(), false),
        UnitFunction::Moments(moments) => {
            (Arc::new(AggregateUDF::new_from_impl(MomentsFunction::new(*moments))), false)
        }
    }
}

fn call(of: &UnitFunction, argument: Option<Expr>, filter: Option<Expr>) -> Expr {
    let (function, distinct) = function(of);
    let arguments = vec![argument.unwrap_or_else(|| lit(1_i64))];
    Expr::AggregateFunction(AggregateFunction::new_udf(
        function,
        arguments,
        distinct,
        filter.map(Box::new),
        Vec::new(),
        None,
    ))
}
