//! Intake: Arrow batches in, compact partitioned rows kept. Each thread has a lane of its own.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, SchemaRef};

use crate::canonical::{TupleEncoder, Tuples, canonical_column, canonical_type, presence};
use crate::dictionary::{Entries, TupleDictionary, UNKNOWN};
use crate::distinct::{Counting, Met};
use crate::integer::Integer;
use crate::memory::Account;
use crate::number::Codes;
use crate::plan::{Domain, Layout};
use crate::store::{Field32, PARTITION_BITS, PARTITIONS, Partition, ROWS_MAX, Shape, Width};
use crate::{BoundingPlan, KernelError, Keys, Memory, ValueColumn};

/// What all lanes of a bounder share.
pub(crate) struct Shared<S> {
    pub(crate) plan: BoundingPlan,
    pub(crate) layout: Layout,
    pub(crate) shape: Shape,
    pub(crate) units: UnitKind,
    pub(crate) keys: KeyKind<S>,
    /// For each value column whose values are counted, how they are told apart.
    pub(crate) counting: Vec<Option<Counting>>,
    pub(crate) account: Account,
    pub(crate) hasher: S,
    lanes: AtomicU32,
    rows: AtomicU64,
}

/// How units are told apart.
pub(crate) enum UnitKind {
    /// The value of 64 bits is the unit.
    Integers(Integer),
    /// The bytes of text or binary values, numbered within a partition.
    Bytes(TupleEncoder),
    /// The row encoding of any other type, numbered within a partition.
    Encoded(TupleEncoder),
}

/// How keys become numbers.
pub(crate) enum KeyKind<S> {
    /// The number of the tuple in the public domain.
    Public(TupleDictionary<S>),
    /// The value is its own code.
    Codes(Codes),
    /// The number of the tuple among those that the lane has met.
    Learned,
}

/// The intake of one thread, for any table hash, so that tests can try the worst one.
pub(crate) struct Intake<S> {
    pub(crate) shared: Arc<Shared<S>>,
    number: u32,
    pub(crate) partitions: Vec<Partition<S>>,
    pub(crate) learned: Option<TupleDictionary<S>>,
    /// For each key column that comes as a dictionary, what its entries were found to be.
    entries: Vec<Entries>,
    /// The values to be counted that the lane has met.
    pub(crate) met: Met<S>,
    /// Which partitions have rows outside of memory.
    pub(crate) spilled: Vec<bool>,
    rows_bytes: usize,
    accounted_bytes: usize,
    spreading: Spreading,
}

/// The records of one batch, ordered by partition, so that each partition takes its own in one
/// piece.
#[derive(Default)]
pub(crate) struct Spreading {
    /// For each row its partition, or [`NOWHERE`].
    targets: Vec<u16>,
    /// For each row its place among the ordered records.
    places: Vec<u32>,
    /// For each partition where its records begin, and the end of all.
    starts: Vec<u32>,
    records: Vec<u32>,
}

/// The partition of rows that are dropped.
const NOWHERE: u16 = PARTITIONS as u16;

/// A value column of a batch as the records store it.
pub(crate) enum Stored {
    /// Whether there is a value.
    Presence(BooleanBuffer),
    /// Steps, with the lower bound to take away.
    Steps(Int64Array, i64),
    /// The number or code of a value to be counted.
    Which(Vec<u64>),
}

/// The group keys of a batch.
pub(crate) enum KeyColumn {
    Ids(Vec<u32>),
    Codes(Vec<u64>),
}

/// A unit column in canonical form.
enum Units {
    Integers(ScalarBuffer<i64>),
    Texts(arrow::array::StringArray),
    Binaries(arrow::array::BinaryArray),
    Encoded(Tuples),
}

