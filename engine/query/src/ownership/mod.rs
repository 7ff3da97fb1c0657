//! Whose rows are these? The rules that find the privacy boundary.
//!
//! A plan is split at every aggregate over owned rows. What lies below is lowered into the closed
//! language of [`plan`](crate::plan); what lies above is kept as DataFusion's plan over a
//! placeholder for the released table. A node without a rule is a refusal, never a guess.

mod boundary;
mod join;
mod relation;

use std::cell::RefCell;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::LogicalPlan;

pub(crate) use boundary::{Draft, DraftKeys};

use crate::catalogue::Catalogue;
use crate::error::{QueryError, Refusal, RefusalCode};
use crate::options::AskOptions;
use crate::post;

/// A statement split at its boundaries.
pub(crate) struct Split {
    /// The boundaries, in the order in which they stand in the plan.
    pub(crate) drafts: Vec<Draft>,
    /// The plan above them, over placeholders.
    pub(crate) above: LogicalPlan,
}

/// Splits a statement of a project of `dataset`.
///
/// # Errors
/// All refusals of the statement together.
pub(crate) fn split(
    catalogue: &Catalogue,
    dataset: &str,
    plan: &LogicalPlan,
    options: &AskOptions,
) -> Result<Split, QueryError> {
    let mut splitter = Splitter {
        catalogue,
        dataset,
        options,
        drafts: Vec::new(),
        refusals: Vec::new(),
        noted: RefCell::new(Vec::new()),
    };
    let above = splitter.above(plan)?;
    splitter.refusals.append(splitter.noted.get_mut());
    if !splitter.refusals.is_empty() {
        return Err(QueryError::Refused(Refusal::listed(splitter.refusals)));
    }
    if splitter.reads_owned(&above)? {
        return Err(QueryError::bug("the plan above the boundaries still reads owned rows"));
    }
    Ok(Split { drafts: splitter.drafts, above })
}

struct Splitter<'a> {
    catalogue: &'a Catalogue,
    dataset: &'a str,
    options: &'a AskOptions,
    drafts: Vec<Draft>,
    refusals: Vec<Refusal>,
    noted: RefCell<Vec<Refusal>>,
}

impl Splitter<'_> {
    /// Refuses the query and lets the analysis go on, so that all its refusals come together.
    fn note(&self, refusal: Refusal) {
        self.noted.borrow_mut().push(refusal);
    }

    /// The plan with every boundary replaced by a placeholder; refusals are collected.
    fn above(&mut self, plan: &LogicalPlan) -> Result<LogicalPlan, QueryError> {
        if !self.reads_owned(plan)? {
            self.check_public(plan)?;
            return Ok(plan.clone());
        }
        if let LogicalPlan::Aggregate(aggregate) = plan
            && self.is_owned(&aggregate.input)?
        {
            match self.draft(aggregate) {
                Ok(draft) => {
                    let above = post::placeholder(self.drafts.len(), aggregate, &draft)?;
                    self.drafts.push(draft);
                    return Ok(above);
                }
                Err(refusals) => {
                    self.refusals.extend(refusals);
                    return Ok(plan.clone());
                }
            }
        }
        if self.is_owned(plan)? {
            self.refusals.push(match self.relation(plan) {
                Ok(_) => owned_result(),
                Err(refusal) => refusal,
            });
            return Ok(plan.clone());
        }
        if let Err(refusal) = allowed_above(plan) {
            self.refusals.push(refusal);
            return Ok(plan.clone());
        }
        self.descend(plan)
    }

    fn descend(&mut self, plan: &LogicalPlan) -> Result<LogicalPlan, QueryError> {
        let mut failure = None;
        let mut visit = |splitter: &mut Self, child: LogicalPlan| match splitter.above(&child) {
            Ok(new) => new,
            Err(error) => {
                failure.get_or_insert(error);
                child
            }
        };
        let changed = datafusion::common::tree_node::Transformed::yes;
        let with_subqueries = plan
            .clone()
            .map_subqueries(|child| Ok(changed(visit(self, child))))
            .and_then(|plan| plan.data.map_children(|child| Ok(changed(visit(self, child)))));
        if let Some(error) = failure {
            return Err(error);
        }
        with_subqueries
            .map(|plan| plan.data)
            .map_err(|_| QueryError::bug("the plan above a boundary cannot be rebuilt"))
    }

    /// Whether any scan of a protected table remains, also inside subquery expressions.
    fn reads_owned(&self, plan: &LogicalPlan) -> Result<bool, QueryError> {
        let mut found = false;
        let walked = plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node
                && !post::is_release(&scan.table_name)
                && self
                    .catalogue
                    .table(scan.table_name.table())
                    .is_ok_and(|t| t.dataset().is_some())
            {
                found = true;
                return Ok(TreeNodeRecursion::Stop);
            }
            Ok(TreeNodeRecursion::Continue)
        });
        walked.map_err(|_| QueryError::bug("a plan cannot be walked"))?;
        Ok(found)
    }

    /// Whether the rows of `plan` belong to units: an owned scan reaches it without a boundary.
    fn is_owned(&self, plan: &LogicalPlan) -> Result<bool, QueryError> {
        if let LogicalPlan::TableScan(_) = plan {
            return self.reads_owned(plan);
        }
        let mut owned = false;
        for input in plan.inputs() {
            owned |= self.is_owned(input)?;
        }
        if let LogicalPlan::Aggregate(_) = plan
            && owned
        {
            return Ok(false);
        }
        let mut failure = None;
        let walked = plan.apply_subqueries(|subquery| {
            match subquery.inputs().first().map_or(Ok(false), |inner| self.is_owned(inner)) {
                Ok(inner) => owned |= inner,
                Err(error) => failure = Some(error),
            }
            Ok(TreeNodeRecursion::Jump)
        });
        walked.map_err(|_| QueryError::bug("a plan cannot be walked"))?;
        failure.map_or(Ok(owned), Err)
    }

    /// Everything above a boundary is free, as long as it is a query.
    fn check_public(&mut self, plan: &LogicalPlan) -> Result<(), QueryError> {
        let mut refusals = Vec::new();
        let walked = plan.apply_with_subqueries(|node| {
            refusals.extend(allowed_above(node).err());
            Ok(TreeNodeRecursion::Continue)
        });
        walked.map_err(|_| QueryError::bug("a plan cannot be walked"))?;
        self.refusals.extend(refusals);
        Ok(())
    }
}

fn owned_result() -> Refusal {
    Refusal::new(
        RefusalCode::OwnedResult,
        "the result",
        "this query would return rows of individuals",
        "aggregate them: SELECT COUNT(*), COUNT(DISTINCT unit), SUM(x) or AVG(x) .. GROUP BY ..",
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
        | LogicalPlan::RecursiveQuery(_) => Err(Refusal::new(
            RefusalCode::Statement,
            "the statement",
            "only plain queries are answered",
            "send one SELECT statement",
        )),
    }
}
