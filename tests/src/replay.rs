//! Record and replay: what may differ between records and their neighbours, and what must not.
//!
//! A question runs on records with a recording source of noise, then on a neighbour, which has one
//! person more or less, with the same values released and the same bounding key. [`violations`]
//! compares what both asked for and what both showed.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use voilage_privacy::source::testing::RecordedColumn;
use voilage_query::observer::Unobserved;
use voilage_query::{Answer, Explanation, Interval, Question};

use crate::randomness::Tape;

/// What one run asked for and showed.
pub struct Run {
    /// Every noise request with its exact values.
    pub columns: Vec<RecordedColumn>,
    /// The answer, or the message of its failure.
    pub outcome: Result<Shown, String>,
    /// Which boundaries select their keys from the data.
    pub learned: BTreeSet<u32>,
}

/// What an analyst sees of an answer.
pub struct Shown {
    /// The table.
    pub table: RecordBatch,
    /// Its intervals.
    pub intervals: Vec<Option<Interval>>,
    /// The receipt's parts that must not depend on the records.
    pub receipt: Vec<String>,
    /// Whether this very question was asked before, so that nothing was drawn.
    pub replayed: bool,
}

impl Run {
    /// Runs a question whose hub draws from `tape`.
    pub fn of(question: &Question, tape: &Tape) -> Self {
        let learned = learned(question.explanation());
        let outcome = question.run(&Unobserved).map(shown).map_err(|error| error.to_string());
        Self { columns: tape.columns(), outcome, learned }
    }
}

fn learned(explanation: &Explanation) -> BTreeSet<u32> {
    (0..)
        .zip(&explanation.boundaries)
        .filter(|(_, boundary)| boundary.keys.kind == "learned")
        .map(|(index, _)| index)
        .collect()
}

fn shown(answer: Answer) -> Shown {
    let receipt = &answer.receipt;
    let receipt = vec![
        format!("{:?}", receipt.loss),
        receipt.share.clone(),
        receipt.plan_hash.clone(),
        format!("{:?}", receipt.columns),
    ];
    let (table, intervals, replayed) = (answer.table, answer.intervals, answer.replayed);
    Shown { table, intervals, receipt, replayed }
}

/// Everything in which a neighbour's run differs more than one person may make it differ.
pub fn violations(base: &Run, other: &Run) -> Vec<String> {
    let mut found = Vec::new();
    if base.learned != other.learned {
        found.push("other boundaries learn their keys".to_owned());
    }
    if base.columns.len() != other.columns.len() {
        found.push(format!(
            "{} noise requests instead of {}",
            other.columns.len(),
            base.columns.len()
        ));
        return found;
    }
    // The estimates of who was cut are a single number each, and no group of the boundary.
    let mut boundaries: BTreeMap<(u32, bool), Compared> = BTreeMap::new();
    for (left, right) in base.columns.iter().zip(&other.columns) {
        if left.request != right.request {
            found.push(format!("the noise of {} is another", left.request.column));
            continue;
        }
        let boundary = left.request.boundary;
        let is_estimate = left.request.column.starts_with("cut_");
        let learned = base.learned.contains(&boundary) && !is_estimate;
        let compared = boundaries.entry((boundary, is_estimate)).or_default();
        found.extend(column_violations(left, right, learned, compared));
    }
    let mut same_cells = true;
    for ((boundary, _), compared) in &boundaries {
        found.extend(compared.violations(*boundary));
        same_cells &= compared.lone.is_empty();
    }
    found.extend(shown_violations(base, other, same_cells));
    found
}

/// What the columns of one boundary have in common.
#[derive(Default)]
struct Compared {
    max_groups: usize,
    /// Cells in which any column changed.
    changed: BTreeSet<Box<[u8]>>,
    /// Cells that only one of the two runs has.
    lone: BTreeSet<Box<[u8]>>,
    /// Such cells that more than one unit supports.
    crowded: usize,
}

