//! Where public tables meet rows of individuals.
//!
//! A plain public table is read as it is. Anything else that is public, above all a table that
//! was released by an earlier boundary, becomes a derived table: its boundary is drawn and sealed
//! first, and only then does the later one read it. What a derived table holds is public by then,
//! so it may decide which rows are counted; it cannot change by how much one unit counts.

use datafusion::arrow::datatypes::Field;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, TableReference};
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan};
use std::sync::Arc;

use super::canonical::canonical;
use super::relation::lowered_projection;
use super::{Half, Refusals, Splitter, owned_subquery};
use crate::error::{QueryError, Refusal, RefusalCode};
use crate::plan::{
    ColumnFacts, DerivedTable, Domain, JoinKind, Node, Owner, Relation, Scalar, Type,
};
use crate::{functions, ranges};

impl Splitter<'_> {
    /// Either half as a relation that owned rows can be joined with.
    pub(super) fn relation(&mut self, half: Half) -> Result<Relation, Refusals> {
        match half {
            Half::Owned(relation) => Ok(relation),
            Half::Public(plan) => match self.plain(&plan) {
                Some(relation) => Ok(relation),
                None => self.derived(plan, false),
            },
        }
    }

    /// A public table, filtered and projected within the closed language; nothing otherwise.
    fn plain(&self, plan: &LogicalPlan) -> Option<Relation> {
        match plan {
            LogicalPlan::TableScan(scan) => self.public_scan(scan),
            LogicalPlan::SubqueryAlias(alias) => self.plain(&alias.input),
            LogicalPlan::Filter(filter) => {
                let input = self.plain(&filter.input)?;
                let test =
                    functions::lower(&filter.predicate, filter.input.schema(), &input).ok()?;
                let (columns, owner) = (input.columns.clone(), input.owner.clone());
                let node = Node::Filter { input: Box::new(input), predicate: test.clone() };
                let mut relation = Relation { node, columns, owner };
                ranges::narrow(&mut relation, &test);
                Some(relation)
            }
            LogicalPlan::Projection(projection) => {
                let input = self.plain(&projection.input)?;
                let schema = projection.input.schema();
                lowered_projection(&projection.expr, &projection.schema, schema, input).ok()
            }
            _ => None,
        }
    }

    /// Registers a derived table, each once, and reads it.
    fn derived(&mut self, plan: LogicalPlan, scalar: bool) -> Result<Relation, Refusals> {
        let mut columns = Vec::new();
        for field in plan.schema().fields() {
            columns.push(derived_column(field).map_err(|refusal| vec![refusal])?);
        }
        let terms = canonical(&plan).map_err(|bug| self.bug(bug))?;
        let known = |table: &DerivedTable| table.scalar == scalar && table.terms == terms;
        let table = match self.derived.iter().position(known) {
            Some(table) => table,
            None => {
                let kinds = columns.iter().map(|column| column.kind).collect();
                self.derived.push(DerivedTable { terms, kinds, scalar, plan });
                self.derived.len() - 1
            }
        };
        Ok(Relation { node: Node::Derived { table }, columns, owner: Owner::Public })
    }

    /// Puts the value of every uncorrelated scalar subquery beside the rows: the expressions then
    /// read columns only.
    pub(super) fn with_scalars(
        &mut self,
        input: Relation,
        schema: &DFSchema,
        exprs: Vec<Expr>,
    ) -> Result<(Relation, DFSchema, Vec<Expr>), Refusals> {
        let (mut relation, mut schema) = (input, schema.clone());
        let mut refused = Vec::new();
        let mut joined = Vec::new();
        let mut bound = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let read = expr.transform_down(|expr| {
                let Expr::ScalarSubquery(subquery) = &expr else {
                    return Ok(Transformed::no(expr));
                };
                if !subquery.outer_ref_columns.is_empty() {
                    // It could not be decorrelated, and the lowering refuses it by name.
                    return Ok(Transformed::no(expr));
                }
                match self.scalar(&subquery.subquery) {
                    Ok(value) => {
                        let column = scalar_column(&value);
                        joined.push(value);
                        Ok(Transformed::yes(Expr::Column(column)))
                    }
                    Err(refusals) => {
                        refused.extend(refusals);
                        Ok(Transformed::no(expr))
                    }
                }
            });
            match read {
                Ok(read) => bound.push(read.data),
                Err(_) => return Err(self.bug(QueryError::bug("an expression cannot be walked"))),
            }
        }
        if !refused.is_empty() {
            return Err(refused);
        }
        let mut seen = Vec::new();
        for value in joined {
            let column = scalar_column(&value);
            if seen.contains(&column) {
                continue;
            }
            let field = Field::new(&column.name, value.columns[0].kind.arrow(), true);
            let beside = DFSchema::new_with_metadata(
                vec![(column.relation.clone(), Arc::new(field))],
                Default::default(),
            );
            let Ok(wider) = beside.and_then(|beside| schema.join(&beside)) else {
                return Err(self.bug(QueryError::bug("a scalar subquery cannot be joined")));
            };
            schema = wider;
            relation = beside_every_row(relation, value);
            seen.push(column);
        }
        Ok((relation, schema, bound))
    }

    /// The same for an aggregate: with the input's schema as its expressions see it.
    pub(super) fn with_scalars_of_aggregate(
        &mut self,
        aggregate: &Aggregate,
        input: Relation,
    ) -> Result<(Aggregate, Relation, DFSchema), Refusals> {
        let keys = aggregate.group_expr.len();
        let exprs = aggregate.group_expr.iter().chain(&aggregate.aggr_expr).cloned().collect();
        let (input, schema, mut exprs) =
            self.with_scalars(input, aggregate.input.schema(), exprs)?;
        let mut bound = aggregate.clone();
        bound.aggr_expr = exprs.split_off(keys);
        bound.group_expr = exprs;
        Ok((bound, input, schema))
    }

    fn scalar(&mut self, subquery: &LogicalPlan) -> Result<Relation, Refusals> {
        match self.half(subquery)? {
            Half::Owned(_) => Err(vec![owned_subquery()]),
            Half::Public(plan) => self.derived(plan, true),
        }
    }
}

