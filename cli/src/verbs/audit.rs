//! `voilage audit`: what an auditor checks.

use crate::args::HubArgs;
use crate::console::Console;
use crate::error::CliError;

/// Recomputes every hash and every sum of the ledger.
pub(super) fn verify(args: &HubArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let found = super::open(args)?.ledger().verify()?;
    writeln!(
        console.out,
        "the ledger is sound: {} entries, head {}",
        found.entries, found.head.hash
    )?;
    Ok(())
}
