//! The door of this crate: lanes that take rows in, and one partial state that comes out.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use hashbrown::DefaultHashBuilder;
use rayon::prelude::*;

use crate::canonical::TupleEncoder;
use crate::cells::{Cells, Reached};
use crate::dictionary::TupleDictionary;
use crate::distinct::{Distinct, Found};
use crate::intern::{Interner, Strings};
use crate::lane::{Intake, KeyKind, Shared};
use crate::measure::Readings;
use crate::partial::{Column, SortedCells};
use crate::rank::{KeyedRanking, Ranking};
use crate::settle::{GroupNames, Job, Part, Scratch};
use crate::store::{PARTITIONS, Partition, Segment};
use crate::stream::{self, Stream};
use crate::{BoundingPlan, KernelError, Measure, Memory, PartialState};

/// Bounds what each unit contributes and measures the groups.
///
/// *Guarantee*: with one unit removed, at most `max_groups` groups change, each measure of a group
/// by at most 1 (units), `max_rows_per_group` (rows and distinct values), `max_rows_per_group *`
/// [`max_abs_steps`](crate::Grid::max_abs_steps) (sums) or `max_rows_per_group *`
/// [`max_deviation_steps`](crate::Grid::max_deviation_steps) (centred sums). The result depends
/// only on the multiset of rows and the plan, never on their order, on batches, lanes, threads or
/// memory. Assumes that all rows of a unit pass through one bounder.
pub struct Bounder(Arc<Shared<DefaultHashBuilder>>);

/// Takes in rows for a [`Bounder`], on a thread of its own.
pub struct Lane(Intake<DefaultHashBuilder>);

/// Takes in rows that are sorted by unit, on a thread of its own.
pub struct SortedLane(Stream<DefaultHashBuilder>);

impl Bounder {
    /// A bounder for batches of one schema: the unit id, then keys, then values.
    ///
    /// *Errors*: a plan that is wrong in itself or does not fit the schema.
    pub fn new(plan: BoundingPlan, schema: SchemaRef) -> Result<Self, KernelError> {
        Self::with_memory(plan, schema, Memory::default())
    }

    /// A bounder that spills rows where they would take more memory than allowed.
    ///
    /// *Errors*: a plan that is wrong in itself or does not fit the schema.
    pub fn with_memory(
        plan: BoundingPlan,
        schema: SchemaRef,
        memory: Memory,
    ) -> Result<Self, KernelError> {
        Ok(Self(Arc::new(Shared::new(plan, &schema, memory, DefaultHashBuilder::default())?)))
    }

    /// A further lane; rows of one unit may go through several.
    ///
    /// *Errors*: none that a checked plan can cause.
    pub fn lane(&self) -> Result<Lane, KernelError> {
        Ok(Lane(Intake::new(&self.0)?))
    }

    /// Bounds and measures everything that was pushed into the lanes, on the current rayon pool.
    ///
    /// *Errors*: a lane of another bounder; rows that cannot be read back from where they were
    /// spilled; more keys than a state can hold.
    pub fn finish(self, lanes: Vec<Lane>) -> Result<PartialState, KernelError> {
        let ranking = KeyedRanking::new(&self.0.plan.rank_key);
        finish(&self.0, lanes.into_iter().map(|lane| lane.0).collect(), &ranking)
    }
}

impl Bounder {
    /// A lane for rows that are said to be sorted by unit; not to be mixed with other lanes.
    ///
    /// *Errors*: none that a checked plan can cause.
    pub fn sorted_lane(&self) -> Result<SortedLane, KernelError> {
        Ok(SortedLane(Stream::new(&self.0)?))
    }

    /// What [`Bounder::finish`] gives for the same rows, bit for bit.
    ///
    /// *Errors*: [`KernelError::Unsorted`] when rows of a unit may have gone through several lanes
    /// without being next to each other.
    pub fn finish_sorted(self, lanes: Vec<SortedLane>) -> Result<PartialState, KernelError> {
        stream::finish(&self.0, lanes.into_iter().map(|lane| lane.0).collect())
    }
}

impl SortedLane {
    /// Takes in a batch; its rows follow those of the batch before. As [`Lane::push`] otherwise.
    ///
    /// *Errors*: [`KernelError::Unsorted`] when they do not, or when one unit has too many rows for
    /// the memory, after which the bounder is of no use; a batch of another schema.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<(), KernelError> {
        self.0.push(batch)
    }
}

impl Lane {
    /// Takes in a batch.
    ///
    /// Rows without a unit id (NULL or NaN) and rows outside public keys are dropped silently.
    ///
    /// *Errors*: a batch of another schema, which leaves nothing behind; more rows than can be
    /// counted; no memory and no place to spill to, after which the bounder is of no use.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<(), KernelError> {
        self.0.push(batch)
    }
}

/// What the lanes hold of one partition.
struct Shard<S> {
    lanes: Vec<Partition<S>>,
    spilled: Vec<Option<u32>>,
    rows: usize,
}

