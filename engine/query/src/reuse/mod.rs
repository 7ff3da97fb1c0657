//! What was released before, as the beginning of another answer.
//!
//! A **top-up** is a new release of the same question about the same bounded rows, charged for itself;
//! what is shown is the best mean of all its releases. A **free** answer follows from a release
//! without touching a row: it is charged nothing and logged as a replay.
//!
//! Everything here works on sealed bytes and public parameters. Never imported here: the execution of
//! plans over owned rows, a source of randomness.

mod cube;
mod free;
mod id;
mod known;
mod sealed;
mod top_up;

pub(crate) use free::search;
pub use free::{Free, Offer, OfferTerms, OfferedColumn};
pub use id::ReleaseId;
pub(crate) use known::Known;
pub(crate) use top_up::{Prepared, TopUp, prepare as prepare_top_up};
