//! The corpus: files of questions, each with a name.
//!
//! ```sql
//! -- # name-of-the-question
//! SELECT ...
//! -- fixed
//! SELECT ...
//! ```
//!
//! The second statement is there where the first is refused: what somebody writes who follows the
//! refusal's fix.

use std::path::{Path, PathBuf};

/// One question of the corpus.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name, unique in its file.
    pub name: String,
    /// The question.
    pub sql: String,
    /// The question after the fix, if it is refused.
    pub fixed: Option<String>,
}

/// The corpus files of a dataset, sorted by name.
///
/// # Errors
/// When the folder cannot be read.
pub fn files(dataset: &str) -> std::io::Result<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(dataset);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    Ok(files)
}

/// The questions of a corpus file.
pub fn entries(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut fixing = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("-- # ") {
            fixing = false;
            let name = name.trim().to_owned();
            entries.push(Entry { name, sql: String::new(), fixed: None });
        } else if line.trim() == "-- fixed" {
            fixing = true;
        } else if let Some(entry) = entries.last_mut() {
            let part =
                if fixing { entry.fixed.get_or_insert_with(String::new) } else { &mut entry.sql };
            part.push_str(line);
            part.push('\n');
        }
    }
    for entry in &mut entries {
        entry.sql = entry.sql.trim().to_owned();
        entry.fixed = entry.fixed.as_ref().map(|sql| sql.trim().to_owned());
    }
    entries
}

/// The demo's hub file with a wide cap, and a price for questions that state none.
///
/// # Errors
/// When the file cannot be read.
pub fn demo_hub() -> std::io::Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/hub.toml");
    let text = std::fs::read_to_string(path)?;
    Ok(text.replace(
        "cap = { epsilon = \"10\", delta = \"1e-6\" }",
        "cap = { epsilon = \"1000\", delta = \"1e-2\" }\ndefault_spend = { rho = \"0.02\" }",
    ))
}
