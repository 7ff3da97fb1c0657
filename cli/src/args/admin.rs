//! The command lines of administrators and auditors.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};
use voilage_budgets::Pace;
use voilage_privacy::{Accountant, Delta, Epsilon};

use super::{HubArgs, ProjectName};

/// Whether to change anything, and how to say it.
#[derive(Debug, Args)]
pub(crate) struct ModeArgs {
    /// Check everything and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// A decision: which hub, why, and whether for real.
#[derive(Debug, Args)]
pub(crate) struct DecisionArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    /// Why, for the audit
    #[arg(long)]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) mode: ModeArgs,
}

/// A view: which hub, and for whom.
#[derive(Debug, Args)]
pub(crate) struct ViewArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    /// Print JSON for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which hub to set up.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    #[command(flatten)]
    pub(crate) mode: ModeArgs,
}

/// A project and a decision about it.
#[derive(Debug, Args)]
pub(crate) struct ChangeProjectArgs {
    /// The project
    pub(crate) project: String,
    #[command(flatten)]
    pub(crate) decision: DecisionArgs,
}

/// What to do with datasets.
#[derive(Debug, Subcommand)]
pub(crate) enum DatasetVerb {
    /// List every dataset with its lifetime cap
    List(ViewArgs),
    /// Show one dataset with its tables
    Show {
        /// The dataset
        dataset: String,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// Declare that the data changed: a new version under the same cap
    Update {
        /// The dataset
        dataset: String,
        #[command(flatten)]
        decision: DecisionArgs,
    },
    /// Replace the lifetime cap, never below what was spent
    Cap {
        /// The dataset
        dataset: String,
        #[command(flatten)]
        cap: CapArgs,
        #[command(flatten)]
        decision: DecisionArgs,
    },
}

/// A whole cap.
#[derive(Debug, Args)]
pub(crate) struct CapArgs {
    /// The whole epsilon, not the difference
    #[arg(long)]
    pub(crate) epsilon: Epsilon,
    /// Needed for zcdp, refused for pure
    #[arg(long)]
    pub(crate) delta: Option<Delta>,
}

/// What to do with projects.
#[derive(Debug, Subcommand)]
pub(crate) enum ProjectVerb {
    /// Open a project under a permit; the same terms again change nothing
    Open(Box<OpenArgs>),
    /// List every project
    List(ViewArgs),
    /// Show one project
    Show {
        /// The project
        project: String,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// Replace the cap, never below what was spent
    Cap {
        /// The project
        project: String,
        #[command(flatten)]
        cap: CapArgs,
        #[command(flatten)]
        decision: DecisionArgs,
    },
    /// Replace all rules beneath the cap; what is left out is lifted
    Rules {
        /// The project
        project: String,
        #[command(flatten)]
        rules: RulesArgs,
        #[command(flatten)]
        decision: DecisionArgs,
    },
    /// Let it ask about a further dataset too, whose lifetime cap then pays its part
    Give {
        /// The project
        project: String,
        /// The dataset
        dataset: String,
        #[command(flatten)]
        decision: DecisionArgs,
    },
    /// Delete the working files of a project that may not ask any more
    Purge {
        /// The project
        project: String,
        /// The folder that `voilage run` wrote to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        #[command(flatten)]
        decision: DecisionArgs,
    },
    /// Close a project for good
    Close(ChangeProjectArgs),
}

/// The terms of a new project.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    #[command(flatten)]
    pub(crate) name: ProjectName,
    /// The dataset it asks about
    #[arg(long)]
    pub(crate) dataset: String,
    #[command(flatten)]
    pub(crate) cap: CapArgs,
    /// How its losses add up
    #[arg(long, value_enum, default_value_t = AccountantName::Zcdp)]
    pub(crate) accountant: AccountantName,
    #[command(flatten)]
    pub(crate) permit: PermitArgs,
    /// Who may ask; may be given several times. You, if nobody is named
    #[arg(long = "person", value_name = "NAME")]
    pub(crate) persons: Vec<String>,
    #[command(flatten)]
    pub(crate) rules: QuestionRulesArgs,
    /// Let it wait until `voilage resume`
    #[arg(long)]
    pub(crate) draft: bool,
    /// Why, for the audit; its permit, if nothing is said
    #[arg(long)]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) mode: ModeArgs,
}

/// A permit.
#[derive(Debug, Args)]
pub(crate) struct PermitArgs {
    /// Who gave the permit
    #[arg(long)]
    pub(crate) authority: String,
    /// The number of the permit
    #[arg(long)]
    pub(crate) reference: String,
    /// What the permit is for
    #[arg(long)]
    pub(crate) purpose: String,
    /// On what ground it was given
    #[arg(long, value_enum, default_value_t = BasisName::Unstated)]
    pub(crate) legal_basis: BasisName,
    /// The first day of the permit (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) starts: NaiveDate,
    /// The last day of the permit (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) ends: NaiveDate,
}

/// Rules about single questions.
#[derive(Debug, Args)]
pub(crate) struct QuestionRulesArgs {
    /// The most that one question may cost
    #[arg(long, value_name = "EPSILON")]
    pub(crate) question_epsilon: Option<Epsilon>,
    /// How much of the budget may be spent in how long, such as 5%/day or 20%/week
    #[arg(long, value_name = "SHARE")]
    pub(crate) pace: Option<Pace>,
    /// Groups of fewer people are not shown
    #[arg(long, value_name = "PEOPLE")]
    pub(crate) min_units: Option<u32>,
    /// A table it may ask about; may be given several times. Every table, if none is named
    #[arg(long = "table", value_name = "NAME")]
    pub(crate) tables: Vec<String>,
}

/// All rules of a project.
#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    #[command(flatten)]
    pub(crate) question: QuestionRulesArgs,
    /// The first day on which it may ask (UTC), within its permit
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) starts: Option<NaiveDate>,
    /// The last day on which it may ask (UTC), within its permit
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) ends: Option<NaiveDate>,
}

