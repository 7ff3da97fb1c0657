use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::mechanism::{DiscreteGaussian, DiscreteLaplace};
use crate::sampler::Sampler;

fn gaussian(scale: u64) -> Noise {
    Noise::Gaussian(DiscreteGaussian::with_scale(&RBig::from(scale)).unwrap())
}

fn laplace(scale: u64) -> Noise {
    Noise::Laplace(DiscreteLaplace::with_scale(&RBig::from(scale)).unwrap())
}

#[test]
fn confidence_levels_have_a_range() {
    for text in ["0", "1", "0.49", "95", "NaN", "-0.5", "", "inf", "1e-400"] {
        assert!(Confidence::parse(text).is_err(), "{text:?}");
    }
    assert_eq!(Confidence::parse("0.95").unwrap(), Confidence::ninety_five());
    assert!((Confidence::ninety_five().to_f64() - 0.95).abs() < 1e-15);
}

#[test]
fn plain_intervals_are_symmetric_and_saturate() {
    let noise = gaussian(100);
    let confidence = Confidence::ninety_five();
    assert_eq!(noise.interval(1_000, &confidence, None), (804, 1196));
    assert_eq!(noise.interval(i128::MAX, &confidence, None).1, i128::MAX);
    assert_eq!(noise.interval(i128::MIN, &confidence, None).0, i128::MIN);
}

/// Coverage over `N` = 20,000 draws that were seen. The limit is six standard deviations below 95%:
/// a false alarm once in 1e9 seeds, and the seed is fixed. An interval that covers less than 93% is
/// caught with probability above 0.99.
#[track_caller]
fn check_coverage(seed: u64, mut covers: impl FnMut(&mut ChaCha20Rng) -> Option<bool>) {
    const N: u32 = 20_000;
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let (mut seen, mut covered) = (0, 0);
    while seen < N {
        if let Some(hit) = covers(&mut rng) {
            seen += 1;
            covered += u32::from(hit);
        }
    }
    let share = f64::from(covered) / f64::from(N);
    assert!(share >= 0.95 - 6.0 * (0.95f64 * 0.05 / f64::from(N)).sqrt(), "covers {share}");
}

#[test]
fn truncated_intervals_cover_what_was_seen() {
    let confidence = Confidence::ninety_five();
    for (seed, noise) in [gaussian(2), gaussian(12), gaussian(30), laplace(10)].iter().enumerate() {
        let threshold = 40;
        let intervals = noise.intervals(&confidence, Some(threshold));
        let sampler = Sampler::new(noise);
        for count in [36, 40, 60, 150] {
            check_coverage(seed as u64, |rng| {
                let seen = count + sampler.sample(rng);
                let (low, high) = intervals.around(seen);
                (seen >= threshold).then_some(low <= count && count <= high)
            });
        }
    }
}

#[test]
fn truncation_lowers_the_lower_end_near_the_threshold_only() {
    let confidence = Confidence::ninety_five();
    let noise = gaussian(20);
    let plain = |value| noise.interval(value, &confidence, None);
    let truncated = |value| noise.interval(value, &confidence, Some(100));
    assert!(truncated(101).0 < plain(101).0 && truncated(101).1 <= plain(101).1);
    assert_eq!(truncated(100).0, 0);
    assert_eq!(truncated(400), plain(400));
    assert_eq!(truncated(99), plain(99));
}

#[test]
fn truncated_intervals_of_enormous_noise_need_no_loop() {
    let noise = gaussian(((1 << 22) - 1) << 32);
    let (low, high) = noise.interval(1 << 57, &Confidence::ninety_five(), Some(1 << 56));
    assert!((0..1 << 57).contains(&low) && high > 1 << 57);
}

#[test]
fn ratio_intervals_cover_the_true_ratio() {
    let confidence = Confidence::ninety_five();
    let cases = [
        (gaussian(2_000), gaussian(5), 400),
        (gaussian(30), gaussian(8), 20),
        (laplace(2_000), laplace(5), 400),
        (laplace(40), laplace(2), 12),
        (gaussian(100), laplace(3), 50),
        (gaussian(1), gaussian(1), 9),
    ];
    for (seed, (sum_noise, count_noise, count)) in cases.iter().enumerate() {
        let (sum_sampler, count_sampler) = (Sampler::new(sum_noise), Sampler::new(count_noise));
        for mean in [-30, 97] {
            check_coverage(seed as u64, |rng| {
                let ratio = Ratio {
                    sum: mean * count + sum_sampler.sample(rng),
                    sum_noise,
                    count: count + count_sampler.sample(rng),
                    count_noise,
                    bounds: (-100.0, 100.0),
                };
                let (low, high) = ratio_interval(&ratio, &confidence);
                Some(low <= mean as f64 && mean as f64 <= high)
            });
        }
    }
}

#[test]
fn a_precise_ratio_has_a_narrow_interval() {
    let (sum_noise, count_noise) = (gaussian(100), gaussian(1));
    let ratio = Ratio {
        sum: 5_000_000,
        sum_noise: &sum_noise,
        count: 100_000,
        count_noise: &count_noise,
        bounds: (0.0, 100.0),
    };
    let (low, high) = ratio_interval(&ratio, &Confidence::ninety_five());
    // 1.96 * sqrt(100^2 + 50^2) / 100000 = 0.00219, and half a step of each noise.
    assert!((low - (50.0 - 0.00245)).abs() < 1e-4 && (high - (50.0 + 0.00245)).abs() < 1e-4);
}

#[test]
fn a_ratio_that_says_nothing_has_its_bounds() {
    let (sum_noise, count_noise) = (gaussian(100), gaussian(50));
    for (sum, count) in [(10, 0), (0, 0), (3, 5), (10, -20)] {
        let ratio = Ratio {
            sum,
            sum_noise: &sum_noise,
            count,
            count_noise: &count_noise,
            bounds: (-5.0, 5.0),
        };
        assert_eq!(ratio_interval(&ratio, &Confidence::ninety_five()), (-5.0, 5.0));
    }
}

proptest! {
    /// Intervals stay within the bounds, are ordered, and hold the clamped estimate whenever the
    /// count is clear.
    #[test]
    fn ratio_intervals_are_sane(
        sum in -1_000_000i128..1_000_000, count in -1000i128..10_000, width in 1u64..5_000,
        small in 1u64..100, low in -500.0f64..0.0, high in 1.0f64..500.0,
    ) {
        for (sum_noise, count_noise) in
            [(gaussian(width), gaussian(small)), (laplace(width), laplace(small))]
        {
            let ratio = Ratio {
                sum, sum_noise: &sum_noise, count, count_noise: &count_noise, bounds: (low, high),
            };
            let (from, to) = ratio_interval(&ratio, &Confidence::ninety_five());
            prop_assert!(low <= from && from <= to && to <= high, "{} {}", from, to);
            let estimate = sum as f64 / count as f64;
            if count > 0 && (low..=high).contains(&estimate) {
                prop_assert!(from <= estimate && estimate <= to);
            }
        }
    }
}
