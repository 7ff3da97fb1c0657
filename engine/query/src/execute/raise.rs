//! From the private plan back to DataFusion, with names that only this file gives.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::catalog::MemTable;
use datafusion::common::Column;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{
    BinaryExpr, Case, Expr, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, ScalarUDF,
};

use super::Sources;
use super::enforce::Enforce;
use super::joins::Sides;
use crate::catalogue::{Declared, TableEntry, TableFile};
use crate::error::QueryError;
use crate::functions::{Convert, Matches, Total};
use crate::plan::{Boundary, Comparison, Node, Relation, Scalar, ScanColumn, Type};

/// A relation in DataFusion's terms.
pub(super) struct Raised {
    pub(super) plan: LogicalPlan,
    /// The name of the carried unit column, if owned.
    pub(super) unit: Option<String>,
    /// The names of the columns, in order.
    pub(super) columns: Vec<String>,
}

/// The rows that a boundary aggregates: the unit, the keys, the values.
pub(super) fn boundary(
    boundary: &Boundary,
    sources: Sources<'_>,
) -> Result<LogicalPlan, QueryError> {
    let kept = bare_keys(boundary);
    let raised = Raising { sources, next: 0, kept }.relation(&boundary.input)?;
    let unit = raised.unit.as_ref().ok_or_else(|| QueryError::bug("a boundary over no units"))?;
    let mut columns = vec![named(unit).alias("u")];
    for (position, key) in boundary.keys.iter().enumerate() {
        columns.push(expr(key, &raised.columns).alias(format!("k{position}")));
    }
    for (position, value) in boundary.values.iter().enumerate() {
        let read = expr(&value.value, &raised.columns);
        let read = match &value.present_if {
            None => read,
            // Without ELSE, a row for which the filter is not true has no value.
            Some(filter) => datafusion::logical_expr::when(expr(filter, &raised.columns), read)
                .end()
                .map_err(malformed)?,
        };
        columns.push(read.alias(format!("v{position}")));
    }
    LogicalPlanBuilder::new(raised.plan).project(columns).and_then(|b| b.build()).map_err(malformed)
}

/// A public table under its own name and column names, for the plan above the boundaries.
pub(crate) fn public_scan(table: &TableEntry, file: &TableFile) -> Result<LogicalPlan, QueryError> {
    let columns = table.columns.iter().map(|column| {
        scanned(&table.name, &column.name, column.kind, &column.declared, file).alias(&column.name)
    });
    scan(&table.name, file)?
        .project(columns.collect::<Vec<_>>())
        .and_then(|builder| builder.alias(table.name.as_str()))
        .and_then(|builder| builder.build())
        .map_err(malformed)
}

/// The columns of a scan that nothing reads but the kernel, as keys: text among them may stay a
/// dictionary. None where the boundary's rows are more than filtered rows of a scan.
fn bare_keys(boundary: &Boundary) -> Vec<usize> {
    let mut read: Vec<usize> = Vec::new();
    let mut relation = &boundary.input;
    while let Node::Filter { input, predicate } = &relation.node {
        read.extend(predicate.columns());
        relation = input;
    }
    if !matches!(relation.node, Node::Scan { .. }) {
        return Vec::new();
    }
    for value in &boundary.values {
        read.extend(value.value.columns());
        read.extend(value.present_if.iter().flat_map(Scalar::columns));
    }
    let mut bare = Vec::new();
    for key in &boundary.keys {
        match key {
            Scalar::Column(position) => bare.push(*position),
            other => read.extend(other.columns()),
        }
    }
    bare.retain(|position| !read.contains(position));
    bare
}

pub(super) struct Raising<'a> {
    sources: Sources<'a>,
    next: usize,
    /// The positions of [`bare_keys`].
    kept: Vec<usize>,
}

