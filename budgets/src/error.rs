//! What can go wrong, ordered by what the reader must do about it.

use std::fmt;
use std::path::PathBuf;

use chrono::NaiveDate;
use thiserror::Error;
use voilage_privacy::{Accountant, Loss};

use crate::forbidden::Forbidden;
use crate::refusal::Shortfall;
use crate::store::database::location::Location;

/// What the reader must do; every error of every room has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Something given to us is wrong: a name, a file, a term.
    FixInput,
    /// The budget does not allow it; more budget is an administrator's decision.
    BudgetRefused,
    /// A permit, a date or a closed project does not allow it.
    PolicyRefused,
    /// Nothing is wrong that asking again will not solve.
    TryAgain,
    /// Ours to solve, or somebody edited the ledger.
    Bug,
}

impl ErrorKind {
    /// The exit code of a command that ends with this kind of error.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Bug => 1,
            Self::FixInput => 2,
            Self::BudgetRefused => 3,
            Self::PolicyRefused => 4,
            Self::TryAgain => 75,
        }
    }
}

/// Why the ledger did not do what it was asked.
///
/// Whatever the error, nothing was spent, except where a message says otherwise.
#[derive(Debug, Error)]
pub enum LedgerError {
    // Fix the input.
    /// No file at this path.
    #[error("there is no ledger at {}; create one with `voilage init`", at)]
    Missing {
        /// Where it was looked for.
        at: Location,
    },
    /// A file where a new ledger should go.
    #[error(
        "{} exists already and was not touched; open it, or give the new ledger another path",
        at
    )]
    AlreadyExists {
        /// Where the new ledger should go.
        at: Location,
    },
    /// The file is something else.
    #[error("{} is not a Voilage ledger ({why}); check the `ledger` path in the hub file", at)]
    NotALedger {
        /// The ledger.
        at: Location,
        /// What was found in it.
        why: &'static str,
    },
    /// The file was written by a later Voilage.
    #[error(
        "{} was written by a newer Voilage (ledger version {found}, this one knows up to \
         {known}); upgrade Voilage, the ledger was not touched",
        at
    )]
    NewerVersion {
        /// The ledger.
        at: Location,
        /// The version it has.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// The file cannot be written.
    #[error(
        "the ledger {} is read-only and this needs to write to it; make the file and its folder \
         writable for this user",
        at
    )]
    ReadOnly {
        /// The ledger.
        at: Location,
    },
    /// The file system refused.
    #[error("the ledger {} cannot be opened: {why}; check the path and its permissions", at)]
    Unreadable {
        /// The ledger.
        at: Location,
        /// What the file system said.
        why: String,
    },
    /// The database may forget what it has confirmed.
    #[error(
        "the ledger {at} runs with {setting} = off, so a power cut could forget charges that were told; \
         set {setting} = on in postgresql.conf and reload the server"
    )]
    NotDurable {
        /// The ledger.
        at: Location,
        /// The setting of the server.
        setting: &'static str,
    },
    /// No dataset of this name.
    #[error("there is no dataset {name:?} in this ledger{nearest}")]
    UnknownDataset {
        /// The name asked for.
        name: String,
        /// What was probably meant.
        nearest: Suggestion,
    },
    /// No project of this name.
    #[error("there is no project {name:?} in this ledger{nearest}")]
    UnknownProject {
        /// The name asked for.
        name: String,
        /// What was probably meant.
        nearest: Suggestion,
    },
    /// The terms of a dataset, project or request make no sense.
    #[error("{subject}: {why}; {fix}")]
    BadTerms {
        /// What the terms are of.
        subject: String,
        /// What is wrong with them.
        why: String,
        /// What to write instead.
        fix: String,
    },
    /// The name is taken, with other terms.
    #[error(
        "{what} {name:?} exists already with other terms ({differs}), and terms are fixed once they \
         are recorded; use the recorded terms or another name"
    )]
    TermsDiffer {
        /// "dataset" or "project".
        what: &'static str,
        /// Its name.
        name: String,
        /// What differs, recorded and asked.
        differs: String,
    },
    /// A project would have more than its dataset ever had.
    #[error(
        "project {project:?} asks for {asked}, more than the whole cap of dataset {dataset:?} \
         ({cap}); ask for less, no project may have more than its dataset"
    )]
    CapAboveDataset {
        /// The new project.
        project: String,
        /// Its terms.
        asked: String,
        /// The dataset.
        dataset: String,
        /// Its terms.
        cap: String,
    },
    /// The project was opened on another dataset.
    #[error(
        "project {project:?} may not ask about dataset {dataset:?}; have an administrator give it access \
         to that dataset, or ask in a project of that dataset"
    )]
    DatasetNotGiven {
        /// The project.
        project: String,
        /// The dataset.
        dataset: String,
    },
    /// A new cap would be below what was spent.
    #[error(
        "{subject} spent {} already, more than a cap of {asked} buys ({}); caps never fall below what \
         was spent. Choose a larger cap, or close or suspend what should stop",
        shown(spent, true),
        shown(cap, false)
    )]
    CapBelowSpent {
        /// The dataset or project.
        subject: String,
        /// The terms asked for.
        asked: String,
        /// What they buy.
        cap: Box<Loss>,
        /// What was spent.
        spent: Box<Loss>,
    },
    /// The same people would have two caps.
    #[error(
        "table {table:?} is the same data as table {other_table:?} of dataset {other_dataset:?}, whose \
         people have a lifetime cap already; nothing was changed. Declare it under dataset \
         {other_dataset:?}: a copy never gets a cap of its own"
    )]
    SameData {
        /// The table.
        table: String,
        /// The table with the same data.
        other_table: String,
        /// Its dataset.
        other_dataset: String,
    },
    /// The request key stands for another request.
    #[error(
        "this request key is already bound to another request in project {project:?} (entry \
         {entry}); send the same request again, or choose a new key for the new one"
    )]
    KeyReused {
        /// The project.
        project: String,
        /// Where the other request was charged.
        entry: u64,
    },

    // Ask for budget.
    /// A cap would be passed.
    #[error("{0}")]
    Budget(Box<Shortfall>),
    /// Every attempt was begun and none was finished.
    #[error(
        "this question was paid for (entry {entry}) but each of its {attempts} attempts ended \
         without an answer; nothing more was spent. Find out what interrupts it, then ask again \
         with `renew`, which charges it a second time"
    )]
    AttemptsUsedUp {
        /// The charge.
        entry: u64,
        /// How many attempts a charge has.
        attempts: u32,
    },

    // Ask for permission.
    /// The permit begins later.
    #[error(
        "project {project:?} has not started: its permit {reference} runs from {starts} to {ends} \
         and today is {today}; nothing was spent. Ask again on {starts}, or have {authority} \
         change the dates"
    )]
    NotStarted {
        /// The project.
        project: String,
        /// Who gave the permit.
        authority: String,
        /// The permit.
        reference: String,
        /// Its first day.
        starts: NaiveDate,
        /// Its last day.
        ends: NaiveDate,
        /// The ledger's day.
        today: NaiveDate,
    },
    /// The permit has ended.
    #[error(
        "project {project:?} has expired: its permit {reference} ran from {starts} to {ends} and \
         today is {today}; nothing was spent. Open a new project under a new permit of {authority}"
    )]
    Expired {
        /// The project.
        project: String,
        /// Who gave the permit.
        authority: String,
        /// The permit.
        reference: String,
        /// Its first day.
        starts: NaiveDate,
        /// Its last day.
        ends: NaiveDate,
        /// The ledger's day.
        today: NaiveDate,
    },
    /// An administrator closed the project.
    #[error(
        "project {project:?} was closed on {closed} ({reason}); nothing was spent. A closed project \
         stays closed: open a new one"
    )]
    Closed {
        /// The project.
        project: String,
        /// The day.
        closed: NaiveDate,
        /// What the administrator said.
        reason: String,
    },

    /// A role, a membership or a rule does not allow it.
    #[error(transparent)]
    Forbidden(Box<Forbidden>),
    /// The ledger is not the one that its witness knows.
    #[error(
        "the ledger {at} is locked: {why}; nothing is charged and nothing answered. Put the newest \
         ledger back; where there is none, an administrator accepts what is missing with `voilage \
         ledger recover`"
    )]
    Locked {
        /// The ledger.
        at: Location,
        /// What is missing.
        why: String,
    },
    /// A recovery does not explain what the witness saw.
    #[error(
        "no given branch has entry {entry}, which was seen outside this ledger; name the ledger that \
         has it with `--branch`, or accept with `--exhaust` that it cannot be listed, which uses up \
         the cap of every dataset"
    )]
    Unexplained {
        /// The position of what was seen.
        entry: u64,
    },
    /// Nobody can say whether anything is missing.
    #[error(
        "nobody can say how far this ledger had come, because its witness is missing; put the witness \
         back. Where it is lost, say with `--newest` that this ledger with its branches is all there \
         ever was, or with `--exhaust` that nobody knows, which uses up the cap of every dataset"
    )]
    WitnessLost,
    /// A ledger was here.
    #[error(
        "the witness {} knows a ledger and there is none at {at}; put the ledger back from a backup, or \
         move the witness away if its ledger was given up on purpose",
        witness.display()
    )]
    WitnessLeft {
        /// Where a ledger should be created.
        at: Location,
        /// The witness that was found.
        witness: PathBuf,
    },
    /// A ledger was here, and its key is left.
    #[error(
        "the key {} signed the receipts of a ledger and there is none at {at}; put the ledger back from a \
         backup, or move the key and its `.pub` away if its ledger was given up on purpose",
        key.display()
    )]
    KeyLeft {
        /// Where a ledger should be created.
        at: Location,
        /// The key that was found, or whose public half was.
        key: PathBuf,
    },
    /// The secret key cannot be used.
    #[error(
        "receipts cannot be signed with the key {} ({why}); put the ledger's key file back there",
        path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },

    // Try again.
    /// The witness cannot be read or written.
    #[error(
        "the ledger's witness {} cannot be used ({why}); no answer was given. Check the file and its \
         disk, then ask again: the same request is never charged twice",
        path.display()
    )]
    WitnessFailed {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        why: String,
    },
    /// The data changed after the question was planned.
    #[error(
        "the data of dataset {dataset:?} has a newer version than this question was planned for; \
         nothing was spent. Ask again"
    )]
    DataMoved {
        /// The dataset.
        dataset: String,
    },
    /// A newer attempt has taken over.
    #[error(
        "another run has taken over this question (entry {entry}) and this one gives way; nothing \
         more was spent. Ask again: the answer is the same and free"
    )]
    Fenced {
        /// The charge.
        entry: u64,
    },
    /// Somebody finished first.
    #[error("this question (entry {entry}) is answered already; ask again to read it for free")]
    AlreadySealed {
        /// The charge.
        entry: u64,
    },
    /// Another process is writing.
    #[error("the ledger is busy with other writers; nothing was spent. Ask again")]
    Busy,
    /// The disk failed or is full.
    #[error(
        "the ledger could not be written ({why}); no answer was given. Make room on the disk or \
         check it, then ask again: the same request is never charged twice"
    )]
    Disk {
        /// What the database said.
        why: String,
    },
    /// PostgreSQL went away.
    #[error(
        "the connection to the ledger's database was lost ({why}); no answer was given, and the charge \
         is either recorded or not, never half. Ask again: the same request is never charged twice"
    )]
    ConnectionLost {
        /// What the connection or the server said.
        why: String,
    },
    /// The operating system has no random bytes.
    #[error("the operating system gave no random bytes; nothing was spent. Ask again")]
    NoRandomness,

    // Report.
    /// The ledger contradicts itself.
    #[error("the ledger was altered {place}: {what}; stop using it and restore a backup")]
    Altered {
        /// The first entry that is wrong, if it is one.
        place: Place,
        /// What is wrong.
        what: String,
    },
    /// A project was charged in the accountant of another.
    #[error(
        "project {project:?} is accounted in {expected} and this loss is in {found}; please report \
         this"
    )]
    WrongAccountant {
        /// The project.
        project: String,
        /// Its accountant.
        expected: Accountant,
        /// The loss's.
        found: Accountant,
    },
    /// A caller broke the rules of this interface.
    #[error("{0}; please report this")]
    Misuse(&'static str),
    /// A number left the range of the ledger.
    #[error("a privacy quantity is too large for the ledger; please report this")]
    Overflow,
    /// Anything else the database says.
    #[error("the ledger's database failed: {why}; please report this")]
    Database {
        /// What it said.
        why: String,
    },
}

