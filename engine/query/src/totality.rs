//! From DataFusion's expressions to [`Scalar`]s, which cannot fail.
//!
//! | form | types | why it is total |
//! |---|---|---|
//! | column, literal | all | nothing is computed; literals are cast while planning |
//! | `=` `<>` `<` `<=` `>` `>=`, `BETWEEN` | two of one type | a total order, NULL with NULL |
//! | `AND` `OR` `NOT` | bool | three-valued logic |
//! | `IS [NOT] NULL` | all | never NULL, reads validity only |
//! | `[NOT] IN (constants)` | all | equality with each constant |
//! | integer to double | int64 | each integer has a nearest double |
//!
//! Everything else is refused by name: a new form of expression does not compile until someone
//! decides about it here.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::expr::{Between, InList};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::error::{Refusal, RefusalCode};
use crate::plan::{Comparison, Relation, Scalar, Type, Value};

/// Lowers an expression over the columns of `relation`, whose names are those of `schema`.
pub(crate) fn lower(
    expr: &Expr,
    schema: &DFSchema,
    relation: &Relation,
) -> Result<Scalar, Refusal> {
    Lowering { schema, kinds: &relation.kinds() }.scalar(expr)
}

struct Lowering<'a> {
    schema: &'a DFSchema,
    kinds: &'a [Type],
}

