//! What the tails of both laws share: directed rounding, and the search for a point where a tail is
//! small enough.

use dashu::integer::IBig;
use dashu::rational::RBig;

use super::Noise;
use crate::precise::{self, Real};

/// Beyond this exponent a tail is only bounded, by `exp(-1000)`: no delta of the ledger comes near
/// it.
pub(super) const EXPONENT_MAX: u32 = 1_000;

/// A computed number moved down and up by `2^-150` of itself, more than its handful of operations
/// can err.
pub(super) fn directed(value: &Real) -> (RBig, RBig) {
    let one = precise::from_f64(1.0);
    let low = precise::to_rational(&(value * (&one - precise::margin())));
    let high = precise::to_rational(&(value * (&one + precise::margin())));
    (low, high)
}

/// The smallest `m >= least` for which the upper bound on `P[X >= m]` is at most `target`.
///
/// A floating-point guess says where to look; what is returned has been checked against the bound
/// itself, and so has the number before it.
pub(crate) fn smallest_with_tail_at_most(noise: &Noise, target: &RBig, least: i128) -> i128 {
    let holds = |m: i128| noise.probability_at_least(m) <= *target;
    let guess = guess(noise, target.to_f64().value()).max(least);
    let mut step: i128 = 1;
    // Widen until the answer lies in (fails, works], then halve.
    let (mut fails, mut works) = if holds(guess) {
        let mut works = guess;
        loop {
            let below = works - step;
            if below < least {
                break (least - 1, works);
            }
            if !holds(below) {
                break (below, works);
            }
            works = below;
            step *= 2;
        }
    } else {
        let mut fails = guess;
        loop {
            let above = fails + step;
            if holds(above) {
                break (fails, above);
            }
            fails = above;
            step *= 2;
        }
    };
    while works - fails > 1 {
        let middle = fails + (works - fails) / 2;
        if holds(middle) {
            works = middle;
        } else {
            fails = middle;
        }
    }
    works
}

/// Where the tail is about `target`, good to a few units or to double precision.
fn guess(noise: &Noise, target: f64) -> i128 {
    let log_target = target.ln();
    let (mut low, mut high) = (0.0, 40.0 * noise.std_dev_f64() + 40.0);
    for _ in 0..60 {
        let middle: f64 = f64::midpoint(low, high);
        if noise.log_tail_f64(middle) > log_target {
            low = middle;
        } else {
            high = middle;
        }
    }
    high.ceil() as i128
}

impl Noise {
    /// `ln P[X >= m]` in floating point, for guesses and intervals only.
    pub(super) fn log_tail_f64(&self, m: f64) -> f64 {
        match self {
            Self::Laplace(laplace) => laplace.log_tail_f64(m),
            Self::Gaussian(gaussian) => gaussian.log_tail_f64(m),
        }
    }
}

/// An integer as an exact [`Real`].
pub(super) fn real(value: i128) -> Real {
    precise::from_integer(IBig::from(value))
}
