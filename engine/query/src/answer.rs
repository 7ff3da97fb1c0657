//! The answer to a question.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, Float64Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Schema};

use crate::error::QueryError;
use crate::receipt::Receipt;

/// A released table with its intervals and what it cost.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The query's result.
    pub table: RecordBatch,
    /// For each column of the table, its 95% interval, if it is a released value itself.
    pub intervals: Vec<Option<Interval>>,
    /// What proves the release.
    pub receipt: Receipt,
    /// Whether the answer had been released before, so that nothing was charged now.
    pub replayed: bool,
}

/// The 95% intervals of a column: they cover the noise around the answer over bounded rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// The lower ends, one per row.
    pub low: Float64Array,
    /// The upper ends, one per row.
    pub high: Float64Array,
}

impl Interval {
    pub(crate) fn from_columns(low: &ArrayRef, high: &ArrayRef) -> Option<Self> {
        let floats = |column: &ArrayRef| column.as_any().downcast_ref::<Float64Array>().cloned();
        Some(Self { low: floats(low)?, high: floats(high)? })
    }
}

impl Answer {
    /// The table with `<name>_low` and `<name>_high` behind each column that has an interval.
    ///
    /// # Errors
    /// Never for an answer that a question returned.
    pub fn with_intervals(&self) -> Result<RecordBatch, QueryError> {
        let mut fields: Vec<Field> = Vec::new();
        let mut columns: Vec<ArrayRef> = Vec::new();
        let schema = self.table.schema();
        for (position, interval) in self.intervals.iter().enumerate() {
            let field = schema.field(position);
            fields.push(field.clone());
            columns.push(Arc::clone(self.table.column(position)));
            let Some(interval) = interval else { continue };
            for (end, values) in [("low", &interval.low), ("high", &interval.high)] {
                let name = format!("{}_{end}", field.name());
                fields.push(Field::new(name, DataType::Float64, values.is_nullable()));
                columns.push(Arc::new(values.clone()));
            }
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
            .map_err(|_| QueryError::bug("an answer and its intervals do not fit together"))
    }
}
