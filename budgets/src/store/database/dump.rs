//! Copies of a whole ledger: files that appear complete or not at all, and PostgreSQL's own programs.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind as IoErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use postgres::Config;
use postgres::config::Host;

use super::sync_folder;
use crate::error::LedgerError;

/// What a copy of a ledger is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// A SQLite file.
    Sqlite,
    /// An archive of `pg_dump`.
    Postgres,
}

impl Format {
    /// What such a file begins with.
    fn magic(self) -> &'static [u8] {
        match self {
            Self::Sqlite => b"SQLite format 3\0",
            Self::Postgres => b"PGDMP",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Sqlite => "a ledger in a file",
            Self::Postgres => "a ledger in PostgreSQL",
        }
    }
}

/// Refuses a file that is no copy of a ledger in this format, by its first bytes.
pub(super) fn must_be(path: &Path, wanted: Format) -> Result<(), LedgerError> {
    let unreadable = |error: std::io::Error| match error.kind() {
        IoErrorKind::NotFound => bad(path, "there is no such file", "check its name"),
        _ => LedgerError::Unreadable { at: path.into(), why: error.to_string() },
    };
    let mut begins = Vec::new();
    File::open(path).and_then(|file| file.take(16).read_to_end(&mut begins)).map_err(unreadable)?;
    for format in [Format::Sqlite, Format::Postgres] {
        if begins.starts_with(format.magic()) {
            if format == wanted {
                return Ok(());
            }
            let why = format!(
                "it is a backup of {}, and the hub file names {}",
                format.words(),
                wanted.words()
            );
            return Err(bad(
                path,
                &why,
                "restore it where the hub file names a ledger of its kind",
            ));
        }
    }
    Err(bad(path, "it is no backup of a ledger", "give a file that `voilage ledger backup` wrote"))
}

/// What stands where a ledger or a backup should go.
pub(super) fn in_the_way(path: &Path) -> LedgerError {
    LedgerError::BadTerms {
        subject: path.display().to_string(),
        why: "it exists already and was not touched".to_owned(),
        fix: "move it away and keep it: what is in it may have been spent and told".to_owned(),
    }
}

fn bad(path: &Path, why: &str, fix: &str) -> LedgerError {
    LedgerError::BadTerms {
        subject: path.display().to_string(),
        why: why.to_owned(),
        fix: fix.to_owned(),
    }
}

/// The path with a suffix to its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn part_of(target: &Path) -> PathBuf {
    beside(target, ".part")
}

/// Refuses to write over anything.
pub(crate) fn must_be_free(target: &Path) -> Result<(), LedgerError> {
    match [target.to_owned(), part_of(target)].iter().find(|there| there.exists()) {
        Some(there) => Err(in_the_way(there)),
        None => Ok(()),
    }
}

/// A file in the making; it is gone again unless it becomes what it should.
pub(super) struct Part {
    pub(super) path: PathBuf,
}

impl Part {
    /// A new name beside `target`, which must be free.
    pub(super) fn new(target: &Path) -> Result<Self, LedgerError> {
        must_be_free(target)?;
        Ok(Self { path: part_of(target) })
    }

    /// Marks the file, which its owner alone may read from now on.
    pub(super) fn is_read_only(&self) -> Result<(), LedgerError> {
        let marked = fs::metadata(&self.path).and_then(|metadata| {
            let mut permissions = metadata.permissions();
            permissions.set_readonly(true);
            #[cfg(unix)]
            std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o400);
            fs::set_permissions(&self.path, permissions)
        });
        marked.map_err(|error| failed(&error))
    }

    /// Gives the file its name, durably.
    pub(super) fn becomes(self, target: &Path) -> Result<(), LedgerError> {
        File::open(&self.path)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(&self.path, target))
            .map_err(|error| failed(&error))?;
        sync_folder(target)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            // Most of them are not there; a leftover is in the way of the next one, which says so.
            let _ = fs::remove_file(beside(&self.path, suffix));
        }
    }
}

