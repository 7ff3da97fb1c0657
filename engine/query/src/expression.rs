//! Expressions on their own, without a hub: what the analysis says about one, and what it gives.
//!
//! For tests and fuzzing, which compare the two. Nothing here reads data or knows an owner.

use crate::plan::{ColumnFacts, Domain, Node, Owner, Relation, Scalar, Type, Value};
use crate::{execute, ranges};

/// The domain that the analysis infers for an expression over columns of these domains and types.
pub fn domain(scalar: &Scalar, domains: &[Domain], kinds: &[Type]) -> Domain {
    ranges::over(scalar, domains, kinds)
}

/// The columns' domains in rows for which `predicate` is true.
pub fn narrowed(predicate: &Scalar, domains: &[Domain], kinds: &[Type]) -> Vec<Domain> {
    let columns = domains.iter().zip(kinds).map(|(domain, kind)| ColumnFacts {
        name: String::new(),
        kind: *kind,
        domain: domain.clone(),
        is_unit: false,
    });
    let node = Node::Scan { table: String::new(), unit: None, columns: Vec::new() };
    let mut relation = Relation { node, columns: columns.collect(), owner: Owner::Public };
    ranges::narrow(&mut relation, predicate);
    relation.columns.into_iter().map(|column| column.domain).collect()
}

/// The value of an expression in each of `rows` rows, by the physical expression that rows below
/// the boundary meet. None if the evaluation failed, which must never happen.
pub fn evaluate(
    scalar: &Scalar,
    columns: &[(Type, Vec<Value>)],
    rows: usize,
) -> Option<Vec<Value>> {
    execute::evaluate(scalar, columns, rows)
}
