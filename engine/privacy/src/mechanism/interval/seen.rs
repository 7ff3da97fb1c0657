//! Intervals around the mean of several readings of which the first had to reach a threshold.
//!
//! A first reading `Y` of a count `n` is seen only where `Y >= T`; later readings are always seen.
//! Their weighted mean `W` tells all that they tell together about `n`, and given `W = w` the first
//! reading is normal around `w` with the variance that it has beyond the mean's, whatever `n` is. So
//! the mean of what is seen has a density in proportion to
//!
//! ```text
//! exp(-(w - n)^2 / (2*s^2)) * Q((T - 1/2 - w) / t),    t^2 = s1^2 - s^2
//! ```
//!
//! with the scales `s1` of the first reading and `s` of the mean; half a step because readings are
//! whole. Where means below a smallest size are not shown, the density ends there. An interval holds
//! every count for which neither tail of this law is below half the error: both move one way as the
//! count grows.

use super::super::Noise;
use super::super::gaussian::log_upper_tail_f64;
use super::{Confidence, first_false};

/// The density is as good as nothing so many scales from its mode: it falls faster than a normal one.
const REACH: f64 = 9.0;

/// Panels of Simpson's rule over one side of the density.
const PANELS: u32 = 32;

/// Steps of the bisection for the mode.
const MODE_STEPS: u32 = 16;

/// How a combined value came to be seen.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// The noise of the first reading.
    pub first: Noise,
    /// What the first reading reached.
    pub reached: i128,
    /// Means below this are not shown.
    pub fewest: Option<i128>,
}

impl Noise {
    /// The interval around a mean of readings, where this is the mean's noise and the first reading
    /// was selected.
    ///
    /// *Shape*: `low..=high`, in whole counts, never below zero where selection matters.
    pub fn interval_of_seen(
        &self,
        mean: i128,
        confidence: &Confidence,
        seen: &Seen,
    ) -> (i128, i128) {
        let half_width = self.half_width(confidence);
        let plain = (mean.saturating_sub(half_width), mean.saturating_add(half_width));
        let law = Law::of(self, seen);
        // Nothing this far above the threshold could have been missed.
        if law.is_far(plain.0) {
            return plain;
        }
        let tail = confidence.miss.to_f64().value() / 2.0;
        let top = plain.1.max(0);
        let low = first_false(0, top, |count| law.above(mean, count) < tail);
        let high = first_false(low, top + 1, |count| law.below(mean, count) >= tail) - 1;
        (low, high.max(low))
    }
}

struct Law {
    scale: f64,
    /// The scale of the first reading around the mean.
    rest: f64,
    threshold: f64,
    fewest: f64,
}

impl Law {
    fn of(mean: &Noise, seen: &Seen) -> Self {
        let (scale, first) = (mean.std_dev_f64(), seen.first.std_dev_f64());
        Self {
            scale,
            rest: (first * first - scale * scale).max(1e-12 * first * first).sqrt(),
            threshold: seen.reached as f64 - 0.5,
            fewest: seen.fewest.map_or(f64::NEG_INFINITY, |fewest| fewest as f64 - 0.5),
        }
    }

    fn is_far(&self, count: i128) -> bool {
        let first = self.scale.hypot(self.rest);
        count as f64 - self.threshold > REACH * first
            && count as f64 - self.fewest > REACH * self.scale
    }

    /// `P[W >= mean | seen]` when the count is `count`.
    fn above(&self, mean: i128, count: i128) -> f64 {
        self.share(mean as f64 - 0.5, count as f64, true)
    }

    /// `P[W <= mean | seen]` when the count is `count`.
    fn below(&self, mean: i128, count: i128) -> f64 {
        self.share(mean as f64 + 0.5, count as f64, false)
    }

    /// The share of the density above or below a point.
    fn share(&self, point: f64, count: f64, above: bool) -> f64 {
        let mode = self.mode(count).max(self.fewest);
        let (low, high) = ((mode - REACH * self.scale).max(self.fewest), mode + REACH * self.scale);
        let point = point.clamp(low, high);
        let top = self.log_density(mode, count);
        let under = self.area(low, point, count, top);
        let over = self.area(point, high, count, top);
        if above { over / (over + under) } else { under / (over + under) }
    }

