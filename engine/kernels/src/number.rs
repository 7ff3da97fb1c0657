//! One learned key column of integers needs no dictionary: the value is its own number.
//!
//! NULL and the few values beyond 63 bits are escapes, which have a dictionary that all lanes share.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use arrow::array::{Array, ArrayRef};

use crate::integer::{Integer, Label};

/// The code of NULL: the escape of number 0.
pub(crate) const NULL: u64 = 1;

/// Values of 64 bits as codes, one code per value.
///
/// An even code holds the value above its last bit; an odd one the number of an escape.
#[derive(Debug)]
pub(crate) struct Codes {
    integer: Integer,
    escapes: Mutex<Escapes>,
}

#[derive(Debug, Default)]
struct Escapes {
    numbers: BTreeMap<i64, u64>,
    values: Vec<i64>,
}

/// Codes back to values, once all rows are there.
pub(crate) struct Values {
    integer: Integer,
    escaped: Vec<i64>,
}

impl Codes {
    pub(crate) fn new(integer: Integer) -> Self {
        Self { integer, escapes: Mutex::default() }
    }

    /// The codes of a column of the canonical type.
    pub(crate) fn of(&self, column: &ArrayRef) -> Vec<u64> {
        let bits = self.integer.bits(column);
        let nulls = column.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        // A value fits when its first two bits are alike.
        let fits = |value: i64| value ^ (value << 1) >= 0;
        if nulls.is_none() && bits.iter().fold(true, |all, &value| all & fits(value)) {
            return bits.iter().map(|value| (value << 1).cast_unsigned()).collect();
        }
        let code = |(row, &value): (usize, &i64)| match &nulls {
            Some(nulls) if nulls.is_null(row) => NULL,
            _ if fits(value) => (value << 1).cast_unsigned(),
            _ => self.escape(value),
        };
        bits.iter().enumerate().map(code).collect()
    }

    fn escape(&self, value: i64) -> u64 {
        let mut escapes = self.escapes.lock().unwrap_or_else(PoisonError::into_inner);
        let Escapes { numbers, values } = &mut *escapes;
        let number = *numbers.entry(value).or_insert_with(|| {
            values.push(value);
            values.len() as u64
        });
        number << 1 | 1
    }

    /// How many values needed an escape.
    pub(crate) fn escapes(&self) -> usize {
        self.escapes.lock().unwrap_or_else(PoisonError::into_inner).values.len()
    }

    pub(crate) fn values(&self) -> Values {
        let escapes = self.escapes.lock().unwrap_or_else(PoisonError::into_inner);
        Values { integer: self.integer, escaped: escapes.values.clone() }
    }
}

impl Values {
    /// How many values needed an escape.
    pub(crate) fn escapes(&self) -> usize {
        self.escaped.len()
    }

    /// Whether a code stands for a value or NULL.
    pub(crate) fn knows(&self, code: u64) -> bool {
        code & 1 == 0 || code >> 1 <= self.escaped.len() as u64
    }

    /// The value of a code; nothing for NULL.
    #[inline]
    pub(crate) fn value(&self, code: u64) -> Option<i64> {
        match (code & 1, code >> 1) {
            (0, _) => Some(code.cast_signed() >> 1),
            (_, 0) => None,
            (_, number) => Some(self.escaped[number as usize - 1]),
        }
    }

    /// The canonical bytes of a code's value.
    #[inline]
    pub(crate) fn label(&self, code: u64) -> Label {
        self.value(code).map_or(self.integer.null_label(), |value| self.integer.label(value))
    }

    /// Sorts like [`Values::label`].
    #[inline]
    pub(crate) fn order(&self, code: u64) -> Option<u64> {
        self.value(code).map(|value| self.integer.order(value))
    }
}
