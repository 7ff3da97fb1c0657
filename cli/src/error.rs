//! What a command can end with, ordered by what the reader must do.

use std::io;
use std::path::{Path, PathBuf};

use voilage_budgets::{ErrorKind, LedgerError};
use voilage_query::QueryError;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// An argument or a job file is wrong.
    #[error("{problem}\n  fix: {fix}")]
    Input { problem: String, fix: String },
    /// The questions of a job would not all be let in.
    #[error("{problem}\n  nothing was spent\n  fix: {fix}")]
    Job { problem: String, fix: String, kind: ErrorKind },
    /// A question, a hub or its ledger refused.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The ledger refused.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A file could not be read or written.
    #[error(
        "{} could not be {verb}: {source}\n  fix: check the path, its permissions and the room on \
         its disk",
        path.display()
    )]
    File { verb: &'static str, path: PathBuf, source: io::Error },
    /// One question of a job failed.
    #[error("question {name:?}: {source}")]
    Question { name: String, source: Box<CliError> },
    /// The terminal or pipe is gone.
    #[error("the output could not be written: {0}\n  fix: check where it is sent to")]
    Output(#[from] io::Error),
    /// Voilage contradicts itself.
    #[error("this is a bug in Voilage: {0}\n  fix: please report it; the ledger is unharmed")]
    Bug(String),
}

impl CliError {
    /// What was given is wrong.
    pub(crate) fn input(problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Input { problem: problem.into(), fix: fix.into() }
    }

    /// The file at `path` could not be `verb` ("read", "written").
    pub(crate) fn file(verb: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { verb, path: path.to_owned(), source }
    }

    /// Names the question of a job that this happened to.
    pub(crate) fn in_question(self, name: &str) -> Self {
        Self::Question { name: name.to_owned(), source: Box::new(self) }
    }

    /// What the reader must do.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Input { .. } | Self::File { .. } => ErrorKind::FixInput,
            Self::Job { kind, .. } => *kind,
            Self::Query(error) => error.kind(),
            Self::Ledger(error) => error.kind(),
            Self::Question { source, .. } => source.kind(),
            Self::Output(_) | Self::Bug(_) => ErrorKind::Bug,
        }
    }

    /// The exit code of the command.
    pub(crate) fn exit_code(&self) -> u8 {
        self.kind().exit_code()
    }

    /// Whether the reader of a pipe has seen enough, as `head` does.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
