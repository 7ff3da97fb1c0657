//! What a boundary reads: tables, and what earlier boundaries have released.

use super::ExplainedTable;
use crate::analysed::scanned_tables;
use crate::catalogue::{Catalogue, TableOwner};
use crate::error::QueryError;
use crate::plan::{Boundary, DerivedTable, JoinKind, Node, Relation, Scalar};
use crate::post;

/// The tables below a boundary, each once, and the earlier boundaries whose released values it reads.
pub(super) fn read(
    boundary: &Boundary,
    derived: &[DerivedTable],
    catalogue: &Catalogue,
) -> Result<(Vec<ExplainedTable>, Vec<usize>), QueryError> {
    let (mut names, mut released) = (Vec::new(), Vec::new());
    scanned_tables(&boundary.input, &mut names);
    let mut positions = Vec::new();
    derived_tables(&boundary.input, &mut positions);
    for position in positions {
        let table = derived.get(position);
        let table = table.ok_or_else(|| QueryError::bug("a derived table is missing"))?;
        names.extend(post::public_tables(&table.plan)?);
        released.extend(post::releases(&table.plan)?);
    }
    released.sort_unstable();
    released.dedup();
    names.sort();
    names.dedup();
    let table = |name: String| {
        let entry = catalogue.table(&name)?;
        let unit_column = entry.unit_column().map(|column| entry.columns[column].name.clone());
        let provenance = match &entry.owner {
            TableOwner::Public { provenance } => Some(provenance.clone()),
            TableOwner::Unit { .. } => None,
        };
        Ok(ExplainedTable { name, unit_column, provenance })
    };
    Ok((names.into_iter().map(table).collect::<Result<_, QueryError>>()?, released))
}

/// Where a boundary's bounds come from if the question does not say them.
pub(super) fn source_of_bounds(
    boundary: &Boundary,
    tables: &[ExplainedTable],
    unit: &str,
) -> String {
    if has_one_row_each(&boundary.input) {
        return format!("one row for each {unit}");
    }
    let owned = tables.iter().filter(|table| table.unit_column.is_some());
    let names: Vec<&str> = owned.map(|table| table.name.as_str()).collect();
    format!("hub file, {}", names.join(", "))
}

/// Whether every unit has one row at most, whatever the hub file says: the analysis bounds such rows by
/// one group and one row.
fn has_one_row_each(relation: &Relation) -> bool {
    match &relation.node {
        Node::PerUnit { input, keys, .. } => {
            let is_unit = |key: &Scalar| match key {
                Scalar::Column(position) => input.columns[*position].is_unit,
                _ => false,
            };
            keys.iter().all(is_unit)
        }
        Node::Filter { input, .. } | Node::Project { input, .. } | Node::Window { input, .. } => {
            has_one_row_each(input)
        }
        Node::Join { kind: JoinKind::Inner | JoinKind::Left, left, right, .. } => {
            has_one_row_each(left) && (!right.is_owned() || has_one_row_each(right))
        }
        Node::Join { left, .. } => has_one_row_each(left),
        Node::Scan { .. } | Node::Union { .. } | Node::Path { .. } | Node::Derived { .. } => false,
    }
}

fn derived_tables(relation: &Relation, positions: &mut Vec<usize>) {
    if let Node::Derived { table } = relation.node {
        positions.push(table);
    }
    for input in relation.inputs() {
        derived_tables(input, positions);
    }
}