pub(crate) fn finish<S, R>(
    shared: &Arc<Shared<S>>,
    lanes: Vec<Intake<S>>,
    ranking: &R,
) -> Result<PartialState, KernelError>
where
    S: BuildHasher + Clone + Send + Sync,
    R: Ranking,
{
    if lanes.iter().any(|lane| !Arc::ptr_eq(&lane.shared, shared)) {
        return Err(KernelError::Internal { doing: "collecting lanes of several bounders" });
    }
    let learned: Vec<_> = lanes.iter().map(|lane| lane.learned.as_ref()).collect();
    let (groups, keys_of_lane) = group_names(shared, &learned)?;
    let counts_values = shared.counting.iter().any(Option::is_some);
    let distinct = counts_values.then(|| Distinct::new(shared, &lanes)).transpose()?;
    let distinct = distinct.as_ref();
    let shards = shards(lanes)?;
    let readings = Readings::all(&shared.plan);
    let job = Job { shared, groups: &groups, ranking, readings: &readings, distinct };
    let next = AtomicUsize::new(0);
    let shards: Vec<std::sync::Mutex<Option<Shard<S>>>> =
        shards.into_iter().map(|shard| std::sync::Mutex::new(Some(shard))).collect();
    let (numbered, measures) = (groups.numbered(), shared.plan.measures.len());
    // The totals of public keys are known beforehand, and whoever plans bounds them.
    let counted = !matches!(shared.keys, KeyKind::Public(_));
    // Each worker takes the next partition that nobody has taken, the largest first.
    let work = |_| -> Result<(Cells<S>, Found), KernelError> {
        let mut cells = Cells::new(numbered, measures, &shared.hasher);
        let mut scratch = Scratch::new(numbered);
        let mut accounted_bytes = 0;
        loop {
            if counted {
                let now = cells.memory_bytes();
                shared.account.replace_totals(accounted_bytes, now)?;
                accounted_bytes = now;
            }
            let Some(shard) = shards.get(next.fetch_add(1, Ordering::Relaxed)) else {
                return Ok((cells, scratch.found));
            };
            let shard = shard.lock().ok().and_then(|mut shard| shard.take());
            let internal = KernelError::Internal { doing: "sharing partitions out" };
            let parts = parts(shared, shard.ok_or(internal)?, (&groups, &keys_of_lane), distinct)?;
            job.settle(parts, &mut scratch, &mut cells)?;
            if let Some(distinct) = distinct {
                distinct.account(&mut scratch.found)?;
            }
        }
    };
    let each_bytes = Cells::<S>::dense_bytes(numbered, measures);
    let workers = shared.account.workers(rayon::current_num_threads(), each_bytes);
    let done = (0..workers).into_par_iter().map(work).collect::<Result<Vec<_>, _>>()?;
    let (cells, found): (Vec<_>, Vec<_>) = done.into_iter().unzip();
    let mut reached = Cells::merge(cells);
    let width = 1 + shared.plan.measures.len();
    reached.cells.par_chunks_mut(width).for_each(|cell| readings.complete(&mut cell[1..]));
    state(shared, &groups, reached, distinct.map(|distinct| (distinct, found)))
}

/// A lane's numbers among those of all lanes; nothing where they are the same.
pub(crate) type Renumbered = Option<Arc<Vec<u32>>>;

/// The keys of all lanes under common numbers, and for each lane its numbers in these.
pub(crate) fn group_names<S: BuildHasher + Clone>(
    shared: &Shared<S>,
    lanes: &[Option<&TupleDictionary<S>>],
) -> Result<(GroupNames, Vec<Renumbered>), KernelError> {
    match &shared.keys {
        KeyKind::Public(domain) => {
            Ok((GroupNames::Strings(domain.labels_by_position()?), vec![None; lanes.len()]))
        }
        KeyKind::Codes(codes) => Ok((GroupNames::Values(codes.values()), vec![None; lanes.len()])),
        KeyKind::Learned => {
            let labels: Vec<Strings> = (lanes.iter())
                .flatten()
                .map(|learned| learned.labels())
                .collect::<Result<_, _>>()?;
            let (strings, numbers) = under_common_numbers(labels, &shared.hasher)?;
            Ok((GroupNames::Strings(strings), numbers))
        }
    }
}

/// The strings of all lanes, each once, and for each lane the numbers of its strings among them.
pub(crate) fn under_common_numbers<S: BuildHasher + Clone>(
    mut labels: Vec<Strings>,
    hasher: &S,
) -> Result<(Strings, Vec<Renumbered>), KernelError> {
    if labels.len() == 1 {
        return Ok((labels.remove(0), vec![None]));
    }
    check_numbers(labels.iter().map(Strings::len))?;
    let mut all = Interner::new(hasher.clone());
    let numbers = (labels.iter())
        .map(|labels| Some(Arc::new(labels.iter().map(|label| all.intern(label)).collect())))
        .collect();
    Ok((all.into_strings(), numbers))
}

