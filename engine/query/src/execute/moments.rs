//! Sums, means and spreads of one unit's values, from integers alone.
//!
//! DataFusion's own add doubles in the order in which batches arrive, and wrap integers. Here a
//! value is put on its grid first; count, sum and sum of squares are wide integers, which no order
//! of addition changes; and the result is computed from them once, at the end.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, Int64Array,
};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Int64Type};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use voilage_kernels::Grid;

use crate::plan::Moments;

/// What the function is called in physical plans.
pub(super) const MOMENTS: &str = "moments";

/// All digits of the integers in a state: no sum of 64-bit integers needs more.
const WIDE: DataType = DataType::Decimal128(38, 0);

type Result<T> = std::result::Result<T, DataFusionError>;

/// An aggregate function over integers, or over doubles on a grid.
#[derive(Debug)]
pub(super) struct MomentsFunction {
    wanted: Moments,
    identity: String,
    signature: Signature,
}

impl MomentsFunction {
    pub(super) fn new(wanted: Moments) -> Self {
        let signature = Signature::any(1, Volatility::Immutable);
        Self { wanted, identity: format!("{wanted:?}"), signature }
    }
}

impl PartialEq for MomentsFunction {
    fn eq(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}

impl Eq for MomentsFunction {}

impl Hash for MomentsFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity.hash(state);
    }
}

impl AggregateUDFImpl for MomentsFunction {
    fn name(&self) -> &str {
        MOMENTS
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.wanted.kind())
    }

    fn accumulator(&self, _arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OneGroup { wanted: self.wanted, moments: Added::default() }))
    }

    fn state_fields(&self, _arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![
            Arc::new(Field::new("count", DataType::Int64, false)),
            Arc::new(Field::new("sum", WIDE, false)),
            Arc::new(Field::new("squares", WIDE, false)),
        ])
    }

    fn groups_accumulator_supported(&self, _arguments: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        _arguments: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(ManyGroups { wanted: self.wanted, moments: Vec::new() }))
    }
}

impl Moments {
    fn kind(&self) -> DataType {
        match self {
            Self::Sum(None) => DataType::Int64,
            Self::Sum(Some(_)) | Self::Mean(_) | Self::Spread { .. } => DataType::Float64,
        }
    }

    /// The values as integers: steps of the grid, for spreads counted from its middle.
    fn steps(&self, values: &[ArrayRef]) -> Result<Int64Array> {
        let [values] = values else { return Err(malformed()) };
        let on_grid = |grid: &Grid| grid.to_steps(values).map_err(|_| malformed());
        match self {
            Self::Sum(None) | Self::Mean(None) => {
                values.as_primitive_opt::<Int64Type>().cloned().ok_or_else(malformed)
            }
            Self::Sum(Some(grid)) | Self::Mean(Some(grid)) => on_grid(grid),
            Self::Spread { grid, .. } => {
                let middle = grid.middle_steps();
                Ok(on_grid(grid)?.unary(|steps| steps - middle))
            }
        }
    }

    /// Squares are only kept where steps are small: of arbitrary integers they would not fit.
    fn squares(&self) -> bool {
        matches!(self, Self::Spread { .. })
    }

    fn integer(&self, moments: &Added) -> Option<i64> {
        let bound = if moments.sum < 0 { i64::MIN } else { i64::MAX };
        (moments.count > 0).then(|| i64::try_from(moments.sum).unwrap_or(bound))
    }

    fn double(&self, moments: &Added) -> Option<f64> {
        let count = moments.count as f64;
        let sum = moments.sum as f64;
        let value = match self {
            _ if moments.count == 0 => return None,
            Self::Sum(None) => sum,
            Self::Sum(Some(grid)) => sum * grid.step(),
            Self::Mean(grid) => sum / count * grid.map_or(1.0, |grid| grid.step()),
            Self::Spread { sample: true, .. } if moments.count == 1 => return None,
            Self::Spread { grid, sample, root } => {
                let divisor = if *sample { count - 1.0 } else { count };
                let variance = ((moments.squares as f64 - sum * sum / count) / divisor).max(0.0);
                match root {
                    true => variance.sqrt() * grid.step(),
                    false => variance * grid.step() * grid.step(),
                }
            }
        };
        // Adding zero turns -0.0 into 0.0.
        Some(value.clamp(f64::MIN, f64::MAX) + 0.0)
    }

    fn results(&self, all: &[Added]) -> ArrayRef {
        match self {
            Self::Sum(None) => {
                Arc::new(all.iter().map(|moments| self.integer(moments)).collect::<Int64Array>())
            }
            Self::Sum(Some(_)) | Self::Mean(_) | Self::Spread { .. } => {
                Arc::new(all.iter().map(|moments| self.double(moments)).collect::<Float64Array>())
            }
        }
    }
}

/// What the values of a group have added up to.
#[derive(Clone, Copy, Debug, Default)]
struct Added {
    count: i64,
    sum: i128,
    squares: i128,
}

impl Added {
    fn add(&mut self, steps: i64, squares: bool) {
        self.count += 1;
        self.sum += i128::from(steps);
        if squares {
            self.squares += i128::from(steps) * i128::from(steps);
        }
    }

    fn take(&mut self, steps: i64, squares: bool) {
        self.count -= 1;
        self.sum -= i128::from(steps);
        if squares {
            self.squares -= i128::from(steps) * i128::from(steps);
        }
    }

    fn merge(&mut self, other: Added) {
        self.count += other.count;
        self.sum += other.sum;
        self.squares += other.squares;
    }
}

