//! The keyed order in which a unit's groups, and a group's rows, are kept.
//!
//! Every hash is SipHash-2-4 over words of 64 bits, little endian: the first names what is ranked,
//! and each part is preceded by its length in bytes and filled up with zeros to whole words, so
//! that the framing is unambiguous; only the last part ends with the message and needs neither.
//! The rank of a group covers the unit and the group; the rank of a row covers the unit, the
//! group, the values that the boundary reads and the row's number among that unit's identical
//! rows; the rank of a value to be counted covers the unit, the group and the value. Nothing else enters: no position, no arrival, nobody else's rows.

/// Stands for NULL; no grid reaches it, and it sorts before every value.
pub(crate) const ABSENT: i64 = i64::MIN;

/// Names the hash of a group; also changes whenever the framing does.
pub(crate) const GROUP_DOMAIN: [u8; 8] = *b"group.02";
/// Names the hash of a row.
pub(crate) const ROW_DOMAIN: [u8; 8] = *b"row.0002";
/// Names the hash of a value to be counted.
pub(crate) const VALUE_DOMAIN: [u8; 8] = *b"value.01";

/// The name of the ranking: releases under two names keep other rows and values, whatever their key.
pub fn ranking() -> String {
    let names = [GROUP_DOMAIN, ROW_DOMAIN, VALUE_DOMAIN];
    names.map(|name| String::from_utf8_lossy(&name).into_owned()).join(" ")
}

/// Ranks groups, rows and values of a unit; the smallest ranks are kept.
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
    /// The shared part of the ranks of a group's values.
    fn values(&self, unit: &[u8], group: &[u8]) -> Self::Prefix;
    /// The rank of a value by its canonical bytes.
    fn value(&self, prefix: &Self::Prefix, value: &[u8]) -> u64;
}

/// The ranking of every release: SipHash-2-4 under the release's bounding key.
///
/// The state after the first parts is kept, so that what many ranks share is hashed once.
pub(crate) struct KeyedRanking {
    groups: SipState,
    rows: SipState,
    values: SipState,
}

impl KeyedRanking {
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        let start = SipState::new(key);
        Self {
            groups: start.word(u64::from_le_bytes(GROUP_DOMAIN)),
            rows: start.word(u64::from_le_bytes(ROW_DOMAIN)),
            values: start.word(u64::from_le_bytes(VALUE_DOMAIN)),
        }
    }
}

impl Ranking for KeyedRanking {
    type Unit = SipState;
    type Prefix = SipState;

    #[inline]
    fn unit(&self, unit: &[u8]) -> SipState {
        self.groups.framed(unit)
    }

    #[inline]
    fn group(&self, unit: &SipState, group: &[u8]) -> u64 {
        unit.finish(group)
    }

    #[inline]
    fn prefix(&self, unit: &[u8], group: &[u8]) -> SipState {
        self.rows.framed(unit).framed(group)
    }

    /// All rows of a plan have the same number of values, one word each.
    #[inline]
    fn row(&self, prefix: &SipState, values: impl Iterator<Item = i64>, copy: u64) -> u64 {
        let state = values.fold(*prefix, |state, value| state.word(value.cast_unsigned()));
        state.word(copy).finish(&[])
    }

    fn values(&self, unit: &[u8], group: &[u8]) -> SipState {
        self.values.framed(unit).framed(group)
    }

    fn value(&self, prefix: &SipState, value: &[u8]) -> u64 {
        prefix.finish(value)
    }
}

/// SipHash-2-4 (Aumasson and Bernstein 2012) after some whole words. It computes what the crate
/// that tests compare it with computes, and is inlined where millions of ranks are taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SipState {
    v: [u64; 4],
    length_bytes: u64,
}

impl SipState {
    fn new(key: &[u8; 16]) -> Self {
        let key = u128::from_le_bytes(*key);
        let (k0, k1) = (key as u64, (key >> 64) as u64);
        let v = [
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ];
        Self { v, length_bytes: 0 }
    }

    /// The state after a further word.
    #[inline]
    fn word(mut self, word: u64) -> Self {
        self.compress(word);
        self.length_bytes = self.length_bytes.wrapping_add(8);
        self
    }

    /// The state after a part with its length before it and zeros behind it.
    #[inline]
    fn framed(self, part: &[u8]) -> Self {
        let (words, rest) = part.as_chunks::<8>();
        let state = words.iter().fold(self.word(part.len() as u64), |state, word| {
            state.word(u64::from_le_bytes(*word))
        });
        if rest.is_empty() { state } else { state.word(short(rest)) }
    }

    /// The hash of everything so far and some last bytes.
    #[inline]
    fn finish(&self, last: &[u8]) -> u64 {
        let (words, rest) = last.as_chunks::<8>();
        let mut state = *self;
        words.iter().for_each(|word| state.compress(u64::from_le_bytes(*word)));
        let length_bytes = self.length_bytes.wrapping_add(last.len() as u64);
        state.compress(short(rest) | length_bytes << 56);
        state.v[2] ^= 0xff;
        (0..4).for_each(|_| state.round());
        state.v[0] ^ state.v[1] ^ state.v[2] ^ state.v[3]
    }

    #[inline]
    fn compress(&mut self, word: u64) {
        self.v[3] ^= word;
        self.round();
        self.round();
        self.v[0] ^= word;
    }

    #[inline]
    fn round(&mut self) {
        let [v0, v1, v2, v3] = &mut self.v;
        *v0 = v0.wrapping_add(*v1);
        *v2 = v2.wrapping_add(*v3);
        *v1 = v1.rotate_left(13) ^ *v0;
        *v3 = v3.rotate_left(16) ^ *v2;
        *v0 = v0.rotate_left(32);
        *v2 = v2.wrapping_add(*v1);
        *v0 = v0.wrapping_add(*v3);
        *v1 = v1.rotate_left(17) ^ *v2;
        *v3 = v3.rotate_left(21) ^ *v0;
        *v2 = v2.rotate_left(32);
    }
}

/// Fewer than eight bytes as a word, the first one lowest.
#[inline]
fn short(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher;

    use proptest::prelude::*;
    use siphasher::sip::SipHasher24;

    use super::*;

    proptest! {
        #[test]
        fn hashes_are_those_of_the_crate(
            key in any::<[u8; 16]>(),
            words in prop::collection::vec(any::<u64>(), 0..40),
            part in prop::collection::vec(any::<u8>(), 0..40),
            last in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let state = words.iter().fold(SipState::new(&key), |state, &word| state.word(word));
            let mut hasher = SipHasher24::new_with_key(&key);
            words.iter().for_each(|word| hasher.write(&word.to_le_bytes()));
            hasher.write(&(part.len() as u64).to_le_bytes());
            let mut padded = part.clone();
            padded.resize(part.len().next_multiple_of(8), 0);
            hasher.write(&padded);
            hasher.write(&last);
            prop_assert_eq!(state.framed(&part).finish(&last), hasher.finish());
        }
    }
}
