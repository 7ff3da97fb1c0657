//! Privacy loss as exact numbers: [`Epsilon`], [`Delta`], [`Rho`], and what a charge holds,
//! [`Loss`].
//!
//! Text becomes a quantity through one strict grammar (`decimal.rs`), the ledger sees whole units,
//! and everything in between is a rational. Never imported here: floating point, other than for
//! display.

mod decimal;
mod loss;
#[cfg(test)]
mod tests;

use std::fmt;

use dashu::integer::IBig;
use dashu::rational::RBig;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use thiserror::Error;

pub use loss::{Accountant, Loss};

/// Why a number was refused as a privacy quantity.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuantityError {
    /// The text is not a plain decimal number.
    #[error(
        "{quantity} {text:?} is not a plain decimal number; write digits with an optional fraction and a small \
         exponent, for example \"0.5\" or \"1e-6\""
    )]
    NotDecimal {
        /// What was being read: `epsilon`, `delta` or `rho`.
        quantity: &'static str,
        /// The text, shortened when it is long.
        text: String,
    },
    /// The number is a decimal, but outside the range of this quantity.
    #[error("{quantity} {text} is out of range; it must be {allowed}")]
    OutOfRange {
        /// What was being read: `epsilon`, `delta` or `rho`.
        quantity: &'static str,
        /// The number as it was written.
        text: String,
        /// The range in words.
        allowed: &'static str,
    },
    /// A computed quantity came out negative.
    #[error("a computed {quantity} is negative; this is a bug, please report it")]
    Negative {
        /// What was being computed.
        quantity: &'static str,
    },
    /// A quantity does not fit the 64-bit integers of the ledger.
    #[error("{quantity} {value} is too large for the ledger; ask for a smaller one")]
    TooLarge {
        /// What was being stored.
        quantity: &'static str,
        /// The quantity, rounded up to three digits.
        value: String,
    },
    /// Losses of two accountants were added.
    #[error(
        "a {left} loss cannot be added to a {right} loss; use one accountant for the whole project"
    )]
    MixedAccountants {
        /// Accountant of the first loss.
        left: Accountant,
        /// Accountant of the second loss.
        right: Accountant,
    },
}

