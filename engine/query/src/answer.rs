//! The answer to a question.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, Float64Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Schema};

use serde::Serialize;
use voilage_privacy::mechanism::Confidence;

use crate::error::QueryError;
use crate::plan::Boundary;
use crate::receipt::Receipt;
use crate::release::Released;

/// A released table with its intervals and what it cost.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The query's result.
    pub table: RecordBatch,
    /// For each column of the table, its 95% interval, if it is a released value itself.
    pub intervals: Vec<Option<Interval>>,
    /// For each private aggregate, how many units had more than its bounds keep, if that was asked for.
    pub cut: Vec<CutUnits>,
    /// What proves the release.
    pub receipt: Receipt,
    /// Whether the answer had been released before, so that nothing was charged now.
    pub replayed: bool,
}

/// How many units had more than was kept of them, estimated before anything was cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CutUnits {
    /// Which private aggregate, in the order of the explanation.
    pub boundary: usize,
    /// At most so many groups of a unit were kept.
    pub max_groups: u32,
    /// The units that had more groups.
    pub over_max_groups: Estimate,
    /// At most so many of a unit's rows were kept in a group.
    pub max_rows_per_group: u32,
    /// The units that had more rows in some group.
    pub over_max_rows_per_group: Estimate,
}

/// A noisy number of units and its 95% interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// The noisy number.
    pub value: i128,
    /// The lower end.
    pub low: i128,
    /// The upper end.
    pub high: i128,
}

impl CutUnits {
    pub(crate) fn of(index: usize, boundary: &Boundary, released: &Released) -> Option<Self> {
        let intervals = boundary.cut?.noise.intervals(&Confidence::ninety_five(), None);
        let estimate = |value: i128| {
            let (low, high) = intervals.around(value);
            Estimate { value, low, high }
        };
        let [groups, rows] = released.cut?;
        Some(Self {
            boundary: index,
            max_groups: boundary.max_groups,
            over_max_groups: estimate(groups),
            max_rows_per_group: boundary.max_rows_per_group,
            over_max_rows_per_group: estimate(rows),
        })
    }
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
