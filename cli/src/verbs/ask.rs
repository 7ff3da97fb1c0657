//! `voilage ask`: one question, charged once and free when asked again.

use std::io::Write;

use voilage_query::Answer;

use crate::args::AskArgs;
use crate::console::{Console, Progress};
use crate::error::CliError;
use crate::report::Table;
use crate::{output, present};

/// Asks, shows the answer and, if wanted, writes it to a file.
pub(super) fn run(args: &AskArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let question = super::question(&args.question)?.renew(args.renew);
    let answer = question.run(&Progress::new("question", console.err))?;
    let table = present::table(&answer)?;
    show(&answer, &table, console)?;
    if let Some(path) = &args.output {
        output::write_file(path, &output::parquet_bytes(&answer.with_intervals()?)?)?;
    }
    Ok(())
}

/// The table, what it cost and what was left.
pub(super) fn show(
    answer: &Answer,
    table: &Table,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let receipt = &answer.receipt;
    let out = &mut console.out;
    writeln!(out, "{}", present::terminal(table))?;
    let status = if answer.replayed { "already released, no new charge" } else { "released now" };
    let (share, loss) = (&receipt.share, present::loss(&receipt.loss));
    writeln!(out, "{status}: entry {}", receipt.charge)?;
    writeln!(out, "cost {share} of the budget ({loss}), {} left after it", receipt.left)?;
    Ok(())
}
