//! What an administrator says about a ledger that is not the only one of its name.

use voilage_privacy::Loss;

use crate::act::Mode;
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::principal::Decider;
use crate::proof::Proof;
use crate::store::chain::Head;
use crate::store::database::location::Location;
use crate::store::database::{self, Access, Store};
use crate::store::guard;
use crate::store::recover::{self, BranchCharge, Survey};
use crate::store::writer::Purpose;
use crate::store::{identity, verify};

/// Which other branches of a ledger there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Ledgers that went on from the same beginning: what they spent was spent.
    pub branches: Vec<Location>,
    /// Receipts that were given out, each with what was signed: they show how far a branch had come.
    pub receipts: Vec<(String, Proof)>,
    /// Accept that a branch cannot be listed: every dataset is filled up to its cap.
    pub exhaust: bool,
    /// Where the witness was lost: say that this ledger, with its branches, is all there ever was.
    pub newest: bool,
}

/// What a ledger lacks, and what its branches spent that it does not count yet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missing {
    /// Who saw it: the witness, or a receipt.
    pub seen_by: String,
    /// The entry that was seen.
    pub head: Head,
    /// The first named branch that has it.
    pub explained_by: Option<Location>,
}

/// A charge of another branch that counts here from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveredCharge {
    /// Its entry in the branch.
    pub entry: u64,
    /// The dataset that paid.
    pub dataset: String,
    /// What it cost the dataset.
    pub loss: Loss,
}

/// What a recovery takes over, or would take over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovered {
    /// What was seen outside the ledger and is not in it.
    pub missing: Vec<Missing>,
    /// Whether there is no witness, so that nobody can say how far the ledger had come.
    pub is_witness_missing: bool,
    /// The charges of other branches that count here from now on.
    pub charges: Vec<RecoveredCharge>,
    /// The datasets that nobody can ask about any more.
    pub exhausted: Vec<String>,
}

/// Another ledger of the same name, held on one snapshot.
pub(crate) struct Branch {
    pub(crate) location: Location,
    pub(crate) store: Box<dyn Store>,
}

impl Ledger {
    /// What this ledger lacks and what the named branches spent; changes nothing.
    ///
    /// *Errors*: those of a branch that cannot be opened or verified, and of receipts that this ledger
    /// did not sign.
    pub fn survey(&self, recovery: &Recovery) -> Result<Recovered, LedgerError> {
        let contents = self.guard().contents()?;
        let branches = self.opened(&recovery.branches)?;
        let receipts = self.signed(&recovery.receipts)?;
        let witness = (self.guard(), &contents);
        let found =
            self.read(|transaction| recover::survey(transaction, witness, (&branches, &receipts)))?;
        Ok(as_public(found, Vec::new()))
    }

    /// Goes on with this ledger, counting what its other branches spent, and ends a lock.
    ///
    /// *Guarantee*: spent becomes the common beginning plus the charges of every branch. A branch
    /// that cannot be listed fills every dataset up to its cap.
    ///
    /// *Errors*: [`LedgerError::Unexplained`], [`LedgerError::WitnessLost`], [`LedgerError::Forbidden`]
    /// for whoever is no administrator, [`LedgerError::BadTerms`], [`LedgerError::Locked`] when a branch
    /// answered meanwhile, and whatever a branch says when it is opened or verified.
    pub fn recover(
        &self,
        by: Decider<'_>,
        recovery: &Recovery,
        mode: Mode,
    ) -> Result<Recovered, LedgerError> {
        let contents = self.guard().contents()?;
        let branches = self.opened(&recovery.branches)?;
        let receipts = self.signed(&recovery.receipts)?;
        let witness = (self.guard(), &contents);
        let recovered = self.in_mode(Purpose::Recovery, mode, |transaction| {
            let found = recover::survey(transaction, witness, (&branches, &receipts))?;
            must_be_explained(&found, recovery)?;
            let decision = recover::begin(transaction, self.clock(), by, &found)?;
            recover::take_over(transaction, decision, &found.charges)?;
            let exhausted = match recovery.exhaust {
                true => recover::exhaust(transaction, by, decision)?,
                false => Vec::new(),
            };
            Ok(as_public(found, exhausted))
        })?;
        if mode == Mode::Record {
            let turn = self.guard().first_turn()?;
            self.read(|transaction| self.guard().accept(transaction, turn))?;
            self.adopt()?;
        }
        Ok(recovered)
    }

    /// Compares a receipt with the ledger, which locks itself when the receipt is ahead of it, or when its
    /// key signed the receipt for another ledger.
    ///
    /// *Errors*: [`LedgerError::BadTerms`] for a receipt that this ledger's key did not sign,
    /// [`LedgerError::Locked`].
    pub fn present(&self, body: &str, proof: &Proof) -> Result<(), LedgerError> {
        self.must_have_signed(body, proof)?;
        if self.read(|transaction| guard::explains(transaction, &proof.head))? {
            return Ok(());
        }
        let turn = self.guard().first_turn()?;
        let seen = (proof.ledger, proof.head);
        self.read(|transaction| self.guard().present(transaction, turn, seen))
    }

    fn signed(&self, receipts: &[(String, Proof)]) -> Result<Vec<Head>, LedgerError> {
        let head = |(body, proof): &(String, Proof)| {
            self.must_have_signed(body, proof).map(|()| proof.head)
        };
        receipts.iter().map(head).collect()
    }

    fn must_have_signed(&self, body: &str, proof: &Proof) -> Result<(), LedgerError> {
        let key = self.public_key()?;
        if proof.holds(body.as_bytes(), &key) {
            return Ok(());
        }
        Err(LedgerError::BadTerms {
            subject: "this receipt".to_owned(),
            why: "this ledger's key did not sign it".to_owned(),
            fix: "check that it is whole and belongs to this ledger".to_owned(),
        })
    }

    /// Other ledgers of the same name, each verified and held on one snapshot.
    fn opened(&self, locations: &[Location]) -> Result<Vec<Branch>, LedgerError> {
        let ledger = self.read(identity::of)?;
        let mut branches = Vec::new();
        for location in locations {
            let mut store = database::open(location)?;
            store.begin(Access::Read)?;
            verify::verify(store.as_ref())?;
            if identity::of(store.as_ref())? != ledger {
                return Err(LedgerError::BadTerms {
                    subject: format!("the branch {location}"),
                    why: "it is another ledger, not a branch of this one".to_owned(),
                    fix: "name a copy of this ledger".to_owned(),
                });
            }
            branches.push(Branch { location: location.clone(), store });
        }
        Ok(branches)
    }
}

fn must_be_explained(found: &Survey, recovery: &Recovery) -> Result<(), LedgerError> {
    if recovery.exhaust {
        return Ok(());
    }
    if let Some(missing) = found.missing.iter().find(|one| one.explained_by.is_none()) {
        return Err(LedgerError::Unexplained { entry: missing.head.position });
    }
    if found.is_witness_missing && !recovery.newest {
        return Err(LedgerError::WitnessLost);
    }
    Ok(())
}

fn as_public(found: Survey, exhausted: Vec<String>) -> Recovered {
    Recovered {
        missing: found.missing,
        is_witness_missing: found.is_witness_missing,
        charges: found.charges.iter().map(BranchCharge::to_public).collect(),
        exhausted,
    }
}
