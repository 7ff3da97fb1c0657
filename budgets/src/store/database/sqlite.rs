//! SQLite: one file, created, recognised, upgraded and opened.

use std::fs;
use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, params_from_iter};

use super::dump::{self, Part, beside};
use super::migrations::{self, VERSION};
use super::value::{Cell, Row, Value};
use super::{Access, Store, Transaction, sync_folder};
use crate::act::Mode;
use crate::error::LedgerError;

/// "VoiL", in the database header's application id.
pub(crate) const APPLICATION_ID: i64 = 0x566f_694c;

/// How long a writer waits for other processes before it gives up with "busy".
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);

/// More than the ledger has statements, so that none is parsed twice.
const STATEMENTS_CACHED: usize = 128;

/// An open ledger file.
pub(crate) struct SqliteStore {
    path: PathBuf,
    read_only: bool,
    connection: Connection,
}

impl SqliteStore {
    /// Creates a ledger where there is none.
    ///
    /// A crash in the middle leaves a file without tables, which a second call completes.
    pub(super) fn create(
        path: &Path,
        first: &mut dyn FnMut(&dyn Transaction) -> Result<(), LedgerError>,
    ) -> Result<Self, LedgerError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if path.is_dir() {
            return Err(LedgerError::AlreadyExists { at: path.into() });
        }
        let connection = connect(path, flags)?;
        if !is_blank(&connection).map_err(|error| taken(path, error))? {
            return Err(LedgerError::AlreadyExists { at: path.into() });
        }
        configure(&connection, path, false)?;
        let mut store = Self { path: path.to_owned(), read_only: false, connection };
        store.begin(Access::Write)?;
        // Two creators may have come this far; the write lock lets one of them through.
        if !is_blank(&store.connection)? {
            return Err(LedgerError::AlreadyExists { at: path.into() });
        }
        store.connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        migrate(&store.connection, 0)?;
        first(&store)?;
        store.commit()?;
        sync_folder(path)?;
        Ok(store)
    }

    /// Opens a ledger, upgrading it when it is older than this code.
    pub(super) fn open(path: &Path) -> Result<Self, LedgerError> {
        let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
        if metadata.is_dir() {
            return Err(LedgerError::NotALedger { at: path.into(), why: "it is a folder" });
        }
        // A superuser could write to it all the same, but a read-only mark is meant.
        let marked = metadata.permissions().readonly();
        let access = if marked {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        } else {
            OpenFlags::SQLITE_OPEN_READ_WRITE
        };
        let connection = connect(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        let version = recognise(&connection, path)?;
        let read_only = marked || connection.is_readonly("main")?;
        configure(&connection, path, read_only)?;
        let mut store = Self { path: path.to_owned(), read_only, connection };
        if version < VERSION {
            if read_only {
                return Err(LedgerError::ReadOnly { at: path.into() });
            }
            store.begin(Access::Write)?;
            let version = pragma(&store.connection, "user_version")?;
            migrate(&store.connection, version)?;
            store.commit()?;
        }
        Ok(store)
    }

    /// Puts a copy where no ledger is: copied, upgraded and checked under another name first.
    pub(super) fn restore(
        copy: &Path,
        path: &Path,
        mode: Mode,
        check: &mut dyn FnMut(&mut dyn Store) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        // A log that was left behind would be read into the restored file.
        for there in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
            if there.exists() {
                return Err(dump::in_the_way(&there));
            }
        }
        dump::must_be(copy, dump::Format::Sqlite)?;
        let source = connect(copy, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        recognise(&source, copy)?;
        let part = Part::new(path)?;
        pour(&source, &part.path)?;
        drop(source);
        let mut store = Self::open(&part.path)?;
        check(&mut store)?;
        // The last connection takes the log into the file as it leaves.
        drop(store);
        match mode {
            Mode::Rehearse => Ok(()),
            Mode::Record => part.becomes(path),
        }
    }

    /// Says which file could not be used, where SQLite says only that one could not.
    fn named(&self, error: rusqlite::Error) -> LedgerError {
        match error.sqlite_error_code() {
            Some(ErrorCode::ReadOnly) => LedgerError::ReadOnly { at: self.path.as_path().into() },
            Some(ErrorCode::CannotOpen) => {
                LedgerError::Unreadable { at: self.path.as_path().into(), why: error.to_string() }
            }
            _ => error.into(),
        }
    }

    fn run(&self, sql: &str) -> Result<(), LedgerError> {
        self.connection.execute_batch(sql).map_err(|error| self.named(error))
    }
}

