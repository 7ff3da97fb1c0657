//! Aggregates that keep the unit: features of each unit, one row per unit and tuple of keys.
//!
//! The rows of one unit become rows of the same unit, computed from that unit's rows alone, so the
//! result is owned. What may be computed is closed in [`UnitFunction`]; everything whose result
//! would depend on the order of rows is refused.

use datafusion::common::DFSchema;
use datafusion::logical_expr::expr::AggregateFunctionParams;
use datafusion::logical_expr::{Aggregate, Expr};
use voilage_kernels::Grid;

use super::aggregates::{grid, missing_bounds};
use super::relation::{facts_of, is_unit};
use super::{Refusals, Splitter, not_yet, one, together};
use crate::door::place_of;
use crate::error::{Place, Refusal, RefusalCode};
use crate::plan::{
    ColumnFacts, Domain, Moments, Node, Owner, Relation, Scalar, Type, UnitAggregate, UnitFunction,
    Value,
};
use crate::{functions, ranges};

/// Whether an aggregate keeps the unit: one of its keys is the bare unit column.
pub(super) fn keeps_unit(aggregate: &Aggregate, input: &Relation, schema: &DFSchema) -> bool {
    aggregate.group_expr.iter().any(|expr| is_bare_unit(expr, input, schema))
}

/// Whether an aggregate has several sets of keys and the unit is in some of them.
pub(super) fn may_drop_unit(aggregate: &Aggregate, input: &Relation, schema: &DFSchema) -> bool {
    aggregate.group_expr.iter().any(|expr| match expr {
        Expr::GroupingSet(sets) => {
            sets.distinct_expr().into_iter().any(|expr| is_bare_unit(expr, input, schema))
        }
        _ => false,
    })
}

fn is_bare_unit(expr: &Expr, input: &Relation, schema: &DFSchema) -> bool {
    functions::lower(expr, schema, input).is_ok_and(|scalar| is_unit(&scalar, input))
}

impl Splitter<'_> {
    pub(super) fn per_unit(
        &mut self,
        aggregate: &Aggregate,
        input: Relation,
        schema: &DFSchema,
    ) -> Result<Relation, Refusals> {
        let names: Vec<&String> =
            aggregate.schema.fields().iter().map(|field| field.name()).collect();
        let (key_names, names) = names.split_at(aggregate.group_expr.len());
        let keys = aggregate.group_expr.iter().zip(key_names).map(|(expr, name)| {
            let place =
                |refusal: Refusal| one(refusal.at(place_of(expr)).at(Place::In("GROUP BY")));
            let key = functions::lower(expr, schema, &input).map_err(place)?;
            let facts = facts_of(&key, name, &input);
            check_key(&facts).map_err(place)?;
            Ok((key, facts))
        });
        let keys: Vec<_> = keys.collect();
        let aggregates = aggregate.aggr_expr.iter().zip(names).map(|(expr, name)| {
            let (aggregate, domain) = lowered(expr, schema, &input)
                .map_err(|refusal| one(refusal.at(place_of(expr)).at(Place::In("SELECT"))))?;
            let facts = ColumnFacts {
                name: (*name).clone(),
                kind: aggregate.function.kind(aggregate.argument.as_ref(), &input.kinds()),
                domain,
                is_unit: false,
            };
            Ok((aggregate, facts))
        });
        let aggregates: Vec<_> = aggregates.collect();
        let (keys, aggregates) = super::both_of(together(keys), together(aggregates))?;
        let (keys, mut facts): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
        let (aggregates, more): (Vec<_>, Vec<_>) = aggregates.into_iter().unzip();
        facts.extend(more);
        Ok(per_unit_relation(input, keys, aggregates, facts))
    }

    /// DISTINCT rows of which one column is the unit: each unit's rows once.
    pub(super) fn distinct(&mut self, input: Relation) -> Result<Relation, Refusals> {
        let facts = input.columns.clone();
        for column in &facts {
            check_key(column).map_err(one)?;
        }
        let keys = (0..facts.len()).map(Scalar::Column).collect();
        Ok(per_unit_relation(input, keys, Vec::new(), facts))
    }
}

