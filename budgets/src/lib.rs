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
mod act;
mod administration;
mod audit;
mod backup;
mod charge;
mod clock;
mod error;
mod forbidden;
mod ledger;
mod permit;
mod policy;
mod principal;
mod proof;
mod recovery;
mod refusal;
mod rehearsal;
mod revisit;
mod rules;
mod settings;
mod standing;
mod store;
#[cfg(test)]
mod tests;
mod units;

pub use account::{
    Cap, Dataset, DatasetTerms, GrantedTerms, Project, ProjectStatus, ProjectTerms, Spent,
};
pub use act::{Act, CapTerms, Mode, Opening, Outcome, Proposal, TableFile, Verdict};
pub use audit::{AuditEntry, AuditFilter};
pub use charge::{
    ATTEMPTS_MAX, Attempt, Charge, ChargeDetail, ChargeId, ChargeRequest, ChargeSummary,
    DatasetShare, DoorRefusal, RequestKey,
};
pub use clock::{Clock, FixedClock, SystemClock, Timestamp};
pub use error::{ErrorKind, LedgerError, Place, Suggestion};
pub use forbidden::Forbidden;
pub use ledger::Ledger;
pub use permit::{GrantedPermit, LegalBasis, Permit};
pub use policy::{Ceiling, Policy};
pub use principal::{Decider, Principal, Role};
pub use proof::{Proof, PublicKey};
pub use recovery::{Missing, Recovered, RecoveredCharge, Recovery};
pub use refusal::Shortfall;
pub use rehearsal::Rehearsed;
pub use revisit::Revisit;
pub use rules::{NotAPace, Pace, ProjectRules};
pub use settings::Settings;
pub use standing::{DatasetStanding, LifetimeLoss, ProjectStanding, RATE_DAYS_MAX};
pub use store::chain::{EntryHash, Head};
pub use store::database::location::Location;
pub use store::verify::Verification;
