//! Hostile values in every function: nothing errs, no row looks at its neighbours, and what comes
//! out is what the documents say.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::concat;
use arrow::datatypes::DataType;
use proptest::prelude::*;

use super::*;

const INTEGERS: [Option<i64>; 10] = [
    None,
    Some(i64::MIN),
    Some(i64::MAX),
    Some(-1),
    Some(0),
    Some(1),
    Some(7),
    Some(-300),
    Some(1 << 53),
    Some(3_000_000_000),
];

fn floats() -> Vec<Option<f64>> {
    vec![
        None,
        Some(f64::NAN),
        Some(-f64::NAN),
        Some(f64::INFINITY),
        Some(f64::NEG_INFINITY),
        Some(-0.0),
        Some(0.0),
        Some(f64::MIN_POSITIVE / 2.0),
        Some(f64::MAX),
        Some(f64::MIN),
        Some(-1.5),
        Some(2.5),
        Some(1e300),
        Some(9.223_372_036_854_776e18),
    ]
}

fn texts() -> Vec<Option<String>> {
    let plain = ["", " ", "abc", "  a b  ", "%", "_\\", "İß\u{301}🦀", "NaN", "inf", "1e999"];
    let more = ["-9223372036854775808", "12.5", "2024-02-30", "2024-02-29", "year", "WEEK", "t"];
    let mut all: Vec<Option<String>> =
        plain.iter().chain(&more).map(|text| Some((*text).to_owned())).collect();
    all.push(None);
    all.push(Some("x".repeat(TEXT_BYTES_MAX)));
    all.push(Some("2024-02-29T23:59:59.123456".to_owned()));
    all
}

fn dates() -> Vec<Option<i32>> {
    vec![None, Some(i32::MIN), Some(i32::MAX), Some(0), Some(-1), Some(19_782), Some(-719_529)]
}

fn stamps() -> Vec<Option<i64>> {
    vec![None, Some(i64::MIN), Some(i64::MAX), Some(0), Some(-1), Some(1_709_251_199_123_456)]
}

/// All hostile values of a type.
fn hostile(kind: &DataType) -> ArrayRef {
    match kind {
        DataType::Boolean => Arc::new(BooleanArray::from(vec![None, Some(true), Some(false)])),
        DataType::Int64 => Arc::new(Int64Array::from(INTEGERS.to_vec())),
        DataType::Float64 => Arc::new(Float64Array::from(floats())),
        DataType::Utf8 => Arc::new(texts().into_iter().collect::<StringArray>()),
        DataType::Date32 => Arc::new(Date32Array::from(dates())),
        _ => Arc::new(TimestampMicrosecondArray::from(stamps())),
    }
}

const BOOL: DataType = DataType::Boolean;
const INT: DataType = DataType::Int64;
const FLOAT: DataType = DataType::Float64;
const TEXT: DataType = DataType::Utf8;
const DATE: DataType = DataType::Date32;
const STAMP: DataType = DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None);

/// Every function with every list of argument types that it takes.
fn calls() -> Vec<(Function, Vec<DataType>)> {
    use Function as F;
    let mut calls = Vec::new();
    for kind in [INT, FLOAT] {
        for function in [F::Add, F::Subtract, F::Multiply, F::Divide, F::Remainder] {
            calls.push((function, vec![kind.clone(); 2]));
        }
        for function in
            [F::Negate, F::Absolute, F::Sign, F::Floor, F::Ceiling, F::Truncate, F::Round]
        {
            calls.push((function, vec![kind.clone()]));
        }
        calls.push((F::Clamp, vec![kind.clone(); 3]));
        calls.push((F::WidthBucket, vec![kind.clone(), kind.clone(), kind, INT]));
    }
    for function in [F::SquareRoot, F::NaturalLogarithm, F::DecimalLogarithm, F::Exponential] {
        calls.push((function, vec![FLOAT]));
    }
    calls.push((F::Round, vec![FLOAT, INT]));
    calls.push((F::Power, vec![FLOAT, FLOAT]));
    for kind in [BOOL, INT, FLOAT, TEXT, DATE, STAMP] {
        for function in [F::Coalesce, F::Greatest, F::Least] {
            calls.push((function, vec![kind.clone(); 3]));
        }
        calls.push((F::NullIf, vec![kind.clone(); 2]));
    }
    for kind in [DATE, STAMP] {
        calls.push((F::DatePart, vec![TEXT, kind.clone()]));
        calls.push((F::DateTrunc, vec![TEXT, kind.clone()]));
        calls.push((F::DateDiff, vec![TEXT, kind.clone(), kind]));
    }
    calls.push((F::DaysBetween, vec![DATE, DATE]));
    calls.push((F::ShiftDate, vec![DATE, INT, INT]));
    calls.push((F::ShiftTimestamp, vec![STAMP, INT, INT, INT]));
    for function in [F::Lower, F::Upper, F::Trim, F::TrimStart, F::TrimEnd, F::Length] {
        calls.push((function, vec![TEXT]));
    }
    for function in [F::Trim, F::TrimStart, F::TrimEnd, F::StartsWith, F::Position] {
        calls.push((function, vec![TEXT; 2]));
    }
    for function in [F::Left, F::Right, F::Substring] {
        calls.push((function, vec![TEXT, INT]));
    }
    calls.push((F::Substring, vec![TEXT, INT, INT]));
    for function in [F::Join, F::Concat, F::Replace] {
        calls.push((function, vec![TEXT; 3]));
    }
    calls
}

