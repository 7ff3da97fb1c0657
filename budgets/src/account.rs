//! Datasets and projects: who holds a budget, under which terms and until when.

use std::fmt;

use serde::{Deserialize, Serialize};
use voilage_privacy::{Accountant, Delta, Epsilon, Loss};

use crate::clock::Timestamp;
use crate::permit::{GrantedPermit, LegalBasis, Permit};
use crate::rules::ProjectRules;

/// The most that may be spent, or what is left of it.
pub type Cap = Loss;

/// The sum of what was spent.
pub type Spent = Loss;

/// What an administrator writes to register a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetTerms {
    /// 1 to 64 ASCII letters, digits, `-`, `_` or `.`.
    pub name: String,
    /// A pure dataset admits only pure projects.
    pub accountant: Accountant,
    /// The lifetime cap over all projects.
    pub epsilon: Epsilon,
    /// Needed for zcdp, refused for pure.
    pub delta: Option<Delta>,
}

/// What was granted, on the ledger's grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedTerms {
    /// Rounded down to a multiple of 1e-12.
    pub epsilon: Epsilon,
    /// Rounded down to a multiple of 1e-18; `None` for pure.
    pub delta: Option<Delta>,
}

impl fmt::Display for GrantedTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.delta {
            Some(delta) => write!(f, "epsilon {}, delta {delta}", self.epsilon),
            None => write!(f, "epsilon {}", self.epsilon),
        }
    }
}

/// A named universe of unit ids with one lifetime cap.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dataset {
    /// Its name.
    pub name: String,
    /// In what its cap is held.
    pub accountant: Accountant,
    /// What was granted.
    pub terms: GrantedTerms,
    /// What the terms buy, rounded down.
    pub cap: Cap,
    /// What all its projects spent together.
    pub spent: Spent,
    /// The cap less what was spent.
    pub left: Cap,
    /// The random id of the data as last declared: 32 hexadecimal digits.
    pub data_version: String,
}

/// What an administrator writes to open a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectTerms {
    /// 1 to 64 ASCII letters, digits, `-`, `_` or `.`; unique in the ledger.
    pub name: String,
    /// The dataset it may ask about.
    pub dataset: String,
    /// Fixed for the life of the project.
    pub accountant: Accountant,
    /// Its cap.
    pub epsilon: Epsilon,
    /// Needed for zcdp, refused for pure.
    pub delta: Option<Delta>,
    /// Under which permit.
    pub permit: Permit,
}

/// A study with a budget under a permit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Project {
    /// Its name.
    pub name: String,
    /// The dataset it asks about.
    pub dataset: String,
    /// In what its cap is held.
    pub accountant: Accountant,
    /// What was granted.
    pub terms: GrantedTerms,
    /// What the terms buy, rounded down.
    pub cap: Cap,
    /// What its charges add up to.
    pub spent: Spent,
    /// The cap less what was spent. The dataset's cap may leave less.
    pub left: Cap,
    /// Whether it may ask now.
    pub status: ProjectStatus,
    /// Its permit in force, or else the nearest one.
    pub permit: Permit,
    /// On what ground that permit was given.
    pub legal_basis: LegalBasis,
    /// Every permit, in the order of granting.
    pub permits: Vec<GrantedPermit>,
    /// The rules beneath its cap.
    pub rules: ProjectRules,
    /// Who may ask, by name; empty when it names nobody and answers every principal.
    pub persons: Vec<String>,
}

/// Whether a project may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectStatus {
    /// It waits for the decision to open it.
    Draft,
    /// An administrator holds it back.
    Suspended {
        /// Since when.
        since: Timestamp,
        /// Why.
        reason: String,
    },
    /// Its permit begins later.
    NotStarted,
    /// It may ask.
    Open,
    /// Its permit has ended.
    Expired,
    /// An administrator closed it.
    Closed {
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

impl fmt::Display for ProjectStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Draft => "draft",
            Self::Suspended { .. } => "suspended",
            Self::NotStarted => "not started",
            Self::Open => "open",
            Self::Expired => "expired",
            Self::Closed { .. } => "closed",
        })
    }
}
