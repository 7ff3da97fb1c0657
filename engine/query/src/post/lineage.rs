//! Which columns above the boundaries hold no noise: keys, public tables, and what follows from
//! them alone. Rows of an answer are recognised by these columns when its noise is imagined anew.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Distinct, Expr, JoinType, LogicalPlan};

use super::is_release;

/// For each column of a plan, whether its values depend on no noise. Which rows there are may
/// depend on it all the same.
pub(super) fn free_of_noise(plan: &LogicalPlan) -> Vec<bool> {
    let all = |free: bool| vec![free; plan.schema().fields().len()];
    match plan {
        LogicalPlan::TableScan(scan) if is_release(&scan.table_name) => {
            let fields = plan.schema().fields().iter();
            fields.map(|field| field.name().starts_with('k')).collect()
        }
        LogicalPlan::TableScan(_) | LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_) => {
            all(true)
        }
        LogicalPlan::Projection(node) => {
            node.expr.iter().map(|expr| is_free(expr, &node.input)).collect()
        }
        LogicalPlan::Filter(node) => free_of_noise(&node.input),
        LogicalPlan::Sort(node) => free_of_noise(&node.input),
        LogicalPlan::Limit(node) => free_of_noise(&node.input),
        LogicalPlan::Repartition(node) => free_of_noise(&node.input),
        LogicalPlan::SubqueryAlias(node) => free_of_noise(&node.input),
        LogicalPlan::Subquery(node) => free_of_noise(&node.subquery),
        LogicalPlan::Distinct(Distinct::All(input)) => free_of_noise(input),
        LogicalPlan::Aggregate(node) => {
            let mut free = all(false);
            let is_plain = !node.group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_)));
            for (place, expr) in free.iter_mut().zip(&node.group_expr) {
                *place = is_plain && is_free(expr, &node.input);
            }
            free
        }
        LogicalPlan::Window(node) => {
            let mut free = free_of_noise(&node.input);
            free.resize(plan.schema().fields().len(), false);
            free
        }
        LogicalPlan::Join(node) => {
            let sides = match node.join_type {
                JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => {
                    [Some(&node.left), None]
                }
                JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
                    [None, Some(&node.right)]
                }
                JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                    [Some(&node.left), Some(&node.right)]
                }
            };
            let mut free: Vec<bool> =
                sides.into_iter().flatten().flat_map(|side| free_of_noise(side)).collect();
            free.resize(plan.schema().fields().len(), false);
            free
        }
        LogicalPlan::Union(node) => node.inputs.iter().fold(all(true), |free, input| {
            free.into_iter().zip(free_of_noise(input)).map(|(a, b)| a && b).collect()
        }),
        _ => all(false),
    }
}

/// Whether an expression over a plan's columns depends on no noise.
pub(super) fn is_free(expr: &Expr, input: &LogicalPlan) -> bool {
    let free = free_of_noise(input);
    let mut depends = false;
    let walked = expr.apply(|part| {
        depends |= match part {
            Expr::Column(column) => {
                let position = input.schema().maybe_index_of_column(column);
                !position.is_some_and(|position| free[position])
            }
            Expr::ScalarSubquery(_)
            | Expr::Exists(_)
            | Expr::InSubquery(_)
            | Expr::SetComparison(_)
            | Expr::OuterReferenceColumn(..) => true,
            _ => false,
        };
        Ok(TreeNodeRecursion::Continue)
    });
    walked.is_ok() && !depends
}
