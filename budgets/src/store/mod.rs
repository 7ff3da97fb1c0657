//! What is written in the ledger, and the transactions that write it.
//!
//! Everything here works on a transaction it is given; [`database`] holds the two databases behind it, and
//! [`writer`] makes many transactions durable at once. The chain is written by [`chain::append`] alone, and
//! spent sums move in [`bill`] alone.

pub(crate) mod accounts;
pub(crate) mod admit;
mod bill;
pub(crate) mod chain;
pub(crate) mod charges;
pub(crate) mod database;
pub(crate) mod identity;
mod random_id;
pub(crate) mod seal;
mod sums;
pub(crate) mod terms;
pub(crate) mod verify;
pub(crate) mod writer;
