//! `voilage ledger`: backups, putting one back, and going on after a ledger was rolled back.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use voilage_budgets::{Decider, Ledger, Location, Recovered, Recovery, SystemClock};
use voilage_query::Hub;

use crate::args::ledger::{CopyArgs, LedgerVerb, RecoverArgs};
use crate::console::Console;
use crate::error::CliError;
use crate::present;
use crate::verbs::{budget, decide, receipt};

/// Carries out what concerns a ledger as a whole.
pub(super) fn run(verb: &LedgerVerb, console: &mut Console<'_>) -> Result<(), CliError> {
    match verb {
        LedgerVerb::Recover(args) => recover(args, console),
        LedgerVerb::Backup(args) => backup(args, console),
        LedgerVerb::Restore(args) => restore(args, console),
    }
}

fn backup(args: &CopyArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let hub = super::open(&args.hub)?;
    hub.ledger().must_administer(hub.principal(), "back up the ledger")?;
    let found = hub.ledger().backup(&args.file, decide::as_mode(&args.mode))?;
    let file = args.file.display();
    if args.mode.json {
        let value = json!({
            "file": file.to_string(),
            "entries": found.entries,
            "head": found.head.hash.to_string(),
            "dry_run": args.mode.dry_run,
        });
        return present::json(&value, console);
    }
    let entries = found.entries;
    match args.mode.dry_run {
        true => writeln!(
            console.out,
            "dry run  the ledger is sound and would be copied to {file}: {entries} entries"
        )?,
        false => writeln!(
            console.out,
            "done     {file} holds {entries} verified entries; it holds answers, and not the keys \
             beside the ledger, of which you need copies of their own"
        )?,
    }
    Ok(())
}

/// There is no ledger yet that could say who may: whoever may write the place may restore, and the
/// witness decides what that is worth.
fn restore(args: &CopyArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let settings = Hub::ledger_settings(&args.hub.hub)?;
    let mode = decide::as_mode(&args.mode);
    let restored = Ledger::restore(&settings, &args.file, Arc::new(SystemClock), mode)?;
    let (file, at) = (args.file.display(), &settings.location);
    let Some(ledger) = restored else {
        if args.mode.json {
            let value = json!({ "ledger": at.to_string(), "dry_run": true });
            return present::json(&value, console);
        }
        writeln!(console.out, "dry run  {file} is sound and would become {at}")?;
        return Ok(());
    };
    let locked = ledger.must_be_unlocked().err().map(|error| error.to_string());
    let head = ledger.head()?;
    if args.mode.json {
        let value = json!({
            "ledger": at.to_string(),
            "entries": head.position,
            "head": head.hash.to_string(),
            "locked": locked,
            "dry_run": false,
        });
        return present::json(&value, console);
    }
    writeln!(console.out, "done     {at} is {file}, with {} entries", head.position)?;
    match locked {
        None => writeln!(console.out, "         nothing was answered since, so it goes on")?,
        Some(why) => writeln!(
            console.out,
            "locked   {why}\n         what was answered since the backup was spent all the same: see \
             `voilage ledger recover`"
        )?,
    }
    Ok(())
}

fn recover(args: &RecoverArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let hub = super::open(&args.hub)?;
    let recovery = as_recovery(args)?;
    let locked = hub.ledger().must_be_unlocked().err().map(|error| error.to_string());
    let Some(reason) = &args.reason else {
        let found = hub.ledger().survey(&recovery)?;
        return match args.mode.json {
            true => present::json(&as_json(&found, locked.as_deref(), "listed"), console),
            false => list(&hub, &found, locked.as_deref(), console),
        };
    };
    let by = Decider { principal: hub.principal(), reason };
    let found = hub.ledger().recover(by, &recovery, decide::as_mode(&args.mode))?;
    if args.mode.json {
        let outcome = if args.mode.dry_run { "rehearsed" } else { "recovered" };
        return present::json(&as_json(&found, locked.as_deref(), outcome), console);
    }
    show(&found, console)?;
    let head = hub.ledger().head()?;
    match args.mode.dry_run {
        true => writeln!(console.out, "dry run  the ledger would go on; nothing was changed")?,
        false => writeln!(
            console.out,
            "done     the ledger goes on from entry {}; the other branches must not be used any more",
            head.position
        )?,
    }
    Ok(())
}

/// What an administrator says, as the ledger takes it. Paths are those of the caller.
fn as_recovery(args: &RecoverArgs) -> Result<Recovery, CliError> {
    let receipts = receipt::read_all(&args.receipts)?;
    Ok(Recovery {
        branches: args.branches.iter().map(|text| Location::parse(text, Path::new(""))).collect(),
        receipts: receipts.into_iter().map(|one| (one.signed.body, one.signed.proof)).collect(),
        exhaust: args.exhaust,
        newest: args.newest,
    })
}

fn list(
    hub: &Hub,
    found: &Recovered,
    locked: Option<&str>,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    match locked {
        Some(why) => writeln!(console.out, "{why}")?,
        None => writeln!(
            console.out,
            "the ledger {} is not locked: nothing is missing that its witness saw",
            hub.ledger().settings().location
        )?,
    }
    show(found, console)?;
    let unexplained = found.missing.iter().any(|one| one.explained_by.is_none());
    let next = match (unexplained, found.is_witness_missing, locked) {
        (true, _, _) => {
            "name the ledger that has them with --branch, or accept with --exhaust that nobody can \
             list what was spent there, which uses up the cap of every dataset"
        }
        (false, true, _) => {
            "put the witness back; where it is lost, say with --newest that this ledger and the \
             branches you name are all there ever was, or with --exhaust that nobody knows"
        }
        (false, false, Some(_)) => "accept it with --reason \"..\"; --dry-run rehearses it",
        (false, false, None) if found.charges.is_empty() => "nothing is to be done",
        (false, false, None) => "count the branches' charges here with --reason \"..\"",
    };
    writeln!(console.out, "next     {next}")?;
    Ok(())
}

fn show(found: &Recovered, console: &mut Console<'_>) -> Result<(), CliError> {
    for one in &found.missing {
        let branch = match &one.explained_by {
            Some(branch) => format!("it is in {branch}"),
            None => "no named branch has it".to_owned(),
        };
        let (seen_by, entry) = (&one.seen_by, one.head.position);
        writeln!(console.out, "missing  entry {entry}, seen by {seen_by}: {branch}")?;
    }
    for charge in &found.charges {
        let (entry, loss) = (charge.entry, budget::up(&charge.loss));
        let dataset = present::printable(&charge.dataset);
        writeln!(
            console.out,
            "spent    {loss} of {dataset} in another branch (its entry {entry})"
        )?;
    }
    for dataset in &found.exhausted {
        let dataset = present::printable(dataset);
        writeln!(console.out, "used up  the whole lifetime cap of {dataset}")?;
    }
    Ok(())
}

fn as_json(found: &Recovered, locked: Option<&str>, outcome: &str) -> Value {
    let missing = found.missing.iter().map(|one| {
        json!({
            "entry": one.head.position,
            "hash": one.head.hash.to_string(),
            "seen_by": one.seen_by,
            "branch": one.explained_by.as_ref().map(ToString::to_string),
        })
    });
    let charges = found.charges.iter().map(|charge| {
        json!({
            "entry": charge.entry,
            "dataset": charge.dataset,
            "loss": budget::quantities(&charge.loss),
        })
    });
    json!({
        "outcome": outcome,
        "locked": locked,
        "witness_missing": found.is_witness_missing,
        "missing": missing.collect::<Value>(),
        "charges": charges.collect::<Value>(),
        "exhausted": found.exhausted,
    })
}
