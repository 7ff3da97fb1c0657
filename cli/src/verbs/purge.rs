//! `voilage project purge`: working files go when a project may not ask any more.
//!
//! Only what a run's manifest names is deleted; the ledger and its sealed answers stay.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use voilage_budgets::{Act, Mode, Outcome};

use crate::args::admin::DecisionArgs;
use crate::console::Console;
use crate::error::CliError;
use crate::verbs::decide;

#[derive(Deserialize)]
struct ManifestFiles {
    questions: Vec<ManifestFile>,
}

#[derive(Deserialize)]
struct ManifestFile {
    file: String,
}

/// Records the purge, then deletes the files.
pub(super) fn run(
    project: &str,
    out: &Path,
    args: &DecisionArgs,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let hub = super::open(&args.hub)?;
    hub.ledger().project(project)?;
    let folder = out.join(project);
    let files = working_files(&folder)?;
    let count = u32::try_from(files.len()).unwrap_or(u32::MAX);
    let act = Act::RecordPurge { project: project.to_owned(), files: count };
    // Recorded first: a deletion that nobody recorded could not be explained later.
    let outcome = decide::carry_out(&hub, &args.reason, &act, &args.mode)?;
    let is_real = decide::as_mode(&args.mode) == Mode::Record;
    if is_real && matches!(outcome, Outcome::Done { .. }) {
        for file in &files {
            let path = folder.join(file);
            fs::remove_file(&path).map_err(|error| CliError::file("deleted", &path, error))?;
        }
        // A folder that holds something else stays.
        let _ = fs::remove_dir(&folder);
    }
    let what = format!("delete {count} working files of project {project} in {}", folder.display());
    decide::report(&what, &outcome, &args.mode, console)
}

/// What `voilage run` wrote to a folder, by its manifest.
fn working_files(folder: &Path) -> Result<Vec<String>, CliError> {
    let manifest = folder.join("run.json");
    let bytes = fs::read(&manifest).map_err(|error| CliError::file("read", &manifest, error))?;
    let listed: ManifestFiles = serde_json::from_slice(&bytes).map_err(|_| {
        CliError::input(
            format!("{} is not the manifest of a run", manifest.display()),
            "give the folder that `voilage run --out` wrote to",
        )
    })?;
    let mut files: Vec<String> =
        listed.questions.into_iter().map(|question| question.file).collect();
    if let Some(foreign) = files.iter().find(|file| Path::new(file).components().count() != 1) {
        return Err(CliError::input(
            format!("the manifest {} names {foreign:?}, which is elsewhere", manifest.display()),
            "give the folder that `voilage run --out` wrote to",
        ));
    }
    files.push("report.html".to_owned());
    // The list goes last, so that an interrupted purge can be repeated.
    files.push("run.json".to_owned());
    files.retain(|file| folder.join(file).is_file());
    Ok(files)
}
