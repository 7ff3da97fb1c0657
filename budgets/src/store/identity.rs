//! The first entry: which ledger this is.

use super::chain::{self, Kind};
use super::database::Transaction;
use super::random_id::random_id;
use crate::clock::Clock;
use crate::error::LedgerError;

/// The id of a ledger.
pub(crate) fn of(transaction: &dyn Transaction) -> Result<[u8; 16], LedgerError> {
    transaction.row("SELECT ledger_id FROM identity", &[])?.get(0)
}

/// Writes the identity of a new ledger.
pub(crate) fn record(transaction: &dyn Transaction, clock: &dyn Clock) -> Result<(), LedgerError> {
    let at = chain::now(transaction, clock)?;
    let ledger_id = random_id()?;
    chain::append(transaction, Kind::Identity, at, |position| {
        transaction.execute(
            "INSERT INTO identity (position, ledger_id) VALUES (?1, ?2)",
            &[position.into(), (&ledger_id).into()],
        )
    })?;
    Ok(())
}
