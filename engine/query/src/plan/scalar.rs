//! Expressions over one row that cannot fail.

use serde::Serialize;
use voilage_kernels::scalar::Function;

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
    /// A conversion; what has no counterpart is NULL.
    Cast {
        /// The value converted.
        value: Box<Scalar>,
        /// The type converted to.
        to: Type,
    },
    /// Whether text matches a constant pattern. NULL for NULL.
    Like {
        /// The text.
        value: Box<Scalar>,
        /// `%` stands for any text, `_` for one character, `\` takes the next one as it is.
        pattern: String,
        /// Whether lower-case forms are compared.
        insensitive: bool,
    },
    /// The value beside the first condition that is true, else the last one.
    Case {
        /// Conditions and values, in order; at least one.
        branches: Vec<(Scalar, Scalar)>,
        /// The value where no condition is true.
        otherwise: Box<Scalar>,
    },
    /// A function of the allow-list.
    Call {
        /// Which one.
        #[serde(serialize_with = "function_name")]
        function: Function,
        /// Its arguments, of the types that the allow-list names.
        arguments: Vec<Scalar>,
    },
}

fn function_name<S: serde::Serializer>(function: &Function, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(crate::functions::entry(*function).name)
}

/// The comparisons.
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
    /// `IS DISTINCT FROM`: never NULL, NULL equals NULL.
    Distinct,
    /// `IS NOT DISTINCT FROM`: never NULL, NULL equals NULL.
    NotDistinct,
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
            | Self::InList { .. }
            | Self::Like { .. } => Type::Bool,
            Self::Cast { to, .. } => *to,
            Self::Case { otherwise, .. } => otherwise.kind(columns),
            Self::Call { function, arguments } => {
                let kinds: Vec<Type> = arguments.iter().map(|a| a.kind(columns)).collect();
                crate::functions::result(*function, &kinds)
            }
        }
    }

    /// The expressions that this one is made of.
    pub fn children(&self) -> Vec<&Scalar> {
        match self {
            Self::Column(_) | Self::Literal(_) => Vec::new(),
            Self::Compare { left, right, .. } | Self::And(left, right) | Self::Or(left, right) => {
                vec![left, right]
            }
            Self::Not(value)
            | Self::IsNull(value)
            | Self::InList { value, .. }
            | Self::Cast { value, .. }
            | Self::Like { value, .. } => vec![value],
            Self::Case { branches, otherwise } => {
                let mut all: Vec<&Scalar> = Vec::with_capacity(2 * branches.len() + 1);
                for (condition, value) in branches {
                    all.extend([condition, value]);
                }
                all.push(otherwise);
                all
            }
            Self::Call { arguments, .. } => arguments.iter().collect(),
        }
    }

    /// The expression with each of its children replaced, in the order of [`Scalar::children`].
    #[must_use]
    pub fn with_children(&self, mut child: impl FnMut(&Scalar) -> Scalar) -> Scalar {
        let mut boxed = |inner: &Scalar| Box::new(child(inner));
        match self {
            Self::Column(_) | Self::Literal(_) => self.clone(),
            Self::Compare { op, left, right } => {
                Self::Compare { op: *op, left: boxed(left), right: boxed(right) }
            }
            Self::And(left, right) => Self::And(boxed(left), boxed(right)),
            Self::Or(left, right) => Self::Or(boxed(left), boxed(right)),
            Self::Not(value) => Self::Not(boxed(value)),
            Self::IsNull(value) => Self::IsNull(boxed(value)),
            Self::InList { value, list } => {
                Self::InList { value: boxed(value), list: list.clone() }
            }
            Self::Cast { value, to } => Self::Cast { value: boxed(value), to: *to },
            Self::Like { value, pattern, insensitive } => Self::Like {
                value: boxed(value),
                pattern: pattern.clone(),
                insensitive: *insensitive,
            },
            Self::Case { branches, otherwise } => Self::Case {
                branches: branches
                    .iter()
                    .map(|(test, value)| (child(test), child(value)))
                    .collect(),
                otherwise: Box::new(child(otherwise)),
            },
            Self::Call { function, arguments } => {
                Self::Call { function: *function, arguments: arguments.iter().map(child).collect() }
            }
        }
    }

    /// This expression and all that it is made of.
    pub fn parts(&self) -> impl Iterator<Item = &Scalar> {
        let mut open = vec![self];
        std::iter::from_fn(move || {
            let next = open.pop()?;
            open.extend(next.children());
            Some(next)
        })
    }

    /// How many parts the expression has.
    pub fn size(&self) -> usize {
        self.parts().count()
    }

    /// The positions of the columns read, sorted, each once.
    pub fn columns(&self) -> Vec<usize> {
        let position = |part: &Scalar| match part {
            Self::Column(position) => Some(*position),
            _ => None,
        };
        let mut found: Vec<usize> = self.parts().filter_map(position).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// A call of a function of the allow-list.
    pub fn call(function: Function, arguments: Vec<Scalar>) -> Scalar {
        Self::Call { function, arguments }
    }

    /// A comparison.
    pub fn compare(op: Comparison, left: Scalar, right: Scalar) -> Scalar {
        Self::Compare { op, left: Box::new(left), right: Box::new(right) }
    }

    /// The value as another type; itself where it has that type already.
    pub fn cast(self, to: Type, columns: &[Type]) -> Scalar {
        if self.kind(columns) == to { self } else { Self::Cast { value: Box::new(self), to } }
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
