//! The confidence set of a ratio of two noisy numbers.
//!
//! *Source*: Fieller 1954, *Some problems in interval estimation*: if `r` is the true ratio, the
//! pivot `S - r*C` is noise alone, `L1 - r*L2`, so the set holds every `r` for which the pivot is
//! not unusually large.

use super::super::gaussian::upper_tail_f64;
use super::super::{DiscreteGaussian, DiscreteLaplace, Noise};
use super::Confidence;

/// A released sum over a released count, with independent noises.
#[derive(Debug, Clone, Copy)]
pub struct Ratio<'a> {
    /// The released sum, in grid steps.
    pub sum: i128,
    /// The noise in the sum.
    pub sum_noise: &'a Noise,
    /// The released count.
    pub count: i128,
    /// The noise in the count.
    pub count_noise: &'a Noise,
    /// Where the true ratio is known to lie, in grid steps.
    pub bounds: (f64, f64),
}

/// The smallest interval that holds every ratio within the bounds whose pivot is not unusually
/// large.
///
/// When the data says nothing (the count is drowned in noise, or no ratio within the bounds
/// explains the pair) the interval is the bounds themselves.
///
/// *Guarantee*: covers the ratio of the two bounded answers at least at the stated confidence, for
/// noises whose joint law the normal or Laplace law describes: quantiles are widened by half a step
/// of each noise, which covers the difference between discrete and continuous laws.
pub fn ratio_interval(ratio: &Ratio<'_>, confidence: &Confidence) -> (f64, f64) {
    let (low, high) = ratio.bounds;
    let miss = confidence.miss.to_f64().value();
    let pivot = Pivot {
        sum: ratio.sum as f64,
        count: ratio.count as f64,
        law: Law::of(ratio.sum_noise, ratio.count_noise, miss),
        miss,
    };
    let estimate = pivot.sum / pivot.count;
    let inside = if estimate.is_finite() { estimate.clamp(low, high) } else { low };
    // The excess is concave on each side of the estimate: one sign change at most between a point
    // of the set and an end outside it.
    if pivot.excess(inside) <= 0.0 {
        return (pivot.edge(inside, low), pivot.edge(inside, high));
    }
    match (pivot.excess(low) <= 0.0, pivot.excess(high) <= 0.0) {
        (true, false) => (low, pivot.edge(low, high)),
        (false, true) => (pivot.edge(high, low), high),
        _ => (low, high),
    }
}

struct Pivot {
    sum: f64,
    count: f64,
    law: Law,
    miss: f64,
}

impl Pivot {
    /// How far the pivot at this ratio is above its quantile; a ratio belongs to the set where this
    /// is not positive.
    fn excess(&self, ratio: f64) -> f64 {
        (self.sum - ratio * self.count).abs() - self.quantile(ratio)
    }

    /// The size that the pivot exceeds with probability `miss`, widened for discreteness.
    fn quantile(&self, ratio: f64) -> f64 {
        let weight = ratio.abs();
        let continuous = match self.law {
            Law::Gaussian { sum, count, quantile } => quantile * sum.hypot(weight * count),
            Law::Laplace { sum, count } => laplace_quantile(sum, weight * count, self.miss),
            Law::Mixed { sum, count } => sum + weight * count,
        };
        continuous + 0.5 * (1.0 + weight)
    }

    /// From a point of the set towards an end: the end if it belongs to the set, else where the set
    /// stops, rounded outwards.
    fn edge(&self, inside: f64, end: f64) -> f64 {
        if self.excess(end) <= 0.0 {
            return end;
        }
        let (mut inside, mut outside) = (inside, end);
        for _ in 0..64 {
            let middle = f64::midpoint(inside, outside);
            if self.excess(middle) <= 0.0 {
                inside = middle;
            } else {
                outside = middle;
            }
        }
        outside
    }
}

/// The joint law of the two noises.
enum Law {
    /// Both Gaussian: two scales, and the two-sided quantile of the normal law.
    Gaussian { sum: f64, count: f64, quantile: f64 },
    /// Both Laplace: two scales.
    Laplace { sum: f64, count: f64 },
    /// One of each: a size that each exceeds with half the error, so that both bounds hold
    /// together.
    Mixed { sum: f64, count: f64 },
}

impl Law {
    fn of(sum: &Noise, count: &Noise, miss: f64) -> Self {
        match (sum, count) {
            (Noise::Gaussian(sum), Noise::Gaussian(count)) => Self::Gaussian {
                sum: scale_of_gaussian(sum),
                count: scale_of_gaussian(count),
                quantile: normal_quantile(miss),
            },
            (Noise::Laplace(sum), Noise::Laplace(count)) => {
                Self::Laplace { sum: scale_of_laplace(sum), count: scale_of_laplace(count) }
            }
            (sum, count) => {
                let size = |noise: &Noise| match noise {
                    Noise::Gaussian(noise) => {
                        scale_of_gaussian(noise) * normal_quantile(miss / 2.0)
                    }
                    Noise::Laplace(noise) => -scale_of_laplace(noise) * (miss / 2.0).ln(),
                };
                Self::Mixed { sum: size(sum), count: size(count) }
            }
        }
    }
}

fn scale_of_gaussian(noise: &DiscreteGaussian) -> f64 {
    noise.scale().to_f64()
}

fn scale_of_laplace(noise: &DiscreteLaplace) -> f64 {
    noise.scale().to_f64()
}

/// The size that a standard normal exceeds, on either side, with probability `miss`; rounded up.
fn normal_quantile(miss: f64) -> f64 {
    largest_above(40.0, |size| 2.0 * upper_tail_f64(size) > miss)
}

/// The size that the sum of two independent Laplace variables exceeds, on either side, with
/// probability `miss`.
///
/// Newton's method on the logarithm of the tail, which is concave: from a start where the tail is
/// too small, every step lands where it is still too small, so stopping early can only widen an
/// interval.
fn laplace_quantile(first: f64, second: f64, miss: f64) -> f64 {
    let (small, large) = if first < second { (first, second) } else { (second, first) };
    let log_miss = miss.ln();
    let mut size = 2.0 * large * (1.0 - log_miss);
    for _ in 0..10 {
        let (tail, density) = laplace_sum_tail(small, large, size);
        size += (tail.ln() - log_miss) * tail / density;
    }
    size
}

/// `P[|L1 + L2| > x] = (a^2*exp(-x/a) - b^2*exp(-x/b)) / (a^2 - b^2)` for scales `a > b`, its limit
/// where they are equal, and minus its derivative.
fn laplace_sum_tail(small: f64, large: f64, size: f64) -> (f64, f64) {
    let decay = (-size / large).exp();
    if small > large * (1.0 - 1e-6) {
        let steps = size / large;
        return ((1.0 + 0.5 * steps) * decay, (1.0 + steps) * decay / (2.0 * large));
    }
    if small == 0.0 {
        return (decay, decay / large);
    }
    let share = (small / large).powi(2);
    let other = share * (-size / small).exp();
    ((decay - other) / (1.0 - share), (decay / large - other / small) / (1.0 - share))
}

/// Where a predicate that is true near zero and false at `top` turns false, rounded up.
fn largest_above(top: f64, predicate: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, top);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if predicate(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}