    fn log_density(&self, mean: f64, count: f64) -> f64 {
        let steps = (mean - count) / self.scale;
        log_upper_tail_f64((self.threshold - mean) / self.rest) - 0.5 * steps * steps
    }

    /// Where the density is largest: its logarithm is concave.
    fn mode(&self, count: f64) -> f64 {
        let slope = |mean: f64| {
            let step = 1e-4 * self.scale;
            self.log_density(mean + step, count) - self.log_density(mean - step, count)
        };
        let (mut low, mut high) = (count, count.max(self.threshold) + 10.0 * self.scale);
        for _ in 0..MODE_STEPS {
            let middle = f64::midpoint(low, high);
            if slope(middle) > 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        f64::midpoint(low, high)
    }

    /// Simpson's rule over the density, in units of its top.
    fn area(&self, from: f64, to: f64, count: f64, top: f64) -> f64 {
        let width = (to - from) / f64::from(PANELS);
        let weight = |panel: u32| match panel {
            0 | PANELS => 1.0,
            panel if panel % 2 == 1 => 4.0,
            _ => 2.0,
        };
        let at =
            |panel: u32| (self.log_density(from + f64::from(panel) * width, count) - top).exp();
        (0..=PANELS).map(|panel| weight(panel) * at(panel)).sum::<f64>() * width / 3.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use dashu::rational::RBig;

    use super::*;
    use crate::mechanism::{Combined, DiscreteGaussian};
    use crate::source::Simulation;

    fn gaussian(scale: u64) -> Noise {
        Noise::Gaussian(DiscreteGaussian::with_scale(&RBig::from(scale)).unwrap())
    }

    /// How often the interval holds the count, over `N` = 10,000 first readings that reached 40, and
    /// means that were shown. The limit is six standard deviations below 95%: a false alarm once in 1e9
    /// seeds, and the seed is fixed. Below 92.5% is caught with probability above 0.99; intervals that
    /// forget the threshold cover less than 80% of what was lifted over it from 20.
    fn share_covered(scales: [u64; 2], count: i128, fewest: Option<i128>, honest: bool) -> f64 {
        const N: usize = 10_000;
        let noises = scales.map(gaussian);
        let combined = Combined::of(&noises).unwrap();
        let confidence = Confidence::ninety_five();
        let seen = Seen { first: noises[0], reached: 40, fewest };
        let mut draws = Simulation::from_hash([count as u8; 32]);
        let mut known: HashMap<i128, (i128, i128)> = HashMap::new();
        let (mut shown, mut covered) = (0, 0);
        while shown < N {
            let firsts = draws.draws(&noises[0], N);
            for (first, second) in firsts.iter().zip(draws.draws(&noises[1], N)) {
                let mean = combined.value([count + first, count + second]);
                if count + first < 40 || fewest.is_some_and(|fewest| mean < fewest) || shown == N {
                    continue;
                }
                let (low, high) = *known.entry(mean).or_insert_with(|| match honest {
                    true => combined.noise().interval_of_seen(mean, &confidence, &seen),
                    false => combined.noise().interval(mean, &confidence, None),
                });
                shown += 1;
                covered += usize::from(low <= count && count <= high);
            }
        }
        covered as f64 / N as f64
    }

    #[test]
    fn intervals_cover_what_was_selected() {
        let limit = 0.95 - 6.0 * (0.95_f64 * 0.05 / 10_000.0).sqrt();
        for scales in [[4, 4], [12, 30], [30, 6]] {
            for count in [34, 40, 60] {
                for fewest in [None, Some(38)] {
                    let share = share_covered(scales, count, fewest, true);
                    assert!(share >= limit, "{scales:?} around {count}: {share}");
                }
            }
        }
        assert!(share_covered([12, 30], 20, None, false) < 0.8);
        assert!(share_covered([12, 30], 20, None, true) >= limit);
    }

    #[test]
    fn far_from_the_threshold_intervals_are_plain() {
        let (confidence, noise) = (Confidence::ninety_five(), gaussian(10));
        let seen = Seen { first: gaussian(20), reached: 40, fewest: Some(10) };
        assert_eq!(
            noise.interval_of_seen(400, &confidence, &seen),
            noise.interval(400, &confidence, None)
        );
        let near = noise.interval_of_seen(45, &confidence, &seen);
        assert!(near.0 < 45 - 20 && near.1 <= noise.interval(45, &confidence, None).1, "{near:?}");
    }
}
