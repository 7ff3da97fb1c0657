//! Randomness that a test can replay and read afterwards.

use std::sync::{Arc, Mutex, PoisonError};

use voilage_privacy::PrivacyError;
use voilage_privacy::source::testing::{
    RecordedColumn, RecordingNoise, ReplayingNoise, SeededNoise,
};
use voilage_privacy::source::{Cell, NoiseRequest, NoiseSource};
use voilage_query::Randomness;

/// Every release draws from one seeded or replayed tape; the bounding key never changes.
#[derive(Clone)]
pub struct Tape {
    source: Arc<Mutex<Source>>,
}

enum Source {
    Recording(RecordingNoise<SeededNoise>),
    Replaying(ReplayingNoise<SeededNoise>),
}

impl Tape {
    /// Draws from a seeded generator and keeps everything that passes.
    pub fn recording(seed: u64) -> Self {
        Self::new(Source::Recording(RecordingNoise::new(SeededNoise::new(seed))))
    }

    /// Returns what a recording released, so that a neighbour of its data can be compared.
    pub fn replaying(recording: &[RecordedColumn]) -> Self {
        Self::new(Source::Replaying(ReplayingNoise::new(recording, SeededNoise::new(0))))
    }

    fn new(source: Source) -> Self {
        Self { source: Arc::new(Mutex::new(source)) }
    }

    /// Forgets everything and draws from a seeded generator, under the hubs that hold this tape.
    pub fn record_again(&self, seed: u64) {
        self.put(Source::Recording(RecordingNoise::new(SeededNoise::new(seed))));
    }

    /// Forgets everything and returns what a recording released.
    pub fn replay_next(&self, recording: &[RecordedColumn]) {
        self.put(Source::Replaying(ReplayingNoise::new(recording, SeededNoise::new(0))));
    }

    fn put(&self, source: Source) {
        *self.source.lock().unwrap_or_else(PoisonError::into_inner) = source;
    }

    /// Everything asked for so far.
    pub fn columns(&self) -> Vec<RecordedColumn> {
        match &*self.source.lock().unwrap_or_else(PoisonError::into_inner) {
            Source::Recording(source) => source.columns().to_vec(),
            Source::Replaying(source) => source.columns().to_vec(),
        }
    }
}

impl NoiseSource for Tape {
    fn perturb(
        &mut self,
        request: &NoiseRequest,
        cells: &[Cell<'_>],
    ) -> Result<Vec<i128>, PrivacyError> {
        match &mut *self.source.lock().unwrap_or_else(PoisonError::into_inner) {
            Source::Recording(source) => source.perturb(request, cells),
            Source::Replaying(source) => source.perturb(request, cells),
        }
    }
}

impl Randomness for Tape {
    fn bounding_key(&self) -> Result<[u8; 16], PrivacyError> {
        Ok([7; 16])
    }

    fn noise(&self) -> Result<Box<dyn NoiseSource>, PrivacyError> {
        Ok(Box::new(self.clone()))
    }
}