fn states(all: &[Added]) -> Result<Vec<ArrayRef>> {
    let wide = |values: Vec<i128>| -> Result<ArrayRef> {
        Ok(Arc::new(Decimal128Array::from(values).with_precision_and_scale(38, 0)?))
    };
    Ok(vec![
        Arc::new(Int64Array::from_iter_values(all.iter().map(|moments| moments.count))),
        wide(all.iter().map(|moments| moments.sum).collect())?,
        wide(all.iter().map(|moments| moments.squares).collect())?,
    ])
}

/// Reads states back, row by row.
fn read_states(states: &[ArrayRef]) -> Result<impl Iterator<Item = Added>> {
    let [counts, sums, squares] = states else { return Err(malformed()) };
    let counts = counts.as_primitive_opt::<Int64Type>().ok_or_else(malformed)?;
    let sums = sums.as_primitive_opt::<Decimal128Type>().ok_or_else(malformed)?;
    let squares = squares.as_primitive_opt::<Decimal128Type>().ok_or_else(malformed)?;
    Ok((0..counts.len()).map(|row| Added {
        count: counts.value(row),
        sum: sums.value(row),
        squares: squares.value(row),
    }))
}

#[derive(Debug)]
struct OneGroup {
    wanted: Moments,
    moments: Added,
}

impl Accumulator for OneGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let squares = self.wanted.squares();
        for steps in self.wanted.steps(values)?.iter().flatten() {
            self.moments.add(steps, squares);
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let squares = self.wanted.squares();
        for steps in self.wanted.steps(values)?.iter().flatten() {
            self.moments.take(steps, squares);
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(match self.wanted {
            Moments::Sum(None) => ScalarValue::Int64(self.wanted.integer(&self.moments)),
            Moments::Sum(Some(_)) | Moments::Mean(_) | Moments::Spread { .. } => {
                ScalarValue::Float64(self.wanted.double(&self.moments))
            }
        })
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        states(&[self.moments])?.iter().map(|state| ScalarValue::try_from_array(state, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for moments in read_states(states)? {
            self.moments.merge(moments);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct ManyGroups {
    wanted: Moments,
    moments: Vec<Added>,
}

impl GroupsAccumulator for ManyGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.moments.resize(total, Added::default());
        let squares = self.wanted.squares();
        let steps = self.wanted.steps(values)?;
        for (row, group) in groups.iter().enumerate() {
            if steps.is_valid(row) && kept(filter, row) {
                self.moments[*group].add(steps.value(row), squares);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let emitted = emit.take_needed(&mut self.moments);
        Ok(self.wanted.results(&emitted))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        states(&emit.take_needed(&mut self.moments))
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.moments.resize(total, Added::default());
        for (moments, group) in read_states(values)?.zip(groups) {
            self.moments[*group].merge(moments);
        }
        Ok(())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let steps = self.wanted.steps(values)?;
        let squares = self.wanted.squares();
        let each = (0..steps.len()).map(|row| {
            let mut moments = Added::default();
            if steps.is_valid(row) && kept(filter, row) {
                moments.add(steps.value(row), squares);
            }
            moments
        });
        states(&each.collect::<Vec<_>>())
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.moments.capacity() * size_of::<Added>()
    }
}

fn kept(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

fn malformed() -> DataFusionError {
    DataFusionError::Internal("moments of something that is no number".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(values: Vec<i64>) -> Option<i64> {
        let wanted = Moments::Sum(None);
        let mut group = OneGroup { wanted, moments: Added::default() };
        group.update_batch(&[Arc::new(Int64Array::from(values))]).expect("integers");
        wanted.integer(&group.moments)
    }

    #[test]
    fn integer_sums_saturate_once_at_the_end_whatever_the_order() {
        assert_eq!(sum(vec![i64::MAX, 1, -1]), Some(i64::MAX));
        assert_eq!(sum(vec![i64::MAX, i64::MAX, i64::MIN]), Some(i64::MAX - 1));
        assert_eq!(sum(vec![i64::MIN, i64::MAX, i64::MAX]), Some(i64::MAX - 1));
        assert_eq!(sum(vec![i64::MIN, -1]), Some(i64::MIN));
        assert_eq!(sum(vec![]), None);
    }

    #[test]
    fn doubles_add_up_alike_in_every_order_and_grouping() {
        let grid = Grid::for_bounds(-1e6, 1e6).expect("bounds");
        let values = [0.1, 1e6, -3.3, 7e5, f64::INFINITY, f64::NAN, -0.0, 0.7, -1e300];
        let whole = |values: &[f64], pieces: usize| {
            let wanted = Moments::Spread { grid, sample: true, root: true };
            let mut merged = OneGroup { wanted, moments: Added::default() };
            for piece in values.chunks(pieces) {
                let mut part = OneGroup { wanted, moments: Added::default() };
                part.update_batch(&[Arc::new(Float64Array::from(piece.to_vec()))]).expect("part");
                merged.moments.merge(part.moments);
            }
            let sum = Moments::Sum(Some(grid)).double(&merged.moments).map(f64::to_bits);
            (sum, wanted.double(&merged.moments).map(f64::to_bits))
        };
        let mut turned = values;
        turned.reverse();
        for pieces in 1..=values.len() {
            assert_eq!(whole(&values, pieces), whole(&turned, 3));
        }
    }

    #[test]
    fn a_retracted_value_leaves_no_trace() {
        let grid = Grid::for_bounds(0.0, 10.0).expect("bounds");
        let wanted = Moments::Mean(Some(grid));
        let mut group = OneGroup { wanted, moments: Added::default() };
        let batch =
            |values: Vec<f64>| -> Vec<ArrayRef> { vec![Arc::new(Float64Array::from(values))] };
        group.update_batch(&batch(vec![2.5, 7.1, 9.9])).expect("values");
        group.retract_batch(&batch(vec![7.1, 9.9])).expect("values");
        assert_eq!(group.evaluate().expect("mean"), ScalarValue::Float64(Some(2.5)));
    }
}
