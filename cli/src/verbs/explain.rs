//! `voilage explain`: what a question would cost and release, for free.

use crate::args::ExplainArgs;
use crate::console::Console;
use crate::error::CliError;

/// Analyses and prices a question; nothing is read or charged.
pub(super) fn run(args: &ExplainArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let question = super::question(&args.question)?;
    let explanation = question.explanation();
    if args.json {
        let json = serde_json::to_string_pretty(explanation)
            .map_err(|error| CliError::Bug(format!("an explanation has no JSON: {error}")))?;
        writeln!(console.out, "{json}")?;
    } else {
        writeln!(console.out, "{}", explanation.to_string().trim_end())?;
    }
    Ok(())
}
