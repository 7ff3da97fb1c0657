//! Windows that keep to one unit's rows.
//!
//! A window partitioned by the unit gives each row something computed from rows of the same unit,
//! so the result is owned. Where the function tells peers apart, the order is completed with all
//! columns, so that what a row gets is decided by the unit's multiset of rows and not by arrival.
//! Frames count rows or peers; distances of values are refused, because their arithmetic can fail.

use datafusion::common::DFSchema;
use datafusion::logical_expr::expr::WindowFunction as PlannedWindow;
use datafusion::logical_expr::{
    Expr, Window, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};
use datafusion::scalar::ScalarValue;

use super::per_unit::Call;
use super::relation::is_unit;
use super::{Refusals, Splitter, one, together};
use crate::door::place_of;
use crate::error::{Refusal, RefusalCode};
use crate::plan::{
    ColumnFacts, Domain, Edge, Frame, Node, Relation, Scalar, SortKey, Type, UnitFunction, Value,
    WindowCall, WindowFunction,
};
use crate::remedy::Remedy;
use crate::{functions, ranges};

/// A row may be looked for so many rows away.
const OFFSET_MAX: u64 = 1_000_000;

impl Splitter<'_> {
    pub(super) fn window(
        &mut self,
        window: &Window,
        input: Relation,
    ) -> Result<Relation, Refusals> {
        let schema = window.input.schema();
        let names = window.schema.fields().iter().skip(input.columns.len());
        let calls = window.window_expr.iter().zip(names).map(|(expr, field)| {
            let lowering = Lowering { shown: expr, schema, input: &input };
            lowering.call(field.name()).map_err(|refusal| one(refusal.at(place_of(expr))))
        });
        let (calls, facts): (Vec<_>, Vec<_>) = together(calls.collect())?.into_iter().unzip();
        let columns = input.columns.iter().cloned().chain(facts).collect();
        let owner = input.owner.clone();
        Ok(Relation { node: Node::Window { input: Box::new(input), calls }, columns, owner })
    }
}

struct Lowering<'a> {
    shown: &'a Expr,
    schema: &'a DFSchema,
    input: &'a Relation,
}

