//! The hash chain: one entry per row that matters, in the order they were written.
//!
//! An entry's hash covers the hash before it, its position, kind and time, and every
//! column of its row. The row is read back from the database to be hashed, so the
//! chain says what is stored, not what was meant, and checking it is the same code.

use std::fmt;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::database::{Cell, Row, Transaction};
use crate::clock::{Clock, Timestamp};
use crate::error::{LedgerError, Place};
use crate::proof::from_hex;

/// Separates these hashes from every other use of SHA-256, and names the encoding.
const ENTRY_DOMAIN: &[u8] = b"voilage ledger entry, encoding 1";

/// The hash of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntryHash([u8; 32]);

impl EntryHash {
    /// What stands before the first entry.
    pub(crate) const BEFORE_ALL: Self = Self([0; 32]);

    /// What stands for entries that nobody knows.
    pub(crate) const AFTER_ALL: Self = Self([0xff; 32]);

    /// A hash written as 64 hexadecimal digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        from_hex(text).map(Self)
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for EntryHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for EntryHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryHash({self})")
    }
}

/// The last entry of the chain: whoever keeps it can later tell that nothing before it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its position; the first entry has 1.
    pub position: u64,
    /// Its hash.
    pub hash: EntryHash,
}

/// What an entry records: one table each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Identity,
    Dataset,
    DataVersion,
    Project,
    Permit,
    Charge,
    Replay,
    Attempt,
    Seal,
    Closure,
    SigningKey,
    ProjectDataset,
    ChargeShare,
    Recovery,
    RecoveredCharge,
    Decision,
    Principal,
    Policy,
    Proposal,
    Approval,
    CapChange,
    ProjectRules,
    ProjectStatus,
    PermitBasis,
    PermitExtension,
    Member,
    ChargeDetail,
    TableFile,
    Refusal,
    Purge,
}

impl Kind {
    pub(crate) const ALL: [Self; 30] = [
        Self::Identity,
        Self::Dataset,
        Self::DataVersion,
        Self::Project,
        Self::Permit,
        Self::Charge,
        Self::Replay,
        Self::Attempt,
        Self::Seal,
        Self::Closure,
        Self::SigningKey,
        Self::ProjectDataset,
        Self::ChargeShare,
        Self::Recovery,
        Self::RecoveredCharge,
        Self::Decision,
        Self::Principal,
        Self::Policy,
        Self::Proposal,
        Self::Approval,
        Self::CapChange,
        Self::ProjectRules,
        Self::ProjectStatus,
        Self::PermitBasis,
        Self::PermitExtension,
        Self::Member,
        Self::ChargeDetail,
        Self::TableFile,
        Self::Refusal,
        Self::Purge,
    ];

