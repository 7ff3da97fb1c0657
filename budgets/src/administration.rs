//! What administrators and auditors do with a ledger: decide, answer, look.

use crate::act::{Act, Mode, Outcome, Proposal, TableFile, Verdict};
use crate::audit::{AuditEntry, AuditFilter};
use crate::error::LedgerError;
use crate::forbidden::Forbidden;
use crate::ledger::Ledger;
use crate::policy::Policy;
use crate::principal::{Decider, Principal};
use crate::standing::{DatasetStanding, ProjectStanding};
use crate::store::database::Transaction;
use crate::store::desk::Desk;
use crate::store::writer::Purpose;
use crate::store::{accounts, audit, datasets, decide, principals, proposals, standing};

impl Ledger {
    /// Carries out what an administrator decides, or proposes it where policy asks for two.
    ///
    /// *Guarantee*: all of it or nothing, with who decided it and why, durable before it returns. A
    /// rehearsal checks the same and records nothing.
    ///
    /// *Errors*: [`LedgerError::Forbidden`] for whoever may not, and whatever is wrong with the act.
    pub fn decide(&self, by: Decider<'_>, act: &Act, mode: Mode) -> Result<Outcome, LedgerError> {
        let decide = |transaction: &dyn Transaction| {
            // What could not be carried out is not worth another administrator's time.
            self.rehearse(transaction, by, act)?;
            decide::decide(transaction, self.clock(), by, act)
        };
        self.in_mode(Purpose::Witnessed, mode, decide)
    }

    /// Answers another administrator's proposal; an approval carries it out.
    ///
    /// *Errors*: [`LedgerError::Forbidden`] for the proposer and for whoever is no administrator,
    /// [`LedgerError::BadTerms`] for a proposal that does not wait, and whatever is wrong with the act
    /// by now.
    pub fn answer(
        &self,
        by: Decider<'_>,
        (proposal, verdict): (u64, Verdict),
        mode: Mode,
    ) -> Result<Outcome, LedgerError> {
        self.in_mode(Purpose::Witnessed, mode, |transaction| {
            decide::answer(transaction, self.clock(), by, (proposal, verdict))
        })
    }

    /// Every proposal that waits for another administrator, oldest first.
    pub fn proposals(&self) -> Result<Vec<Proposal>, LedgerError> {
        self.read(|transaction| proposals::open(transaction))
    }

    /// The policy in force; `None` when none was ever set.
    pub fn policy(&self) -> Result<Option<Policy>, LedgerError> {
        self.read(|transaction| proposals::policy(transaction))
    }

    /// Everyone who has a role, by name. Empty only in a ledger that lets everybody in.
    pub fn principals(&self) -> Result<Vec<Principal>, LedgerError> {
        self.read(|transaction| principals::all(transaction))
    }

    /// The principal that an account of the operating system acts as.
    ///
    /// Without a wish it is the account's only principal, or the one that is called like it. An account
    /// that stands for nobody keeps its name, which the ledger then refuses where it matters, unless
    /// it is the name of somebody else's principal: that is refused at once.
    ///
    /// *Errors*: [`LedgerError::Forbidden`] for another account's principal, for an unknown one, and
    /// where the account stands for several.
    pub fn acting_as(&self, account: &str, wish: Option<&str>) -> Result<String, LedgerError> {
        self.read(|transaction| {
            if principals::is_open_house(transaction)? {
                return Ok(wish.unwrap_or(account).to_owned());
            }
            let owned_by_another = |principal: Principal| Forbidden::OtherAccount {
                account: account.to_owned(),
                principal: principal.name,
                owner: principal.account,
            };
            if let Some(name) = wish {
                let principal = principals::known(transaction, name)?;
                if principal.account == account {
                    return Ok(principal.name);
                }
                return Err(owned_by_another(principal).into());
            }
            let mut own = principals::all(transaction)?;
            own.retain(|principal| principal.account == account);
            match own.as_slice() {
                // Somebody else may be called like this account.
                [] => match principals::find(transaction, account)? {
                    Some(principal) => Err(owned_by_another(principal).into()),
                    None => Ok(account.to_owned()),
                },
                [only] => Ok(only.name.clone()),
                several if several.iter().any(|one| one.name == account) => Ok(account.to_owned()),
                several => Err(Forbidden::SeveralPrincipals {
                    account: account.to_owned(),
                    principals: several
                        .iter()
                        .map(|one| one.name.clone())
                        .collect::<Vec<_>>()
                        .join(", "),
                }
                .into()),
            }
        })
    }

    /// Refuses whoever may not look at fingerprints and files, which are for the data holder's own
    /// audit.
    ///
    /// *Errors*: [`LedgerError::Forbidden`].
    pub fn must_administer(&self, principal: &str, what: &str) -> Result<(), LedgerError> {
        self.read(|transaction| principals::must_administer(transaction, principal, what))
    }

    /// Where a project stands.
    ///
    /// *Errors*: [`LedgerError::UnknownProject`].
    pub fn project_standing(&self, project: &str) -> Result<ProjectStanding, LedgerError> {
        self.read(|transaction| standing::project(transaction, self.clock(), project))
    }

    /// Where a dataset stands, over all its projects.
    ///
    /// *Errors*: [`LedgerError::UnknownDataset`].
    pub fn dataset_standing(&self, dataset: &str) -> Result<DatasetStanding, LedgerError> {
        self.read(|transaction| standing::dataset(transaction, self.clock(), dataset))
    }

    /// The files of a dataset's tables, as the current version of its data lists them.
    ///
    /// *Errors*: [`LedgerError::UnknownDataset`].
    pub fn tables(&self, dataset: &str) -> Result<Vec<TableFile>, LedgerError> {
        self.read(|transaction| {
            let dataset = accounts::dataset(transaction, dataset)?;
            datasets::tables(transaction, dataset.account.holder)
        })
    }

    /// The entries that a filter lets through, oldest first.
    ///
    /// *Errors*: [`LedgerError::UnknownProject`].
    pub fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditEntry>, LedgerError> {
        self.read(|transaction| audit::entries(transaction, filter))
    }

    /// Carries out an act without a word on who decided it: only before anybody is known.
    pub(crate) fn unsigned(&self, act: &Act, reason: &str) -> Result<(), LedgerError> {
        self.in_mode(Purpose::Witnessed, Mode::Record, |transaction| {
            if !principals::is_open_house(transaction)? {
                return Err(LedgerError::Misuse(
                    "a ledger with principals records who decides: `decide` does it",
                ));
            }
            if proposals::needs_approval(transaction, act)? {
                return Err(LedgerError::BadTerms {
                    subject: act.to_string(),
                    why: "a branch of this ledger could not be listed, so two administrators must agree"
                        .to_owned(),
                    fix: "make two of different accounts first: `voilage principal add`".to_owned(),
                });
            }
            let desk = Desk::new(transaction, self.clock())?;
            decide::carry_out(&desk, act, Decider { principal: "", reason })
        })
    }

    /// Runs a decision and forgets it again, so that only its errors remain.
    fn rehearse(
        &self,
        transaction: &dyn Transaction,
        by: Decider<'_>,
        act: &Act,
    ) -> Result<(), LedgerError> {
        principals::must_administer(transaction, by.principal, &act.to_string())?;
        transaction.execute("SAVEPOINT rehearsal", &[])?;
        let desk = Desk::new(transaction, self.clock())?;
        let tried = decide::carry_out(&desk, act, by);
        transaction.execute("ROLLBACK TO SAVEPOINT rehearsal", &[])?;
        transaction.execute("RELEASE SAVEPOINT rehearsal", &[])?;
        tried
    }
}
