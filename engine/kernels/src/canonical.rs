//! One byte string per unit id and per key tuple, whatever Arrow type carries it.
//!
//! Dictionaries, run-end encodings, views and large offsets are brought to one plain type; NaN
//! becomes NULL and -0.0 becomes 0.0. The bytes are Arrow's row format of the canonical columns,
//! which is injective and sorts like the values, NULL first.

use arrow::array::types::{Float16Type, Float32Type, Float64Type};
use arrow::array::{Array, ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, Rows, SortField};
use std::sync::Arc;

use crate::KernelError;

/// More key bytes than this would overflow the 32-bit offsets of a text column.
const KEY_BYTES_MAX: usize = i32::MAX as usize;

/// The plain type that stands for a type of keys or unit ids; nothing for nested types.
pub(crate) fn canonical_type(data_type: &DataType) -> Option<DataType> {
    use DataType as T;
    match data_type {
        T::Null
        | T::Boolean
        | T::Int8
        | T::Int16
        | T::Int32
        | T::Int64
        | T::UInt8
        | T::UInt16
        | T::UInt32
        | T::UInt64
        | T::Float16
        | T::Float32
        | T::Float64
        | T::Timestamp(_, _)
        | T::Date32
        | T::Date64
        | T::Time32(_)
        | T::Time64(_)
        | T::Duration(_)
        | T::Interval(_)
        | T::Decimal32(_, _)
        | T::Decimal64(_, _)
        | T::Decimal128(_, _)
        | T::Decimal256(_, _)
        | T::FixedSizeBinary(_) => Some(data_type.clone()),
        T::Utf8 | T::LargeUtf8 | T::Utf8View => Some(T::Utf8),
        T::Binary | T::LargeBinary | T::BinaryView => Some(T::Binary),
        T::Dictionary(_, values) => canonical_type(values),
        T::RunEndEncoded(_, values) => canonical_type(values.data_type()),
        T::List(_)
        | T::ListView(_)
        | T::FixedSizeList(_, _)
        | T::LargeList(_)
        | T::LargeListView(_)
        | T::Struct(_)
        | T::Union(_, _)
        | T::Map(_, _) => None,
    }
}

/// Brings a column to its canonical type and values; nothing when Arrow cannot.
pub(crate) fn canonical_column(column: &ArrayRef, canonical: &DataType) -> Option<ArrayRef> {
    let plain = if column.data_type() == canonical {
        Arc::clone(column)
    } else {
        // With `safe` a text that does not fit would silently become NULL.
        let options = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(column, canonical, &options).ok()?
    };
    Some(match canonical {
        DataType::Float16 => canonical_floats::<Float16Type>(&plain),
        DataType::Float32 => canonical_floats::<Float32Type>(&plain),
        DataType::Float64 => canonical_floats::<Float64Type>(&plain),
        _ => plain,
    })
}

/// Which rows hold a value, neither NULL nor NaN; nothing when Arrow cannot tell.
pub(crate) fn presence(column: &ArrayRef) -> Option<BooleanBuffer> {
    let nulls = match canonical_type(column.data_type()) {
        Some(canonical @ (DataType::Float16 | DataType::Float32 | DataType::Float64)) => {
            canonical_column(column, &canonical)?.logical_nulls()
        }
        _ => column.logical_nulls(),
    };
    Some(match nulls {
        Some(nulls) => nulls.into_inner(),
        None => BooleanBuffer::new_set(column.len()),
    })
}

fn canonical_floats<T: ArrowPrimitiveType>(column: &ArrayRef) -> ArrayRef {
    Arc::new(column.as_primitive::<T>().unary_opt::<_, T>(|value| {
        let is_nan = value.partial_cmp(&value).is_none();
        // -0.0 equals zero and is replaced by the positive one.
        (!is_nan).then(|| if value.is_zero() { T::Native::ZERO } else { value })
    }))
}

/// Turns tuples of canonical columns into bytes and back.
#[derive(Debug)]
pub(crate) struct TupleEncoder {
    types: Vec<DataType>,
    /// Nothing for tuples without columns, which Arrow's converter does not know.
    converter: Option<RowConverter>,
}

/// The bytes of the tuples of one batch.
pub(crate) struct Tuples(Option<Rows>);

impl Tuples {
    /// How many tuples there are; 0 when they have no columns.
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, Rows::num_rows)
    }

    /// The bytes of one tuple; empty when tuples have no columns.
    pub(crate) fn bytes(&self, row: usize) -> &[u8] {
        match &self.0 {
            Some(rows) => rows.row(row).data(),
            None => &[],
        }
    }
}

impl TupleEncoder {
    /// An encoder for canonical types; see [`canonical_type`].
    pub(crate) fn new(types: Vec<DataType>) -> Result<Self, KernelError> {
        let converter = if types.is_empty() {
            None
        } else {
            let fields = types.iter().cloned().map(SortField::new).collect();
            let internal = KernelError::Internal { doing: "preparing the key encoding" };
            Some(RowConverter::new(fields).map_err(|_| internal)?)
        };
        Ok(Self { types, converter })
    }

    /// The canonical types of the columns.
    pub(crate) fn types(&self) -> &[DataType] {
        &self.types
    }

    /// Encodes columns that [`canonical_column`] returned.
    pub(crate) fn encode(&self, columns: &[ArrayRef]) -> Result<Tuples, KernelError> {
        let Some(converter) = &self.converter else { return Ok(Tuples(None)) };
        let internal = KernelError::Internal { doing: "encoding keys" };
        Ok(Tuples(Some(converter.convert_columns(columns).map_err(|_| internal)?)))
    }

    /// Turns bytes of [`TupleEncoder::encode`] back into columns, in the order given.
    pub(crate) fn decode<'a>(
        &self,
        tuples: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<Vec<ArrayRef>, KernelError> {
        let Some(converter) = &self.converter else { return Ok(Vec::new()) };
        if tuples.clone().map(<[u8]>::len).sum::<usize>() > KEY_BYTES_MAX {
            return Err(KernelError::TooLarge {
                what: "bytes of group keys",
                limit: KEY_BYTES_MAX as u64,
            });
        }
        let parser = converter.parser();
        let internal = KernelError::Internal { doing: "decoding keys" };
        converter.convert_rows(tuples.map(|bytes| parser.parse(bytes))).map_err(|_| internal)
    }
}
