//! Whose rows are these? The rules that find the privacy boundary.
//!
//! A plan is read once from its leaves to its root, and each node becomes one of two halves. The
//! **owned** half is lowered into the closed language of [`plan`](crate::plan), where each row
//! belongs to one unit. The **public** half stays DataFusion's plan. An aggregate that does not
//! keep the unit turns the first into the second: it is a boundary, drawn once however often the
//! query names it, and a placeholder for the released table stands in the plan above. A public
//! half that meets owned rows becomes a derived table, computed before the boundary that reads it.
//! A node without a rule is a refusal, never a guess.

mod aggregates;
mod boundary;
mod canonical;
mod derived;
mod join;
mod limits;
mod per_unit;
mod relation;
mod sets;
mod stand_in;
mod union;
mod window;

use std::cell::RefCell;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Aggregate, Distinct, Expr, LogicalPlan};

pub(crate) use boundary::{Draft, DraftColumn, DraftKeys, PUBLIC_CELLS_MAX};

use crate::catalogue::Catalogue;
use crate::error::{QueryError, Refusal, RefusalCode};
use crate::options::AskOptions;
use crate::plan::{DerivedTable, Relation};
use crate::post;
use crate::remedy::Remedy;

/// A statement split at its boundaries.
pub(crate) struct Split {
    /// The boundaries, in the order in which they are drawn.
    pub(crate) drafts: Vec<Draft>,
    /// The public tables that later boundaries read.
    pub(crate) derived: Vec<DerivedTable>,
    /// The plan above them, over placeholders.
    pub(crate) above: LogicalPlan,
}

/// Splits a statement of a project of `dataset`, which may ask about the datasets it was `given` too.
///
/// # Errors
/// All refusals of the statement together.
pub(crate) fn split(
    catalogue: &Catalogue,
    (dataset, given): (&str, &[String]),
    plan: &LogicalPlan,
    options: &AskOptions,
) -> Result<Split, QueryError> {
    let mut splitter = Splitter { given, ..Splitter::new(catalogue, dataset, options) };
    let root = splitter.half(plan);
    if let Some(bug) = splitter.bug.take().filter(|_| !splitter.stands_in) {
        return Err(bug);
    }
    let hoped_for = root.as_ref().is_ok_and(|half| splitter.is_hoped_for(half));
    let mut refusals = splitter.noted.take();
    let above = match root {
        Ok(Half::Public(above)) => Some(above),
        Ok(Half::Owned(_)) => {
            refusals.extend((!hoped_for).then(owned_result));
            None
        }
        Err(more) => {
            refusals.extend(more);
            None
        }
    };
    let above = match above {
        Some(above) if refusals.is_empty() => above,
        _ => return Err(QueryError::Refused(Refusal::listed(refusals))),
    };
    let derived = splitter.derived.iter().map(|table| &table.plan);
    for public in derived.chain(std::iter::once(&above)) {
        if reads_owned(catalogue, public)? {
            return Err(QueryError::bug("the plan above the boundaries still reads owned rows"));
        }
    }
    Ok(Split { drafts: splitter.drafts, derived: splitter.derived, above })
}

/// Whose rows a plan shows.
pub(crate) enum Rows {
    /// Rows of units.
    Owned(Relation),
    /// Noisy rows.
    Released,
    /// Rows about nobody.
    Public,
}

/// Says whose rows a plan shows, by the pass that a question goes through.
///
/// # Errors
/// All refusals of the plan together.
pub(crate) fn rows(
    catalogue: &Catalogue,
    dataset: &str,
    plan: &LogicalPlan,
    options: &AskOptions,
) -> Result<Rows, QueryError> {
    let mut splitter = Splitter::new(catalogue, dataset, options);
    let root = splitter.half(plan);
    if let Some(bug) = splitter.bug.take().filter(|_| !splitter.stands_in) {
        return Err(bug);
    }
    let mut refusals = splitter.noted.take();
    match root {
        Ok(half) if refusals.is_empty() => Ok(match half {
            Half::Owned(relation) => Rows::Owned(relation),
            Half::Public(_) if splitter.drafts.is_empty() => Rows::Public,
            Half::Public(_) => Rows::Released,
        }),
        Ok(_) => Err(QueryError::Refused(Refusal::listed(refusals))),
        Err(more) => {
            refusals.extend(more);
            Err(QueryError::Refused(Refusal::listed(refusals)))
        }
    }
}

