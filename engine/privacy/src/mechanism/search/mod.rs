//! Quantiles by a noisy binary search. The proof note is `PROOF.md`.

#[cfg(test)]
mod compared;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::{Confidence, Noise};
use crate::error::PrivacyError;
use crate::sensitivity::{Sensitivity, SensitivityTerms};

/// A search never asks more often; it then knows the quantile to 1/256 of the bounds' width, which is
/// finer than its noise unless thousands of people are in the cell.
const ROUNDS_MAX: u32 = 8;

/// A quantile must be a fraction with a denominator of at most this.
const DENOMINATOR_MAX: u64 = 1_000_000;

/// Which quantile: `numerator / denominator`, in lowest terms, between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Quantile {
    numerator: u32,
    denominator: u32,
}

impl Quantile {
    /// The median.
    pub const MEDIAN: Self = Self { numerator: 1, denominator: 2 };

    /// What leaves one row in a hundred below.
    pub const FIRST_PERCENT: Self = Self { numerator: 1, denominator: 100 };

    /// What leaves one row in a hundred above.
    pub const LAST_PERCENT: Self = Self { numerator: 99, denominator: 100 };

    /// The fraction in lowest terms.
    ///
    /// *Errors*: [`PrivacyError::BadQuantile`] unless it lies strictly between 0 and 1 and needs at
    /// most six decimal places: the smallest and the largest value belong to single persons.
    pub fn new(numerator: u64, denominator: u64) -> Result<Self, PrivacyError> {
        let refused = || PrivacyError::BadQuantile { text: format!("{numerator}/{denominator}") };
        if numerator == 0 || numerator >= denominator {
            return Err(refused());
        }
        let divisor = greatest_common_divisor(numerator, denominator);
        let (numerator, denominator) = (numerator / divisor, denominator / divisor);
        if denominator > DENOMINATOR_MAX {
            return Err(refused());
        }
        let narrow = |part| u32::try_from(part).map_err(|_| refused());
        Ok(Self { numerator: narrow(numerator)?, denominator: narrow(denominator)? })
    }

    /// Reads a plain decimal such as `0.95`.
    ///
    /// *Errors*: [`PrivacyError::BadQuantile`].
    pub fn parse(text: &str) -> Result<Self, PrivacyError> {
        let refused = || PrivacyError::BadQuantile { text: text.chars().take(40).collect() };
        let places = text.strip_prefix("0.").ok_or_else(refused)?;
        let is_plain =
            (1..=6).contains(&places.len()) && places.bytes().all(|b| b.is_ascii_digit());
        if !is_plain {
            return Err(refused());
        }
        let numerator: u64 = places.parse().map_err(|_| refused())?;
        let denominator = 10_u64.pow(places.len() as u32);
        Self::new(numerator, denominator).map_err(|_| refused())
    }

    /// The fraction's numerator.
    pub fn numerator(&self) -> u32 {
        self.numerator
    }

    /// The fraction's denominator.
    pub fn denominator(&self) -> u32 {
        self.denominator
    }

    /// The nearest floating-point number, for display.
    pub fn to_f64(&self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    /// How far `below` of `rows` values are above the wanted share, times the denominator: positive
    /// when the quantile lies below the point at which was counted.
    pub fn score(&self, below: u64, rows: u64) -> i128 {
        i128::from(below) * i128::from(self.denominator)
            - i128::from(rows) * i128::from(self.numerator)
    }

    /// What one unit can change in a score of one round.
    ///
    /// *Errors*: as [`Sensitivity::new`].
    pub fn sensitivity(
        &self,
        max_groups: u32,
        max_rows_per_group: u32,
    ) -> Result<Sensitivity, PrivacyError> {
        Sensitivity::new(SensitivityTerms {
            max_groups,
            per_group: u128::from(self.per_row()) * u128::from(max_rows_per_group),
        })
    }

    /// What one row can change in a score: it is below the point or not, and counts in the number
    /// of rows either way.
    pub fn per_row(&self) -> u32 {
        self.numerator.max(self.denominator - self.numerator)
    }
}

/// The points at which a search may ask: equal leaves over the steps between two bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Leaves {
    lower: i64,
    upper: i64,
    /// Steps in a leaf.
    width: u64,
    rounds: u32,
}

