//! Coins with exact probabilities.
//!
//! *Source*: Canonne, Kamath & Steinke 2020, Algorithm 1.

use rand_chacha::rand_core::Rng;

use super::natural::Natural;

/// Steps of Algorithm 1 that multiply the denominator. Later steps, which one draw in 10^33
/// reaches, toss two coins instead, so that the denominator grows by a factor below 2^5 and no
/// more.
const DENOMINATOR_FACTOR_MAX: u32 = 31;

/// True with probability `numerator / denominator`.
///
/// Reveals a uniform real number 32 bits at a time and stops as soon as it is certainly below or
/// not below the fraction; nothing is rejected and nothing divided. After a word `w` the fraction
/// still to be compared with the rest of the digits is `numerator*2^32 - w*denominator` over
/// `denominator`: nothing below 0 can be undercut, anything from 1 on always is. A second word is
/// needed once in about 2^32 draws.
///
/// Needs `numerator <= denominator < 2^(width - 32)`: then `numerator*2^32` and `w*denominator` fit
/// the width, and the carried numerator is again below the denominator.
#[inline]
pub(super) fn bernoulli<N: Natural>(rng: &mut impl Rng, mut numerator: N, denominator: N) -> bool {
    loop {
        let drawn = denominator.times(rng.next_u32());
        let target = numerator.shifted_by_word();
        if drawn >= target {
            return false;
        }
        let rest = target.minus(drawn);
        if rest >= denominator {
            return true;
        }
        numerator = rest;
    }
}

/// True with probability `exp(-numerator / denominator)`, for a fraction of at most one.
///
/// Needs `numerator <= denominator < 2^(width - 37)`, so that the denominator times a step below
/// 2^5 is still in the range of [`bernoulli`].
#[inline]
pub(super) fn bernoulli_exp_fraction<N: Natural>(
    rng: &mut impl Rng,
    numerator: N,
    denominator: N,
) -> bool {
    let mut step: u32 = 1;
    loop {
        let goes_on = if step <= DENOMINATOR_FACTOR_MAX {
            bernoulli(rng, numerator, denominator.times(step))
        } else {
            bernoulli(rng, numerator, denominator) && one_in(rng, step)
        };
        if !goes_on {
            return step % 2 == 1;
        }
        step += 1;
    }
}

/// Binary digits of the number that decides about `1/e`; the last bit of its word is left over.
const DIGITS: u32 = u32::BITS - 1;
/// `k!` for the steps that one word decides about, from the second on. The products with a number
/// of [`DIGITS`] digits fit 64 bits, and the last is below `2^32`, as [`bernoulli`] needs it.
const FACTORIALS: [u64; 11] =
    [2, 6, 24, 120, 720, 5_040, 40_320, 362_880, 3_628_800, 39_916_800, 479_001_600];

/// True with probability `1/e`: Algorithm 1 at one. Its first step always goes on, and it gets past
/// step `k` with probability `1/k!`; what counts is whether the step at which it ends is odd.
///
/// So one uniform number `U` says where it ends: at the first step `k` with `U >= 1/k!`. The digits
/// of a word are certainly below the fraction, certainly not, or its first digits; the last once in
/// about 2^31 draws, when [`bernoulli`] compares the rest of the fraction with further digits.
/// Then the end is at this step or at the next, because the fractions beyond are smaller than what
/// is known of `U`. Past the last step in the table all that may be known of `U` is that it is below
/// that step's fraction, whichever digits said so: then every further step tosses a coin of its own.
#[inline]
pub(super) fn bernoulli_inverse_e(rng: &mut impl Rng) -> bool {
    let word = rng.next_u32();
    decide_inverse_e(rng, word)
}

/// The same from the first digits of a word, whose last bit is not looked at.
#[inline]
pub(super) fn decide_inverse_e(rng: &mut impl Rng, word: u32) -> bool {
    const ONE: u64 = 1 << DIGITS;
    const LAST: u32 = 1 + FACTORIALS.len() as u32;
    let digits = u64::from(word >> 1);
    for (step, factorial) in (2..).zip(FACTORIALS) {
        let reached = digits * factorial;
        if reached >= ONE {
            return step % 2 == 1;
        }
        if reached + factorial > ONE {
            let goes_on = bernoulli::<u64>(rng, ONE - reached, factorial);
            // These digits are too large for the next fraction. To end here because of that, where
            // smaller digits toss a coin as if nothing were known of them, would be a bias.
            if goes_on && step == LAST {
                break;
            }
            return (step + u32::from(goes_on)) % 2 == 1;
        }
    }
    let mut step = LAST + 1;
    while one_in(rng, step) {
        step += 1;
    }
    step % 2 == 1
}

/// True with probability `exp(-numerator / denominator)`.
///
/// Algorithm 1 tosses one coin of `1/e` for every whole number in the exponent; subtracting the
/// denominator each time finds them without a division, and stops after 1.6 tosses on average.
///
/// Needs `denominator < 2^(width - 37)`; the numerator may be any number of that width.
#[inline]
pub(super) fn bernoulli_exp<N: Natural>(
    rng: &mut impl Rng,
    mut numerator: N,
    denominator: N,
) -> bool {
    while numerator >= denominator {
        if !bernoulli_inverse_e(rng) {
            return false;
        }
        numerator = numerator.minus(denominator);
    }
    bernoulli_exp_fraction(rng, numerator, denominator)
}

#[inline]
fn one_in(rng: &mut impl Rng, denominator: u32) -> bool {
    let denominator = u64::from(denominator);
    // The denominator is below 2^32 and the target exactly 2^32.
    bernoulli::<u64>(rng, 1, denominator)
}