/// What a node of the plan has become.
pub(super) enum Half {
    /// Rows of units.
    Owned(Relation),
    /// A plan over released and public tables.
    Public(LogicalPlan),
}

pub(super) type Refusals = Vec<Refusal>;

struct Splitter<'a> {
    catalogue: &'a Catalogue,
    dataset: &'a str,
    /// What else the project may ask about: other people, who never meet these below a boundary.
    given: &'a [String],
    options: &'a AskOptions,
    drafts: Vec<Draft>,
    derived: Vec<DerivedTable>,
    noted: RefCell<Vec<Refusal>>,
    /// A contradiction of our own; it outweighs all refusals, unless it may come from a stand-in.
    bug: Option<QueryError>,
    /// Whether anything was refused that something else stands in for.
    stands_in: bool,
}

impl<'a> Splitter<'a> {
    fn new(catalogue: &'a Catalogue, dataset: &'a str, options: &'a AskOptions) -> Self {
        Self {
            catalogue,
            dataset,
            given: &[],
            options,
            drafts: Vec::new(),
            derived: Vec::new(),
            noted: RefCell::new(Vec::new()),
            bug: None,
            stands_in: false,
        }
    }
}

impl Splitter<'_> {
    /// Refuses the query and lets the analysis go on, so that all its refusals come together.
    fn note(&self, refusal: Refusal) {
        self.noted.borrow_mut().push(refusal);
    }

    /// Decides about one node. Closed: a new kind of node does not compile until someone does.
    fn decide(&mut self, plan: &LogicalPlan) -> Result<Half, Refusals> {
        match plan {
            LogicalPlan::TableScan(scan) => self.scan(plan, scan).map_err(one),
            LogicalPlan::EmptyRelation(_) | LogicalPlan::Values(_) => self.public(plan, Vec::new()),
            LogicalPlan::Join(join) => {
                let (left, right) = both_of(self.half(&join.left), self.half(&join.right))?;
                let hoped_for = self.is_hoped_for(&left) || self.is_hoped_for(&right);
                self.about(hoped_for, |this| match (left, right) {
                    (Half::Public(left), Half::Public(right)) => {
                        this.public(plan, vec![left, right])
                    }
                    (left, right) => {
                        let left = this.relation(left);
                        let (left, right) = both_of(left, this.relation(right))?;
                        this.join(join, left, right).map(Half::Owned).map_err(one)
                    }
                })
            }
            LogicalPlan::Union(union) => {
                let halves = union.inputs.iter().map(|input| self.half(input));
                let halves = together(halves.collect())?;
                let hoped_for = halves.iter().any(|half| self.is_hoped_for(half));
                self.about(hoped_for, |this| this.union(plan, halves))
            }
            LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::Projection(_)
            | LogicalPlan::Aggregate(_)
            | LogicalPlan::Distinct(_)
            | LogicalPlan::Window(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Repartition(_)
            | LogicalPlan::Subquery(_)
            | LogicalPlan::Unnest(_) => {
                let [input] = plan.inputs()[..] else { return Err(vec![statement()]) };
                let input = self.half(input)?;
                let hoped_for = self.is_hoped_for(&input);
                self.about(hoped_for, |this| match input {
                    Half::Public(input) => this.public(plan, vec![input]),
                    Half::Owned(input) => this.owned(plan, input),
                })
            }
            LogicalPlan::Statement(_)
            | LogicalPlan::Explain(_)
            | LogicalPlan::Analyze(_)
            | LogicalPlan::Extension(_)
            | LogicalPlan::Dml(_)
            | LogicalPlan::Ddl(_)
            | LogicalPlan::Copy(_)
            | LogicalPlan::DescribeTable(_)
            | LogicalPlan::RecursiveQuery(_) => Err(vec![statement()]),
        }
    }

    /// A node with one input of owned rows.
    fn owned(&mut self, plan: &LogicalPlan, input: Relation) -> Result<Half, Refusals> {
        match plan {
            LogicalPlan::SubqueryAlias(_) => Ok(Half::Owned(input)),
            LogicalPlan::Filter(filter) => self.filter(filter, input).map(Half::Owned),
            LogicalPlan::Projection(projection) => {
                self.projection(projection, input).map(Half::Owned)
            }
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate, input),
            LogicalPlan::Distinct(Distinct::All(_)) => self.distinct_rows(plan, input),
            LogicalPlan::Distinct(Distinct::On(_)) => Err(vec![not_yet(
                "DISTINCT ON over rows of individuals",
                "which row remains is not said by the rows of one person alone",
                "number the rows: ROW_NUMBER() OVER (PARTITION BY unit ORDER BY ..), and keep 1",
            )]),
            LogicalPlan::Window(window) => self.window(window, input).map(Half::Owned),
            LogicalPlan::Sort(_) | LogicalPlan::Limit(_) => Err(vec![
                not_yet(
                    "ORDER BY or LIMIT over rows of individuals",
                    "which rows remain would depend on everybody else's",
                    "put it above the aggregate, where it is free",
                )
                .remedied(Remedy::Unordered),
            ]),
            _ => Err(vec![not_yet(
                "this kind of relation",
                "it is not supported below the aggregate",
                "read tables of the hub with WHERE and JOIN",
            )]),
        }
    }

    /// An aggregate keeps the unit, or it is a boundary.
    fn aggregate(&mut self, aggregate: &Aggregate, input: Relation) -> Result<Half, Refusals> {
        let (aggregate, input, schema) = self.with_scalars_of_aggregate(aggregate, input)?;
        if per_unit::may_drop_unit(&aggregate, &input, &schema) {
            return Err(vec![not_yet(
                "ROLLUP, CUBE or GROUPING SETS over the unit",
                "some of the sets would keep the unit and others would not",
                "GROUP BY the unit and all keys, and roll up above the aggregate",
            )]);
        }
        if per_unit::keeps_unit(&aggregate, &input, &schema) {
            return self.per_unit(&aggregate, input, &schema).map(Half::Owned);
        }
        if let [Expr::GroupingSet(sets)] = aggregate.group_expr.as_slice() {
            return self.grouping_sets(&aggregate, sets, &input, &schema);
        }
        let draft = self.draft(&aggregate, input, &schema)?;
        self.boundary(&aggregate, draft).map(Half::Public)
    }

    /// What stands in the plan for a boundary, which is drawn once however often it is asked for.
    fn boundary(&mut self, aggregate: &Aggregate, draft: Draft) -> Result<LogicalPlan, Refusals> {
        let index = self.drafts.iter().position(|known| known.is_same_as(&draft));
        let index = index.unwrap_or(self.drafts.len());
        let above = post::placeholder(index, aggregate, &draft).map_err(|bug| self.bug(bug))?;
        if index == self.drafts.len() {
            self.drafts.push(draft);
        }
        Ok(above)
    }

    /// DISTINCT rows: each unit's rows once if the unit is among the columns, else the keys that occur.
    fn distinct_rows(&mut self, plan: &LogicalPlan, input: Relation) -> Result<Half, Refusals> {
        if input.columns.iter().any(|column| column.is_unit) {
            return self.distinct(input).map(Half::Owned);
        }
        let [rows] = plan.inputs()[..] else { return Err(vec![statement()]) };
        if let LogicalPlan::Union(_) = rows {
            return Err(vec![
                not_yet(
                    "UNION over rows of individuals",
                    "it compares whole rows of different people",
                    "write UNION ALL, and aggregate above it",
                )
                .remedied(Remedy::UnionAll),
            ]);
        }
        let columns = rows.schema().columns().into_iter().map(Expr::Column).collect();
        let aggregate = Aggregate::try_new(Arc::new(rows.clone()), columns, Vec::new());
        match aggregate {
            Ok(aggregate) => self.aggregate(&aggregate, input),
            Err(_) => Err(self.bug(QueryError::bug("DISTINCT is no aggregate"))),
        }
    }

    /// A node over public inputs, and over whatever its expressions ask in subqueries.
    fn public(&mut self, plan: &LogicalPlan, inputs: Vec<LogicalPlan>) -> Result<Half, Refusals> {
        allowed_above(plan).map_err(one)?;
        let mut refused = Vec::new();
        let with_subqueries = plan.clone().map_subqueries(|subquery| {
            Ok(Transformed::yes(match self.half(&subquery) {
                Ok(Half::Public(public)) => public,
                Ok(Half::Owned(_)) => {
                    refused.push(owned_subquery());
                    subquery
                }
                Err(refusals) => {
                    refused.extend(refusals);
                    subquery
                }
            }))
        });
        if !refused.is_empty() {
            return Err(refused);
        }
        let mut inputs = inputs.into_iter();
        let rebuilt = with_subqueries.and_then(|plan| {
            plan.data.map_children(|child| {
                Ok(inputs.next().map_or(Transformed::no(child), Transformed::yes))
            })
        });
        match rebuilt {
            Ok(rebuilt) => Ok(Half::Public(rebuilt.data)),
            Err(_) => Err(self.bug(QueryError::bug("the plan above a boundary cannot be rebuilt"))),
        }
    }

    fn bug(&mut self, bug: QueryError) -> Refusals {
        self.bug.get_or_insert(bug);
        Vec::new()
    }
}

