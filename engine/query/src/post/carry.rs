//! Carries what intervals need through the plan above the boundary.
//!
//! A column that passes unchanged through projections, filters, sorts, limits and aliases keeps
//! its interval: two hidden columns travel beside it. Beside everything else travel hidden columns
//! without noise, by which a row is recognised when the noise is imagined anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::{Column, DataFusionError, TableReference};
use datafusion::logical_expr::{
    Expr, Filter, Limit, LogicalPlan, Projection, Sort, SubqueryAlias, Union, lit,
};

use super::ends::is_seen;
use super::is_release;
use super::lineage::{free_of_noise, is_free};
use crate::error::QueryError;

/// A plan whose first `visible` columns are the query's.
#[derive(Clone)]
pub(super) struct Carried {
    pub(super) plan: LogicalPlan,
    pub(super) visible: usize,
    /// From a visible column to its hidden lower and upper ends.
    pub(super) intervals: BTreeMap<usize, (usize, usize)>,
    /// The columns that say which row a row is.
    pub(super) row: Vec<usize>,
}

/// What a plan is carried for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The answer itself.
    Answer,
    /// Answers with imagined noise: every row that the answer may show is wanted, in any order.
    Imagined,
}

pub(super) fn carry(plan: &LogicalPlan, purpose: Purpose) -> Result<Carried, QueryError> {
    carried(plan, purpose).map_err(|_| QueryError::bug("intervals cannot be carried"))
}

fn carried(plan: &LogicalPlan, purpose: Purpose) -> Result<Carried, DataFusionError> {
    let imagined = purpose == Purpose::Imagined;
    match plan {
        LogicalPlan::Projection(projection) => match projection.input.as_ref() {
            LogicalPlan::TableScan(scan)
                if is_release(&scan.table_name) || is_seen(&scan.table_name) =>
            {
                from_release(projection, &scan.table_name)
            }
            _ => through_projection(projection, purpose),
        },
        LogicalPlan::Filter(filter) => {
            let input = carried(&filter.input, purpose)?;
            if imagined && !is_free(&filter.predicate, &filter.input) {
                return Ok(input);
            }
            let plan = Filter::try_new(filter.predicate.clone(), Arc::new(input.plan))?;
            Ok(Carried { plan: LogicalPlan::Filter(plan), ..input })
        }
        LogicalPlan::Sort(sort) => {
            let input = carried(&sort.input, purpose)?;
            if imagined {
                return Ok(input);
            }
            let (expr, fetch) = (sort.expr.clone(), sort.fetch);
            let plan = LogicalPlan::Sort(Sort { expr, input: Arc::new(input.plan), fetch });
            Ok(Carried { plan, ..input })
        }
        LogicalPlan::Limit(limit) => {
            let input = carried(&limit.input, purpose)?;
            if imagined {
                return Ok(input);
            }
            let (skip, fetch) = (limit.skip.clone(), limit.fetch.clone());
            let plan = LogicalPlan::Limit(Limit { skip, fetch, input: Arc::new(input.plan) });
            Ok(Carried { plan, ..input })
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let input = carried(&alias.input, purpose)?;
            let plan = SubqueryAlias::try_new(Arc::new(input.plan), alias.alias.clone())?;
            Ok(Carried { plan: LogicalPlan::SubqueryAlias(plan), ..input })
        }
        LogicalPlan::Union(union) => through_union(plan, union, purpose),
        other => {
            let free = free_of_noise(other);
            Ok(Carried {
                plan: other.clone(),
                visible: other.schema().fields().len(),
                intervals: BTreeMap::new(),
                row: (0..free.len()).filter(|position| free[*position]).collect(),
            })
        }
    }
}

/// The projection over a released table: every value `aN` has `lowN` and `highN`; the keys say
/// which row it is.
fn from_release(
    projection: &Projection,
    table: &TableReference,
) -> Result<Carried, DataFusionError> {
    let value = |expr: &Expr| {
        let column = bare_column(expr)?;
        Some(column.name.strip_prefix('a')?.to_owned())
    };
    let visible = projection.expr.len();
    let mut exprs = projection.expr.clone();
    let mut intervals = BTreeMap::new();
    let hidden = |name: String| {
        let alias = format!("{}_{name}", table.table());
        Expr::Column(Column::new(Some(table.clone()), name)).alias(alias)
    };
    for (position, expr) in projection.expr.iter().enumerate() {
        let Some(number) = value(expr) else { continue };
        intervals.insert(position, (exprs.len(), exprs.len() + 1));
        exprs.extend(["low", "high"].map(|end| hidden(format!("{end}{number}"))));
    }
    let mut row = Vec::new();
    for field in projection.input.schema().fields() {
        if field.name().starts_with('k') {
            row.push(exprs.len());
            exprs.push(hidden(field.name().clone()));
        }
    }
    let plan = Projection::try_new(exprs, Arc::clone(&projection.input))?;
    Ok(Carried { plan: LogicalPlan::Projection(plan), visible, intervals, row })
}

