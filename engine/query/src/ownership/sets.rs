//! ROLLUP, CUBE and GROUPING SETS: one boundary for each set of keys.
//!
//! Each set is bounded by itself, because a unit that reaches a group of few keys once may reach
//! several of many keys: totals of cells that were bounded for other keys would not hold the
//! sensitivity of this set. What the sets release is put below each other, with NULL for the keys
//! that a set does not have and the planner's number of the set, from which GROUPING(x) is computed.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, DataFusionError};
use datafusion::logical_expr::{
    Aggregate, Expr, GroupingSet, LogicalPlan, LogicalPlanBuilder, Union, lit,
};
use datafusion::scalar::ScalarValue;

use super::{Half, Refusals, Splitter};
use crate::error::{Place, QueryError, Refusal, RefusalCode};
use crate::plan::Relation;

/// A statement may have so many sets of keys in one GROUP BY: each reads all rows again.
const SETS_MAX: usize = 32;

/// The keys of all sets, and each set by positions among them.
struct Sets {
    keys: Vec<Expr>,
    sets: Vec<Vec<usize>>,
}

impl Sets {
    /// The sets of an aggregate, finer ones before coarser ones where the query does not list them.
    fn of(set: &GroupingSet) -> Self {
        let keys: Vec<Expr> = set.distinct_expr().into_iter().cloned().collect();
        let positions = |exprs: &[Expr]| {
            let mut positions: Vec<usize> =
                exprs.iter().filter_map(|expr| keys.iter().position(|key| key == expr)).collect();
            positions.sort_unstable();
            positions.dedup();
            positions
        };
        let sets = match set {
            GroupingSet::GroupingSets(sets) => sets.iter().map(|set| positions(set)).collect(),
            GroupingSet::Rollup(exprs) => {
                (0..=exprs.len()).rev().map(|length| positions(&exprs[..length])).collect()
            }
            GroupingSet::Cube(exprs) => subsets(exprs).map(|set| positions(&set)).collect(),
        };
        Self { keys, sets }
    }

    /// The planner's number of a set: a bit for each key that it does not have, the last key's lowest.
    fn number(&self, set: &[usize]) -> u64 {
        (0..self.keys.len())
            .filter(|key| !set.contains(key))
            .fold(0, |number, key| number | 1 << (self.keys.len() - 1 - key))
    }
}

/// All subsets, from the whole to the empty one; at most as many as are let in, and one.
fn subsets(exprs: &[Expr]) -> impl Iterator<Item = Vec<Expr>> {
    let count = 1_usize.checked_shl(exprs.len() as u32).unwrap_or(usize::MAX);
    (0..count).rev().take(SETS_MAX + 1).map(move |mask| {
        let kept = |position: &usize| {
            let shift = (exprs.len() - 1 - position) as u32;
            mask.checked_shr(shift).unwrap_or(0) & 1 == 1
        };
        (0..exprs.len()).filter(kept).map(|position| exprs[position].clone()).collect()
    })
}

impl Splitter<'_> {
    /// The boundaries of an aggregate over several sets of keys.
    pub(super) fn grouping_sets(
        &mut self,
        aggregate: &Aggregate,
        set: &GroupingSet,
        input: &Relation,
        schema: &DFSchema,
    ) -> Result<Half, Refusals> {
        if aggregate.aggr_expr.is_empty() {
            return Err(vec![nothing_to_measure()]);
        }
        let sets = Sets::of(set);
        // The number of a set has a bit for each key.
        if sets.keys.len() > u64::BITS as usize {
            return Err(vec![too_wide()]);
        }
        if sets.sets.len() > SETS_MAX {
            return Err(vec![too_many()]);
        }
        let mut refusals: Refusals = Vec::new();
        let mut drafts = Vec::with_capacity(sets.sets.len());
        for set in &sets.sets {
            let part = part(aggregate, &sets, set).map_err(|_| self.bug(malformed()))?;
            match self.draft(&part, input.clone(), schema) {
                Ok(draft) => drafts.push((part, draft)),
                // What is wrong with an aggregate is wrong in every set.
                Err(more) => {
                    for refusal in more {
                        if !refusals.contains(&refusal) {
                            refusals.push(refusal);
                        }
                    }
                }
            }
        }
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let mut kinds = vec![DataType::Null; sets.keys.len()];
        for (set, (_, draft)) in sets.sets.iter().zip(&drafts) {
            for (key, facts) in set.iter().zip(&draft.key_facts) {
                kinds[*key] = facts.kind.arrow();
            }
        }
        let mut parts = Vec::with_capacity(drafts.len());
        for (set, (part, draft)) in sets.sets.iter().zip(drafts) {
            let table = self.boundary(&part, draft)?;
            let shown = beneath_each_other(aggregate, &sets, set, &kinds, table);
            parts.push(Arc::new(shown.map_err(|_| self.bug(malformed()))?));
        }
        all_of(aggregate, parts).map(Half::Public).map_err(|_| self.bug(malformed()))
    }
}

