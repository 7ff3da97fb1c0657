//! The door: text in, one logical plan out, or refusals.
//!
//! Everything here happens before any table is looked at. Messages of the parser and the planner
//! are translated: they name what the analyst wrote and never come from data, which the planner
//! has not seen.

mod text;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DataFusionError, SchemaError, TableReference};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::eliminate_cross_join::EliminateCrossJoin;
use datafusion::optimizer::extract_equijoin_predicate::ExtractEquijoinPredicate;
use datafusion::optimizer::{Optimizer, OptimizerContext};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{SetExpr, Statement as SqlStatement};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use std::sync::Arc;

use crate::catalogue::Catalogue;
use crate::error::{Refusal, RefusalCode, nearest};
use crate::session::DEPTH_MAX;

/// A plan may have so many relations and expressions, and so many on one path. The parser's own
/// limit does not see chains such as `a OR a OR ..`.
const NODES_MAX: usize = 20_000;
const RELATIONS_MAX: usize = 1_000;
const RELATION_DEPTH_MAX: usize = 100;
const EXPRESSION_DEPTH_MAX: usize = 200;

/// Plans one SELECT statement over the catalogue's tables.
pub(crate) async fn plan(
    context: &SessionContext,
    catalogue: &Catalogue,
    sql: &str,
) -> Result<LogicalPlan, Refusal> {
    text::check(sql)?;
    let statement = parse(sql)?;
    let state = context.state();
    let translate = |error| translate(catalogue, error);
    let plan = state.statement_to_plan(statement).await.map_err(translate)?;
    if !Size::default().holds(&plan, 0) {
        return Err(Refusal::new(
            RefusalCode::Syntax,
            "the query",
            "its plan is too large or nests too deep",
            "split it; write a long chain of OR as IN (..)",
        ));
    }
    let analyzed = state
        .analyzer()
        .execute_and_check(plan, state.config_options(), |_, _| {})
        .map_err(translate)?;
    // Only the rules that bring joins into the form that the analysis reads. The full optimizer
    // would have rewritten COUNT(DISTINCT) and pruned the unit column away.
    let joins = Optimizer::with_rules(vec![
        Arc::new(ExtractEquijoinPredicate::new()),
        Arc::new(EliminateCrossJoin::new()),
    ]);
    let settings = OptimizerContext::new().with_skip_failing_rules(false).with_max_passes(1);
    joins.optimize(analyzed, &settings, |_, _| {}).map_err(translate)
}

/// What has been seen of a plan. It stops at the first limit, so that it is itself neither deep
/// nor long.
#[derive(Default)]
struct Size {
    relations: usize,
    nodes: usize,
}

