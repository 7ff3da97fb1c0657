//! Choosing one of several values of one type.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, BooleanArray, DynComparator, make_comparator};
use arrow::compute::{SortOptions, interleave, nullif};

use super::Function;
use super::argument::{Argument, exactly, wrong};
use crate::KernelError;

/// The first argument that is not NULL.
pub(super) fn coalesce(arguments: &[Argument], rows: usize) -> Result<ArrayRef, KernelError> {
    chosen(arguments, rows, |row| {
        let present = arguments.iter().position(|argument| !argument.is_null(row));
        present.unwrap_or(arguments.len() - 1)
    })
}

/// The first argument, or NULL where it equals the second.
pub(super) fn null_if(arguments: &[Argument], rows: usize) -> Result<ArrayRef, KernelError> {
    let [a, b] = exactly(arguments)?;
    let order = comparator(a, b)?;
    let all = chosen(std::slice::from_ref(a), rows, |_| 0)?;
    let equal: BooleanArray = (0..rows)
        .map(|row| {
            let known = !a.is_null(row) && !b.is_null(row);
            Some(known && order(a.position(row), b.position(row)) == Ordering::Equal)
        })
        .collect();
    nullif(&all, &equal).map_err(|_| wrong("values of different types"))
}

/// The largest or smallest argument that is not NULL; NULL where all are.
pub(super) fn extreme(
    function: Function,
    arguments: &[Argument],
    rows: usize,
) -> Result<ArrayRef, KernelError> {
    let wanted = match function {
        Function::Greatest => Ordering::Greater,
        _ => Ordering::Less,
    };
    let count = arguments.len();
    let mut orders: Vec<DynComparator> = Vec::with_capacity(count * count);
    for a in arguments {
        for b in arguments {
            orders.push(comparator(a, b)?);
        }
    }
    chosen(arguments, rows, |row| {
        let mut best = 0;
        for (next, argument) in arguments.iter().enumerate().skip(1) {
            if argument.is_null(row) {
                continue;
            }
            let order = &orders[next * count + best];
            let better = || order(argument.position(row), arguments[best].position(row)) == wanted;
            if arguments[best].is_null(row) || better() {
                best = next;
            }
        }
        best
    })
}

fn comparator(a: &Argument, b: &Argument) -> Result<DynComparator, KernelError> {
    make_comparator(a.array().as_ref(), b.array().as_ref(), SortOptions::default())
        .map_err(|_| wrong("values of different types"))
}

/// For each row the value of the argument of that number.
fn chosen(
    arguments: &[Argument],
    rows: usize,
    number: impl Fn(usize) -> usize,
) -> Result<ArrayRef, KernelError> {
    if arguments.is_empty() {
        return Err(wrong("the number of arguments"));
    }
    let arrays: Vec<&dyn Array> =
        arguments.iter().map(|argument| argument.array().as_ref()).collect();
    let places: Vec<(usize, usize)> = (0..rows)
        .map(|row| {
            let number = number(row);
            (number, arguments[number].position(row))
        })
        .collect();
    interleave(&arrays, &places).map_err(|_| wrong("values of different types"))
}
