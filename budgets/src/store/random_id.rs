//! Random ids: of the ledger itself and of the versions of its data.

use crate::error::LedgerError;

/// 16 bytes that say nothing about anything.
#[expect(clippy::disallowed_methods, reason = "an id is no noise: no release depends on it")]
pub(super) fn random_id() -> Result<[u8; 16], LedgerError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|_| LedgerError::NoRandomness)?;
    Ok(id)
}
