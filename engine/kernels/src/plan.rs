//! What is bounded and measured, and the check of a plan against its input schema.

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::sync::Arc;

use crate::canonical::{TupleEncoder, Tuples, canonical_column, canonical_type};
use crate::{Grid, KernelError};

const KEY_FIX: &str = "text, an integer, BOOLEAN, a date or a timestamp";
const VALUE_FIX: &str = "an integer, BOOLEAN, DOUBLE or DECIMAL(38, s)";

/// How the rows of one boundary are bounded and what is measured.
///
/// The input has the unit id in column 0, then the key columns, then the value columns.
#[derive(Debug, Clone)]
pub struct BoundingPlan {
    /// Groups that one unit may reach; at least 1.
    pub max_groups: u32,
    /// Rows that one unit may contribute to one group; at least 1.
    pub max_rows_per_group: u32,
    /// The bounding key: drawn per release, stored with its charge, reused by retries.
    pub rank_key: [u8; 16],
    /// Where the group keys come from.
    pub keys: Keys,
    /// How each value column is read.
    pub values: Vec<ValueColumn>,
    /// What is measured in each group.
    pub measures: Vec<Measure>,
}

/// Where the group keys come from.
#[derive(Debug, Clone)]
pub enum Keys {
    /// The key tuples in output order, known beforehand; rows with other keys are dropped before
    /// bounding. A batch of no columns and one row stands for one global group.
    Public(RecordBatch),
    /// Every key that occurs.
    Learned,
}

/// How a value column is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueColumn {
    /// Only whether there is a value (neither NULL nor NaN); any type.
    Presence,
    /// Clamped and rounded to a grid.
    Grid(Grid),
    /// Which value it is; any type that a key may have. Rows are ranked without it.
    Distinct,
}

/// What is measured in a group, after bounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Distinct units.
    Units,
    /// Rows; with `present_in` only those that have a value in that value column.
    Rows {
        /// The value column whose values are counted.
        present_in: Option<usize>,
    },
    /// Distinct units of which at least one kept row has a value in a value column.
    UnitsWith {
        /// The value column.
        value: usize,
    },
    /// Distinct values of a [`ValueColumn::Distinct`]. Of all that a unit has in a group, at most
    /// `max_rows_per_group` are counted, chosen by a rank of their own.
    Distinct {
        /// The value column.
        value: usize,
    },
    /// Rows with a value below a point.
    RowsBelow {
        /// The value column.
        value: usize,
        /// The point. *Units*: steps of the column's grid.
        steps: i64,
    },
    /// The sum of a value column's squared deviations, as [`Squares`](crate::Squares) counts them.
    Squares {
        /// The value column.
        value: usize,
    },
    /// The sum of a value column. *Units*: steps of its grid. A row without a value adds nothing.
    Sum {
        /// The value column.
        value: usize,
        /// Whether deviations from [`Grid::middle_steps`] are summed instead of values.
        centred: bool,
    },
}

/// A plan's columns in a checked input schema.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) unit: DataType,
    /// The key columns of partial states: input names, canonical types, nullable.
    pub(crate) key_fields: Vec<Field>,
    /// The canonical type of each value column whose distinct values are counted.
    pub(crate) counted: Vec<Option<DataType>>,
}

impl Layout {
    /// Checks the plan in itself and against the schema of the rows to come.
    pub(crate) fn check(plan: &BoundingPlan, schema: &SchemaRef) -> Result<Self, KernelError> {
        check_limits_and_measures(plan)?;
        let fields = schema.fields();
        let key_count = match &plan.keys {
            Keys::Public(domain) => domain.num_columns(),
            Keys::Learned => fields.len().saturating_sub(1 + plan.values.len()).max(1),
        };
        let expected = 1 + key_count + plan.values.len();
        if fields.len() != expected {
            if matches!(plan.keys, Keys::Learned) && fields.len() + 1 == expected {
                return Err(KernelError::NothingToLearn);
            }
            return Err(KernelError::ColumnCount { expected, found: fields.len() });
        }
        let canonical = |field: &Field, role| {
            canonical_type(field.data_type()).ok_or_else(|| KernelError::UnsupportedType {
                column: field.name().clone(),
                data_type: field.data_type().clone(),
                role,
                fix: KEY_FIX,
            })
        };
        let unit = canonical(&fields[0], "a unit id")?;
        let key_fields = fields[1..=key_count]
            .iter()
            .map(|field| Ok(Field::new(field.name(), canonical(field, "a group key")?, true)))
            .collect::<Result<_, KernelError>>()?;
        let counted = (fields[1 + key_count..].iter().zip(&plan.values))
            .map(|(field, value)| match value {
                ValueColumn::Presence => Ok(None),
                ValueColumn::Distinct => canonical(field, "counted by value").map(Some),
                ValueColumn::Grid(_) if Grid::accepts(field.data_type()) => Ok(None),
                ValueColumn::Grid(_) => Err(KernelError::UnsupportedType {
                    column: field.name().clone(),
                    data_type: field.data_type().clone(),
                    role: "put on a grid",
                    fix: VALUE_FIX,
                }),
            })
            .collect::<Result<_, KernelError>>()?;
        Ok(Self { unit, key_fields, counted })
    }

