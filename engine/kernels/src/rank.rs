//! The keyed order in which a unit's groups, and a group's rows, are kept.
//!
//! Every hash is SipHash-2-4 over an unambiguous framing: each part is preceded by its length in
//! bytes (64 bits, little endian), and the first part names what is ranked. The rank of a group
//! covers the unit and the group; the rank of a row covers the unit, the group, the values that
//! the boundary reads and the row's number among that unit's identical rows. Nothing else enters:
//! no position, no arrival, nobody else's rows.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

/// Stands for NULL; no grid reaches it, and it sorts before every value.
pub(crate) const ABSENT: i64 = i64::MIN;

/// Names the hash of a group; also changes whenever the framing does.
pub(crate) const GROUP_DOMAIN: &[u8] = b"voilage.group.1";
/// Names the hash of a row.
pub(crate) const ROW_DOMAIN: &[u8] = b"voilage.row.1";

/// Ranks groups and rows of a unit; the smallest ranks are kept.
pub(crate) trait Ranking: Sync {
    /// What all groups of one unit share.
    type Unit;
    /// What all rows of one unit and group share.
    type Prefix: Sync;

    /// The shared part of the ranks of a unit's groups.
    fn unit(&self, unit: &[u8]) -> Self::Unit;
    /// The rank of a group within a unit.
    fn group(&self, unit: &Self::Unit, group: &[u8]) -> u64;
    /// The shared part of the ranks of a group's rows.
    fn prefix(&self, unit: &[u8], group: &[u8]) -> Self::Prefix;
    /// The rank of a row: its values and its number among identical rows.
    fn row(&self, prefix: &Self::Prefix, values: impl Iterator<Item = i64>, copy: u64) -> u64;
}

/// The ranking of every release: SipHash-2-4 under the release's bounding key.
///
/// The state after the first parts is kept, so that what many ranks share is hashed once.
pub(crate) struct KeyedRanking {
    groups: SipHasher24,
    rows: SipHasher24,
}

impl KeyedRanking {
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        let hasher = SipHasher24::new_with_key(key);
        Self { groups: framed(hasher, GROUP_DOMAIN), rows: framed(hasher, ROW_DOMAIN) }
    }
}

#[inline]
fn framed(mut hasher: SipHasher24, part: &[u8]) -> SipHasher24 {
    hasher.write_u64(part.len() as u64);
    hasher.write(part);
    hasher
}

impl Ranking for KeyedRanking {
    type Unit = SipHasher24;
    type Prefix = SipHasher24;

    #[inline]
    fn unit(&self, unit: &[u8]) -> SipHasher24 {
        framed(self.groups, unit)
    }

    #[inline]
    fn group(&self, unit: &SipHasher24, group: &[u8]) -> u64 {
        framed(*unit, group).finish()
    }

    #[inline]
    fn prefix(&self, unit: &[u8], group: &[u8]) -> SipHasher24 {
        framed(framed(self.rows, unit), group)
    }

    /// All rows of a plan have the same number of values of nine bytes each, which makes the
    /// framing unambiguous without further lengths.
    fn row(&self, prefix: &SipHasher24, values: impl Iterator<Item = i64>, copy: u64) -> u64 {
        let mut hasher = *prefix;
        for value in values {
            hasher.write(&canonical_value(value));
        }
        hasher.write_u64(copy);
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
