//! Partial states: exact integer totals per group, mergeable in any order.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::types::Decimal128Type;
use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, LargeListArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};

use crate::canonical::{TupleEncoder, canonical_column, canonical_type};
use crate::cells::Over;
use crate::intern::Strings;
use crate::plan::{Domain, Layout};
use crate::sets::{self, Sets};
use crate::{BoundingPlan, KernelError, Keys, Measure, ValueColumn};

/// Schema metadata: the version of the layout described at [`PartialState`].
const FORMAT_KEY: &str = "voilage.partial_state";
const FORMAT: &str = "1";
/// Schema metadata: how many of the columns are keys.
const KEY_COLUMNS_KEY: &str = "voilage.key_columns";
/// Schema metadata: the public parameters that states of one plan share.
const PLAN_KEY: &str = "voilage.plan";
/// Schema metadata: how many units had more groups, and more rows in a group, than are kept.
const OVER_KEY: &str = "voilage.over";

const DIGITS: u8 = 38;
/// No total may reach this.
const TOTAL_LIMIT: i128 = 10_i128.pow(DIGITS as u32);

/// Exact totals per group of some units; not private, and never to be shown.
///
/// *Shape*: the key columns, one `Decimal128(38, 0)` column per measure, and one for the distinct
/// units; a measure of distinct values has a list of their canonical bytes instead, ascending; one row per group that at least one unit reached, sorted by canonical key bytes.
/// *Units*: counts and grid steps. Schema metadata hold the format's version, the number of key
/// columns and the plan's public parameters, never the bounding key.
#[derive(Debug, Clone, PartialEq)]
pub struct PartialState {
    batch: RecordBatch,
    /// The canonical key bytes of each row; they follow from the batch.
    labels: Arc<Strings>,
    /// How many units were cut; it stands in the batch's metadata too.
    over: Over,
}

/// The exact values of all cells, ready for noise.
#[derive(Debug, Clone, PartialEq)]
pub struct Totals {
    /// One row per cell: public keys in the order of their domain, with cells that nobody
    /// reached; learned keys sorted by canonical bytes.
    pub keys: RecordBatch,
    /// The canonical key bytes of each cell.
    pub labels: Labels,
    /// How many units had more than is kept of them.
    pub over: Over,
    /// Distinct units of each cell, after bounding.
    pub units: Vec<i128>,
    /// For each measure, the value of each cell.
    pub measures: Vec<Vec<i128>>,
}

/// The canonical key bytes of cells, in the order of the cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels(Arc<Strings>);

impl Labels {
    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The key bytes of each cell.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.0.iter()
    }
}

/// The cells of some units, sorted by their key bytes.
pub(crate) struct SortedCells {
    pub(crate) labels: Strings,
    /// At least one in each cell.
    pub(crate) units: Vec<i128>,
    /// For each measure, what each cell has.
    pub(crate) measures: Vec<Column>,
    /// How many units were cut.
    pub(crate) over: Over,
}

/// What each cell has of one measure.
pub(crate) enum Column {
    /// Integers, which add up.
    Totals(Vec<i128>),
    /// Distinct values, which are united.
    Sets(Sets),
}

impl Column {
    fn into_array(self) -> Result<ArrayRef, KernelError> {
        match self {
            Self::Totals(totals) => {
                let column = Decimal128Array::from_iter_values(totals);
                let column = column.with_precision_and_scale(DIGITS, 0);
                let internal = |_| KernelError::Internal { doing: "assembling a partial state" };
                Ok(Arc::new(column.map_err(internal)?))
            }
            Self::Sets(sets) => sets.into_array(),
        }
    }
}

