//! `voilage project`: open, list and show projects, and what is decided about them.

use std::io::Write;

use serde_json::{Value, json};
use voilage_budgets::{Act, Opening, Outcome, Project, ProjectRules, ProjectStatus, ProjectTerms};

use crate::args::admin::{ChangeProjectArgs, OpenArgs, ProjectVerb, QuestionRulesArgs, ViewArgs};
use crate::console::Console;
use crate::error::CliError;
use crate::present;
use crate::verbs::{budget, dataset, decide, permit, purge};

/// Shows or changes projects.
pub(super) fn run(verb: &ProjectVerb, console: &mut Console<'_>) -> Result<(), CliError> {
    match verb {
        ProjectVerb::Open(args) => open(args, console),
        ProjectVerb::List(view) => list(view, console),
        ProjectVerb::Show { project, view } => show(project, view, console),
        ProjectVerb::Cap { project, cap, decision } => {
            let act =
                Act::ChangeProjectCap { project: project.clone(), cap: dataset::as_terms(cap) };
            decide::run(decision, &act, console)
        }
        ProjectVerb::Rules { project, rules, decision } => {
            let rules = ProjectRules {
                starts: rules.starts,
                ends: rules.ends,
                ..question_rules(&rules.question)
            };
            decide::run(decision, &Act::SetRules { project: project.clone(), rules }, console)
        }
        ProjectVerb::Give { project, dataset, decision } => {
            let (project, dataset) = (project.clone(), dataset.clone());
            decide::run(decision, &Act::GiveDataset { project, dataset }, console)
        }
        ProjectVerb::Purge { project, out, decision } => {
            purge::run(project, out, decision, console)
        }
        ProjectVerb::Close(args) => close(args, console),
    }
}

/// Stops a project until it is resumed.
pub(super) fn suspend(args: &ChangeProjectArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let project = args.project.clone();
    decide::run(&args.decision, &Act::Suspend { project }, console)
}

/// Opens a draft, or lets a suspended project ask again.
pub(super) fn resume(args: &ChangeProjectArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let project = args.project.clone();
    decide::run(&args.decision, &Act::Resume { project }, console)
}

/// Closes a project for good.
pub(super) fn close(args: &ChangeProjectArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let project = args.project.clone();
    decide::run(&args.decision, &Act::Close { project }, console)
}

/// Opens a project under a permit, naming whoever opens it where nobody else is named.
fn open(args: &OpenArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let hub = super::open(&args.name.hub)?;
    let name = &args.name.project;
    let persons = match args.persons.as_slice() {
        [] => vec![hub.principal().to_owned()],
        persons => persons.to_vec(),
    };
    let act = Act::OpenProject {
        terms: ProjectTerms {
            name: name.clone(),
            dataset: args.dataset.clone(),
            accountant: args.accountant.into(),
            epsilon: args.cap.epsilon.clone(),
            delta: args.cap.delta.clone(),
            permit: permit::as_permit(&args.permit),
        },
        opening: Opening {
            legal_basis: args.permit.legal_basis.into(),
            persons,
            rules: question_rules(&args.rules),
            draft: args.draft,
        },
    };
    let reason = args.reason.clone();
    let reason = reason.unwrap_or_else(|| format!("opened under permit {}", args.permit.reference));
    let outcome = decide::carry_out(&hub, &reason, &act, &args.mode)?;
    if !args.mode.json && !args.mode.dry_run && !matches!(outcome, Outcome::Proposed { .. }) {
        return describe(&hub.ledger().project(name)?, console);
    }
    decide::report(&act.to_string(), &outcome, &args.mode, console)
}

fn question_rules(args: &QuestionRulesArgs) -> ProjectRules {
    ProjectRules {
        question_epsilon: args.question_epsilon.clone(),
        pace: args.pace,
        min_units: args.min_units,
        tables: (!args.tables.is_empty()).then(|| args.tables.clone()),
        ..ProjectRules::default()
    }
}

fn list(view: &ViewArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let projects = super::open(&view.hub)?.ledger().projects()?;
    if view.json {
        return present::json(&projects.iter().map(as_json).collect(), console);
    }
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
            budget::share(&project.left, &project.cap),
            project.permit.reference.clone(),
            project.permit.ends.to_string(),
        ]);
    }
    writeln!(console.out, "{}", table.trim_fmt())?;
    Ok(())
}

fn show(name: &str, view: &ViewArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let project = super::open(&view.hub)?.ledger().project(name)?;
    if view.json {
        return present::json(&as_json(&project), console);
    }
    describe(&project, console)
}

/// A project for programs.
pub(super) fn as_json(project: &Project) -> Value {
    json!({
        "project": project.name,
        "dataset": project.dataset,
        "status": project.status.to_string(),
        "accountant": project.accountant.to_string(),
        "epsilon": project.terms.epsilon.to_string(),
        "delta": project.terms.delta.as_ref().map(ToString::to_string),
        "cap": budget::quantities(&project.cap),
        "spent": budget::quantities(&project.spent),
        "left": budget::quantities(&project.left),
        "rules": project.rules,
        "persons": project.persons,
        "permits": project.permits.iter().map(permit::as_json).collect::<Vec<_>>(),
    })
}

fn describe(project: &Project, console: &mut Console<'_>) -> Result<(), CliError> {
    let permit = &project.permit;
    let out = &mut console.out;
    writeln!(out, "project  {} ({}) on dataset {}", project.name, project.status, project.dataset)?;
    match &project.status {
        ProjectStatus::Closed { at, reason } => {
            writeln!(out, "closed   {}: {reason}", at.date_naive())?;
        }
        ProjectStatus::Suspended { since, reason } => {
            writeln!(out, "since    {}: {reason}", since.date_naive())?;
        }
        ProjectStatus::Draft
        | ProjectStatus::NotStarted
        | ProjectStatus::Open
        | ProjectStatus::Expired => {}
    }
    writeln!(out, "budget   {} ({})", project.terms, project.accountant)?;
    writeln!(out, "left     {}", budget::share(&project.left, &project.cap))?;
    describe_rules(&project.rules, out)?;
    writeln!(
        out,
        "permit   {} of {}, {} to {}; legal basis: {}",
        permit.reference, permit.authority, permit.starts, permit.ends, project.legal_basis
    )?;
    writeln!(out, "purpose  {}", permit.purpose)?;
    let persons = match project.persons.as_slice() {
        [] => "every principal whose role may ask".to_owned(),
        persons => persons.join(", "),
    };
    writeln!(out, "persons  {persons}")?;
    Ok(())
}

fn describe_rules(rules: &ProjectRules, out: &mut dyn Write) -> Result<(), CliError> {
    if let Some(epsilon) = &rules.question_epsilon {
        writeln!(out, "question epsilon {epsilon} at most")?;
    }
    if let Some(pace) = &rules.pace {
        writeln!(out, "pace     {pace} at most")?;
    }
    if let Some(units) = rules.min_units {
        writeln!(out, "groups   of {units} units or more are shown")?;
    }
    if rules.starts.is_some() || rules.ends.is_some() {
        let day = |day: Option<_>, open: &str| {
            day.map_or_else(|| open.to_owned(), |day: chrono::NaiveDate| day.to_string())
        };
        let (starts, ends) = (day(rules.starts, "its permit's first"), day(rules.ends, "last day"));
        writeln!(out, "dates    {starts} to {ends}")?;
    }
    if let Some(tables) = &rules.tables {
        writeln!(out, "tables   {}", tables.join(", "))?;
    }
    Ok(())
}
