//! `voilage explain`: what a question would cost and release, for free.

use serde::Serialize;
use serde_json::{Value, json};
use voilage_query::{Explanation, Free};

use crate::args::ExplainArgs;
use crate::console::Console;
use crate::error::CliError;

/// The price of a fresh answer beside the free one.
#[derive(Serialize)]
struct Explained<'a> {
    #[serde(flatten)]
    explanation: &'a Explanation,
    free: Value,
}

/// Analyses and prices a question; nothing is read or charged.
pub(super) fn run(args: &ExplainArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let question = super::question(&args.question)?;
    let explanation = question.explanation();
    let free = question.free()?;
    if args.json {
        let bug = |error| CliError::Bug(format!("an explanation has no JSON: {error}"));
        let free = match &free {
            Free::Offered(offer) => serde_json::to_value(&offer.terms).map_err(bug)?,
            Free::No { why } => json!({ "why": why }),
        };
        let text = serde_json::to_string_pretty(&Explained { explanation, free }).map_err(bug)?;
        writeln!(console.out, "{text}")?;
    } else {
        writeln!(console.out, "{}", explanation.to_string().trim_end())?;
        if let Free::Offered(offer) = free {
            writeln!(console.out, "free    {}; take it with ask --free", offer.terms)?;
        }
    }
    Ok(())
}
