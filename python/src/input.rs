//! Tables that a data holder hands in: anything that speaks Arrow, or Parquet files.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use arrow::array::{RecordBatchIterator, RecordBatchReader};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pyo3::prelude::*;
use pyo3_arrow::input::AnyRecordBatch;
use voilage_query::QueryError;
use voilage_query::plan::Type;

use crate::errors::raise;

/// Name, Arrow type, and the hub's type if there is one.
type ColumnType = (String, String, Option<&'static str>);

/// Rows on their way into a hub; they can be written once.
#[pyclass(frozen, module = "voilage._native")]
pub(crate) struct Input {
    schema: SchemaRef,
    reader: Mutex<Option<Box<dyn RecordBatchReader + Send>>>,
}

#[pymethods]
impl Input {
    /// Takes any object that speaks the Arrow PyCapsule protocol.
    #[staticmethod]
    fn arrow(data: AnyRecordBatch) -> PyResult<Self> {
        Ok(Self::new(data.into_reader()?))
    }

    /// Reads Parquet files of one schema, one after the other.
    #[staticmethod]
    fn parquet(py: Python<'_>, paths: Vec<PathBuf>) -> PyResult<Self> {
        py.detach(|| parquet_reader(&paths)).map(Self::new).map_err(raise)
    }

    /// The columns.
    fn columns(&self) -> Vec<ColumnType> {
        let column = |field: &Arc<arrow::datatypes::Field>| {
            let kind = hub_type(field.data_type()).map(Type::name);
            (field.name().clone(), field.data_type().to_string(), kind)
        };
        self.schema.fields().iter().map(column).collect()
    }

    /// Writes all rows into one Parquet file.
    fn write(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let taken = self.reader.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        let reader =
            taken.ok_or_else(|| raise(QueryError::Bug("an input was written twice".to_owned())))?;
        py.detach(|| written(reader, &path)).map_err(|problem| {
            raise(QueryError::Input {
                problem: format!("the rows could not be written to {}: {problem}", path.display()),
                fix: "make room and the folder writable, and see that the data can be read to its \
                      end"
                .to_owned(),
            })
        })
    }
}

impl Input {
    fn new(reader: Box<dyn RecordBatchReader + Send>) -> Self {
        Self { schema: reader.schema(), reader: Mutex::new(Some(reader)) }
    }
}

fn hub_type(file: &DataType) -> Option<Type> {
    [Type::Bool, Type::Int64, Type::Float64, Type::Text, Type::Date, Type::Timestamp]
        .into_iter()
        .find(|kind| kind.reads(file))
}

/// The word for what went wrong; never the library's message, which may show a value.
fn written(reader: Box<dyn RecordBatchReader + Send>, path: &PathBuf) -> Result<(), &'static str> {
    let file = File::create(path).map_err(|_| "the file cannot be created")?;
    let writing = "the file system refused";
    let mut writer =
        ArrowWriter::try_new(file, reader.schema(), None).map_err(|_| "its types do not fit")?;
    for batch in reader {
        writer.write(&batch.map_err(|_| "the data ended early")?).map_err(|_| writing)?;
    }
    writer.close().map(drop).map_err(|_| writing)
}

fn parquet_reader(paths: &[PathBuf]) -> Result<Box<dyn RecordBatchReader + Send>, QueryError> {
    let mut readers = Vec::with_capacity(paths.len());
    for path in paths {
        let problem = |what: &str| QueryError::Input {
            problem: format!("{} {what}", path.display()),
            fix: "name Parquet files of one schema".to_owned(),
        };
        let file = File::open(path).map_err(|_| problem("cannot be opened"))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(|builder| builder.build())
            .map_err(|_| problem("is not a complete Parquet file"))?;
        readers.push((path.clone(), reader));
    }
    let schema = match readers.first() {
        Some((_, reader)) => reader.schema(),
        None => return Err(QueryError::Bug("no file to read".to_owned())),
    };
    if let Some((path, _)) = readers.iter().find(|(_, reader)| reader.schema() != schema) {
        return Err(QueryError::Input {
            problem: format!("{} has other columns than the first file", path.display()),
            fix: "name Parquet files of one schema".to_owned(),
        });
    }
    let batches = readers.into_iter().flat_map(|(_, reader)| reader);
    let batches: Box<dyn Iterator<Item = Result<_, ArrowError>> + Send> = Box::new(batches);
    Ok(Box::new(RecordBatchIterator::new(batches, schema)))
}
