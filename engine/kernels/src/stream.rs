//! Rows that come sorted by unit: each unit is bounded as soon as the next one begins, so that the
//! rows of one unit at a time are in memory.
//!
//! That they are sorted is never taken on trust. Within a stream no unit may be smaller than the one
//! before; the first and the last unit of every stream are held back, because their rows may go on
//! in another; and at the end the streams must follow each other. Otherwise a unit could be bounded
//! twice, so that all of it is an error, and whoever runs the bounder takes the general way.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::buffer::ScalarBuffer;

use crate::bounder::{group_names, state};
use crate::canonical::Tuples;
use crate::cells::Cells;
use crate::dictionary::{Entries, TupleDictionary};
use crate::distinct::Met;
use crate::grouping::UnitRows;
use crate::integer::{Integer, Label};
use crate::lane::{
    KeyKind, Shared, Spreading, UnitKind, checked_columns, key_column, learned_dictionary,
    stored_values,
};
use crate::measure::Readings;
use crate::rank::KeyedRanking;
use crate::settle::{GroupNames, Job, Scratch};
use crate::{KernelError, PartialState};

/// Keys whose bytes have to be written out again whenever new ones come are streamed up to so many.
const NAMED_KEYS_MAX: usize = 1 << 14;

/// One stream of rows, for any table hash.
pub(crate) struct Stream<S> {
    pub(crate) shared: Arc<Shared<S>>,
    learned: Option<TupleDictionary<S>>,
    entries: Vec<Entries>,
    names: GroupNames,
    ranking: KeyedRanking,
    readings: Readings,
    cells: Cells<S>,
    scratch: Scratch,
    spreading: Spreading,
    accounted_bytes: usize,
    /// The first unit, once another one has begun.
    first: Option<Held>,
    /// The unit that has come last.
    open: Option<Held>,
}

/// The canonical bytes of a unit, and its rows so far.
struct Held {
    unit: Vec<u8>,
    words: Vec<u32>,
}

/// The units of a batch.
enum Units {
    Integers(Integer, ScalarBuffer<i64>),
    Encoded(Tuples),
}

impl Units {
    fn same(&self, a: u32, b: u32) -> bool {
        match self {
            Self::Integers(_, bits) => bits[a as usize] == bits[b as usize],
            Self::Encoded(tuples) => tuples.bytes(a as usize) == tuples.bytes(b as usize),
        }
    }
}

impl<S: BuildHasher + Clone + Send> Stream<S> {
    pub(crate) fn new(shared: &Arc<Shared<S>>) -> Result<Self, KernelError> {
        if shared.counting.iter().any(Option::is_some) {
            // Values to be counted are kept until the end, and the general way knows how.
            return Err(KernelError::Unsorted);
        }
        let learned = learned_dictionary(shared)?;
        let names = names(shared, learned.as_ref())?;
        let numbered = names.numbered().filter(|_| learned.is_none());
        Ok(Self {
            shared: Arc::clone(shared),
            entries: vec![Entries::default(); shared.layout.key_fields.len()],
            ranking: KeyedRanking::new(&shared.plan.rank_key),
            readings: Readings::all(&shared.plan),
            cells: Cells::new(numbered, shared.plan.measures.len(), &shared.hasher),
            scratch: Scratch::new(numbered),
            spreading: Spreading::default(),
            accounted_bytes: 0,
            first: None,
            open: None,
            learned,
            names,
        })
    }

    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<(), KernelError> {
        let shared = Arc::clone(&self.shared);
        shared.count(batch.num_rows())?;
        let (unit, keys) = checked_columns(&shared, batch)?;
        let nulls = unit.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        let units = match &shared.units {
            UnitKind::Integers(integer) => Units::Integers(*integer, integer.bits(&unit)),
            UnitKind::Bytes(encoder) | UnitKind::Encoded(encoder) => {
                Units::Encoded(encoder.encode(std::slice::from_ref(&unit))?)
            }
        };
        let values = stored_values(&shared, batch, &mut Met::new(&shared)?)?;
        let rows = batch.num_rows();
        let learned = self.learned.as_mut();
        let keys = key_column(&shared, learned, &mut self.entries, &keys, rows)?;
        self.name_keys()?;
        let kept: Vec<u32> = (0..rows as u32)
            .filter(|&row| keys.is_known(row as usize))
            .filter(|&row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row as usize)))
            .collect();
        let mut spreading = std::mem::take(&mut self.spreading);
        let width = shared.shape.row_words;
        spreading.keep(&kept, rows, width);
        spreading.fill(&shared.shape, width, &keys, &values);
        let done = self.runs(&units, &kept, spreading.records());
        self.spreading = spreading;
        done?;
        // As in the general way, where totals of public keys are no part of the limit.
        if !matches!(shared.keys, KeyKind::Public(_)) {
            let now_bytes = self.cells.memory_bytes();
            shared.account.replace_totals(self.accounted_bytes, now_bytes)?;
            self.accounted_bytes = now_bytes;
        }
        Ok(())
    }

    /// Takes in the kept rows unit by unit.
    fn runs(&mut self, units: &Units, kept: &[u32], records: &[u32]) -> Result<(), KernelError> {
        let width = self.shared.shape.row_words;
        let mut start = 0;
        for run in kept.chunk_by(|&a, &b| units.same(a, b)) {
            let end = start + run.len();
            let words = &records[start * width..end * width];
            let label: Label;
            let unit = match units {
                Units::Integers(integer, bits) => {
                    label = integer.label(bits[run[0] as usize]);
                    label.as_slice()
                }
                Units::Encoded(tuples) => tuples.bytes(run[0] as usize),
            };
            self.run(unit, words)?;
            start = end;
        }
        Ok(())
    }

    fn run(&mut self, unit: &[u8], words: &[u32]) -> Result<(), KernelError> {
        match &mut self.open {
            Some(open) if unit < open.unit.as_slice() => return Err(KernelError::Unsorted),
            Some(open) if unit == open.unit.as_slice() => {
                open.words.extend_from_slice(words);
                let limit_bytes = self.shared.account.memory.limit_bytes.unwrap_or(usize::MAX);
                if size_of_val(open.words.as_slice()) > limit_bytes / 4 {
                    // The general way has disks.
                    return Err(KernelError::Unsorted);
                }
                return Ok(());
            }
            Some(_) | None => {}
        }
        let mut next = Held { unit: unit.to_vec(), words: Vec::new() };
        if let Some(mut closed) = self.open.take() {
            if self.first.is_none() {
                self.first = Some(closed);
            } else {
                self.settle(&closed.unit, &closed.words);
                closed.words.clear();
                next.words = closed.words;
            }
        }
        next.words.extend_from_slice(words);
        self.open = Some(next);
        Ok(())
    }

    fn settle(&mut self, unit: &[u8], words: &[u32]) {
        let Self { shared, names, ranking, readings, scratch, cells, .. } = self;
        let job = Job {
            shared: &**shared,
            groups: &*names,
            ranking: &*ranking,
            readings: &*readings,
            distinct: None,
        };
        let rows = UnitRows::new(words, job.shared.shape.row_words);
        job.settle_unit(unit, rows, scratch, cells);
    }

    /// Writes the bytes of the keys out again when there are new ones.
    fn name_keys(&mut self) -> Result<(), KernelError> {
        let (known, now) = match (&self.names, &self.learned, &self.shared.keys) {
            (GroupNames::Strings(names), Some(learned), _) => (names.len(), learned.len()),
            (GroupNames::Values(values), _, KeyKind::Codes(codes)) => {
                (values.escapes(), codes.escapes())
            }
            _ => return Ok(()),
        };
        if now > NAMED_KEYS_MAX {
            return Err(KernelError::Unsorted);
        }
        if now > known {
            self.names = names(&self.shared, self.learned.as_ref())?;
        }
        Ok(())
    }

    /// The first and the last unit.
    fn ends(&self) -> Option<(&[u8], &[u8])> {
        let last = self.open.as_ref()?;
        Some((&self.first.as_ref().unwrap_or(last).unit, &last.unit))
    }
}

