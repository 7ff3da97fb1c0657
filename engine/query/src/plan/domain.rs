//! Which values a column or an expression can take.

use std::fmt;

use super::{Type, Value};

/// A finite set has at most so many values. An interval of integers or dates with at most so many
/// counts as a finite set wherever one is asked for.
pub const FINITE_MAX: usize = 4_096;

/// The values a column or an expression can take.
///
/// Never a matter of trust: what a domain says is enforced by the scan and follows from functions
/// that cannot do otherwise. Below the boundary no value is NaN or -0.0: the scan, literals and
/// every function give NULL and 0.0 instead.
#[derive(Clone, Debug, PartialEq)]
pub struct Domain {
    /// The values other than NULL.
    pub possible: Possible,
    /// Whether NULL can occur.
    pub nullable: bool,
}

/// The values other than NULL.
#[derive(Clone, Debug, PartialEq)]
pub enum Possible {
    /// One of these: sorted, each once, none of them NULL.
    Values(Vec<Value>),
    /// Any number, date or timestamp between these, inclusive; at least one end is known.
    Between {
        /// The smallest value, if there is a limit.
        lower: Option<Value>,
        /// The largest value, if there is a limit.
        upper: Option<Value>,
    },
    /// Anything of the type.
    Unknown,
}

impl Domain {
    /// Anything of the type, and NULL.
    pub fn unknown() -> Self {
        Self { possible: Possible::Unknown, nullable: true }
    }

    /// One of these, in any order; NULL among them makes it nullable.
    pub fn values(values: impl IntoIterator<Item = Value>, nullable: bool) -> Self {
        let mut nullable = nullable;
        let mut list: Vec<Value> = Vec::new();
        for value in values {
            if value.is_null() {
                nullable = true;
            } else {
                list.push(value);
            }
        }
        list.sort();
        list.dedup();
        Self { possible: Possible::Values(list), nullable }
    }

    /// Values between two of one type. Ends in the wrong order hold nothing but NULL.
    pub fn between(lower: Option<Value>, upper: Option<Value>, nullable: bool) -> Self {
        let possible = match (&lower, &upper) {
            (None, None) => Possible::Unknown,
            (Some(low), Some(high)) if low > high => Possible::Values(Vec::new()),
            (Some(low), Some(high)) if low == high => Possible::Values(vec![low.clone()]),
            _ => Possible::Between { lower, upper },
        };
        Self { possible, nullable }
    }

    /// Integers between two, inclusive.
    pub fn integers(lower: Option<i64>, upper: Option<i64>, nullable: bool) -> Self {
        Self::between(lower.map(Value::Int), upper.map(Value::Int), nullable)
    }

    /// Doubles between two, inclusive. An infinite end is no limit.
    pub fn floats(lower: f64, upper: f64, nullable: bool) -> Self {
        let end = |float: f64| float.is_finite().then(|| Value::float(float));
        Self::between(end(lower), end(upper), nullable)
    }

    /// True, false, and NULL where `nullable`.
    pub fn truth(nullable: bool) -> Self {
        Self::values([Value::Bool(false), Value::Bool(true)], nullable)
    }

    /// How many values [`Domain::finite`] lists.
    pub fn count(&self) -> Option<usize> {
        match &self.possible {
            Possible::Values(values) => Some(values.len()),
            Possible::Between { lower: Some(lower), upper: Some(upper) } => {
                let (lower, upper) = match (lower, upper) {
                    (Value::Int(lower), Value::Int(upper)) => (*lower, *upper),
                    (Value::Date(lower), Value::Date(upper)) => {
                        (i64::from(*lower), i64::from(*upper))
                    }
                    _ => return None,
                };
                let steps = usize::try_from(upper.checked_sub(lower)?).ok()?;
                (steps < FINITE_MAX).then_some(steps + 1)
            }
            Possible::Between { .. } | Possible::Unknown => None,
        }
    }

