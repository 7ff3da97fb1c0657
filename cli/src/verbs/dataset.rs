//! `voilage dataset`: what is known about whom, and its one lifetime cap.

use serde_json::{Value, json};
use voilage_budgets::{Act, CapTerms, Dataset};

use crate::args::admin::{CapArgs, DatasetVerb, ViewArgs};
use crate::console::Console;
use crate::error::CliError;
use crate::present;
use crate::verbs::{budget, decide};

/// Shows or changes datasets.
pub(super) fn run(verb: &DatasetVerb, console: &mut Console<'_>) -> Result<(), CliError> {
    match verb {
        DatasetVerb::List(view) => list(view, console),
        DatasetVerb::Show { dataset, view } => show(dataset, view, console),
        DatasetVerb::Update { dataset, decision } => {
            let files = super::open(&decision.hub)?.fingerprints(dataset)?;
            let act = Act::UpdateDataset { dataset: dataset.clone(), files };
            decide::run(decision, &act, console)
        }
        DatasetVerb::Cap { dataset, cap, decision } => {
            let act = Act::ChangeDatasetCap { dataset: dataset.clone(), cap: as_terms(cap) };
            decide::run(decision, &act, console)
        }
    }
}

/// A cap as the ledger takes it.
pub(super) fn as_terms(cap: &CapArgs) -> CapTerms {
    CapTerms { epsilon: cap.epsilon.clone(), delta: cap.delta.clone() }
}

/// A dataset for programs.
pub(super) fn as_json(dataset: &Dataset) -> Value {
    json!({
        "dataset": dataset.name,
        "accountant": dataset.accountant.to_string(),
        "epsilon": dataset.terms.epsilon.to_string(),
        "delta": dataset.terms.delta.as_ref().map(ToString::to_string),
        "cap": budget::quantities(&dataset.cap),
        "spent": budget::quantities(&dataset.spent),
        "left": budget::quantities(&dataset.left),
        "data_version": dataset.data_version,
    })
}

fn list(view: &ViewArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let datasets = super::open(&view.hub)?.ledger().datasets()?;
    if view.json {
        return present::json(&datasets.iter().map(as_json).collect(), console);
    }
    let mut table = present::blank();
    table.set_header(["dataset", "accountant", "lifetime cap", "left", "data version"]);
    for dataset in &datasets {
        table.add_row([
            dataset.name.clone(),
            dataset.accountant.to_string(),
            dataset.terms.to_string(),
            budget::share(&dataset.left, &dataset.cap),
            dataset.data_version.clone(),
        ]);
    }
    writeln!(console.out, "{}", table.trim_fmt())?;
    Ok(())
}

fn show(name: &str, view: &ViewArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let hub = super::open(&view.hub)?;
    let dataset = hub.ledger().dataset(name)?;
    let mut tables: Vec<String> =
        hub.ledger().tables(name)?.into_iter().map(|file| file.table).collect();
    tables.sort();
    if view.json {
        let mut value = as_json(&dataset);
        value["tables"] = json!(tables);
        return present::json(&value, console);
    }
    let out = &mut console.out;
    writeln!(out, "dataset  {} ({})", dataset.name, dataset.accountant)?;
    writeln!(out, "cap      {} for all projects and all time", dataset.terms)?;
    writeln!(out, "left     {}", budget::share(&dataset.left, &dataset.cap))?;
    writeln!(out, "version  {}", dataset.data_version)?;
    writeln!(out, "tables   {}", tables.join(", "))?;
    Ok(())
}
