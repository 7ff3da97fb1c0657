//! How much memory a bounder may take, and where rows go when it is not enough.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;

use crate::KernelError;

/// Keeps rows outside of memory until they are wanted again. This crate knows no files: who runs
/// it decides where rows go, and removes them.
pub trait Spill: Send + Sync {
    /// Stores a batch in a slot, behind the batches that the slot holds already.
    ///
    /// # Errors
    /// When it cannot be stored; the text is for the operator.
    fn put(&self, slot: u32, batch: &RecordBatch) -> Result<(), String>;

    /// The batches of a slot in the order in which they were stored; none for a slot that was
    /// never used.
    ///
    /// # Errors
    /// When one of them cannot be read again; the text is for the operator.
    fn take(&self, slot: u32) -> Result<Vec<RecordBatch>, String>;
}

/// The memory policy of a bounder.
#[derive(Clone, Default)]
pub struct Memory {
    /// Rows may take so many bytes before they are spilled, and afterwards the totals of learned
    /// keys as many again; no limit when absent.
    pub limit_bytes: Option<usize>,
    /// Where rows are spilled to. Without it, reaching the limit is an error.
    pub spill: Option<Arc<dyn Spill>>,
}

impl fmt::Debug for Memory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spills = self.spill.is_some();
        out.debug_struct("Memory")
            .field("limit_bytes", &self.limit_bytes)
            .field("spills", &spills)
            .finish()
    }
}

/// What all lanes of a bounder take together.
pub(crate) struct Account {
    pub(crate) memory: Memory,
    used_bytes: AtomicUsize,
    totals_bytes: AtomicUsize,
}

impl Account {
    pub(crate) fn new(memory: Memory) -> Self {
        Self { memory, used_bytes: AtomicUsize::new(0), totals_bytes: AtomicUsize::new(0) }
    }

    /// Notes what a lane takes now instead of before. *Units*: the result is what all lanes take,
    /// in bytes.
    pub(crate) fn replace(&self, before: usize, now: usize) -> usize {
        replaced(&self.used_bytes, before, now)
    }

    /// Notes what the totals of a worker take now instead of before.
    ///
    /// *Errors*: more than there is memory for; totals cannot be spilled.
    pub(crate) fn replace_totals(&self, before: usize, now: usize) -> Result<(), KernelError> {
        let all = replaced(&self.totals_bytes, before, now);
        match self.memory.limit_bytes {
            Some(limit_bytes) if all > limit_bytes => Err(KernelError::Memory { limit_bytes }),
            Some(_) | None => Ok(()),
        }
    }

    /// How many of `workers` there is room for, each of which takes so many bytes at once.
    pub(crate) fn workers(&self, workers: usize, each_bytes: usize) -> usize {
        match self.memory.limit_bytes {
            Some(limit_bytes) => (limit_bytes / each_bytes.max(1)).clamp(1, workers.max(1)),
            None => workers,
        }
    }

    pub(crate) fn spill(&self) -> Result<&dyn Spill, KernelError> {
        let limit_bytes = self.memory.limit_bytes.unwrap_or_default();
        self.memory.spill.as_deref().ok_or(KernelError::Memory { limit_bytes })
    }
}

/// Wrapping additions of differences end at the right sum, whatever their order.
fn replaced(sum: &AtomicUsize, before: usize, now: usize) -> usize {
    let change = now.wrapping_sub(before);
    sum.fetch_add(change, Ordering::Relaxed).wrapping_add(change)
}