impl<S: BuildHasher + Clone> Shared<S> {
    pub(crate) fn new(
        plan: BoundingPlan,
        schema: &SchemaRef,
        memory: Memory,
        hasher: S,
    ) -> Result<Self, KernelError> {
        let layout = Layout::check(&plan, schema)?;
        let types = layout.key_types();
        let unit_encoder = || TupleEncoder::new(vec![layout.unit.clone()]);
        let units = match (Integer::of(&layout.unit), &layout.unit) {
            (Some(integer), _) => UnitKind::Integers(integer),
            (None, DataType::Utf8 | DataType::Binary) => UnitKind::Bytes(unit_encoder()?),
            (None, _) => UnitKind::Encoded(unit_encoder()?),
        };
        let keys = match (&plan.keys, types.as_slice()) {
            (Keys::Public(domain), types) => KeyKind::Public(public_keys(domain, types, &hasher)?),
            (Keys::Learned, [only]) if let Some(integer) = Integer::of(only) => {
                KeyKind::Codes(Codes::new(integer))
            }
            (Keys::Learned, _) => KeyKind::Learned,
        };
        let unit_words = if matches!(units, UnitKind::Integers(_)) { 2 } else { 1 };
        let key_words = if matches!(keys, KeyKind::Codes(_)) { 2 } else { 1 };
        let shape = Shape::new(unit_words, key_words, &plan.values, &layout.counted);
        let counting = Counting::all(&layout.counted);
        let account = Account::new(memory);
        let (lanes, rows) = (AtomicU32::new(0), AtomicU64::new(0));
        Ok(Self { plan, layout, shape, units, keys, counting, account, hasher, lanes, rows })
    }

    /// Counts rows before they are taken in.
    pub(crate) fn count(&self, rows: usize) -> Result<(), KernelError> {
        let before = self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        if before.saturating_add(rows as u64) > ROWS_MAX {
            return Err(KernelError::TooLarge { what: "rows", limit: ROWS_MAX });
        }
        Ok(())
    }

    /// Where a unit's rows go: the same place in every lane.
    #[inline]
    pub(crate) fn partition(hash: u64) -> usize {
        (hash >> (64 - PARTITION_BITS)) as usize
    }

    /// The hash of a unit that is a number.
    #[inline]
    pub(crate) fn unit_hash(&self, unit: i64) -> u64 {
        self.hasher.hash_one(unit)
    }
}

/// A dictionary in which the number of a tuple is its position in the public domain.
fn public_keys<S: BuildHasher + Clone>(
    domain: &RecordBatch,
    types: &[DataType],
    hasher: &S,
) -> Result<TupleDictionary<S>, KernelError> {
    let limit = u64::from(u32::MAX - 1);
    if domain.num_rows() as u64 > limit {
        return Err(KernelError::TooLarge { what: "public keys", limit });
    }
    let domain = Domain::new(domain, &TupleEncoder::new(types.to_vec())?)?;
    let mut keys = TupleDictionary::new(types, hasher)?;
    keys.close(domain.batch.columns(), domain.batch.num_rows())?;
    Ok(keys)
}

impl<S: BuildHasher + Clone> Intake<S> {
    pub(crate) fn new(shared: &Arc<Shared<S>>) -> Result<Self, KernelError> {
        let learned = learned_dictionary(shared)?;
        let partition = || Partition::new(shared.hasher.clone());
        Ok(Self {
            shared: Arc::clone(shared),
            number: shared.lanes.fetch_add(1, Ordering::Relaxed),
            partitions: std::iter::repeat_with(partition).take(PARTITIONS).collect(),
            learned,
            met: Met::new(shared)?,
            entries: vec![Entries::default(); shared.layout.key_fields.len()],
            spilled: vec![false; PARTITIONS],
            rows_bytes: 0,
            accounted_bytes: 0,
            spreading: Spreading::default(),
        })
    }

    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<(), KernelError> {
        // Everything that can fail for a reason in the batch comes before the first change.
        let shared = Arc::clone(&self.shared);
        shared.count(batch.num_rows())?;
        let (unit, keys) = checked_columns(&shared, batch)?;
        let nulls = unit.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        let units = units(&shared, &unit)?;
        let values = stored_values(&shared, batch, &mut self.met)?;
        let learned = self.learned.as_mut();
        let keys = key_column(&shared, learned, &mut self.entries, &keys, batch.num_rows())?;
        self.spread(&shared, &units, nulls.as_ref(), &keys, &values);
        self.settle_account()
    }

