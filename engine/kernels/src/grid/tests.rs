//! Every conversion against exact rational arithmetic.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal32Array, Decimal128Array, Float16Array, Float32Array,
    Float64Array, Int8Array, Int32DictionaryArray, Int64Array, NullArray, RunArray, StringArray,
    UInt64Array,
};
use arrow::datatypes::{DataType, Int32Type};
use dashu::base::Sign;
use dashu::integer::{IBig, UBig};
use dashu::rational::RBig;
use half::f16;
use proptest::prelude::*;

use super::{Grid, KernelError};

/// A finite number, exactly.
fn exact(value: f64) -> RBig {
    let (mantissa, exponent) = super::decompose(value);
    let sign = if value < 0.0 { Sign::Negative } else { Sign::Positive };
    RBig::from(IBig::from_parts(sign, UBig::from(mantissa))) * two_to_the(exponent)
}

fn two_to_the(exponent: i32) -> RBig {
    let power = RBig::from(UBig::ONE << exponent.unsigned_abs() as usize);
    if exponent >= 0 { power } else { RBig::ONE / power }
}

/// Clamp, divide, round half to even, all in rationals.
fn oracle(grid: &Grid, value: &RBig) -> i64 {
    let clamped = value.clone().clamp(exact(grid.lower()), exact(grid.upper()));
    let quotient = clamped / two_to_the(grid.step_log2());
    let floor = quotient.floor();
    let rest = quotient - RBig::from(floor.clone());
    let half = RBig::ONE / RBig::from(2);
    let odd = &floor % IBig::from(2) != IBig::ZERO;
    let up = rest > half || (rest == half && odd);
    i64::try_from(if up { floor + IBig::ONE } else { floor }).unwrap()
}

fn steps(grid: &Grid, values: impl arrow::array::Array + 'static) -> Vec<Option<i64>> {
    let values: ArrayRef = Arc::new(values);
    let steps = grid.to_steps(&values).unwrap();
    assert_eq!(steps.len(), values.len());
    steps.iter().collect()
}

/// Numbers at which float code breaks, as bits so that NaN payloads and -0.0 occur too.
fn nasty() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        -1000.0..1000.0_f64,
        (-4000_i32..4000).prop_map(|quarters| f64::from(quarters) / 4.0),
        (any::<i64>(), -80..80_i32).prop_map(|(m, e)| m as f64 * 2.0_f64.powi(e)),
        proptest::sample::select(vec![
            0.0,
            -0.0,
            f64::MIN_POSITIVE,
            5e-324,
            -5e-324,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            f64::MAX,
            f64::MIN,
            9_007_199_254_740_993.0,
            0.1,
        ]),
    ]
}

