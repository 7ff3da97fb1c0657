//! How much memory one execution may take, and where it goes beyond it.

use std::path::PathBuf;

use super::spill::SpillRoot;

/// What the data holder allows; the same for every question, so that nothing depends on the data.
#[derive(Clone, Debug)]
pub(crate) struct Resources {
    memory_bytes: usize,
    pub(crate) spill: SpillRoot,
}

impl Resources {
    /// What executions take when the hub file does not say it.
    pub(crate) const DEFAULT_MEMORY_MIB: u64 = 1024;
    /// With less, hardly any join could run.
    pub(crate) const MEMORY_MIB_MIN: u64 = 64;

    pub(crate) fn new(memory_mib: u64, spill: PathBuf) -> Self {
        let memory_bytes = usize::try_from(memory_mib.saturating_mul(1 << 20));
        Self { memory_bytes: memory_bytes.unwrap_or(usize::MAX), spill: SpillRoot::new(spill) }
    }

    /// What rows may take in the kernel before they are spilled. Lanes overrun it by half at most,
    /// and while partitions are bounded, two of them are in memory in full.
    pub(super) fn rows_bytes(&self) -> usize {
        self.memory_bytes / 3
    }

    /// What joins and sorts may take before they spill.
    pub(crate) fn joins_bytes(&self) -> usize {
        self.memory_bytes / 4
    }
}
