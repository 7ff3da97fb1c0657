//! The rows between intake and bounding: fixed records of 32-bit words, partitioned by unit.
//!
//! A record holds the group, the values that the plan reads, and the unit. All rows of a unit lie
//! in one partition, whichever lane took them in, so that partitions are bounded independently.

use std::hash::BuildHasher;

use arrow::array::{Array, AsArray, LargeBinaryArray, LargeListArray, RecordBatch, UInt32Array};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Schema, UInt32Type};
use std::sync::Arc;

use crate::integer::Integer;
use crate::intern::{Interner, Strings};
use crate::{Grid, KernelError, ValueColumn};

/// More rows than this would let a total of the widest grid overflow.
pub(crate) const ROWS_MAX: u64 = 1 << 40;
/// Rows are spread over `2^PARTITION_BITS` partitions by the first bits of their unit's hash.
pub(crate) const PARTITION_BITS: u32 = 8;
pub(crate) const PARTITIONS: usize = 1 << PARTITION_BITS;
/// A chunk holds so many rows at most, so that a growing partition is never copied as a whole.
const CHUNK_ROWS: usize = 1 << 12;
const FIRST_CHUNK_ROWS: usize = 16;
/// Most words that one kind of field takes.
const WIDE: usize = 2;

/// Where the fields of a record lie: the key, the values, and the unit at the end, which is left
/// out once rows lie unit by unit. *Units*: words.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// A number of 64 bits, or the number of the key.
    pub(crate) key_words: usize,
    pub(crate) values: Vec<Field32>,
    /// Those of the values by which rows are ranked.
    pub(crate) ranking: Vec<Field32>,
    /// The key and the values.
    pub(crate) row_words: usize,
    /// All of a record. The unit is a number of 64 bits, or its number in its segment.
    pub(crate) words: usize,
}

/// A value column in a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field32 {
    /// Where it starts. *Units*: words.
    pub(crate) at: usize,
    pub(crate) width: Width,
    /// The largest that is ever stored: one more than the steps between the bounds.
    stored_max: u64,
}

/// How a value is stored. 0 stands for NULL, which so sorts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// 1 where there is a value.
    Presence,
    /// Steps above the lower bound, plus one.
    Narrow { lower_steps: i64 },
    /// The same in two words.
    Wide { lower_steps: i64 },
    /// The number of a value to be counted among those of its lane, plus one.
    Number,
    /// The code of a value to be counted, which tells NULL on its own.
    Code,
}

impl Width {
    fn of(value: &ValueColumn, counted: Option<&DataType>) -> Self {
        let grid = match (value, counted) {
            (ValueColumn::Grid(grid), _) => grid,
            (ValueColumn::Distinct, Some(kind)) if Integer::of(kind).is_some() => {
                return Self::Code;
            }
            (ValueColumn::Distinct, _) => return Self::Number,
            (ValueColumn::Presence, _) => return Self::Presence,
        };
        let lower_steps = grid.lower_steps();
        if span(grid) < u64::from(u32::MAX) {
            Self::Narrow { lower_steps }
        } else {
            Self::Wide { lower_steps }
        }
    }

    fn words(self) -> usize {
        match self {
            Self::Presence | Self::Narrow { .. } | Self::Number => 1,
            Self::Wide { .. } | Self::Code => WIDE,
        }
    }

    /// Whether rows are ranked by it, because measures of rows read it.
    fn ranks_rows(self) -> bool {
        match self {
            Self::Presence | Self::Narrow { .. } | Self::Wide { .. } => true,
            Self::Number | Self::Code => false,
        }
    }
}

/// Steps between the bounds; at most 2^54.
fn span(grid: &Grid) -> u64 {
    grid.upper_steps().abs_diff(grid.lower_steps())
}

impl Shape {
    pub(crate) fn new(
        unit_words: usize,
        key_words: usize,
        values: &[ValueColumn],
        counted: &[Option<DataType>],
    ) -> Self {
        let mut row_words = key_words;
        let values: Vec<Field32> = (values.iter().zip(counted))
            .map(|(value, counted)| {
                let width = Width::of(value, counted.as_ref());
                let stored_max = match value {
                    ValueColumn::Grid(grid) => span(grid) + 1,
                    ValueColumn::Presence => 1,
                    // Which values there are is known later.
                    ValueColumn::Distinct => u64::MAX,
                };
                let field = Field32 { at: row_words, width, stored_max };
                row_words += field.width.words();
                field
            })
            .collect();
        let ranking = values.iter().filter(|field| field.width.ranks_rows()).copied().collect();
        Self { key_words, values, ranking, row_words, words: row_words + unit_words }
    }

    /// The key of a record, with or without its unit.
    #[inline]
    pub(crate) fn key(&self, record: &[u32]) -> u64 {
        if self.key_words == WIDE { wide(record, 0) } else { u64::from(record[0]) }
    }
}

#[inline]
pub(crate) fn wide(record: &[u32], at: usize) -> u64 {
    u64::from(record[at]) | u64::from(record[at + 1]) << 32
}

impl Field32 {
    /// The value in a form that sorts like the canonical value; 0 for NULL.
    #[inline]
    pub(crate) fn stored(self, record: &[u32]) -> u64 {
        match self.width {
            Width::Presence | Width::Narrow { .. } | Width::Number => u64::from(record[self.at]),
            Width::Wide { .. } | Width::Code => wide(record, self.at),
        }
    }

    /// The value in steps; 0 for a value that is only present.
    #[inline]
    pub(crate) fn steps(self, stored: u64) -> Option<i64> {
        match (stored, self.width) {
            (0, _) => None,
            (_, Width::Presence | Width::Number | Width::Code) => Some(0),
            (stored, Width::Narrow { lower_steps } | Width::Wide { lower_steps }) => {
                // At most 2^54 steps above a bound of at most 2^53.
                Some(lower_steps + (stored - 1).cast_signed())
            }
        }
    }
}

