//! The bounding rule in its plainest form: sort everything, then take.
//!
//! Every faster path must give the same partial state, bit for bit. This one is for tests and
//! benches: it copies every row's bytes and is slow on purpose.

use std::collections::BTreeMap;
use std::hash::Hasher;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use siphasher::sip::SipHasher24;

use crate::canonical::{TupleEncoder, canonical_column, presence};
use crate::partial::SortedCells;
use crate::plan::{Domain, Layout};
use crate::rank::{ABSENT, GROUP_DOMAIN, ROW_DOMAIN};
use crate::{BoundingPlan, KernelError, Keys, Measure, PartialState, Squares, ValueColumn};

/// A row's values in steps, NULL as nothing; presence counts as zero steps.
type Values = Vec<Option<i64>>;
/// A row: its unit's bytes, its group's bytes, its values.
type OwnedRow = (Vec<u8>, Vec<u8>, Values);
/// All rows of one unit, by group.
type Groups = BTreeMap<Vec<u8>, Vec<Values>>;

/// Bounds and measures like [`Bounder`](crate::Bounder), slowly and by the book.
pub fn bound(
    plan: &BoundingPlan,
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> Result<PartialState, KernelError> {
    let layout = Layout::check(plan, schema)?;
    let unit_encoder = TupleEncoder::new(vec![layout.unit.clone()])?;
    let key_encoder = TupleEncoder::new(layout.key_types())?;
    let mut units: BTreeMap<Vec<u8>, Groups> = BTreeMap::new();
    for batch in batches {
        for (unit, group, values) in read(plan, &layout, &unit_encoder, &key_encoder, batch)? {
            units.entry(unit).or_default().entry(group).or_default().push(values);
        }
    }
    if let Keys::Public(domain) = &plan.keys {
        let domain = Domain::new(domain, &key_encoder)?;
        let known = |group: &[u8]| {
            (0..domain.batch.num_rows()).any(|cell| domain.tuples.bytes(cell) == group)
        };
        units.values_mut().for_each(|groups| groups.retain(|group, _| known(group)));
    }
    let mut cells: BTreeMap<Vec<u8>, (i128, Vec<i128>)> = BTreeMap::new();
    for (unit, groups) in &units {
        for (group, rows) in take_groups(plan, unit, groups) {
            let kept = take_rows(plan, unit, group, rows);
            let cell = cells.entry(group.clone()).or_insert((0, vec![0; plan.measures.len()]));
            cell.0 += 1;
            for (total, measure) in cell.1.iter_mut().zip(&plan.measures) {
                *total += measure_rows(plan, *measure, &kept);
            }
        }
    }
    let cells = SortedCells {
        labels: cells.keys().map(Vec::as_slice).collect(),
        units: cells.values().map(|cell| cell.0).collect(),
        measures: (0..plan.measures.len())
            .map(|measure| cells.values().map(|cell| cell.1[measure]).collect())
            .collect(),
    };
    PartialState::assemble(plan, &layout.key_fields, &key_encoder, cells)
}

fn read(
    plan: &BoundingPlan,
    layout: &Layout,
    unit_encoder: &TupleEncoder,
    key_encoder: &TupleEncoder,
    batch: &RecordBatch,
) -> Result<Vec<OwnedRow>, KernelError> {
    let unreadable = KernelError::Internal { doing: "reading the reference's input" };
    let unit = canonical_column(batch.column(0), &layout.unit).ok_or(unreadable.clone())?;
    let keys = (batch.columns()[1..].iter().zip(&layout.key_fields))
        .map(|(key, field)| canonical_column(key, field.data_type()))
        .collect::<Option<Vec<_>>>()
        .ok_or(unreadable.clone())?;
    let mut columns: Vec<Values> = Vec::new();
    for (column, value) in batch.columns()[1 + keys.len()..].iter().zip(&plan.values) {
        columns.push(match value {
            ValueColumn::Grid(grid) => grid.to_steps(column)?.iter().collect(),
            ValueColumn::Presence => {
                let present = presence(column).ok_or(unreadable.clone())?;
                present.iter().map(|present| present.then_some(0)).collect()
            }
        });
    }
    let (units, groups) =
        (unit_encoder.encode(std::slice::from_ref(&unit))?, key_encoder.encode(&keys)?);
    let nulls = unit.logical_nulls();
    Ok((0..batch.num_rows())
        .filter(|&row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)))
        .map(|row| {
            let values = columns.iter().map(|column| column[row]).collect();
            (units.bytes(row).to_vec(), groups.bytes(row).to_vec(), values)
        })
        .collect())
}

