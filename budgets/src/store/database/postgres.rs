//! PostgreSQL: one schema called `voilage` in a database that somebody else runs.
//!
//! Writers are serialised by a lock on the identity's row, taken before anything is read. The isolation
//! level decides nothing: each statement after the lock sees what earlier writers committed, and
//! conditional statements decide.

use std::cell::{Cell as Flag, RefCell};
use std::collections::HashMap;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

use bytes::BytesMut;
use postgres::error::SqlState;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, NoTls, Statement};

use super::dump::{self, Part};
use super::location::Location;
use super::migrations::{self, VERSION};
use super::value::{Cell, Row, Value};
use super::{Access, Store, Transaction};
use crate::act::Mode;
use crate::error::LedgerError;

/// The shape the migrations give, as [`SHAPE_QUERY`] shows it; a test keeps the two together.
const SHAPE: &str = include_str!("../../../migrations/postgres/shape.txt");

const SHAPE_QUERY: &str = include_str!("../../../migrations/postgres/shape.sql");

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What every connection needs. Waiting for other writers ends as it does for a file.
const SESSION: &str = "
    SET search_path = voilage;
    SET lock_timeout = '20s';
    SET client_min_messages = warning;
    SET DateStyle = 'ISO'";

/// "VoiL": creating and upgrading one at a time.
const SHAPING_LOCK: i64 = 0x566f_694c;

/// A connection to a ledger's database.
pub(crate) struct PostgresStore {
    url: String,
    client: RefCell<Client>,
    statements: RefCell<HashMap<String, Statement>>,
    open: bool,
    /// Set by the first error of a connection, which it survives less often than it admits.
    lost: Flag<bool>,
}

impl PostgresStore {
    /// Creates a ledger in a database that has none.
    pub(super) fn create(
        url: &str,
        first: &mut dyn FnMut(&dyn Transaction) -> Result<(), LedgerError>,
    ) -> Result<Self, LedgerError> {
        let mut store = Self::new(url)?;
        store.run("BEGIN")?;
        store.open = true;
        store.run(&format!("SELECT pg_advisory_xact_lock({SHAPING_LOCK})"))?;
        if store.version()?.is_some() {
            return Err(LedgerError::AlreadyExists { at: store.location() });
        }
        store.run("CREATE SCHEMA IF NOT EXISTS voilage")?;
        store.migrate(0)?;
        first(&store)?;
        store.commit()?;
        Ok(store)
    }

    /// Opens a ledger, upgrading it when it is older than this code.
    pub(super) fn open(url: &str) -> Result<Self, LedgerError> {
        let mut store = Self::new(url)?;
        if store.known_version()? < VERSION {
            store.run("BEGIN")?;
            store.open = true;
            store.run(&format!("SELECT pg_advisory_xact_lock({SHAPING_LOCK})"))?;
            let version = store.known_version()?;
            store.migrate(version)?;
            store.commit()?;
        }
        Ok(store)
    }

    /// Puts a copy into a database without a ledger: all of it, or its schema is dropped again.
    pub(super) fn restore(
        copy: &Path,
        url: &str,
        mode: Mode,
        check: &mut dyn FnMut(&mut dyn Store) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let store = Self::new(url)?;
        let this: &dyn Transaction = &store;
        let taken = "SELECT 1 FROM pg_namespace WHERE nspname = 'voilage'";
        if this.exists(taken, &[])? {
            return Err(LedgerError::AlreadyExists { at: store.location() });
        }
        dump::must_be(copy, dump::Format::Postgres)?;
        let config = parsed(url)?;
        dump::must_be_a_ledger(copy)?;
        if mode == Mode::Rehearse {
            return Ok(());
        }
        dump::read_into(&config, copy)?;
        let checked = Self::open(url).and_then(|mut restored| check(&mut restored));
        if checked.is_err() {
            store.run("DROP SCHEMA voilage CASCADE")?;
        }
        checked
    }

    fn new(url: &str) -> Result<Self, LedgerError> {
        let client = connect(url)?;
        let store = Self {
            url: url.to_owned(),
            client: RefCell::new(client),
            statements: RefCell::default(),
            open: false,
            lost: Flag::new(false),
        };
        store.must_be_durable(&*store.settings()?)?;
        Ok(store)
    }

