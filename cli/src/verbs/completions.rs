//! `voilage completions`: what a shell needs to complete a command line.

use clap::CommandFactory;

use crate::args::Cli;
use crate::args::admin::CompletionsArgs;
use crate::console::Console;
use crate::error::CliError;

/// Prints the script of one shell.
pub(super) fn run(args: &CompletionsArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "voilage", &mut script);
    console.out.write_all(&script)?;
    Ok(())
}
