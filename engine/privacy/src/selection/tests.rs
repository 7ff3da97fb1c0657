use super::*;
use crate::mechanism::{DiscreteGaussian, DiscreteLaplace};
use crate::precise::{self, Real};

/// `P[noise >= m]` by adding up the probability mass itself, apart from the code under test.
fn mass_at_least(noise: &Noise, m: i128) -> RBig {
    let scale = precise::from_rational(&noise.scale());
    let two = precise::from_f64(2.0);
    let weight = |x: i128| -> Real {
        let x = precise::from_integer(x.into());
        match noise {
            Noise::Gaussian(_) => (-(&x * &x) / (&two * &scale * &scale)).exp(),
            Noise::Laplace(_) => (-(&x.max(precise::from_f64(0.0))) / &scale).exp(),
        }
    };
    let reach = match noise {
        Noise::Gaussian(_) => 20.0 * noise.std_dev_f64() + 20.0,
        Noise::Laplace(_) => 45.0 * noise.std_dev_f64() + 20.0,
    } as i128;
    let sum = |from: i128| (from..=reach).fold(precise::from_f64(0.0), |sum, x| sum + weight(x));
    let total = &two * sum(1) + precise::from_f64(1.0);
    precise::to_rational(&(sum(m) / total))
}

/// A key with a single unit is shown with at most the charged probability, and no lower threshold
/// would do.
#[track_caller]
fn check(noise: Noise, max_groups: u32, budget: &str) {
    let budget = Delta::parse(budget).unwrap();
    let selection = KeySelection::for_delta(&noise, max_groups, &budget).unwrap();
    let groups = RBig::from(max_groups);
    // released <=> 1 + noise >= T
    let shown = mass_at_least(&noise, selection.threshold - 1) * &groups;
    assert!(
        shown <= *selection.delta.as_rational(),
        "{noise}: {selection:?} is cheaper than it is"
    );
    assert!(selection.delta <= budget, "{noise}: {selection:?} overspends");
    let unit = RBig::ONE / RBig::from(Delta::UNITS_PER_ONE);
    let slack = &shown / RBig::from(1_000_000_000) + unit;
    assert!(selection.delta.as_rational() - shown <= slack, "{noise}: overcharged");
    let lower = mass_at_least(&noise, selection.threshold - 2) * groups;
    assert!(lower > *budget.as_rational(), "{noise}: a lower threshold would do");
}

fn gaussian(numerator: u32, denominator: u32) -> Noise {
    let scale = RBig::from(numerator) / RBig::from(denominator);
    Noise::Gaussian(DiscreteGaussian::with_scale(&scale).unwrap())
}

fn laplace(numerator: u32, denominator: u32) -> Noise {
    let scale = RBig::from(numerator) / RBig::from(denominator);
    Noise::Laplace(DiscreteLaplace::with_scale(&scale).unwrap())
}

#[test]
fn a_lone_unit_shows_as_rarely_as_charged() {
    for budget in ["0.3", "1e-3", "1e-8", "1e-14"] {
        for (max_groups, numerator, denominator) in
            [(1, 1, 2), (1, 1, 1), (7, 27, 8), (1000, 40, 1)]
        {
            check(gaussian(numerator, denominator), max_groups, budget);
            check(laplace(numerator, denominator), max_groups, budget);
        }
    }
}

#[test]
fn the_threshold_is_reached_not_exceeded() {
    let budget = Delta::parse("1e-6").unwrap();
    let selection = KeySelection::for_delta(&gaussian(10, 1), 1, &budget).unwrap();
    assert!(selection.releases(selection.threshold));
    assert!(!selection.releases(selection.threshold - 1));
    // P[noise >= 48] = 1.02e-6 > 1e-6 >= P[noise >= 49], by the same mass.
    assert_eq!(selection.threshold, 49 + 1);
}

/// With a smallest group of `m`, the key that one unit decides about has `m` units: it is shown with
/// at most the charged probability, by the mass itself, and a lower threshold would cost more.
#[test]
fn a_smallest_group_costs_the_same_delta() {
    let groups = RBig::from(7);
    for noise in [gaussian(27, 8), laplace(9, 2)] {
        let budget = Delta::parse("1e-8").unwrap();
        let plain = KeySelection::for_delta(&noise, 7, &budget).unwrap();
        // released <=> m + noise >= threshold
        let needed = |rule: &KeySelection, units: u32| rule.threshold - i128::from(units);
        let shown = mass_at_least(&noise, needed(&plain, 1)) * &groups;
        assert!(shown <= *plain.delta.as_rational(), "{noise}: {plain:?}");
        let lower = mass_at_least(&noise, needed(&plain, 1) - 1) * &groups;
        assert!(lower > *budget.as_rational(), "{noise}: {plain:?}");
        for units in [1, 2, 11, 1_000, u32::MAX] {
            let rule = plain.clone().with_min_units(units);
            assert_eq!((needed(&rule, units), &rule.delta), (needed(&plain, 1), &plain.delta));
        }
    }
}

#[test]
fn budgets_below_the_ledger_and_zero_groups_are_refused() {
    let noise = gaussian(10, 1);
    for budget in ["1e-19", "9.9e-19"] {
        let budget = Delta::parse(budget).unwrap();
        assert_eq!(KeySelection::for_delta(&noise, 1, &budget), Err(PrivacyError::DeltaTooSmall));
    }
    let budget = Delta::parse("1e-6").unwrap();
    assert!(KeySelection::for_delta(&noise, 0, &budget).is_err());
    assert!(KeySelection::for_delta(&noise, 1, &Delta::zero()).is_err());
}

#[test]
fn enormous_noise_still_has_a_threshold() {
    let noise = Noise::Gaussian(
        DiscreteGaussian::with_scale(&RBig::from(((1u64 << 22) - 1) << 32)).unwrap(),
    );
    let budget = Delta::parse("1e-18").unwrap();
    let selection = KeySelection::for_delta(&noise, u32::MAX, &budget).unwrap();
    assert!(selection.delta <= budget && selection.threshold > 1 << 56);
}
