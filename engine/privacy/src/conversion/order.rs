//! The best order `alpha` of the conversion, found by bisection.

use crate::precise::{self, Real};

/// An order `alpha = 1 + beta` with `beta > 0`, known exactly.
pub(super) struct Order {
    beta: f64,
}

/// Logarithms of the smallest and largest `beta` considered. Outside them no number of the ledger's
/// range has its best order, and a worse order is still a valid one.
const LOG_BETA: (f64, f64) = (-80.0, 690.0);

impl Order {
    /// The best order for a known rho: setting the derivative of the formula to zero leaves
    /// `rho*beta^2 + ln(1 + beta) = ln(1/delta)`, whose left side grows with `beta`.
    pub(super) fn for_rho(rho: f64, log_inverse_delta: f64) -> Self {
        Self::bisect(|beta| rho * beta * beta + beta.ln_1p() < log_inverse_delta)
    }

    /// The best order for a known epsilon: with rho from the condition above, the formula reads
    /// `(ln(1/delta) - ln(1 + beta)) * (2*beta + 1) / beta^2 - ln(1 + 1/beta) = epsilon`, whose
    /// left side falls as `beta` grows.
    pub(super) fn for_epsilon(epsilon: f64, log_inverse_delta: f64) -> Self {
        Self::bisect(|beta| {
            let rho = (log_inverse_delta - beta.ln_1p()) / beta / beta;
            rho * (2.0 * beta + 1.0) - beta.recip().ln_1p() > epsilon
        })
    }

    fn bisect(is_below: impl Fn(f64) -> bool) -> Self {
        let (mut low, mut high) = LOG_BETA;
        for _ in 0..100 {
            let middle = f64::midpoint(low, high);
            if is_below(middle.exp()) {
                low = middle;
            } else {
                high = middle;
            }
        }
        Self { beta: low.exp() }
    }

    pub(super) fn alpha(&self) -> Real {
        precise::from_f64(1.0) + precise::from_f64(self.beta)
    }

    /// `ln(1 - 1/alpha) + (ln(1/delta) - ln alpha) / (alpha - 1)`: the formula without its
    /// `rho*alpha`.
    pub(super) fn terms_without_rho(&self, log_inverse_delta: &Real) -> Real {
        let beta = precise::from_f64(self.beta);
        let alpha = self.alpha();
        (&beta / &alpha).ln() + (log_inverse_delta - alpha.ln()) / beta
    }
}
