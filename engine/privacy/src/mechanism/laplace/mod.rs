//! Discrete Laplace noise: probability proportional to `exp(-|x| / b)`. The proof note is
//! `PROOF.md`.

use dashu::integer::IBig;
use dashu::rational::RBig;

use super::scale::Scale;
use super::tail::{EXPONENT_MAX, directed};
use crate::error::PrivacyError;
use crate::precise;

/// Discrete Laplace noise of one exact scale `b`.
///
/// *Guarantee*: per cell, `D/b`-DP for integers that change by at most `D`.
///
/// *Source*: Ghosh, Roughgarden & Sundararajan 2012; sampled by Canonne, Kamath & Steinke 2020,
/// Algorithm 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DiscreteLaplace {
    scale: Scale,
}

impl DiscreteLaplace {
    /// Noise of exactly this scale.
    ///
    /// *Errors*: [`PrivacyError::ScaleNotRepresentable`].
    pub fn with_scale(scale: &RBig) -> Result<Self, PrivacyError> {
        Ok(Self { scale: Scale::exactly(scale)? })
    }

    pub(super) fn for_scale_at_least(scale: &RBig) -> Result<Self, PrivacyError> {
        Ok(Self { scale: Scale::at_least(scale)? })
    }

    pub(super) fn for_square_at_least(square: &RBig) -> Result<Self, PrivacyError> {
        Ok(Self { scale: Scale::sqrt_at_least(square)? })
    }

    pub(super) fn next_up(self) -> Result<Self, PrivacyError> {
        Ok(Self { scale: self.scale.next_up()? })
    }

    pub(crate) fn scale(&self) -> Scale {
        self.scale
    }

    /// With `p = exp(-1/b)` the variance is `2p/(1-p)^2 = 1/(2*sinh(1/(2b))^2)`.
    pub(super) fn std_dev_f64(&self) -> f64 {
        let half = 0.5 / self.scale.to_f64();
        std::f64::consts::FRAC_1_SQRT_2 / half.sinh()
    }

    /// `P[X >= m] = p^m / (1 + p)` for `m >= 1`, from both sides.
    pub(super) fn positive_tail_bounds(&self, m: i128) -> (RBig, RBig) {
        let scale = self.scale.to_rational();
        let exponent = RBig::from(IBig::from(m)) / &scale;
        let cap = RBig::from(EXPONENT_MAX);
        let is_capped = exponent > cap;
        let power = (-precise::from_rational(&exponent.min(cap))).exp();
        let base = (-precise::from_rational(&(RBig::ONE / scale))).exp();
        let (low, high) = directed(&(power / (precise::from_f64(1.0) + base)));
        if is_capped { (RBig::ZERO, high) } else { (low, high) }
    }

    /// `ln P[X >= m]` in floating point, for intervals only.
    pub(super) fn log_tail_f64(&self, m: f64) -> f64 {
        let inverse = self.scale.to_f64().recip();
        let log_one_plus_base = (-inverse).exp().ln_1p();
        if m >= 1.0 {
            -m * inverse - log_one_plus_base
        } else {
            let below = (-(1.0 - m) * inverse - log_one_plus_base).exp();
            (-below).ln_1p()
        }
    }
}