impl Lowering<'_> {
    fn scalar(&self, expr: &Expr) -> Result<Scalar, Refusal> {
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
            Expr::Literal(scalar, _) => Value::from_scalar(scalar).map_or_else(
                || Err(refuse(expr, "constants of this type are not understood")),
                |value| Ok(Scalar::Literal(value)),
            ),
            Expr::BinaryExpr(binary) => self.binary(expr, binary),
            Expr::Not(inner) => Ok(Scalar::Not(Box::new(self.scalar(inner)?))),
            Expr::IsNull(inner) => Ok(Scalar::IsNull(Box::new(self.scalar(inner)?))),
            Expr::IsNotNull(inner) => {
                Ok(Scalar::Not(Box::new(Scalar::IsNull(Box::new(self.scalar(inner)?)))))
            }
            Expr::Between(between) => self.between(expr, between),
            Expr::InList(list) => self.in_list(expr, list),
            Expr::Cast(cast) => self.cast(expr, &cast.expr, cast.field.data_type()),
            Expr::TryCast(cast) => self.cast(expr, &cast.expr, cast.field.data_type()),
            Expr::Negative(inner) => match self.scalar(inner)? {
                Scalar::Literal(Value::Int(integer)) => integer.checked_neg().map_or_else(
                    || Err(refuse(expr, "the number is too large")),
                    |negative| Ok(Scalar::Literal(Value::Int(negative))),
                ),
                Scalar::Literal(Value::Float(float)) => Ok(Scalar::Literal(Value::Float(-float))),
                _ => Err(refuse(expr, "arithmetic can overflow")),
            },
            Expr::ScalarFunction(call) => Err(refuse(
                expr,
                &format!("the function {} is not on the allow-list", call.func.name()),
            )),
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
            Expr::Like(_)
            | Expr::SimilarTo(_)
            | Expr::IsTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNotFalse(_)
            | Expr::IsNotUnknown(_)
            | Expr::Case(_) => Err(refuse(expr, "this form is not on the allow-list")),
            Expr::AggregateFunction(_) | Expr::WindowFunction(_) | Expr::GroupingSet(_) => {
                Err(refuse(expr, "an aggregate or window cannot stand here"))
            }
            Expr::ScalarVariable(..)
            | Expr::Placeholder(_)
            | Expr::Unnest(_)
            | Expr::HigherOrderFunction(_)
            | Expr::Lambda(_)
            | Expr::LambdaVariable(_) => Err(refuse(expr, "this form is never allowed")),
            #[expect(deprecated, reason = "the enum still has the variant")]
            Expr::Wildcard { .. } => Err(refuse(expr, "* cannot stand here")),
        }
    }

    fn binary(&self, expr: &Expr, binary: &BinaryExpr) -> Result<Scalar, Refusal> {
        let op = match binary.op {
            Operator::And | Operator::Or => {
                let left = Box::new(self.scalar(&binary.left)?);
                let right = Box::new(self.scalar(&binary.right)?);
                return Ok(match binary.op {
                    Operator::And => Scalar::And(left, right),
                    _ => Scalar::Or(left, right),
                });
            }
            Operator::Eq => Comparison::Equal,
            Operator::NotEq => Comparison::NotEqual,
            Operator::Lt => Comparison::Less,
            Operator::LtEq => Comparison::LessOrEqual,
            Operator::Gt => Comparison::Greater,
            Operator::GtEq => Comparison::GreaterOrEqual,
            _ => {
                return Err(refuse(
                    expr,
                    &format!("the operator {} is not on the allow-list", binary.op),
                ));
            }
        };
        self.compare(expr, op, &binary.left, &binary.right)
    }

    fn compare(
        &self,
        whole: &Expr,
        op: Comparison,
        left: &Expr,
        right: &Expr,
    ) -> Result<Scalar, Refusal> {
        let (left, right) = (self.scalar(left)?, self.scalar(right)?);
        let (left, right) = self.alike(left, right);
        if left.kind(self.kinds) != right.kind(self.kinds) {
            return Err(refuse(whole, "its two sides have different types"));
        }
        Ok(Scalar::Compare { op, left: Box::new(left), right: Box::new(right) })
    }

    /// Brings an integer beside a double to a double.
    fn alike(&self, left: Scalar, right: Scalar) -> (Scalar, Scalar) {
        match (left.kind(self.kinds), right.kind(self.kinds)) {
            (Type::Int64, Type::Float64) => (to_float(left), right),
            (Type::Float64, Type::Int64) => (left, to_float(right)),
            _ => (left, right),
        }
    }

    fn between(&self, whole: &Expr, between: &Between) -> Result<Scalar, Refusal> {
        let low = self.compare(whole, Comparison::GreaterOrEqual, &between.expr, &between.low)?;
        let high = self.compare(whole, Comparison::LessOrEqual, &between.expr, &between.high)?;
        let both = Scalar::And(Box::new(low), Box::new(high));
        Ok(if between.negated { Scalar::Not(Box::new(both)) } else { both })
    }

    fn in_list(&self, whole: &Expr, list: &InList) -> Result<Scalar, Refusal> {
        let value = self.scalar(&list.expr)?;
        let mut values = Vec::with_capacity(list.list.len());
        for item in &list.list {
            let Scalar::Literal(constant) = self.scalar(item)? else {
                return Err(refuse(whole, "the list holds something else than constants"));
            };
            if matches!(constant, Value::Null(_)) {
                return Err(refuse(whole, "NULL in a list makes the test unknown for every row"));
            }
            if constant.kind() != value.kind(self.kinds) {
                return Err(refuse(whole, "the list holds constants of another type"));
            }
            values.push(constant);
        }
        values.sort();
        values.dedup();
        let test = Scalar::InList { value: Box::new(value), list: values };
        Ok(if list.negated { Scalar::Not(Box::new(test)) } else { test })
    }

    fn cast(&self, whole: &Expr, inner: &Expr, target: &DataType) -> Result<Scalar, Refusal> {
        if let Expr::Literal(scalar, _) = inner {
            let cast = scalar.cast_to(target).ok().and_then(|value| Value::from_scalar(&value));
            return cast.map_or_else(
                || Err(refuse(whole, "the constant does not fit the type")),
                |value| Ok(Scalar::Literal(value)),
            );
        }
        let value = self.scalar(inner)?;
        match (value.kind(self.kinds), Type::from_arrow(target)) {
            (from, Some(to)) if from == to => Ok(value),
            (Type::Int64, Some(Type::Float64)) => Ok(to_float(value)),
            _ => Err(refuse(whole, "this cast can fail, or loses part of the value")),
        }
    }
}

fn to_float(value: Scalar) -> Scalar {
    match value {
        Scalar::Literal(Value::Int(integer)) => Scalar::Literal(Value::Float(integer as f64)),
        Scalar::Literal(Value::Null(Type::Int64)) => Scalar::Literal(Value::Null(Type::Float64)),
        other => Scalar::ToFloat(Box::new(other)),
    }
}

fn refuse(expr: &Expr, why: &str) -> Refusal {
    Refusal::new(
        RefusalCode::Expression,
        format!("{expr}"),
        format!("{why}; below the aggregate every expression must be unable to fail"),
        "use columns, constants, comparisons, BETWEEN, IN (..), IS NULL, AND, OR and NOT; \
         arithmetic is free above the aggregate",
    )
}
