//! Random expressions over random columns, well typed, with hostile values inside the domains.
//!
//! One call of [`case`] gives everything that a property of expressions needs; a fuzzer's bytes can
//! make the choices.

use voilage_kernels::scalar::{Function, casts};
use voilage_query::functions::TABLE;
use voilage_query::plan::{Comparison, Domain, Possible, Scalar, Type, Value};

use crate::chance::Chance;

/// An expression with columns that it may read and rows of values within their domains.
#[derive(Clone, Debug)]
pub struct Case {
    /// The types of the columns.
    pub kinds: Vec<Type>,
    /// Which values each column can hold.
    pub domains: Vec<Domain>,
    /// The expression.
    pub scalar: Scalar,
    /// Values of each column, all of one length.
    pub columns: Vec<(Type, Vec<Value>)>,
}

const KINDS: [Type; 6] =
    [Type::Bool, Type::Int64, Type::Float64, Type::Text, Type::Date, Type::Timestamp];

const TEXTS: [&str; 14] = [
    "",
    " ",
    "a",
    "A",
    "  a%_b ",
    "\u{130}\u{df}",
    "\u{1F980}",
    "7",
    "-1.5",
    "NaN",
    "1e999",
    "true",
    "2024-02-29",
    "2024-02-29 12:30:00",
];
const INTEGERS: [i64; 12] =
    [i64::MIN, i64::MAX, 0, 1, -1, 2, 7, -13, 100, 1 << 53, i64::MAX - 1, -4_000_000_000];
const FLOATS: [f64; 14] = [
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::MAX,
    f64::MIN,
    f64::MIN_POSITIVE,
    5e-324,
    0.0,
    1.0,
    -1.0,
    0.1,
    -2.5,
    100.0,
    1e18,
    9_007_199_254_740_993.0,
];
const DATES: [i32; 8] = [i32::MIN, i32::MAX, 0, -1, 19_782, -719_529, 16_000, 16_366];
const STAMPS: [i64; 7] = [
    i64::MIN,
    i64::MAX,
    0,
    -1,
    1_709_251_199_123_456,
    1_400_000_000_000_000,
    -62_167_219_200_000_001,
];

/// One random case with so many rows.
pub fn case(chance: &mut Chance, rows: usize) -> Case {
    let width = 1 + chance.below(4);
    let kinds: Vec<Type> = (0..width).map(|_| KINDS[chance.below(KINDS.len())]).collect();
    let domains: Vec<Domain> = kinds.iter().map(|kind| domain(chance, *kind)).collect();
    let wanted = KINDS[chance.below(KINDS.len())];
    let depth = 1 + chance.below(4);
    let scalar = scalar(chance, &kinds, wanted, depth);
    let columns = kinds
        .iter()
        .zip(&domains)
        .map(|(kind, domain)| (*kind, (0..rows).map(|_| within(chance, *kind, domain)).collect()))
        .collect();
    Case { kinds, domains, scalar, columns }
}

/// A value of a type that may stand below the boundary: hostile, but neither NULL, NaN nor -0.0.
pub fn value(chance: &mut Chance, kind: Type) -> Value {
    match kind {
        Type::Bool => Value::Bool(chance.percent(50)),
        Type::Int64 if chance.percent(50) => Value::Int(chance.below(41) as i64 - 20),
        Type::Int64 => Value::Int(INTEGERS[chance.below(INTEGERS.len())]),
        Type::Float64 if chance.percent(50) => Value::Float(chance.below(81) as f64 / 4.0 - 10.0),
        Type::Float64 => Value::Float(FLOATS[chance.below(FLOATS.len())]),
        Type::Text => Value::Text(TEXTS[chance.below(TEXTS.len())].to_owned()),
        Type::Date if chance.percent(50) => Value::Date(16_000 + chance.below(2_000) as i32),
        Type::Date => Value::Date(DATES[chance.below(DATES.len())]),
        Type::Timestamp => Value::Timestamp(STAMPS[chance.below(STAMPS.len())]),
    }
}

/// What is declared about a column: nothing, a list, or bounds, some of them open.
fn domain(chance: &mut Chance, kind: Type) -> Domain {
    let nullable = chance.percent(70);
    let finite = |chance: &mut Chance| match value(chance, kind) {
        Value::Float(float) if !float.is_finite() => Value::Float(0.5),
        other => other,
    };
    let sized = !matches!(kind, Type::Bool | Type::Text);
    match chance.below(4) {
        0 => Domain { nullable, ..Domain::unknown() },
        1 => {
            let count = 1 + chance.below(4);
            let values: Vec<Value> = (0..count).map(|_| finite(chance)).collect();
            Domain::values(values, nullable)
        }
        _ if !sized => Domain { nullable, ..Domain::unknown() },
        _ => {
            let (a, b) = (finite(chance), finite(chance));
            let (low, high) = if a <= b { (a, b) } else { (b, a) };
            let (low, high) = match chance.below(6) {
                0 => (Some(low), None),
                1 => (None, Some(high)),
                _ => (Some(low), Some(high)),
            };
            Domain::between(low, high, nullable)
        }
    }
}

/// A value within a domain, its ends more often than others.
fn within(chance: &mut Chance, kind: Type, domain: &Domain) -> Value {
    if domain.nullable && chance.percent(15) {
        return Value::Null(kind);
    }
    if let Possible::Values(values) = &domain.possible {
        return values[chance.below(values.len())].clone();
    }
    let (low, high) = domain.ends();
    for _ in 0..8 {
        let candidate = match chance.below(4) {
            0 => low.clone(),
            1 => high.clone(),
            _ => Some(value(chance, kind)),
        };
        if let Some(candidate) = candidate.filter(|candidate| domain.contains(candidate)) {
            return candidate;
        }
    }
    low.or(high).unwrap_or_else(|| value(chance, kind))
}