impl Lowering<'_> {
    fn call(&self, name: &str) -> Result<(WindowCall, ColumnFacts), Refusal> {
        let planned = planned(self.shown).ok_or_else(|| self.refuse("it is no window", FIX))?;
        let params = &planned.params;
        let mut partition = Vec::new();
        let mut keeps_unit = false;
        for expr in &params.partition_by {
            let key = self.lower(expr)?;
            if is_unit(&key, self.input) {
                keeps_unit = true;
            } else if key.kind(&self.input.kinds()) == Type::Float64 {
                return Err(self.refuse("it is partitioned by doubles", FIX));
            } else {
                partition.push(key);
            }
        }
        if !keeps_unit {
            return Err(self.not_partitioned());
        }
        if params.distinct || params.null_treatment.is_some() {
            return Err(self.refuse("DISTINCT and NULL treatment are not supported", FIX));
        }
        let order = params.order_by.iter().map(|key| {
            Ok(SortKey {
                value: self.lower(&key.expr)?,
                descending: !key.asc,
                nulls_first: key.nulls_first,
            })
        });
        let order = order.collect::<Result<Vec<_>, Refusal>>()?;
        let frame = self.frame(&params.window_frame)?;
        let (function, domain) = self.function(planned, &frame)?;
        let frame = self.frame_of(&function, frame)?;
        let kind = kind(&function, &self.input.kinds());
        let facts = ColumnFacts { name: name.to_owned(), kind, domain, is_unit: false };
        Ok((WindowCall { function, partition, order, frame }, facts))
    }

    fn lower(&self, expr: &Expr) -> Result<Scalar, Refusal> {
        functions::lower(expr, self.schema, self.input)
    }

    fn function(
        &self,
        planned: &PlannedWindow,
        frame: &Frame,
    ) -> Result<(WindowFunction, Domain), Refusal> {
        let params = &planned.params;
        let name = match &planned.fun {
            WindowFunctionDefinition::AggregateUDF(function) => {
                let name = function.name();
                let call = Call { name, shown: self.shown, schema: self.schema, input: self.input };
                let (aggregate, domain) =
                    call.aggregate(&params.args, false, params.filter.as_deref())?;
                let slides = frame.start != Edge::Preceding(None);
                if slides && matches!(aggregate.function, UnitFunction::All | UnitFunction::Any) {
                    return Err(self.refuse(
                        "its frame does not start at the beginning",
                        "write ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
                    ));
                }
                // A frame may be empty.
                let nullable =
                    domain.nullable || !matches!(aggregate.function, UnitFunction::Count);
                let domain = Domain { nullable, ..domain };
                return Ok((WindowFunction::Aggregate(aggregate), domain));
            }
            WindowFunctionDefinition::WindowUDF(function) => function.name(),
        };
        if params.filter.is_some() {
            return Err(self.refuse("FILTER belongs to aggregates", FIX));
        }
        let counted = Domain::integers(Some(1), None, false);
        match (name, params.args.as_slice()) {
            ("row_number", []) => Ok((WindowFunction::RowNumber, counted)),
            ("rank", []) => Ok((WindowFunction::Rank, counted)),
            ("dense_rank", []) => Ok((WindowFunction::DenseRank, counted)),
            ("lag", [value, rest @ ..]) => self.shifted(value, rest, 1),
            ("lead", [value, rest @ ..]) => self.shifted(value, rest, -1),
            ("first_value", [value]) => self.picked(value, WindowFunction::First),
            ("last_value", [value]) => self.picked(value, WindowFunction::Last),
            ("nth_value", [value, position]) => {
                let position = self.offset(position)?;
                if position < 1 {
                    return Err(self.refuse("positions count from 1", FIX));
                }
                self.picked(value, |value| WindowFunction::Nth(value, position))
            }
            ("ntile", _) => Err(self.refuse(
                "it is not on the allow-list, and can be written with windows that are",
                "write 1 + (ROW_NUMBER() OVER w - 1) * 4 / COUNT(*) OVER (PARTITION BY unit)",
            )),
            ("percent_rank" | "cume_dist", _) => Err(self.refuse(
                "it is not on the allow-list, and can be written with windows that are",
                "write (RANK() OVER w - 1.0) / (COUNT(*) OVER (PARTITION BY unit) - 1): x / 0 is NULL",
            )),
            _ => Err(self.refuse("this window function is not on the allow-list", FIX)),
        }
    }

    fn picked(
        &self,
        value: &Expr,
        function: impl Fn(Scalar) -> WindowFunction,
    ) -> Result<(WindowFunction, Domain), Refusal> {
        let value = self.lower(value)?;
        let domain = Domain { nullable: true, ..ranges::of(&value, self.input) };
        Ok((function(value), domain))
    }

    /// LAG and LEAD: constant distances and defaults.
    fn shifted(
        &self,
        value: &Expr,
        rest: &[Expr],
        direction: i64,
    ) -> Result<(WindowFunction, Domain), Refusal> {
        let value = self.lower(value)?;
        let kind = value.kind(&self.input.kinds());
        let offset = rest.first().map_or(Ok(1), |offset| self.offset(offset))? * direction;
        let default = match rest.get(1).map(|default| self.lower(default)).transpose()? {
            None | Some(Scalar::Literal(Value::Null(_))) => Value::Null(kind),
            Some(Scalar::Literal(default)) if default.kind() == kind => default,
            Some(_) => {
                return Err(self.refuse("its default is no constant of the value's type", FIX));
            }
        };
        let domain = ranges::of(&value, self.input).or(Domain::values([default.clone()], true));
        Ok((WindowFunction::Shifted { value, offset, default }, domain))
    }

    fn offset(&self, expr: &Expr) -> Result<i64, Refusal> {
        match self.lower(expr)? {
            Scalar::Literal(Value::Int(offset)) if offset.unsigned_abs() <= OFFSET_MAX => {
                Ok(offset)
            }
            _ => Err(self.refuse(
                &format!("its position is no constant integer up to {OFFSET_MAX}"),
                "write a constant, as in LAG(cost, 1)",
            )),
        }
    }

    fn frame(&self, planned: &WindowFrame) -> Result<Frame, Refusal> {
        let rows = planned.units == WindowFrameUnits::Rows;
        let edge = |bound: &WindowFrameBound| {
            let distance = |value: &ScalarValue| match value {
                value if value.is_null() => Some(None),
                ScalarValue::UInt64(Some(rows_away)) if rows && *rows_away <= OFFSET_MAX => {
                    Some(Some(*rows_away))
                }
                _ => None,
            };
            match bound {
                WindowFrameBound::Preceding(value) => distance(value).map(Edge::Preceding),
                WindowFrameBound::CurrentRow => Some(Edge::Current),
                WindowFrameBound::Following(value) => distance(value).map(Edge::Following),
            }
        };
        match (edge(&planned.start_bound), edge(&planned.end_bound)) {
            (Some(start), Some(end)) if place(start, i64::MIN) <= place(end, i64::MAX) => {
                Ok(Frame { rows, start, end })
            }
            (Some(_), Some(_)) => Err(self.refuse("its frame ends before it starts", FRAMES)),
            _ => Err(self.refuse(
                "a frame of distances between values can fail, and one of many rows is too wide",
                FRAMES,
            )),
        }
    }

    /// Which row of several peers comes first is decided by all columns, so a function that picks
    /// a row needs a frame that counts rows; where both kinds of frame agree it gets one.
    fn frame_of(&self, function: &WindowFunction, frame: Frame) -> Result<Frame, Refusal> {
        if frame.rows {
            return Ok(frame);
        }
        let from_beginning = frame.start == Edge::Preceding(None);
        let to_end = frame.end == Edge::Following(None);
        let agrees = match function {
            WindowFunction::First(_) => from_beginning,
            WindowFunction::Last(_) => to_end,
            WindowFunction::Nth(..) => from_beginning && to_end,
            WindowFunction::RowNumber
            | WindowFunction::Rank
            | WindowFunction::DenseRank
            | WindowFunction::Shifted { .. }
            | WindowFunction::Aggregate(_) => return Ok(frame),
        };
        if agrees {
            Ok(Frame { rows: true, ..frame })
        } else {
            Err(self.refuse(
                "its frame ends with the current row and all its peers, and which of them is last \
                 is not said",
                "write ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
            ))
        }
    }

    fn not_partitioned(&self) -> Refusal {
        let unit = self.input.columns.iter().find(|column| column.is_unit);
        let unit = unit.map_or("unit", |unit| unit.name.as_str());
        self.refuse(
            "it is not partitioned by the unit, so one person's rows would change another's",
            &format!("write OVER (PARTITION BY {unit} ORDER BY ..), or put it above the aggregate"),
        )
        .remedied(Remedy::Partition(unit.to_owned()))
    }

    fn refuse(&self, why: &str, fix: &str) -> Refusal {
        let subject = format!("the window {}", self.shown.schema_name());
        Refusal::new(RefusalCode::OwnedOperation, subject, why, fix)
    }
}

