//! Charges: what a release cost, and who is working on it.

use std::fmt;

use voilage_privacy::Loss;

use crate::account::{Cap, Spent};
use crate::clock::Timestamp;

/// How often a charge may be executed before it must be paid again.
pub const ATTEMPTS_MAX: u32 = 3;

/// What a request is known by: the same key is the same question and is charged once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestKey(pub [u8; 32]);

impl fmt::Display for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestKey({self})")
    }
}

/// A charge's identity: its position in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChargeId(pub(crate) i64);

impl fmt::Display for ChargeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A priced question that wants to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeRequest {
    /// Who pays.
    pub project: String,
    /// Who asks; recorded, and no part of the key.
    pub principal: String,
    /// The same key replays the same charge.
    pub request_key: RequestKey,
    /// The hash of all the key stands for; the same key with another hash is refused.
    pub request_hash: [u8; 32],
    /// What it costs the project's own dataset, in the project's accountant.
    pub loss: Loss,
    /// The hash of the canonical plan, for the receipt.
    pub plan_hash: [u8; 32],
    /// The version of the data it was planned for.
    pub data_version: String,
    /// How many boundaries will be sealed, at least one.
    pub boundaries: u32,
    /// The key of the hash that bounds contributions, drawn for this release.
    pub bounding_key: [u8; 16],
    /// The question as asked, for the audit.
    pub description: String,
    /// What it costs further datasets, whose releases are joined above their boundaries.
    pub shares: Vec<DatasetShare>,
    /// How the answer would come about, for rules and the audit.
    pub detail: ChargeDetail,
    /// Pay again when every attempt was used up without an answer.
    pub renew: bool,
}

/// What a question costs a dataset beside the project's own.
///
/// The project pays the sum of all shares, each dataset its own; all of them or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetShare {
    /// The dataset; the project must have been given access to it.
    pub dataset: String,
    /// The version of its data the question was planned for.
    pub data_version: String,
    /// What it costs, in the project's accountant.
    pub loss: Loss,
}

/// How a release comes about: public parameters only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChargeDetail {
    /// The protected tables that are read.
    pub tables: Vec<String>,
    /// The noise of each column, in words.
    pub mechanisms: String,
    /// How contributions are bounded, in words.
    pub bounds: String,
    /// The smallest group that every part of the answer shows; `None` where some part shows any.
    pub min_units: Option<u32>,
}

/// A question that was refused before it had a plan or a price, as the audit keeps it.
#[derive(Debug, Clone, Copy)]
pub struct DoorRefusal<'a> {
    /// The project in which it was asked.
    pub project: &'a str,
    /// Who asked.
    pub principal: &'a str,
    /// A stable name for the rule that refused it.
    pub code: &'a str,
    /// What they were told.
    pub message: &'a str,
    /// The question as it was asked.
    pub description: &'a str,
}

/// A durable entry: what a release cost.
///
/// Only the ledger makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Charge {
    /// Its identity.
    pub id: ChargeId,
    /// The key it was asked under.
    pub request_key: RequestKey,
    /// The hash of the canonical plan.
    pub plan_hash: [u8; 32],
    /// Who paid.
    pub project: String,
    /// About whom it was asked.
    pub dataset: String,
    /// What the project paid, on the ledger's grid.
    pub loss: Loss,
    /// How many boundaries it covers.
    pub boundaries: u32,
    /// The bounding key of the first request under this key; a retry must use it.
    pub bounding_key: [u8; 16],
    /// The version of the data it covers.
    pub data_version: String,
    /// When it was charged.
    pub charged_at: Timestamp,
    /// Its position in the chain.
    pub position: u64,
    /// What the project had spent once this charge was in, the same at every replay.
    pub spent_after: Spent,
    /// The project's cap when it was charged, the same at every replay.
    pub cap: Cap,
    /// What the project then had left, the same at every replay.
    pub left_after: Cap,
    /// The reference of the permit it was made under.
    pub permit_reference: String,
    /// Whether the charge stood already when it was asked for.
    pub replayed: bool,
    /// Whether every boundary is sealed.
    pub sealed: bool,
    /// How many attempts were begun.
    pub attempts: u32,
}

/// A charge with what an auditor wants to see beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChargeSummary {
    /// The charge.
    pub charge: Charge,
    /// Who asked first.
    pub principal: String,
    /// The question as asked.
    pub description: String,
    /// How often it was asked again, for free.
    pub replays: u32,
}

/// The right to execute a charge and seal its answer, until a newer attempt begins.
#[derive(Debug, PartialEq, Eq)]
pub struct Attempt {
    pub(crate) charge: ChargeId,
    pub(crate) position: i64,
    pub(crate) number: u32,
}

impl Attempt {
    /// The charge it executes.
    pub fn charge(&self) -> ChargeId {
        self.charge
    }

    /// 1 for the first attempt, up to [`ATTEMPTS_MAX`].
    pub fn number(&self) -> u32 {
        self.number
    }
}
