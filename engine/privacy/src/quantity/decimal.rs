//! Decimal text: one strict grammar in, directed rounding out.

use dashu::base::Sign;
use dashu::integer::{IBig, UBig};
use dashu::rational::RBig;

/// Longest text that the grammar accepts, in characters.
const TEXT_LEN_MAX: usize = 40;

/// Digits kept where no exact decimal exists.
const INEXACT_DIGITS: usize = 30;

/// Which way a shown number may differ from the true one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}

/// Reads `digits[.digits][e[-]digit[digit]]`.
///
/// The length and the exponent are bounded, so that no text makes the exact number large: at most
/// 39 digits times 10^99.
pub(super) fn parse(text: &str) -> Option<RBig> {
    if text.len() > TEXT_LEN_MAX {
        return None;
    }
    let (mantissa, exponent) = match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (text, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
        Some(_) => return None,
        None => (mantissa, ""),
    };
    if !is_digits(whole) {
        return None;
    }
    let digits = format!("{whole}{fraction}").parse::<UBig>().ok()?;
    let shift = exponent - i32::try_from(fraction.len()).ok()?;
    let value = RBig::from(digits);
    Some(if shift >= 0 { value * power_of_ten(shift) } else { value / power_of_ten(-shift) })
}

/// A refused text as it may stand in a message: short, whatever was typed.
pub(super) fn shorten(text: &str) -> String {
    if text.chars().count() <= TEXT_LEN_MAX {
        return text.to_owned();
    }
    text.chars().take(TEXT_LEN_MAX).chain("...".chars()).collect()
}

/// At most `digits` significant digits, rounded in the stated direction. The number must not be
/// negative.
pub(super) fn format(value: &RBig, digits: usize, direction: Direction) -> String {
    if value.is_zero() {
        return "0".to_owned();
    }
    let digits = i32::try_from(digits.clamp(1, 100)).unwrap_or(100);
    let shift = digits - 1 - decimal_exponent(value);
    let scaled =
        if shift >= 0 { value * power_of_ten(shift) } else { value / power_of_ten(-shift) };
    let significand = match direction {
        Direction::Up => scaled.ceil(),
        Direction::Down => scaled.floor(),
    };
    write_decimal(&significand.to_string(), -shift)
}

/// The exact decimal if there is one that the grammar can read, else 30 digits rounded up.
pub(super) fn format_exact(value: &RBig) -> String {
    if value.is_zero() {
        return "0".to_owned();
    }
    exact_decimal(value)
        .filter(|text| text.len() <= TEXT_LEN_MAX)
        .unwrap_or_else(|| format(value, INEXACT_DIGITS, Direction::Up))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_exponent(text: &str) -> Option<i32> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if !is_digits(digits) || digits.len() > 2 {
        return None;
    }
    let exponent = digits.parse::<i32>().ok()?;
    Some(if negative { -exponent } else { exponent })
}

fn power_of_ten(exponent: i32) -> RBig {
    RBig::from(UBig::from(10u8).pow(exponent.unsigned_abs() as usize))
}

/// The exponent of the first significant digit: `10^e <= value < 10^(e+1)`.
fn decimal_exponent(value: &RBig) -> i32 {
    let ten = UBig::from(10u8);
    let (_, numerator) = value.numerator().clone().into_parts();
    let guess = numerator.ilog(&ten) as i32 - value.denominator().ilog(&ten) as i32;
    let bound = if guess >= 0 { power_of_ten(guess) } else { RBig::ONE / power_of_ten(-guess) };
    if *value < bound { guess - 1 } else { guess }
}

fn exact_decimal(value: &RBig) -> Option<String> {
    let mut rest = value.denominator().clone();
    let twos = rest.remove(&UBig::from(2u8)).unwrap_or(0);
    let fives = rest.remove(&UBig::from(5u8)).unwrap_or(0);
    let places = twos.max(fives);
    if rest != UBig::ONE || places > 2 * TEXT_LEN_MAX {
        return None;
    }
    let places = places as i32;
    let scaled: IBig = (value * power_of_ten(places)).floor();
    debug_assert!(scaled.sign() == Sign::Positive);
    Some(write_decimal(&scaled.to_string(), -places))
}

/// Writes `digits * 10^exponent` without trailing zeros, in plain notation where that is readable.
fn write_decimal(digits: &str, exponent: i32) -> String {
    let stripped = digits.trim_end_matches('0');
    let exponent = exponent + (digits.len() - stripped.len()) as i32;
    let count = stripped.len() as i32;
    let leading = exponent + count - 1;
    if exponent >= 0 && leading < 21 {
        return format!("{stripped}{}", "0".repeat(exponent as usize));
    }
    if exponent < 0 && (-7..0).contains(&leading) {
        return format!("0.{}{stripped}", "0".repeat((-leading - 1) as usize));
    }
    if exponent < 0 && leading >= 0 {
        let (whole, fraction) = stripped.split_at((leading + 1) as usize);
        return format!("{whole}.{fraction}");
    }
    let (first, others) = stripped.split_at(1);
    let point = if others.is_empty() { "" } else { "." };
    format!("{first}{point}{others}e{leading}")
}
