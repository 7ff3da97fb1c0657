//! Several independent noises as one: the best mean of noisy readings of one value, and the sum of
//! noisy values.
//!
//! Both are post-processing of released values and cost nothing.

use dashu::base::Gcd;
use dashu::integer::{IBig, UBig};
use dashu::rational::RBig;

use super::{DiscreteGaussian, Noise};
use crate::error::PrivacyError;

/// A 95% interval of a sum of at least two Laplace draws is at most so many times as wide as that of
/// normal noise of the same variance. Two draws need 1.049, more of them less.
const LAPLACE_TAILS: (u32, u32) = (21, 20);

/// Independent readings of one exact value with Gaussian noise, weighted by the inverse of their
/// variances.
///
/// A Gaussian column of `rho` has a variance in proportion to `1 / rho`, so the weights are the losses
/// paid, and the mean of several readings varies as much as one reading for the sum of their losses.
/// With Laplace noise neither would be so.
///
/// *Guarantee*: post-processing. The readings must have been drawn independently around the same
/// value, and each of them must have been paid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Combined {
    weights: Vec<UBig>,
    whole: UBig,
    noise: Noise,
}

impl Combined {
    /// The weights of readings with these noises; nothing where there is no reading or one of them is
    /// not Gaussian.
    pub fn of(noises: &[Noise]) -> Option<Self> {
        let precision = |noise: &Noise| match noise {
            Noise::Gaussian(noise) => Some(RBig::ONE / noise.scale().to_rational().sqr()),
            Noise::Laplace(_) => None,
        };
        let precisions = noises.iter().map(precision).collect::<Option<Vec<RBig>>>()?;
        let sum = precisions.iter().fold(RBig::ZERO, |sum, precision| sum + precision);
        if sum.is_zero() {
            return None;
        }
        // The finer of two scales is representable, and the combined one is finer still.
        let variance = RBig::ONE / &sum;
        let noise = match noises {
            [one] => *one,
            _ => Noise::Gaussian(DiscreteGaussian::for_variance_at_least(&variance).ok()?),
        };
        let shares: Vec<RBig> = precisions.iter().map(|precision| precision / &sum).collect();
        let whole = shares.iter().fold(UBig::ONE, |whole, share| {
            let denominator = share.denominator();
            &whole * denominator / (&whole).gcd(denominator)
        });
        let weight = |share: &RBig| {
            let numerator = UBig::try_from(share.numerator().clone()).ok()?;
            Some(numerator * (&whole / share.denominator()))
        };
        let weights = shares.iter().map(weight).collect::<Option<_>>()?;
        Some(Self { weights, whole, noise })
    }

    /// The weight of each reading; together they make one.
    pub fn weights(&self) -> Vec<RBig> {
        let share = |weight: &UBig| RBig::from_parts(weight.clone().into(), self.whole.clone());
        self.weights.iter().map(share).collect()
    }

    /// The weighted mean of readings, to the nearest integer and to the even one in the middle.
    /// Exact: nothing is rounded before the end.
    pub fn value(&self, readings: impl IntoIterator<Item = i128>) -> i128 {
        let weighted = self.weights.iter().zip(readings);
        let sum = weighted
            .fold(IBig::ZERO, |sum, (weight, reading)| sum + IBig::from(weight.clone()) * reading);
        nearest(&sum, &self.whole)
    }

    /// Noise of the mean's variance, rounded up: what its intervals follow from.
    pub fn noise(&self) -> Noise {
        self.noise
    }
}

/// A quotient to the nearest integer, to the even one in the middle; saturates, which a mean never
/// needs.
fn nearest(sum: &IBig, whole: &UBig) -> i128 {
    let quotient = RBig::from_parts(sum.clone(), whole.clone());
    let floor = quotient.floor();
    let twice = (quotient - RBig::from(floor.clone())) * RBig::from(2);
    let is_odd = (&floor % IBig::from(2)) != IBig::ZERO;
    let up = twice > RBig::ONE || (twice == RBig::ONE && is_odd);
    let rounded = floor + IBig::from(u8::from(up));
    let is_negative = rounded < IBig::ZERO;
    i128::try_from(rounded).unwrap_or(if is_negative { i128::MIN } else { i128::MAX })
}

