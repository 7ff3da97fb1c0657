//! From the aggregates of a boundary to noisy columns, each measured once however often it is used.

use datafusion::common::DFSchema;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::AggregateFunction;
use voilage_kernels::Grid;
use voilage_privacy::mechanism::{Leaves, Quantile};

use super::boundary::DraftColumn;
use crate::error::{Refusal, RefusalCode};
use crate::plan::{
    MeasuredValue, NoisyMeasure, OutputColumn, Relation, Scalar, Spread, Squares, Type, Value,
};
use crate::remedy::Remedy;
use crate::{functions, ranges};

/// Collects the noisy columns of one boundary.
pub(super) struct Columns<'a> {
    input: &'a Relation,
    max_rows_per_group: u32,
    pub(super) values: Vec<MeasuredValue>,
    pub(super) noisy: Vec<DraftColumn>,
    pub(super) outputs: Vec<OutputColumn>,
}

/// What an aggregate reads: a value, in the rows for which its FILTER is true.
///
/// Two counts are one column only if their whole readings are equal: a count over other rows than
/// a mean's sum would make the mean wrong, and a NULL in one argument is no NULL in another.
struct Reading {
    value: Scalar,
    present_if: Option<Scalar>,
}

impl<'a> Columns<'a> {
    pub(super) fn new(input: &'a Relation, max_rows_per_group: u32) -> Self {
        Self {
            input,
            max_rows_per_group,
            values: Vec::new(),
            noisy: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Adds one aggregate of the query.
    pub(super) fn aggregate(&mut self, expr: &Expr, schema: &DFSchema) -> Result<(), Refusal> {
        let function = match expr {
            Expr::Alias(alias) => return self.aggregate(&alias.expr, schema),
            Expr::AggregateFunction(function) => function,
            other => return Err(unsupported(&other.to_string(), "it is no aggregate")),
        };
        let name = expr.schema_name().to_string();
        let reading = self.reading(function, &name, schema)?;
        let output = match (function.func.name(), function.params.distinct) {
            ("count", false) => OutputColumn::Count { noisy: self.rows(reading) },
            ("count", true) => self.count_distinct(reading),
            ("sum", false) => self.sum(reading, &name)?,
            ("avg", false) => self.mean(reading, &name)?,
            ("var", false) => self.spread(reading, &name, Spread::Variance { sample: true })?,
            ("var_pop", false) => {
                self.spread(reading, &name, Spread::Variance { sample: false })?
            }
            ("stddev", false) => self.spread(reading, &name, Spread::Deviation { sample: true })?,
            ("stddev_pop", false) => {
                self.spread(reading, &name, Spread::Deviation { sample: false })?
            }
            ("median" | "approx_median", false) => {
                self.quantile(reading, &name, Quantile::MEDIAN)?
            }
            ("percentile_cont" | "approx_percentile_cont", false) => {
                let quantile = share(function, &name)?;
                self.quantile(reading, &name, quantile)?
            }
            ("min", _) => self.quantile(reading, &name, EXTREMES.0)?,
            ("max", _) => self.quantile(reading, &name, EXTREMES.1)?,
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

    fn reading(
        &self,
        function: &AggregateFunction,
        name: &str,
        schema: &DFSchema,
    ) -> Result<Reading, Refusal> {
        let params = &function.params;
        // WITHIN GROUP (ORDER BY x) is how a quantile names its value; the planner puts x first.
        let is_percentile = function.func.name().contains("percentile_cont");
        let ordered = params.order_by.iter().any(|order| !is_percentile || !order.asc);
        if ordered || params.null_treatment.is_some() {
            return Err(unsupported(
                name,
                "ORDER BY (but for a percentile, ascending) and NULL treatment are not supported",
            ));
        }
        let present_if = params
            .filter
            .as_ref()
            .map(|filter| functions::lower(filter, schema, self.input))
            .transpose()?;
        let argument = match params.args.as_slice() {
            [argument] => argument,
            [argument, _share] if is_percentile => argument,
            [_, _, ..] if params.distinct => return Err(several_columns(name)),
            _ => return Err(unsupported(name, "it needs exactly one argument")),
        };
        // The kernel reads integers exactly, so the planner's cast to double is not needed.
        let value = match functions::lower(argument, schema, self.input)? {
            Scalar::Cast { value, to: Type::Float64 }
                if value.kind(&self.input.kinds()) == Type::Int64 =>
            {
                *value
            }
            other => other,
        };
        Ok(Reading { value, present_if })
    }

    fn count_distinct(&mut self, reading: Reading) -> OutputColumn {
        match &reading.value {
            Scalar::Column(position) if self.input.columns[*position].is_unit => {
                // A unit is there in every row, so the filter alone decides.
                let present_in = reading
                    .present_if
                    .map(|filter| self.value(Scalar::Literal(Value::Bool(true)), Some(filter)));
                let noisy = self.column(NoisyMeasure::Units { present_in }, 1);
                OutputColumn::Count { noisy }
            }
            // A unit brings at most as many distinct values to a group as it may bring rows.
            _ => {
                let measured =
                    MeasuredValue { distinct: true, ..measured(reading.value, reading.present_if) };
                let value = self.measured(measured);
                let per_group = self.rows_times(1);
                let noisy = self.column(NoisyMeasure::Values { value }, per_group);
                OutputColumn::Count { noisy }
            }
        }
    }

    fn sum(&mut self, reading: Reading, name: &str) -> Result<OutputColumn, Refusal> {
        let integer = reading.value.kind(&self.input.kinds()) == Type::Int64;
        let (value, grid) = self.gridded(&reading, name)?;
        let measure = NoisyMeasure::Sum { value };
        let per_group = self.rows_times(grid.max_abs_steps());
        Ok(OutputColumn::Sum { noisy: self.column(measure, per_group), integer })
    }

    fn mean(&mut self, reading: Reading, name: &str) -> Result<OutputColumn, Refusal> {
        let deviations = self.deviations(&reading, name)?;
        Ok(OutputColumn::Mean { deviations, count: self.rows(reading) })
    }

    fn spread(
        &mut self,
        reading: Reading,
        name: &str,
        spread: Spread,
    ) -> Result<OutputColumn, Refusal> {
        let (value, grid) = self.gridded(&reading, name)?;
        let squares = Squares::of(&grid);
        let per_group = u128::from(self.max_rows_per_group) * squares.max_deviation();
        let squares = self.column(NoisyMeasure::Squares { value }, per_group);
        let deviations = self.deviations(&reading, name)?;
        Ok(OutputColumn::Spread { squares, deviations, count: self.rows(reading), spread })
    }

    /// A search: one noisy column for each round.
    fn quantile(
        &mut self,
        reading: Reading,
        name: &str,
        quantile: Quantile,
    ) -> Result<OutputColumn, Refusal> {
        let integer = reading.value.kind(&self.input.kinds()) == Type::Int64;
        let (value, grid) = self.gridded(&reading, name)?;
        let rounds = Leaves::between(grid.lower_steps(), grid.upper_steps()).rounds();
        let per_group = self.rows_times(u64::from(quantile.per_row()));
        let score = |round| NoisyMeasure::Score { value, quantile, round };
        let known = self.noisy.iter().position(|known| known.measure == score(0));
        let first = known.unwrap_or(self.noisy.len());
        if known.is_none() {
            let column = |round| DraftColumn { measure: score(round), per_group, parts: rounds };
            self.noisy.extend((0..rounds).map(column));
        }
        // A coarser grid than one step has no integers in between.
        let integer = integer && grid.step_log2() >= 0;
        Ok(OutputColumn::Quantile { first, rounds, integer })
    }

    fn deviations(&mut self, reading: &Reading, name: &str) -> Result<usize, Refusal> {
        let (value, grid) = self.gridded(reading, name)?;
        let per_group = self.rows_times(grid.max_deviation_steps());
        Ok(self.column(NoisyMeasure::Deviations { value }, per_group))
    }

    /// The noisy count of all distinct units, by which learned keys are selected.
    pub(super) fn units(&mut self) -> usize {
        self.column(NoisyMeasure::Units { present_in: None }, 1)
    }

    /// The noisy count of rows in which a reading is not NULL.
    fn rows(&mut self, reading: Reading) -> usize {
        let nullable = ranges::of(&reading.value, self.input).nullable;
        let present_in = match (nullable, reading.present_if) {
            (false, None) => None,
            (true, filter) => Some(self.value(reading.value, filter)),
            // Of a value that is always there, only the filter is left.
            (false, filter) => Some(self.value(Scalar::Literal(Value::Bool(true)), filter)),
        };
        self.column(NoisyMeasure::Rows { present_in }, self.rows_times(1))
    }

    fn rows_times(&self, steps: u64) -> u128 {
        u128::from(self.max_rows_per_group) * u128::from(steps)
    }

    fn value(&mut self, value: Scalar, present_if: Option<Scalar>) -> usize {
        self.measured(measured(value, present_if))
    }

    /// The position of a value, which is added when it is new.
    fn measured(&mut self, measured: MeasuredValue) -> usize {
        let same = |known: &MeasuredValue| {
            known.value == measured.value
                && known.present_if == measured.present_if
                && known.distinct == measured.distinct
        };
        match self.values.iter().position(same) {
            Some(position) => position,
            None => {
                self.values.push(measured);
                self.values.len() - 1
            }
        }
    }

    fn gridded(&mut self, reading: &Reading, name: &str) -> Result<(usize, Grid), Refusal> {
        let kind = reading.value.kind(&self.input.kinds());
        let domain = ranges::of(&reading.value, self.input);
        let Some((lower, upper)) = ranges::interval(&domain, kind) else {
            return Err(missing_bounds(name, &reading.value, kind, self.input));
        };
        let grid = grid(lower, upper, kind).map_err(|error| {
            Refusal::new(
                RefusalCode::MissingBounds,
                name,
                error.to_string(),
                "declare narrower bounds for the column in the hub file",
            )
        })?;
        let position = self.value(reading.value.clone(), reading.present_if.clone());
        self.values[position].grid = Some(grid);
        Ok((position, grid))
    }

    fn column(&mut self, measure: NoisyMeasure, per_group: u128) -> usize {
        match self.noisy.iter().position(|known| known.measure == measure) {
            Some(position) => position,
            None => {
                self.noisy.push(DraftColumn { measure, per_group, parts: 1 });
                self.noisy.len() - 1
            }
        }
    }
}

/// A value of which nothing but its presence is read yet.
fn measured(value: Scalar, present_if: Option<Scalar>) -> MeasuredValue {
    MeasuredValue { value, present_if, grid: None, distinct: false }
}

/// What MIN and MAX show: the smallest and the largest value belong to single people, so they are the
/// quantiles that leave one row in a hundred outside.
const EXTREMES: (Quantile, Quantile) = (Quantile::FIRST_PERCENT, Quantile::LAST_PERCENT);

/// The share that a percentile names.
fn share(function: &AggregateFunction, name: &str) -> Result<Quantile, Refusal> {
    let written = match function.params.args.as_slice() {
        [_, Expr::Literal(share, _)] => Value::from_scalar(share),
        _ => None,
    };
    let quantile = match written {
        Some(Value::Float(share)) => Quantile::parse(&share.to_string()),
        Some(Value::Int(share)) => Quantile::parse(&share.to_string()),
        _ => {
            return Err(unsupported(
                name,
                "its share is not a constant, or there are more arguments",
            ));
        }
    };
    quantile.map_err(|error| {
        Refusal::new(RefusalCode::Aggregate, name, error.to_string(), "write a share such as 0.95")
    })
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
        )
        .remedied(Remedy::Bounds);
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

/// Distinct tuples are the distinct values of one text that tells them apart.
fn several_columns(name: &str) -> Refusal {
    Refusal::new(
        RefusalCode::Aggregate,
        name,
        "the distinct values of one expression are counted, and there are several",
        "make one text of them, as in COUNT(DISTINCT first || '/' || second)",
    )
}

pub(super) fn unsupported(name: &str, why: &str) -> Refusal {
    Refusal::new(
        RefusalCode::Aggregate,
        name,
        why,
        "use COUNT(*), COUNT(x), COUNT(DISTINCT x), SUM(x), AVG(x), VAR(x), STDDEV(x), MIN(x), \
         MAX(x), MEDIAN(x) or APPROX_PERCENTILE_CONT(x, 0.9)",
    )
}
