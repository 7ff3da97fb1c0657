//! Intervals around released values: what the noise may have done to them.
//!
//! All of this is post-processing of released values, so floating point is allowed; only
//! [`Noise::half_width`] is exact. Intervals cover the noise around the *bounded* answer, not what
//! bounding left out.

mod ratio;
mod seen;
#[cfg(test)]
mod tests;

use dashu::rational::RBig;

use super::Noise;
use crate::error::PrivacyError;
use crate::quantity::Delta;
pub use ratio::{Ratio, ratio_interval};
pub use seen::Seen;

/// How often an interval covers, over many releases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confidence {
    miss: RBig,
}

impl Confidence {
    /// Reads a level such as `0.95`, in the same strict decimal grammar as privacy quantities.
    ///
    /// *Errors*: [`PrivacyError::BadConfidence`] unless the level is at least a half and below one.
    pub fn parse(text: &str) -> Result<Self, PrivacyError> {
        let refused = || PrivacyError::BadConfidence { text: text.chars().take(40).collect() };
        // A level is a number strictly between 0 and 1, exactly like a delta.
        let level = Delta::parse(text).map_err(|_| refused())?;
        let miss = RBig::ONE - level.as_rational();
        if miss > RBig::ONE / RBig::from(2) { Err(refused()) } else { Ok(Self { miss }) }
    }

    /// The usual 95%.
    pub fn ninety_five() -> Self {
        Self { miss: RBig::ONE / RBig::from(20) }
    }

    /// The level, for display.
    pub fn to_f64(&self) -> f64 {
        (RBig::ONE - &self.miss).to_f64().value()
    }

    /// The level at which each of several intervals must hold, so that all hold together at this one.
    pub fn shared_by(&self, intervals: u32) -> Self {
        Self { miss: &self.miss / RBig::from(intervals.max(1)) }
    }

    /// How often an interval may miss.
    pub(crate) fn miss(&self) -> &RBig {
        &self.miss
    }
}

/// Intervals around the released values of one column, with the common work done once.
///
/// A plain value `y` has the interval `y - w ..= y + w`, where `w` is the exact
/// [`Noise::half_width`]. A value that is only seen when it reaches a threshold is more likely to
/// have been lifted over it, so its interval inverts the law truncated at the threshold: it holds
/// every count `n >= 0` for which neither `P[Y >= y | Y >= T]` nor `P[Y <= y | Y >= T]` is below
/// half the error, with `Y = n + noise`.
#[derive(Debug, Clone)]
pub struct Intervals {
    noise: Noise,
    half_width: i128,
    truncated_at: Option<i128>,
    log_tail: f64,
}

impl Intervals {
    pub(super) fn new(noise: Noise, confidence: &Confidence, truncated_at: Option<i128>) -> Self {
        Self {
            noise,
            half_width: noise.half_width(confidence),
            truncated_at,
            log_tail: (confidence.miss.to_f64().value() / 2.0).ln(),
        }
    }

    /// The half width of the plain intervals, in grid steps.
    pub fn half_width(&self) -> i128 {
        self.half_width
    }

    /// The interval around one released value, in grid steps.
    pub fn around(&self, released: i128) -> (i128, i128) {
        match self.truncated_at {
            Some(threshold) if released >= threshold => self.invert_truncated(released, threshold),
            _ => {
                (released.saturating_sub(self.half_width), released.saturating_add(self.half_width))
            }
        }
    }

    /// Both conditional probabilities move one way as the count grows, so each limit is found by
    /// bisection. The upper limit is never above the plain one, because seeing the value at all
    /// speaks for a larger count.
    fn invert_truncated(&self, released: i128, threshold: i128) -> (i128, i128) {
        let top = released.saturating_add(self.half_width).max(0);
        let is_too_small =
            |count: i128| self.log_conditional(released, threshold, count) < self.log_tail;
        let is_too_large = |count: i128| {
            let above = self.log_conditional(released.saturating_add(1), threshold, count);
            (-above.exp()).ln_1p() < self.log_tail
        };
        let low = first_false(0, top, is_too_small);
        let high = first_false(low, top + 1, |count| !is_too_large(count)) - 1;
        (low, high.max(low))
    }

    /// `ln P[Y >= value | Y >= threshold]` when the count is `count`.
    fn log_conditional(&self, value: i128, threshold: i128, count: i128) -> f64 {
        let log_tail = |at: i128| self.noise.log_tail_f64(at.saturating_sub(count) as f64);
        (log_tail(value) - log_tail(threshold)).min(0.0)
    }
}

/// The first number in `low..high` for which the predicate is false, or `high`; it must turn false
/// at most once.
fn first_false(low: i128, high: i128, predicate: impl Fn(i128) -> bool) -> i128 {
    let (mut low, mut high) = (low, high);
    while low < high {
        let middle = low + (high - low) / 2;
        if predicate(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
