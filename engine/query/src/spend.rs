//! What a question may cost, in the words of the person who asks.

use voilage_privacy::Rational;
use voilage_privacy::quantity::{Epsilon, Rho};

use crate::error::QueryError;

/// How much a statement may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spend {
    /// The statement alone is (epsilon, delta)-DP at the project's delta; in a pure project it is
    /// epsilon-DP.
    Epsilon(Epsilon),
    /// So much zero-concentrated loss; zcdp projects only.
    Rho(Rho),
    /// This share of the project's whole budget, between 0 and 1.
    Share(Rational),
    /// Nothing is said beside the SQL: its OPTIONS decide, or the dataset's `default_spend`.
    AsWritten,
}

/// The ways to say what a question may cost; at most one is given.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpendOptions<'a> {
    /// A decimal such as `0.5`.
    pub epsilon: Option<&'a str>,
    /// A decimal such as `0.001`.
    pub rho: Option<&'a str>,
    /// A percentage of the project's budget such as `2%`.
    pub share: Option<&'a str>,
}

impl Spend {
    /// Reads the wanted loss from text; nothing given leaves it to the SQL.
    ///
    /// # Errors
    /// When several are given, or one is not a decimal of its range.
    pub fn from_options(options: SpendOptions<'_>) -> Result<Self, QueryError> {
        let privacy = voilage_privacy::PrivacyError::from;
        match (options.epsilon, options.rho, options.share) {
            (None, None, None) => Ok(Self::AsWritten),
            (Some(text), None, None) => Ok(Self::Epsilon(Epsilon::parse(text).map_err(privacy)?)),
            (None, Some(text), None) => Ok(Self::Rho(Rho::parse(text).map_err(privacy)?)),
            (None, None, Some(text)) => share(text),
            _ => Err(say_once()),
        }
    }
}

const SAY_ONCE: &str = "say once what the question may cost";

/// The refusal of a price that is given in several ways, or not at all.
pub(crate) fn say_once() -> QueryError {
    QueryError::input(
        SAY_ONCE,
        "give exactly one of epsilon, rho and share, for example epsilon = \"0.5\"",
    )
}

/// Whether an error says that a question has no price, or several.
pub(crate) fn is_say_once(error: &QueryError) -> bool {
    matches!(error, QueryError::Input { problem, .. } if problem == SAY_ONCE)
}

fn share(text: &str) -> Result<Spend, QueryError> {
    let wrong = || {
        QueryError::input(
            format!("share {text:?} is not a percentage between 0% and 100%"),
            "write for example share = \"2%\"",
        )
    };
    let number = text.strip_suffix('%').ok_or_else(wrong)?;
    // The grammar of delta is that of any decimal below one, so a percentage is read as a number
    // of hundredths below one hundred.
    let percent = match number {
        "100" => return Ok(Spend::Share(Rational::ONE)),
        other => Rho::parse(other).map_err(|_| wrong())?,
    };
    let share = percent.as_rational() / Rational::from(100);
    if share > Rational::ONE { Err(wrong()) } else { Ok(Spend::Share(share)) }
}
