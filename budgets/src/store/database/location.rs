//! Where a ledger lives: a file, or a PostgreSQL database.

use std::fmt;
use std::path::{Path, PathBuf};

/// A ledger's place.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL database, as a `postgres://` URL; never shown with its password.
    Postgres(String),
}

impl Location {
    /// What stands in a hub file: a `postgres://` URL, or a path below `folder`.
    pub fn parse(text: &str, folder: &Path) -> Self {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Self::Postgres(text.to_owned())
        } else {
            Self::File(folder.join(text))
        }
    }
}

impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => f.write_str(&without_secrets(url)),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

/// The URL without its user and password and without parameters, which may hold a password too.
fn without_secrets(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let rest = rest.split('?').next().unwrap_or_default();
    let shown = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{shown}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("postgres://ana:s3cret@db/ledger", "postgres://db/ledger"),
            ("postgresql://db/ledger?password=s3cret&host=/run", "postgresql://db/ledger"),
            ("postgres://ana:s3@cret@db/l", "postgres://db/l"),
            ("postgres:///ledger?user=ana", "postgres:///ledger"),
        ] {
            let location = Location::parse(url, Path::new("/hub"));
            assert_eq!(location.to_string(), shown);
            assert_eq!(format!("{location:?}"), format!("Location({shown})"));
        }
    }

    #[test]
    fn a_path_is_below_the_hubs_folder() {
        let location = Location::parse("ledger.sqlite", Path::new("/hub"));
        assert_eq!(location, Location::File("/hub/ledger.sqlite".into()));
        let location = Location::parse("/var/ledger", Path::new("/hub"));
        assert_eq!(location, Location::File("/var/ledger".into()));
    }
}
