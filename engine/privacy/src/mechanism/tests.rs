//! The reference tails were computed apart from this code with mpmath 1.3 at 60 digits: direct sums
//! for the Gaussian up to a scale of 1,000, the Euler-Maclaurin formula above, the closed form for
//! Laplace.

use dashu::integer::{IBig, UBig};
use proptest::prelude::*;

use super::scale::Scale;
use super::*;
use crate::conversion::rho_of_pure;
use crate::sensitivity::SensitivityTerms;

fn decimal(text: &str) -> RBig {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: IBig = format!("{whole}{fraction}").parse().unwrap();
    RBig::from(digits) / RBig::from(UBig::from(10u8).pow(fraction.len()))
}

fn gaussian(scale: &str) -> Noise {
    Noise::Gaussian(DiscreteGaussian::with_scale(&decimal(scale)).unwrap())
}

fn laplace(scale: &str) -> Noise {
    Noise::Laplace(DiscreteLaplace::with_scale(&decimal(scale)).unwrap())
}

fn sensitivity(max_groups: u32, per_group: u128) -> Sensitivity {
    Sensitivity::new(SensitivityTerms { max_groups, per_group }).unwrap()
}

/// The upper bound is never below the reference, the lower never above, and both within `1e-9` of
/// it.
#[track_caller]
fn check_tail(noise: &Noise, m: i128, reference: &str) {
    let slack = RBig::from(1_000_000_000);
    let (low, high) = noise.tail_bounds(m);
    let reference = decimal(reference);
    // The reference is rounded to 40 or 50 digits itself.
    let blur = &reference / RBig::from(UBig::from(10u8).pow(35));
    assert!(high >= &reference - &blur && low <= &reference + &blur, "{noise} at {m}");
    assert!((&high - &reference) * &slack <= reference, "{noise} at {m}: loose above");
    assert!((&reference - &low) * &slack <= reference, "{noise} at {m}: loose below");
    let (other_low, other_high) = noise.tail_bounds(1 - m);
    assert_eq!((RBig::ONE - high, RBig::ONE - low), (other_low, other_high));
}

#[test]
fn tails_enclose_the_exact_law() {
    check_tail(&gaussian("0.5"), 1, "0.10671464647902605014770472073606140734296425429591");
    check_tail(&gaussian("0.5"), 3, "0.000000011979465897294959080771802596143864507004772866472");
    check_tail(&gaussian("1.5"), 1, "0.36701923986618910736704128415939079724024205417701");
    check_tail(&gaussian("1.5"), 7, "0.0000051452279308985452482045432915493008093122775103286");
    check_tail(&gaussian("10"), 1, "0.48005288597992836610300269700328090657620706844175");
    check_tail(&gaussian("10"), 60, "0.0000000013205952545281569213660522105421611963914177757548");
    check_tail(
        &gaussian("100.25"),
        550,
        "0.000000021108266745483841809097316400881919975131669216184",
    );
    check_tail(
        &gaussian("1000"),
        5000,
        "0.00000028739555110279839554398123143564138808512220640265",
    );
    check_tail(&laplace("0.25"), 1, "0.017986209962091558026793137949538424872485011879533");
    check_tail(&laplace("1.5"), 7, "0.0062134638449881964216519034161901274573121728567653");
    check_tail(&laplace("20"), 300, "0.00000015677414283566419752307011286685776738100266146882");
    check_tail(
        &laplace("1048576.5"),
        20_000_000,
        "0.0000000026029408449684584634488383781515232166971685745306",
    );
}

