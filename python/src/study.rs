//! A project as an analyst sees it: its budget, and the place to ask questions.

use pyo3::prelude::*;
use serde_json::{Value, json};
use voilage_privacy::Loss;
use voilage_query::Spend;
use voilage_query::question::SpendOptions;

use crate::errors::raise;
use crate::json::to_python;
use crate::query::Query;

/// One project of a hub.
#[pyclass(frozen, module = "voilage._native")]
pub(crate) struct Study(voilage_query::Study);

impl Study {
    pub(crate) fn new(study: voilage_query::Study) -> Self {
        Self(study)
    }
}

#[pymethods]
impl Study {
    /// The project's name.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// The budget as the ledger has it now; every quantity is a decimal string.
    fn budget(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let project = py.detach(|| self.0.project()).map_err(raise)?;
        let budget = json!({
            "project": project.name,
            "dataset": project.dataset,
            "accountant": project.accountant.to_string(),
            "epsilon": project.terms.epsilon.to_string(),
            "delta": project.terms.delta.as_ref().map(ToString::to_string),
            "status": project.status.to_string(),
            "cap": quantities(&project.cap),
            "spent": quantities(&project.spent),
            "left": quantities(&project.left),
        });
        to_python(py, &budget)
    }

    /// Analyses and prices a question. Reads no owned row and charges nothing.
    #[pyo3(signature = (sql, *, epsilon=None, rho=None, share=None))]
    fn sql(
        &self,
        py: Python<'_>,
        sql: &str,
        epsilon: Option<&str>,
        rho: Option<&str>,
        share: Option<&str>,
    ) -> PyResult<Query> {
        py.detach(|| {
            let spend = Spend::from_options(SpendOptions { epsilon, rho, share })?;
            let question = self.0.question(sql, &spend)?;
            Ok::<_, voilage_query::QueryError>(Query::new(
                self.0.hub().clone(),
                self.0.name().to_owned(),
                spend,
                question,
            ))
        })
        .map_err(raise)
    }
}

fn quantities(loss: &Loss) -> Value {
    match loss {
        Loss::Zcdp { rho, delta } => json!({ "rho": rho.to_string(), "delta": delta.to_string() }),
        Loss::Pure { epsilon } => json!({ "epsilon": epsilon.to_string() }),
    }
}
