//! Between concentrated and approximate differential privacy.
//!
//! A rho-zCDP mechanism is (epsilon, delta)-DP whenever, for some order `alpha > 1`,
//!
//! ```text
//! epsilon = rho*alpha + ln(1 - 1/alpha) + (ln(1/delta) - ln alpha) / (alpha - 1).
//! ```
//!
//! Every order gives a valid statement, so the order may be found in floating point; what is
//! returned is the formula at that order in 77-digit arithmetic, moved by a margin far above the
//! arithmetic's error, then rounded to the ledger's grid in the safe direction.
//!
//! *Source*: Canonne, Kamath & Steinke 2020, *The Discrete Gaussian for Differential Privacy*,
//! Corollary 13.

mod order;
#[cfg(test)]
mod tests;

use dashu::rational::RBig;

use crate::precise::{self, Real};
use crate::quantity::{Delta, Epsilon, QuantityError, Rho};
use order::Order;

/// The largest rho on the ledger's grid for which rho-zCDP implies (`epsilon`, `delta`)-DP.
///
/// *Guarantee*: rounded down, so what is returned never allows more than the promise; zero when the
/// promise leaves room for nothing.
pub fn rho_for(epsilon: &Epsilon, delta: &Delta) -> Rho {
    if epsilon.is_zero() || delta.is_zero() {
        return Rho::zero();
    }
    let log_inverse_delta = log_inverse(delta);
    let epsilon = precise::from_rational(epsilon.as_rational());
    let order = Order::for_epsilon(epsilon.to_f64().value(), log_inverse_delta.to_f64().value());
    let rho = (epsilon - order.terms_without_rho(&log_inverse_delta)) / order.alpha();
    Rho::of_non_negative(precise::floor_to_grid(&(rho - precise::margin()), Rho::UNITS_PER_ONE))
}

/// The smallest epsilon on the ledger's grid such that `rho`-zCDP implies (epsilon, `delta`)-DP.
///
/// *Guarantee*: rounded up, so the statement is never stronger than what holds.
///
/// *Errors*: [`QuantityError::OutOfRange`] if `delta` is zero and `rho` is not: no finite epsilon
/// exists.
pub fn epsilon_for(rho: &Rho, delta: &Delta) -> Result<Epsilon, QuantityError> {
    if rho.is_zero() {
        return Ok(Epsilon::zero());
    }
    if delta.is_zero() {
        return Err(QuantityError::OutOfRange {
            quantity: "delta",
            text: "0".to_owned(),
            allowed: "above 0 to state a concentrated loss as epsilon and delta",
        });
    }
    let log_inverse_delta = log_inverse(delta);
    let rho = precise::from_rational(rho.as_rational());
    let order = Order::for_rho(rho.to_f64().value(), log_inverse_delta.to_f64().value());
    let epsilon = rho * order.alpha() + order.terms_without_rho(&log_inverse_delta);
    let epsilon = precise::ceil_to_grid(&(epsilon + precise::margin()), Epsilon::UNITS_PER_ONE);
    Ok(Epsilon::of_non_negative(epsilon))
}

/// What a zcdp project or dataset may spend: the two sums at which its filter stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZcdpCap {
    /// Largest sum of rho.
    pub rho: Rho,
    /// Largest sum of the delta of key selections.
    pub delta: Delta,
}

impl ZcdpCap {
    /// Splits a promise of (`epsilon`, `delta`)-DP: half of delta pays for the conversion to rho,
    /// the other half is there for key selection.
    ///
    /// *Guarantee*: whoever stays within both sums keeps the promise: delta-approximate rho-zCDP is
    /// (epsilon, conversion delta + delta)-DP.
    pub fn from_epsilon_delta(epsilon: &Epsilon, delta: &Delta) -> Self {
        let half = conversion_half(delta);
        Self { rho: rho_for(epsilon, &half), delta: half.round_down() }
    }
}

/// The half of a project's delta that pays for the conversion between rho and epsilon.
pub fn conversion_half(delta: &Delta) -> Delta {
    Delta::of_non_negative(delta.as_rational() / RBig::from(2))
}

/// The rho that an epsilon-DP mechanism costs in a zcdp dataset, `epsilon^2 / 2`, rounded up to the
/// ledger's grid.
///
/// *Source*: Bun & Steinke 2016, Proposition 1.4.
pub fn rho_of_pure(epsilon: &Epsilon) -> Rho {
    let rho = epsilon.as_rational() * epsilon.as_rational() / RBig::from(2);
    let units = (rho * RBig::from(Rho::UNITS_PER_ONE)).ceil();
    Rho::of_non_negative(RBig::from_parts(units, Rho::UNITS_PER_ONE.unsigned_abs().into()))
}

/// `ln(1 / delta)`. A delta of one or more promises nothing; it is read as the largest delta below
/// one that 64 bits hold, which can only make the statement more careful.
fn log_inverse(delta: &Delta) -> Real {
    let almost_one = RBig::ONE - RBig::from_parts(1.into(), (1u128 << 64).into());
    let delta = delta.as_rational().min(&almost_one);
    -precise::from_rational(delta).ln()
}