    fn location(&self) -> Location {
        Location::Postgres(self.url.clone())
    }

    /// The ledger's version; `None` when the database holds no ledger.
    fn version(&self) -> Result<Option<i64>, LedgerError> {
        let this: &dyn Transaction = self;
        let known = "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE n.nspname = 'voilage' AND c.relname = 'version'";
        if !this.exists(known, &[])? {
            return Ok(None);
        }
        this.row("SELECT max(number) FROM voilage.version", &[])?.get(0)
    }

    fn known_version(&self) -> Result<i64, LedgerError> {
        let found = self.version()?.ok_or_else(|| LedgerError::Missing { at: self.location() })?;
        if found > VERSION {
            return Err(LedgerError::NewerVersion { at: self.location(), found, known: VERSION });
        }
        Ok(found)
    }

    fn migrate(&self, from: i64) -> Result<(), LedgerError> {
        for (version, migration) in migrations::after(from) {
            self.run(migration.postgres)?;
            self.execute("INSERT INTO version (number) VALUES (?1)", &[version.into()])?;
        }
        Ok(())
    }

    fn run(&self, sql: &str) -> Result<(), LedgerError> {
        let done = self.client.borrow_mut().batch_execute(sql);
        done.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: postgres::Error) -> LedgerError {
        let error = error.into();
        if matches!(error, LedgerError::ConnectionLost { .. }) {
            self.lost.set(true);
        }
        error
    }

    fn settings(&self) -> Result<Box<[String; 2]>, LedgerError> {
        let this: &dyn Transaction = self;
        let row = this
            .row("SELECT current_setting('fsync'), current_setting('synchronous_commit')", &[])?;
        Ok(Box::new([row.get(0)?, row.get(1)?]))
    }

    /// A commit that does not wait for the disk would tell a charge that a power cut forgets.
    fn must_be_durable(
        &self,
        [fsync, synchronous_commit]: &[String; 2],
    ) -> Result<(), LedgerError> {
        for (setting, value) in [("fsync", fsync), ("synchronous_commit", synchronous_commit)] {
            if value == "off" {
                return Err(LedgerError::NotDurable { at: self.location(), setting });
            }
        }
        Ok(())
    }

