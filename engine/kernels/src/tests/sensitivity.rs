//! The promise itself, measured: what one unit can change.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::cases::{Row, batch, bounded, plans, rows, sample};
use crate::{BoundingPlan, Keys, Measure, Squares, ValueColumn};

/// Units and measures of each cell that is not all zero.
fn cells(plan: &BoundingPlan, rows: &[Row]) -> BTreeMap<Vec<u8>, Vec<i128>> {
    let totals = bounded(plan, &[batch(rows)]).cells(&plan.keys).unwrap();
    let columns: Vec<&Vec<i128>> = std::iter::once(&totals.units).chain(&totals.measures).collect();
    (totals.labels.iter().enumerate())
        .map(|(cell, label)| (label.to_vec(), columns.iter().map(|c| c[cell]).collect()))
        .collect()
}

/// What one unit may change in one cell: first the units, then each measure.
fn bounds(plan: &BoundingPlan) -> Vec<u128> {
    let rows = u128::from(plan.max_rows_per_group);
    let of = |measure: &Measure| match *measure {
        Measure::Units | Measure::UnitsWith { .. } => 1,
        Measure::Squares { value } => {
            let ValueColumn::Grid(grid) = plan.values[value] else { unreachable!() };
            rows * Squares::of(&grid).max_deviation()
        }
        Measure::Rows { .. } | Measure::RowsBelow { .. } | Measure::Distinct { .. } => rows,
        Measure::Sum { value, centred } => {
            let ValueColumn::Grid(grid) = plan.values[value] else { unreachable!() };
            let most = if centred { grid.max_deviation_steps() } else { grid.max_abs_steps() };
            rows * u128::from(most)
        }
    };
    std::iter::once(1).chain(plan.measures.iter().map(of)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn one_unit_changes_no_more_than_the_sensitivity_says(
        plan in plans(), rows in rows(150), leaver in 0..9_u8,
    ) {
        let remaining: Vec<Row> =
            rows.iter().filter(|row| row.unit != Some(leaver)).cloned().collect();
        let (before, after) = (cells(&plan, &rows), cells(&plan, &remaining));
        let zero = vec![0; 1 + plan.measures.len()];
        prop_assert!(after.keys().all(|label| before.contains_key(label)));
        let mut changed = 0;
        for (label, before) in &before {
            let after = after.get(label).unwrap_or(&zero);
            changed += u32::from(before != after);
            for ((before, after), most) in before.iter().zip(after).zip(bounds(&plan)) {
                prop_assert!(before.abs_diff(*after) <= most);
            }
        }
        prop_assert!(changed <= plan.max_groups);
    }
}

/// The bounds above are reached, so that the test above would see a bounder that keeps one row
/// or one group too many.
#[test]
fn the_sensitivity_is_reached_and_not_passed() {
    let plan = sample(plans());
    let plan = BoundingPlan { max_groups: 2, max_rows_per_group: 3, keys: Keys::Learned, ..plan };
    let mut many = sample(prop::collection::vec(rows(9), 1000)).concat();
    many.retain(|row| row.unit == Some(0));
    let cells = cells(&plan, &many);
    assert_eq!(cells.len(), 2);
    for cell in cells.values() {
        assert_eq!(cell[..3], [1, 1, 3]);
    }
}
