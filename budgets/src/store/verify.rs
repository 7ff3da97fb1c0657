//! Checking the whole ledger against itself: every hash, every sum, every sealed answer.

use std::collections::BTreeMap;

use super::accounts;
use super::chain::{self, Entry, EntryHash, Head, Kind};
use super::database::{Store, Transaction};
use super::seal;
use super::sums::{self, Sum};
use crate::error::{LedgerError, Place};

/// How many rows are held at once; a ledger may have more than memory holds.
pub(super) const PAGE: i64 = 1_000;

/// What a ledger that is in order looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verification {
    /// How many entries were checked.
    pub entries: u64,
    /// The end of the chain; compare it with one that was kept outside.
    pub head: Head,
}

/// Recomputes everything; the first contradiction is the error, entries before sums.
pub(crate) fn verify(store: &dyn Store) -> Result<Verification, LedgerError> {
    let transaction: &dyn Transaction = store;
    let head = check_chain(transaction)?;
    check_strays(transaction)?;
    check_sums(transaction)?;
    store.check()?;
    Ok(Verification { entries: head.position, head })
}

fn check_chain(transaction: &dyn Transaction) -> Result<Head, LedgerError> {
    let mut head = Head { position: 0, hash: EntryHash::BEFORE_ALL };
    let mut recorded_us = i64::MIN;
    let sql = format!(
        "SELECT {} FROM entry WHERE position > ?1 ORDER BY position LIMIT ?2",
        Entry::COLUMNS
    );
    // The first page also finds positions that no entry may have.
    let mut after = i64::MIN;
    loop {
        let rows = transaction.rows(&sql, &[after.into(), PAGE.into()])?;
        let Some(last) = rows.last() else { break };
        after = last.get(0)?;
        for row in &rows {
            let entry = Entry::read(row)?;
            head = check_entry(transaction, &entry, head, recorded_us)?;
            recorded_us = entry.recorded_us;
        }
    }
    if head.position == 0 {
        return Err(LedgerError::altered("it has no entries"));
    }
    Ok(head)
}

/// The head after `entry`, which must follow `head`.
fn check_entry(
    transaction: &dyn Transaction,
    entry: &Entry,
    head: Head,
    recorded_us: i64,
) -> Result<Head, LedgerError> {
    let expected = head.position + 1;
    if u64::try_from(entry.position) != Ok(expected) {
        return Err(altered(expected, "it is missing"));
    }
    let kind = Kind::from_table(&entry.kind)
        .ok_or_else(|| altered(expected, "it is of an unknown kind"))?;
    let stored = chain::stored_hash(entry)?;
    let hash = chain::entry_hash(transaction, &head.hash, kind, entry.position, entry.recorded_us)?
        .ok_or_else(|| altered(expected, &format!("its {} row is missing", entry.kind)))?;
    if hash != stored {
        let what =
            format!("its {} row or its place in the chain is not what was written", entry.kind);
        return Err(altered(expected, &what));
    }
    if entry.recorded_us < recorded_us {
        return Err(altered(expected, "it is older than the entry before it"));
    }
    if kind == Kind::Seal {
        check_seal(transaction, entry.position)?;
    }
    Ok(Head { position: expected, hash })
}

fn check_seal(transaction: &dyn Transaction, position: i64) -> Result<(), LedgerError> {
    let row = transaction.row(
        "SELECT s.digest, b.bytes FROM seal s LEFT JOIN sealed_bytes b ON b.seal = s.position
         WHERE s.position = ?1",
        &[position.into()],
    )?;
    let digest: Vec<u8> = row.get(0)?;
    seal::checked(position, &digest, row.get(1)?).map(drop)
}

/// Rows that no entry vouches for.
fn check_strays(transaction: &dyn Transaction) -> Result<(), LedgerError> {
    for kind in Kind::ALL {
        let table = kind.table();
        check_none(
            transaction,
            &format!(
                "SELECT t.position FROM {table} t LEFT JOIN entry e ON e.position = t.position
                 WHERE e.kind IS DISTINCT FROM '{table}' LIMIT 1"
            ),
            &format!("a {table} row has no entry"),
        )?;
    }
    check_none(
        transaction,
        "SELECT seal FROM sealed_bytes WHERE seal NOT IN (SELECT position FROM seal) LIMIT 1",
        "an answer has no seal",
    )
}

fn check_none(transaction: &dyn Transaction, sql: &str, what: &str) -> Result<(), LedgerError> {
    if transaction.exists(sql, &[])? { Err(LedgerError::altered(what)) } else { Ok(()) }
}

/// Adds every charge up again and compares with the accounts that admission trusts.
fn check_sums(transaction: &dyn Transaction) -> Result<(), LedgerError> {
    check_accounts(transaction, &sums::recomputed(transaction)?)
}

fn check_accounts(
    transaction: &dyn Transaction,
    sums: &BTreeMap<i64, Sum>,
) -> Result<(), LedgerError> {
    let rows = transaction.rows(
        "SELECT h.position, h.what, h.name, coalesce(k.cap_rho, h.cap_rho),
                coalesce(k.cap_delta, h.cap_delta), coalesce(k.cap_epsilon, h.cap_epsilon), a.cap_rho,
                a.cap_delta, a.cap_epsilon, a.spent_rho, a.spent_delta, a.spent_epsilon, a.sequence
         FROM (SELECT 'dataset' AS what, position, name, cap_rho, cap_delta, cap_epsilon
               FROM dataset
               UNION ALL
               SELECT 'project', position, name, cap_rho, cap_delta, cap_epsilon FROM project) h
         LEFT JOIN account a ON a.holder = h.position
         LEFT JOIN cap_change k ON k.position = (SELECT max(l.position) FROM cap_change l
                                                 WHERE l.holder = h.position)
         ORDER BY h.position",
        &[],
    )?;
    for row in &rows {
        let position: i64 = row.get(0)?;
        let holder = format!("{} {:?}", row.get::<String>(1)?, row.get::<String>(2)?);
        let Some(sequence) = row.get::<Option<i64>>(12)? else {
            return Err(LedgerError::altered(&format!("the account of {holder} is missing")));
        };
        if accounts::units(row, 3)? != accounts::units(row, 6)? {
            return Err(LedgerError::altered(&format!(
                "the cap of {holder} is not the granted one"
            )));
        }
        let spent = accounts::units(row, 9)?;
        let sum = sums.get(&position).copied().unwrap_or_default();
        if spent != sum.spent {
            return Err(LedgerError::altered(&format!(
                "what {holder} spent is not the sum of its charges"
            )));
        }
        if sequence != sum.moves {
            return Err(LedgerError::altered(&format!(
                "the count of what {holder} paid is not that of its charges"
            )));
        }
        // What other branches spent may pass a cap; nothing else may.
        if !sum.recovered && !spent.fits_in(accounts::units(row, 6)?) {
            return Err(LedgerError::altered(&format!("{holder} spent more than its cap")));
        }
    }
    Ok(())
}

pub(super) fn altered(position: u64, what: &str) -> LedgerError {
    LedgerError::Altered { place: Place::Entry(position), what: what.to_owned() }
}