/// A column of a state.
enum Stored<'a> {
    Totals(&'a Decimal128Array),
    Sets(&'a LargeListArray),
}

impl<'a> Stored<'a> {
    /// A well-formed column; nothing for any other.
    fn checked(column: &'a ArrayRef) -> Option<Self> {
        match column.data_type() {
            DataType::Decimal128(DIGITS, 0) if column.null_count() == 0 => {
                column.as_primitive_opt::<Decimal128Type>().map(Self::Totals)
            }
            _ => sets::checked(column).map(Self::Sets),
        }
    }

    /// A column that was checked before.
    fn of(column: &'a ArrayRef) -> Option<Self> {
        match column.as_primitive_opt::<Decimal128Type>() {
            Some(totals) => Some(Self::Totals(totals)),
            None => column.as_list_opt::<i64>().map(Self::Sets),
        }
    }

    /// The value of a cell: the total, or how many values there are.
    fn value(&self, row: usize) -> i128 {
        match self {
            Self::Totals(totals) => totals.value(row),
            Self::Sets(sets) => i128::from(sets.value_length(row)),
        }
    }
}

impl PartialState {
    /// Reads a state from its batch.
    ///
    /// *Errors*: a batch that is not laid out as described above.
    pub fn try_from_batch(batch: RecordBatch) -> Result<Self, KernelError> {
        let labels = Arc::new(checked_labels(&batch)?);
        let over = over_of(&batch);
        let over =
            over.ok_or(KernelError::MalformedState { why: "it does not say who was cut" })?;
        Ok(Self { batch, labels, over })
    }

    /// The state as an Arrow batch.
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// Adds up the states of disjoint sets of units, in any order.
    ///
    /// *Guarantee*: the result does not depend on the order of the states or on how they were
    /// merged before. That the units are disjoint is the caller's promise.
    ///
    /// *Errors*: no state at all, states of different plans, a total beyond 38 digits.
    pub fn merge(states: Vec<Self>) -> Result<Self, KernelError> {
        let Some(first) = states.first() else { return Err(KernelError::NothingToMerge) };
        let over = states.iter().fold(Over::default(), |over, state| over.plus(state.over));
        let schema = with_over(&first.batch.schema(), over);
        if states.iter().any(|state| with_over(&state.batch.schema(), over) != schema) {
            return Err(KernelError::StateMismatch { why: "keys, measures or bounds differ" });
        }
        let encoder = first.encoder()?;
        let columns: Vec<_> = states.iter().map(Self::totals).collect::<Result<_, _>>()?;
        let mut cells: Vec<(&[u8], usize, usize)> = (states.iter().enumerate())
            .flat_map(|(state, part)| {
                part.labels.iter().enumerate().map(move |(row, label)| (label, state, row))
            })
            .collect();
        cells.sort_by_key(|cell| cell.0);
        let mut labels = Strings::default();
        let mut merged: Vec<Column> = (columns[0].iter())
            .map(|column| match column {
                Stored::Totals(_) => Column::Totals(Vec::new()),
                Stored::Sets(_) => Column::Sets(Sets::default()),
            })
            .collect();
        for cell in cells.chunk_by(|a, b| a.0 == b.0) {
            labels.push(cell[0].0);
            for (column, merged) in merged.iter_mut().enumerate() {
                let parts = cell.iter().map(|&(_, state, row)| (&columns[state][column], row));
                match merged {
                    Column::Totals(totals) => {
                        totals.push(sum(parts.map(|(part, row)| part.value(row)))?);
                    }
                    Column::Sets(sets) => sets.union(parts.filter_map(|(part, row)| match part {
                        Stored::Sets(sets) => Some((*sets, row)),
                        // The schemas are equal.
                        Stored::Totals(_) => None,
                    })),
                }
            }
        }
        let keys = encoder.decode(labels.iter())?;
        Self::from_columns(&schema, keys, merged, labels, over)
    }

    /// Lays the state out over its keys.
    ///
    /// *Errors*: a key of the state that the public domain does not have; a domain of other types.
    pub fn cells(&self, keys: &Keys) -> Result<Totals, KernelError> {
        let (rows, key_columns) = (self.batch.num_rows(), self.key_columns());
        let internal = |_| KernelError::Internal { doing: "assembling learned keys" };
        match keys {
            Keys::Learned => {
                let positions: Vec<usize> = (0..key_columns).collect();
                let keys = self.batch.project(&positions).map_err(internal)?;
                self.laid_out(keys, Labels(Arc::clone(&self.labels)), (0..rows).map(Some))
            }
            Keys::Public(domain) => {
                let domain = Domain::new(domain, &self.encoder()?)?;
                let mut row_of: HashMap<&[u8], usize> =
                    self.labels.iter().enumerate().map(|(row, label)| (label, row)).collect();
                let cells = 0..domain.batch.num_rows();
                let order: Vec<_> =
                    cells.clone().map(|c| row_of.remove(domain.tuples.bytes(c))).collect();
                if !row_of.is_empty() {
                    return Err(KernelError::StateMismatch {
                        why: "the state has a key that the public keys do not have",
                    });
                }
                let labels: Strings = cells.map(|cell| domain.tuples.bytes(cell)).collect();
                let labels = Labels(Arc::new(labels));
                self.laid_out(domain.batch.clone(), labels, order.into_iter())
            }
        }
    }

    /// Assembles the state of a bounder.
    pub(crate) fn assemble(
        plan: &BoundingPlan,
        layout: &Layout,
        encoder: &TupleEncoder,
        cells: SortedCells,
    ) -> Result<Self, KernelError> {
        let SortedCells { labels, units, mut measures, over } = cells;
        let keys = encoder.decode(labels.iter())?;
        measures.push(Column::Totals(units));
        let schema = with_over(&state_schema(plan, layout), over);
        Self::from_columns(&schema, keys, measures, labels, over)
    }

    fn from_columns(
        schema: &Arc<Schema>,
        mut columns: Vec<ArrayRef>,
        measures: Vec<Column>,
        labels: Strings,
        over: Over,
    ) -> Result<Self, KernelError> {
        let internal = |_| KernelError::Internal { doing: "assembling a partial state" };
        for measure in measures {
            columns.push(measure.into_array()?);
        }
        let batch = RecordBatch::try_new(Arc::clone(schema), columns).map_err(internal)?;
        Ok(Self { batch, labels: Arc::new(labels), over })
    }

    /// How many of the columns are keys; what was read or assembled says so.
    fn key_columns(&self) -> usize {
        key_columns(&self.batch).unwrap_or_default()
    }

    fn encoder(&self) -> Result<TupleEncoder, KernelError> {
        let keys = &self.batch.columns()[..self.key_columns()];
        TupleEncoder::new(keys.iter().map(|key| key.data_type().clone()).collect())
    }

    /// The measures, then the units.
    fn totals(&self) -> Result<Vec<Stored<'_>>, KernelError> {
        let totals = self.batch.columns()[self.key_columns()..].iter().map(Stored::of);
        let internal = KernelError::Internal { doing: "reading a partial state" };
        totals.collect::<Option<_>>().ok_or(internal)
    }

    /// The cells in the given order; a cell without a row in the state is zero.
    fn laid_out(
        &self,
        keys: RecordBatch,
        labels: Labels,
        order: impl Iterator<Item = Option<usize>> + Clone,
    ) -> Result<Totals, KernelError> {
        let mut columns: Vec<Vec<i128>> = (self.totals()?.into_iter())
            .map(|total| order.clone().map(|row| row.map_or(0, |row| total.value(row))).collect())
            .collect();
        let units = columns.pop().unwrap_or_default();
        Ok(Totals { keys, labels, over: self.over, units, measures: columns })
    }
}

