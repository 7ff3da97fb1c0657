//! Group keys as small numbers: one dictionary per key column, one per further column of a tuple.
//!
//! The numbers depend on arrival and must never influence a result. Values are compared by value,
//! never by hash. A dictionary array is looked up once per entry instead of once per row.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, BinaryArray, DictionaryArray, StringArray, new_null_array,
};
use arrow::datatypes::{DataType, Int32Type};
use hashbrown::HashTable;

use crate::KernelError;
use crate::canonical::{TupleEncoder, canonical_column};
use crate::integer::Integer;
use crate::intern::{Interner, Strings};

/// Stands for a key that a closed dictionary does not have.
pub(crate) const UNKNOWN: u32 = u32::MAX;
/// The number of NULL in the dictionary of every column; values are numbered from 1.
const NULL: u32 = 0;

/// How a column's values are compared.
#[derive(Debug, Clone)]
enum Comparison {
    Integers(Integer),
    /// The bytes of text or binary values.
    Bytes,
    /// The row encoding, for everything else: NULL is one of its values.
    Encoded,
}

/// The distinct values of one key column.
#[derive(Clone)]
struct ColumnDictionary<S> {
    canonical: DataType,
    comparison: Comparison,
    encoder: Arc<TupleEncoder>,
    integers: Numbers<S>,
    bytes: Interner<S>,
    has_null: bool,
}

/// Distinct numbers of 64 bits in order of arrival.
#[derive(Clone)]
struct Numbers<S> {
    table: HashTable<u32>,
    values: Vec<u64>,
    hasher: S,
}

/// The distinct key tuples of some rows, numbered in order of arrival.
#[derive(Clone)]
pub(crate) struct TupleDictionary<S> {
    columns: Vec<ColumnDictionary<S>>,
    /// For each further column, the distinct pairs of a number of the tuple so far and a number of
    /// the column.
    pairs: Vec<Numbers<S>>,
    /// For a closed dictionary, the position of each tuple in the public domain.
    positions: Vec<u32>,
}

impl<S: BuildHasher> Numbers<S> {
    fn new(hasher: S) -> Self {
        Self { table: HashTable::new(), values: Vec::new(), hasher }
    }

    fn find(&self, value: u64) -> u32 {
        let hash = self.hasher.hash_one(value);
        let found = self.table.find(hash, |&id| self.values[id as usize] == value);
        found.copied().unwrap_or(UNKNOWN)
    }

    fn intern(&mut self, value: u64) -> u32 {
        let Self { table, values, hasher } = self;
        let hash = hasher.hash_one(value);
        if let Some(&id) = table.find(hash, |&id| values[id as usize] == value) {
            return id;
        }
        let id = values.len() as u32;
        values.push(value);
        table.insert_unique(hash, id, |&id| hasher.hash_one(values[id as usize]));
        id
    }

    fn memory_bytes(&self) -> usize {
        self.values.capacity() * size_of::<u64>() + self.table.capacity() * (size_of::<u32>() + 1)
    }
}

/// What the entries of a dictionary array were found to be. The arrays of a file's row group share
/// their entries, which are looked up once.
#[derive(Clone, Default)]
pub(crate) struct Entries(Option<(ArrayData, Vec<u32>)>);

impl Entries {
    fn numbers(
        &mut self,
        values: &ArrayRef,
        look_up: impl FnOnce() -> Option<Vec<u32>>,
    ) -> Option<&[u32]> {
        let values = values.to_data();
        // Entries that are held here cannot be replaced by others in the same place.
        if !self.0.as_ref().is_some_and(|(known, _)| known.ptr_eq(&values)) {
            self.0 = Some((values, look_up()?));
        }
        self.0.as_ref().map(|(_, numbers)| numbers.as_slice())
    }
}

/// What happens to a value that is looked up: found, or added when it is new.
trait Lookup {
    fn null(&mut self) -> u32;
    fn integer(&mut self, value: i64) -> u32;
    fn bytes(&mut self, value: &[u8]) -> u32;
}

struct Find<'a, S>(&'a ColumnDictionary<S>);
struct Learn<'a, S>(&'a mut ColumnDictionary<S>);

