use std::convert::Infallible;

use dashu::rational::RBig;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng, TryRng};

use super::bernoulli::{bernoulli, bernoulli_exp, bernoulli_exp_fraction, bernoulli_inverse_e};
use super::gaussian::GaussianSampler;
use super::laplace::uniform_below;
use super::natural::{Natural, U256};
use super::*;
use crate::mechanism::scale::Scale;
use crate::mechanism::{DiscreteGaussian, DiscreteLaplace};
use crate::sensitivity::{Sensitivity, SensitivityTerms};
use crate::source::testing::SeededNoise;
use crate::source::{Cell, NoiseRequest, NoiseSource};

fn generator(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn fraction(numerator: u64, denominator: u64) -> RBig {
    RBig::from(numerator) / RBig::from(denominator)
}

/// Plays back given words, then zeros or what another generator draws.
struct Script {
    words: Vec<u32>,
    position: usize,
    afterwards: Option<ChaCha20Rng>,
}

impl Script {
    fn new(words: Vec<u32>) -> Self {
        Self { words, position: 0, afterwards: None }
    }
}

impl TryRng for Script {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.position += 1;
        let scripted = self.words.get(self.position - 1).copied();
        Ok(scripted.unwrap_or_else(|| self.afterwards.as_mut().map_or(0, Rng::next_u32)))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let low = u64::from(self.try_next_u32()?);
        Ok(low | u64::from(self.try_next_u32()?) << 32)
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        unreachable!("the samplers draw words")
    }
}

proptest! {
    /// The coin says whether the revealed number is below the fraction, for numbers that agree with
    /// the fraction in their first digits and differ by at most one in the last: the cases where
    /// only exact arithmetic is right.
    #[test]
    fn a_coin_compares_exactly(
        denominator in 1u64..=u64::MAX >> 8, share: u64, words in 1u32..=3, nudge in -1i128..=1,
    ) {
        let numerator = ((u128::from(denominator) * u128::from(share)) >> 64) as u64;
        let scale = 1i128 << (32 * words);
        let digits = (RBig::from(numerator) * RBig::from(scale) / RBig::from(denominator)).floor();
        let digits = (i128::try_from(digits).unwrap() + nudge).clamp(0, scale - 1);
        let script: Vec<u32> =
            (0..words).rev().map(|place| (digits >> (32 * place)) as u32).collect();
        let is_below = RBig::from(digits) / RBig::from(scale) < fraction(numerator, denominator);
        let narrow = bernoulli(
            &mut Script::new(script.clone()), u128::from(numerator), u128::from(denominator),
        );
        prop_assert_eq!(narrow, is_below);
        let wide = bernoulli(
            &mut Script::new(script),
            U256::product(u128::from(numerator), 1),
            U256::product(u128::from(denominator), 1),
        );
        prop_assert_eq!(wide, is_below);
    }
}

proptest! {
    /// Every result has the same number of words that lead to it at once; the others are drawn
    /// again. Bounds so large that a result has at most 256 words can be counted, where a
    /// statistical test would see nothing.
    #[test]
    fn uniform_numbers_are_exactly_even(
        bound in 1u64 << 24..=u64::from(u32::MAX), wide_bound in 1u64 << 56.., share: u64,
    ) {
        for (bound, bits) in [(bound, 32), (wide_bound, 64)] {
            let words = 1u128 << bits;
            let result = (u128::from(bound) * u128::from(share)) >> 64;
            let first = (RBig::from(result) * RBig::from(words) / RBig::from(bound)).ceil();
            let first = u128::try_from(first).unwrap();
            let at_once = (first..(first + words / u128::from(bound) + 2).min(words))
                .filter(|word| {
                    let mut script = Script::new(vec![*word as u32, (*word >> 32) as u32]);
                    script.words.truncate(bits / 32);
                    // A rejected word is followed by good ones, so that the loop ends.
                    script.afterwards = Some(generator(*word as u64));
                    let drawn = uniform_below(&mut script, bound);
                    u128::from(drawn) == result && script.position == bits / 32
                })
                .count();
            prop_assert_eq!(at_once as u128, words / u128::from(bound));
        }
    }
}

/// Checks a share of successes. `N` = 4,000,000 and six standard deviations: a false alarm once in
/// 5e8 seeds, and the seed is fixed. Errors of more than 0.0025 are caught with probability above
/// 0.9999.
#[track_caller]
fn check_share(expected: f64, mut toss: impl FnMut() -> bool) {
    const N: u32 = 4_000_000;
    let hits = (0..N).filter(|_| toss()).count() as f64;
    let deviation = (hits / f64::from(N) - expected).abs();
    let limit = 6.0 * (expected * (1.0 - expected) / f64::from(N)).sqrt();
    assert!(deviation <= limit, "{deviation} > {limit}");
}

