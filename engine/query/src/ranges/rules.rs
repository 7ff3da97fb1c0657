//! One rule for each entry of the allow-list: from the ranges of arguments to that of the result.
//!
//! A rule speaks about results that are not NULL; whether NULL can occur is worked out beside it.
//! Where a rule is silent, the result is unknown.

use voilage_kernels::scalar::Function;

use super::span::Span;
use crate::functions::{self, Rule, entry};
use crate::plan::{Domain, FINITE_MAX, Possible, Type, Value};

/// The domain of a call.
pub(super) fn apply(
    function: Function,
    arguments: &[Domain],
    kinds: &[Type],
    gives: Type,
) -> Domain {
    let rule = entry(function).range;
    let nullable = arguments.iter().any(|argument| argument.nullable);
    match rule {
        Rule::Sum | Rule::Difference | Rule::Product | Rule::Quotient | Rule::Remainder => {
            arithmetic(rule, arguments, kinds, nullable)
        }
        Rule::Negative | Rule::Magnitude | Rule::Sign => {
            of_one(rule, &arguments[0], kinds[0], nullable)
        }
        Rule::Rising => rising(function, arguments, kinds, nullable, 0.0),
        // The C library's functions are wrong by less than one unit in the last place.
        Rule::RisingRoughly => rising(function, arguments, kinds, nullable, 1e-15),
        Rule::Power => power(arguments, nullable),
        Rule::Clamp => clamp(arguments, nullable),
        Rule::Bucket => bucket(arguments, nullable),
        Rule::First => first(arguments),
        Rule::Same => Domain { nullable: true, ..arguments[0].clone() },
        Rule::Greatest => greatest(arguments),
        Rule::Least => least(arguments),
        Rule::DatePart => date_part(arguments, nullable),
        Rule::DateTrunc => date_trunc(arguments, nullable, gives),
        Rule::DateDifference => date_difference(function, arguments, kinds, nullable),
        Rule::Shift => shift(function, arguments, nullable),
        Rule::Truth => Domain::truth(nullable),
        Rule::Count => Domain::integers(Some(0), None, nullable),
        // A text may be too long.
        Rule::Text => Domain::unknown(),
    }
}

/// The domain of a conversion.
pub(super) fn cast(value: &Domain, from: Type, to: Type) -> Domain {
    let (low, high) = value.ends();
    let nullable = value.nullable;
    match (from, to) {
        (Type::Bool, Type::Int64) => Domain::integers(Some(0), Some(1), nullable),
        (Type::Bool, Type::Float64) => {
            Domain::values([Value::Float(0.0), Value::Float(1.0)], nullable)
        }
        (Type::Int64, Type::Bool) => Domain::truth(nullable),
        (Type::Int64 | Type::Float64 | Type::Date | Type::Timestamp, to) if to != Type::Text => {
            let end = |end: Option<Value>| end.and_then(|end| converted(&end, to));
            let (low, high) = (end(low), end(high));
            let fits = from == Type::Int64 || low.is_some() && high.is_some();
            Domain::between(low, high, nullable || !fits)
        }
        _ => Domain::unknown(),
    }
}

fn converted(value: &Value, to: Type) -> Option<Value> {
    use voilage_kernels::scalar::{Argument, cast};
    let argument = Argument::constant(value.scalar().to_array().ok()?).ok()?;
    let array = cast(&argument, &to.arrow(), 1).ok()?;
    let scalar = datafusion::scalar::ScalarValue::try_from_array(&array, 0).ok()?;
    Value::from_scalar(&scalar).filter(|value| !value.is_null())
}

fn arithmetic(rule: Rule, arguments: &[Domain], kinds: &[Type], nullable: bool) -> Domain {
    let spans = Span::of(&arguments[0], kinds[0]).zip(Span::of(&arguments[1], kinds[1]));
    match spans {
        Some((Span::Whole { low: a, high: b }, Span::Whole { low: c, high: d })) => {
            whole(rule, (a, b), (c, d), nullable)
        }
        Some((Span::Real { low: a, high: b }, Span::Real { low: c, high: d })) => {
            real(rule, (a, b), (c, d), nullable)
        }
        // An argument is always NULL.
        _ => Domain::values([], true),
    }
}

