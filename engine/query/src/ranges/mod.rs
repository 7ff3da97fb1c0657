//! Which values an expression can take, from what the catalogue declares.
//!
//! `mod` walks expressions; `rules` has one rule per entry of the allow-list, over the exact ends of
//! `span`; `narrow` learns from conditions; `finite` evaluates the expression itself where its inputs
//! are finite sets.
//!
//! Nothing here is trusted with privacy: bounds are enforced by the scan and again by the kernel,
//! and rows outside a public domain are dropped before bounding. A wrong inference would cost
//! accuracy only.
//!
//! Never imported here: DataFusion's intervals, which take no notice of overflow or NaN.

mod finite;
mod narrow;
mod rules;
mod span;

use crate::catalogue::Declared;
use crate::functions;
use crate::plan::{Comparison, Domain, Possible, Relation, Scalar, Type, Value};
use finite::Work;
use narrow::{Facts, Outcome, assume};

/// The domain that a declaration enforces.
pub(crate) fn declared(declared: &Declared) -> Domain {
    match declared {
        Declared::Nothing => Domain::unknown(),
        Declared::Bounds { lower, upper } => {
            Domain::between(Some(lower.clone()), Some(upper.clone()), true)
        }
        Declared::Values(values) => Domain::values(values.iter().cloned(), true),
    }
}

/// The domain of an expression over the columns of `relation`.
pub(crate) fn of(scalar: &Scalar, relation: &Relation) -> Domain {
    let domains: Vec<Domain> =
        relation.columns.iter().map(|column| column.domain.clone()).collect();
    over(scalar, &domains, &relation.kinds())
}

/// The domain of an expression over columns of these domains and types.
pub(crate) fn over(scalar: &Scalar, domains: &[Domain], kinds: &[Type]) -> Domain {
    Walk { kinds, work: Work::new() }.domain(scalar, &Facts::new(domains))
}

/// Narrows the columns' domains to rows for which `predicate` is true.
pub(crate) fn narrow(relation: &mut Relation, predicate: &Scalar) {
    let domains: Vec<Domain> =
        relation.columns.iter().map(|column| column.domain.clone()).collect();
    let mut facts = Facts::new(&domains);
    assume(&mut facts, predicate, Outcome::True);
    let narrowed = facts.into_narrowed();
    for (position, domain) in narrowed {
        relation.columns[position].domain = domain;
    }
}

/// The smallest interval of numbers that holds the domain; none without limits on both sides.
pub(crate) fn interval(domain: &Domain, kind: Type) -> Option<(f64, f64)> {
    if !kind.is_number() {
        return None;
    }
    if let Possible::Values(values) = &domain.possible
        && values.len() == 1
    {
        return around(values[0].as_number()?);
    }
    let (lower, upper) = domain.ends();
    // Integers beyond 2^53 are rounded outwards.
    let lower = match lower? {
        Value::Int(integer) => rounded(integer, false),
        other => other.as_number()?,
    };
    let upper = match upper? {
        Value::Int(integer) => rounded(integer, true),
        other => other.as_number()?,
    };
    (lower < upper).then_some((lower, upper))
}

/// Bounds around a single value, from zero, so that its sum has a scale.
fn around(value: f64) -> Option<(f64, f64)> {
    if value > 0.0 {
        Some((0.0, value))
    } else if value < 0.0 {
        Some((value, 0.0))
    } else {
        Some((0.0, 1.0))
    }
}

fn rounded(integer: i64, up: bool) -> f64 {
    let float = integer as f64;
    let exact = float as i128;
    if up && exact < i128::from(integer) {
        float.next_up()
    } else if !up && exact > i128::from(integer) {
        float.next_down()
    } else {
        float
    }
}

struct Walk<'a> {
    kinds: &'a [Type],
    work: Work,
}

impl Walk<'_> {
    fn domain(&self, scalar: &Scalar, facts: &Facts<'_>) -> Domain {
        match scalar {
            Scalar::Column(position) => return facts.get(*position).clone(),
            Scalar::Literal(value) => return Domain::values([value.clone()], false),
            _ => {}
        }
        if let Some(domain) = finite::evaluated(scalar, facts, self.kinds, &self.work) {
            return domain;
        }
        let children: Vec<Domain> = match scalar {
            Scalar::Case { branches, otherwise } => return self.case(branches, otherwise, facts),
            other => other.children().into_iter().map(|child| self.domain(child, facts)).collect(),
        };
        let kinds: Vec<Type> =
            scalar.children().into_iter().map(|child| child.kind(self.kinds)).collect();
        // Truth values have nothing to gain from it.
        if let Scalar::Call { .. } | Scalar::Cast { .. } = scalar
            && let Some(domain) = finite::of_children(scalar, &children, &kinds, &self.work)
        {
            return domain;
        }
        let nullable = children.iter().any(|child| child.nullable);
        match scalar {
            Scalar::Compare { op: Comparison::Distinct | Comparison::NotDistinct, .. }
            | Scalar::IsNull(_) => Domain::truth(false),
            Scalar::Compare { .. }
            | Scalar::And(..)
            | Scalar::Or(..)
            | Scalar::Not(_)
            | Scalar::InList { .. }
            | Scalar::Like { .. } => Domain::truth(nullable),
            Scalar::Cast { to, .. } => rules::cast(&children[0], kinds[0], *to),
            Scalar::Call { function, .. } => {
                let gives = functions::result(*function, &kinds);
                rules::apply(*function, &children, &kinds, gives)
            }
            // Answered above.
            Scalar::Column(_) | Scalar::Literal(_) | Scalar::Case { .. } => Domain::unknown(),
        }
    }

    /// All branches together, each where its condition is the first that is true.
    fn case(&self, branches: &[(Scalar, Scalar)], otherwise: &Scalar, facts: &Facts<'_>) -> Domain {
        let mut open = facts.clone();
        let mut joined: Option<Domain> = None;
        let mut join = |domain: Domain| {
            joined = Some(match joined.take() {
                None => domain,
                Some(known) => known.or(domain),
            });
        };
        for (condition, value) in branches {
            let mut taken = open.clone();
            if assume(&mut taken, condition, Outcome::True) {
                join(self.domain(value, &taken));
            }
            if !assume(&mut open, condition, Outcome::NotTrue) {
                return joined.unwrap_or_else(Domain::unknown);
            }
        }
        join(self.domain(otherwise, &open));
        joined.unwrap_or_else(Domain::unknown)
    }
}
