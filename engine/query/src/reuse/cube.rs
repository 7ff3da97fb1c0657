//! Counts and sums that follow from a released table over public keys.
//!
//! A released cube holds every tuple of its keys. A question that differs from it in nothing but fewer
//! keys is answered by adding its cells up: each unit was bounded at the cube's level, so that the
//! answer is about other kept rows than a fresh one would be, and its noise is that of all cells added
//! together. Matched conservatively: what is not known to be the same is not derived.

use std::collections::HashMap;
use std::fmt;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::row::Row;
use serde::Serialize;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use voilage_privacy::sensitivity::{Sensitivity, SensitivityTerms};

use super::known::rows;
use super::sealed::SealedBoundary;
use crate::error::QueryError;
use crate::execute::public_cells;
use crate::ownership::{Draft, DraftKeys};
use crate::plan::{MeasuredValue, NoisyColumn, NoisyMeasure, Owner};
use crate::release::Released;

/// Why a question does not follow from a release, from the least to the most alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Missing {
    Release,
    Options,
    Rows,
    Learned,
    Search,
    Small,
    Adaptive,
    Keys,
    Groups,
    RowsPerGroup,
    Value,
    Distinct,
}

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Release => "the project has no release about this version of the data",
            Self::Options => {
                "estimate_cut and consistent are not derived from a release: ask without them"
            }
            Self::Rows => "no release of the project is about the same rows of the same tables",
            Self::Learned => {
                "keys without declared values are learned, and a release of learned keys \
                              does not hold all groups"
            }
            Self::Search => "a quantile, MIN or MAX does not follow from other quantiles",
            Self::Small => {
                "groups of few people are left out, so that the rest does not add up to \
                            the whole"
            }
            Self::Adaptive => "a part of the question reads what another part releases",
            Self::Keys => "no release of the same rows has all of its group keys",
            Self::Groups => "the releases of the same rows and keys have another max_groups",
            Self::RowsPerGroup => {
                "the releases of the same rows and keys have another \
                                   max_rows_per_group"
            }
            Self::Value => {
                "the releases of the same rows and keys do not hold all counts and sums that \
                            it needs, of the same values within the same bounds"
            }
            Self::Distinct => {
                "a count of distinct people does not add up over groups: somebody may be \
                               in several"
            }
        })
    }
}

/// What answers one boundary of a question.
pub(crate) struct Derived {
    pub(crate) noisy: Vec<NoisyColumn>,
    pub(crate) table: Released,
    /// So many released cells make one cell of the answer.
    pub(crate) cells_added: u64,
}

impl Derived {
    /// A measure of how much noise there is, to compare releases by.
    pub(crate) fn noise(&self) -> f64 {
        self.noisy.iter().map(|column| column.noise.std_dev_f64().max(1e-9).ln()).sum()
    }
}

/// Answers a boundary from a released one, if it follows from it.
///
/// `max_groups` is the question's own bound, before it was lowered to the number of its groups.
pub(crate) fn derive(
    draft: &Draft,
    max_groups: u32,
    cube: &SealedBoundary,
) -> Result<Result<Derived, Missing>, QueryError> {
    Ok(match shape(draft, max_groups, cube) {
        Err(missing) => Err(missing),
        Ok((keys, cells_added)) => match columns(draft, cube, cells_added) {
            Err(missing) => Err(missing),
            Ok(sources) => Ok(added(draft, cube, &keys, &sources, cells_added)?),
        },
    })
}

