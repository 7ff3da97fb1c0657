//! Which learned keys are shown: those whose noisy count of people reaches a threshold. The proof
//! note is `PROOF.md`.

#[cfg(test)]
mod compared;
#[cfg(test)]
mod tests;

use dashu::rational::RBig;
use serde::{Deserialize, Serialize};

use crate::error::PrivacyError;
use crate::mechanism::{Noise, smallest_with_tail_at_most};
use crate::quantity::Delta;

/// The rule by which learned keys are released.
///
/// *Guarantee*: with counts of distinct units (each unit changes each count by at most one and
/// reaches at most `G` keys), showing the keys with `noisy count >= threshold` adds `delta` to the
/// loss of the noise, in delta-approximate zero-concentrated privacy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySelection {
    /// A key is released if its noisy count is at least this.
    pub threshold: i128,
    /// What the selection really costs, rounded up to ledger units.
    pub delta: Delta,
}

impl KeySelection {
    /// The smallest threshold `T >= 1` with `G * P[noise >= T - 1] <= budget`.
    ///
    /// *Errors*: [`PrivacyError::DeltaTooSmall`] if the budget holds no ledger unit,
    /// [`PrivacyError::ZeroSensitivity`] for `max_groups` of zero.
    pub fn for_delta(noise: &Noise, max_groups: u32, budget: &Delta) -> Result<Self, PrivacyError> {
        if max_groups == 0 {
            return Err(PrivacyError::ZeroSensitivity { bound: "max_groups" });
        }
        let budget = budget.round_down();
        if budget.is_zero() {
            return Err(PrivacyError::DeltaTooSmall);
        }
        let groups = RBig::from(max_groups);
        let per_key = budget.as_rational() / &groups;
        // A key with one unit is shown if the noise is at least T - 1; that unit's removal hides
        // the key for certain.
        let noise_needed = smallest_with_tail_at_most(noise, &per_key, 0);
        let delta = Delta::from_rational(noise.probability_at_least(noise_needed) * groups)?;
        Ok(Self { threshold: noise_needed + 1, delta: delta.round_up()? })
    }

    /// The rule that also shows no key of fewer than `min_units` units, for the same delta.
    ///
    /// *Guarantee*: as for the rule itself, if a key is released only where its true bounded count
    /// is at least `min_units` too. The key whose fate one unit decides for certain then has a count
    /// of exactly `min_units`, and the noise must be as large as for a lone unit without the rule.
    #[must_use]
    pub fn with_min_units(self, min_units: u32) -> Self {
        Self { threshold: self.threshold + i128::from(min_units.max(1) - 1), ..self }
    }

    /// Whether a key with this noisy count is released.
    pub fn releases(&self, noisy_count: i128) -> bool {
        noisy_count >= self.threshold
    }
}
