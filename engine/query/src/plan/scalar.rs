//! Expressions over one row that cannot fail.

use serde::Serialize;

use super::{Type, Value};

/// An expression over the columns of one relation, by position.
///
/// Every form is total: for any row there is a value or NULL, computed in bounded memory, without
/// a clock and without randomness. A form may be added here only with that argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scalar {
    /// The value of a column.
    Column(usize),
    /// A constant.
    Literal(Value),
    /// A comparison of two values of one type. NULL with NULL operands; NaN is above all numbers.
    Compare {
        /// Which comparison.
        op: Comparison,
        /// The left operand.
        left: Box<Scalar>,
        /// The right operand.
        right: Box<Scalar>,
    },
    /// Three-valued conjunction.
    And(Box<Scalar>, Box<Scalar>),
    /// Three-valued disjunction.
    Or(Box<Scalar>, Box<Scalar>),
    /// Three-valued negation.
    Not(Box<Scalar>),
    /// Whether the value is NULL; never NULL itself.
    IsNull(Box<Scalar>),
    /// Membership in a list of constants of one type.
    InList {
        /// The value looked for.
        value: Box<Scalar>,
        /// The list, sorted, each value once.
        list: Vec<Value>,
    },
    /// The double nearest to an integer; every integer has one.
    ToFloat(Box<Scalar>),
}

/// The six comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Scalar {
    /// The expression's type, given the types of the columns.
    pub fn kind(&self, columns: &[Type]) -> Type {
        match self {
            Self::Column(position) => columns[*position],
            Self::Literal(value) => value.kind(),
            Self::Compare { .. }
            | Self::And(..)
            | Self::Or(..)
            | Self::Not(_)
            | Self::IsNull(_)
            | Self::InList { .. } => Type::Bool,
            Self::ToFloat(_) => Type::Float64,
        }
    }

    /// The positions of the columns that are read, each as often as it stands there.
    pub fn columns(&self) -> Vec<usize> {
        match self {
            Self::Column(position) => vec![*position],
            Self::Literal(_) => Vec::new(),
            Self::Compare { left, right, .. } | Self::And(left, right) | Self::Or(left, right) => {
                [left.columns(), right.columns()].concat()
            }
            Self::Not(inner)
            | Self::IsNull(inner)
            | Self::InList { value: inner, .. }
            | Self::ToFloat(inner) => inner.columns(),
        }
    }

    /// The operands of a chain of conjunctions, left to right.
    pub fn conjuncts(&self) -> Vec<&Scalar> {
        match self {
            Self::And(left, right) => {
                let mut all = left.conjuncts();
                all.extend(right.conjuncts());
                all
            }
            other => vec![other],
        }
    }

    /// All of `parts` joined by AND; nothing for no parts.
    pub fn all_of(parts: impl IntoIterator<Item = Scalar>) -> Option<Scalar> {
        parts.into_iter().reduce(|left, right| Self::And(Box::new(left), Box::new(right)))
    }
}
