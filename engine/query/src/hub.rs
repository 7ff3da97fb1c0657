//! The hub: a catalogue, a ledger, and the studies that ask.

use std::future::Future;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::runtime::{Builder, Runtime};
use voilage_budgets::{
    Act, Clock, Decider, DoorRefusal, Ledger, Mode, Opening, Outcome, Project, ProjectTerms,
    Rehearsed, Settings, SystemClock, TableFile,
};

use crate::catalogue::Catalogue;
use crate::described::{self, DescribedView};
use crate::error::QueryError;
use crate::execute::Resources;
use crate::holder;
use crate::init::{self, InitReport};
use crate::options::AskOptions;
use crate::question::Question;
use crate::randomness::{OsRandomness, Randomness};
use crate::reuse::{self, Free, ReleaseId};
use crate::spend::Spend;

/// A data holder's catalogue with its ledger. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    parts: Arc<HubParts>,
}

pub(crate) struct HubParts {
    pub(crate) catalogue: Catalogue,
    pub(crate) ledger: Ledger,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) principal: String,
    operator_log: PathBuf,
    pub(crate) resources: Resources,
    /// Plans, and runs what follows a release: one thread, so that rows keep their order.
    runtime: Mutex<Runtime>,
    /// Reads owned rows, where order is of no consequence, on all cores.
    readers: Runtime,
}

/// What a hub needs from outside; tests replace it.
#[derive(Clone)]
pub struct Surroundings {
    /// The clock of the ledger.
    pub clock: Arc<dyn Clock>,
    /// Where noise and bounding keys come from.
    pub randomness: Arc<dyn Randomness>,
    /// Who asks, for the audit.
    pub principal: String,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            randomness: Arc::new(OsRandomness),
            principal: holder::account(),
        }
    }
}

impl Hub {
    /// Creates or completes the ledger of a hub file and checks every table's file.
    ///
    /// Doing it again changes nothing.
    ///
    /// # Errors
    /// When the hub file, a table's file or the ledger is wrong, a dataset's cap differs from the
    /// one registered, or the account may not decide.
    pub fn init(path: &Path) -> Result<InitReport, QueryError> {
        Self::init_as(path, None, Mode::Record)
    }

    /// [`Hub::init`] as one of the account's principals, or only to see what it would do.
    ///
    /// # Errors
    /// Those of [`Hub::init`].
    pub fn init_as(
        path: &Path,
        principal: Option<&str>,
        mode: Mode,
    ) -> Result<InitReport, QueryError> {
        init::run(path, principal, mode)
    }

    /// Opens a hub whose ledger exists.
    ///
    /// # Errors
    /// When the hub file or the ledger is missing or wrong.
    pub fn open(path: &Path) -> Result<Self, QueryError> {
        Self::open_as(path, None)
    }

    /// Opens a hub as one of the principals that the account stands for.
    ///
    /// # Errors
    /// When the hub file or the ledger is missing or wrong, or the account may not act as the
    /// principal.
    pub fn open_as(path: &Path, principal: Option<&str>) -> Result<Self, QueryError> {
        let hub = Self::open_with(path, Surroundings::default())?;
        let principal = hub.ledger().acting_as(&holder::account(), principal)?;
        let parts = Arc::try_unwrap(hub.parts).map_err(|_| QueryError::bug("a hub is shared"))?;
        Ok(Self { parts: Arc::new(HubParts { principal, ..parts }) })
    }

    /// Opens a hub with other surroundings; only tests need this.
    ///
    /// # Errors
    /// When the hub file or the ledger is missing or wrong.
    pub fn open_with(path: &Path, surroundings: Surroundings) -> Result<Self, QueryError> {
        let catalogue = Catalogue::read(path)?;
        let ledger = Ledger::open_at(&catalogue.ledger, surroundings.clock)?;
        let no_runtime = |_| QueryError::bug("no runtime for execution");
        let runtime = runtime()?;
        let readers = Builder::new_multi_thread().enable_all().build().map_err(no_runtime)?;
        let resources = Resources::new(catalogue.memory_mib, catalogue.spill.clone());
        resources.spill.clear();
        let operator_log = catalogue.ledger.neighbour().with_extension("operator.log");
        Ok(Self {
            parts: Arc::new(HubParts {
                catalogue,
                ledger,
                randomness: surroundings.randomness,
                principal: surroundings.principal,
                operator_log,
                resources,
                runtime: Mutex::new(runtime),
                readers,
            }),
        })
    }

    /// Where a hub file says that its ledger is, whether there is one or not.
    ///
    /// # Errors
    /// When the hub file is missing or wrong.
    pub fn ledger_settings(path: &Path) -> Result<Settings, QueryError> {
        Ok(Catalogue::read(path)?.ledger)
    }

    /// What the data holder declares.
    pub fn catalogue(&self) -> &Catalogue {
        &self.parts.catalogue
    }

    /// The budgets.
    pub fn ledger(&self) -> &Ledger {
        &self.parts.ledger
    }

    /// Who asks and decides, as the ledger records it.
    pub fn principal(&self) -> &str {
        &self.parts.principal
    }

    /// Opens a project under its first permit, in which whoever opens it is named; the same terms again
    /// change nothing.
    ///
    /// # Errors
    /// When the terms are wrong, the principal may not decide, or the policy asks for a second
    /// administrator: then it waits as a proposal.
    pub fn open_project(&self, terms: ProjectTerms) -> Result<Project, QueryError> {
        let name = terms.name.clone();
        let reason = format!("opened under permit {}", terms.permit.reference);
        let opening = Opening { persons: vec![self.principal().to_owned()], ..Opening::default() };
        let by = Decider { principal: self.principal(), reason: &reason };
        match self.ledger().decide(by, &Act::OpenProject { terms, opening }, Mode::Record)? {
            Outcome::Done { .. } | Outcome::Unchanged => Ok(self.ledger().project(&name)?),
            Outcome::Proposed { proposal } => Err(QueryError::Policy {
                problem: format!(
                    "project {name} is above the ceiling of the policy, so it waits as proposal \
                     {proposal}"
                ),
                fix: format!(
                    "have another administrator run `voilage approve {proposal} --reason ..`"
                ),
            }),
        }
    }

