//! The ledger's file: how it is created, recognised, upgraded and opened.

use std::fs;
use std::io::ErrorKind as IoErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::chain::{self, Kind};
use super::random_id::random_id;
use crate::clock::Clock;
use crate::error::LedgerError;

/// "VoiL", in the database header's application id.
pub(crate) const APPLICATION_ID: i64 = 0x566f_694c;

/// The numbered migrations, forwards only; the n-th makes version n.
const MIGRATIONS: [&str; 1] = [include_str!("../../migrations/0001_ledger.sql")];

/// The newest version this code knows.
pub(crate) const VERSION: i64 = MIGRATIONS.len() as i64;

/// How long a writer waits for the others before it gives up with "busy".
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);

/// An open ledger file.
pub(crate) struct OpenFile {
    pub(crate) connection: Connection,
    pub(crate) read_only: bool,
}

/// Creates a ledger where there is none.
///
/// A crash in the middle leaves a file without tables, which a second call completes.
pub(crate) fn create(path: &Path, clock: &dyn Clock) -> Result<OpenFile, LedgerError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if path.is_dir() {
        return Err(LedgerError::AlreadyExists { path: path.to_owned() });
    }
    let mut connection = connect(path, flags)?;
    if !is_blank(&connection).map_err(|error| taken(path, error))? {
        return Err(LedgerError::AlreadyExists { path: path.to_owned() });
    }
    configure(&connection, path, false)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Two creators may have come this far; the write lock lets one of them through.
    if !is_blank(&transaction)? {
        return Err(LedgerError::AlreadyExists { path: path.to_owned() });
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    migrate(&transaction, 0)?;
    let at = chain::now(&transaction, clock)?;
    let ledger_id = random_id()?;
    chain::append(&transaction, Kind::Identity, at, |transaction, position| {
        transaction.execute(
            "INSERT INTO identity (position, ledger_id) VALUES (?1, ?2)",
            (position, ledger_id),
        )
    })?;
    transaction.commit()?;
    sync_folder(path)?;
    Ok(OpenFile { connection, read_only: false })
}

/// Opens a ledger, upgrading it when it is older than this code.
pub(crate) fn open(path: &Path) -> Result<OpenFile, LedgerError> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if metadata.is_dir() {
        return Err(LedgerError::NotALedger { path: path.to_owned(), why: "it is a folder" });
    }
    // A superuser could write to it all the same, but a read-only mark is meant.
    let marked = metadata.permissions().readonly();
    let access =
        if marked { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
    let mut connection = connect(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    let version = recognise(&connection, path)?;
    let read_only = marked || connection.is_readonly("main")?;
    configure(&connection, path, read_only)?;
    if version < VERSION {
        if read_only {
            return Err(LedgerError::ReadOnly { path: path.to_owned() });
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version = pragma(&transaction, "user_version")?;
        migrate(&transaction, version)?;
        transaction.commit()?;
    }
    Ok(OpenFile { connection, read_only })
}

/// The statements that make a table, index or trigger, by name: to compare a file with this code.
pub(super) fn shape(connection: &Connection) -> Result<Vec<(String, String)>, LedgerError> {
    let mut statement = connection.prepare(
        "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The shape that this code gives to a new ledger.
pub(super) fn expected_shape() -> Result<Vec<(String, String)>, LedgerError> {
    let connection = Connection::open_in_memory()?;
    migrate(&connection, 0)?;
    shape(&connection)
}

fn migrate(connection: &Connection, from: i64) -> Result<(), LedgerError> {
    for (version, sql) in (1..).zip(MIGRATIONS).filter(|(version, _)| *version > from) {
        connection.execute_batch(sql)?;
        connection.pragma_update(None, "user_version", version)?;
    }
    Ok(())
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, LedgerError> {
    let connection = Connection::open_with_flags(path, flags).map_err(|error| {
        LedgerError::Unreadable { path: path.to_owned(), why: error.to_string() }
    })?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
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
                LedgerError::ReadOnly { path: path.to_owned() }
            }
            _ => error.into(),
        })?;
    if mode != "wal" {
        return Err(LedgerError::Unreadable {
            path: path.to_owned(),
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
        let why = if is_blank(connection)? { "it is empty" } else { "it is another database" };
        return Err(LedgerError::NotALedger { path: path.to_owned(), why });
    }
    let found = read("user_version")?;
    if found > VERSION {
        return Err(LedgerError::NewerVersion { path: path.to_owned(), found, known: VERSION });
    }
    Ok(found)
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, LedgerError> {
    Ok(connection.pragma_query_value(None, name, |row| row.get(0))?)
}

fn is_blank(connection: &Connection) -> Result<bool, LedgerError> {
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(objects == 0 && pragma(connection, "application_id")? == 0)
}

/// Before a file is known to be a ledger, damage means that it is another file.
fn foreign(path: &Path, error: LedgerError) -> LedgerError {
    match error {
        LedgerError::Altered { .. } => {
            LedgerError::NotALedger { path: path.to_owned(), why: "it is not a database" }
        }
        LedgerError::Database(error)
            if matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
            ) =>
        {
            LedgerError::Unreadable { path: path.to_owned(), why: error.to_string() }
        }
        other => other,
    }
}

/// Where a new ledger should go, a file that is no database is simply in the way.
fn taken(path: &Path, error: LedgerError) -> LedgerError {
    match foreign(path, error) {
        LedgerError::NotALedger { path, .. } => LedgerError::AlreadyExists { path },
        other => other,
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> LedgerError {
    match error.kind() {
        IoErrorKind::NotFound => LedgerError::Missing { path: path.to_owned() },
        _ => LedgerError::Unreadable { path: path.to_owned(), why: error.to_string() },
    }
}

/// Makes the new file's name durable too, where folders can be synced.
fn sync_folder(path: &Path) -> Result<(), LedgerError> {
    if cfg!(unix) {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| LedgerError::Disk { why: error.to_string() })?;
    }
    Ok(())
}
