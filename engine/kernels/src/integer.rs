//! Integers of every width as 64 bits, and their canonical bytes without a converter.

use arrow::array::types::{Int8Type, Int16Type, UInt8Type, UInt16Type};
use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::DataType;

/// A canonical type whose values are whole numbers of a fixed width: dates and times among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Integer {
    width_bytes: u8,
    signed: bool,
}

/// The bytes of one number, as Arrow's row format writes them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Label {
    bytes: [u8; 9],
    length: u8,
}

impl Label {
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl Integer {
    /// How values of a canonical type are read; nothing for types that are no integers.
    pub(crate) fn of(canonical: &DataType) -> Option<Self> {
        let (width_bytes, signed) = match canonical {
            DataType::Int8 => (1, true),
            DataType::Int16 => (2, true),
            DataType::Int32 | DataType::Date32 | DataType::Time32(_) => (4, true),
            DataType::Int64
            | DataType::Date64
            | DataType::Time64(_)
            | DataType::Timestamp(_, _)
            | DataType::Duration(_) => (8, true),
            DataType::UInt8 => (1, false),
            DataType::UInt16 => (2, false),
            DataType::UInt32 => (4, false),
            DataType::UInt64 => (8, false),
            _ => return None,
        };
        Some(Self { width_bytes, signed })
    }

    /// The values of a column of this type, widened to 64 bits; NULLs hold anything.
    pub(crate) fn bits(self, column: &ArrayRef) -> ScalarBuffer<i64> {
        match (self.width_bytes, self.signed) {
            (1, true) => widened::<Int8Type>(column),
            (2, true) => widened::<Int16Type>(column),
            (1, false) => widened::<UInt8Type>(column),
            (2, false) => widened::<UInt16Type>(column),
            // Types of one width share one layout, whatever they are called.
            (4, true) => physical::<i32>(column).iter().map(|&value| i64::from(value)).collect(),
            (4, false) => physical::<u32>(column).iter().map(|&value| i64::from(value)).collect(),
            _ => physical::<i64>(column),
        }
    }

    /// The canonical bytes of a value: a byte that says "not NULL", then the number so that bytes
    /// sort like numbers.
    pub(crate) fn label(self, bits: i64) -> Label {
        let width = usize::from(self.width_bytes);
        let sign = if self.signed { 1_u64 << (8 * width - 1) } else { 0 };
        let mut bytes = [0; 9];
        bytes[0] = 1;
        let number = (bits.cast_unsigned() ^ sign) << (64 - 8 * width);
        bytes[1..].copy_from_slice(&number.to_be_bytes());
        Label { bytes, length: self.width_bytes + 1 }
    }

    /// The canonical bytes of NULL.
    pub(crate) fn null_label(self) -> Label {
        Label { bytes: [0; 9], length: self.width_bytes + 1 }
    }

    /// A number that sorts like the canonical bytes of a value.
    pub(crate) fn order(self, bits: i64) -> u64 {
        bits.cast_unsigned() ^ (u64::from(self.signed) << 63)
    }
}

fn widened<T: ArrowPrimitiveType>(column: &ArrayRef) -> ScalarBuffer<i64>
where
    T::Native: Into<i64>,
{
    column.as_primitive::<T>().values().iter().map(|&value| value.into()).collect()
}

fn physical<N: arrow::datatypes::ArrowNativeType>(column: &ArrayRef) -> ScalarBuffer<N> {
    let data = column.to_data();
    ScalarBuffer::new(data.buffers()[0].clone(), data.offset(), data.len())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, UInt64Array};
    use arrow::compute::cast;
    use arrow::datatypes::{IntervalUnit, TimeUnit};

    use super::*;
    use crate::canonical::{TupleEncoder, canonical_type};

    /// Labels of our own must stay the row format's, for every type that takes this way.
    #[test]
    fn labels_are_those_of_the_row_format() {
        use DataType as T;
        let wide = vec![Some(i64::MIN), Some(-1), None, Some(0), Some(1), Some(i64::MAX)];
        let narrow = vec![Some(-1), None, Some(0), Some(1), Some(100), Some(127)];
        let types = [
            (T::Int8, &narrow),
            (T::Int16, &narrow),
            (T::Int32, &narrow),
            (T::Int64, &wide),
            (T::UInt8, &narrow),
            (T::UInt16, &narrow),
            (T::UInt32, &narrow),
            (T::UInt64, &narrow),
            (T::Date32, &narrow),
            (T::Date64, &wide),
            (T::Timestamp(TimeUnit::Second, None), &wide),
            (T::Time32(TimeUnit::Second), &narrow),
            (T::Time64(TimeUnit::Nanosecond), &wide),
            (T::Duration(TimeUnit::Millisecond), &wide),
        ];
        for (data_type, numbers) in types {
            let numbers: ArrayRef = Arc::new(Int64Array::from(numbers.clone()));
            let half = match data_type {
                T::Date32 | T::Time32(_) => cast(&numbers, &T::Int32).unwrap(),
                _ => numbers,
            };
            let column = cast(&half, &data_type).unwrap();
            let integer = Integer::of(&data_type).unwrap();
            let bits = integer.bits(&column);
            let encoder = TupleEncoder::new(vec![data_type.clone()]).unwrap();
            let tuples = encoder.encode(std::slice::from_ref(&column)).unwrap();
            for row in 0..column.len() {
                let label = match column.is_null(row) {
                    true => integer.null_label(),
                    false => integer.label(bits[row]),
                };
                assert_eq!(label.as_slice(), tuples.bytes(row), "{data_type} {row}");
            }
            let valid = (0..column.len()).filter(|&row| column.is_valid(row));
            let mut by_order: Vec<usize> = valid.collect();
            by_order.sort_by_key(|&row| integer.order(bits[row]));
            assert!(by_order.is_sorted_by_key(|&row| tuples.bytes(row)), "{data_type}");
        }
        let large: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX, 1 << 63, 0]));
        let integer = Integer::of(&T::UInt64).unwrap();
        let tuples = TupleEncoder::new(vec![T::UInt64])
            .unwrap()
            .encode(std::slice::from_ref(&large))
            .unwrap();
        for (row, &bits) in integer.bits(&large).iter().enumerate() {
            assert_eq!(integer.label(bits).as_slice(), tuples.bytes(row));
        }
        assert!(Integer::of(&T::Interval(IntervalUnit::YearMonth)).is_none());
        assert_eq!(canonical_type(&T::Date32), Some(T::Date32));
    }
}
