//! Which columns of a query's result show a released value unchanged, and which one.
//!
//! It is read before anything is paid for: the error that is expected of a released value is then the
//! error of the column that the analyst named.

use datafusion::common::Column;
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
    let named = |(name, source): (String, Option<(usize, usize)>)| {
        source.map(|(boundary, output)| Traced { name, boundary, output })
    };
    names.zip(sources(above)).filter_map(named).collect()
}

/// For each column of a plan, the boundary and its output. A node without a rule hides all of them.
fn sources(plan: &LogicalPlan) -> Vec<Option<(usize, usize)>> {
    match plan {
        LogicalPlan::Projection(projection) => through(projection),
        LogicalPlan::Filter(filter) => sources(&filter.input),
        LogicalPlan::Sort(sort) => sources(&sort.input),
        LogicalPlan::Limit(limit) => sources(&limit.input),
        LogicalPlan::SubqueryAlias(alias) => sources(&alias.input),
        other => vec![None; other.schema().fields().len()],
    }
}

fn through(projection: &Projection) -> Vec<Option<(usize, usize)>> {
    let input = projection.input.as_ref();
    let beneath = sources(input);
    let source = |column: &Column| match input {
        LogicalPlan::TableScan(scan) => {
            let output = column.name.strip_prefix('a')?.parse().ok()?;
            Some((release_index(&scan.table_name)?, output))
        }
        _ => beneath.get(input.schema().maybe_index_of_column(column)?).copied().flatten(),
    };
    projection.expr.iter().map(|expr| bare_column(expr).and_then(source)).collect()
}

fn bare_column(expr: &Expr) -> Option<&Column> {
    match expr {
        Expr::Column(column) => Some(column),
        Expr::Alias(alias) => bare_column(&alias.expr),
        _ => None,
    }
}
