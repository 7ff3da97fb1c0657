//! Lowering of owned and public relations below the boundary.

use datafusion::common::Column;
use datafusion::logical_expr::expr::InSubquery;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, Projection, TableScan};

use super::Splitter;
use crate::catalogue::TableOwner;
use crate::door::place_of;
use crate::error::{Place, Refusal, RefusalCode};
use crate::plan::{ColumnFacts, JoinKind, Node, Owner, Relation, Scalar, ScanColumn};
use crate::{functions, ranges};

impl Splitter<'_> {
    /// Lowers a plan below the boundary, or refuses it. Closed: a new kind of node does not
    /// compile until someone decides about it.
    pub(super) fn relation(&self, plan: &LogicalPlan) -> Result<Relation, Refusal> {
        match plan {
            LogicalPlan::TableScan(scan) => self.scan(scan),
            LogicalPlan::SubqueryAlias(alias) => self.relation(&alias.input),
            LogicalPlan::Filter(filter) => self.filter(filter),
            LogicalPlan::Projection(projection) => self.projection(projection),
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Aggregate(_) => Err(not_yet(
                "an aggregate below another one",
                "features per unit, and released tables joined back to rows, are not supported",
                "ask for the inner aggregate first, as a question of its own",
            )),
            LogicalPlan::Distinct(_) => Err(not_yet(
                "DISTINCT over rows of individuals",
                "it would depend on who else is in the data",
                "count units with COUNT(DISTINCT unit), or list keys with GROUP BY",
            )),
            LogicalPlan::Sort(_) | LogicalPlan::Limit(_) => Err(not_yet(
                "ORDER BY or LIMIT over rows of individuals",
                "which rows remain would depend on everybody else's",
                "put it above the aggregate, where it is free",
            )),
            LogicalPlan::Window(_) => Err(not_yet(
                "a window function over rows of individuals",
                "windows below the aggregate are not supported",
                "put it above the aggregate, where it is free",
            )),
            LogicalPlan::Union(_) => Err(not_yet(
                "UNION over rows of individuals",
                "it is not supported below the aggregate",
                "ask one question per table",
            )),
            LogicalPlan::Repartition(_)
            | LogicalPlan::EmptyRelation(_)
            | LogicalPlan::Subquery(_)
            | LogicalPlan::Values(_)
            | LogicalPlan::Unnest(_)
            | LogicalPlan::RecursiveQuery(_) => Err(not_yet(
                "this kind of relation",
                "it is not supported below the aggregate",
                "read tables of the hub with WHERE and JOIN",
            )),
            LogicalPlan::Statement(_)
            | LogicalPlan::Explain(_)
            | LogicalPlan::Analyze(_)
            | LogicalPlan::Extension(_)
            | LogicalPlan::Dml(_)
            | LogicalPlan::Ddl(_)
            | LogicalPlan::Copy(_)
            | LogicalPlan::DescribeTable(_) => Err(Refusal::new(
                RefusalCode::Statement,
                "the statement",
                "only plain queries are answered",
                "send one SELECT statement",
            )),
        }
    }

    fn scan(&self, scan: &TableScan) -> Result<Relation, Refusal> {
        let name = scan.table_name.table();
        let unknown = || {
            Refusal::new(
                RefusalCode::UnknownTable,
                format!("table {name}"),
                "the hub declares no table of that name",
                self.catalogue.suggest_table(name),
            )
        };
        let table = self.catalogue.table(name).map_err(|_| unknown())?;
        if scan.fetch.is_some() || !scan.filters.is_empty() {
            return Err(not_yet("a limited scan", "the planner added a limit", "remove it"));
        }
        let owner = match &table.owner {
            TableOwner::Public { .. } => Owner::Public,
            TableOwner::Unit { dataset, max_groups, max_rows_per_group, .. } => {
                if dataset != self.dataset {
                    return Err(Refusal::new(
                        RefusalCode::ForeignTable,
                        format!("table {name}"),
                        format!(
                            "it belongs to dataset {dataset}, and this project was opened for {}",
                            self.dataset
                        ),
                        format!("ask in a project of dataset {dataset}"),
                    ));
                }
                Owner::Unit {
                    dataset: dataset.clone(),
                    max_groups: *max_groups,
                    max_rows_per_group: *max_rows_per_group,
                }
            }
        };
        let positions: Vec<usize> = match &scan.projection {
            Some(positions) => positions.clone(),
            None => (0..table.columns.len()).collect(),
        };
        let entries = || positions.iter().map(|position| &table.columns[*position]);
        let columns = positions
            .iter()
            .zip(entries())
            .map(|(position, entry)| ColumnFacts {
                name: entry.name.clone(),
                kind: entry.kind,
                domain: ranges::declared(&entry.declared),
                is_unit: Some(*position) == table.unit_column(),
            })
            .collect();
        let node = Node::Scan {
            table: table.name.clone(),
            unit: table.unit_column().map(|position| table.columns[position].name.clone()),
            columns: entries()
                .map(|entry| ScanColumn {
                    name: entry.name.clone(),
                    kind: entry.kind,
                    declared: entry.declared.clone(),
                })
                .collect(),
        };
        Ok(Relation { node, columns, owner })
    }

    fn projection(&self, projection: &Projection) -> Result<Relation, Refusal> {
        let input = self.relation(&projection.input)?;
        let mut columns = Vec::with_capacity(projection.expr.len());
        let mut facts = Vec::with_capacity(projection.expr.len());
        let lowered = projection.expr.iter().map(|expr| {
            functions::lower(expr, projection.input.schema(), &input)
                .map_err(|refusal| refusal.at(place_of(expr)).at(Place::In("SELECT")))
        });
        let lowered = Refusal::together(lowered)?;
        for (scalar, field) in lowered.into_iter().zip(projection.schema.fields()) {
            facts.push(facts_of(&scalar, field.name(), &input));
            columns.push(scalar);
        }
        let owner = input.owner.clone();
        let node = Node::Project { input: Box::new(input), columns };
        Ok(Relation { node, columns: facts, owner })
    }

    /// Tests on rows first, then one semi-join per `IN (SELECT ..)`.
    fn filter(&self, filter: &Filter) -> Result<Relation, Refusal> {
        let input = self.relation(&filter.input)?;
        let schema = filter.input.schema();
        let mut tests = Vec::new();
        let mut cohorts = Vec::new();
        for conjunct in split_conjunction(&filter.predicate) {
            match conjunct {
                Expr::InSubquery(subquery) => cohorts.push(subquery),
                // A test that is refused leaves the rows as they are, so that what is said about
                // them above is refused in the same breath.
                other => match functions::lower(other, schema, &input) {
                    Ok(test) => tests.push(test),
                    Err(refusal) => self.note(refusal.at(place_of(other)).at(Place::In("WHERE"))),
                },
            }
        }
        let mut relation = filtered(input, tests);
        for cohort in cohorts {
            relation = self.in_subquery(relation, cohort, schema)?;
        }
        Ok(relation)
    }

    fn in_subquery(
        &self,
        left: Relation,
        test: &InSubquery,
        schema: &datafusion::common::DFSchema,
    ) -> Result<Relation, Refusal> {
        if test.negated || !test.subquery.outer_ref_columns.is_empty() {
            return Err(Refusal::new(
                RefusalCode::OwnedOperation,
                format!("{} NOT IN, or IN over a correlated subquery", test.expr),
                "only IN over a subquery that stands on its own is supported",
                "write WHERE person_id IN (SELECT person_id FROM .. WHERE ..)",
            ));
        }
        let value = functions::lower(&test.expr, schema, &left)?;
        let right = self.relation(&test.subquery.subquery)?;
        self.joined(JoinKind::Semi, left, right, vec![(value, Scalar::Column(0))])
    }
}

/// The relation's rows for which all tests are true.
pub(super) fn filtered(input: Relation, tests: Vec<Scalar>) -> Relation {
    let Some(predicate) = Scalar::all_of(tests) else { return input };
    let (columns, owner) = (input.columns.clone(), input.owner.clone());
    let mut relation = Relation {
        node: Node::Filter { input: Box::new(input), predicate: predicate.clone() },
        columns,
        owner,
    };
    ranges::narrow(&mut relation, &predicate);
    relation
}

/// What is known about an expression over `input`. It is the unit only as the bare column.
pub(super) fn facts_of(scalar: &Scalar, name: &str, input: &Relation) -> ColumnFacts {
    let is_unit = match scalar {
        Scalar::Column(position) => input.columns[*position].is_unit,
        _ => false,
    };
    ColumnFacts {
        name: Column::from_qualified_name(name).name,
        kind: scalar.kind(&input.kinds()),
        domain: ranges::of(scalar, input),
        is_unit,
    }
}

fn not_yet(subject: &str, why: &str, fix: &str) -> Refusal {
    Refusal::new(RefusalCode::OwnedOperation, subject, why, fix)
}