fn names<S: BuildHasher + Clone>(
    shared: &Shared<S>,
    learned: Option<&TupleDictionary<S>>,
) -> Result<GroupNames, KernelError> {
    Ok(group_names(shared, &[learned])?.0)
}

/// The state of all streams, which must follow each other.
pub(crate) fn finish<S: BuildHasher + Clone + Send + Sync>(
    shared: &Arc<Shared<S>>,
    mut streams: Vec<Stream<S>>,
) -> Result<PartialState, KernelError> {
    if streams.iter().any(|stream| !Arc::ptr_eq(&stream.shared, shared)) {
        return Err(KernelError::Internal { doing: "collecting streams of several bounders" });
    }
    streams.sort_by(|a, b| a.ends().cmp(&b.ends()));
    let mut ends = streams.iter().filter_map(Stream::ends);
    if let Some((_, mut last)) = ends.next() {
        for (first, next) in ends {
            if first < last {
                return Err(KernelError::Unsorted);
            }
            last = next;
        }
    }
    let learned: Vec<_> = streams.iter().map(|stream| stream.learned.as_ref()).collect();
    let (groups, numbers) = group_names(shared, &learned)?;
    let measures = shared.plan.measures.len();
    let width = 1 + measures;
    let mut cells = Cells::new(groups.numbered(), measures, &shared.hasher);
    let mut held: BTreeMap<Vec<u8>, Vec<u32>> = BTreeMap::new();
    for (stream, numbers) in streams.into_iter().zip(&numbers) {
        let reached = Cells::merge(vec![stream.cells]);
        cells.over = cells.over.plus(reached.over);
        for (&key, cell) in reached.keys.iter().zip(reached.cells.chunks(width)) {
            let key = numbers.as_ref().map_or(key, |numbers| numbers[key as usize].into());
            let sum = cells.of(key).iter_mut().zip(cell);
            sum.for_each(|(sum, add)| *sum += add);
        }
        for Held { unit, mut words } in stream.first.into_iter().chain(stream.open) {
            if let Some(numbers) = numbers {
                let rows = words.chunks_exact_mut(shared.shape.row_words);
                rows.for_each(|row| row[0] = numbers[row[0] as usize]);
            }
            held.entry(unit).or_default().extend(words);
        }
    }
    let (ranking, readings) =
        (KeyedRanking::new(&shared.plan.rank_key), Readings::all(&shared.plan));
    let job =
        Job { shared, groups: &groups, ranking: &ranking, readings: &readings, distinct: None };
    let mut scratch = Scratch::new(groups.numbered());
    for (unit, words) in &held {
        let rows = UnitRows::new(words, shared.shape.row_words);
        job.settle_unit(unit, rows, &mut scratch, &mut cells);
    }
    let mut reached = Cells::merge(vec![cells]);
    reached.cells.chunks_mut(width).for_each(|cell| readings.complete(&mut cell[1..]));
    state(shared, &groups, reached, None)
}
