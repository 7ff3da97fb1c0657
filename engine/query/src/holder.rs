//! What only the data holder's side knows: which account runs this, which files are declared under
//! which dataset, and the key under which they are fingerprinted. Nothing here reaches an analyst.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use voilage_budgets::{ChargeDetail, Ledger, TableFile};

use crate::analysed::scanned_tables;
use crate::catalogue::{Catalogue, TableEntry};
use crate::error::QueryError;
use crate::explanation::Explanation;
use crate::plan::{Boundary, PrivatePlan};

/// Bytes of a file that are hashed at a time.
const CHUNK_LENGTH: usize = 1 << 16;

/// The account of the operating system that runs this process.
pub(crate) fn account() -> String {
    // Where the system cannot name the account, no principal has this name.
    whoami::username().unwrap_or_else(|_| "(nameless)".to_owned())
}

/// The key of the holder's fingerprints: without it, nobody can tell whether a file is a known one.
pub(crate) struct HolderKey([u8; 32]);

impl HolderKey {
    /// Where the key of a ledger file is.
    pub(crate) fn path(ledger: &Path) -> PathBuf {
        ledger.with_extension("holder.key")
    }

    /// Reads the key.
    ///
    /// # Errors
    /// When the file is not one of ours; `Ok(None)` when there is none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, QueryError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(path, &error.to_string())),
        };
        let key = bytes.try_into().map_err(|_| unusable(path, "it has not 32 bytes"))?;
        Ok(Some(Self(key)))
    }

    /// Draws a key and writes it where there is none.
    ///
    /// # Errors
    /// When it cannot be drawn or written.
    pub(crate) fn create(path: &Path) -> Result<Self, QueryError> {
        let key: [u8; 32] = voilage_privacy::source::random_bytes()?;
        write_private(path, &key).map_err(|error| unusable(path, &error.to_string()))?;
        Ok(Self(key))
    }

    /// The file of a table, as the holder's own audit knows it.
    ///
    /// # Errors
    /// When the file cannot be read to its end.
    pub(crate) fn file_of(&self, table: &TableEntry) -> Result<TableFile, QueryError> {
        let path = canonical(table)?;
        let fingerprint = self.fingerprint(&path).map_err(|error| {
            QueryError::input(
                format!("table {}: {} cannot be read: {error}", table.name, path.display()),
                "check the path and its permissions",
            )
        })?;
        Ok(TableFile {
            table: table.name.clone(),
            path: path.to_string_lossy().into_owned(),
            key_id: self.id(),
            fingerprint,
        })
    }

    /// Says which key made a fingerprint, and nothing else about it.
    pub(crate) fn id(&self) -> [u8; 8] {
        let hash =
            Sha256::new().chain_update("voilage.holder-key-id").chain_update(self.0).finalize();
        let mut id = [0; 8];
        id.copy_from_slice(&hash[..8]);
        id
    }

    fn fingerprint(&self, path: &Path) -> io::Result<[u8; 32]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(io::Error::other)?;
        let mut file = File::open(path)?;
        let mut chunk = vec![0; CHUNK_LENGTH];
        loop {
            match file.read(&mut chunk)? {
                0 => return Ok(mac.finalize().into_bytes().into()),
                length => mac.update(&chunk[..length]),
            }
        }
    }
}

