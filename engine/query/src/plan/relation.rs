//! Relations below the boundary, and what is known about their columns.

use serde::Serialize;

use super::{Domain, Scalar, Type, UnitAggregate, WindowCall};
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

impl Relation {
    /// The dataset whose units own the rows; `None` for rows about nobody.
    pub fn dataset(&self) -> Option<&str> {
        self.owner.dataset()
    }
}

impl Owner {
    /// The dataset of the units; `None` for nobody's rows.
    pub fn dataset(&self) -> Option<&str> {
        match self {
            Self::Unit { dataset, .. } => Some(dataset),
            Self::Public => None,
        }
    }
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
        /// A boolean expression over the left and then the right columns, true of each match.
        #[serde(skip_serializing_if = "Option::is_none")]
        residual: Option<Scalar>,
    },
    /// The rows of all inputs, which have the same column types.
    Union {
        /// At least one relation; all are owned, or none is.
        inputs: Vec<Relation>,
    },
    /// One row for each unit and each tuple of keys that it has: the keys, then the aggregates.
    PerUnit {
        /// The owned relation read.
        input: Box<Relation>,
        /// Expressions over its columns.
        keys: Vec<Scalar>,
        /// What is computed from the rows of one unit and one tuple.
        aggregates: Vec<UnitAggregate>,
    },
    /// The input's columns, then one column per call.
    Window {
        /// The owned relation read.
        input: Box<Relation>,
        /// What is computed from the rows of one unit.
        calls: Vec<WindowCall>,
    },
    /// The rows of a table that names its unit only through a key, once for each unit that owns
    /// the key.
    Path {
        /// The table.
        table: String,
        /// The columns, in output order; nothing stands for the unit itself.
        columns: Vec<Option<ScanColumn>>,
        /// The position of the key among them.
        key: usize,
        /// The owned relation that says whose a key is. Its only column is the key.
        owners: Box<Relation>,
    },
    /// A public table computed from earlier releases and public tables.
    Derived {
        /// Its position among the plan's derived tables.
        table: usize,
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
    /// Left rows without a match; only left columns.
    Anti,
    /// Left rows, once, beside a truth value that says whether there is a match.
    Mark,
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

    /// The relations that this one reads.
    pub fn inputs(&self) -> Vec<&Relation> {
        match &self.node {
            Node::Scan { .. } | Node::Derived { .. } => Vec::new(),
            Node::Filter { input, .. }
            | Node::Project { input, .. }
            | Node::PerUnit { input, .. }
            | Node::Window { input, .. } => vec![input],
            Node::Join { left, right, .. } => vec![left, right],
            Node::Union { inputs } => inputs.iter().collect(),
            Node::Path { owners, .. } => vec![owners],
        }
    }

    /// Whether all rows belong to units of this dataset.
    pub fn is_about(&self, name: &str) -> bool {
        match &self.owner {
            Owner::Public => false,
            Owner::Unit { dataset, .. } => dataset == name,
        }
    }

    /// Whether rows belong to units.
    pub fn is_owned(&self) -> bool {
        match self.owner {
            Owner::Public => false,
            Owner::Unit { .. } => true,
        }
    }
}