/// Whether any scan of a protected table remains, also inside subquery expressions.
fn reads_owned(catalogue: &Catalogue, plan: &LogicalPlan) -> Result<bool, QueryError> {
    let mut found = false;
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && !post::is_release(&scan.table_name)
            && !catalogue.table(scan.table_name.table()).is_ok_and(|t| t.dataset().is_none())
        {
            found = true;
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.map_err(|_| QueryError::bug("a plan cannot be walked"))?;
    Ok(found)
}

fn one(refusal: Refusal) -> Refusals {
    vec![refusal]
}

/// Both results, or all refusals of both.
fn both_of<A, B>(a: Result<A, Refusals>, b: Result<B, Refusals>) -> Result<(A, B), Refusals> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(mut refusals), Err(more)) => {
            refusals.extend(more);
            Err(refusals)
        }
        (Err(refusals), Ok(_)) | (Ok(_), Err(refusals)) => Err(refusals),
    }
}

/// All results, or all refusals.
pub(super) fn together<T>(results: Vec<Result<T, Refusals>>) -> Result<Vec<T>, Refusals> {
    let mut all = Vec::with_capacity(results.len());
    let mut refused = Vec::new();
    for result in results {
        match result {
            Ok(value) => all.push(value),
            Err(refusals) => refused.extend(refusals),
        }
    }
    if refused.is_empty() { Ok(all) } else { Err(refused) }
}

