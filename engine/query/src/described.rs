//! What everybody may know about a view: its columns, what they can hold, and whose rows it shows.
//!
//! A view is planned and analysed as a question would be, so that what is said here holds there.
//! Nothing is read: everything follows from the hub file.

use std::sync::Arc;

use datafusion::arrow::datatypes::FieldRef;
use datafusion::logical_expr::LogicalPlan;

use crate::catalogue::{Catalogue, Declared, ViewEntry};
use crate::error::QueryError;
use crate::explanation;
use crate::hub::HubParts;
use crate::options::AskOptions;
use crate::ownership::{self, Rows};
use crate::plan::{Domain, Owner, Possible, Relation, Scalar, Type};
use crate::{door, session, views};

/// A view as a project may read it.
#[derive(Clone, Debug)]
pub struct DescribedView {
    /// The name used in SQL.
    pub name: String,
    /// What the data holder says about it.
    pub description: String,
    /// Whose rows it shows.
    pub rows: ViewRows,
    /// Its columns.
    pub columns: Vec<DescribedColumn>,
}

/// Whose rows a view shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewRows {
    /// Rows of units.
    People {
        /// The column that shows the unit, if one does.
        unit: Option<String>,
        /// At most so many groups of a question keep a unit's rows.
        max_groups: u32,
        /// At most so many of a unit's rows are kept in a group.
        max_rows_per_group: u32,
    },
    /// Noisy rows, charged to whoever asks.
    Released,
    /// Rows about nobody.
    Public,
    /// None: a question about it is refused, and this is why.
    Refused(String),
}

/// A column of a view.
#[derive(Clone, Debug)]
pub struct DescribedColumn {
    /// Its name in SQL.
    pub name: String,
    /// Its type.
    pub kind: Type,
    /// Which values it can hold, whatever the rows hold.
    pub declared: Declared,
    /// Where that comes from, in the data holder's words.
    pub source: Option<String>,
}

/// Describes the views of a dataset, by name.
pub(crate) fn views(hub: &Arc<HubParts>, dataset: &str) -> Result<Vec<DescribedView>, QueryError> {
    let catalogue = &hub.catalogue;
    let own: Vec<&ViewEntry> =
        catalogue.views.iter().filter(|view| view.dataset == dataset).collect();
    if own.is_empty() {
        return Ok(Vec::new());
    }
    let context = session::planning(catalogue)?;
    hub.block_on(views::register(&context, catalogue))?;
    let described = |view: &ViewEntry| {
        let sql = format!("SELECT * FROM \"{}\"", view.name);
        let described = match hub.block_on(door::plan(&context, catalogue, &sql)) {
            Ok(asked) => described(catalogue, dataset, &asked.plan),
            Err(refusal) => Err(refusal.into()),
        };
        let (rows, columns) = match described {
            Ok(described) => described,
            Err(QueryError::Bug(what)) => return Err(QueryError::Bug(what)),
            Err(refused) => (ViewRows::Refused(refused.to_string()), Vec::new()),
        };
        let (name, description) = (view.name.clone(), view.description.clone());
        Ok(DescribedView { name, description, rows, columns })
    };
    own.into_iter().map(described).collect()
}

fn described(
    catalogue: &Catalogue,
    dataset: &str,
    plan: &LogicalPlan,
) -> Result<(ViewRows, Vec<DescribedColumn>), QueryError> {
    let names = plan.schema().fields().iter().map(|field| field.name().clone());
    match ownership::rows(catalogue, dataset, plan, &AskOptions::default())? {
        Rows::Owned(relation) => {
            let column = |(at, name): (usize, String)| owned_column(&relation, at, name, catalogue);
            let columns = names.enumerate().map(column).collect::<Result<Vec<_>, _>>()?;
            Ok((owned_rows(&relation, &columns)?, columns))
        }
        Rows::Released => Ok((ViewRows::Released, open_columns(plan)?)),
        Rows::Public => Ok((ViewRows::Public, open_columns(plan)?)),
    }
}

fn owned_rows(relation: &Relation, columns: &[DescribedColumn]) -> Result<ViewRows, QueryError> {
    let unit = relation.columns.iter().position(|column| column.is_unit);
    match relation.owner {
        Owner::Unit { max_groups, max_rows_per_group, .. } => Ok(ViewRows::People {
            unit: unit.map(|at| columns[at].name.clone()),
            max_groups,
            max_rows_per_group,
        }),
        Owner::Public => Err(QueryError::bug("an owned view has no owner")),
    }
}

fn owned_column(
    relation: &Relation,
    at: usize,
    name: String,
    catalogue: &Catalogue,
) -> Result<DescribedColumn, QueryError> {
    let facts = relation.columns.get(at);
    let facts = facts.ok_or_else(|| QueryError::bug("a view's plan has more columns than it"))?;
    let declared = declared(&facts.domain);
    let range = explanation::range(&name, &Scalar::Column(at), relation, catalogue)?;
    let words = range.sources.into_iter().filter_map(|source| source.source);
    let mut words: Vec<String> = words.collect();
    words.dedup();
    let source = (declared != Declared::Nothing && !words.is_empty()).then(|| words.join("; "));
    Ok(DescribedColumn { name, kind: facts.kind, declared, source })
}

/// What the analysis knows about a column, in the words of a declaration.
fn declared(domain: &Domain) -> Declared {
    match &domain.possible {
        Possible::Values(values) => Declared::Values(values.clone()),
        Possible::Between { lower: Some(lower), upper: Some(upper) } => {
            Declared::Bounds { lower: lower.clone(), upper: upper.clone() }
        }
        Possible::Between { .. } | Possible::Unknown => Declared::Nothing,
    }
}

/// Columns of public or released rows, about which nothing is declared.
fn open_columns(plan: &LogicalPlan) -> Result<Vec<DescribedColumn>, QueryError> {
    let column = |field: &FieldRef| {
        let kind = Type::from_arrow(field.data_type())
            .ok_or_else(|| QueryError::bug("a view's column has a type of its own"))?;
        let (name, declared) = (field.name().clone(), Declared::Nothing);
        Ok(DescribedColumn { name, kind, declared, source: None })
    };
    plan.schema().fields().iter().map(column).collect()
}