/// The schema with other numbers of who was cut.
fn with_over(schema: &Schema, over: Over) -> Arc<Schema> {
    let mut metadata = schema.metadata().clone();
    metadata.insert(OVER_KEY.to_owned(), format!("{} {}", over.groups, over.rows));
    Arc::new(schema.clone().with_metadata(metadata))
}

fn over_of(batch: &RecordBatch) -> Option<Over> {
    let schema = batch.schema();
    let (groups, rows) = schema.metadata().get(OVER_KEY)?.split_once(' ')?;
    Some(Over { groups: groups.parse().ok()?, rows: rows.parse().ok()? })
}

fn key_columns(batch: &RecordBatch) -> Option<usize> {
    let schema = batch.schema();
    let count = schema.metadata().get(KEY_COLUMNS_KEY)?.parse::<usize>().ok()?;
    (count < schema.fields().len()).then_some(count)
}

/// Checks a batch that claims to be a state, and reads the canonical bytes of its keys.
fn checked_labels(batch: &RecordBatch) -> Result<Strings, KernelError> {
    let malformed = |why| KernelError::MalformedState { why };
    if batch.schema().metadata().get(FORMAT_KEY).map(String::as_str) != Some(FORMAT) {
        return Err(malformed("it is not a partial state of this format"));
    }
    let key_columns = key_columns(batch)
        .ok_or_else(|| malformed("its number of key columns is missing or too large"))?;
    let (keys, totals) = batch.columns().split_at(key_columns);
    let types: Vec<DataType> = keys.iter().map(|key| key.data_type().clone()).collect();
    if types.iter().any(|key| canonical_type(key).as_ref() != Some(key)) {
        return Err(malformed("a key column is not of a canonical type"));
    }
    let keys = (keys.iter().zip(&types))
        .map(|(key, data_type)| canonical_column(key, data_type))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| malformed("a key column cannot be read"))?;
    let totals =
        (totals.iter()).map(Stored::checked).collect::<Option<Vec<_>>>().ok_or_else(|| {
            malformed("a total is not a Decimal128(38, 0) without NULL, or a set is not in order")
        })?;
    let Some(Stored::Totals(units)) = totals.last() else {
        return Err(malformed("the units of its groups are not numbers"));
    };
    if units.values().iter().any(|&units| units < 1) {
        return Err(malformed("a group has no units"));
    }
    let tuples = TupleEncoder::new(types)?.encode(&keys)?;
    let sorted = (1..batch.num_rows()).all(|row| tuples.bytes(row - 1) < tuples.bytes(row));
    if !sorted {
        return Err(malformed("its keys are not sorted, or one stands twice"));
    }
    Ok((0..batch.num_rows()).map(|row| tuples.bytes(row)).collect())
}

