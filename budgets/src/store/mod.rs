//! What is written in the ledger's file, and the transactions that write it.
//!
//! Everything here works on a connection it is given; locking and paths are the facade's.
//! The chain is written by [`chain::append`] alone, and spent sums move in [`admit`] alone.

pub(crate) mod accounts;
pub(crate) mod admit;
pub(crate) mod chain;
pub(crate) mod charges;
mod random_id;
pub(crate) mod schema;
pub(crate) mod seal;
pub(crate) mod terms;
pub(crate) mod verify;
