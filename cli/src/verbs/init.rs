//! `voilage init`: a ledger for a hub.

use serde_json::json;
use voilage_query::{Hub, InitReport};

use crate::args::admin::InitArgs;
use crate::console::Console;
use crate::error::CliError;
use crate::present;
use crate::verbs::{dataset, decide};

/// Creates or completes the ledger and checks every table.
pub(super) fn run(args: &InitArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let principal = args.hub.principal.as_deref();
    let report = Hub::init_as(&args.hub.hub, principal, decide::as_mode(&args.mode))?;
    if args.mode.json {
        let value = json!({
            "ledger": report.ledger,
            "created": report.created,
            "administrator": report.administrator,
            "datasets": report.datasets.iter().map(dataset::as_json).collect::<Vec<_>>(),
            "proposed": report.proposed.iter().map(|(_, entry)| entry).collect::<Vec<_>>(),
            "changed": report.changed,
            "tables": report.tables,
            "dry_run": args.mode.dry_run,
        });
        return present::json(&value, console);
    }
    describe(&report, args.mode.dry_run, console)
}

fn describe(report: &InitReport, dry_run: bool, console: &mut Console<'_>) -> Result<(), CliError> {
    let out = &mut console.out;
    let did = match (report.created, dry_run) {
        (true, true) => "would be created; nothing was changed",
        (true, false) => "created",
        (false, true) => "is there; nothing was changed",
        (false, false) => "up to date",
    };
    writeln!(out, "ledger   {} ({did})", report.ledger)?;
    if let Some(name) = &report.administrator {
        writeln!(out, "you      {name}, administrator")?;
    }
    for dataset in &report.datasets {
        let (name, accountant, terms) = (&dataset.name, dataset.accountant, &dataset.terms);
        writeln!(out, "dataset  {name}: {accountant}, lifetime cap {terms}")?;
    }
    for (name, proposal) in &report.proposed {
        writeln!(
            out,
            "proposed dataset {name}: its cap is above the policy's ceiling, another administrator \
             decides: voilage approve {proposal} --reason \"..\""
        )?;
    }
    for name in &report.changed {
        writeln!(
            out,
            "changed  the files of dataset {name} are not those of its declared version: voilage \
             dataset update {name} --reason \"..\""
        )?;
    }
    writeln!(out, "tables   {}", report.tables.join(", "))?;
    Ok(())
}
