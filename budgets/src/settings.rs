//! Where a ledger lives, and the two files that guard it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::store::database::location::Location;

/// A ledger with its witness and its key.
///
/// The witness only shows a rollback when it is not rolled back along with the ledger: keep it on
/// another disk or machine than the ledger and its backups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The ledger.
    pub location: Location,
    /// The file that says how far the ledger has come.
    pub witness: PathBuf,
    /// The file with the secret key that signs receipts; its public key is beside it, as `.pub`.
    pub key: PathBuf,
}

impl Settings {
    /// A ledger file with both files beside it.
    pub fn beside(path: &Path) -> Self {
        Self {
            location: Location::File(path.to_owned()),
            witness: with_suffix(path, ".witness"),
            key: with_suffix(path, ".key"),
        }
    }

    /// What stands in a hub file in `folder`: a path or a `postgres://` URL, and where the files are
    /// if not beside the ledger.
    pub fn parse(ledger: &str, witness: Option<&Path>, key: Option<&Path>, folder: &Path) -> Self {
        let location = Location::parse(ledger, folder);
        let beside = match &location {
            Location::File(path) => Self::beside(path),
            Location::Postgres(_) => Self::beside(&folder.join("ledger")),
        };
        Self {
            location,
            witness: witness.map_or(beside.witness, |path| folder.join(path)),
            key: key.map_or(beside.key, |path| folder.join(path)),
        }
    }

    /// The path beside which files that belong to the ledger are put: its own, or its witness.
    pub fn neighbour(&self) -> &Path {
        match &self.location {
            Location::File(path) => path,
            Location::Postgres(_) => &self.witness,
        }
    }

    /// Where the public key is.
    pub fn public_key(&self) -> PathBuf {
        with_suffix(&self.key, ".pub")
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
