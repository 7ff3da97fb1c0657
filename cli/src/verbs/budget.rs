//! `voilage budget`: what was spent, on what, what is left and how long it lasts.

use comfy_table::{Cell, CellAlignment};
use serde_json::{Value, json};
use voilage_budgets::{
    ChargeSummary, Dataset, DatasetStanding, LifetimeLoss, Project, ProjectStanding, Proposal,
};
use voilage_privacy::{Delta, Loss, PrivacyError};
use voilage_query::Hub;

use crate::args::admin::BudgetArgs;
use crate::console::Console;
use crate::error::CliError;
use crate::present;
use crate::verbs::{approve, dataset, project};

/// Digits of a quantity in a table.
const DIGITS: usize = 4;
/// Letters of a question in a table.
const QUESTION_LETTERS_MAX: usize = 60;
/// The delta of a lifetime loss where neither the caller nor the dataset names one.
const LIFETIME_DELTA: &str = "1e-6";

/// Shows the budget of one project, or of every dataset over all its projects.
pub(super) fn run(args: &BudgetArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let hub = super::open(&args.view.hub)?;
    match &args.project {
        Some(project) => one(&hub, project, args, console),
        None => all(&hub, args, console),
    }
}

fn one(
    hub: &Hub,
    name: &str,
    args: &BudgetArgs,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let ledger = hub.ledger();
    let found = ledger.project(name)?;
    let charges = ledger.charges(name)?;
    let affordable = ledger.affordable_epsilon(name)?;
    let standing = ledger.project_standing(name)?;
    if args.view.json {
        let mut value = project::as_json(&found);
        value["affordable_epsilon"] = json!(affordable.to_string());
        value["rate"] = json!({
            "days": standing.rate_days,
            "spent": quantities(&standing.recent),
            "days_left": standing.days_left,
        });
        value["reserved"] = standing.waiting.iter().map(approve::as_json).collect();
        value["charges"] = charges.iter().map(charge_json).collect();
        return present::json(&value, console);
    }
    if !charges.is_empty() {
        writeln!(console.out, "{}", table(&charges))?;
    }
    writeln!(console.out, "budget   {} ({})", found.terms, found.accountant)?;
    writeln!(console.out, "spent    {}", up(&found.spent))?;
    reserved(&standing.waiting, console)?;
    writeln!(console.out, "left     {} ({})", share(&found.left, &found.cap), down(&found.left))?;
    let ProjectStanding { recent, rate_days, days_left, .. } = &standing;
    writeln!(console.out, "rate     {}", rate(recent, *rate_days, *days_left))?;
    writeln!(console.out, "largest  epsilon {affordable} for one more question")?;
    Ok(())
}

fn all(hub: &Hub, args: &BudgetArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let ledger = hub.ledger();
    let projects = ledger.projects()?;
    let mut values = Vec::new();
    for found in ledger.datasets()? {
        let standing = ledger.dataset_standing(&found.name)?;
        let delta = match (&args.delta, &found.terms.delta) {
            (Some(delta), _) | (None, Some(delta)) => delta.clone(),
            (None, None) => Delta::parse(LIFETIME_DELTA).map_err(bug)?,
        };
        let lifetime = LifetimeLoss::of(&found.spent, &delta);
        let own: Vec<&Project> = projects.iter().filter(|one| one.dataset == found.name).collect();
        if args.view.json {
            values.push(dataset_json(&found, &standing, &lifetime, &own));
        } else {
            describe(&found, &standing, &lifetime, &own, console)?;
        }
    }
    if args.view.json {
        return present::json(&Value::from(values), console);
    }
    Ok(())
}

fn describe(
    found: &Dataset,
    standing: &DatasetStanding,
    lifetime: &LifetimeLoss,
    projects: &[&Project],
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    writeln!(console.out, "dataset  {}: lifetime cap {}", found.name, found.terms)?;
    writeln!(console.out, "spent    {}", up(&found.spent))?;
    reserved(&standing.waiting, console)?;
    writeln!(
        console.out,
        "left     {} ({}); its projects may still ask for {}",
        share(&found.left, &found.cap),
        down(&found.left),
        up(&standing.promised)
    )?;
    let DatasetStanding { recent, rate_days, days_left, .. } = standing;
    writeln!(console.out, "rate     {}", rate(recent, *rate_days, *days_left))?;
    let text = match lifetime {
        LifetimeLoss::Bounded { epsilon, delta } => {
            format!("epsilon {} at delta {delta}", epsilon.display_up(DIGITS))
        }
        LifetimeLoss::DeltaTooSmall { selection } => format!(
            "not stated: learned keys spent delta {} already, so choose a larger --delta",
            selection.display_up(DIGITS)
        ),
    };
    writeln!(console.out, "lifetime loss of the worst-placed unit so far: {text}")?;
    if !projects.is_empty() {
        let mut table = present::blank();
        table.set_header(["project", "status", "budget", "spent", "left"]);
        for one in projects {
            table.add_row([
                one.name.clone(),
                one.status.to_string(),
                one.terms.to_string(),
                up(&one.spent),
                share(&one.left, &one.cap),
            ]);
        }
        writeln!(console.out, "{}", table.trim_fmt())?;
    }
    writeln!(console.out)?;
    Ok(())
}

