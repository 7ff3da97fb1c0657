//! Messages of the parser and the planner, translated into refusals.

use datafusion::common::{Column, DataFusionError, SchemaError, TableReference};

use super::names::Names;
use crate::catalogue::Catalogue;
use crate::error::nearest;
use crate::functions;
use crate::refusal::{Place, Refusal, RefusalCode};
use crate::remedy::Remedy;

/// A refusal for an error of the planner, which saw the SQL and the declared schema only.
pub(super) fn translate(catalogue: &Catalogue, names: &Names, error: &DataFusionError) -> Refusal {
    match root(error) {
        DataFusionError::SchemaError(schema, _) => schema_error(names, schema),
        DataFusionError::Plan(message) if missing_function(message).is_some() => {
            let name = missing_function(message).unwrap_or_default();
            functions::better(name, &format!("{name}(..)"))
        }
        DataFusionError::Plan(message)
        | DataFusionError::Internal(message)
        | DataFusionError::Execution(message)
            if unfit_function(message).is_some() =>
        {
            let name = unfit_function(message).unwrap_or_default();
            Refusal::new(
                RefusalCode::Expression,
                format!("the function {name}"),
                "it does not take as many arguments, or not of these types",
                "CAST its arguments, or see docs/functions.md for what each function takes",
            )
            .at(names.place(name))
        }
        DataFusionError::Plan(message) => match missing_table(message) {
            Some(table) => Refusal::new(
                RefusalCode::UnknownTable,
                format!("table {table}"),
                "the hub declares no table of that name",
                catalogue.suggest_table(table),
            ),
            None => unsupported(message),
        },
        other => unsupported(first_line(other).trim_start_matches("Internal error: ")),
    }
}

/// The function whose arguments the planner could not bring to any of its signatures.
fn unfit_function(message: &str) -> Option<&str> {
    let named = |before: &str, after: &str| {
        let (_, rest) = message.split_once(before)?;
        rest.split_once(after).map(|(name, _)| name)
    };
    let name = named("Function '", "' failed to match any signature")
        .or_else(|| named("Function '", "' expects "))
        .or_else(|| named("given name and argument types '", "("))?;
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some(name)
}

fn schema_error(names: &Names, error: &SchemaError) -> Refusal {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            unknown_column(field, valid_fields).at(names.place(&field.name))
        }
        SchemaError::AmbiguousReference { field } => Refusal::new(
            RefusalCode::UnknownColumn,
            format!("column {}", field.name),
            "several tables of the query have a column of that name",
            format!("write which one: table.{}", field.name),
        )
        .at(names.place(&field.name)),
        SchemaError::DuplicateQualifiedField { name, .. }
        | SchemaError::DuplicateUnqualifiedField { name } => Refusal::new(
            RefusalCode::UnknownColumn,
            format!("column {name}"),
            "the name appears twice in one result",
            "give one of them another name with AS",
        )
        .at(names.place(name)),
    }
}

fn unsupported(message: &str) -> Refusal {
    let message = message.lines().next().unwrap_or_default();
    Refusal::new(
        RefusalCode::Expression,
        "the query",
        message.trim_end_matches('.').to_owned(),
        "use SELECT with COUNT, SUM, AVG, WHERE, JOIN, GROUP BY, HAVING, ORDER BY and LIMIT",
    )
}

fn unknown_column(field: &Column, valid: &[Column]) -> Refusal {
    let mut names: Vec<&str> = valid.iter().map(|column| column.name.as_str()).collect();
    names.dedup();
    let table = field.relation.as_ref().map(TableReference::table);
    let name = table.map_or_else(|| field.name.clone(), |table| format!("{table}.{}", field.name));
    no_column(&name, suggestion(&field.name, &names))
}

/// The refusal of a column that no table of the query has.
pub(super) fn no_column(name: &str, fix: String) -> Refusal {
    let remedy = Remedy::meant(&fix);
    Refusal::new(
        RefusalCode::UnknownColumn,
        format!("column {name}"),
        "no table of the query has it",
        fix,
    )
    .remedied(remedy)
}

/// The nearest name, or all of them.
pub(super) fn suggestion(wrong: &str, names: &[&str]) -> String {
    match nearest(wrong, names.iter().copied()) {
        Some(name) => format!("did you mean {name}?"),
        None => format!("use one of: {}", names.join(", ")),
    }
}

fn missing_table(message: &str) -> Option<&str> {
    let name = message.strip_prefix("table '")?.strip_suffix("' not found")?;
    name.rsplit('.').next()
}

fn missing_function(message: &str) -> Option<&str> {
    message.strip_prefix("Invalid function '")?.split('\'').next()
}

fn root(error: &DataFusionError) -> &DataFusionError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => root(inner),
        DataFusionError::Collection(errors) => errors.first().map_or(error, root),
        DataFusionError::Shared(inner) => root(inner),
        other => other,
    }
}

fn first_line(error: &DataFusionError) -> String {
    let text = match root(error) {
        DataFusionError::SQL(parser, _) => parser.to_string(),
        DataFusionError::Plan(message) | DataFusionError::NotImplemented(message) => {
            message.clone()
        }
        other => other.strip_backtrace(),
    };
    text.lines().next().unwrap_or_default().to_owned()
}

/// A message of the parser without its place, and the place.
pub(super) fn located(message: &str) -> (String, Option<Place>) {
    let message = message.strip_prefix("sql parser error: ").unwrap_or(message);
    let line = message.lines().next().unwrap_or_default();
    let Some((before, place)) = line.rsplit_once(" at Line: ") else {
        return (line.to_owned(), None);
    };
    let numbers: Vec<Option<u64>> =
        place.split(", Column: ").map(|number| number.trim().parse().ok()).collect();
    match numbers.as_slice() {
        [Some(line), Some(column)] => {
            (before.to_owned(), Some(Place::At { line: *line, column: *column }))
        }
        _ => (line.to_owned(), None),
    }
}
