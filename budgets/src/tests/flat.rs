//! A charge costs the same at the millionth entry as at the first: no statement of it reads a table
//! from end to end.

use std::cell::RefCell;

use super::*;
use crate::store::admit;
use crate::store::database::{Row, Transaction, Value};

/// Passes statements on and keeps their text.
struct Recorder<'a> {
    inner: &'a dyn Transaction,
    statements: RefCell<Vec<String>>,
}

impl Transaction for Recorder<'_> {
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, LedgerError> {
        self.statements.borrow_mut().push(sql.to_owned());
        self.inner.execute(sql, values)
    }

    fn rows(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, LedgerError> {
        self.statements.borrow_mut().push(sql.to_owned());
        self.inner.rows(sql, values)
    }
}

#[test]
fn no_statement_of_a_charge_or_replay_scans_a_table_that_grows() {
    let fixture = Fixture::new();
    let request = fixture.request("costs", 1, zcdp("0.01"));
    let statements = fixture
        .ledger
        .write(|transaction| {
            let recorder = Recorder { inner: transaction, statements: RefCell::default() };
            admit::admit(&recorder, fixture.clock.as_ref(), &request)?;
            admit::admit(&recorder, fixture.clock.as_ref(), &request)?;
            Ok(recorder.statements.into_inner())
        })
        .unwrap();
    assert!(statements.iter().any(|sql| sql.contains("UPDATE account")));
    for sql in statements {
        let plan = format!("EXPLAIN QUERY PLAN {sql}");
        // The parameters are left unbound, which changes no plan.
        let raw = fixture.raw();
        let mut statement = raw.prepare(&plan).unwrap();
        let steps: Vec<String> =
            statement.raw_query().mapped(|row| row.get(3)).collect::<Result<_, _>>().unwrap();
        for step in steps {
            // The first row of a table, from either end, is one step.
            let first = sql.ends_with("LIMIT 1") && !sql.contains("WHERE");
            assert!(!step.starts_with("SCAN") || first, "{step}: {sql}");
        }
    }
}
