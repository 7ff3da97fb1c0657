//! From an aggregate over owned rows to a boundary that only lacks its price.

use datafusion::common::DFSchema;
use datafusion::logical_expr::Aggregate;
use serde::Serialize;
use voilage_privacy::sensitivity::{Sensitivity, SensitivityTerms};
use voilage_privacy::{PrivacyError, Rational};

use super::Splitter;
use super::aggregates::Columns;
use super::limits;
use super::relation::facts_of;
use crate::door::place_of;
use crate::error::{Place, Refusal, RefusalCode};
use crate::functions;
use crate::plan::{
    Boundary, ColumnFacts, KeyDomain, MeasuredValue, NoisyColumn, NoisyMeasure, OutputColumn,
    Owner, Relation, Scalar, SmallestGroup, Type, Value,
};

/// The product of finite key domains may have so many tuples.
pub(crate) const PUBLIC_CELLS_MAX: usize = 100_000;

/// A boundary without noise: what is measured, and what one unit can change.
///
/// Serialised, it is all that decides what is drawn.
#[derive(Serialize)]
pub(crate) struct Draft {
    pub(crate) input: Relation,
    pub(crate) keys: Vec<Scalar>,
    #[serde(skip)]
    pub(crate) key_facts: Vec<ColumnFacts>,
    pub(crate) domain: DraftKeys,
    pub(crate) max_groups: u32,
    pub(crate) max_rows_per_group: u32,
    pub(crate) values: Vec<MeasuredValue>,
    pub(crate) noisy: Vec<DraftColumn>,
    pub(crate) outputs: Vec<OutputColumn>,
    pub(crate) smallest: Option<SmallestGroup>,
    /// How much of the loss each noisy column gets beside the others; where there are none, the same.
    #[serde(skip)]
    pub(crate) weights: Vec<Rational>,
    #[serde(skip)]
    pub(crate) output_names: Vec<String>,
}

impl Draft {
    /// Whether each key has a finite list of values, but there would be too many groups.
    pub(crate) fn has_too_many_groups(&self) -> bool {
        self.is_learned() && self.key_facts.iter().all(|facts| facts.domain.finite().is_some())
    }

    /// Whether the keys are selected from the data.
    pub(crate) fn is_learned(&self) -> bool {
        match self.domain {
            DraftKeys::Public(_) => false,
            DraftKeys::Learned { .. } => true,
        }
    }
}

/// Which keys are released.
#[derive(Serialize)]
pub(crate) enum DraftKeys {
    /// Known beforehand: the values of each key, in output order.
    Public(Vec<Vec<Value>>),
    /// Selected by this noisy count of units.
    Learned {
        /// The position of the count among the noisy columns.
        selector: usize,
    },
}

/// A noisy column and the most that one unit can change it in one group, in integers.
#[derive(Serialize)]
pub(crate) struct DraftColumn {
    pub(crate) measure: NoisyMeasure,
    pub(crate) per_group: u128,
    /// So many columns together cost as much as one other column.
    pub(crate) parts: u32,
}

impl DraftColumn {
    /// How much of one column's loss this one gets.
    fn share(&self) -> Rational {
        Rational::ONE / Rational::from(self.parts.max(1))
    }
}

impl Draft {
    /// The keys, if all of them are known beforehand.
    pub(crate) fn public_domain(&self) -> Option<KeyDomain> {
        match &self.domain {
            DraftKeys::Public(values) => Some(KeyDomain::Public(values.clone())),
            DraftKeys::Learned { .. } => None,
        }
    }

    /// What one unit can change in a column.
    pub(crate) fn sensitivity(&self, column: &DraftColumn) -> Result<Sensitivity, PrivacyError> {
        let (max_groups, per_group) = (self.max_groups, column.per_group);
        Sensitivity::new(SensitivityTerms { max_groups, per_group })
    }

    /// The boundary with the noise of its columns, and the keys that are released.
    pub(crate) fn into_boundary(self, noisy: Vec<NoisyColumn>, domain: KeyDomain) -> Boundary {
        Boundary {
            keys: self.keys,
            key_kinds: self.key_facts.iter().map(|facts| facts.kind).collect(),
            key_names: self.key_facts.into_iter().map(|facts| facts.name).collect(),
            input: self.input,
            domain,
            max_groups: self.max_groups,
            max_rows_per_group: self.max_rows_per_group,
            values: self.values,
            noisy,
            outputs: self.outputs,
            smallest: self.smallest,
            seen: None,
            cut: None,
            output_names: self.output_names,
        }
    }

    /// How much of the loss the noisy column at a position gets beside the others.
    pub(crate) fn share(&self, position: usize) -> Rational {
        let weight = self.weights.get(position).cloned().unwrap_or(Rational::ONE);
        weight * self.noisy[position].share()
    }

