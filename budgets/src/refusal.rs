//! The message of a refused charge: what it needs, what is left, and what would still fit.
//!
//! Needs are shown rounded up and remainders rounded down, so no message promises too much.

use std::fmt;

use voilage_privacy::conversion::{ZcdpCap, conversion_half, epsilon_for};
use voilage_privacy::{Accountant, Delta, Epsilon, Rho};

use crate::error::LedgerError;
use crate::store::accounts::Account;
use crate::units::Units;

/// Significant digits of a quantity in a message.
const DIGITS: usize = 3;

/// A charge that did not fit, and by how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    holder: Holder,
    quantity: Quantity,
    need: i64,
    left: i64,
    cap: i64,
    affordable: Epsilon,
}

impl Shortfall {
    /// The largest epsilon that a single question of this project could still have.
    ///
    /// In a zcdp project it is the epsilon of (epsilon, delta) at the project's own delta.
    pub fn affordable_epsilon(&self) -> &Epsilon {
        &self.affordable
    }

    /// Why a cost fits the caps of `project` and `dataset` no longer.
    pub(crate) fn between(
        project: &Account,
        cost: Units,
        dataset: &Account,
        dataset_cost: Units,
    ) -> Result<Self, LedgerError> {
        let affordable = largest_epsilon(project, dataset)?;
        let short = |holder: Holder, account: &Account, cost: Units| {
            let left = account.left()?;
            let sums = [
                (Quantity::Rho, cost.rho, left.rho, account.cap.rho),
                (Quantity::Delta, cost.delta, left.delta, account.cap.delta),
                (Quantity::Epsilon, cost.epsilon, left.epsilon, account.cap.epsilon),
            ];
            let first = sums.into_iter().find(|(_, need, left, _)| need > left);
            Ok::<_, LedgerError>(first.map(|(quantity, need, left, cap)| Self {
                holder,
                quantity,
                need,
                left,
                cap,
                affordable: affordable.clone(),
            }))
        };
        let by_project = short(Holder::Project(project.name.clone()), project, cost)?;
        let by_dataset = short(Holder::Dataset(dataset.name.clone()), dataset, dataset_cost)?;
        by_project
            .or(by_dataset)
            .ok_or(LedgerError::Misuse("a charge that fits both caps was refused"))
    }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let needed = match self.quantity {
            Quantity::Rho => Rho::from_units(self.need).display_up(DIGITS),
            Quantity::Delta => Delta::from_units(self.need).display_up(DIGITS),
            Quantity::Epsilon => Epsilon::from_units(self.need).display_up(DIGITS),
        };
        let share = percent_up(self.need, self.cap);
        let left = percent_down(self.left, self.cap);
        let (quantity, holder) = (self.quantity, &self.holder);
        let of_what = match quantity {
            Quantity::Delta => "delta for learned keys",
            Quantity::Rho | Quantity::Epsilon => "budget",
        };
        write!(
            f,
            "this question needs {quantity} {needed} ({share} of {holder} {of_what}) and {left} is \
             left; nothing was spent. "
        )?;
        if quantity == Quantity::Delta {
            return write!(
                f,
                "Declare the keys as public values, which needs no delta, or spend a smaller share \
                 of delta on them."
            );
        }
        if self.affordable.is_zero() {
            return write!(
                f,
                "No further question is affordable: more budget is an administrator's decision."
            );
        }
        let affordable = self.affordable.display_down(DIGITS);
        write!(f, "The largest single epsilon still affordable is {affordable}.")
    }
}

/// Whose cap stopped the charge.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Holder {
    Project(String),
    Dataset(String),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(name) => write!(f, "{name}'s"),
            Self::Dataset(name) => write!(f, "dataset {name}'s lifetime"),
        }
    }
}

/// Which sum stopped it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantity {
    Rho,
    Delta,
    Epsilon,
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rho => "rho",
            Self::Delta => "delta",
            Self::Epsilon => "epsilon",
        })
    }
}

/// The largest epsilon of one question that both caps still allow, as shown: three digits, down.
pub(crate) fn largest_epsilon(
    project: &Account,
    dataset: &Account,
) -> Result<Epsilon, LedgerError> {
    let (left, in_dataset) = (project.left()?, dataset.left()?);
    match (project.accountant, &project.terms.delta) {
        (Accountant::Zcdp, Some(delta)) => {
            largest_zcdp_epsilon(&Rho::from_units(left.rho.min(in_dataset.rho)), delta)
        }
        (Accountant::Zcdp, None) => Err(LedgerError::Misuse("a zcdp project has no delta")),
        (Accountant::Pure, _) => {
            let allowed = match dataset.accountant {
                Accountant::Pure => in_dataset.epsilon,
                Accountant::Zcdp => pure_epsilon_units(in_dataset.rho),
            };
            Ok(shown(&Epsilon::from_units(left.epsilon.min(allowed))))
        }
    }
}

/// An epsilon that costs at most `left`, by the same conversion as a question pays.
fn largest_zcdp_epsilon(left: &Rho, delta: &Delta) -> Result<Epsilon, LedgerError> {
    let above = epsilon_for(left, &conversion_half(delta)).map_err(|_| LedgerError::Overflow)?;
    let candidate = shown(&above);
    // The conversion rounds up, so the last step of the grid may cost more than is left.
    if ZcdpCap::from_epsilon_delta(&candidate, delta).rho <= *left {
        return Ok(candidate);
    }
    let below = Epsilon::from_units((above.units_down() - 1).max(0));
    Ok(shown(&below))
}

/// The largest epsilon, in units of 1e-12, whose epsilon^2 / 2 is at most `rho` units of 1e-15.
fn pure_epsilon_units(rho: i64) -> i64 {
    let square = u128::from(rho.unsigned_abs()) * 2_000_000_000;
    i64::try_from(square.isqrt()).unwrap_or(i64::MAX)
}

/// What a reader sees and may ask for next: rounded down to three digits.
fn shown(epsilon: &Epsilon) -> Epsilon {
    // What is too small to be written in the grammar is too small to be worth asking for.
    Epsilon::parse(&epsilon.display_down(DIGITS)).unwrap_or_else(|_| Epsilon::zero())
}

fn percent_up(part: i64, whole: i64) -> String {
    tenths(part, whole, |part, whole| part.div_ceil(whole))
}

fn percent_down(part: i64, whole: i64) -> String {
    tenths(part, whole, |part, whole| part / whole)
}

/// A share in percent with one decimal; of a cap of zero, nothing is left and everything is needed.
fn tenths(part: i64, whole: i64, divide: impl Fn(u128, u128) -> u128) -> String {
    let (part, whole) = (u128::from(part.unsigned_abs()), u128::from(whole.unsigned_abs()));
    if whole == 0 {
        return if part == 0 { "0.0%".to_owned() } else { "all".to_owned() };
    }
    let tenths = divide(part * 1_000, whole);
    format!("{}.{}%", tenths / 10, tenths % 10)
}
