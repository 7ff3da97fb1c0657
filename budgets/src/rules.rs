//! The rules of a project beneath its cap: brakes that refuse, and never lower what was spent.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use voilage_privacy::Epsilon;

use crate::permit::day_text;

/// What an administrator may lay down for a project; nothing is the default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectRules {
    /// The most that one question may cost, read as a question's epsilon is.
    pub question_epsilon: Option<Epsilon>,
    /// How much of the cap may be spent in how many days.
    pub pace: Option<Pace>,
    /// Groups of fewer units are not shown, whatever a question asks for.
    pub min_units: Option<u32>,
    /// The first day (UTC) on which it may ask, within its permit.
    #[serde(with = "day_text::optional")]
    pub starts: Option<NaiveDate>,
    /// The last day (UTC) on which it may ask, within its permit.
    #[serde(with = "day_text::optional")]
    pub ends: Option<NaiveDate>,
    /// The only tables it may ask about; `None` allows every table of its dataset.
    pub tables: Option<Vec<String>>,
}

/// At most a share of the project's cap in any stretch of so many days.
///
/// A brake, not a budget: what it holds back stays unspent, and nothing is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pace {
    /// In thousandths of a percent of the cap.
    pub(crate) share: u32,
    /// In any so many times 24 hours.
    pub(crate) days: u32,
}

/// A hundred percent, in the unit of [`Pace`].
pub(crate) const WHOLE: u32 = 100_000;

/// Why a text is no pace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a pace; write a percentage of the budget with at most three decimals, then /day or \
     /week, for example \"5%/week\""
)]
pub struct NotAPace(String);

impl FromStr for Pace {
    type Err = NotAPace;

    fn from_str(text: &str) -> Result<Self, NotAPace> {
        let parse = || {
            let (percent, per) = text.split_once("%/")?;
            let days = match per {
                "day" => 1,
                "week" => 7,
                _ => return None,
            };
            let share = thousandths(percent)?;
            (1..=WHOLE).contains(&share).then_some(Self { share, days })
        };
        parse().ok_or_else(|| NotAPace(text.chars().take(40).collect()))
    }
}

/// `12.5` as 12,500; nothing but ASCII digits and one point.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str, most: usize| {
        !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !digits(whole, 3) || !digits(fraction, 3) {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    let fraction: u32 = format!("{fraction:0<3}").parse().ok()?;
    Some(whole * 1_000 + fraction)
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.share / 1_000, self.share % 1_000);
        write!(f, "{whole}")?;
        if fraction > 0 {
            write!(f, ".{}", format!("{fraction:03}").trim_end_matches('0'))?;
        }
        write!(f, "%/{}", if self.days == 1 { "day" } else { "week" })
    }
}

impl TryFrom<String> for Pace {
    type Error = NotAPace;

    fn try_from(text: String) -> Result<Self, NotAPace> {
        text.parse()
    }
}

impl From<Pace> for String {
    fn from(pace: Pace) -> Self {
        pace.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_has_one_spelling() {
        for text in ["5%/week", "0.001%/day", "12.5%/day", "100%/week"] {
            assert_eq!(text.parse::<Pace>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "5",
            "5%",
            "5%/month",
            "0%/day",
            "100.001%/day",
            "-5%/day",
            "+5%/day",
            "5.%/day",
            ".5%/day",
            "1e1%/day",
            "\u{0665}%/day",
            " 5%/day",
            "5.1234%/day",
            "1000%/day",
        ] {
            assert!(text.parse::<Pace>().is_err(), "{text}");
        }
    }
}
