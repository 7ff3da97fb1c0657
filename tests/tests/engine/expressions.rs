//! What is inferred about an expression, against what it gives.

use voilage_query::expression::{domain, evaluate, narrowed};
use voilage_query::plan::{Scalar, Type, Value};
use voilage_tests::chance::Chance;
use voilage_tests::expressions::{Case, case, truth};

/// Random cases; a wrong rule for one function in a hundred cases of its own is missed with
/// probability below 10^-6, as every function appears in more than 1,400 of them.
const CASES: u64 = 20_000;
const ROWS: usize = 8;

/// Nothing below the boundary is NaN or -0.0.
fn plain(value: &Value) -> bool {
    match value {
        Value::Float(float) => !float.is_nan() && (*float != 0.0 || float.is_sign_positive()),
        _ => true,
    }
}

fn row(case: &Case, row: usize) -> Vec<(Type, Vec<Value>)> {
    case.columns.iter().map(|(kind, values)| (*kind, vec![values[row].clone()])).collect()
}

#[test]
fn every_result_lies_in_the_inferred_domain_and_no_evaluation_fails() {
    for seed in 0..CASES {
        let case = case(&mut Chance::new(seed), ROWS);
        let inferred = domain(&case.scalar, &case.domains, &case.kinds);
        let results = evaluate(&case.scalar, &case.columns, ROWS)
            .unwrap_or_else(|| panic!("seed {seed}: the evaluation failed: {case:?}"));
        for result in &results {
            assert!(plain(result), "seed {seed}: {result} from {case:?}");
            assert!(
                inferred.contains(result),
                "seed {seed}: {result:?} is not in {inferred:?}: {case:?}"
            );
        }
        if seed % 8 == 0 {
            for (position, result) in results.iter().enumerate() {
                let alone = evaluate(&case.scalar, &row(&case, position), 1).unwrap();
                assert_eq!(
                    &alone[0], result,
                    "seed {seed}: a row looked at its neighbours: {case:?}"
                );
            }
        }
    }
}

#[test]
fn a_row_that_passes_a_filter_lies_in_the_narrowed_domains() {
    let mut passed = 0;
    for seed in 0..CASES {
        let mut chance = Chance::new(seed);
        let case = case(&mut chance, ROWS);
        let predicate = truth(&mut chance, &case.kinds, 2);
        let kept = narrowed(&predicate, &case.domains, &case.kinds);
        let tests = evaluate(&predicate, &case.columns, ROWS).unwrap();
        for (position, test) in tests.iter().enumerate() {
            if *test != Value::Bool(true) {
                continue;
            }
            passed += 1;
            for ((_, values), domain) in case.columns.iter().zip(&kept) {
                assert!(
                    domain.contains(&values[position]),
                    "seed {seed}: {:?} is not in {domain:?} after {predicate:?}",
                    values[position]
                );
            }
        }
    }
    assert!(passed > 10_000, "{passed} rows");
}

/// The comparison itself can fail: a domain that is too small is noticed.
#[test]
fn a_domain_that_is_too_small_is_noticed() {
    let column = Scalar::Column(0);
    let wide = voilage_query::plan::Domain::integers(Some(0), Some(9), false);
    let narrow = domain(&column, &[wide], &[Type::Int64]);
    assert!(narrow.contains(&Value::Int(9)) && !narrow.contains(&Value::Int(10)));
    assert!(!narrow.contains(&Value::Null(Type::Int64)));
}
