//! Ends of ranges, exactly: integers, days and microseconds as 128-bit integers, doubles as doubles.
//!
//! Doubles need no outward rounding for + - * / and square roots: IEEE rounding is monotone, and
//! rows round as the ends do.

use crate::plan::{Domain, Type, Value};

/// The ends of a range; none where there is no limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Span {
    /// Whole numbers.
    Whole { low: Option<i128>, high: Option<i128> },
    /// Doubles; an infinite end is no limit.
    Real { low: f64, high: f64 },
}

impl Span {
    /// The span of a domain; none for types that have no size and for domains without values.
    pub(super) fn of(domain: &Domain, kind: Type) -> Option<Self> {
        let (low, high) = domain.ends();
        if let crate::plan::Possible::Values(values) = &domain.possible
            && values.is_empty()
        {
            return None;
        }
        match kind {
            Type::Int64 | Type::Date | Type::Timestamp => Some(Self::Whole {
                low: low.as_ref().and_then(whole),
                high: high.as_ref().and_then(whole),
            }),
            Type::Float64 => Some(Self::Real {
                low: low.as_ref().and_then(Value::as_number).unwrap_or(f64::NEG_INFINITY),
                high: high.as_ref().and_then(Value::as_number).unwrap_or(f64::INFINITY),
            }),
            Type::Bool | Type::Text => None,
        }
    }

    /// The domain of integers or doubles with these ends, cut to the type: what lies beyond it has
    /// become NULL. Unlimited ends may overflow, too.
    pub(super) fn into_domain(self, nullable: bool) -> Domain {
        match self {
            Self::Whole { low, high } => {
                let (least, most) = (i128::from(i64::MIN), i128::from(i64::MAX));
                let fits = |end: Option<i128>| end.is_some_and(|end| (least..=most).contains(&end));
                let nullable = nullable || !fits(low) || !fits(high);
                if low.is_some_and(|low| low > most) || high.is_some_and(|high| high < least) {
                    return Domain::values([], true);
                }
                let end = |end: Option<i128>| {
                    end.map(|end| i64::try_from(end.clamp(least, most)).unwrap_or_default())
                };
                Domain::integers(end(low), end(high), nullable)
            }
            Self::Real { low, high } => {
                let nullable = nullable || !low.is_finite() || !high.is_finite();
                if low == f64::INFINITY || high == f64::NEG_INFINITY {
                    return Domain::values([], true);
                }
                Domain::floats(low, high, nullable)
            }
        }
    }
}

fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Int(integer) | Value::Timestamp(integer) => Some(i128::from(*integer)),
        Value::Date(days) => Some(i128::from(*days)),
        Value::Null(_) | Value::Bool(_) | Value::Float(_) | Value::Text(_) => None,
    }
}