fn grids() -> impl Strategy<Value = Grid> {
    let wide = (nasty(), nasty(), prop_oneof![Just(None), (-1030..1030_i32).prop_map(Some)]);
    let usual = (-500.0..500.0_f64, 0.001..5000.0_f64, -30..8_i32)
        .prop_map(|(lower, width, step)| (lower, lower + width, Some(step)));
    prop_oneof![wide, usual].prop_filter_map("bounds without a grid", |(a, b, step)| {
        let (lower, upper) = (a.min(b), a.max(b));
        match step {
            None => Grid::for_bounds(lower, upper).ok(),
            Some(step) => Grid::with_step(lower, upper, step).ok(),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn floats_are_exact(grid in grids(), value in nasty(), small in any::<f32>(), tiny in any::<u16>()) {
        let expect = |value: f64| match value {
            _ if value.is_nan() => None,
            f64::INFINITY => Some(grid.upper_steps()),
            f64::NEG_INFINITY => Some(grid.lower_steps()),
            _ => Some(oracle(&grid, &exact(value))),
        };
        // Near the bounds and inside them, where clamping does not hide the rounding.
        let inside = grid.lower() + (grid.upper() / 2.0 - grid.lower() / 2.0) * (value.abs() % 2.0);
        let values = [value, inside, grid.lower(), grid.upper(), grid.lower().next_down()];
        prop_assert_eq!(
            steps(&grid, Float64Array::from(values.to_vec())),
            values.map(expect).to_vec()
        );
        prop_assert_eq!(steps(&grid, Float32Array::from(vec![small])), [expect(small.into())]);
        let tiny = f16::from_bits(tiny);
        prop_assert_eq!(steps(&grid, Float16Array::from(vec![tiny])), [expect(tiny.into())]);
    }

    #[test]
    fn integers_are_exact(
        grid in grids(), a in any::<i64>(), b in any::<u64>(), shift in 0..64_u32, c in any::<i8>()
    ) {
        let (a, b) = (a >> shift, b >> shift);
        let expect = |value: i128| Some(oracle(&grid, &RBig::from(value)));
        prop_assert_eq!(steps(&grid, Int64Array::from(vec![a])), [expect(a.into())]);
        prop_assert_eq!(steps(&grid, UInt64Array::from(vec![b])), [expect(b.into())]);
        prop_assert_eq!(steps(&grid, Int8Array::from(vec![c])), [expect(c.into())]);
        let booleans = BooleanArray::from(vec![Some(false), None, Some(true)]);
        prop_assert_eq!(steps(&grid, booleans), [expect(0), None, expect(1)]);
    }

    #[test]
    fn decimals_are_exact(
        grid in grids(), raw in any::<i128>(), shift in 0..128_u32, scale in -38..=38_i8
    ) {
        let raw = raw >> shift;
        let power = RBig::from(UBig::from(10_u8).pow(scale.unsigned_abs().into()));
        let scaled = |raw: i128| {
            if scale >= 0 { RBig::from(raw) / &power } else { RBig::from(raw) * &power }
        };
        let array = Decimal128Array::from(vec![raw, i128::MAX, i128::MIN])
            .with_data_type(DataType::Decimal128(38, scale));
        let expect = [raw, i128::MAX, i128::MIN].map(|raw| Some(oracle(&grid, &scaled(raw))));
        prop_assert_eq!(steps(&grid, array), expect);
    }

    #[test]
    fn no_step_exceeds_what_sensitivities_are_made_of(grid in grids(), value in nasty()) {
        prop_assert!(grid.lower_steps() < grid.upper_steps());
        prop_assert!(grid.max_abs_steps() >= 1 && grid.max_abs_steps() <= 1 << 53);
        for step in steps(&grid, Float64Array::from(vec![value])).into_iter().flatten() {
            prop_assert!((grid.lower_steps()..=grid.upper_steps()).contains(&step));
            prop_assert!(step.unsigned_abs() <= grid.max_abs_steps());
            prop_assert!(step.abs_diff(grid.middle_steps()) <= grid.max_deviation_steps());
        }
        let width = grid.upper_steps().abs_diff(grid.lower_steps());
        prop_assert_eq!(grid.max_deviation_steps(), width.div_ceil(2));
    }

    #[test]
    fn the_default_step_is_the_largest_that_fits(a in nasty(), b in nasty()) {
        let (lower, upper) = (a.min(b), a.max(b));
        if let Ok(grid) = Grid::for_bounds(lower, upper) {
            let target = (exact(upper) - exact(lower)) / two_to_the(20);
            prop_assert!(two_to_the(grid.step_log2()) <= target);
            prop_assert!(two_to_the(grid.step_log2() + 1) > target);
            prop_assert_eq!(exact(grid.step()), two_to_the(grid.step_log2()));
        }
    }
}

#[test]
fn a_width_that_rounds_up_to_a_power_of_two_does_not_coarsen_the_grid() {
    // The exact width is 1 - 2^-60 and is rounded to 1 in floating point.
    let grid = Grid::for_bounds(2.0_f64.powi(-60), 1.0).unwrap();
    assert_eq!(grid.step_log2(), -21);
    assert_eq!(Grid::for_bounds(0.0, 1.0).unwrap().step_log2(), -20);
    // Odd width in steps: half of it is rounded up.
    let odd = Grid::with_step(0.0, 3.0, 0).unwrap();
    assert_eq!((odd.middle_steps(), odd.max_deviation_steps()), (1, 2));
    let negative = Grid::with_step(-4.0, -1.0, 0).unwrap();
    assert_eq!((negative.middle_steps(), negative.max_deviation_steps()), (-3, 2));
}

#[test]
fn halves_go_to_the_even_step() {
    let grid = Grid::with_step(-10.0, 10.0, 1).unwrap();
    let values = vec![-7.0, -5.0, -3.0, -1.0, 1.0, 3.0, 5.0, 7.0];
    let expected = [-4, -2, -2, 0, 0, 2, 2, 4].map(Some);
    assert_eq!(steps(&grid, Float64Array::from(values.clone())), expected);
    let integers: Vec<i64> = values.iter().map(|&value| value as i64).collect();
    assert_eq!(steps(&grid, Int64Array::from(integers)), expected);
    let decimals: Vec<i32> = values.iter().map(|&value| value as i32 * 10).collect();
    let decimals = Decimal32Array::from(decimals).with_data_type(DataType::Decimal32(9, 1));
    assert_eq!(steps(&grid, decimals), expected);
}

#[test]
fn integers_beyond_the_floats_are_clamped_before_anything_is_rounded() {
    // As f64, 2^53 + 1 is 2^53; the bound lies between the two.
    let bound = 9_007_199_254_740_992.0;
    let grid = Grid::with_step(bound - 4.0, bound, 0).unwrap();
    let values = vec![(1 << 53) + 1, (1 << 53) - 3, i64::MAX, i64::MIN];
    let limit = 1_i64 << 53;
    let expected = [limit, limit - 3, limit, limit - 4].map(Some);
    assert_eq!(steps(&grid, Int64Array::from(values)), expected);
}

#[test]
fn encodings_make_no_difference() {
    let grid = Grid::for_bounds(0.0, 8.0).unwrap();
    let unit = 1 << 17;
    let dictionary = Int32DictionaryArray::new(
        vec![Some(0), None, Some(1), Some(2)].into(),
        Arc::new(Float64Array::from(vec![Some(1.0), Some(f64::NAN), None])),
    );
    assert_eq!(steps(&grid, dictionary), [Some(unit), None, None, None]);
    let runs =
        RunArray::<Int32Type>::try_new(&vec![2, 3].into(), &Int64Array::from(vec![Some(2), None]))
            .unwrap();
    assert_eq!(steps(&grid, runs), [Some(2 * unit), Some(2 * unit), None]);
    assert_eq!(steps(&grid, NullArray::new(2)), [None, None]);
    let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(9), None, Some(1), Some(2)]));
    let slice = grid.to_steps(&values.slice(1, 2)).unwrap();
    assert_eq!(slice.iter().collect::<Vec<_>>(), [None, Some(unit)]);
}