/// Where the question's keys are among the cube's, and how many cells are added for each of its own.
fn shape(
    draft: &Draft,
    max_groups: u32,
    cube: &SealedBoundary,
) -> Result<(Vec<usize>, u64), Missing> {
    let terms = &cube.terms;
    let own = match &draft.domain {
        DraftKeys::Public(domains) => domains,
        DraftKeys::Learned { .. } => return Err(Missing::Learned),
    };
    if json(&draft.input) != terms["input"] {
        return Err(Missing::Rows);
    }
    if draft.smallest.is_some() || terms.get("smallest").is_some_and(|term| !term.is_null()) {
        return Err(Missing::Small);
    }
    let domains = terms["domain"]["public"].as_array().ok_or(Missing::Learned)?;
    let known = terms["keys"].as_array().ok_or(Missing::Keys)?;
    let mut keys = Vec::with_capacity(draft.keys.len());
    for (key, domain) in draft.keys.iter().zip(own) {
        let position = known.iter().position(|known| *known == json(key)).ok_or(Missing::Keys)?;
        if keys.contains(&position) || domains.get(position) != Some(&json(domain)) {
            return Err(Missing::Keys);
        }
        keys.push(position);
    }
    let lengths = domains.iter().map(|domain| domain.as_array().map_or(0, Vec::len));
    let all: usize = lengths.product();
    let own: usize = own.iter().map(Vec::len).product();
    // A table that lacks cells holds groups that were left out.
    if all != cube.cells() || own == 0 {
        return Err(Missing::Small);
    }
    // A unit reaches no more groups than there are, so that the bound was lowered to their number.
    let groups = u32::try_from(all).unwrap_or(u32::MAX).max(1);
    if terms["max_groups"].as_u64() != Some(u64::from(max_groups.min(groups))) {
        return Err(Missing::Groups);
    }
    if terms["max_rows_per_group"].as_u64() != Some(u64::from(draft.max_rows_per_group)) {
        return Err(Missing::RowsPerGroup);
    }
    Ok((keys, (all / own) as u64))
}

/// For each column that the question needs, the cube's column and what it measures.
fn columns(
    draft: &Draft,
    cube: &SealedBoundary,
    cells_added: u64,
) -> Result<Vec<(usize, NoisyMeasure)>, Missing> {
    let has_squares =
        draft.noisy.iter().any(|column| matches!(column.measure, NoisyMeasure::Squares { .. }));
    let of = |measure: NoisyMeasure| match measure {
        NoisyMeasure::Score { .. } => Err(Missing::Search),
        NoisyMeasure::Units { .. } | NoisyMeasure::Values { .. } if cells_added > 1 => {
            Err(Missing::Distinct)
        }
        NoisyMeasure::Units { .. }
        | NoisyMeasure::Values { .. }
        | NoisyMeasure::Rows { .. }
        | NoisyMeasure::Squares { .. } => Ok(find(draft, cube, measure).ok_or(Missing::Value)?),
        NoisyMeasure::Sum { .. } => Ok(find(draft, cube, measure).ok_or(Missing::Value)?),
        NoisyMeasure::Deviations { value } => {
            // A mean follows from a sum and a count as well.
            let sum = || match has_squares {
                true => None,
                false => find(draft, cube, NoisyMeasure::Sum { value }),
            };
            Ok(find(draft, cube, measure).or_else(sum).ok_or(Missing::Value)?)
        }
    };
    draft.noisy.iter().map(|column| of(column.measure)).collect()
}

/// The cube's column of a measure, with the measure in the question's own positions.
fn find(
    draft: &Draft,
    cube: &SealedBoundary,
    measure: NoisyMeasure,
) -> Option<(usize, NoisyMeasure)> {
    let values = cube.terms["values"].as_array()?;
    let place = |value: usize, gridded: bool| {
        let value = draft.values.get(value)?;
        values.iter().position(|known| is_same(value, known, gridded))
    };
    let wanted = match measure {
        NoisyMeasure::Units { present_in: None } | NoisyMeasure::Rows { present_in: None } => {
            measure
        }
        NoisyMeasure::Units { present_in: Some(value) } => {
            NoisyMeasure::Units { present_in: Some(place(value, false)?) }
        }
        NoisyMeasure::Rows { present_in: Some(value) } => {
            NoisyMeasure::Rows { present_in: Some(place(value, false)?) }
        }
        NoisyMeasure::Values { value } => NoisyMeasure::Values { value: place(value, false)? },
        NoisyMeasure::Sum { value } => NoisyMeasure::Sum { value: place(value, true)? },
        NoisyMeasure::Deviations { value } => {
            NoisyMeasure::Deviations { value: place(value, true)? }
        }
        NoisyMeasure::Squares { value } => NoisyMeasure::Squares { value: place(value, true)? },
        NoisyMeasure::Score { .. } => return None,
    };
    let wanted = json(&wanted);
    let noisy = cube.terms["noisy"].as_array()?;
    noisy.iter().position(|column| column["measure"] == wanted).map(|found| (found, measure))
}

