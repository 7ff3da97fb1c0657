//! Noise that is only imagined: what might have been drawn, for intervals of derived values.
//!
//! It is seeded by the hash of sealed bytes, which are public, and never touches the generator that
//! releases draw from. So intervals are the same at every replay and cost nothing.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::mechanism::Noise;
use crate::sampler::Sampler;

/// A stream of imagined draws.
///
/// *Guarantee*: a function of public bytes. Nothing drawn here may ever be added to an exact value.
pub struct Simulation {
    generator: ChaCha20Rng,
}

impl Simulation {
    /// The stream that belongs to a hash of released bytes.
    pub fn from_hash(hash: [u8; 32]) -> Self {
        Self { generator: ChaCha20Rng::from_seed(hash) }
    }

    /// So many draws of the standard normal law, by summing uniform numbers: good enough to imagine
    /// with, and nothing else.
    pub fn standard_normals(&mut self, count: usize) -> Vec<f64> {
        // The sum of twelve uniform numbers has a variance of one.
        let mut uniform = || f64::from(self.generator.next_u32()) / f64::from(u32::MAX);
        (0..count).map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0).collect()
    }

    /// So many draws of one noise.
    pub fn draws(&mut self, noise: &Noise, count: usize) -> Vec<i128> {
        let sampler = Sampler::new(noise);
        (0..count).map(|_| sampler.sample(&mut self.generator)).collect()
    }
}

/// Never shows the state of the generator.
impl std::fmt::Debug for Simulation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Simulation(..)")
    }
}
