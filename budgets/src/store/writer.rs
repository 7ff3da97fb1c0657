//! Group commit: one durable transaction for all the threads that are waiting for one.
//!
//! A disk confirms a commit in about the time of a rotation or an erased block, however much it holds.
//! So each thread runs its own work, one after the other, within a transaction that all share, under
//! a savepoint of its own; the last of those who are waiting commits, and only then does any of
//! them return. Nobody waits for a thread that has not come: without company, a thread commits at once.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::chain;
use super::database::location::Location;
use super::database::{Access, Store, Transaction};
use super::guard::Guard;
use crate::error::LedgerError;

/// How many works share a commit at most: other processes wait meanwhile.
const BATCH_MAX: usize = 64;

/// The one writing connection of a handle.
pub(crate) struct Writer {
    guard: Arc<Guard>,
    state: Mutex<State>,
    /// Threads that wait for `state` in order to write.
    arriving: AtomicUsize,
}

struct State {
    store: Box<dyn Store>,
    batch: Option<Arc<Batch>>,
    works: usize,
    /// Whether the batch's transaction was compared with what this handle has seen.
    is_checked: bool,
    /// Whether somebody acts on the batch when it is durable, which its witness must cover first.
    is_witnessed: bool,
}

/// What a work is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is refused while the ledger is locked.
    Ordinary,
    /// The same, and an answer leaves or a decision is told when it is done: forgetting it must show.
    Witnessed,
    /// It ends the lock.
    Recovery,
}

/// The works that become durable together.
#[derive(Default)]
struct Batch {
    fate: Mutex<Option<Result<(), Failure>>>,
    told: Condvar,
}

/// Why a whole batch came to nothing; every member is told.
#[derive(Debug, Clone)]
enum Failure {
    Busy,
    Disk(String),
    ConnectionLost(String),
    Altered(String),
    Database(String),
    Witness(PathBuf, String),
    Locked(Location, String),
}

impl Writer {
    pub(crate) fn new(store: Box<dyn Store>, guard: Arc<Guard>) -> Self {
        let state = State { store, batch: None, works: 0, is_checked: false, is_witnessed: false };
        Self { guard, state: Mutex::new(state), arriving: AtomicUsize::new(0) }
    }

    /// Runs `work` as the only writer; when this returns, what it did is durable, or it did nothing.
    ///
    /// What the work saw of its batch may be told only when the batch is durable, so a refusal waits
    /// for the commit too.
    pub(crate) fn write<T>(
        &self,
        purpose: Purpose,
        work: impl FnOnce(&dyn Transaction) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        if purpose != Purpose::Recovery {
            self.guard.must_be_unlocked()?;
        }
        self.arriving.fetch_add(1, Ordering::SeqCst);
        let mut state = self.lock();
        self.arriving.fetch_sub(1, Ordering::SeqCst);
        let batch = state.join()?;
        let done = catch_unwind(AssertUnwindSafe(|| {
            if purpose != Purpose::Recovery {
                state.check(&self.guard)?;
            }
            state.run(work)
        }));
        state.works += 1;
        state.is_witnessed |= purpose == Purpose::Witnessed && matches!(done, Ok(Ok(_)));
        if let Ok(Err(error)) = &done
            && let Some(failure) = Failure::of_batch(error)
        {
            state.abandon(failure);
        } else if !state.store.in_transaction() {
            state.abandon(Failure::Database("a transaction ended by itself".to_owned()));
        } else if state.works >= BATCH_MAX || self.arriving.load(Ordering::SeqCst) == 0 {
            state.commit(&self.guard);
        }
        drop(state);
        let fate = batch.wait();
        match done {
            Err(panic) => resume_unwind(panic),
            Ok(Err(error)) if Failure::of_batch(&error).is_some() => Err(error),
            Ok(done) => fate.map_err(LedgerError::from).and(done),
        }
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.lock().store.is_read_only()
    }

    /// A panic inside a work rolls it back on its way out, so the connection stays sound.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn with_store<T>(&self, work: impl FnOnce(&mut dyn Store) -> T) -> T {
        work(self.lock().store.as_mut())
    }
}

impl State {
    /// The open batch, or a new one.
    fn join(&mut self) -> Result<Arc<Batch>, LedgerError> {
        if let Some(batch) = &self.batch {
            return Ok(batch.clone());
        }
        if let Err(error) = self.store.begin(Access::Write) {
            self.store.rollback();
            return Err(error);
        }
        (self.works, self.is_checked, self.is_witnessed) = (0, false, false);
        Ok(self.batch.insert(Arc::default()).clone())
    }

