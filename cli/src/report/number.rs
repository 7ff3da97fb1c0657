//! Numbers as people read them: only the digits that the noise leaves meaningful.

/// Digits kept of the half-width of an interval, and so of the value it surrounds.
const INTERVAL_DIGITS: i32 = 2;
/// Significant digits of a value without an interval.
const PLAIN_DIGITS: i32 = 6;
/// A double has no more.
const DECIMALS_MAX: i32 = 12;

/// A value and the ends of its interval, all to the same place.
///
/// The last digit shown is the second digit of the interval's half-width: digits beyond it are
/// noise.
pub fn with_interval(value: f64, low: f64, high: f64) -> [String; 3] {
    let half = (high - low).abs() / 2.0;
    let decimals = if half.is_finite() && half > 0.0 {
        INTERVAL_DIGITS - 1 - magnitude(half)
    } else {
        plain_decimals(value)
    };
    [value, low, high].map(|number| fixed(number, decimals))
}

/// A value alone: six significant digits, without trailing zeros.
pub fn plain(value: f64) -> String {
    let text = fixed(value, plain_decimals(value).max(0));
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// `value` rounded to `decimals` places (negative: to tens, hundreds, ..), with thousands grouped.
fn fixed(value: f64, decimals: i32) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "not a number"
        } else if value > 0.0 {
            "∞"
        } else {
            "−∞"
        }
        .to_owned();
    }
    let decimals = decimals.clamp(-300, DECIMALS_MAX);
    let text = if decimals >= 0 {
        format!("{:.*}", usize::try_from(decimals).unwrap_or(0), value.abs())
    } else {
        let unit = 10f64.powi(-decimals);
        format!("{:.0}", (value.abs() / unit).round() * unit)
    };
    let is_zero = text.chars().all(|c| matches!(c, '0' | '.'));
    let sign = if value < 0.0 && !is_zero { "-" } else { "" };
    format!("{sign}{}", grouped(&text))
}

fn plain_decimals(value: f64) -> i32 {
    if value == 0.0 || !value.is_finite() { 0 } else { PLAIN_DIGITS - 1 - magnitude(value) }
}

/// The exponent of the leading decimal digit of a number that is not zero.
fn magnitude(value: f64) -> i32 {
    // Decimal formatting is exact where a logarithm may be off by one just below a power of ten.
    let text = format!("{:e}", value.abs());
    text.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0)
}

/// Commas between groups of three digits before the point.
fn grouped(text: &str) -> String {
    let (whole, rest) = match text.find('.') {
        Some(point) => text.split_at(point),
        None => (text, ""),
    };
    let mut result = String::with_capacity(text.len() + whole.len() / 3);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            result.push(',');
        }
        result.push(digit);
    }
    result + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: f64, low: f64, high: f64) -> String {
        let [value, low, high] = with_interval(value, low, high);
        format!("{value} [{low}, {high}]")
    }

    #[test]
    fn digits_beyond_the_noise_are_not_shown() {
        assert_eq!(shown(12345.678, 12222.2, 12469.1), "12,350 [12,220, 12,470]");
        assert_eq!(shown(1013.0, 1007.0, 1019.0), "1,013.0 [1,007.0, 1,019.0]");
        assert_eq!(shown(2.724_281, 2.6, 2.84), "2.72 [2.60, 2.84]");
        assert_eq!(shown(0.001_234, 0.001_1, 0.001_4), "0.00123 [0.00110, 0.00140]");
    }

    #[test]
    fn negative_values_and_zero() {
        assert_eq!(shown(-5.0, -30.0, 20.0), "-5 [-30, 20]");
        assert_eq!(shown(-0.4, -250.0, 249.0), "0 [-250, 250]");
        assert_eq!(plain(0.0), "0");
        assert_eq!(plain(-1234.5), "-1,234.5");
    }

    #[test]
    fn values_without_noise_keep_six_digits() {
        assert_eq!(plain(1.0 / 3.0), "0.333333");
        assert_eq!(plain(1_234_567.8), "1,234,568");
        assert_eq!(shown(7.0, 7.0, 7.0), "7.00000 [7.00000, 7.00000]");
    }

    #[test]
    fn what_is_not_finite_is_named() {
        assert_eq!(plain(f64::NAN), "not a number");
        assert_eq!(plain(f64::INFINITY), "∞");
        assert_eq!(plain(f64::NEG_INFINITY), "−∞");
        assert_eq!(plain(1e300).len(), 401);
    }
}
