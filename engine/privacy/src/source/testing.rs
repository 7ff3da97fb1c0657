//! Noise sources for tests only: repeatable, recording and replaying. The product never uses them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::{Cell, NoiseRequest, NoiseSource, draw};
use crate::error::PrivacyError;

/// Tests only: the same draws for the same seed.
pub struct SeededNoise {
    generator: ChaCha20Rng,
}

impl SeededNoise {
    /// A stream of draws that depends on the seed alone.
    pub fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self { generator: ChaCha20Rng::from_seed(bytes) }
    }
}

impl NoiseSource for SeededNoise {
    fn perturb(
        &mut self,
        request: &NoiseRequest,
        cells: &[Cell<'_>],
    ) -> Result<Vec<i128>, PrivacyError> {
        Ok(draw(&mut self.generator, request, cells))
    }
}

/// Tests only: one call of [`NoiseSource::perturb`], with what went in and what came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedColumn {
    /// What was asked for.
    pub request: NoiseRequest,
    /// The cells in their order.
    pub cells: Vec<RecordedCell>,
}

/// Tests only: one cell before and after its noise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedCell {
    /// The canonical bytes of the key.
    pub label: Box<[u8]>,
    /// The exact value.
    pub exact: i128,
    /// The noisy value.
    pub released: i128,
}

/// Tests only: passes everything on to another source and keeps it.
pub struct RecordingNoise<S> {
    inner: S,
    columns: Vec<RecordedColumn>,
}

impl<S: NoiseSource> RecordingNoise<S> {
    /// Records what passes between the caller and `inner`.
    pub fn new(inner: S) -> Self {
        Self { inner, columns: Vec::new() }
    }

    /// Everything so far, in the order of the calls.
    pub fn columns(&self) -> &[RecordedColumn] {
        &self.columns
    }

    /// Ends the recording.
    pub fn into_columns(self) -> Vec<RecordedColumn> {
        self.columns
    }
}

impl<S: NoiseSource> NoiseSource for RecordingNoise<S> {
    fn perturb(
        &mut self,
        request: &NoiseRequest,
        cells: &[Cell<'_>],
    ) -> Result<Vec<i128>, PrivacyError> {
        let released = self.inner.perturb(request, cells)?;
        self.columns.push(record(request, cells, &released));
        Ok(released)
    }
}

/// A boundary and the name of one of its columns.
type ColumnId = (u32, String);

/// Tests only: a cell that was asked for in a replay but is not in the recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnrecordedCell {
    /// The boundary of the request.
    pub boundary: u32,
    /// The column of the request.
    pub column: String,
    /// The canonical bytes of the key.
    pub label: Box<[u8]>,
    /// The exact value.
    pub exact: i128,
}

/// Tests only: returns the values that a recording released, so that a plan runs on a neighbour of
/// the data as if it had released the same; records the exact values that it gets instead.
///
/// Cells are matched by boundary, column and label. A cell that the recording does not know gets a
/// draw from an inner source and is reported by [`ReplayingNoise::unrecorded`].
pub struct ReplayingNoise<S> {
    inner: S,
    released: HashMap<ColumnId, HashMap<Box<[u8]>, i128>>,
    columns: Vec<RecordedColumn>,
    unrecorded: Vec<UnrecordedCell>,
}

impl<S: NoiseSource> ReplayingNoise<S> {
    /// Replays a recording.
    pub fn new(recording: &[RecordedColumn], inner: S) -> Self {
        let mut released: HashMap<_, HashMap<_, _>> = HashMap::new();
        for column in recording {
            let key = (column.request.boundary, column.request.column.clone());
            let cells = column.cells.iter().map(|cell| (cell.label.clone(), cell.released));
            released.entry(key).or_default().extend(cells);
        }
        Self { inner, released, columns: Vec::new(), unrecorded: Vec::new() }
    }

    /// What this run asked for, with its own exact values and the released ones it was given.
    pub fn columns(&self) -> &[RecordedColumn] {
        &self.columns
    }

    /// The cells that the recording did not know, in the order in which they were asked for.
    pub fn unrecorded(&self) -> &[UnrecordedCell] {
        &self.unrecorded
    }

    fn recorded(&self, request: &NoiseRequest, cell: &Cell<'_>) -> Option<i128> {
        let column = self.released.get(&(request.boundary, request.column.clone()))?;
        column.get(cell.label).copied()
    }
}

impl<S: NoiseSource> NoiseSource for ReplayingNoise<S> {
    fn perturb(
        &mut self,
        request: &NoiseRequest,
        cells: &[Cell<'_>],
    ) -> Result<Vec<i128>, PrivacyError> {
        let mut released = Vec::with_capacity(cells.len());
        for cell in cells {
            let value = match self.recorded(request, cell) {
                Some(value) => value,
                None => {
                    self.unrecorded.push(UnrecordedCell {
                        boundary: request.boundary,
                        column: request.column.clone(),
                        label: cell.label.into(),
                        exact: cell.exact,
                    });
                    let drawn = self.inner.perturb(request, std::slice::from_ref(cell))?;
                    drawn.first().copied().unwrap_or(cell.exact)
                }
            };
            released.push(value);
        }
        self.columns.push(record(request, cells, &released));
        Ok(released)
    }
}

/// Tests only: a source that the test keeps a handle on while the engine owns another.
impl<S: NoiseSource> NoiseSource for Arc<Mutex<S>> {
    fn perturb(
        &mut self,
        request: &NoiseRequest,
        cells: &[Cell<'_>],
    ) -> Result<Vec<i128>, PrivacyError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).perturb(request, cells)
    }
}

fn record(request: &NoiseRequest, cells: &[Cell<'_>], released: &[i128]) -> RecordedColumn {
    let cells = cells.iter().zip(released).map(|(cell, released)| RecordedCell {
        label: cell.label.into(),
        exact: cell.exact,
        released: *released,
    });
    RecordedColumn { request: request.clone(), cells: cells.collect() }
}
