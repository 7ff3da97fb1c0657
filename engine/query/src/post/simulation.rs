//! Intervals of values that are computed from several noisy ones: the noise is imagined again and
//! again around what was released, and each time the value is computed anew.
//!
//! The draws are seeded by the hash of the sealed bytes, so that every replay shows the same
//! intervals, and never come from the stream that releases draw from.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::arrow::row::{RowConverter, Rows, SortField};
use datafusion::catalog::MemTable;
use datafusion::common::DataFusionError;
use datafusion::common::tree_node::Transformed;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::collect;
use datafusion::prelude::SessionContext;
use voilage_privacy::source::Simulation;

use super::carry::Carried;
use super::consistent::adjust;
use super::{release_index, table, table_schema};
use crate::answer::Interval;
use crate::error::QueryError;
use crate::plan::{Boundary, OutputColumn};
use crate::release::Released;

/// How often the noise is imagined. Together with [`MISSES`] on either side it makes 95%: of 200
/// values in random order, one is among the five smallest with probability 2.5%.
pub(super) const REPLICAS: usize = 199;

/// How many imagined values lie outside on either side, the ends included.
const MISSES: usize = 5;

/// The smallest number of replicas with ends at 95%: of 40 values, one is the smallest with
/// probability 2.5%. Huge tables are imagined no oftener, and a row that appears more rarely has no
/// interval.
const REPLICAS_MIN: usize = 39;

/// More cells than this, in all boundaries together, are a huge table.
const CELLS_MAX: usize = 20_000;

/// A standard normal lies between this and its negative in 95% of draws.
const HALF_WIDTH: f64 = 1.96;