/// A random expression of a type.
pub fn scalar(chance: &mut Chance, kinds: &[Type], wanted: Type, depth: usize) -> Scalar {
    if depth == 0 || chance.percent(10) {
        return leaf(chance, kinds, wanted);
    }
    let deeper = depth - 1;
    match chance.below(10) {
        0 => case_of(chance, kinds, wanted, deeper),
        1 => {
            let from = KINDS[chance.below(KINDS.len())];
            if from != wanted && casts(&from.arrow(), &wanted.arrow()) {
                let value = Box::new(scalar(chance, kinds, from, deeper));
                return Scalar::Cast { value, to: wanted };
            }
            leaf(chance, kinds, wanted)
        }
        _ if wanted == Type::Bool && chance.percent(80) => truth(chance, kinds, deeper),
        _ => call(chance, kinds, wanted, deeper),
    }
}

fn leaf(chance: &mut Chance, kinds: &[Type], wanted: Type) -> Scalar {
    let columns: Vec<usize> =
        (0..kinds.len()).filter(|position| kinds[*position] == wanted).collect();
    if !columns.is_empty() && chance.percent(75) {
        return Scalar::Column(columns[chance.below(columns.len())]);
    }
    if chance.percent(8) {
        return Scalar::Literal(Value::Null(wanted));
    }
    Scalar::Literal(match value(chance, wanted) {
        Value::Float(float) if !float.is_finite() => Value::Float(1e300),
        other => other,
    })
}

fn case_of(chance: &mut Chance, kinds: &[Type], wanted: Type, depth: usize) -> Scalar {
    let branches = (0..1 + chance.below(3))
        .map(|_| (truth(chance, kinds, depth), scalar(chance, kinds, wanted, depth)))
        .collect();
    Scalar::Case { branches, otherwise: Box::new(scalar(chance, kinds, wanted, depth)) }
}

/// A random condition, more often than not a test of one column.
pub fn truth(chance: &mut Chance, kinds: &[Type], depth: usize) -> Scalar {
    let part = |chance: &mut Chance| Box::new(truth(chance, kinds, depth.saturating_sub(1)));
    match chance.below(if depth == 0 { 4 } else { 9 }) {
        4 => Scalar::And(part(chance), part(chance)),
        5 => Scalar::Or(part(chance), part(chance)),
        6 => Scalar::Not(part(chance)),
        7 => Scalar::Like {
            value: Box::new(scalar(chance, kinds, Type::Text, depth.saturating_sub(1))),
            pattern: ["%", "a%", "_", "%\\%%", "", "A"][chance.below(6)].to_owned(),
            insensitive: chance.percent(50),
        },
        8 => {
            let kind = KINDS[chance.below(KINDS.len())];
            Scalar::IsNull(Box::new(scalar(chance, kinds, kind, depth - 1)))
        }
        3 => {
            let position = chance.below(kinds.len());
            let mut list: Vec<Value> = (0..3).map(|_| value(chance, kinds[position])).collect();
            list.sort();
            list.dedup();
            Scalar::InList { value: Box::new(Scalar::Column(position)), list }
        }
        _ => {
            let op = OPERATORS[chance.below(OPERATORS.len())];
            let position = chance.below(kinds.len());
            let column = Scalar::Column(position);
            let other = if depth > 0 && chance.percent(30) {
                scalar(chance, kinds, kinds[position], depth - 1)
            } else {
                Scalar::Literal(value(chance, kinds[position]))
            };
            if chance.percent(50) {
                Scalar::compare(op, column, other)
            } else {
                Scalar::compare(op, other, column)
            }
        }
    }
}

const OPERATORS: [Comparison; 8] = [
    Comparison::Equal,
    Comparison::NotEqual,
    Comparison::Less,
    Comparison::LessOrEqual,
    Comparison::Greater,
    Comparison::GreaterOrEqual,
    Comparison::Distinct,
    Comparison::NotDistinct,
];

fn call(chance: &mut Chance, kinds: &[Type], wanted: Type, depth: usize) -> Scalar {
    let fitting: Vec<(Function, &[Type], bool)> = TABLE
        .iter()
        .flat_map(|entry| {
            let gives = entry.takes.iter().filter(|overload| overload.gives == wanted);
            gives.map(|overload| (entry.function, overload.takes, overload.repeats))
        })
        .collect();
    let (function, takes, repeats) = fitting[chance.below(fitting.len())];
    let more = if repeats { chance.below(3) } else { 0 };
    let last = takes[takes.len() - 1];
    let arguments = takes
        .iter()
        .copied()
        .chain(std::iter::repeat_n(last, more))
        .enumerate()
        .map(|(position, kind)| {
            let named =
                matches!(function, Function::DatePart | Function::DateTrunc | Function::DateDiff);
            if named && position == 0 {
                let parts =
                    ["year", "isoyear", "quarter", "month", "week", "day", "hour", "second"];
                return Scalar::Literal(Value::Text(parts[chance.below(parts.len())].to_owned()));
            }
            // Limits are constants more often than not, as people write them.
            let constant = position > 0
                && matches!(
                    function,
                    Function::Clamp
                        | Function::WidthBucket
                        | Function::Round
                        | Function::ShiftDate
                        | Function::ShiftTimestamp
                )
                && chance.percent(80);
            if constant { leaf(chance, &[], kind) } else { scalar(chance, kinds, kind, depth) }
        })
        .collect();
    Scalar::call(function, arguments)
}
