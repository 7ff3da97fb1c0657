//! Many questions asked together, to see what would become of each before the first one is charged.

use crate::act::Mode;
use crate::charge::{Charge, ChargeRequest};
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::store::admit;
use crate::store::database::Transaction;
use crate::store::writer::Purpose;

/// What would become of one question: its charge, or why it is refused.
pub type Rehearsed = Result<Charge, LedgerError>;

impl Ledger {
    /// What would become of each question if all were asked in this order; nothing is charged or
    /// recorded.
    ///
    /// *Guarantee*: the answers are those of [`Ledger::admit`] itself, each after the ones before it
    /// that would be let in: caps, permits, members, tables, ceilings, pace and attempts.
    ///
    /// *Errors*: what no question is to blame for, such as [`LedgerError::Locked`] or
    /// [`LedgerError::Busy`].
    pub fn rehearse_all(&self, requests: &[ChargeRequest]) -> Result<Vec<Rehearsed>, LedgerError> {
        self.in_mode(Purpose::Ordinary, Mode::Rehearse, |transaction| {
            requests.iter().map(|request| self.one(transaction, request)).collect()
        })
    }

    fn one(
        &self,
        transaction: &dyn Transaction,
        request: &ChargeRequest,
    ) -> Result<Rehearsed, LedgerError> {
        transaction.execute("SAVEPOINT question", &[])?;
        let rehearsed = admit::admit(transaction, self.clock(), request);
        if rehearsed.is_err() {
            // Where the database itself has failed, this says so.
            transaction.execute("ROLLBACK TO SAVEPOINT question", &[])?;
        }
        transaction.execute("RELEASE SAVEPOINT question", &[])?;
        Ok(rehearsed)
    }
}
