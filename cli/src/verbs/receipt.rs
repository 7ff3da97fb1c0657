//! `voilage receipt`: what a release was, checked with the public key alone or against the ledger.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use voilage_budgets::PublicKey;
use voilage_query::SignedReceipt;

use crate::args::admin::ViewArgs;
use crate::args::ledger::ReceiptVerb;
use crate::console::Console;
use crate::error::CliError;
use crate::present;

/// The largest file that is looked at: a job's manifest is far smaller.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A receipt with the place where it was found.
pub(super) struct Found {
    place: String,
    receipt: Value,
    pub(super) signed: SignedReceipt,
}

/// Checks receipts.
pub(super) fn run(verb: &ReceiptVerb, console: &mut Console<'_>) -> Result<(), CliError> {
    match verb {
        ReceiptVerb::Verify { files, key, json } => verify(files, key, *json, console),
        ReceiptVerb::Present { files, view } => present_all(files, view, console),
    }
}

fn verify(
    files: &[PathBuf],
    key: &str,
    as_json: bool,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let key = public_key(key)?;
    let found = read_all(files)?;
    let holds: Vec<bool> = found.iter().map(|one| one.signed.holds(&key)).collect();
    if as_json {
        let lines = found.iter().zip(&holds).map(
            |(one, holds)| json!({ "place": one.place, "holds": holds, "receipt": one.receipt }),
        );
        present::json(&lines.collect(), console)?;
    } else {
        for (one, _) in found.iter().zip(&holds).filter(|(_, holds)| **holds) {
            writeln!(console.out, "{}", described(one))?;
        }
    }
    let wrong = found.iter().zip(&holds).filter(|(_, holds)| !**holds);
    let wrong: Vec<&str> = wrong.map(|(one, _)| one.place.as_str()).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(CliError::input(
        format!("not signed with this key as it stands here: {}", wrong.join(", ")),
        "check that this is the key of the ledger that gave the receipt out, and ask for the receipt \
         again: asking the same question is free",
    ))
}

fn present_all(
    files: &[PathBuf],
    view: &ViewArgs,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let hub = super::open(&view.hub)?;
    let found = read_all(files)?;
    for one in &found {
        hub.ledger().present(&one.signed.body, &one.signed.proof)?;
    }
    if view.json {
        let places: Vec<&str> = found.iter().map(|one| one.place.as_str()).collect();
        return present::json(&json!({ "contained": places }), console);
    }
    for one in &found {
        writeln!(console.out, "{}, and the ledger has it", described(one))?;
    }
    Ok(())
}

/// Every receipt of the files, in their order.
pub(super) fn read_all(files: &[PathBuf]) -> Result<Vec<Found>, CliError> {
    let mut found = Vec::new();
    for file in files {
        let length = fs::metadata(file).map_err(|error| CliError::file("read", file, error))?.len();
        let text = match length <= FILE_BYTES_MAX {
            true => {
                fs::read_to_string(file).map_err(|error| CliError::file("read", file, error))?
            }
            false => String::new(),
        };
        let value: Value = serde_json::from_str(&text).map_err(|_| no_receipt(file))?;
        let name = file.display().to_string();
        match value.get("questions").and_then(Value::as_array) {
            Some(questions) => {
                for question in questions {
                    let asked = question["name"].as_str().unwrap_or("?");
                    let place = format!("{name}: {}", present::printable(asked));
                    found.push(as_found(&question["receipt"], place, file)?);
                }
            }
            None => {
                let receipt = value.get("receipt").unwrap_or(&value);
                found.push(as_found(receipt, name, file)?);
            }
        }
    }
    Ok(found)
}

fn as_found(receipt: &Value, place: String, file: &Path) -> Result<Found, CliError> {
    let signed = SignedReceipt::parse(&receipt.to_string()).ok_or_else(|| no_receipt(file))?;
    Ok(Found { place, receipt: receipt.clone(), signed })
}

fn no_receipt(file: &Path) -> CliError {
    CliError::input(
        format!("{} holds no receipt with a proof", file.display()),
        "give the output of `voilage ask --json`, the run.json of a job, or a receipt out of either",
    )
}

fn public_key(text: &str) -> Result<PublicKey, CliError> {
    if let Some(key) = PublicKey::parse(text) {
        return Ok(key);
    }
    let path = Path::new(text);
    let held = fs::read_to_string(path).map_err(|error| CliError::file("read", path, error))?;
    PublicKey::parse(&held).ok_or_else(|| {
        CliError::input(
            format!("{} holds no public key", path.display()),
            "give 64 hexadecimal digits, or the ledger's .pub file",
        )
    })
}

/// One line for people, from what was signed.
fn described(one: &Found) -> String {
    let text = |name: &str| present::printable(one.receipt[name].as_str().unwrap_or("?"));
    let loss = one.receipt["loss"].as_object().into_iter().flatten();
    let loss = loss.map(|(name, value)| (name.clone(), value.as_str().unwrap_or("?").to_owned()));
    format!(
        "{} holds: entry {} of {} on {}, permit {}, {}, at {}, answer {}",
        one.place,
        one.receipt["charge"],
        text("project"),
        text("dataset"),
        text("permit"),
        present::printable(&present::loss(&loss.collect())),
        text("charged_at"),
        text("output_hash"),
    )
}
