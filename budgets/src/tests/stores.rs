//! What is particular to a store: its shape, its settings, and losing its connection.

use std::fs;

use super::*;
use crate::ErrorKind;
use crate::store::chain::Kind;
use crate::store::database::migrations::VERSION;

/// The columns of every table, as each database lists them.
fn columns(backend: Backend) -> Vec<String> {
    let sql = match backend {
        Backend::Sqlite => {
            "SELECT l.name || '.' || c.name FROM pragma_table_list l, pragma_table_info(l.name) c
             WHERE l.schema = 'main' AND l.name NOT LIKE 'sqlite_%'"
        }
        Backend::Postgres => {
            "SELECT table_name || '.' || column_name FROM information_schema.columns
             WHERE table_schema = 'voilage' AND table_name <> 'version'"
        }
    };
    let read = |fixture: &Fixture| fixture.ledger.read(|transaction| transaction.rows(sql, &[]));
    let rows = read(&backend.empty()).unwrap();
    let mut names: Vec<String> = rows.iter().map(|row| row.get(0).unwrap()).collect();
    names.sort();
    names
}

/// A column that only one store has, or that no entry covers, would make two ledgers of one.
#[test]
fn both_stores_have_the_same_tables_and_every_column_is_chained() {
    let of_sqlite = columns(Backend::Sqlite);
    for kind in Kind::ALL {
        let table = kind.table();
        let mut chained: Vec<String> =
            kind.columns().split(", ").map(|column| format!("{table}.{column}")).collect();
        chained.push(format!("{table}.position"));
        chained.sort();
        let prefix = format!("{table}.");
        let found: Vec<&String> =
            of_sqlite.iter().filter(|name| name.starts_with(&prefix)).collect();
        assert_eq!(found, chained.iter().collect::<Vec<_>>());
    }
    if Cluster::shared().is_some() {
        assert_eq!(columns(Backend::Postgres), of_sqlite);
    }
}

/// The file that `verify` compares a PostgreSQL ledger with.
#[test]
fn the_shape_file_is_what_the_migrations_make() {
    if Cluster::shared().is_none() {
        return;
    }
    let fixture = Backend::Postgres.empty();
    let sql = include_str!("../../migrations/postgres/shape.sql");
    let rows = fixture.ledger.read(|transaction| transaction.rows(sql, &[])).unwrap();
    let mut lines: Vec<String> = rows.iter().map(|row| row.get(0).unwrap()).collect();
    lines.sort();
    let found = lines.join("\n") + "\n";
    if found != include_str!("../../migrations/postgres/shape.txt") {
        let new = std::env::temp_dir().join("voilage-shape.txt");
        fs::write(&new, found).unwrap();
        panic!("migrations/postgres/shape.txt is old; read {} and copy it there", new.display());
    }
}

