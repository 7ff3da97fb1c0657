//! What a question would cost and how exact its answer would be, before paying.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use voilage_budgets::Project;
use voilage_privacy::Rational;
use voilage_privacy::mechanism::{Confidence, Ratio, ratio_interval};
use voilage_privacy::quantity::Loss;

use crate::plan::{Boundary, KeyDomain, NoisyMeasure, OutputColumn, PrivatePlan};
use crate::post::Traced;
use crate::receipt::{ReceiptColumn, loss_fields};
use crate::release::column_name;

/// The group size for which a mean's error is predicted.
const GROUP_SIZE: i128 = 1_000;

/// The plan of a question in words and numbers. Nothing in it depends on data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The project that would pay.
    pub project: String,
    /// The dataset asked about.
    pub dataset: String,
    /// What would be charged.
    pub loss: BTreeMap<String, String>,
    /// The loss as a share of the project's whole budget, rounded up.
    pub share: String,
    /// What would be left of the project's budget, rounded down.
    pub left_after: String,
    /// The boundaries of the statement.
    pub boundaries: Vec<ExplainedBoundary>,
    /// The columns of the query's result that show a released value unchanged.
    pub columns: Vec<ExplainedColumn>,
}

/// A column of the query's result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedColumn {
    /// Its name in the result.
    pub name: String,
    /// Which boundary its values come from.
    pub boundary: usize,
    /// Which of the boundary's outputs they are.
    pub output: usize,
}

/// One private aggregate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedBoundary {
    /// The keys, and how they become known.
    pub keys: String,
    /// At most so many groups keep a unit's rows.
    pub max_groups: u32,
    /// At most so many of a unit's rows are kept in a group.
    pub max_rows_per_group: u32,
    /// The columns that get noise.
    pub noisy: Vec<ReceiptColumn>,
    /// The query's aggregates and their expected error.
    pub outputs: Vec<ExplainedOutput>,
}

/// An aggregate of the query.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedOutput {
    /// Which kind.
    pub kind: String,
    /// Half the width of the 95% interval.
    pub error_95: f64,
    /// What the error refers to.
    pub note: String,
}

impl Explanation {
    pub(crate) fn new(
        plan: &PrivatePlan,
        columns: &[Traced],
        loss: &Loss,
        project: &Project,
    ) -> Self {
        let column = |traced: &Traced| ExplainedColumn {
            name: traced.name.clone(),
            boundary: traced.boundary,
            output: traced.output,
        };
        let left = left_after(&project.left, loss);
        Self {
            project: project.name.clone(),
            dataset: plan.dataset.clone(),
            loss: loss_fields(loss),
            share: share_of(loss, &project.cap, true),
            left_after: left.map_or_else(
                || "not enough is left".to_owned(),
                |left| share_of(&left, &project.cap, false),
            ),
            boundaries: plan.boundaries.iter().map(explained).collect(),
            columns: columns.iter().map(column).collect(),
        }
    }

    pub(crate) fn receipt_columns(&self) -> Vec<ReceiptColumn> {
        self.boundaries.iter().flat_map(|boundary| boundary.noisy.clone()).collect()
    }
}

fn explained(boundary: &Boundary) -> ExplainedBoundary {
    let names = boundary.key_names.join(", ");
    let keys = match &boundary.domain {
        KeyDomain::Public(domains) if domains.is_empty() => "none: one row for all".to_owned(),
        KeyDomain::Public(domains) => {
            let cells: usize = domains.iter().map(Vec::len).product();
            format!("{names}: public, {cells} cells, empty ones included; no delta is spent")
        }
        KeyDomain::Learned { threshold, delta, .. } => format!(
            "{names}: learned; a key appears when its noisy count of units reaches {threshold}; \
             this spends delta {delta}"
        ),
    };
    let noisy = boundary
        .noisy
        .iter()
        .enumerate()
        .map(|(position, column)| ReceiptColumn {
            name: column_name(position, &column.measure),
            measure: measure(&column.measure, boundary),
            mechanism: column.noise.family().to_owned(),
            scale: column.noise.scale().to_string(),
            sensitivity: format!(
                "{} groups x {}",
                column.sensitivity.max_groups(),
                column.sensitivity.per_group()
            ),
        })
        .collect();
    ExplainedBoundary {
        keys,
        max_groups: boundary.max_groups,
        max_rows_per_group: boundary.max_rows_per_group,
        noisy,
        outputs: boundary.outputs.iter().map(|output| expected(boundary, output)).collect(),
    }
}

fn measure(measure: &NoisyMeasure, boundary: &Boundary) -> String {
    let steps = |value: &usize| {
        let grid = boundary.values[*value].grid;
        grid.map_or_else(String::new, |grid| {
            format!(
                " of values in [{}, {}], in steps of {}",
                grid.lower(),
                grid.upper(),
                grid.step()
            )
        })
    };
    match measure {
        NoisyMeasure::Units => "distinct units".to_owned(),
        NoisyMeasure::Rows { present_in: None } => "rows".to_owned(),
        NoisyMeasure::Rows { present_in: Some(_) } => "rows that have a value".to_owned(),
        NoisyMeasure::Sum { value } => format!("sum{}", steps(value)),
        NoisyMeasure::Deviations { value } => {
            format!("deviations from the middle{}", steps(value))
        }
    }
}