/// The aggregate over one set of keys.
fn part(aggregate: &Aggregate, sets: &Sets, set: &[usize]) -> Result<Aggregate, DataFusionError> {
    let fields: Vec<_> =
        aggregate.schema.iter().map(|(table, field)| (table.cloned(), Arc::clone(field))).collect();
    // Behind the keys stands the number of the set.
    let outputs = sets.keys.len() + 1..fields.len();
    let chosen = set.iter().copied().chain(outputs).map(|position| fields[position].clone());
    let metadata = aggregate.schema.metadata().clone();
    let schema = Arc::new(DFSchema::new_with_metadata(chosen.collect(), metadata)?);
    let keys = set.iter().map(|key| sets.keys[*key].clone()).collect();
    let input = Arc::clone(&aggregate.input);
    Aggregate::try_new_with_schema(input, keys, aggregate.aggr_expr.clone(), schema)
}

/// A set's released table with the columns of the whole aggregate.
fn beneath_each_other(
    aggregate: &Aggregate,
    sets: &Sets,
    set: &[usize],
    kinds: &[DataType],
    table: LogicalPlan,
) -> Result<LogicalPlan, DataFusionError> {
    let keys = sets.keys.len();
    let number = ScalarValue::UInt64(Some(sets.number(set)));
    let mut released = table.schema().columns().into_iter().map(Expr::Column);
    let mut columns = Vec::with_capacity(aggregate.schema.fields().len());
    for (position, (qualifier, field)) in aggregate.schema.iter().enumerate() {
        let column = if position == keys {
            lit(number.cast_to(field.data_type())?)
        } else if position < keys && !set.contains(&position) {
            lit(ScalarValue::try_from(&kinds[position])?)
        } else {
            released.next().ok_or_else(|| DataFusionError::Internal("a missing column".into()))?
        };
        columns.push(column.alias_qualified(qualifier.cloned(), field.name()));
    }
    LogicalPlanBuilder::new(table).project(columns)?.build()
}

/// All sets below each other, under the names of the whole aggregate.
fn all_of(
    aggregate: &Aggregate,
    parts: Vec<Arc<LogicalPlan>>,
) -> Result<LogicalPlan, DataFusionError> {
    if let [only] = parts.as_slice() {
        return Ok(only.as_ref().clone());
    }
    let union = LogicalPlan::Union(Union::try_new(parts)?);
    let columns: Vec<Expr> = union
        .schema()
        .columns()
        .into_iter()
        .zip(aggregate.schema.iter())
        .map(|(column, (qualifier, field))| {
            Expr::Column(column).alias_qualified(qualifier.cloned(), field.name())
        })
        .collect();
    LogicalPlanBuilder::new(union).project(columns)?.build()
}

fn too_many() -> Refusal {
    Refusal::new(
        RefusalCode::Keys,
        "ROLLUP, CUBE or GROUPING SETS",
        format!(
            "it has more than {SETS_MAX} sets of keys, and each is a private aggregate of its own, \
             bounded, drawn and paid for by itself"
        ),
        "name the sets that are wanted: GROUP BY GROUPING SETS ((a, b), (a), ())",
    )
    .at(Place::In("GROUP BY"))
}

fn too_wide() -> Refusal {
    Refusal::new(
        RefusalCode::Keys,
        "ROLLUP, CUBE or GROUPING SETS",
        format!("it has more than {} keys", u64::BITS),
        "name fewer keys: GROUP BY GROUPING SETS ((a, b), (a), ())",
    )
    .at(Place::In("GROUP BY"))
}

fn nothing_to_measure() -> Refusal {
    Refusal::new(
        RefusalCode::Aggregate,
        "ROLLUP, CUBE or GROUPING SETS without an aggregate",
        "a set without keys would measure nothing",
        "add COUNT(DISTINCT unit), or GROUP BY the keys alone",
    )
    .at(Place::In("GROUP BY"))
}

fn malformed() -> QueryError {
    QueryError::bug("sets of keys cannot be put below each other")
}