impl Leaves {
    /// Leaves between two bounds, both inclusive. *Units*: grid steps. Up to 256 steps have a leaf
    /// each. The bounds must not be reversed.
    pub fn between(lower: i64, upper: i64) -> Self {
        let steps = u64::try_from(i128::from(upper) - i128::from(lower) + 1).unwrap_or(u64::MAX);
        let rounds = steps.next_power_of_two().ilog2().clamp(1, ROUNDS_MAX);
        Self { lower, upper, width: steps.div_ceil(1 << rounds), rounds }
    }

    /// How often the search asks, whatever it hears.
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    /// How many leaves there are. The last ones may lie beyond the upper bound and stay empty.
    pub fn count(&self) -> u32 {
        1 << self.rounds
    }

    /// The first value of a leaf; values in leaves before it are smaller. *Units*: grid steps.
    pub fn start(&self, leaf: u32) -> i64 {
        let steps = i128::from(self.lower) + i128::from(self.width) * i128::from(leaf);
        i64::try_from(steps).unwrap_or(i64::MAX)
    }

    /// The leaf of a value within the bounds.
    pub fn of(&self, steps: i64) -> u32 {
        let above = i128::from(steps.clamp(self.lower, self.upper)) - i128::from(self.lower);
        (above / i128::from(self.width)) as u32
    }

    /// The value that stands for a leaf: its middle, within the bounds.
    fn middle(&self, leaf: u32) -> i64 {
        self.at(leaf, (self.width - 1) / 2)
    }

    fn at(&self, leaf: u32, offset: u64) -> i64 {
        let steps =
            i128::from(self.lower) + i128::from(self.width) * i128::from(leaf) + i128::from(offset);
        i64::try_from(steps).unwrap_or(i64::MAX).min(self.upper)
    }
}

/// A search under way: the leaves below `high` and from `low` on are still possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    leaves: Leaves,
    low: u32,
    high: u32,
    /// Where was asked, and the noisy score heard.
    heard: Vec<(u32, i128)>,
}

impl Search {
    /// A search that has not asked yet.
    pub fn new(leaves: Leaves) -> Self {
        Self { leaves, low: 0, high: 1 << leaves.rounds, heard: Vec::new() }
    }

    /// The search after these noisy scores.
    pub fn after(leaves: Leaves, heard: impl IntoIterator<Item = i128>) -> Self {
        let mut search = Self::new(leaves);
        for score in heard {
            search.hear(score);
        }
        search
    }

    /// The next question: how many values lie in leaves below this one? The last one is repeated
    /// when nothing is left to ask.
    pub fn asks(&self) -> u32 {
        u32::midpoint(self.low, self.high)
    }

    /// Takes the noisy score at the leaf asked about.
    pub fn hear(&mut self, noisy_score: i128) {
        let leaf = self.asks();
        self.heard.push((leaf, noisy_score));
        if noisy_score > 0 {
            self.high = leaf;
        } else {
            self.low = leaf;
        }
    }

    /// The quantile found. *Units*: grid steps.
    pub fn found(&self) -> i64 {
        self.leaves.middle(self.low)
    }

    /// The interval for the quantile of the bounded values.
    ///
    /// *Shape*: `low..=high`, in grid steps.
    ///
    /// *Guarantee*: covers at least at the stated confidence: it is wrong only if one of the noises
    /// was larger than the half width that a share of the error over all rounds allows.
    pub fn interval(&self, half_width: i128) -> (i64, i64) {
        let surely_above = |&&(_, score): &&(u32, i128)| score.saturating_add(half_width) < 0;
        let surely_below = |&&(_, score): &&(u32, i128)| score.saturating_sub(half_width) > 0;
        let low = self.heard.iter().filter(surely_above).map(|(leaf, _)| *leaf).max();
        let high = self.heard.iter().filter(surely_below).map(|(leaf, _)| *leaf).min();
        let last = (1 << self.leaves.rounds) - 1;
        let (low, high) = (low.unwrap_or(0), high.map_or(last, |leaf| leaf.saturating_sub(1)));
        // Noise beyond its half width can contradict itself; then what was found is all there is.
        let (low, high) = (low.min(self.low), high.max(self.low));
        (self.leaves.at(low, 0), self.leaves.at(high, self.leaves.width - 1))
    }
}

/// The half width of one round's noise at which all rounds together keep the confidence.
pub fn half_width_of_rounds(noise: &Noise, rounds: u32, confidence: &Confidence) -> i128 {
    noise.half_width(&confidence.shared_by(rounds))
}

fn greatest_common_divisor(left: u64, right: u64) -> u64 {
    if right == 0 { left } else { greatest_common_divisor(right, left % right) }
}
