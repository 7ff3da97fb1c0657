//! Releases as their sealed bytes tell them.

use datafusion::arrow::array::{Decimal128Array, RecordBatch};
use datafusion::arrow::ipc::reader::StreamReader;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use voilage_budgets::{Charge, ChargeSummary, Ledger};
use voilage_privacy::mechanism::Noise;

use super::ReleaseId;
use crate::error::QueryError;
use crate::receipt::{ReceiptPart, loss_fields, output_hash};
use crate::release::{BOUNDARY, RANKING, TOPS_UP};

/// So many releases may be combined at most.
const CHAIN_MAX: usize = 64;

/// A release of which every boundary is sealed.
pub(crate) struct Sealed {
    pub(crate) charge: Charge,
    /// The question as it was asked.
    pub(crate) description: String,
    pub(crate) output_hash: String,
    pub(crate) boundaries: Vec<SealedBoundary>,
    /// The entry of the release that this one tops up.
    pub(crate) tops_up: Option<u64>,
}

/// One boundary of a release.
#[derive(Clone)]
pub(crate) struct SealedBoundary {
    /// The canonical form of the boundary, as it was sealed.
    pub(crate) canonical: String,
    /// The same, to look into.
    pub(crate) terms: Json,
    /// The ranking by which rows were kept.
    pub(crate) ranking: Option<String>,
    pub(crate) noises: Vec<Noise>,
    pub(crate) keys: RecordBatch,
    pub(crate) noisy: Vec<Vec<i128>>,
    /// The hash of the sealed bytes.
    pub(crate) seed: [u8; 32],
}

impl Sealed {
    /// Reads a release that is sealed.
    pub(crate) fn read(ledger: &Ledger, summary: ChargeSummary) -> Result<Self, QueryError> {
        let ChargeSummary { charge, description, .. } = summary;
        let mut bytes = Vec::with_capacity(charge.boundaries as usize);
        for index in 0..charge.boundaries {
            bytes.push(ledger.sealed(&charge, index)?.ok_or_else(malformed)?);
        }
        let mut tops_up = None;
        let mut boundaries = Vec::with_capacity(bytes.len());
        for bytes in &bytes {
            let (boundary, former) = SealedBoundary::parse(bytes).ok_or_else(malformed)?;
            tops_up = former;
            boundaries.push(boundary);
        }
        Ok(Self { output_hash: output_hash(&bytes), charge, description, boundaries, tops_up })
    }

    /// What a receipt says of it when it is combined with others.
    pub(crate) fn part(&self) -> ReceiptPart {
        ReceiptPart {
            charge: self.charge.position,
            request_key: self.charge.request_key.to_string(),
            output_hash: self.output_hash.clone(),
            loss: loss_fields(&self.charge.loss),
        }
    }

    /// What people call it.
    pub(crate) fn id(&self) -> ReleaseId {
        ReleaseId::of(self.charge.position, &self.output_hash)
    }
}

/// A release with all that it tops up.
pub(crate) struct Chain {
    /// The first one first.
    before: Vec<Sealed>,
    pub(crate) last: Sealed,
}

impl Chain {
    /// Follows a release back to the first one.
    pub(crate) fn of(ledger: &Ledger, last: Sealed) -> Result<Self, QueryError> {
        let mut before: Vec<Sealed> = Vec::new();
        while let Some((former, at)) = {
            let oldest = before.last().unwrap_or(&last);
            oldest.tops_up.map(|former| (former, oldest.charge.position))
        } {
            // What is topped up is older, so that a chain ends.
            let summary = ledger.charge(&last.charge.project, former)?;
            let summary = summary.filter(|found| former < at && found.charge.sealed);
            before.push(Sealed::read(ledger, summary.ok_or_else(malformed)?)?);
        }
        before.reverse();
        Ok(Self { before, last })
    }

    /// Whether another release may be combined with these.
    ///
    /// # Errors
    /// When there are as many as may be, and what to do instead.
    pub(crate) fn must_have_room(&self) -> Result<(), QueryError> {
        if self.before.len() + 1 < CHAIN_MAX {
            return Ok(());
        }
        Err(QueryError::input(
            format!("release {} is the mean of {CHAIN_MAX} releases already", self.last.id()),
            "ask the question anew at the price that you want",
        ))
    }

    /// The release that was not topping up another one.
    pub(crate) fn first(&self) -> &Sealed {
        self.before.first().unwrap_or(&self.last)
    }

    /// What the last release tops up, the first one first.
    pub(crate) fn before_last(&self) -> impl Iterator<Item = &Sealed> {
        self.before.iter()
    }

    /// All releases, the first one first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Sealed> {
        self.before.iter().chain([&self.last])
    }
}

impl SealedBoundary {
    fn parse(bytes: &[u8]) -> Option<(Self, Option<u64>)> {
        let mut reader = StreamReader::try_new(bytes, None).ok()?;
        let schema = reader.schema();
        let batch = reader.next()?.ok()?;
        let canonical = schema.metadata().get(BOUNDARY)?.clone();
        let terms: Json = serde_json::from_str(&canonical).ok()?;
        let columns = terms.get("noisy")?.as_array()?;
        let noise = |column: &Json| serde_json::from_value(column.get("noise")?.clone()).ok();
        let noises = columns.iter().map(noise).collect::<Option<Vec<Noise>>>()?;
        let keys = batch.num_columns().checked_sub(noises.len())?;
        let noisy = batch.columns()[keys..].iter().map(|column| {
            let column = column.as_any().downcast_ref::<Decimal128Array>()?;
            Some(column.values().to_vec())
        });
        let tops_up = match schema.metadata().get(TOPS_UP) {
            Some(entry) => Some(entry.parse().ok()?),
            None => None,
        };
        let boundary = Self {
            noisy: noisy.collect::<Option<_>>()?,
            keys: batch.project(&(0..keys).collect::<Vec<_>>()).ok()?,
            ranking: schema.metadata().get(RANKING).cloned(),
            canonical,
            terms,
            noises,
            seed: Sha256::digest(bytes).into(),
        };
        Some((boundary, tops_up))
    }

    /// How many cells were released.
    pub(crate) fn cells(&self) -> usize {
        self.noisy.first().map_or(0, Vec::len)
    }
}

fn malformed() -> QueryError {
    QueryError::bug("a sealed answer cannot be read back")
}
