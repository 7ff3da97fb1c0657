//! The discrete Laplace sampler.
//!
//! *Source*: Canonne, Kamath & Steinke 2020, Algorithm 2.

use rand_chacha::rand_core::Rng;

use super::bernoulli::{bernoulli_exp_fraction, bernoulli_inverse_e, decide_inverse_e};
use crate::mechanism::scale::Scale;

/// Whole multiples of the scale after which the generator is declared broken. A sound one gets here
/// with probability `exp(-65536)`.
const MULTIPLES_MAX: u32 = 1 << 16;

/// Draws `x` with probability proportional to `exp(-|x| / scale)`, where the scale is `t /
/// 2^places`.
pub(crate) struct LaplaceSampler {
    t: u64,
    places: u32,
}

impl LaplaceSampler {
    pub(crate) fn new(scale: Scale) -> Self {
        Self { t: scale.numerator(), places: scale.places() }
    }

    /// A whole scale, as Algorithm 3 needs it. Needs `0 < t < 2^55`.
    pub(super) fn whole(t: u64) -> Self {
        Self { t, places: 0 }
    }

    #[inline]
    pub(crate) fn sample(&self, rng: &mut impl Rng) -> i128 {
        loop {
            let (magnitude, is_negative) = geometric(rng, self.t);
            let magnitude = (magnitude >> self.places).cast_signed();
            // Zero is the only number with two signs: one of them starts again.
            match (is_negative, magnitude) {
                (true, 0) => {}
                (true, _) => return -magnitude,
                (false, _) => return magnitude,
            }
        }
    }
}

/// Draws `x >= 0` with probability proportional to `exp(-x / t)`, and a fair coin; `x < 2^16 * t`.
///
/// The coin is the bit of a word that the draw leaves over.
///
/// # Panics
/// If 65,536 coins in a row fall the same way, which only a broken generator does.
#[inline]
fn geometric(rng: &mut impl Rng, t: u64) -> (u128, bool) {
    let remainder = loop {
        let candidate = uniform_below(rng, t);
        if survives(rng, candidate, t) {
            break candidate;
        }
    };
    let word = rng.next_u32();
    let mut multiples: u32 = 0;
    let mut another = decide_inverse_e(rng, word);
    while another {
        multiples += 1;
        assert!(multiples < MULTIPLES_MAX, "the random generator is broken: it repeats itself");
        another = bernoulli_inverse_e(rng);
    }
    (u128::from(remainder) + u128::from(multiples) * u128::from(t), word & 1 == 1)
}

/// True with probability `exp(-candidate / t)`. Both widths give the same answer for the same bits;
/// the narrow one is faster.
#[inline]
fn survives(rng: &mut impl Rng, candidate: u64, t: u64) -> bool {
    if t < 1 << 27 {
        bernoulli_exp_fraction::<u64>(rng, candidate, t)
    } else {
        bernoulli_exp_fraction::<u128>(rng, u128::from(candidate), u128::from(t))
    }
}

/// A uniform number below `bound`, which must not be zero.
///
/// *Source*: Lemire 2019, *Fast random integer generation in an interval*: the high half of a
/// product, rejecting the few low halves that would make some results likelier.
#[inline]
pub(super) fn uniform_below(rng: &mut impl Rng, bound: u64) -> u64 {
    if let Ok(bound) = u32::try_from(bound) {
        let mut product = u64::from(rng.next_u32()) * u64::from(bound);
        if (product as u32) < bound {
            let uneven = bound.wrapping_neg() % bound;
            while (product as u32) < uneven {
                product = u64::from(rng.next_u32()) * u64::from(bound);
            }
        }
        return product >> 32;
    }
    let mut product = u128::from(rng.next_u64()) * u128::from(bound);
    if (product as u64) < bound {
        let uneven = bound.wrapping_neg() % bound;
        while (product as u64) < uneven {
            product = u128::from(rng.next_u64()) * u128::from(bound);
        }
    }
    (product >> 64) as u64
}
