//! Where decisions are written: the rows of one act, and one entry that says who decided it and why.

use std::cell::Cell;

use super::chain::{self, Kind};
use super::database::Transaction;
use crate::act::Outcome;
use crate::clock::{Clock, Timestamp};
use crate::error::LedgerError;
use crate::principal::Decider;

/// Writes the rows of one act.
pub(crate) struct Desk<'a> {
    pub(super) transaction: &'a dyn Transaction,
    /// The ledger's time of the act.
    pub(super) now: Timestamp,
    /// What two administrators agreed on, if it needed both.
    proposal: Option<i64>,
    first: Cell<Option<i64>>,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(
        transaction: &'a dyn Transaction,
        clock: &dyn Clock,
    ) -> Result<Self, LedgerError> {
        let now = chain::now(transaction, clock)?;
        Ok(Self { transaction, now, proposal: None, first: Cell::new(None) })
    }

    /// Another desk at the same time, for what a proposal asked.
    pub(super) fn under_proposal(&self, proposal: i64) -> Self {
        Self { proposal: Some(proposal), first: Cell::new(None), ..*self }
    }

    /// Appends one row and its entry; returns the position, which is the row's key.
    pub(super) fn append(
        &self,
        kind: Kind,
        insert: impl FnOnce(i64) -> Result<u64, LedgerError>,
    ) -> Result<i64, LedgerError> {
        let position = chain::append(self.transaction, kind, self.now, insert)?;
        if self.first.get().is_none() {
            self.first.set(Some(position));
        }
        Ok(position)
    }

    /// Says who decided what was appended, and why.
    pub(super) fn sign(&self, by: Decider<'_>) -> Result<Outcome, LedgerError> {
        let Some(entry) = self.first.get() else { return Ok(Outcome::Unchanged) };
        chain::append(self.transaction, Kind::Decision, self.now, |position| {
            self.transaction.execute(
                "INSERT INTO decision (position, entry, principal, reason, proposal)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                &[
                    position.into(),
                    entry.into(),
                    by.principal.into(),
                    by.reason.into(),
                    self.proposal.into(),
                ],
            )
        })?;
        Ok(Outcome::Done { entry: chain::position_u64(entry) })
    }
}
