//! Optional consistency: counts that are not negative, and totals that are the sums of their parts.
//!
//! It is post-processing of released values, so it costs nothing and protects nobody; the values as they
//! were drawn are the same question without it. Where the keys of several boundaries over the same rows
//! are nested, as in a ROLLUP or in a total beside its parts, each count of rows and each sum is fitted
//! to all of them by weighted least squares (Hay, Rastogi, Miklau & Suciu 2010, *Boosting the accuracy of
//! differentially private histograms through consistency*, section 4.1, with a variance for each level),
//! and then rounded so that parts add up exactly. Distinct units do not add up and are only cut off at 0.
//!
//! Each level is bounded by itself. Of a unit with more rows or groups than the bounds let in, a total
//! keeps fewer rows than its parts together, so that the levels estimate different numbers and the fit lies
//! between them; `explain` says so.

use voilage_privacy::mechanism::Noise;

use crate::plan::{Boundary, KeyDomain, NoisyMeasure};
use crate::release::Released;

/// Computes the consistent values of all tables of a statement.
pub(crate) fn adjust(tables: &mut [(&Boundary, Released)]) {
    for (boundary, released) in tables.iter_mut() {
        released.consistent = vec![None; boundary.noisy.len()];
        for (position, column) in boundary.noisy.iter().enumerate() {
            if matches!(column.measure, NoisyMeasure::Units { .. } | NoisyMeasure::Values { .. }) {
                let cut = released.noisy[position].iter().map(|value| (*value).max(0));
                released.consistent[position] = Some(cut.collect());
            }
        }
    }
    let mut done: Vec<(usize, usize)> = Vec::new();
    for index in 0..tables.len() {
        for position in 0..tables[index].0.noisy.len() {
            if done.contains(&(index, position)) || !adds_up(tables[index].0, position) {
                continue;
            }
            let alike = alike(tables, index, position);
            done.extend(&alike);
            match nested(tables, &alike) {
                Some(levels) => fit(tables, &levels),
                None => alike.iter().for_each(|place| fit(tables, &[*place])),
            }
        }
    }
}

/// Whether a column's values of parts add up to that of the whole.
fn adds_up(boundary: &Boundary, position: usize) -> bool {
    match boundary.noisy[position].measure {
        NoisyMeasure::Rows { .. } | NoisyMeasure::Sum { .. } => true,
        NoisyMeasure::Units { .. }
        | NoisyMeasure::Values { .. }
        | NoisyMeasure::Deviations { .. }
        | NoisyMeasure::Score { .. }
        | NoisyMeasure::Squares { .. } => false,
    }
}

/// Whether what a column measures is never negative.
pub(super) fn is_positive(boundary: &Boundary, position: usize) -> bool {
    match boundary.noisy[position].measure {
        NoisyMeasure::Sum { value } => {
            boundary.values[value].grid.is_some_and(|grid| grid.lower_steps() >= 0)
        }
        NoisyMeasure::Units { .. }
        | NoisyMeasure::Values { .. }
        | NoisyMeasure::Rows { .. }
        | NoisyMeasure::Deviations { .. }
        | NoisyMeasure::Score { .. }
        | NoisyMeasure::Squares { .. } => true,
    }
}

/// Whether all cells of a table were kept, so that parts can add up.
fn is_whole(boundary: &Boundary) -> bool {
    boundary.smallest.is_none() && matches!(boundary.domain, KeyDomain::Public(_))
}

/// The columns that measure the same over the same rows, by boundary and position.
fn alike(tables: &[(&Boundary, Released)], index: usize, position: usize) -> Vec<(usize, usize)> {
    let own = tables[index].0;
    let rows = |boundary: &Boundary| serde_json::to_string(&boundary.input).ok();
    let mut alike = vec![(index, position)];
    if !is_whole(own) {
        return alike;
    }
    for (other, (boundary, _)) in tables.iter().enumerate().skip(index + 1) {
        if !is_whole(boundary) || rows(boundary) != rows(own) {
            continue;
        }
        let same = |column: &usize| measured(boundary, *column) == measured(own, position);
        alike.extend((0..boundary.noisy.len()).find(same).map(|column| (other, column)));
    }
    alike
}

/// What a column adds up: a value or its presence, and whether it is a sum.
fn measured(boundary: &Boundary, position: usize) -> Option<(bool, Option<String>)> {
    let terms = |value: usize| serde_json::to_string(&boundary.values[value]).ok();
    match boundary.noisy[position].measure {
        NoisyMeasure::Rows { present_in: None } => Some((false, None)),
        NoisyMeasure::Rows { present_in: Some(value) } => Some((false, Some(terms(value)?))),
        NoisyMeasure::Sum { value } => Some((true, Some(terms(value)?))),
        NoisyMeasure::Units { .. }
        | NoisyMeasure::Values { .. }
        | NoisyMeasure::Deviations { .. }
        | NoisyMeasure::Score { .. }
        | NoisyMeasure::Squares { .. } => None,
    }
}