type Whole = (Option<i128>, Option<i128>);

fn whole(rule: Rule, (a, b): Whole, (c, d): Whole, nullable: bool) -> Domain {
    let both = |x: Option<i128>, y: Option<i128>, of: fn(i128, i128) -> i128| {
        x.zip(y).map(|(x, y)| of(x, y))
    };
    let (low, high) = match rule {
        Rule::Sum => (both(a, c, |x, y| x + y), both(b, d, |x, y| x + y)),
        Rule::Difference => (both(a, d, |x, y| x - y), both(b, c, |x, y| x - y)),
        Rule::Product => match (a, b, c, d) {
            (Some(a), Some(b), Some(c), Some(d)) => ends([a * c, a * d, b * c, b * d]),
            (Some(a), _, Some(c), _) if a >= 0 && c >= 0 => (Some(a * c), None),
            _ => (None, None),
        },
        Rule::Quotient => quotient((a, b), (c, d)),
        _ => remainder((a, b), (c, d)),
    };
    let zero = match rule {
        Rule::Quotient | Rule::Remainder => c.is_none_or(|c| c <= 0) && d.is_none_or(|d| d >= 0),
        _ => false,
    };
    // The smallest integer over -1 is larger than every integer; unlimited ends are NULL already.
    Span::Whole { low, high }.into_domain(nullable || zero)
}

fn ends<const N: usize>(all: [i128; N]) -> Whole {
    (all.iter().copied().min(), all.iter().copied().max())
}

/// Quotients by the positive and by the negative divisors, together.
fn quotient((a, b): Whole, (c, d): Whole) -> Whole {
    let positive = d.is_none_or(|d| d > 0).then(|| over_positive((a, b), (at_least(c, 1), d)));
    let negative = c.is_none_or(|c| c < 0).then(|| {
        // a / -x is -(a / x), cut towards zero alike.
        let divisor = (at_least(d.map(|d| -d), 1), c.map(|c| -c));
        let (low, high) = over_positive((a, b), divisor);
        (high.map(|high| -high), low.map(|low| -low))
    });
    match (positive, negative) {
        (Some((a, b)), Some((c, d))) => {
            (a.zip(c).map(|(a, c)| a.min(c)), b.zip(d).map(|(b, d)| b.max(d)))
        }
        (Some(span), None) | (None, Some(span)) => span,
        // Division by zero alone: every result is NULL.
        (None, None) => (Some(0), Some(0)),
    }
}

fn at_least(end: Option<i128>, least: i128) -> i128 {
    end.map_or(least, |end| end.max(least))
}

fn over_positive((a, b): Whole, (c, d): (i128, Option<i128>)) -> Whole {
    // A divisor without limit brings every quotient to zero.
    let smallest = |x: i128| if x < 0 { x / c } else { d.map_or(0, |d| x / d) };
    let largest = |x: i128| if x < 0 { d.map_or(0, |d| x / d) } else { x / c };
    (a.map(smallest), b.map(largest))
}

fn remainder((a, b): Whole, (c, d): Whole) -> Whole {
    let size = c.zip(d).map(|(c, d)| c.abs().max(d.abs()) - 1);
    let most = match (size, b) {
        (_, Some(b)) if b <= 0 => Some(0),
        (Some(size), Some(b)) => Some(size.min(b)),
        (size, None) => size,
        (None, b) => b,
    };
    let least = match (size, a) {
        (_, Some(a)) if a >= 0 => Some(0),
        (Some(size), Some(a)) => Some((-size).max(a)),
        (size, None) => size.map(|size| -size),
        (None, a) => a,
    };
    (least, most)
}

