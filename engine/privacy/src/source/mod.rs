//! The only source of randomness of the engine.
//!
//! A seed comes from the operating system, afresh for every release; everything drawn from it is
//! ChaCha20. No other room may use a random generator: ids and keys come from [`random_bytes`].

mod simulation;
pub mod testing;
#[cfg(test)]
mod tests;

use std::fmt;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

use crate::error::PrivacyError;
use crate::mechanism::Noise;
use crate::sampler::Sampler;
use crate::sensitivity::Sensitivity;
pub use simulation::Simulation;

/// Which noise a column is to get, and what its price was computed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoiseRequest {
    /// The boundary of the plan that the column belongs to.
    pub boundary: u32,
    /// The column's name in the plan.
    pub column: String,
    /// The noise to add.
    pub noise: Noise,
    /// How much one unit may change the column.
    pub sensitivity: Sensitivity,
}

/// One exact value that must not leave without noise.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cell<'a> {
    /// The canonical bytes of the cell's key.
    pub label: &'a [u8],
    /// The exact value, in grid steps.
    pub exact: i128,
}

/// Shows neither the key nor the value, so that no log can hold them.
impl fmt::Debug for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cell(..)")
    }
}

/// Something that adds noise to the cells of a column.
pub trait NoiseSource {
    /// The noisy values, in the order of the cells.
    ///
    /// The number of requests, their order and the number of cells must be functions of the plan
    /// and of public or released keys only.
    ///
    /// *Errors*: [`PrivacyError::NoRandomness`] from sources that ask the operating system.
    fn perturb(
        &mut self,
        request: &NoiseRequest,
        cells: &[Cell<'_>],
    ) -> Result<Vec<i128>, PrivacyError>;
}

impl<S: NoiseSource + ?Sized> NoiseSource for Box<S> {
    fn perturb(
        &mut self,
        request: &NoiseRequest,
        cells: &[Cell<'_>],
    ) -> Result<Vec<i128>, PrivacyError> {
        (**self).perturb(request, cells)
    }
}

impl<S: NoiseSource + ?Sized> NoiseSource for &mut S {
    fn perturb(
        &mut self,
        request: &NoiseRequest,
        cells: &[Cell<'_>],
    ) -> Result<Vec<i128>, PrivacyError> {
        (**self).perturb(request, cells)
    }
}

/// The product's source: one generator for one release, seeded by the operating system.
///
/// It can be neither cloned nor seeded nor stored, so two releases never share a stream, whatever
/// is forked or restored.
pub struct FreshNoise {
    generator: ChaCha20Rng,
}

impl FreshNoise {
    /// Asks the operating system for a seed.
    ///
    /// *Errors*: [`PrivacyError::NoRandomness`].
    pub fn from_os() -> Result<Self, PrivacyError> {
        Ok(Self { generator: ChaCha20Rng::from_seed(random_bytes()?) })
    }
}

impl NoiseSource for FreshNoise {
    fn perturb(
        &mut self,
        request: &NoiseRequest,
        cells: &[Cell<'_>],
    ) -> Result<Vec<i128>, PrivacyError> {
        Ok(draw(&mut self.generator, request, cells))
    }
}

/// Never shows the state of the generator.
impl fmt::Debug for FreshNoise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FreshNoise(..)")
    }
}

/// Unpredictable bytes from the operating system, for ids and bounding keys.
///
/// *Errors*: [`PrivacyError::NoRandomness`].
#[expect(clippy::disallowed_methods, reason = "this is the one place that may ask")]
pub fn random_bytes<const N: usize>() -> Result<[u8; N], PrivacyError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| PrivacyError::NoRandomness)?;
    Ok(bytes)
}

/// So many cells share one generator. Part of what a seed means: not to be changed for speed alone.
const CHUNK_CELLS: usize = 1 << 14;

/// Adds one draw to every cell. A sum that does not fit saturates, which is post-processing of the
/// noisy value.
///
/// A column of several chunks is drawn on all threads of the current rayon pool. Each chunk has a
/// generator of its own, seeded in turn by the next 256 bits of the release's, so that the result
/// depends on the seed and the number of cells, and never on threads.
fn draw(generator: &mut ChaCha20Rng, request: &NoiseRequest, cells: &[Cell<'_>]) -> Vec<i128> {
    let sampler = Sampler::new(&request.noise);
    let noisy = |cell: &Cell<'_>, generator: &mut ChaCha20Rng| {
        cell.exact.saturating_add(sampler.sample(generator))
    };
    if cells.len() <= CHUNK_CELLS {
        return cells.iter().map(|cell| noisy(cell, generator)).collect();
    }
    let chunks = cells.chunks(CHUNK_CELLS);
    let generators: Vec<ChaCha20Rng> = chunks.map(|_| following(generator)).collect();
    let drawn: Vec<Vec<i128>> = (cells.par_chunks(CHUNK_CELLS).zip(generators))
        .map(|(chunk, mut own)| chunk.iter().map(|cell| noisy(cell, &mut own)).collect())
        .collect();
    drawn.concat()
}

/// A generator whose seed is the next output of another one.
fn following(generator: &mut ChaCha20Rng) -> ChaCha20Rng {
    let mut seed = [0; 32];
    generator.fill_bytes(&mut seed);
    ChaCha20Rng::from_seed(seed)
}