const FIX: &str = "use ROW_NUMBER, RANK, DENSE_RANK, LAG, LEAD, FIRST_VALUE, LAST_VALUE, \
                   NTH_VALUE, COUNT, SUM, AVG, MIN or MAX OVER (PARTITION BY unit ORDER BY ..)";

const FRAMES: &str = "write for example ROWS BETWEEN 2 PRECEDING AND CURRENT ROW";

fn planned(expr: &Expr) -> Option<&PlannedWindow> {
    match expr {
        Expr::Alias(alias) => planned(&alias.expr),
        Expr::WindowFunction(window) => Some(window),
        _ => None,
    }
}

/// Where an edge lies, in rows from the current one.
fn place(edge: Edge, unbounded: i64) -> i64 {
    // A distance is at most OFFSET_MAX.
    let rows = |distance: u64| i64::try_from(distance).unwrap_or(i64::MAX);
    match edge {
        Edge::Preceding(None) | Edge::Following(None) => unbounded,
        Edge::Preceding(Some(distance)) => -rows(distance),
        Edge::Current => 0,
        Edge::Following(Some(distance)) => rows(distance),
    }
}

fn kind(function: &WindowFunction, columns: &[Type]) -> Type {
    match function {
        WindowFunction::RowNumber | WindowFunction::Rank | WindowFunction::DenseRank => Type::Int64,
        WindowFunction::Shifted { value, .. }
        | WindowFunction::First(value)
        | WindowFunction::Last(value)
        | WindowFunction::Nth(value, _) => value.kind(columns),
        WindowFunction::Aggregate(aggregate) => {
            aggregate.function.kind(aggregate.argument.as_ref(), columns)
        }
    }
}