/// The path of a table's file, where the ledger knows it as the hub file declares it: a file about people
/// cannot be moved under another dataset's cap by an edit of the hub file, nor be called public.
///
/// # Errors
/// When the ledger does not know the table's file, or there is no such file.
pub(crate) fn must_be_declared(ledger: &Ledger, table: &TableEntry) -> Result<PathBuf, QueryError> {
    let Some(dataset) = table.dataset() else {
        // Where there is no such file, opening it says so.
        let path = table.file.canonicalize().unwrap_or_else(|_| table.file.clone());
        must_be_public(ledger, table, |one| Path::new(&one.path) == path)?;
        return Ok(path);
    };
    let path = canonical(table)?;
    let declared = ledger.tables(dataset)?;
    let is_same = |one: &TableFile| one.table == table.name && Path::new(&one.path) == path;
    if declared.iter().any(is_same) {
        return Ok(path);
    }
    let is_listed = declared.iter().any(|one| one.table == table.name);
    let fix = match is_listed {
        true => format!("have an administrator run `voilage dataset update {dataset} --reason ..`"),
        false => "have an administrator run `voilage init`".to_owned(),
    };
    Err(QueryError::input(
        format!("the ledger does not know this file as table {} of dataset {dataset}", table.name),
        fix,
    ))
}

/// Refuses a table that is called public while the ledger knows its file, or a copy, to be about people.
///
/// # Errors
/// When `is_same` finds it among the files of a dataset.
pub(crate) fn must_be_public(
    ledger: &Ledger,
    table: &TableEntry,
    is_same: impl Fn(&TableFile) -> bool,
) -> Result<(), QueryError> {
    for dataset in ledger.datasets()? {
        if let Some(known) = ledger.tables(&dataset.name)?.iter().find(|one| is_same(one)) {
            return Err(QueryError::input(
                format!(
                    "table {} is declared public, and the ledger knows its file as table {} of dataset {}",
                    table.name, known.table, dataset.name
                ),
                format!("declare it under dataset {}: its rows are about people", dataset.name),
            ));
        }
    }
    Ok(())
}

/// How an answer comes about, for the rules of its project and for the audit: public parameters only.
pub(crate) fn detail(
    catalogue: &Catalogue,
    plan: &PrivatePlan,
    explanation: &Explanation,
) -> ChargeDetail {
    let tables = protected_tables(catalogue, plan.boundaries.iter());
    let columns = explanation.receipt_columns();
    let noise = columns.iter().map(|column| {
        format!(
            "{} ({}): {}, scale {}, sensitivity {}",
            column.name, column.measure, column.mechanism, column.scale, column.sensitivity
        )
    });
    let bounds = plan.boundaries.iter().map(|boundary| {
        format!("{} groups, {} rows in each", boundary.max_groups, boundary.max_rows_per_group)
    });
    ChargeDetail {
        tables,
        mechanisms: noise.collect::<Vec<_>>().join("; "),
        bounds: bounds.collect::<Vec<_>>().join("; "),
        min_units: smallest_group(plan),
    }
}

/// The tables about people that boundaries are about, each once.
pub(crate) fn protected_tables<'a>(
    catalogue: &Catalogue,
    boundaries: impl Iterator<Item = &'a Boundary>,
) -> Vec<String> {
    let mut tables = Vec::new();
    for boundary in boundaries {
        scanned_tables(&boundary.input, &mut tables);
    }
    tables.sort();
    tables.dedup();
    tables.retain(|name| catalogue.table(name).is_ok_and(|table| table.dataset().is_some()));
    tables
}

/// The smallest group that every boundary of a plan shows; `None` where one shows any.
fn smallest_group(plan: &PrivatePlan) -> Option<u32> {
    let smallest = plan.boundaries.iter().map(|boundary| boundary.smallest.map(|one| one.units));
    smallest.min().flatten()
}

/// The one path of a table's file.
///
/// # Errors
/// When there is no such file.
pub(crate) fn canonical(table: &TableEntry) -> Result<PathBuf, QueryError> {
    table.file.canonicalize().map_err(|error| {
        QueryError::input(
            format!("table {}: {} cannot be found: {error}", table.name, table.file.display()),
            "correct its `file` in the hub file",
        )
    })
}

/// Writes a secret that only its owner may read, whole before anybody can find it.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn unusable(path: &Path, why: &str) -> QueryError {
    QueryError::input(
        format!("the holder's key {} cannot be used: {why}", path.display()),
        "restore it from your backup, and check its permissions",
    )
}