impl Compared {
    fn violations(&self, boundary: u32) -> Vec<String> {
        let mut found = Vec::new();
        if self.changed.len() > self.max_groups {
            found.push(format!(
                "boundary {boundary}: one person changed {} groups, and may change {}",
                self.changed.len(),
                self.max_groups
            ));
        }
        if self.lone.len() > self.max_groups {
            found.push(format!(
                "boundary {boundary}: {} candidate keys differ, and {} may",
                self.lone.len(),
                self.max_groups
            ));
        }
        if self.crowded > 0 {
            found.push(format!(
                "boundary {boundary}: a key that only one run has is supported by several people"
            ));
        }
        found
    }
}

fn column_violations(
    left: &RecordedColumn,
    right: &RecordedColumn,
    learned: bool,
    compared: &mut Compared,
) -> Vec<String> {
    let mut found = Vec::new();
    let column = &left.request.column;
    let cells = |recorded: &RecordedColumn| -> BTreeMap<Box<[u8]>, i128> {
        recorded.cells.iter().map(|cell| (cell.label.clone(), cell.exact)).collect()
    };
    let labels = |recorded: &RecordedColumn| -> Vec<Box<[u8]>> {
        recorded.cells.iter().map(|cell| cell.label.clone()).collect()
    };
    if !learned && labels(left) != labels(right) {
        found.push(format!("{column}: public cells differ"));
    }
    let (a, b) = (cells(left), cells(right));
    let sensitivity = &left.request.sensitivity;
    let (groups, per_group) = (sensitivity.max_groups() as usize, sensitivity.per_group());
    compared.max_groups = groups;
    let mut distances: Vec<u128> = Vec::new();
    for key in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
        let value = |cells: &BTreeMap<Box<[u8]>, i128>| cells.get(key).copied();
        let distance = value(&a).unwrap_or(0).abs_diff(value(&b).unwrap_or(0));
        if let (Some(exact), None) | (None, Some(exact)) = (value(&a), value(&b)) {
            compared.lone.insert(key.clone());
            compared.crowded += usize::from(column.ends_with("_units") && exact > 1);
        }
        if distance > 0 {
            compared.changed.insert(key.clone());
            distances.push(distance);
        }
    }
    let largest = distances.iter().copied().max().unwrap_or(0);
    if largest > per_group {
        found.push(format!("{column}: a cell changed by {largest}, and may by {per_group}"));
    }
    if distances.len() > groups {
        found.push(format!("{column}: {} cells changed, and {groups} may", distances.len()));
    }
    let sum = distances.iter().fold(0_u128, |sum, distance| sum.saturating_add(*distance));
    if sum > per_group.saturating_mul(groups as u128) {
        found.push(format!("{column}: the L1 distance is {sum}"));
    }
    let squares = distances
        .iter()
        .fold(0_u128, |sum, distance| sum.saturating_add(distance.saturating_mul(*distance)));
    if squares > per_group.saturating_mul(per_group).saturating_mul(groups as u128) {
        found.push(format!("{column}: the squared L2 distance is {squares}"));
    }
    found
}

fn shown_violations(base: &Run, other: &Run, same_cells: bool) -> Vec<String> {
    let (left, right) = match (&base.outcome, &other.outcome) {
        (Ok(left), Ok(right)) => (left, right),
        (Err(left), Err(right)) if left == right => return Vec::new(),
        (left, right) => {
            let status = |outcome: &Result<Shown, String>| match outcome {
                Ok(_) => "an answer".to_owned(),
                Err(error) => error.clone(),
            };
            return vec![format!("{} instead of {}", status(right), status(left))];
        }
    };
    let mut found = Vec::new();
    if left.receipt != right.receipt {
        found.push(format!("receipts differ: {:?} and {:?}", left.receipt, right.receipt));
    }
    if left.table.schema() != right.table.schema() {
        found.push("the columns of the answer differ".to_owned());
    }
    if same_cells && (left.table != right.table || left.intervals != right.intervals) {
        found.push("the same released values are shown differently".to_owned());
    }
    found
}
