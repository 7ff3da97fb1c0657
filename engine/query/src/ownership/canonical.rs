//! The canonical form of a plan above boundaries, for request keys.
//!
//! DataFusion's own display is not used: its names come from counters and a text literal could
//! imitate another plan. Here expressions are written with their full structure and escaped
//! constants, and columns as positions, so that equal terms mean equal tables.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, JoinType};
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan, build_join_schema};

use crate::error::QueryError;
use crate::plan::CanonicalPlan;

pub(super) fn canonical(plan: &LogicalPlan) -> Result<CanonicalPlan, QueryError> {
    if let LogicalPlan::SubqueryAlias(alias) = plan {
        return canonical(&alias.input);
    }
    let schema = read_schema(plan)?;
    let mut expressions = Vec::new();
    let walked = plan.apply_expressions(|expr| {
        // The structure with escaped constants, and the text, which names every function.
        let expr = positional(expr.clone(), &schema)?;
        expressions.push(format!("{expr:?} {expr}"));
        Ok(TreeNodeRecursion::Continue)
    });
    walked.map_err(|_| unreadable())?;
    let mut inputs = Vec::new();
    for input in plan.inputs() {
        inputs.push(canonical(input)?);
    }
    let mut failure = None;
    let walked = plan.apply_subqueries(|subquery| {
        for inner in subquery.inputs() {
            match canonical(inner) {
                Ok(terms) => inputs.push(terms),
                Err(error) => failure = Some(error),
            }
        }
        Ok(TreeNodeRecursion::Jump)
    });
    walked.map_err(|_| unreadable())?;
    match failure {
        Some(error) => Err(error),
        None => {
            let (node, details) = kind(plan)?;
            Ok(CanonicalPlan { node, details, expressions, inputs })
        }
    }
}

/// The columns that a node's expressions are about.
fn read_schema(plan: &LogicalPlan) -> Result<DFSchema, QueryError> {
    match plan {
        LogicalPlan::Join(join) => {
            build_join_schema(join.left.schema(), join.right.schema(), &JoinType::Inner)
                .map_err(|_| unreadable())
        }
        other => Ok(other
            .inputs()
            .first()
            .map_or_else(DFSchema::empty, |input| input.schema().as_ref().clone())),
    }
}

fn positional(expr: Expr, schema: &DFSchema) -> Result<Expr, datafusion::common::DataFusionError> {
    let written = expr.transform_up(|expr| {
        Ok(match expr {
            Expr::Column(column) => {
                let name = match schema.maybe_index_of_column(&column) {
                    Some(position) => format!("#{position}"),
                    None => column.flat_name(),
                };
                Transformed::yes(Expr::Column(Column::new_unqualified(name)))
            }
            Expr::Alias(alias) => Transformed::yes(*alias.expr),
            other => Transformed::no(other),
        })
    });
    written.map(|written| written.data)
}

/// The node's kind, and what its expressions and inputs do not tell.
fn kind(plan: &LogicalPlan) -> Result<(&'static str, String), QueryError> {
    Ok(match plan {
        LogicalPlan::Projection(_) => ("projection", String::new()),
        LogicalPlan::Filter(_) => ("filter", String::new()),
        LogicalPlan::Window(_) => ("window", String::new()),
        LogicalPlan::Repartition(_) => ("repartition", String::new()),
        LogicalPlan::Union(_) => ("union", String::new()),
        LogicalPlan::Subquery(_) => ("subquery", String::new()),
        LogicalPlan::Limit(limit) => {
            ("limit", format!("{} {}", limit.skip.is_some(), limit.fetch.is_some()))
        }
        LogicalPlan::Sort(sort) => {
            let order: Vec<(bool, bool)> =
                sort.expr.iter().map(|key| (key.asc, key.nulls_first)).collect();
            ("sort", format!("{order:?} {:?}", sort.fetch))
        }
        LogicalPlan::Aggregate(aggregate) => ("aggregate", aggregate.group_expr.len().to_string()),
        LogicalPlan::Join(join) => (
            "join",
            format!(
                "{:?} {} {:?} {}",
                join.join_type,
                join.on.len(),
                join.null_equality,
                join.null_aware
            ),
        ),
        LogicalPlan::TableScan(scan) => (
            "scan",
            format!("{:?} {:?} {:?}", scan.table_name.table(), scan.projection, scan.fetch),
        ),
        LogicalPlan::EmptyRelation(empty) => ("empty", empty.produce_one_row.to_string()),
        LogicalPlan::Values(values) => ("values", values.values.len().to_string()),
        LogicalPlan::Distinct(Distinct::All(_)) => ("distinct", String::new()),
        LogicalPlan::Distinct(Distinct::On(on)) => {
            let order = on
                .sort_expr
                .as_ref()
                .map(|keys| keys.iter().map(|key| (key.asc, key.nulls_first)).collect::<Vec<_>>());
            ("distinct on", format!("{} {} {order:?}", on.on_expr.len(), on.select_expr.len()))
        }
        LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Statement(_)
        | LogicalPlan::Explain(_)
        | LogicalPlan::Analyze(_)
        | LogicalPlan::Extension(_)
        | LogicalPlan::Dml(_)
        | LogicalPlan::Ddl(_)
        | LogicalPlan::Copy(_)
        | LogicalPlan::DescribeTable(_)
        | LogicalPlan::Unnest(_)
        | LogicalPlan::RecursiveQuery(_) => return Err(unreadable()),
    })
}

fn unreadable() -> QueryError {
    QueryError::bug("a plan above a boundary has no canonical form")
}