impl Size {
    fn holds(&mut self, plan: &LogicalPlan, depth: usize) -> bool {
        self.relations += 1;
        if depth > RELATION_DEPTH_MAX || self.relations > RELATIONS_MAX {
            return false;
        }
        let mut fits = true;
        let walked = plan.apply_expressions(|expr| {
            fits &= self.holds_expression(expr, depth, 0);
            Ok(if fits { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
        });
        walked.is_ok()
            && fits
            && plan.inputs().into_iter().all(|input| self.holds(input, depth + 1))
    }

    fn holds_expression(&mut self, expr: &Expr, relation_depth: usize, depth: usize) -> bool {
        self.nodes += 1;
        if depth > EXPRESSION_DEPTH_MAX || self.nodes > NODES_MAX {
            return false;
        }
        let subquery = match expr {
            Expr::ScalarSubquery(subquery) => Some(subquery),
            Expr::Exists(exists) => Some(&exists.subquery),
            Expr::InSubquery(test) => Some(&test.subquery),
            Expr::SetComparison(test) => Some(&test.subquery),
            _ => None,
        };
        let mut fits = subquery.is_none_or(|inner| self.holds(&inner.subquery, relation_depth + 1));
        let walked = expr.apply_children(|child| {
            fits &= self.holds_expression(child, relation_depth, depth + 1);
            Ok(if fits { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
        });
        walked.is_ok() && fits
    }
}

fn parse(sql: &str) -> Result<Statement, Refusal> {
    let syntax = |error: DataFusionError| {
        Refusal::new(
            RefusalCode::Syntax,
            "the query text",
            first_line(&error),
            "send one SELECT statement",
        )
    };
    let mut statements = DFParserBuilder::new(sql)
        .with_dialect(&GenericDialect {})
        .with_recursion_limit(DEPTH_MAX)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(syntax)?;
    let only_select = || {
        Refusal::new(
            RefusalCode::Statement,
            "the statement",
            "only a single SELECT statement can be answered privately",
            "send one SELECT; `voilage explain` shows what it would cost",
        )
    };
    let statement = statements.pop_front().ok_or_else(only_select)?;
    let Statement::Statement(inner) = &statement else { return Err(only_select()) };
    let SqlStatement::Query(query) = inner.as_ref() else { return Err(only_select()) };
    if !statements.is_empty() || !is_select(&query.body) {
        return Err(only_select());
    }
    if let Some(with) = &query.with {
        text::check_expansion(with, &query.body.to_string())?;
    }
    if query.with.as_ref().is_some_and(|with| with.recursive) {
        return Err(Refusal::new(
            RefusalCode::Statement,
            "WITH RECURSIVE",
            "a recursion has no bound on its cost",
            "write the steps out as plain common table expressions",
        ));
    }
    Ok(statement)
}

/// Queries proper: no VALUES, INSERT, UPDATE, DELETE or TABLE in their place.
fn is_select(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => select.into.is_none(),
        SetExpr::Query(query) => is_select(&query.body),
        SetExpr::SetOperation { left, right, .. } => is_select(left) && is_select(right),
        _ => false,
    }
}

/// A refusal for an error of the planner, which saw the SQL and the declared schema only.
fn translate(catalogue: &Catalogue, error: DataFusionError) -> Refusal {
    match root(&error) {
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::FieldNotFound { field, valid_fields } => {
                unknown_column(field, valid_fields)
            }
            SchemaError::AmbiguousReference { field } => Refusal::new(
                RefusalCode::UnknownColumn,
                format!("column {}", field.name),
                "several tables of the query have a column of that name",
                format!("write which one: table.{}", field.name),
            ),
            SchemaError::DuplicateQualifiedField { name, .. }
            | SchemaError::DuplicateUnqualifiedField { name } => Refusal::new(
                RefusalCode::UnknownColumn,
                format!("column {name}"),
                "the name appears twice in one result",
                "give one of them another name with AS",
            ),
        },
        DataFusionError::Plan(message) => match missing_table(message) {
            Some(table) => Refusal::new(
                RefusalCode::UnknownTable,
                format!("table {table}"),
                "the hub declares no table of that name",
                catalogue.suggest_table(table),
            ),
            None => unsupported(message),
        },
        other => unsupported(&first_line(other)),
    }
}

fn unsupported(message: &str) -> Refusal {
    let message = message.lines().next().unwrap_or_default();
    Refusal::new(
        RefusalCode::Expression,
        "the query",
        message.trim_end_matches('.').to_owned(),
        "use SELECT with COUNT, SUM, AVG, WHERE, JOIN, GROUP BY, HAVING, ORDER BY and LIMIT",
    )
}

fn unknown_column(field: &Column, valid: &[Column]) -> Refusal {
    let suggestion = nearest(&field.name, valid.iter().map(|column| column.name.as_str()));
    let fix = suggestion.map_or_else(
        || {
            let mut names: Vec<&str> = valid.iter().map(|column| column.name.as_str()).collect();
            names.dedup();
            format!("use one of: {}", names.join(", "))
        },
        |name| format!("did you mean {name}?"),
    );
    let table = field.relation.as_ref().map(TableReference::table);
    let name = table.map_or_else(|| field.name.clone(), |table| format!("{table}.{}", field.name));
    Refusal::new(
        RefusalCode::UnknownColumn,
        format!("column {name}"),
        "no table of the query has it",
        fix,
    )
}

fn missing_table(message: &str) -> Option<&str> {
    let name = message.strip_prefix("table '")?.strip_suffix("' not found")?;
    name.rsplit('.').next()
}

fn root(error: &DataFusionError) -> &DataFusionError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => root(inner),
        DataFusionError::Collection(errors) => errors.first().map_or(error, root),
        DataFusionError::Shared(inner) => root(inner),
        other => other,
    }
}

fn first_line(error: &DataFusionError) -> String {
    let text = match root(error) {
        DataFusionError::SQL(parser, _) => parser.to_string(),
        DataFusionError::Plan(message) | DataFusionError::NotImplemented(message) => {
            message.clone()
        }
        other => other.strip_backtrace(),
    };
    text.lines().next().unwrap_or_default().to_owned()
}
