//! What can go wrong, sorted by what the reader must do.

use voilage_budgets::{ErrorKind, LedgerError};
use voilage_privacy::PrivacyError;

use crate::spend;

pub use crate::refusal::{Place, Refusal, RefusalCode};

/// Why a question, a hub file or a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The SQL asks for something that cannot be answered privately, or is not understood.
    #[error("{}", list(.0))]
    Refused(Vec<Refusal>),
    /// A file, option or name outside the SQL is wrong.
    #[error("{problem}\n  fix: {fix}")]
    Input {
        /// What is wrong, naming the thing.
        problem: String,
        /// What to write instead.
        fix: String,
    },
    /// The rules of the project or the dataset forbid it.
    #[error("{problem}\n  fix: {fix}")]
    Policy {
        /// Which rule forbids what.
        problem: String,
        /// Whom to ask, or what to change.
        fix: String,
    },
    /// The ledger refused or failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A privacy quantity or mechanism was refused.
    #[error(transparent)]
    Privacy(#[from] PrivacyError),
    /// Reading the data failed after the charge. Carries nothing that depends on the data.
    #[error(
        "the data could not be read to the end, so there is no answer yet\n  \
         fix: ask the same question again: the charge stands and the next attempt costs nothing \
         more (three attempts belong to a charge)"
    )]
    TryAgain,
    /// Somebody stopped the work after the charge. Carries nothing that depends on the data.
    #[error(
        "the work was stopped, so there is no answer yet\n  \
         fix: ask the same question again: the charge stands and the next attempt costs nothing \
         more (three attempts belong to a charge)"
    )]
    Interrupted,
    /// Voilage contradicts itself.
    #[error("this is a bug in Voilage: {0}\n  fix: please report it; the ledger is unharmed")]
    Bug(String),
}

impl QueryError {
    /// What the caller must do, which also decides the exit code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(refusals) => {
                let policy = |refusal: &Refusal| refusal.code.kind() == ErrorKind::PolicyRefused;
                if refusals.iter().all(policy) {
                    ErrorKind::PolicyRefused
                } else {
                    ErrorKind::FixInput
                }
            }
            Self::Input { .. } | Self::Privacy(_) => ErrorKind::FixInput,
            Self::Policy { .. } => ErrorKind::PolicyRefused,
            Self::Ledger(error) => error.kind(),
            Self::TryAgain | Self::Interrupted => ErrorKind::TryAgain,
            Self::Bug(_) => ErrorKind::Bug,
        }
    }

    /// Whether all that a question lacks, as far as it was read, is one price.
    pub fn asks_for_a_price(&self) -> bool {
        spend::is_say_once(self)
    }

    pub(crate) fn input(problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Input { problem: problem.into(), fix: fix.into() }
    }

    pub(crate) fn bug(what: impl Into<String>) -> Self {
        Self::Bug(what.into())
    }
}

impl From<Refusal> for QueryError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Refusal::listed(vec![refusal]))
    }
}

fn list(refusals: &[Refusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The name among `known` that `wrong` was probably meant to be.
pub(crate) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    known
        .map(|name| (strsim::damerau_levenshtein(&wrong, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