/// What is trimmed is a set of characters, whether it is a constant or a column, and however long.
#[test]
fn long_sets_are_trimmed_in_good_time() {
    let texts =
        |texts: &[Option<&str>]| Argument::column(Arc::new(StringArray::from(texts.to_vec())));
    let one = |text: &str| Argument::constant(Arc::new(StringArray::from(vec![text]))).unwrap();
    let given = [Some("  ab "), Some("xyaxy"), Some(""), None, Some("éaé")];
    for (function, expected) in [
        (Function::Trim, [Some("  ab "), Some("a"), Some(""), None, Some("éaé")]),
        (Function::TrimStart, [Some("  ab "), Some("axy"), Some(""), None, Some("éaé")]),
        (Function::TrimEnd, [Some("  ab "), Some("xya"), Some(""), None, Some("éaé")]),
    ] {
        for set in [one("yx"), texts(&[Some("yx"); 5])] {
            let trimmed = apply(function, &[texts(&given), set], 5).unwrap();
            assert_eq!(trimmed.as_string::<i32>(), &StringArray::from(expected.to_vec()));
        }
    }
    let trimmed = apply(Function::Trim, &[texts(&given), texts(&[None; 5])], 5).unwrap();
    assert_eq!(trimmed.null_count(), 5);
    // Each character is looked up among 16,000 others; one by one it would take 5 billion steps.
    let alphabet: String = ('\u{4e00}'..'\u{8c00}').collect();
    let last = "\u{8bff}".repeat(20_000);
    let long: Vec<Option<&str>> = vec![Some(&last); 20];
    let sets: Vec<Option<&str>> = vec![Some(&alphabet); 20];
    let trimmed = apply(Function::Trim, &[texts(&long), texts(&sets)], 20).unwrap();
    assert!(trimmed.as_string::<i32>().iter().all(|text| text == Some("")));
}