impl<S: BuildHasher> Lookup for Find<'_, S> {
    fn null(&mut self) -> u32 {
        if self.0.has_null { NULL } else { UNKNOWN }
    }
    fn integer(&mut self, value: i64) -> u32 {
        // Number 0 of the column is NULL.
        self.0.integers.find(value.cast_unsigned()).saturating_add(1)
    }
    fn bytes(&mut self, value: &[u8]) -> u32 {
        self.0.bytes.find(value).map_or(UNKNOWN, |id| id + 1)
    }
}

impl<S: BuildHasher> Lookup for Learn<'_, S> {
    fn null(&mut self) -> u32 {
        self.0.has_null = true;
        NULL
    }
    fn integer(&mut self, value: i64) -> u32 {
        self.0.integers.intern(value.cast_unsigned()) + 1
    }
    fn bytes(&mut self, value: &[u8]) -> u32 {
        self.0.bytes.intern(value) + 1
    }
}

impl<S: BuildHasher + Clone> ColumnDictionary<S> {
    fn new(canonical: &DataType, hasher: S) -> Result<Self, KernelError> {
        let comparison = match (Integer::of(canonical), canonical) {
            (Some(integer), _) => Comparison::Integers(integer),
            (None, DataType::Utf8 | DataType::Binary) => Comparison::Bytes,
            (None, _) => Comparison::Encoded,
        };
        Ok(Self {
            canonical: canonical.clone(),
            comparison,
            encoder: Arc::new(TupleEncoder::new(vec![canonical.clone()])?),
            integers: Numbers::new(hasher.clone()),
            bytes: Interner::new(hasher),
            has_null: false,
        })
    }

    /// The canonical bytes of each number.
    fn labels(&self) -> Result<Strings, KernelError> {
        match self.comparison {
            Comparison::Integers(integer) => {
                let mut labels = Strings::with_capacity(1 + self.integers.values.len(), 0);
                labels.push(integer.null_label().as_slice());
                for &value in &self.integers.values {
                    labels.push(integer.label(value.cast_signed()).as_slice());
                }
                Ok(labels)
            }
            Comparison::Bytes => {
                let values = || std::iter::once(None).chain(self.bytes.strings().iter().map(Some));
                encoded_bytes(&self.encoder, values)
            }
            Comparison::Encoded => {
                let mut labels = Strings::default();
                // NULL is among the encoded values, so that nothing has this number.
                labels.push(&[]);
                self.bytes.strings().iter().for_each(|bytes| labels.push(bytes));
                Ok(labels)
            }
        }
    }

    fn memory_bytes(&self) -> usize {
        self.integers.memory_bytes() + self.bytes.memory_bytes()
    }
}

/// The row encoding of text or binary values that are given as their bytes.
pub(crate) fn encoded_bytes<'a, I>(
    encoder: &TupleEncoder,
    values: impl Fn() -> I,
) -> Result<Strings, KernelError>
where
    I: Iterator<Item = Option<&'a [u8]>>,
{
    let internal = KernelError::Internal { doing: "encoding text keys" };
    let column: ArrayRef = if matches!(encoder.types(), [DataType::Utf8]) {
        // The bytes were text when they came in.
        let texts = values().map(|value| value.map(std::str::from_utf8).transpose());
        Arc::new(texts.collect::<Result<StringArray, _>>().map_err(|_| internal)?)
    } else {
        Arc::new(values().collect::<BinaryArray>())
    };
    let tuples = encoder.encode(std::slice::from_ref(&column))?;
    Ok((0..column.len()).map(|row| tuples.bytes(row)).collect())
}

