//! Finite sets need no rules: the expression itself is evaluated on every combination of inputs,
//! by the same physical expression that rows would meet.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::narrow::Facts;
use crate::execute;
use crate::plan::{Domain, FINITE_MAX, Scalar, Type, Value};

/// All evaluations for one question's expression together may compute so many values: it happens before
/// anything is paid for.
const WORK_MAX: usize = 1 << 22;

/// One evaluation may hold so many computed texts at a time, each of a few KiB.
const TEXTS_MAX: usize = 1 << 15;

/// What is left of the work that one expression may cause.
pub(super) struct Work(Cell<usize>);

impl Work {
    pub(super) fn new() -> Self {
        Self(Cell::new(WORK_MAX))
    }

    /// Takes the work of evaluating an expression of so many parts on so many rows; nothing where that
    /// would be too much.
    fn take(&self, rows: usize, parts: usize, texts: usize) -> Option<()> {
        if rows.saturating_mul(texts) > TEXTS_MAX {
            return None;
        }
        self.0.set(self.0.get().checked_sub(rows.saturating_mul(parts))?);
        Some(())
    }
}

/// The exact results of an expression all of whose columns are finite sets, if there are at most
/// so many combinations as a finite set may have values.
pub(super) fn evaluated(
    scalar: &Scalar,
    facts: &Facts<'_>,
    kinds: &[Type],
    work: &Work,
) -> Option<Domain> {
    let columns = scalar.columns();
    let domains: Vec<(&Domain, Type)> =
        columns.iter().map(|position| (facts.get(*position), kinds[*position])).collect();
    let rows = combinations(domains.iter().map(|(domain, _)| *domain))?;
    let text = |part: &&Scalar| is_computed_text(part, kinds);
    work.take(rows, scalar.size(), scalar.parts().filter(text).count())?;
    let places: BTreeMap<usize, usize> =
        columns.iter().enumerate().map(|(place, position)| (*position, place)).collect();
    results(&renumbered(scalar, &places), &domains, rows)
}

/// The same for one step of an expression, its operands being finite sets of their own.
pub(super) fn of_children(
    scalar: &Scalar,
    children: &[Domain],
    kinds: &[Type],
    work: &Work,
) -> Option<Domain> {
    let rows = combinations(children.iter())?;
    let mut place = 0;
    let step = scalar.with_children(|_| {
        place += 1;
        Scalar::Column(place - 1)
    });
    work.take(rows, 1 + children.len(), usize::from(is_computed_text(&step, kinds)))?;
    let domains: Vec<(&Domain, Type)> = children.iter().zip(kinds.iter().copied()).collect();
    results(&step, &domains, rows)
}

fn is_computed_text(part: &Scalar, kinds: &[Type]) -> bool {
    match part {
        Scalar::Case { .. } | Scalar::Call { .. } | Scalar::Cast { .. } => {
            part.kind(kinds) == Type::Text
        }
        Scalar::Column(_)
        | Scalar::Literal(_)
        | Scalar::Compare { .. }
        | Scalar::And(..)
        | Scalar::Or(..)
        | Scalar::Not(_)
        | Scalar::IsNull(_)
        | Scalar::InList { .. }
        | Scalar::Like { .. } => false,
    }
}

/// How many combinations of values there are; nothing where they are not few.
fn combinations<'a>(domains: impl Iterator<Item = &'a Domain>) -> Option<usize> {
    let mut rows = 1_usize;
    for domain in domains {
        let values = domain.count()? + usize::from(domain.nullable);
        rows = rows.checked_mul(values).filter(|rows| *rows <= FINITE_MAX)?;
    }
    Some(rows)
}

fn with_null(domain: &Domain, kind: Type) -> Option<Vec<Value>> {
    let mut values = domain.finite()?;
    if domain.nullable {
        values.push(Value::Null(kind));
    }
    Some(values)
}

fn renumbered(scalar: &Scalar, places: &BTreeMap<usize, usize>) -> Scalar {
    match scalar {
        Scalar::Column(position) => Scalar::Column(places[position]),
        other => other.with_children(|child| renumbered(child, places)),
    }
}

/// Evaluates over the product of the inputs, which has so many rows.
fn results(scalar: &Scalar, inputs: &[(&Domain, Type)], rows: usize) -> Option<Domain> {
    if rows == 0 {
        // No value can reach the expression.
        return Some(Domain::values([], false));
    }
    let mut repeat = rows;
    let mut columns = Vec::with_capacity(inputs.len());
    for (domain, kind) in inputs {
        let values = with_null(domain, *kind)?;
        repeat /= values.len();
        let column =
            (0..rows).map(|row| values[row / repeat % values.len()].clone()).collect::<Vec<_>>();
        columns.push((*kind, column));
    }
    let results = execute::evaluate(scalar, &columns, rows)?;
    Some(Domain::values(results, false))
}

#[cfg(test)]
mod tests {
    use voilage_kernels::scalar::Function;

    use super::*;
    use crate::ranges;

    /// `depth` times the text with one more character.
    fn lengthened(depth: usize) -> Scalar {
        let more = |text, _| {
            let end = Scalar::Literal(Value::Text("x".into()));
            Scalar::call(Function::Join, vec![text, end])
        };
        (0..depth).fold(Scalar::Column(0), more)
    }

    #[test]
    fn what_is_evaluated_before_a_charge_is_bounded() {
        let texts = |values: i64| {
            let texts = (0..values).map(|number| Value::Text(number.to_string()));
            [Domain::values(texts, false)]
        };
        let at_once = |depth, values| {
            let domains = texts(values);
            let facts = Facts::new(&domains);
            evaluated(&lengthened(depth), &facts, &[Type::Text], &Work::new()).is_some()
        };
        assert!(at_once(3, 4_096));
        // Forty texts for each of 4,096 combinations: one step at a time holds one of them.
        assert!(!at_once(40, 4_096));
        assert!(at_once(40, 100));
        let step_by_step = ranges::over(&lengthened(40), &texts(4_096), &[Type::Text]);
        assert_eq!(step_by_step.count(), Some(4_096));
        // No texts, and more than four million values.
        let long = (0..10).fold(Scalar::Column(0), |number, _| {
            Scalar::call(Function::Add, vec![number.clone(), number])
        });
        let days = |upper| Domain::integers(Some(1), Some(upper), false);
        assert_eq!(ranges::over(&long, &[days(100)], &[Type::Int64]).count(), Some(100));
        let work = Work::new();
        let many = [days(4_000)];
        assert!(evaluated(&long, &Facts::new(&many), &[Type::Int64], &work).is_none());
        assert!(evaluated(&Scalar::Column(0), &Facts::new(&many), &[Type::Int64], &work).is_some());
    }
}
