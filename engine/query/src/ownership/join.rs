//! Joins below the boundary.
//!
//! | left | right | rule |
//! |---|---|---|
//! | owned | public | owned; inner, left and semi joins. Fan-out is fine: bounding comes later |
//! | public | owned | the same with the sides exchanged; a left join would keep public rows: refused |
//! | owned | owned | owned, only if one condition equates the bare unit columns of one dataset |
//! | public | public | public |

use datafusion::common::{JoinType, NullEquality};
use datafusion::logical_expr::Join;
use datafusion::logical_expr::utils::split_conjunction;

use super::Splitter;
use super::relation::{facts_of, filtered};
use crate::error::{Refusal, RefusalCode};
use crate::functions;
use crate::plan::{ColumnFacts, JoinKind, Node, Owner, Relation, Scalar, Type};

/// So many tables of individuals may be multiplied with each other. A unit's rows multiply at
/// each such join before they are bounded, and how long that takes would tell about the unit.
const MULTIPLIED_MAX: usize = 3;

impl Splitter<'_> {
    pub(super) fn join(&self, join: &Join) -> Result<Relation, Refusal> {
        if join.null_equality != NullEquality::NullEqualsNothing || join.null_aware {
            return Err(unsupported("a join in which NULL equals NULL"));
        }
        let (left, right) = Refusal::both(self.relation(&join.left), self.relation(&join.right))?;
        let mut on = Vec::with_capacity(join.on.len());
        for (left_key, right_key) in &join.on {
            on.push((
                functions::lower(left_key, join.left.schema(), &left)?,
                functions::lower(right_key, join.right.schema(), &right)?,
            ));
        }
        let (kind, swap) = match join.join_type {
            JoinType::Inner => (JoinKind::Inner, !left.is_owned() && right.is_owned()),
            JoinType::Left => (JoinKind::Left, false),
            JoinType::Right => (JoinKind::Left, true),
            JoinType::LeftSemi => (JoinKind::Semi, false),
            JoinType::Full
            | JoinType::RightSemi
            | JoinType::LeftAnti
            | JoinType::RightAnti
            | JoinType::LeftMark
            | JoinType::RightMark => {
                return Err(unsupported(&format!("a {} join", join.join_type)));
            }
        };
        if join.filter.is_some() && kind != JoinKind::Inner {
            return Err(unsupported("an outer join with a condition other than equality"));
        }
        let widths = (left.columns.len(), right.columns.len());
        let joined = if swap {
            let on = on.into_iter().map(|(left, right)| (right, left)).collect();
            let joined = self.joined(kind, right, left, on)?;
            reordered(joined, widths)
        } else {
            self.joined(kind, left, right, on)?
        };
        let mut tests = Vec::new();
        if let Some(filter) = &join.filter {
            for conjunct in split_conjunction(filter) {
                tests.push(functions::lower(conjunct, &join.schema, &joined)?);
            }
        }
        Ok(filtered(joined, tests))
    }

    /// Applies the ownership rule to a join whose preserved side is the left one.
    pub(super) fn joined(
        &self,
        kind: JoinKind,
        left: Relation,
        right: Relation,
        mut on: Vec<(Scalar, Scalar)>,
    ) -> Result<Relation, Refusal> {
        check_types(&left, &right, &on)?;
        let mut same_unit = false;
        let owner = match (&left.owner, &right.owner) {
            (Owner::Public, Owner::Public) => Owner::Public,
            (Owner::Unit { .. }, Owner::Public) => left.owner.clone(),
            (Owner::Public, Owner::Unit { .. }) => {
                return Err(Refusal::new(
                    RefusalCode::OwnedOperation,
                    "a join that keeps or tests public rows by rows of individuals",
                    "whether a public row appears would depend on single people",
                    "put the table of individuals on the preserved side, or use an inner join",
                ));
            }
            (Owner::Unit { dataset, .. }, Owner::Unit { dataset: other, .. }) => {
                let is_unit_pair = |(a, b): &(Scalar, Scalar)| {
                    dataset == other && bare_unit(a, &left) && bare_unit(b, &right)
                };
                let Some(position) = on.iter().position(is_unit_pair) else {
                    return Err(unit_missing(&left, &right));
                };
                on.remove(position);
                same_unit = true;
                if kind != JoinKind::Semi && multiplied(&left) + multiplied(&right) > MULTIPLIED_MAX
                {
                    return Err(too_many_joins());
                }
                joint_owner(kind, &left.owner, &right.owner)
            }
        };
        if on.is_empty() && !same_unit {
            return Err(unsupported("a join without an equality between its sides"));
        }
        let columns = joined_columns(kind, &left, &right, same_unit);
        let (left, right) = (Box::new(left), Box::new(right));
        Ok(Relation { node: Node::Join { kind, left, right, same_unit, on }, columns, owner })
    }
}

