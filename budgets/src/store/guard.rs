//! Whether this ledger is the one that its witness knows: if not, it is locked.

use std::sync::{Mutex, PoisonError};

use super::chain::{self, EntryHash, Head};
use super::database::{Access, Store, Transaction};
use super::witness::{Contents, Seen, Turn, Witness};
use super::{identity, key};
use crate::error::LedgerError;
use crate::settings::Settings;

/// Compares the ledger with its witness, and moves the witness along.
///
/// Whoever needs the witness's turn, or reads it, does so before the snapshot that it is compared with: what
/// others wrote until then must be in that snapshot, or they would look like a branch.
pub(crate) struct Guard {
    settings: Settings,
    witness: Witness,
    ledger: [u8; 16],
    /// What the witness covered when this handle last looked: the ledger has it, or was put back since.
    reached: Mutex<Option<Head>>,
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
    /// Another ledger came into its place while it was open.
    Exchanged,
    /// It names no key, and there is one: it is from before it had one.
    BeforeItsKey,
    /// Its key signed a receipt of another ledger, which was here before it.
    KeyOfAnother { head: Head },
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
    /// A ledger that never had a key never had a witness: it is given its first one, which comes before the
    /// key. So where the witness seems to be missing, another process may have made both in between:
    /// that is settled by a second look.
    pub(crate) fn open(store: &mut dyn Store, settings: &Settings) -> Result<Self, LedgerError> {
        let witness = Witness::new(&settings.witness);
        let mut look = || {
            let contents = witness.read()?;
            store.begin(Access::Read)?;
            let guard = Self::opened(store, settings, &contents);
            store.rollback();
            guard
        };
        let guard = look()?;
        match guard.lock() {
            Some(Lock::WitnessMissing | Lock::BeforeItsKey) => look(),
            _ => Ok(guard),
        }
    }

    fn opened(
        transaction: &dyn Transaction,
        settings: &Settings,
        contents: &Contents,
    ) -> Result<Self, LedgerError> {
        let guard = Self {
            settings: settings.clone(),
            witness: Witness::new(&settings.witness),
            ledger: identity::of(transaction)?,
            reached: Mutex::new(None),
            lock: Mutex::new(None),
        };
        let has_key = key::public(transaction)?.is_some();
        if !has_key && key::is_left(settings) && chain::head(transaction)?.position > 1 {
            guard.set_lock(Some(Lock::BeforeItsKey));
        } else if contents.seen.is_none() && has_key {
            guard.set_lock(Some(Lock::WitnessMissing));
        }
        guard.look(transaction, contents)?;
        Ok(guard)
    }

    /// A turn at a witness that may have to be made.
    pub(crate) fn first_turn(&self) -> Result<Turn, LedgerError> {
        self.witness.create()
    }

    /// A turn at the witness, which was there before and locks the ledger if it is not.
    pub(crate) fn turn(&self) -> Result<Turn, LedgerError> {
        if let Some(turn) = self.witness.turn()?.filter(|turn| turn.contents.seen.is_some()) {
            return Ok(turn);
        }
        self.set_lock(Some(Lock::WitnessMissing));
        Err(self.error(&Lock::WitnessMissing))
    }

