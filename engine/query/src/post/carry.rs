//! Carries the intervals of released columns through the plan above the boundary.
//!
//! A column that passes unchanged through projections, filters, sorts, limits and aliases keeps
//! its interval: two hidden columns travel beside it. Anything computed from released values has
//! no interval here.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, Filter, Limit, LogicalPlan, Projection, Sort, SubqueryAlias};

use super::is_release;
use crate::error::QueryError;

/// A plan whose first `visible` columns are the query's.
pub(super) struct Carried {
    pub(super) plan: LogicalPlan,
    pub(super) visible: usize,
    /// From a visible column to its hidden lower and upper ends.
    pub(super) intervals: BTreeMap<usize, (usize, usize)>,
}

pub(super) fn carry(plan: &LogicalPlan) -> Result<Carried, QueryError> {
    carried(plan).map_err(|_| QueryError::bug("intervals cannot be carried"))
}

fn carried(plan: &LogicalPlan) -> Result<Carried, datafusion::common::DataFusionError> {
    match plan {
        LogicalPlan::Projection(projection) => match projection.input.as_ref() {
            LogicalPlan::TableScan(scan) if is_release(&scan.table_name) => {
                from_release(projection)
            }
            _ => through_projection(projection),
        },
        LogicalPlan::Filter(filter) => {
            let input = carried(&filter.input)?;
            let plan = Filter::try_new(filter.predicate.clone(), Arc::new(input.plan))?;
            Ok(Carried { plan: LogicalPlan::Filter(plan), ..input })
        }
        LogicalPlan::Sort(sort) => {
            let input = carried(&sort.input)?;
            let (expr, fetch) = (sort.expr.clone(), sort.fetch);
            let plan = LogicalPlan::Sort(Sort { expr, input: Arc::new(input.plan), fetch });
            Ok(Carried { plan, ..input })
        }
        LogicalPlan::Limit(limit) => {
            let input = carried(&limit.input)?;
            let (skip, fetch) = (limit.skip.clone(), limit.fetch.clone());
            let plan = LogicalPlan::Limit(Limit { skip, fetch, input: Arc::new(input.plan) });
            Ok(Carried { plan, ..input })
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let input = carried(&alias.input)?;
            let plan = SubqueryAlias::try_new(Arc::new(input.plan), alias.alias.clone())?;
            Ok(Carried { plan: LogicalPlan::SubqueryAlias(plan), ..input })
        }
        other => Ok(Carried {
            plan: other.clone(),
            visible: other.schema().fields().len(),
            intervals: BTreeMap::new(),
        }),
    }
}

/// The projection over a released table: every value `aN` has `lowN` and `highN`.
fn from_release(projection: &Projection) -> Result<Carried, datafusion::common::DataFusionError> {
    let value = |expr: &Expr| {
        let column = bare_column(expr)?;
        Some((column.relation.clone(), column.name.strip_prefix('a')?.to_owned()))
    };
    let visible = projection.expr.len();
    let mut exprs = projection.expr.clone();
    let mut intervals = BTreeMap::new();
    for (position, expr) in projection.expr.iter().enumerate() {
        let Some((table, number)) = value(expr) else { continue };
        intervals.insert(position, (exprs.len(), exprs.len() + 1));
        let release = table.as_ref().map_or("", |table| table.table()).to_owned();
        for end in ["low", "high"] {
            let column = Column::new(table.clone(), format!("{end}{number}"));
            exprs.push(Expr::Column(column).alias(format!("{release}_{end}{number}")));
        }
    }
    let plan = Projection::try_new(exprs, Arc::clone(&projection.input))?;
    Ok(Carried { plan: LogicalPlan::Projection(plan), visible, intervals })
}

fn through_projection(
    projection: &Projection,
) -> Result<Carried, datafusion::common::DataFusionError> {
    let input = carried(&projection.input)?;
    let schema = Arc::clone(input.plan.schema());
    let visible = projection.expr.len();
    let mut exprs = projection.expr.clone();
    let mut intervals = BTreeMap::new();
    let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
    for (position, expr) in projection.expr.iter().enumerate() {
        let source = bare_column(expr).and_then(|column| schema.maybe_index_of_column(column));
        let Some((low, high)) = source.and_then(|source| input.intervals.get(&source)) else {
            continue;
        };
        let mut hidden = |end: usize| {
            *taken.entry(end).or_insert_with(|| {
                exprs.push(Expr::Column(Column::from(schema.qualified_field(end))));
                exprs.len() - 1
            })
        };
        intervals.insert(position, (hidden(*low), hidden(*high)));
    }
    let plan = Projection::try_new(exprs, Arc::new(input.plan))?;
    Ok(Carried { plan: LogicalPlan::Projection(plan), visible, intervals })
}

fn bare_column(expr: &Expr) -> Option<&Column> {
    match expr {
        Expr::Column(column) => Some(column),
        Expr::Alias(alias) => bare_column(&alias.expr),
        _ => None,
    }
}
