//! What an administrator says about a ledger that is not the only one of its name.

use crate::settings::Settings;
use crate::store::database::location::Location;

/// Which other branches of a ledger there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// Who decides.
    pub administrator: String,
    /// Why.
    pub reason: String,
    /// Ledgers that went on from the same beginning: what they spent was spent.
    pub branches: Vec<Location>,
    /// Accept that a branch cannot be listed: every dataset is filled up to its cap.
    pub exhaust: bool,
}

/// What a recovery took over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovered {
    /// The ledger that goes on.
    pub settings: Settings,
    /// How many charges of other branches count here from now on.
    pub charges: u64,
    /// The datasets that nobody can ask about any more.
    pub exhausted: Vec<String>,
}
