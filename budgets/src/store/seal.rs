//! Attempts and seals: one executor at a time, and one answer for ever.

use sha2::{Digest, Sha256};

use super::accounts;
use super::admit::attempts_used_up;
use super::chain::{self, EntryHash, Head, Kind};
use super::charges::{self, ChargeRow};
use super::database::Transaction;
use crate::charge::{ATTEMPTS_MAX, Attempt, Charge, ChargeId};
use crate::clock::Clock;
use crate::error::{LedgerError, Place};

/// Begins the next attempt; the ones before it can seal nothing from now on.
pub(crate) fn begin_attempt(
    transaction: &dyn Transaction,
    clock: &dyn Clock,
    charge: &Charge,
) -> Result<Attempt, LedgerError> {
    let now = chain::now(transaction, clock)?;
    let project = accounts::project(transaction, &charge.project)?;
    project.must_be_open(now)?;
    let row = known(transaction, charge)?;
    let entry = charge.position;
    if is_renewed(transaction, charge.id)? {
        return Err(LedgerError::Fenced { entry });
    }
    if row.is_sealed() {
        return Err(LedgerError::AlreadySealed { entry });
    }
    if row.attempts >= ATTEMPTS_MAX {
        return Err(attempts_used_up(&row));
    }
    let number = row.attempts + 1;
    let position = chain::append(transaction, Kind::Attempt, now, |position| {
        transaction.execute(
            "INSERT INTO attempt (position, charge, number) VALUES (?1, ?2, ?3)",
            &[position.into(), charge.id.0.into(), number.into()],
        )
    })?;
    Ok(Attempt { charge: charge.id, position, number })
}

/// Seals a boundary's answer unless it is sealed already.
pub(crate) fn seal(
    transaction: &dyn Transaction,
    clock: &dyn Clock,
    attempt: &Attempt,
    boundary: u32,
    bytes: &[u8],
) -> Result<(), LedgerError> {
    let now = chain::now(transaction, clock)?;
    let row = charges::at(transaction, attempt.charge.0)?;
    if row.attempts != attempt.number || is_renewed(transaction, attempt.charge)? {
        return Err(LedgerError::Fenced { entry: chain::position_u64(row.position) });
    }
    if boundary >= row.boundaries {
        return Err(LedgerError::Misuse("a boundary was sealed that the charge does not cover"));
    }
    if is_sealed(transaction, attempt.charge, boundary)? {
        return Ok(());
    }
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let seal = chain::append(transaction, Kind::Seal, now, |position| {
        transaction.execute(
            "INSERT INTO seal (position, charge, boundary, attempt, digest)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            &[
                position.into(),
                attempt.charge.0.into(),
                boundary.into(),
                attempt.position.into(),
                (&digest).into(),
            ],
        )
    })?;
    transaction.execute(
        "INSERT INTO sealed_bytes (seal, bytes) VALUES (?1, ?2)",
        &[seal.into(), bytes.into()],
    )?;
    Ok(())
}

/// The entry that sealed the last boundary of a charge.
pub(crate) fn last(transaction: &dyn Transaction, charge: ChargeId) -> Result<Head, LedgerError> {
    let sql = "SELECT s.position, e.hash FROM seal s JOIN entry e ON e.position = s.position
               WHERE s.charge = ?1 ORDER BY s.position DESC LIMIT 1";
    let row = transaction
        .optional(sql, &[charge.0.into()])?
        .ok_or(LedgerError::Misuse("a charge without an answer has no receipt"))?;
    let hash = EntryHash::from_bytes(row.get(1)?);
    Ok(Head { position: chain::position_u64(row.get(0)?), hash })
}

/// The sealed answer of a boundary with the entry of its seal, checked against its digest.
pub(crate) fn sealed(
    transaction: &dyn Transaction,
    charge: ChargeId,
    boundary: u32,
) -> Result<Option<(Head, Vec<u8>)>, LedgerError> {
    let found = transaction.optional(
        "SELECT s.position, s.digest, b.bytes, e.hash
         FROM seal s JOIN entry e ON e.position = s.position
         LEFT JOIN sealed_bytes b ON b.seal = s.position
         WHERE s.charge = ?1 AND s.boundary = ?2",
        &[charge.0.into(), boundary.into()],
    )?;
    let Some(row) = found else { return Ok(None) };
    let digest: Vec<u8> = row.get(1)?;
    let seal = row.get(0)?;
    let head =
        Head { position: chain::position_u64(seal), hash: EntryHash::from_bytes(row.get(3)?) };
    Ok(Some((head, checked(seal, &digest, row.get(2)?)?)))
}

/// Bytes that are what their seal says, or an error that names the seal.
pub(super) fn checked(
    seal: i64,
    digest: &[u8],
    bytes: Option<Vec<u8>>,
) -> Result<Vec<u8>, LedgerError> {
    let altered = |what: &str| LedgerError::Altered {
        place: Place::Entry(chain::position_u64(seal)),
        what: what.to_owned(),
    };
    let bytes = bytes.ok_or_else(|| altered("its sealed answer is missing"))?;
    if Sha256::digest(&bytes).as_slice() != digest {
        return Err(altered("its sealed answer is not the one that was sealed"));
    }
    Ok(bytes)
}

/// The stored row of a charge that this ledger gave out.
pub(crate) fn known(
    transaction: &dyn Transaction,
    charge: &Charge,
) -> Result<ChargeRow, LedgerError> {
    match charges::find(transaction, charge.id.0)? {
        Some(row) if row.request_key == charge.request_key.0 => Ok(row),
        Some(_) | None => Err(LedgerError::Misuse("a charge of another ledger was used")),
    }
}

fn is_sealed(
    transaction: &dyn Transaction,
    charge: ChargeId,
    boundary: u32,
) -> Result<bool, LedgerError> {
    transaction.exists(
        "SELECT 1 FROM seal WHERE charge = ?1 AND boundary = ?2",
        &[charge.0.into(), boundary.into()],
    )
}

/// Whether the same request was paid again, which takes the work over.
fn is_renewed(transaction: &dyn Transaction, charge: ChargeId) -> Result<bool, LedgerError> {
    transaction.exists(
        "SELECT 1 FROM charge former
         JOIN charge later ON later.project = former.project
                          AND later.request_key = former.request_key
                          AND later.position > former.position
         WHERE former.position = ?1",
        &[charge.0.into()],
    )
}