/// An accountant as it is typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum AccountantName {
    /// Zero-concentrated losses: more answers for the same epsilon and delta
    Zcdp,
    /// Pure epsilon: losses add up one by one, and no key may be learned
    Pure,
}

impl From<AccountantName> for Accountant {
    fn from(name: AccountantName) -> Self {
        match name {
            AccountantName::Zcdp => Self::Zcdp,
            AccountantName::Pure => Self::Pure,
        }
    }
}

/// A legal basis as it is typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum BasisName {
    /// A data permit under article 68 of the European Health Data Space regulation
    DataPermit,
    /// A data request under article 69 of that regulation
    DataRequest,
    /// Another law
    OtherLaw,
    /// Nobody said
    Unstated,
}

/// What to do with permits.
#[derive(Debug, Subcommand)]
pub(crate) enum PermitVerb {
    /// List the permits of a project
    List {
        /// The project
        project: String,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// Give a project a further permit, for days that no other covers
    Grant {
        /// The project
        project: String,
        #[command(flatten)]
        permit: PermitArgs,
        #[command(flatten)]
        decision: DecisionArgs,
    },
    /// Move the last day of a permit further away
    Extend {
        /// The project
        project: String,
        /// The number of the permit
        reference: String,
        /// The new last day (UTC)
        #[arg(long, value_name = "YYYY-MM-DD")]
        until: NaiveDate,
        #[command(flatten)]
        decision: DecisionArgs,
    },
    /// Name a person who may ask
    Name(PersonArgs),
    /// Take a person's name away
    Unname(PersonArgs),
}

/// A person of a project.
#[derive(Debug, Args)]
pub(crate) struct PersonArgs {
    /// The project
    pub(crate) project: String,
    /// The person
    pub(crate) person: String,
    #[command(flatten)]
    pub(crate) decision: DecisionArgs,
}

/// What to do with principals.
#[derive(Debug, Subcommand)]
pub(crate) enum PrincipalVerb {
    /// List everyone who has a role
    List(ViewArgs),
    /// Add a principal, or change the role or account of one
    Add {
        /// Their name
        name: String,
        /// What they may do
        #[arg(long, value_enum)]
        role: RoleName,
        /// The account of the operating system that acts as them; their name, if nothing is said
        #[arg(long)]
        account: Option<String>,
        #[command(flatten)]
        decision: DecisionArgs,
    },
    /// Take every right from a principal
    Remove {
        /// Their name
        name: String,
        #[command(flatten)]
        decision: DecisionArgs,
    },
}

/// A role as it is typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RoleName {
    /// Asks questions of the projects that name them
    Analyst,
    /// Decides, and asks where named
    Administrator,
    /// Looks at everything and changes nothing
    Auditor,
    /// Asks the questions of a job file unattended
    Job,
}