#[test]
fn exponential_coins_have_the_right_odds() {
    let mut rng = generator(1);
    check_share((-1.0f64).exp(), || bernoulli_inverse_e(&mut rng));
    check_share((-1.0f64).exp(), || bernoulli_exp_fraction::<u64>(&mut rng, 1, 1));
    check_share((-0.3f64).exp(), || bernoulli_exp_fraction::<u128>(&mut rng, 3, 10));
    check_share((-2.75f64).exp(), || bernoulli_exp::<u128>(&mut rng, 11, 4));
    check_share(1.0, || bernoulli_exp::<u64>(&mut rng, 0, 7));
}

#[test]
fn late_steps_of_algorithm_1_toss_two_coins() {
    // Zeros pass every coin, so the walk goes far beyond the steps that multiply the denominator;
    // then one large word ends it. The number of steps before decides the answer by its parity.
    let answer = |zeros: usize| {
        let mut words = vec![0; zeros];
        words.push(u32::MAX);
        bernoulli_exp_fraction::<u64>(&mut Script::new(words), 1, 3)
    };
    // Steps 1 to 31 take a word each; from step 32 on two.
    assert!(answer(30) && !answer(31) && !answer(32) && answer(33) && answer(34) && !answer(35));
}

/// Pearson's statistic against exact probabilities, with the outermost cells merged until each
/// expects 50 draws.
///
/// The limit is the quantile of the chi-square law at six standard deviations (Wilson and
/// Hilferty): a false alarm once in 1e9 seeds, and the seed is fixed. With a million draws and up
/// to 100 cells it catches a law whose probabilities are wrong by 2% each, or a single cell of
/// probability 0.01 that is wrong by 12%.
#[track_caller]
fn check_counts(counts: &[u64], probabilities: &[f64], draws: u64) {
    let mut statistic = 0.0;
    let mut cells = 0;
    let (mut rest_count, mut rest_expected) = (draws as f64, draws as f64);
    for (count, probability) in counts.iter().zip(probabilities) {
        let expected = probability * draws as f64;
        if expected >= 50.0 {
            statistic += (*count as f64 - expected).powi(2) / expected;
            cells += 1;
            rest_count -= *count as f64;
            rest_expected -= expected;
        }
    }
    if rest_expected > 50.0 {
        statistic += (rest_count - rest_expected).powi(2) / rest_expected;
        cells += 1;
    }
    assert!(cells >= 2, "nothing was compared");
    let freedom = f64::from(cells - 1);
    let ninth = 2.0 / (9.0 * freedom);
    let limit = freedom * (1.0 - ninth + 6.0 * ninth.sqrt()).powi(3);
    assert!(statistic <= limit, "{statistic} > {limit} with {freedom} degrees of freedom");
}

const DRAWS: u64 = 1_000_000;

#[track_caller]
fn check_law(noise: Noise, seed: u64, weight: impl Fn(f64) -> f64) {
    let reach = 60i128;
    let sampler = Sampler::new(&noise);
    let mut rng = generator(seed);
    let mut counts = vec![0; 2 * reach as usize + 1];
    for _ in 0..DRAWS {
        let drawn = sampler.sample(&mut rng);
        if drawn.abs() <= reach {
            counts[(drawn + reach) as usize] += 1;
        }
    }
    let total: f64 = (-2_000..=2_000).map(|x| weight(f64::from(x))).sum();
    let probabilities: Vec<f64> = (-reach..=reach).map(|x| weight(x as f64) / total).collect();
    check_counts(&counts, &probabilities, DRAWS);
}

fn gaussian(numerator: u64, denominator: u64) -> Noise {
    Noise::Gaussian(DiscreteGaussian::with_scale(&fraction(numerator, denominator)).unwrap())
}

fn laplace(numerator: u64, denominator: u64) -> Noise {
    Noise::Laplace(DiscreteLaplace::with_scale(&fraction(numerator, denominator)).unwrap())
}

#[test]
fn gaussian_draws_follow_the_law() {
    for (seed, (numerator, denominator)) in
        [(1, 64), (1, 4), (1, 1), (3, 2), (25, 8), (4_194_301, 524_288)].into_iter().enumerate()
    {
        let sigma = numerator as f64 / denominator as f64;
        let weight = |x: f64| (-x * x / (2.0 * sigma * sigma)).exp();
        if sigma > 0.1 {
            check_law(gaussian(numerator, denominator), seed as u64, weight);
        } else {
            let mut rng = generator(seed as u64);
            let sampler = Sampler::new(&gaussian(numerator, denominator));
            assert!((0..10_000).all(|_| sampler.sample(&mut rng) == 0), "1 has odds of exp(-2048)");
        }
    }
}

