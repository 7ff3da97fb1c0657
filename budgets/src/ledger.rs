//! The ledger as the rooms above see it: one handle, one method per thing to do.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ed25519_dalek::SigningKey;
use voilage_privacy::Epsilon;

use crate::account::{Dataset, DatasetTerms, Project, ProjectTerms};
use crate::act::{Act, Mode, Opening};
use crate::charge::{Attempt, Charge, ChargeId, ChargeRequest, ChargeSummary, DoorRefusal};
use crate::clock::Clock;
use crate::error::LedgerError;
use crate::proof::{Proof, PublicKey};
use crate::refusal;
use crate::settings::Settings;
use crate::store::accounts::{DatasetRow, ProjectRow};
use crate::store::chain::{self, Head};
use crate::store::database::{self, Access, Store, Transaction};
use crate::store::guard::Guard;
use crate::store::terms::check_text;
use crate::store::verify::{self, Verification};
use crate::store::witness::Witness;
use crate::store::writer::{Purpose, Writer};
use crate::store::{accounts, admit, charges, identity, key, refusals, seal};

/// The budgets of all datasets and projects, in one file.
///
/// A handle may be shared by threads, and a file by handles and processes on one machine.
///
/// *Guarantee*: what a method returns is durable. Spent sums never fall. Whatever fails, fails
/// whole: nothing was spent, unless the error says that the disk failed while it was written.
///
/// *Errors*: every method may return [`LedgerError::Busy`], [`LedgerError::Disk`],
/// [`LedgerError::Altered`] and, when it writes, [`LedgerError::ReadOnly`].
pub struct Ledger {
    settings: Settings,
    guard: Arc<Guard>,
    clock: Arc<dyn Clock>,
    writer: Writer,
    /// Readers have a connection of their own: the writer's may hold what is not durable yet.
    reader: Mutex<Box<dyn Store>>,
}

