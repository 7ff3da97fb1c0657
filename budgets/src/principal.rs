//! Principals: who may ask, decide and look.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a principal may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Asks questions of the projects that name them.
    Analyst,
    /// Decides about datasets, projects, permits, principals and policy; asks where named.
    Administrator,
    /// Looks at everything and changes nothing.
    Auditor,
    /// Asks the questions of a job file unattended.
    Job,
}

impl Role {
    /// Every role, in the order in which help texts list them.
    pub const ALL: [Self; 4] = [Self::Analyst, Self::Administrator, Self::Auditor, Self::Job];

    /// The word for it, in the ledger and in messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Analyst => "analyst",
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
            Self::Job => "job",
        }
    }

    /// Whether questions may be asked under this role.
    pub fn may_ask(self) -> bool {
        match self {
            Self::Analyst | Self::Administrator | Self::Job => true,
            Self::Auditor => false,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Somebody, or some job, that the ledger knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// 1 to 64 ASCII letters, digits, `-`, `_` or `.`.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The account of the operating system that acts as this principal.
    pub account: String,
}

/// Who decides something, and why: every decision is recorded with both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decider<'a> {
    /// The principal.
    pub principal: &'a str,
    /// Why, in one line.
    pub reason: &'a str,
}
