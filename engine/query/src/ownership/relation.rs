//! Lowering of owned relations below the boundary: scans, filters, projections.

use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, Projection, TableScan};

use super::derived::first_columns;
use super::{Half, Refusals, Splitter, not_yet, one, together};
use crate::catalogue::{ColumnEntry, KeyPath, TableEntry, TableOwner};
use crate::door::place_of;
use crate::error::{Place, Refusal, RefusalCode};
use crate::plan::{ColumnFacts, Node, Owner, Relation, Scalar, ScanColumn};
use crate::{functions, ranges};

impl Splitter<'_> {
    pub(super) fn scan(&self, plan: &LogicalPlan, scan: &TableScan) -> Result<Half, Refusal> {
        let name = scan.table_name.table();
        let table = self.catalogue.table(name).map_err(|_| {
            Refusal::new(
                RefusalCode::UnknownTable,
                format!("table {name}"),
                "the hub declares no table of that name",
                self.catalogue.suggest_table(name),
            )
        })?;
        if scan.fetch.is_some() || !scan.filters.is_empty() {
            return Err(not_yet("a limited scan", "the planner added a limit", "remove it"));
        }
        let owner = match &table.owner {
            TableOwner::Public { .. } => return Ok(Half::Public(plan.clone())),
            TableOwner::Unit { dataset, max_groups, max_rows_per_group, .. } => {
                if dataset != self.dataset && !self.given.contains(dataset) {
                    return Err(Refusal::new(
                        RefusalCode::ForeignTable,
                        format!("table {name}"),
                        format!(
                            "it belongs to dataset {dataset}, and this project was opened for {}",
                            self.dataset
                        ),
                        format!(
                            "ask in a project of dataset {dataset}, or have an administrator run \
                             `voilage project give PROJECT {dataset} --reason ..`"
                        ),
                    ));
                }
                Owner::Unit {
                    dataset: dataset.clone(),
                    max_groups: *max_groups,
                    max_rows_per_group: *max_rows_per_group,
                }
            }
        };
        let relation = match table.key_path() {
            None => whole(table, owner),
            Some(path) => self.through(table, path, owner)?,
        };
        Ok(Half::Owned(projected(relation, scan)))
    }

    pub(super) fn public_scan(&self, scan: &TableScan) -> Option<Relation> {
        let table = self.catalogue.table(scan.table_name.table()).ok()?;
        let plain = table.dataset().is_none() && scan.fetch.is_none() && scan.filters.is_empty();
        plain.then(|| projected(whole(table, Owner::Public), scan))
    }

    /// The rows of a table that names its unit through a key, joined with the key's owners.
    ///
    /// Each joined row belongs to exactly one unit, even if the key is not unique. The owners are
    /// pairs of a unit and a key, each once; a row of the table is joined with each pair of its
    /// key, and the result belongs to the pair's unit. Take a unit and all its rows away from the
    /// referenced table: the pairs of that unit go, no other pair changes, and so exactly the
    /// joined rows of that unit go. A key that two people share gives each of them a row of their
    /// own; a key that nobody owns gives none. That is why the rule is a join with distinct
    /// owners, and not "the row of the only owner": there one person would decide whether
    /// another's row exists.
    fn through(
        &self,
        table: &TableEntry,
        path: &KeyPath,
        owner: Owner,
    ) -> Result<Relation, Refusal> {
        let unknown = || not_yet(&table.name, "its key leads nowhere", "correct the hub file");
        let target = self.catalogue.table(&path.table).map_err(|_| unknown())?;
        let target_rows = match target.key_path() {
            None => whole(target, owner.clone()),
            Some(further) => self.through(target, further, owner.clone())?,
        };
        let position = |table: &TableEntry, name: &str| {
            table.columns.iter().position(|column| column.name == name).ok_or_else(unknown)
        };
        let key_there = position(target, &path.key)?;
        let owners = Relation {
            columns: vec![target_rows.columns[key_there].clone()],
            owner: owner.clone(),
            node: Node::PerUnit {
                input: Box::new(target_rows),
                keys: vec![Scalar::Column(key_there)],
                aggregates: Vec::new(),
            },
        };
        let key = position(table, &path.column)?;
        let unit = table.unit_column();
        let scans = table.columns.iter().enumerate();
        let columns = scans.map(|(at, entry)| (Some(at) != unit).then(|| scan_column(entry)));
        let node = Node::Path {
            table: table.name.clone(),
            columns: columns.collect(),
            key,
            owners: Box::new(owners),
        };
        Ok(Relation { node, columns: facts(table), owner })
    }

    pub(super) fn projection(
        &mut self,
        projection: &Projection,
        input: Relation,
    ) -> Result<Relation, Refusals> {
        let schema = projection.input.schema();
        let (input, schema, exprs) = self.with_scalars(input, schema, projection.expr.clone())?;
        lowered_projection(&exprs, &projection.schema, &schema, input)
    }

    pub(super) fn filter(
        &mut self,
        filter: &Filter,
        input: Relation,
    ) -> Result<Relation, Refusals> {
        let width = input.columns.len();
        let conjuncts = split_conjunction_owned(filter.predicate.clone()).into_iter().collect();
        let (input, schema, conjuncts) =
            self.with_scalars(input, filter.input.schema(), conjuncts)?;
        let mut tests = Vec::with_capacity(conjuncts.len());
        for test in &conjuncts {
            // A test that is refused leaves the rows as they are, so that what is said about them
            // above is refused in the same breath.
            match functions::lower(test, &schema, &input) {
                Ok(test) => tests.push(test),
                Err(refusal) => self.note(refusal.at(place_of(test)).at(Place::In("WHERE"))),
            }
        }
        Ok(first_columns(filtered(input, tests), width))
    }
}

