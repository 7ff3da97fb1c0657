//! Functions that people write and that are not on the allow-list, with what to write instead.

use super::table::TABLE;
use crate::error::{Refusal, RefusalCode, nearest};

/// Names, why they are refused, and a rewrite that works.
const KNOWN: &[(&[&str], &str, &str)] = &[
    (
        &["random", "rand", "uuid"],
        "it draws randomness, so that the same question would not have the same answer",
        "leave it out: noise is added for you, once and accounted for",
    ),
    (
        &[
            "now",
            "current_date",
            "current_timestamp",
            "current_time",
            "today",
            "localtimestamp",
            "getdate",
        ],
        "it reads a clock, so that the same question would not have the same answer",
        "write the day, as in DATE '2025-01-31'",
    ),
    (
        &["repeat", "lpad", "rpad", "space"],
        "its result can be as long as its argument says, and memory would tell about single rows",
        "join texts with ||, or cut them with left(s, 10)",
    ),
    (
        &[
            "regexp_match",
            "regexp_like",
            "regexp_replace",
            "regexp_count",
            "regexp_matches",
            "regexp_extract",
            "regexp_instr",
            "rlike",
        ],
        "a regular expression may take long for one row and not for another",
        "use s LIKE 'I2%', starts_with(s, 'I2'), strpos(s, 'x') > 0 or replace(s, 'a', 'b')",
    ),
    (
        &["to_date", "to_timestamp", "str_to_date", "strptime", "parse_date", "make_date"],
        "it fails for text that is no date",
        "write CAST(s AS DATE): what is no date becomes NULL",
    ),
    (
        &["to_char", "strftime", "date_format", "format"],
        "its result depends on a format that can fail",
        "use date_trunc('month', d) or extract(year FROM d)",
    ),
    (
        &["to_number", "int", "bigint", "float", "double"],
        "it fails for text that is no number",
        "write CAST(s AS BIGINT): what is no number becomes NULL",
    ),
    (
        &[
            "year",
            "month",
            "day",
            "quarter",
            "week",
            "hour",
            "minute",
            "second",
            "dayofweek",
            "dayofyear",
            "weekday",
        ],
        "it is written in another way here",
        "write extract(year FROM d), also with quarter, month, week, day, dow, doy and hour",
    ),
    (
        &["age", "months_between", "timestampdiff", "timediff"],
        "it is written in another way here",
        "write date_diff('month', d, e), also with year, week and day",
    ),
    (
        &["dateadd", "date_sub", "adddate", "timestampadd"],
        "it is written in another way here",
        "write d + INTERVAL '1' MONTH or d - INTERVAL '30' DAY",
    ),
    (
        &["if", "iff", "iif", "decode"],
        "it is written in another way here",
        "write CASE WHEN a THEN b ELSE c END",
    ),
    (
        &["log", "log2", "cbrt", "sin", "cos", "tan", "radians", "degrees", "factorial", "pi"],
        "it is not on the allow-list",
        "use ln(x), log10(x), exp(x), sqrt(x) and power(x, y)",
    ),
    (
        &[
            "array_agg",
            "split_part",
            "string_to_array",
            "unnest",
            "string_agg",
            "chr",
            "ascii",
            "md5",
            "sha256",
            "encode",
            "reverse",
            "translate",
            "initcap",
            "concat_ws",
        ],
        "it is not on the allow-list",
        "use lower, upper, trim, substring, left, right, replace, strpos and ||",
    ),
];

/// The refusal of a function that people know from elsewhere, with the way to write it here.
pub(crate) fn known_elsewhere(name: &str, subject: &str) -> Option<Refusal> {
    let name = name.to_ascii_lowercase();
    let (_, why, fix) = KNOWN.iter().find(|(names, _, _)| names.contains(&name.as_str()))?;
    Some(Refusal::new(RefusalCode::Expression, subject, *why, *fix))
}

/// The refusal of any function.
pub(crate) fn better(name: &str, subject: &str) -> Refusal {
    known_elsewhere(name, subject).unwrap_or_else(|| {
        let names = TABLE.iter().flat_map(|entry| entry.sql).copied();
        let fix = match nearest(name, names) {
            Some(close) => format!("did you mean {close}?"),
            None => "see docs/functions.md for what there is".to_owned(),
        };
        let why = format!("the function {name} is not on the allow-list");
        Refusal::new(RefusalCode::Expression, subject, why, fix)
    })
}
