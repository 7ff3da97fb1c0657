//! Whether this ledger is the one that its witness knows: if not, it is locked.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::chain::{self, EntryHash, Head};
use super::database::Transaction;
use super::witness::{Contents, Witness};
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

/// What was seen of a ledger outside of it, and is not in it.
pub(crate) struct Unexplained {
    /// Each head with who saw it.
    pub(crate) missing: Vec<(String, Head)>,
    /// Whether nobody can say how far the ledger had come.
    pub(crate) is_witness_missing: bool,
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
        let contents = guard.witness.read()?;
        if contents.seen.is_none() && had_one {
            guard.set_lock(Some(Lock::WitnessMissing));
        }
        guard.look(transaction, &contents)?;
        Ok(guard)
    }

    /// Gives a ledger without a witness its first one.
    pub(crate) fn begin(&self, transaction: &dyn Transaction) -> Result<(), LedgerError> {
        let mut turn = self.witness.create()?;
        if turn.contents.seen.is_none() {
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
        self.look(transaction, &turn.contents)?;
        self.must_be_unlocked()?;
        let head = chain::head(transaction)?;
        let is_covered = turn.contents.seen.is_some_and(|seen| {
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
        if explains(transaction, &head)? {
            return Ok(());
        }
        let mut turn = self.witness.create()?;
        if !turn.contents.presented.iter().any(|one| one.ledger == self.ledger && one.head == head)
        {
            turn.add(self.ledger, head)?;
        }
        self.look(transaction, &turn.contents)?;
        self.must_be_unlocked()
    }

    /// What was seen outside and this ledger has not: by its witness, by receipts presented earlier,
    /// and by those presented now.
    pub(crate) fn unexplained(
        &self,
        transaction: &dyn Transaction,
        receipts: &[Head],
    ) -> Result<Unexplained, LedgerError> {
        let contents = self.witness.read()?;
        let mut heads = Vec::new();
        if let Some(seen) = contents.seen {
            if seen.ledger != self.ledger {
                return Err(self.error(&Lock::OtherLedger));
            }
            heads.push((self.seen_by_witness(), seen.head));
        }
        let earlier = contents.presented.iter().filter(|one| one.ledger == self.ledger);
        heads.extend(
            earlier
                .map(|one| one.head)
                .chain(receipts.iter().copied())
                .map(|head| (a_receipt(), head)),
        );
        let mut missing: Vec<(String, Head)> = Vec::new();
        for (seen_by, head) in heads {
            if !explains(transaction, &head)? && missing.iter().all(|(_, one)| *one != head) {
                missing.push((seen_by, head));
            }
        }
        Ok(Unexplained { missing, is_witness_missing: contents.seen.is_none() })
    }

    /// After a recovery: what was seen is explained, and the witness goes on from here.
    ///
    /// *Errors*: [`LedgerError::Locked`] when another branch has moved the witness meanwhile.
    pub(crate) fn accept(&self, transaction: &dyn Transaction) -> Result<(), LedgerError> {
        let mut turn = self.witness.create()?;
        self.set_lock(None);
        self.look(transaction, &turn.contents)?;
        self.must_be_unlocked()?;
        turn.write(self.ledger, chain::head(transaction)?)
    }

    /// Locks the ledger when anything in its witness is not in it.
    fn look(&self, transaction: &dyn Transaction, contents: &Contents) -> Result<(), LedgerError> {
        if let Some(seen) = contents.seen {
            if seen.ledger != self.ledger {
                self.set_lock(Some(Lock::OtherLedger));
            } else if self.contains(transaction, &seen.head)? {
                self.reached.fetch_max(seen.head.position, Ordering::SeqCst);
            } else if !is_recovered(transaction, &seen.head)? {
                let seen_by = self.seen_by_witness();
                self.set_lock(Some(self.missing(transaction, seen_by, seen.head)?));
            }
        }
        for presented in contents.presented.iter().filter(|one| one.ledger == self.ledger) {
            if self.lock().is_none() && !explains(transaction, &presented.head)? {
                self.set_lock(Some(self.missing(transaction, a_receipt(), presented.head)?));
            }
        }
        Ok(())
    }

    fn seen_by_witness(&self) -> String {
        format!("its witness {}", self.witness.path().display())
    }

    fn contains(&self, transaction: &dyn Transaction, head: &Head) -> Result<bool, LedgerError> {
        has(transaction, head)
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

/// Whether a ledger has what was seen, or an administrator accepted it there as another branch.
pub(crate) fn explains(ledger: &dyn Transaction, head: &Head) -> Result<bool, LedgerError> {
    Ok(has(ledger, head)? || is_recovered(ledger, head)?)
}

/// Whether a branch contains what was seen.
fn has(branch: &dyn Transaction, head: &Head) -> Result<bool, LedgerError> {
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

fn a_receipt() -> String {
    "a receipt".to_owned()
}

/// The head that stands for a witness which was lost.
pub(crate) const UNKNOWN: Head = Head { position: 0, hash: EntryHash::BEFORE_ALL };
