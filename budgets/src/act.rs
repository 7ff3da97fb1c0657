//! Acts: everything an administrator can decide, as values that can be rehearsed, proposed, approved
//! and carried out.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use voilage_privacy::{Delta, Epsilon};

use crate::account::{DatasetTerms, ProjectTerms};
use crate::permit::{LegalBasis, Permit, day_text};
use crate::policy::Policy;
use crate::principal::Principal;
use crate::rules::ProjectRules;

/// One decision of an administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// Register a dataset with its lifetime cap, and say which files its tables are.
    RegisterDataset {
        /// Its name and cap.
        terms: DatasetTerms,
        /// Its tables.
        files: Vec<TableFile>,
    },
    /// Name the files of tables that the current version of a dataset does not list yet.
    AddTables {
        /// The dataset.
        dataset: String,
        /// The new tables.
        files: Vec<TableFile>,
    },
    /// Declare that the data changed: a new version, under the same cap.
    UpdateDataset {
        /// The dataset.
        dataset: String,
        /// Every table, as it is now.
        files: Vec<TableFile>,
    },
    /// Replace the lifetime cap of a dataset.
    ChangeDatasetCap {
        /// The dataset.
        dataset: String,
        /// The new whole cap.
        cap: CapTerms,
    },
    /// Open a project under its first permit.
    OpenProject {
        /// Its name, dataset, cap and permit.
        terms: ProjectTerms,
        /// What else is laid down from the start.
        opening: Opening,
    },
    /// Replace the cap of a project.
    ChangeProjectCap {
        /// The project.
        project: String,
        /// The new whole cap.
        cap: CapTerms,
    },
    /// Replace the rules of a project.
    SetRules {
        /// The project.
        project: String,
        /// All its rules from now on.
        rules: ProjectRules,
    },
    /// Give a project a further permit, for days that no other of its permits covers.
    GrantPermit {
        /// The project.
        project: String,
        /// The permit.
        permit: Permit,
        /// On what ground.
        legal_basis: LegalBasis,
    },
    /// Move the last day of a permit further away.
    ExtendPermit {
        /// The project.
        project: String,
        /// Which of its permits.
        reference: String,
        /// The new last day (UTC).
        #[serde(with = "day_text")]
        ends: NaiveDate,
    },
    /// Name a person who may ask, or take the name away.
    NamePerson {
        /// The project.
        project: String,
        /// The person.
        principal: String,
        /// Whether they may ask from now on.
        may_ask: bool,
    },
    /// Let a project ask about a further dataset, whose cap pays for it too.
    GiveDataset {
        /// The project.
        project: String,
        /// The dataset.
        dataset: String,
    },
    /// Stop a project until it is resumed.
    Suspend {
        /// The project.
        project: String,
    },
    /// Open a draft, or let a suspended project ask again.
    Resume {
        /// The project.
        project: String,
    },
    /// Close a project for good.
    Close {
        /// The project.
        project: String,
    },
    /// Add a principal, or change the role or account of one.
    SetPrincipal {
        /// The principal from now on.
        principal: Principal,
    },
    /// Take every right from a principal.
    RemovePrincipal {
        /// Their name.
        name: String,
    },
    /// Replace the policy.
    SetPolicy {
        /// The policy from now on.
        policy: Policy,
    },
    /// Record that the working files of a project were deleted.
    RecordPurge {
        /// The project.
        project: String,
        /// How many files.
        files: u32,
    },
}

/// A whole new cap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapTerms {
    /// The whole epsilon, not the difference.
    pub epsilon: Epsilon,
    /// Needed for zcdp, refused for pure.
    pub delta: Option<Delta>,
}

/// What can be laid down when a project is opened, beside its terms.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// On what ground its permit was given.
    pub legal_basis: LegalBasis,
    /// Who may ask; nobody named means every principal whose role allows it.
    pub persons: Vec<String>,
    /// Its rules.
    pub rules: ProjectRules,
    /// Whether it waits to be opened by a later decision.
    pub draft: bool,
}

/// A file of a dataset, as the data holder's own audit knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableFile {
    /// The table's name.
    pub table: String,
    /// Its canonical path.
    pub path: String,
    /// Which of the holder's keys made the fingerprint.
    pub key_id: [u8; 8],
    /// A keyed hash of the content, never shown to analysts.
    pub fingerprint: [u8; 32],
}

/// Whether a decision is to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Durably, before the method returns.
    Record,
    /// Everything is checked as if, and nothing is recorded.
    Rehearse,
}

