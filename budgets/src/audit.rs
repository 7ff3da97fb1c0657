//! What an auditor reads: every entry of the ledger in one shape.

use voilage_privacy::Loss;

use crate::clock::Timestamp;
use crate::store::chain::EntryHash;

/// Which entries to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// Only what concerns this project.
    pub project: Option<String>,
    /// Only entries after this one.
    pub after: u64,
    /// With the files of tables and their keyed fingerprints: for the data holder's own audit.
    pub with_fingerprints: bool,
}

/// One entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEntry {
    /// Its position.
    pub entry: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// What it records: the name of its table.
    pub kind: &'static str,
    /// What was decided: `charged`, `replayed`, `refused`, `proposed`, `approved`, `rejected`, or
    /// `recorded` for everything that follows from another entry.
    pub decision: String,
    /// Who asked, decided or answered.
    pub principal: Option<String>,
    /// The dataset it concerns.
    pub dataset: Option<String>,
    /// The project it concerns.
    pub project: Option<String>,
    /// The permit it was made under.
    pub permit: Option<String>,
    /// The question, or what was laid down.
    pub description: Option<String>,
    /// Why it was decided or refused.
    pub reason: Option<String>,
    /// The charge that a replay, attempt or seal belongs to, or the entry that was decided.
    pub refers_to: Option<u64>,
    /// The hash of the canonical plan, in hexadecimal.
    pub plan_hash: Option<String>,
    /// The version of the data.
    pub data_version: Option<String>,
    /// The tables read, separated by commas.
    pub tables: Option<String>,
    /// The noise of each column.
    pub mechanisms: Option<String>,
    /// How contributions were bounded.
    pub bounds: Option<String>,
    /// What was charged.
    pub loss: Option<Loss>,
    /// The hash of the sealed answer, as its receipt has it, in hexadecimal.
    pub output_hash: Option<String>,
    /// The keyed fingerprint of a table's file, in hexadecimal; only where asked for.
    pub fingerprint: Option<String>,
    /// The entry's hash in the chain.
    pub hash: EntryHash,
}
