//! The policy: above which caps one administrator is not enough.

use std::fmt;

use serde::{Deserialize, Serialize};
use voilage_privacy::{Delta, Epsilon};

/// What two administrators must agree on. Once a ledger has a policy, both must also agree on changing
/// it and on who is an administrator, or it would bind nobody.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The largest cap that one administrator may give a project; `None` sets no limit.
    pub project: Option<Ceiling>,
    /// The largest lifetime cap that one administrator may give a dataset; `None` sets no limit.
    pub dataset: Option<Ceiling>,
}

/// A largest epsilon and delta; passing either passes the ceiling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceiling {
    /// In pure and zcdp terms alike.
    pub epsilon: Epsilon,
    /// For zcdp terms; pure terms have none.
    pub delta: Delta,
}

impl Ceiling {
    /// Whether these terms are above it.
    pub(crate) fn is_passed(&self, epsilon: &Epsilon, delta: Option<&Delta>) -> bool {
        *epsilon > self.epsilon || delta.is_some_and(|delta| *delta > self.delta)
    }
}

impl fmt::Display for Ceiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epsilon {}, delta {}", self.epsilon, self.delta)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ceiling = |ceiling: &Option<Ceiling>| {
            ceiling.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string)
        };
        write!(f, "projects {}; datasets {}", ceiling(&self.project), ceiling(&self.dataset))
    }
}