fn real(rule: Rule, (a, b): (f64, f64), (c, d): (f64, f64), nullable: bool) -> Domain {
    // Zero times an unlimited end is zero: the values between are bounded by the other corners.
    let known = |value: f64| if value.is_nan() { 0.0 } else { value };
    let hull = |all: [f64; 4]| {
        let all = all.map(known);
        (
            all.into_iter().fold(f64::INFINITY, f64::min),
            all.into_iter().fold(f64::NEG_INFINITY, f64::max),
        )
    };
    let zero = c <= 0.0 && d >= 0.0;
    let (low, high) = match rule {
        Rule::Sum => (a + c, b + d),
        Rule::Difference => (a - d, b - c),
        Rule::Product => hull([a * c, a * d, b * c, b * d]),
        Rule::Quotient if zero => (f64::NEG_INFINITY, f64::INFINITY),
        Rule::Quotient => hull([a / c, a / d, b / c, b / d]),
        _ => {
            let size = c.abs().max(d.abs());
            (if a >= 0.0 { 0.0 } else { a.max(-size) }, if b <= 0.0 { 0.0 } else { b.min(size) })
        }
    };
    let zero = zero && matches!(rule, Rule::Quotient | Rule::Remainder);
    // Infinities of an unlimited argument become NULL.
    let unlimited = ![a, b, c, d].iter().all(|end| end.is_finite());
    Span::Real { low, high }.into_domain(nullable || zero || unlimited)
}

fn of_one(rule: Rule, argument: &Domain, kind: Type, nullable: bool) -> Domain {
    match Span::of(argument, kind) {
        Some(Span::Whole { low, high }) => {
            let (low, high) = match rule {
                Rule::Negative => (high.map(|high| -high), low.map(|low| -low)),
                Rule::Magnitude => magnitude(low, high),
                _ => {
                    let sign = |end: Option<i128>, other| end.map_or(other, i128::signum);
                    (Some(sign(low, -1)), Some(sign(high, 1)))
                }
            };
            Span::Whole { low, high }.into_domain(nullable)
        }
        Some(Span::Real { low, high }) => {
            let unlimited = !low.is_finite() || !high.is_finite();
            let (low, high) = match rule {
                Rule::Negative => (-high, -low),
                Rule::Magnitude if low >= 0.0 => (low, high),
                Rule::Magnitude if high <= 0.0 => (-high, -low),
                Rule::Magnitude => (0.0, high.max(-low)),
                _ => {
                    let values = [-1.0, 0.0, 1.0].into_iter().filter(|sign| {
                        (*sign < 0.0 && low < 0.0)
                            || (*sign > 0.0 && high > 0.0)
                            || (*sign == 0.0 && low <= 0.0 && high >= 0.0)
                    });
                    return Domain::values(values.map(Value::Float), nullable || unlimited);
                }
            };
            Span::Real { low, high }.into_domain(nullable || unlimited)
        }
        None => Domain::values([], true),
    }
}

fn magnitude(low: Option<i128>, high: Option<i128>) -> Whole {
    match (low, high) {
        (Some(low), high) if low >= 0 => (Some(low), high),
        (low, Some(high)) if high <= 0 => (Some(-high), low.map(|low| -low)),
        (Some(low), Some(high)) => (Some(0), Some(high.max(-low))),
        _ => (Some(0), None),
    }
}

/// The only value of a domain.
fn single(domain: &Domain) -> Option<&Value> {
    match &domain.possible {
        Possible::Values(values) if values.len() == 1 => values.first(),
        _ => None,
    }
}

