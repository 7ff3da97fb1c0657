//! `voilage init`: a ledger for a hub.

use voilage_query::Hub;

use crate::args::HubArgs;
use crate::console::Console;
use crate::error::CliError;

/// Creates or completes the ledger and checks every table.
pub(super) fn run(args: &HubArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let report = Hub::init(&args.hub)?;
    let did = if report.created { "created" } else { "up to date" };
    writeln!(console.out, "ledger   {} ({did})", report.ledger.display())?;
    for dataset in &report.datasets {
        let (name, accountant, terms) = (&dataset.name, dataset.accountant, &dataset.terms);
        writeln!(console.out, "dataset  {name}: {accountant}, lifetime cap {terms}")?;
    }
    writeln!(console.out, "tables   {}", report.tables.join(", "))?;
    Ok(())
}
