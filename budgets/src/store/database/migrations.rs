//! The numbered migrations, run forwards only; the n-th makes version n.
//!
//! Each exists for both databases: types and triggers are spelled differently, tables and columns are
//! the same, which a test holds them to. A file that was released never changes.

/// One step of a ledger's shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// The steps, oldest first.
pub(crate) const MIGRATIONS: [Migration; 4] = [
    Migration {
        sqlite: include_str!("../../../migrations/sqlite/0001_ledger.sql"),
        postgres: include_str!("../../../migrations/postgres/0001_ledger.sql"),
    },
    Migration {
        sqlite: include_str!("../../../migrations/sqlite/0002_integrity.sql"),
        postgres: include_str!("../../../migrations/postgres/0002_integrity.sql"),
    },
    Migration {
        sqlite: include_str!("../../../migrations/sqlite/0003_objects.sql"),
        postgres: include_str!("../../../migrations/postgres/0003_objects.sql"),
    },
    Migration {
        sqlite: include_str!("../../../migrations/sqlite/0004_replays.sql"),
        postgres: include_str!("../../../migrations/postgres/0004_replays.sql"),
    },
];

/// The newest version this code knows.
pub(crate) const VERSION: i64 = MIGRATIONS.len() as i64;

/// The steps that lead from version `from` to the newest, each with the version it makes.
pub(crate) fn after(from: i64) -> impl Iterator<Item = (i64, Migration)> {
    (1..).zip(MIGRATIONS).filter(move |(version, _)| *version > from)
}
