//! House rules that the compiler does not know: floors, forbidden crates, where versions stand,
//! lengths and words.
//!
//! [`check`] is a function of a [`Tree`] of texts, so that a test can plant a violation in a small
//! tree and see it found. A rule whose violation cannot be planted is not a rule.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;

use toml::{Table, Value};

/// A room of the house: a workspace member with its floor.
struct Room {
    package: &'static str,
    folder: &'static str,
    floor: u8,
    /// Crates it must not name; `name*` stands for a family.
    forbidden: &'static [&'static str],
}

/// Every room, lowest floor first. A member that is missing here is a finding.
const ROOMS: &[Room] = &[
    Room {
        package: "voilage-privacy",
        folder: "engine/privacy",
        floor: 0,
        forbidden: &["arrow*", "parquet", "tokio", "futures"],
    },
    Room {
        package: "voilage-kernels",
        folder: "engine/kernels",
        floor: 1,
        forbidden: &["tokio", "futures", "sqlparser"],
    },
    Room {
        package: "voilage-budgets",
        folder: "budgets",
        floor: 1,
        forbidden: &["arrow*", "parquet", "tokio", "futures", "sqlparser"],
    },
    Room { package: "voilage-query", folder: "engine/query", floor: 2, forbidden: &[] },
    Room { package: "voilage-server", folder: "server", floor: 3, forbidden: &[] },
    Room { package: "voilage-cli", folder: "cli", floor: 4, forbidden: &[] },
    Room { package: "voilage-python", folder: "python", floor: 4, forbidden: &[] },
    Room { package: "voilage-benches", folder: "benches", floor: 5, forbidden: &[] },
    Room { package: "voilage-tests", folder: "tests", floor: 5, forbidden: &[] },
];

/// Imports within one floor that the design asks for: the wheel's command is the command.
const SAME_FLOOR: &[(&str, &str)] = &[("voilage-python", "voilage-cli")];

/// Crates that some rooms alone may name.
const CONFINED: &[(&str, &[&str], &str)] = &[
    ("datafusion*", &["engine/query"], "engine/query is the only room that knows DataFusion"),
    ("rusqlite", &["budgets", "tests"], "the ledger is the only database"),
    ("opendp", &["engine/privacy"], "prices are computed in engine/privacy"),
    ("getrandom", &["engine/privacy"], "engine/privacy is the only source of randomness"),
    ("rand_chacha", &["engine/privacy"], "engine/privacy is the only source of randomness"),
    ("rand", &[], "engine/privacy has its own exact samplers"),
];

/// Text that some folders alone may hold.
const CONFINED_TEXT: &[(&str, &[&str], &str)] = &[(
    "physical_plan",
    &["engine/query/src/execute", "engine/query/src/post"],
    "only execute and post touch physical plans",
)];

/// Keys that a member takes from the workspace.
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

const RUST_LINES_MAX: usize = 600;
const README_LINES_MAX: usize = 150;

/// Folders at any depth, and file endings, that hold nothing of the repository.
const SKIPPED_FOLDERS: &[&str] = &[
    ".git",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    "__pycache__",
    "data",
    "out",
    "target",
];

/// The repository's texts by path, with `/` between folders.
pub struct Tree {
    files: BTreeMap<String, String>,
}

/// One violation: where, and which rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, relative to the root.
    pub path: String,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.problem)
    }
}

impl Tree {
    /// A tree of the given paths and texts.
    pub fn from_files<P, T>(files: impl IntoIterator<Item = (P, T)>) -> Self
    where
        P: Into<String>,
        T: Into<String>,
    {
        Self { files: files.into_iter().map(|(path, text)| (path.into(), text.into())).collect() }
    }