/// The rows of some units that one lane took in.
pub(crate) struct Partition<S> {
    full: Vec<Vec<u32>>,
    open: Vec<u32>,
    /// The units of the rows, where they are not numbers themselves.
    pub(crate) units: Interner<S>,
}

impl<S: BuildHasher> Partition<S> {
    pub(crate) fn new(hasher: S) -> Self {
        Self {
            full: Vec::new(),
            open: Vec::new(),
            units: Interner::of_part(hasher, PARTITION_BITS),
        }
    }

    /// Appends records of `words` each. *Units*: the result is the memory newly taken, in bytes.
    pub(crate) fn extend(&mut self, mut records: &[u32], words: usize) -> usize {
        let most = CHUNK_ROWS * words;
        let mut taken = 0;
        while !records.is_empty() {
            if self.open.len() == most {
                self.full.push(std::mem::take(&mut self.open));
            }
            let (now, later) = records.split_at(records.len().min(most - self.open.len()));
            let wanted = self.open.len() + now.len();
            if wanted > self.open.capacity() {
                let before = self.open.capacity();
                // The first chunk grows with its rows; a partition that filled it will fill others.
                let room = if self.full.is_empty() { wanted.max(2 * before) } else { most };
                let room = room.clamp(FIRST_CHUNK_ROWS * words, most);
                self.open.reserve_exact(room - self.open.len());
                taken += (self.open.capacity() - before) * size_of::<u32>();
            }
            self.open.extend_from_slice(now);
            records = later;
        }
        taken
    }

    /// How much there is. *Units*: words.
    pub(crate) fn words(&self) -> usize {
        self.full.iter().map(Vec::len).sum::<usize>() + self.open.len()
    }

    /// Everything so far; the partition is empty afterwards.
    pub(crate) fn drain(&mut self) -> Segment {
        let mut chunks = std::mem::take(&mut self.full);
        let open = std::mem::take(&mut self.open);
        if !open.is_empty() {
            chunks.push(open);
        }
        Segment { chunks, units: self.units.drain() }
    }
}

/// Rows of one partition, from memory or from where they were spilled.
pub(crate) struct Segment {
    pub(crate) chunks: Vec<Vec<u32>>,
    /// The units by their numbers in this segment; empty where records hold units themselves.
    pub(crate) units: Strings,
}

impl Segment {
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// How much there is. *Units*: words.
    pub(crate) fn words(&self) -> usize {
        self.chunks.iter().map(Vec::len).sum()
    }

    /// As one batch of one row: all words, and the units.
    pub(crate) fn to_batch(&self) -> Result<RecordBatch, KernelError> {
        let internal = |_| KernelError::Internal { doing: "laying out rows to be spilled" };
        let words: Vec<u32> = self.chunks.iter().flatten().copied().collect();
        let (bytes, ends) = self.units.parts();
        let ends: Vec<u32> = (ends.iter())
            .map(|&end| u32::try_from(end))
            .collect::<Result<_, _>>()
            .map_err(|_| KernelError::TooLarge {
                what: "bytes of unit ids in one part",
                limit: u64::from(u32::MAX),
            })?;
        let list = |words: Vec<u32>| {
            let item = Arc::new(Field::new_list_field(DataType::UInt32, false));
            let ends = OffsetBuffer::from_lengths([words.len()]);
            let words = Arc::new(UInt32Array::new(ScalarBuffer::from(words), None));
            LargeListArray::new(item, ends, words, None)
        };
        let (words, ends) = (list(words), list(ends));
        let fields = vec![
            Field::new("words", words.data_type().clone(), false),
            Field::new("unit_bytes", DataType::LargeBinary, false),
            Field::new("unit_ends", ends.data_type().clone(), false),
        ];
        RecordBatch::try_new(
            Arc::new(Schema::new(fields)),
            vec![
                Arc::new(words),
                Arc::new(LargeBinaryArray::from_iter_values([bytes])),
                Arc::new(ends),
            ],
        )
        .map_err(internal)
    }

    /// Reads what [`Segment::to_batch`] wrote, from a store that may have been damaged: nothing where
    /// a record names a unit that is not there or a key that is not known, or holds a value outside
    /// its bounds.
    pub(crate) fn from_batch(
        batch: &RecordBatch,
        shape: &Shape,
        known: impl Fn(u64) -> bool,
    ) -> Option<Self> {
        let words = shape.words;
        let list = |column: usize| {
            let lists = batch.columns().get(column)?.as_list_opt::<i64>()?;
            let items = (lists.len() == 1 && lists.null_count() == 0).then(|| lists.value(0))?;
            Some(items.as_primitive_opt::<UInt32Type>()?.values().clone())
        };
        let records = list(0)?;
        let bytes = batch.columns().get(1)?.as_binary_opt::<i64>()?;
        let bytes = (bytes.len() == 1).then(|| bytes.value(0))?;
        let mut units = Strings::default();
        let mut start = 0;
        for &end in &list(2)? {
            units.push(bytes.get(start..end as usize)?);
            start = end as usize;
        }
        if records.len() % words != 0 {
            return None;
        }
        let numbered = shape.words - shape.row_words < WIDE;
        let sound = |record: &[u32]| {
            (!numbered || (record[shape.row_words] as usize) < units.len())
                && known(shape.key(record))
                && shape.values.iter().all(|field| field.stored(record) <= field.stored_max)
        };
        if !records.chunks_exact(words).all(sound) {
            return None;
        }
        let chunks = records.chunks(CHUNK_ROWS * words).map(<[u32]>::to_vec).collect();
        Some(Self { chunks, units })
    }
}
