//! What a question would cost and how exact its answer would be, before paying.
//!
//! Everything here follows from the catalogue, the query and the ledger: no owned row is read.
//! Names of fields are stable, because programs read them as JSON. Exact numbers are text there;
//! numbers are small counts, and errors, which are approximate.

mod bounds;
mod origin;
mod outputs;
mod reads;
mod text;
mod warnings;

pub(crate) use origin::range;

pub(crate) use outputs::{noisy, outputs};
pub(crate) use text::significant;

use std::collections::BTreeMap;

use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::LogicalPlan;
use serde::Serialize;
use voilage_budgets::Project;
use voilage_privacy::Rational;
use voilage_privacy::quantity::Loss;

use crate::catalogue::{Catalogue, ViewEntry};
use crate::error::QueryError;
use crate::options::AskOptions;
use crate::ownership::PUBLIC_CELLS_MAX;
use crate::plan::{Boundary, KeyDomain, PrivatePlan, Scalar};
use crate::post::Traced;
use crate::ranges;
use crate::receipt::{ReceiptColumn, loss_fields};

/// The plan of a question in words and numbers. Nothing in it depends on data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The project that would pay.
    pub project: String,
    /// The dataset asked about.
    pub dataset: String,
    /// What one privacy unit is, for example "person".
    pub unit: String,
    /// How the project's losses add up: `zcdp` or `pure`.
    pub accountant: String,
    /// What would be charged.
    pub loss: BTreeMap<String, String>,
    /// The loss as a share of the project's whole budget, rounded up.
    pub share: String,
    /// What would be left of the project's budget, rounded down.
    pub left_after: String,
    /// The same exactly; empty when not enough is left.
    pub left: BTreeMap<String, String>,
    /// The releases that the question tops up; errors are then those of all of them together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_up: Option<ExplainedTopUp>,
    /// The views that the statement reads.
    pub views: Vec<ExplainedView>,
    /// The boundaries of the statement.
    pub boundaries: Vec<ExplainedBoundary>,
    /// The columns of the query's result that show a released value unchanged.
    pub columns: Vec<ExplainedColumn>,
    /// What is worth knowing before paying, from public parameters alone.
    pub warnings: Vec<String>,
    /// What follows the release, for free.
    pub notes: Vec<String>,
}

/// What a question tops up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedTopUp {
    /// The releases so far, the first one first.
    pub releases: Vec<String>,
}

/// A query of the data holder's that a name stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedView {
    /// The name.
    pub name: String,
    /// The query.
    pub sql: String,
    /// What it holds, in the data holder's words.
    pub description: String,
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
    /// The tables read below the aggregate, each once.
    pub tables: Vec<ExplainedTable>,
    /// The earlier boundaries whose released values are read, by position.
    pub released: Vec<usize>,
    /// The keys, and how they become known.
    pub keys: ExplainedKeys,
    /// At most so many groups keep a unit's rows.
    pub max_groups: u32,
    /// Where that number comes from.
    pub max_groups_source: String,
    /// At most so many of a unit's rows are kept in a group.
    pub max_rows_per_group: u32,
    /// Where that number comes from.
    pub max_rows_per_group_source: String,
    /// The columns that get noise.
    pub noisy: Vec<ReceiptColumn>,
    /// The query's aggregates and their expected error.
    pub outputs: Vec<ExplainedOutput>,
}

/// A table below the aggregate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedTable {
    /// Its name.
    pub name: String,
    /// The column that names the unit; none for a public table.
    pub unit_column: Option<String>,
    /// Why a public table may be read freely.
    pub provenance: Option<String>,
}

/// The keys of an aggregate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedKeys {
    /// `none`, `public` or `learned`.
    pub kind: String,
    /// Why.
    pub why: String,
    /// The number of public cells, empty ones included.
    pub cells: Option<String>,
    /// A learned key appears where its noisy count of units reaches this.
    pub threshold: Option<String>,
    /// What learning the keys costs.
    pub delta: Option<String>,
    /// Groups of fewer units are not shown.
    pub min_units: Option<u32>,
    /// Where that number comes from.
    pub min_units_source: Option<String>,
    /// Each key.
    pub columns: Vec<ExplainedRange>,
}

