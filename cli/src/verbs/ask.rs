//! `voilage ask`: one question, charged once and free when asked again.

use std::io::Write;

use serde_json::{Value, json};
use voilage_query::Answer;

use crate::args::AskArgs;
use crate::console::{Console, Progress};
use crate::error::CliError;
use crate::report::{Cell, Column, Table};
use crate::{output, present};

/// Asks, shows the answer and, if wanted, writes it to a file.
pub(super) fn run(args: &AskArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let answer = if args.free {
        super::free(&args.question)?.run()?
    } else {
        let question = super::asked(&args.question)?.renew(args.renew);
        question.run(&Progress::new("question", console.err))?
    };
    let table = present::table(&answer)?;
    if args.json {
        present::json(&as_json(&answer, &table)?, console)?;
    } else {
        show(&answer, &table, console)?;
    }
    if let Some(path) = &args.output {
        output::write_file(path, &output::parquet_bytes(&answer.with_intervals()?)?)?;
    }
    Ok(())
}

/// An answer for programs: what is a number here is one there, with its interval beside it, and the
/// receipt as it can be verified.
fn as_json(answer: &Answer, table: &Table) -> Result<Value, CliError> {
    let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let cell = |(column, cell): (&Column, &Cell)| {
        let value = match (cell.text.parse::<i64>(), cell.value) {
            (Ok(whole), Some(_)) => json!(whole),
            (Err(_), Some(value)) => json!(value),
            (_, None) if column.is_number || cell.text.is_empty() => Value::Null,
            (_, None) => json!(cell.text),
        };
        match cell.interval {
            Some((low, high)) => json!({ "value": value, "low": low, "high": high }),
            None => json!({ "value": value }),
        }
    };
    let rows: Vec<Value> =
        table.rows.iter().map(|row| table.columns.iter().zip(row).map(cell).collect()).collect();
    let receipt = serde_json::to_value(&answer.receipt)
        .map_err(|error| CliError::Bug(format!("a receipt has no JSON: {error}")))?;
    Ok(json!({
        "columns": columns, "rows": rows, "replayed": answer.replayed, "receipt": receipt,
    }))
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
    for cut in &answer.cut {
        let (groups, rows) = (cut.over_max_groups, cut.over_max_rows_per_group);
        writeln!(
            out,
            "cut in aggregate {}: {} [{}, {}] had more than {} groups, {} [{}, {}] more than {} rows in one",
            cut.boundary + 1,
            groups.value,
            groups.low,
            groups.high,
            cut.max_groups,
            rows.value,
            rows.low,
            rows.high,
            cut.max_rows_per_group
        )?;
    }
    let status = match (&receipt.derived, answer.replayed) {
        (Some(how), _) => format!("follows from what was released, no charge ({how})"),
        (None, true) => "already released, no new charge".to_owned(),
        (None, false) => "released now".to_owned(),
    };
    let (share, loss) = (&receipt.share, present::loss(&receipt.loss));
    writeln!(out, "{status}: entry {}", receipt.charge)?;
    if !receipt.combined.is_empty() {
        let entries = receipt.combined.iter().map(|part| part.charge.to_string());
        let entries = entries.collect::<Vec<_>>().join(", ");
        writeln!(out, "the mean of that entry and entries {entries}, weighted by their precision")?;
    }
    writeln!(out, "cost {share} of the budget ({loss}), {} left after it", receipt.left)?;
    Ok(())
}