#[test]
fn tails_of_large_scales_enclose_the_exact_law_less_tightly() {
    for (noise, m, reference) in [
        (gaussian("1048576"), 5_242_880, "0.0000002866522808028657641726615997253643106093"),
        (gaussian("8192"), 40_000, "0.0000005230784758290585291371912655316392776026"),
    ] {
        let (low, high) = noise.tail_bounds(m);
        let reference = decimal(reference);
        assert!(low <= reference && reference <= high, "{noise}");
        // The documented looseness of the upper bound; the lower one, by trapezes, is twice as
        // loose. The documented looseness of the upper bound; the lower one, by trapezes, is twice
        // as loose.
        let square = noise.scale().sqr();
        let loose = (RBig::from(m).sqr() / &square + RBig::ONE) / (square * RBig::from(24));
        let (above, below) = ((high - &reference) / &reference, (&reference - low) / &reference);
        assert!(above <= &loose * decimal("1.01"), "{noise}");
        assert!(below <= loose * decimal("2.02"), "{noise}");
    }
    // At one place the two methods meet: their bounds must overlap, and a slightly larger scale has
    // more tail.
    let (_, summed_high) = gaussian("4096").tail_bounds(20_480);
    let (integrated_low, integrated_high) = gaussian("4096.001953125").tail_bounds(20_480);
    assert!(integrated_low > gaussian("4096").tail_bounds(20_480).0 * decimal("0.999999"));
    assert!(integrated_high > summed_high);
}

#[test]
fn tails_without_a_sensible_probability_are_still_bounds() {
    for noise in [gaussian("1"), laplace("1"), gaussian("18014394214514688"), laplace("0.015625")] {
        assert!(noise.probability_at_least(i128::MIN) >= RBig::ONE - decimal("0.0000001"));
        let far = noise.probability_at_least(i128::MAX);
        assert!(far > RBig::ZERO && far < RBig::ONE / RBig::from(UBig::ONE << 1400));
        assert!(noise.probability_at_least(0) > RBig::ONE / RBig::from(2));
    }
}

#[track_caller]
fn check_half_width(noise: &Noise, level: &str) {
    let confidence = Confidence::parse(level).unwrap();
    let width = noise.half_width(&confidence);
    let miss = |width: i128| noise.probability_at_least(width + 1) * RBig::from(2);
    assert!(miss(width) <= *confidence.miss(), "{noise} at {level} under-covers with {width}");
    assert!(width == 0 || miss(width - 1) > *confidence.miss(), "{noise}: {width} is too wide");
}

#[test]
fn half_widths_are_the_smallest_that_cover() {
    for scale in
        ["0.015625", "0.5", "1", "7.25", "300", "5000.5", "1073741824", "18014394214514688"]
    {
        for level in ["0.5", "0.9", "0.95", "0.999999999"] {
            check_half_width(&gaussian(scale), level);
            check_half_width(&laplace(scale), level);
        }
    }
    assert_eq!(gaussian("100").half_width(&Confidence::ninety_five()), 196);
    assert_eq!(laplace("100").half_width(&Confidence::ninety_five()), 300);
}

/// The two prices must agree up to the rounding of the other library: one in 2^50.
fn assert_agreement(exact: &RBig, opinion: &RBig) {
    assert!(opinion >= exact, "the second opinion rounds up: {opinion} < {exact}");
    assert!((opinion - exact) * RBig::from(1u64 << 50) <= *exact, "{opinion} is not {exact}");
}

