//! `voilage approve`: the answer of the second administrator.

use serde_json::{Value, json};
use voilage_budgets::{Decider, Proposal, Verdict};

use crate::args::admin::ApproveArgs;
use crate::console::Console;
use crate::error::CliError;
use crate::present;
use crate::verbs::decide;

/// Answers a proposal, or lists those that wait.
pub(super) fn run(args: &ApproveArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let hub = super::open(&args.hub)?;
    let waiting = hub.ledger().proposals()?;
    let Some(proposal) = args.proposal else {
        return list(&waiting, args.mode.json, console);
    };
    let reason = args.reason.as_deref().ok_or_else(|| {
        CliError::input(
            "an answer needs a reason, for the audit",
            format!("write voilage approve {proposal} --reason \"..\""),
        )
    })?;
    let verdict = if args.reject { Verdict::Reject } else { Verdict::Approve };
    let by = Decider { principal: hub.principal(), reason };
    let outcome = hub.ledger().answer(by, (proposal, verdict), decide::as_mode(&args.mode))?;
    let act = waiting.iter().find(|one| one.entry == proposal);
    let act = act.map_or_else(String::new, |one| format!(" to {}", one.act));
    let verb = if args.reject { "reject" } else { "approve" };
    decide::report(&format!("{verb} proposal {proposal}{act}"), &outcome, &args.mode, console)
}

/// A proposal for programs.
pub(super) fn as_json(proposal: &Proposal) -> Value {
    json!({
        "proposal": proposal.entry,
        "at": proposal.at.to_rfc3339(),
        "principal": proposal.principal,
        "reason": proposal.reason,
        "act": proposal.act.to_string(),
    })
}

fn list(
    waiting: &[Proposal],
    as_json_text: bool,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    if as_json_text {
        return present::json(&waiting.iter().map(as_json).collect(), console);
    }
    if waiting.is_empty() {
        writeln!(console.out, "nothing waits for approval")?;
        return Ok(());
    }
    let mut table = present::blank();
    table.set_header(["proposal", "day", "by", "would", "reason"]);
    for one in waiting {
        table.add_row([
            one.entry.to_string(),
            one.at.date_naive().to_string(),
            one.principal.clone(),
            present::printable(&one.act.to_string()),
            present::printable(&one.reason),
        ]);
    }
    writeln!(console.out, "{}", table.trim_fmt())?;
    Ok(())
}
