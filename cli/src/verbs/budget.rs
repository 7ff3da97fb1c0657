//! `voilage budget`: what a project spent, on what, and what is left.

use comfy_table::{Cell, CellAlignment};
use voilage_budgets::{ChargeSummary, Project};
use voilage_privacy::Loss;

use crate::args::ProjectName;
use crate::console::Console;
use crate::error::CliError;
use crate::present;

/// Digits of a quantity in a table.
const DIGITS: usize = 4;
/// Letters of a question in a table.
const QUESTION_LETTERS_MAX: usize = 60;

/// Shows the budget of one project.
pub(super) fn run(args: &ProjectName, console: &mut Console<'_>) -> Result<(), CliError> {
    let hub = super::open(&args.hub)?;
    let ledger = hub.ledger();
    let project = ledger.project(&args.project)?;
    let charges = ledger.charges(&args.project)?;
    let affordable = ledger.affordable_epsilon(&args.project)?;
    if !charges.is_empty() {
        writeln!(console.out, "{}", table(&charges))?;
    }
    writeln!(console.out, "budget   {} ({})", project.terms, project.accountant)?;
    writeln!(console.out, "spent    {}", up(&project.spent))?;
    writeln!(console.out, "left     {} ({})", share_left(&project), down(&project.left))?;
    writeln!(console.out, "largest  epsilon {affordable} for one more question")?;
    Ok(())
}

/// What is left of a project's budget in percent, rounded down.
pub(super) fn share_left(project: &Project) -> String {
    let (part, whole) = match (&project.left, &project.cap) {
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

fn up(loss: &Loss) -> String {
    match loss {
        Loss::Zcdp { rho, delta } => {
            format!("rho {}, delta {}", rho.display_up(DIGITS), delta.display_up(DIGITS))
        }
        Loss::Pure { epsilon } => format!("epsilon {}", epsilon.display_up(DIGITS)),
    }
}

fn down(loss: &Loss) -> String {
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