fn sum(mut values: impl Iterator<Item = i128>) -> Result<i128, KernelError> {
    (values.try_fold(0_i128, |total, value| total.checked_add(value)))
        .filter(|total| (-TOTAL_LIMIT + 1..TOTAL_LIMIT).contains(total))
        .ok_or(KernelError::Overflow)
}

fn state_schema(plan: &BoundingPlan, layout: &Layout) -> Arc<Schema> {
    let total = || DataType::Decimal128(DIGITS, 0);
    let key_fields = &layout.key_fields;
    let mut fields = key_fields.clone();
    fields.extend(plan.measures.iter().enumerate().map(|(place, measure)| {
        let stored = match measure {
            Measure::Distinct { .. } => Sets::data_type(),
            _ => total(),
        };
        Field::new(format!("measure_{place}"), stored, false)
    }));
    fields.push(Field::new("units", total(), false));
    let metadata = [
        (FORMAT_KEY, FORMAT.to_owned()),
        (KEY_COLUMNS_KEY, key_fields.len().to_string()),
        (PLAN_KEY, describe(plan, layout)),
    ];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value)).into();
    Arc::new(Schema::new_with_metadata(fields, metadata))
}

/// The parameters that decide what a total means, in one line; equal only for equal plans.
fn describe(plan: &BoundingPlan, layout: &Layout) -> String {
    let values = plan.values.iter().zip(&layout.counted).map(|(value, counted)| match value {
        ValueColumn::Presence => "presence".to_owned(),
        ValueColumn::Distinct => {
            // Values of different types have different bytes.
            counted.as_ref().map_or_else(String::new, |kind| format!("values of {kind}"))
        }
        ValueColumn::Grid(grid) => {
            // Rust prints the shortest decimals that read back as the same numbers.
            format!("[{:?}, {:?}] by 2^{}", grid.lower(), grid.upper(), grid.step_log2())
        }
    });
    let measures = plan.measures.iter().map(|measure| match measure {
        Measure::Units => "units".to_owned(),
        Measure::Distinct { value } => format!("distinct values of {value}"),
        Measure::UnitsWith { value } => format!("units with {value}"),
        Measure::RowsBelow { value, steps } => format!("rows with {value} below {steps}"),
        Measure::Squares { value } => format!("squares of {value}"),
        Measure::Rows { present_in: None } => "rows".to_owned(),
        Measure::Rows { present_in: Some(value) } => format!("rows with {value}"),
        Measure::Sum { value, centred: false } => format!("sum of {value}"),
        Measure::Sum { value, centred: true } => format!("centred sum of {value}"),
    });
    let list = |items: &mut dyn Iterator<Item = String>| items.collect::<Vec<_>>().join("; ");
    format!(
        "at most {} groups, {} rows each; values: {}; measures: {}",
        plan.max_groups,
        plan.max_rows_per_group,
        list(&mut values.into_iter()),
        list(&mut measures.into_iter()),
    )
}
