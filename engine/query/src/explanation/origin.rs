//! Which values an expression can take, and which declarations make it so.

use std::collections::BTreeSet;

use super::{ExplainedRange, ExplainedSource};
use crate::catalogue::{Catalogue, Declared};
use crate::error::QueryError;
use crate::plan::{JoinKind, Node, Possible, Relation, Scalar, Value};
use crate::ranges;
use crate::refusal::readable;

/// A list of values is shown up to this length.
const VALUES_SHOWN_MAX: usize = 1_000;

/// The range of an expression over a relation's columns.
pub(crate) fn range(
    name: &str,
    scalar: &Scalar,
    input: &Relation,
    catalogue: &Catalogue,
) -> Result<ExplainedRange, QueryError> {
    let mut found = Found::default();
    read([scalar], input, &mut found);
    let sources = found
        .columns
        .into_iter()
        .map(|(table, column)| source(&table, &column, catalogue))
        .collect::<Result<_, _>>()?;
    let domain = ranges::of(scalar, input);
    let (lower, upper, values) = match &domain.possible {
        Possible::Values(values) if values.len() <= VALUES_SHOWN_MAX => {
            (None, None, Some(values.iter().map(ToString::to_string).collect()))
        }
        Possible::Between { lower, upper } => {
            let text = |end: &Value| match end {
                Value::Float(number) => decimal(*number),
                other => other.to_string(),
            };
            let end = |end: &Option<Value>| end.as_ref().map(text);
            (end(lower), end(upper), None)
        }
        Possible::Values(_) | Possible::Unknown => (None, None, None),
    };
    let name = readable(name);
    Ok(ExplainedRange { name, lower, upper, values, nullable: domain.nullable, sources })
}

/// What has been found, and where has been looked: each column of each relation once, however
/// often others are computed from it.
#[derive(Default)]
struct Found {
    columns: BTreeSet<(String, String)>,
    seen: BTreeSet<(*const Relation, usize)>,
}

/// A number without hundreds of zeros; reading it back gives the same number.
pub(super) fn decimal(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        size if (1e-6..1e15).contains(&size) => number.to_string(),
        _ => format!("{number:e}"),
    }
}

/// The columns of tables that a column of a relation is computed from.
fn origins(relation: &Relation, position: usize, found: &mut Found) {
    if !found.seen.insert((std::ptr::from_ref(relation), position)) {
        return;
    }
    match &relation.node {
        Node::Scan { table, columns, .. } => {
            found.columns.insert((table.clone(), columns[position].name.clone()));
        }
        Node::Path { table, .. } => {
            found.columns.insert((table.clone(), relation.columns[position].name.clone()));
        }
        Node::Derived { .. } => {}
        Node::Filter { input, .. } => origins(input, position, found),
        Node::Project { input, columns } => read([&columns[position]], input, found),
        Node::Union { inputs } => {
            for input in inputs {
                origins(input, position, found);
            }
        }
        Node::PerUnit { input, keys, aggregates } => match keys.get(position) {
            Some(key) => read([key], input, found),
            None => read(aggregates[position - keys.len()].reads(), input, found),
        },
        Node::Window { input, calls } => match position.checked_sub(input.columns.len()) {
            Some(call) => read(calls[call].reads(), input, found),
            None => origins(input, position, found),
        },
        Node::Join { kind, left, right, on, .. } => {
            let width = left.columns.len();
            match kind {
                JoinKind::Inner | JoinKind::Left if position >= width => {
                    origins(right, position - width, found);
                }
                JoinKind::Mark if position >= width => {
                    read(on.iter().map(|(key, _)| key), left, found);
                    read(on.iter().map(|(_, key)| key), right, found);
                }
                JoinKind::Inner
                | JoinKind::Left
                | JoinKind::Semi
                | JoinKind::Anti
                | JoinKind::Mark => origins(left, position, found),
            }
        }
    }
}

/// The columns of tables that expressions over a relation read.
fn read<'a>(scalars: impl IntoIterator<Item = &'a Scalar>, input: &Relation, found: &mut Found) {
    for position in scalars.into_iter().flat_map(Scalar::columns) {
        origins(input, position, found);
    }
}

fn source(table: &str, column: &str, catalogue: &Catalogue) -> Result<ExplainedSource, QueryError> {
    let entry = catalogue
        .table(table)?
        .columns
        .iter()
        .find(|entry| entry.name == column)
        .ok_or_else(|| QueryError::bug("a scanned column is not in the catalogue"))?;
    let declared = match &entry.declared {
        Declared::Nothing => "nothing declared".to_owned(),
        Declared::Bounds { lower, upper } => format!("bounds [{lower}, {upper}]"),
        Declared::Values(values) => format!("{} values", values.len()),
    };
    Ok(ExplainedSource {
        column: format!("{table}.{column}"),
        declared,
        source: entry.source.clone(),
    })
}