    /// The values as a finite set without NULL: listed, or the integers or days of an interval.
    pub fn finite(&self) -> Option<Vec<Value>> {
        match &self.possible {
            Possible::Values(values) => Some(values.clone()),
            Possible::Between { lower: Some(lower), upper: Some(upper) } => {
                self.count()?;
                match (lower, upper) {
                    (Value::Int(lower), Value::Int(upper)) => {
                        Some((*lower..=*upper).map(Value::Int).collect())
                    }
                    (Value::Date(lower), Value::Date(upper)) => {
                        Some((*lower..=*upper).map(Value::Date).collect())
                    }
                    _ => None,
                }
            }
            Possible::Between { .. } | Possible::Unknown => None,
        }
    }

    /// Whether a value, or NULL, is among those that can occur.
    pub fn contains(&self, value: &Value) -> bool {
        if value.is_null() {
            return self.nullable;
        }
        match &self.possible {
            Possible::Values(values) => values.contains(value),
            Possible::Between { lower, upper } => {
                lower.as_ref().is_none_or(|lower| value >= lower)
                    && upper.as_ref().is_none_or(|upper| value <= upper)
            }
            Possible::Unknown => true,
        }
    }

    /// The smallest domain of this form that holds both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let nullable = self.nullable || other.nullable;
        match (&self.possible, &other.possible) {
            (Possible::Values(a), Possible::Values(b)) => {
                let joined = Self::values(a.iter().chain(b).cloned(), nullable);
                match &joined.possible {
                    Possible::Values(values) if values.len() > FINITE_MAX => joined.hull(),
                    _ => joined,
                }
            }
            (Possible::Values(none), _) if none.is_empty() => Self { nullable, ..other },
            (_, Possible::Values(none)) if none.is_empty() => Self { nullable, ..self },
            _ => {
                let ((a, b), (c, d)) = (self.ends(), other.ends());
                let lower = a.zip(c).map(|(a, c)| a.min(c));
                let upper = b.zip(d).map(|(b, d)| b.max(d));
                Self::between(lower, upper, nullable)
            }
        }
    }

    /// The interval around listed values; itself otherwise.
    #[must_use]
    pub fn hull(self) -> Self {
        let nullable = self.nullable;
        match &self.possible {
            Possible::Values(values) if values.len() > 1 => {
                let (lower, upper) = self.ends();
                Self::between(lower, upper, nullable)
            }
            _ => self,
        }
    }

    /// The smallest and the largest value, where there is a limit and the type is ordered by size.
    pub fn ends(&self) -> (Option<Value>, Option<Value>) {
        match &self.possible {
            Possible::Values(values) => {
                let sized = |value: &&Value| {
                    matches!(
                        value.kind(),
                        Type::Int64 | Type::Float64 | Type::Date | Type::Timestamp
                    )
                };
                (values.first().filter(sized).cloned(), values.last().filter(sized).cloned())
            }
            Possible::Between { lower, upper } => (lower.clone(), upper.clone()),
            Possible::Unknown => (None, None),
        }
    }
}

/// As shown by explain.
impl fmt::Display for Domain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 6;
        match &self.possible {
            Possible::Values(values) if values.is_empty() => return out.write_str("NULL"),
            Possible::Values(values) => {
                let list: Vec<String> =
                    values.iter().take(SHOWN).map(ToString::to_string).collect();
                let more = match values.len().saturating_sub(SHOWN) {
                    0 => String::new(),
                    more => format!(", .. and {more} more"),
                };
                write!(out, "{}{more}", list.join(", "))?;
            }
            Possible::Between { lower: Some(lower), upper: Some(upper) } => {
                write!(out, "from {lower} to {upper}")?;
            }
            Possible::Between { lower: Some(lower), .. } => write!(out, "from {lower} up")?,
            Possible::Between { upper: Some(upper), .. } => write!(out, "up to {upper}")?,
            Possible::Between { .. } | Possible::Unknown => out.write_str("anything")?,
        }
        if self.nullable { out.write_str(", or NULL") } else { Ok(()) }
    }
}
