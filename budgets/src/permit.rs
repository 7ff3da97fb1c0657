//! Permits: who allowed a study, on which legal basis, and from when to when.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Who allowed a study, and from when to when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permit {
    /// Who gave it.
    pub authority: String,
    /// Under which number.
    pub reference: String,
    /// For what.
    pub purpose: String,
    /// Its first day (UTC).
    #[serde(with = "day_text")]
    pub starts: NaiveDate,
    /// Its last day (UTC), still allowed.
    #[serde(with = "day_text")]
    pub ends: NaiveDate,
}

/// The ground on which a permit was given.
///
/// *Source*: Regulation (EU) 2025/327 on the European Health Data Space, articles 68 and 69.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LegalBasis {
    /// A data permit (article 68).
    DataPermit,
    /// An approved health data request, answered with statistics only (article 69).
    DataRequest,
    /// Another law; the permit's reference says which.
    OtherLaw,
    /// Nobody said.
    #[default]
    Unstated,
}

impl LegalBasis {
    /// Every basis.
    pub const ALL: [Self; 4] =
        [Self::DataPermit, Self::DataRequest, Self::OtherLaw, Self::Unstated];

    /// The word for it, in the ledger and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::DataPermit => "data-permit",
            Self::DataRequest => "data-request",
            Self::OtherLaw => "other-law",
            Self::Unstated => "unstated",
        }
    }
}

impl fmt::Display for LegalBasis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::DataPermit => "data permit (EHDS article 68)",
            Self::DataRequest => "data request (EHDS article 69)",
            Self::OtherLaw => "other law",
            Self::Unstated => "unstated",
        })
    }
}

/// A permit as the ledger has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantedPermit {
    /// The entry that recorded it.
    pub entry: u64,
    /// Its terms, with its last day as extended.
    pub permit: Permit,
    /// On what ground it was given.
    pub legal_basis: LegalBasis,
    /// Whether its last day was moved.
    pub extended: bool,
}

/// Days as `YYYY-MM-DD` text, so that a stored act does not depend on another crate's format.
pub(crate) mod day_text {
    use chrono::NaiveDate;
    use serde::de::{Deserialize, Deserializer, Error as _};
    use serde::ser::Serializer;

    pub(crate) fn serialize<S: Serializer>(day: &NaiveDate, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(day)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<NaiveDate, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }

    /// The same for a day that may be absent.
    pub(crate) mod optional {
        use chrono::NaiveDate;
        use serde::de::{Deserialize, Deserializer, Error as _};
        use serde::ser::Serializer;

        pub(crate) fn serialize<S: Serializer>(
            day: &Option<NaiveDate>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            match day {
                Some(day) => to.collect_str(day),
                None => to.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<NaiveDate>, D::Error> {
            let text = Option::<String>::deserialize(from)?;
            text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
        }
    }
}
