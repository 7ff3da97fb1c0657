//! Files that are, and are not, a ledger.

use std::fs;

use super::*;
use crate::ErrorKind;
use crate::store::database::APPLICATION_ID;
use crate::store::database::migrations::VERSION;

fn open(fixture: &Fixture, name: &str) -> LedgerError {
    let error = Ledger::open(fixture.folder.path().join(name), fixture.clock.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FixInput, "{error}");
    error
}

#[test]
fn a_new_ledger_is_durable_by_configuration() {
    let fixture = Fixture::new();
    let value = |name: &str| {
        let sql = format!("PRAGMA {name}");
        fixture.ledger.writer().with_store(|store| store.rows(&sql, &[]).unwrap().remove(0))
    };
    let number = |name: &str| -> i64 { value(name).get(0).unwrap() };
    assert_eq!(number("application_id"), APPLICATION_ID);
    assert_eq!(number("user_version"), VERSION);
    assert_eq!(number("synchronous"), 2, "FULL");
    assert_eq!(number("foreign_keys"), 1);
    assert_eq!(number("recursive_triggers"), 1);
    assert_eq!(value("journal_mode").get::<String>(0).unwrap(), "wal");
}

#[test]
fn every_table_is_strict_and_append_only() {
    let fixture = Fixture::full();
    let raw = fixture.raw();
    let mut statement = raw
        .prepare("SELECT name, strict FROM pragma_table_list WHERE name NOT LIKE 'sqlite_%'")
        .unwrap();
    let tables: Vec<(String, bool)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(tables.len(), 33);
    for (table, strict) in tables {
        assert!(strict, "{table}");
        raw.execute(&format!("DELETE FROM {table}"), []).unwrap_err();
        if table != "account" {
            let column: String = raw
                .query_row("SELECT name FROM pragma_table_info(?1) LIMIT 1", [&table], |row| {
                    row.get(0)
                })
                .unwrap();
            raw.execute(&format!("UPDATE {table} SET {column} = {column}"), []).unwrap_err();
        }
    }
    raw.execute("UPDATE account SET spent_rho = spent_rho - 1 WHERE spent_rho > 0", [])
        .unwrap_err();
    raw.execute("UPDATE account SET cap_rho = cap_rho + 1", []).unwrap_err();
    raw.execute("INSERT INTO entry VALUES (1000, 'charge', 0, zeroblob(32))", []).unwrap_err();
    fixture.ledger.verify().unwrap();
}

#[test]
fn what_is_no_ledger_is_refused_and_left_alone() {
    let fixture = Fixture::new();
    let folder = fixture.folder.path();
    assert!(matches!(open(&fixture, "absent"), LedgerError::Missing { .. }));
    assert!(matches!(open(&fixture, "absent/deeper"), LedgerError::Missing { .. }));
    assert!(matches!(open(&fixture, "."), LedgerError::NotALedger { .. }));
    fs::write(folder.join("empty"), b"").unwrap();
    fs::write(folder.join("text"), "name,cost\n".repeat(1_000)).unwrap();
    let other = Connection::open(folder.join("other")).unwrap();
    other.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    drop(other);
    for name in ["empty", "text", "other"] {
        let before = fs::read(folder.join(name)).unwrap();
        let error = open(&fixture, name);
        assert!(matches!(error, LedgerError::NotALedger { .. }), "{name}: {error}");
        assert_eq!(fs::read(folder.join(name)).unwrap(), before, "{name}");
    }
    for name in ["text", "other", "ledger", "."] {
        let error = Ledger::create(folder.join(name), fixture.clock.clone()).unwrap_err();
        assert!(matches!(error, LedgerError::AlreadyExists { .. }), "{name}: {error}");
    }
    let error = Ledger::create(folder.join("no/such/folder"), fixture.clock.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FixInput);
}

#[test]
fn creating_is_completed_after_a_crash_before_its_commit() {
    let fixture = Fixture::empty();
    let path = fixture.folder.path().join("half");
    let half = Connection::open(&path).unwrap();
    half.pragma_update(None, "journal_mode", "WAL").unwrap();
    half.execute_batch("BEGIN IMMEDIATE; CREATE TABLE entry (position INTEGER)").unwrap();
    drop(half);
    Ledger::create(&path, fixture.clock.clone()).unwrap().verify().unwrap();
}

#[test]
fn a_newer_ledger_is_refused() {
    let fixture = Fixture::new();
    fixture.raw().pragma_update(None, "user_version", VERSION + 1).unwrap();
    let error = open(&fixture, "ledger");
    assert!(matches!(error, LedgerError::NewerVersion { .. }), "{error}");
}

#[test]
fn a_read_only_ledger_can_be_read_and_says_so_when_written() {
    let fixture = Fixture::new();
    fixture.admit("costs", 1, zcdp("0.01")).unwrap();
    let mut permissions = fs::metadata(fixture.path()).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(fixture.path(), permissions).unwrap();
    let ledger = fixture.reopen();
    assert_eq!(ledger.project("costs").unwrap().spent, zcdp("0.01"));
    ledger.verify().unwrap();
    let error = ledger.admit(&fixture.request("costs", 2, zcdp("0.01"))).unwrap_err();
    assert!(matches!(error, LedgerError::ReadOnly { .. }), "{error}");
    assert_eq!(error.kind().exit_code(), 2);
}

#[test]
fn another_writer_makes_it_busy_and_nothing_is_spent() {
    let fixture = Fixture::new();
    let request = fixture.request("costs", 1, zcdp("0.01"));
    fixture
        .ledger
        .writer()
        .with_store(|store| store.rows("PRAGMA busy_timeout = 0", &[]).map(drop))
        .unwrap();
    let other = fixture.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = fixture.ledger.admit(&request).unwrap_err();
    assert!(matches!(error, LedgerError::Busy), "{error}");
    assert_eq!(error.kind().exit_code(), 75);
    other.execute_batch("ROLLBACK").unwrap();
    assert!(!fixture.ledger.admit(&request).unwrap().replayed);
}
