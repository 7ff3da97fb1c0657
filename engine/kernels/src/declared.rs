//! What a catalogue declares about a column, enforced in every row: numbers clamped, unlisted
//! values and NaN to NULL, one zero, no text that is too long.
//!
//! Values that stay are never copied one by one: a list only takes validity away, and a
//! dictionary is enforced entry by entry.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::types::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, StringArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::DataType;

use crate::scalar::TEXT_BYTES_MAX;

/// What is declared about a column of doubles, 64-bit integers, text, truth values, days or
/// microseconds.
#[derive(Debug, Clone, PartialEq)]
pub enum Declaration {
    /// Nothing: only NaN, the negative zero and texts that are too long are brought to their
    /// canonical form.
    Nothing,
    /// Doubles between two.
    Floats {
        /// The smallest.
        lower: f64,
        /// The largest.
        upper: f64,
    },
    /// Integers, days or microseconds between two.
    Integers {
        /// The smallest.
        lower: i64,
        /// The largest.
        upper: i64,
    },
    /// One of these integers.
    ListedIntegers(BTreeSet<i64>),
    /// One of these texts.
    ListedTexts(BTreeSet<String>),
    /// One of these truth values.
    ListedTruths(BTreeSet<bool>),
}

impl Declaration {
    /// Enforces the declaration; a column of a type that it does not speak of is left as it is.
    ///
    /// *Shape*: as long as the input and of its type; text of every layout becomes `Utf8`.
    pub fn enforce(&self, column: ArrayRef) -> ArrayRef {
        if let Some(dictionary) = column.as_any_dictionary_opt() {
            let values = self.enforce(Arc::clone(dictionary.values()));
            return dictionary.with_values(values);
        }
        match (self, column.data_type()) {
            (_, DataType::LargeUtf8 | DataType::Utf8View) => self.enforce(short(column)),
            (Self::Nothing, DataType::Utf8) => short(column),
            (Self::Nothing, DataType::Float64) => floats(&column, f64::NEG_INFINITY, f64::INFINITY),
            (Self::Floats { lower, upper }, DataType::Float64) => floats(&column, *lower, *upper),
            (Self::Integers { lower, upper }, DataType::Int64) => {
                clamped::<Int64Type>(&column, *lower, *upper)
            }
            (Self::Integers { lower, upper }, DataType::Timestamp(_, _)) => {
                clamped::<TimestampMicrosecondType>(&column, *lower, *upper)
            }
            (Self::Integers { lower, upper }, DataType::Date32) => {
                let day = |end: i64| end.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
                clamped::<Date32Type>(&column, day(*lower), day(*upper))
            }
            (Self::ListedIntegers(list), DataType::Int64) => {
                let integers = column.as_primitive::<Int64Type>();
                let kept = kept(integers, |row| list.contains(&integers.value(row)));
                let values = integers.values().clone();
                Arc::new(PrimitiveArray::<Int64Type>::new(values, kept))
            }
            (Self::ListedTexts(list), DataType::Utf8) => {
                let column = short(column);
                let texts = column.as_string::<i32>();
                let kept = kept(texts, |row| list.contains(texts.value(row)));
                let (offsets, values) = (texts.offsets().clone(), texts.values().clone());
                Arc::new(StringArray::new(offsets, values, kept))
            }
            (Self::ListedTruths(list), DataType::Boolean) => {
                let truths = column.as_boolean();
                let kept = kept(truths, |row| list.contains(&truths.value(row)));
                Arc::new(BooleanArray::new(truths.values().clone(), kept))
            }
            _ => column,
        }
    }
}

/// Text as `Utf8`, without texts of more than [`TEXT_BYTES_MAX`] bytes: they become NULL. Their bytes
/// are left behind, so that a batch that is put together from others stays small.
fn short(column: ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            let fits = |ends: &[i32]| (ends[1] - ends[0]) as usize <= TEXT_BYTES_MAX;
            if texts.offsets().windows(2).all(fits) {
                return column;
            }
            Arc::new(kept_short(texts.iter()))
        }
        DataType::LargeUtf8 => Arc::new(kept_short(column.as_string::<i64>().iter())),
        DataType::Utf8View => Arc::new(kept_short(column.as_string_view().iter())),
        _ => column,
    }
}

fn kept_short<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> StringArray {
    texts.map(|text| text.filter(|text| text.len() <= TEXT_BYTES_MAX)).collect()
}

fn floats(column: &ArrayRef, lower: f64, upper: f64) -> ArrayRef {
    let floats = column.as_primitive::<Float64Type>();
    // Adding zero leaves one zero; `max` and `min` would hide a NaN, which is found beforehand.
    let values = floats.values().iter().map(|float| (float + 0.0).max(lower).min(upper)).collect();
    let no_nan = floats.values().iter().fold(true, |none, float| none & !float.is_nan());
    let nulls = match no_nan {
        true => floats.nulls().cloned(),
        false => kept(floats, |row| !floats.value(row).is_nan()),
    };
    Arc::new(PrimitiveArray::<Float64Type>::new(values, nulls))
}

