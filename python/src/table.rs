//! An Arrow table behind the PyCapsule protocol.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StructArray};
use arrow::datatypes::{Field, FieldRef};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::error::PyArrowResult;
use pyo3_arrow::ffi::{ArrayIterator, to_schema_pycapsule, to_stream_pycapsule};

/// A table that any Arrow library can import without a copy.
#[pyclass(frozen, module = "voilage._native")]
pub(crate) struct Table(RecordBatch);

impl Table {
    pub(crate) fn new(batch: RecordBatch) -> Self {
        Self(batch)
    }
}

#[pymethods]
impl Table {
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyArrowResult<Bound<'py, PyCapsule>> {
        schema(py, &self.0)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyCapsule>> {
        stream(py, &self.0, requested_schema)
    }

    fn __len__(&self) -> usize {
        self.0.num_rows()
    }
}

/// A batch's schema as a capsule.
pub(crate) fn schema<'py>(
    py: Python<'py>,
    batch: &RecordBatch,
) -> PyArrowResult<Bound<'py, PyCapsule>> {
    to_schema_pycapsule(py, batch.schema_ref().as_ref())
}

/// A stream of one batch as a capsule.
pub(crate) fn stream<'py>(
    py: Python<'py>,
    batch: &RecordBatch,
    requested_schema: Option<Bound<'py, PyCapsule>>,
) -> PyArrowResult<Bound<'py, PyCapsule>> {
    let schema = batch.schema();
    let field = Field::new_struct("", schema.fields().clone(), false)
        .with_metadata(schema.metadata().clone());
    let field: FieldRef = Arc::new(field);
    let rows: ArrayRef = Arc::new(StructArray::from(batch.clone()));
    to_stream_pycapsule(py, Box::new(ArrayIterator::new([Ok(rows)], field)), requested_schema)
}