#[test]
fn bounds_without_a_grid_are_refused_with_a_fix() {
    let refusal = |lower, upper| Grid::for_bounds(lower, upper).unwrap_err().to_string();
    let expect = |lower: f64, upper: f64, why: &str| {
        let message = refusal(lower, upper);
        assert!(message.contains(why), "{message}");
    };
    expect(1.0, 0.0, "they are reversed; swap them");
    expect(1.0, 1.0, "they are equal");
    expect(-0.0, 0.0, "they are equal");
    expect(f64::NAN, 1.0, "not a finite number");
    expect(0.0, f64::INFINITY, "not a finite number");
    expect(-f64::MAX, f64::MAX, "too far apart");
    expect(0.0, 5e-324, "too close to each other");
    expect(1e16, 1e16 + 2.0, "subtract an offset first");
    let step = |lower, upper, step| Grid::with_step(lower, upper, step).unwrap_err();
    assert!(matches!(step(0.0, 1.0, -54), KernelError::Step { step_log2: -54, .. }));
    assert!(step(0.0, 1.0, 5).to_string().contains("both bounds round to the same step"));
    assert!(step(0.0, 1.0, i32::MIN).to_string().contains("between 2^-1022 and 2^970"));
    assert!(step(0.0, f64::MAX, 971).to_string().contains("between 2^-1022 and 2^970"));
    assert!(Grid::with_step(0.0, 1.0, -53).is_ok());
    let text: ArrayRef = Arc::new(StringArray::from(vec!["secret"]));
    let refused = Grid::for_bounds(0.0, 1.0).unwrap().to_steps(&text).unwrap_err();
    assert!(refused.to_string().contains("Utf8") && !refused.to_string().contains("secret"));
}