/// What came of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It holds, from this entry of the ledger on.
    Done {
        /// The first entry that it wrote.
        entry: u64,
    },
    /// It waits for another administrator.
    Proposed {
        /// The proposal's entry, by which it is approved.
        proposal: u64,
    },
    /// The ledger had it so already.
    Unchanged,
}

/// What an administrator says to another's proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Carry it out.
    Approve,
    /// Do not.
    Reject,
}

/// A decision that waits, or waited, for another administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proposal {
    /// Its entry, by which it is approved.
    pub entry: u64,
    /// When it was made.
    pub at: crate::Timestamp,
    /// Who proposed it.
    pub principal: String,
    /// Why.
    pub reason: String,
    /// What would happen.
    pub act: Act,
}

impl Act {
    /// The verb of the act, as the audit names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RegisterDataset { .. } => "register-dataset",
            Self::AddTables { .. } => "add-tables",
            Self::UpdateDataset { .. } => "update-dataset",
            Self::ChangeDatasetCap { .. } => "change-dataset-cap",
            Self::OpenProject { .. } => "open-project",
            Self::ChangeProjectCap { .. } => "change-project-cap",
            Self::SetRules { .. } => "set-rules",
            Self::GrantPermit { .. } => "grant-permit",
            Self::ExtendPermit { .. } => "extend-permit",
            Self::NamePerson { .. } => "name-person",
            Self::GiveDataset { .. } => "give-dataset",
            Self::Suspend { .. } => "suspend",
            Self::Resume { .. } => "resume",
            Self::Close { .. } => "close",
            Self::SetPrincipal { .. } => "set-principal",
            Self::RemovePrincipal { .. } => "remove-principal",
            Self::SetPolicy { .. } => "set-policy",
            Self::RecordPurge { .. } => "record-purge",
        }
    }
}

/// One line for people: what would happen or has happened.
impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RegisterDataset { terms, .. } => {
                write!(
                    f,
                    "register dataset {} with {}",
                    terms.name,
                    cap(&terms.epsilon, &terms.delta)
                )
            }
            Self::AddTables { dataset, files } => {
                write!(f, "add tables {} to dataset {dataset}", tables(files))
            }
            Self::UpdateDataset { dataset, .. } => {
                write!(f, "declare a new version of the data of dataset {dataset}")
            }
            Self::ChangeDatasetCap { dataset, cap: new } => {
                let new = cap(&new.epsilon, &new.delta);
                write!(f, "change the lifetime cap of dataset {dataset} to {new}")
            }
            Self::OpenProject { terms, opening } => {
                let verb = if opening.draft { "draft" } else { "open" };
                let budget = cap(&terms.epsilon, &terms.delta);
                write!(
                    f,
                    "{verb} project {} on dataset {} with {budget}",
                    terms.name, terms.dataset
                )
            }
            Self::ChangeProjectCap { project, cap: new } => {
                let new = cap(&new.epsilon, &new.delta);
                write!(f, "change the cap of project {project} to {new}")
            }
            Self::SetRules { project, .. } => write!(f, "set the rules of project {project}"),
            Self::GrantPermit { project, permit, .. } => write!(
                f,
                "give project {project} permit {} from {} to {}",
                permit.reference, permit.starts, permit.ends
            ),
            Self::ExtendPermit { project, reference, ends } => {
                write!(f, "extend permit {reference} of project {project} to {ends}")
            }
            Self::NamePerson { project, principal, may_ask: true } => {
                write!(f, "name {principal} in project {project}")
            }
            Self::NamePerson { project, principal, may_ask: false } => {
                write!(f, "take {principal}'s name out of project {project}")
            }
            Self::GiveDataset { project, dataset } => {
                write!(f, "let project {project} ask about dataset {dataset} too")
            }
            Self::Suspend { project } => write!(f, "suspend project {project}"),
            Self::Resume { project } => write!(f, "resume project {project}"),
            Self::Close { project } => write!(f, "close project {project} for good"),
            Self::SetPrincipal { principal } => write!(
                f,
                "make {} (account {}) {}",
                principal.name, principal.account, principal.role
            ),
            Self::RemovePrincipal { name } => write!(f, "take every right from {name}"),
            Self::SetPolicy { policy } => write!(f, "set the policy: {policy}"),
            Self::RecordPurge { project, files } => {
                write!(f, "record that {files} working files of project {project} were deleted")
            }
        }
    }
}

fn cap(epsilon: &Epsilon, delta: &Option<Delta>) -> String {
    match delta {
        Some(delta) => format!("epsilon {epsilon}, delta {delta}"),
        None => format!("epsilon {epsilon}"),
    }
}

fn tables(files: &[TableFile]) -> String {
    files.iter().map(|file| file.table.as_str()).collect::<Vec<_>>().join(", ")
}
