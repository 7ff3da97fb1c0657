//! Where a budget stands: what is spent, what is promised, and how long it lasts at this rate.

use voilage_privacy::conversion::epsilon_for;
use voilage_privacy::{Delta, Epsilon, Loss, Rho};

use crate::account::{Cap, Spent};
use crate::act::Proposal;

/// How many days back a rate looks; a younger budget is looked at from its first day on.
pub const RATE_DAYS_MAX: u32 = 30;

/// Where a project stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProjectStanding {
    /// What was spent in the last `rate_days` days.
    pub recent: Spent,
    /// How many days back the rate looks, at most [`RATE_DAYS_MAX`].
    pub rate_days: u32,
    /// Whole days until nothing is left at that rate; `None` when nothing was spent lately.
    pub days_left: Option<u64>,
    /// Proposals that would change its cap, or open it.
    pub waiting: Vec<Proposal>,
}

/// Where a dataset stands, over all its projects.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatasetStanding {
    /// What was spent in the last `rate_days` days.
    pub recent: Spent,
    /// How many days back the rate looks, at most [`RATE_DAYS_MAX`].
    pub rate_days: u32,
    /// Whole days until nothing is left at that rate; `None` when nothing was spent lately.
    pub days_left: Option<u64>,
    /// What its projects that are not closed could still spend together, as the dataset would pay it.
    /// May be more than is left: then the dataset's cap stops them.
    pub promised: Cap,
    /// Proposals about its cap, and about projects on it.
    pub waiting: Vec<Proposal>,
}

/// The loss of whoever is worst placed: in the data all along, and in every group that was released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LifetimeLoss {
    /// All releases together are (epsilon, delta)-DP for this unit.
    Bounded {
        /// Rounded up.
        epsilon: Epsilon,
        /// The chosen delta; zero in a pure dataset.
        delta: Delta,
    },
    /// The chosen delta is not above what the selection of keys spent already.
    DeltaTooSmall {
        /// What the selections spent.
        selection: Delta,
    },
}

impl LifetimeLoss {
    /// The loss as (epsilon, delta) at a chosen delta: a sum over charges, never a look at who is in
    /// the data.
    ///
    /// *Guarantee*: delta-approximate rho-zCDP is (epsilon, selection delta + conversion delta)-DP,
    /// so what the selections spent is taken from the chosen delta before converting.
    pub fn of(spent: &Spent, delta: &Delta) -> Self {
        match spent {
            Loss::Pure { epsilon } => {
                Self::Bounded { epsilon: epsilon.clone(), delta: Delta::zero() }
            }
            Loss::Zcdp { rho, delta: selection } => {
                let conversion = delta.checked_minus(selection).filter(|left| !left.is_zero());
                let converted = conversion.and_then(|left| epsilon_for(rho, &left).ok());
                match converted {
                    Some(epsilon) => Self::Bounded { epsilon, delta: delta.clone() },
                    None if nothing(rho, selection) => {
                        Self::Bounded { epsilon: Epsilon::zero(), delta: delta.clone() }
                    }
                    None => Self::DeltaTooSmall { selection: selection.clone() },
                }
            }
        }
    }
}

fn nothing(rho: &Rho, selection: &Delta) -> bool {
    rho.is_zero() && selection.is_zero()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_selections_spent_is_taken_from_the_chosen_delta() {
        let spent = |delta: &str| Loss::Zcdp {
            rho: Rho::parse("0.1").unwrap(),
            delta: if delta == "0" { Delta::zero() } else { Delta::parse(delta).unwrap() },
        };
        let chosen = Delta::parse("1e-6").unwrap();
        let epsilon = |spent: &Spent| match LifetimeLoss::of(spent, &chosen) {
            LifetimeLoss::Bounded { epsilon, .. } => epsilon,
            LifetimeLoss::DeltaTooSmall { .. } => panic!("bounded"),
        };
        let without = epsilon(&spent("0"));
        assert_eq!(without, epsilon_for(&Rho::parse("0.1").unwrap(), &chosen).unwrap());
        assert!(epsilon(&spent("9e-7")) > without);
        assert!(matches!(
            LifetimeLoss::of(&spent("1e-6"), &chosen),
            LifetimeLoss::DeltaTooSmall { .. }
        ));
        let none = Loss::Zcdp { rho: Rho::zero(), delta: Delta::zero() };
        assert!(matches!(
            LifetimeLoss::of(&none, &chosen),
            LifetimeLoss::Bounded { epsilon, .. } if epsilon.is_zero()
        ));
    }
}
