use dashu::rational::RBig;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::sampler::Sampler;

fn quantile(text: &str) -> Quantile {
    Quantile::parse(text).unwrap()
}

fn below(values: &[i64], leaves: &Leaves, leaf: u32) -> u64 {
    values.iter().filter(|value| leaves.of(**value) < leaf).count() as u64
}

/// Runs a search over values, adding a draw to every score.
fn search(
    values: &[i64],
    leaves: Leaves,
    quantile: Quantile,
    mut noise: impl FnMut() -> i128,
) -> Search {
    let mut search = Search::new(leaves);
    for _ in 0..leaves.rounds() {
        let count = below(values, &leaves, search.asks());
        search.hear(quantile.score(count, values.len() as u64) + noise());
    }
    search
}

#[test]
fn quantiles_are_fractions_strictly_between_the_ends() {
    for text in ["0", "1", "0.0", "1.0", "-0.5", "0.", ".5", "1.5", "0.1234567", "NaN", "0.5e1", ""]
    {
        assert!(Quantile::parse(text).is_err(), "{text:?}");
    }
    assert_eq!(quantile("0.50"), Quantile::MEDIAN);
    assert_eq!((quantile("0.95").numerator(), quantile("0.95").denominator()), (19, 20));
    assert!(Quantile::new(0, 5).is_err() && Quantile::new(5, 5).is_err());
    assert!(Quantile::new(1, 1_000_001).is_err());
}

#[test]
fn leaves_cover_the_bounds_and_nothing_else() {
    for (lower, upper) in [(0, 1), (-7, 120), (0, 255), (0, 256), (-(1 << 53), 1 << 53)] {
        let leaves = Leaves::between(lower, upper);
        assert_eq!(leaves.of(lower), 0);
        assert!(leaves.of(upper) < 1 << leaves.rounds());
        for leaf in 1..leaves.count() {
            let start = leaves.start(leaf);
            assert!(start > upper || leaves.of(start) == leaf && leaves.of(start - 1) == leaf - 1);
        }
        assert_eq!(leaves.of(i64::MIN), 0);
        assert_eq!(leaves.of(i64::MAX), leaves.of(upper));
        assert!(leaves.rounds() <= ROUNDS_MAX);
    }
    assert_eq!(Leaves::between(0, 255).width, 1);
}

#[test]
fn without_noise_the_search_finds_the_quantile() {
    let values: Vec<i64> = (0..1_000).map(|n| n * n % 251).collect();
    let mut sorted = values.clone();
    sorted.sort_unstable();
    let leaves = Leaves::between(0, 255);
    for (text, place) in [("0.5", 500), ("0.05", 50), ("0.99", 990)] {
        let found = search(&values, leaves, quantile(text), || 0).found();
        let expected = sorted[place - 1]..=sorted[place];
        assert!(expected.contains(&found), "{text}: {found} is outside {expected:?}");
    }
}

proptest! {
    /// Record and replay at the level of the mechanism: the same released scores lead to the same
    /// questions, and no exact score changes by more than declared, however the rows of one unit lie.
    #[test]
    fn one_unit_changes_each_score_by_at_most_the_sensitivity(
        base in prop::collection::vec(-50_i64..=50, 0..40),
        rows in prop::collection::vec(-50_i64..=50, 1..=3),
        heard in prop::collection::vec(-60_i128..=60, 7),
        numerator in 1_u64..20,
    ) {
        let quantile = Quantile::new(numerator, 20).unwrap();
        let leaves = Leaves::between(-50, 50);
        prop_assert_eq!(leaves.rounds(), 7);
        let more: Vec<i64> = base.iter().chain(&rows).copied().collect();
        let sensitivity = quantile.sensitivity(1, 3).unwrap();
        let mut path = Search::new(leaves);
        for score in heard {
            let at = path.asks();
            let exact = |values: &[i64]| {
                quantile.score(below(values, &leaves, at), values.len() as u64)
            };
            prop_assert!(exact(&base).abs_diff(exact(&more)) <= sensitivity.per_group());
            path.hear(score);
        }
    }
}

/// How often intervals hold a true quantile over `N` = 10,000 searches. The union over rounds makes
/// them conservative, so only the lower limit is tested: three standard deviations below 95%, with a
/// fixed seed. Intervals that cover less than 94% are caught with probability above 0.9.
#[test]
fn intervals_cover_the_quantile() {
    const N: u32 = 10_000;
    let uniform: Vec<i64> = (0..400).map(|n| n * 10).collect();
    let lumped: Vec<i64> = (0..400).map(|n| if n % 3 == 0 { 7 } else { 3_000 + n % 5 }).collect();
    for (seed, values) in [uniform, lumped].iter().enumerate() {
        let leaves = Leaves::between(0, 4_095);
        let median = Quantile::MEDIAN;
        let sensitivity = median.sensitivity(2, 3).unwrap();
        let rho = RBig::from(1) / RBig::from(50 * leaves.rounds());
        let noise = Noise::best_for_rho(&sensitivity, &rho).unwrap();
        let half = half_width_of_rounds(&noise, leaves.rounds(), &Confidence::ninety_five());
        let mut sorted = values.clone();
        sorted.sort_unstable();
        let (mut rng, sampler) = (ChaCha20Rng::seed_from_u64(seed as u64), Sampler::new(&noise));
        let mut covered = 0;
        for _ in 0..N {
            let search = search(values, leaves, median, || sampler.sample(&mut rng));
            let (low, high) = search.interval(half);
            assert!(low <= search.found() && search.found() <= high);
            covered += u32::from(low <= sorted[200] && sorted[199] <= high);
        }
        let share = f64::from(covered) / f64::from(N);
        assert!(share >= 0.95 - 3.0 * (0.95f64 * 0.05 / f64::from(N)).sqrt(), "covers {share}");
    }
}
