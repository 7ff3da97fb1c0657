//! Kernel runs of a fixed size on claims, for criterion and for counting instructions.

use arrow::array::RecordBatch;
use voilage_kernels::{Bounder, BoundingPlan, Grid, Keys, Measure, PartialState, ValueColumn};

use crate::claims::{self, Order};
use crate::hub::{MAX_GROUPS, MAX_ROWS_PER_GROUP};

/// A kernel run: its name, the columns of the claims that it reads, and its plan.
pub struct Run {
    /// The name in reports.
    pub name: &'static str,
    /// Positions in the claims: the unit, the key, values.
    pub columns: &'static [usize],
    /// What is bounded and measured.
    pub plan: BoundingPlan,
}

/// Rows by few keys, rows by many keys, and sums, which have to choose rows.
///
/// # Panics
/// Never: the plans are sound.
pub fn runs() -> [Run; 3] {
    let plan = |values: Vec<ValueColumn>, measures: Vec<Measure>| BoundingPlan {
        max_groups: MAX_GROUPS,
        max_rows_per_group: MAX_ROWS_PER_GROUP,
        rank_key: *b"a bounding key..",
        keys: Keys::Learned,
        values,
        measures,
    };
    let rows = || vec![Measure::Units, Measure::Rows { present_in: None }];
    let grid = Grid::for_bounds(0.0, claims::COST_MAX).unwrap();
    let sums = vec![Measure::Units, Measure::Sum { value: 0, centred: false }];
    [
        Run { name: "rows by diagnosis", columns: &[0, 2], plan: plan(Vec::new(), rows()) },
        Run { name: "rows by provider", columns: &[0, 3], plan: plan(Vec::new(), rows()) },
        Run {
            name: "sums by diagnosis",
            columns: &[0, 2, 4],
            plan: plan(vec![ValueColumn::Grid(grid)], sums),
        },
    ]
}

impl Run {
    /// The claims that the run reads.
    ///
    /// # Panics
    /// Never: the columns are there.
    pub fn batches(&self, rows: u64) -> Vec<RecordBatch> {
        claims::batches(rows, Order::Arrival)
            .map(|batch| batch.project(self.columns).unwrap())
            .collect()
    }

    /// Bounds the claims through one lane.
    ///
    /// # Panics
    /// Never: the claims follow the plan.
    pub fn bounded(&self, batches: &[RecordBatch]) -> PartialState {
        let bounder = Bounder::new(self.plan.clone(), batches[0].schema()).unwrap();
        let mut lane = bounder.lane().unwrap();
        for batch in batches {
            lane.push(batch).unwrap();
        }
        bounder.finish(vec![lane]).unwrap()
    }
}