fn numbers(
    canonical: &DataType,
    comparison: &Comparison,
    encoder: &TupleEncoder,
    column: &ArrayRef,
    entries: &mut Entries,
    to: &mut impl Lookup,
) -> Option<Vec<u32>> {
    if let Some(dictionary) = column.as_any_dictionary_opt()
        && dictionary.values().len() <= column.len()
    {
        let null = |to: &mut dyn Lookup| match comparison {
            Comparison::Integers(_) | Comparison::Bytes => Some(to.null()),
            Comparison::Encoded => {
                let tuples = encoder.encode(&[new_null_array(canonical, 1)]).ok()?;
                Some(to.bytes(tuples.bytes(0)))
            }
        };
        if dictionary.values().is_empty() {
            return Some(vec![null(to)?; column.len()]);
        }
        let null = match dictionary.keys().nulls() {
            Some(_) => Some(null(to)?),
            None => None,
        };
        let values = entries.numbers(dictionary.values(), || {
            let entries = &mut Entries::default();
            numbers(canonical, comparison, encoder, dictionary.values(), entries, to)
        })?;
        if let (None, Some(dictionary)) =
            (null, column.as_any().downcast_ref::<DictionaryArray<Int32Type>>())
        {
            // A key that is not NULL is the position of an entry.
            let keys = dictionary.keys().values().iter();
            return Some(keys.map(|&key| values[key as usize]).collect());
        }
        let keys = dictionary.normalized_keys();
        let Some((nulls, null)) = dictionary.keys().nulls().zip(null) else {
            return Some(keys.into_iter().map(|key| values[key]).collect());
        };
        let number = |(key, valid): (usize, bool)| if valid { values[key] } else { null };
        return Some(keys.into_iter().zip(nulls.iter()).map(number).collect());
    }
    let plain = canonical_column(column, canonical)?;
    let nulls = plain.logical_nulls();
    let is_null = |row: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
    let rows = 0..plain.len();
    Some(match comparison {
        Comparison::Integers(integer) => {
            let bits = integer.bits(&plain);
            rows.map(|row| if is_null(row) { to.null() } else { to.integer(bits[row]) }).collect()
        }
        Comparison::Bytes => {
            if let Some(texts) = plain.as_string_opt::<i32>() {
                let bytes = |row| texts.value(row).as_bytes();
                rows.map(|row| if is_null(row) { to.null() } else { to.bytes(bytes(row)) })
                    .collect()
            } else {
                let bytes = plain.as_binary_opt::<i32>()?;
                rows.map(|row| if is_null(row) { to.null() } else { to.bytes(bytes.value(row)) })
                    .collect()
            }
        }
        Comparison::Encoded => {
            let tuples = encoder.encode(std::slice::from_ref(&plain)).ok()?;
            rows.map(|row| to.bytes(tuples.bytes(row))).collect()
        }
    })
}

impl<S: BuildHasher + Clone> TupleDictionary<S> {
    /// An empty dictionary of tuples of these canonical types.
    pub(crate) fn new(types: &[DataType], hasher: &S) -> Result<Self, KernelError> {
        let columns = (types.iter())
            .map(|canonical| ColumnDictionary::new(canonical, hasher.clone()))
            .collect::<Result<Vec<_>, _>>()?;
        let pairs = (1..types.len()).map(|_| Numbers::new(hasher.clone())).collect();
        Ok(Self { columns, pairs, positions: Vec::new() })
    }

    /// Fills an empty dictionary with the tuples of a public domain, all different; from then on
    /// the number of a tuple is its position there.
    pub(crate) fn close(&mut self, columns: &[ArrayRef], rows: usize) -> Result<(), KernelError> {
        let unreadable = KernelError::Internal { doing: "reading the public keys" };
        let mut entries = vec![Entries::default(); columns.len()];
        let ids = self.learn(columns, rows, &mut entries).ok_or(unreadable)?;
        self.positions = vec![UNKNOWN; self.len()];
        for (second, &id) in ids.iter().enumerate() {
            let position = &mut self.positions[id as usize];
            if *position != UNKNOWN {
                return Err(KernelError::DuplicateKey { first: *position as usize, second });
            }
            *position = second as u32;
        }
        Ok(())
    }

    /// One more than the largest number of a tuple.
    pub(crate) fn len(&self) -> usize {
        match (self.pairs.last(), self.columns.first()) {
            (Some(pairs), _) => pairs.values.len(),
            (None, Some(column)) => 1 + column.integers.values.len() + column.bytes.strings().len(),
            (None, None) => 1,
        }
    }

