//! Exact samplers of the discrete Laplace and discrete Gaussian distributions.
//!
//! Integers of fixed width only: no floating point, no allocation, no division. The ranges in which
//! nothing can overflow are derived in the proof notes of the two mechanisms and enforced by the
//! scales that can be represented. Never imported here: anything that knows what the noise is for.
//!
//! *Source*: Canonne, Kamath & Steinke 2020, *The Discrete Gaussian for Differential Privacy*,
//! Algorithms 1 to 3.

mod bernoulli;
mod gaussian;
mod laplace;
mod natural;
#[cfg(test)]
mod tests;

use rand_chacha::rand_core::Rng;

use crate::mechanism::Noise;
use gaussian::GaussianSampler;
use laplace::LaplaceSampler;
use natural::U256;

/// A sampler prepared for one scale.
pub(crate) enum Sampler {
    /// Discrete Laplace noise.
    Laplace(LaplaceSampler),
    /// Discrete Gaussian noise whose exponents fit 128 bits.
    NarrowGaussian(GaussianSampler<u128>),
    /// Discrete Gaussian noise whose exponents need 256 bits.
    WideGaussian(GaussianSampler<U256>),
}

impl Sampler {
    /// Prepares the constants of one noise.
    pub(crate) fn new(noise: &Noise) -> Self {
        match noise {
            Noise::Laplace(laplace) => Self::Laplace(LaplaceSampler::new(laplace.scale())),
            Noise::Gaussian(gaussian) if gaussian::is_narrow(gaussian.scale()) => {
                Self::NarrowGaussian(GaussianSampler::new(gaussian.scale()))
            }
            Noise::Gaussian(gaussian) => Self::WideGaussian(GaussianSampler::new(gaussian.scale())),
        }
    }

    /// One draw. Its size is below 2^71.
    pub(crate) fn sample(&self, rng: &mut impl Rng) -> i128 {
        match self {
            Self::Laplace(sampler) => sampler.sample(rng),
            Self::NarrowGaussian(sampler) => sampler.sample(rng),
            Self::WideGaussian(sampler) => sampler.sample(rng),
        }
    }
}
