//! Public tables inside a private plan.

use datafusion::logical_expr::LogicalPlan;
use serde::Serialize;

use super::Type;

/// A public table that is computed from earlier releases and public tables, and read by a later
/// boundary. It costs nothing, but what it holds decides what that boundary measures.
#[derive(Clone, Debug, Serialize)]
pub struct DerivedTable {
    /// How it is computed.
    pub terms: CanonicalPlan,
    /// The types of its columns.
    pub kinds: Vec<Type>,
    /// Whether it stands for one value: one row, which holds NULL where the query has none.
    pub scalar: bool,
    /// What is executed.
    #[serde(skip)]
    pub plan: LogicalPlan,
}

/// A plan above boundaries in a form that does not depend on names: columns are positions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CanonicalPlan {
    /// The kind of node.
    pub node: &'static str,
    /// What the node's kind and expressions leave open.
    pub details: String,
    /// Its expressions, written out in full.
    pub expressions: Vec<String>,
    /// What it reads; subqueries of its expressions last.
    pub inputs: Vec<CanonicalPlan>,
}
