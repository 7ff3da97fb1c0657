//! A data holder's hub: the door to projects.

use std::path::{Path, PathBuf};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::json;
use voilage_budgets::{Act, Decider, Mode, Outcome, Permit, ProjectTerms};
use voilage_privacy::{Accountant, Delta, Epsilon, PrivacyError};
use voilage_query::QueryError;

use crate::errors::raise;
use crate::json::to_python;
use crate::study::Study;

/// An open hub.
#[pyclass(frozen, module = "voilage._native")]
pub(crate) struct Hub(voilage_query::Hub);

#[pymethods]
impl Hub {
    /// Opens the hub that a hub file describes.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        py.detach(|| voilage_query::Hub::open(&path)).map(Self).map_err(raise)
    }

    /// Creates or completes the ledger of a hub file and checks its tables. Says what it found.
    #[staticmethod]
    fn init(py: Python<'_>, path: PathBuf) -> PyResult<Py<PyAny>> {
        let report = py.detach(|| voilage_query::Hub::init(&path)).map_err(raise)?;
        let datasets: Vec<&str> = report.datasets.iter().map(|d| d.name.as_str()).collect();
        to_python(
            py,
            &json!({ "created": report.created, "datasets": datasets, "tables": report.tables }),
        )
    }

    /// The project of that name.
    fn project(&self, py: Python<'_>, name: &str) -> PyResult<Study> {
        py.detach(|| self.0.project(name)).map(Study::new).map_err(raise)
    }

    /// The names of all projects.
    fn projects(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let projects = py.detach(|| self.0.ledger().projects()).map_err(raise)?;
        Ok(projects.into_iter().map(|project| project.name).collect())
    }

    /// Opens a project under a permit; the same terms again change nothing.
    #[pyo3(signature = (
        name, *, dataset, accountant, epsilon, delta, authority, reference, purpose, starts, ends
    ))]
    #[expect(clippy::too_many_arguments, reason = "each is named by the caller")]
    fn open_project(
        &self,
        py: Python<'_>,
        name: String,
        dataset: String,
        accountant: &str,
        epsilon: &str,
        delta: Option<&str>,
        authority: String,
        reference: String,
        purpose: String,
        starts: &str,
        ends: &str,
    ) -> PyResult<()> {
        let quantity = |error| raise(QueryError::from(PrivacyError::from(error)));
        let day = |text: &str| {
            text.parse().map_err(|_| PyValueError::new_err(format!("{text:?} is not a date")))
        };
        let terms = ProjectTerms {
            name,
            dataset,
            accountant: match accountant {
                "pure" => Accountant::Pure,
                _ => Accountant::Zcdp,
            },
            epsilon: Epsilon::parse(epsilon).map_err(quantity)?,
            delta: delta.map(Delta::parse).transpose().map_err(quantity)?,
            permit: Permit {
                authority,
                reference,
                purpose,
                starts: day(starts)?,
                ends: day(ends)?,
            },
        };
        py.detach(|| self.0.open_project(terms)).map(drop).map_err(raise)
    }

    /// Declares that the data of a dataset changed. The number of a proposal, if it waits for a
    /// second administrator.
    fn update(&self, py: Python<'_>, dataset: &str, reason: &str) -> PyResult<Option<u64>> {
        let update = || {
            let files = self.0.fingerprints(dataset)?;
            let act = Act::UpdateDataset { dataset: dataset.to_owned(), files };
            let by = Decider { principal: self.0.principal(), reason };
            Ok::<_, QueryError>(match self.0.ledger().decide(by, &act, Mode::Record)? {
                Outcome::Proposed { proposal } => Some(proposal),
                Outcome::Done { .. } | Outcome::Unchanged => None,
            })
        };
        py.detach(update).map_err(raise)
    }

    /// Whether the ledger knows a file as one of the dataset's present version.
    fn knows(&self, py: Python<'_>, dataset: &str, path: PathBuf) -> PyResult<bool> {
        let files = py.detach(|| self.0.ledger().tables(dataset)).map_err(raise)?;
        let path = path.canonicalize().unwrap_or(path);
        Ok(files.iter().any(|file| Path::new(&file.path) == path))
    }

    /// The id of a dataset's present version.
    fn data_version(&self, py: Python<'_>, dataset: &str) -> PyResult<String> {
        py.detach(|| self.0.ledger().dataset(dataset))
            .map(|dataset| dataset.data_version)
            .map_err(raise)
    }

    /// Never closes the ledger of this hub again. For a process that was forked: the ledger belongs
    /// to its parent, and closing SQLite's files there would touch what the parent still uses.
    fn abandon(&self) {
        std::mem::forget(self.0.clone());
    }
}
