//! A priced question that has not been paid for.

use pyo3::prelude::*;
use voilage_query::observer::Unobserved;
use voilage_query::{Hub, QueryError, Question, Spend};

use crate::errors::raise;
use crate::json::from_engine;
use crate::preview::Preview;
use crate::result::Result;

/// A question of one project at one price.
#[pyclass(frozen, module = "voilage._native")]
pub(crate) struct Query {
    hub: Hub,
    project: String,
    spend: Spend,
    question: Question,
}

impl Query {
    pub(crate) fn new(hub: Hub, project: String, spend: Spend, question: Question) -> Self {
        Self { hub, project, spend, question }
    }

    fn renewed(&self) -> std::result::Result<Question, QueryError> {
        let study = self.hub.project(&self.project)?;
        Ok(study.question(self.question.sql(), &self.spend)?.renew(true))
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

    /// Charges the question and answers it, or replays the answer that was paid before.
    #[pyo3(signature = (*, renew=false))]
    fn run(&self, py: Python<'_>, renew: bool) -> PyResult<Result> {
        let answer = py
            .detach(|| {
                if renew {
                    self.renewed()?.run(&Unobserved)
                } else {
                    self.question.run(&Unobserved)
                }
            })
            .map_err(raise)?;
        Result::new(answer)
    }
}
