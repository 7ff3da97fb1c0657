//! One file per verb: each takes its parsed arguments and the writers, and returns.
//!
//! Never imported here: SQL planning, Arrow kernels, a clock. A verb asks the hub and shows.

mod allocate;
mod approve;
mod ask;
mod audit;
pub(crate) mod budget;
mod completions;
mod dataset;
mod decide;
mod explain;
mod init;
mod ledger;
mod permit;
mod policy;
mod principal;
mod project;
mod purge;
mod receipt;
mod run;

use std::path::Path;

use voilage_query::question::SpendOptions;
use voilage_query::{AskOptions, Free, Hub, Offer, Question, ReleaseId, Spend, Weights};

use crate::args::{BoundArgs, Cli, HubArgs, QuestionArgs, Verb};
use crate::console::Console;
use crate::error::CliError;

/// Carries out a parsed command line.
pub(crate) fn run(cli: &Cli, console: &mut Console<'_>) -> Result<(), CliError> {
    match &cli.verb {
        Verb::Init(args) => init::run(args, console),
        Verb::Dataset(verb) => dataset::run(verb, console),
        Verb::Project(verb) => project::run(verb, console),
        Verb::Permit(verb) => permit::run(verb, console),
        Verb::Principal(verb) => principal::run(verb, console),
        Verb::Policy(verb) => policy::run(verb, console),
        Verb::Approve(args) => approve::run(args, console),
        Verb::Suspend(args) => project::suspend(args, console),
        Verb::Resume(args) => project::resume(args, console),
        Verb::Close(args) => project::close(args, console),
        Verb::Explain(args) => explain::run(args, console),
        Verb::Ask(args) => ask::run(args, console),
        Verb::Run(args) => run::run(args, console),
        Verb::Allocate(args) => allocate::run(args, console),
        Verb::Budget(args) => budget::run(args, console),
        Verb::Audit(verb) => audit::run(verb, console),
        Verb::Ledger(verb) => ledger::run(verb, console),
        Verb::Receipt(verb) => receipt::run(verb, console),
        Verb::Completions(args) => completions::run(args, console),
    }
}

fn open(args: &HubArgs) -> Result<Hub, CliError> {
    let path: &Path = &args.hub;
    Ok(Hub::open_as(path, args.principal.as_deref())?)
}

fn options(args: &BoundArgs) -> Result<AskOptions, CliError> {
    Ok(AskOptions {
        max_groups: args.max_groups,
        max_rows_per_group: args.max_rows_per_group,
        min_units: args.min_units,
        estimate_cut: args.estimate_cut,
        consistent: args.consistent,
        selection_delta: args.selection_delta.clone(),
        weights: args.weights.as_deref().map(Weights::parse).transpose()?,
    })
}

fn question(args: &QuestionArgs) -> Result<Question, CliError> {
    let spend = Spend::from_options(SpendOptions {
        epsilon: args.spend.epsilon.as_deref(),
        rho: args.spend.rho.as_deref(),
        share: args.spend.share.as_deref(),
    })?;
    let study = open(&args.name.hub)?.project(&args.name.project)?;
    let options = options(&args.bounds)?;
    Ok(match &args.top_up {
        Some(release) => study.top_up(&args.sql, &ReleaseId::parse(release)?, &spend, &options)?,
        None => study.question_with(&args.sql, &spend, &options)?,
    })
}

/// The same, where a refusal is for the audit too: it was asked, and not only looked into.
fn asked(args: &QuestionArgs) -> Result<Question, CliError> {
    let question = question(args);
    if let Err(CliError::Query(error)) = &question {
        let study = open(&args.name.hub)?.project(&args.name.project)?;
        study.record_refusal(&args.sql, error);
    }
    question
}

/// The answer that follows from an earlier release.
fn free(args: &QuestionArgs) -> Result<Box<Offer>, CliError> {
    let study = open(&args.name.hub)?.project(&args.name.project)?;
    match study.free(&args.sql, &options(&args.bounds)?)? {
        Free::Offered(offer) => Ok(offer),
        Free::No { why } => Err(CliError::input(
            format!("no free answer follows from what {} has released: {why}", study.name()),
            "ask without --free, at a price",
        )),
    }
}