fn expected(boundary: &Boundary, output: &OutputColumn) -> ExplainedOutput {
    let confidence = Confidence::ninety_five();
    let half = |noisy: usize| boundary.noisy[noisy].noise.half_width(&confidence) as f64;
    let step = |noisy: usize| match boundary.noisy[noisy].measure {
        NoisyMeasure::Sum { value } | NoisyMeasure::Deviations { value } => {
            boundary.values[value].grid.map_or(1.0, |grid| grid.step())
        }
        NoisyMeasure::Units | NoisyMeasure::Rows { .. } => 1.0,
    };
    let (kind, error_95, note) = match output {
        OutputColumn::Count { noisy } => ("count", half(*noisy), "in every group"),
        OutputColumn::Sum { noisy, .. } => ("sum", half(*noisy) * step(*noisy), "in every group"),
        OutputColumn::Mean { deviations, count } => {
            let grid = match boundary.noisy[*deviations].measure {
                NoisyMeasure::Deviations { value } => boundary.values[value].grid,
                _ => None,
            };
            let bounds = grid.map_or((0.0, 0.0), |grid| {
                let middle = grid.middle_steps();
                ((grid.lower_steps() - middle) as f64, (grid.upper_steps() - middle) as f64)
            });
            let (low, high) = ratio_interval(
                &Ratio {
                    sum: 0,
                    sum_noise: &boundary.noisy[*deviations].noise,
                    count: GROUP_SIZE,
                    count_noise: &boundary.noisy[*count].noise,
                    bounds,
                },
                &confidence,
            );
            ("mean", (high - low) / 2.0 * step(*deviations), "for a group of 1,000 rows")
        }
    };
    ExplainedOutput { kind: kind.to_owned(), error_95, note: note.to_owned() }
}

/// What is left after a charge, or nothing if it does not fit.
fn left_after(left: &Loss, loss: &Loss) -> Option<Loss> {
    match (left, loss) {
        (Loss::Zcdp { rho, delta }, Loss::Zcdp { rho: cost, delta: more }) => {
            Some(Loss::Zcdp { rho: rho.checked_minus(cost)?, delta: delta.checked_minus(more)? })
        }
        (Loss::Pure { epsilon }, Loss::Pure { epsilon: cost }) => {
            Some(Loss::Pure { epsilon: epsilon.checked_minus(cost)? })
        }
        (Loss::Zcdp { .. }, Loss::Pure { .. }) | (Loss::Pure { .. }, Loss::Zcdp { .. }) => None,
    }
}

/// A loss as a percentage of a cap: of rho in a zcdp project, of epsilon in a pure one.
/// Costs round up, remainders round down.
pub(crate) fn share_of(loss: &Loss, cap: &Loss, up: bool) -> String {
    let (part, whole) = match (loss, cap) {
        (Loss::Zcdp { rho, .. }, Loss::Zcdp { rho: cap, .. }) => {
            (rho.as_rational().clone(), cap.as_rational().clone())
        }
        (Loss::Pure { epsilon }, Loss::Pure { epsilon: cap }) => {
            (epsilon.as_rational().clone(), cap.as_rational().clone())
        }
        _ => (Rational::ZERO, Rational::ZERO),
    };
    if whole.is_zero() {
        return "0.00%".to_owned();
    }
    let hundredths = part / whole * Rational::from(10_000);
    let hundredths = if up { hundredths.ceil() } else { hundredths.floor() };
    let hundredths = u64::try_from(hundredths).unwrap_or(u64::MAX);
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

impl fmt::Display for Explanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loss: Vec<String> =
            self.loss.iter().map(|(name, value)| format!("{name} {value}")).collect();
        writeln!(out, "project {} on dataset {}", self.project, self.dataset)?;
        writeln!(out, "cost    {} of the budget ({})", self.share, loss.join(", "))?;
        writeln!(out, "left    {} afterwards", self.left_after)?;
        for (index, boundary) in self.boundaries.iter().enumerate() {
            writeln!(out, "private aggregate {}", index + 1)?;
            writeln!(out, "  keys    {}", boundary.keys)?;
            writeln!(
                out,
                "  bounds  each unit: {} groups, {} rows in each",
                boundary.max_groups, boundary.max_rows_per_group
            )?;
            for column in &boundary.noisy {
                writeln!(
                    out,
                    "  noise   {}: {}, scale {}, sensitivity {}",
                    column.measure, column.mechanism, column.scale, column.sensitivity
                )?;
            }
            for output in &boundary.outputs {
                let (kind, error, note) = (&output.kind, output.error_95, &output.note);
                writeln!(out, "  error   {kind}: +-{error:.4} at 95% {note}")?;
            }
        }
        Ok(())
    }
}