/// The function at both ends of its first argument, the others being constants.
fn rising(
    function: Function,
    arguments: &[Domain],
    kinds: &[Type],
    nullable: bool,
    error: f64,
) -> Domain {
    if kinds[0] == Type::Int64 {
        // Integers are whole already.
        return Domain { nullable, ..arguments[0].clone() };
    }
    let constants: Option<Vec<Value>> =
        arguments[1..].iter().map(|argument| single(argument).cloned()).collect();
    let (Some(constants), Some(Span::Real { low, high })) =
        (constants, Span::of(&arguments[0], kinds[0]))
    else {
        return Domain::unknown();
    };
    let at = |end: f64| {
        let mut all = vec![Value::float(end)];
        all.extend(constants.iter().cloned());
        functions::evaluate(function, &all).and_then(|value| value.as_number())
    };
    // Below these there is no result.
    let least = match function {
        Function::SquareRoot | Function::NaturalLogarithm | Function::DecimalLogarithm => 0.0,
        _ => f64::NEG_INFINITY,
    };
    let undefined = low < least || at(low.max(least)).is_none();
    let lowest = if function == Function::Exponential { 0.0 } else { f64::NEG_INFINITY };
    let widened = |value: f64, up: bool| {
        let by = value.abs() * error;
        if up { value + by } else { value - by }
    };
    let low = at(low.max(least)).map_or(lowest, |low| widened(low, false).max(lowest));
    let high = at(high).map_or(f64::INFINITY, |high| widened(high, true));
    Span::Real { low, high }.into_domain(nullable || undefined)
}

fn power(arguments: &[Domain], nullable: bool) -> Domain {
    let spans = Span::of(&arguments[0], Type::Float64).zip(Span::of(&arguments[1], Type::Float64));
    let Some((Span::Real { low: a, high: b }, Span::Real { low: c, high: d })) = spans else {
        return Domain::values([], true);
    };
    let finite = [a, b, c, d].iter().all(|end| end.is_finite());
    // On positive bases a power is monotone in each argument; zero needs exponents of zero or more.
    if !finite || a < 0.0 || (a == 0.0 && c < 0.0) {
        return Domain::unknown();
    }
    let corners = [a.powf(c), a.powf(d), b.powf(c), b.powf(d)];
    let low = corners.into_iter().fold(f64::INFINITY, f64::min);
    let high = corners.into_iter().fold(f64::NEG_INFINITY, f64::max);
    // 0 to the power of 0 is 1, wherever the exponent's range reaches 0.
    let (low, high) =
        if c <= 0.0 && d >= 0.0 { (low.min(1.0), high.max(1.0)) } else { (low, high) };
    let error = 1e-15;
    Span::Real { low: (low - low * error).max(0.0), high: high + high * error }
        .into_domain(nullable)
}

fn clamp(arguments: &[Domain], nullable: bool) -> Domain {
    let [value, low, high] = arguments else { return Domain::unknown() };
    let ((a, b), (c, d), (e, f)) = (value.ends(), low.ends(), high.ends());
    let larger = |x: Option<Value>, y: Option<Value>| match (x, y) {
        (Some(x), Some(y)) => Some(x.max(y)),
        (x, y) => x.or(y),
    };
    let smaller = |x: Option<Value>, y: Option<Value>| match (x, y) {
        (Some(x), Some(y)) => Some(x.min(y)),
        (x, y) => x.or(y),
    };
    // min(max(value, low), high) at the lowest and at the highest ends.
    let lower = match (larger(a, c), e.clone()) {
        (Some(x), Some(e)) => Some(x.min(e)),
        _ => None,
    };
    let upper = smaller(b.zip(d.clone()).map(|(b, d)| b.max(d)), f);
    let ordered = d.zip(e).is_some_and(|(d, e)| d <= e);
    Domain::between(lower, upper, nullable || !ordered)
}

