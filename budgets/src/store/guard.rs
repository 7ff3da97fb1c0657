//! Whether this ledger is the one that its witness knows: if not, it is locked.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::chain::{self, EntryHash, Head};
use super::database::Transaction;
use super::witness::{Seen, Witness};
use super::{identity, key};
use crate::error::LedgerError;
use crate::settings::Settings;

/// Compares the ledger with its witness, and moves the witness along.
pub(crate) struct Guard {
    settings: Settings,
    witness: Witness,
    ledger: [u8; 16],
    /// The witness covers every answer up to this position.
    reached: AtomicU64,
    lock: Mutex<Option<Lock>>,
}

/// Why nothing is charged and nothing answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lock {
    /// The ledger ends before what somebody saw of it.
    Behind { seen_by: String, head: Head, end: u64 },
    /// Its entry is not the one that somebody saw.
    Forked { seen_by: String, head: Head },
    /// There is no witness, and there was one.
    WitnessMissing,
    /// The witness knows another ledger.
    OtherLedger,
}

impl Guard {
    /// Looks at the witness of a ledger that is being opened.
    ///
    /// A ledger that never had a key never had a witness: it is given its first one.
    pub(crate) fn open(
        transaction: &dyn Transaction,
        settings: &Settings,
    ) -> Result<Self, LedgerError> {
        let guard = Self {
            settings: settings.clone(),
            witness: Witness::new(&settings.witness),
            ledger: identity::of(transaction)?,
            reached: AtomicU64::new(0),
            lock: Mutex::new(None),
        };
        let had_one = key::public(transaction)?.is_some();
        match guard.witness.read()? {
            None if had_one => guard.set_lock(Some(Lock::WitnessMissing)),
            None => {}
            Some(seen) => guard.look(transaction, &seen)?,
        }
        Ok(guard)
    }

    /// Gives a ledger without a witness its first one.
    pub(crate) fn begin(&self, transaction: &dyn Transaction) -> Result<(), LedgerError> {
        let mut turn = self.witness.create()?;
        if turn.seen.is_none() {
            turn.write(self.ledger, chain::head(transaction)?)?;
        }
        Ok(())
    }

    /// An error while the ledger is locked.
    pub(crate) fn must_be_unlocked(&self) -> Result<(), LedgerError> {
        match self.lock() {
            None => Ok(()),
            Some(lock) => Err(self.error(&lock)),
        }
    }

    pub(crate) fn lock(&self) -> Option<Lock> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes the witness cover `position`, whose answer may leave when this returns.
    ///
    /// `transaction` sees what is durable now.
    pub(crate) fn cover(
        &self,
        transaction: &dyn Transaction,
        position: u64,
    ) -> Result<(), LedgerError> {
        if self.reached.load(Ordering::SeqCst) >= position {
            return self.must_be_unlocked();
        }
        let Some(mut turn) = self.witness.turn()? else {
            self.set_lock(Some(Lock::WitnessMissing));
            return self.must_be_unlocked();
        };
        if let Some(seen) = turn.seen {
            self.look(transaction, &seen)?;
            self.must_be_unlocked()?;
        }
        let head = chain::head(transaction)?;
        let is_covered = turn.seen.is_some_and(|seen| {
            self.contains(transaction, &seen.head).unwrap_or(false)
                && seen.head.position >= position
        });
        if !is_covered {
            turn.write(self.ledger, head)?;
        }
        self.reached.fetch_max(position.max(head.position), Ordering::SeqCst);
        Ok(())
    }

    /// Compares with a head that somebody else has seen, and locks the ledger that lacks it, here
    /// and, through the witness, for everybody.
    pub(crate) fn present(
        &self,
        transaction: &dyn Transaction,
        head: Head,
    ) -> Result<(), LedgerError> {
        if self.contains(transaction, &head)? || is_recovered(transaction, &head)? {
            return Ok(());
        }
        self.witness.create()?.write(self.ledger, head)?;
        self.set_lock(Some(self.missing(transaction, "a receipt".to_owned(), head)?));
        self.must_be_unlocked()
    }

