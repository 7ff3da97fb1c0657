//! A priced question that has not been paid for.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use pyo3::prelude::*;
use serde_json::json;
use voilage_query::{
    Answer, AskOptions, Free, Interrupt, QueryError, Question, ReleaseId, Spend, Stage,
    StageObserver, Study,
};

use crate::errors::raise;
use crate::json::{from_engine, to_python};
use crate::pool;
use crate::preview::Preview;
use crate::result::Result;

/// How long Ctrl-C may go unnoticed.
const PATIENCE: Duration = Duration::from_millis(50);

/// A question of one project at one price.
#[pyclass(frozen, module = "voilage._native")]
pub(crate) struct Query {
    study: Study,
    spend: Spend,
    /// The release that is topped up, if one is.
    release: Option<ReleaseId>,
    question: Arc<Question>,
}

impl Query {
    /// Analyses and prices a question, or more precision for a release of it.
    pub(crate) fn prepare(
        study: &Study,
        sql: &str,
        spend: Spend,
        release: Option<ReleaseId>,
    ) -> std::result::Result<Self, QueryError> {
        let question = Arc::new(prepared(study, sql, &spend, release.as_ref())?);
        Ok(Self { study: study.clone(), spend, release, question })
    }

    fn renewed(&self) -> std::result::Result<Question, QueryError> {
        let sql = self.question.sql();
        Ok(prepared(&self.study, sql, &self.spend, self.release.as_ref())?.renew(true))
    }

    /// Answers the question in a thread of its own, so that this one can watch for Ctrl-C.
    fn begin(
        &self,
        renew: bool,
        stages: Stages,
        interrupt: Interrupt,
    ) -> std::result::Result<JoinHandle<std::result::Result<Answer, QueryError>>, QueryError> {
        let question = if renew { Arc::new(self.renewed()?) } else { Arc::clone(&self.question) };
        let pool = pool::of_this_process()?;
        std::thread::Builder::new()
            .name("voilage-question".to_owned())
            .spawn(move || pool.install(|| question.run_until(&stages, &interrupt)))
            .map_err(|_| QueryError::Bug("no thread for a question".to_owned()))
    }
}

#[pymethods]
impl Query {
    /// The text of the question.
    #[getter]
    fn sql(&self) -> &str {
        self.question.sql()
    }

    /// What the question costs and how exact its answer is. Free.
    fn preview(&self) -> PyResult<Preview> {
        let explanation = self.question.explanation();
        let content = from_engine("an explanation", serde_json::to_value(explanation))?;
        Ok(Preview::new(explanation.to_string(), content))
    }

    /// What is known of a free answer: its terms under `offered`, or under `why` why there is none.
    fn free(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let content = match py.detach(|| self.question.free()).map_err(raise)? {
            Free::Offered(offer) => {
                let terms = serde_json::to_value(&offer.terms);
                json!({ "offered": from_engine("a free answer", terms)?, "said": offer.terms.to_string() })
            }
            Free::No { why } => json!({ "why": why }),
        };
        to_python(py, &content)
    }

    /// Takes the free answer: charges nothing, reads no row, and is recorded as a replay.
    fn take_free(&self, py: Python<'_>) -> PyResult<Result> {
        let taken = || match self.question.free()? {
            Free::Offered(offer) => offer.run(),
            Free::No { why } => Err(QueryError::Input {
                problem: format!("no free answer follows from what was released: {why}"),
                fix: "run the question at a price, without free=True".to_owned(),
            }),
        };
        Result::new(py.detach(taken).map_err(raise)?)
    }

    /// Charges the question and answers it, or replays the answer that was paid before.
    ///
    /// `observer` is called with the name of each stage. A signal stops the work and keeps the
    /// charge: the next run continues it.
    #[pyo3(signature = (*, observer=None, renew=false))]
    fn run(&self, py: Python<'_>, observer: Option<Py<PyAny>>, renew: bool) -> PyResult<Result> {
        let interrupt = Interrupt::new();
        let (sender, receiver) = channel();
        let work =
            py.detach(|| self.begin(renew, Stages(sender), interrupt.clone())).map_err(raise)?;
        let watched = watch(py, &Mutex::new(receiver), observer.as_ref());
        if watched.is_err() {
            interrupt.raise();
        }
        let outcome = py.detach(|| work.join());
        watched?;
        let answer = outcome.map_err(|_| raise(QueryError::Bug("a question panicked".into())))?;
        Result::new(answer.map_err(raise)?)
    }
}

fn prepared(
    study: &Study,
    sql: &str,
    spend: &Spend,
    release: Option<&ReleaseId>,
) -> std::result::Result<Question, QueryError> {
    match release {
        None => study.question(sql, spend),
        Some(release) => study.top_up(sql, release, spend, &AskOptions::default()),
    }
}

/// Passes stages on to Python, and looks for signals, until the work ends.
fn watch(
    py: Python<'_>,
    stages: &Mutex<Receiver<Stage>>,
    observer: Option<&Py<PyAny>>,
) -> PyResult<()> {
    let next = || {
        let stages = stages.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        stages.recv_timeout(PATIENCE)
    };
    loop {
        match py.detach(next) {
            Ok(stage) => {
                if let Some(observer) = observer {
                    observer.call1(py, (name(stage),))?;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        py.check_signals()?;
    }
}

/// The name of a stage, for progress.
fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Charged => "charged",
        Stage::Executing => "reading",
        Stage::Released => "noise added",
        Stage::Sealed => "sealed",
        Stage::PostProcessed => "done",
    }
}

/// Sends each stage to the thread that waits.
struct Stages(Sender<Stage>);

impl StageObserver for Stages {
    fn reached(&self, stage: Stage) {
        // A waiter that has gone away needs no stages.
        let _ = self.0.send(stage);
    }
}