fn failed(error: &std::io::Error) -> LedgerError {
    LedgerError::Disk { why: error.to_string() }
}

/// Writes what a snapshot sees of the ledger's schema.
pub(super) fn write(config: &Config, snapshot: &str, target: &Path) -> Result<(), LedgerError> {
    let mut program = connected("pg_dump", config);
    program
        .args(["--format=custom", "--schema=voilage", "--no-owner", "--no-privileges"])
        .arg(format!("--snapshot={snapshot}"))
        .arg("--file")
        .arg(target);
    finished("pg_dump", program).map(drop)
}

/// Reads an archive to its end: it must hold a ledger, and nothing outside the ledger's schema.
pub(super) fn must_be_a_ledger(copy: &Path) -> Result<(), LedgerError> {
    let mut program = Command::new("pg_restore");
    program.arg("--list").arg(copy);
    let list = finished("pg_restore", program)?;
    // "215; 1259 16385 TABLE voilage entry voilage": what it is, its schema, its name, its owner.
    let items: Vec<&str> =
        list.lines().filter(|line| !line.starts_with(';') && !line.trim().is_empty()).collect();
    let is_ours = |line: &&str| line.contains(" voilage ") || line.contains(" SCHEMA - voilage");
    if let Some(stranger) = items.iter().find(|line| !is_ours(line)) {
        let why = format!("it holds something outside the ledger: {}", stranger.trim());
        return Err(bad(copy, &why, "give a file that `voilage ledger backup` wrote"));
    }
    if !items.iter().any(|line| line.contains(" TABLE DATA voilage entry ")) {
        let why = "it holds no ledger";
        return Err(bad(copy, why, "give a file that `voilage ledger backup` wrote"));
    }
    let mut program = Command::new("pg_restore");
    program.args(["--file", "/dev/null"]).arg(copy);
    finished("pg_restore", program).map(drop)
}

/// Puts an archive into a database, all of it or nothing.
pub(super) fn read_into(config: &Config, copy: &Path) -> Result<(), LedgerError> {
    let mut program = connected("pg_restore", config);
    program
        .args(["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"])
        .arg("--dbname")
        .arg(config.get_dbname().or(config.get_user()).unwrap_or("postgres"))
        .arg(copy);
    finished("pg_restore", program).map(drop)
}

/// A program that connects where the ledger is. Its surroundings hold the password, because its
/// arguments are shown to everybody on the machine.
fn connected(name: &str, config: &Config) -> Command {
    let mut program = Command::new(name);
    let joined = |parts: Vec<String>| parts.join(",");
    let host = |host: &Host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) => folder.display().to_string(),
    };
    let settings = [
        ("PGHOST", joined(config.get_hosts().iter().map(host).collect())),
        ("PGPORT", joined(config.get_ports().iter().map(ToString::to_string).collect())),
        ("PGUSER", config.get_user().unwrap_or_default().to_owned()),
        ("PGDATABASE", config.get_dbname().unwrap_or_default().to_owned()),
    ];
    for (name, value) in settings.into_iter().filter(|(_, value)| !value.is_empty()) {
        program.env(name, value);
    }
    if let Some(password) = config.get_password() {
        program.env("PGPASSWORD", String::from_utf8_lossy(password).into_owned());
    }
    // These would lead elsewhere.
    for name in ["PGSERVICE", "PGSERVICEFILE", "PGHOSTADDR", "PGOPTIONS"] {
        program.env_remove(name);
    }
    program
}

/// What a program wrote, once it has ended well.
fn finished(name: &str, mut program: Command) -> Result<String, LedgerError> {
    let output = program.stdin(Stdio::null()).output().map_err(|error| match error.kind() {
        IoErrorKind::NotFound => LedgerError::BadTerms {
            subject: name.to_owned(),
            why: "this program of PostgreSQL was not found".to_owned(),
            fix: "install Debian's `postgresql-client`, or put its folder on the PATH".to_owned(),
        },
        _ => failed(&error),
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let why = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("it gave no reason");
    Err(LedgerError::Disk { why: format!("{name}: {}", why.trim()) })
}