    /// The name in the `kind` column, and of the table.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Dataset => "dataset",
            Self::DataVersion => "data_version",
            Self::Project => "project",
            Self::Permit => "permit",
            Self::Charge => "charge",
            Self::Replay => "replay",
            Self::Attempt => "attempt",
            Self::Seal => "seal",
            Self::Closure => "closure",
            Self::SigningKey => "signing_key",
            Self::ProjectDataset => "project_dataset",
            Self::ChargeShare => "charge_share",
            Self::Recovery => "recovery",
            Self::RecoveredCharge => "recovered_charge",
            Self::Decision => "decision",
            Self::Principal => "principal",
            Self::Policy => "policy",
            Self::Proposal => "proposal",
            Self::Approval => "approval",
            Self::CapChange => "cap_change",
            Self::ProjectRules => "project_rules",
            Self::ProjectStatus => "project_status",
            Self::PermitBasis => "permit_basis",
            Self::PermitExtension => "permit_extension",
            Self::Member => "member",
            Self::ChargeDetail => "charge_detail",
            Self::TableFile => "table_file",
            Self::Refusal => "refusal",
            Self::Purge => "purge",
        }
    }

    /// The columns an entry's hash covers, in their order: all but `position`, which it covers too.
    pub(crate) fn columns(self) -> &'static str {
        match self {
            Self::Identity => "ledger_id",
            Self::Dataset => "name, accountant, epsilon, delta, cap_rho, cap_delta, cap_epsilon",
            Self::DataVersion => "dataset, version",
            Self::Project => {
                "name, dataset, accountant, epsilon, delta, cap_rho, cap_delta, cap_epsilon"
            }
            Self::Permit => "project, authority, reference, purpose, starts, ends",
            Self::Charge => {
                "project, permit, principal, request_key, request_hash, plan_hash, data_version, \
                 boundaries, bounding_key, description, rho, delta, epsilon, dataset_rho, \
                 dataset_delta, dataset_epsilon, spent_rho_after, spent_delta_after, \
                 spent_epsilon_after"
            }
            Self::Replay => "charge, principal",
            Self::Attempt => "charge, number",
            Self::Seal => "charge, boundary, attempt, digest",
            Self::Closure => "project, reason",
            Self::SigningKey => "public_key",
            Self::ProjectDataset => "project, dataset, reason",
            Self::ChargeShare => "charge, dataset, data_version, rho, delta, epsilon",
            Self::Recovery => "administrator, reason, witness_position, witness_hash",
            Self::RecoveredCharge => {
                "recovery, origin_position, origin_hash, project, dataset, rho, delta, epsilon, \
                 dataset_rho, dataset_delta, dataset_epsilon"
            }
            Self::Decision => "entry, principal, reason, proposal",
            Self::Principal => "name, role, account",
            Self::Policy => "project_epsilon, project_delta, dataset_epsilon, dataset_delta",
            Self::Proposal => "principal, reason, summary, act",
            Self::Approval => "proposal, principal, verdict, reason",
            Self::CapChange => "holder, epsilon, delta, cap_rho, cap_delta, cap_epsilon",
            Self::ProjectRules => {
                "project, question_epsilon, question_units, pace_share, pace_days, min_units, starts, \
                 ends, tables"
            }
            Self::ProjectStatus => "project, status",
            Self::PermitBasis => "permit, basis",
            Self::PermitExtension => "permit, ends",
            Self::Member => "project, principal, may_ask",
            Self::ChargeDetail => "charge, tables, mechanisms, bounds",
            Self::TableFile => "data_version, name, path, key_id, fingerprint",
            Self::Refusal => "project, principal, code, message, description",
            Self::Purge => "project, files",
        }
    }

    pub(super) fn from_table(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.table() == name)
    }
}

/// One line of the chain, as stored.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(super) position: i64,
    pub(super) kind: String,
    pub(crate) recorded_us: i64,
    pub(super) hash: Vec<u8>,
}

impl Entry {
    pub(super) const COLUMNS: &'static str = "position, kind, recorded_us, hash";

    pub(crate) fn read(row: &Row) -> Result<Self, LedgerError> {
        Ok(Self {
            position: row.get(0)?,
            kind: row.get(1)?,
            recorded_us: row.get(2)?,
            hash: row.get(3)?,
        })
    }
}

/// The last entry; every ledger has one.
pub(super) fn last(transaction: &dyn Transaction) -> Result<Entry, LedgerError> {
    try_last(transaction)?.ok_or_else(|| LedgerError::altered("it has no entries"))
}

fn try_last(transaction: &dyn Transaction) -> Result<Option<Entry>, LedgerError> {
    let sql = "SELECT position, kind, recorded_us, hash FROM entry ORDER BY position DESC LIMIT 1";
    transaction.optional(sql, &[])?.as_ref().map(Entry::read).transpose()
}

/// The end of the chain.
pub(crate) fn head(transaction: &dyn Transaction) -> Result<Head, LedgerError> {
    let last = last(transaction)?;
    Ok(Head { position: position_u64(last.position), hash: stored_hash(&last)? })
}

/// The hash of the entry at `position`, if there is one.
pub(crate) fn hash_at(
    transaction: &dyn Transaction,
    position: i64,
) -> Result<Option<EntryHash>, LedgerError> {
    let row =
        transaction.optional("SELECT hash FROM entry WHERE position = ?1", &[position.into()])?;
    row.map(|row| row.get(0).map(EntryHash)).transpose()
}

pub(crate) fn stored_hash(entry: &Entry) -> Result<EntryHash, LedgerError> {
    let bytes: [u8; 32] = entry.hash.as_slice().try_into().map_err(|_| LedgerError::Altered {
        place: Place::Entry(position_u64(entry.position)),
        what: "its hash has not 32 bytes".to_owned(),
    })?;
    Ok(EntryHash(bytes))
}