    /// Appends each row to the partition of its unit. Rows of nobody, and rows without a public
    /// key, go nowhere.
    fn spread(
        &mut self,
        shared: &Shared<S>,
        units: &Units,
        nulls: Option<&NullBuffer>,
        keys: &KeyColumn,
        values: &[Stored],
    ) {
        let rows = units.len();
        let mut spreading = std::mem::take(&mut self.spreading);
        spreading.targets.clear();
        spreading.targets.resize(rows, 0);
        if let Some(nulls) = nulls {
            let targets = spreading.targets.iter_mut().zip(nulls.iter());
            targets.filter(|(_, valid)| !valid).for_each(|(target, _)| *target = NOWHERE);
        }
        if let KeyColumn::Ids(ids) = keys {
            let targets = spreading.targets.iter_mut().zip(ids);
            targets.filter(|(_, id)| **id == UNKNOWN).for_each(|(target, _)| *target = NOWHERE);
        }
        let numbers = match units {
            Units::Integers(bits) => {
                for (target, &unit) in spreading.targets.iter_mut().zip(bits.iter()) {
                    let partition = Shared::<S>::partition(shared.unit_hash(unit)) as u16;
                    *target = (*target).max(partition);
                }
                Vec::new()
            }
            Units::Texts(texts) => {
                self.number(&mut spreading.targets, |row| texts.value(row).as_bytes())
            }
            Units::Binaries(bytes) => self.number(&mut spreading.targets, |row| bytes.value(row)),
            Units::Encoded(tuples) => self.number(&mut spreading.targets, |row| tuples.bytes(row)),
        };
        let shape = &shared.shape;
        spreading.order(shape.words);
        spreading.fill(shape, shape.words, keys, values);
        match units {
            Units::Integers(bits) => {
                let bits = bits.iter().map(|bits| bits.cast_unsigned());
                spreading.wide(shape.words, shape.row_words, bits);
            }
            Units::Texts(_) | Units::Binaries(_) | Units::Encoded(_) => {
                spreading.narrow(shape.words, shape.row_words, numbers.into_iter());
            }
        }
        for (partition, ends) in self.partitions.iter_mut().zip(spreading.starts.windows(2)) {
            let [start, end] = [ends[0], ends[1]].map(|end| end as usize * shape.words);
            self.rows_bytes += partition.extend(&spreading.records[start..end], shape.words);
        }
        self.spreading = spreading;
    }

