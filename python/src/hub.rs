//! A data holder's hub: the door to projects.

use std::path::PathBuf;

use pyo3::prelude::*;

use crate::errors::raise;
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

    /// The project of that name.
    fn project(&self, py: Python<'_>, name: &str) -> PyResult<Study> {
        py.detach(|| self.0.project(name)).map(Study::new).map_err(raise)
    }

    /// The names of all projects.
    fn projects(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let projects = py.detach(|| self.0.ledger().projects()).map_err(raise)?;
        Ok(projects.into_iter().map(|project| project.name).collect())
    }
}