fn take_groups<'a>(
    plan: &BoundingPlan,
    unit: &[u8],
    groups: &'a Groups,
) -> Vec<(&'a Vec<u8>, &'a Vec<Values>)> {
    let mut ranked: Vec<_> = (groups.iter())
        .map(|(group, rows)| (hash(plan, GROUP_DOMAIN, &[unit], group), group, rows))
        .collect();
    ranked.sort();
    ranked.truncate(plan.max_groups as usize);
    ranked.into_iter().map(|(_, group, rows)| (group, rows)).collect()
}

fn take_rows(plan: &BoundingPlan, unit: &[u8], group: &[u8], rows: &[Values]) -> Vec<Values> {
    let mut seen: BTreeMap<&Values, u64> = BTreeMap::new();
    let mut ranked = Vec::new();
    for values in rows {
        let copy = seen.entry(values).or_insert(0);
        let mut tail = Vec::new();
        for value in values {
            tail.extend(value.unwrap_or(ABSENT).to_le_bytes());
        }
        tail.extend(copy.to_le_bytes());
        ranked.push((hash(plan, ROW_DOMAIN, &[unit, group], &tail), values.clone(), *copy));
        *copy += 1;
    }
    ranked.sort();
    ranked.truncate(plan.max_rows_per_group as usize);
    ranked.into_iter().map(|(_, values, _)| values).collect()
}

/// The framing that `rank.rs` describes.
fn hash(plan: &BoundingPlan, domain: [u8; 8], parts: &[&[u8]], last: &[u8]) -> u64 {
    let mut message = domain.to_vec();
    for part in parts {
        message.extend((part.len() as u64).to_le_bytes());
        message.extend(*part);
        message.resize(message.len().next_multiple_of(8), 0);
    }
    message.extend(last);
    let mut hasher = SipHasher24::new_with_key(&plan.rank_key);
    hasher.write(&message);
    hasher.finish()
}

fn measure_rows(plan: &BoundingPlan, measure: Measure, rows: &[Values]) -> i128 {
    match measure {
        Measure::Units => 1,
        Measure::UnitsWith { value } => i128::from(rows.iter().any(|row| row[value].is_some())),
        Measure::RowsBelow { value, steps } => {
            rows.iter().filter_map(|row| row[value]).filter(|found| *found < steps).count() as i128
        }
        Measure::Squares { value } => {
            let ValueColumn::Grid(grid) = plan.values[value] else { return 0 };
            let squares = Squares::of(&grid);
            rows.iter().filter_map(|row| row[value]).map(|steps| squares.deviation(steps)).sum()
        }
        Measure::Rows { present_in: None } => rows.len() as i128,
        Measure::Rows { present_in: Some(value) } => {
            rows.iter().filter(|row| row[value].is_some()).count() as i128
        }
        Measure::Sum { value, centred } => {
            let origin = match plan.values[value] {
                ValueColumn::Grid(grid) if centred => grid.middle_steps(),
                ValueColumn::Grid(_) | ValueColumn::Presence => 0,
            };
            rows.iter().filter_map(|row| row[value]).map(|steps| i128::from(steps - origin)).sum()
        }
    }
}