/// Integer beside double is compared as doubles elsewhere; as a join key it is refused.
fn check_types(left: &Relation, right: &Relation, on: &[(Scalar, Scalar)]) -> Result<(), Refusal> {
    let (left, right) = (left.kinds(), right.kinds());
    for (a, b) in on {
        let kind = a.kind(&left);
        if kind != b.kind(&right) || kind == Type::Float64 {
            return Err(unsupported("a join on doubles or on different types"));
        }
    }
    Ok(())
}

fn bare_unit(scalar: &Scalar, relation: &Relation) -> bool {
    match scalar {
        Scalar::Column(position) => relation.columns[*position].is_unit,
        _ => false,
    }
}

fn joint_owner(kind: JoinKind, left: &Owner, right: &Owner) -> Owner {
    match (kind, left, right) {
        (
            JoinKind::Inner | JoinKind::Left,
            Owner::Unit { dataset, max_groups, max_rows_per_group },
            Owner::Unit { max_groups: other_groups, max_rows_per_group: other_rows, .. },
        ) => Owner::Unit {
            dataset: dataset.clone(),
            max_groups: *max_groups.max(other_groups),
            max_rows_per_group: *max_rows_per_group.max(other_rows),
        },
        _ => left.clone(),
    }
}

fn joined_columns(
    kind: JoinKind,
    left: &Relation,
    right: &Relation,
    same_unit: bool,
) -> Vec<ColumnFacts> {
    let mut columns = left.columns.clone();
    if kind == JoinKind::Semi {
        return columns;
    }
    columns.extend(right.columns.iter().cloned().map(|mut column| {
        // The right unit equals the carried one only where there is a match.
        column.is_unit &= same_unit && kind == JoinKind::Inner;
        column.domain.nullable |= kind == JoinKind::Left;
        column
    }));
    columns
}

/// Brings the columns of an exchanged join back into the order of the query.
fn reordered(joined: Relation, (left, right): (usize, usize)) -> Relation {
    let columns: Vec<Scalar> = (right..right + left).chain(0..right).map(Scalar::Column).collect();
    let facts = columns
        .iter()
        .map(|scalar| {
            let Scalar::Column(position) = scalar else { unreachable!("built above") };
            facts_of(scalar, &joined.columns[*position].name, &joined)
        })
        .collect();
    let owner = joined.owner.clone();
    Relation { node: Node::Project { input: Box::new(joined), columns }, columns: facts, owner }
}

fn unit_missing(left: &Relation, right: &Relation) -> Refusal {
    let unit = |relation: &Relation| {
        relation.columns.iter().find(|column| column.is_unit).map(|column| column.name.clone())
    };
    let fix = match (unit(left), unit(right)) {
        (Some(left), Some(right)) => format!("equate the units: a.{left} = b.{right}"),
        (Some(unit), None) | (None, Some(unit)) => {
            format!(
                "select the unit on both sides and equate it, as in {unit} IN (SELECT {unit} ..)"
            )
        }
        (None, None) => "select the unit on both sides and equate it".to_owned(),
    };
    Refusal::new(
        RefusalCode::UnitJoin,
        "a join of rows of individuals",
        "rows of two people would be combined, so nobody would own the result",
        fix,
    )
}

/// The tables of individuals whose rows are multiplied in a relation; a semi-join multiplies none.
fn multiplied(relation: &Relation) -> usize {
    match &relation.node {
        Node::Scan { unit, .. } => usize::from(unit.is_some()),
        Node::Filter { input, .. } | Node::Project { input, .. } => multiplied(input),
        Node::Join { kind: JoinKind::Semi, left, .. } => multiplied(left),
        Node::Join { kind: JoinKind::Inner | JoinKind::Left, left, right, .. } => {
            multiplied(left) + multiplied(right)
        }
    }
}

fn too_many_joins() -> Refusal {
    Refusal::new(
        RefusalCode::OwnedOperation,
        format!("more than {MULTIPLIED_MAX} tables of individuals joined with each other"),
        "one person's rows multiply at every join before they are bounded",
        "test membership with unit IN (SELECT unit ..), which multiplies nothing",
    )
}

fn unsupported(what: &str) -> Refusal {
    Refusal::new(
        RefusalCode::OwnedOperation,
        what,
        "it is not supported below the aggregate",
        "use INNER JOIN or LEFT JOIN with equalities of columns in ON",
    )
}