/// All rows and columns of a table whose file holds its unit, if it has one.
fn whole(table: &TableEntry, owner: Owner) -> Relation {
    let node = Node::Scan {
        table: table.name.clone(),
        unit: table.unit_column().map(|position| table.columns[position].name.clone()),
        columns: table.columns.iter().map(scan_column).collect(),
    };
    Relation { node, columns: facts(table), owner }
}

fn scan_column(entry: &ColumnEntry) -> ScanColumn {
    ScanColumn { name: entry.name.clone(), kind: entry.kind, declared: entry.declared.clone() }
}

/// What is known about a table's columns. The unit is never NULL: a row of nobody is dropped by
/// the scan, and by the join with the owners of its key.
fn facts(table: &TableEntry) -> Vec<ColumnFacts> {
    let columns = table.columns.iter().enumerate();
    columns
        .map(|(position, entry)| {
            let is_unit = Some(position) == table.unit_column();
            let mut domain = ranges::declared(&entry.declared);
            domain.nullable &= !is_unit;
            ColumnFacts { name: entry.name.clone(), kind: entry.kind, domain, is_unit }
        })
        .collect()
}

/// The columns that a scan asks for.
fn projected(relation: Relation, scan: &TableScan) -> Relation {
    let Some(positions) = &scan.projection else { return relation };
    let facts = positions.iter().map(|position| relation.columns[*position].clone()).collect();
    let columns = positions.iter().copied().map(Scalar::Column).collect();
    let owner = relation.owner.clone();
    Relation { node: Node::Project { input: Box::new(relation), columns }, columns: facts, owner }
}

/// One output column per expression over `schema`, named as in `output`.
pub(super) fn lowered_projection(
    exprs: &[Expr],
    output: &DFSchema,
    schema: &DFSchema,
    input: Relation,
) -> Result<Relation, Refusals> {
    let columns = exprs.iter().map(|expr| {
        functions::lower(expr, schema, &input)
            .map_err(|refusal| one(refusal.at(place_of(expr)).at(Place::In("SELECT"))))
    });
    let columns = together(columns.collect())?;
    let facts = columns
        .iter()
        .zip(output.fields())
        .map(|(scalar, field)| facts_of(scalar, field.name(), &input))
        .collect();
    let owner = input.owner.clone();
    let node = Node::Project { input: Box::new(input), columns };
    Ok(Relation { node, columns: facts, owner })
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
    ColumnFacts {
        name: Column::from_qualified_name(name).name,
        kind: scalar.kind(&input.kinds()),
        domain: ranges::of(scalar, input),
        is_unit: is_unit(scalar, input),
    }
}

/// Whether an expression is the relation's carried unit: only the bare column is, by position.
pub(super) fn is_unit(scalar: &Scalar, input: &Relation) -> bool {
    match scalar {
        Scalar::Column(position) => input.columns[*position].is_unit,
        _ => false,
    }
}
