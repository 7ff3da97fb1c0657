//! An Arrow table behind the PyCapsule protocol.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, RecordBatchOptions,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, FieldRef, Schema};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::error::PyArrowResult;
use pyo3_arrow::ffi::{ArrayIterator, to_schema_pycapsule, to_stream_pycapsule};

use crate::values;

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
    /// A table of columns, each a name, a type of the hub and values of that type. Days and
    /// microseconds since 1970 stand for dates and timestamps.
    #[staticmethod]
    fn of(columns: Vec<(String, String, Bound<'_, PyAny>)>, rows: usize) -> PyResult<Self> {
        let mut fields = Vec::with_capacity(columns.len());
        let mut arrays = Vec::with_capacity(columns.len());
        for (name, kind, values) in columns {
            let array = column(&kind, &values)?;
            fields.push(Field::new(name, array.data_type().clone(), true));
            arrays.push(array);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
            .map(Self)
            .map_err(|_| PyValueError::new_err("the columns differ in length"))
    }

    /// The name and the kind of each column.
    fn columns(&self) -> Vec<(String, &'static str)> {
        values::columns(&self.0)
    }

    /// The values of one column, for people: at most `rows` of them.
    #[pyo3(signature = (position, rows=None))]
    fn values(&self, py: Python<'_>, position: usize, rows: Option<usize>) -> PyResult<Py<PyAny>> {
        values::of(py, &self.0, position, rows)
    }

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

fn column(kind: &str, values: &Bound<'_, PyAny>) -> PyResult<ArrayRef> {
    Ok(match kind {
        "bool" => Arc::new(BooleanArray::from(values.extract::<Vec<Option<bool>>>()?)),
        "int64" => Arc::new(Int64Array::from(values.extract::<Vec<Option<i64>>>()?)),
        "float64" => Arc::new(Float64Array::from(values.extract::<Vec<Option<f64>>>()?)),
        "date" => Arc::new(Date32Array::from(values.extract::<Vec<Option<i32>>>()?)),
        "timestamp" => {
            Arc::new(TimestampMicrosecondArray::from(values.extract::<Vec<Option<i64>>>()?))
        }
        "utf8" => Arc::new(StringArray::from(values.extract::<Vec<Option<String>>>()?)),
        other => return Err(PyValueError::new_err(format!("no type {other:?}"))),
    })
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
