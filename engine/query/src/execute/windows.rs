//! Windows of each unit, in DataFusion's terms.

use std::sync::Arc;

use datafusion::functions_window::lead_lag::lag_udwf;
use datafusion::functions_window::nth_value::{first_value_udwf, last_value_udwf, nth_value_udwf};
use datafusion::functions_window::rank::{dense_rank_udwf, rank_udwf};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::{Sort, WindowFunction as Planned, WindowFunctionParams};
use datafusion::logical_expr::{
    Expr, LogicalPlanBuilder, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowFunctionDefinition, WindowUDF, lit,
};
use datafusion::scalar::ScalarValue;

use super::per_unit::function as aggregate_function;
use super::raise::{Raised, Raising, expr, malformed, named};
use crate::error::QueryError;
use crate::plan::{Edge, Frame, Relation, WindowCall, WindowFunction};
use crate::ranking::signed;

impl Raising<'_> {
    /// The input's columns, then one per call.
    pub(super) fn window(
        &mut self,
        input: &Relation,
        calls: &[WindowCall],
    ) -> Result<Raised, QueryError> {
        let input = self.relation(input)?;
        let unit = input.unit.clone().ok_or_else(|| QueryError::bug("windows of no units"))?;
        let width = input.columns.len();
        let mut exprs: Vec<Expr> = input.columns.iter().map(|name| named(name)).collect();
        for call in calls {
            exprs.extend(call.reads().map(|scalar| expr(scalar, &input.columns)));
        }
        let read = self.project(input.plan, Some(named(&unit)), exprs)?;
        let unit = read.unit.ok_or_else(|| QueryError::bug("windows of no units"))?;
        let (columns, values) = read.columns.split_at(width);
        let node = self.fresh();
        let mut builder = LogicalPlanBuilder::new(read.plan);
        let mut values = values.iter();
        let mut results = Vec::with_capacity(calls.len());
        for (position, call) in calls.iter().enumerate() {
            let name = format!("w{node}_{position}");
            let planned = window(call, &unit, columns, &mut values)?;
            let planned = Expr::WindowFunction(Box::new(planned)).alias(&name);
            builder = builder.window(vec![planned]).map_err(malformed)?;
            results.push(name);
        }
        let plan = builder.build().map_err(malformed)?;
        let shown = columns.iter().chain(&results).map(|name| named(name)).collect();
        self.project(plan, Some(named(&unit)), shown)
    }
}

/// One call over columns that hold what it reads, in the order in which they were projected.
fn window<'a>(
    call: &WindowCall,
    unit: &str,
    columns: &[String],
    values: &mut impl Iterator<Item = &'a String>,
) -> Result<Planned, QueryError> {
    let missing = || QueryError::bug("a window over columns that were not read");
    let mut next = || values.next().map(|name| named(name)).ok_or_else(missing);
    let mut partition_by = vec![named(unit)];
    for _ in &call.partition {
        partition_by.push(next()?);
    }
    let mut order_by = Vec::new();
    for key in &call.order {
        order_by.push(Sort::new(next()?, !key.descending, key.nulls_first));
    }
    if call.function.tells_peers_apart(&call.frame) {
        // Ties are decided by all columns: what is still equal then is interchangeable.
        order_by.extend(columns.iter().map(|name| Sort::new(named(name), true, false)));
    }
    let argument = call.function.argument().map(|_| next()).transpose()?;
    let filter = call.filter().map(|_| next()).transpose()?.map(Box::new);
    let (fun, args) = definition(&call.function, argument);
    let params = WindowFunctionParams {
        args,
        partition_by,
        order_by,
        window_frame: frame(&call.frame),
        filter,
        null_treatment: None,
        distinct: false,
    };
    Ok(Planned { fun, params })
}

fn definition(
    function: &WindowFunction,
    argument: Option<Expr>,
) -> (WindowFunctionDefinition, Vec<Expr>) {
    let window = |function: Arc<WindowUDF>| WindowFunctionDefinition::WindowUDF(signed(function));
    let mut args: Vec<Expr> = argument.into_iter().collect();
    let definition = match function {
        WindowFunction::RowNumber => window(row_number_udwf()),
        WindowFunction::Rank => window(rank_udwf()),
        WindowFunction::DenseRank => window(dense_rank_udwf()),
        WindowFunction::Shifted { offset, default, .. } => {
            args.push(lit(*offset));
            args.push(Expr::Literal(default.scalar(), None));
            window(lag_udwf())
        }
        WindowFunction::First(_) => window(first_value_udwf()),
        WindowFunction::Last(_) => window(last_value_udwf()),
        WindowFunction::Nth(_, position) => {
            args.push(lit(*position));
            window(nth_value_udwf())
        }
        WindowFunction::Aggregate(aggregate) => {
            if args.is_empty() {
                args.push(lit(1_i64));
            }
            WindowFunctionDefinition::AggregateUDF(aggregate_function(&aggregate.function).0)
        }
    };
    (definition, args)
}

fn frame(frame: &Frame) -> WindowFrame {
    let units = if frame.rows { WindowFrameUnits::Rows } else { WindowFrameUnits::Range };
    let bound = |edge: Edge| match edge {
        Edge::Preceding(rows) => WindowFrameBound::Preceding(ScalarValue::UInt64(rows)),
        Edge::Current => WindowFrameBound::CurrentRow,
        Edge::Following(rows) => WindowFrameBound::Following(ScalarValue::UInt64(rows)),
    };
    WindowFrame::new_bounds(units, bound(frame.start), bound(frame.end))
}
