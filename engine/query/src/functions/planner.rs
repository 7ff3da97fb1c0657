//! SQL syntax and type names that DataFusion would give to its own functions and types.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, FieldRef};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, TypePlanner};
use datafusion::logical_expr::{Expr, ScalarUDF};
use datafusion::sql::sqlparser::ast::{DataType as SqlType, TimezoneInfo};
use voilage_kernels::scalar::Function;

use super::udf::Total;
use crate::plan::Type;

/// `EXTRACT`, `SUBSTRING` and `POSITION`.
#[derive(Debug)]
pub(crate) struct Syntax;

type Planned = Result<PlannerResult<Vec<Expr>>, DataFusionError>;

fn call(function: Function, arguments: Vec<Expr>) -> Planned {
    let function = ScalarUDF::new_from_impl(Total::new(function));
    Ok(PlannerResult::Planned(function.call(arguments)))
}

impl ExprPlanner for Syntax {
    fn plan_extract(&self, arguments: Vec<Expr>) -> Planned {
        call(Function::DatePart, arguments)
    }

    fn plan_substring(&self, arguments: Vec<Expr>) -> Planned {
        call(Function::Substring, arguments)
    }

    fn plan_position(&self, arguments: Vec<Expr>) -> Planned {
        call(Function::Position, arguments)
    }
}

/// Every integer type has 64 bits, every float is a double, timestamps count microseconds.
#[derive(Debug)]
pub(crate) struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, sql: &SqlType) -> Result<Option<FieldRef>, DataFusionError> {
        let kind = match sql {
            SqlType::TinyInt(_)
            | SqlType::SmallInt(_)
            | SqlType::Int2(_)
            | SqlType::Int(_)
            | SqlType::Integer(_)
            | SqlType::Int4(_)
            | SqlType::BigInt(_)
            | SqlType::Int8(_)
            | SqlType::Int64 => Type::Int64,
            SqlType::Float(_)
            | SqlType::Float4
            | SqlType::Float8
            | SqlType::Float64
            | SqlType::Real
            | SqlType::Double(_)
            | SqlType::DoublePrecision => Type::Float64,
            SqlType::Char(None)
            | SqlType::Varchar(None)
            | SqlType::CharVarying(None)
            | SqlType::CharacterVarying(None)
            | SqlType::Text
            | SqlType::String(None) => Type::Text,
            SqlType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone)
            | SqlType::Datetime(_) => Type::Timestamp,
            _ => return Ok(None),
        };
        Ok(Some(Arc::new(Field::new("", kind.arrow(), true))))
    }
}