fn bucket(arguments: &[Domain], nullable: bool) -> Domain {
    let count = arguments[3].ends().1.and_then(|count| match count {
        Value::Int(count) => Some(count),
        _ => None,
    });
    let most = count.map_or(1 << 31, |count| count.clamp(0, 1 << 31)) + 1;
    let constants: Option<Vec<Value>> =
        arguments[1..].iter().map(|argument| single(argument).cloned()).collect();
    let Some(constants) = constants else {
        return Domain::integers(Some(0), Some(most), true);
    };
    let at = |end: Value| {
        let mut all = vec![end];
        all.extend(constants.iter().cloned());
        match functions::evaluate(Function::WidthBucket, &all) {
            Some(Value::Int(bucket)) => Some(bucket),
            _ => None,
        }
    };
    // Limits that make no buckets make none for any value.
    if at(constants[0].clone()).is_none() {
        return Domain::values([], true);
    }
    let (low, high) = arguments[0].ends();
    let low = low.map_or(Some(0), at);
    let high = high.map_or(Some(most), at);
    Domain::integers(low.or(Some(0)), high.or(Some(most)), nullable)
}

fn first(arguments: &[Domain]) -> Domain {
    let mut all = Domain::values([], false);
    for argument in arguments {
        all = all.or(Domain { nullable: false, ..argument.clone() });
        if !argument.nullable {
            return all;
        }
    }
    Domain { nullable: true, ..all }
}

/// NULLs are skipped, so that only arguments that are never NULL lift the lower end.
fn greatest(arguments: &[Domain]) -> Domain {
    let ends = arguments.iter().map(Domain::ends);
    let upper = ends.map(|(_, upper)| upper).reduce(|a, b| a.zip(b).map(|(a, b)| a.max(b)));
    let certain = arguments.iter().filter(|argument| !argument.nullable);
    let lift = certain.filter_map(|argument| argument.ends().0).max();
    let any = arguments.iter().map(|argument| argument.ends().0);
    let lower = lift.or_else(|| any.reduce(|a, b| a.zip(b).map(|(a, b)| a.min(b))).flatten());
    let nullable = arguments.iter().all(|argument| argument.nullable);
    Domain::between(lower, upper.flatten(), nullable)
}

fn least(arguments: &[Domain]) -> Domain {
    let ends = arguments.iter().map(Domain::ends);
    let lower = ends.map(|(lower, _)| lower).reduce(|a, b| a.zip(b).map(|(a, b)| a.min(b)));
    let certain = arguments.iter().filter(|argument| !argument.nullable);
    let cap = certain.filter_map(|argument| argument.ends().1).min();
    let any = arguments.iter().map(|argument| argument.ends().1);
    let upper = cap.or_else(|| any.reduce(|a, b| a.zip(b).map(|(a, b)| a.max(b))).flatten());
    let nullable = arguments.iter().all(|argument| argument.nullable);
    Domain::between(lower.flatten(), upper, nullable)
}

fn part_of(argument: &Domain) -> Option<String> {
    match single(argument)? {
        Value::Text(part) => Some(part.to_ascii_lowercase()),
        _ => None,
    }
}

fn date_part(arguments: &[Domain], nullable: bool) -> Domain {
    let Some(part) = part_of(&arguments[0]) else { return Domain::unknown() };
    let between = |low, high| Domain::integers(Some(low), Some(high), nullable);
    match part.as_str() {
        "quarter" => between(1, 4),
        "month" => between(1, 12),
        "week" => between(1, 53),
        "day" => between(1, 31),
        "doy" => between(1, 366),
        "dow" => between(0, 6),
        "isodow" => between(1, 7),
        "hour" => between(0, 23),
        "minute" | "second" => between(0, 59),
        "year" | "isoyear" => {
            let (low, high) = arguments[1].ends();
            let at = |end: Option<Value>| {
                functions::evaluate(Function::DatePart, &[Value::Text(part.clone()), end?])
            };
            Domain::between(at(low), at(high), nullable)
        }
        _ => Domain::values([], true),
    }
}

