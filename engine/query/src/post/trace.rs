//! Which columns of a query's result show a released value unchanged, and which one.
//!
//! It is read before anything is paid for: the error that is expected of a released value is then the
//! error of the column that the analyst named.

use datafusion::common::Column;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};

use super::release_index;

/// A column of the result and the released value in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Traced {
    pub(crate) name: String,
    pub(crate) boundary: usize,
    pub(crate) output: usize,
}

/// The columns of the plan above the boundaries that show a released value.
pub(crate) fn traced(above: &LogicalPlan) -> Vec<Traced> {
    let names = above.schema().fields().iter().map(|field| field.name().clone());
    let named = |(name, sources): (String, Vec<(usize, usize)>)| {
        let traced = move |(boundary, output)| Traced { name: name.clone(), boundary, output };
        sources.into_iter().map(traced)
    };
    names.zip(sources(above)).flat_map(named).collect()
}

/// The columns of any part of a plan that show a released value, under their names there.
pub(crate) fn named(plan: &LogicalPlan) -> Vec<Traced> {
    let mut all = Vec::new();
    let walked = plan.apply_with_subqueries(|node| {
        if !matches!(node, LogicalPlan::TableScan(_)) {
            all.extend(traced(node));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    // A walk that never fails has nothing to tell.
    walked.map_or_else(|_| Vec::new(), |_| all)
}

/// For each column of a plan, the boundaries with the outputs that it shows: several where tables are
/// put below each other. A node without a rule hides all of them.
fn sources(plan: &LogicalPlan) -> Vec<Vec<(usize, usize)>> {
    match plan {
        LogicalPlan::Projection(projection) => through(projection),
        LogicalPlan::Filter(filter) => sources(&filter.input),
        LogicalPlan::Sort(sort) => sources(&sort.input),
        LogicalPlan::Limit(limit) => sources(&limit.input),
        LogicalPlan::SubqueryAlias(alias) => sources(&alias.input),
        LogicalPlan::Union(union) => {
            let mut all = vec![Vec::new(); union.schema.fields().len()];
            for input in &union.inputs {
                all.iter_mut().zip(sources(input)).for_each(|(all, more)| all.extend(more));
            }
            all
        }
        other => vec![Vec::new(); other.schema().fields().len()],
    }
}

/// Whether an expression over a plan is a released value as it is.
pub(super) fn shows_released(expr: &Expr, input: &LogicalPlan) -> bool {
    let position =
        bare_column(expr).and_then(|column| input.schema().maybe_index_of_column(column));
    position.is_some_and(|position| {
        sources(input).get(position).is_some_and(|sources| !sources.is_empty())
    })
}

fn through(projection: &Projection) -> Vec<Vec<(usize, usize)>> {
    let input = projection.input.as_ref();
    let beneath = sources(input);
    let source = |column: &Column| match input {
        LogicalPlan::TableScan(scan) => {
            let output = column.name.strip_prefix('a')?.parse().ok()?;
            Some(vec![(release_index(&scan.table_name)?, output)])
        }
        _ => beneath.get(input.schema().maybe_index_of_column(column)?).cloned(),
    };
    let sources = |expr: &Expr| bare_column(expr).and_then(source).unwrap_or_default();
    projection.expr.iter().map(sources).collect()
}

fn bare_column(expr: &Expr) -> Option<&Column> {
    match expr {
        Expr::Column(column) => Some(column),
        Expr::Alias(alias) => bare_column(&alias.expr),
        _ => None,
    }
}
