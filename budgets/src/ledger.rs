//! The ledger as the rooms above see it: one handle, one method per thing to do.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use voilage_privacy::Epsilon;

use crate::account::{Dataset, DatasetTerms, Project, ProjectTerms};
use crate::act::{Act, Opening};
use crate::charge::{Attempt, Charge, ChargeRequest, ChargeSummary};
use crate::clock::Clock;
use crate::error::LedgerError;
use crate::refusal;
use crate::store::accounts::{DatasetRow, ProjectRow};
use crate::store::chain::{self, Head};
use crate::store::database::location::Location;
use crate::store::database::{self, Access, Store, Transaction};
use crate::store::terms::check_text;
use crate::store::verify::{self, Verification};
use crate::store::writer::Writer;
use crate::store::{accounts, admit, charges, identity, refusals, seal};

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
    location: Location,
    clock: Arc<dyn Clock>,
    writer: Writer,
    /// Readers have a connection of their own: the writer's may hold what is not durable yet.
    reader: Mutex<Box<dyn Store>>,
}

impl Ledger {
    /// Creates the ledger file at `path`.
    ///
    /// *Errors*: [`LedgerError::AlreadyExists`]; whatever is there is not touched.
    pub fn create(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, LedgerError> {
        Self::create_at(&path.as_ref().into(), clock)
    }

    /// Creates a ledger in a file or in a PostgreSQL database.
    ///
    /// *Errors*: [`LedgerError::AlreadyExists`]; whatever is there is not touched.
    pub fn create_at(location: &Location, clock: Arc<dyn Clock>) -> Result<Self, LedgerError> {
        let store = database::create(location, &mut |transaction| {
            identity::record(transaction, clock.as_ref())
        })?;
        Self::on(location, store, clock)
    }

    /// Opens the ledger file at `path`.
    ///
    /// *Errors*: [`LedgerError::Missing`], [`LedgerError::NotALedger`],
    /// [`LedgerError::NewerVersion`], [`LedgerError::Unreadable`].
    pub fn open(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, LedgerError> {
        Self::open_at(&path.as_ref().into(), clock)
    }

    /// Opens the ledger in a file or in a PostgreSQL database.
    ///
    /// *Errors*: [`LedgerError::Missing`], [`LedgerError::NotALedger`],
    /// [`LedgerError::NewerVersion`], [`LedgerError::NotDurable`], [`LedgerError::Unreadable`].
    pub fn open_at(location: &Location, clock: Arc<dyn Clock>) -> Result<Self, LedgerError> {
        let store = database::open(location)?;
        Self::on(location, store, clock)
    }

    /// Where the ledger is.
    pub fn location(&self) -> &Location {
        &self.location
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
    /// [`LedgerError::UnknownDataset`], [`LedgerError::DatasetNotGiven`].
    pub fn admit(&self, request: &ChargeRequest) -> Result<Charge, LedgerError> {
        let admitted =
            self.write(|transaction| admit::admit(transaction, self.clock.as_ref(), request));
        if let Err(error) = &admitted
            && refusals::is_decision(error)
        {
            self.write(|transaction| {
                refusals::record(transaction, self.clock.as_ref(), request, error)
            })?;
        }
        admitted
    }

    /// Takes over the execution of a charge.
    ///
    /// *Errors*: [`LedgerError::AttemptsUsedUp`], [`LedgerError::AlreadySealed`],
    /// [`LedgerError::Fenced`] when the charge was renewed, and those of a project that may not ask.
    pub fn begin_attempt(&self, charge: &Charge) -> Result<Attempt, LedgerError> {
        self.write(|transaction| seal::begin_attempt(transaction, self.clock.as_ref(), charge))
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
        self.write(|transaction| {
            seal::seal(transaction, self.clock.as_ref(), attempt, boundary, bytes)
        })?;
        self.read(|transaction| seal::sealed(transaction, attempt.charge, boundary))?
            .ok_or(LedgerError::Misuse("a sealed answer cannot be read back"))
    }

    /// The sealed answer of one boundary, if there is one.
    pub fn sealed(&self, charge: &Charge, boundary: u32) -> Result<Option<Vec<u8>>, LedgerError> {
        self.read(|transaction| {
            seal::known(transaction, charge)?;
            seal::sealed(transaction, charge.id, boundary)
        })
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
    /// *Errors*: [`LedgerError::Altered`] with the first entry that is wrong.
    pub fn verify(&self) -> Result<Verification, LedgerError> {
        self.read_store(|store| verify::verify(store))
    }

    /// The end of the chain.
    pub fn head(&self) -> Result<Head, LedgerError> {
        self.read(|transaction| chain::head(transaction))
    }

    fn on(
        location: &Location,
        store: Box<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LedgerError> {
        Ok(Self {
            location: location.clone(),
            clock,
            writer: Writer::new(store),
            reader: Mutex::new(database::open(location)?),
        })
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    #[cfg(test)]
    pub(crate) fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Runs `work` as the only writer and makes it durable, all or nothing.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&dyn Transaction) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.writer.write(work)
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

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("location", &self.location).finish_non_exhaustive()
    }
}
