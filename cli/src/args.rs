//! The command line as plain structs: parsed here, carried out in `verbs`.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand, ValueEnum};
use voilage_privacy::{Accountant, Delta, Epsilon};

/// Ask private questions of records about people, within a budget.
#[derive(Debug, Parser)]
#[command(name = "voilage", version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Create or complete the ledger that a hub file names, and check its tables
    Init(HubArgs),
    /// Open, list, show or close projects
    #[command(subcommand)]
    Project(ProjectVerb),
    /// Say what a question would cost and release, for free
    Explain(ExplainArgs),
    /// Ask one question: charged once, free when asked again
    Ask(AskArgs),
    /// Ask all questions of a job file and write tables, a manifest and a report
    Run(RunArgs),
    /// Show what a project spent and has left
    Budget(ProjectName),
    /// Check the ledger
    #[command(subcommand)]
    Audit(AuditVerb),
}

/// What to do with projects.
#[derive(Debug, Subcommand)]
pub(crate) enum ProjectVerb {
    /// Open a project under a permit; the same terms again change nothing
    Open(OpenArgs),
    /// List every project
    List(HubArgs),
    /// Show one project
    Show(ProjectName),
    /// Close a project for good
    Close(CloseArgs),
}

/// What to do for an auditor.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditVerb {
    /// Recompute every hash and every sum of the ledger
    Verify(HubArgs),
}

/// Which hub.
#[derive(Debug, Args)]
pub(crate) struct HubArgs {
    /// The hub file
    #[arg(long, value_name = "PATH", default_value = "./hub.toml")]
    pub(crate) hub: PathBuf,
}

/// A project by name.
#[derive(Debug, Args)]
pub(crate) struct ProjectName {
    /// The project
    pub(crate) project: String,
    #[command(flatten)]
    pub(crate) hub: HubArgs,
}

/// The terms of a new project.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// Its name: letters, digits, `-`, `_` or `.`
    pub(crate) project: String,
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    /// The dataset it asks about
    #[arg(long)]
    pub(crate) dataset: String,
    /// Its whole budget
    #[arg(long)]
    pub(crate) epsilon: Epsilon,
    /// Needed for zcdp, refused for pure
    #[arg(long)]
    pub(crate) delta: Option<Delta>,
    /// How its losses add up
    #[arg(long, value_enum, default_value_t = AccountantName::Zcdp)]
    pub(crate) accountant: AccountantName,
    /// Who gave the permit
    #[arg(long)]
    pub(crate) authority: String,
    /// The number of the permit
    #[arg(long)]
    pub(crate) reference: String,
    /// What the permit is for
    #[arg(long)]
    pub(crate) purpose: String,
    /// The first day of the permit (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) starts: NaiveDate,
    /// The last day of the permit (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) ends: NaiveDate,
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

/// Which project to close and why.
#[derive(Debug, Args)]
pub(crate) struct CloseArgs {
    #[command(flatten)]
    pub(crate) name: ProjectName,
    /// Why, for the audit
    #[arg(long)]
    pub(crate) reason: String,
}

/// What a question may cost; without any, the question's OPTIONS or the dataset's default decide.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct SpendArgs {
    /// The epsilon of this answer alone
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) epsilon: Option<String>,
    /// The zero-concentrated loss of this answer
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) rho: Option<String>,
    /// The share of the project's whole budget, such as 2%
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) share: Option<String>,
}

/// A question and its price.
#[derive(Debug, Args)]
pub(crate) struct QuestionArgs {
    #[command(flatten)]
    pub(crate) name: ProjectName,
    /// The question
    pub(crate) sql: String,
    #[command(flatten)]
    pub(crate) spend: SpendArgs,
}

/// What to explain.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) question: QuestionArgs,
    /// Print JSON for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to ask.
#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    #[command(flatten)]
    pub(crate) question: QuestionArgs,
    /// Also write the answer to this Parquet file
    #[arg(long, value_name = "FILE.parquet")]
    pub(crate) output: Option<PathBuf>,
    /// Pay again when three attempts ended without an answer
    #[arg(long)]
    pub(crate) renew: bool,
}

/// Which job to run.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The job file
    #[arg(value_name = "JOB.toml")]
    pub(crate) job: PathBuf,
    /// The folder for the project's folder of results
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    /// Pay again for questions whose three attempts ended without an answer
    #[arg(long)]
    pub(crate) renew: bool,
}
