//! Dense ids for byte strings, compared by bytes and never by hash.

use std::hash::BuildHasher;

use hashbrown::HashTable;

/// A set of byte strings numbered in order of arrival.
///
/// The numbers depend on arrival and must never influence a result; only the bytes may.
/// The hash decides where to look, the bytes decide what is equal, so that a bad hash costs time
/// and nothing else.
#[derive(Clone)]
pub(crate) struct Interner<S> {
    table: HashTable<u32>,
    strings: Strings,
    hasher: S,
    /// So many first bits of the hash are the same for all strings and are moved to the end,
    /// because the table looks at the first ones first.
    shared_bits: u32,
}

/// Byte strings stored end to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Strings {
    bytes: Vec<u8>,
    /// Where each string starts, and after them where the last one ends.
    offsets: Vec<usize>,
}

impl Default for Strings {
    fn default() -> Self {
        Self { bytes: Vec::new(), offsets: vec![0] }
    }
}

impl Strings {
    pub(crate) fn with_capacity(strings: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(strings + 1);
        offsets.push(0);
        Self { bytes: Vec::with_capacity(bytes), offsets }
    }

    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(crate) fn get(&self, id: u32) -> &[u8] {
        let id = id as usize;
        &self.bytes[self.offsets[id]..self.offsets[id + 1]]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.offsets.windows(2).map(|ends| &self.bytes[ends[0]..ends[1]])
    }

    pub(crate) fn push(&mut self, string: &[u8]) {
        self.extend_last(string);
        self.end_last();
    }

    /// Appends bytes to a string that [`Strings::end_last`] completes.
    pub(crate) fn extend_last(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn end_last(&mut self) {
        self.offsets.push(self.bytes.len());
    }

    /// All bytes, and where each string ends.
    pub(crate) fn parts(&self) -> (&[u8], &[usize]) {
        (&self.bytes, &self.offsets[1..])
    }

    /// All bytes, and where each string starts and the last one ends.
    pub(crate) fn into_parts(self) -> (Vec<u8>, Vec<usize>) {
        (self.bytes, self.offsets)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.len() * size_of::<usize>()
    }
}

impl<'a> FromIterator<&'a [u8]> for Strings {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(strings: I) -> Self {
        let mut all = Self::default();
        strings.into_iter().for_each(|string| all.push(string));
        all
    }
}

impl<S: BuildHasher> Interner<S> {
    pub(crate) fn new(hasher: S) -> Self {
        Self::of_part(hasher, 0)
    }

    /// For strings whose hashes share their first bits.
    pub(crate) fn of_part(hasher: S, shared_bits: u32) -> Self {
        Self { table: HashTable::new(), strings: Strings::default(), hasher, shared_bits }
    }

    /// The id of a byte string, if it is known.
    pub(crate) fn find(&self, string: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(string).rotate_left(self.shared_bits);
        self.table.find(hash, |&id| self.strings.get(id) == string).copied()
    }

    /// The id of a byte string, which is added when it is new.
    ///
    /// The caller keeps the number of strings below `u32::MAX`.
    pub(crate) fn intern(&mut self, string: &[u8]) -> u32 {
        self.intern_hashed(self.hasher.hash_one(string), string)
    }

    /// The same for a string whose hash is known.
    #[inline]
    pub(crate) fn intern_hashed(&mut self, hash: u64, string: &[u8]) -> u32 {
        let Self { table, strings, hasher, shared_bits } = self;
        let hash = hash.rotate_left(*shared_bits);
        if let Some(&id) = table.find(hash, |&id| strings.get(id) == string) {
            return id;
        }
        let id = strings.len() as u32;
        strings.push(string);
        let again = |&id: &u32| hasher.hash_one(strings.get(id)).rotate_left(*shared_bits);
        table.insert_unique(hash, id, again);
        id
    }

    /// The strings in order of their ids.
    pub(crate) fn strings(&self) -> &Strings {
        &self.strings
    }

    /// The strings in order of their ids.
    pub(crate) fn into_strings(self) -> Strings {
        self.strings
    }

    /// The strings so far, in order of their ids; numbering starts again.
    pub(crate) fn drain(&mut self) -> Strings {
        self.table = HashTable::new();
        std::mem::take(&mut self.strings)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.strings.memory_bytes() + self.table.capacity() * (size_of::<u32>() + 1)
    }
}