fn date_trunc(arguments: &[Domain], nullable: bool, kind: Type) -> Domain {
    let Some(part) = part_of(&arguments[0]) else { return Domain::unknown() };
    let at = |moment: Value| {
        functions::evaluate(Function::DateTrunc, &[Value::Text(part.clone()), moment])
            .filter(|value| !value.is_null())
    };
    let (low, high) = arguments[1].ends();
    let limits = low.is_some() && high.is_some();
    let (low, high) = (low.and_then(at), high.and_then(at));
    // Before the first beginning that the type can hold there is none.
    let nullable = nullable || !limits || low.is_none() || high.is_none();
    let (Some(low), Some(high)) = (low.clone(), high.clone()) else {
        return Domain::between(low, high, nullable);
    };
    let mut beginnings = vec![low.clone()];
    let mut last = low.clone();
    while last < high && beginnings.len() <= FINITE_MAX {
        match next(&part, &last, kind).and_then(at).filter(|next| *next > last) {
            Some(next) => {
                beginnings.push(next.clone());
                last = next;
            }
            None => return Domain::between(Some(low), Some(high), nullable),
        }
    }
    if beginnings.len() > FINITE_MAX {
        return Domain::between(Some(low), Some(high), nullable);
    }
    Domain::values(beginnings, nullable)
}

/// A moment within the next part after a beginning.
fn next(part: &str, from: &Value, kind: Type) -> Option<Value> {
    let (months, days, micros): (i64, i64, i64) = match part {
        "year" => (12, 0, 0),
        "quarter" => (3, 0, 0),
        "month" => (1, 0, 0),
        // Such years have 364 or 371 days.
        "isoyear" => (0, 371, 0),
        "week" => (0, 7, 0),
        "hour" if kind == Type::Timestamp => (0, 0, 3_600_000_000),
        "minute" if kind == Type::Timestamp => (0, 0, 60_000_000),
        "second" if kind == Type::Timestamp => (0, 0, 1_000_000),
        _ => (0, 1, 0),
    };
    let mut arguments = vec![from.clone(), Value::Int(months), Value::Int(days)];
    let function = if kind == Type::Timestamp {
        arguments.push(Value::Int(micros));
        Function::ShiftTimestamp
    } else {
        Function::ShiftDate
    };
    functions::evaluate(function, &arguments).filter(|value| !value.is_null())
}

/// Rises with the later moment and falls with the earlier one.
fn date_difference(
    function: Function,
    arguments: &[Domain],
    kinds: &[Type],
    nullable: bool,
) -> Domain {
    let (part, earlier, later) = match (function, arguments) {
        (Function::DateDiff, [part, from, to]) => match single(part) {
            Some(part) => (Some(part.clone()), from, to),
            None => return Domain::unknown(),
        },
        (_, [later, earlier]) => (None, earlier, later),
        _ => return Domain::unknown(),
    };
    let at = |earlier: Option<Value>, later: Option<Value>| {
        let (earlier, later) = (earlier?, later?);
        let all = match &part {
            Some(part) => vec![part.clone(), earlier, later],
            None => vec![later, earlier],
        };
        functions::evaluate(function, &all).filter(|value| !value.is_null())
    };
    let ((a, b), (c, d)) = (earlier.ends(), later.ends());
    let (low, high) = (at(b, c), at(a, d));
    // Seconds between far timestamps may overflow; days between dates never do.
    let may_overflow = kinds.contains(&Type::Timestamp) && (low.is_none() || high.is_none());
    Domain::between(low, high, nullable || may_overflow)
}

fn shift(function: Function, arguments: &[Domain], nullable: bool) -> Domain {
    let constants: Option<Vec<Value>> =
        arguments[1..].iter().map(|argument| single(argument).cloned()).collect();
    let Some(constants) = constants else { return Domain::unknown() };
    let at = |end: Option<Value>| {
        let mut all = vec![end?];
        all.extend(constants.iter().cloned());
        functions::evaluate(function, &all).filter(|value| !value.is_null())
    };
    let (low, high) = arguments[0].ends();
    let (low, high) = (at(low), at(high));
    let nullable = nullable || low.is_none() || high.is_none();
    Domain::between(low, high, nullable)
}
