//! Sets of values per group: the columns of partial states that are no totals, because the size of
//! a union is not the sum of sizes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, LargeBinaryArray, LargeListArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, FieldRef};

use crate::KernelError;
use crate::intern::Strings;

/// One set per group: canonical bytes of values, ascending, each once.
#[derive(Default, Clone)]
pub(crate) struct Sets {
    values: Strings,
    /// How many values there are up to the end of each set.
    ends: Vec<usize>,
}

impl Sets {
    /// The Arrow type of the column.
    pub(crate) fn data_type() -> DataType {
        DataType::LargeList(item())
    }

    /// Adds a value to the set under way; values come in ascending order.
    pub(crate) fn add(&mut self, value: &[u8]) {
        self.values.push(value);
    }

    /// Ends the set under way.
    pub(crate) fn end(&mut self) {
        self.ends.push(self.values.len());
    }

    /// Adds the union of some sets as one set.
    pub(crate) fn union<'a>(&mut self, sets: impl Iterator<Item = (&'a LargeListArray, usize)>) {
        let sets: Vec<ArrayRef> = sets.map(|(column, row)| column.value(row)).collect();
        let values = sets.iter().filter_map(|set| set.as_binary_opt::<i64>());
        let mut values: Vec<&[u8]> = values.flat_map(|set| set.iter().flatten()).collect();
        values.sort_unstable();
        values.dedup();
        values.into_iter().for_each(|value| self.add(value));
        self.end();
    }

    pub(crate) fn into_array(self) -> Result<ArrayRef, KernelError> {
        let internal = |_| KernelError::Internal { doing: "assembling sets of values" };
        let (bytes, starts) = self.values.into_parts();
        let values = LargeBinaryArray::try_new(offsets(starts)?, Buffer::from_vec(bytes), None)
            .map_err(internal)?;
        let ends = std::iter::once(0).chain(self.ends).collect();
        let sets = LargeListArray::try_new(item(), offsets(ends)?, Arc::new(values), None);
        Ok(Arc::new(sets.map_err(internal)?))
    }
}

/// The column, if it is one of sets: no NULL, and in each set values ascending, each once.
pub(crate) fn checked(column: &ArrayRef) -> Option<&LargeListArray> {
    let sets = column.as_list_opt::<i64>().filter(|sets| sets.null_count() == 0)?;
    let values = sets.values().as_binary_opt::<i64>().filter(|values| values.null_count() == 0)?;
    let ascends = |ends: &[i64]| {
        let (first, end) = (ends[0] as usize, ends[1] as usize);
        (first + 1..end).all(|place| values.value(place - 1) < values.value(place))
    };
    sets.value_offsets().windows(2).all(ascends).then_some(sets)
}

fn item() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::LargeBinary, false))
}

fn offsets(ends: Vec<usize>) -> Result<OffsetBuffer<i64>, KernelError> {
    let too_large = KernelError::TooLarge { what: "bytes of values", limit: i64::MAX as u64 };
    let ends: Result<Vec<i64>, _> = ends.into_iter().map(i64::try_from).collect();
    Ok(OffsetBuffer::new(ScalarBuffer::from(ends.map_err(|_| too_large)?)))
}
