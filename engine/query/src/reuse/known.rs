//! The cells of an earlier release, found again among the totals of the same rows.

use std::collections::HashMap;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::row::{RowConverter, Rows, SortField};
use voilage_kernels::Totals;

use crate::error::QueryError;

/// The cells that were released before: public from then on, and all that is drawn again.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Their keys.
    pub(crate) keys: RecordBatch,
    /// How many there are, also where there is no key.
    pub(crate) cells: usize,
}

impl Known {
    /// For each known cell its position among the totals. A cell that nobody reaches now has none.
    pub(crate) fn among(&self, totals: &Totals) -> Result<Vec<Option<usize>>, QueryError> {
        if self.keys.num_columns() == 0 {
            let here = (!totals.labels.is_empty()).then_some(0);
            return Ok(vec![here; self.cells]);
        }
        let bug = |_| QueryError::bug("released keys cannot be found again");
        let (known, found) = rows(&self.keys, &totals.keys).map_err(bug)?;
        let positions: HashMap<&[u8], usize> =
            found.iter().enumerate().map(|(at, row)| (row.data(), at)).collect();
        Ok(known.iter().map(|row| positions.get(row.data()).copied()).collect())
    }
}

/// The rows of two tables of the same columns in one form.
pub(super) fn rows(one: &RecordBatch, other: &RecordBatch) -> Result<(Rows, Rows), ArrowError> {
    let kinds = one.columns().iter().map(|column| SortField::new(column.data_type().clone()));
    let converter = RowConverter::new(kinds.collect())?;
    let columns = |batch: &RecordBatch| -> Vec<ArrayRef> { batch.columns().to_vec() };
    Ok((converter.convert_columns(&columns(one))?, converter.convert_columns(&columns(other))?))
}