#[test]
fn laplace_draws_follow_the_law() {
    for (seed, (numerator, denominator)) in
        [(1, 4), (1, 1), (7, 2), (4_194_301, 524_288), (12, 1)].into_iter().enumerate()
    {
        let scale = numerator as f64 / denominator as f64;
        let weight = |x: f64| (-x.abs() / scale).exp();
        check_law(laplace(numerator, denominator), 100 + seed as u64, weight);
    }
}

/// Ten million cells of one column, drawn in chunks on all threads like those of a release.
///
/// The limit is that of [`check_counts`], about 100 above the mean here: a single value of
/// probability 0.02 that came with a relative error of 3% would move the statistic by 180.
#[test]
fn ten_million_draws_of_one_column_follow_the_law() {
    const N: usize = 10_000_000;
    let gaussian_weight = |x: f64| (-x * x / 288.0).exp();
    let laplace_weight = |x: f64| (-x.abs() / 12.0).exp();
    let laws: [(Noise, &dyn Fn(f64) -> f64); 2] =
        [(gaussian(12, 1), &gaussian_weight), (laplace(12, 1), &laplace_weight)];
    let cells = vec![Cell { label: b"", exact: 0 }; N];
    for (noise, weight) in laws {
        let sensitivity = SensitivityTerms { max_groups: 1, per_group: 1 };
        let sensitivity = Sensitivity::new(sensitivity).unwrap();
        let request = NoiseRequest { boundary: 0, column: "n".to_owned(), noise, sensitivity };
        let drawn = SeededNoise::new(77).perturb(&request, &cells).unwrap();
        let reach = 60_i128;
        let mut counts = vec![0; 2 * reach as usize + 1];
        for draw in drawn.into_iter().filter(|draw| draw.abs() <= reach) {
            counts[(draw + reach) as usize] += 1;
        }
        let total: f64 = (-2_000..=2_000).map(|x| weight(f64::from(x))).sum();
        let probabilities: Vec<f64> = (-reach..=reach).map(|x| weight(x as f64) / total).collect();
        check_counts(&counts, &probabilities, N as u64);
    }
}

/// Large scales are compared in cells a quarter of a scale wide, whose probabilities come from the
/// exact tails.
#[track_caller]
fn check_large(noise: Noise, seed: u64) {
    const N: u64 = 300_000;
    let quarter = i128::try_from((noise.scale() / RBig::from(4)).floor()).unwrap();
    let cells = 32i128;
    let sampler = Sampler::new(&noise);
    let mut rng = generator(seed);
    let mut counts = vec![0; 2 * cells as usize];
    let mut low_bits = [0; 16];
    for _ in 0..N {
        let drawn = sampler.sample(&mut rng);
        low_bits[(drawn & 15) as usize] += 1;
        let cell = drawn.div_euclid(quarter) + cells;
        if (0..2 * cells).contains(&cell) {
            counts[cell as usize] += 1;
        }
    }
    let tail = |cell: i128| noise.probability_at_least((cell - cells) * quarter);
    let probabilities: Vec<f64> =
        (0..2 * cells).map(|cell| (tail(cell) - tail(cell + 1)).to_f64().value()).collect();
    check_counts(&counts, &probabilities, N);
    // At these scales the last bits are uniform to within exp(-10^10).
    check_counts(&low_bits, &[1.0 / 16.0; 16], N);
}

#[test]
fn large_draws_follow_the_law_and_nothing_overflows() {
    check_large(gaussian(1 << 20, 1), 1);
    check_large(gaussian(1 << 23, 1), 2);
    check_large(gaussian((1 << 30) + (1 << 12), 1), 3);
    check_large(gaussian(((1 << 22) - 1) << 32, 1), 4);
    check_large(laplace(1 << 30, 1), 5);
    check_large(laplace(((1 << 22) - 1) << 32, 1), 6);
}

/// The wide arithmetic makes the same decisions from the same bits, and uses as many of them.
#[test]
fn both_widths_draw_the_same_numbers() {
    for (numerator, denominator) in
        [(1, 64), (1, 4), (3, 2), (999, 8), (4_194_301, 4), ((1 << 22) - 1, 1), (3 << 19, 1 << 22)]
    {
        let scale = Scale::exactly(&fraction(numerator, denominator)).unwrap();
        let (narrow, wide) =
            (GaussianSampler::<u128>::new(scale), GaussianSampler::<U256>::new(scale));
        let (mut first, mut second) = (generator(9), generator(9));
        for _ in 0..20_000 {
            assert_eq!(narrow.sample(&mut first), wide.sample(&mut second));
        }
        assert_eq!(first.next_u64(), second.next_u64());
    }
}

