//! Whether bounds look too small, from what the hub file and the question say. No row is looked at.

use super::ExplainedBoundary;
use crate::catalogue::{Catalogue, TableOwner};
use crate::error::QueryError;
use crate::plan::{Boundary, JoinKind, KeyDomain, Node, NoisyMeasure, Relation};

/// What is worth knowing about the bounds of a private aggregate, whose number is `index + 1`.
pub(super) fn warnings(
    index: usize,
    boundary: &Boundary,
    explained: &ExplainedBoundary,
    catalogue: &Catalogue,
) -> Result<Vec<String>, QueryError> {
    let mut names = Vec::new();
    tables_with_rows(&boundary.input, &mut names);
    let (mut groups, mut rows) = (Expected::default(), Expected::default());
    for name in names {
        if let TableOwner::Unit { max_groups, max_rows_per_group, .. } =
            &catalogue.table(&name)?.owner
        {
            groups.add(&name, *max_groups);
            rows.add(&name, *max_rows_per_group);
        }
    }
    if let KeyDomain::Public(_) = boundary.domain {
        let cells = explained.keys.cells.as_deref().and_then(|cells| cells.parse().ok());
        groups.most = groups.most.min(cells.unwrap_or(1));
    }
    let number = index + 1;
    let mut warnings = Vec::new();
    // Features of each unit have rows and groups of their own, about which the tables say nothing.
    if !has_features(&boundary.input) {
        if boundary.max_groups < groups.most {
            warnings.push(cut(
                number,
                boundary.max_groups,
                "groups",
                &groups,
                "max_groups_contributed",
            ));
        }
        if boundary.max_rows_per_group < rows.most && reads_rows(boundary) {
            let kept = boundary.max_rows_per_group;
            warnings.push(cut(number, kept, "rows in a group", &rows, "max_rows_per_group"));
        }
    }
    if matches!(boundary.domain, KeyDomain::Learned { .. }) && boundary.max_groups == 1 {
        warnings.push(format!(
            "aggregate {number}: its keys are learned, and each unit counts in one group only: if a unit \
             usually has several, most of its groups are cut; estimate_cut = true says how many units are"
        ));
    }
    Ok(warnings)
}

/// The largest bound that a table of the question declares.
#[derive(Default)]
struct Expected {
    most: u32,
    table: String,
}

impl Expected {
    fn add(&mut self, table: &str, bound: u32) {
        if bound > self.most {
            (self.most, self.table) = (bound, table.to_owned());
        }
    }
}

fn cut(number: usize, kept: u32, what: &str, expected: &Expected, option: &str) -> String {
    let Expected { most, table } = expected;
    format!(
        "aggregate {number}: {kept} {what} of a unit are kept, and {table} expects up to {most}: what is \
         beyond is cut; {option} = {most} keeps it, and estimate_cut = true says how many units are cut"
    )
}

/// The tables whose rows are counted; of others a join only asks whether there is a row.
fn tables_with_rows(relation: &Relation, names: &mut Vec<String>) {
    match &relation.node {
        Node::Scan { table, .. } | Node::Path { table, .. } => names.push(table.clone()),
        Node::Join { kind: JoinKind::Semi | JoinKind::Anti | JoinKind::Mark, left, .. } => {
            tables_with_rows(left, names);
        }
        Node::Filter { .. }
        | Node::Project { .. }
        | Node::Join { kind: JoinKind::Inner | JoinKind::Left, .. }
        | Node::Union { .. }
        | Node::PerUnit { .. }
        | Node::Window { .. }
        | Node::Derived { .. } => {
            relation.inputs().into_iter().for_each(|input| tables_with_rows(input, names))
        }
    }
}

fn has_features(relation: &Relation) -> bool {
    matches!(relation.node, Node::PerUnit { .. }) || relation.inputs().into_iter().any(has_features)
}

/// Whether more than one row of a unit can matter.
fn reads_rows(boundary: &Boundary) -> bool {
    boundary.noisy.iter().any(|column| match column.measure {
        NoisyMeasure::Units { .. } => false,
        NoisyMeasure::Rows { .. }
        | NoisyMeasure::Values { .. }
        | NoisyMeasure::Sum { .. }
        | NoisyMeasure::Deviations { .. }
        | NoisyMeasure::Score { .. }
        | NoisyMeasure::Squares { .. } => true,
    })
}