impl Ledger {
    /// Creates the ledger file at `path`, with its witness and its key beside it.
    ///
    /// *Errors*: [`LedgerError::AlreadyExists`]; whatever is there is not touched.
    /// [`LedgerError::WitnessLeft`] and [`LedgerError::KeyLeft`] where a ledger has been.
    pub fn create(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, LedgerError> {
        Self::create_at(&Settings::beside(path.as_ref()), clock)
    }

    /// Creates a ledger in a file or in a PostgreSQL database.
    ///
    /// *Errors*: those of [`Ledger::create`].
    pub fn create_at(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, LedgerError> {
        if !database::exists(&settings.location) {
            refuse_what_is_left(settings)?;
        }
        let store = database::create(&settings.location, &mut |transaction| {
            // An empty file may stand where the ledger was.
            refuse_what_is_left(settings)?;
            identity::record(transaction, clock.as_ref())
        })?;
        Self::on(settings, store, clock)
    }

    /// Opens the ledger file at `path`, with its witness and its key beside it.
    ///
    /// A ledger that is behind its witness opens locked: it can be read and verified, and nothing
    /// is charged or answered.
    ///
    /// *Errors*: [`LedgerError::Missing`], [`LedgerError::NotALedger`],
    /// [`LedgerError::NewerVersion`], [`LedgerError::Unreadable`], [`LedgerError::WitnessFailed`].
    pub fn open(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, LedgerError> {
        Self::open_at(&Settings::beside(path.as_ref()), clock)
    }

    /// Opens the ledger in a file or in a PostgreSQL database.
    ///
    /// *Errors*: those of [`Ledger::open`], and [`LedgerError::NotDurable`].
    pub fn open_at(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, LedgerError> {
        let store = database::open(&settings.location)?;
        Self::on(settings, store, clock)
    }

    /// Where the ledger is, and its witness and key.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// An error when the ledger is locked, which says what is missing.
    ///
    /// *Errors*: [`LedgerError::Locked`].
    pub fn must_be_unlocked(&self) -> Result<(), LedgerError> {
        self.guard.must_be_unlocked()
    }

    /// Registers a dataset with its lifetime cap; doing it again with the same terms changes nothing.
    ///
    /// For a ledger without principals; later [`Ledger::decide`] does it.
    ///
    /// *Errors*: [`LedgerError::BadTerms`], [`LedgerError::TermsDiffer`].
    pub fn register_dataset(&self, terms: &DatasetTerms) -> Result<Dataset, LedgerError> {
        let act = Act::RegisterDataset { terms: terms.clone(), files: Vec::new() };
        self.unsigned(&act, "")?;
        self.dataset(&terms.name)
    }

    /// The dataset called `name`.
    ///
    /// *Errors*: [`LedgerError::UnknownDataset`].
    pub fn dataset(&self, name: &str) -> Result<Dataset, LedgerError> {
        self.read(|transaction| accounts::dataset(transaction, name)?.to_public())
    }

    /// Every dataset, in the order of registration.
    pub fn datasets(&self) -> Result<Vec<Dataset>, LedgerError> {
        self.read(|transaction| {
            accounts::datasets(transaction)?.iter().map(DatasetRow::to_public).collect()
        })
    }

    /// Opens a project under a permit; doing it again with the same terms changes nothing.
    ///
    /// For a ledger without principals; later [`Ledger::decide`] does it.
    ///
    /// *Errors*: [`LedgerError::BadTerms`], [`LedgerError::TermsDiffer`],
    /// [`LedgerError::CapAboveDataset`], [`LedgerError::UnknownDataset`].
    pub fn open_project(&self, terms: &ProjectTerms) -> Result<Project, LedgerError> {
        let act = Act::OpenProject { terms: terms.clone(), opening: Opening::default() };
        self.unsigned(&act, "")?;
        self.project(&terms.name)
    }

    /// The project called `name`.
    ///
    /// *Errors*: [`LedgerError::UnknownProject`].
    pub fn project(&self, name: &str) -> Result<Project, LedgerError> {
        self.read(|transaction| {
            let now = chain::now(transaction, self.clock.as_ref())?;
            accounts::project(transaction, name)?.to_public(transaction, now)
        })
    }

    /// Every project, in the order of opening.
    pub fn projects(&self) -> Result<Vec<Project>, LedgerError> {
        self.read(|transaction| {
            let now = chain::now(transaction, self.clock.as_ref())?;
            let rows = accounts::projects(transaction)?;
            rows.iter().map(|row: &ProjectRow| row.to_public(transaction, now)).collect()
        })
    }

    /// Closes a project for good, recording why.
    ///
    /// For a ledger without principals; later [`Ledger::decide`] does it.
    ///
    /// *Errors*: [`LedgerError::UnknownProject`], [`LedgerError::BadTerms`] for an empty reason.
    pub fn close_project(&self, name: &str, reason: &str) -> Result<Project, LedgerError> {
        check_text(&format!("project {name:?}"), "the reason for closing it", reason)?;
        self.unsigned(&Act::Close { project: name.to_owned() }, reason)?;
        self.project(name)
    }

    /// Lets a project ask about a further dataset, recording why; again it changes nothing.
    ///
    /// For a ledger without principals; later [`Ledger::decide`] does it.
    ///
    /// *Errors*: [`LedgerError::UnknownProject`], [`LedgerError::UnknownDataset`],
    /// [`LedgerError::BadTerms`].
    pub fn give_dataset(
        &self,
        project: &str,
        dataset: &str,
        reason: &str,
    ) -> Result<(), LedgerError> {
        check_text(&format!("project {project:?}"), "the reason for giving it a dataset", reason)?;
        let (project, dataset) = (project.to_owned(), dataset.to_owned());
        self.unsigned(&Act::GiveDataset { project, dataset }, reason)
    }

    /// The datasets beside its own that a project may ask about, by name.
    ///
    /// *Errors*: [`LedgerError::UnknownProject`].
    pub fn given_datasets(&self, project: &str) -> Result<Vec<String>, LedgerError> {
        self.read(|transaction| {
            let project = accounts::project(transaction, project)?;
            accounts::given_datasets(transaction, project.account.holder)
        })
    }

    /// The largest epsilon a single question of the project could have now, under both caps.
    ///
    /// *Units*: in a zcdp project, the epsilon of (epsilon, delta) at the project's own delta;
    /// rounded down to three digits; zero when nothing is left.
    ///
    /// *Errors*: [`LedgerError::UnknownProject`].
    pub fn affordable_epsilon(&self, project: &str) -> Result<Epsilon, LedgerError> {
        self.read(|transaction| {
            let project = accounts::project(transaction, project)?;
            let dataset = accounts::dataset_at(transaction, project.dataset)?;
            refusal::largest_epsilon(&project.account, &dataset.account)
        })
    }

    /// Charges a priced question to its project and its datasets, or finds the charge it has.
    ///
    /// *Guarantee*: all caps or none, durable before it returns. The same request key is
    /// charged once; `renew` pays again only when all attempts were used up without an answer.
    /// Every replay asks for the same rights as a charge, and every refusal is recorded.
    ///
    /// *Errors*: [`LedgerError::Budget`], [`LedgerError::AttemptsUsedUp`],
    /// [`LedgerError::NotStarted`], [`LedgerError::Expired`], [`LedgerError::Closed`],
    /// [`LedgerError::KeyReused`], [`LedgerError::DataMoved`], [`LedgerError::UnknownProject`],
    /// [`LedgerError::UnknownDataset`], [`LedgerError::DatasetNotGiven`], [`LedgerError::NoKey`].
    pub fn admit(&self, request: &ChargeRequest) -> Result<Charge, LedgerError> {
        let admitted = self.write(|transaction| {
            // An answer without a receipt would have been paid for, and is not given.
            self.signing_key(transaction)?;
            admit::admit(transaction, self.clock.as_ref(), request)
        });
        if let Err(error) = &admitted
            && refusals::is_decision(error)
        {
            self.write(|transaction| {
                refusals::record(transaction, self.clock.as_ref(), request, error)
            })?;
        }
        admitted
    }

    /// Records a question that was refused before it could be charged: an auditor sees what was tried.
    ///
    /// *Errors*: [`LedgerError::Locked`], beside those of every write.
    pub fn record_refusal(&self, refusal: &DoorRefusal<'_>) -> Result<(), LedgerError> {
        self.write(|transaction| {
            refusals::record_at_door(transaction, self.clock.as_ref(), refusal)
        })
    }

    /// Takes over the execution of a charge.
    ///
    /// *Errors*: [`LedgerError::AttemptsUsedUp`], [`LedgerError::AlreadySealed`],
    /// [`LedgerError::Fenced`] when the charge was renewed, and those of a project that may not ask.
    pub fn begin_attempt(&self, charge: &Charge) -> Result<Attempt, LedgerError> {
        self.writer.write(Purpose::Witnessed, |transaction| {
            seal::begin_attempt(transaction, self.clock.as_ref(), charge)
        })
    }

    /// Seals the answer of one boundary and returns what is sealed, read back from the file.
    ///
    /// *Guarantee*: the first seal wins; later bytes are dropped and the first ones returned.
    ///
    /// *Errors*: [`LedgerError::Fenced`] when a newer attempt has begun.
    pub fn seal(
        &self,
        attempt: &Attempt,
        boundary: u32,
        bytes: &[u8],
    ) -> Result<Vec<u8>, LedgerError> {
        self.writer.write(Purpose::Witnessed, |transaction| {
            seal::seal(transaction, self.clock.as_ref(), attempt, boundary, bytes)
        })?;
        self.read_answer(attempt.charge, boundary)?
            .ok_or(LedgerError::Misuse("a sealed answer cannot be read back"))
    }

    /// The sealed answer of one boundary, if there is one; the witness covers it before it leaves.
    ///
    /// *Errors*: [`LedgerError::Locked`], [`LedgerError::WitnessFailed`].
    pub fn sealed(&self, charge: &Charge, boundary: u32) -> Result<Option<Vec<u8>>, LedgerError> {
        self.read(|transaction| seal::known(transaction, charge).map(drop))?;
        self.read_answer(charge.id, boundary)
    }

    fn read_answer(&self, charge: ChargeId, boundary: u32) -> Result<Option<Vec<u8>>, LedgerError> {
        let (seal, bytes) = match self.read_seal(charge, boundary)? {
            None => return Ok(None),
            Some(found) => found,
        };
        if self.guard.is_covered(seal.position) {
            return Ok(Some(bytes));
        }
        let turn = self.guard.turn()?;
        self.read(|transaction| self.guard.cover(transaction, turn, seal))?;
        Ok(Some(bytes))
    }

    fn read_seal(
        &self,
        charge: ChargeId,
        boundary: u32,
    ) -> Result<Option<(Head, Vec<u8>)>, LedgerError> {
        self.read(|transaction| {
            self.guard.check(transaction)?;
            seal::sealed(transaction, charge, boundary)
        })
    }

    /// Signs the place of a sealed charge in the chain, for a receipt that says `body`.
    ///
    /// *Guarantee*: the same body gives the same proof at every replay.
    ///
    /// *Errors*: [`LedgerError::NoKey`], [`LedgerError::Misuse`] for a charge without an answer.
    pub fn prove(&self, charge: &Charge, body: &[u8]) -> Result<Proof, LedgerError> {
        self.read(|transaction| {
            self.guard.check(transaction)?;
            seal::known(transaction, charge)?;
            let head = seal::last(transaction, charge.id)?;
            let key = self.signing_key(transaction)?;
            Ok(Proof::sign(&key, identity::of(transaction)?, head, body))
        })
    }

    fn signing_key(&self, transaction: &dyn Transaction) -> Result<SigningKey, LedgerError> {
        let named = key::public(transaction)?
            .ok_or(LedgerError::Misuse("a ledger without a key was asked to sign"))?;
        key::load(&self.settings, &named)
    }

    /// The key that checks this ledger's receipts.
    pub fn public_key(&self) -> Result<PublicKey, LedgerError> {
        self.read(key::public)?
            .ok_or(LedgerError::Misuse("a ledger that was never written to has no key"))
    }

    /// Every charge of a project, oldest first.
    ///
    /// *Errors*: [`LedgerError::UnknownProject`].
    pub fn charges(&self, project: &str) -> Result<Vec<ChargeSummary>, LedgerError> {
        self.read(|transaction| {
            let project = accounts::project(transaction, project)?;
            charges::of_project(transaction, &project)
        })
    }

    /// Recomputes every hash, every sum and every sealed answer's digest.
    ///
    /// *Errors*: [`LedgerError::Altered`] with the first entry that is wrong; [`LedgerError::Locked`] when
    /// the ledger is in order and its witness saw more.
    pub fn verify(&self) -> Result<Verification, LedgerError> {
        let found = self.read_store(|store| verify::verify(store))?;
        self.guard.must_be_unlocked()?;
        Ok(found)
    }

    /// The end of the chain.
    pub fn head(&self) -> Result<Head, LedgerError> {
        self.read(|transaction| chain::head(transaction))
    }

    fn on(
        settings: &Settings,
        store: Box<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LedgerError> {
        let mut reader = database::open(&settings.location)?;
        let guard = Arc::new(Guard::open(reader.as_mut(), settings)?);
        let ledger = Self {
            settings: settings.clone(),
            guard: guard.clone(),
            clock,
            writer: Writer::new(store, guard),
            reader: Mutex::new(reader),
        };
        ledger.adopt()?;
        Ok(ledger)
    }

    /// Gives a new ledger, or one of an older version, its key and its witness.
    pub(crate) fn adopt(&self) -> Result<(), LedgerError> {
        let is_locked = self.guard.lock().is_some();
        if is_locked || self.writer.is_read_only() || self.read(key::public)?.is_some() {
            return Ok(());
        }
        let turn = self.guard.first_turn()?;
        self.read(|transaction| self.guard.begin(transaction, turn))?;
        self.write(|transaction| key::adopt(transaction, self.clock.as_ref(), &self.settings))
    }

    pub(crate) fn guard(&self) -> &Guard {
        &self.guard
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    #[cfg(test)]
    pub(crate) fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Runs `work` and makes it durable, or forgets it again so that only its outcome remains.
    pub(crate) fn in_mode<T>(
        &self,
        purpose: Purpose,
        mode: Mode,
        work: impl FnOnce(&dyn Transaction) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut rehearsed = None;
        let done = self.writer.write(purpose, |transaction| {
            let done = work(transaction)?;
            match mode {
                Mode::Record => Ok(done),
                // An error is how a work is undone; what it would have done is kept beside it.
                Mode::Rehearse => {
                    rehearsed = Some(done);
                    Err(LedgerError::Misuse("a rehearsal was recorded"))
                }
            }
        });
        match (rehearsed, done) {
            (Some(outcome), Err(LedgerError::Misuse(_))) => Ok(outcome),
            (_, done) => done,
        }
    }

    /// Runs `work` as the only writer and makes it durable, all or nothing.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&dyn Transaction) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.writer.write(Purpose::Ordinary, work)
    }

    /// Runs `work` on one snapshot of what is durable.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&dyn Transaction) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.read_store(|store| work(store))
    }

    fn read_store<T>(
        &self,
        work: impl FnOnce(&dyn Store) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        // A panic leaves a transaction open, which the next reader ends before it begins its own.
        let mut store = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        store.rollback();
        store.begin(Access::Read)?;
        let done = work(store.as_ref());
        store.rollback();
        done
    }
}

/// Where a ledger has been, a new one would have its full caps again.
fn refuse_what_is_left(settings: &Settings) -> Result<(), LedgerError> {
    let at = || settings.location.clone();
    if Witness::new(&settings.witness).exists() {
        return Err(LedgerError::WitnessLeft { at: at(), witness: settings.witness.clone() });
    }
    if key::is_left(settings) {
        return Err(LedgerError::KeyLeft { at: at(), key: settings.key.clone() });
    }
    Ok(())
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("location", &self.settings.location).finish_non_exhaustive()
    }
}
