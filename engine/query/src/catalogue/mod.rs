//! What the data holder declares: datasets, tables, columns, and what may be believed about them.
//!
//! Everything a plan or a price depends on comes from here, never from the data. What is declared
//! is enforced at every scan, so that a wrong declaration costs accuracy and never privacy.

mod file;
mod parse;
mod path;

use std::path::PathBuf;

use serde::Serialize;
use voilage_budgets::Settings;
use voilage_privacy::quantity::{Accountant, Delta, Epsilon};

pub use file::TableFile;
pub use path::KeyPath;

use crate::error::{QueryError, nearest};
use crate::plan::{Type, Value};
use crate::spend::Spend;

/// A parsed hub file.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// Where the ledger is, with its witness and its key.
    pub ledger: Settings,
    /// How much memory one execution may take. *Units*: MiB.
    pub memory_mib: u64,
    /// The folder into which rows are spilled when that is not enough.
    pub spill: PathBuf,
    /// The datasets, sorted by name.
    pub datasets: Vec<DatasetEntry>,
    /// All tables, sorted by name; a name appears once in a hub.
    pub tables: Vec<TableEntry>,
    /// All views, sorted by name; none is called like a table.
    pub views: Vec<ViewEntry>,
}

/// A query that the data holder has given a name. It is read as if it were written in the place
/// of its name, so it never shows more than the query would.
#[derive(Clone, Debug)]
pub struct ViewEntry {
    /// The name used in SQL.
    pub name: String,
    /// The dataset it is declared under.
    pub dataset: String,
    /// The query.
    pub sql: String,
    /// What it holds, in the data holder's words.
    pub description: String,
}

/// A named universe of privacy units with one lifetime cap.
#[derive(Clone, Debug)]
pub struct DatasetEntry {
    /// The dataset's name.
    pub name: String,
    /// What it holds, in the data holder's words.
    pub description: String,
    /// What one unit is, for example "person".
    pub unit_kind: String,
    /// How losses add up.
    pub accountant: Accountant,
    /// The lifetime cap on epsilon.
    pub epsilon: Epsilon,
    /// The lifetime cap on delta; none for a pure dataset.
    pub delta: Option<Delta>,
    /// What a question costs that says nothing about it.
    pub default_spend: Option<Spend>,
}

/// A table of the hub.
#[derive(Clone, Debug)]
pub struct TableEntry {
    /// The name used in SQL.
    pub name: String,
    /// The Parquet file.
    pub file: PathBuf,
    /// Whose rows it holds.
    pub owner: TableOwner,
    /// The declared columns, sorted by name.
    pub columns: Vec<ColumnEntry>,
}

/// Whether a table's rows belong to units or to everybody.
#[derive(Clone, Debug)]
pub enum TableOwner {
    /// Not about the units of any dataset, and the catalogue says why that is so.
    Public {
        /// Where the table comes from.
        provenance: String,
    },
    /// Each row belongs to the unit named in one column.
    Unit {
        /// The dataset whose units these are.
        dataset: String,
        /// The position of the unit column in `columns`.
        column: usize,
        /// How the unit is found, if the file does not hold that column.
        path: Option<KeyPath>,
        /// At most so many groups keep a unit's rows.
        max_groups: u32,
        /// At most so many of a unit's rows are kept in a group.
        max_rows_per_group: u32,
        /// How far a question may raise `max_groups`.
        max_groups_ceiling: u32,
        /// How far a question may raise `max_rows_per_group`.
        max_rows_per_group_ceiling: u32,
        /// Whether the file's rows are said to be sorted by the unit column. It is never believed:
        /// where it is wrong, questions take longer and their answers stay the same.
        sorted_by_unit: bool,
    },
}

/// A declared column.
#[derive(Clone, Debug)]
pub struct ColumnEntry {
    /// The column's name in the file and in SQL.
    pub name: String,
    /// Its type as the engine sees it.
    pub kind: Type,
    /// What is enforced about its values.
    pub declared: Declared,
    /// Where the bounds or the list come from.
    pub source: Option<String>,
}

/// What the catalogue asserts about a column, enforced at the scan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Declared {
    /// Nothing.
    Nothing,
    /// Numbers, dates and timestamps outside are clamped; NaN becomes NULL.
    Bounds {
        /// The smallest value, of the column's type.
        lower: Value,
        /// The largest value, of the column's type.
        upper: Value,
    },
    /// Everything else becomes NULL.
    Values(Vec<Value>),
}

impl Catalogue {
    /// The table of this name, or the refusal with the nearest name.
    ///
    /// # Errors
    /// When there is no such table.
    pub fn table(&self, name: &str) -> Result<&TableEntry, QueryError> {
        self.tables.iter().find(|table| table.name == name).ok_or_else(|| {
            QueryError::input(format!("the hub has no table {name}"), self.suggest_table(name))
        })
    }

    /// The dataset of this name.
    ///
    /// # Errors
    /// When there is no such dataset.
    pub fn dataset(&self, name: &str) -> Result<&DatasetEntry, QueryError> {
        self.datasets.iter().find(|dataset| dataset.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.datasets.iter().map(|d| d.name.as_str()).collect();
            QueryError::input(
                format!("the hub has no dataset {name}"),
                format!("use one of: {}", names.join(", ")),
            )
        })
    }

    pub(crate) fn suggest_table(&self, wrong: &str) -> String {
        let tables = self.tables.iter().map(|table| table.name.as_str());
        let names: Vec<&str> =
            tables.chain(self.views.iter().map(|view| view.name.as_str())).collect();
        match nearest(wrong, names.iter().copied()) {
            Some(name) => format!("did you mean {name}?"),
            None => format!("use one of: {}", names.join(", ")),
        }
    }
}

impl TableEntry {
    /// The dataset that owns the table's rows, if any.
    pub fn dataset(&self) -> Option<&str> {
        match &self.owner {
            TableOwner::Public { .. } => None,
            TableOwner::Unit { dataset, .. } => Some(dataset),
        }
    }

    /// How the unit is found, if the file does not hold it.
    pub fn key_path(&self) -> Option<&KeyPath> {
        match &self.owner {
            TableOwner::Unit { path, .. } => path.as_ref(),
            TableOwner::Public { .. } => None,
        }
    }

    /// The columns that the file holds: all but a unit that is reached through a key.
    pub fn held_columns(&self) -> impl Iterator<Item = &ColumnEntry> {
        let reached = self.key_path().and_then(|_| self.unit_column());
        let columns = self.columns.iter().enumerate();
        columns.filter(move |(at, _)| Some(*at) != reached).map(|(_, column)| column)
    }

    /// The position of the unit column, if the table is owned.
    pub fn unit_column(&self) -> Option<usize> {
        match &self.owner {
            TableOwner::Public { .. } => None,
            TableOwner::Unit { column, .. } => Some(*column),
        }
    }
}
