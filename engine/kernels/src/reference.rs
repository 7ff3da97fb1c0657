//! The bounding rule in its plainest form: sort everything, then take.
//!
//! Every faster path must give the same partial state, bit for bit. This one is for tests and
//! benches: it copies every row's bytes and is slow on purpose.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use siphasher::sip::SipHasher24;

use crate::canonical::{TupleEncoder, canonical_column, presence};
use crate::cells::Over;
use crate::partial::{Column, SortedCells};
use crate::plan::{Domain, Layout};
use crate::rank::{ABSENT, GROUP_DOMAIN, ROW_DOMAIN, VALUE_DOMAIN};
use crate::sets::Sets;
use crate::{BoundingPlan, KernelError, Keys, Measure, PartialState, Squares, ValueColumn};

/// A row's values in steps, NULL as nothing; presence counts as zero steps.
type Values = Vec<Option<i64>>;
/// Which value a row has of each column that is counted by value: its bytes; nothing for NULL, and
/// for the other columns.
type Counted = Vec<Option<Vec<u8>>>;
/// What a row has.
type Row = (Values, Counted);
/// A row: its unit's bytes, its group's bytes, what it has.
type OwnedRow = (Vec<u8>, Vec<u8>, Row);
/// All rows of one unit, by group.
type Groups = BTreeMap<Vec<u8>, Vec<Row>>;
/// What a cell has of one measure.
#[derive(Clone)]
enum Cell {
    Total(i128),
    Set(BTreeSet<Vec<u8>>),
}

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
        for (unit, group, row) in read(plan, &layout, &unit_encoder, &key_encoder, batch)? {
            units.entry(unit).or_default().entry(group).or_default().push(row);
        }
    }
    if let Keys::Public(domain) = &plan.keys {
        let domain = Domain::new(domain, &key_encoder)?;
        let known = |group: &[u8]| {
            (0..domain.batch.num_rows()).any(|cell| domain.tuples.bytes(cell) == group)
        };
        units.values_mut().for_each(|groups| groups.retain(|group, _| known(group)));
    }
    let nothing: Vec<Cell> = (plan.measures.iter())
        .map(|measure| match measure {
            Measure::Distinct { .. } => Cell::Set(BTreeSet::new()),
            _ => Cell::Total(0),
        })
        .collect();
    let mut cells: BTreeMap<Vec<u8>, (i128, Vec<Cell>)> = BTreeMap::new();
    let mut over = Over::default();
    for (unit, groups) in &units {
        let crowded = groups.values().any(|rows| rows.len() > plan.max_rows_per_group as usize);
        over.add(groups.len() > plan.max_groups as usize, crowded);
        for (group, rows) in take_groups(plan, unit, groups) {
            let kept = take_rows(plan, unit, group, rows);
            let cell = cells.entry(group.clone()).or_insert((0, nothing.clone()));
            cell.0 += 1;
            for (cell, measure) in cell.1.iter_mut().zip(&plan.measures) {
                match (cell, *measure) {
                    (Cell::Set(set), Measure::Distinct { value }) => {
                        set.extend(take_values(plan, unit, group, value, rows));
                    }
                    (Cell::Total(total), measure) => *total += measure_rows(plan, measure, &kept),
                    (Cell::Set(_), _) => {}
                }
            }
        }
    }
    let cells = SortedCells {
        labels: cells.keys().map(Vec::as_slice).collect(),
        units: cells.values().map(|cell| cell.0).collect(),
        measures: (0..plan.measures.len())
            .map(|place| column(&nothing[place], cells.values().map(|cell| &cell.1[place])))
            .collect(),
        over,
    };
    PartialState::assemble(plan, &layout, &key_encoder, cells)
}

