//! Whose rows are these: unions, joins, subqueries, features, windows, paths, views and cut-offs.

mod adaptive;
mod answers;
mod refusals;
mod replay;

use std::sync::Arc;

use arrow::util::pretty::pretty_format_batches;
use voilage_privacy::source::testing::RecordedColumn;
use voilage_query::Answer;
use voilage_tests::randomness::Tape;
use voilage_tests::ward::{Records, Ward};

use crate::{ask, rho};

/// A run's answer and everything that must not depend on one patient.
fn run(records: &Records, sql: &str, tape: Tape) -> (Answer, Vec<RecordedColumn>) {
    let folder = tempfile::tempdir().unwrap();
    let ward = Ward::build(folder.path(), records);
    let study = ward.study(Arc::new(tape.clone()));
    let answer = ask(&study, sql, &rho("0.5")).unwrap_or_else(|error| panic!("{sql}\n{error}"));
    (answer, tape.columns())
}

/// The answer with so little noise that counts are exact.
fn exact(records: &Records, sql: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let ward = Ward::build(folder.path(), records);
    let study = ward.study(Arc::new(Tape::recording(1)));
    let answer = ask(&study, sql, &rho("250")).unwrap_or_else(|error| panic!("{sql}\n{error}"));
    pretty_format_batches(&[answer.table]).unwrap().to_string()
}
