//! Sealed releases as what later questions start from.

use crate::charge::{Charge, ChargeDetail, ChargeSummary};
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::store::{accounts, charges, principals, refusals, revisit};

/// A question whose answer follows from a sealed release, so that it costs nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revisit {
    /// Whose release it is.
    pub project: String,
    /// Who asks.
    pub principal: String,
    /// The release's entry.
    pub entry: u64,
    /// The question as asked, for the audit should it be refused.
    pub description: String,
    /// How the answer comes about, for the rules of the project as they are now.
    pub detail: ChargeDetail,
}

impl Ledger {
    /// The charge of a project at an entry; nothing where this project has no charge there, whatever
    /// others have.
    ///
    /// *Errors*: [`LedgerError::UnknownProject`].
    pub fn charge(&self, project: &str, entry: u64) -> Result<Option<ChargeSummary>, LedgerError> {
        self.read(|transaction| {
            let project = accounts::project(transaction, project)?;
            charges::of_project_at(transaction, &project, entry)
        })
    }

    /// Whether further datasets paid for a charge: such a release is not read again by a question.
    pub fn is_shared(&self, charge: &Charge) -> Result<bool, LedgerError> {
        self.read(|transaction| revisit::is_shared(transaction, charge.id))
    }

    /// Whether somebody may ask questions of a project, which includes to be told what it has asked.
    ///
    /// *Errors*: [`LedgerError::Forbidden`], [`LedgerError::UnknownProject`].
    pub fn must_be_named(&self, project: &str, principal: &str) -> Result<(), LedgerError> {
        self.read(|transaction| {
            let account = accounts::project(transaction, project)?.account;
            principals::must_be_named(transaction, account.holder, &account.name, principal)
        })
    }

    /// Lets a question read a sealed release of its project again, for free.
    ///
    /// *Guarantee*: asks for the same rights as a replay of the release, is recorded as one, and never
    /// charges. A refusal is recorded.
    ///
    /// *Errors*: those of a replay by [`Ledger::admit`]: [`LedgerError::NotStarted`],
    /// [`LedgerError::Expired`], [`LedgerError::Closed`], [`LedgerError::Forbidden`],
    /// [`LedgerError::DataMoved`], [`LedgerError::UnknownProject`]. [`LedgerError::Misuse`] where the
    /// project has no sealed release at that entry.
    pub fn revisit(&self, asked: &Revisit) -> Result<Charge, LedgerError> {
        let revisited =
            self.write(|transaction| revisit::revisit(transaction, self.clock(), asked));
        if let Err(error) = &revisited
            && refusals::is_decision(error)
        {
            let Revisit { project, principal, description, .. } = asked;
            self.write(|transaction| {
                let question = [project, principal, description].map(String::as_str);
                refusals::record_text(transaction, self.clock(), question, error)
            })?;
        }
        revisited
    }
}
