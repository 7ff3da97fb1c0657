//! Intake: Arrow batches in, compact rows kept, one partial state out.

use std::hash::BuildHasher;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use hashbrown::DefaultHashBuilder;

use crate::bound::bound;
use crate::canonical::{TupleEncoder, canonical_column, canonical_type, presence};
use crate::intern::Interner;
use crate::plan::{Domain, Layout};
use crate::rank::{KeyedRanking, Ranking};
use crate::rows::{BatchColumn, RowStore, StoredColumn};
use crate::{BoundingPlan, KernelError, Keys, PartialState, ValueColumn};

/// Bounds what each unit contributes and measures the groups.
///
/// *Guarantee*: with one unit removed, at most `max_groups` groups change, each measure of a group
/// by at most 1 (units), `max_rows_per_group` (rows), `max_rows_per_group *`
/// [`max_abs_steps`](crate::Grid::max_abs_steps) (sums) or `max_rows_per_group *`
/// [`max_deviation_steps`](crate::Grid::max_deviation_steps) (centred sums). The result depends
/// only on the multiset of rows and the plan, never on their order, on batches, or on threads.
/// Assumes that all rows of a unit pass through one bounder.
pub struct Bounder(Intake<DefaultHashBuilder>);

impl Bounder {
    /// A bounder for batches of one schema: the unit id, then keys, then values.
    ///
    /// *Errors*: a plan that is wrong in itself or does not fit the schema.
    pub fn new(plan: BoundingPlan, schema: SchemaRef) -> Result<Self, KernelError> {
        Ok(Self(Intake::new(plan, &schema, DefaultHashBuilder::default())?))
    }

    /// Takes in a batch.
    ///
    /// Rows without a unit id (NULL or NaN) and rows outside public keys are dropped silently.
    ///
    /// *Errors*: a batch of another schema; more rows than one bounder can hold. A batch that is
    /// refused leaves nothing behind.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<(), KernelError> {
        self.0.push(batch)
    }

    /// Bounds and measures everything that was pushed, on the current rayon pool.
    pub fn finish(self) -> Result<PartialState, KernelError> {
        let ranking = KeyedRanking::new(&self.0.plan.rank_key);
        self.0.finish(&ranking)
    }
}

/// The bounder for any table hash, so that tests can try the worst one.
pub(crate) struct Intake<S> {
    plan: BoundingPlan,
    layout: Layout,
    unit_encoder: TupleEncoder,
    key_encoder: TupleEncoder,
    units: Interner<S>,
    groups: Interner<S>,
    rows: RowStore,
}

/// A batch in canonical form.
struct Columns {
    unit: ArrayRef,
    keys: Vec<ArrayRef>,
    values: Vec<BatchColumn>,
}

impl<S: BuildHasher + Clone> Intake<S> {
    pub(crate) fn new(
        plan: BoundingPlan,
        schema: &SchemaRef,
        hasher: S,
    ) -> Result<Self, KernelError> {
        let layout = Layout::check(&plan, schema)?;
        let unit_encoder = TupleEncoder::new(vec![layout.unit.clone()])?;
        let key_encoder = TupleEncoder::new(layout.key_types())?;
        let mut groups = Interner::new(hasher.clone());
        if let Keys::Public(domain) = &plan.keys {
            check_row_count(domain.num_rows())?;
            let domain = Domain::new(domain, &key_encoder)?;
            for second in 0..domain.batch.num_rows() {
                let first = groups.intern(domain.tuples.bytes(second)) as usize;
                if first != second {
                    return Err(KernelError::DuplicateKey { first, second });
                }
            }
        }
        let values = (plan.values.iter())
            .map(|value| match value {
                ValueColumn::Presence => StoredColumn::Presence(Vec::new()),
                ValueColumn::Grid(_) => StoredColumn::Steps(Vec::new()),
            })
            .collect();
        let rows = RowStore { units: Vec::new(), groups: Vec::new(), values };
        let units = Interner::new(hasher);
        Ok(Self { plan, layout, unit_encoder, key_encoder, units, groups, rows })
    }

    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<(), KernelError> {
        // Everything that can fail comes before the first change.
        check_row_count(self.rows.len().saturating_add(batch.num_rows()))?;
        let columns = canonical_columns(&self.plan, &self.layout, batch)?;
        let keys = self.key_encoder.encode(&columns.keys)?;
        let unit_nulls = columns.unit.logical_nulls();
        let units = self.unit_encoder.encode(&[columns.unit])?;
        let public = matches!(self.plan.keys, Keys::Public(_));
        for row in 0..batch.num_rows() {
            if unit_nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                continue;
            }
            let group = if public {
                let Some(group) = self.groups.find(keys.bytes(row)) else { continue };
                group
            } else {
                self.groups.intern(keys.bytes(row))
            };
            let unit = self.units.intern(units.bytes(row));
            self.rows.push(unit, group, &columns.values, row);
        }
        Ok(())
    }

    pub(crate) fn finish<R: Ranking>(self, ranking: &R) -> Result<PartialState, KernelError> {
        let units = self.units.into_strings();
        let groups = self.groups.into_strings();
        let totals = bound(&self.plan, &self.rows, &units, &groups, ranking);
        let cells = (0..groups.len())
            .map(|group| (groups.get(group as u32), totals.of(group)))
            .filter(|(_, cell)| cell.units > 0)
            .collect();
        PartialState::assemble(&self.plan, &self.layout.key_fields, &self.key_encoder, cells)
    }
}

fn canonical_columns(
    plan: &BoundingPlan,
    layout: &Layout,
    batch: &RecordBatch,
) -> Result<Columns, KernelError> {
    let key_count = layout.key_fields.len();
    let expected = 1 + key_count + plan.values.len();
    if batch.num_columns() != expected {
        return Err(KernelError::ColumnCount { expected, found: batch.num_columns() });
    }
    let unit = checked_column(batch, 0, &layout.unit)?;
    let keys = (layout.key_fields.iter().enumerate())
        .map(|(key, field)| checked_column(batch, 1 + key, field.data_type()))
        .collect::<Result<_, _>>()?;
    let values = (plan.values.iter().enumerate())
        .map(|(value, kind)| {
            let column = 1 + key_count + value;
            let array = batch.column(column);
            Ok(match kind {
                ValueColumn::Presence => {
                    BatchColumn::Presence(presence(array).ok_or_else(|| {
                        KernelError::Unreadable { column, expected: array.data_type().clone() }
                    })?)
                }
                ValueColumn::Grid(grid) => BatchColumn::Steps(grid.to_steps(array)?),
            })
        })
        .collect::<Result<_, KernelError>>()?;
    Ok(Columns { unit, keys, values })
}

fn checked_column(
    batch: &RecordBatch,
    column: usize,
    expected: &DataType,
) -> Result<ArrayRef, KernelError> {
    let array = batch.column(column);
    if canonical_type(array.data_type()).as_ref() != Some(expected) {
        let (expected, found) = (expected.clone(), array.data_type().clone());
        return Err(KernelError::BatchType { column, expected, found });
    }
    canonical_column(array, expected)
        .ok_or_else(|| KernelError::Unreadable { column, expected: expected.clone() })
}

/// Rows, and with them units and groups, are numbered by 32 bits.
fn check_row_count(rows: usize) -> Result<(), KernelError> {
    let limit = u64::from(u32::MAX - 1);
    if rows as u64 > limit {
        return Err(KernelError::TooLarge { what: "rows", limit });
    }
    Ok(())
}