impl Transaction for SqliteStore {
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, LedgerError> {
        let changed = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(params_from_iter(values)))
            .map_err(|error| self.named(error))?;
        Ok(changed as u64)
    }

    fn rows(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, LedgerError> {
        let read = || -> rusqlite::Result<Vec<Row>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let columns = statement.column_count();
            let rows = statement.query_map(params_from_iter(values), |row| read(row, columns))?;
            rows.collect()
        };
        read().map_err(|error| self.named(error))
    }
}

impl Store for SqliteStore {
    fn begin(&mut self, access: Access) -> Result<(), LedgerError> {
        match access {
            Access::Read => self.run("BEGIN DEFERRED"),
            Access::Write if self.read_only => {
                Err(LedgerError::ReadOnly { at: self.path.as_path().into() })
            }
            Access::Write => self.run("BEGIN IMMEDIATE"),
        }
    }

    fn commit(&mut self) -> Result<(), LedgerError> {
        self.run("COMMIT")
    }

    fn rollback(&mut self) {
        if self.in_transaction() {
            // SQLite has nothing to say about a rollback that the next BEGIN would not say again.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    fn in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn copy_to(&self, target: &Path) -> Result<(), LedgerError> {
        let part = Part::new(target)?;
        pour(&self.connection, &part.path)?;
        let copy = connect(&part.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // One file without a log, and marked, so that nobody takes it for the ledger itself.
        let mode: String = copy.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
        if mode != "delete" {
            return Err(LedgerError::Database { why: format!("a copy is in mode {mode}") });
        }
        drop(copy);
        part.is_read_only()?;
        part.becomes(target)
    }

    fn check(&self) -> Result<(), LedgerError> {
        let report: String =
            self.connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        if report != "ok" {
            return Err(LedgerError::altered(&report));
        }
        if self.connection.prepare("PRAGMA foreign_key_check")?.exists([])? {
            return Err(LedgerError::altered("a row refers to a row that is missing"));
        }
        let (found, expected) = (shape(&self.connection)?, expected_shape()?);
        if let Some((name, _)) = expected.iter().find(|object| !found.contains(object)) {
            return Err(LedgerError::altered(&format!("its {name} is missing or was changed")));
        }
        if let Some((name, _)) = found.iter().find(|object| !expected.contains(object)) {
            return Err(LedgerError::altered(&format!(
                "it has a {name} that does not belong to it"
            )));
        }
        Ok(())
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Value::Null => ValueRef::Null,
            Value::Integer(value) => ValueRef::Integer(value),
            Value::Text(value) => ValueRef::Text(value.as_bytes()),
            Value::Blob(value) => ValueRef::Blob(value),
        }))
    }
}

fn read(row: &rusqlite::Row<'_>, columns: usize) -> rusqlite::Result<Row> {
    let cell = |column| {
        Ok(match row.get_ref(column)? {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(value) => Cell::Integer(value),
            ValueRef::Text(value) => Cell::Text(value.to_vec()),
            ValueRef::Blob(value) => Cell::Blob(value.to_vec()),
            ValueRef::Real(_) => Cell::Foreign,
        })
    };
    Ok(Row::new((0..columns).map(cell).collect::<rusqlite::Result<_>>()?))
}

