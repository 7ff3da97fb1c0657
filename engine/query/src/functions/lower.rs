//! From DataFusion's expressions to [`Scalar`]s, which cannot fail.
//!
//! Every kind of expression is named: a new one does not compile until someone decides about it
//! here. What each form and function takes stands in `table`.

use std::any::Any;
use std::cell::Cell;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::expr::{Between, Case, InList, Like, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::scalar::ScalarValue;
use voilage_kernels::scalar::{Function, casts};

use super::udf::Total;
use super::{better, bounds, date_parts, end_of, entry, evaluate, overload};
use crate::error::{Refusal, RefusalCode};
use crate::plan::{Comparison, Relation, Scalar, Type, Value};

/// A constant may have so many bytes: it is written out for every row.
const CONSTANT_BYTES_MAX: usize = 4_096;

/// A pattern may have so many characters: each row is compared with each of them.
const PATTERN_CHARACTERS_MAX: usize = 1_000;

/// An expression may have so many parts once BETWEEN and CASE are written out.
const PARTS_MAX: usize = 20_000;

/// A call may have so many arguments: GREATEST and LEAST compare each with each.
const ARGUMENTS_MAX: usize = 100;

/// Lowers an expression over the columns of `relation`, whose names are those of `schema`.
pub(crate) fn lower(
    expr: &Expr,
    schema: &DFSchema,
    relation: &Relation,
) -> Result<Scalar, Refusal> {
    Lowering { schema, kinds: &relation.kinds(), parts: Cell::new(0) }.scalar(expr)
}

struct Lowering<'a> {
    schema: &'a DFSchema,
    kinds: &'a [Type],
    parts: Cell<usize>,
}

