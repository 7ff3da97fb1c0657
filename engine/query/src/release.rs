//! Noise, key selection, and the sealed form of a released table.
//!
//! The sealed bytes hold the keys and the noisy integers of one boundary as an Arrow stream, with
//! the canonical boundary in its metadata. Everything shown later follows from these bytes.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Decimal128Array, RecordBatch, RecordBatchOptions, UInt64Array,
};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::StreamWriter;
use sha2::{Digest, Sha256};
use voilage_kernels::{Totals, ranking};
use voilage_privacy::source::{Cell, NoiseRequest, NoiseSource};

use crate::error::QueryError;
use crate::execute::Measures;
use crate::plan::{Boundary, CutNoise, KeyDomain, NoisyMeasure, SmallestGroup};
use crate::reuse::Known;

/// The names of what sealed bytes say about themselves: the canonical boundary, the ranking by which rows
/// were kept, and the entry of the release that they top up.
pub(crate) const BOUNDARY: &str = "voilage.boundary";
pub(crate) const RANKING: &str = "voilage.ranking";
pub(crate) const TOPS_UP: &str = "voilage.tops_up";

/// The digits of a noisy integer's column: all that fit.
const DIGITS: u8 = 38;

/// Where the estimates of cut units stand in the sealed table's metadata.
const CUT_KEY: &str = "voilage.cut";

/// A released table: public from here on.
#[derive(Clone, Debug)]
pub(crate) struct Released {
    /// The keys, one row per cell.
    pub(crate) keys: RecordBatch,
    /// The noisy integers of each column.
    pub(crate) noisy: Vec<Vec<i128>>,
    /// What intervals are simulated from: the hash of the sealed bytes, once they are read back.
    pub(crate) seed: [u8; 32],
    /// Where the noise is only imagined: for each output that is a search, how far what it found is
    /// moved, in half widths of its interval.
    pub(crate) moved: Vec<Vec<f64>>,
    /// The noisy numbers of units that had more groups, and more rows in a group, than are kept.
    pub(crate) cut: Option<[i128; 2]>,
    /// What is shown of some columns instead of the noisy integers, where consistency is asked for.
    pub(crate) consistent: Vec<Option<Vec<i128>>>,
}

/// Adds noise to every column and drops what must not be shown: learned keys below the threshold,
/// and groups that are too small.
pub(crate) fn release(
    boundary: &Boundary,
    index: u32,
    totals: &Totals,
    source: &mut dyn NoiseSource,
) -> Result<Released, QueryError> {
    let noisy = perturbed(boundary, index, totals, None, source)?;
    let cut = estimated(boundary, index, totals, source)?;
    let mut released = Released {
        keys: totals.keys.clone(),
        noisy,
        seed: [0; 32],
        moved: Vec::new(),
        cut,
        consistent: Vec::new(),
    };
    if let Some(shown) = shown(boundary, totals, &released.noisy) {
        released.keep(&shown)?;
    }
    Ok(released)
}

/// Adds noise to the cells that an earlier release made public, and selects nothing.
pub(crate) fn again(
    boundary: &Boundary,
    index: u32,
    totals: &Totals,
    known: &Known,
    source: &mut dyn NoiseSource,
) -> Result<Released, QueryError> {
    let cells = known.among(totals)?;
    let noisy = perturbed(boundary, index, totals, Some(&cells), source)?;
    let keys = known.keys.clone();
    Ok(Released {
        keys,
        noisy,
        seed: [0; 32],
        moved: Vec::new(),
        cut: None,
        consistent: Vec::new(),
    })
}

/// The cells that are shown, where not all are.
fn shown(boundary: &Boundary, totals: &Totals, noisy: &[Vec<i128>]) -> Option<Vec<usize>> {
    let cells = 0..totals.labels.len();
    match (&boundary.domain, boundary.smallest) {
        (KeyDomain::Public(_), None) => None,
        // The true count decides nothing here: it is no candidate for selection, and its key is known.
        (KeyDomain::Public(_), Some(SmallestGroup { units, counted })) => {
            Some(cells.filter(|cell| noisy[counted][*cell] >= i128::from(units)).collect())
        }
        (KeyDomain::Learned { selector, threshold, .. }, smallest) => {
            let fewest = smallest.map_or(1, |smallest| i128::from(smallest.units));
            let is_shown = |cell: &usize| {
                totals.units[*cell] >= fewest && noisy[*selector][*cell] >= *threshold
            };
            Some(cells.filter(is_shown).collect())
        }
    }
}

