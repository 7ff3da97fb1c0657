//! What a condition tells about columns.

use std::collections::BTreeMap;

use crate::plan::{Comparison, Domain, Possible, Scalar, Type, Value};

/// The domains of columns, some of them narrowed.
#[derive(Clone)]
pub(super) struct Facts<'a> {
    columns: &'a [Domain],
    narrowed: BTreeMap<usize, Domain>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(columns: &'a [Domain]) -> Self {
        Self { columns, narrowed: BTreeMap::new() }
    }

    pub(super) fn get(&self, position: usize) -> &Domain {
        self.narrowed.get(&position).unwrap_or(&self.columns[position])
    }

    pub(super) fn into_narrowed(self) -> BTreeMap<usize, Domain> {
        self.narrowed
    }

    /// Sets a column's domain; false where nothing can occur any more.
    fn set(&mut self, position: usize, domain: Domain) -> bool {
        let possible = domain.nullable
            || !matches!(&domain.possible, Possible::Values(values) if values.is_empty());
        self.narrowed.insert(position, domain);
        possible
    }
}

/// What is known of a condition's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    True,
    False,
    /// False or NULL.
    NotTrue,
}

/// Narrows the columns to rows in which `test` has this outcome. False where there are none.
///
/// What is not understood narrows nothing, which is always right.
pub(super) fn assume(facts: &mut Facts<'_>, test: &Scalar, outcome: Outcome) -> bool {
    match (test, outcome) {
        (Scalar::And(a, b), Outcome::True) => {
            assume(facts, a, Outcome::True) & assume(facts, b, Outcome::True)
        }
        (Scalar::Or(a, b), Outcome::False | Outcome::NotTrue) => {
            assume(facts, a, outcome) & assume(facts, b, outcome)
        }
        (Scalar::Or(a, b), Outcome::True) => either(facts, a, b),
        (Scalar::Not(inner), Outcome::True) => assume(facts, inner, Outcome::False),
        (Scalar::Not(inner), Outcome::False) => assume(facts, inner, Outcome::True),
        (Scalar::Not(inner), Outcome::NotTrue) => match inner.as_ref() {
            // Never NULL, so that what is not true is false.
            Scalar::IsNull(_) => assume(facts, inner, Outcome::True),
            _ => true,
        },
        (Scalar::IsNull(inner), _) => match inner.as_ref() {
            Scalar::Column(position) => {
                let mut domain = facts.get(*position).clone();
                if outcome == Outcome::True {
                    domain.possible = Possible::Values(Vec::new());
                } else {
                    domain.nullable = false;
                }
                facts.set(*position, domain)
            }
            _ => true,
        },
        (Scalar::Column(position), _) => {
            let mut domain = facts.get(*position).clone();
            let kept = Value::Bool(outcome == Outcome::True);
            let possible = if domain.contains(&kept) { vec![kept] } else { Vec::new() };
            domain.possible = Possible::Values(possible);
            domain.nullable &= outcome == Outcome::NotTrue;
            facts.set(*position, domain)
        }
        (Scalar::InList { value, list }, _) => match value.as_ref() {
            Scalar::Column(position) => {
                let domain = listed(facts.get(*position), list, outcome);
                facts.set(*position, domain)
            }
            _ => true,
        },
        (Scalar::Compare { op, left, right }, _) => compared(facts, *op, left, right, outcome),
        (Scalar::And(..), Outcome::False | Outcome::NotTrue)
        | (
            Scalar::Literal(_)
            | Scalar::Cast { .. }
            | Scalar::Like { .. }
            | Scalar::Case { .. }
            | Scalar::Call { .. },
            _,
        ) => true,
    }
}

/// One of two conditions is true: columns that both narrow hold what either leaves.
fn either(facts: &mut Facts<'_>, a: &Scalar, b: &Scalar) -> bool {
    let (mut left, mut right) = (facts.clone(), facts.clone());
    match (assume(&mut left, a, Outcome::True), assume(&mut right, b, Outcome::True)) {
        (true, true) => {}
        (true, false) => {
            *facts = left;
            return true;
        }
        (false, true) => {
            *facts = right;
            return true;
        }
        (false, false) => return false,
    }
    for (position, domain) in left.narrowed {
        if let Some(other) = right.narrowed.remove(&position) {
            facts.narrowed.insert(position, domain.or(other));
        }
    }
    true
}

fn listed(domain: &Domain, list: &[Value], outcome: Outcome) -> Domain {
    let nullable = domain.nullable && outcome == Outcome::NotTrue;
    if outcome == Outcome::True {
        let kept = list.iter().filter(|value| domain.contains(value)).cloned();
        return Domain::values(kept, nullable);
    }
    let possible = match &domain.possible {
        Possible::Values(values) => {
            Possible::Values(values.iter().filter(|value| !list.contains(value)).cloned().collect())
        }
        other => other.clone(),
    };
    Domain { possible, nullable }
}

