//! From an aggregate over owned rows to a boundary that only lacks its price.

use datafusion::common::DFSchema;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Aggregate, Expr};
use serde::Serialize;
use voilage_kernels::Grid;

use super::Splitter;
use super::relation::facts_of;
use crate::door::place_of;
use crate::error::{Place, Refusal, RefusalCode};
use crate::plan::{
    ColumnFacts, MeasuredValue, NoisyMeasure, OutputColumn, Owner, Relation, Scalar, Type, Value,
};
use crate::{functions, ranges};

/// The product of finite key domains may have so many tuples.
const PUBLIC_CELLS_MAX: usize = 100_000;

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
    #[serde(skip)]
    pub(crate) output_names: Vec<String>,
}

impl Draft {
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
}

impl Draft {
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
        Ok(Draft {
            input,
            keys,
            key_facts,
            domain,
            max_groups,
            max_rows_per_group,
            values,
            noisy,
            outputs,
            output_names: output_names(aggregate),
        })
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

/// Collects the noisy columns of one boundary, each once.
struct Columns<'a> {
    input: &'a Relation,
    max_rows_per_group: u32,
    values: Vec<MeasuredValue>,
    noisy: Vec<DraftColumn>,
    outputs: Vec<OutputColumn>,
}

impl<'a> Columns<'a> {
    fn new(input: &'a Relation, max_rows_per_group: u32) -> Self {
        Self {
            input,
            max_rows_per_group,
            values: Vec::new(),
            noisy: Vec::new(),
            outputs: Vec::new(),
        }
    }

    fn aggregate(&mut self, expr: &Expr, schema: &DFSchema) -> Result<(), Refusal> {
        let function = match expr {
            Expr::Alias(alias) => return self.aggregate(&alias.expr, schema),
            Expr::AggregateFunction(function) => function,
            other => return Err(unsupported(&other.to_string(), "it is no aggregate")),
        };
        let name = expr.schema_name().to_string();
        let argument = self.argument(function, &name, schema)?;
        let output = match (function.func.name(), function.params.distinct) {
            ("count", false) => OutputColumn::Count { noisy: self.rows(&argument) },
            ("count", true) => self.count_distinct(&argument, &name)?,
            ("sum", false) => self.sum(argument, &name)?,
            ("avg", false) => self.mean(argument, &name)?,
            (other, distinct) => {
                let distinct = if distinct { "DISTINCT " } else { "" };
                return Err(unsupported(
                    &name,
                    &format!("{other}({distinct}..) has no private mechanism here yet"),
                ));
            }
        };
        self.outputs.push(output);
        Ok(())
    }

    fn argument(
        &self,
        function: &AggregateFunction,
        name: &str,
        schema: &DFSchema,
    ) -> Result<Scalar, Refusal> {
        let params = &function.params;
        if params.filter.is_some() || !params.order_by.is_empty() || params.null_treatment.is_some()
        {
            return Err(unsupported(name, "FILTER, ORDER BY and NULL treatment are not supported"));
        }
        let [argument] = params.args.as_slice() else {
            return Err(unsupported(name, "it needs exactly one argument"));
        };
        let scalar = functions::lower(argument, schema, self.input)?;
        // The kernel reads integers exactly, so the planner's cast to double is not needed.
        Ok(match scalar {
            Scalar::Cast { value, to: Type::Float64 }
                if value.kind(&self.input.kinds()) == Type::Int64 =>
            {
                *value
            }
            other => other,
        })
    }

    fn count_distinct(&mut self, argument: &Scalar, name: &str) -> Result<OutputColumn, Refusal> {
        match argument {
            Scalar::Column(position) if self.input.columns[*position].is_unit => {
                Ok(OutputColumn::Count { noisy: self.units() })
            }
            _ => Err(unsupported(
                name,
                "COUNT(DISTINCT ..) is supported for the unit column only; a column redefined by \
                 an expression is not the unit",
            )),
        }
    }

    fn sum(&mut self, argument: Scalar, name: &str) -> Result<OutputColumn, Refusal> {
        let integer = argument.kind(&self.input.kinds()) == Type::Int64;
        let (value, grid) = self.gridded(argument, name)?;
        let measure = NoisyMeasure::Sum { value };
        let per_group = self.rows_times(grid.max_abs_steps());
        Ok(OutputColumn::Sum { noisy: self.column(measure, per_group), integer })
    }