/// What to do with the policy.
#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "one is parsed for each command")]
pub(crate) enum PolicyVerb {
    /// Show above which caps two administrators must agree
    Show(ViewArgs),
    /// Replace the policy; what is left out has no ceiling
    Set {
        /// The largest epsilon of a project that one administrator may grant
        #[arg(long, value_name = "EPSILON", requires = "project_delta")]
        project_epsilon: Option<Epsilon>,
        /// The largest delta of a project that one administrator may grant
        #[arg(long, value_name = "DELTA", requires = "project_epsilon")]
        project_delta: Option<Delta>,
        /// The largest lifetime epsilon of a dataset that one administrator may grant
        #[arg(long, value_name = "EPSILON", requires = "dataset_delta")]
        dataset_epsilon: Option<Epsilon>,
        /// The largest lifetime delta of a dataset that one administrator may grant
        #[arg(long, value_name = "DELTA", requires = "dataset_epsilon")]
        dataset_delta: Option<Delta>,
        #[command(flatten)]
        decision: DecisionArgs,
    },
}

/// What to answer.
#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// The proposal's entry; without it, what waits is listed
    pub(crate) proposal: Option<u64>,
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    /// Why, for the audit
    #[arg(long, requires = "proposal")]
    pub(crate) reason: Option<String>,
    /// Reject it instead
    #[arg(long, requires = "proposal")]
    pub(crate) reject: bool,
    /// List what waits
    #[arg(long, conflicts_with = "proposal")]
    pub(crate) list: bool,
    #[command(flatten)]
    pub(crate) mode: ModeArgs,
}

/// Whose budget.
#[derive(Debug, Args)]
pub(crate) struct BudgetArgs {
    /// The project; without it, every dataset and project
    pub(crate) project: Option<String>,
    /// The delta at which a dataset's lifetime loss is stated
    #[arg(long)]
    pub(crate) delta: Option<Delta>,
    #[command(flatten)]
    pub(crate) view: ViewArgs,
}

/// What to do for an auditor.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditVerb {
    /// List every entry of the ledger
    List(AuditListArgs),
    /// Recompute every hash and every sum of the ledger
    Verify(ViewArgs),
    /// Write every entry to a file: JSON Lines, or Parquet by its ending
    Export {
        /// The file, which must not exist
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        which: AuditListArgs,
    },
}

/// Which entries.
#[derive(Debug, Args)]
pub(crate) struct AuditListArgs {
    #[command(flatten)]
    pub(crate) view: ViewArgs,
    /// Only what concerns this project
    #[arg(long)]
    pub(crate) project: Option<String>,
    /// Only entries after this one
    #[arg(long, value_name = "ENTRY", default_value_t = 0)]
    pub(crate) after: u64,
    /// With files and keyed fingerprints: for the data holder's own audit
    #[arg(long)]
    pub(crate) fingerprints: bool,
}

/// Which shell.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