/// The products of the proof note, at the corners of the range, in arithmetic without a width.
#[test]
fn the_bounds_of_the_proof_note_hold_at_the_corners() {
    use dashu::integer::UBig;
    let corners =
        [(1, 64), (1, 1), ((1 << 22) - 1, 1 << 22), ((1 << 22) - 1, 1), (1 << 22, 1), (1 << 53, 1)];
    for (numerator, denominator) in corners.into_iter().chain([(((1 << 22) - 1) << 32, 1)]) {
        let scale = Scale::exactly(&fraction(numerator, denominator)).unwrap();
        let a = UBig::from(scale.numerator());
        let places = scale.places() as usize;
        let t = UBig::from((scale.numerator() >> places) + 1);
        let denominator = UBig::from(2u8) * &a * &a * (&t << places) * (&t << places);
        let distance = (&t << 16) * (&t << (2 * places));
        let (for_coin, for_square) =
            if gaussian::is_narrow(scale) { (96, 128) } else { (224, 256) };
        assert!(denominator * UBig::from(31u8) < UBig::ONE << for_coin, "{scale}");
        assert!(distance < UBig::ONE << 127, "{scale}");
        assert!(&distance * &distance < UBig::ONE << for_square, "{scale}");
    }
}

/// Every word decides about `1/e` as the exact fractions say, also at the words that hold their
/// first digits, where further digits decide, and behind the last of the table.
#[test]
fn one_word_decides_about_1_over_e_exactly() {
    const ONE: u64 = 1 << 31;
    let mut factorial = 1;
    let mut candidates = vec![0, 1, 2, 3, 4, 5, ONE - 1];
    for step in 2..=13_u64 {
        factorial *= step;
        let first = ONE / factorial;
        candidates.extend([first.saturating_sub(1), first, first + 1]);
    }
    for digits in candidates {
        for (further, left_over) in [(0, 0), (0, 1), (u32::MAX, 0), (u32::MAX, 1)] {
            // Zeros pass every coin until the script ends and large words follow.
            let word = (digits as u32) << 1 | left_over;
            let mut script = Script::new(vec![word, further, further, further, u32::MAX]);
            let answer = bernoulli_inverse_e(&mut script);
            // The digits as a fraction, with those that follow as nothing or nearly one more.
            let rest = if further == 0 { RBig::ZERO } else { RBig::ONE - fraction(1, 1 << 40) };
            let uniform = (RBig::from(digits) + rest) / RBig::from(ONE);
            let mut step = 2_u64;
            let mut share = fraction(1, 2);
            while uniform < share && step <= 12 {
                step += 1;
                share /= RBig::from(step);
            }
            // Behind the table each step tosses a coin: three of the script's zeros, then none. Four
            // are the first digits of its last fraction, and need one of the zeros to get there.
            if digits <= 4 && further == 0 {
                step += if digits == 4 { 2 } else { 3 };
            }
            assert_eq!(answer, step % 2 == 1, "{digits} {further}");
        }
    }
}

/// Whoever gets past the last step of the table tosses a fresh coin of 1/13, by whichever digits it
/// was known. If those whose digits exclude it ended there, `1/13!` would be missed by a tenth.
#[test]
fn behind_the_table_nothing_is_known_any_more() {
    let last = (1..=12_u64).product::<u64>();
    let first_digits = (1 << 31) / last;
    // Each coin compares a word with 2^32 over its denominator; the largest that undercuts it.
    let largest = |numerator: u64, denominator: u64| {
        u32::try_from((numerator << 32).div_ceil(denominator) - 1).unwrap() - 1
    };
    for digits in 0..=first_digits {
        let words = |thirteenth: u32| {
            let mut words = vec![(digits as u32) << 1];
            if digits == first_digits {
                words.push(largest((1 << 31) - digits * last, last));
            }
            words.extend([thirteenth, u32::MAX, u32::MAX]);
            words
        };
        let answer = |words| bernoulli_inverse_e(&mut Script::new(words));
        // Ends at step 13, which is odd, or goes on to step 14 and ends there.
        assert!(answer(words(largest(1, 13) + 2)), "{digits}");
        assert!(!answer(words(largest(1, 13))), "{digits}");
    }
    // So 1/12! goes on to the coin of 1/13: what is certain, and the share of the first digits.
    let certain = fraction(first_digits, 1 << 31);
    let share = fraction((1 << 31) - first_digits * last, last) / RBig::from(1_u64 << 31);
    assert_eq!(certain + share, fraction(1, last));
}

#[test]
#[should_panic(expected = "the random generator is broken")]
fn a_stuck_generator_is_noticed() {
    /// Passes the coin of 1/2 and fails the coin of 1/3: a success of `1/e` every time. The same
    /// number is below the bound of a uniform one and passes its test.
    struct Stuck;
    impl TryRng for Stuck {
        type Error = Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            Ok(u32::MAX / 5 * 2)
        }
        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            Ok(0)
        }
        fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
            unreachable!("the samplers draw words")
        }
    }
    Sampler::new(&laplace(1, 1)).sample(&mut Stuck);
}
