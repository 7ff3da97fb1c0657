//! What all decisions of administrators have in common: carried out or rehearsed, then shown.

use serde_json::json;
use voilage_budgets::{Act, Decider, Mode, Outcome};
use voilage_query::Hub;

use crate::args::admin::{DecisionArgs, ModeArgs};
use crate::console::Console;
use crate::error::CliError;
use crate::present;

/// Carries an act out in a hub and says what came of it.
pub(super) fn run(
    args: &DecisionArgs,
    act: &Act,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let hub = super::open(&args.hub)?;
    let outcome = carry_out(&hub, &args.reason, act, &args.mode)?;
    report(&act.to_string(), &outcome, &args.mode, console)
}

/// Carries an act out, or rehearses it.
pub(super) fn carry_out(
    hub: &Hub,
    reason: &str,
    act: &Act,
    mode: &ModeArgs,
) -> Result<Outcome, CliError> {
    let by = Decider { principal: hub.principal(), reason };
    Ok(hub.ledger().decide(by, act, as_mode(mode))?)
}

/// Whether a change is for real.
pub(super) fn as_mode(mode: &ModeArgs) -> Mode {
    if mode.dry_run { Mode::Rehearse } else { Mode::Record }
}

/// Says what came of a decision.
pub(super) fn report(
    what: &str,
    outcome: &Outcome,
    mode: &ModeArgs,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    if mode.json {
        let (word, entry) = match outcome {
            Outcome::Done { entry } => ("done", Some(*entry)),
            Outcome::Proposed { proposal } => ("proposed", Some(*proposal)),
            Outcome::Unchanged => ("unchanged", None),
        };
        let entry = if mode.dry_run { None } else { entry };
        return present::json(
            &json!({ "act": what, "outcome": word, "entry": entry, "dry_run": mode.dry_run }),
            console,
        );
    }
    let line = match (outcome, mode.dry_run) {
        (Outcome::Done { .. }, true) => format!("dry run  would {what}; nothing was changed"),
        (Outcome::Proposed { .. }, true) => format!(
            "dry run  would propose to {what}, for another administrator to approve; nothing was \
             changed"
        ),
        (Outcome::Unchanged, _) => format!("no change  the ledger has it so already: {what}"),
        (Outcome::Done { entry }, false) => format!("done     {what} (entry {entry})"),
        (Outcome::Proposed { proposal }, false) => format!(
            "proposed {what}\n         another administrator decides: voilage approve {proposal} \
             --reason \"..\""
        ),
    };
    writeln!(console.out, "{line}")?;
    Ok(())
}
