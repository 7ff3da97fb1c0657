//! The databases a ledger can live in, behind one face.
//!
//! Every statement of the ledger is written once and runs on SQLite and on PostgreSQL: the rooms
//! above see a [`Transaction`], which runs statements, and never a driver. Beginning, committing
//! and connecting belong to a [`Store`], which only the writer and the facade hold.
//!
//! The common language: parameters are `?1`, `?2`; integers are signed with 64 bits; absent values are
//! compared with `IS [NOT] DISTINCT FROM`; lists of names are sorted in Rust, because collations differ.

pub(crate) mod dump;
pub(crate) mod location;
pub(crate) mod migrations;
mod postgres;
mod sqlite;
mod value;

pub(crate) use postgres::PostgresStore;
#[cfg(test)]
pub(crate) use sqlite::APPLICATION_ID;
pub(crate) use sqlite::SqliteStore;
pub(crate) use value::{Cell, Row, Value};

use std::fs;
use std::path::Path;

use crate::act::Mode;
use crate::error::LedgerError;
use location::Location;

/// Statements on one snapshot of the ledger, all of which happen or none.
pub(crate) trait Transaction {
    /// Runs a statement and returns how many rows it changed.
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, LedgerError>;

    /// Runs a query and returns its rows.
    fn rows(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, LedgerError>;
}

impl dyn Transaction + '_ {
    /// The first row of a query, if it has one.
    pub(crate) fn optional(
        &self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, LedgerError> {
        Ok(self.rows(sql, values)?.into_iter().next())
    }

    /// The first row of a query that always has one.
    pub(crate) fn row(&self, sql: &str, values: &[Value<'_>]) -> Result<Row, LedgerError> {
        self.optional(sql, values)?.ok_or_else(|| LedgerError::altered("a row is missing"))
    }

    /// Whether a query has any row.
    pub(crate) fn exists(&self, sql: &str, values: &[Value<'_>]) -> Result<bool, LedgerError> {
        Ok(self.optional(sql, values)?.is_some())
    }
}

/// What a transaction is begun for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// One snapshot; nothing is written.
    Read,
    /// The only writer of this ledger, in any process, until the end.
    Write,
}

/// One connection to a ledger's database.
pub(crate) trait Store: Transaction + Send {
    /// Begins a transaction; connects again first when the connection was lost.
    fn begin(&mut self, access: Access) -> Result<(), LedgerError>;

    /// Makes the transaction durable: when this returns, it survives a power cut.
    fn commit(&mut self) -> Result<(), LedgerError>;

    /// Forgets the transaction, if one is open.
    fn rollback(&mut self);

    /// Whether a transaction is open; a failing disk or connection may have ended it.
    fn in_transaction(&self) -> bool;

    /// Whether this connection may only read.
    fn is_read_only(&self) -> bool;

    /// The database's own checks of itself, and that its shape is that of the migrations.
    fn check(&self) -> Result<(), LedgerError>;

    /// Writes everything that the open transaction sees into a new file, durably.
    fn copy_to(&self, target: &Path) -> Result<(), LedgerError>;
}

/// Creates the ledger's tables where there are none; one entry, its identity, is left to `first`.
pub(crate) fn create(
    location: &Location,
    first: &mut dyn FnMut(&dyn Transaction) -> Result<(), LedgerError>,
) -> Result<Box<dyn Store>, LedgerError> {
    Ok(match location {
        Location::File(path) => Box::new(SqliteStore::create(path, first)?),
        Location::Postgres(url) => Box::new(PostgresStore::create(url, first)?),
    })
}

/// Puts a copy in a place where no ledger is, and hands it to `check` before it counts.
///
/// *Guarantee*: whatever fails, the place is as it was.
pub(crate) fn restore(
    copy: &Path,
    location: &Location,
    mode: Mode,
    check: &mut dyn FnMut(&mut dyn Store) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    match location {
        Location::File(path) => SqliteStore::restore(copy, path, mode, check),
        Location::Postgres(url) => PostgresStore::restore(copy, url, mode, check),
    }
}

/// Whether something is where a ledger would be.
pub(crate) fn exists(location: &Location) -> bool {
    match location {
        Location::File(path) => path.exists(),
        Location::Postgres(_) => open(location).is_ok(),
    }
}

/// Opens a ledger, upgrading it when it is older than this code.
pub(crate) fn open(location: &Location) -> Result<Box<dyn Store>, LedgerError> {
    Ok(match location {
        Location::File(path) => Box::new(SqliteStore::open(path)?),
        Location::Postgres(url) => Box::new(PostgresStore::open(url)?),
    })
}

/// Makes a new file's name durable too, where folders can be synced.
pub(crate) fn sync_folder(path: &Path) -> Result<(), LedgerError> {
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