    /// Numbers units that are bytes within their partitions, and says which these are.
    fn number<'a>(&mut self, targets: &mut [u16], bytes: impl Fn(usize) -> &'a [u8]) -> Vec<u32> {
        let mut numbers = Vec::with_capacity(targets.len());
        for (row, target) in targets.iter_mut().enumerate() {
            if *target == NOWHERE {
                numbers.push(0);
                continue;
            }
            let unit = bytes(row);
            let hash = self.shared.hasher.hash_one(unit);
            let partition = Shared::<S>::partition(hash);
            *target = partition as u16;
            numbers.push(self.partitions[partition].units.intern_hashed(hash, unit));
        }
        numbers
    }

    /// Spills this lane's rows where all lanes together take too much.
    ///
    /// A lane with few rows leaves it to others: together they exceed the limit by half at most.
    fn settle_account(&mut self) -> Result<(), KernelError> {
        let shared = Arc::clone(&self.shared);
        let account = &shared.account;
        let Some(limit_bytes) = account.memory.limit_bytes else { return Ok(()) };
        let now = self.memory_bytes();
        let used = account.replace(self.accounted_bytes, now);
        self.accounted_bytes = now;
        let lanes = shared.lanes.load(Ordering::Relaxed).max(1) as usize;
        if used <= limit_bytes || now < limit_bytes / (2 * lanes) {
            return Ok(());
        }
        let spill = account.spill()?;
        for (place, partition) in self.partitions.iter_mut().enumerate() {
            let segment = partition.drain();
            if !segment.is_empty() {
                let slot = slot(self.number, place)?;
                let put = spill.put(slot, &segment.to_batch()?);
                put.map_err(|detail| KernelError::Spill { detail })?;
                self.spilled[place] = true;
            }
        }
        self.rows_bytes = 0;
        let now = self.memory_bytes();
        account.replace(self.accounted_bytes, now);
        self.accounted_bytes = now;
        // What is left cannot be spilled.
        if now > limit_bytes { Err(KernelError::Memory { limit_bytes }) } else { Ok(()) }
    }

    fn memory_bytes(&self) -> usize {
        let units: usize = match self.shared.units {
            UnitKind::Integers(_) => 0,
            UnitKind::Bytes(_) | UnitKind::Encoded(_) => {
                self.partitions.iter().map(|partition| partition.units.memory_bytes()).sum()
            }
        };
        let learned = self.learned.as_ref().map_or(0, TupleDictionary::memory_bytes);
        self.rows_bytes + units + learned + self.met.memory_bytes()
    }

    /// Where a partition's spilled rows are.
    pub(crate) fn slot(&self, partition: usize) -> Result<u32, KernelError> {
        slot(self.number, partition)
    }
}

fn slot(lane: u32, partition: usize) -> Result<u32, KernelError> {
    let too_many =
        KernelError::TooLarge { what: "lanes", limit: u64::from(u32::MAX >> PARTITION_BITS) };
    let first = lane.checked_mul(PARTITIONS as u32).ok_or(too_many)?;
    Ok(first + partition as u32)
}

/// A dictionary of keys to learn, where keys are learned under numbers.
pub(crate) fn learned_dictionary<S: BuildHasher + Clone>(
    shared: &Shared<S>,
) -> Result<Option<TupleDictionary<S>>, KernelError> {
    match shared.keys {
        KeyKind::Learned => {
            TupleDictionary::new(&shared.layout.key_types(), &shared.hasher).map(Some)
        }
        KeyKind::Public(_) | KeyKind::Codes(_) => Ok(None),
    }
}

/// The keys as numbers or codes; new ones are added to those learned.
pub(crate) fn key_column<S: BuildHasher + Clone>(
    shared: &Shared<S>,
    learned: Option<&mut TupleDictionary<S>>,
    entries: &mut [Entries],
    keys: &[ArrayRef],
    rows: usize,
) -> Result<KeyColumn, KernelError> {
    let unreadable = || KernelError::Internal { doing: "reading group keys" };
    Ok(match &shared.keys {
        KeyKind::Codes(codes) => {
            let [column] = keys else { return Err(unreadable()) };
            KeyColumn::Codes(codes.of(column))
        }
        KeyKind::Public(domain) => {
            KeyColumn::Ids(domain.find(keys, rows, entries).ok_or_else(unreadable)?)
        }
        KeyKind::Learned => {
            let learned = learned.ok_or_else(unreadable)?;
            if learned.len().saturating_add(rows) >= UNKNOWN as usize {
                let limit = u64::from(UNKNOWN);
                return Err(KernelError::TooLarge { what: "group keys", limit });
            }
            KeyColumn::Ids(learned.learn(keys, rows, entries).ok_or_else(unreadable)?)
        }
    })
}

impl KeyColumn {
    /// Whether a row has a key at all: a public one, or any where keys are learned.
    pub(crate) fn is_known(&self, row: usize) -> bool {
        match self {
            Self::Ids(ids) => ids[row] != UNKNOWN,
            Self::Codes(_) => true,
        }
    }
}