fn through_projection(
    projection: &Projection,
    purpose: Purpose,
) -> Result<Carried, DataFusionError> {
    let input = carried(&projection.input, purpose)?;
    let schema = Arc::clone(input.plan.schema());
    let visible = projection.expr.len();
    let mut exprs = projection.expr.clone();
    let mut intervals = BTreeMap::new();
    let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
    let mut hidden = |column: usize| {
        *taken.entry(column).or_insert_with(|| {
            let carried = Expr::Column(Column::from(schema.qualified_field(column)));
            exprs.push(carried.alias(format!("__carried{column}")));
            exprs.len() - 1
        })
    };
    for (position, expr) in projection.expr.iter().enumerate() {
        let source = bare_column(expr).and_then(|column| schema.maybe_index_of_column(column));
        let Some((low, high)) = source.and_then(|source| input.intervals.get(&source)) else {
            continue;
        };
        intervals.insert(position, (hidden(*low), hidden(*high)));
    }
    let row = input.row.iter().map(|column| hidden(*column)).collect();
    let plan = Projection::try_new(exprs, Arc::new(input.plan))?;
    Ok(Carried { plan: LogicalPlan::Projection(plan), visible, intervals, row })
}

/// Tables below each other: a column keeps its intervals if all of them have some. A row is
/// recognised by its table and by the columns without noise.
fn through_union(
    plan: &LogicalPlan,
    union: &Union,
    purpose: Purpose,
) -> Result<Carried, DataFusionError> {
    let inputs = union.inputs.iter().map(|input| carried(input, purpose));
    let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    let visible = plan.schema().fields().len();
    let free = free_of_noise(plan);
    let everywhere =
        |position: &usize| inputs.iter().all(|input| input.intervals.contains_key(position));
    let carrying: Vec<usize> = (0..visible).filter(everywhere).collect();
    let rows: Vec<usize> = (0..visible).filter(|position| free[*position]).collect();
    let mut parts = Vec::with_capacity(inputs.len());
    for (table, input) in inputs.into_iter().enumerate() {
        let column = |position: usize| {
            Expr::Column(Column::from(input.plan.schema().qualified_field(position)))
        };
        let ends = carrying.iter().filter_map(|position| input.intervals.get(position));
        let hidden: Vec<Expr> = ends
            .flat_map(|(low, high)| [column(*low), column(*high)])
            .chain([lit(table as i64)])
            .chain(rows.iter().map(|position| column(*position)))
            .collect();
        let hidden = hidden.into_iter().enumerate();
        let hidden = hidden.map(|(position, expr)| expr.alias(format!("__carried{position}")));
        let exprs = (0..visible).map(column).chain(hidden).collect();
        let part = Projection::try_new(exprs, Arc::new(input.plan))?;
        parts.push(Arc::new(LogicalPlan::Projection(part)));
    }
    let all = LogicalPlan::Union(Union::try_new(parts)?);
    let names = plan.schema().iter().map(Some).chain(std::iter::repeat(None));
    let columns = all.schema().columns().into_iter().zip(names).map(|(column, name)| match name {
        Some((table, field)) => Expr::Column(column).alias_qualified(table.cloned(), field.name()),
        None => Expr::Column(column),
    });
    let columns = columns.collect();
    let first_row = visible + 2 * carrying.len();
    Ok(Carried {
        plan: LogicalPlan::Projection(Projection::try_new(columns, Arc::new(all))?),
        visible,
        intervals: (carrying.into_iter().zip((visible..).step_by(2)))
            .map(|(position, low)| (position, (low, low + 1)))
            .collect(),
        row: (first_row..=first_row + rows.len()).collect(),
    })
}

fn bare_column(expr: &Expr) -> Option<&Column> {
    match expr {
        Expr::Column(column) => Some(column),
        Expr::Alias(alias) => bare_column(&alias.expr),
        _ => None,
    }
}
