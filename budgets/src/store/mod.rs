//! What is written in the ledger, and the transactions that write it.
//!
//! Everything here works on a transaction it is given; [`database`] holds the two databases behind it, and
//! [`writer`] makes many transactions durable at once. The chain is written by [`chain::append`] alone, and
//! spent sums move in [`bill`] alone.

pub(crate) mod accounts;
pub(crate) mod admit;
pub(crate) mod audit;
mod bill;
pub(crate) mod brakes;
pub(crate) mod chain;
pub(crate) mod charges;
pub(crate) mod database;
pub(crate) mod datasets;
pub(crate) mod decide;
pub(crate) mod desk;
pub(crate) mod guard;
pub(crate) mod identity;
pub(crate) mod key;
pub(crate) mod permits;
pub(crate) mod principals;
pub(crate) mod projects;
pub(crate) mod proposals;
mod random_id;
pub(crate) mod recover;
pub(crate) mod refusals;
pub(crate) mod revisit;
pub(crate) mod seal;
pub(crate) mod standing;
pub(crate) mod sums;
pub(crate) mod terms;
pub(crate) mod verify;
pub(crate) mod witness;
pub(crate) mod writer;