fn is_same(value: &MeasuredValue, known: &Json, gridded: bool) -> bool {
    let value = json(value);
    let same = |name: &str| value.get(name) == known.get(name);
    same("value") && same("present_if") && same("distinct") && (!gridded || same("grid"))
}

/// Adds the cells up.
fn added(
    draft: &Draft,
    cube: &SealedBoundary,
    keys: &[usize],
    sources: &[(usize, NoisyMeasure)],
    cells_added: u64,
) -> Result<Derived, QueryError> {
    let bug = || QueryError::bug("a released cube is not what its terms say");
    let DraftKeys::Public(domains) = &draft.domain else { return Err(bug()) };
    let kinds: Vec<_> = draft.key_facts.iter().map(|facts| facts.kind).collect();
    let own = public_cells(domains, &kinds)?;
    let places = places(&own, cube, keys)?;
    let mut counts = vec![0_u64; own.num_rows()];
    for place in &places {
        *counts.get_mut(*place).ok_or_else(bug)? += 1;
    }
    if counts.iter().any(|count| *count != cells_added) {
        return Err(bug());
    }
    let (mut noisy, mut sums) = (Vec::new(), Vec::new());
    for (source, measure) in sources {
        let column = cube.noisy.get(*source).ok_or_else(bug)?;
        let mut sum = vec![0_i128; own.num_rows()];
        for (cell, place) in column.iter().zip(&places) {
            sum[*place] = sum[*place].saturating_add(*cell);
        }
        sums.push(sum);
        let noise = cube.noises.get(*source).ok_or_else(bug)?.of_sum(cells_added)?;
        let sensitivity = sensitivity(&cube.terms["noisy"][*source]["sensitivity"]);
        let sensitivity = sensitivity.ok_or_else(bug)?;
        noisy.push(NoisyColumn { measure: *measure, sensitivity, noise });
    }
    let mut seed = Sha256::new();
    seed.update("voilage.derived");
    seed.update(cube.seed);
    let seed = seed.finalize().into();
    let table = Released {
        keys: own,
        noisy: sums,
        seed,
        moved: Vec::new(),
        cut: None,
        consistent: Vec::new(),
    };
    Ok(Derived { noisy, table, cells_added })
}

/// For each of the cube's cells, the cell of the question that it is added to.
fn places(
    own: &RecordBatch,
    cube: &SealedBoundary,
    keys: &[usize],
) -> Result<Vec<usize>, QueryError> {
    if keys.is_empty() {
        return Ok(vec![0; cube.cells()]);
    }
    let bug = |_| QueryError::bug("the cells of a cube cannot be told apart");
    let all = cube.keys.project(keys).map_err(bug)?;
    let (own, all) = rows(own, &all).map_err(bug)?;
    let places: HashMap<&[u8], usize> =
        own.iter().enumerate().map(|(place, row)| (row.data(), place)).collect();
    let place = |row: Row<'_>| places.get(row.data()).copied();
    all.iter()
        .map(place)
        .collect::<Option<_>>()
        .ok_or_else(|| QueryError::bug("a cube has a cell that its keys do not have"))
}

/// The sensitivity as sealed bytes write it.
fn sensitivity(written: &Json) -> Option<Sensitivity> {
    let max_groups = u32::try_from(written.get(0)?.as_u64()?).ok()?;
    let per_group = written.get(1)?.as_str()?.parse().ok()?;
    Sensitivity::new(SensitivityTerms { max_groups, per_group }).ok()
}

/// The groups that a unit may reach, before they are lowered to the number of groups there are.
pub(crate) fn groups_asked(draft: &Draft, stated: Option<u32>) -> u32 {
    match &draft.input.owner {
        Owner::Unit { max_groups, .. } => stated.unwrap_or(*max_groups),
        Owner::Public => 1,
    }
}

fn json(part: &impl Serialize) -> Json {
    // What cannot be written equals nothing that was.
    serde_json::to_value(part).unwrap_or_else(|_| Json::String("unwritten".to_owned()))
}