fn dataset_json(
    found: &Dataset,
    standing: &DatasetStanding,
    lifetime: &LifetimeLoss,
    projects: &[&Project],
) -> Value {
    let mut value = dataset::as_json(found);
    value["promised"] = quantities(&standing.promised);
    value["rate"] = json!({
        "days": standing.rate_days,
        "spent": quantities(&standing.recent),
        "days_left": standing.days_left,
    });
    value["reserved"] = standing.waiting.iter().map(approve::as_json).collect();
    value["lifetime_loss"] = match lifetime {
        LifetimeLoss::Bounded { epsilon, delta } => {
            json!({ "epsilon": epsilon.to_string(), "delta": delta.to_string() })
        }
        LifetimeLoss::DeltaTooSmall { selection } => {
            json!({ "delta_must_exceed": selection.to_string() })
        }
    };
    value["projects"] = projects.iter().map(|one| project::as_json(one)).collect();
    value
}

fn charge_json(summary: &ChargeSummary) -> Value {
    let charge = &summary.charge;
    json!({
        "entry": charge.position,
        "at": charge.charged_at.to_rfc3339(),
        "principal": summary.principal,
        "permit": charge.permit_reference,
        "loss": quantities(&charge.loss),
        "replays": summary.replays,
        "sealed": charge.sealed,
        "question": summary.description,
    })
}

/// What waits for another administrator and would change a cap.
fn reserved(waiting: &[Proposal], console: &mut Console<'_>) -> Result<(), CliError> {
    for one in waiting {
        writeln!(
            console.out,
            "reserved for approval: {} (proposal {})",
            present::printable(&one.act.to_string()),
            one.entry
        )?;
    }
    Ok(())
}

fn rate(recent: &Loss, rate_days: u32, days_left: Option<u64>) -> String {
    let lasts = match days_left {
        Some(days) => format!("{days} days until nothing is left at this rate"),
        None => "nothing was spent lately".to_owned(),
    };
    let window = if rate_days == 1 { "day".to_owned() } else { format!("{rate_days} days") };
    format!("{} in the last {window}: {lasts}", up(recent))
}

/// A part of a cap in percent, rounded down.
pub(super) fn share(part: &Loss, whole: &Loss) -> String {
    let (part, whole) = match (part, whole) {
        (Loss::Zcdp { rho, .. }, Loss::Zcdp { rho: cap, .. }) => {
            (rho.units_down(), cap.units_down())
        }
        (Loss::Pure { epsilon }, Loss::Pure { epsilon: cap }) => {
            (epsilon.units_down(), cap.units_down())
        }
        (Loss::Zcdp { .. }, Loss::Pure { .. }) | (Loss::Pure { .. }, Loss::Zcdp { .. }) => (0, 0),
    };
    let hundredths = i128::from(part) * 10_000 / i128::from(whole).max(1);
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

/// A loss for programs: exact decimal text, never a number.
pub(super) fn quantities(loss: &Loss) -> Value {
    match loss {
        Loss::Zcdp { rho, delta } => json!({ "rho": rho.to_string(), "delta": delta.to_string() }),
        Loss::Pure { epsilon } => json!({ "epsilon": epsilon.to_string() }),
    }
}

fn bug(error: impl Into<PrivacyError>) -> CliError {
    CliError::Bug(error.into().to_string())
}

fn table(charges: &[ChargeSummary]) -> String {
    let mut table = present::blank();
    table.set_header(["entry", "day", "cost", "replays", "question"]);
    for summary in charges {
        let charge = &summary.charge;
        let number = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        table.add_row([
            number(charge.position.to_string()),
            Cell::new(charge.charged_at.date_naive()),
            Cell::new(up(&charge.loss)),
            number(summary.replays.to_string()),
            Cell::new(one_line(&summary.description)),
        ]);
    }
    table.trim_fmt()
}

pub(crate) fn up(loss: &Loss) -> String {
    match loss {
        Loss::Zcdp { rho, delta } => {
            format!("rho {}, delta {}", rho.display_up(DIGITS), delta.display_up(DIGITS))
        }
        Loss::Pure { epsilon } => format!("epsilon {}", epsilon.display_up(DIGITS)),
    }
}

pub(crate) fn down(loss: &Loss) -> String {
    match loss {
        Loss::Zcdp { rho, delta } => {
            format!("rho {}, delta {}", rho.display_down(DIGITS), delta.display_down(DIGITS))
        }
        Loss::Pure { epsilon } => format!("epsilon {}", epsilon.display_down(DIGITS)),
    }
}

fn one_line(sql: &str) -> String {
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    if line.chars().count() <= QUESTION_LETTERS_MAX {
        return line;
    }
    line.chars().take(QUESTION_LETTERS_MAX - 1).chain(['…']).collect()
}