/// What an expression can be, and what makes it so.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedRange {
    /// The key or the aggregate that it belongs to.
    pub name: String,
    /// The smallest number, for an interval.
    pub lower: Option<String>,
    /// The largest number, for an interval.
    pub upper: Option<String>,
    /// All values, for a finite domain.
    pub values: Option<Vec<String>>,
    /// Whether it can be NULL.
    pub nullable: bool,
    /// The declared columns that it is computed from.
    pub sources: Vec<ExplainedSource>,
}

/// A column of the catalogue and what is enforced about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ExplainedSource {
    /// Its table and name.
    pub column: String,
    /// What is enforced at every scan.
    pub declared: String,
    /// Where that comes from, in the data holder's words.
    pub source: Option<String>,
}

/// An aggregate of the query.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedOutput {
    /// Its name in the query.
    pub name: String,
    /// Which kind.
    pub kind: String,
    /// The range of the values summed, where values are summed.
    pub range: Option<ExplainedRange>,
    /// Half the width of the 95% interval.
    pub error_95: f64,
    /// What the error refers to.
    pub note: String,
    /// How each noisy column contributes to the error, wherever the answer lies: independent noise
    /// adds up in squares. Not shown, because it depends on how the price is split.
    #[serde(skip)]
    pub parts: Vec<ErrorPart>,
}

/// What one noisy column contributes to the error of an aggregate.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorPart {
    /// The column's position in its boundary; the first round of a search stands for all.
    pub noisy: usize,
    /// Half the width of the 95% interval that its noise alone would make, at most.
    pub error_95: f64,
}

impl Explanation {
    pub(crate) fn new(
        plan: &PrivatePlan,
        loss: &Loss,
        project: &Project,
        catalogue: &Catalogue,
        options: &AskOptions,
    ) -> Result<Self, QueryError> {
        let left = left_after(&project.left, loss);
        let rule = project.rules.min_units;
        let unit = &catalogue.dataset(&plan.dataset)?.unit_kind;
        let explained = |boundary| {
            let (tables, released) = reads::read(boundary, &plan.derived, catalogue)?;
            let declared = reads::source_of_bounds(boundary, &tables, unit);
            let explained = explained(boundary, catalogue, options, rule, &declared)?;
            Ok::<_, QueryError>(ExplainedBoundary { tables, released, ..explained })
        };
        let mut explanation = Self {
            project: project.name.clone(),
            dataset: plan.dataset.clone(),
            unit: unit.clone(),
            accountant: project.accountant.to_string(),
            loss: loss_fields(loss),
            share: share_of(loss, &project.cap, true),
            left_after: left.as_ref().map_or_else(
                || "not enough is left".to_owned(),
                |left| share_of(left, &project.cap, false),
            ),
            left: left.as_ref().map(loss_fields).unwrap_or_default(),
            top_up: None,
            views: Vec::new(),
            boundaries: plan.boundaries.iter().map(explained).collect::<Result<_, _>>()?,
            columns: Vec::new(),
            warnings: Vec::new(),
            notes: Vec::new(),
        };
        explanation.warnings = warnings::of(&explanation, options, left.is_some());
        let boundaries = plan.boundaries.iter().zip(&explanation.boundaries).enumerate();
        for (index, (boundary, explained)) in boundaries {
            explanation.warnings.extend(bounds::warnings(index, boundary, explained, catalogue)?);
        }
        Ok(explanation)
    }

    /// Says which columns of the result show a released value unchanged.
    pub(crate) fn name_columns(&mut self, columns: &[Traced]) {
        let column = |traced: &Traced| ExplainedColumn {
            name: traced.name.clone(),
            boundary: traced.boundary,
            output: traced.output,
        };
        self.columns = columns.iter().map(column).collect();
    }

    /// Says which views the question reads.
    pub(crate) fn name_views(&mut self, views: Vec<ViewEntry>) {
        let view =
            |ViewEntry { name, sql, description, .. }| ExplainedView { name, sql, description };
        self.views = views.into_iter().map(view).collect();
    }

    /// Says what follows the release and costs nothing.
    pub(crate) fn note_what_is_free(&mut self, above: &LogicalPlan, consistent: bool) {
        if chooses_rows(above) {
            self.notes.push(
                "LIMIT chooses among released values: it is free, and every group is paid for"
                    .to_owned(),
            );
        }
        if consistent {
            self.notes.push(
                "counts are shown as 0 or more, and totals as the sums of their parts where keys are \
                 nested; a total and its parts keep other rows of people who have more than the bounds \
                 let in, and then what is shown lies between the two; intervals are those of the values as drawn, \
                 widened to hold what is shown, and the same question without `consistent` shows these for free"
                    .to_owned(),
            );
        }
    }

