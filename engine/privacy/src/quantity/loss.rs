//! What a charge holds: a loss under one of the two accountants.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Delta, Epsilon, QuantityError, Rho};

/// How the losses of a project add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accountant {
    /// Delta-approximate rho-zero-concentrated privacy: rho and delta both add.
    ///
    /// *Source*: Bun & Steinke 2016, Definition 8.1; as a fully adaptive filter, Whitehouse et al.
    /// 2023.
    Zcdp,
    /// Pure differential privacy: epsilon adds, and nothing may cost delta.
    Pure,
}

impl fmt::Display for Accountant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Zcdp => "zcdp",
            Self::Pure => "pure",
        })
    }
}

/// The privacy loss of one charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "accountant", rename_all = "lowercase", deny_unknown_fields)]
pub enum Loss {
    /// A loss of a zcdp project.
    Zcdp {
        /// Concentrated loss of the noise.
        rho: Rho,
        /// Probability spent on key selection.
        delta: Delta,
    },
    /// A loss of a pure project.
    Pure {
        /// Pure loss of the noise.
        epsilon: Epsilon,
    },
}

impl Loss {
    /// The accountant under which this loss was computed.
    pub fn accountant(&self) -> Accountant {
        match self {
            Self::Zcdp { .. } => Accountant::Zcdp,
            Self::Pure { .. } => Accountant::Pure,
        }
    }

    /// The loss of doing nothing.
    pub fn zero(accountant: Accountant) -> Self {
        match accountant {
            Accountant::Zcdp => Self::Zcdp { rho: Rho::zero(), delta: Delta::zero() },
            Accountant::Pure => Self::Pure { epsilon: Epsilon::zero() },
        }
    }

    /// The loss of both releases together.
    ///
    /// *Errors*: [`QuantityError::MixedAccountants`] if the two are not of one accountant;
    /// [`QuantityError::TooLarge`] if the sum no longer fits the ledger.
    pub fn checked_add(&self, other: &Self) -> Result<Self, QuantityError> {
        match (self, other) {
            (Self::Zcdp { rho, delta }, Self::Zcdp { rho: rho_more, delta: delta_more }) => {
                let (rho, delta) = (rho.plus(rho_more), delta.plus(delta_more));
                rho.units_up()?;
                delta.units_up()?;
                Ok(Self::Zcdp { rho, delta })
            }
            (Self::Pure { epsilon }, Self::Pure { epsilon: more }) => {
                let epsilon = epsilon.plus(more);
                epsilon.units_up()?;
                Ok(Self::Pure { epsilon })
            }
            (left, right) => Err(QuantityError::MixedAccountants {
                left: left.accountant(),
                right: right.accountant(),
            }),
        }
    }
}
