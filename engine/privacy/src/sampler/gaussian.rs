//! The discrete Gaussian sampler.
//!
//! *Source*: Canonne, Kamath & Steinke 2020, Algorithm 3.

use rand_chacha::rand_core::Rng;

use super::bernoulli::bernoulli_exp;
use super::laplace::LaplaceSampler;
use super::natural::Natural;
use crate::mechanism::scale::Scale;

/// Draws `x` with probability proportional to `exp(-x^2 / (2*sigma^2))`.
///
/// With `sigma = a / 2^f` and `t = floor(sigma) + 1`, a Laplace draw `y` of scale `t` is kept with
/// probability `exp(-(|y| - sigma^2/t)^2 / (2*sigma^2))`, whose exponent is `(|y|*t*4^f - a^2)^2 /
/// (2 * a^2 * (t*2^f)^2)`. `mechanism/gaussian/PROOF.md` shows that all of it fits the width.
pub(crate) struct GaussianSampler<N> {
    laplace: LaplaceSampler,
    /// `t * 4^f`.
    slope: u128,
    /// `a^2`.
    square: u128,
    /// `2 * a^2 * (t*2^f)^2`.
    denominator: N,
}

/// Whether 128 bits are enough for this scale.
pub(super) fn is_narrow(scale: Scale) -> bool {
    scale.numerator() < 1 << 22
}

impl<N: Natural> GaussianSampler<N> {
    pub(crate) fn new(scale: Scale) -> Self {
        let (a, places) = (u128::from(scale.numerator()), scale.places());
        let t = (scale.numerator() >> places) + 1;
        let widened = u128::from(t) << places;
        Self {
            laplace: LaplaceSampler::whole(t),
            slope: widened << places,
            square: a * a,
            denominator: N::product(a * a, 2 * widened * widened),
        }
    }

    #[inline]
    pub(crate) fn sample(&self, rng: &mut impl Rng) -> i128 {
        loop {
            let candidate = self.laplace.sample(rng);
            let distance = (candidate.unsigned_abs() * self.slope).abs_diff(self.square);
            if bernoulli_exp(rng, N::product(distance, distance), self.denominator) {
                return candidate;
            }
        }
    }
}
