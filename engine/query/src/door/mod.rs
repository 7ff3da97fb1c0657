//! The door: text in, one logical plan out, or refusals.
//!
//! Everything here happens before any table is looked at. Messages of the parser and the planner
//! are translated: they name what the analyst wrote and never come from data, which the planner
//! has not seen.

mod names;
mod parameters;
mod planner;
mod size;
mod text;

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::decorrelate_predicate_subquery::DecorrelatePredicateSubquery;
use datafusion::optimizer::eliminate_cross_join::EliminateCrossJoin;
use datafusion::optimizer::extract_equijoin_predicate::ExtractEquijoinPredicate;
use datafusion::optimizer::rewrite_set_comparison::RewriteSetComparison;
use datafusion::optimizer::scalar_subquery_to_join::ScalarSubqueryToJoin;
use datafusion::optimizer::{Optimizer, OptimizerContext};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Query, SetExpr, Statement as SqlStatement};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::TokenWithSpan;

pub(crate) use parameters::{Bound, Parameters};
pub(crate) use text::tokens;

use crate::catalogue::{Catalogue, ViewEntry};
use crate::refusal::{Place, Refusal, RefusalCode};
use crate::session::DEPTH_MAX;

/// A question that was let in: what it asks, and what it says about its own price and bounds.
pub(crate) struct Asked {
    pub(crate) plan: LogicalPlan,
    pub(crate) parameters: Parameters,
    /// The views that it reads, also through other views.
    pub(crate) views: Vec<ViewEntry>,
}

/// Plans one SELECT statement over the catalogue's tables.
pub(crate) async fn plan(
    context: &SessionContext,
    catalogue: &Catalogue,
    sql: &str,
) -> Result<Asked, Refusal> {
    let (query, parameters) = read(sql)?;
    let names = names::Names::of(&query);
    let plan = planned(context, catalogue, &names, query).await?;
    let mut views = Vec::new();
    views_read(catalogue, &names, &mut views)?;
    Ok(Asked { plan, parameters, views })
}

/// Adds the views that a query reads, each once.
fn views_read(
    catalogue: &Catalogue,
    names: &names::Names,
    views: &mut Vec<ViewEntry>,
) -> Result<(), Refusal> {
    for name in names.of_hub() {
        let view = catalogue.views.iter().find(|view| view.name == name);
        let new = view.filter(|view| views.iter().all(|known| known.name != view.name));
        if let Some(view) = new {
            views.push(view.clone());
            let (query, _) = read(&view.sql)?;
            views_read(catalogue, &names::Names::of(&query), views)?;
        }
    }
    Ok(())
}

/// What the text alone decides: one query within the limits, and its parameters.
pub(crate) fn read(sql: &str) -> Result<(Box<Query>, Parameters), Refusal> {
    let tokens = tokens(sql)?;
    let (tokens, parameters) = parameters::cut(tokens)?;
    text::check_words(&tokens)?;
    text::check_single_with(&tokens)?;
    let query = parse(tokens)?;
    names::Names::of(&query).check_forms()?;
    names::check_relations(&query)?;
    Ok((query, parameters))
}

async fn planned(
    context: &SessionContext,
    catalogue: &Catalogue,
    names: &names::Names,
    query: Box<Query>,
) -> Result<LogicalPlan, Refusal> {
    let state = context.state();
    let statement = Statement::Statement(Box::new(SqlStatement::Query(query)));
    let translate = |error| {
        names
            .unknown(catalogue, &state)
            .unwrap_or_else(|| planner::translate(catalogue, names, &error))
    };
    let plan = state.statement_to_plan(statement).await.map_err(translate)?;
    if !size::Size::default().holds(&plan, 0) {
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
        Arc::new(RewriteSetComparison::new()),
        Arc::new(DecorrelatePredicateSubquery::new()),
        Arc::new(ScalarSubqueryToJoin::new()),
        Arc::new(ExtractEquijoinPredicate::new()),
        Arc::new(EliminateCrossJoin::new()),
    ]);
    let settings = OptimizerContext::new().with_skip_failing_rules(false).with_max_passes(3);
    joins.optimize(analyzed, &settings, |_, _| {}).map_err(translate)
}

/// Plans a view of the hub file, without analysing it: a question is analysed with its views in
/// place.
pub(crate) async fn view(
    context: &SessionContext,
    catalogue: &Catalogue,
    sql: &str,
) -> Result<LogicalPlan, Refusal> {
    let (query, parameters) = read(sql)?;
    if !parameters.is_empty() {
        return Err(Refusal::new(
            RefusalCode::Parameter,
            "WITH DIFFERENTIAL_PRIVACY in a view",
            "what a question costs is said by the question",
            "leave the clause out of the view",
        ));
    }
    let names = names::Names::of(&query);
    let state = context.state();
    let statement = Statement::Statement(Box::new(SqlStatement::Query(query)));
    state.statement_to_plan(statement).await.map_err(|error| {
        names
            .unknown(catalogue, &state)
            .unwrap_or_else(|| planner::translate(catalogue, &names, &error))
    })
}

fn parse(tokens: Vec<TokenWithSpan>) -> Result<Box<Query>, Refusal> {
    let mut statements = Parser::new(&GenericDialect {})
        .with_recursion_limit(DEPTH_MAX)
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(|error| syntax(&error))?;
    let last = statements.pop();
    match last {
        Some(SqlStatement::Query(query)) if statements.is_empty() && is_select(&query.body) => {
            Ok(query)
        }
        Some(SqlStatement::Query(_)) if !statements.is_empty() => {
            Err(text::only_select("several statements").with_fix("send one SELECT statement"))
        }
        _ => Err(text::only_select("the statement")),
    }
}

fn syntax(error: &ParserError) -> Refusal {
    let (why, place) = match error {
        ParserError::RecursionLimitExceeded => {
            (format!("it nests deeper than {DEPTH_MAX} levels"), None)
        }
        ParserError::ParserError(message) | ParserError::TokenizerError(message) => {
            planner::located(message)
        }
    };
    Refusal::new(RefusalCode::Syntax, "the query text", why, "send one SELECT statement").at(place)
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

/// Where an expression stands: the place of its first column.
pub(crate) fn place_of(expr: &Expr) -> Option<Place> {
    let mut found = None;
    let walked = expr.apply(|part| {
        if let Expr::Column(column) = part
            && let Some(span) = column.spans().first()
        {
            found = Some(Place::At { line: span.start.line, column: span.start.column });
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.ok().and(found)
}