    /// Compares the ledger with what this handle has seen of it, once in each transaction.
    fn check(&mut self, guard: &Guard) -> Result<(), LedgerError> {
        if !self.is_checked {
            guard.check(self.store.as_ref())?;
            self.is_checked = true;
        }
        Ok(())
    }

    /// Runs a work within a savepoint, to which its failure returns.
    fn run<T>(
        &self,
        work: impl FnOnce(&dyn Transaction) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let transaction: &dyn Transaction = self.store.as_ref();
        transaction.execute("SAVEPOINT work", &[])?;
        let undo = Undo { transaction, armed: true };
        let done = work(transaction)?;
        undo.keep()?;
        Ok(done)
    }

    /// Makes the batch durable, and then its witness, so that its answers may leave.
    fn commit(&mut self, guard: &Guard) {
        let committed = self.commit_and_cover(guard);
        let fate = match committed {
            Ok(()) => Ok(()),
            Err(error) => {
                self.store.rollback();
                Err(Failure::from(error))
            }
        };
        self.tell(fate);
    }

    fn commit_and_cover(&mut self, guard: &Guard) -> Result<(), LedgerError> {
        if !self.is_witnessed {
            return self.store.commit();
        }
        let written = chain::head(self.store.as_ref())?;
        self.store.commit()?;
        let turn = guard.turn()?;
        self.store.begin(Access::Read)?;
        let covered = guard.cover(self.store.as_ref(), turn, written);
        self.store.rollback();
        covered
    }

    fn abandon(&mut self, failure: Failure) {
        self.store.rollback();
        self.tell(Err(failure));
    }

    fn tell(&mut self, fate: Result<(), Failure>) {
        if let Some(batch) = self.batch.take() {
            *batch.fate.lock().unwrap_or_else(PoisonError::into_inner) = Some(fate);
            batch.told.notify_all();
        }
    }
}

/// Returns to the savepoint unless the work is kept.
struct Undo<'a> {
    transaction: &'a dyn Transaction,
    armed: bool,
}

impl Undo<'_> {
    fn keep(mut self) -> Result<(), LedgerError> {
        self.armed = false;
        self.transaction.execute("RELEASE SAVEPOINT work", &[]).map(drop)
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if self.armed {
            // Where this fails, the transaction itself is gone, which the writer looks at next.
            let _ = self.transaction.execute("ROLLBACK TO SAVEPOINT work", &[]);
            let _ = self.transaction.execute("RELEASE SAVEPOINT work", &[]);
        }
    }
}

impl Batch {
    fn wait(&self) -> Result<(), Failure> {
        let mut fate = self.fate.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(fate) = fate.as_ref() {
                return fate.clone();
            }
            fate = self.told.wait(fate).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Failure {
    /// What no savepoint undoes: the database or its disk failed, so nobody's work is kept.
    fn of_batch(error: &LedgerError) -> Option<Self> {
        match error {
            LedgerError::Busy => Some(Self::Busy),
            LedgerError::Disk { why } => Some(Self::Disk(why.clone())),
            LedgerError::ConnectionLost { why } => Some(Self::ConnectionLost(why.clone())),
            LedgerError::Database { why } => Some(Self::Database(why.clone())),
            LedgerError::WitnessFailed { path, why } => {
                Some(Self::Witness(path.clone(), why.clone()))
            }
            LedgerError::Locked { at, why } => Some(Self::Locked(at.clone(), why.clone())),
            LedgerError::ReadOnly { .. } => Some(Self::Database(error.to_string())),
            _ => None,
        }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Altered { what, .. } => Self::Altered(what),
            other => Self::of_batch(&other).unwrap_or_else(|| Self::Database(other.to_string())),
        }
    }
}

impl From<Failure> for LedgerError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Busy => Self::Busy,
            Failure::Disk(why) => Self::Disk { why },
            Failure::ConnectionLost(why) => Self::ConnectionLost { why },
            Failure::Altered(what) => Self::altered(&what),
            Failure::Database(why) => Self::Database { why },
            Failure::Witness(path, why) => Self::WitnessFailed { path, why },
            Failure::Locked(at, why) => Self::Locked { at, why },
        }
    }
}
