//! What a question would cost, before it is paid for.

use pyo3::prelude::*;
use serde_json::Value;

use crate::json::to_python;
use crate::render::escape;

/// An explanation, as text, HTML and data.
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
    fn __repr__(&self) -> &str {
        &self.text
    }

    fn _repr_html_(&self) -> String {
        format!("<pre class=\"voilage-preview\">{}</pre>", escape(&self.text))
    }

    /// The explanation as dictionaries, lists and strings.
    fn to_dict(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        to_python(py, &self.content)
    }
}