impl Units {
    fn len(&self) -> usize {
        match self {
            Self::Integers(bits) => bits.len(),
            Self::Texts(texts) => texts.len(),
            Self::Binaries(bytes) => bytes.len(),
            Self::Encoded(tuples) => tuples.len(),
        }
    }
}

impl Spreading {
    /// Gives each row its place by partition; those that go nowhere come last.
    fn order(&mut self, words: usize) {
        let Self { targets, places, starts, records } = self;
        starts.clear();
        starts.resize(PARTITIONS + 1, 0);
        let mut next = [0_u32; PARTITIONS + 1];
        targets.iter().for_each(|&target| next[usize::from(target)] += 1);
        let mut start = 0;
        for (next, begin) in next.iter_mut().zip(starts) {
            *begin = start;
            start += std::mem::replace(next, start);
        }
        places.clear();
        places.extend(targets.iter().map(|&target| {
            let next = &mut next[usize::from(target)];
            *next += 1;
            *next - 1
        }));
        // What was there is written over.
        records.resize(records.len().max(targets.len() * words), 0);
    }

    /// Gives the kept rows the first places, in their order, and all others the places behind.
    pub(crate) fn keep(&mut self, kept: &[u32], rows: usize, words: usize) {
        let Self { places, records, .. } = self;
        places.clear();
        places.resize(rows, u32::MAX);
        for (place, &row) in (0..).zip(kept) {
            places[row as usize] = place;
        }
        let left_over = places.iter_mut().filter(|place| **place == u32::MAX);
        left_over.zip(kept.len() as u32..).for_each(|(place, free)| *place = free);
        records.resize(records.len().max(rows * words), 0);
    }

    /// The records of `words` each, in their places.
    pub(crate) fn records(&self) -> &[u32] {
        &self.records
    }

    /// Writes keys and values.
    pub(crate) fn fill(
        &mut self,
        shape: &Shape,
        words: usize,
        keys: &KeyColumn,
        values: &[Stored],
    ) {
        match keys {
            KeyColumn::Ids(ids) => self.narrow(words, 0, ids.iter().copied()),
            KeyColumn::Codes(codes) => self.wide(words, 0, codes.iter().copied()),
        }
        for (field, stored) in shape.values.iter().zip(values) {
            stored.write(self, words, field);
        }
    }

    fn narrow(&mut self, words: usize, at: usize, values: impl Iterator<Item = u32>) {
        for (&place, value) in self.places.iter().zip(values) {
            self.records[place as usize * words + at] = value;
        }
    }

    fn wide(&mut self, words: usize, at: usize, values: impl Iterator<Item = u64>) {
        for (&place, value) in self.places.iter().zip(values) {
            let field = &mut self.records[place as usize * words + at..][..2];
            field[0] = value as u32;
            field[1] = (value >> 32) as u32;
        }
    }
}

impl Stored {
    fn write(&self, to: &mut Spreading, words: usize, field: &Field32) {
        match self {
            Self::Which(values) => field.write(to, words, values.iter().copied()),
            Self::Presence(present) => {
                to.narrow(words, field.at, present.iter().map(u32::from));
            }
            Self::Steps(steps, lower) => {
                // The bounds hold, so that nothing wraps.
                let stored =
                    |steps: i64| steps.wrapping_sub(*lower).wrapping_add(1).cast_unsigned();
                match steps.nulls() {
                    None => field.write(to, words, steps.values().iter().map(|&step| stored(step))),
                    Some(_) => {
                        field.write(to, words, steps.iter().map(|step| step.map_or(0, stored)));
                    }
                }
            }
        }
    }
}

impl Field32 {
    fn write(&self, to: &mut Spreading, words: usize, values: impl Iterator<Item = u64>) {
        match self.width {
            Width::Presence | Width::Narrow { .. } | Width::Number => {
                to.narrow(words, self.at, values.map(|value| value as u32));
            }
            Width::Wide { .. } | Width::Code => to.wide(words, self.at, values),
        }
    }
}

