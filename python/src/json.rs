//! From serialised values to Python's own dictionaries, lists and strings.

use pyo3::prelude::*;
use serde_json::Value;
use voilage_query::QueryError;

use crate::errors::raise;

/// What Python's `json.loads` makes of `value`.
pub(crate) fn to_python(py: Python<'_>, value: &Value) -> PyResult<Py<PyAny>> {
    let loaded = py.import("json")?.call_method1("loads", (value.to_string(),))?;
    Ok(loaded.unbind())
}

/// The JSON of something that the engine serialises, or a bug with the name of the thing.
pub(crate) fn from_engine(what: &str, value: serde_json::Result<Value>) -> PyResult<Value> {
    value.map_err(|error| raise(QueryError::Bug(format!("{what} cannot be written: {error}"))))
}