fn owned_result() -> Refusal {
    Refusal::new(
        RefusalCode::OwnedResult,
        "the result",
        "this query would return rows of individuals",
        "aggregate them: SELECT COUNT(*), COUNT(DISTINCT unit), SUM(x) or AVG(x) .. GROUP BY ..",
    )
    .remedied(Remedy::Counted)
}

fn owned_subquery() -> Refusal {
    Refusal::new(
        RefusalCode::OwnedOperation,
        "a subquery over rows of individuals",
        "public rows would be kept or changed by rows of single people",
        "aggregate inside the subquery, as in (SELECT AVG(x) FROM ..)",
    )
}

fn not_yet(subject: &str, why: &str, fix: &str) -> Refusal {
    Refusal::new(RefusalCode::OwnedOperation, subject, why, fix)
}

fn statement() -> Refusal {
    Refusal::new(
        RefusalCode::Statement,
        "the statement",
        "only plain queries are answered",
        "send one SELECT statement",
    )
}

/// Nodes that may stand above a boundary: queries, not commands.
fn allowed_above(plan: &LogicalPlan) -> Result<(), Refusal> {
    match plan {
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Repartition(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::TableScan(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::Subquery(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Values(_)
        | LogicalPlan::Distinct(_) => Ok(()),
        LogicalPlan::Statement(_)
        | LogicalPlan::Explain(_)
        | LogicalPlan::Analyze(_)
        | LogicalPlan::Extension(_)
        | LogicalPlan::Dml(_)
        | LogicalPlan::Ddl(_)
        | LogicalPlan::Copy(_)
        | LogicalPlan::DescribeTable(_)
        | LogicalPlan::Unnest(_)
        | LogicalPlan::RecursiveQuery(_) => Err(statement()),
    }
}