    /// Reads every text below `root`, leaving out what is built, downloaded or produced.
    ///
    /// # Errors
    /// When a folder or file cannot be read.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder)? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    if !SKIPPED_FOLDERS.contains(&name.as_str()) {
                        folders.push(entry.path());
                    }
                } else if kind.is_file()
                    && let Ok(text) = String::from_utf8(std::fs::read(entry.path())?)
                {
                    let path = entry.path();
                    let relative = path.strip_prefix(root).map_err(io::Error::other)?;
                    files.insert(relative.to_string_lossy().replace('\\', "/"), text);
                }
            }
        }
        Ok(Self { files })
    }

    /// Adds or replaces one file.
    #[must_use]
    pub fn with(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }

    /// How many files the tree holds.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// Every violation of the house rules in `tree`, by path.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    check_workspace(tree, &mut findings);
    for (path, text) in &tree.files {
        check_words(path, text, &mut findings);
        if path.ends_with(".rs") {
            check_source(path, text, &mut findings);
        }
        if path == "README.md" && text.lines().count() >= README_LINES_MAX {
            findings.add(path, format!("keep it under {README_LINES_MAX} lines"));
        }
    }
    findings.0.sort_by(|a, b| a.path.cmp(&b.path));
    findings.0
}

struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, path: &str, problem: impl Into<String>) {
        self.0.push(Finding { path: path.to_owned(), problem: problem.into() });
    }
}

fn check_workspace(tree: &Tree, findings: &mut Findings) {
    let Some(root) = manifest(tree, "Cargo.toml", findings) else { return };
    let members = root
        .get("workspace")
        .and_then(|workspace| workspace.get("members"))
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    if members.is_empty() {
        findings.add("Cargo.toml", "the workspace names no members");
    }
    for member in members {
        let folder = member.as_str().unwrap_or_default();
        let Some(room) = ROOMS.iter().find(|room| room.folder == folder) else {
            findings.add("Cargo.toml", format!("{folder} has no floor: add it to tidy's rooms"));
            continue;
        };
        let path = format!("{folder}/Cargo.toml");
        if let Some(member) = manifest(tree, &path, findings) {
            check_member(room, &path, &member, findings);
        }
    }
}

fn manifest(tree: &Tree, path: &str, findings: &mut Findings) -> Option<Table> {
    let Some(text) = tree.files.get(path) else {
        findings.add(path, "this manifest is missing");
        return None;
    };
    match text.parse() {
        Ok(table) => Some(table),
        Err(_) => {
            findings.add(path, "this manifest is not TOML");
            None
        }
    }
}

fn check_member(room: &Room, path: &str, member: &Table, findings: &mut Findings) {
    let package = member.get("package").and_then(Value::as_table);
    if package.and_then(|package| package.get("name")).and_then(Value::as_str) != Some(room.package)
    {
        findings.add(path, format!("this room's package is called {}", room.package));
    }
    for key in INHERITED {
        if !package.and_then(|package| package.get(*key)).is_some_and(inherits) {
            findings.add(path, format!("write {key}.workspace = true"));
        }
    }
    if !member.get("lints").is_some_and(inherits) {
        findings.add(path, "write [lints] workspace = true");
    }
    if member.contains_key("profile") {
        findings.add(path, "profiles are set in the root manifest only");
    }
    for (name, dependency) in dependencies(member) {
        if !inherits(dependency) {
            findings.add(
                path,
                format!(
                    "{name}: versions and features stand in workspace.dependencies only; write \
                     {name}.workspace = true"
                ),
            );
        }
        check_dependency(room, path, name, findings);
    }
}

/// Whether a value is `{ workspace = true }` and nothing else.
fn inherits(value: &Value) -> bool {
    value.as_table().is_some_and(|table| {
        table.len() == 1 && table.get("workspace").and_then(Value::as_bool) == Some(true)
    })
}

/// All dependencies of a manifest: normal, for tests, for builds, and those of single platforms.
fn dependencies(manifest: &Table) -> Vec<(&str, &Value)> {
    let platforms = manifest.get("target").and_then(Value::as_table);
    let tables = platforms.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    let mut found = Vec::new();
    for table in tables.chain([manifest]) {
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let entries = table.get(section).and_then(Value::as_table).into_iter().flatten();
            found.extend(entries.map(|(name, value)| (name.as_str(), value)));
        }
    }
    found
}