/// Refuses more strings than there are numbers of 32 bits, even if no two lanes have one in common.
fn check_numbers(strings: impl Iterator<Item = usize>) -> Result<(), KernelError> {
    let limit = u64::from(u32::MAX);
    let all = strings.fold(0_u64, |all, strings| all.saturating_add(strings as u64));
    let what = "group keys or values to be counted";
    if all < limit { Ok(()) } else { Err(KernelError::TooLarge { what, limit }) }
}

/// Partition by partition what all lanes hold, the largest first.
fn shards<S: BuildHasher + Clone>(lanes: Vec<Intake<S>>) -> Result<Vec<Shard<S>>, KernelError> {
    let mut shards: Vec<Shard<S>> = (0..PARTITIONS)
        .map(|_| Shard { lanes: Vec::new(), spilled: Vec::new(), rows: 0 })
        .collect();
    for lane in lanes {
        let slots: Vec<Option<u32>> = (lane.spilled.iter().enumerate())
            .map(|(place, &spilled)| spilled.then(|| lane.slot(place)).transpose())
            .collect::<Result<_, _>>()?;
        for ((shard, partition), slot) in shards.iter_mut().zip(lane.partitions).zip(slots) {
            shard.rows += partition.words();
            shard.lanes.push(partition);
            shard.spilled.push(slot);
        }
    }
    shards.sort_by_key(|shard| std::cmp::Reverse(shard.rows));
    Ok(shards)
}

fn parts<S: BuildHasher>(
    shared: &Shared<S>,
    shard: Shard<S>,
    (groups, keys_of_lane): (&GroupNames, &[Renumbered]),
    distinct: Option<&Distinct<'_>>,
) -> Result<Vec<Part>, KernelError> {
    let mut parts = Vec::new();
    let words = shared.shape.words;
    for (lane, ((mut partition, slot), keys)) in
        shard.lanes.into_iter().zip(shard.spilled).zip(keys_of_lane).enumerate()
    {
        if let Some(slot) = slot {
            let spill = |detail| KernelError::Spill { detail };
            for batch in shared.account.spill()?.take(slot).map_err(spill)? {
                let known = |key: u64| match keys {
                    Some(keys) => key < keys.len() as u64,
                    None => groups.knows(key),
                };
                let segment = Segment::from_batch(&batch, &shared.shape, known).filter(|segment| {
                    distinct.is_none_or(|distinct| distinct.knows(lane, segment, words))
                });
                let mut segment =
                    segment.ok_or_else(|| spill("it holds no such rows".to_owned()))?;
                if let Some(distinct) = distinct {
                    distinct.renumber(lane, &mut segment, words);
                }
                parts.push(Part { segment, keys: keys.clone() });
            }
        }
        let mut segment = partition.drain();
        if !segment.is_empty() {
            if let Some(distinct) = distinct {
                distinct.renumber(lane, &mut segment, words);
            }
            parts.push(Part { segment, keys: keys.clone() });
        }
    }
    Ok(parts)
}

/// The cells in the order of their keys' canonical bytes.
pub(crate) fn state<S>(
    shared: &Shared<S>,
    groups: &GroupNames,
    reached: Reached,
    found: Option<(&Distinct<'_>, Vec<Found>)>,
) -> Result<PartialState, KernelError> {
    let Reached { over, keys, cells } = reached;
    let width = 1 + shared.plan.measures.len();
    let order = groups.order(&keys);
    let mut labels = Strings::with_capacity(keys.len(), 9 * keys.len());
    for &place in &order {
        groups.with_bytes(keys[place as usize], |label| labels.push(label));
    }
    let column = |column: usize| -> Vec<i128> {
        order.iter().map(|&place| cells[place as usize * width + column]).collect()
    };
    let in_order: Vec<u64> = order.iter().map(|&place| keys[place as usize]).collect();
    let sets = found.map(|(distinct, found)| distinct.sets(found, &in_order)).unwrap_or_default();
    let measures = (shared.plan.measures.iter().zip(1..))
        .map(|(measure, place)| match measure {
            Measure::Distinct { value } => {
                let set = sets.iter().find(|set| set.0 == *value);
                let internal = KernelError::Internal { doing: "collecting distinct values" };
                Ok(Column::Sets(set.ok_or(internal)?.1.clone()))
            }
            _ => Ok(Column::Totals(column(place))),
        })
        .collect::<Result<_, _>>()?;
    let sorted = SortedCells { labels, units: column(0), measures, over };
    let encoder = TupleEncoder::new(shared.layout.key_types())?;
    PartialState::assemble(&shared.plan, &shared.layout, &encoder, sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lanes number their keys each for itself; together there may be more than numbers.
    #[test]
    fn more_keys_than_numbers_are_an_error() {
        let most = u32::MAX as usize;
        let what = "group keys or values to be counted";
        assert!(check_numbers([most / 2, most / 2].into_iter()).is_ok());
        let error = check_numbers([most / 2, most / 2 + 1].into_iter()).unwrap_err();
        assert_eq!(error, KernelError::TooLarge { what, limit: most as u64 });
        assert!(check_numbers([usize::MAX, usize::MAX].into_iter()).is_err());
    }
}