/// Everything the three quantities have in common. A macro because each must be a type of its own,
/// so that an epsilon can never be passed for a rho, and a function cannot make types.
macro_rules! quantity {
    ($(#[$doc:meta])* $type:ident, $name:literal, $units:literal, $allowed:literal, $is_allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(RBig);

        impl $type {
            /// How many ledger units make one.
            pub const UNITS_PER_ONE: i64 = $units;

            /// Reads a quantity that a person wrote.
            ///
            /// The grammar is `digits[.digits][e[-]digit[digit]]` in ASCII, at most 40 characters,
            /// without sign or spaces.
            ///
            /// *Errors*: [`QuantityError::NotDecimal`] and [`QuantityError::OutOfRange`].
            pub fn parse(text: &str) -> Result<Self, QuantityError> {
                let value = decimal::parse(text).ok_or_else(|| QuantityError::NotDecimal {
                    quantity: $name,
                    text: decimal::shorten(text),
                })?;
                let is_allowed: fn(&RBig) -> bool = $is_allowed;
                if !is_allowed(&value) {
                    return Err(QuantityError::OutOfRange {
                        quantity: $name,
                        text: text.to_owned(),
                        allowed: $allowed,
                    });
                }
                Ok(Self(value))
            }

            /// Nothing spent, or nothing left.
            pub fn zero() -> Self {
                Self(RBig::ZERO)
            }

            /// Whether this is exactly zero.
            pub fn is_zero(&self) -> bool {
                self.0.is_zero()
            }

            /// Takes a computed number.
            ///
            /// *Errors*: [`QuantityError::Negative`].
            pub fn from_rational(value: RBig) -> Result<Self, QuantityError> {
                if value < RBig::ZERO {
                    return Err(QuantityError::Negative { quantity: $name });
                }
                Ok(Self(value))
            }

            /// Takes a number that this crate computed from non-negative terms.
            pub(crate) fn of_non_negative(value: RBig) -> Self {
                debug_assert!(value >= RBig::ZERO, "a computed quantity is never negative");
                Self(value)
            }

            /// The exact number.
            pub fn as_rational(&self) -> &RBig {
                &self.0
            }

            /// The quantity that the ledger holds as `units`.
            ///
            /// # Panics
            /// If `units` is negative, which the ledger's own checks exclude.
            pub fn from_units(units: i64) -> Self {
                assert!(units >= 0, "the ledger never holds a negative {}", $name);
                Self(RBig::from_parts(IBig::from(units), Self::UNITS_PER_ONE.unsigned_abs().into()))
            }

            /// Whole ledger units, rounded up: how a cost is stored.
            ///
            /// *Errors*: [`QuantityError::TooLarge`].
            pub fn units_up(&self) -> Result<i64, QuantityError> {
                let units = (&self.0 * RBig::from(Self::UNITS_PER_ONE)).ceil();
                i64::try_from(units).map_err(|_| QuantityError::TooLarge {
                    quantity: $name,
                    value: self.display_up(3),
                })
            }

            /// Whole ledger units, rounded down: how a cap is stored. Saturates at the ledger's
            /// largest integer, which is the safe direction for a cap.
            pub fn units_down(&self) -> i64 {
                let units = (&self.0 * RBig::from(Self::UNITS_PER_ONE)).floor();
                i64::try_from(units).unwrap_or(i64::MAX)
            }

            /// The smallest multiple of a ledger unit that is not below this quantity.
            ///
            /// *Errors*: [`QuantityError::TooLarge`].
            pub fn round_up(&self) -> Result<Self, QuantityError> {
                self.units_up().map(Self::from_units)
            }

            /// The largest multiple of a ledger unit that is not above this quantity.
            pub fn round_down(&self) -> Self {
                Self::from_units(self.units_down())
            }

            /// The exact sum.
            pub fn plus(&self, other: &Self) -> Self {
                Self(&self.0 + &other.0)
            }

            /// The exact difference, or nothing if `other` is larger.
            pub fn checked_minus(&self, other: &Self) -> Option<Self> {
                (self.0 >= other.0).then(|| Self(&self.0 - &other.0))
            }

            /// The nearest floating-point number, for display and plots only.
            pub fn to_f64(&self) -> f64 {
                self.0.to_f64().value()
            }

            /// Decimal text with at most `digits` significant digits, never below the quantity: how
            /// costs are shown.
            pub fn display_up(&self, digits: usize) -> String {
                decimal::format(&self.0, digits, decimal::Direction::Up)
            }

            /// Decimal text with at most `digits` significant digits, never above the quantity: how
            /// caps and remainders are shown.
            pub fn display_down(&self, digits: usize) -> String {
                decimal::format(&self.0, digits, decimal::Direction::Down)
            }
        }

        /// The exact decimal where it is short enough to be read back by the grammar, else 30
        /// digits rounded up.
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&decimal::format_exact(&self.0))
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($type))
            }
        }

        impl std::str::FromStr for $type {
            type Err = QuantityError;

            fn from_str(text: &str) -> Result<Self, QuantityError> {
                Self::parse(text)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

quantity!(
    /// The epsilon of (epsilon, delta)-differential privacy.
    ///
    /// *Units*: natural logarithm of a probability ratio; 1e-12 in the ledger.
    Epsilon, "epsilon", 1_000_000_000_000, "above 0 and at most 1000",
    |value| *value > RBig::ZERO && *value <= RBig::from(1_000)
);
quantity!(
    /// The delta of (epsilon, delta)-differential privacy, or of delta-approximate
    /// zero-concentrated privacy.
    ///
    /// *Units*: a probability; 1e-18 in the ledger.
    Delta, "delta", 1_000_000_000_000_000_000, "above 0 and below 1",
    |value| *value > RBig::ZERO && *value < RBig::ONE
);
quantity!(
    /// The rho of zero-concentrated differential privacy.
    ///
    /// *Units*: 1e-15 in the ledger.
    Rho, "rho", 1_000_000_000_000_000, "above 0 and at most 1000",
    |value| *value > RBig::ZERO && *value <= RBig::from(1_000)
);

/// Reading is [`Epsilon::parse`].
impl<'de> Deserialize<'de> for Epsilon {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Reading is [`Rho::parse`].
impl<'de> Deserialize<'de> for Rho {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Reading is [`Delta::parse`]; in addition `"0"` is accepted, because a loss without key selection
/// holds it.
impl<'de> Deserialize<'de> for Delta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "0" { Ok(Self::zero()) } else { Self::parse(&text).map_err(D::Error::custom) }
    }
}