/// Nothing that comes out is NaN, infinite, -0.0 or long. What passes a value through may pass on
/// an infinity of an unbounded column.
fn check_result(function: Function, result: &ArrayRef) {
    let passes = matches!(
        function,
        Function::Coalesce | Function::NullIf | Function::Greatest | Function::Least
    );
    if let Some(floats) = result.as_any().downcast_ref::<Float64Array>()
        && !passes
    {
        for float in floats.iter().flatten() {
            assert!(float.is_finite(), "{function:?} gave {float}");
            assert!(float != 0.0 || float.is_sign_positive(), "{function:?} gave -0.0");
        }
    }
    if let Some(texts) = result.as_any().downcast_ref::<StringArray>() {
        assert!(texts.iter().flatten().all(|text| text.len() <= TEXT_BYTES_MAX), "{function:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    /// Rows drawn from hostile values: no error, no NaN, and a row alone gives what it gave among
    /// others, also where an argument is a constant.
    #[test]
    fn every_function_is_total_and_looks_at_one_row(
        call in 0..calls().len(),
        picks in prop::collection::vec(prop::collection::vec(0..1_000_usize, 4), 1..12),
        constant in 0..5_usize,
    ) {
        let (function, kinds) = &calls()[call];
        let rows = picks.len();
        let columns: Vec<ArrayRef> = kinds.iter().enumerate().map(|(position, kind)| {
            let all = hostile(kind);
            let chosen: Vec<ArrayRef> = picks.iter().map(|row| {
                let row = if position == constant { &picks[0] } else { row };
                all.slice(row[position] % all.len(), 1)
            }).collect();
            concat(&chosen.iter().map(AsRef::as_ref).collect::<Vec<_>>()).unwrap()
        }).collect();
        let plain: Vec<Argument> = columns.iter().cloned().map(Argument::column).collect();
        let together = apply(*function, &plain, rows).unwrap();
        prop_assert_eq!(together.len(), rows);
        check_result(*function, &together);
        let mixed: Vec<Argument> = columns.iter().enumerate().map(|(position, column)| {
            if position == constant {
                Argument::constant(column.slice(0, 1)).unwrap()
            } else {
                Argument::column(column.clone())
            }
        }).collect();
        prop_assert_eq!(&apply(*function, &mixed, rows).unwrap(), &together);
        for row in 0..rows {
            let alone: Vec<Argument> =
                columns.iter().map(|column| Argument::column(column.slice(row, 1))).collect();
            prop_assert_eq!(&apply(*function, &alone, 1).unwrap(), &together.slice(row, 1));
        }
    }

    /// Any pattern on any text ends, and agrees with matching by recursion.
    #[test]
    fn patterns_agree_with_recursion(pattern in "[ab%_]{0,8}", text in "[ab]{0,10}") {
        fn slow(pattern: &[u8], text: &[u8]) -> bool {
            match pattern.split_first() {
                None => text.is_empty(),
                Some((b'%', rest)) => (0..=text.len()).any(|skip| slow(rest, &text[skip..])),
                Some((b'_', rest)) => !text.is_empty() && slow(rest, &text[1..]),
                Some((byte, rest)) => text.first() == Some(byte) && slow(rest, &text[1..]),
            }
        }
        let array: ArrayRef = Arc::new(StringArray::from(vec![text.as_str()]));
        let found = Pattern::new(&pattern, false).matches(&Argument::column(array), 1).unwrap();
        let expected: ArrayRef =
            Arc::new(BooleanArray::from(vec![slow(pattern.as_bytes(), text.as_bytes())]));
        prop_assert_eq!(&found, &expected);
    }

    /// A day number goes to a date and back.
    #[test]
    fn the_calendar_is_its_own_inverse(day in i64::from(i32::MIN)..=i64::from(i32::MAX)) {
        let (year, month, of_month) = calendar::civil(day);
        prop_assert_eq!(calendar::days(year, month, of_month), day);
        prop_assert!(of_month <= calendar::month_length(year, month));
        let (_, week) = calendar::iso_week(day);
        prop_assert!((1..=53).contains(&week));
    }
}

#[test]
fn every_function_is_tried() {
    let mut tried: Vec<Function> = calls().into_iter().map(|(function, _)| function).collect();
    tried.sort();
    tried.dedup();
    assert_eq!(tried.len(), Function::Replace as usize + 1);
}

#[test]
fn every_cast_is_total() {
    for from in [BOOL, INT, FLOAT, TEXT, DATE, STAMP] {
        for to in [BOOL, INT, FLOAT, TEXT, DATE, STAMP] {
            let all = hostile(&from);
            let result = cast(&Argument::column(all.clone()), &to, all.len());
            assert_eq!(result.is_ok(), casts(&from, &to), "{from} to {to}");
            if let Ok(result) = result {
                assert_eq!(result.data_type(), &to);
                if from != to {
                    check_result(Function::Add, &result);
                }
            }
        }
    }
}

fn one<A: Array + 'static>(array: A) -> Argument {
    Argument::column(Arc::new(array))
}

fn check(function: Function, arguments: &[Argument], expected: impl Array + 'static) {
    let result = apply(function, arguments, expected.len()).unwrap();
    let expected: ArrayRef = Arc::new(expected);
    assert_eq!(&result, &expected, "{function:?}");
}

#[test]
fn what_has_no_value_is_null() {
    let a = Int64Array::from(vec![i64::MIN, i64::MAX, 7, -7, 1]);
    let b = Int64Array::from(vec![-1, 1, 2, 2, 0]);
    let pair = [one(a), one(b)];
    let some = |values: [Option<i64>; 5]| Int64Array::from(values.to_vec());
    check(Function::Add, &pair, some([None, None, Some(9), Some(-5), Some(1)]));
    check(Function::Divide, &pair, some([None, Some(i64::MAX), Some(3), Some(-3), None]));
    check(Function::Remainder, &pair, some([Some(0), Some(0), Some(1), Some(-1), None]));
    let x = Float64Array::from(vec![f64::NAN, f64::INFINITY, -1.0, 0.5, 10.0]);
    let (low, high) = (Float64Array::from(vec![0.0; 5]), Float64Array::from(vec![10.0; 5]));
    let clamped = vec![None, Some(10.0), Some(0.0), Some(0.5), Some(10.0)];
    check(
        Function::Clamp,
        &[one(x.clone()), one(low.clone()), one(high.clone())],
        Float64Array::from(clamped),
    );
    check(
        Function::WidthBucket,
        &[one(x), one(low), one(high), one(Int64Array::from(vec![5; 5]))],
        some([None, Some(6), Some(0), Some(1), Some(6)]),
    );
}

#[test]
fn dates_follow_the_calendar() {
    let day = |text: &str| {
        let text = one(StringArray::from(vec![text]));
        cast(&text, &DATE, 1).unwrap()
    };
    let part = |name: &str, date: &str| {
        let arguments = [one(StringArray::from(vec![name])), Argument::column(day(date))];
        let result = apply(Function::DatePart, &arguments, 1).unwrap();
        result.as_any().downcast_ref::<Int64Array>().unwrap().value(0)
    };
    assert_eq!(part("year", "2024-12-30"), 2024);
    assert_eq!(part("isoyear", "2024-12-30"), 2025);
    assert_eq!(part("week", "2024-12-30"), 1);
    assert_eq!(part("dow", "2024-12-29"), 0);
    assert_eq!(part("isodow", "2024-12-29"), 7);
    assert_eq!(part("doy", "2024-12-31"), 366);
    assert_eq!(part("quarter", "2024-10-01"), 4);
    let shift = |date: &str, months: i64, days: i64, expected: &str| {
        let arguments = [
            Argument::column(day(date)),
            one(Int64Array::from(vec![months])),
            one(Int64Array::from(vec![days])),
        ];
        let shifted = apply(Function::ShiftDate, &arguments, 1).unwrap();
        assert_eq!(&shifted, &day(expected), "{date}");
    };
    shift("2024-01-31", 1, 0, "2024-02-29");
    shift("2023-01-31", 1, 1, "2023-03-01");
    shift("2024-03-31", -13, 0, "2023-02-28");
    let truncated = |name: &str, date: &str, expected: &str| {
        let arguments = [one(StringArray::from(vec![name])), Argument::column(day(date))];
        let beginning = apply(Function::DateTrunc, &arguments, 1).unwrap();
        assert_eq!(&beginning, &day(expected), "{name}");
    };
    truncated("month", "2024-02-29", "2024-02-01");
    truncated("week", "2024-02-29", "2024-02-26");
    truncated("quarter", "2024-12-31", "2024-10-01");
    truncated("isoyear", "2021-01-03", "2019-12-30");
}

#[test]
fn texts_are_cut_by_characters() {
    let text = |text: &str| one(StringArray::from(vec![text]));
    let int = |integer: i64| one(Int64Array::from(vec![integer]));
    let gives = |expected: &str| StringArray::from(vec![expected]);
    check(Function::Substring, &[text("äbc"), int(2)], gives("bc"));
    check(Function::Substring, &[text("äbc"), int(0), int(2)], gives("ä"));
    check(Function::Substring, &[text("äbc"), int(-5), int(i64::MAX)], gives("äbc"));
    check(Function::Left, &[text("äbc"), int(-1)], gives("äb"));
    check(Function::Right, &[text("äbc"), int(2)], gives("bc"));
    check(Function::Right, &[text("äbc"), int(i64::MIN)], gives(""));
    check(Function::Replace, &[text("aXbX"), text("X"), text("--")], gives("a--b--"));
    check(Function::Position, &[text("äbc"), text("c")], Int64Array::from(vec![3]));
    check(
        Function::Join,
        &[text("x"), one(StringArray::from(vec![None::<&str>]))],
        StringArray::from(vec![None::<&str>]),
    );
}
