//! What a question would cost, before it is paid for.

use pyo3::prelude::*;
use serde_json::Value;

use crate::json::to_python;

/// An explanation, as text and data.
#[pyclass(frozen, module = "voilage._native")]
pub(crate) struct Preview {
    text: String,
    content: Value,
}

impl Preview {
    pub(crate) fn new(text: String, content: Value) -> Self {
        Self { text, content }
    }
}

#[pymethods]
impl Preview {
    /// The explanation as lines of text.
    #[getter]
    fn text(&self) -> &str {
        &self.text
    }

    /// The explanation as dictionaries, lists and strings.
    fn to_dict(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        to_python(py, &self.content)
    }
}
