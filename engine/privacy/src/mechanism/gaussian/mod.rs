//! Discrete Gaussian noise: probability proportional to `exp(-x^2 / (2*sigma^2))`. The proof note
//! is `PROOF.md`.

mod normal;
mod series;

use dashu::rational::RBig;

use super::scale::Scale;
use super::tail::{EXPONENT_MAX, directed, real};
use crate::error::PrivacyError;
use crate::precise::{self, Real};

pub(super) use normal::{log_upper_tail_f64, upper_tail_f64};

/// The largest scale whose tail is summed term by term. Above it the sum is bounded by integrals.
const SUMMED_SCALE_MAX: f64 = 4_096.0;

/// The largest scale for which the floating-point tail of intervals is summed term by term.
const SUMMED_SCALE_F64_MAX: f64 = 16.0;

/// Discrete Gaussian noise of one exact scale `sigma`.
///
/// *Guarantee*: `L2^2 / (2*sigma^2)`-zCDP for integer columns that change by at most `L2` in
/// Euclidean norm.
///
/// *Source*: Canonne, Kamath & Steinke 2020, Theorem 4 and Algorithm 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DiscreteGaussian {
    scale: Scale,
}

impl DiscreteGaussian {
    /// Noise of exactly this scale.
    ///
    /// *Errors*: [`PrivacyError::ScaleNotRepresentable`].
    pub fn with_scale(scale: &RBig) -> Result<Self, PrivacyError> {
        Ok(Self { scale: Scale::exactly(scale)? })
    }

    pub(super) fn for_variance_at_least(variance: &RBig) -> Result<Self, PrivacyError> {
        Ok(Self { scale: Scale::sqrt_at_least(variance)? })
    }

    pub(super) fn next_up(self) -> Result<Self, PrivacyError> {
        Ok(Self { scale: self.scale.next_up()? })
    }

    pub(crate) fn scale(&self) -> Scale {
        self.scale
    }

    /// The standard deviation is `sigma` but for tiny scales, where it is smaller; summed there.
    pub(super) fn std_dev_f64(&self) -> f64 {
        let sigma = self.scale.to_f64();
        if sigma >= 2.0 {
            return sigma;
        }
        let weight = |x: f64| (-x * x / (2.0 * sigma * sigma)).exp();
        let (mut total, mut squares) = (1.0, 0.0);
        for x in 1..40 {
            let x = f64::from(x);
            total += 2.0 * weight(x);
            squares += 2.0 * x * x * weight(x);
        }
        (squares / total).sqrt()
    }

    /// `P[X >= m]` for `m >= 1`, from both sides.
    pub(super) fn positive_tail_bounds(&self, m: i128) -> (RBig, RBig) {
        let sigma = self.scale.to_rational();
        let exponent = RBig::from(m).sqr() / (sigma.sqr() * RBig::from(2));
        if exponent > RBig::from(EXPONENT_MAX) {
            // The law is sigma^2-subgaussian, so P[X >= m] <= exp(-m^2 / (2*sigma^2)); see
            // PROOF.md.
            let (_, high) = directed(&(-real(i128::from(EXPONENT_MAX))).exp());
            return (RBig::ZERO, high);
        }
        let first = (-precise::from_rational(&exponent)).exp();
        if self.scale.to_f64() <= SUMMED_SCALE_MAX {
            self.summed_tail(m, &first)
        } else {
            self.integrated_tail(m, &first)
        }
    }

    /// `f(m) * (1 + f(m+1)/f(m) + ...) / Z`, with `f(x) = exp(-x^2 / (2*sigma^2))` and `Z` the sum
    /// over all integers.
    fn summed_tail(&self, m: i128, first: &Real) -> (RBig, RBig) {
        let (sum_low, sum_high) = series::relative_tail(&self.scale.to_rational(), m);
        let (total_low, total_high) = self.total();
        let (first_low, first_high) = directed(first);
        (first_low * sum_low / total_high, first_high * sum_high / total_low)
    }

    /// Bounds on the sum of `f` over all integers.
    ///
    /// By Poisson summation it is `sigma*sqrt(2*pi) * (1 + 2*sum_k q^(k^2))` with `q =
    /// exp(-2*pi^2*sigma^2)`; for `sigma >= 1` the terms from the fifth on are below `exp(-400)`.
    /// Below one the sum itself converges faster.
    fn total(&self) -> (RBig, RBig) {
        let sigma = precise::from_rational(&self.scale.to_rational());
        let one = precise::from_f64(1.0);
        let two = precise::from_f64(2.0);
        let square = &sigma * &sigma;
        let is_small = self.scale.to_f64() < 1.0;
        let pi = precise::pi();
        let decay =
            if is_small { (&two * &square).powi((-1).into()) } else { &two * &pi * &pi * square };
        // Below one, 25 terms leave less than exp(-338).
        let terms = if is_small { 25 } else { 4 };
        let tail = (1..=terms).fold(precise::from_f64(0.0), |sum, k| {
            sum + (-&decay * precise::from_f64(f64::from(k * k))).exp()
        });
        let total = one + &two * tail;
        let total = if is_small { total } else { total * sigma * (two * pi).sqrt() };
        directed(&total)
    }

    /// Bounds for large scales, from comparing the sum with the integral of the same function.
    ///
    /// `Z` lies within `2^-150` of `sigma*sqrt(2*pi)`, so the integral from `a` over `Z` is
    /// `Q(a/sigma)`, the tail of the normal law. Where `f` is convex, from `sigma` on, its value at
    /// an integer is at most the integral over the unit interval around it (Hermite and Hadamard),
    /// and half the first term plus the integral is at most the sum (trapezes). Elsewhere `f` still
    /// falls, so the sum lies between the integral and the integral plus the first term.
    fn integrated_tail(&self, m: i128, first: &Real) -> (RBig, RBig) {
        let sigma = precise::from_rational(&self.scale.to_rational());
        let two = precise::from_f64(2.0);
        let density = first / (&sigma * (&two * precise::pi()).sqrt());
        let (density_low, density_high) = directed(&density);
        let half = precise::from_f64(0.5);
        let (at_m_low, at_m_high) = normal::upper_tail(&(real(m) / &sigma));
        let before = real(m) - half;
        if before >= sigma {
            let (_, high) = normal::upper_tail(&(before / sigma));
            (at_m_low + density_low / RBig::from(2), high)
        } else {
            (at_m_low, at_m_high + density_high)
        }
    }

    /// `ln P[X >= m]` in floating point, for guesses and intervals only.
    ///
    /// Small scales are summed. Larger ones use the normal tail half a step before `m` with the
    /// first correction of the midpoint rule, good to `1e-3` of itself out to ten standard
    /// deviations.
    pub(super) fn log_tail_f64(&self, m: f64) -> f64 {
        if m < 0.5 {
            return (-self.log_tail_f64(1.0 - m).exp()).ln_1p();
        }
        let sigma = self.scale.to_f64();
        if sigma <= SUMMED_SCALE_F64_MAX {
            return series::log_tail_f64(sigma, m);
        }
        let u = (m - 0.5) / sigma;
        let ratio = normal::mills_ratio_f64(u);
        let corrected = ratio - (u / (24.0 * sigma * sigma)).min(0.5 * ratio);
        -0.5 * u * u - 0.5 * std::f64::consts::TAU.ln() + corrected.ln()
    }
}