/// What the records store of each value column.
pub(crate) fn stored_values<S: BuildHasher + Clone>(
    shared: &Shared<S>,
    batch: &RecordBatch,
    met: &mut Met<S>,
) -> Result<Vec<Stored>, KernelError> {
    let first = batch.num_columns() - shared.plan.values.len();
    let stored = |(value, kind): (usize, &ValueColumn)| {
        let column = batch.column(first + value);
        Ok(match kind {
            ValueColumn::Distinct => Stored::Which(met.which(shared, value, column)?),
            ValueColumn::Presence => {
                let unreadable = || KernelError::Unreadable {
                    column: first + value,
                    expected: column.data_type().clone(),
                };
                Stored::Presence(presence(column).ok_or_else(unreadable)?)
            }
            ValueColumn::Grid(grid) => Stored::Steps(grid.to_steps(column)?, grid.lower_steps()),
        })
    };
    shared.plan.values.iter().enumerate().map(stored).collect()
}

fn units<S>(shared: &Shared<S>, unit: &ArrayRef) -> Result<Units, KernelError> {
    let unreadable = || KernelError::Unreadable { column: 0, expected: shared.layout.unit.clone() };
    Ok(match &shared.units {
        UnitKind::Integers(integer) => Units::Integers(integer.bits(unit)),
        UnitKind::Bytes(_) => match unit.as_string_opt::<i32>() {
            Some(texts) => Units::Texts(texts.clone()),
            None => Units::Binaries(unit.as_binary_opt::<i32>().ok_or_else(unreadable)?.clone()),
        },
        UnitKind::Encoded(encoder) => Units::Encoded(encoder.encode(std::slice::from_ref(unit))?),
    })
}

/// The unit in canonical form, and the keys as they are.
pub(crate) fn checked_columns<S>(
    shared: &Shared<S>,
    batch: &RecordBatch,
) -> Result<(ArrayRef, Vec<ArrayRef>), KernelError> {
    let key_fields = &shared.layout.key_fields;
    let expected = 1 + key_fields.len() + shared.plan.values.len();
    if batch.num_columns() != expected {
        return Err(KernelError::ColumnCount { expected, found: batch.num_columns() });
    }
    let unit = checked_column(batch, 0, &shared.layout.unit)?;
    let unit = canonical_column(unit, &shared.layout.unit).ok_or_else(|| {
        KernelError::Unreadable { column: 0, expected: shared.layout.unit.clone() }
    })?;
    let keys = (key_fields.iter().enumerate())
        .map(|(key, field)| {
            let column = checked_column(batch, 1 + key, field.data_type())?;
            // Dictionaries are read as they are, entry by entry.
            if matches!(column.data_type(), DataType::Dictionary(_, _))
                && !matches!(shared.keys, KeyKind::Codes(_))
            {
                return Ok(Arc::clone(column));
            }
            canonical_column(column, field.data_type()).ok_or_else(|| KernelError::Unreadable {
                column: 1 + key,
                expected: field.data_type().clone(),
            })
        })
        .collect::<Result<_, KernelError>>()?;
    for (value, kind) in shared.plan.values.iter().enumerate() {
        let place = 1 + key_fields.len() + value;
        let column = batch.column(place);
        if let Some(counted) = &shared.layout.counted[value] {
            checked_column(batch, place, counted)?;
        }
        if let ValueColumn::Grid(_) = kind
            && !crate::Grid::accepts(column.data_type())
        {
            return Err(KernelError::NotNumeric { data_type: column.data_type().clone() });
        }
    }
    Ok((unit, keys))
}

fn checked_column<'a>(
    batch: &'a RecordBatch,
    column: usize,
    expected: &DataType,
) -> Result<&'a ArrayRef, KernelError> {
    let array = batch.column(column);
    if canonical_type(array.data_type()).as_ref() != Some(expected) {
        let (expected, found) = (expected.clone(), array.data_type().clone());
        return Err(KernelError::BatchType { column, expected, found });
    }
    Ok(array)
}