impl LedgerError {
    /// A stable name for the rule that refused a question, as the audit writes it.
    pub(crate) fn refusal_code(&self) -> &'static str {
        match self {
            Self::Budget(_) => "budget",
            Self::AttemptsUsedUp { .. } => "attempts-used-up",
            Self::NotStarted { .. } => "not-started",
            Self::Expired { .. } => "expired",
            Self::Closed { .. } => "closed",
            Self::DatasetNotGiven { .. } => "dataset-not-given",
            Self::Forbidden(forbidden) => forbidden.code(),
            _ => "other",
        }
    }

    /// A contradiction outside the chain.
    pub(crate) fn altered(what: &str) -> Self {
        Self::Altered { place: Place::Elsewhere, what: what.to_owned() }
    }

    /// What the reader must do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing { .. }
            | Self::AlreadyExists { .. }
            | Self::NotALedger { .. }
            | Self::NewerVersion { .. }
            | Self::ReadOnly { .. }
            | Self::Unreadable { .. }
            | Self::NotDurable { .. }
            | Self::NoKey { .. }
            | Self::WitnessLeft { .. }
            | Self::KeyLeft { .. }
            | Self::Unexplained { .. }
            | Self::WitnessLost
            | Self::UnknownDataset { .. }
            | Self::UnknownProject { .. }
            | Self::BadTerms { .. }
            | Self::TermsDiffer { .. }
            | Self::CapAboveDataset { .. }
            | Self::CapBelowSpent { .. }
            | Self::SameData { .. }
            | Self::KeyReused { .. } => ErrorKind::FixInput,
            Self::Budget(_) | Self::AttemptsUsedUp { .. } => ErrorKind::BudgetRefused,
            Self::NotStarted { .. }
            | Self::Expired { .. }
            | Self::Closed { .. }
            | Self::DatasetNotGiven { .. }
            | Self::Forbidden(_)
            | Self::Locked { .. } => ErrorKind::PolicyRefused,
            Self::DataMoved { .. }
            | Self::Fenced { .. }
            | Self::AlreadySealed { .. }
            | Self::Busy
            | Self::Disk { .. }
            | Self::ConnectionLost { .. }
            | Self::WitnessFailed { .. }
            | Self::NoRandomness => ErrorKind::TryAgain,
            Self::Altered { .. }
            | Self::WrongAccountant { .. }
            | Self::Misuse(_)
            | Self::Overflow
            | Self::Database { .. } => ErrorKind::Bug,
        }
    }
}

