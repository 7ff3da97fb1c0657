//! Execution below the boundary: DataFusion scans, filters and joins; the kernel bounds and sums.
//!
//! Only a durable charge opens this door: [`totals`] takes the [`Attempt`] that the ledger gave.

mod check;
mod enforce;
mod evaluate;
mod intake;
mod joins;
mod measures;
mod moments;
mod per_unit;
mod raise;
mod resources;
mod spill;
mod windows;

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::scalar::ScalarValue;
use voilage_budgets::Attempt;
use voilage_kernels::{BoundingPlan, Keys, Measure, Totals, ValueColumn};

pub(crate) use evaluate::evaluate;
pub(crate) use measures::Measures;
pub(crate) use raise::public_scan;
pub(crate) use resources::Resources;
use spill::SpillFolder;

use crate::catalogue::TableFile;
use crate::error::QueryError;
use crate::plan::{Boundary, KeyDomain, Node, Relation, Type, Value, Written};
use crate::session;

/// The checked files of a statement's tables, by table name.
pub(crate) type Files = BTreeMap<String, TableFile>;

/// Public tables computed from what has been released so far, by their position in the plan.
pub(crate) type Derived = BTreeMap<usize, RecordBatch>;

/// What the scans of one boundary read.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    pub(crate) files: &'a Files,
    pub(crate) derived: &'a Derived,
}

/// Why an execution ended without totals. The detail is for the operator only.
pub(crate) enum Failure {
    /// A mistake of the engine, found before a row was read.
    Bug(QueryError),
    /// Reading the data failed.
    Data(String),
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Self::Bug(error)
    }
}

/// Reads the owned rows of one boundary and returns its exact bounded totals.
pub(crate) async fn totals(
    _paid: &Attempt,
    boundary: &Boundary,
    rank_key: [u8; 16],
    sources: Sources<'_>,
    resources: &Resources,
) -> Result<Totals, Failure> {
    let plan = raise::boundary(boundary, sources)?;
    let folder = Arc::new(SpillFolder::new(&resources.spill));
    let joins_owned = joins_owned(&boundary.input);
    let disk = if joins_owned || sorts(&boundary.input) {
        // Sort-merge joins, features and windows sort on disk when they must.
        Some(folder.path().map_err(|error| Failure::Data(error.to_string()))?)
    } else {
        None
    };
    let texts = Written::of_boundary(boundary).texts;
    let mut state = session::executing(joins_owned, texts, resources.joins_bytes(), disk)?;
    let sorted = sorted_by_unit(&boundary.input, sources.files);
    // Where partitions take parts of the file from each other, rows leave its order.
    let options = state.config_mut().options_mut();
    options.execution.enable_file_stream_work_stealing &= !sorted;
    let bug = |what: &str| Failure::Bug(QueryError::bug(what));
    let optimized = state
        .optimizer()
        .optimize(plan, &state, |_, _| {})
        .map_err(|_| bug("a private plan cannot be optimized"))?;
    let physical = state
        .query_planner()
        .create_physical_plan(&optimized, &state)
        .await
        .map_err(|_| bug("a private plan cannot be made physical"))?;
    check::total(&physical)?;
    if joins_owned {
        check::spills(&physical)?;
    }
    per_unit::known(&physical)?;
    let keys = keys(boundary)?;
    let bounding = bounding(boundary, rank_key, keys.clone(), Measures::of(boundary)?.kernel);
    let context = state.task_ctx();
    let bounded = intake::bounded(physical, &context, bounding, resources, &folder, sorted).await?;
    if let Some((table, _)) = sources.files.iter().find(|(_, file)| !file.is_unchanged()) {
        return Err(Failure::Data(format!("the file of table {table} changed while it was read")));
    }
    bounded.cells(&keys).map_err(intake::kernel)
}

fn bounding(
    boundary: &Boundary,
    rank_key: [u8; 16],
    keys: Keys,
    measures: Vec<Measure>,
) -> BoundingPlan {
    let values = boundary
        .values
        .iter()
        .map(|value| match value.grid {
            _ if value.distinct => ValueColumn::Distinct,
            Some(grid) => ValueColumn::Grid(grid),
            None => ValueColumn::Presence,
        })
        .collect();
    BoundingPlan {
        max_groups: boundary.max_groups,
        max_rows_per_group: boundary.max_rows_per_group,
        rank_key,
        keys,
        values,
        measures,
    }
}

fn keys(boundary: &Boundary) -> Result<Keys, QueryError> {
    match &boundary.domain {
        KeyDomain::Public(domains) => public_cells(domains, &boundary.key_kinds).map(Keys::Public),
        KeyDomain::Learned { .. } => Ok(Keys::Learned),
    }
}

/// The tuples of a public domain, the last key changing fastest.
pub(crate) fn public_cells(
    domains: &[Vec<Value>],
    kinds: &[Type],
) -> Result<RecordBatch, QueryError> {
    let cells: usize = domains.iter().map(Vec::len).product();
    let malformed = |_| QueryError::bug("the public keys are malformed");
    let mut fields = Vec::with_capacity(domains.len());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(domains.len());
    let mut repeat = cells;
    for (position, (domain, kind)) in domains.iter().zip(kinds).enumerate() {
        repeat /= domain.len().max(1);
        let values = (0..cells).map(|cell| domain[cell / repeat % domain.len()].scalar());
        let column = if cells == 0 {
            ScalarValue::iter_to_array([Value::Null(*kind).scalar()]).map(|array| array.slice(0, 0))
        } else {
            ScalarValue::iter_to_array(values)
        };
        columns.push(column.map_err(|_| QueryError::bug("the public keys are malformed"))?);
        fields.push(Field::new(format!("k{position}"), kind.arrow(), true));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(cells));
    let schema = Arc::new(Schema::new(fields));
    RecordBatch::try_new_with_options(schema, columns, &options).map_err(malformed)
}

/// Whether the rows of a relation are said to come sorted by their unit.
fn sorted_by_unit(relation: &Relation, files: &Files) -> bool {
    match &relation.node {
        Node::Scan { table, .. } => files.get(table).is_some_and(TableFile::sorted_by_unit),
        Node::Filter { input, .. } | Node::Project { input, .. } => sorted_by_unit(input, files),
        Node::Join { .. }
        | Node::Path { .. }
        | Node::Union { .. }
        | Node::PerUnit { .. }
        | Node::Window { .. }
        | Node::Derived { .. } => false,
    }
}

/// Whether rows of one unit are brought together, which may need more room than there is memory.
fn sorts(relation: &Relation) -> bool {
    matches!(relation.node, Node::PerUnit { .. } | Node::Window { .. })
        || relation.inputs().into_iter().any(sorts)
}

/// Whether rows of people are joined with rows of people, or with the owners of their keys.
fn joins_owned(relation: &Relation) -> bool {
    let here = match &relation.node {
        Node::Join { left, right, .. } => left.is_owned() && right.is_owned(),
        Node::Path { .. } => true,
        Node::Scan { .. }
        | Node::Filter { .. }
        | Node::Project { .. }
        | Node::Union { .. }
        | Node::PerUnit { .. }
        | Node::Window { .. }
        | Node::Derived { .. } => false,
    };
    here || relation.inputs().into_iter().any(joins_owned)
}
