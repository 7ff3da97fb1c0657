//! Functions: what may run over owned rows, and how SQL reaches it.
//!
//! `table` and `forms` are the allow-list; `lower` brings DataFusion's expressions into the language of
//! [`plan`](crate::plan); `udf` shows the functions to DataFusion, in planning, below and above the
//! boundary alike; `planner` resolves syntax and types to them; `above` makes a plan over released
//! values use them; `ends` names the ends of intervals; `refused` knows better ways for functions that are not here. The kernels are in
//! `voilage_kernels::scalar`.
//!
//! Never imported here: DataFusion's own scalar functions. They can fail.

mod above;
mod bounds;
mod date_parts;
mod document;
mod ends;
mod forms;
mod lower;
mod planner;
mod refused;
mod table;
mod udf;

use voilage_kernels::scalar::{Argument, Function, apply};

pub(crate) use above::total_above;
pub use document::document;
pub(crate) use ends::{End, end_of};
pub use forms::{FORMS, Form};
pub(crate) use lower::lower;
pub(crate) use planner::{Syntax, Types};
pub(crate) use refused::{better, known_elsewhere};
pub(crate) use table::Rule;
pub use table::{Entry, Overload, TABLE};
pub(crate) use udf::{Convert, Matches, Total, registered};

use crate::plan::{Type, Value};

/// A function's entry in the allow-list.
pub fn entry(function: Function) -> &'static Entry {
    TABLE.iter().find(|entry| entry.function == function).unwrap_or(&TABLE[0])
}

/// The overload for arguments of these types, with the types that they are brought to. None of a
/// type that is not known yet stands for NULL.
pub(crate) fn overload(entry: &'static Entry, kinds: &[Option<Type>]) -> Option<(Vec<Type>, Type)> {
    entry.takes.iter().find_map(|overload| {
        let last = overload.takes.len().checked_sub(1)?;
        let fits = kinds.len() == overload.takes.len()
            || overload.repeats && kinds.len() > overload.takes.len();
        if !fits {
            return None;
        }
        let wanted: Vec<Type> =
            (0..kinds.len()).map(|position| overload.takes[position.min(last)]).collect();
        let widens = kinds.iter().zip(&wanted).all(|(kind, wanted)| match (kind, wanted) {
            (None, _)
            | (Some(Type::Int64), Type::Float64)
            | (Some(Type::Date), Type::Timestamp) => true,
            (Some(kind), wanted) => kind == wanted,
        });
        widens.then_some((wanted, overload.gives))
    })
}

/// The type of a call's result.
pub(crate) fn result(function: Function, kinds: &[Type]) -> Type {
    let known: Vec<Option<Type>> = kinds.iter().copied().map(Some).collect();
    let entry = entry(function);
    // A call is built by lowering only, which takes no arguments that do not fit.
    overload(entry, &known).map_or(entry.takes[0].gives, |(_, gives)| gives)
}

/// The result for constants.
pub(crate) fn evaluate(function: Function, arguments: &[Value]) -> Option<Value> {
    let arguments: Option<Vec<Argument>> = arguments
        .iter()
        .map(|value| Argument::constant(value.scalar().to_array().ok()?).ok())
        .collect();
    let result = apply(function, &arguments?, 1).ok()?;
    let scalar = datafusion::scalar::ScalarValue::try_from_array(&result, 0).ok()?;
    Value::from_scalar(&scalar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_one_entry_and_every_name_one_meaning() {
        let mut functions: Vec<Function> = TABLE.iter().map(|entry| entry.function).collect();
        functions.sort();
        functions.dedup();
        assert_eq!(functions.len(), TABLE.len());
        assert_eq!(functions.len(), Function::Replace as usize + 1);
        let mut names: Vec<&str> = TABLE.iter().flat_map(|entry| entry.sql).copied().collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "written again where golden files are")]
    fn the_document_is_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/functions.md");
        let expected = document();
        let found = std::fs::read_to_string(path).unwrap_or_default();
        if found != expected && std::env::var_os("INSTA_UPDATE").is_some() {
            std::fs::write(path, &expected).unwrap();
            return;
        }
        assert!(
            found == expected,
            "docs/functions.md is not the table: run with INSTA_UPDATE=always"
        );
    }
}
