//! The reference values were computed apart from this code, with mpmath 1.3 at 60 digits: for a
//! trial rho (or epsilon) the delta of Corollary 13, in its form `exp((a-1)*(a*rho - epsilon)) /
//! (a-1) * (1 - 1/a)^a`, was minimised over `a` by golden section on `ln(a-1)`, and the trial was
//! bisected 200 times.

use super::*;

fn epsilon(text: &str) -> Epsilon {
    Epsilon::parse(text).unwrap()
}

fn delta(text: &str) -> Delta {
    Delta::parse(text).unwrap()
}

fn rho(text: &str) -> Rho {
    Rho::parse(text).unwrap()
}

fn unit(units_per_one: i64) -> RBig {
    RBig::ONE / RBig::from(units_per_one)
}

/// Plain decimal digits of any length.
fn reference(text: &str) -> RBig {
    let (whole, fraction) = text.split_once('.').unwrap();
    let digits: dashu::integer::IBig = format!("{whole}{fraction}").parse().unwrap();
    RBig::from(digits) / RBig::from(dashu::integer::UBig::from(10u8).pow(fraction.len()))
}

#[track_caller]
fn check_rho(epsilon_text: &str, delta_text: &str, expected: &str) {
    let found = rho_for(&epsilon(epsilon_text), &delta(delta_text));
    let expected = reference(expected);
    assert!(*found.as_rational() <= expected, "{found} is more than the promise allows");
    let next = found.as_rational() + unit(Rho::UNITS_PER_ONE);
    assert!(next > expected, "{found} is not the largest on the grid");
}

#[track_caller]
fn check_epsilon(rho_text: &str, delta_text: &str, expected: &str) {
    let found = epsilon_for(&rho(rho_text), &delta(delta_text)).unwrap();
    let expected = reference(expected);
    assert!(*found.as_rational() >= expected, "{found} is stronger than what holds");
    let before = found.as_rational() - unit(Epsilon::UNITS_PER_ONE);
    assert!(before < expected, "{found} is not the smallest on the grid");
}

#[test]
fn rho_is_the_largest_that_the_promise_allows() {
    check_rho("1", "1e-6", "0.02435597035953837289424324589857743729534775254834083");
    check_rho("0.5", "5e-7", "0.006224817121658924438847409387565143739516634162021784");
    check_rho("0.1", "1e-10", "0.0001536050373470881360110459668575073315337408611682406");
    check_rho("10", "1e-9", "1.090785704397015620552383058265468624533612335147964");
    check_rho("1000", "1e-6", "793.6641795639245377947781081429457670034101823338801");
    check_rho("1e-6", "1e-5", "0.0000000001526487064142187385318442434354471987581925120047801");
    check_rho("3", "0.1", "1.065641317123402793042228841286329458614510595436746");
    check_rho("0.01", "1e-18", "0.0000007889057843840138148064833135789388331022944992738978");
}

#[test]
fn epsilon_is_the_smallest_that_holds() {
    check_epsilon("0.5", "1e-6", "5.221534444530169044220961444435237992245999490564394");
    check_epsilon("0.001", "1e-9", "0.245119253871951378811189985880503891664032263181988");
    check_epsilon("100", "1e-12", "203.2582071487449576618946130530362651921360823694631");
    check_epsilon("0.02", "0.01", "0.3449953521456342776106454179236229108309541220189777");
    check_epsilon("1000", "1e-6", "1231.879323091842423459544979448793371584834575222505");
    let tiny = epsilon_for(&rho("1e-15"), &delta("1e-6")).unwrap();
    assert!(tiny.units_up().unwrap() <= 1, "the reference is below 1e-50");
}

/// A grid of both directions; `references.py` beside the file makes it.
#[test]
fn both_directions_are_exact_on_a_grid_of_references_with_50_digits() {
    let lines: Vec<&str> = include_str!("references.csv").lines().skip(1).collect();
    assert_eq!(lines.len(), 80);
    for line in lines {
        let [from, given, delta, to] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        match from {
            "epsilon" => check_rho(given, delta, to),
            "rho" => check_epsilon(given, delta, to),
            _ => panic!("{line}"),
        }
    }
}

#[test]
fn there_and_back_never_gains() {
    for (epsilon_text, delta_text) in
        [("0.3", "1e-7"), ("7", "1e-3"), ("200", "1e-17"), ("1e-9", "0.5")]
    {
        let (epsilon, delta) = (epsilon(epsilon_text), delta(delta_text));
        let back = epsilon_for(&rho_for(&epsilon, &delta), &delta).unwrap();
        assert!(back <= epsilon, "{back} > {epsilon}");
    }
}

#[test]
fn edges_are_answered_in_the_safe_direction() {
    assert!(rho_for(&Epsilon::zero(), &delta("1e-6")).is_zero());
    assert!(rho_for(&epsilon("1"), &Delta::zero()).is_zero());
    assert!(epsilon_for(&rho("1"), &Delta::zero()).is_err());
    assert!(epsilon_for(&Rho::zero(), &Delta::zero()).unwrap().is_zero());
    let vacuous = Delta::from_units(Delta::UNITS_PER_ONE);
    assert!(!rho_for(&epsilon("1"), &vacuous).is_zero());
    let smallest = delta("1e-99");
    assert!(rho_for(&epsilon("1"), &smallest) < rho_for(&epsilon("1"), &delta("1e-18")));
}

#[test]
fn a_cap_splits_delta_in_half() {
    let cap = ZcdpCap::from_epsilon_delta(&epsilon("1"), &delta("2e-6"));
    assert_eq!(cap.delta, delta("1e-6"));
    assert_eq!(cap.rho, rho_for(&epsilon("1"), &delta("1e-6")));
    let odd = ZcdpCap::from_epsilon_delta(&epsilon("1"), &delta("3e-18"));
    assert_eq!(odd.delta.units_down(), 1);
}

#[test]
fn a_pure_loss_is_half_its_square() {
    assert_eq!(rho_of_pure(&epsilon("2")), rho("2"));
    assert_eq!(rho_of_pure(&epsilon("1e-12")), rho("1e-15"));
    assert_eq!(rho_of_pure(&epsilon("1000")).as_rational(), &RBig::from(500_000));
}
