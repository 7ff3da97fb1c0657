//! Joins below the boundary.
//!
//! | left | right | rule |
//! |---|---|---|
//! | owned | public | owned; inner, left, semi, anti and mark joins on any condition. Fan-out is fine: bounding comes later |
//! | public | owned | the same with the sides exchanged; a left, semi or anti join would keep or drop public rows by rows of people: refused |
//! | owned | owned | owned, only if one equality AND-ed at the top equates the bare unit columns of one dataset |
//!
//! Between owned relations every match is one of two rows of the same unit, so a further condition
//! may say whatever it likes about the two: it is still about that unit alone. The same holds for
//! the absence of a match. A match in a public relation depends on the row and on what everybody
//! knows.

use datafusion::common::{JoinType, NullEquality};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, Join, build_join_schema};

use super::relation::{facts_of, filtered, is_unit};
use super::union::wider;
use super::{Splitter, not_yet};
use crate::door::place_of;
use crate::error::{Place, Refusal, RefusalCode};
use crate::functions;
use crate::plan::{ColumnFacts, Domain, JoinKind, Node, Owner, Relation, Scalar, Type};

/// So many tables of individuals may be multiplied with each other. A unit's rows multiply at
/// each such join before they are bounded, and how long that takes would tell about the unit.
const MULTIPLIED_MAX: usize = 3;

impl Splitter<'_> {
    pub(super) fn join(
        &self,
        join: &Join,
        left: Relation,
        right: Relation,
    ) -> Result<Relation, Refusal> {
        if join.null_equality != NullEquality::NullEqualsNothing {
            return Err(not_yet(
                "INTERSECT, EXCEPT, or a join in which NULL equals NULL",
                "it compares whole rows of individuals, among them rows of different people",
                "for INTERSECT write unit IN (SELECT unit ..), for EXCEPT unit NOT IN (SELECT unit ..)",
            ));
        }
        let exchanged_inner = !left.is_owned() && right.is_owned();
        let (kind, swap) = match join.join_type {
            JoinType::Inner => (JoinKind::Inner, exchanged_inner),
            JoinType::Left => (JoinKind::Left, false),
            JoinType::Right => (JoinKind::Left, true),
            JoinType::LeftSemi => (JoinKind::Semi, false),
            JoinType::RightSemi => (JoinKind::Semi, true),
            JoinType::LeftAnti => (JoinKind::Anti, false),
            JoinType::RightAnti => (JoinKind::Anti, true),
            JoinType::LeftMark => (JoinKind::Mark, false),
            JoinType::RightMark => (JoinKind::Mark, true),
            JoinType::Full => return Err(full_join()),
        };
        let widths = (left.columns.len(), right.columns.len());
        let keys: Vec<(&Expr, &Expr)> = if swap {
            join.on.iter().map(|(left, right)| (right, left)).collect()
        } else {
            join.on.iter().map(|(left, right)| (left, right)).collect()
        };
        let (kept, kept_schema, other, other_schema) = if swap {
            (right, join.right.schema(), left, join.left.schema())
        } else {
            (left, join.left.schema(), right, join.right.schema())
        };
        let on = Refusal::together(keys.into_iter().map(|(key, other_key)| {
            let key = functions::lower(key, kept_schema, &kept)
                .map_err(|refusal| refusal.at(place_of(key)));
            let other_key = functions::lower(other_key, other_schema, &other)
                .map_err(|refusal| refusal.at(place_of(other_key)));
            Refusal::both(key, other_key)
        }))?;
        let only_units = match on.as_slice() {
            [(a, b)] => is_unit(a, &kept) && is_unit(b, &other) && join.filter.is_none(),
            _ => false,
        };
        if join.null_aware && !only_units {
            return Err(not_in());
        }
        let mut tests = Vec::new();
        if let Some(filter) = &join.filter {
            let schema = build_join_schema(kept_schema, other_schema, &JoinType::Inner)
                .map_err(|_| unsupported("a join whose sides have columns of one name"))?;
            let pair = paired(&kept, &other);
            let conjuncts = split_conjunction(filter).into_iter().map(|conjunct| {
                functions::lower(conjunct, &schema, &pair)
                    .map_err(|refusal| refusal.at(place_of(conjunct)).at(Place::In("FROM")))
            });
            tests = Refusal::together(conjuncts)?;
        }
        let joined = self.joined(kind, kept, other, on, tests)?;
        let both_sides = matches!(kind, JoinKind::Inner | JoinKind::Left);
        Ok(if swap && both_sides { reordered(joined, widths) } else { joined })
    }

    /// Applies the ownership rule to a join whose preserved side is the left one.
    fn joined(
        &self,
        kind: JoinKind,
        left: Relation,
        right: Relation,
        mut on: Vec<(Scalar, Scalar)>,
        tests: Vec<Scalar>,
    ) -> Result<Relation, Refusal> {
        check_types(&left, &right, &on)?;
        let mut same_unit = false;
        let owner = match (&left.owner, &right.owner) {
            (Owner::Unit { .. }, Owner::Public) => left.owner.clone(),
            (Owner::Public, Owner::Public | Owner::Unit { .. }) => {
                return Err(not_yet(
                    "a join that keeps or tests public rows by rows of individuals",
                    "whether a public row appears would depend on single people",
                    "put the table of individuals on the preserved side, or use an inner join",
                ));
            }
            (Owner::Unit { dataset, .. }, Owner::Unit { dataset: other, .. }) => {
                let unit_pair = |(a, b): &(Scalar, Scalar)| {
                    dataset == other && is_unit(a, &left) && is_unit(b, &right)
                };
                let Some(position) = on.iter().position(unit_pair) else {
                    return Err(unit_missing(&left, &right));
                };
                on.remove(position);
                same_unit = true;
                match kind {
                    JoinKind::Inner | JoinKind::Left => {
                        if multiplied(&left) + multiplied(&right) > MULTIPLIED_MAX {
                            return Err(too_many_joins());
                        }
                        wider(left.owner.clone(), &right.owner)
                    }
                    JoinKind::Semi | JoinKind::Anti | JoinKind::Mark => left.owner.clone(),
                }
            }
        };
        let columns = joined_columns(kind, &left, &right, same_unit);
        let (left, right) = (Box::new(left), Box::new(right));
        let join = |residual| Relation {
            node: Node::Join { kind, left, right, same_unit, on, residual },
            columns,
            owner,
        };
        // Of an inner join the tests are a filter, which also narrows what the columns can hold.
        Ok(match kind {
            JoinKind::Inner if same_unit => filtered(join(None), tests),
            JoinKind::Inner | JoinKind::Left | JoinKind::Semi | JoinKind::Anti | JoinKind::Mark => {
                join(Scalar::all_of(tests))
            }
        })
    }
}

