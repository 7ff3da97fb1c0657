//! DataFusion sessions that know only what the allow-list names.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::functions_aggregate::all_default_aggregate_functions;
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::catalogue::{Catalogue, TableEntry};
use crate::error::QueryError;
use crate::functions;
use crate::ranking;

/// Queries may nest so deep.
pub(crate) const DEPTH_MAX: usize = 50;

/// With shorter batches, what is done once for each batch would be most of the work.
const BATCH_ROWS_MIN: usize = 256;

/// What follows a release may use so much memory.
const MEMORY_BYTES: usize = 1 << 30;

/// A session that can plan questions and run what follows a release, but reads no file: its
/// tables have the catalogue's schema and no rows.
///
/// Functions are registered one by one: the umbrella crate's defaults would bring `random`, `now`
/// and functions that read files.
pub(crate) fn planning(catalogue: &Catalogue) -> Result<SessionContext, QueryError> {
    let state = state(true, MEMORY_BYTES, None)?;
    let context = SessionContext::new_with_state(state);
    for table in &catalogue.tables {
        let empty: Arc<dyn TableProvider> = Arc::new(EmptyTable::new(planned_schema(table)));
        context
            .register_table(table.name.as_str(), empty)
            .map_err(|_| QueryError::bug(format!("table {} cannot be registered", table.name)))?;
    }
    Ok(context)
}

/// A session that executes below the boundary.
///
/// Joins between owned relations are sort-merge joins, because hash joins do not spill. They spill
/// into `disk`; without it nothing may be written. Where `texts` expressions give text for each row,
/// batches are so short that all of it takes no more room than one text column of file rows.
pub(crate) fn executing(
    joins_owned: bool,
    texts: usize,
    memory_bytes: usize,
    disk: Option<PathBuf>,
) -> Result<SessionState, QueryError> {
    let mut state = state(!joins_owned, memory_bytes, disk)?;
    let config = state.config_mut();
    let rows = (config.batch_size() / texts.next_power_of_two()).max(BATCH_ROWS_MIN);
    // On one partition the planner would take hash joins, whatever it is told.
    let partitions = config.target_partitions().max(2);
    *config = config.clone().with_batch_size(rows).with_target_partitions(partitions);
    Ok(state)
}

fn state(
    prefer_hash_join: bool,
    memory_bytes: usize,
    disk: Option<PathBuf>,
) -> Result<SessionState, QueryError> {
    let mut config = SessionConfig::new()
        .with_information_schema(false)
        .with_create_default_catalog_and_schema(true)
        .with_collect_statistics(false);
    let options = config.options_mut();
    options.sql_parser.map_string_types_to_utf8view = false;
    options.sql_parser.collect_spans = true;
    options.execution.parquet.schema_force_view_types = false;
    options.optimizer.prefer_hash_join = prefer_hash_join;
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(memory_bytes)))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(match disk {
            Some(folder) => DiskManagerMode::Directories(vec![folder]),
            None => DiskManagerMode::Disabled,
        }))
        .build_arc()
        .map_err(|_| QueryError::bug("no execution environment"))?;
    // Ours first: the defaults would give syntax to functions that can fail.
    let mut expr_planners: Vec<Arc<dyn ExprPlanner>> = vec![Arc::new(functions::Syntax)];
    expr_planners.extend(SessionStateDefaults::default_expr_planners());
    Ok(SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_expr_planners(expr_planners)
        .with_type_planner(Arc::new(functions::Types))
        .with_scalar_functions(functions::registered())
        .with_aggregate_functions(all_default_aggregate_functions())
        .with_window_functions(ranking::window_functions())
        .build())
}

fn planned_schema(table: &TableEntry) -> SchemaRef {
    let fields: Vec<Field> = table
        .columns
        .iter()
        .map(|column| Field::new(&column.name, column.kind.arrow(), true))
        .collect();
    Arc::new(Schema::new(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On one partition the planner takes hash joins, which do not spill, whatever it prefers.
    #[test]
    fn people_are_joined_on_disk_also_on_one_processor() {
        let state = executing(true, 0, 1 << 20, None).unwrap();
        assert!(state.config().target_partitions() >= 2);
        assert!(!state.config().options().optimizer.prefer_hash_join);
    }

    #[test]
    fn batches_are_short_where_many_texts_are_computed() {
        let rows = |texts| executing(false, texts, 1 << 20, None).unwrap().config().batch_size();
        assert_eq!([0, 1, 2, 5, 32].map(rows), [8_192, 8_192, 4_096, 1_024, 256]);
    }
}
