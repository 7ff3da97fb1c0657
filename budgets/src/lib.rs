//! The privacy-budget ledger: who may ask, what it cost, and what was answered.
//!
//! Datasets have one lifetime cap over all their projects; projects have one beneath it. A
//! question is charged to both, durably and at once, before any row is read; its answer is
//! sealed here and only bytes read back from the seal may leave. Spent sums never fall.
//! `DESIGN.md` in this folder says what is chained, what is atomic and what is claimed.
//!
//! Never imported here: Arrow, a SQL planner, tokio, floating point for a quantity, and any
//! clock but [`SystemClock`]. No value of an owned row comes near this crate.

mod account;
mod charge;
mod clock;
mod error;
mod ledger;
mod refusal;
mod store;
#[cfg(test)]
mod tests;
mod units;

pub use account::{
    Cap, Dataset, DatasetTerms, GrantedTerms, Permit, Project, ProjectStatus, ProjectTerms, Spent,
};
pub use charge::{
    ATTEMPTS_MAX, Attempt, Charge, ChargeId, ChargeRequest, ChargeSummary, DatasetShare, RequestKey,
};
pub use clock::{Clock, FixedClock, SystemClock, Timestamp};
pub use error::{ErrorKind, LedgerError, Place, Suggestion};
pub use ledger::Ledger;
pub use refusal::Shortfall;
pub use store::chain::{EntryHash, Head};
pub use store::database::location::Location;
pub use store::verify::Verification;