/// The ends of the interval that the imagined values leave when the outermost ones are cut off.
pub(super) fn ends(imagined: &mut [f64]) -> (f64, f64) {
    imagined.sort_unstable_by(f64::total_cmp);
    let cut = (imagined.len() + 1) * MISSES / (REPLICAS + 1);
    match (cut.checked_sub(1), imagined.len().checked_sub(cut)) {
        (Some(low), Some(high)) => (imagined[low], imagined[high]),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

/// The intervals of some columns of an answer, from answers with imagined noise.
///
/// `answer` is the whole answer with its hidden columns; `plan` is the plan that imagines it, over
/// the released tables.
pub(super) async fn intervals(
    context: &SessionContext,
    answer: (&Carried, &RecordBatch),
    plan: (&Carried, LogicalPlan),
    columns: &[usize],
    released: &[(&Boundary, Released)],
) -> Result<Vec<Interval>, QueryError> {
    let bug = |_| QueryError::bug("the noise cannot be imagined");
    let (carried, batch) = answer;
    let (imagined, plan) = plan;
    let known = rows(carried, batch)?;
    let mut seen = vec![vec![Vec::new(); batch.num_rows()]; columns.len()];
    let row_of = row_of(&known, batch.num_rows());
    let state = context.state();
    let plan = state.optimize(&plan).map_err(bug)?;
    for replica in replicas(released) {
        let plan = over(&plan, &replica)?;
        let physical =
            state.query_planner().create_physical_plan(&plan, &state).await.map_err(bug)?;
        // A value that fails for some noise, such as a division by zero, is one that has no end.
        let Ok(batches) = collect(physical, state.task_ctx()).await else { continue };
        for batch in &batches {
            note(imagined, batch, &row_of, columns, &mut seen)?;
        }
    }
    columns
        .iter()
        .zip(&mut seen)
        .map(|(column, seen)| Ok(interval(&floats(batch.column(*column))?, seen)))
        .collect()
}

/// From the bytes that say which row a row is to its position; a row that is not alone with its
/// bytes is not in it.
fn row_of(rows: &Option<Rows>, count: usize) -> HashMap<Vec<u8>, usize> {
    let mut positions: HashMap<Vec<u8>, Option<usize>> = HashMap::new();
    for position in 0..count {
        let bytes =
            rows.as_ref().map_or_else(Vec::new, |rows| rows.row(position).as_ref().to_vec());
        positions.entry(bytes).and_modify(|known| *known = None).or_insert(Some(position));
    }
    positions.into_iter().filter_map(|(bytes, position)| Some((bytes, position?))).collect()
}

/// Adds the values of an imagined answer to those of the rows they belong to.
fn note(
    imagined: &Carried,
    batch: &RecordBatch,
    row_of: &HashMap<Vec<u8>, usize>,
    columns: &[usize],
    seen: &mut [Vec<Vec<f64>>],
) -> Result<(), QueryError> {
    let known = rows(imagined, batch)?;
    for (column, seen) in columns.iter().zip(seen) {
        let values = floats(batch.column(*column))?;
        for row in 0..batch.num_rows() {
            let bytes: &[u8] = known.as_ref().map_or(&[], |rows| rows.row(row).data());
            if let Some(position) = row_of.get(bytes)
                && values.is_valid(row)
                && !values.value(row).is_nan()
            {
                seen[*position].push(values.value(row));
            }
        }
    }
    Ok(())
}

/// What says which row a row is; nothing where all rows are one.
fn rows(carried: &Carried, batch: &RecordBatch) -> Result<Option<Rows>, QueryError> {
    if carried.row.is_empty() {
        return Ok(None);
    }
    let bug = |_| QueryError::bug("rows cannot be recognised");
    let columns: Vec<ArrayRef> =
        carried.row.iter().map(|position| Arc::clone(batch.column(*position))).collect();
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
    let converter = RowConverter::new(fields).map_err(bug)?;
    converter.convert_columns(&columns).map(Some).map_err(bug)
}

fn floats(column: &ArrayRef) -> Result<Float64Array, QueryError> {
    let column =
        cast(column, &DataType::Float64).map_err(|_| QueryError::bug("a number cannot be read"))?;
    Ok(column.as_primitive::<Float64Type>().clone())
}

/// Intervals that always hold the value itself; none for a row that was imagined too rarely.
fn interval(values: &Float64Array, seen: &mut [Vec<f64>]) -> Interval {
    let ends: Vec<Option<(f64, f64)>> = seen
        .iter_mut()
        .enumerate()
        .map(|(row, seen)| {
            let value = values.is_valid(row).then(|| values.value(row))?;
            (seen.len() >= REPLICAS_MIN).then_some(())?;
            let (low, high) = ends(seen);
            Some((low.min(value), high.max(value)))
        })
        .collect();
    Interval {
        low: ends.iter().map(|ends| ends.map(|ends| ends.0)).collect(),
        high: ends.iter().map(|ends| ends.map(|ends| ends.1)).collect(),
    }
}

/// The released tables with other noise, again and again.
fn replicas<'a>(
    released: &'a [(&'a Boundary, Released)],
) -> impl Iterator<Item = Vec<(&'a Boundary, Released)>> {
    let cells: usize = released.iter().map(|(_, table)| table.keys.num_rows()).sum();
    let count = if cells > CELLS_MAX { REPLICAS_MIN } else { REPLICAS };
    let mut simulations: Vec<Simulation> =
        released.iter().map(|(_, table)| Simulation::from_hash(table.seed)).collect();
    (0..count).map(move |_| {
        let tables = released.iter().zip(&mut simulations);
        let mut tables: Vec<_> = tables
            .map(|((boundary, table), simulation)| (*boundary, again(boundary, table, simulation)))
            .collect();
        if released.iter().any(|(_, table)| !table.consistent.is_empty()) {
            adjust(&mut tables);
        }
        tables
    })
}

fn again(boundary: &Boundary, table: &Released, simulation: &mut Simulation) -> Released {
    let noisy = boundary.noisy.iter().zip(&table.noisy).map(|(column, seen)| {
        let noise = simulation.draws(&column.noise, seen.len());
        seen.iter().zip(noise).map(|(seen, noise)| seen.saturating_add(noise)).collect()
    });
    let noisy = noisy.collect();
    // Other noise would have led a search to other questions, whose answers nobody knows; what it
    // found is moved instead, so that 95% of the places are within its interval.
    let moved = boundary.outputs.iter().map(|output| match output {
        OutputColumn::Quantile { .. } => {
            let draws = simulation.standard_normals(table.keys.num_rows());
            draws.into_iter().map(|draw| draw / HALF_WIDTH).collect()
        }
        OutputColumn::Count { .. }
        | OutputColumn::Sum { .. }
        | OutputColumn::Mean { .. }
        | OutputColumn::Spread { .. } => Vec::new(),
    });
    let moved = moved.collect();
    Released {
        keys: table.keys.clone(),
        noisy,
        seed: table.seed,
        moved,
        cut: table.cut,
        consistent: Vec::new(),
    }
}