impl Noise {
    /// Noise whose 95% intervals are those of a sum of so many independent draws, or a little wider.
    ///
    /// *Errors*: [`PrivacyError::ScaleTooLarge`].
    pub fn of_sum(self, draws: u64) -> Result<Self, PrivacyError> {
        if draws <= 1 {
            return Ok(self);
        }
        let square = self.scale().sqr() * RBig::from(draws);
        let variance = match self {
            Self::Gaussian(_) => square,
            Self::Laplace(_) => {
                let (above, below) = LAPLACE_TAILS;
                square * RBig::from(2) * (RBig::from(above) / RBig::from(below)).sqr()
            }
        };
        Ok(Self::Gaussian(DiscreteGaussian::for_variance_at_least(&variance)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mechanism::{Confidence, DiscreteLaplace};
    use crate::quantity::Rho;
    use crate::sensitivity::{Sensitivity, SensitivityTerms};
    use crate::source::Simulation;

    fn gaussian(scale: u64) -> Noise {
        Noise::Gaussian(DiscreteGaussian::with_scale(&RBig::from(scale)).unwrap())
    }

    fn laplace(scale: u64) -> Noise {
        Noise::Laplace(DiscreteLaplace::with_scale(&RBig::from(scale)).unwrap())
    }

    #[test]
    fn the_mean_is_exact_and_goes_to_the_even_neighbour() {
        let equal = Combined::of(&[gaussian(5), gaussian(5)]).unwrap();
        let means = [(4, 4, 4), (4, 5, 4), (5, 6, 6), (-4, -5, -4), (-5, -6, -6), (-1, 2, 0)];
        for (first, second, mean) in means {
            assert_eq!(equal.value([first, second]), mean, "{first} and {second}");
        }
        // Scales of 3 and 4: weights of 16 and 9 parts in 25.
        let unequal = Combined::of(&[gaussian(3), gaussian(4)]).unwrap();
        assert_eq!(
            unequal.weights(),
            [RBig::from(16) / RBig::from(25), RBig::from(9) / RBig::from(25)]
        );
        assert_eq!(unequal.value([100, 0]), 64);
        assert_eq!(unequal.value([0, 100]), 36);
        assert_eq!(unequal.value([1, 0]), 1);
        assert_eq!(unequal.value([0, 1]), 0);
        // Nothing overflows on the way.
        assert_eq!(unequal.value([i128::MAX, i128::MAX]), i128::MAX);
        assert_eq!(unequal.value([i128::MIN, i128::MIN]), i128::MIN);
    }

    #[test]
    fn only_gaussian_readings_are_combined() {
        assert_eq!(Combined::of(&[]), None);
        assert_eq!(Combined::of(&[gaussian(3), laplace(3)]), None);
        assert_eq!(Combined::of(&[gaussian(3)]).unwrap().noise(), gaussian(3));
    }

    proptest! {
        /// Precision bought in steps costs what it costs at once: the combined variance is that of
        /// one release for the sum of the losses, to the one part in 10^6 by which scales round up.
        #[test]
        fn losses_add_up_without_loss(
            losses in prop::collection::vec(1_u64..1_000_000, 2..6), groups in 1_u32..50, each in 1_u128..1_000,
        ) {
            let sensitivity =
                Sensitivity::new(SensitivityTerms { max_groups: groups, per_group: each }).unwrap();
            let rho = |millionths: u64| RBig::from(millionths) / RBig::from(1_000_000);
            let noises: Vec<Noise> = losses
                .iter()
                .map(|loss| Noise::gaussian_for_rho(&sensitivity, &rho(*loss)).unwrap())
                .collect();
            let whole: u64 = losses.iter().sum();
            let at_once = Noise::gaussian_for_rho(&sensitivity, &rho(whole)).unwrap();
            let combined = Combined::of(&noises).unwrap().noise();
            let ratio = combined.scale().sqr() / at_once.scale().sqr();
            let slack = RBig::from(2) / RBig::from(1_000_000);
            prop_assert!(ratio <= RBig::ONE + &slack && ratio >= RBig::ONE - &slack, "{ratio}");
            let paid = noises.iter().map(|noise| noise.rho(&sensitivity)).fold(RBig::ZERO, |a, b| a + b);
            prop_assert!(paid <= rho(whole));
            prop_assert!(Rho::from_rational(paid).is_ok());
        }
    }

    /// The variance of 20,000 means of two readings with scales of 30 and 40, which is 24 squared. A
    /// sample variance of so many draws has a standard deviation of 1%: 5% are missed once in 10^6
    /// seeds, and the seed is fixed. Equal weights would make it 25 squared, 8.5% more.
    #[test]
    fn drawn_means_vary_as_the_combined_noise_says() {
        const N: usize = 20_000;
        let noises = [gaussian(30), gaussian(40)];
        let combined = Combined::of(&noises).unwrap();
        assert_eq!(combined.noise(), gaussian(24));
        let mut draws = Simulation::from_hash([3; 32]);
        let (first, second) = (draws.draws(&noises[0], N), draws.draws(&noises[1], N));
        let squares: f64 = first
            .iter()
            .zip(&second)
            .map(|(first, second)| (combined.value([*first, *second]) as f64).powi(2))
            .sum();
        let variance = squares / N as f64;
        assert!((variance / 576.0 - 1.0).abs() < 0.05, "{variance}");
    }

    /// Sums of Laplace draws have heavier tails than normal noise; their exact law, by convolution,
    /// leaves at most 5% outside, and the interval is at most 10% wider than it must be.
    #[test]
    fn intervals_of_sums_hold_the_exact_law() {
        let confidence = Confidence::ninety_five();
        for (scale, noise) in [2, 3, 10].map(|scale| (scale as f64, laplace(scale))) {
            let reach = (scale * 40.0) as usize;
            let one: Vec<f64> = (0..=2 * reach)
                .map(|at| (-(at as f64 - reach as f64).abs() / scale).exp())
                .collect();
            let total: f64 = one.iter().sum();
            let one: Vec<f64> = one.iter().map(|weight| weight / total).collect();
            let mut law = one.clone();
            for draws in 2..=9_u64 {
                let mut next = vec![0.0; law.len() + one.len() - 1];
                for (at, weight) in law.iter().enumerate() {
                    for (more, other) in one.iter().enumerate() {
                        next[at + more] += weight * other;
                    }
                }
                law = next;
                let half = noise.of_sum(draws).unwrap().half_width(&confidence) as usize;
                let middle = law.len() / 2;
                let outside =
                    |half: usize| -> f64 { 2.0 * law[middle + half + 1..].iter().sum::<f64>() };
                assert!(outside(half) <= 0.05, "{draws} draws of {scale}: {}", outside(half));
                let narrow = (half as f64 / 1.1) as usize;
                assert!(outside(narrow.saturating_sub(1)) > 0.05, "{draws} draws of {scale}");
            }
        }
        assert_eq!(gaussian(10).of_sum(9).unwrap(), gaussian(30));
        assert_eq!(laplace(10).of_sum(1).unwrap(), laplace(10));
    }
}
