//! Above the boundary: any SQL over released tables, for free.
//!
//! While a plan is split, each boundary leaves a placeholder: a scan of a table that does not
//! exist yet, under a projection that reproduces the aggregate's schema. Once the boundary is
//! sealed, the placeholder becomes an in-memory table of the released values and their intervals.
//! The plan above reads nothing else but public tables.

mod carry;
mod consistent;
#[cfg(test)]
mod coverage;
mod ends;
mod lineage;
mod quantile;
mod simulation;
mod spread;
mod table;
mod trace;

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, RecordBatch, RecordBatchOptions, new_empty_array, new_null_array,
};
use datafusion::arrow::compute::{cast, concat, concat_batches};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::MemTable;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{Column, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::logical_plan::builder::LogicalTableSource;
use datafusion::logical_expr::{
    Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, TableScan, TableScanBuilder,
};
use datafusion::prelude::SessionContext;

use carry::{Carried, Purpose};
pub(crate) use trace::{Traced, named, traced};

use crate::answer::Interval;
use crate::catalogue::Catalogue;
use crate::error::QueryError;
use crate::execute::{self, Files};
use crate::functions;
use crate::ownership::Draft;
use crate::plan::{Boundary, DerivedTable, OutputColumn, SmallestGroup};
use crate::release::Released;
pub(crate) use consistent::adjust;
pub(crate) use ends::check as check_ends;
pub(crate) use spread::{Formula, Sums};

/// Queries cannot name such a table: identifiers starting with `__` are refused at the door.
const RELEASE_PREFIX: &str = "__release_";

/// Whether a scan stands for a released table.
pub(crate) fn is_release(table: &TableReference) -> bool {
    release_index(table).is_some()
}

fn release_index(table: &TableReference) -> Option<usize> {
    table.table().strip_prefix(RELEASE_PREFIX)?.parse().ok()
}

/// What stands in the plan for a boundary: the aggregate's schema over a released table.
pub(crate) fn placeholder(
    index: usize,
    aggregate: &Aggregate,
    draft: &Draft,
) -> Result<LogicalPlan, QueryError> {
    let keys = draft.keys.len();
    let kinds: Vec<DataType> = draft.key_facts.iter().map(|facts| facts.kind.arrow()).collect();
    let integers = draft.outputs.iter().map(is_integer).collect::<Vec<_>>();
    let may_lack_rows = may_lack_rows(draft.smallest, keys);
    let schema = release_schema(&kinds, &integers, may_lack_rows);
    let name = format!("{RELEASE_PREFIX}{index}");
    let source = Arc::new(LogicalTableSource::new(schema));
    let columns: Vec<Expr> = aggregate
        .schema
        .iter()
        .enumerate()
        .map(|(position, (qualifier, field))| {
            let column = match position.checked_sub(keys) {
                None => format!("k{position}"),
                Some(output) => format!("a{output}"),
            };
            Expr::Column(Column::new(Some(name.as_str()), column))
                .alias_qualified(qualifier.cloned(), field.name())
        })
        .collect();
    LogicalPlanBuilder::scan(name.as_str(), source, None)
        .and_then(|builder| builder.project(columns))
        .and_then(|builder| builder.build())
        .map_err(|_| QueryError::bug("a boundary cannot be replaced"))
}

fn is_integer(output: &OutputColumn) -> bool {
    match output {
        OutputColumn::Count { .. } => true,
        OutputColumn::Sum { integer, .. } | OutputColumn::Quantile { integer, .. } => *integer,
        OutputColumn::Mean { .. } | OutputColumn::Spread { .. } => false,
    }
}

/// Whether the one row of a table without keys may be missing: then a subquery that reads it as a
/// value is NULL, though no released value is.
fn may_lack_rows(smallest: Option<SmallestGroup>, keys: usize) -> bool {
    keys == 0 && smallest.is_some()
}

/// Keys `k..`, values `a..`, and their intervals `low..` and `high..`.
fn release_schema(keys: &[DataType], integers: &[bool], nullable: bool) -> SchemaRef {
    let key = |(position, kind): (usize, &DataType)| {
        Field::new(format!("k{position}"), kind.clone(), true)
    };
    let mut fields: Vec<Field> = keys.iter().enumerate().map(key).collect();
    for (position, integer) in integers.iter().enumerate() {
        let kind = if *integer { DataType::Int64 } else { DataType::Float64 };
        fields.push(Field::new(format!("a{position}"), kind, nullable));
    }
    for end in ["low", "high"] {
        for position in 0..integers.len() {
            fields.push(Field::new(format!("{end}{position}"), DataType::Float64, false));
        }
    }
    Arc::new(Schema::new(fields))
}

/// A statement's final table with the intervals of its columns.
pub(crate) struct Shown {
    pub(crate) table: RecordBatch,
    pub(crate) intervals: Vec<Option<Interval>>,
}

/// Runs the plan above the boundaries over released tables. Deterministic: one partition, and
/// released tables in key order.
pub(crate) async fn run(
    context: &SessionContext,
    catalogue: &Catalogue,
    files: &Files,
    above: &LogicalPlan,
    released: &[(&Boundary, Released)],
) -> Result<Shown, QueryError> {
    let upper = Upper { context, catalogue, files, released };
    let above = ends::computed(&upper, above).await?;
    shown(&upper, &above).await
}

/// What plans above the boundaries run over.
struct Upper<'a> {
    context: &'a SessionContext,
    catalogue: &'a Catalogue,
    files: &'a Files,
    released: &'a [(&'a Boundary, Released)],
}

