//! The command line as plain structs: parsed here, carried out in `verbs`.

pub(crate) mod admin;
pub(crate) mod ledger;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use voilage_privacy::Delta;

use crate::args::admin::{
    ApproveArgs, AuditVerb, BudgetArgs, ChangeProjectArgs, CompletionsArgs, DatasetVerb, InitArgs,
    PermitVerb, PolicyVerb, PrincipalVerb, ProjectVerb,
};
use crate::args::ledger::{LedgerVerb, ReceiptVerb};

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
    Init(InitArgs),
    /// Show datasets, declare that their data changed, or change their lifetime cap
    #[command(subcommand)]
    Dataset(DatasetVerb),
    /// Open, list or show projects, and change their caps and rules
    #[command(subcommand)]
    Project(ProjectVerb),
    /// Grant and extend permits, and name the persons who may ask
    #[command(subcommand)]
    Permit(PermitVerb),
    /// Say who may ask, decide and look
    #[command(subcommand)]
    Principal(PrincipalVerb),
    /// Say above which caps two administrators must agree
    #[command(subcommand)]
    Policy(PolicyVerb),
    /// Approve or reject what another administrator proposed
    Approve(ApproveArgs),
    /// Stop a project until it is resumed
    Suspend(ChangeProjectArgs),
    /// Open a draft, or let a suspended project ask again
    Resume(ChangeProjectArgs),
    /// Close a project for good
    Close(ChangeProjectArgs),
    /// Say what a question would cost and release, for free
    Explain(ExplainArgs),
    /// Ask one question: charged once, free when asked again
    Ask(AskArgs),
    /// Ask all questions of a job file and write tables, a manifest and a report
    Run(RunArgs),
    /// Find the cheapest prices that give a job's questions the errors they want
    Allocate(AllocateArgs),
    /// Show what was spent, is left and lasts, per project and per dataset
    Budget(BudgetArgs),
    /// Read, check or export the ledger
    #[command(subcommand)]
    Audit(AuditVerb),
    /// Back a ledger up, put one back, and go on after one was rolled back
    #[command(subcommand)]
    Ledger(LedgerVerb),
    /// Check receipts, with the public key alone or against the ledger
    #[command(subcommand)]
    Receipt(ReceiptVerb),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

/// Which hub.
#[derive(Debug, Args)]
pub(crate) struct HubArgs {
    /// The hub file
    #[arg(long, value_name = "PATH", default_value = "./hub.toml")]
    pub(crate) hub: PathBuf,
    /// The principal to act as, where your account stands for several
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) principal: Option<String>,
}

/// A project by name.
#[derive(Debug, Args)]
pub(crate) struct ProjectName {
    /// The project
    pub(crate) project: String,
    #[command(flatten)]
    pub(crate) hub: HubArgs,
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
    #[command(flatten)]
    pub(crate) bounds: BoundArgs,
    /// Add precision to this release of the same question, such as 17 or 17-1a2b3c4d
    #[arg(long, value_name = "RELEASE")]
    pub(crate) top_up: Option<String>,
}

/// What a question may change about its bounds; its own OPTIONS may say the same.
#[derive(Debug, Args)]
pub(crate) struct BoundArgs {
    /// At most so many groups keep a person's rows, within the data holder's policy
    #[arg(long, value_name = "GROUPS")]
    pub(crate) max_groups: Option<u32>,
    /// At most so many rows of a person count in each group, within the data holder's policy
    #[arg(long, value_name = "ROWS")]
    pub(crate) max_rows_per_group: Option<u32>,
    /// Show no group of fewer people
    #[arg(long, value_name = "PEOPLE")]
    pub(crate) min_units: Option<u32>,
    /// Also estimate how many people had more groups or rows than are kept, for a fifth of a column's price
    #[arg(long)]
    pub(crate) estimate_cut: bool,
    /// Show counts as 0 or more, and totals as the sums of their parts, for free
    #[arg(long)]
    pub(crate) consistent: bool,
    /// Which columns get more of the loss than others, such as "n = 2, cost = 1"
    #[arg(long, value_name = "WEIGHTS")]
    pub(crate) weights: Option<String>,
    /// What learned keys may spend of delta
    #[arg(long, value_name = "DELTA")]
    pub(crate) selection_delta: Option<Delta>,
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
    /// Take the answer that follows from an earlier release, with a wider interval, for nothing
    #[arg(long, conflicts_with_all = ["top_up", "epsilon", "rho", "share", "renew"])]
    pub(crate) free: bool,
    /// Also write the answer to this Parquet file
    #[arg(long, value_name = "FILE.parquet")]
    pub(crate) output: Option<PathBuf>,
    /// Print JSON for programs, the receipt included
    #[arg(long)]
    pub(crate) json: bool,
    /// Pay again when three attempts ended without an answer
    #[arg(long)]
    pub(crate) renew: bool,
}

/// Which job to find prices for.
#[derive(Debug, Args)]
pub(crate) struct AllocateArgs {
    /// The job file, whose questions say `error = 50` or `error = { column = 50 }` instead of a price
    #[arg(value_name = "JOB.toml")]
    pub(crate) job: PathBuf,
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    /// Print JSON for programs
    #[arg(long)]
    pub(crate) json: bool,
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
    /// Price every question and stop before the first charge
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON for programs; the answers are in the files
    #[arg(long)]
    pub(crate) json: bool,
}