#[test]
fn a_ledger_is_created_once_and_opened_where_there_is_one() {
    each_store(|store| {
        let fixture = store.with_projects();
        let again = Ledger::create_at(&fixture.settings, fixture.clock.clone()).unwrap_err();
        assert!(matches!(again, LedgerError::AlreadyExists { .. }), "{again}");
        fixture.ledger.verify().unwrap();
    });
    if let Some(cluster) = Cluster::shared() {
        let folder = TempDir::new().unwrap();
        let beside = Settings::beside(&folder.path().join("ledger"));
        let empty = Settings { location: cluster.new_database(), ..beside.clone() };
        let clock = Arc::new(FixedClock::new(noon("2026-06-15")));
        let error = Ledger::open_at(&empty, clock.clone()).unwrap_err();
        assert!(matches!(error, LedgerError::Missing { .. }), "{error}");
        let location = Location::Postgres("postgres://voilage@%2Fnowhere/ledger".to_owned());
        let nowhere = Settings { location, ..beside };
        let error = Ledger::open_at(&nowhere, clock).unwrap_err();
        assert!(matches!(error, LedgerError::Unreadable { .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::FixInput);
    }
}

#[test]
fn a_newer_ledger_is_refused_by_each_store() {
    each_store(|store| {
        let fixture = store.empty();
        let newer = VERSION + 1;
        let sql = match store {
            Backend::Sqlite => format!("PRAGMA user_version = {newer}"),
            Backend::Postgres => format!("INSERT INTO version VALUES ({newer})"),
        };
        fixture.ledger.write(|transaction| transaction.execute(&sql, &[])).unwrap();
        let error = Ledger::open_at(&fixture.settings, fixture.clock.clone()).unwrap_err();
        assert!(matches!(error, LedgerError::NewerVersion { .. }), "{error}");
    });
}

#[test]
fn rows_are_written_once_in_each_store() {
    each_store(|store| {
        let fixture = store.full();
        let before = fixture.ledger.verify().unwrap();
        let tables = Kind::ALL.map(Kind::table).into_iter().chain(["entry", "sealed_bytes"]);
        let mut changes: Vec<String> = tables
            .flat_map(|table| {
                let key = if table == "sealed_bytes" { "seal" } else { "position" };
                [format!("DELETE FROM {table}"), format!("UPDATE {table} SET {key} = {key} + 1000")]
            })
            .collect();
        changes.extend(
            [
                "DELETE FROM account",
                "UPDATE account SET spent_rho = spent_rho - 1 WHERE spent_rho > 0",
                "UPDATE account SET cap_rho = cap_rho + 1",
                "UPDATE account SET holder = holder + 1000",
                "UPDATE account SET sequence = sequence - 1 WHERE sequence > 0",
                "UPDATE account SET spent_rho = spent_rho + 1",
                "UPDATE account SET spent_rho = cap_rho + 1, sequence = sequence + 1",
            ]
            .map(str::to_owned),
        );
        for sql in changes {
            let changed = fixture.ledger.write(|transaction| transaction.execute(&sql, &[]));
            let error = changed.map(|rows| format!("{sql}: {rows} rows")).unwrap_err();
            assert!(matches!(error, LedgerError::Database { .. }), "{sql}: {error}");
        }
        assert_eq!(fixture.ledger.verify().unwrap(), before);
    });
}

/// A server that confirms what it has not written would forget charges.
#[test]
fn a_server_that_does_not_wait_for_its_disk_is_refused() {
    let Some(cluster) = Cluster::start() else { return };
    let folder = TempDir::new().unwrap();
    let beside = Settings::beside(&folder.path().join("ledger"));
    let settings = Settings { location: cluster.new_database(), ..beside };
    let clock = Arc::new(FixedClock::new(noon("2026-06-15")));
    let ledger = Ledger::create_at(&settings, clock.clone()).unwrap();
    for (setting, off, on) in [
        ("synchronous_commit", "ALTER SYSTEM SET synchronous_commit = off", "on"),
        ("fsync", "ALTER SYSTEM SET fsync = off", "on"),
    ] {
        let mut server = cluster.client("postgres");
        let mut set = |sql: &str| {
            server.batch_execute(sql).unwrap();
            server.batch_execute("SELECT pg_reload_conf()").unwrap();
        };
        set(off);
        let is_off = || {
            let sql = format!("SELECT current_setting('{setting}')");
            cluster.client("postgres").query_one(&sql, &[]).unwrap().get::<_, String>(0) == "off"
        };
        // The server rereads its settings when it gets to it.
        while !is_off() {}
        let refused = |error: LedgerError| {
            assert_eq!(error.kind(), ErrorKind::FixInput);
            assert!(error.to_string().contains(&format!("runs with {setting} = off")), "{error}");
        };
        refused(Ledger::open_at(&settings, clock.clone()).unwrap_err());
        // A connection that was open before notices too, before it charges.
        loop {
            match ledger.register_dataset(&dataset("rand", "8", Some("1e-6"))) {
                Ok(_) => {}
                Err(error) => break refused(error),
            }
        }
        set(&format!("ALTER SYSTEM SET {setting} = {on}"));
        while is_off() {}
    }
}

/// The server ends our connections, at rest and in the middle of a charge.
#[test]
fn a_lost_connection_is_said_and_the_charge_is_there_or_not() {
    if Cluster::shared().is_none() {
        return;
    }
    let fixture = Backend::Postgres.with_projects();
    let request = fixture.request("costs", 1, zcdp("0.01"));
    let cut = || {
        let other = fixture.reopen();
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        other.read(|transaction| transaction.rows(sql, &[])).map(drop)
    };
    // In the middle: after the charge's statements and before its commit.
    let lost = fixture.ledger.write(|transaction| {
        let charge = crate::store::admit::admit(transaction, fixture.clock.as_ref(), &request)?;
        cut().unwrap();
        Ok(charge)
    });
    let error = lost.unwrap_err();
    assert!(matches!(error, LedgerError::ConnectionLost { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::TryAgain);
    // Reconnected, the charge is not there, and asking again makes it.
    let charge = retried(|| fixture.ledger.admit(&request));
    assert!(!charge.replayed);
    // At rest, and with a charge that is there: asking again finds it.
    cut().unwrap();
    assert!(retried(|| fixture.ledger.admit(&request)).replayed);
    assert_eq!(retried(|| fixture.ledger.project("costs")).spent, zcdp("0.01"));
    retried(|| fixture.ledger.verify());
}

/// A connection notices that it is lost when it is used, and is renewed at the next use.
fn retried<T>(ask: impl Fn() -> Result<T, LedgerError>) -> T {
    match ask() {
        Err(LedgerError::ConnectionLost { .. }) => ask().unwrap(),
        other => other.unwrap(),
    }
}
