//! An answer that was paid for: table, intervals and receipt.

use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::error::PyArrowResult;
use serde_json::Value;
use voilage_query::Answer;

use crate::errors::raise;
use crate::json::{from_engine, to_python};
use crate::table::{self, Table};
use crate::values;

/// The lower and the upper ends of a column's intervals.
type Ends = (Vec<Option<f64>>, Vec<Option<f64>>);

/// An answer; reading it in any form is free.
#[pyclass(frozen, module = "voilage._native")]
pub(crate) struct Result {
    answer: Answer,
    receipt: Value,
}

impl Result {
    pub(crate) fn new(answer: Answer) -> PyResult<Self> {
        let receipt = from_engine("a receipt", serde_json::to_value(&answer.receipt))?;
        Ok(Self { answer, receipt })
    }
}

#[pymethods]
impl Result {
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyArrowResult<Bound<'py, PyCapsule>> {
        table::schema(py, &self.answer.table)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyCapsule>> {
        table::stream(py, &self.answer.table, requested_schema)
    }

    fn __len__(&self) -> usize {
        self.answer.table.num_rows()
    }

    /// The name and the kind of each column.
    fn columns(&self) -> Vec<(String, &'static str)> {
        values::columns(&self.answer.table)
    }

    /// The values of one column, for people: at most `rows` of them.
    #[pyo3(signature = (position, rows=None))]
    fn values(&self, py: Python<'_>, position: usize, rows: Option<usize>) -> PyResult<Py<PyAny>> {
        values::of(py, &self.answer.table, position, rows)
    }

    /// The ends of one column's intervals, if it has any.
    fn interval(&self, position: usize) -> Option<Ends> {
        let interval = self.answer.intervals.get(position)?.as_ref()?;
        Some((interval.low.iter().collect(), interval.high.iter().collect()))
    }

    /// The table with the columns `<name>_low` and `<name>_high` after each column `<name>` that has
    /// an interval.
    fn with_intervals(&self) -> PyResult<Table> {
        self.answer.with_intervals().map(Table::new).map_err(raise)
    }

    /// How many units had more than was kept of them, for each private aggregate, if that was asked.
    fn cut(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        to_python(py, &from_engine("an estimate", serde_json::to_value(&self.answer.cut))?)
    }

    /// What proves the release; the same at every replay.
    #[getter]
    fn receipt(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        to_python(py, &self.receipt)
    }

    /// Whether the answer had been paid for before.
    #[getter]
    fn replayed(&self) -> bool {
        self.answer.replayed
    }
}