impl Lowering<'_> {
    fn scalar(&self, expr: &Expr) -> Result<Scalar, Refusal> {
        self.spend(1)?;
        match expr {
            Expr::Alias(alias) => self.scalar(&alias.expr),
            Expr::Column(column) => {
                let position = self.schema.maybe_index_of_column(column);
                position.map(Scalar::Column).ok_or_else(|| {
                    Refusal::new(
                        RefusalCode::UnknownColumn,
                        format!("column {}", column.name),
                        "it is not a column of the rows read here",
                        "name a column of the table, or of the subquery in FROM",
                    )
                })
            }
            Expr::Literal(scalar, _) => constant(expr, scalar),
            Expr::BinaryExpr(binary) => self.binary(expr, binary),
            Expr::Not(inner) => Ok(Scalar::Not(Box::new(self.scalar(inner)?))),
            Expr::IsNull(inner) | Expr::IsUnknown(inner) => {
                Ok(Scalar::IsNull(Box::new(self.scalar(inner)?)))
            }
            Expr::IsNotNull(inner) | Expr::IsNotUnknown(inner) => {
                Ok(Scalar::Not(Box::new(Scalar::IsNull(Box::new(self.scalar(inner)?)))))
            }
            Expr::IsTrue(inner) => self.is(Comparison::NotDistinct, inner, true),
            Expr::IsFalse(inner) => self.is(Comparison::NotDistinct, inner, false),
            Expr::IsNotTrue(inner) => self.is(Comparison::Distinct, inner, true),
            Expr::IsNotFalse(inner) => self.is(Comparison::Distinct, inner, false),
            Expr::Between(between) => self.between(expr, between),
            Expr::InList(list) => self.in_list(expr, list),
            Expr::Like(like) => self.like(expr, like),
            Expr::Case(case) => self.case(expr, case),
            Expr::Cast(cast) => self.cast(expr, &cast.expr, cast.field.data_type()),
            Expr::TryCast(cast) => self.cast(expr, &cast.expr, cast.field.data_type()),
            Expr::Negative(inner) => {
                let inner = self.scalar(inner)?;
                self.call(expr, Function::Negate, vec![inner])
            }
            Expr::ScalarFunction(call) => self.function(expr, call),
            Expr::Exists(_)
            | Expr::InSubquery(_)
            | Expr::SetComparison(_)
            | Expr::ScalarSubquery(_)
            | Expr::OuterReferenceColumn(..) => Err(Refusal::new(
                RefusalCode::OwnedOperation,
                format!("{expr}"),
                "a subquery is understood only as `unit IN (SELECT unit ..)` or over public \
                 tables, AND-ed in WHERE",
                "write WHERE person_id IN (SELECT person_id FROM .. WHERE ..)",
            )),
            Expr::SimilarTo(_) => Err(refuse(
                expr,
                "a regular expression may take long for one row and not for another",
                "use LIKE, starts_with or strpos",
            )),
            Expr::AggregateFunction(_) | Expr::WindowFunction(_) | Expr::GroupingSet(_) => {
                Err(refuse(expr, "an aggregate or window cannot stand here", "put it into SELECT"))
            }
            Expr::ScalarVariable(..)
            | Expr::Placeholder(_)
            | Expr::Unnest(_)
            | Expr::HigherOrderFunction(_)
            | Expr::Lambda(_)
            | Expr::LambdaVariable(_) => {
                Err(refuse(expr, "this form is never allowed", "write the value itself"))
            }
            #[expect(deprecated, reason = "the enum still has the variant")]
            Expr::Wildcard { .. } => Err(refuse(expr, "* cannot stand here", "name the columns")),
        }
    }

    /// Counts parts of the expression as it is written out, which may hold a part more than once.
    fn spend(&self, parts: usize) -> Result<(), Refusal> {
        self.parts.set(self.parts.get().saturating_add(parts));
        if self.parts.get() <= PARTS_MAX {
            return Ok(());
        }
        Err(Refusal::new(
            RefusalCode::Expression,
            "an expression",
            format!("written out it has more than {PARTS_MAX} parts"),
            "compute its inner part in a subquery in FROM, and use the column",
        ))
    }

    fn kind(&self, scalar: &Scalar) -> Type {
        scalar.kind(self.kinds)
    }

    /// Both operands, or all refusals of both.
    fn both(&self, left: &Expr, right: &Expr) -> Result<(Scalar, Scalar), Refusal> {
        Refusal::both(self.scalar(left), self.scalar(right))
    }

    fn is(&self, op: Comparison, inner: &Expr, truth: bool) -> Result<Scalar, Refusal> {
        Ok(Scalar::compare(op, self.scalar(inner)?, Scalar::Literal(Value::Bool(truth))))
    }

    fn binary(&self, expr: &Expr, binary: &BinaryExpr) -> Result<Scalar, Refusal> {
        let (left, right) = (&binary.left, &binary.right);
        let function = match binary.op {
            Operator::And | Operator::Or => {
                let (left, right) = self.both(left, right)?;
                let (left, right) = (Box::new(left), Box::new(right));
                return Ok(match binary.op {
                    Operator::And => Scalar::And(left, right),
                    _ => Scalar::Or(left, right),
                });
            }
            Operator::Eq => return self.compare(expr, Comparison::Equal, left, right),
            Operator::NotEq => return self.compare(expr, Comparison::NotEqual, left, right),
            Operator::Lt => return self.compare(expr, Comparison::Less, left, right),
            Operator::LtEq => return self.compare(expr, Comparison::LessOrEqual, left, right),
            Operator::Gt => return self.compare(expr, Comparison::Greater, left, right),
            Operator::GtEq => return self.compare(expr, Comparison::GreaterOrEqual, left, right),
            Operator::IsDistinctFrom => {
                return self.compare(expr, Comparison::Distinct, left, right);
            }
            Operator::IsNotDistinctFrom => {
                return self.compare(expr, Comparison::NotDistinct, left, right);
            }
            Operator::Plus => Function::Add,
            Operator::Minus => Function::Subtract,
            Operator::Multiply => Function::Multiply,
            Operator::Divide => Function::Divide,
            Operator::Modulo => Function::Remainder,
            Operator::StringConcat => {
                let (left, right) = Refusal::both(self.text(left), self.text(right))?;
                return self.call(expr, Function::Join, vec![left, right]);
            }
            Operator::RegexMatch
            | Operator::RegexIMatch
            | Operator::RegexNotMatch
            | Operator::RegexNotIMatch => {
                return Err(refuse(
                    expr,
                    "a regular expression may take long for one row and not for another",
                    "use s LIKE 'I2%', starts_with(s, 'I2') or strpos(s, 'x') > 0",
                ));
            }
            _ => {
                return Err(refuse(
                    expr,
                    &format!("the operator {} is not on the allow-list", binary.op),
                    "use comparisons, + - * / % and ||",
                ));
            }
        };
        match (function, shift(left), shift(right)) {
            (Function::Add | Function::Subtract, None, Some(by)) => {
                self.shifted(expr, left, &by, function == Function::Subtract)
            }
            (Function::Add, Some(by), None) => self.shifted(expr, right, &by, false),
            _ => {
                let (left, right) = self.both(left, right)?;
                let dates = self.kind(&left) == Type::Date && self.kind(&right) == Type::Date;
                if function == Function::Subtract && dates {
                    return self.call(expr, Function::DaysBetween, vec![left, right]);
                }
                self.call(expr, function, vec![left, right])
            }
        }
    }

    /// A date or timestamp moved by an interval or by days.
    fn shifted(
        &self,
        whole: &Expr,
        moved: &Expr,
        by: &Shift<'_>,
        back: bool,
    ) -> Result<Scalar, Refusal> {
        let moved = self.scalar(moved)?;
        let kind = self.kind(&moved);
        let (months, days, micros) = match by {
            Shift::Interval { months, days, micros } => {
                let sign = if back { -1 } else { 1 };
                let constant = |number: i64| Scalar::Literal(Value::Int(sign * number));
                (constant(*months), constant(*days), *micros * sign)
            }
            Shift::Days(days) => {
                let days = self.scalar(days)?;
                let days =
                    if back { self.call(whole, Function::Negate, vec![days])? } else { days };
                (Scalar::Literal(Value::Int(0)), days, 0)
            }
        };
        match kind {
            Type::Date if micros == 0 => {
                self.call(whole, Function::ShiftDate, vec![moved, months, days])
            }
            Type::Timestamp => {
                let micros = Scalar::Literal(Value::Int(micros));
                self.call(whole, Function::ShiftTimestamp, vec![moved, months, days, micros])
            }
            _ => Err(refuse(
                whole,
                "an interval shifts dates by months and days, and timestamps by anything",
                "write for example d + INTERVAL '30' DAY",
            )),
        }
    }

    fn compare(
        &self,
        whole: &Expr,
        op: Comparison,
        left: &Expr,
        right: &Expr,
    ) -> Result<Scalar, Refusal> {
        let (left, right) = self.both(left, right)?;
        let (left, right) = self.alike(left, right);
        if self.kind(&left) != self.kind(&right) {
            return Err(refuse(
                whole,
                "its two sides have different types",
                "CAST one side to the type of the other",
            ));
        }
        Ok(Scalar::compare(op, left, right))
    }

    /// Brings an integer beside a double to a double, and a date beside a timestamp to one.
    fn alike(&self, left: Scalar, right: Scalar) -> (Scalar, Scalar) {
        match (self.kind(&left), self.kind(&right)) {
            (Type::Int64, Type::Float64) | (Type::Date, Type::Timestamp) => {
                let kind = self.kind(&right);
                (self.converted(left, kind), right)
            }
            (Type::Float64, Type::Int64) | (Type::Timestamp, Type::Date) => {
                let kind = self.kind(&left);
                (left, self.converted(right, kind))
            }
            _ => (left, right),
        }
    }

    fn between(&self, whole: &Expr, between: &Between) -> Result<Scalar, Refusal> {
        let (low, high) = Refusal::both(
            self.compare(whole, Comparison::GreaterOrEqual, &between.expr, &between.low),
            self.compare(whole, Comparison::LessOrEqual, &between.expr, &between.high),
        )?;
        let both = Scalar::And(Box::new(low), Box::new(high));
        Ok(if between.negated { Scalar::Not(Box::new(both)) } else { both })
    }

    fn in_list(&self, whole: &Expr, list: &InList) -> Result<Scalar, Refusal> {
        let items = Refusal::together(list.list.iter().map(|item| self.scalar(item)));
        let (value, items) = Refusal::both(self.scalar(&list.expr), items)?;
        let kind = self.kind(&value);
        let mut values = Vec::with_capacity(items.len());
        let mut computed = Vec::new();
        for item in items {
            if self.kind(&item) != kind {
                return Err(refuse(
                    whole,
                    "the list holds values of another type",
                    "write constants of the value's type",
                ));
            }
            match item {
                Scalar::Literal(Value::Null(_)) => {
                    return Err(refuse(
                        whole,
                        "NULL in a list makes the test unknown for every row",
                        "leave NULL out of the list and test it with IS NULL",
                    ));
                }
                Scalar::Literal(constant) => values.push(constant),
                other => computed.push(other),
            }
        }
        values.sort();
        values.dedup();
        // The value is compared with each computed item, and so written out again for each.
        self.spend(computed.len().saturating_mul(value.size()))?;
        let equal = |item| Scalar::compare(Comparison::Equal, value.clone(), item);
        let listed = (!values.is_empty())
            .then(|| Scalar::InList { value: Box::new(value.clone()), list: values });
        let tests = listed.into_iter().chain(computed.into_iter().map(equal));
        let test = tests.reduce(|a, b| Scalar::Or(Box::new(a), Box::new(b)));
        let test = test.ok_or_else(|| refuse(whole, "the list is empty", "list some values"))?;
        Ok(if list.negated { Scalar::Not(Box::new(test)) } else { test })
    }

    fn like(&self, whole: &Expr, like: &Like) -> Result<Scalar, Refusal> {
        let value = self.text(&like.expr)?;
        let pattern = match self.scalar(&like.pattern)? {
            Scalar::Literal(Value::Text(pattern))
                if pattern.chars().count() <= PATTERN_CHARACTERS_MAX =>
            {
                pattern
            }
            _ => {
                return Err(refuse(
                    whole,
                    &format!(
                        "a pattern is a constant of at most {PATTERN_CHARACTERS_MAX} characters"
                    ),
                    "write it out, as in name LIKE 'a%', or use strpos(name, other) > 0",
                ));
            }
        };
        if like.escape_char.is_some_and(|escape| escape != '\\') {
            return Err(refuse(
                whole,
                "the escape character of a pattern is \\",
                "write \\% or \\_ and leave ESCAPE out",
            ));
        }
        let insensitive = like.case_insensitive;
        let test = Scalar::Like { value: Box::new(value), pattern, insensitive };
        Ok(if like.negated { Scalar::Not(Box::new(test)) } else { test })
    }

    fn case(&self, whole: &Expr, case: &Case) -> Result<Scalar, Refusal> {
        let branches = Refusal::together(case.when_then_expr.iter().map(|(when, then)| {
            let condition = match &case.expr {
                None => self.scalar(when),
                Some(value) => self.compare(whole, Comparison::Equal, value, when),
            };
            Refusal::both(condition, self.scalar(then))
        }));
        let otherwise = case.else_expr.as_ref().map(|expr| self.scalar(expr)).transpose();
        let (branches, otherwise) = Refusal::both(branches, otherwise)?;
        let kind = branches
            .iter()
            .map(|(_, value)| value)
            .chain(&otherwise)
            .map(|value| self.kind(value))
            .reduce(|a, b| if (a, b) == (Type::Int64, Type::Float64) { b } else { a })
            .ok_or_else(|| refuse(whole, "CASE has no branch", "write WHEN .. THEN .."))?;
        let otherwise = otherwise.unwrap_or(Scalar::Literal(Value::Null(kind)));
        let fit = |value: Scalar| match (self.kind(&value), kind) {
            (from, to) if from == to => Ok(value),
            (Type::Int64, Type::Float64) => Ok(self.converted(value, kind)),
            _ => Err(refuse(whole, "its branches have different types", "CAST them to one type")),
        };
        let branches = branches
            .into_iter()
            .map(|(condition, value)| Ok((condition, fit(value)?)))
            .collect::<Result<Vec<_>, Refusal>>()?;
        Ok(Scalar::Case { branches, otherwise: Box::new(fit(otherwise)?) })
    }

    /// The expression as text: numbers and dates beside `||` and LIKE are written out.
    fn text(&self, expr: &Expr) -> Result<Scalar, Refusal> {
        let value = self.scalar(expr)?;
        Ok(self.converted(value, Type::Text))
    }

    fn cast(&self, whole: &Expr, inner: &Expr, target: &DataType) -> Result<Scalar, Refusal> {
        if let Expr::Literal(ScalarValue::Null, _) = inner
            && let Some(kind) = target_type(target)
        {
            return Ok(Scalar::Literal(Value::Null(kind)));
        }
        if let Expr::Literal(scalar, _) = inner
            && let Ok(cast) = scalar.cast_to(target)
            && !cast.is_null()
            && let Some(value) = Value::from_scalar(&cast)
        {
            return constant(whole, &value.scalar());
        }
        let value = self.scalar(inner)?;
        let from = self.kind(&value);
        match target_type(target) {
            Some(to) if from == to || casts(&from.arrow(), &to.arrow()) => {
                let converted = self.converted(value.clone(), to);
                if matches!(converted, Scalar::Literal(Value::Null(_)))
                    && !matches!(value, Scalar::Literal(Value::Null(_)))
                {
                    return Err(refuse(
                        whole,
                        "the constant does not fit the type",
                        "write a constant of that type, such as DATE '2020-01-31'",
                    ));
                }
                Ok(converted)
            }
            _ => Err(refuse(
                whole,
                &format!("there is no conversion from {} to {target}", from.name()),
                "CAST goes between bool, bigint, double, text, date and timestamp",
            )),
        }
    }

    /// The value as another type; constants are converted at once.
    fn converted(&self, value: Scalar, to: Type) -> Scalar {
        match value {
            value if self.kind(&value) == to => value,
            Scalar::Literal(constant) => converted_constant(&constant, to)
                .map_or(Scalar::Literal(Value::Null(to)), Scalar::Literal),
            other => Scalar::Cast { value: Box::new(other), to },
        }
    }

    fn function(&self, whole: &Expr, call: &ScalarFunction) -> Result<Scalar, Refusal> {
        let inner: &dyn Any = call.func.inner().as_ref();
        let Some(total) = inner.downcast_ref::<Total>() else {
            if end_of(whole).is_some() {
                return Err(refuse(
                    whole,
                    "only released values have an interval, and this is a row of an individual",
                    "call it above the aggregate, as in dp_interval_low(COUNT(*))",
                ));
            }
            return Err(better(call.func.name(), &format!("{whole}")));
        };
        let arguments = Refusal::together(call.args.iter().map(|argument| self.scalar(argument)))?;
        self.call(whole, total.function(), arguments)
    }

    /// A call of the allow-list, its arguments brought to the types that it takes.
    fn call(
        &self,
        whole: &Expr,
        function: Function,
        arguments: Vec<Scalar>,
    ) -> Result<Scalar, Refusal> {
        let entry = entry(function);
        if arguments.len() > ARGUMENTS_MAX {
            return Err(refuse(
                whole,
                &format!("a function takes at most {ARGUMENTS_MAX} arguments"),
                "split it: greatest(greatest(a, b), greatest(c, d))",
            ));
        }
        if let (Function::Clamp, [_, Scalar::Literal(low), Scalar::Literal(high)]) =
            (function, arguments.as_slice())
            && !bounds::is_below(low, high)
        {
            return Err(refuse(
                whole,
                "the lower bound is not below the upper one, or is no number",
                "write the smaller bound first, as in clamp(x, 0, 100)",
            ));
        }
        let kinds: Vec<Option<Type>> =
            arguments.iter().map(|argument| Some(self.kind(argument))).collect();
        let Some((wanted, gives)) = overload(entry, &kinds) else {
            let kinds: Vec<&str> = kinds.iter().flatten().map(|kind| kind.name()).collect();
            return Err(refuse(
                whole,
                &format!("{} does not take {}", entry.written, kinds.join(" and ")),
                "CAST the arguments, or see docs/functions.md for what each function takes",
            ));
        };
        let arguments: Vec<Scalar> = arguments
            .into_iter()
            .zip(wanted)
            .map(|(argument, kind)| self.converted(argument, kind))
            .collect();
        date_parts::check(whole, function, &arguments)?;
        let constants: Option<Vec<Value>> = arguments
            .iter()
            .map(|argument| match argument {
                Scalar::Literal(value) => Some(value.clone()),
                _ => None,
            })
            .collect();
        if let Some(constants) = constants {
            let value = evaluate(function, &constants).unwrap_or(Value::Null(gives));
            return constant(whole, &value.scalar());
        }
        Ok(Scalar::Call { function, arguments })
    }
}

