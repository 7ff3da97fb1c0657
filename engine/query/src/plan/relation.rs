//! Relations below the boundary, and what is known about their columns.

use serde::Serialize;

use super::{Domain, Scalar, Type};
use crate::catalogue::Declared;

/// A relation with what the analysis knows about it.
#[derive(Clone, Debug)]
pub struct Relation {
    /// How its rows come about.
    pub node: Node,
    /// What is known about each output column.
    pub columns: Vec<ColumnFacts>,
    /// Whose rows these are.
    pub owner: Owner,
}

/// Whether rows belong to units. An owned relation carries its unit beside its columns, whether
/// or not a column shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// About nobody.
    Public,
    /// Each row belongs to exactly one unit of this dataset.
    Unit {
        /// The dataset.
        dataset: String,
        /// The smallest of the tables' `max_groups`.
        max_groups: u32,
        /// The smallest of the tables' `max_rows_per_group`.
        max_rows_per_group: u32,
    },
}

/// How a relation's rows come about.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Node {
    /// All rows of a table, with what the catalogue declares enforced.
    Scan {
        /// The table.
        table: String,
        /// The unit column of an owned table.
        unit: Option<String>,
        /// The columns, in output order.
        columns: Vec<ScanColumn>,
    },
    /// The rows for which the predicate is true.
    Filter {
        /// The relation filtered.
        input: Box<Relation>,
        /// A boolean expression over its columns.
        predicate: Scalar,
    },
    /// One output column per expression.
    Project {
        /// The relation read.
        input: Box<Relation>,
        /// Expressions over its columns.
        columns: Vec<Scalar>,
    },
    /// Pairs of rows whose `on` expressions are equal and not NULL; left columns, then right ones.
    Join {
        /// Which rows are kept.
        kind: JoinKind,
        /// The left relation; its unit is carried.
        left: Box<Relation>,
        /// The right relation.
        right: Box<Relation>,
        /// Whether the units of both sides must be equal. Always true between owned relations.
        same_unit: bool,
        /// Pairs of expressions over the left and the right columns.
        on: Vec<(Scalar, Scalar)>,
    },
}

/// A column of a scan, with what is enforced.
#[derive(Clone, Debug, Serialize)]
pub struct ScanColumn {
    /// The column's name in the file.
    pub name: String,
    /// Its canonical type.
    pub kind: Type,
    /// Enforced in every row.
    pub declared: Declared,
}

/// Which rows a join keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JoinKind {
    /// Matching pairs.
    Inner,
    /// Matching pairs, and left rows without a match beside NULLs.
    Left,
    /// Left rows with a match, once; only left columns.
    Semi,
}

impl Serialize for Relation {
    /// The node alone: everything else follows from it.
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        self.node.serialize(out)
    }
}

/// What is known about a column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnFacts {
    /// The name shown in messages and as the key's name.
    pub name: String,
    /// The canonical type.
    pub kind: Type,
    /// Which values it can hold.
    pub domain: Domain,
    /// Whether it holds exactly the relation's unit id.
    pub is_unit: bool,
}

impl Relation {
    /// The types of the columns.
    pub fn kinds(&self) -> Vec<Type> {
        self.columns.iter().map(|column| column.kind).collect()
    }

    /// Whether rows belong to units.
    pub fn is_owned(&self) -> bool {
        match self.owner {
            Owner::Public => false,
            Owner::Unit { .. } => true,
        }
    }
}