    fn prepared(&self, sql: &str) -> Result<Statement, LedgerError> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let prepared = self.client.borrow_mut().prepare(&numbered(sql));
        let statement = prepared.map_err(|error| self.failed(error))?;
        self.statements.borrow_mut().insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl Transaction for PostgresStore {
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, LedgerError> {
        let statement = self.prepared(sql)?;
        let parameters: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let done = self.client.borrow_mut().execute(&statement, &parameters);
        done.map_err(|error| self.failed(error))
    }

    fn rows(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, LedgerError> {
        let statement = self.prepared(sql)?;
        let parameters: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let found = self.client.borrow_mut().query(&statement, &parameters);
        let rows = found.map_err(|error| self.failed(error))?;
        let read = |row: &postgres::Row| {
            (0..row.len()).map(|column| row.try_get(column)).collect::<Result<_, _>>().map(Row::new)
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }
}

impl Store for PostgresStore {
    fn begin(&mut self, access: Access) -> Result<(), LedgerError> {
        if self.lost.get() || self.client.borrow().is_closed() {
            let client = connect(&self.url)
                .map_err(|error| LedgerError::ConnectionLost { why: error.to_string() })?;
            self.client.replace(client);
            self.statements.borrow_mut().clear();
            self.lost.set(false);
        }
        match access {
            Access::Read => {
                self.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
                self.open = true;
            }
            Access::Write => {
                self.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")?;
                self.open = true;
                // A server may be reloaded with other settings while we are connected.
                let this: &dyn Transaction = self;
                let row = this.row(
                    "SELECT current_setting('fsync'), current_setting('synchronous_commit')
                     FROM identity FOR UPDATE",
                    &[],
                )?;
                self.must_be_durable(&[row.get(0)?, row.get(1)?])?;
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), LedgerError> {
        let committed = self.run("COMMIT");
        self.open = committed.is_err();
        committed
    }

    fn rollback(&mut self) {
        if self.in_transaction() {
            // A rollback that fails has lost its connection, which rolls back too.
            let _ = self.run("ROLLBACK");
        }
        self.open = false;
    }

    fn in_transaction(&self) -> bool {
        self.open && !self.lost.get() && !self.client.borrow().is_closed()
    }

    fn is_read_only(&self) -> bool {
        false
    }

    fn copy_to(&self, target: &Path) -> Result<(), LedgerError> {
        let this: &dyn Transaction = self;
        // The copy is of what this transaction sees and has verified, whatever is written meanwhile.
        let snapshot: String = this.row("SELECT pg_export_snapshot()", &[])?.get(0)?;
        let part = Part::new(target)?;
        dump::write(&parsed(&self.url)?, &snapshot, &part.path)?;
        dump::must_be_a_ledger(&part.path)?;
        part.is_read_only()?;
        part.becomes(target)
    }

    fn check(&self) -> Result<(), LedgerError> {
        let mut found = Vec::new();
        for row in self.rows(SHAPE_QUERY, &[])? {
            found.push(row.get::<String>(0)?);
        }
        found.sort();
        let expected: Vec<&str> = SHAPE.lines().collect();
        if let Some(object) = expected.iter().find(|object| !found.iter().any(|f| f == *object)) {
            return Err(LedgerError::altered(&format!("its {object} is missing or was changed")));
        }
        if let Some(object) = found.iter().find(|object| !expected.contains(&object.as_str())) {
            return Err(LedgerError::altered(&format!(
                "it has a {object} that does not belong to it"
            )));
        }
        Ok(())
    }
}

fn connect(url: &str) -> Result<Client, LedgerError> {
    let unreadable =
        |why: String| LedgerError::Unreadable { at: Location::Postgres(url.to_owned()), why };
    let mut config = parsed(url)?;
    config.application_name("voilage").connect_timeout(CONNECT_TIMEOUT);
    let mut client = config.connect(NoTls).map_err(|error| unreadable(reason(&error)))?;
    client.batch_execute(SESSION).map_err(|error| unreadable(reason(&error)))?;
    Ok(client)
}

fn parsed(url: &str) -> Result<Config, LedgerError> {
    url.parse().map_err(|_| LedgerError::Unreadable {
        at: Location::Postgres(url.to_owned()),
        why: "this is not a postgres:// URL".to_owned(),
    })
}

/// `?1` becomes `$1`: no statement of the ledger has a question mark for anything else.
fn numbered(sql: &str) -> String {
    sql.replace('?', "$")
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match *self {
            Value::Null => Ok(IsNull::Yes),
            Value::Integer(value) if *kind == Type::INT4 => i32::try_from(value)?.to_sql(kind, out),
            Value::Integer(value) => value.to_sql(kind, out),
            Value::Text(value) => value.to_sql(kind, out),
            Value::Blob(value) => value.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::TEXT, Type::VARCHAR, Type::BYTEA].contains(kind)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Cell {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *kind {
            Type::INT8 => Self::Integer(i64::from_sql(kind, raw)?),
            Type::INT4 => Self::Integer(i32::from_sql(kind, raw)?.into()),
            Type::BOOL => Self::Integer(bool::from_sql(kind, raw)?.into()),
            Type::TEXT | Type::VARCHAR | Type::NAME => Self::Text(raw.to_vec()),
            Type::BYTEA => Self::Blob(raw.to_vec()),
            _ => Self::Foreign,
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// What the server said, without details that repeat a row.
fn reason(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => error.message().to_owned(),
        None => match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

impl From<postgres::Error> for LedgerError {
    fn from(error: postgres::Error) -> Self {
        let why = reason(&error);
        let Some(code) = error.code() else {
            return Self::ConnectionLost { why };
        };
        let is = |codes: &[SqlState]| codes.contains(code);
        if is(&[
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::QUERY_CANCELED,
        ]) {
            Self::Busy
        } else if is(&[SqlState::DISK_FULL, SqlState::IO_ERROR, SqlState::OUT_OF_MEMORY]) {
            Self::Disk { why }
        } else if is(&[
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
        ]) {
            Self::ConnectionLost { why }
        } else if is(&[SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED]) {
            Self::altered(&why)
        } else {
            Self::Database { why }
        }
    }
}
