//! `voilage audit`: who asked and decided what, under which permit and at what loss.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use serde_json::{Value, json};
use voilage_budgets::{AuditEntry, AuditFilter};
use voilage_privacy::Loss;

use crate::args::admin::{AuditListArgs, AuditVerb, ViewArgs};
use crate::console::Console;
use crate::error::CliError;
use crate::{output, present};

/// Letters of a text in the table.
const TEXT_LETTERS_MAX: usize = 50;

/// Reads, checks or exports the ledger.
pub(super) fn run(verb: &AuditVerb, console: &mut Console<'_>) -> Result<(), CliError> {
    match verb {
        AuditVerb::List(args) => list(args, console),
        AuditVerb::Verify(view) => verify(view, console),
        AuditVerb::Export { file, which } => export(file, which, console),
    }
}

fn verify(view: &ViewArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let found = super::open(&view.hub)?.ledger().verify()?;
    if view.json {
        let value =
            json!({ "sound": true, "entries": found.entries, "head": found.head.hash.to_string() });
        return present::json(&value, console);
    }
    writeln!(
        console.out,
        "the ledger is sound: {} entries, head {}",
        found.entries, found.head.hash
    )?;
    Ok(())
}

fn list(args: &AuditListArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let entries = read(args)?;
    if args.view.json {
        return present::json(&entries.iter().map(as_json).collect(), console);
    }
    let mut table = present::blank();
    table.set_header(["entry", "day", "kind", "decision", "who", "about", "loss", "what", "why"]);
    // Who decided an entry and why stands beside it already.
    for entry in entries.iter().filter(|entry| entry.kind != "decision") {
        let about = [&entry.dataset, &entry.project].into_iter().flatten().cloned();
        table.add_row([
            entry.entry.to_string(),
            entry.at.date_naive().to_string(),
            entry.kind.to_owned(),
            entry.decision.clone(),
            entry.principal.as_deref().map(present::printable).unwrap_or_default(),
            about.collect::<Vec<_>>().join("/"),
            entry.loss.as_ref().map(exact).unwrap_or_default(),
            entry.description.as_deref().map(short).unwrap_or_default(),
            entry.reason.as_deref().map(short).unwrap_or_default(),
        ]);
    }
    writeln!(console.out, "{}", table.trim_fmt())?;
    Ok(())
}

fn export(file: &Path, args: &AuditListArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    if file.exists() {
        return Err(CliError::input(
            format!("{} exists already and was not touched", file.display()),
            "give the export a new name",
        ));
    }
    let entries = read(args)?;
    let bytes = match file.extension().and_then(|ending| ending.to_str()) {
        Some("parquet") => output::parquet_bytes(&as_table(&entries)?)?,
        Some("jsonl") => as_lines(&entries)?,
        _ => {
            return Err(CliError::input(
                format!("{} says no format by its ending", file.display()),
                "end the name with .jsonl or .parquet",
            ));
        }
    };
    output::write_file(file, &bytes)?;
    let sha256 = output::sha256_hex(&bytes);
    if args.view.json {
        let value = json!({
            "file": file.display().to_string(), "entries": entries.len(), "sha256": sha256,
        });
        return present::json(&value, console);
    }
    writeln!(console.out, "{} entries in {}, sha256 {sha256}", entries.len(), file.display())?;
    Ok(())
}

fn read(args: &AuditListArgs) -> Result<Vec<AuditEntry>, CliError> {
    let hub = super::open(&args.view.hub)?;
    if args.fingerprints {
        let what = "look at files and fingerprints";
        hub.ledger().must_administer(hub.principal(), what)?;
    }
    Ok(hub.ledger().audit(&AuditFilter {
        project: args.project.clone(),
        after: args.after,
        with_fingerprints: args.fingerprints,
    })?)
}

fn as_lines(entries: &[AuditEntry]) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    for entry in entries {
        writeln!(bytes, "{}", as_json(entry))?;
    }
    Ok(bytes)
}

fn as_json(entry: &AuditEntry) -> Value {
    let mut value = json!({ "entry": entry.entry, "refers_to": entry.refers_to });
    for (name, text) in texts(entry) {
        value[name] = json!(text);
    }
    value
}

fn as_table(entries: &[AuditEntry]) -> Result<RecordBatch, CliError> {
    let numbers = |of: fn(&AuditEntry) -> Option<u64>| -> ArrayRef {
        Arc::new(entries.iter().map(of).collect::<UInt64Array>())
    };
    let mut columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("entry", numbers(|entry| Some(entry.entry)), false),
        ("refers_to", numbers(|entry| entry.refers_to), true),
    ];
    let rows: Vec<_> = entries.iter().map(texts).collect();
    for (index, name) in TEXTS.iter().enumerate() {
        let column: StringArray = rows.iter().map(|row| row[index].1.clone()).collect();
        columns.push((name, Arc::new(column), true));
    }
    RecordBatch::try_from_iter_with_nullable(columns)
        .map_err(|error| CliError::Bug(error.to_string()))
}

/// The columns that hold text, in their order.
const TEXTS: [&str; 20] = [
    "at",
    "kind",
    "decision",
    "principal",
    "dataset",
    "project",
    "permit",
    "description",
    "reason",
    "plan_hash",
    "data_version",
    "tables",
    "mechanisms",
    "bounds",
    "rho",
    "delta",
    "epsilon",
    "output_hash",
    "fingerprint",
    "hash",
];

/// The texts of an entry by column; losses are exact decimals, never numbers.
fn texts(entry: &AuditEntry) -> [(&'static str, Option<String>); 20] {
    let (rho, delta, epsilon) = match &entry.loss {
        Some(Loss::Zcdp { rho, delta }) => (Some(rho.to_string()), Some(delta.to_string()), None),
        Some(Loss::Pure { epsilon }) => (None, None, Some(epsilon.to_string())),
        None => (None, None, None),
    };
    let values = [
        Some(entry.at.to_rfc3339()),
        Some(entry.kind.to_owned()),
        Some(entry.decision.clone()),
        entry.principal.clone(),
        entry.dataset.clone(),
        entry.project.clone(),
        entry.permit.clone(),
        entry.description.clone(),
        entry.reason.clone(),
        entry.plan_hash.clone(),
        entry.data_version.clone(),
        entry.tables.clone(),
        entry.mechanisms.clone(),
        entry.bounds.clone(),
        rho,
        delta,
        epsilon,
        entry.output_hash.clone(),
        entry.fingerprint.clone(),
        Some(entry.hash.to_string()),
    ];
    let mut values = values.into_iter();
    TEXTS.map(|name| (name, values.next().flatten()))
}

fn exact(loss: &Loss) -> String {
    match loss {
        Loss::Zcdp { rho, delta } => format!("rho {rho}, delta {delta}"),
        Loss::Pure { epsilon } => format!("epsilon {epsilon}"),
    }
}

fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = present::printable(&line);
    if line.chars().count() <= TEXT_LETTERS_MAX {
        return line;
    }
    line.chars().take(TEXT_LETTERS_MAX - 1).chain(['…']).collect()
}