    /// The positions of tuples in the public domain, [`UNKNOWN`] for others; nothing when a column
    /// cannot be read.
    pub(crate) fn find(
        &self,
        columns: &[ArrayRef],
        rows: usize,
        entries: &mut [Entries],
    ) -> Option<Vec<u32>> {
        let mut tuple = vec![0; rows];
        for (place, ((dictionary, column), entries)) in
            self.columns.iter().zip(columns).zip(entries).enumerate()
        {
            let ColumnDictionary { canonical, comparison, encoder, .. } = dictionary;
            let find = &mut Find(dictionary);
            let ids = numbers(canonical, comparison, encoder, column, entries, find)?;
            match place.checked_sub(1) {
                None => tuple = ids,
                Some(pair) => {
                    for (tuple, id) in tuple.iter_mut().zip(ids) {
                        let known = *tuple != UNKNOWN && id != UNKNOWN;
                        *tuple =
                            if known { self.pairs[pair].find(paired(*tuple, id)) } else { UNKNOWN };
                    }
                }
            }
        }
        let position = |&id: &u32| self.positions.get(id as usize).copied().unwrap_or(UNKNOWN);
        Some(tuple.iter().map(position).collect())
    }

    /// The numbers of tuples, new ones added; nothing when a column cannot be read.
    ///
    /// The caller keeps the number of rows below `u32::MAX`.
    pub(crate) fn learn(
        &mut self,
        columns: &[ArrayRef],
        rows: usize,
        entries: &mut [Entries],
    ) -> Option<Vec<u32>> {
        let mut tuple = vec![0; rows];
        for (place, ((dictionary, column), entries)) in
            self.columns.iter_mut().zip(columns).zip(entries).enumerate()
        {
            let (canonical, comparison, encoder) = (
                dictionary.canonical.clone(),
                dictionary.comparison.clone(),
                Arc::clone(&dictionary.encoder),
            );
            let learn = &mut Learn(dictionary);
            let ids = numbers(&canonical, &comparison, &encoder, column, entries, learn)?;
            match place.checked_sub(1) {
                None => tuple = ids,
                Some(pair) => {
                    let pairs = &mut self.pairs[pair];
                    for (tuple, id) in tuple.iter_mut().zip(ids) {
                        *tuple = pairs.intern(paired(*tuple, id));
                    }
                }
            }
        }
        Some(tuple)
    }

    /// The canonical bytes of each tuple, by number.
    pub(crate) fn labels(&self) -> Result<Strings, KernelError> {
        let Some(first) = self.columns.first() else {
            // The tuple without columns is the only one, and its bytes are empty.
            return Ok(std::iter::once(&[][..]).collect());
        };
        let mut labels = first.labels()?;
        for (column, pairs) in self.columns[1..].iter().zip(&self.pairs) {
            let last = column.labels()?;
            let mut longer = Strings::with_capacity(pairs.values.len(), 0);
            for &pair in &pairs.values {
                longer.extend_last(labels.get((pair >> 32) as u32));
                longer.extend_last(last.get(pair as u32));
                longer.end_last();
            }
            labels = longer;
        }
        Ok(labels)
    }

    /// The canonical bytes of each tuple of the public domain, by position.
    pub(crate) fn labels_by_position(&self) -> Result<Strings, KernelError> {
        let labels = self.labels()?;
        let mut order: Vec<(u32, u32)> = (self.positions.iter().zip(0..))
            .filter(|(position, _)| **position != UNKNOWN)
            .map(|(&position, id)| (position, id))
            .collect();
        order.sort_unstable();
        Ok(order.iter().map(|&(_, id)| labels.get(id)).collect())
    }

    /// How much memory the distinct values take; it cannot be spilled.
    pub(crate) fn memory_bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(ColumnDictionary::memory_bytes).sum();
        columns + self.pairs.iter().map(Numbers::memory_bytes).sum::<usize>()
    }
}

fn paired(tuple: u32, id: u32) -> u64 {
    u64::from(tuple) << 32 | u64::from(id)
}
