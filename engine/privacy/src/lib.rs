//! The arithmetic and the randomness of differential privacy.
//!
//! Quantities of privacy loss, sensitivities, the two noise mechanisms with their exact samplers,
//! the selection of learned keys, the intervals around released values, and the only source of
//! randomness of the whole engine.
//!
//! Never imported here: Arrow, SQL, files, databases, clocks, async. Everything in this crate is a
//! function of its arguments, except [`source`], which asks the operating system for a seed.

pub mod conversion;
mod error;
pub mod mechanism;
mod precise;
pub mod quantity;
mod sampler;
mod second_opinion;
pub mod selection;
pub mod sensitivity;
pub mod source;

pub use dashu::rational::RBig as Rational;
pub use error::PrivacyError;
pub use quantity::{Accountant, Delta, Epsilon, Loss, QuantityError, Rho};
