//! Joins and unions, in DataFusion's terms.

use std::sync::Arc;

use datafusion::common::{Column, NullEquality};
use datafusion::logical_expr::{
    Expr, Join, JoinConstraint, JoinType, LogicalPlan, LogicalPlanBuilder, Union,
};

use super::raise::{Raised, Raising, expr, malformed, named};
use crate::error::QueryError;
use crate::plan::{JoinKind, Relation, Scalar};

/// The two sides of a join.
pub(super) struct Sides {
    pub(super) left: Raised,
    pub(super) right: Raised,
}

impl Raising<'_> {
    /// A join whose unit is the left one's. A public right side is given to DataFusion as the left
    /// one: that is the side it keeps in memory, and its size depends on nobody.
    pub(super) fn join(
        &mut self,
        kind: JoinKind,
        Sides { left, right }: Sides,
        same_unit: bool,
        public: bool,
        on: &[(Scalar, Scalar)],
        residual: Option<&Scalar>,
    ) -> Result<Raised, QueryError> {
        let mut left_keys: Vec<Expr> = Vec::new();
        let mut right_keys: Vec<Expr> = Vec::new();
        if same_unit {
            let units = left.unit.as_ref().zip(right.unit.as_ref());
            let (a, b) = units.ok_or_else(|| QueryError::bug("a join of units without units"))?;
            left_keys.push(named(a));
            right_keys.push(named(b));
        }
        for (a, b) in on {
            left_keys.push(expr(a, &left.columns));
            right_keys.push(expr(b, &right.columns));
        }
        let both: Vec<String> = left.columns.iter().chain(&right.columns).cloned().collect();
        let residual = residual.map(|residual| expr(residual, &both));
        let (unit, width) = (left.unit, left.columns.len());
        let pairs = |a: Vec<Expr>, b: Vec<Expr>| a.into_iter().zip(b).collect::<Vec<_>>();
        let (first, second, on, join_type) = if public {
            (right.plan, left.plan, pairs(right_keys, left_keys), exchanged(kind))
        } else {
            (left.plan, right.plan, pairs(left_keys, right_keys), straight(kind))
        };
        let join = Join::try_new(
            Arc::new(first),
            Arc::new(second),
            on,
            residual,
            join_type,
            JoinConstraint::On,
            NullEquality::NullEqualsNothing,
            false,
        );
        let plan = join.map(LogicalPlan::Join).map_err(malformed)?;
        match kind {
            JoinKind::Inner | JoinKind::Left => Ok(Raised { plan, unit, columns: both }),
            JoinKind::Semi | JoinKind::Anti => {
                Ok(Raised { plan, unit, columns: both[..width].to_vec() })
            }
            JoinKind::Mark => {
                let mark = plan.schema().fields().len() - 1;
                let mark = Expr::Column(Column::from(plan.schema().qualified_field(mark)));
                let columns = both[..width].iter().map(|name| named(name));
                let columns = columns.chain(std::iter::once(mark)).collect();
                self.project(plan, unit.map(|unit| named(&unit)), columns)
            }
        }
    }

    /// All rows of all inputs, their columns by position.
    pub(super) fn union(&mut self, inputs: &[Relation]) -> Result<Raised, QueryError> {
        let node = self.fresh();
        let name = |position: usize| format!("c{node}_{position}");
        let unit = format!("u{node}");
        let mut plans = Vec::with_capacity(inputs.len());
        let mut owned = false;
        let mut width = 0;
        for input in inputs {
            let raised = self.relation(input)?;
            (owned, width) = (raised.unit.is_some(), raised.columns.len());
            let carried = raised.unit.iter().map(|carried| named(carried).alias(&unit));
            let columns = raised.columns.iter().enumerate();
            let columns = columns.map(|(position, column)| named(column).alias(name(position)));
            let plan = LogicalPlanBuilder::new(raised.plan)
                .project(carried.chain(columns).collect::<Vec<_>>())
                .and_then(|builder| builder.build())
                .map_err(malformed)?;
            plans.push(Arc::new(plan));
        }
        let plan = Union::try_new(plans).map(LogicalPlan::Union).map_err(malformed)?;
        let columns = (0..width).map(name).collect();
        Ok(Raised { plan, unit: owned.then_some(unit), columns })
    }
}

fn straight(kind: JoinKind) -> JoinType {
    match kind {
        JoinKind::Inner => JoinType::Inner,
        JoinKind::Left => JoinType::Left,
        JoinKind::Semi => JoinType::LeftSemi,
        JoinKind::Anti => JoinType::LeftAnti,
        JoinKind::Mark => JoinType::LeftMark,
    }
}

fn exchanged(kind: JoinKind) -> JoinType {
    match kind {
        JoinKind::Inner => JoinType::Inner,
        JoinKind::Left => JoinType::Right,
        JoinKind::Semi => JoinType::RightSemi,
        JoinKind::Anti => JoinType::RightAnti,
        JoinKind::Mark => JoinType::RightMark,
    }
}
