//! How large the expressions of a boundary are once they are written out.
//!
//! A column that a subquery computes is computed once, as long as nothing but projections read it.
//! A condition on it is another matter: the optimizer moves conditions down to the scan, and puts the
//! expressions of all projections that it passes in place of their names. So conditions are measured as
//! they will be, with every name replaced, and everything else as it stands.

use super::{Boundary, JoinKind, MeasuredValue, Node, Relation, Scalar, Type};

/// What the rows of one boundary are computed by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// The parts of all conditions, written out.
    pub(crate) condition_parts: usize,
    /// The expressions that give text which is neither a column nor a constant. Each may hold a text
    /// for every row of a batch at the same time.
    pub(crate) texts: usize,
}

/// One expression.
#[derive(Clone, Copy, Default)]
struct Size {
    parts: usize,
    texts: usize,
}

const COLUMN: Size = Size { parts: 1, texts: 0 };

impl Size {
    fn plus(self, other: Self) -> Self {
        Self {
            parts: self.parts.saturating_add(other.parts),
            texts: self.texts.saturating_add(other.texts),
        }
    }
}

impl Written {
    /// Measures the rows of `input`, and what is computed from them.
    pub(crate) fn of(input: &Relation, keys: &[Scalar], values: &[MeasuredValue]) -> Self {
        let mut written = Self::default();
        written.columns(input);
        let kinds = input.kinds();
        let values = values.iter().flat_map(|value| {
            // A value beside a filter stands in a CASE of its own.
            let case = value.present_if.is_some() && value.value.kind(&kinds) == Type::Text;
            written.texts = written.texts.saturating_add(usize::from(case));
            std::iter::once(&value.value).chain(&value.present_if)
        });
        let values: Vec<&Scalar> = values.collect();
        for scalar in keys.iter().chain(values) {
            written.computed(scalar, &kinds);
        }
        written
    }

    /// Measures the rows of a priced boundary.
    pub(crate) fn of_boundary(boundary: &Boundary) -> Self {
        Self::of(&boundary.input, &boundary.keys, &boundary.values)
    }

    /// An expression that stays where it is.
    fn computed(&mut self, scalar: &Scalar, kinds: &[Type]) {
        let columns = vec![COLUMN; kinds.len()];
        self.texts = self.texts.saturating_add(size(scalar, kinds, &columns).texts);
    }

    /// A condition over columns of these sizes.
    fn condition(&mut self, scalar: &Scalar, kinds: &[Type], columns: &[Size]) {
        let Size { parts, texts } = size(scalar, kinds, columns);
        self.condition_parts = self.condition_parts.saturating_add(parts);
        self.texts = self.texts.saturating_add(texts);
    }

    /// Adds what a relation computes. The result says how large each of its columns is where a
    /// condition on it is moved below the relation.
    fn columns(&mut self, relation: &Relation) -> Vec<Size> {
        let width = relation.columns.len();
        match &relation.node {
            Node::Scan { .. } | Node::Derived { .. } => vec![COLUMN; width],
            Node::Path { owners, .. } => {
                self.columns(owners);
                vec![COLUMN; width]
            }
            Node::Filter { input, predicate } => {
                let columns = self.columns(input);
                self.condition(predicate, &input.kinds(), &columns);
                columns
            }
            Node::Project { input, columns } => self.projected(input, columns),
            Node::Join { kind, left, right, on, residual, .. } => {
                for (a, b) in on {
                    self.computed(a, &left.kinds());
                    self.computed(b, &right.kinds());
                }
                let mut columns = self.columns(left);
                columns.extend(self.columns(right));
                if let Some(residual) = residual {
                    let kinds = [left.kinds(), right.kinds()].concat();
                    self.condition(residual, &kinds, &columns);
                }
                match kind {
                    JoinKind::Inner | JoinKind::Left => {}
                    JoinKind::Semi | JoinKind::Anti | JoinKind::Mark => {
                        columns.truncate(left.columns.len());
                        columns.resize(width, COLUMN);
                    }
                }
                columns
            }
            Node::Union { inputs } => {
                // A condition on a union becomes one on each of its inputs.
                let all = inputs.iter().map(|input| self.columns(input));
                let together = |a: Vec<Size>, b: Vec<Size>| {
                    a.into_iter().zip(b).map(|(a, b)| a.plus(b)).collect()
                };
                // Without inputs it stands in for rows that were refused.
                all.reduce(together).unwrap_or_else(|| vec![COLUMN; width])
            }
            Node::PerUnit { input, keys, aggregates } => {
                let reads = aggregates.iter().flat_map(|aggregate| aggregate.reads());
                for scalar in reads {
                    self.computed(scalar, &input.kinds());
                }
                let mut columns = self.projected(input, keys);
                columns.resize(width, COLUMN);
                columns
            }
            Node::Window { input, calls } => {
                for scalar in calls.iter().flat_map(|call| call.reads()) {
                    self.computed(scalar, &input.kinds());
                }
                let mut columns = self.columns(input);
                columns.resize(width, COLUMN);
                columns
            }
        }
    }

    fn projected(&mut self, input: &Relation, exprs: &[Scalar]) -> Vec<Size> {
        let (columns, kinds) = (self.columns(input), input.kinds());
        exprs
            .iter()
            .map(|expr| {
                self.computed(expr, &kinds);
                size(expr, &kinds, &columns)
            })
            .collect()
    }
}

/// An expression with the columns' own expressions in place of their names.
fn size(scalar: &Scalar, kinds: &[Type], columns: &[Size]) -> Size {
    let own = match scalar {
        Scalar::Column(position) => return columns[*position],
        Scalar::Literal(_) => return COLUMN,
        Scalar::Case { .. } | Scalar::Call { .. } | Scalar::Cast { .. } => {
            Size { parts: 1, texts: usize::from(scalar.kind(kinds) == Type::Text) }
        }
        Scalar::InList { list, .. } => Size { parts: 1 + list.len(), texts: 0 },
        Scalar::Compare { .. }
        | Scalar::And(..)
        | Scalar::Or(..)
        | Scalar::Not(_)
        | Scalar::IsNull(_)
        | Scalar::Like { .. } => COLUMN,
    };
    let children = scalar.children().into_iter();
    children.fold(own, |sum, child| sum.plus(size(child, kinds, columns)))
}