    /// Every table of a dataset with the keyed fingerprint of its file: for the holder's own audit.
    ///
    /// # Errors
    /// When the dataset is not in the hub file, or a file or the holder's key cannot be read.
    pub fn fingerprints(&self, dataset: &str) -> Result<Vec<TableFile>, QueryError> {
        init::fingerprints(&self.parts.catalogue, dataset, &init::key(self)?)
    }

    /// The study of an open project.
    ///
    /// # Errors
    /// When the ledger has no project of this name.
    pub fn project(&self, name: &str) -> Result<Study, QueryError> {
        self.parts.ledger.project(name)?;
        Ok(Study { hub: self.clone(), name: name.to_owned() })
    }
}

pub(crate) fn runtime() -> Result<Runtime, QueryError> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|_| QueryError::bug("no runtime for execution"))
}

impl HubParts {
    /// Waits for a future on the hub's runtime. Questions of one hub take turns.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let runtime = self.runtime.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        runtime.block_on(future)
    }

    /// Waits for a future that reads owned rows.
    pub(crate) fn block_on_all_cores<T>(&self, future: impl Future<Output = T>) -> T {
        self.readers.block_on(future)
    }

    /// Appends a detail that analysts must not see to the operator's log. A log that cannot be
    /// written changes nothing for the analyst.
    pub(crate) fn tell_operator(&self, detail: &str) {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&self.operator_log);
        if let Ok(mut file) = file {
            let _ = writeln!(file, "execution failed: {detail}");
        }
    }
}

/// A project that asks questions.
#[derive(Clone)]
pub struct Study {
    hub: Hub,
    name: String,
}

impl Study {
    /// The project's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The hub it belongs to.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// The project as the ledger has it now.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn project(&self) -> Result<Project, QueryError> {
        Ok(self.hub.parts.ledger.project(&self.name)?)
    }

    /// What may be known about the views of the project's dataset. Reads no row.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn views(&self) -> Result<Vec<DescribedView>, QueryError> {
        described::views(&self.hub.parts, &self.project()?.dataset)
    }

    /// Analyses and prices a question. Reads no owned row and charges nothing.
    ///
    /// # Errors
    /// All refusals of the query together, or what is wrong with a file or the wanted loss.
    pub fn question(&self, sql: &str, spend: &Spend) -> Result<Question, QueryError> {
        self.question_with(sql, spend, &AskOptions::default())
    }

    /// Analyses and prices a question that changes its own bounds within the policy.
    ///
    /// # Errors
    /// As [`Study::question`], and when the policy does not allow a bound.
    pub fn question_with(
        &self,
        sql: &str,
        spend: &Spend,
        options: &AskOptions,
    ) -> Result<Question, QueryError> {
        Question::prepare(self.clone(), sql, spend, options)
    }

    /// What would become of each question if all were asked in this order; nothing is charged.
    ///
    /// # Errors
    /// When the ledger cannot be asked: a refused question is an outcome and no error.
    pub fn rehearse(&self, questions: &[Question]) -> Result<Vec<Rehearsed>, QueryError> {
        let requests =
            questions.iter().map(Question::request).collect::<Result<Vec<_>, QueryError>>()?;
        Ok(self.hub.parts.ledger.rehearse_all(&requests)?)
    }

    /// Whether the answer to a question follows from what the project has released. Needs no price,
    /// reads no owned row, charges nothing and shows no released value.
    ///
    /// # Errors
    /// As [`Study::question_with`], but for the price.
    pub fn free(&self, sql: &str, options: &AskOptions) -> Result<Free, QueryError> {
        reuse::search(self.clone(), sql, options)
    }

    /// Analyses and prices more precision for a release of this project: a new draw of the same
    /// question, which is shown as the mean of all draws. Reads no owned row and charges nothing.
    ///
    /// # Errors
    /// As [`Study::question_with`], and when the release cannot be topped up, with the reason: it is
    /// another project's, of another data version, the answer to another question or to a search, or the
    /// project is pure.
    pub fn top_up(
        &self,
        sql: &str,
        release: &ReleaseId,
        spend: &Spend,
        options: &AskOptions,
    ) -> Result<Question, QueryError> {
        Question::prepare_top_up(self.clone(), sql, release, spend, options)
    }

    /// Records in the audit that a question was refused before it had a plan or a price.
    ///
    /// Nothing was read, so a ledger that cannot be written to, or is locked, changes nothing.
    pub fn record_refusal(&self, sql: &str, error: &QueryError) {
        let code = match error {
            QueryError::Refused(_) => "refused-at-the-door",
            QueryError::Policy { .. } => "policy",
            QueryError::Input { .. }
            | QueryError::Ledger(_)
            | QueryError::Privacy(_)
            | QueryError::TryAgain
            | QueryError::Interrupted
            | QueryError::Bug(_) => return,
        };
        let message = error.to_string();
        let parts = &self.hub.parts;
        let recorded = parts.ledger.record_refusal(&DoorRefusal {
            project: &self.name,
            principal: &parts.principal,
            code,
            message: &message,
            description: sql,
        });
        if let Err(error) = recorded {
            parts.tell_operator(&format!("a refusal was not recorded: {error}"));
        }
    }

    pub(crate) fn parts(&self) -> &Arc<HubParts> {
        &self.hub.parts
    }
}