impl From<Forbidden> for LedgerError {
    fn from(forbidden: Forbidden) -> Self {
        Self::Forbidden(Box::new(forbidden))
    }
}

/// A loss in a message: three digits, costs up and caps down.
fn shown(loss: &Loss, up: bool) -> String {
    match loss {
        Loss::Zcdp { rho, delta } if up => {
            format!("rho {}, delta {}", rho.display_up(3), delta.display_up(3))
        }
        Loss::Zcdp { rho, delta } => {
            format!("rho {}, delta {}", rho.display_down(3), delta.display_down(3))
        }
        Loss::Pure { epsilon } if up => format!("epsilon {}", epsilon.display_up(3)),
        Loss::Pure { epsilon } => format!("epsilon {}", epsilon.display_down(3)),
    }
}

/// The nearest known name, shown as the end of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion(Option<String>);

impl Suggestion {
    /// The known name that is near enough to `name` to be a slip of the keyboard.
    pub(crate) fn nearest(name: &str, known: impl IntoIterator<Item = String>) -> Self {
        // One slip is forgiven in any name, and one more for every four letters.
        let tolerance = 1 + name.chars().count() / 4;
        let best = known
            .into_iter()
            .map(|candidate| (strsim::damerau_levenshtein(name, &candidate), candidate))
            .filter(|(distance, _)| *distance <= tolerance)
            .min();
        Self(best.map(|(_, candidate)| candidate))
    }

    /// The name, if one is near.
    pub fn name(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl fmt::Display for Suggestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(name) => write!(f, "; did you mean {name:?}?"),
            None => write!(f, "; check the name"),
        }
    }
}

/// Where in the ledger something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In this entry of the chain.
    Entry(u64),
    /// Outside the chain.
    Elsewhere,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(position) => write!(f, "at entry {position}"),
            Self::Elsewhere => write!(f, "outside its chain"),
        }
    }
}
