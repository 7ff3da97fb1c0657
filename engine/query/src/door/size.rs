//! How large a planned query may be.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};

/// A plan may have so many relations and expressions, and so many on one path. The parser's own
/// limit does not see chains such as `a OR a OR ..`.
const NODES_MAX: usize = 20_000;
const RELATIONS_MAX: usize = 1_000;
const RELATION_DEPTH_MAX: usize = 100;
const EXPRESSION_DEPTH_MAX: usize = 200;

/// What has been seen of a plan. It stops at the first limit, so that it is itself neither deep
/// nor long.
#[derive(Default)]
pub(super) struct Size {
    relations: usize,
    nodes: usize,
}

impl Size {
    /// Whether the plan is within the limits.
    pub(super) fn holds(&mut self, plan: &LogicalPlan, depth: usize) -> bool {
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
