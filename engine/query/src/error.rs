//! What can go wrong, sorted by what the reader must do.

use std::fmt;

use voilage_budgets::{ErrorKind, LedgerError};
use voilage_privacy::PrivacyError;

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

    pub(crate) fn input(problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Input { problem: problem.into(), fix: fix.into() }
    }

    pub(crate) fn bug(what: impl Into<String>) -> Self {
        Self::Bug(what.into())
    }
}

impl From<Refusal> for QueryError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(vec![refusal])
    }
}

/// One reason why a query is refused, and a rewrite that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// A stable name for the rule.
    pub code: RefusalCode,
    /// What in the SQL is meant.
    pub subject: String,
    /// Why the rule exists.
    pub why: String,
    /// What to write instead.
    pub fix: String,
}

impl Refusal {
    pub(crate) fn new(
        code: RefusalCode,
        subject: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { code, subject: subject.into(), why: why.into(), fix: fix.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "refused [{}] {}: {}", self.code.name(), self.subject, self.why)?;
        write!(out, "\n  fix: {}", self.fix)
    }
}

fn list(refusals: &[Refusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The rules a query can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalCode {
    /// The text is not one SQL query, or is larger than the limits.
    Syntax,
    /// No table of that name.
    UnknownTable,
    /// No column of that name, or several.
    UnknownColumn,
    /// The table belongs to another dataset than the project.
    ForeignTable,
    /// A kind of statement that is never allowed.
    Statement,
    /// A function, operator or type outside the allow-list.
    Expression,
    /// A relational operation that is not (yet) allowed over owned rows.
    OwnedOperation,
    /// A join of owned rows that does not equate the unit.
    UnitJoin,
    /// The query would return rows of individuals.
    OwnedResult,
    /// An aggregate that has no private mechanism here.
    Aggregate,
    /// A sum or mean over values without bounds.
    MissingBounds,
    /// Keys of the GROUP BY cannot be released.
    Keys,
}

impl RefusalCode {
    /// The name printed with a refusal.
    pub fn name(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::UnknownTable => "unknown-table",
            Self::UnknownColumn => "unknown-column",
            Self::ForeignTable => "foreign-table",
            Self::Statement => "statement",
            Self::Expression => "expression",
            Self::OwnedOperation => "owned-operation",
            Self::UnitJoin => "unit-join",
            Self::OwnedResult => "owned-result",
            Self::Aggregate => "aggregate",
            Self::MissingBounds => "missing-bounds",
            Self::Keys => "keys",
        }
    }

    /// Whether the analyst can fix it in the SQL or the policy stands in the way.
    pub fn kind(self) -> ErrorKind {
        match self {
            Self::ForeignTable => ErrorKind::PolicyRefused,
            Self::Syntax
            | Self::UnknownTable
            | Self::UnknownColumn
            | Self::Statement
            | Self::Expression
            | Self::OwnedOperation
            | Self::UnitJoin
            | Self::OwnedResult
            | Self::Aggregate
            | Self::MissingBounds
            | Self::Keys => ErrorKind::FixInput,
        }
    }
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