/// All columns of both sides, for conditions on pairs of their rows.
fn paired(left: &Relation, right: &Relation) -> Relation {
    let node = Node::Union { inputs: Vec::new() };
    let columns = left.columns.iter().chain(&right.columns).cloned().collect();
    Relation { node, columns, owner: left.owner.clone() }
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

fn joined_columns(
    kind: JoinKind,
    left: &Relation,
    right: &Relation,
    same_unit: bool,
) -> Vec<ColumnFacts> {
    let mut columns = left.columns.clone();
    match kind {
        JoinKind::Semi | JoinKind::Anti => {}
        JoinKind::Mark => columns.push(mark()),
        JoinKind::Inner | JoinKind::Left => {
            columns.extend(right.columns.iter().cloned().map(|mut column| {
                // The right unit equals the carried one only where there is a match.
                column.is_unit &= same_unit && kind == JoinKind::Inner;
                column.domain.nullable |= kind == JoinKind::Left;
                column
            }));
        }
    }
    columns
}

/// Whether there is a match: never NULL.
fn mark() -> ColumnFacts {
    let domain = Domain::truth(false);
    ColumnFacts { name: "mark".to_owned(), kind: Type::Bool, domain, is_unit: false }
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

/// The tables of individuals whose rows are multiplied in a relation. A test for a match multiplies
/// none, and one row for each unit is a factor of one.
fn multiplied(relation: &Relation) -> usize {
    match &relation.node {
        Node::Scan { unit, .. } => usize::from(unit.is_some()),
        Node::Path { .. } => 1,
        Node::Derived { .. } => 0,
        Node::Filter { input, .. } | Node::Project { input, .. } | Node::Window { input, .. } => {
            multiplied(input)
        }
        Node::PerUnit { input, keys, .. } => {
            if keys.iter().all(|key| is_unit(key, input)) {
                0
            } else {
                multiplied(input)
            }
        }
        Node::Union { inputs } => inputs.iter().map(multiplied).max().unwrap_or(0),
        Node::Join { kind, left, right, .. } => match kind {
            JoinKind::Semi | JoinKind::Anti | JoinKind::Mark => multiplied(left),
            JoinKind::Inner | JoinKind::Left => multiplied(left) + multiplied(right),
        },
    }
}

fn full_join() -> Refusal {
    not_yet(
        "a FULL join of rows of individuals",
        "a row without a match on either side has no unit that both sides agree on",
        "UNION ALL the units of both sides, and LEFT JOIN each side to them",
    )
}

fn not_in() -> Refusal {
    not_yet(
        "NOT IN over another column than the unit",
        "a single NULL in the subquery would empty everybody's result",
        "write NOT EXISTS (SELECT 1 FROM .. b WHERE b.unit = a.unit AND b.x = a.x)",
    )
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
