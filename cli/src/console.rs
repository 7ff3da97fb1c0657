//! The two streams of a command, and the progress of one question on the second.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use voilage_query::{Stage, StageObserver};

/// Where a verb writes: answers to `out`, progress and errors to `err`.
pub(crate) struct Console<'a> {
    pub(crate) out: &'a mut dyn Write,
    pub(crate) err: &'a mut (dyn Write + Send),
}

/// Writes each stage of one question as it is reached.
pub(crate) struct Progress<'a> {
    label: String,
    err: Mutex<&'a mut (dyn Write + Send)>,
}

impl<'a> Progress<'a> {
    /// Starts a question called `label`.
    pub(crate) fn new(label: impl Into<String>, err: &'a mut (dyn Write + Send)) -> Self {
        Self { label: label.into(), err: Mutex::new(err) }
    }
}

impl StageObserver for Progress<'_> {
    fn reached(&self, stage: Stage) {
        let words = match stage {
            Stage::Charged => "its charge is in the ledger",
            Stage::Executing => "reading records",
            Stage::Sealed => "answer sealed",
            // Moments later the answer is on the screen.
            Stage::Released | Stage::PostProcessed => return,
        };
        let mut err = self.err.lock().unwrap_or_else(PoisonError::into_inner);
        // Progress that nobody can read must not stop an answer that was paid for.
        let _ = writeln!(err, "{}: {words}", self.label);
    }
}