proptest! {
    #[test]
    fn the_second_opinion_agrees(
        max_groups in 1u32..100_000, per_group in 1u128..1 << 45, mantissa in 1u32..1 << 22,
        exponent in 0u32..32,
    ) {
        let sensitivity = sensitivity(max_groups, per_group);
        let scale = RBig::from(mantissa) * RBig::from(1u64 << exponent);
        let gaussian = Noise::Gaussian(DiscreteGaussian::with_scale(&scale).unwrap());
        assert_agreement(
            &gaussian.rho(&sensitivity), &second_opinion::rho(&gaussian, &sensitivity).unwrap(),
        );
        let laplace = Noise::Laplace(DiscreteLaplace::with_scale(&scale).unwrap());
        assert_agreement(
            &laplace.rho(&sensitivity), &second_opinion::rho(&laplace, &sensitivity).unwrap(),
        );
        assert_agreement(
            &laplace.epsilon(&sensitivity).unwrap(),
            &second_opinion::epsilon(&laplace, &sensitivity).unwrap(),
        );
    }

    /// What is charged never exceeds what was granted, and falls short of it by less than a
    /// millionth.
    #[test]
    fn the_scale_spends_what_it_may(
        max_groups in 1u32..1000, per_group in 1u128..1 << 40, units in 1_000_000_000i64..1_000_000_000_000_000,
    ) {
        let sensitivity = sensitivity(max_groups, per_group);
        let target = Rho::from_units(units);
        for noise in [
            Noise::gaussian_for_rho(&sensitivity, target.as_rational()),
            Noise::laplace_for_rho(&sensitivity, target.as_rational()),
        ] {
            let Ok(noise) = noise else { continue };
            let Loss::Zcdp { rho, .. } = noise.price(&sensitivity, Accountant::Zcdp).unwrap() else {
                panic!("a zcdp price");
            };
            prop_assert!(rho <= target, "{} > {}", rho, target);
            let floor = target.as_rational() * decimal("0.999998");
            prop_assert!(noise.scale() < RBig::ONE || *rho.as_rational() >= floor);
        }
        let epsilon = Epsilon::from_units(units);
        let noise = Noise::laplace_for_epsilon(&sensitivity, epsilon.as_rational());
        if let Ok(noise) = noise {
            let Loss::Pure { epsilon: charged } = noise.price(&sensitivity, Accountant::Pure).unwrap() else {
                panic!("a pure price");
            };
            prop_assert!(charged <= epsilon);
            prop_assert!(*charged.as_rational() >= epsilon.as_rational() * decimal("0.999998"));
        }
    }

    #[test]
    fn scales_are_the_smallest_above_their_target(numerator in 1u64.., denominator in 1u64..1 << 40) {
        let target = RBig::from(numerator) / RBig::from(denominator);
        if let Ok(scale) = Scale::at_least(&target) {
            let value = scale.to_rational();
            prop_assert!(value >= target);
            prop_assert!(value == decimal("0.015625") || scale_below(&value) < target);
            prop_assert!(scale.next_up().unwrap().to_rational() > value);
            prop_assert_eq!(Scale::exactly(&value).unwrap(), scale);
            let squared = Scale::sqrt_at_least(&target.sqr()).unwrap();
            prop_assert_eq!(squared, scale);
        } else {
            prop_assert!(target > RBig::from(((1u64 << 22) - 1) << 32));
        }
    }
}

/// The largest representable number below: one unit of a 22-bit mantissa, or of 2^-22 for small
/// scales.
fn scale_below(value: &RBig) -> RBig {
    let mut unit = RBig::ONE / RBig::from(1u32 << 22);
    while value > &(&unit * RBig::from(1u32 << 22)) {
        unit *= RBig::from(2);
    }
    value - unit
}

#[test]
fn prices_follow_the_formulas() {
    let sensitivity = sensitivity(3, 5);
    assert_eq!(gaussian("10").rho(&sensitivity), decimal("0.375"));
    assert_eq!(laplace("10").rho(&sensitivity), decimal("0.375"));
    assert_eq!(laplace("10").epsilon(&sensitivity), Some(decimal("1.5")));
    assert_eq!(gaussian("10").epsilon(&sensitivity), None);
    assert_eq!(
        gaussian("10").price(&sensitivity, Accountant::Pure),
        Err(PrivacyError::NoPurePrice)
    );
    // Laplace noise for one group costs in a zcdp project what its pure loss converts to.
    let single = self::sensitivity(1, 1);
    let Loss::Pure { epsilon } = laplace("2").price(&single, Accountant::Pure).unwrap() else {
        panic!("a pure price");
    };
    assert_eq!(*rho_of_pure(&epsilon).as_rational(), laplace("2").rho(&single));
}