/// What a date is moved by.
enum Shift<'a> {
    Interval { months: i64, days: i64, micros: i64 },
    Days(&'a Expr),
}

/// Reads an interval constant, or the integer that the planner made an interval of.
fn shift(expr: &Expr) -> Option<Shift<'_>> {
    match expr {
        Expr::Alias(alias) => shift(&alias.expr),
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(by)), _) => Some(Shift::Interval {
            months: i64::from(by.months),
            days: i64::from(by.days),
            micros: by.nanoseconds / 1_000,
        }),
        Expr::Literal(ScalarValue::IntervalYearMonth(Some(months)), _) => {
            Some(Shift::Interval { months: i64::from(*months), days: 0, micros: 0 })
        }
        Expr::Literal(ScalarValue::IntervalDayTime(Some(by)), _) => Some(Shift::Interval {
            months: 0,
            days: i64::from(by.days),
            micros: i64::from(by.milliseconds) * 1_000,
        }),
        Expr::Cast(cast) if matches!(cast.field.data_type(), DataType::Interval(_)) => {
            shift(&cast.expr).or(Some(Shift::Days(&cast.expr)))
        }
        _ => None,
    }
}

/// A constant of bounded size, neither NaN nor -0.0.
fn constant(whole: &Expr, scalar: &ScalarValue) -> Result<Scalar, Refusal> {
    match Value::from_scalar(scalar) {
        Some(Value::Text(text)) if text.len() > CONSTANT_BYTES_MAX => Err(Refusal::new(
            RefusalCode::Expression,
            "a text constant",
            format!(
                "it has more than {CONSTANT_BYTES_MAX} bytes, and is written out for every row"
            ),
            "write a shorter one",
        )),
        Some(value) => Ok(Scalar::Literal(value)),
        None if matches!(scalar.data_type(), DataType::Interval(_) | DataType::Duration(_)) => {
            Err(Refusal::new(
                RefusalCode::Expression,
                "an interval",
                "it is no value of its own: it moves a date or timestamp",
                "write for example d + INTERVAL '30' DAY < e, or date_diff('day', d, e) > 30",
            ))
        }
        None => Err(refuse(
            whole,
            "constants of this type are not understood",
            "use numbers, 'text', TRUE, FALSE, DATE '2020-01-31' and TIMESTAMP '2020-01-31 12:00:00'",
        )),
    }
}

fn converted_constant(value: &Value, to: Type) -> Option<Value> {
    use voilage_kernels::scalar::{Argument, cast};
    let argument = Argument::constant(value.scalar().to_array().ok()?).ok()?;
    let array = cast(&argument, &to.arrow(), 1).ok()?;
    Value::from_scalar(&ScalarValue::try_from_array(&array, 0).ok()?)
}

/// The canonical type that a cast aims at. Integers of every width have 64 bits here.
fn target_type(target: &DataType) -> Option<Type> {
    Type::from_arrow(target).or(match target {
        DataType::Int8 | DataType::Int16 | DataType::Int32 => Some(Type::Int64),
        DataType::Float16 | DataType::Float32 => Some(Type::Float64),
        DataType::LargeUtf8 | DataType::Utf8View => Some(Type::Text),
        DataType::Timestamp(_, None) => Some(Type::Timestamp),
        _ => None,
    })
}

pub(super) fn refuse(expr: &Expr, why: &str, fix: &str) -> Refusal {
    Refusal::new(RefusalCode::Expression, format!("{expr}"), why, fix)
}