fn per_unit_relation(
    input: Relation,
    keys: Vec<Scalar>,
    aggregates: Vec<UnitAggregate>,
    columns: Vec<ColumnFacts>,
) -> Relation {
    let mut owner = input.owner.clone();
    if let Owner::Unit { max_groups, max_rows_per_group, .. } = &mut owner
        && keys.iter().all(|key| is_unit(key, &input))
    {
        // A unit has one row here, so larger bounds would cost accuracy for nothing.
        (*max_groups, *max_rows_per_group) = (1, 1);
    }
    let node = Node::PerUnit { input: Box::new(input), keys, aggregates };
    Relation { node, columns, owner }
}

fn check_key(facts: &ColumnFacts) -> Result<(), Refusal> {
    if facts.kind == Type::Float64 {
        return Err(Refusal::new(
            RefusalCode::Keys,
            format!("{} as a key beside the unit", facts.name),
            "equality of doubles is not a property of what they were computed from",
            "group by a comparison, such as cost > 100, or by an integer, text or date column",
        ));
    }
    Ok(())
}

fn lowered(
    expr: &Expr,
    schema: &DFSchema,
    input: &Relation,
) -> Result<(UnitAggregate, Domain), Refusal> {
    match expr {
        Expr::Alias(alias) => lowered(&alias.expr, schema, input),
        Expr::AggregateFunction(function) => {
            let call = Call { name: function.func.name(), shown: expr, schema, input };
            let AggregateFunctionParams { args, distinct, filter, order_by, null_treatment } =
                &function.params;
            if !order_by.is_empty() || null_treatment.is_some() {
                return Err(call.refuse("it depends on the order in which rows arrive"));
            }
            call.aggregate(args, *distinct, filter.as_deref())
        }
        other => Err(not_yet(&other.to_string(), "it is no aggregate", FUNCTIONS)),
    }
}

const FUNCTIONS: &str = "use COUNT, COUNT(DISTINCT x), SUM, AVG, MIN, MAX, BOOL_AND, BOOL_OR, \
                         VAR_SAMP, VAR_POP, STDDEV_SAMP or STDDEV_POP";

/// A call of an aggregate function over rows of one unit.
pub(super) struct Call<'a> {
    pub(super) name: &'a str,
    pub(super) shown: &'a Expr,
    pub(super) schema: &'a DFSchema,
    pub(super) input: &'a Relation,
}

