//! Cells as Python objects, for tables that people read. Libraries take the Arrow capsule instead.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use pyo3::prelude::*;
use voilage_query::QueryError;

use crate::errors::raise;

/// The name and the kind of each column: `int`, `float`, `bool`, `text`, `date`, `timestamp` or `other`.
pub(crate) fn columns(table: &RecordBatch) -> Vec<(String, &'static str)> {
    let schema = table.schema();
    schema.fields().iter().map(|field| (field.name().clone(), kind(field.data_type()))).collect()
}

fn kind(data_type: &DataType) -> &'static str {
    match data_type {
        kind if kind.is_integer() => "int",
        kind if kind.is_floating() => "float",
        DataType::Boolean => "bool",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text",
        DataType::Date32 => "date",
        DataType::Timestamp(_, None) => "timestamp",
        _ => "other",
    }
}

/// The values of one column. Days and microseconds since 1970 stand for dates and timestamps.
pub(crate) fn of(
    py: Python<'_>,
    table: &RecordBatch,
    position: usize,
    rows: Option<usize>,
) -> PyResult<Py<PyAny>> {
    let bug = || raise(QueryError::Bug("a column of an answer cannot be read".into()));
    let array = table.columns().get(position).ok_or_else(bug)?;
    let array = array.slice(0, rows.unwrap_or(array.len()).min(array.len()));
    let as_type = |to: &DataType| cast(&array, to).map_err(|_| bug());
    let list = match kind(array.data_type()) {
        "int" | "date" => integers(py, &as_type(&DataType::Int64)?),
        "timestamp" => {
            let micros = as_type(&DataType::Timestamp(TimeUnit::Microsecond, None))?;
            integers(py, &cast(&micros, &DataType::Int64).map_err(|_| bug())?)
        }
        "float" => {
            let floats = as_type(&DataType::Float64)?;
            floats.as_primitive::<Float64Type>().iter().collect::<Vec<_>>().into_pyobject(py)
        }
        "bool" => array.as_boolean().iter().collect::<Vec<_>>().into_pyobject(py),
        "text" => {
            let text = as_type(&DataType::Utf8)?;
            text.as_string::<i32>().iter().collect::<Vec<_>>().into_pyobject(py)
        }
        _ => {
            let options = FormatOptions::default();
            let format = ArrayFormatter::try_new(&array, &options).map_err(|_| bug())?;
            let cell = |row| array.is_valid(row).then(|| format.value(row).to_string());
            (0..array.len()).map(cell).collect::<Vec<_>>().into_pyobject(py)
        }
    };
    Ok(list?.unbind())
}

fn integers<'py>(py: Python<'py>, array: &ArrayRef) -> PyResult<Bound<'py, PyAny>> {
    array.as_primitive::<Int64Type>().iter().collect::<Vec<_>>().into_pyobject(py)
}
