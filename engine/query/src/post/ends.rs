//! `dp_interval_low(x)` and `dp_interval_high(x)` in a query above the boundaries.
//!
//! Below the node that calls them, the plan runs once with its intervals; its rows and the ends that
//! were asked for take its place. What passes through unchanged keeps its interval. What is computed
//! above from such rows has none: their noise cannot be imagined again.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::MemTable;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DataFusionError, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{
    Expr, ExprSchemable, Filter, LogicalPlan, LogicalPlanBuilder, Projection, Sort,
};

use super::lineage::is_free;
use super::trace::shows_released;
use super::{Shown, Upper};
use crate::error::{QueryError, Refusal, RefusalCode};
use crate::functions::{End, end_of};

/// Queries cannot name such a table: identifiers starting with `__` are refused at the door.
const SEEN_PREFIX: &str = "__seen_";

/// Whether a scan stands for rows that were computed before, with their intervals.
pub(super) fn is_seen(table: &TableReference) -> bool {
    table.table().starts_with(SEEN_PREFIX)
}

/// Whether a plan reads rows that were computed before.
pub(super) fn reads_seen(plan: &LogicalPlan) -> bool {
    found(plan, |node| matches!(node, LogicalPlan::TableScan(scan) if is_seen(&scan.table_name)))
        .is_some()
}

