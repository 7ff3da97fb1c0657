//! Checking the whole ledger against itself: every hash, every sum, every sealed answer.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::accounts;
use super::chain::{self, Entry, EntryHash, Head, Kind};
use super::{schema, seal};
use crate::error::{LedgerError, Place};
use crate::units::Units;

/// What a ledger that is in order looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verification {
    /// How many entries were checked.
    pub entries: u64,
    /// The end of the chain; compare it with one that was kept outside.
    pub head: Head,
}

/// Recomputes everything; the first contradiction is the error, entries before sums.
pub(crate) fn verify(connection: &Connection) -> Result<Verification, LedgerError> {
    let head = check_chain(connection)?;
    check_strays(connection)?;
    check_sums(connection)?;
    check_database(connection)?;
    Ok(Verification { entries: head.position, head })
}

fn check_chain(connection: &Connection) -> Result<Head, LedgerError> {
    let sql = format!("SELECT {} FROM entry ORDER BY position", Entry::COLUMNS);
    let mut statement = connection.prepare(&sql)?;
    let mut entries = statement.query_map([], Entry::read)?;
    let mut head = Head { position: 0, hash: EntryHash::BEFORE_ALL };
    let mut recorded_us = i64::MIN;
    while let Some(entry) = entries.next().transpose()? {
        let expected = head.position + 1;
        if chain::position_u64(entry.position) != expected {
            return Err(altered(expected, "it is missing"));
        }
        let kind = Kind::from_table(&entry.kind)
            .ok_or_else(|| altered(expected, "it is of an unknown kind"))?;
        let stored = chain::stored_hash(&entry)?;
        let hash =
            chain::entry_hash(connection, &head.hash, kind, entry.position, entry.recorded_us)?
                .ok_or_else(|| altered(expected, &format!("its {} row is missing", entry.kind)))?;
        if hash != stored {
            return Err(altered(
                expected,
                &format!(
                    "its {} row or its place in the chain is not what was written",
                    entry.kind
                ),
            ));
        }
        if entry.recorded_us < recorded_us {
            return Err(altered(expected, "it is older than the entry before it"));
        }
        if kind == Kind::Seal {
            check_seal(connection, entry.position)?;
        }
        recorded_us = entry.recorded_us;
        head = Head { position: expected, hash };
    }
    if head.position == 0 {
        return Err(elsewhere("it has no entries"));
    }
    Ok(head)
}

fn check_seal(connection: &Connection, position: i64) -> Result<(), LedgerError> {
    let (digest, bytes): (Vec<u8>, Option<Vec<u8>>) = connection
        .prepare_cached(
            "SELECT s.digest, b.bytes FROM seal s LEFT JOIN sealed_bytes b ON b.seal = s.position
             WHERE s.position = ?1",
        )?
        .query_row([position], |row| Ok((row.get(0)?, row.get(1)?)))?;
    seal::checked(position, &digest, bytes).map(drop)
}

/// Rows that no entry vouches for.
fn check_strays(connection: &Connection) -> Result<(), LedgerError> {
    for kind in Kind::ALL {
        let table = kind.table();
        check_none(
            connection,
            &format!(
                "SELECT t.position FROM {table} t LEFT JOIN entry e ON e.position = t.position
                 WHERE e.kind IS NOT '{table}' LIMIT 1"
            ),
            &format!("a {table} row has no entry"),
        )?;
    }
    check_none(
        connection,
        "SELECT seal FROM sealed_bytes WHERE seal NOT IN (SELECT position FROM seal) LIMIT 1",
        "an answer has no seal",
    )
}

fn check_none(connection: &Connection, sql: &str, what: &str) -> Result<(), LedgerError> {
    if connection.prepare(sql)?.exists([])? { Err(elsewhere(what)) } else { Ok(()) }
}

/// Adds every charge up again and compares with the accounts that admission trusts.
fn check_sums(connection: &Connection) -> Result<(), LedgerError> {
    let mut sums: BTreeMap<i64, Units> = BTreeMap::new();
    let mut statement = connection.prepare(
        "SELECT c.position, c.project, p.dataset, c.rho, c.delta, c.epsilon, c.dataset_rho,
                c.dataset_delta, c.dataset_epsilon, c.spent_rho_after, c.spent_delta_after,
                c.spent_epsilon_after
         FROM charge c JOIN project p ON p.position = c.project ORDER BY c.position",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let position: i64 = row.get(0)?;
        let project = sums.entry(row.get(1)?).or_default();
        *project = project.checked_add(accounts::units(row, 3)?)?;
        if *project != accounts::units(row, 9)? {
            return Err(altered(
                chain::position_u64(position),
                "its running sum is not the sum of its project's charges",
            ));
        }
        let dataset = sums.entry(row.get(2)?).or_default();
        *dataset = dataset.checked_add(accounts::units(row, 6)?)?;
    }
    check_accounts(connection, &sums)
}

fn check_accounts(connection: &Connection, sums: &BTreeMap<i64, Units>) -> Result<(), LedgerError> {
    let mut statement = connection.prepare(
        "SELECT h.position, h.what, h.name, h.cap_rho, h.cap_delta, h.cap_epsilon, a.cap_rho,
                a.cap_delta, a.cap_epsilon, a.spent_rho, a.spent_delta, a.spent_epsilon,
                a.holder IS NULL
         FROM (SELECT 'dataset' AS what, position, name, cap_rho, cap_delta, cap_epsilon
               FROM dataset
               UNION ALL
               SELECT 'project', position, name, cap_rho, cap_delta, cap_epsilon FROM project) h
         LEFT JOIN account a ON a.holder = h.position
         ORDER BY h.position",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let position: i64 = row.get(0)?;
        let holder = format!("{} {:?}", row.get::<_, String>(1)?, row.get::<_, String>(2)?);
        if row.get(12)? {
            return Err(elsewhere(&format!("the account of {holder} is missing")));
        }
        if accounts::units(row, 3)? != accounts::units(row, 6)? {
            return Err(elsewhere(&format!("the cap of {holder} is not the granted one")));
        }
        let spent = accounts::units(row, 9)?;
        if spent != sums.get(&position).copied().unwrap_or_default() {
            return Err(elsewhere(&format!("what {holder} spent is not the sum of its charges")));
        }
        if !spent.fits_in(accounts::units(row, 6)?) {
            return Err(elsewhere(&format!("{holder} spent more than its cap")));
        }
    }
    Ok(())
}

/// The database's own checks, and whether tables and triggers are the ones this code made.
fn check_database(connection: &Connection) -> Result<(), LedgerError> {
    let report: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if report != "ok" {
        return Err(elsewhere(&report));
    }
    check_none(connection, "PRAGMA foreign_key_check", "a row refers to a row that is missing")?;
    let (found, expected) = (schema::shape(connection)?, schema::expected_shape()?);
    if let Some((name, _)) = expected.iter().find(|object| !found.contains(object)) {
        return Err(elsewhere(&format!("its {name} is missing or was changed")));
    }
    if let Some((name, _)) = found.iter().find(|object| !expected.contains(object)) {
        return Err(elsewhere(&format!("it has a {name} that does not belong to it")));
    }
    Ok(())
}

fn altered(position: u64, what: &str) -> LedgerError {
    LedgerError::Altered { place: Place::Entry(position), what: what.to_owned() }
}

fn elsewhere(what: &str) -> LedgerError {
    LedgerError::Altered { place: Place::Elsewhere, what: what.to_owned() }
}
