//! The names of a parsed query: tables, columns and functions, with their places.
//!
//! The planner stops at the first name that it does not know. This walk finds all of them, and
//! forms of FROM that are never answered; what it cannot be sure about is left to the planner.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use datafusion::execution::session_state::SessionState;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArguments, Ident, ObjectName, Query, Select, SelectItem,
    TableAlias, TableFactor, Visit, Visitor,
};

use super::planner::{no_column, suggestion};
use super::text::{folded, place_of_span};
use crate::catalogue::Catalogue;
use crate::error::nearest;
use crate::functions;
use crate::refusal::{Place, Refusal, RefusalCode};
use crate::remedy::Remedy;

/// A query may read so many relations once its table expressions are written out: planning takes
/// time that grows faster than their number.
pub(super) const RELATIONS_MAX: u64 = 32;

/// What a walk over a query has found.
#[derive(Default)]
pub(super) struct Names {
    tables: Vec<Name>,
    columns: Vec<Name>,
    functions: Vec<Name>,
    /// Names that the query gives to tables and columns itself.
    given: BTreeSet<String>,
    /// Those among them that stand for a query in WITH.
    expressions: BTreeSet<String>,
    refusals: Vec<Refusal>,
}

struct Name {
    name: String,
    place: Option<Place>,
}

impl Names {
    /// Walks a whole query.
    pub(super) fn of(query: &Query) -> Self {
        let mut names = Self::default();
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            names.alias(&table.alias);
            names.expressions.insert(folded(&table.alias.name));
        }
        let _ = query.visit(&mut names);
        names
    }

    /// The names of tables and views of the hub, each as often as it is read.
    pub(super) fn of_hub(&self) -> impl Iterator<Item = &str> {
        let names = self.tables.iter().map(|table| table.name.as_str());
        names.filter(|name| !self.expressions.contains(*name))
    }

    /// Where a name stands for the first time.
    pub(super) fn place(&self, name: &str) -> Option<Place> {
        [&self.columns, &self.tables, &self.functions]
            .into_iter()
            .flatten()
            .find(|known| known.name == name || known.name.ends_with(&format!(".{name}")))
            .and_then(|known| known.place)
    }

    /// Refuses forms that are never answered, however the rest is planned.
    pub(super) fn check_forms(&self) -> Result<(), Refusal> {
        Refusal::together(self.refusals.iter().cloned().map(Err::<(), Refusal>)).map(|_| ())
    }

    /// All tables, functions and columns that are certainly unknown.
    pub(super) fn unknown(&self, catalogue: &Catalogue, state: &SessionState) -> Option<Refusal> {
        let is_view = |name: &str| catalogue.views.iter().any(|view| view.name == name);
        let known_table =
            |name: &str| catalogue.tables.iter().any(|table| table.name == name) || is_view(name);
        let mut refusals = Vec::new();
        for table in self.tables.iter().filter(|table| !self.given.contains(&table.name)) {
            if !known_table(&table.name) {
                let name = &table.name;
                let fix = catalogue.suggest_table(name.rsplit('.').next().unwrap_or(name));
                let why = "the hub declares no table of that name";
                let subject = format!("table {name}");
                let remedy = Remedy::meant(&fix);
                refusals.push(
                    Refusal::new(RefusalCode::UnknownTable, subject, why, fix)
                        .at(table.place)
                        .remedied(remedy),
                );
            }
        }
        for function in &self.functions {
            let name = function.name.as_str();
            let known = state.scalar_functions().contains_key(name)
                || state.aggregate_functions().contains_key(name)
                || state.window_functions().contains_key(name);
            if !known {
                refusals.push(unknown_function(name, state).at(function.place));
            }
        }
        // With an unknown table, or a view, any column may be one of its own.
        let unknown = refusals.iter().any(|refusal| refusal.code == RefusalCode::UnknownTable);
        if !unknown && !self.of_hub().any(is_view) {
            refusals.extend(self.unknown_columns(catalogue));
        }
        refusals.into_iter().reduce(Refusal::and)
    }

    fn unknown_columns(&self, catalogue: &Catalogue) -> Vec<Refusal> {
        let named = |name: &str| self.tables.iter().any(|table| table.name == name);
        let columns: Vec<&str> = catalogue
            .tables
            .iter()
            .filter(|table| named(&table.name))
            .flat_map(|table| table.columns.iter().map(|column| column.name.as_str()))
            .collect();
        if columns.is_empty() {
            return Vec::new();
        }
        let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
        let unknown = |column: &&Name| {
            let name = last(&column.name);
            !columns.contains(&name.as_str()) && !self.given.contains(&name)
        };
        self.columns
            .iter()
            .filter(unknown)
            .map(|column| {
                no_column(&column.name, suggestion(&last(&column.name), &columns)).at(column.place)
            })
            .collect()
    }

    fn alias(&mut self, alias: &TableAlias) {
        self.given.insert(folded(&alias.name));
        self.given.extend(alias.columns.iter().map(|column| folded(&column.name)));
    }

    fn refuse(&mut self, subject: &str, why: &str, fix: &str, place: Option<Place>) {
        let refusal = Refusal::new(RefusalCode::Statement, subject, why, fix);
        self.refusals.push(refusal.at(place.unwrap_or(Place::In("FROM"))));
    }

    fn function(&mut self, function: &Function) {
        let (name, place) = joined(&function.name);
        if let FunctionArguments::List(list) = &function.args {
            let bounded = |argument: &FunctionArg| {
                let FunctionArg::Named { name, .. } = argument else { return false };
                name.value.to_lowercase().starts_with("contribution_bounds")
            };
            let named = |argument: &FunctionArg| {
                matches!(argument, FunctionArg::Named { .. } | FunctionArg::ExprNamed { .. })
            };
            if list.args.iter().any(bounded) {
                self.refusals.push(
                    Refusal::new(
                        RefusalCode::Parameter,
                        format!("contribution bounds of {name}"),
                        "bounds of values belong to the value",
                        format!("clamp the value, as in {name}(clamp(x, 0, 100))"),
                    )
                    .at(place),
                );
            } else if list.args.iter().any(named) {
                self.refusals.push(
                    Refusal::new(
                        RefusalCode::Expression,
                        format!("named arguments of {name}"),
                        "arguments are known by their position",
                        "leave the names out",
                    )
                    .at(place),
                );
            }
        }
        self.functions.push(Name { name, place });
    }
}

