//! What a rule, a role or a permit does not allow. Each is logged as a refusal where it stops a question.

use chrono::NaiveDate;
use thiserror::Error;

use crate::clock::Timestamp;
use crate::error::Suggestion;
use crate::principal::Role;

/// Which rule forbids what, and whom to ask.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Forbidden {
    /// Nobody of this name.
    #[error(
        "there is no principal {name:?} in this ledger; nothing was spent or changed. An administrator \
         adds one with `voilage principal add {name} --role analyst --reason ..`{nearest}"
    )]
    UnknownPrincipal {
        /// The name.
        name: String,
        /// What was probably meant.
        nearest: Suggestion,
    },
    /// The role is not enough.
    #[error(
        "{principal} is {role} here, and only {needed} may {what}; nothing was spent or changed. Ask \
         one of: {whom}"
    )]
    Role {
        /// Who tried.
        principal: String,
        /// What they are.
        role: Role,
        /// What they would have to be.
        needed: &'static str,
        /// To do what.
        what: String,
        /// Who could.
        whom: String,
    },
    /// Several principals share an account, or it is another's.
    #[error(
        "account {account} may not act as principal {principal:?}, which belongs to account {owner}; \
         nothing was spent or changed. Use that account, or have an administrator run `voilage \
         principal add {principal} --account {account} --role .. --reason ..`"
    )]
    OtherAccount {
        /// The account in use.
        account: String,
        /// The principal.
        principal: String,
        /// The account it belongs to.
        owner: String,
    },
    /// The account stands for several.
    #[error(
        "account {account} stands for several principals ({principals}); say which one with --as NAME"
    )]
    SeveralPrincipals {
        /// The account.
        account: String,
        /// Their names.
        principals: String,
    },
    /// The permit does not name them.
    #[error(
        "project {project:?} answers only the persons whom its permit names, and {principal} is not \
         one of them; nothing was spent. An administrator names one with `voilage permit name \
         {project} {principal} --reason ..`"
    )]
    NotNamed {
        /// The project.
        project: String,
        /// Who asked.
        principal: String,
    },
    /// The project was not opened yet.
    #[error(
        "project {project:?} is a draft; nothing was spent. An administrator opens it with `voilage \
         resume {project} --reason ..`"
    )]
    Draft {
        /// The project.
        project: String,
    },
    /// The project stands still.
    #[error(
        "project {project:?} is suspended since {since} ({reason}); nothing was spent. An \
         administrator lets it go on with `voilage resume {project} --reason ..`"
    )]
    Suspended {
        /// The project.
        project: String,
        /// The day.
        since: NaiveDate,
        /// Why.
        reason: String,
    },
    /// Its own dates are narrower than its permit's.
    #[error(
        "project {project:?} may ask from {starts} to {ends} and today is {today}; nothing was spent. \
         An administrator moves the dates with `voilage project rules {project} --starts .. --ends .. \
         --reason ..`"
    )]
    OutsideDates {
        /// The project.
        project: String,
        /// Its first day.
        starts: NaiveDate,
        /// Its last day.
        ends: NaiveDate,
        /// The ledger's day.
        today: NaiveDate,
    },
    /// One question costs too much.
    #[error(
        "this question needs {need}, and one question of project {project:?} may cost {ceiling} \
         (epsilon {epsilon}) at most; nothing was spent. Ask with epsilon {epsilon} or less"
    )]
    AboveQuestionCeiling {
        /// The project.
        project: String,
        /// What it needs.
        need: String,
        /// The ceiling, in the project's accountant.
        ceiling: String,
        /// The ceiling as it was set.
        epsilon: String,
    },
    /// The project spends too fast.
    #[error(
        "this question needs {need}, and project {project:?} may spend {pace}, of which {room} is \
         free now; nothing was spent. Ask for less, or again after {after}"
    )]
    TooFast {
        /// The project.
        project: String,
        /// What it needs.
        need: String,
        /// The pace.
        pace: String,
        /// What the pace allows now.
        room: String,
        /// When the whole pace is free again.
        after: String,
    },
    /// A table outside the project's list.
    #[error(
        "project {project:?} may not ask about table {table:?}; nothing was spent. Its tables are: \
         {tables}"
    )]
    Table {
        /// The project.
        project: String,
        /// The table.
        table: String,
        /// The allowed ones.
        tables: String,
    },
    /// The answer would show groups that the project's rule hides.
    #[error(
        "project {project:?} shows groups of {least} units or more, and this question was planned to show \
         groups of {keeps}; nothing was spent. Ask again: it is planned under the rule in force"
    )]
    SmallGroups {
        /// The project.
        project: String,
        /// The smallest group of its rule.
        least: u32,
        /// The smallest group of the question.
        keeps: u32,
    },
    /// One person is not two.
    #[error(
        "{principal} made proposal {proposal}, so another administrator must approve it; nothing was \
         changed. Ask one of: {whom}"
    )]
    OwnProposal {
        /// The proposal.
        proposal: u64,
        /// Who made it.
        principal: String,
        /// Who could approve.
        whom: String,
    },
    /// The ledger would be without administrators.
    #[error(
        "{principal} is one of {count} administrators and the ledger needs {needed}; nothing was \
         changed. Make another administrator first: `voilage principal add NAME --role administrator \
         --reason ..`"
    )]
    LastAdministrators {
        /// Who would go.
        principal: String,
        /// How many there are.
        count: usize,
        /// How many are needed.
        needed: usize,
    },
    /// Working files are needed while a project may ask.
    #[error(
        "project {project:?} may still ask, so its working files stay; nothing was deleted. Close it \
         first with `voilage close {project} --reason ..`, or wait until its permit ends on {ends}"
    )]
    StillOpen {
        /// The project.
        project: String,
        /// The last day of its permit.
        ends: NaiveDate,
    },
}

impl Forbidden {
    /// A stable name for the rule, as the audit writes it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownPrincipal { .. } => "unknown-principal",
            Self::Role { .. } => "role",
            Self::OtherAccount { .. } => "other-account",
            Self::SeveralPrincipals { .. } => "several-principals",
            Self::NotNamed { .. } => "not-named",
            Self::Draft { .. } => "draft",
            Self::Suspended { .. } => "suspended",
            Self::OutsideDates { .. } => "outside-dates",
            Self::AboveQuestionCeiling { .. } => "above-question-ceiling",
            Self::TooFast { .. } => "too-fast",
            Self::Table { .. } => "table",
            Self::SmallGroups { .. } => "small-groups",
            Self::OwnProposal { .. } => "own-proposal",
            Self::LastAdministrators { .. } => "last-administrators",
            Self::StillOpen { .. } => "still-open",
        }
    }
}

/// A moment as messages write it.
pub(crate) fn minute(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}
