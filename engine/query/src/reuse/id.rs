//! How people name a release.

use std::fmt;

use crate::error::QueryError;

/// As many digits of the bytes' hash stand in a release's id.
const DIGITS: usize = 8;

/// A release of a project: its entry in the ledger, and perhaps the beginning of its bytes' hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseId {
    /// The charge's entry.
    pub entry: u64,
    /// The first digits of the output hash; none where only the entry is known.
    pub hash: Option<String>,
}

impl ReleaseId {
    /// Reads `17` or `17-1a2b3c4d`, as results and receipts show it.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let (entry, hash) = match text.split_once('-') {
            Some((entry, hash)) => (entry, Some(hash.to_ascii_lowercase())),
            None => (text, None),
        };
        let is_entry = entry.bytes().all(|digit| digit.is_ascii_digit());
        let is_hash = hash.as_ref().is_none_or(|hash| {
            (1..=64).contains(&hash.len()) && hash.bytes().all(|digit| digit.is_ascii_hexdigit())
        });
        match entry.parse() {
            Ok(entry) if is_entry && is_hash => Ok(Self { entry, hash }),
            _ => Err(QueryError::input(
                format!("{:?} is no release", text.chars().take(40).collect::<String>()),
                "write the entry that the answer or its receipt names, for example 17 or 17-1a2b3c4d",
            )),
        }
    }

    /// The id of a release whose bytes have this hash.
    pub(crate) fn of(entry: u64, output_hash: &str) -> Self {
        Self { entry, hash: Some(output_hash.chars().take(DIGITS).collect()) }
    }

    /// Whether a release of that entry with this hash is meant.
    pub(crate) fn names(&self, output_hash: &str) -> bool {
        self.hash.as_ref().is_none_or(|hash| output_hash.starts_with(hash))
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hash {
            Some(hash) => write!(out, "{}-{hash}", self.entry),
            None => write!(out, "{}", self.entry),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_an_entry_and_perhaps_digits() {
        for text in ["17", "17-1a2b3c4d", "0-f"] {
            assert_eq!(ReleaseId::parse(text).unwrap().to_string(), text);
        }
        for text in
            ["", "-", "17-", "-1", "+17", "17-xyz", "1.5", "17-1a-2b", "99999999999999999999"]
        {
            assert!(ReleaseId::parse(text).is_err(), "{text:?}");
        }
        let named = ReleaseId::parse("17-1A").unwrap();
        assert!(named.names("1abc") && !named.names("2abc"));
    }
}