    pub(crate) fn receipt_columns(&self) -> Vec<ReceiptColumn> {
        self.boundaries.iter().flat_map(|boundary| boundary.noisy.clone()).collect()
    }
}

/// Whether a plan keeps some rows by their place.
fn chooses_rows(plan: &LogicalPlan) -> bool {
    plan.exists(|node| {
        Ok(match node {
            LogicalPlan::Limit(_) => true,
            LogicalPlan::Sort(sort) => sort.fetch.is_some(),
            _ => false,
        })
    })
    .unwrap_or(false)
}

fn explained(
    boundary: &Boundary,
    catalogue: &Catalogue,
    options: &AskOptions,
    rule: Option<u32>,
    declared: &str,
) -> Result<ExplainedBoundary, QueryError> {
    let mut keys = keys(boundary, catalogue)?;
    if let Some(smallest) = boundary.smallest {
        let is_rule = rule == Some(smallest.units);
        let source = if is_rule { "the project's rule" } else { "asked for in the question" };
        keys.min_units = Some(smallest.units);
        keys.min_units_source = Some(source.to_owned());
        if keys.kind == "public" {
            keys.why = "every key has a finite list of values, and no delta is spent".to_owned();
        }
    }
    let source = |asked: Option<u32>| match asked {
        Some(_) => "asked for in the question".to_owned(),
        None => declared.to_owned(),
    };
    let cells = keys.cells.as_deref().and_then(|cells| cells.parse::<u32>().ok());
    let all_cells = cells == Some(boundary.max_groups);
    Ok(ExplainedBoundary {
        max_groups: boundary.max_groups,
        max_groups_source: if all_cells && options.max_groups != Some(boundary.max_groups) {
            "there are no more".to_owned()
        } else {
            source(options.max_groups)
        },
        max_rows_per_group: boundary.max_rows_per_group,
        max_rows_per_group_source: source(options.max_rows_per_group),
        noisy: noisy(boundary),
        outputs: outputs(boundary, catalogue)?,
        tables: Vec::new(),
        released: Vec::new(),
        keys,
    })
}

fn keys(boundary: &Boundary, catalogue: &Catalogue) -> Result<ExplainedKeys, QueryError> {
    let range = |(key, name): (&Scalar, &String)| range(name, key, &boundary.input, catalogue);
    let columns: Vec<ExplainedRange> =
        boundary.keys.iter().zip(&boundary.key_names).map(range).collect::<Result<_, _>>()?;
    let values = |key: &Scalar| {
        let domain = ranges::of(key, &boundary.input);
        Some(domain.count()? + usize::from(domain.nullable))
    };
    let counts: Vec<Option<usize>> = boundary.keys.iter().map(values).collect();
    let cells =
        counts.iter().try_fold(1_usize, |cells, count| Some(cells.saturating_mul((*count)?)));
    let open = columns.iter().zip(&counts).filter(|(_, count)| count.is_none());
    let open: Vec<&str> = open.map(|(range, _)| range.name.as_str()).collect();
    Ok(match &boundary.domain {
        KeyDomain::Public(domains) if domains.is_empty() => ExplainedKeys {
            kind: "none".to_owned(),
            why: "one row for all".to_owned(),
            cells: None,
            threshold: None,
            delta: None,
            min_units: None,
            min_units_source: None,
            columns,
        },
        KeyDomain::Public(domains) => {
            let cells: usize = domains.iter().map(Vec::len).product();
            ExplainedKeys {
                kind: "public".to_owned(),
                why: "every key has a finite list of values; empty cells are shown, and no delta \
                      is spent"
                    .to_owned(),
                cells: Some(cells.to_string()),
                threshold: None,
                delta: None,
                min_units: None,
                min_units_source: None,
                columns,
            }
        }
        KeyDomain::Learned { threshold, delta, .. } => ExplainedKeys {
            kind: "learned".to_owned(),
            why: match cells {
                Some(cells) => format!(
                    "{cells} public cells would be more than {PUBLIC_CELLS_MAX}; fewer or coarser \
                     keys are public and cost no delta"
                ),
                None => format!("{} has no list of values", open.join(", ")),
            },
            cells: None,
            threshold: Some(threshold.to_string()),
            delta: Some(delta.clone()),
            min_units: None,
            min_units_source: None,
            columns,
        },
    })
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