    /// Gives a ledger without a witness its first one.
    pub(crate) fn begin(
        &self,
        transaction: &dyn Transaction,
        mut turn: Turn,
    ) -> Result<(), LedgerError> {
        if turn.contents.seen.is_none() {
            let head = chain::head(transaction)?;
            turn.write(self.ledger, head)?;
            self.reach(head);
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

    /// An error unless this is still the ledger that was looked at: a database may be put back, or another
    /// put in its place, under a handle that is open.
    pub(crate) fn check(&self, transaction: &dyn Transaction) -> Result<(), LedgerError> {
        self.must_be_unlocked()?;
        let reached = self.reached();
        let position = reached.map_or(0, |head| head.position);
        let position = i64::try_from(position).map_err(|_| LedgerError::Overflow)?;
        let row = transaction.optional(
            "SELECT i.ledger_id, e.hash
             FROM identity i LEFT JOIN entry e ON e.position = ?1 ORDER BY i.position LIMIT 1",
            &[position.into()],
        )?;
        let ledger: Option<[u8; 16]> = row.as_ref().map(|row| row.get(0)).transpose()?;
        if ledger != Some(self.ledger) {
            self.set_lock(Some(Lock::Exchanged));
            return self.must_be_unlocked();
        }
        let found: Option<[u8; 32]> = row.as_ref().map(|row| row.get(1)).transpose()?.flatten();
        if let Some(head) = reached
            && found.as_ref() != Some(head.hash.as_bytes())
        {
            let seen_by = "this process".to_owned();
            self.set_lock(Some(self.missing(transaction, seen_by, head)?));
        }
        self.must_be_unlocked()
    }

    /// Whether the witness covers `position` of a ledger that [`Guard::check`] let through.
    pub(crate) fn is_covered(&self, position: u64) -> bool {
        self.reached().is_some_and(|head| head.position >= position)
    }

    /// Makes the witness cover the ledger up to `head`: what it says may leave when this returns.
    ///
    /// `transaction` was begun after the turn, and sees what is durable.
    pub(crate) fn cover(
        &self,
        transaction: &dyn Transaction,
        mut turn: Turn,
        head: Head,
    ) -> Result<(), LedgerError> {
        self.check(transaction)?;
        self.look(transaction, &turn.contents)?;
        self.must_be_unlocked()?;
        if !self.contains(transaction, &head)? {
            let seen_by = "this process".to_owned();
            self.set_lock(Some(self.missing(transaction, seen_by, head)?));
            return self.must_be_unlocked();
        }
        // An accepted head of another branch may be further on than this ledger is.
        let end = match turn.contents.seen {
            Some(seen)
                if seen.head.position >= head.position
                    && self.contains(transaction, &seen.head)? =>
            {
                seen.head
            }
            _ => {
                let end = chain::head(transaction)?;
                turn.write(self.ledger, end)?;
                end
            }
        };
        self.reach(end);
        Ok(())
    }

    /// Writes down a head that somebody else has seen and that this ledger lacks, and locks it, here
    /// and, through the witness, for everybody.
    ///
    /// `transaction` was begun after the turn.
    pub(crate) fn present(
        &self,
        transaction: &dyn Transaction,
        mut turn: Turn,
        (ledger, head): ([u8; 16], Head),
    ) -> Result<(), LedgerError> {
        let is_same = |one: &Seen| one.ledger == ledger && one.head == head;
        if !explains(transaction, &head)? && !turn.contents.presented.iter().any(is_same) {
            turn.add(ledger, head)?;
        }
        self.look(transaction, &turn.contents)?;
        self.must_be_unlocked()
    }

    /// What the witness says now.
    pub(crate) fn contents(&self) -> Result<Contents, LedgerError> {
        self.witness.read()
    }

    /// What was seen outside and this ledger has not: by its witness, by receipts presented earlier,
    /// and by those presented now.
    ///
    /// `transaction` was begun after the witness was read.
    pub(crate) fn unexplained(
        &self,
        transaction: &dyn Transaction,
        contents: &Contents,
        receipts: &[Head],
    ) -> Result<Unexplained, LedgerError> {
        let mut heads = Vec::new();
        if let Some(seen) = contents.seen {
            if seen.ledger != self.ledger {
                return Err(self.error(&Lock::OtherLedger));
            }
            heads.push((self.seen_by_witness(), seen.head));
        }
        let earlier = contents.presented.iter().map(|one| one.head);
        heads.extend(earlier.chain(receipts.iter().copied()).map(|head| (a_receipt(), head)));
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
    /// `transaction` was begun after the turn.
    ///
    /// *Errors*: [`LedgerError::Locked`] when another branch has moved the witness meanwhile.
    pub(crate) fn accept(
        &self,
        transaction: &dyn Transaction,
        mut turn: Turn,
    ) -> Result<(), LedgerError> {
        self.set_lock(None);
        self.look(transaction, &turn.contents)?;
        self.must_be_unlocked()?;
        let head = chain::head(transaction)?;
        turn.write(self.ledger, head)?;
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = Some(head);
        Ok(())
    }

    /// Locks the ledger when anything in its witness is not in it.
    fn look(&self, transaction: &dyn Transaction, contents: &Contents) -> Result<(), LedgerError> {
        if let Some(seen) = contents.seen {
            if seen.ledger != self.ledger {
                self.set_lock(Some(Lock::OtherLedger));
            } else if self.contains(transaction, &seen.head)? {
                self.reach(seen.head);
            } else if !is_recovered(transaction, &seen.head)? {
                let seen_by = self.seen_by_witness();
                self.set_lock(Some(self.missing(transaction, seen_by, seen.head)?));
            }
        }
        for presented in &contents.presented {
            if self.lock().is_some() || explains(transaction, &presented.head)? {
                continue;
            }
            let head = presented.head;
            self.set_lock(Some(match presented.ledger == self.ledger {
                true => self.missing(transaction, a_receipt(), head)?,
                false => Lock::KeyOfAnother { head },
            }));
        }
        Ok(())
    }

    fn reached(&self) -> Option<Head> {
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The witness covers everything up to `head`, which this ledger has.
    fn reach(&self, head: Head) {
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        if reached.is_none_or(|before| before.position < head.position) {
            *reached = Some(head);
        }
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
            Lock::Exchanged => "another ledger came into its place while it was open".to_owned(),
            Lock::BeforeItsKey => format!(
                "it names no key and its key {} is there, so it is a copy from before it had one",
                self.settings.key.display()
            ),
            Lock::KeyOfAnother { head } => format!(
                "its key signed entry {} of another ledger, so another ledger was here before it",
                head.position
            ),
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

/// The head that stands for a branch which nobody can list.
pub(crate) const UNLISTED: Head = Head { position: 0, hash: EntryHash::AFTER_ALL };

/// The head that stands for a witness which was lost.
pub(crate) const UNKNOWN: Head = Head { position: 0, hash: EntryHash::BEFORE_ALL };
