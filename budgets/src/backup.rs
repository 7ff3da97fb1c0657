//! Copies of a whole ledger that are complete and checked, and putting one back.
//!
//! A copy of a database's main file lacks what is still in its log and looks sound all the same, so
//! ledgers are copied by their databases' own means. A ledger that is put back is behind its witness
//! and opens locked, unless nothing was answered since.

use std::path::Path;
use std::sync::Arc;

use crate::act::Mode;
use crate::clock::Clock;
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::settings::Settings;
use crate::store::database::location::Location;
use crate::store::database::{self, Access, Store};
use crate::store::identity;
use crate::store::verify::{self, Verification};
use crate::store::witness::Witness;

impl Ledger {
    /// Writes a checked copy of the whole ledger to a new file, while others go on asking.
    ///
    /// *Guarantee*: the chain, every sum and every answer were verified in what was copied, and the
    /// file is durable and complete when it has its name. It holds answers and questions like the
    /// ledger itself, and not the keys beside it.
    ///
    /// *Errors*: [`LedgerError::BadTerms`] where a file is in the way, [`LedgerError::Altered`] for a
    /// ledger that should not be copied, [`LedgerError::Disk`].
    pub fn backup(&self, target: &Path, mode: Mode) -> Result<Verification, LedgerError> {
        let location = &self.settings().location;
        let mut store = database::open(location)?;
        let verified = held(store.as_mut())?;
        database::dump::must_be_free(target)?;
        if mode == Mode::Rehearse {
            return Ok(verified);
        }
        store.copy_to(target)?;
        store.rollback();
        if let Location::File(_) = location {
            // What is on the disk is looked at, not what was meant.
            let mut copy = database::open(&Location::File(target.to_owned()))?;
            if held(copy.as_mut())? != verified {
                return Err(LedgerError::altered("a copy of it has another end"));
            }
        }
        Ok(verified)
    }

    /// Puts a copy where a hub's ledger should be and is not.
    ///
    /// *Guarantee*: the copy is verified before it counts; whatever fails, the place is as it was.
    ///
    /// *Errors*: [`LedgerError::AlreadyExists`] and [`LedgerError::BadTerms`] where something is in the
    /// way, for a file that is no copy of a ledger and for one of another ledger than the witness
    /// knows, [`LedgerError::NewerVersion`], [`LedgerError::Altered`].
    pub fn restore(
        settings: &Settings,
        copy: &Path,
        clock: Arc<dyn Clock>,
        mode: Mode,
    ) -> Result<Option<Self>, LedgerError> {
        let seen = Witness::new(&settings.witness).read()?.seen;
        database::restore(copy, &settings.location, mode, &mut |store| {
            held(store)?;
            let ledger = identity::of(store)?;
            store.rollback();
            match seen {
                Some(seen) if seen.ledger != ledger => Err(LedgerError::BadTerms {
                    subject: copy.display().to_string(),
                    why: format!(
                        "it is a backup of another ledger than the one that the witness {} knows",
                        settings.witness.display()
                    ),
                    fix: "give a backup of this ledger".to_owned(),
                }),
                _ => Ok(()),
            }
        })?;
        match mode {
            Mode::Record => Self::open_at(settings, clock).map(Some),
            Mode::Rehearse => Ok(None),
        }
    }
}

/// A verified snapshot, which the store keeps.
fn held(store: &mut dyn Store) -> Result<Verification, LedgerError> {
    store.begin(Access::Read)?;
    verify::verify(store)
}
