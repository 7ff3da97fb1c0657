//! What stands for rows that were refused, so that whatever is said about them above is looked at too,
//! and all refusals of a statement come together.
//!
//! Nothing of this is ever planned, priced or computed: once something stands in, the statement has been
//! refused. What is known of a stand-in is only hoped for, so of the refusals above it those are
//! dropped that depend on what is known: on ranges, on units, on whose rows these are.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Aggregate, EmptyRelation, Expr, LogicalPlan};
use std::sync::Arc;

use super::{Half, Refusals, Splitter};
use crate::catalogue::TableEntry;
use crate::error::{Refusal, RefusalCode};
use crate::plan::{ColumnFacts, Domain, Node, Owner, Relation, Type};

impl Splitter<'_> {
    /// Decides about one node. Where it is refused, the refusals are noted and something like its rows
    /// stands in; where nothing can, they are the result.
    pub(super) fn half(&mut self, plan: &LogicalPlan) -> Result<Half, Refusals> {
        let refusals = match self.decide(plan) {
            Ok(half) => return Ok(half),
            Err(refusals) if self.bug.is_some() => return Err(refusals),
            Err(refusals) => refusals,
        };
        let Some(half) = self.stand_in(plan) else { return Err(refusals) };
        self.stands_in = true;
        for refusal in refusals {
            self.note(refusal);
        }
        Ok(half)
    }

    /// What is said about rows of which some may only stand in.
    pub(super) fn about<T>(
        &mut self,
        hoped_for: bool,
        say: impl FnOnce(&mut Self) -> Result<T, Refusals>,
    ) -> Result<T, Refusals> {
        let known = self.noted.borrow().len();
        let said = say(self);
        if !hoped_for {
            return said;
        }
        let mut noted = self.noted.borrow_mut();
        let more: Refusals = noted.split_off(known);
        noted.extend(certain(more));
        said.map_err(certain)
    }

    /// Whether something of a half only stands in.
    pub(super) fn is_hoped_for(&self, half: &Half) -> bool {
        self.stands_in && match half {
            Half::Owned(relation) => stands_in(relation),
            Half::Public(plan) => plan
                .exists(|node| {
                    Ok(matches!(node, LogicalPlan::EmptyRelation(empty) if !empty.produce_one_row))
                })
                .unwrap_or(true),
        }
    }

    fn stand_in(&self, plan: &LogicalPlan) -> Option<Half> {
        let is_query = !matches!(
            plan,
            LogicalPlan::Statement(_)
                | LogicalPlan::Explain(_)
                | LogicalPlan::Analyze(_)
                | LogicalPlan::Extension(_)
                | LogicalPlan::Dml(_)
                | LogicalPlan::Ddl(_)
                | LogicalPlan::Copy(_)
                | LogicalPlan::DescribeTable(_)
                | LogicalPlan::RecursiveQuery(_)
                | LogicalPlan::Unnest(_)
        );
        if !is_query {
            return None;
        }
        let tables = self.tables(plan);
        if !self.is_owned(plan) {
            let schema = Arc::clone(plan.schema());
            let empty = EmptyRelation { produce_one_row: false, schema };
            return Some(Half::Public(LogicalPlan::EmptyRelation(empty)));
        }
        let columns = plan.schema().fields().iter().map(|field| {
            // A list can be counted, whatever it holds. With any other type the planner has put
            // conversions into what is above, which nobody has asked for.
            let is_list = matches!(field.data_type(), DataType::List(_));
            let kind = Type::from_arrow(field.data_type()).or(is_list.then_some(Type::Text))?;
            // Bounds that any sum could have.
            let domain = match kind {
                Type::Int64 => Domain::integers(Some(0), Some(1_000_000), true),
                Type::Float64 => Domain::floats(0.0, 1_000_000.0, true),
                Type::Bool | Type::Text | Type::Date | Type::Timestamp => Domain::unknown(),
            };
            let is_unit = tables.iter().any(|table| unit(table) == Some(field.name()));
            Some(ColumnFacts { name: field.name().clone(), kind, domain, is_unit })
        });
        let columns = columns.collect::<Option<_>>()?;
        let node = Node::Union { inputs: Vec::new() };
        let dataset = self.dataset.to_owned();
        let owner = Owner::Unit { dataset, max_groups: 1, max_rows_per_group: 1 };
        Some(Half::Owned(Relation { node, columns, owner }))
    }

    /// The tables that a plan scans.
    fn tables(&self, plan: &LogicalPlan) -> Vec<&TableEntry> {
        let mut tables = Vec::new();
        let walked = plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node {
                tables.extend(self.catalogue.table(scan.table_name.table()));
            }
            Ok(TreeNodeRecursion::Continue)
        });
        // A walk that fails has found fewer units, and fewer refusals.
        if walked.is_err() { Vec::new() } else { tables }
    }

    /// Whether a plan would show rows of people, if nothing of it were refused.
    fn is_owned(&self, plan: &LogicalPlan) -> bool {
        match plan {
            LogicalPlan::TableScan(scan) => self
                .catalogue
                .table(scan.table_name.table())
                .is_ok_and(|table| table.dataset().is_some()),
            LogicalPlan::Aggregate(aggregate) => {
                self.keeps_a_unit(aggregate) && self.is_owned(&aggregate.input)
            }
            other => other.inputs().into_iter().any(|input| self.is_owned(input)),
        }
    }

    /// Whether an aggregate is grouped by a column that is called like a unit.
    fn keeps_a_unit(&self, aggregate: &Aggregate) -> bool {
        let tables = self.tables(&aggregate.input);
        aggregate.group_expr.iter().any(|expr| match expr {
            Expr::Column(column) => tables.iter().any(|table| unit(table) == Some(&column.name)),
            _ => false,
        })
    }
}

fn unit(table: &TableEntry) -> Option<&String> {
    table.unit_column().map(|position| &table.columns[position].name)
}

fn stands_in(relation: &Relation) -> bool {
    match &relation.node {
        Node::Union { inputs } if inputs.is_empty() => true,
        _ => relation.inputs().into_iter().any(stands_in),
    }
}

/// The refusals that do not depend on what is known of rows.
fn certain(refusals: Refusals) -> Refusals {
    let certain = |refusal: &Refusal| match refusal.code {
        // Whether distinct units or distinct values are counted depends on what the unit is.
        RefusalCode::Aggregate => !refusal.subject.contains("DISTINCT"),
        RefusalCode::Expression
        | RefusalCode::UnknownTable
        | RefusalCode::UnknownColumn
        | RefusalCode::ForeignTable
        | RefusalCode::Statement
        | RefusalCode::Parameter
        | RefusalCode::Syntax => true,
        RefusalCode::OwnedOperation
        | RefusalCode::UnitJoin
        | RefusalCode::OwnedResult
        | RefusalCode::MissingBounds
        | RefusalCode::Keys => false,
    };
    refusals.into_iter().flat_map(Refusal::each).filter(certain).collect()
}
