//! What can go wrong in this crate, ordered by what the reader must do.

use thiserror::Error;

use crate::quantity::QuantityError;

/// An error of the privacy room. No variant ever holds a value of a row.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PrivacyError {
    /// Fix the query or the catalogue: a bound on contributions is zero.
    #[error(
        "{bound} is 0, which would promise noise for nobody; set it to at least 1 in the \
         query or the catalogue"
    )]
    ZeroSensitivity {
        /// The bound that is zero: `max_groups` or the contribution per group.
        bound: &'static str,
    },
    /// Fix the query or the catalogue: the bounds multiply to something unrepresentable.
    #[error(
        "{max_groups} groups of {per_group} grid steps each are more than this engine can \
         protect; lower max_groups or max_rows_per_group, or narrow the bounds of the values"
    )]
    SensitivityOverflow {
        /// Groups per unit.
        max_groups: u32,
        /// Contribution per group, in grid steps.
        per_group: u128,
    },
    /// Fix the query or spend more: the noise would have to be larger than the samplers can draw.
    #[error(
        "the noise would need a scale above 2^54 grid steps; spend more on this column, lower \
         max_groups or max_rows_per_group, or choose a coarser grid"
    )]
    ScaleTooLarge,
    /// Fix the input: the text or number is not a scale that this engine can draw from.
    #[error(
        "the noise scale {scale} cannot be drawn exactly; use a multiple of a power of two \
         with at most 22 bits, from 1/64 to just below 2^54"
    )]
    ScaleNotRepresentable {
        /// The refused scale.
        scale: String,
    },
    /// Fix the query: the amount to spend is not positive.
    #[error("a column would be charged nothing; give it an epsilon or rho above 0")]
    NothingToSpend,
    /// Fix the input: a level of confidence outside (0, 1).
    #[error(
        "the confidence level {text} is not between 0.5 and 1; write for example 0.95 for \
         intervals of 95%"
    )]
    BadConfidence {
        /// The level as it was given, shortened.
        text: String,
    },
    /// Fix the query: a quantile that cannot be released.
    #[error(
        "the quantile {text} is not a decimal strictly between 0 and 1 with at most six places; \
         write for example 0.05, 0.5 or 0.95"
    )]
    BadQuantile {
        /// The quantile as it was given, shortened.
        text: String,
    },
    /// Fix the query: Gaussian noise has no pure price.
    #[error(
        "Gaussian noise has no pure epsilon; use Laplace noise in a pure project, or open a \
         zcdp project"
    )]
    NoPurePrice,
    /// Fix the query: no threshold can be afforded.
    #[error(
        "learned group keys need a delta of at least 1e-18, and this query has less; raise \
         its delta or declare the keys public in the catalogue"
    )]
    DeltaTooSmall,
    /// A quantity was malformed or out of range.
    #[error(transparent)]
    Quantity(#[from] QuantityError),
    /// Try again: the operating system gave no randomness.
    #[error("the operating system gave no randomness, so nothing was drawn; try again")]
    NoRandomness,
    /// Report a bug: the second opinion on a price could not be computed.
    #[error(
        "the second opinion on a price failed ({reason}); nothing was charged, please report \
         this"
    )]
    SecondOpinion {
        /// What the other library said. Its arguments are scales and sensitivities, never data.
        reason: String,
    },
}