fn check_dependency(room: &Room, path: &str, name: &str, findings: &mut Findings) {
    if name.starts_with("voilage-") {
        let below = ROOMS.iter().find(|other| other.package == name);
        let designed = SAME_FLOOR.contains(&(room.package, name));
        match below {
            Some(other) if other.floor < room.floor || designed => {}
            Some(other) => findings.add(
                path,
                format!(
                    "floor {} imports {name} of floor {}: import only from below",
                    room.floor, other.floor
                ),
            ),
            None => findings.add(path, format!("{name} has no floor: add it to tidy's rooms")),
        }
    }
    if room.forbidden.iter().any(|pattern| matches(pattern, name)) {
        findings.add(path, format!("{} must not name {name}", room.folder));
    }
    for (pattern, homes, reason) in CONFINED {
        if matches(pattern, name) && !homes.contains(&room.folder) {
            findings.add(path, format!("{name} does not belong here: {reason}"));
        }
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(family) => name.starts_with(family),
        None => name == pattern,
    }
}

fn check_source(path: &str, text: &str, findings: &mut Findings) {
    let lines = text.lines().count();
    if lines > RUST_LINES_MAX {
        findings.add(path, format!("{lines} lines: split it, {RUST_LINES_MAX} are the most"));
    }
    let opens_a_folder = path.ends_with("/lib.rs") || path.ends_with("/mod.rs");
    if opens_a_folder && !text.starts_with("//! ") {
        findings.add(path, "open with //!: what lives here, and what must never be imported here");
    }
    if path.ends_with("/lib.rs") && text.trim_end() == concat!("//! ", "placeholder") {
        findings.add(path, "this room is still empty");
    }
    for (words, homes, reason) in CONFINED_TEXT {
        let at_home = homes.iter().any(|home| path.starts_with(home));
        let product = ROOMS
            .iter()
            .any(|room| room.floor < 5 && path.starts_with(&format!("{}/src/", room.folder)));
        if product && !at_home && text.contains(words) {
            findings.add(path, format!("{words} does not belong here: {reason}"));
        }
    }
}

/// Words that no file may hold. Written in two parts, so that this file holds none of them.
const WORDS: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "file it or do it"),
    (concat!("FIX", "ME"), "fix it"),
    (concat!("crates", ".io"), "name packages, not the hosts they come from"),
    (concat!("pypi", ".org"), "name packages, not the hosts they come from"),
    (concat!("python", "hosted"), "name packages, not the hosts they come from"),
    (concat!("npm", "js"), "name packages, not the hosts they come from"),
    (concat!("deb.", "debian"), "name packages, not the hosts they come from"),
    (concat!("/ro", "ot/"), "name no path of one machine"),
    (concat!("/wo", "rk/"), "name no path of one machine"),
];

fn check_words(path: &str, text: &str, findings: &mut Findings) {
    // Cargo writes the index it resolved against into its lock file.
    if path == "Cargo.lock" || path == "fuzz/Cargo.lock" {
        return;
    }
    for (number, line) in text.lines().enumerate() {
        for (word, fix) in WORDS {
            if holds_word(line, word) {
                findings.add(path, format!("line {}: {word}: {fix}", number + 1));
            }
        }
    }
}

/// Whether `line` holds `word` with no letter or digit right before or after it.
fn holds_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, found)| {
        let before = line[..start].chars().next_back();
        let after = line[start + found.len()..].chars().next();
        let bounded = |edge: Option<char>, inner: Option<char>| {
            !inner.is_some_and(char::is_alphanumeric) || !edge.is_some_and(char::is_alphanumeric)
        };
        bounded(before, word.chars().next()) && bounded(after, word.chars().next_back())
    })
}