    /// What the witness saw that this ledger has not; `None` when there is no such head.
    pub(crate) fn unexplained(
        &self,
        transaction: &dyn Transaction,
    ) -> Result<Option<Head>, LedgerError> {
        let Some(seen) = self.witness.read()? else { return Ok(None) };
        if seen.ledger != self.ledger {
            return Err(self.error(&Lock::OtherLedger));
        }
        let known =
            self.contains(transaction, &seen.head)? || is_recovered(transaction, &seen.head)?;
        Ok((!known).then_some(seen.head))
    }

    /// After a recovery: what the witness saw is explained, and it goes on from here.
    pub(crate) fn accept(&self, transaction: &dyn Transaction) -> Result<(), LedgerError> {
        let mut turn = self.witness.create()?;
        turn.write(self.ledger, chain::head(transaction)?)?;
        self.set_lock(None);
        Ok(())
    }

    fn look(&self, transaction: &dyn Transaction, seen: &Seen) -> Result<(), LedgerError> {
        if seen.ledger != self.ledger {
            self.set_lock(Some(Lock::OtherLedger));
        } else if self.contains(transaction, &seen.head)? {
            self.reached.fetch_max(seen.head.position, Ordering::SeqCst);
        } else if !is_recovered(transaction, &seen.head)? {
            let seen_by = format!("its witness {}", self.witness.path().display());
            self.set_lock(Some(self.missing(transaction, seen_by, seen.head)?));
        }
        Ok(())
    }

    fn contains(&self, transaction: &dyn Transaction, head: &Head) -> Result<bool, LedgerError> {
        has(transaction, Some(*head))
    }

    fn missing(
        &self,
        transaction: &dyn Transaction,
        seen_by: String,
        head: Head,
    ) -> Result<Lock, LedgerError> {
        let end = chain::head(transaction)?.position;
        Ok(if end < head.position {
            Lock::Behind { seen_by, head, end }
        } else {
            Lock::Forked { seen_by, head }
        })
    }

    fn set_lock(&self, lock: Option<Lock>) {
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = lock;
    }

    fn error(&self, lock: &Lock) -> LedgerError {
        let witness = self.witness.path().display();
        let why = match lock {
            Lock::Behind { seen_by, head, end } => format!(
                "{seen_by} saw entry {} and the ledger ends at entry {end}, so entries {} to {} are \
                 missing",
                head.position,
                end + 1,
                head.position
            ),
            Lock::Forked { seen_by, head } => format!(
                "its entry {} is not the one that {seen_by} saw, so there is another ledger that went \
                 on from the same beginning",
                head.position
            ),
            Lock::WitnessMissing => format!("its witness {witness} is missing"),
            Lock::OtherLedger => format!("its witness {witness} belongs to another ledger"),
        };
        LedgerError::Locked { at: self.settings.location.clone(), why }
    }
}

/// Whether a branch contains what was seen.
pub(crate) fn has(branch: &dyn Transaction, seen: Option<Head>) -> Result<bool, LedgerError> {
    let Some(head) = seen else { return Ok(true) };
    let position = i64::try_from(head.position).map_err(|_| LedgerError::Overflow)?;
    Ok(chain::hash_at(branch, position)? == Some(head.hash))
}

/// Whether an administrator accepted this head of another branch.
fn is_recovered(transaction: &dyn Transaction, head: &Head) -> Result<bool, LedgerError> {
    let position = i64::try_from(head.position).map_err(|_| LedgerError::Overflow)?;
    transaction.exists(
        "SELECT 1 FROM recovery WHERE witness_position = ?1 AND witness_hash = ?2",
        &[position.into(), head.hash.as_bytes().into()],
    )
}

/// The head that stands for a witness which was lost.
pub(crate) const UNKNOWN: Head = Head { position: 0, hash: EntryHash::BEFORE_ALL };