    fn mean(&mut self, argument: Scalar, name: &str) -> Result<OutputColumn, Refusal> {
        let (value, grid) = self.gridded(argument.clone(), name)?;
        let measure = NoisyMeasure::Deviations { value };
        let per_group = self.rows_times(grid.max_deviation_steps());
        let deviations = self.column(measure, per_group);
        Ok(OutputColumn::Mean { deviations, count: self.rows(&argument) })
    }

    /// The noisy count of distinct units; shared by everything that needs it.
    fn units(&mut self) -> usize {
        self.column(NoisyMeasure::Units, 1)
    }

    /// The noisy count of rows in which `argument` is not NULL.
    fn rows(&mut self, argument: &Scalar) -> usize {
        let present_in =
            ranges::of(argument, self.input).nullable.then(|| self.value(argument.clone()));
        self.column(NoisyMeasure::Rows { present_in }, self.rows_times(1))
    }

    fn rows_times(&self, steps: u64) -> u128 {
        u128::from(self.max_rows_per_group) * u128::from(steps)
    }

    fn value(&mut self, scalar: Scalar) -> usize {
        match self.values.iter().position(|known| known.value == scalar) {
            Some(position) => position,
            None => {
                self.values.push(MeasuredValue { value: scalar, grid: None });
                self.values.len() - 1
            }
        }
    }

    fn gridded(&mut self, scalar: Scalar, name: &str) -> Result<(usize, Grid), Refusal> {
        let kind = scalar.kind(&self.input.kinds());
        let domain = ranges::of(&scalar, self.input);
        let Some((lower, upper)) = ranges::interval(&domain, kind) else {
            return Err(missing_bounds(name, &scalar, kind, self.input));
        };
        let grid = grid(lower, upper, kind).map_err(|error| {
            Refusal::new(
                RefusalCode::MissingBounds,
                name,
                error.to_string(),
                "declare narrower bounds for the column in the hub file",
            )
        })?;
        let position = self.value(scalar);
        self.values[position].grid = Some(grid);
        Ok((position, grid))
    }

    fn column(&mut self, measure: NoisyMeasure, per_group: u128) -> usize {
        match self.noisy.iter().position(|known| known.measure == measure) {
            Some(position) => position,
            None => {
                self.noisy.push(DraftColumn { measure, per_group });
                self.noisy.len() - 1
            }
        }
    }
}

/// Integers keep a step of one where the bounds allow it, so that their sums stay integers.
pub(super) fn grid(
    lower: f64,
    upper: f64,
    kind: Type,
) -> Result<Grid, voilage_kernels::KernelError> {
    let grid = Grid::for_bounds(lower, upper)?;
    let widest_with_unit_step = 2_f64.powi(40);
    if kind == Type::Int64
        && (grid.step_log2() < 0 || lower.abs().max(upper.abs()) <= widest_with_unit_step)
    {
        return Grid::with_step(lower, upper, 0);
    }
    Ok(grid)
}

pub(super) fn missing_bounds(name: &str, scalar: &Scalar, kind: Type, input: &Relation) -> Refusal {
    if !kind.is_number() {
        return unsupported(name, "only numbers can be summed");
    }
    if let Scalar::Column(position) = scalar {
        let column = &input.columns[*position].name;
        return Refusal::new(
            RefusalCode::MissingBounds,
            name,
            format!("{column} has no declared bounds, so one person's share has no limit"),
            format!(
                "write clamp({column}, 0, 1000), or the data holder declares bounds in the hub \
                 file: {column} = {{ type = \"{}\", bounds = [\"0\", \"1000\"] }}",
                kind.name()
            ),
        );
    }
    Refusal::new(
        RefusalCode::MissingBounds,
        name,
        format!(
            "what it reads can be {}, so one person's share has no limit",
            ranges::of(scalar, input)
        ),
        "bring it between two numbers, as in SUM(clamp(cost * 2, 0, 1000))",
    )
}

fn unsupported(name: &str, why: &str) -> Refusal {
    Refusal::new(
        RefusalCode::Aggregate,
        name,
        why,
        "use COUNT(*), COUNT(x), COUNT(DISTINCT unit), SUM(x) or AVG(x)",
    )
}
