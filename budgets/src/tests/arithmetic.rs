//! Sums of what was spent are exact, however small and however many the charges are.

use std::hint::black_box;

use super::*;
use crate::store::sums::Sum;
use crate::units::Units;

const BILLION: i64 = 1_000_000_000;

/// A thousand millions of the smallest charges add up to exactly what they are, in the sum with which
/// the ledger checks itself.
#[test]
fn a_thousand_million_tiny_charges_add_up_exactly() {
    let cost = Units::cost(&zcdp_with_delta("1e-15", "1e-18")).unwrap();
    let mut sum = Sum::default();
    for _ in 0..BILLION {
        sum.add(black_box(cost)).unwrap();
    }
    assert_eq!(sum.spent.to_loss(Accountant::Zcdp), zcdp_with_delta("1e-6", "1e-9"));
    assert_eq!(sum.moves, BILLION);
}

/// What does not reach one unit is charged as one: a thousand million of them are not free.
#[test]
fn less_than_a_unit_is_a_unit() {
    for loss in ["1e-13", "1e-40", "0.0000000000001"] {
        assert_eq!(Units::cost(&pure(loss)).unwrap().epsilon, 1, "{loss}");
    }
    assert_eq!(
        Units::cost(&zcdp_with_delta("1e-40", "1e-40")).unwrap(),
        Units { rho: 1, delta: 1, epsilon: 0 }
    );
    assert_eq!(Units::cost(&pure("0.0000000000010000000000000001")).unwrap().epsilon, 2);
}

/// The last of them go through the ledger: a cap of exactly a thousand million units holds exactly so
/// many, and not one more.
#[test]
fn a_cap_of_a_thousand_million_units_holds_not_one_more() {
    each_store(|store| {
        let fixture = store.empty();
        fixture.ledger.register_dataset(&dataset("rand", "0.001", None)).unwrap();
        fixture.ledger.open_project(&project("costs", "0.001", None)).unwrap();
        let units = |units| Loss::Pure { epsilon: Epsilon::from_units(units) };
        fixture.admit("costs", 0, units(BILLION - 200)).unwrap();
        for key in 1..=200 {
            fixture.admit("costs", key, units(1)).unwrap();
        }
        let error = fixture.admit("costs", 201, pure("1e-40")).unwrap_err();
        assert!(matches!(error, LedgerError::Budget(_)), "{error}");
        assert_eq!(fixture.ledger.dataset("rand").unwrap().spent, pure("0.001"));
        fixture.ledger.verify().unwrap();
    });
}

/// A pure charge in a zcdp dataset costs `epsilon^2 / 2`, rounded up to a unit: the references were
/// computed with Python's `decimal` at 60 digits, as `(e * e / 2 * 10**15).to_integral(ROUND_CEILING)`.
#[test]
fn a_pure_charge_costs_half_its_square_rounded_up() {
    for (epsilon, rho) in [
        ("0.000000000001", 1),
        ("0.00000001", 1),
        ("0.000000044721", 1),
        ("0.000000044722", 2),
        ("0.1", 5_000_000_000_000),
        ("0.333333333333", 55_555_555_555_445),
        ("0.7", 245_000_000_000_000),
        ("1.234567890123", 762_078_937_661_378),
        ("3.141592653589", 4_934_802_200_542_188),
        ("100.000000000001", 5_000_000_000_000_100_001),
    ] {
        let cost = Units::cost(&pure(epsilon)).unwrap();
        let found = cost.in_dataset(Accountant::Pure, Accountant::Zcdp).unwrap();
        assert_eq!(found, Units { rho, delta: 0, epsilon: 0 }, "{epsilon}");
    }
}
