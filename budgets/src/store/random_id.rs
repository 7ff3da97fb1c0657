//! Random ids: of the ledger itself and of the versions of its data.

use crate::error::LedgerError;

/// 16 bytes that say nothing about anything.
pub(super) fn random_id() -> Result<[u8; 16], LedgerError> {
    voilage_privacy::source::random_bytes().map_err(|_| LedgerError::NoRandomness)
}