impl Visitor for Names {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        // The planner takes the first column of a subquery without looking whether there is one.
        if select.projection.is_empty() {
            let place = place_of_span(select.select_token.0.span);
            self.refuse(
                "a SELECT without columns",
                "it would have rows of nothing",
                "name a column, or write SELECT 1",
                place,
            );
        }
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                self.given.insert(folded(alias));
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { sample: Some(_), .. }
        | TableFactor::Derived { sample: Some(_), .. } = factor
        {
            self.refuse(
                "the clause SAMPLE",
                "it is not understood here, and leaving it out would answer another question",
                "write the question without it",
                None,
            );
        }
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let (name, place) = joined(name);
                self.tables.push(Name { name, place });
                alias.iter().for_each(|alias| self.alias(alias));
            }
            TableFactor::Derived { lateral: false, alias, .. } => {
                alias.iter().for_each(|alias| self.alias(alias));
            }
            TableFactor::NestedJoin { alias, .. } => {
                alias.iter().for_each(|alias| self.alias(alias));
            }
            TableFactor::Derived { lateral: true, .. } => self.refuse(
                "LATERAL",
                "a query inside FROM that reads its neighbours' rows is not understood",
                "write it as a join of two queries",
                None,
            ),
            TableFactor::Table { name, args: Some(_), .. } => {
                let (name, place) = joined(name);
                self.refuse(
                    &format!("the table function {name}"),
                    "only tables that the hub declares can be read",
                    "read a table of the hub",
                    place,
                );
            }
            _ => self.refuse(
                "this form of FROM",
                "only tables that the hub declares can be read",
                "read a table of the hub, or a query in parentheses",
                None,
            ),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => {
                self.columns.push(Name { name: folded(ident), place: place_of_span(ident.span) })
            }
            Expr::CompoundIdentifier(parts) => {
                let name = parts.iter().map(folded).collect::<Vec<_>>().join(".");
                let place = parts.first().and_then(|part| place_of_span(part.span));
                self.columns.push(Name { name, place });
            }
            Expr::Function(function) => self.function(function),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// A name of one or several parts as the planner reads it, and its place.
fn joined(name: &ObjectName) -> (String, Option<Place>) {
    let idents: Vec<&Ident> = name.0.iter().filter_map(|part| part.as_ident()).collect();
    let text = idents.iter().map(|ident| folded(ident)).collect::<Vec<_>>().join(".");
    (text, idents.first().and_then(|ident| place_of_span(ident.span)))
}

fn unknown_function(name: &str, state: &SessionState) -> Refusal {
    if let Some(refusal) = functions::known_elsewhere(name, &format!("the function {name}")) {
        return refusal;
    }
    let known: BTreeSet<&str> = [
        state.scalar_functions().keys().map(String::as_str).collect::<Vec<_>>(),
        state.aggregate_functions().keys().map(String::as_str).collect(),
    ]
    .concat()
    .into_iter()
    .collect();
    let fix = match nearest(name, known.into_iter()) {
        Some(near) => format!("did you mean {near}?"),
        None => "use a function of the allow-list: they are total, draw nothing and read no clock"
            .to_owned(),
    };
    let remedy = Remedy::meant(&fix);
    Refusal::new(
        RefusalCode::Expression,
        format!("the function {name}"),
        "it is not on the allow-list",
        fix,
    )
    .remedied(remedy)
}

/// Refuses queries that read too many relations once table expressions are written out.
pub(super) fn check_relations(query: &Query) -> Result<(), Refusal> {
    let mut weights: BTreeMap<String, u64> = BTreeMap::new();
    for table in query.with.iter().flat_map(|with| &with.cte_tables) {
        let weight = weight(&*table.query, &weights)?;
        weights.insert(folded(&table.alias.name), weight);
    }
    let body = weight(&*query.body, &weights)?;
    let order = weight(&query.order_by, &weights)?;
    checked(body.saturating_add(order)).map(|_| ())
}

fn weight<V: Visit>(part: &V, weights: &BTreeMap<String, u64>) -> Result<u64, Refusal> {
    struct Counting<'a>(&'a BTreeMap<String, u64>, u64);
    impl Visitor for Counting<'_> {
        type Break = ();
        fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
            let (name, _) = joined(relation);
            self.1 = self.1.saturating_add(self.0.get(&name).copied().unwrap_or(1));
            ControlFlow::Continue(())
        }
    }
    let mut counting = Counting(weights, 0);
    let _ = part.visit(&mut counting);
    checked(counting.1)
}

fn checked(weight: u64) -> Result<u64, Refusal> {
    if weight <= RELATIONS_MAX {
        return Ok(weight);
    }
    Err(Refusal::new(
        RefusalCode::Syntax,
        format!("the query reads more than {RELATIONS_MAX} relations"),
        "table expressions count wherever they are used, and planning time grows faster than that",
        "use each of them once or twice, or ask several questions",
    )
    .at(Place::In("FROM")))
}
