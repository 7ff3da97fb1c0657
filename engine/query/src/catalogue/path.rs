//! Tables that name their unit only through a key of another table.
//!
//! A detail row says which visit it belongs to, and the visit says whose it is. The hub file
//! declares that step, the table gets the unit as a column of its own, and every scan of it adds
//! the join. A step may lead to a table that takes one itself.

use super::{ColumnEntry, Declared, TableEntry, TableOwner};
use crate::error::QueryError;
use crate::plan::Type;

/// A path may have so many steps; each is a join of its own.
const STEPS_MAX: usize = 4;

/// How a table without the unit finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPath {
    /// The table's own key column.
    pub column: String,
    /// The table that owns the key.
    pub table: String,
    /// The key column there.
    pub key: String,
}

/// What a hub file says about a table's unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UnitTerms {
    /// The column that names it.
    Column(String),
    /// The key that leads to it.
    Path(KeyPath),
}

impl UnitTerms {
    /// Reads `unit = "column"` or `unit = { column = "..", references = "table.column" }`.
    pub(super) fn parse(table: &str, value: &toml::Value) -> Result<Self, QueryError> {
        let wrong = || {
            QueryError::input(
                format!("table {table}: unit names neither a column nor a key of another table"),
                "write unit = \"person_id\", or for a table that holds only a key \
                 unit = { column = \"visit_id\", references = \"visits.visit_id\" }",
            )
        };
        match value {
            toml::Value::String(column) => Ok(Self::Column(column.clone())),
            toml::Value::Table(fields) if fields.len() == 2 => {
                let text = |name: &str| fields.get(name).and_then(toml::Value::as_str);
                let (column, references) =
                    text("column").zip(text("references")).ok_or_else(wrong)?;
                let (table, key) = references.split_once('.').ok_or_else(wrong)?;
                Ok(Self::Path(KeyPath {
                    column: column.to_owned(),
                    table: table.to_owned(),
                    key: key.to_owned(),
                }))
            }
            _ => Err(wrong()),
        }
    }
}

/// Gives every table with a path its unit column.
///
/// # Errors
/// A path that leads to no owned table of the dataset, in a circle or too far, keys of different
/// types or with bounds, and a table that has the unit itself.
pub(super) fn resolve(tables: &mut [TableEntry]) -> Result<(), QueryError> {
    let mut open: Vec<usize> =
        (0..tables.len()).filter(|at| tables[*at].key_path().is_some()).collect();
    for _ in 0..STEPS_MAX {
        let mut waiting = Vec::new();
        for at in open.clone() {
            let Some(path) = tables[at].key_path().cloned() else { continue };
            let target = target(tables, at, &path)?;
            if open.contains(&target) {
                waiting.push(at);
            } else {
                let unit = unit_through(&tables[at], &tables[target], &path)?;
                add_unit(&mut tables[at], unit);
            }
        }
        open = waiting;
    }
    match open.first() {
        None => Ok(()),
        Some(at) => Err(QueryError::input(
            format!(
                "table {}: its unit is not reached in {STEPS_MAX} steps, or the steps form a circle",
                tables[*at].name
            ),
            "let `references` lead to a table whose unit is a column",
        )),
    }
}

fn target(tables: &[TableEntry], at: usize, path: &KeyPath) -> Result<usize, QueryError> {
    let table = &tables[at];
    let found = tables.iter().position(|other| {
        other.name == path.table && other.dataset() == table.dataset() && other.name != table.name
    });
    found.ok_or_else(|| {
        QueryError::input(
            format!(
                "table {}: its unit references {}.{}, and the dataset has no other table {}",
                table.name, path.table, path.key, path.table
            ),
            "reference a table of the same dataset that owns the key",
        )
    })
}

/// The unit column that a table gets through its path.
fn unit_through(
    table: &TableEntry,
    target: &TableEntry,
    path: &KeyPath,
) -> Result<ColumnEntry, QueryError> {
    let column = key_column(table, &path.column)?;
    let key = key_column(target, &path.key)?;
    let name = &table.name;
    if column.kind != key.kind {
        return Err(QueryError::input(
            format!(
                "table {name}: the key {} is {} and {}.{} is {}",
                path.column,
                column.kind.name(),
                target.name,
                path.key,
                key.kind.name()
            ),
            "declare both with the same type",
        ));
    }
    let unit = target.unit_column().map(|position| &target.columns[position]);
    let unit = unit.ok_or_else(|| QueryError::bug("a path to a table without a unit"))?;
    if unit.name == path.key {
        return Err(QueryError::input(
            format!("table {name}: {} references the unit itself", path.column),
            format!("write unit = \"{}\"", path.column),
        ));
    }
    if table.columns.iter().any(|column| column.name == unit.name) {
        return Err(QueryError::input(
            format!("table {name}: it has {} and a path to it", unit.name),
            format!("write unit = \"{}\", or leave that column out", unit.name),
        ));
    }
    Ok(ColumnEntry {
        name: unit.name.clone(),
        kind: unit.kind,
        declared: Declared::Nothing,
        source: Some(format!("through {}.{}", target.name, path.key)),
    })
}

/// A key: an integer or text, exactly as it is in the file. Bounds or a list would turn one
/// person's key into another's.
fn key_column<'a>(table: &'a TableEntry, name: &str) -> Result<&'a ColumnEntry, QueryError> {
    let column = table.columns.iter().find(|column| column.name == name).ok_or_else(|| {
        QueryError::input(
            format!("table {}: the key {name} is not among its columns", table.name),
            format!("add `{name} = {{ type = \"int64\" }}` to its columns"),
        )
    })?;
    let plain = column.declared == Declared::Nothing;
    match column.kind {
        Type::Int64 | Type::Text if plain => Ok(column),
        Type::Int64 | Type::Text => Err(QueryError::input(
            format!("table {}: the key {name} has bounds or values", table.name),
            "declare only its type: a changed key would lead to another person",
        )),
        Type::Bool | Type::Float64 | Type::Date | Type::Timestamp => Err(QueryError::input(
            format!("table {}: {name} cannot be a key to the unit", table.name),
            "a key has type int64 or utf8",
        )),
    }
}

fn add_unit(table: &mut TableEntry, unit: ColumnEntry) {
    let at = table.columns.partition_point(|column| column.name < unit.name);
    table.columns.insert(at, unit);
    if let TableOwner::Unit { column, .. } = &mut table.owner {
        *column = at;
    }
}
