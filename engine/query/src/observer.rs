//! What a caller may watch while a question is answered: stages, never row counts.

/// A stage on the way from a paid question to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The charge is durable; no owned row has been read.
    Charged,
    /// An attempt has been logged; reading owned rows begins.
    Executing,
    /// The noisy values of one boundary exist in memory only.
    Released,
    /// The released bytes of one boundary are stored durably.
    Sealed,
    /// The SQL above the boundaries has run.
    PostProcessed,
}

/// Is told about each stage as it is reached.
pub trait StageObserver: Send + Sync {
    /// Called once the stage is complete.
    fn reached(&self, stage: Stage);
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl StageObserver for Unobserved {
    fn reached(&self, _stage: Stage) {}
}