impl Raising<'_> {
    pub(super) fn relation(&mut self, relation: &Relation) -> Result<Raised, QueryError> {
        match &relation.node {
            Node::Scan { table, unit, columns } => self.scan(table, unit.as_deref(), columns),
            Node::Filter { input, predicate } => {
                let input = self.relation(input)?;
                let predicate = expr(predicate, &input.columns);
                let plan = LogicalPlanBuilder::new(input.plan)
                    .filter(predicate)
                    .and_then(|builder| builder.build())
                    .map_err(malformed)?;
                Ok(Raised { plan, ..input })
            }
            Node::Project { input, columns } => {
                let input = self.relation(input)?;
                let exprs = columns.iter().map(|column| expr(column, &input.columns)).collect();
                self.project(input.plan, input.unit.map(|unit| named(&unit)), exprs)
            }
            Node::Join { kind, left, right, same_unit, on, residual } => {
                let public = !right.is_owned();
                let sides = Sides { left: self.relation(left)?, right: self.relation(right)? };
                self.join(*kind, sides, *same_unit, public, on, residual.as_ref())
            }
            Node::Union { inputs } => self.union(inputs),
            Node::Path { table, columns, key, owners } => self.path(table, columns, *key, owners),
            Node::Window { input, calls } => self.window(input, calls),
            Node::Derived { table } => self.derived(*table, relation),
            Node::PerUnit { input, keys, aggregates } => self.per_unit(input, keys, aggregates),
        }
    }

    fn scan(
        &mut self,
        table: &str,
        unit: Option<&str>,
        columns: &[ScanColumn],
    ) -> Result<Raised, QueryError> {
        let file =
            self.sources.files.get(table).ok_or_else(|| QueryError::bug("an unchecked table"))?;
        let unit = match unit {
            None => None,
            Some(name) => {
                let column = columns.iter().find(|column| column.name == name);
                let kind = column.ok_or_else(|| QueryError::bug("a scan without its unit"))?.kind;
                Some(scanned(table, name, kind, &Declared::Nothing, file))
            }
        };
        let exprs = columns
            .iter()
            .enumerate()
            .map(|(position, column)| {
                let dictionary =
                    matches!(file.kind(&column.name), Some(DataType::Dictionary(_, _)));
                if dictionary && self.kept.contains(&position) {
                    let raw = Expr::Column(Column::new(Some(table), &column.name));
                    let enforce = Enforce::dictionary(&column.declared);
                    return ScalarUDF::new_from_impl(enforce).call(vec![raw]);
                }
                scanned(table, &column.name, column.kind, &column.declared, file)
            })
            .collect();
        let plan = scan(table, file)?.build().map_err(malformed)?;
        let mut raised = self.project(plan, unit, exprs)?;
        if let Some(unit) = &raised.unit {
            // A row of nobody counts for nobody.
            raised.plan = LogicalPlanBuilder::new(raised.plan)
                .filter(named(unit).is_not_null())
                .and_then(|builder| builder.build())
                .map_err(malformed)?;
        }
        Ok(raised)
    }

    /// The rows of a table beside each owner of their key.
    fn path(
        &mut self,
        table: &str,
        columns: &[Option<ScanColumn>],
        key: usize,
        owners: &Relation,
    ) -> Result<Raised, QueryError> {
        let missing = || QueryError::bug("a path without its key");
        let file =
            self.sources.files.get(table).ok_or_else(|| QueryError::bug("an unchecked table"))?;
        let held = columns.iter().flatten();
        let exprs = held
            .map(|column| scanned(table, &column.name, column.kind, &column.declared, file))
            .collect();
        let rows = self.project(scan(table, file)?.build().map_err(malformed)?, None, exprs)?;
        let owners = self.relation(owners)?;
        let unit = owners.unit.as_ref().map(|unit| named(unit)).ok_or_else(missing)?;
        let mut names = rows.columns.iter();
        let shown = columns.iter().map(|column| match column {
            Some(_) => names.next().map(|name| named(name)).ok_or_else(missing),
            None => Ok(unit.clone()),
        });
        let shown = shown.collect::<Result<Vec<_>, _>>()?;
        let here = vec![shown.get(key).cloned().ok_or_else(missing)?];
        let there = vec![owners.columns.first().map(|name| named(name)).ok_or_else(missing)?];
        let plan = LogicalPlanBuilder::new(owners.plan)
            .join_with_expr_keys(rows.plan, JoinType::Inner, (there, here), None)
            .and_then(|builder| builder.build())
            .map_err(malformed)?;
        self.project(plan, Some(unit), shown)
    }

    /// A derived public table, in canonical form.
    fn derived(&mut self, table: usize, relation: &Relation) -> Result<Raised, QueryError> {
        let rows = self.sources.derived.get(&table);
        let rows = rows.ok_or_else(|| QueryError::bug("a derived table that is not there yet"))?;
        let provider = MemTable::try_new(rows.schema(), vec![vec![rows.clone()]]);
        let provider = Arc::new(provider.map_err(malformed)?);
        let name = format!("d{table}_{}", self.fresh());
        let canonical = |(field, kind): (&Arc<Field>, &Type)| {
            let column = Expr::Column(Column::new(Some(name.as_str()), field.name()));
            ScalarUDF::new_from_impl(Enforce::new(*kind, &Declared::Nothing)).call(vec![column])
        };
        let schema = rows.schema();
        let exprs = schema.fields().iter().zip(&relation.kinds()).map(canonical).collect();
        let plan = LogicalPlanBuilder::scan(name.as_str(), provider_as_source(provider), None)
            .and_then(|builder| builder.build())
            .map_err(malformed)?;
        self.project(plan, None, exprs)
    }

    /// A number for names that nothing else has.
    pub(super) fn fresh(&mut self) -> usize {
        let node = self.next;
        self.next += 1;
        node
    }

    pub(super) fn project(
        &mut self,
        input: LogicalPlan,
        unit: Option<Expr>,
        exprs: Vec<Expr>,
    ) -> Result<Raised, QueryError> {
        let node = self.fresh();
        let columns: Vec<String> =
            (0..exprs.len()).map(|position| format!("c{node}_{position}")).collect();
        let unit_name = unit.as_ref().map(|_| format!("u{node}"));
        let mut all: Vec<Expr> = Vec::with_capacity(exprs.len() + 1);
        all.extend(unit.zip(unit_name.as_ref()).map(|(unit, name)| unit.alias(name)));
        all.extend(exprs.into_iter().zip(&columns).map(|(expr, name)| expr.alias(name)));
        let plan = LogicalPlanBuilder::new(input)
            .project(all)
            .and_then(|builder| builder.build())
            .map_err(malformed)?;
        Ok(Raised { plan, unit: unit_name, columns })
    }
}