fn clamped<T: ArrowPrimitiveType>(column: &ArrayRef, lower: T::Native, upper: T::Native) -> ArrayRef
where
    T::Native: Ord,
{
    match column.as_primitive_opt::<T>() {
        Some(values) => Arc::new(values.unary::<_, T>(|value| value.clamp(lower, upper))),
        None => Arc::clone(column),
    }
}

/// Validity after further rows have become NULL; a row that is NULL already is not looked at.
fn kept(column: &dyn Array, keep: impl Fn(usize) -> bool) -> Option<NullBuffer> {
    let valid = |row: usize| column.is_valid(row) && keep(row);
    let kept = NullBuffer::new(BooleanBuffer::collect_bool(column.len(), valid));
    (kept.null_count() > 0).then_some(kept)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array};
    use arrow::compute::cast;

    use super::*;

    fn check(declaration: &Declaration, given: ArrayRef, expected: ArrayRef) {
        assert_eq!(&declaration.enforce(given), &expected, "{declaration:?}");
    }

    #[test]
    fn floats_are_clamped_nan_is_null_and_there_is_one_zero() {
        let given = || -> ArrayRef {
            Arc::new(Float64Array::from(vec![
                Some(f64::NAN),
                Some(-f64::NAN),
                Some(f64::INFINITY),
                None,
                Some(-0.0),
                Some(3.5),
            ]))
        };
        let bounds = Declaration::Floats { lower: -1.0, upper: 3.0 };
        let expected = vec![None, None, Some(3.0), None, Some(0.0), Some(3.0)];
        check(&bounds, given(), Arc::new(Float64Array::from(expected)));
        let free = Declaration::Nothing.enforce(given());
        let free = free.as_primitive::<Float64Type>();
        let expected = vec![None, None, Some(f64::INFINITY), None, Some(0.0), Some(3.5)];
        assert_eq!(free, &Float64Array::from(expected));
        assert!(free.value(4).is_sign_positive());
    }

    #[test]
    fn lists_take_validity_away_also_in_slices_and_dictionaries() {
        let texts: ArrayRef =
            Arc::new(StringArray::from(vec![Some("x"), Some("a"), None, Some("A"), Some("a")]));
        let list = Declaration::ListedTexts(["a".to_owned()].into());
        let expected: ArrayRef =
            Arc::new(StringArray::from(vec![None, Some("a"), None, None, Some("a")]));
        check(&list, texts.clone(), expected.clone());
        check(&list, texts.slice(1, 3), expected.slice(1, 3));
        let kind = DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into());
        let enforced = list.enforce(cast(&texts, &kind).unwrap());
        assert_eq!(enforced.data_type(), &kind);
        assert_eq!(&cast(&enforced, &DataType::Utf8).unwrap(), &expected);
        check(
            &Declaration::ListedIntegers([1, 2].into()),
            Arc::new(Int64Array::from(vec![Some(1), Some(3), None])),
            Arc::new(Int64Array::from(vec![Some(1), None, None])),
        );
        check(
            &Declaration::ListedTruths([true].into()),
            Arc::new(BooleanArray::from(vec![true, false])),
            Arc::new(BooleanArray::from(vec![Some(true), None])),
        );
    }

    #[test]
    fn texts_that_are_too_long_are_null_in_every_layout() {
        let longest = "é".repeat(TEXT_BYTES_MAX / 2);
        let longer = format!("{longest}a");
        let texts: ArrayRef = Arc::new(StringArray::from(vec![
            Some(longest.as_str()),
            Some(&longer),
            None,
            Some("a"),
            Some(&longer),
        ]));
        let expected: ArrayRef =
            Arc::new(StringArray::from(vec![Some(longest.as_str()), None, None, Some("a"), None]));
        let free = Declaration::Nothing;
        for layout in [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View] {
            check(&free, cast(&texts, &layout).unwrap(), expected.clone());
        }
        check(&free, texts.slice(1, 3), expected.slice(1, 3));
        // What is too long is not kept behind the NULL.
        let enforced = free.enforce(texts.clone());
        assert_eq!(enforced.as_string::<i32>().value_data().len(), longest.len() + 1);
        let kind = DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into());
        let enforced = free.enforce(cast(&texts, &kind).unwrap());
        assert_eq!(&cast(&enforced, &DataType::Utf8).unwrap(), &expected);
        // Even where it is listed.
        let list = Declaration::ListedTexts([longer.clone(), "a".to_owned()].into());
        let only: ArrayRef = Arc::new(StringArray::from(vec![None, None, None, Some("a"), None]));
        check(&list, texts, only);
    }

    #[test]
    fn integers_and_days_are_clamped() {
        let bounds = Declaration::Integers { lower: 0, upper: 10 };
        let given: ArrayRef =
            Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(i64::MAX), None]));
        check(&bounds, given, Arc::new(Int64Array::from(vec![Some(0), Some(10), None])));
        let days: ArrayRef = Arc::new(arrow::array::Date32Array::from(vec![-5, 5, 50]));
        check(&bounds, days, Arc::new(arrow::array::Date32Array::from(vec![0, 5, 10])));
    }
}
