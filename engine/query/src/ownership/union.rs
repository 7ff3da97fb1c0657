//! UNION ALL of owned relations: each row stays its unit's, whichever input it comes from.

use datafusion::logical_expr::LogicalPlan;

use super::{Half, Refusals, Splitter, not_yet};
use crate::error::{Refusal, RefusalCode};
use crate::plan::{ColumnFacts, Node, Owner, Relation};

impl Splitter<'_> {
    pub(super) fn union(
        &mut self,
        plan: &LogicalPlan,
        halves: Vec<Half>,
    ) -> Result<Half, Refusals> {
        let mut owned = Vec::new();
        let mut public = Vec::new();
        for half in halves {
            match half {
                Half::Owned(relation) => owned.push(relation),
                Half::Public(plan) => public.push(plan),
            }
        }
        if owned.is_empty() {
            return self.public(plan, public);
        }
        if !public.is_empty() {
            return Err(vec![not_yet(
                "UNION of rows of individuals with public rows",
                "the public rows belong to nobody, so they cannot be counted beside people's",
                "aggregate the rows of individuals first, and UNION ALL above the aggregate",
            )]);
        }
        let names: Vec<&String> = plan.schema().fields().iter().map(|field| field.name()).collect();
        let mut columns: Vec<ColumnFacts> = owned[0].columns.clone();
        for (column, name) in columns.iter_mut().zip(names) {
            column.name.clone_from(name);
        }
        let mut owner = owned[0].owner.clone();
        for input in &owned[1..] {
            if input.kinds() != owned[0].kinds() {
                return Err(vec![Refusal::new(
                    RefusalCode::OwnedOperation,
                    "UNION ALL of columns of different types",
                    "a column holds values of one type",
                    "cast the columns of one side, so that both sides have the same types",
                )]);
            }
            if owner.dataset() != input.owner.dataset() {
                return Err(vec![Refusal::new(
                    RefusalCode::OwnedOperation,
                    "UNION ALL of rows of two datasets",
                    "each of its rows would be of a person of one or the other, and nobody is in both",
                    "aggregate the rows of each dataset first, and UNION ALL above the aggregates",
                )]);
            }
            owner = wider(owner, &input.owner);
            for (column, other) in columns.iter_mut().zip(&input.columns) {
                // By position: the unit of both, or no unit at all.
                column.is_unit &= other.is_unit;
                column.domain = column.domain.clone().or(other.domain.clone());
            }
        }
        Ok(Half::Owned(Relation { node: Node::Union { inputs: owned }, columns, owner }))
    }
}

/// The owner of rows that come from two relations of one dataset: the larger default bounds.
pub(super) fn wider(left: Owner, right: &Owner) -> Owner {
    match (left, right) {
        (
            Owner::Unit { dataset, max_groups, max_rows_per_group },
            Owner::Unit { max_groups: other_groups, max_rows_per_group: other_rows, .. },
        ) => Owner::Unit {
            dataset,
            max_groups: max_groups.max(*other_groups),
            max_rows_per_group: max_rows_per_group.max(*other_rows),
        },
        (left, _) => left,
    }
}