#[test]
fn whole_answers_stay_whole() {
    let single = sensitivity(1, 1);
    let noise = Noise::gaussian_for_rho(&single, &decimal("0.5")).unwrap();
    assert_eq!(noise, gaussian("1"));
    let noise = Noise::laplace_for_epsilon(&single, &decimal("0.125")).unwrap();
    assert_eq!(noise, laplace("8"));
    // The double nearest to 0.1 is above it, so the other library's price of scale 10 is, too: one
    // step more.
    let noise = Noise::laplace_for_epsilon(&single, &decimal("0.1")).unwrap();
    assert_eq!(noise, laplace("10.000003814697265625"));
}

#[test]
fn gaussian_wins_at_equal_rho() {
    let sensitivity = sensitivity(4, 100);
    let noise = Noise::best_for_rho(&sensitivity, &decimal("0.01")).unwrap();
    assert_eq!(noise.family(), "discrete_gaussian");
}

#[test]
fn targets_that_make_no_sense_are_refused() {
    let single = sensitivity(1, 1);
    for target in ["0", "-1"] {
        let target = decimal(target);
        assert_eq!(Noise::gaussian_for_rho(&single, &target), Err(PrivacyError::NothingToSpend));
        assert_eq!(Noise::laplace_for_rho(&single, &target), Err(PrivacyError::NothingToSpend));
        assert_eq!(Noise::laplace_for_epsilon(&single, &target), Err(PrivacyError::NothingToSpend));
    }
    let vast = sensitivity(1, 1 << 60);
    assert_eq!(Noise::gaussian_for_rho(&vast, &decimal("0.001")), Err(PrivacyError::ScaleTooLarge));
    // A target of almost everything still gets the smallest noise there is.
    let rich = Noise::gaussian_for_rho(&single, &decimal("1000000")).unwrap();
    assert_eq!(rich.scale(), decimal("0.015625"));
    for scale in ["0", "0.001", "0.3333", "-1", "18014398509481985"] {
        assert!(DiscreteGaussian::with_scale(&decimal(scale)).is_err(), "{scale}");
    }
    assert!(DiscreteLaplace::with_scale(&(RBig::ONE / RBig::from(3))).is_err());
}

#[test]
fn noise_is_written_and_read_exactly() {
    let json = serde_json::to_string(&gaussian("1.5")).unwrap();
    assert_eq!(json, r#"{"family":"discrete_gaussian","scale":"3/2"}"#);
    for noise in [gaussian("0.015625"), laplace("18014394214514688"), laplace("12")] {
        let json = serde_json::to_string(&noise).unwrap();
        assert_eq!(serde_json::from_str::<Noise>(&json).unwrap(), noise);
    }
    for scale in ["3", "3/0", "-3/2", "3/2 ", "1/3", "+3/2", "999999999999999999999/1", "/", "0/1"]
    {
        let json = format!(r#"{{"family":"discrete_gaussian","scale":"{scale}"}}"#);
        assert!(serde_json::from_str::<Noise>(&json).is_err(), "{scale}");
    }
}

/// The floating-point tail of guesses and intervals stays close to the exact one.
#[test]
fn floating_point_tails_are_close() {
    for (scale, m, tolerance) in [
        ("0.5", 2, 1e-12),
        ("3", 20, 1e-12),
        ("16", 60, 1e-12),
        ("16.5", 60, 1e-4),
        ("20", 150, 2e-3),
        ("500", 2_500, 1e-6),
        ("1048576", 5_000_000, 1e-6),
    ] {
        for m in [m, 1, 0, -m] {
            let exact = gaussian(scale).probability_at_least(m).to_f64().value();
            let close = gaussian(scale).log_tail_f64(m as f64).exp();
            assert!((close / exact - 1.0).abs() < tolerance, "{scale} {m}: {close} {exact}");
        }
    }
    for m in [1, 2, 300, 0, -5] {
        let exact = laplace("20").probability_at_least(m).to_f64().value();
        assert!((laplace("20").log_tail_f64(m as f64).exp() / exact - 1.0).abs() < 1e-12);
    }
}