impl Call<'_> {
    pub(super) fn aggregate(
        &self,
        args: &[Expr],
        distinct: bool,
        filter: Option<&Expr>,
    ) -> Result<(UnitAggregate, Domain), Refusal> {
        let [argument] = args else { return Err(self.refuse("it needs exactly one argument")) };
        let argument = exact(functions::lower(argument, self.schema, self.input)?, self.input);
        let filter =
            filter.map(|filter| functions::lower(filter, self.schema, self.input)).transpose()?;
        let kind = argument.kind(&self.input.kinds());
        let domain = ranges::of(&argument, self.input);
        let nullable = domain.nullable || filter.is_some();
        let function = self.function(kind, &domain, distinct)?;
        let result = result_domain(&function, kind, domain, nullable);
        let counts_rows = function == UnitFunction::Count && !nullable;
        let argument = (!counts_rows || filter.is_some()).then_some(argument);
        Ok((UnitAggregate { function, argument, filter }, result))
    }

    fn function(
        &self,
        kind: Type,
        domain: &Domain,
        distinct: bool,
    ) -> Result<UnitFunction, Refusal> {
        let sample = !matches!(self.name, "var_pop" | "stddev_pop");
        match (self.name, distinct) {
            ("count", false) => Ok(UnitFunction::Count),
            ("count", true) => Ok(UnitFunction::CountDistinct),
            ("min", _) => Ok(UnitFunction::Min),
            ("max", _) => Ok(UnitFunction::Max),
            ("bool_and", false) if kind == Type::Bool => Ok(UnitFunction::All),
            ("bool_or", false) if kind == Type::Bool => Ok(UnitFunction::Any),
            ("sum" | "avg", false) if kind == Type::Int64 => Ok(match self.name {
                "sum" => UnitFunction::Moments(Moments::Sum(None)),
                _ => UnitFunction::Moments(Moments::Mean(None)),
            }),
            ("sum" | "avg" | "var" | "var_pop" | "stddev" | "stddev_pop", false) => {
                let grid = self.grid(kind, domain)?;
                let root = self.name.starts_with("stddev");
                Ok(UnitFunction::Moments(match self.name {
                    "sum" => Moments::Sum(Some(grid)),
                    "avg" => Moments::Mean(Some(grid)),
                    _ => Moments::Spread { grid, sample, root },
                }))
            }
            (_, true) => Err(self.refuse("DISTINCT is supported in COUNT only")),
            (_, false) => {
                Err(self.refuse("it may depend on the order of rows, or is not known to be safe"))
            }
        }
    }

    /// Doubles are added on a grid, so that no order of addition can matter.
    fn grid(&self, kind: Type, domain: &Domain) -> Result<Grid, Refusal> {
        let shown = self.shown.schema_name().to_string();
        let refuse = |error: voilage_kernels::KernelError| {
            Refusal::new(
                RefusalCode::MissingBounds,
                &shown,
                error.to_string(),
                "declare narrower bounds for the column in the hub file",
            )
        };
        match ranges::interval(domain, kind) {
            Some((lower, upper)) => grid(lower, upper, kind).map_err(refuse),
            None => Err(missing_bounds(&shown, &self.argument_shown(), kind, self.input)),
        }
    }

    fn argument_shown(&self) -> Scalar {
        let argument = match self.shown {
            Expr::AggregateFunction(function) => function.params.args.first(),
            Expr::WindowFunction(function) => function.params.args.first(),
            _ => None,
        };
        let lowered =
            argument.and_then(|expr| functions::lower(expr, self.schema, self.input).ok());
        lowered
            .map_or(Scalar::Literal(Value::Null(Type::Float64)), |scalar| exact(scalar, self.input))
    }

    pub(super) fn refuse(&self, why: &str) -> Refusal {
        Refusal::new(
            RefusalCode::OwnedOperation,
            format!("{} of each unit", self.shown.schema_name()),
            why,
            FUNCTIONS,
        )
    }
}

/// An integer that the planner has cast to a double, as the integer.
fn exact(scalar: Scalar, input: &Relation) -> Scalar {
    match scalar {
        Scalar::Cast { value, to: Type::Float64 } if value.kind(&input.kinds()) == Type::Int64 => {
            *value
        }
        other => other,
    }
}

impl UnitFunction {
    /// The type of the result.
    pub(crate) fn kind(&self, argument: Option<&Scalar>, columns: &[Type]) -> Type {
        let of_argument = argument.map_or(Type::Int64, |argument| argument.kind(columns));
        match self {
            Self::Count | Self::CountDistinct | Self::Moments(Moments::Sum(None)) => Type::Int64,
            Self::Moments(_) => Type::Float64,
            Self::Min | Self::Max => of_argument,
            Self::All | Self::Any => Type::Bool,
        }
    }
}

/// What a result can be. Sums of a unit have no limit that holds for every unit.
fn result_domain(function: &UnitFunction, kind: Type, argument: Domain, nullable: bool) -> Domain {
    match function {
        UnitFunction::Count | UnitFunction::CountDistinct => Domain::integers(Some(0), None, false),
        UnitFunction::Moments(Moments::Sum(_)) => Domain { nullable, ..Domain::unknown() },
        UnitFunction::Moments(Moments::Mean(_)) => match ranges::interval(&argument, kind) {
            Some((lower, upper)) => Domain::floats(lower, upper, nullable),
            None => Domain { nullable, ..Domain::unknown() },
        },
        // The largest population variance has half of the values at each end; of a sample of two
        // it is twice that. A sample of one has none.
        UnitFunction::Moments(Moments::Spread { grid, sample, root }) => {
            let half = (grid.upper() - grid.lower()) / 2.0;
            let variance = half * half * if *sample { 2.0 } else { 1.0 };
            let upper = if *root { variance.sqrt() } else { variance };
            Domain::floats(0.0, upper, nullable || *sample)
        }
        UnitFunction::Min | UnitFunction::Max | UnitFunction::All | UnitFunction::Any => {
            Domain { nullable, ..argument }
        }
    }
}
