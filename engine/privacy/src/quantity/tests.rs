use super::*;

const REFUSED: [&str; 28] = [
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
    "+1",
    "0x1",
    ".5",
    "5.",
    "1e",
    "1e+5",
    "1E5",
    "1e-",
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
    }
}