    /// Whether both are the same boundary, so that one draw answers both.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        match (serde_json::to_string(self), serde_json::to_string(other)) {
            (Ok(terms), Ok(others)) => terms == others,
            _ => false,
        }
    }
}

impl Splitter<'_> {
    /// Lowers an aggregate over owned rows, whose names are those of `schema`; all its refusals
    /// come together.
    pub(super) fn draft(
        &self,
        aggregate: &Aggregate,
        input: Relation,
        schema: &DFSchema,
    ) -> Result<Draft, Vec<Refusal>> {
        let mut refusals = Vec::new();
        let mut keys = Vec::new();
        let mut key_facts = Vec::new();
        for (expr, field) in aggregate.group_expr.iter().zip(aggregate.schema.fields()) {
            match functions::lower(expr, schema, &input)
                .and_then(|key| checked_key(key, field.name(), &input))
                .map_err(|refusal| refusal.at(place_of(expr)).at(Place::In("GROUP BY")))
            {
                Ok((key, facts)) => {
                    keys.push(key);
                    key_facts.push(facts);
                }
                Err(refusal) => refusals.push(refusal),
            }
        }
        let (max_groups, max_rows_per_group) = match &input.owner {
            Owner::Unit { max_groups, max_rows_per_group, .. } => {
                (*max_groups, *max_rows_per_group)
            }
            Owner::Public => (1, 1),
        };
        // The policy's ceilings are checked before anything is priced.
        let max_groups = self.options.max_groups.unwrap_or(max_groups);
        let max_rows_per_group = self.options.max_rows_per_group.unwrap_or(max_rows_per_group);
        let mut columns = Columns::new(&input, max_rows_per_group);
        for expr in &aggregate.aggr_expr {
            if let Err(refusal) = columns.aggregate(expr, schema) {
                refusals.push(refusal.at(place_of(expr)).at(Place::In("SELECT")));
            }
        }
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let public = public_keys(&key_facts);
        let (domain, max_groups) = match public {
            Some(values) => {
                // A unit cannot reach more groups than there are.
                let cells: usize = values.iter().map(Vec::len).product();
                let groups = u32::try_from(cells).unwrap_or(u32::MAX).max(1);
                (DraftKeys::Public(values), max_groups.min(groups))
            }
            None => (DraftKeys::Learned { selector: columns.units() }, max_groups),
        };
        let smallest =
            self.options.min_units.map(|units| SmallestGroup { units, counted: columns.units() });
        let Columns { values, noisy, outputs, .. } = columns;
        if noisy.is_empty() {
            return Err(vec![Refusal::new(
                RefusalCode::Aggregate,
                "GROUP BY without an aggregate",
                "the keys are declared, so nothing would be measured or paid for, and yet rows \
                 would be read",
                "add COUNT(DISTINCT unit), or read the keys from the catalogue",
            )]);
        }
        let draft = Draft {
            input,
            keys,
            key_facts,
            domain,
            max_groups,
            max_rows_per_group,
            values,
            noisy,
            outputs,
            smallest,
            weights: Vec::new(),
            output_names: output_names(aggregate),
        };
        limits::check(&draft, aggregate).map_err(|refusal| vec![refusal])?;
        Ok(draft)
    }
}

/// The names of the aggregates as the query gives them.
fn output_names(aggregate: &Aggregate) -> Vec<String> {
    let keys = aggregate.group_expr.len();
    aggregate.schema.fields().iter().skip(keys).map(|field| field.name().clone()).collect()
}

fn checked_key(
    key: Scalar,
    name: &str,
    input: &Relation,
) -> Result<(Scalar, ColumnFacts), Refusal> {
    let facts = facts_of(&key, name, input);
    if facts.is_unit {
        return Err(Refusal::new(
            RefusalCode::Keys,
            format!("GROUP BY {}", facts.name),
            "one row per unit would be released",
            "group by something that many units share",
        ));
    }
    if facts.kind == Type::Float64 {
        return Err(Refusal::new(
            RefusalCode::Keys,
            format!("GROUP BY {}", facts.name),
            "doubles make keys that nearly nobody shares",
            "group by a comparison, such as cost > 100, or by an integer or text column",
        ));
    }
    Ok((key, facts))
}

/// The values of each key in output order, if all are finite and their product is small enough.
fn public_keys(facts: &[ColumnFacts]) -> Option<Vec<Vec<Value>>> {
    let mut cells = 1_usize;
    let mut all = Vec::with_capacity(facts.len());
    for key in facts {
        let mut values = key.domain.finite()?;
        if key.domain.nullable {
            values.push(Value::Null(key.kind));
        }
        cells = cells.checked_mul(values.len())?;
        all.push(values);
    }
    (cells <= PUBLIC_CELLS_MAX).then_some(all)
}