impl Released {
    /// What is shown of a column.
    pub(crate) fn shown(&self, position: usize) -> &[i128] {
        match self.consistent.get(position) {
            Some(Some(values)) => values,
            Some(None) | None => &self.noisy[position],
        }
    }

    /// Drops all other cells.
    pub(crate) fn keep(&mut self, shown: &[usize]) -> Result<(), QueryError> {
        let bug = |_| QueryError::bug("released keys cannot be selected");
        let positions = UInt64Array::from_iter_values(shown.iter().map(|cell| *cell as u64));
        let columns = self.keys.columns().iter().map(|column| take(column, &positions, None));
        let columns = columns.collect::<Result<_, _>>().map_err(bug)?;
        // A table without keys has no column that would tell how many rows it has.
        let rows = RecordBatchOptions::new().with_row_count(Some(shown.len()));
        self.keys =
            RecordBatch::try_new_with_options(self.keys.schema(), columns, &rows).map_err(bug)?;
        for column in &mut self.noisy {
            *column = shown.iter().map(|cell| column[*cell]).collect();
        }
        Ok(())
    }
}

/// What the estimates of cut units are called in requests.
pub(crate) const CUT: [&str; 2] = ["cut_groups", "cut_rows"];

/// The estimates of how many units were cut, if they are asked for.
fn estimated(
    boundary: &Boundary,
    index: u32,
    totals: &Totals,
    source: &mut dyn NoiseSource,
) -> Result<Option<[i128; 2]>, QueryError> {
    let Some(CutNoise { sensitivity, noise }) = boundary.cut else { return Ok(None) };
    let mut draw = |column: &str, exact: u64| {
        let column = column.to_owned();
        let request = NoiseRequest { boundary: index, column, noise, sensitivity };
        let cells = [Cell { label: &[], exact: exact.into() }];
        let noisy = source.perturb(&request, &cells)?;
        noisy.first().copied().ok_or_else(|| QueryError::bug("an estimate without a value"))
    };
    let groups = draw(CUT[0], totals.over.groups)?;
    Ok(Some([groups, draw(CUT[1], totals.over.rows)?]))
}

/// Every column of a boundary with its noise, cell by cell: of all cells, or of some of them, by their
/// positions. A cell that has none is empty.
fn perturbed(
    boundary: &Boundary,
    index: u32,
    totals: &Totals,
    chosen: Option<&[Option<usize>]>,
    source: &mut dyn NoiseSource,
) -> Result<Vec<Vec<i128>>, QueryError> {
    let measures = Measures::of(boundary)?;
    let mut noisy = Vec::with_capacity(boundary.noisy.len());
    for (position, column) in boundary.noisy.iter().enumerate() {
        let exact = measures.exact(position, totals, &noisy)?;
        let all = totals.labels.iter().zip(&exact).map(|(label, exact)| (label, *exact));
        let all = all.map(|(label, exact)| Cell { label, exact });
        let cells: Vec<Cell<'_>> = match chosen {
            None => all.collect(),
            Some(chosen) => {
                let all: Vec<Cell<'_>> = all.collect();
                let empty = Cell { label: &[], exact: 0 };
                let cell = |at: &Option<usize>| at.and_then(|at| all.get(at).copied());
                chosen.iter().map(|at| cell(at).unwrap_or(empty)).collect()
            }
        };
        let request = NoiseRequest {
            boundary: index,
            column: column_name(position, &column.measure),
            noise: column.noise,
            sensitivity: column.sensitivity,
        };
        noisy.push(source.perturb(&request, &cells)?);
    }
    Ok(noisy)
}