/// The ledger's time: the clock's, but never before the last entry.
///
/// A clock that is set back can therefore not reopen an expired permit.
pub(crate) fn now(
    transaction: &dyn Transaction,
    clock: &dyn Clock,
) -> Result<Timestamp, LedgerError> {
    let clock_us = clock.now().timestamp_micros();
    let last_us = try_last(transaction)?.map_or(i64::MIN, |entry| entry.recorded_us);
    timestamp(clock_us.max(last_us))
}

pub(super) fn timestamp(us: i64) -> Result<Timestamp, LedgerError> {
    DateTime::<Utc>::from_timestamp_micros(us)
        .ok_or_else(|| LedgerError::altered("a time is out of range"))
}

/// Writes one row and its entry; returns the position, which is the row's key.
///
/// `insert` writes the row under the position it is given. References to the entry are
/// deferred to the commit, because the row must stand before it can be hashed.
pub(crate) fn append(
    transaction: &dyn Transaction,
    kind: Kind,
    at: Timestamp,
    insert: impl FnOnce(i64) -> Result<u64, LedgerError>,
) -> Result<i64, LedgerError> {
    let last = try_last(transaction)?;
    let (position, before) = match &last {
        Some(last) => {
            (last.position.checked_add(1).ok_or(LedgerError::Overflow)?, stored_hash(last)?)
        }
        None => (1, EntryHash::BEFORE_ALL),
    };
    if insert(position)? != 1 {
        return Err(LedgerError::Misuse("an entry was appended without its row"));
    }
    let recorded_us = at.timestamp_micros();
    let hash = entry_hash(transaction, &before, kind, position, recorded_us)?
        .ok_or(LedgerError::Misuse("an entry was appended without its row"))?;
    transaction.execute(
        "INSERT INTO entry (position, kind, recorded_us, hash) VALUES (?1, ?2, ?3, ?4)",
        &[position.into(), kind.table().into(), recorded_us.into(), hash.as_bytes().into()],
    )?;
    Ok(position)
}

/// The hash of an entry over its row as it is stored now; `None` when the row is missing.
pub(crate) fn entry_hash(
    transaction: &dyn Transaction,
    before: &EntryHash,
    kind: Kind,
    position: i64,
    recorded_us: i64,
) -> Result<Option<EntryHash>, LedgerError> {
    let sql = format!("SELECT {} FROM {} WHERE position = ?1", kind.columns(), kind.table());
    let Some(row) = transaction.optional(&sql, &[position.into()])? else { return Ok(None) };
    let mut encoding = Encoding::new(before);
    encoding.text(kind.table().as_bytes());
    encoding.integer(position);
    encoding.integer(recorded_us);
    for cell in row.cells() {
        match cell {
            Cell::Null => encoding.null(),
            Cell::Integer(value) => encoding.integer(*value),
            Cell::Text(value) => encoding.text(value),
            Cell::Blob(value) => encoding.blob(value),
            Cell::Foreign => {
                return Err(LedgerError::Altered {
                    place: Place::Entry(position_u64(position)),
                    what: "a column holds what no ledger writes".to_owned(),
                });
            }
        }
    }
    Ok(Some(encoding.finish()))
}

/// The canonical encoding: each value is its type, its length and its bytes, so that no two
/// different rows can be written alike.
struct Encoding(Sha256);

impl Encoding {
    fn new(before: &EntryHash) -> Self {
        let mut encoding = Self(Sha256::new());
        encoding.framed(b'd', ENTRY_DOMAIN);
        encoding.framed(b'h', before.as_bytes());
        encoding
    }

    fn framed(&mut self, tag: u8, bytes: &[u8]) {
        self.0.update([tag]);
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn null(&mut self) {
        self.framed(b'n', &[]);
    }

    fn integer(&mut self, value: i64) {
        self.framed(b'i', &value.to_le_bytes());
    }

    fn text(&mut self, value: &[u8]) {
        self.framed(b't', value);
    }

    fn blob(&mut self, value: &[u8]) {
        self.framed(b'b', value);
    }

    fn finish(self) -> EntryHash {
        EntryHash(self.0.finalize().into())
    }
}

/// Positions are positive by a check in the schema.
pub(super) fn position_u64(position: i64) -> u64 {
    position.unsigned_abs()
}
