//! The rows between intake and bounding: two ids and the values that the plan reads.

use arrow::array::{Array, Int64Array};
use arrow::buffer::BooleanBuffer;

/// Stands for NULL; no grid reaches it, and it sorts before every value.
pub(crate) const ABSENT: i64 = i64::MIN;
/// What a value without a grid counts as when it is there.
const PRESENT: i64 = 0;

/// Rows as columns.
pub(crate) struct RowStore {
    pub(crate) units: Vec<u32>,
    pub(crate) groups: Vec<u32>,
    pub(crate) values: Vec<StoredColumn>,
}

/// One value column.
pub(crate) enum StoredColumn {
    /// Whether the row has a value.
    Presence(Vec<bool>),
    /// The value on its grid, or [`ABSENT`].
    Steps(Vec<i64>),
}

/// One value column of a batch on its way into the store.
pub(crate) enum BatchColumn {
    Presence(BooleanBuffer),
    Steps(Int64Array),
}

impl RowStore {
    pub(crate) fn len(&self) -> usize {
        self.units.len()
    }

    /// The canonical values of a row, in the order of the plan.
    pub(crate) fn values(&self, row: u32) -> impl Iterator<Item = i64> {
        self.values.iter().map(move |column| column.get(row))
    }

    /// Appends a row of a batch.
    pub(crate) fn push(&mut self, unit: u32, group: u32, columns: &[BatchColumn], row: usize) {
        self.units.push(unit);
        self.groups.push(group);
        for (stored, column) in self.values.iter_mut().zip(columns) {
            stored.push(column, row);
        }
    }
}

impl StoredColumn {
    /// The canonical value of a row.
    pub(crate) fn get(&self, row: u32) -> i64 {
        match self {
            Self::Presence(present) => presence_value(present[row as usize]),
            Self::Steps(steps) => steps[row as usize],
        }
    }

    fn push(&mut self, column: &BatchColumn, row: usize) {
        match self {
            Self::Presence(stored) => stored.push(column.get(row) != ABSENT),
            Self::Steps(stored) => stored.push(column.get(row)),
        }
    }
}

impl BatchColumn {
    /// The canonical value of a row.
    pub(crate) fn get(&self, row: usize) -> i64 {
        match self {
            Self::Presence(present) => presence_value(present.value(row)),
            Self::Steps(steps) if steps.is_null(row) => ABSENT,
            Self::Steps(steps) => steps.value(row),
        }
    }
}

fn presence_value(present: bool) -> i64 {
    if present { PRESENT } else { ABSENT }
}