fn scalar_column(value: &Relation) -> Column {
    let table = match value.node {
        Node::Derived { table } => table,
        _ => usize::MAX,
    };
    // No identifier of a query starts with two underscores.
    Column::new(Some(TableReference::bare(format!("__scalar_{table}"))), "value")
}

/// Every row beside the one row of a derived table.
fn beside_every_row(input: Relation, value: Relation) -> Relation {
    let owner = input.owner.clone();
    let columns = input.columns.iter().chain(&value.columns).cloned().collect();
    let node = Node::Join {
        kind: JoinKind::Inner,
        left: Box::new(input),
        right: Box::new(value),
        same_unit: false,
        on: Vec::new(),
        residual: None,
    };
    Relation { node, columns, owner }
}

/// A relation's first columns.
pub(super) fn first_columns(relation: Relation, width: usize) -> Relation {
    if relation.columns.len() == width {
        return relation;
    }
    let columns = (0..width).map(Scalar::Column).collect();
    let facts = relation.columns[..width].to_vec();
    let owner = relation.owner.clone();
    Relation { node: Node::Project { input: Box::new(relation), columns }, columns: facts, owner }
}

fn derived_column(field: &Field) -> Result<ColumnFacts, Refusal> {
    let kind = Type::from_arrow(field.data_type()).or_else(|| {
        [Type::Int64, Type::Float64, Type::Text, Type::Timestamp]
            .into_iter()
            .find(|kind| kind.reads(field.data_type()))
    });
    let Some(kind) = kind else {
        return Err(Refusal::new(
            RefusalCode::Expression,
            format!("the released column {}", field.name()),
            format!("rows cannot be compared with values of type {}", field.data_type()),
            format!("cast it, as in CAST({} AS DOUBLE)", field.name()),
        ));
    };
    Ok(ColumnFacts { name: field.name().clone(), kind, domain: Domain::unknown(), is_unit: false })
}