/// What a noisy column is called in requests and sealed tables.
pub(crate) fn column_name(position: usize, measure: &NoisyMeasure) -> String {
    let kind = match measure {
        NoisyMeasure::Units { .. } => "units",
        NoisyMeasure::Values { .. } => "values",
        NoisyMeasure::Squares { .. } => "squares",
        NoisyMeasure::Score { .. } => "score",
        NoisyMeasure::Rows { .. } => "rows",
        NoisyMeasure::Sum { .. } => "sum",
        NoisyMeasure::Deviations { .. } => "deviations",
    };
    format!("n{position}_{kind}")
}

/// The bytes that are sealed.
pub(crate) fn to_bytes(
    boundary: &Boundary,
    released: &Released,
    tops_up: Option<u64>,
) -> Result<Vec<u8>, QueryError> {
    let mut fields: Vec<Field> = boundary
        .key_kinds
        .iter()
        .enumerate()
        .map(|(position, kind)| Field::new(format!("k{position}"), kind.arrow(), true))
        .collect();
    let mut columns: Vec<ArrayRef> = released.keys.columns().to_vec();
    for (position, column) in boundary.noisy.iter().enumerate() {
        let name = column_name(position, &column.measure);
        fields.push(Field::new(name, DataType::Decimal128(DIGITS, 0), false));
        let values = Decimal128Array::from_iter_values(released.noisy[position].iter().copied());
        columns.push(Arc::new(values.with_data_type(DataType::Decimal128(DIGITS, 0))));
    }
    let mut metadata = HashMap::from([
        (BOUNDARY.to_owned(), canonical(boundary)?),
        (RANKING.to_owned(), ranking()),
    ]);
    metadata.extend(tops_up.map(|entry| (TOPS_UP.to_owned(), entry.to_string())));
    if let Some([groups, rows]) = released.cut {
        metadata.insert(CUT_KEY.to_owned(), format!("{groups} {rows}"));
    }
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
    let batch = RecordBatch::try_new(schema.clone(), columns)
        .map_err(|error| QueryError::bug(format!("a released table is malformed: {error}")))?;
    let write = || -> Result<Vec<u8>, ArrowError> {
        let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
        writer.write(&batch)?;
        writer.into_inner()
    };
    write().map_err(|_| QueryError::bug("a released table cannot be written"))
}

fn estimates(text: &str) -> Option<[i128; 2]> {
    let (groups, rows) = text.split_once(' ')?;
    Some([groups.parse().ok()?, rows.parse().ok()?])
}

fn canonical(boundary: &Boundary) -> Result<String, QueryError> {
    serde_json::to_string(boundary).map_err(|_| QueryError::bug("a boundary cannot be written"))
}

/// Reads sealed bytes back, which must be those of this boundary.
pub(crate) fn from_bytes(boundary: &Boundary, bytes: &[u8]) -> Result<Released, QueryError> {
    let malformed = || QueryError::bug("a sealed answer is not what was sealed");
    let mut reader = StreamReader::try_new(bytes, None).map_err(|_| malformed())?;
    if reader.schema().metadata().get(BOUNDARY) != Some(&canonical(boundary)?) {
        return Err(malformed());
    }
    let batch = reader.next().ok_or_else(malformed)?.map_err(|_| malformed())?;
    let keys = boundary.keys.len();
    if batch.num_columns() != keys + boundary.noisy.len() {
        return Err(malformed());
    }
    let noisy = batch.columns()[keys..]
        .iter()
        .map(|column| {
            let values = column.as_any().downcast_ref::<Decimal128Array>()?;
            Some(values.values().to_vec())
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(malformed)?;
    let positions: Vec<usize> = (0..keys).collect();
    let keys = batch.project(&positions).map_err(|_| malformed())?;
    let schema = reader.schema();
    let cut = match (boundary.cut, schema.metadata().get(CUT_KEY)) {
        (None, None) => None,
        (Some(_), Some(text)) => Some(estimates(text).ok_or_else(malformed)?),
        (Some(_), None) | (None, Some(_)) => return Err(malformed()),
    };
    Ok(Released {
        keys,
        noisy,
        seed: Sha256::digest(bytes).into(),
        moved: Vec::new(),
        cut,
        consistent: Vec::new(),
    })
}