/// The columns from the fewest keys to the most, if each has the keys of the one before.
fn nested(
    tables: &[(&Boundary, Released)],
    alike: &[(usize, usize)],
) -> Option<Vec<(usize, usize)>> {
    let mut levels = alike.to_vec();
    levels.sort_by_key(|(index, _)| tables[*index].0.keys.len());
    let within = |pair: &[(usize, usize)]| {
        let (coarse, fine) = (tables[pair[0].0].0, tables[pair[1].0].0);
        coarse.keys.len() < fine.keys.len() && coarse.keys.iter().all(|key| fine.keys.contains(key))
    };
    levels.windows(2).all(within).then_some(levels)
}

/// One level of a tree of cells.
struct Level {
    /// For each cell, the cell above it.
    above: Vec<usize>,
    values: Vec<f64>,
    variance: f64,
}

fn variance(noise: &Noise) -> f64 {
    noise.std_dev_f64().powi(2)
}

fn fit(tables: &mut [(&Boundary, Released)], places: &[(usize, usize)]) {
    let mut levels: Vec<Level> = Vec::with_capacity(places.len());
    for (depth, (index, position)) in places.iter().enumerate() {
        let (boundary, released) = &tables[*index];
        let above = match depth.checked_sub(1) {
            None => vec![0; released.noisy[*position].len()],
            Some(before) => cells_above(boundary, tables[places[before].0].0),
        };
        let values = released.noisy[*position].iter().map(|value| *value as f64).collect();
        let variance = variance(&boundary.noisy[*position].noise);
        levels.push(Level { above, values, variance });
    }
    combine(&mut levels);
    let (first, column) = places[0];
    let positive = is_positive(tables[first].0, column);
    let mut wholes: Vec<i128> = Vec::new();
    for (depth, level) in levels.iter().enumerate() {
        let rounded = if depth == 0 {
            level.values.iter().map(|value| nearest(*value, positive)).collect()
        } else {
            shared_out(&wholes, level, positive)
        };
        let (index, position) = places[depth];
        tables[index].1.consistent[position] = Some(rounded);
        wholes = tables[index].1.consistent[position].clone().unwrap_or_default();
    }
}

fn nearest(value: f64, positive: bool) -> i128 {
    let rounded = value.round() as i128;
    if positive { rounded.max(0) } else { rounded }
}

/// For each cell of the finer table, the cell of the coarser one that it is a part of.
fn cells_above(fine: &Boundary, coarse: &Boundary) -> Vec<usize> {
    let (KeyDomain::Public(own), KeyDomain::Public(others)) = (&fine.domain, &coarse.domain) else {
        return Vec::new();
    };
    let place = |key| fine.keys.iter().position(|known| known == key).unwrap_or_default();
    let shared: Vec<usize> = coarse.keys.iter().map(place).collect();
    let cells: usize = own.iter().map(Vec::len).product();
    let digit = |cell: usize, key: usize| {
        let below: usize = own[key + 1..].iter().map(Vec::len).product();
        cell / below.max(1) % own[key].len().max(1)
    };
    let above = |cell: usize| {
        shared
            .iter()
            .zip(others)
            .fold(0, |above, (key, values)| above * values.len() + digit(cell, *key))
    };
    (0..cells).map(above).collect()
}

/// Weighted least squares over the tree: from the leaves up each value is combined with the sum of its
/// parts, then from the root down what is missing is shared out equally, as equal variances demand.
fn combine(levels: &mut [Level]) {
    for depth in (1..levels.len()).rev() {
        let (coarse, fine) = levels.split_at_mut(depth);
        let (coarse, fine) = (&mut coarse[depth - 1], &fine[0]);
        let sums = sums(fine, coarse.values.len());
        let parts = fine.values.len() as f64 / coarse.values.len().max(1) as f64;
        let (own, below) = (1.0 / coarse.variance, 1.0 / (parts * fine.variance));
        for (value, sum) in coarse.values.iter_mut().zip(sums) {
            *value = (own * *value + below * sum) / (own + below);
        }
        coarse.variance = 1.0 / (own + below);
    }
    for depth in 1..levels.len() {
        let (coarse, fine) = levels.split_at_mut(depth);
        let (coarse, fine) = (&coarse[depth - 1], &mut fine[0]);
        let sums = sums(fine, coarse.values.len());
        let parts = fine.values.len() as f64 / coarse.values.len().max(1) as f64;
        for (value, above) in fine.values.iter_mut().zip(&fine.above) {
            *value += (coarse.values[*above] - sums[*above]) / parts;
        }
    }
}