/// Refuses calls that have no interval to show.
pub(crate) fn check(plan: &LogicalPlan) -> Result<(), Refusal> {
    let mut refusal = None;
    let walked = plan.apply_with_subqueries(|node| {
        for expr in node.expressions() {
            for (end, argument) in calls(&expr) {
                if let Some(wrong) = wrong_with(node, end, &argument) {
                    refusal.get_or_insert(wrong);
                }
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
    match (walked, refusal) {
        (Ok(_), None) => Ok(()),
        (_, Some(refusal)) => Err(refusal),
        (Err(_), None) => Err(not_here(End::Low)),
    }
}

fn wrong_with(node: &LogicalPlan, end: End, argument: &Expr) -> Option<Refusal> {
    let input = match node {
        LogicalPlan::Projection(projection) => &projection.input,
        LogicalPlan::Filter(filter) => &filter.input,
        LogicalPlan::Sort(sort) => &sort.input,
        _ => return Some(not_here(end)),
    };
    if !calls(argument).is_empty() {
        return Some(Refusal::new(
            RefusalCode::Expression,
            end.name(),
            "the end of an interval has no interval itself",
            "ask for the ends of the value: dp_interval_low(n), dp_interval_high(n)",
        ));
    }
    if found(input, asks).is_some() && !shows_released(argument, input) {
        return Some(Refusal::new(
            RefusalCode::Expression,
            format!("{} of what is computed above other ends", end.name()),
            "the rows below were settled for those, so their noise cannot be imagined again",
            "ask for all ends in one SELECT list",
        ));
    }
    let is_number = argument.get_type(input.schema()).is_ok_and(|kind| kind.is_numeric());
    (!is_number || is_free(argument, input)).then(|| {
        Refusal::new(
            RefusalCode::Expression,
            format!("{} of what has no noise", end.name()),
            "only numbers that are computed from released values have an interval",
            "name a released value, as in dp_interval_low(COUNT(*))",
        )
    })
}

fn not_here(end: End) -> Refusal {
    Refusal::new(
        RefusalCode::Expression,
        end.name(),
        "it stands inside an aggregate, a window or a join, where a value has no row of its own yet",
        "call it in a SELECT list, WHERE, HAVING or ORDER BY above: SELECT dp_interval_low(n) FROM \
         (SELECT COUNT(*) AS n FROM ..) AS t",
    )
}

/// The calls in an expression.
fn calls(expr: &Expr) -> Vec<(End, Expr)> {
    let mut calls = Vec::new();
    let walked = expr.apply(|part| {
        calls.extend(end_of(part).map(|(end, argument)| (end, argument.clone())));
        Ok(TreeNodeRecursion::Continue)
    });
    // The walk itself cannot fail.
    walked.map_or_else(|_| Vec::new(), |_| calls)
}

/// The plan with columns in the place of all calls.
pub(super) async fn computed(
    upper: &Upper<'_>,
    plan: &LogicalPlan,
) -> Result<LogicalPlan, QueryError> {
    let mut plan = plan.clone();
    let mut number = 0;
    while let Some(node) = found(&plan, asks) {
        let replacement = without_calls(upper, &node, number).await?;
        number += 1;
        let replaced = plan.transform_up_with_subqueries(|part| {
            Ok(if part == node {
                Transformed::yes(replacement.clone())
            } else {
                Transformed::no(part)
            })
        });
        let replaced = replaced.map_err(|_| bug())?;
        if !replaced.transformed {
            return Err(bug());
        }
        plan = replaced.data;
    }
    Ok(plan)
}

fn asks(node: &LogicalPlan) -> bool {
    node.expressions().iter().any(|expr| !calls(expr).is_empty())
}

/// The first node from below, subqueries included, for which something is true.
fn found(plan: &LogicalPlan, is_it: impl Fn(&LogicalPlan) -> bool) -> Option<LogicalPlan> {
    let mut first = None;
    // From the root down, so that the last one found has none below it.
    let walked = plan.apply_with_subqueries(|node| {
        if is_it(node) {
            first = Some(node.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.ok().and(first)
}

/// A node over rows that were computed before, with the ends that it asks for.
async fn without_calls(
    upper: &Upper<'_>,
    node: &LogicalPlan,
    number: usize,
) -> Result<LogicalPlan, QueryError> {
    let [input] = node.inputs()[..] else { return Err(bug()) };
    let mut asked: Vec<Expr> = Vec::new();
    for expr in node.expressions() {
        for (_, argument) in calls(&expr) {
            if !asked.contains(&argument) {
                asked.push(argument);
            }
        }
    }
    // Other columns of a SELECT list are computed with those below, so that they keep their intervals.
    let beside: Vec<&Expr> = match node {
        LogicalPlan::Projection(projection) => {
            projection.expr.iter().filter(|expr| calls(expr).is_empty()).collect()
        }
        _ => Vec::new(),
    };
    let columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
    let width = columns.len();
    let named = |(position, expr): (usize, &Expr)| {
        expr.clone().unalias().alias(format!("__beside{position}"))
    };
    let wanted = columns
        .into_iter()
        .chain(asked.iter().chain(beside.iter().copied()).enumerate().map(named))
        .collect();
    let below = Projection::try_new(wanted, Arc::new(input.clone())).map_err(|_| bug())?;
    let shown = super::shown(upper, &LogicalPlan::Projection(below)).await?;
    let rows = seen(&shown, number)?;
    let replaced = Replaced { input, asked: &asked, beside: &beside, width };
    replaced.node(node, rows).map_err(|_| bug())
}

/// What rows that were computed before hold.
struct Replaced<'a> {
    input: &'a LogicalPlan,
    /// The arguments of calls, behind the input's columns.
    asked: &'a [Expr],
    /// The columns behind them.
    beside: &'a [&'a Expr],
    /// How many columns the input has.
    width: usize,
}

impl Replaced<'_> {
    fn node(&self, node: &LogicalPlan, rows: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
        let scan = Arc::new(rows);
        // The input's columns under their names, then everything else.
        let mut named: Vec<Expr> = Vec::new();
        for (position, column) in scan.schema().columns().into_iter().enumerate() {
            let column = Expr::Column(column);
            named.push(if position < self.width {
                let (table, field) = self.input.schema().qualified_field(position);
                column.alias_qualified(table.cloned(), field.name())
            } else {
                column
            });
        }
        let rows =
            Arc::new(LogicalPlan::Projection(Projection::try_new(named, Arc::clone(&scan))?));
        let column =
            |position: usize| Expr::Column(Column::from(rows.schema().qualified_field(position)));
        let without = |expr: &Expr| {
            let replaced = expr.clone().transform_down(|part| {
                let Some((end, argument)) = end_of(&part) else { return Ok(Transformed::no(part)) };
                let place = self.asked.iter().position(|asked| asked == argument);
                let name = place.map(|place| end_name(end, self.width + place));
                let position =
                    name.and_then(|name| scan.schema().index_of_column_by_name(None, &name));
                match position {
                    Some(position) => {
                        Ok(Transformed::new(column(position), true, TreeNodeRecursion::Jump))
                    }
                    None => Err(DataFusionError::Internal("an end that was not computed".into())),
                }
            });
            replaced.map(|replaced| replaced.data)
        };
        let same_columns = |plan: LogicalPlan| {
            let columns = (0..self.width).map(column);
            LogicalPlanBuilder::new(plan).project(columns)?.build()
        };
        match node {
            LogicalPlan::Projection(projection) => {
                let first = self.width + self.asked.len();
                let mut beside = 0;
                let mut columns = Vec::with_capacity(projection.expr.len());
                for (expr, (table, field)) in projection.expr.iter().zip(projection.schema.iter()) {
                    let shown = if self.beside.contains(&expr) {
                        beside += 1;
                        column(first + beside - 1)
                    } else {
                        without(&expr.clone().unalias())?
                    };
                    columns.push(shown.alias_qualified(table.cloned(), field.name()));
                }
                Projection::try_new(columns, Arc::clone(&rows)).map(LogicalPlan::Projection)
            }
            LogicalPlan::Filter(filter) => {
                let predicate = without(&filter.predicate)?;
                let filter = Filter::try_new(predicate, Arc::clone(&rows))?;
                same_columns(LogicalPlan::Filter(filter))
            }
            LogicalPlan::Sort(sort) => {
                let mut expr = sort.expr.clone();
                for key in &mut expr {
                    key.expr = without(&key.expr)?;
                }
                let (fetch, input) = (sort.fetch, Arc::clone(&rows));
                same_columns(LogicalPlan::Sort(Sort { expr, input, fetch }))
            }
            _ => Err(DataFusionError::Internal("a node that calls no ends".into())),
        }
    }
}

fn end_name(end: End, position: usize) -> String {
    match end {
        End::Low => format!("low{position}"),
        End::High => format!("high{position}"),
    }
}

/// A scan of rows with the ends of their intervals. A column `aN` has the ends `lowN` and `highN`, as in
/// released tables; one without an interval has ends that are NULL, and another name.
fn seen(shown: &Shown, number: usize) -> Result<LogicalPlan, QueryError> {
    let rows = shown.table.num_rows();
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (position, column) in shown.table.columns().iter().enumerate() {
        let has_interval = shown.intervals[position].is_some();
        let name = if has_interval { format!("a{position}") } else { format!("c{position}") };
        fields.push(Field::new(name, column.data_type().clone(), true));
        columns.push(Arc::clone(column));
    }
    for (position, interval) in shown.intervals.iter().enumerate() {
        let ends: [(End, ArrayRef); 2] = match interval {
            Some(interval) => [
                (End::Low, Arc::new(interval.low.clone())),
                (End::High, Arc::new(interval.high.clone())),
            ],
            None => {
                [End::Low, End::High].map(|end| (end, new_null_array(&DataType::Float64, rows)))
            }
        };
        for (end, values) in ends {
            fields.push(Field::new(end_name(end, position), DataType::Float64, true));
            columns.push(values);
        }
    }
    let schema = Arc::new(Schema::new(fields));
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &options)
        .map_err(|_| bug())?;
    let table = MemTable::try_new(schema, vec![vec![batch]]).map_err(|_| bug())?;
    let source = provider_as_source(Arc::new(table));
    LogicalPlanBuilder::scan(format!("{SEEN_PREFIX}{number}"), source, None)
        .and_then(LogicalPlanBuilder::build)
        .map_err(|_| bug())
}

fn bug() -> QueryError {
    QueryError::bug("the ends of intervals cannot be computed")
}
