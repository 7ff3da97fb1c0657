//! Dense ids for byte strings, compared by bytes and never by hash.

use std::hash::BuildHasher;

use hashbrown::HashTable;

/// A set of byte strings numbered in order of arrival.
///
/// The numbers depend on arrival and must never influence a result; only the bytes may.
/// The hash decides where to look, the bytes decide what is equal, so that a bad hash costs time
/// and nothing else.
pub(crate) struct Interner<S> {
    table: HashTable<u32>,
    strings: Strings,
    hasher: S,
}

/// Byte strings stored end to end.
#[derive(Debug, Clone)]
pub(crate) struct Strings {
    bytes: Vec<u8>,
    /// Where each string starts, and after them where the last one ends.
    offsets: Vec<usize>,
}

impl Strings {
    fn new() -> Self {
        Self { bytes: Vec::new(), offsets: vec![0] }
    }

    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(crate) fn get(&self, id: u32) -> &[u8] {
        let id = id as usize;
        &self.bytes[self.offsets[id]..self.offsets[id + 1]]
    }

    fn push(&mut self, string: &[u8]) {
        self.bytes.extend_from_slice(string);
        self.offsets.push(self.bytes.len());
    }
}

impl<S: BuildHasher> Interner<S> {
    pub(crate) fn new(hasher: S) -> Self {
        Self { table: HashTable::new(), strings: Strings::new(), hasher }
    }

    /// The id of a byte string, if it is known.
    pub(crate) fn find(&self, string: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(string);
        self.table.find(hash, |&id| self.strings.get(id) == string).copied()
    }

    /// The id of a byte string, which is added when it is new.
    ///
    /// The caller keeps the number of strings below `u32::MAX`.
    pub(crate) fn intern(&mut self, string: &[u8]) -> u32 {
        let Self { table, strings, hasher } = self;
        let hash = hasher.hash_one(string);
        if let Some(&id) = table.find(hash, |&id| strings.get(id) == string) {
            return id;
        }
        let id = strings.len() as u32;
        strings.push(string);
        table.insert_unique(hash, id, |&id| hasher.hash_one(strings.get(id)));
        id
    }

    /// The strings in order of their ids.
    pub(crate) fn into_strings(self) -> Strings {
        self.strings
    }
}
