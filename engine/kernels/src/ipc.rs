//! Partial states as Arrow IPC streams, so that they can travel through other engines.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::StreamWriter;

use crate::{KernelError, PartialState};

impl PartialState {
    /// The state as an Arrow IPC stream of one batch.
    pub fn to_ipc(&self) -> Result<Vec<u8>, KernelError> {
        let internal = |_| KernelError::Internal { doing: "writing a partial state" };
        let batch = self.batch();
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).map_err(internal)?;
        writer.write(batch).map_err(internal)?;
        writer.into_inner().map_err(internal)
    }

    /// Reads a state from an Arrow IPC stream.
    ///
    /// *Errors*: bytes that are not a complete stream of exactly one well-formed state.
    pub fn from_ipc(bytes: &[u8]) -> Result<Self, KernelError> {
        // The decoder slices what it was given and never allocates a length that it only read.
        // It does panic on some broken schemas, which must not take a whole process down.
        catch_unwind(AssertUnwindSafe(|| Self::try_from_batch(only_batch(bytes)?)))
            .unwrap_or(Err(KernelError::MalformedState { why: "its bytes are not Arrow IPC" }))
    }
}

fn only_batch(bytes: &[u8]) -> Result<RecordBatch, KernelError> {
    let malformed = |why| KernelError::MalformedState { why };
    let mut buffer = Buffer::from(bytes);
    let mut decoder = StreamDecoder::new();
    let mut batches = Vec::new();
    while !buffer.is_empty() {
        let decoded = decoder.decode(&mut buffer);
        batches.extend(decoded.map_err(|_| malformed("its bytes are not Arrow IPC"))?);
    }
    decoder.finish().map_err(|_| malformed("its bytes end too early"))?;
    match <[RecordBatch; 1]>::try_from(batches) {
        Ok([batch]) => Ok(batch),
        Err(_) => Err(malformed("it does not hold exactly one batch")),
    }
}