fn sums(level: &Level, cells: usize) -> Vec<f64> {
    let mut sums = vec![0.0; cells];
    for (value, above) in level.values.iter().zip(&level.above) {
        sums[*above] += value;
    }
    sums
}

/// Whole numbers near the values of a level that add up to the wholes above them, and are not negative
/// where nothing is.
fn shared_out(wholes: &[i128], level: &Level, positive: bool) -> Vec<i128> {
    let mut rounded = vec![0; level.values.len()];
    let mut parts: Vec<Vec<usize>> = vec![Vec::new(); wholes.len()];
    for (cell, above) in level.above.iter().enumerate() {
        parts[*above].push(cell);
    }
    for (whole, parts) in wholes.iter().zip(parts) {
        let mut values: Vec<f64> = parts.iter().map(|cell| level.values[*cell]).collect();
        let shift = shift(&values, *whole as f64, positive);
        for value in &mut values {
            *value = if positive { (*value - shift).max(0.0) } else { *value - shift };
        }
        // The largest remainders are rounded up until the parts add up.
        let mut order: Vec<usize> = (0..values.len()).collect();
        let rest = |place: &usize| values[*place] - values[*place].floor();
        order.sort_by(|a, b| rest(b).total_cmp(&rest(a)).then(a.cmp(b)));
        let floors: i128 = values.iter().map(|value| value.floor() as i128).sum();
        let mut missing = whole - floors;
        for (place, value) in values.iter().enumerate() {
            rounded[parts[place]] = value.floor() as i128;
        }
        while missing != 0 && !order.is_empty() {
            for place in &order {
                let cell = &mut rounded[parts[*place]];
                if missing == 0 {
                    break;
                }
                if missing > 0 || !positive || *cell > 0 {
                    *cell += missing.signum();
                    missing -= missing.signum();
                }
            }
        }
    }
    rounded
}

/// What is to be taken from each value so that the values, or what of them is above 0, add up.
fn shift(values: &[f64], whole: f64, positive: bool) -> f64 {
    let all = values.len().max(1) as f64;
    if !positive {
        return (values.iter().sum::<f64>() - whole) / all;
    }
    // The nearest point at which no value is negative (Held, Wolfe & Crowder 1974).
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let mut sum = 0.0;
    let mut shift = f64::NEG_INFINITY;
    for (count, value) in sorted.iter().enumerate() {
        sum += value;
        let next = (sum - whole) / (count + 1) as f64;
        if *value > next || count == 0 {
            shift = next;
        }
    }
    shift
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(above: &[usize], values: &[f64], variance: f64) -> Level {
        Level { above: above.to_vec(), values: values.to_vec(), variance }
    }

    /// Least squares of a total and two parts by hand: with equal variances, a third of what is missing
    /// goes to each of the three.
    #[test]
    fn what_is_missing_is_shared_out_by_variance() {
        let mut levels = [level(&[0], &[100.0], 1.0), level(&[0, 0], &[40.0, 54.0], 1.0)];
        combine(&mut levels);
        assert!((levels[0].values[0] - 98.0).abs() < 1e-9);
        assert!((levels[1].values[0] - 42.0).abs() < 1e-9);
        assert!((levels[1].values[1] - 56.0).abs() < 1e-9);
        // A total without noise stays; parts without noise stay.
        let mut exact = [level(&[0], &[100.0], 1e-9), level(&[0, 0], &[40.0, 54.0], 1.0)];
        combine(&mut exact);
        assert!((exact[0].values[0] - 100.0).abs() < 1e-3);
        let mut parts = [level(&[0], &[100.0], 1.0), level(&[0, 0], &[40.0, 54.0], 1e-9)];
        combine(&mut parts);
        assert!((parts[1].values[0] - 40.0).abs() < 1e-3);
    }

    #[test]
    fn parts_add_up_in_whole_numbers_and_are_not_negative() {
        let parts = level(&[0, 0, 0, 1, 1], &[-3.4, 7.3, 9.8, -1.0, -2.5], 1.0);
        for (wholes, positive) in [([13, 0], true), ([13, -4], false), ([0, 7], true)] {
            let rounded = shared_out(&wholes, &parts, positive);
            assert_eq!(rounded[..3].iter().sum::<i128>(), wholes[0], "{rounded:?}");
            assert_eq!(rounded[3..].iter().sum::<i128>(), wholes[1], "{rounded:?}");
            assert!(!positive || rounded.iter().all(|value| *value >= 0), "{rounded:?}");
        }
    }
}
