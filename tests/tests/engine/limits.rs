//! What a question may need while it is computed is known before it is paid for, and bounded.

use voilage_query::Spend;
use voilage_tests::neighbourhood::Neighbourhood;
use voilage_tests::plans;

/// Refused with this code and text, at a place, with a fix, and nothing spent; or accepted.
fn check(home: &Neighbourhood, sql: &str, refused: Option<(&str, &str)>) {
    let shown = &sql[..sql.len().min(200)];
    match (home.study().question(sql, &Spend::AsWritten), refused) {
        (Ok(_), None) => {}
        (Ok(_), Some((_, text))) => panic!("accepted in spite of {text}: {shown}"),
        (Err(error), None) => panic!("{error}\n{shown}"),
        (Err(error), Some((code, text))) => {
            let error = error.to_string();
            let all = [&format!("[{code}]"), text, "(line 1, column", "\n  fix: "];
            assert!(all.into_iter().all(|part| error.contains(part)), "{shown}\n{error}");
        }
    }
    assert!(home.study().hub().ledger().charges("study").unwrap().is_empty());
}

fn home() -> Neighbourhood {
    Neighbourhood::build(plans::HUB, "hostile", &[])
}

/// A person with long texts would be told by the memory that a question takes: what holds a text for
/// each row is counted, wherever it stands.
#[test]
fn few_texts_are_computed_for_each_row() {
    let home = home();
    let too_many = Some(("expression", "give text for each row"));
    let nested = |depth: usize| {
        let calls = "upper(".repeat(depth);
        let ends = ")".repeat(depth);
        format!("SELECT COUNT(*) AS n FROM events WHERE {calls}note{ends} = 'A'")
    };
    check(&home, &nested(32), None);
    check(&home, &nested(33), too_many);
    // Side by side in one call, and as CASEs and casts.
    for item in ["lower(note)", "CASE WHEN flag THEN note END", "CAST(code AS TEXT)"] {
        let wide = |count: usize| {
            let items = vec![item; count].join(", ");
            format!("SELECT COUNT(*) AS n FROM events WHERE length(concat({items})) > 3")
        };
        check(&home, &wide(30), None);
        check(&home, &wide(99), too_many);
    }
    // Spread over subqueries, keys and values.
    let spread = |count: usize| {
        let columns: Vec<String> =
            (0..count).map(|column| format!("left(note, {}) AS c{column}", column + 1)).collect();
        let read: Vec<String> = (0..count).map(|column| format!("COUNT(c{column})")).collect();
        format!("SELECT {} FROM (SELECT {} FROM events) AS t", read.join(", "), columns.join(", "))
    };
    check(&home, &spread(32), None);
    check(&home, &spread(33), too_many);
    // A computed column is computed again for each condition on it, but not for IN.
    let conditions = |count: usize| {
        let tests: Vec<String> = (0..count).map(|value| format!("c = '{value}'")).collect();
        format!(
            "SELECT COUNT(*) AS n FROM (SELECT lower(note) AS c FROM events) AS t WHERE {}",
            tests.join(" OR ")
        )
    };
    check(&home, &conditions(31), None);
    check(&home, &conditions(32), too_many);
    let listed: Vec<String> = (0..99).map(|value| format!("'{value}'")).collect();
    check(
        &home,
        &format!(
            "SELECT COUNT(*) AS n FROM (SELECT lower(note) AS c FROM events) AS t WHERE c IN ({})",
            listed.join(", ")
        ),
        None,
    );
}

/// The optimizer writes computed columns out in conditions; doubling at each level would be 2^30 parts.
#[test]
fn conditions_on_computed_columns_do_not_double() {
    let home = home();
    let doubling = |levels: usize| {
        let from = (0..levels).fold("events".to_owned(), |from, level| {
            let (before, after) = match level {
                0 => ("code".to_owned(), "c0".to_owned()),
                _ => (format!("c{}", level - 1), format!("c{level}")),
            };
            format!("(SELECT {before} * {before} + {before} AS {after} FROM {from}) AS t{level}")
        });
        format!("SELECT COUNT(*) AS n FROM {from} WHERE c{} > 7", levels - 1)
    };
    check(&home, &doubling(8), None);
    check(&home, &doubling(20), Some(("expression", "with the columns of subqueries written out")));
    // Without a condition nothing is written out.
    let counted = doubling(20).replace("COUNT(*)", "COUNT(c19)");
    let counted = counted.split(" WHERE c19").next().unwrap();
    check(&home, counted, None);
}

/// `x IN (a, b)` compares x with each computed item, so that x is written once for each.
#[test]
fn lists_of_computed_items_do_not_double() {
    let home = home();
    let chained = |levels: usize| {
        let lists = " IN (kind = 1, kind = 2, flag)".repeat(levels);
        format!("SELECT COUNT(*) AS n FROM events WHERE flag{lists}")
    };
    check(&home, &chained(5), None);
    check(&home, &chained(40), Some(("expression", "written out it has more than")));
}

/// Totals are kept for every group, and a quantile keeps hundreds of them.
#[test]
fn totals_of_all_groups_fit_into_memory() {
    let home = home();
    let medians = |count: usize, keys: &str| {
        let medians: Vec<String> = (0..count)
            .map(|value| format!("MEDIAN(clamp(code + {value}, 0, 100000)) AS m{value}"))
            .collect();
        format!("SELECT {} FROM events{keys}", medians.join(", "))
    };
    check(&home, &medians(30, ""), None);
    check(&home, &medians(40, ""), Some(("expression", "totals for each group")));
    // 4,000 x 3 keys, once with counts and once with a quantile each.
    let keys = " GROUP BY clamp(code, 1, 4000), kind";
    check(&home, &format!("SELECT COUNT(*) AS n FROM events{keys}"), None);
    let quantiles = format!("SELECT MEDIAN(cost) AS a, MEDIAN(size) AS b FROM events{keys}");
    check(&home, &quantiles, Some(("expression", "public keys with")));
}

/// Parts that have no beginning always gave NULL, and were believed never to.
#[test]
fn days_numbered_within_a_longer_part_neither_begin_nor_are_counted() {
    let home = home();
    for part in ["doy", "dow", "isodow", "DOW"] {
        for call in [
            format!("date_trunc('{part}', day)"),
            format!("date_trunc('{part}', at)"),
            format!("date_diff('{part}', day, DATE '2020-01-01')"),
        ] {
            let sql = format!("SELECT COUNT({call}) AS n FROM events");
            check(&home, &sql, Some(("expression", "numbers a day within a longer part")));
        }
        let read = format!("SELECT COUNT(date_part('{part}', day)) AS n FROM events");
        check(&home, &read, None);
        check(&home, &read.replace(&format!("'{part}'"), "'day'"), None);
    }
}
