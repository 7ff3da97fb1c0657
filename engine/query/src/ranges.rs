//! Which values an expression can take, from what the catalogue declares.
//!
//! Nothing here is trusted with privacy: bounds are enforced by the scan and again by the kernel,
//! and rows outside a public domain are dropped before bounding. A wrong inference would cost
//! accuracy only.

use crate::catalogue::Declared;
use crate::plan::{Comparison, Domain, Possible, Relation, Scalar, Type, Value};

/// The domain that a declaration enforces.
pub(crate) fn declared(declared: &Declared) -> Domain {
    let possible = match declared {
        Declared::Nothing => Possible::Unknown,
        Declared::Bounds { lower, upper } => Possible::Between { lower: *lower, upper: *upper },
        Declared::Values(values) => Possible::Values(values.clone()),
    };
    Domain { possible, nullable: true }
}

/// The domain of an expression over the columns of `relation`.
pub(crate) fn of(scalar: &Scalar, relation: &Relation) -> Domain {
    let truth = |nullable| Domain {
        possible: Possible::Values(vec![Value::Bool(false), Value::Bool(true)]),
        nullable,
    };
    match scalar {
        Scalar::Column(position) => relation.columns[*position].domain.clone(),
        Scalar::Literal(Value::Null(_)) => {
            Domain { possible: Possible::Values(Vec::new()), nullable: true }
        }
        Scalar::Literal(value) => {
            Domain { possible: Possible::Values(vec![value.clone()]), nullable: false }
        }
        Scalar::Compare { left, right, .. }
        | Scalar::And(left, right)
        | Scalar::Or(left, right) => {
            truth(of(left, relation).nullable || of(right, relation).nullable)
        }
        Scalar::Not(inner) | Scalar::InList { value: inner, .. } => {
            truth(of(inner, relation).nullable)
        }
        Scalar::IsNull(_) => truth(false),
        Scalar::ToFloat(inner) => to_float(of(inner, relation)),
    }
}

fn to_float(domain: Domain) -> Domain {
    let possible = match domain.possible {
        Possible::Values(values) => {
            let numbers: Vec<f64> = values.iter().filter_map(Value::as_number).collect();
            Possible::Values(numbers.into_iter().map(Value::Float).collect())
        }
        other @ (Possible::Between { .. } | Possible::Unknown) => other,
    };
    Domain { possible, nullable: domain.nullable }
}

/// The smallest interval of numbers that holds the domain.
pub(crate) fn interval(domain: &Domain, kind: Type) -> Option<(f64, f64)> {
    if !kind.is_number() {
        return None;
    }
    match &domain.possible {
        Possible::Between { lower, upper } => Some((*lower, *upper)),
        Possible::Values(values) => {
            let numbers: Option<Vec<f64>> = values.iter().map(Value::as_number).collect();
            let numbers = numbers?;
            let lower = numbers.iter().copied().reduce(f64::min)?;
            let upper = numbers.iter().copied().reduce(f64::max)?;
            (lower < upper).then_some((lower, upper))
        }
        Possible::Unknown => None,
    }
}

/// Narrows the columns' domains to rows for which `predicate` is true.
pub(crate) fn narrow(relation: &mut Relation, predicate: &Scalar) {
    for conjunct in predicate.conjuncts() {
        if let Some((position, keep)) = test_of_one_column(conjunct) {
            let domain = &mut relation.columns[position].domain;
            domain.nullable = false;
            if let Possible::Values(values) = &mut domain.possible {
                values.retain(|value| keep(value));
            }
        }
    }
}

/// Which constants of a domain pass a test.
type Keep<'a> = Box<dyn Fn(&Value) -> bool + 'a>;

/// The column that a NULL-rejecting test is about, and which constants pass it.
fn test_of_one_column(test: &Scalar) -> Option<(usize, Keep<'_>)> {
    match test {
        Scalar::Not(inner) => match inner.as_ref() {
            Scalar::IsNull(value) => Some((column(value)?, Box::new(|_| true))),
            Scalar::InList { value, list } => {
                Some((column(value)?, Box::new(|value| !list.contains(value))))
            }
            _ => None,
        },
        Scalar::InList { value, list } => {
            Some((column(value)?, Box::new(|value| list.contains(value))))
        }
        Scalar::Compare { op, left, right } => match (left.as_ref(), right.as_ref()) {
            (Scalar::Column(position), Scalar::Literal(constant)) => {
                Some((*position, Box::new(move |value| holds(*op, value, constant))))
            }
            (Scalar::Literal(constant), Scalar::Column(position)) => {
                Some((*position, Box::new(move |value| holds(*op, constant, value))))
            }
            _ => None,
        },
        Scalar::Column(_)
        | Scalar::Literal(_)
        | Scalar::And(..)
        | Scalar::Or(..)
        | Scalar::IsNull(_)
        | Scalar::ToFloat(_) => None,
    }
}

fn column(scalar: &Scalar) -> Option<usize> {
    match scalar {
        Scalar::Column(position) => Some(*position),
        _ => None,
    }
}

fn holds(op: Comparison, left: &Value, right: &Value) -> bool {
    match op {
        Comparison::Equal => left == right,
        Comparison::NotEqual => left != right,
        Comparison::Less => left < right,
        Comparison::LessOrEqual => left <= right,
        Comparison::Greater => left > right,
        Comparison::GreaterOrEqual => left >= right,
    }
}
