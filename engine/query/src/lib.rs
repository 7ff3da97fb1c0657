//! Floor 2: from a SQL question to a private answer.
//!
//! ```text
//! door -> ownership + ranges + functions -> price -> ledger -> execute -> release -> post
//! ```
//!
//! This is the only room that knows DataFusion; within it only [`execute`](mod@execute) and [`post`](mod@post) touch
//! physical plans. What an analyst can reach is [`Hub`], [`Study`], [`Question`] and [`Answer`].
//! Never import the command line, the Python bindings or a source of randomness here.

mod analysed;
pub mod answer;
pub mod catalogue;
pub mod described;
mod door;
pub mod error;
mod execute;
pub mod explanation;
pub mod expression;
pub mod functions;
mod holder;
pub mod hub;
mod init;
pub mod interrupt;
pub mod observer;
pub mod options;
mod ownership;
pub mod plan;
mod post;
mod price;
pub mod question;
pub mod randomness;
mod ranges;
mod ranking;
pub mod receipt;
mod refusal;
mod release;
mod remedy;
mod reuse;
mod session;
pub mod spend;
mod views;
pub mod weights;

pub use answer::{Answer, CutUnits, Estimate, Interval};
pub use catalogue::Catalogue;
pub use described::{DescribedView, ViewRows};
pub use error::{Place, QueryError, Refusal, RefusalCode};
pub use explanation::Explanation;
pub use hub::{Hub, Study};
pub use init::InitReport;
pub use interrupt::Interrupt;
pub use observer::{Stage, StageObserver};
pub use options::AskOptions;
pub use question::Question;
pub use randomness::Randomness;
pub use receipt::{Receipt, SignedReceipt};
pub use reuse::{Free, Offer, OfferTerms, OfferedColumn, ReleaseId};
pub use spend::Spend;
pub use weights::Weights;