fn scan(table: &str, file: &TableFile) -> Result<LogicalPlanBuilder, QueryError> {
    let source = provider_as_source(file.provider()?);
    LogicalPlanBuilder::scan(table, source, None).map_err(malformed)
}

/// A file column in canonical form, with its declaration enforced.
fn scanned(table: &str, name: &str, kind: Type, declared: &Declared, file: &TableFile) -> Expr {
    let column = Expr::Column(Column::new(Some(table), name));
    // A double may be NaN, and a text too long.
    let as_it_is = file.kind(name) == Some(&kind.arrow())
        && *declared == Declared::Nothing
        && !matches!(kind, Type::Float64 | Type::Text);
    if as_it_is {
        return column;
    }
    ScalarUDF::new_from_impl(Enforce::new(kind, declared)).call(vec![column])
}

pub(super) fn named(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// An expression over columns of these names.
pub(super) fn expr(scalar: &Scalar, columns: &[String]) -> Expr {
    let sub = |inner: &Scalar| expr(inner, columns);
    let binary = |left: &Scalar, op: Operator, right: &Scalar| {
        Expr::BinaryExpr(BinaryExpr::new(Box::new(sub(left)), op, Box::new(sub(right))))
    };
    match scalar {
        Scalar::Column(position) => named(&columns[*position]),
        Scalar::Literal(value) => Expr::Literal(value.scalar(), None),
        Scalar::Compare { op, left, right } => {
            let op = match op {
                Comparison::Equal => Operator::Eq,
                Comparison::NotEqual => Operator::NotEq,
                Comparison::Less => Operator::Lt,
                Comparison::LessOrEqual => Operator::LtEq,
                Comparison::Greater => Operator::Gt,
                Comparison::GreaterOrEqual => Operator::GtEq,
                Comparison::Distinct => Operator::IsDistinctFrom,
                Comparison::NotDistinct => Operator::IsNotDistinctFrom,
            };
            binary(left, op, right)
        }
        Scalar::And(left, right) => binary(left, Operator::And, right),
        Scalar::Or(left, right) => binary(left, Operator::Or, right),
        Scalar::Not(inner) => Expr::Not(Box::new(sub(inner))),
        Scalar::IsNull(inner) => Expr::IsNull(Box::new(sub(inner))),
        Scalar::InList { value, list } => {
            let list = list.iter().map(|item| Expr::Literal(item.scalar(), None)).collect();
            sub(value).in_list(list, false)
        }
        Scalar::Cast { value, to } => {
            ScalarUDF::new_from_impl(Convert::new(*to)).call(vec![sub(value)])
        }
        Scalar::Like { value, pattern, insensitive } => {
            ScalarUDF::new_from_impl(Matches::new(pattern, *insensitive)).call(vec![sub(value)])
        }
        Scalar::Case { branches, otherwise } => Expr::Case(Case::new(
            None,
            branches
                .iter()
                .map(|(test, value)| (Box::new(sub(test)), Box::new(sub(value))))
                .collect(),
            Some(Box::new(sub(otherwise))),
        )),
        Scalar::Call { function, arguments } => {
            let arguments = arguments.iter().map(sub).collect();
            ScalarUDF::new_from_impl(Total::new(*function)).call(arguments)
        }
    }
}

pub(super) fn malformed(error: datafusion::common::DataFusionError) -> QueryError {
    QueryError::bug(format!("a private plan cannot be raised: {}", error.strip_backtrace()))
}
