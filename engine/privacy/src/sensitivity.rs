//! How much one privacy unit can change a released column.

use crate::error::PrivacyError;

/// The two bounds from which every norm of a change follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SensitivityTerms {
    /// Groups that one unit reaches at most (`G`).
    pub max_groups: u32,
    /// Grid steps by which one unit changes one group at most (`D`).
    pub per_group: u128,
}

/// The largest change that adding or removing one privacy unit can make to a column.
///
/// A sensitivity of zero, infinity or "unknown" cannot be expressed, so a column without bounds
/// cannot be released.
///
/// *Units*: steps of the column's grid; for counts one step is one row or one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sensitivity {
    max_groups: u32,
    per_group: u128,
    l1: u128,
    l2_squared: u128,
}

impl Sensitivity {
    /// Derives the norms, exactly.
    ///
    /// *Errors*: [`PrivacyError::ZeroSensitivity`] if a bound is zero,
    /// [`PrivacyError::SensitivityOverflow`] if a norm does not fit 128 bits.
    pub fn new(terms: SensitivityTerms) -> Result<Self, PrivacyError> {
        let SensitivityTerms { max_groups, per_group } = terms;
        if max_groups == 0 {
            return Err(PrivacyError::ZeroSensitivity { bound: "max_groups" });
        }
        if per_group == 0 {
            return Err(PrivacyError::ZeroSensitivity { bound: "the contribution per group" });
        }
        let overflow = PrivacyError::SensitivityOverflow { max_groups, per_group };
        let l1 = per_group.checked_mul(u128::from(max_groups)).ok_or_else(|| overflow.clone())?;
        let l2_squared = l1.checked_mul(per_group).ok_or(overflow)?;
        Ok(Self { max_groups, per_group, l1, l2_squared })
    }

    /// Groups that one unit reaches at most (`G`).
    pub fn max_groups(&self) -> u32 {
        self.max_groups
    }

    /// Grid steps by which one unit changes one group at most (`D`).
    pub fn per_group(&self) -> u128 {
        self.per_group
    }

    /// `G * D`, the sum of the changes over all groups.
    pub fn l1(&self) -> u128 {
        self.l1
    }

    /// `G * D^2`, the sum of the squared changes over all groups.
    pub fn l2_squared(&self) -> u128 {
        self.l2_squared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(max_groups: u32, per_group: u128, expected: Option<(u128, u128)>) {
        let actual = Sensitivity::new(SensitivityTerms { max_groups, per_group });
        assert_eq!(actual.ok().map(|found| (found.l1(), found.l2_squared())), expected);
    }

    #[test]
    fn norms_are_exact_and_nothing_wraps() {
        check(1, 1, Some((1, 1)));
        check(3, 7, Some((21, 147)));
        check(u32::MAX, 1 << 45, Some(((1 << 77) - (1 << 45), (1 << 122) - (1 << 90))));
        check(0, 1, None);
        check(1, 0, None);
        check(1, 1 << 64, None);
        check(2, u128::MAX, None);
    }
}
