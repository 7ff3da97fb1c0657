//! The Parquet file behind a table: checked against its declaration before anything is charged.

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{TableEntry, TableOwner};
use crate::error::QueryError;

/// A file whose footer has been read and agrees with the catalogue. No row has been read.
#[derive(Clone, Debug)]
pub struct TableFile {
    schema: SchemaRef,
    url: ListingTableUrl,
    path: PathBuf,
    seen: Seen,
    sorted_by_unit: bool,
}

/// What tells a file apart from another one in its place, and from itself once it is written to.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    length_bytes: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: u64,
}

impl Seen {
    fn of(metadata: &Metadata) -> Self {
        Self {
            length_bytes: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(metadata),
        }
    }
}

impl TableFile {
    /// Reads the file's schema and compares it with the declared columns.
    ///
    /// # Errors
    /// A missing file, something that is not Parquet, a truncated file, a missing column, or a
    /// column of another type.
    pub fn check(table: &TableEntry) -> Result<Self, QueryError> {
        Self::check_at(table, &table.file)
    }

    /// [`Self::check`] of the file at the path that was compared with the ledger's, which is the one that
    /// is read: a link may point elsewhere a moment later.
    pub(crate) fn check_at(table: &TableEntry, found: &Path) -> Result<Self, QueryError> {
        let path = table.file.display();
        let file = File::open(found).map_err(|error| {
            QueryError::input(
                format!("table {}: cannot open {path}: {error}", table.name),
                "correct `file` in the hub file, or put the Parquet file there",
            )
        })?;
        let seen = file.metadata().map(|metadata| Seen::of(&metadata)).map_err(|error| {
            QueryError::input(
                format!("table {}: cannot look at {path}: {error}", table.name),
                "put the Parquet file on a file system that can be read",
            )
        })?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|_| {
            QueryError::input(
                format!("table {}: {path} is not a complete Parquet file", table.name),
                "write the file again: it has no readable Parquet footer, or was cut off",
            )
        })?;
        let schema = Arc::clone(reader.schema());
        for column in table.held_columns() {
            let field = schema.field_with_name(&column.name).map_err(|_| {
                let unit = table.unit_column().map(|unit| &table.columns[unit].name);
                let role = if unit == Some(&column.name) { "unit column" } else { "column" };
                QueryError::input(
                    format!("table {}: {path} has no {role} {}", table.name, column.name),
                    "declare the columns that the file has, or write the file again",
                )
            })?;
            if !column.kind.reads(field.data_type()) {
                return Err(QueryError::input(
                    format!(
                        "table {}: column {} is declared {} and the file holds {}",
                        table.name,
                        column.name,
                        column.kind.name(),
                        field.data_type()
                    ),
                    "declare the file's type in the hub file, or write the file again",
                ));
            }
        }
        let absolute = std::path::absolute(found)
            .map_err(|_| QueryError::bug("a path cannot be made absolute"))?;
        let url = ListingTableUrl::parse(absolute.to_string_lossy())
            .map_err(|_| QueryError::bug("a path cannot be read as a table"))?;
        let sorted_by_unit = matches!(table.owner, TableOwner::Unit { sorted_by_unit: true, .. });
        Ok(Self { schema, url, path: absolute, seen, sorted_by_unit })
    }

    /// The type a column has in the file.
    pub(crate) fn kind(&self, column: &str) -> Option<&DataType> {
        self.schema.field_with_name(column).ok().map(|field| field.data_type())
    }

    /// Whether the file is still the one that was checked. Another one in its place might have other
    /// columns, which would be read as NULL.
    pub(crate) fn is_unchanged(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|metadata| Seen::of(&metadata) == self.seen)
    }

    /// Whether the file is said to be sorted by its unit column.
    pub(crate) fn sorted_by_unit(&self) -> bool {
        self.sorted_by_unit
    }

    /// The file as DataFusion scans it, with the file's own schema and without statistics.
    pub(crate) fn provider(&self) -> Result<Arc<dyn TableProvider>, QueryError> {
        let options =
            ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension("");
        let config = ListingTableConfig::new(self.url.clone())
            .with_listing_options(options)
            .with_schema(Arc::clone(&self.schema));
        let table = ListingTable::try_new(config)
            .map_err(|_| QueryError::bug("a checked file cannot be scanned"))?;
        Ok(Arc::new(table))
    }
}
