//! `voilage project`: open, list, show and close projects.

use std::io::Write;

use voilage_budgets::{Permit, Project, ProjectStatus, ProjectTerms};

use crate::args::{CloseArgs, HubArgs, OpenArgs, ProjectName};
use crate::console::Console;
use crate::error::CliError;
use crate::present;
use crate::verbs::budget;

/// Opens a project under a permit.
pub(super) fn open(args: &OpenArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let hub = super::open(&args.hub)?;
    let project = hub.ledger().open_project(&ProjectTerms {
        name: args.project.clone(),
        dataset: args.dataset.clone(),
        accountant: args.accountant.into(),
        epsilon: args.epsilon.clone(),
        delta: args.delta.clone(),
        permit: Permit {
            authority: args.authority.clone(),
            reference: args.reference.clone(),
            purpose: args.purpose.clone(),
            starts: args.starts,
            ends: args.ends,
        },
    })?;
    describe(&project, console)
}

/// Lists every project.
pub(super) fn list(args: &HubArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let projects = super::open(args)?.ledger().projects()?;
    if projects.is_empty() {
        writeln!(console.out, "no project yet; open one with `voilage project open`")?;
        return Ok(());
    }
    let mut table = present::blank();
    table.set_header(["project", "dataset", "status", "budget", "left", "permit", "ends"]);
    for project in &projects {
        table.add_row([
            project.name.clone(),
            project.dataset.clone(),
            project.status.to_string(),
            project.terms.to_string(),
            budget::share_left(project),
            project.permit.reference.clone(),
            project.permit.ends.to_string(),
        ]);
    }
    writeln!(console.out, "{}", table.trim_fmt())?;
    Ok(())
}

/// Shows one project.
pub(super) fn show(args: &ProjectName, console: &mut Console<'_>) -> Result<(), CliError> {
    describe(&super::open(&args.hub)?.ledger().project(&args.project)?, console)
}

/// Closes a project for good.
pub(super) fn close(args: &CloseArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let hub = super::open(&args.name.hub)?;
    let project = hub.ledger().close_project(&args.name.project, &args.reason)?;
    describe(&project, console)
}

fn describe(project: &Project, console: &mut Console<'_>) -> Result<(), CliError> {
    let permit = &project.permit;
    let out = &mut console.out;
    writeln!(out, "project  {} ({}) on dataset {}", project.name, project.status, project.dataset)?;
    if let ProjectStatus::Closed { at, reason } = &project.status {
        writeln!(out, "closed   {}: {reason}", at.date_naive())?;
    }
    writeln!(out, "budget   {} ({})", project.terms, project.accountant)?;
    writeln!(out, "left     {}", budget::share_left(project))?;
    writeln!(
        out,
        "permit   {} of {}, {} to {}",
        permit.reference, permit.authority, permit.starts, permit.ends
    )?;
    writeln!(out, "purpose  {}", permit.purpose)?;
    Ok(())
}