/// The same plan over other released tables.
fn over(plan: &LogicalPlan, released: &[(&Boundary, Released)]) -> Result<LogicalPlan, QueryError> {
    let bug = |_| QueryError::bug("imagined tables cannot be bound");
    let mut sources = Vec::with_capacity(released.len());
    for (boundary, table) in released {
        let schema = table_schema(boundary);
        let batch = table::imagined(boundary, table, Arc::clone(&schema))?;
        let provider = MemTable::try_new(schema, vec![vec![batch]]).map_err(bug)?;
        sources.push(provider_as_source(Arc::new(provider)));
    }
    let bound = plan.clone().transform_up_with_subqueries(|node| {
        let LogicalPlan::TableScan(mut scan) = node else { return Ok(Transformed::no(node)) };
        let Some(source) = release_index(&scan.table_name).and_then(|index| sources.get(index))
        else {
            return Ok(Transformed::no(LogicalPlan::TableScan(scan)));
        };
        scan.source = Arc::clone(source);
        Ok::<_, DataFusionError>(Transformed::yes(LogicalPlan::TableScan(scan)))
    });
    bound.map(|bound| bound.data).map_err(bug)
}

#[cfg(test)]
mod tests {
    use voilage_privacy::Rational;
    use voilage_privacy::mechanism::{DiscreteGaussian, DiscreteLaplace, Noise};

    use super::*;

    /// How often the interval around a function of noisy values holds the function of the exact ones,
    /// over `N` = 10,000 releases. The share has a standard deviation of 0.22%; 94% to 96% are more than
    /// four of them away, so that a sound interval fails once in 10^5 seeds, and the seed is fixed.
    /// Intervals that are 8% too narrow (93.3%) are noticed with probability above 0.99.
    fn check(exact: &[i128], noise: Noise, of: impl Fn(&[f64]) -> f64) {
        const N: usize = 10_000;
        let mut releases = Simulation::from_hash([1; 32]);
        let mut imagination = Simulation::from_hash([2; 32]);
        let value = |around: &[i128], draws: &[i128]| {
            let noisy: Vec<f64> = around.iter().zip(draws).map(|(a, b)| (a + b) as f64).collect();
            of(&noisy)
        };
        let truth = value(exact, &vec![0; exact.len()]);
        let mut covered = 0;
        for _ in 0..N {
            let noise_drawn = releases.draws(&noise, exact.len());
            let seen: Vec<i128> = exact.iter().zip(&noise_drawn).map(|(a, b)| a + b).collect();
            let mut imagined: Vec<f64> = (0..REPLICAS)
                .map(|_| value(&seen, &imagination.draws(&noise, exact.len())))
                .collect();
            let (low, high) = ends(&mut imagined);
            covered += usize::from(low <= truth && truth <= high);
        }
        let share = covered as f64 / N as f64;
        assert!((0.94..=0.96).contains(&share), "covers {share}");
    }

    #[test]
    fn ninety_five_percent_of_derived_values_are_covered() {
        let gaussian = Noise::Gaussian(DiscreteGaussian::with_scale(&Rational::from(40)).unwrap());
        let laplace = Noise::Laplace(DiscreteLaplace::with_scale(&Rational::from(30)).unwrap());
        let exact = [1_500, 900, 400];
        for noise in [gaussian, laplace] {
            check(&exact, noise, |noisy| noisy[1] / noisy[0]);
            check(&exact, noise, |noisy| noisy[0] - noisy[1]);
            check(&exact, noise, |noisy| noisy[2] / noisy.iter().sum::<f64>());
            // The first of a ranking whose places are apart.
            check(&exact, noise, |noisy| noisy.iter().copied().fold(f64::MIN, f64::max));
        }
    }

    #[test]
    fn the_outermost_values_are_cut_off() {
        let mut imagined: Vec<f64> = (1..=199).rev().map(f64::from).collect();
        assert_eq!(ends(&mut imagined), (5.0, 195.0));
        let mut few: Vec<f64> = (1..=39).map(f64::from).collect();
        assert_eq!(ends(&mut few), (1.0, 39.0));
        assert_eq!(ends(&mut []), (f64::NEG_INFINITY, f64::INFINITY));
    }
}
