//! The tail of the standard normal law, `Q(x)`, with bounds and in floating point.

use dashu::rational::RBig;

use super::super::tail::directed;
use crate::precise::{self, Real};

/// From here on the continued fraction is used, below the power series.
const SWITCH: f64 = 2.0;

/// Depth of the continued fraction: its error falls like `exp(-2*x*sqrt(2*depth))`, here below
/// `exp(-80)`.
const DEPTH: u32 = 200;

/// Terms of the power series: the last is below `2^-200` for arguments below [`SWITCH`].
const TERMS: u32 = 100;

/// Lower and upper bounds on `Q(x)` for `x >= 0`.
pub(super) fn upper_tail(x: &Real) -> (RBig, RBig) {
    if *x >= precise::from_f64(SWITCH) { tail_by_fraction(x) } else { tail_by_series(x) }
}

/// `Q(x) = density(x) * 1/(x + 1/(x + 2/(x + 3/...)))`; with all terms positive, cutting the
/// fraction at two neighbouring depths bounds it from both sides.
fn tail_by_fraction(x: &Real) -> (RBig, RBig) {
    let cut_at = |depth: u32| {
        let inner = (1..=depth)
            .rev()
            .fold(x.clone(), |value, k| x + precise::from_f64(f64::from(k)) / value);
        directed(&(density(x) / inner))
    };
    let (even_low, even_high) = cut_at(DEPTH);
    let (odd_low, odd_high) = cut_at(DEPTH + 1);
    (even_low.min(odd_low), even_high.max(odd_high))
}

/// `Q(x) = 1/2 - density(x) * (x + x^3/3 + x^5/(3*5) + ...)`; all terms are positive and what is
/// left out is below `2^-190`, which the margin covers because `Q(2) > 2^-6`.
fn tail_by_series(x: &Real) -> (RBig, RBig) {
    let square = x * x;
    let mut term = x.clone();
    let mut sum = x.clone();
    for k in 1..=TERMS {
        term = term * &square / precise::from_f64(f64::from(2 * k + 1));
        sum += &term;
    }
    directed(&(precise::from_f64(0.5) - density(x) * sum))
}

fn density(x: &Real) -> Real {
    let two = precise::from_f64(2.0);
    (-(x * x) / &two).exp() / (two * precise::pi()).sqrt()
}

/// `Q(x)` in floating point for any `x`, to about `1e-14` of itself.
pub(in super::super) fn upper_tail_f64(x: f64) -> f64 {
    if x < 0.0 {
        return 1.0 - upper_tail_f64(-x);
    }
    mills_ratio_f64(x) * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
}

/// `ln Q(x)` in floating point for any `x`.
pub(in super::super) fn log_upper_tail_f64(x: f64) -> f64 {
    if x < 0.0 {
        return (-upper_tail_f64(-x)).ln_1p();
    }
    mills_ratio_f64(x).ln() - 0.5 * x * x - 0.5 * std::f64::consts::TAU.ln()
}

/// `Q(x) / density(x)` in floating point for `x >= 0`.
pub(super) fn mills_ratio_f64(x: f64) -> f64 {
    if x >= SWITCH {
        // The error falls like exp(-2*x*sqrt(2*depth)), so this depth leaves less than exp(-40).
        let depth = (200.0 / (x * x)).ceil() as u32 + 6;
        return (1..=depth).rev().fold(x, |value, k| x + f64::from(k) / value).recip();
    }
    let mut term = x;
    let mut sum = x;
    for k in 1..=60u32 {
        term *= x * x / f64::from(2 * k + 1);
        sum += term;
    }
    0.5 * std::f64::consts::TAU.sqrt() * (0.5 * x * x).exp() - sum
}
