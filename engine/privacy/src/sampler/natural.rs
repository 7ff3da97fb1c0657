//! Natural numbers of fixed width, as wide as the samplers need and no wider.

use std::cmp::Ordering;

/// A natural number of fixed width with the few operations that Algorithm 1 needs.
///
/// Implementations may assume that no result exceeds their width: the callers state why.
pub(crate) trait Natural: Copy + Ord {
    /// `self * factor`.
    fn times(self, factor: u32) -> Self;
    /// `self * 2^32`.
    fn shifted_by_word(self) -> Self;
    /// `self - other`, where `other <= self`.
    fn minus(self, other: Self) -> Self;
    /// `left * right`.
    fn product(left: u128, right: u128) -> Self;
}

impl Natural for u64 {
    fn times(self, factor: u32) -> Self {
        self * Self::from(factor)
    }

    fn shifted_by_word(self) -> Self {
        self << 32
    }

    fn minus(self, other: Self) -> Self {
        self - other
    }

    fn product(left: u128, right: u128) -> Self {
        (left * right) as Self
    }
}

impl Natural for u128 {
    fn times(self, factor: u32) -> Self {
        self * Self::from(factor)
    }

    fn shifted_by_word(self) -> Self {
        self << 32
    }

    fn minus(self, other: Self) -> Self {
        self - other
    }

    fn product(left: u128, right: u128) -> Self {
        left * right
    }
}

/// A natural number below `2^256`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct U256 {
    high: u128,
    low: u128,
}

const LOW_HALF: u128 = u64::MAX as u128;

impl Ord for U256 {
    fn cmp(&self, other: &Self) -> Ordering {
        self.high.cmp(&other.high).then(self.low.cmp(&other.low))
    }
}

impl PartialOrd for U256 {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Natural for U256 {
    fn times(self, factor: u32) -> Self {
        let factor = u128::from(factor);
        let first = (self.low & LOW_HALF) * factor;
        let second = (self.low >> 64) * factor + (first >> 64);
        Self { high: self.high * factor + (second >> 64), low: (second << 64) | (first & LOW_HALF) }
    }

    fn shifted_by_word(self) -> Self {
        Self { high: (self.high << 32) | (self.low >> 96), low: self.low << 32 }
    }

    fn minus(self, other: Self) -> Self {
        let (low, borrow) = self.low.overflowing_sub(other.low);
        Self { high: self.high - other.high - u128::from(borrow), low }
    }

    fn product(left: u128, right: u128) -> Self {
        let (left_high, left_low) = (left >> 64, left & LOW_HALF);
        let (right_high, right_low) = (right >> 64, right & LOW_HALF);
        let bottom = left_low * right_low;
        let cross = left_low * right_high;
        let (other_cross, carry) = (left_high * right_low).overflowing_add(cross);
        let (low, low_carry) = bottom.overflowing_add(other_cross << 64);
        let high = left_high * right_high
            + (other_cross >> 64)
            + (u128::from(carry) << 64)
            + u128::from(low_carry);
        Self { high, low }
    }
}

#[cfg(test)]
mod tests {
    use dashu::integer::UBig;
    use proptest::prelude::*;

    use super::*;

    fn big(value: U256) -> UBig {
        (UBig::from(value.high) << 128) + UBig::from(value.low)
    }

    proptest! {
        #[test]
        fn arithmetic_of_256_bits_is_exact(left: u128, right: u128, factor: u32) {
            let product = U256::product(left, right);
            prop_assert_eq!(big(product), UBig::from(left) * UBig::from(right));
            let small = U256::product(left, right >> 32);
            prop_assert_eq!(big(small.times(factor)), big(small) * UBig::from(factor));
            prop_assert_eq!(big(small.shifted_by_word()), big(small) << 32);
            prop_assert_eq!(product.cmp(&small), big(product).cmp(&big(small)));
            prop_assert_eq!(big(product.minus(small)), big(product) - big(small));
        }
    }
}