/// The statements that make a table, index or trigger, by name: to compare a file with this code.
fn shape(connection: &Connection) -> Result<Vec<(String, String)>, LedgerError> {
    let mut statement = connection.prepare(
        "SELECT name, sql FROM sqlite_schema
         WHERE lower(substr(name, 1, 7)) <> 'sqlite_' ORDER BY name",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The shape that this code gives to a new ledger.
fn expected_shape() -> Result<Vec<(String, String)>, LedgerError> {
    let connection = Connection::open_in_memory()?;
    migrate(&connection, 0)?;
    shape(&connection)
}

/// Copies every page that a connection sees into a new file, with SQLite's own interface for it: the
/// main file alone would lack what is still in the log.
fn pour(source: &Connection, target: &Path) -> Result<(), LedgerError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut copy = connect(target, flags)?;
    let done = Backup::new(source, &mut copy)?.step(-1)?;
    match done {
        StepResult::Done => Ok(()),
        // Every page was asked for at once: what is left waits for another writer.
        _ => Err(LedgerError::Busy),
    }
}

fn migrate(connection: &Connection, from: i64) -> Result<(), LedgerError> {
    for (version, migration) in migrations::after(from) {
        connection.execute_batch(migration.sqlite)?;
        connection.pragma_update(None, "user_version", version)?;
    }
    Ok(())
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, LedgerError> {
    let connection = Connection::open_with_flags(path, flags)
        .map_err(|error| LedgerError::Unreadable { at: path.into(), why: error.to_string() })?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    Ok(connection)
}

/// What every connection needs; the journal mode stays in the file, the rest does not.
fn configure(connection: &Connection, path: &Path, read_only: bool) -> Result<(), LedgerError> {
    connection.pragma_update(None, "foreign_keys", true)?;
    // Without it, INSERT OR REPLACE would slip past the triggers that forbid DELETE.
    connection.pragma_update(None, "recursive_triggers", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    if read_only {
        return Ok(());
    }
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
                LedgerError::ReadOnly { at: path.into() }
            }
            _ => error.into(),
        })?;
    if mode != "wal" {
        return Err(LedgerError::Unreadable {
            at: path.into(),
            why: "this file system has no shared memory for a write-ahead log".to_owned(),
        });
    }
    // A charge is durable before it is told: every commit waits for the disk itself.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    Ok(())
}

/// The version of the ledger at `path`; an error if it is something else.
fn recognise(connection: &Connection, path: &Path) -> Result<i64, LedgerError> {
    let read = |name| pragma(connection, name).map_err(|error| foreign(path, error));
    let application_id = read("application_id")?;
    if application_id != APPLICATION_ID {
        let why = if is_blank(connection).map_err(|error| foreign(path, error))? {
            "it is empty"
        } else {
            "it is another database"
        };
        return Err(LedgerError::NotALedger { at: path.into(), why });
    }
    let found = read("user_version")?;
    if found > VERSION {
        return Err(LedgerError::NewerVersion { at: path.into(), found, known: VERSION });
    }
    Ok(found)
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

fn is_blank(connection: &Connection) -> rusqlite::Result<bool> {
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(objects == 0 && pragma(connection, "application_id")? == 0)
}

/// Before a file is known to be a ledger, damage means that it is another file.
fn foreign(path: &Path, error: rusqlite::Error) -> LedgerError {
    match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            LedgerError::Unreadable { at: path.into(), why: error.to_string() }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            LedgerError::NotALedger { at: path.into(), why: "it is not a database" }
        }
        _ => error.into(),
    }
}

/// Where a new ledger should go, a file that is no database is simply in the way.
fn taken(path: &Path, error: rusqlite::Error) -> LedgerError {
    match foreign(path, error) {
        LedgerError::NotALedger { at, .. } => LedgerError::AlreadyExists { at },
        other => other,
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> LedgerError {
    match error.kind() {
        IoErrorKind::NotFound => LedgerError::Missing { at: path.into() },
        _ => LedgerError::Unreadable { at: path.into(), why: error.to_string() },
    }
}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => {
                Self::Disk { why: error.to_string() }
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::altered(&error.to_string())
            }
            _ => Self::Database { why: error.to_string() },
        }
    }
}