/// Runs a plan in which no ends of intervals are asked for.
async fn shown(upper: &Upper<'_>, above: &LogicalPlan) -> Result<Shown, QueryError> {
    let Upper { context, catalogue, files, released } = *upper;
    let carried = carry::carry(above, Purpose::Answer)?;
    let plan = bind(catalogue, files, &carried.plan, released)?;
    let schema: SchemaRef = Arc::clone(plan.schema().inner());
    let failed = |error: datafusion::common::DataFusionError| {
        QueryError::input(
            format!("the part above the aggregate failed: {}", error.strip_backtrace()),
            "correct it and ask again: the released values are sealed and cost nothing more",
        )
    };
    let frame = context.execute_logical_plan(plan).await.map_err(failed)?;
    let batches = frame.collect().await.map_err(failed)?;
    let schema = batches.first().map_or(schema, |batch| batch.schema());
    let all = concat_batches(&schema, &batches)
        .map_err(|_| QueryError::bug("an answer's parts do not fit together"))?;
    let bug = |_| QueryError::bug("an answer's columns cannot be separated");
    let table = all.project(&(0..carried.visible).collect::<Vec<_>>()).map_err(bug)?;
    let mut intervals: Vec<Option<Interval>> = (0..carried.visible)
        .map(|position| {
            let (low, high) = carried.intervals.get(&position)?;
            Interval::from_columns(all.column(*low), all.column(*high))
        })
        .collect();
    let derived = derived(above, &carried);
    if !derived.is_empty() && all.num_rows() > 0 {
        let imagined = carry::carry(above, Purpose::Imagined)?;
        let plan = bind(catalogue, files, &imagined.plan, released)?;
        let found =
            simulation::intervals(context, (&carried, &all), (&imagined, plan), &derived, released);
        for (position, interval) in derived.iter().zip(found.await?) {
            intervals[*position] = Some(interval);
        }
    }
    Ok(Shown { table, intervals })
}

/// Computes a derived table from what has been released so far.
pub(crate) async fn derive(
    context: &SessionContext,
    catalogue: &Catalogue,
    files: &Files,
    table: &DerivedTable,
    released: &[(&Boundary, Released)],
) -> Result<RecordBatch, QueryError> {
    let failed = |why: String| {
        QueryError::input(
            format!("a released table that is joined back to rows cannot be computed: {why}"),
            "correct that part; what has been charged for the statement stays charged",
        )
    };
    let wrong = |error: datafusion::common::DataFusionError| failed(error.strip_backtrace());
    let upper = Upper { context, catalogue, files, released };
    let plan = ends::computed(&upper, &table.plan).await?;
    let plan = bind(catalogue, files, &plan, released)?;
    // Names may be ambiguous; positions are not.
    let fields = table.kinds.iter().enumerate();
    let fields =
        fields.map(|(position, kind)| Field::new(format!("d{position}"), kind.arrow(), true));
    let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let frame = context.execute_logical_plan(plan).await.map_err(wrong)?;
    let mut columns: Vec<Vec<ArrayRef>> = vec![Vec::new(); table.kinds.len()];
    let mut rows = 0;
    for batch in frame.collect().await.map_err(wrong)? {
        rows += batch.num_rows();
        for (parts, (column, kind)) in
            columns.iter_mut().zip(batch.columns().iter().zip(&table.kinds))
        {
            parts.push(cast(column, &kind.arrow()).map_err(|error| failed(error.to_string()))?);
        }
    }
    if table.scalar && rows > 1 {
        return Err(failed("a subquery used as a value has several rows".to_owned()));
    }
    let columns = columns.into_iter().zip(&table.kinds).map(|(parts, kind)| {
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        match (rows, table.scalar) {
            (0, true) => Ok(new_null_array(&kind.arrow(), 1)),
            (0, false) => Ok(new_empty_array(&kind.arrow())),
            _ => concat(&parts),
        }
    });
    let columns = columns.collect::<Result<Vec<_>, _>>();
    let options =
        RecordBatchOptions::new().with_row_count(Some(if table.scalar { 1 } else { rows }));
    columns
        .and_then(|columns| RecordBatch::try_new_with_options(schema, columns, &options))
        .map_err(|_| QueryError::bug("a derived table does not fit its types"))
}

