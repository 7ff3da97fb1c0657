//! One file per verb: each takes its parsed arguments and the writers, and returns.
//!
//! Never imported here: SQL planning, Arrow kernels, a clock. A verb asks the hub and shows.

mod ask;
mod audit;
mod budget;
mod explain;
mod init;
mod project;
mod run;

use std::path::Path;

use voilage_query::question::SpendOptions;
use voilage_query::{Hub, Question, Spend};

use crate::args::{AuditVerb, Cli, HubArgs, ProjectVerb, QuestionArgs, Verb};
use crate::console::Console;
use crate::error::CliError;

/// Carries out a parsed command line.
pub(crate) fn run(cli: &Cli, console: &mut Console<'_>) -> Result<(), CliError> {
    match &cli.verb {
        Verb::Init(args) => init::run(args, console),
        Verb::Project(ProjectVerb::Open(args)) => project::open(args, console),
        Verb::Project(ProjectVerb::List(args)) => project::list(args, console),
        Verb::Project(ProjectVerb::Show(args)) => project::show(args, console),
        Verb::Project(ProjectVerb::Close(args)) => project::close(args, console),
        Verb::Explain(args) => explain::run(args, console),
        Verb::Ask(args) => ask::run(args, console),
        Verb::Run(args) => run::run(args, console),
        Verb::Budget(args) => budget::run(args, console),
        Verb::Audit(AuditVerb::Verify(args)) => audit::verify(args, console),
    }
}

fn open(args: &HubArgs) -> Result<Hub, CliError> {
    let path: &Path = &args.hub;
    Ok(Hub::open(path)?)
}

fn question(args: &QuestionArgs) -> Result<Question, CliError> {
    let spend = Spend::from_options(SpendOptions {
        epsilon: args.spend.epsilon.as_deref(),
        rho: args.spend.rho.as_deref(),
        share: args.spend.share.as_deref(),
    })?;
    let study = open(&args.name.hub)?.project(&args.name.project)?;
    Ok(study.question(&args.sql, &spend)?)
}
