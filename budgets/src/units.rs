//! Privacy quantities as the ledger stores them: signed 64-bit integers of fixed units.
//!
//! Costs come in rounded up and caps rounded down, so every comparison errs on the side of
//! the people in the data. What comes out again is exact.

use voilage_privacy::conversion::{ZcdpCap, rho_of_pure};
use voilage_privacy::{Accountant, Delta, Epsilon, Loss, QuantityError, Rho};

use crate::error::LedgerError;

/// The three sums of an account; those its accountant does not use stay zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Units {
    /// In 1e-15.
    pub(crate) rho: i64,
    /// In 1e-18.
    pub(crate) delta: i64,
    /// In 1e-12.
    pub(crate) epsilon: i64,
}

impl Units {
    /// What a loss costs, rounded up; a question about owned rows costs at least one unit.
    pub(crate) fn cost(loss: &Loss) -> Result<Self, LedgerError> {
        Ok(match loss {
            Loss::Zcdp { rho, delta } => Self {
                rho: rho.units_up().map_err(too_large)?.max(1),
                delta: delta.units_up().map_err(too_large)?,
                epsilon: 0,
            },
            Loss::Pure { epsilon } => {
                Self { rho: 0, delta: 0, epsilon: epsilon.units_up().map_err(too_large)?.max(1) }
            }
        })
    }

    /// The cap that terms on the ledger's grid buy, rounded down.
    pub(crate) fn cap(epsilon: &Epsilon, delta: Option<&Delta>) -> Self {
        match delta {
            Some(delta) => {
                let cap = ZcdpCap::from_epsilon_delta(epsilon, delta);
                Self { rho: cap.rho.units_down(), delta: cap.delta.units_down(), epsilon: 0 }
            }
            None => Self { rho: 0, delta: 0, epsilon: epsilon.units_down() },
        }
    }

    /// The same cost or cap of a project, in the accountant of its dataset, rounded up.
    ///
    /// A pure epsilon is rho = epsilon^2 / 2 at most (Bun & Steinke 2016, proposition 1.4).
    pub(crate) fn in_dataset(
        self,
        project: Accountant,
        dataset: Accountant,
    ) -> Result<Self, LedgerError> {
        match (project, dataset) {
            (Accountant::Zcdp, Accountant::Zcdp) | (Accountant::Pure, Accountant::Pure) => Ok(self),
            (Accountant::Pure, Accountant::Zcdp) => {
                let rho = rho_of_pure(&Epsilon::from_units(self.epsilon));
                Ok(Self { rho: rho.units_up().map_err(too_large)?.max(1), delta: 0, epsilon: 0 })
            }
            (Accountant::Zcdp, Accountant::Pure) => {
                Err(LedgerError::Misuse("a zcdp project was charged to a pure dataset"))
            }
        }
    }

    /// The sums as quantities of `accountant`, exactly.
    pub(crate) fn to_loss(self, accountant: Accountant) -> Loss {
        match accountant {
            Accountant::Zcdp => {
                Loss::Zcdp { rho: Rho::from_units(self.rho), delta: Delta::from_units(self.delta) }
            }
            Accountant::Pure => Loss::Pure { epsilon: Epsilon::from_units(self.epsilon) },
        }
    }

    pub(crate) fn checked_add(self, other: Self) -> Result<Self, LedgerError> {
        self.zip(other, i64::checked_add)
    }

    pub(crate) fn checked_sub(self, other: Self) -> Result<Self, LedgerError> {
        self.zip(other, i64::checked_sub)
    }

    /// The difference, with nothing below zero.
    pub(crate) fn saturating_sub(self, other: Self) -> Result<Self, LedgerError> {
        self.zip(other, |left, right| left.checked_sub(right).map(|rest| rest.max(0)))
    }

    /// Whether each of the three is at most that of `cap`.
    pub(crate) fn fits_in(self, cap: Self) -> bool {
        self.rho <= cap.rho && self.delta <= cap.delta && self.epsilon <= cap.epsilon
    }

    fn zip(
        self,
        other: Self,
        operation: impl Fn(i64, i64) -> Option<i64>,
    ) -> Result<Self, LedgerError> {
        let pair = |left, right| operation(left, right).ok_or(LedgerError::Overflow);
        Ok(Self {
            rho: pair(self.rho, other.rho)?,
            delta: pair(self.delta, other.delta)?,
            epsilon: pair(self.epsilon, other.epsilon)?,
        })
    }
}

/// The only way a parsed quantity fails to become units.
fn too_large(_: QuantityError) -> LedgerError {
    LedgerError::Overflow
}
