//! Finite sets need no rules: the expression itself is evaluated on every combination of inputs,
//! by the same physical expression that rows would meet.

use std::collections::BTreeMap;

use super::narrow::Facts;
use crate::execute;
use crate::plan::{Domain, FINITE_MAX, Scalar, Type, Value};

/// The exact results of an expression all of whose columns are finite sets, if there are at most
/// so many combinations as a finite set may have values.
pub(super) fn evaluated(scalar: &Scalar, facts: &Facts<'_>, kinds: &[Type]) -> Option<Domain> {
    let columns = scalar.columns();
    let mut inputs = Vec::with_capacity(columns.len());
    for position in &columns {
        inputs.push((kinds[*position], with_null(facts.get(*position), kinds[*position])?));
    }
    let places: BTreeMap<usize, usize> =
        columns.iter().enumerate().map(|(place, position)| (*position, place)).collect();
    results(&renumbered(scalar, &places), &inputs)
}

/// The same for one step of an expression, its operands being finite sets of their own.
pub(super) fn of_children(scalar: &Scalar, children: &[Domain], kinds: &[Type]) -> Option<Domain> {
    let mut inputs = Vec::with_capacity(children.len());
    for (child, kind) in children.iter().zip(kinds) {
        inputs.push((*kind, with_null(child, *kind)?));
    }
    let mut place = 0;
    let step = scalar.with_children(|_| {
        place += 1;
        Scalar::Column(place - 1)
    });
    results(&step, &inputs)
}

fn with_null(domain: &Domain, kind: Type) -> Option<Vec<Value>> {
    let mut values = domain.finite()?;
    if domain.nullable {
        values.push(Value::Null(kind));
    }
    Some(values)
}

fn renumbered(scalar: &Scalar, places: &BTreeMap<usize, usize>) -> Scalar {
    match scalar {
        Scalar::Column(position) => Scalar::Column(places[position]),
        other => other.with_children(|child| renumbered(child, places)),
    }
}

/// Evaluates over the product of the inputs.
fn results(scalar: &Scalar, inputs: &[(Type, Vec<Value>)]) -> Option<Domain> {
    let mut rows = 1_usize;
    for (_, values) in inputs {
        rows = rows.checked_mul(values.len()).filter(|rows| *rows <= FINITE_MAX)?;
    }
    if rows == 0 {
        // No value can reach the expression.
        return Some(Domain::values([], false));
    }
    let mut repeat = rows;
    let mut columns = Vec::with_capacity(inputs.len());
    for (kind, values) in inputs {
        repeat /= values.len();
        let column =
            (0..rows).map(|row| values[row / repeat % values.len()].clone()).collect::<Vec<_>>();
        columns.push((*kind, column));
    }
    let results = execute::evaluate(scalar, &columns, rows)?;
    Some(Domain::values(results, false))
}
