//! Arguments of row-wise functions: columns, and constants that need not be written out.

use std::any::type_name;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, StringArray,
};
use arrow::datatypes::DataType;

use crate::KernelError;

/// A column, or one value that stands for every row.
#[derive(Clone, Debug)]
pub struct Argument {
    array: ArrayRef,
    constant: bool,
}

impl Argument {
    /// One value per row.
    pub fn column(array: ArrayRef) -> Self {
        Self { array, constant: false }
    }

    /// The first value of `array` for every row.
    ///
    /// # Errors
    /// When the array is empty.
    pub fn constant(array: ArrayRef) -> Result<Self, KernelError> {
        if array.is_empty() {
            return Err(wrong("a constant without a value"));
        }
        Ok(Self { array, constant: true })
    }

    /// The Arrow type.
    pub fn kind(&self) -> &DataType {
        self.array.data_type()
    }

    /// Whether one value stands for every row.
    pub fn is_constant(&self) -> bool {
        self.constant
    }

    pub(super) fn array(&self) -> &ArrayRef {
        &self.array
    }

    /// Where the value of a row stands in the array.
    #[inline]
    pub(super) fn position(&self, row: usize) -> usize {
        row & self.mask()
    }

    #[inline]
    fn mask(&self) -> usize {
        if self.constant { 0 } else { usize::MAX }
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.array.is_null(self.position(row))
    }

    /// The values of a primitive type.
    pub(super) fn values<T: ArrowPrimitiveType>(&self) -> Result<Values<'_, T>, KernelError> {
        let array = self.array.as_primitive_opt::<T>();
        let array = array.ok_or_else(|| wrong(type_name::<T>()))?;
        Ok(Values { array, mask: self.mask() })
    }

    pub(super) fn texts(&self) -> Result<Texts<'_>, KernelError> {
        let array = self.array.as_string_opt::<i32>().ok_or_else(|| wrong("text"))?;
        Ok(Texts { array, mask: self.mask() })
    }
}

/// Refuses arguments that the planner should never have let through.
pub(super) fn wrong(what: &str) -> KernelError {
    KernelError::Function { what: what.to_owned() }
}

/// Primitive values by row.
#[derive(Clone, Copy)]
pub(super) struct Values<'a, T: ArrowPrimitiveType> {
    array: &'a PrimitiveArray<T>,
    mask: usize,
}

impl<T: ArrowPrimitiveType> Values<'_, T> {
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<T::Native> {
        let position = row & self.mask;
        (!self.array.is_null(position)).then(|| self.array.value(position))
    }
}

/// Texts by row.
#[derive(Clone, Copy)]
pub(super) struct Texts<'a> {
    array: &'a StringArray,
    mask: usize,
}

impl<'a> Texts<'a> {
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<&'a str> {
        let position = row & self.mask;
        (!self.array.is_null(position)).then(|| self.array.value(position))
    }
}

/// Exactly `N` arguments.
pub(super) fn exactly<const N: usize>(
    arguments: &[Argument],
) -> Result<&[Argument; N], KernelError> {
    arguments.try_into().map_err(|_| wrong("the number of arguments"))
}

/// One value per row, or NULL.
pub(super) fn each<T: ArrowPrimitiveType>(
    rows: usize,
    value: impl Fn(usize) -> Option<T::Native>,
) -> ArrayRef {
    std::sync::Arc::new((0..rows).map(value).collect::<PrimitiveArray<T>>())
}

/// One truth value per row, or NULL.
pub(super) fn each_truth(rows: usize, value: impl Fn(usize) -> Option<bool>) -> ArrayRef {
    std::sync::Arc::new((0..rows).map(value).collect::<BooleanArray>())
}

/// What a float result must be: a finite number, with one zero.
#[inline]
pub(super) fn finite(value: f64) -> Option<f64> {
    // Adding zero turns -0.0 into 0.0, which every comparison holds equal to nothing else.
    value.is_finite().then_some(value + 0.0)
}
