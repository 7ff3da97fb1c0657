//! The keyed order in which a unit's groups, and a group's rows, are kept.
//!
//! Every hash is SipHash-2-4 over an unambiguous framing: each part is preceded by its length in
//! bytes (64 bits, little endian), and the first part names what is ranked. The rank of a group
//! covers the unit and the group; the rank of a row covers the unit, the group, the values that
//! the boundary reads and the row's number among that unit's identical rows. Nothing else enters:
//! no position, no arrival, nobody else's rows.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use crate::rows::ABSENT;

/// Names the hash of a group; also changes whenever the framing does.
pub(crate) const GROUP_DOMAIN: &[u8] = b"voilage.group.1";
/// Names the hash of a row.
pub(crate) const ROW_DOMAIN: &[u8] = b"voilage.row.1";

/// Ranks groups and rows of a unit; the smallest ranks are kept.
pub(crate) trait Ranking: Sync {
    /// What all rows of one unit and group share.
    type Prefix: Sync;

    /// The rank of a group within a unit.
    fn group(&self, unit: &[u8], group: &[u8]) -> u64;
    /// The shared part of the ranks of a group's rows.
    fn prefix(&self, unit: &[u8], group: &[u8]) -> Self::Prefix;
    /// The rank of a row: its values and its number among identical rows.
    fn row(&self, prefix: &Self::Prefix, values: impl Iterator<Item = i64>, copy: u64) -> u64;
}

/// The ranking of every release: SipHash-2-4 under the release's bounding key.
pub(crate) struct KeyedRanking(SipHasher24);

impl KeyedRanking {
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        Self(SipHasher24::new_with_key(key))
    }

    fn framed(&self, parts: [&[u8]; 3]) -> SipHasher24 {
        let mut hasher = self.0;
        for part in parts {
            hasher.write(&(part.len() as u64).to_le_bytes());
            hasher.write(part);
        }
        hasher
    }
}

impl Ranking for KeyedRanking {
    type Prefix = SipHasher24;

    fn group(&self, unit: &[u8], group: &[u8]) -> u64 {
        self.framed([GROUP_DOMAIN, unit, group]).finish()
    }

    fn prefix(&self, unit: &[u8], group: &[u8]) -> SipHasher24 {
        self.framed([ROW_DOMAIN, unit, group])
    }

    /// All rows of a plan have the same number of values of nine bytes each, which makes the
    /// framing unambiguous without further lengths.
    fn row(&self, prefix: &SipHasher24, values: impl Iterator<Item = i64>, copy: u64) -> u64 {
        let mut hasher = *prefix;
        for value in values {
            hasher.write(&canonical_value(value));
        }
        hasher.write(&copy.to_le_bytes());
        hasher.finish()
    }
}

/// A value as bytes that sort like the values: NULL first, then in steps.
pub(crate) fn canonical_value(value: i64) -> [u8; 9] {
    let mut bytes = [0; 9];
    if value != ABSENT {
        bytes[0] = 1;
        bytes[1..].copy_from_slice(&(value ^ i64::MIN).to_be_bytes());
    }
    bytes
}