fn compared(
    facts: &mut Facts<'_>,
    op: Comparison,
    left: &Scalar,
    right: &Scalar,
    outcome: Outcome,
) -> bool {
    let (position, constant, op) = match (left, right) {
        (Scalar::Column(position), Scalar::Literal(constant)) => (*position, constant, op),
        (Scalar::Literal(constant), Scalar::Column(position)) => {
            (*position, constant, exchanged(op))
        }
        // An integer column beside a double.
        (Scalar::Cast { value, to: Type::Float64 }, Scalar::Literal(constant)) => {
            return match (value.as_ref(), whole(constant, op)) {
                (Scalar::Column(position), Some(constant)) => {
                    let column = Scalar::Column(*position);
                    compared(facts, op, &column, &Scalar::Literal(constant), outcome)
                }
                _ => true,
            };
        }
        _ => return true,
    };
    if constant.is_null() {
        return true;
    }
    let domain = facts.get(position).clone();
    let total = matches!(op, Comparison::Distinct | Comparison::NotDistinct);
    let equal = Comparison::Equal;
    let (op, null_stays) = match (op, outcome) {
        (Comparison::Distinct, Outcome::True) => (Comparison::NotEqual, true),
        (Comparison::NotDistinct, Outcome::True) | (Comparison::Distinct, _) => (equal, false),
        (Comparison::NotDistinct, _) => (Comparison::NotEqual, true),
        (op, Outcome::True) => (op, false),
        (op, _) => (negated(op), outcome == Outcome::NotTrue),
    };
    debug_assert!(total || !null_stays || outcome == Outcome::NotTrue);
    let mut kept = cut(&domain, op, constant);
    kept.nullable = domain.nullable && null_stays;
    facts.set(position, kept)
}

/// The integer that a double stands for in a comparison with a column of integers.
fn whole(constant: &Value, op: Comparison) -> Option<Value> {
    let Value::Float(float) = constant else { return None };
    // Beyond 2^53 the cast rounds integers, so that the comparison is another one.
    let exact = float.abs() < 9e15;
    let float = match op {
        Comparison::Less | Comparison::GreaterOrEqual => float.ceil(),
        Comparison::LessOrEqual | Comparison::Greater => float.floor(),
        _ if float.fract() == 0.0 => *float,
        _ => return None,
    };
    exact.then_some(Value::Int(float as i64))
}

/// The values of a domain that compare so with a constant; NULL is left as it is.
fn cut(domain: &Domain, op: Comparison, constant: &Value) -> Domain {
    if let Possible::Values(values) = &domain.possible {
        let kept = values.iter().filter(|value| holds(op, value, constant)).cloned();
        return Domain::values(kept, domain.nullable);
    }
    let sized =
        matches!(constant.kind(), Type::Int64 | Type::Float64 | Type::Date | Type::Timestamp);
    let (lower, upper) = domain.ends();
    let above = |end: Value| Some(lower.clone().map_or(end.clone(), |lower| lower.max(end)));
    let below = |end: Value| Some(upper.clone().map_or(end.clone(), |upper| upper.min(end)));
    let (lower, upper) = match op {
        Comparison::Equal | Comparison::NotDistinct => {
            let found = domain.contains(constant).then(|| constant.clone());
            return Domain::values(found, domain.nullable);
        }
        Comparison::Greater if sized => (above(stepped(constant, 1)), upper),
        Comparison::GreaterOrEqual if sized => (above(constant.clone()), upper),
        Comparison::Less if sized => (lower, below(stepped(constant, -1))),
        Comparison::LessOrEqual if sized => (lower, below(constant.clone())),
        _ => return domain.clone(),
    };
    Domain::between(lower, upper, domain.nullable)
}

/// The next value up or down, where values have one; doubles stay, which is wider.
fn stepped(value: &Value, by: i64) -> Value {
    let date = |days: i32| i32::try_from(i64::from(days) + by).ok();
    match value {
        Value::Int(integer) => integer.checked_add(by).map_or(value.clone(), Value::Int),
        Value::Date(days) => date(*days).map_or(value.clone(), Value::Date),
        Value::Timestamp(micros) => micros.checked_add(by).map_or(value.clone(), Value::Timestamp),
        other => other.clone(),
    }
}

fn exchanged(op: Comparison) -> Comparison {
    match op {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        Comparison::Equal
        | Comparison::NotEqual
        | Comparison::Distinct
        | Comparison::NotDistinct => op,
    }
}

fn negated(op: Comparison) -> Comparison {
    match op {
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
        Comparison::Less => Comparison::GreaterOrEqual,
        Comparison::LessOrEqual => Comparison::Greater,
        Comparison::Greater => Comparison::LessOrEqual,
        Comparison::GreaterOrEqual => Comparison::Less,
        Comparison::Distinct => Comparison::NotDistinct,
        Comparison::NotDistinct => Comparison::Distinct,
    }
}

fn holds(op: Comparison, left: &Value, right: &Value) -> bool {
    match op {
        Comparison::Equal | Comparison::NotDistinct => left == right,
        Comparison::NotEqual | Comparison::Distinct => left != right,
        Comparison::Less => left < right,
        Comparison::LessOrEqual => left <= right,
        Comparison::Greater => left > right,
        Comparison::GreaterOrEqual => left >= right,
    }
}