/// What all cells have of one measure, of the kind of a cell that has nothing.
fn column<'a>(nothing: &Cell, cells: impl Iterator<Item = &'a Cell>) -> Column {
    let (mut totals, mut sets) = (Vec::new(), Sets::default());
    for cell in cells {
        match cell {
            Cell::Total(total) => totals.push(*total),
            Cell::Set(set) => {
                set.iter().for_each(|value| sets.add(value));
                sets.end();
            }
        }
    }
    match nothing {
        Cell::Total(_) => Column::Totals(totals),
        Cell::Set(_) => Column::Sets(sets),
    }
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
    let mut counted: Vec<Counted> = Vec::new();
    for (place, value) in plan.values.iter().enumerate() {
        let column = batch.column(1 + keys.len() + place);
        counted.push(match &layout.counted[place] {
            None => vec![None; batch.num_rows()],
            Some(canonical) => values_of(column, canonical)?,
        });
        columns.push(match value {
            // Rows are ranked without it.
            ValueColumn::Distinct => vec![None; batch.num_rows()],
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
            let counted = counted.iter().map(|column| column[row].clone()).collect();
            (units.bytes(row).to_vec(), groups.bytes(row).to_vec(), (values, counted))
        })
        .collect())
}

/// The canonical bytes of a column's values; nothing for NULL and NaN.
fn values_of(column: &ArrayRef, canonical: &DataType) -> Result<Counted, KernelError> {
    let unreadable = KernelError::Internal { doing: "reading the reference's values" };
    let present = presence(column).ok_or(unreadable.clone())?;
    let plain = canonical_column(column, canonical).ok_or(unreadable)?;
    let tuples = TupleEncoder::new(vec![canonical.clone()])?.encode(&[plain])?;
    let bytes = |(row, present): (usize, bool)| present.then(|| tuples.bytes(row).to_vec());
    Ok(present.iter().enumerate().map(bytes).collect())
}

fn take_groups<'a>(
    plan: &BoundingPlan,
    unit: &[u8],
    groups: &'a Groups,
) -> Vec<(&'a Vec<u8>, &'a Vec<Row>)> {
    let mut ranked: Vec<_> = (groups.iter())
        .map(|(group, rows)| (hash(plan, GROUP_DOMAIN, &[unit], group), group, rows))
        .collect();
    ranked.sort();
    ranked.truncate(plan.max_groups as usize);
    ranked.into_iter().map(|(_, group, rows)| (group, rows)).collect()
}

fn take_rows(plan: &BoundingPlan, unit: &[u8], group: &[u8], rows: &[Row]) -> Vec<Values> {
    let mut seen: BTreeMap<&Values, u64> = BTreeMap::new();
    let mut ranked = Vec::new();
    for (values, _) in rows {
        let copy = seen.entry(values).or_insert(0);
        let mut tail = Vec::new();
        let ranks = |kind: &ValueColumn| !matches!(kind, ValueColumn::Distinct);
        for (value, _) in values.iter().zip(&plan.values).filter(|(_, kind)| ranks(kind)) {
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

/// The values of one column that a unit brings to a group.
fn take_values(
    plan: &BoundingPlan,
    unit: &[u8],
    group: &[u8],
    value: usize,
    rows: &[Row],
) -> impl Iterator<Item = Vec<u8>> {
    let all: BTreeSet<&Vec<u8>> = rows.iter().filter_map(|(_, row)| row[value].as_ref()).collect();
    let mut ranked: Vec<_> = (all.into_iter())
        .map(|bytes| (hash(plan, VALUE_DOMAIN, &[unit, group], bytes), bytes.clone()))
        .collect();
    ranked.sort();
    ranked.truncate(plan.max_rows_per_group as usize);
    ranked.into_iter().map(|(_, bytes)| bytes)
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
        // Not of rows, but of values.
        Measure::Distinct { .. } => 0,
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
                ValueColumn::Grid(_) | ValueColumn::Presence | ValueColumn::Distinct => 0,
            };
            rows.iter().filter_map(|row| row[value]).map(|steps| i128::from(steps - origin)).sum()
        }
    }
}