/// The visible numbers that are computed from noisy values, and not such values themselves. None over
/// rows that were computed before: their noise would not be imagined again.
fn derived(above: &LogicalPlan, carried: &Carried) -> Vec<usize> {
    if ends::reads_seen(above) {
        return Vec::new();
    }
    let free = lineage::free_of_noise(above);
    let fields = above.schema().fields();
    (0..carried.visible)
        .filter(|position| {
            fields[*position].data_type().is_numeric()
                && !free[*position]
                && !carried.intervals.contains_key(position)
        })
        .collect()
}

/// Puts released and public tables in the place of placeholders and planned scans.
fn bind(
    catalogue: &Catalogue,
    files: &Files,
    plan: &LogicalPlan,
    released: &[(&Boundary, Released)],
) -> Result<LogicalPlan, QueryError> {
    let mut failure = None;
    // What was planned as never NULL may be so now.
    let lacks_rows =
        released.iter().any(|(boundary, _)| may_lack_rows(boundary.smallest, boundary.keys.len()));
    let bound = plan.clone().transform_up_with_subqueries(|node| {
        let LogicalPlan::TableScan(scan) = &node else {
            return Ok(match lacks_rows {
                true => Transformed::yes(node.recompute_schema()?),
                false => Transformed::no(node),
            });
        };
        if ends::is_seen(&scan.table_name) {
            return Ok(Transformed::no(node));
        }
        match bound_scan(catalogue, files, scan, released) {
            Ok(plan) => Ok(Transformed::yes(plan)),
            Err(error) => {
                failure.get_or_insert(error);
                Ok(Transformed::no(node))
            }
        }
    });
    match (failure, bound.and_then(|bound| functions::total_above(bound.data))) {
        (Some(error), _) => Err(error),
        (None, Ok(bound)) => Ok(bound),
        (None, Err(_)) => Err(QueryError::bug("released tables cannot be bound")),
    }
}

fn bound_scan(
    catalogue: &Catalogue,
    files: &Files,
    scan: &TableScan,
    released: &[(&Boundary, Released)],
) -> Result<LogicalPlan, QueryError> {
    let Some(index) = release_index(&scan.table_name) else {
        let name = scan.table_name.table();
        let table = catalogue.table(name)?;
        let file = files.get(name).ok_or_else(|| QueryError::bug("an unchecked public table"))?;
        if table.dataset().is_some() {
            return Err(QueryError::bug("owned rows above the boundary"));
        }
        return execute::public_scan(table, file);
    };
    let (boundary, released) =
        released.get(index).ok_or_else(|| QueryError::bug("a boundary was not released"))?;
    let schema = table_schema(boundary);
    let batch = table::shown(boundary, released, Arc::clone(&schema))?;
    let provider = MemTable::try_new(schema, vec![vec![batch]])
        .map_err(|_| QueryError::bug("a released table does not fit its schema"))?;
    TableScanBuilder::new(scan.table_name.clone(), provider_as_source(Arc::new(provider)))
        .with_projection(scan.projection.clone())
        .build()
        .map(LogicalPlan::TableScan)
        .map_err(|_| QueryError::bug("a released table cannot be scanned"))
}

fn table_schema(boundary: &Boundary) -> SchemaRef {
    let kinds: Vec<DataType> = boundary.key_kinds.iter().map(|kind| kind.arrow()).collect();
    let integers: Vec<bool> = boundary.outputs.iter().map(is_integer).collect();
    release_schema(&kinds, &integers, may_lack_rows(boundary.smallest, boundary.keys.len()))
}

/// The public tables that the plan above the boundaries reads.
pub(crate) fn public_tables(above: &LogicalPlan) -> Result<Vec<String>, QueryError> {
    let mut names = Vec::new();
    let walked = above.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && !is_release(&scan.table_name)
        {
            names.push(scan.table_name.table().to_owned());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.map_err(|_| QueryError::bug("a plan cannot be walked"))?;
    Ok(names)
}

/// The boundaries whose released tables a plan reads, by position.
pub(crate) fn releases(above: &LogicalPlan) -> Result<Vec<usize>, QueryError> {
    let mut found = Vec::new();
    let walked = above.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            found.extend(release_index(&scan.table_name));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.map_err(|_| QueryError::bug("a plan cannot be walked"))?;
    Ok(found)
}
