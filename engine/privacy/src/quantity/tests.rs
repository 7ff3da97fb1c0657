use proptest::prelude::*;

use super::*;

const REFUSED: [&str; 31] = [
    "0",
    "0.0",
    "0e5",
    "-1",
    "NaN",
    "nan",
    "inf",
    "infinity",
    "1e308",
    "1e-400",
    "1e999999999",
    "١",
    "",
    " 1",
    "1 ",
    "1\n",
    "+1",
    "0x1",
    ".5",
    "5.",
    ".",
    "1e",
    "1e+5",
    "1E5",
    "1e-",
    "1e--1",
    "1_000",
    "1,5",
    "1/3",
    "1.5.2",
    "0.00000000000000000000000000000000000000001",
];

#[test]
fn bad_text_is_refused_by_every_quantity() {
    for text in REFUSED {
        assert!(Epsilon::parse(text).is_err(), "epsilon {text:?}");
        assert!(Delta::parse(text).is_err(), "delta {text:?}");
        assert!(Rho::parse(text).is_err(), "rho {text:?}");
        let json = serde_json::to_string(text).unwrap();
        assert!(serde_json::from_str::<Epsilon>(&json).is_err(), "epsilon from json {text:?}");
        assert!(serde_json::from_str::<Rho>(&json).is_err(), "rho from json {text:?}");
    }
}

#[test]
fn ranges_end_where_they_say() {
    assert!(Epsilon::parse("1000").is_ok() && Epsilon::parse("1000.1").is_err());
    assert!(Rho::parse("1000").is_ok() && Rho::parse("1001").is_err());
    assert!(Delta::parse("0.999999").is_ok() && Delta::parse("1").is_err());
    assert!(Delta::parse("1e-99").is_ok() && Delta::parse("1e-100").is_err());
}

#[test]
fn messages_name_the_quantity_and_the_fix() {
    let message = |result: Result<Epsilon, QuantityError>| result.unwrap_err().to_string();
    assert_eq!(
        message(Epsilon::parse("NaN")),
        "epsilon \"NaN\" is not a plain decimal number; write digits with an optional fraction and a small \
         exponent, for example \"0.5\" or \"1e-6\""
    );
    assert_eq!(
        message(Epsilon::parse("0")),
        "epsilon 0 is out of range; it must be above 0 and at most 1000"
    );
    assert!(message(Epsilon::parse(&"9".repeat(5_000))).len() < 300);
}

#[test]
fn units_round_in_the_direction_of_their_name() {
    let third = Rho::from_rational(RBig::ONE / RBig::from(3)).unwrap();
    assert_eq!(third.units_up().unwrap(), 333_333_333_333_334);
    assert_eq!(third.units_down(), 333_333_333_333_333);
    let tiny = Delta::parse("1e-40").unwrap();
    assert_eq!((tiny.units_up().unwrap(), tiny.units_down()), (1, 0));
    let huge = Rho::from_rational(RBig::from(10_000)).unwrap();
    assert!(huge.units_up().is_err());
    assert_eq!(huge.units_down(), i64::MAX);
    assert!(Rho::from_rational(RBig::from(-1)).is_err());
}

#[track_caller]
fn check_display(text: &str, exact: &str, up: &str, down: &str) {
    let value = Epsilon::parse(text).unwrap();
    assert_eq!(value.to_string(), exact);
    assert_eq!(value.display_up(2), up);
    assert_eq!(value.display_down(2), down);
}

#[test]
fn shown_numbers_round_in_the_stated_direction() {
    check_display("0.5", "0.5", "0.5", "0.5");
    check_display("1e0", "1", "1", "1");
    check_display("1000", "1000", "1000", "1000");
    check_display("123.45", "123.45", "130", "120");
    check_display("0.9999", "0.9999", "1", "0.99");
    check_display("0.00012345", "0.00012345", "0.00013", "0.00012");
    check_display("1.25e-12", "1.25e-12", "1.3e-12", "1.2e-12");
    assert_eq!(Epsilon::zero().display_up(3), "0");
    let third = Epsilon::from_rational(RBig::ONE / RBig::from(3)).unwrap();
    assert_eq!(third.to_string(), "0.333333333333333333333333333334");
}

#[test]
fn losses_add_only_within_one_accountant() {
    let zcdp = Loss::Zcdp { rho: Rho::parse("0.5").unwrap(), delta: Delta::zero() };
    let pure = Loss::Pure { epsilon: Epsilon::parse("0.5").unwrap() };
    let twice = zcdp.checked_add(&zcdp).unwrap();
    assert_eq!(twice, Loss::Zcdp { rho: Rho::parse("1").unwrap(), delta: Delta::zero() });
    assert!(zcdp.checked_add(&pure).is_err());
    let json = serde_json::to_string(&zcdp).unwrap();
    assert_eq!(json, r#"{"accountant":"zcdp","rho":"0.5","delta":"0"}"#);
    assert_eq!(serde_json::from_str::<Loss>(&json).unwrap(), zcdp);
    let full = Loss::Pure { epsilon: Epsilon::from_units(i64::MAX) };
    assert!(full.checked_add(&full).is_err());
}

proptest! {
    /// Whatever is typed: either a refusal, or exactly the number that the grammar says, within the
    /// range.
    #[test]
    fn any_text_is_refused_or_within_range(text in "\\PC{0,60}") {
        if let Ok(value) = Epsilon::parse(&text) {
            prop_assert!(*value.as_rational() > RBig::ZERO && *value.as_rational() <= RBig::from(1_000));
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_digit() || b".e-".contains(&byte)));
        }
    }

    #[test]
    fn the_grammar_is_read_exactly(
        whole in "[0-9]{1,12}", fraction in "[0-9]{1,12}", exponent in -99i32..=3,
    ) {
        let digits: u128 = format!("{whole}{fraction}").parse().unwrap();
        let shift = exponent - fraction.len() as i32;
        let power = RBig::from(dashu::integer::UBig::from(10u8).pow(shift.unsigned_abs() as usize));
        let expected =
            if shift < 0 { RBig::from(digits) / power } else { RBig::from(digits) * power };
        match Rho::parse(&format!("{whole}.{fraction}e{exponent}")) {
            Ok(found) => prop_assert_eq!(found.as_rational(), &expected),
            Err(QuantityError::OutOfRange { .. }) => {
                prop_assert!(expected == RBig::ZERO || expected > RBig::from(1_000));
            }
            Err(error) => prop_assert!(false, "{}", error),
        }
    }

    #[test]
    fn ledger_units_survive_every_door(units in 1i64..=1_000_000_000_000_000_000) {
        let rho = Rho::from_units(units);
        prop_assert_eq!(rho.units_up().unwrap(), units);
        prop_assert_eq!(rho.units_down(), units);
        prop_assert_eq!(&Rho::parse(&rho.to_string()).unwrap(), &rho);
        let json = serde_json::to_string(&rho).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Rho>(&json).unwrap(), &rho);
    }

    #[test]
    fn shown_numbers_enclose_the_true_one(
        numerator in 1u64.., denominator in 1u64.., digits in 1usize..10,
    ) {
        let value = RBig::from(numerator) / RBig::from(denominator) / RBig::from(1u128 << 64);
        let shown = Epsilon::from_rational(value.clone()).unwrap();
        let up = Epsilon::parse(&shown.display_up(digits)).unwrap();
        let down = Epsilon::parse(&shown.display_down(digits)).unwrap();
        prop_assert!(*up.as_rational() >= value && *down.as_rational() <= value);
    }
}
