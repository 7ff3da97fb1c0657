//! Where a release gets its noise and its bounding key from.

use voilage_privacy::PrivacyError;
use voilage_privacy::source::{FreshNoise, NoiseSource, random_bytes};

/// The two random inputs of a release. Everything else is deterministic.
///
/// Tests pass in recorded sources; the product always uses [`OsRandomness`].
pub trait Randomness: Send + Sync {
    /// A key that decides which rows and groups of a unit are kept. Stored with the charge.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    fn bounding_key(&self) -> Result<[u8; 16], PrivacyError>;

    /// A noise source for one release, never used for another.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    fn noise(&self) -> Result<Box<dyn NoiseSource>, PrivacyError>;
}

/// Fresh randomness from the operating system for every release.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandomness;

impl Randomness for OsRandomness {
    fn bounding_key(&self) -> Result<[u8; 16], PrivacyError> {
        random_bytes()
    }

    fn noise(&self) -> Result<Box<dyn NoiseSource>, PrivacyError> {
        Ok(Box::new(FreshNoise::from_os()?))
    }
}