    pub(crate) fn key_types(&self) -> Vec<DataType> {
        self.key_fields.iter().map(|field| field.data_type().clone()).collect()
    }
}

fn check_limits_and_measures(plan: &BoundingPlan) -> Result<(), KernelError> {
    if plan.max_groups == 0 {
        return Err(KernelError::ZeroLimit { limit: "max_groups" });
    }
    if plan.max_rows_per_group == 0 {
        return Err(KernelError::ZeroLimit { limit: "max_rows_per_group" });
    }
    for (measure, kind) in plan.measures.iter().enumerate() {
        let value = match *kind {
            Measure::Units | Measure::Rows { present_in: None } => continue,
            Measure::UnitsWith { value }
            | Measure::Squares { value }
            | Measure::Distinct { value }
            | Measure::RowsBelow { value, .. }
            | Measure::Rows { present_in: Some(value) }
            | Measure::Sum { value, .. } => value,
        };
        match (plan.values.get(value), kind) {
            (None, _) => {
                let values = plan.values.len();
                return Err(KernelError::MissingValue { measure, value, values });
            }
            (Some(ValueColumn::Distinct), Measure::Distinct { .. }) => {}
            (Some(ValueColumn::Distinct), _) | (Some(_), Measure::Distinct { .. }) => {
                return Err(KernelError::NotCounted { measure, value });
            }
            (
                Some(ValueColumn::Presence),
                Measure::Sum { .. } | Measure::Squares { .. } | Measure::RowsBelow { .. },
            ) => {
                return Err(KernelError::SumWithoutGrid { measure, value });
            }
            (Some(_), _) => {}
        }
    }
    Ok(())
}

/// A public domain in canonical form: its columns, and the bytes of its tuples in output order.
pub(crate) struct Domain {
    pub(crate) batch: RecordBatch,
    pub(crate) tuples: Tuples,
}

impl Domain {
    /// Brings a domain to the types of `encoder`; duplicates are for the caller to find.
    pub(crate) fn new(domain: &RecordBatch, encoder: &TupleEncoder) -> Result<Self, KernelError> {
        let rows = domain.num_rows();
        if domain.num_columns() == 0 && rows != 1 {
            return Err(KernelError::GlobalGroup { rows });
        }
        if domain.num_columns() != encoder.types().len() {
            return Err(KernelError::StateMismatch { why: "the number of key columns differs" });
        }
        let columns = (domain.columns().iter().zip(encoder.types()).enumerate())
            .map(|(column, (array, input))| canonical_key(column, array, input))
            .collect::<Result<Vec<ArrayRef>, _>>()?;
        let fields: Vec<Field> = (domain.schema().fields().iter().zip(encoder.types()))
            .map(|(field, data_type)| Field::new(field.name(), data_type.clone(), true))
            .collect();
        let tuples = encoder.encode(&columns)?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch =
            RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
                .map_err(|_| KernelError::Internal { doing: "assembling the public keys" })?;
        Ok(Self { batch, tuples })
    }
}

fn canonical_key(
    column: usize,
    array: &ArrayRef,
    input: &DataType,
) -> Result<ArrayRef, KernelError> {
    let domain = canonical_type(array.data_type()).unwrap_or_else(|| array.data_type().clone());
    if domain != *input {
        return Err(KernelError::KeyType { column, domain, input: input.clone() });
    }
    canonical_column(array, input)
        .ok_or_else(|| KernelError::Unreadable { column, expected: input.clone() })
}
