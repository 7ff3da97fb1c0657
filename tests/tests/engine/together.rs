//! All refusals of one question come together, wherever in it they are: also what is said about rows that
//! were refused themselves, as far as it does not depend on them.

use voilage_query::{QueryError, Spend};
use voilage_tests::neighbourhood::Neighbourhood;
use voilage_tests::plans;

#[test]
fn all_refusals_of_a_question_come_together() {
    let home = Neighbourhood::build(plans::HUB, "hostile", &[]);
    for (sql, expected) in [
        // In one expression.
        (
            "SELECT COUNT(*) AS n FROM events WHERE repeat(note, 2) || lpad(label, 3) = initcap(note)",
            &["repeat", "lpad", "initcap"][..],
        ),
        (
            "SELECT COUNT(CASE WHEN note ~ 'a' THEN date_trunc('dow', day) ELSE date_trunc('doy', at) END) AS n \
             FROM events",
            &["regular expression", "'dow'", "'doy'"],
        ),
        // Filter, keys and aggregates of one SELECT.
        (
            "SELECT raw, ARRAY_AGG(kind) AS a, SUM(code) AS s FROM events WHERE note ~ 'a' GROUP BY raw",
            &["regular expression", "GROUP BY raw", "array_agg", "sum"],
        ),
        // An aggregate above a subquery that is refused.
        (
            "SELECT BIT_AND(kind) AS b, COUNT(date_trunc('doy', day)) AS c FROM \
             (SELECT kind, day FROM events ORDER BY cost LIMIT 5) AS t WHERE note_less(kind) = 1",
            &["note_less"],
        ),
        (
            "SELECT BIT_AND(kind) AS b, COUNT(date_trunc('doy', day)) AS c FROM \
             (SELECT kind, day FROM events ORDER BY cost LIMIT 5) AS t WHERE (kind = 1) IS NOT TRUE",
            &["ORDER BY or LIMIT", "bit_and", "'doy'"],
        ),
        // Both sides of a join, and what is above it.
        (
            "SELECT BIT_OR(t.kind) AS b FROM (SELECT who, kind FROM events LIMIT 5) AS t \
             JOIN (SELECT who FROM people WHERE sex ~ 'f') AS p ON t.who = p.who",
            &["ORDER BY or LIMIT", "regular expression", "bit_or"],
        ),
        // What is above a join without the unit.
        (
            "SELECT BIT_OR(t.kind) AS b FROM events AS t JOIN people AS p ON t.kind = p.born",
            &["a join of rows of individuals", "bit_or"],
        ),
        // A released table that is refused, and another one beside it.
        (
            "SELECT * FROM (SELECT BIT_AND(kind) AS x FROM events) AS a, \
             (SELECT BIT_OR(kind) AS y FROM events) AS b \
             WHERE a.x > (SELECT BIT_XOR(kind) FROM events)",
            &["bit_and", "bit_or", "bit_xor"],
        ),
        // Features of each person.
        (
            "SELECT COUNT(n) AS a, BIT_AND(k) AS b FROM (SELECT who, kind AS k, ARRAY_AGG(code) AS n FROM events \
             GROUP BY who, kind) AS t",
            &["array_agg", "bit_and"],
        ),
        // What the planner says about types is not shown as it says it.
        (
            "SELECT AVG(n) AS a FROM (SELECT ARRAY_AGG(code) AS n FROM events) AS t",
            &["the function avg", "does not take"],
        ),
    ] {
        let error = home.study().question(sql, &Spend::AsWritten).map(|_| ()).unwrap_err();
        let text = error.to_string();
        for part in expected {
            assert!(text.to_lowercase().contains(&part.to_lowercase()), "{part}: {sql}\n{text}");
        }
        let QueryError::Refused(refusals) = error else { panic!("{sql}\n{text}") };
        assert!(!text.contains("Internal error"), "{text}");
        assert!(
            refusals.iter().all(|refusal| refusal.place.is_some() || refusals.len() > 1),
            "{text}"
        );
    }
    assert!(home.study().hub().ledger().charges("study").unwrap().is_empty());
}

/// What would only be a guess is not said: of rows that were refused neither ranges nor units are known.
#[test]
fn what_depends_on_refused_rows_is_not_refused_with_them() {
    let home = Neighbourhood::build(plans::HUB, "hostile", &[]);
    for (sql, count) in [
        ("SELECT SUM(code) AS s FROM (SELECT code FROM events LIMIT 5) AS t", 1),
        ("SELECT code FROM (SELECT code FROM events LIMIT 5) AS t", 1),
        ("SELECT COUNT(DISTINCT w) AS n FROM (SELECT who AS w FROM events LIMIT 5) AS t", 1),
        (
            "SELECT COUNT(*) AS n FROM (SELECT who AS w, kind FROM events LIMIT 5) AS t JOIN people AS p ON t.w = p.who",
            1,
        ),
        ("SELECT raw, COUNT(*) AS n FROM (SELECT raw FROM events LIMIT 5) AS t GROUP BY raw", 1),
        (
            "SELECT who, SUM(cost) AS n FROM (SELECT who, cost FROM events LIMIT 5) AS t GROUP BY who",
            1,
        ),
        ("SELECT x + 1 AS y FROM (SELECT BIT_AND(kind) AS x FROM events) AS t", 1),
    ] {
        let error = home.study().question(sql, &Spend::AsWritten).map(|_| ()).unwrap_err();
        let QueryError::Refused(refusals) = &error else { panic!("{sql}\n{error}") };
        assert_eq!(refusals.len(), count, "{sql}\n{error}");
    }
}

/// A refusal shows a whole statement wherever its text can be changed into one that is accepted.
#[test]
fn refusals_show_statements_that_are_accepted() {
    let home = Neighbourhood::build(plans::HUB, "hostile", &[]);
    for sql in [
        "SELECT * FROM events",
        "SELECT who, kind FROM events ORDER BY cost DESC LIMIT 10",
        "SELECT who, COUNT(*) AS n FROM events GROUP BY who;",
        "SELECT COUNT(*) AS n FROM (SELECT kind FROM events ORDER BY cost LIMIT 5) AS t",
        "SELECT SUM(code) AS s FROM events",
        "SELECT e.kind, AVG(e.code) AS s, SUM(e.raw) AS r FROM events AS e GROUP BY e.kind",
        "SELECT COUNT(date_trunc('doy', day)) AS n FROM events",
        "SELECT COUNT(date_diff('dow', day, DATE '2020-01-01')) AS n FROM events WHERE kind = 1",
        "SELECT COUNT(*) AS n FROM evnts",
        "SELECT SUM(csot) AS n\nFROM events WHERE knid = 1",
        "SELECT COUNT(*) AS n FROM (SELECT kind FROM events UNION SELECT size FROM events) AS t",
        "SELECT COUNT(*) AS n FROM (SELECT ROW_NUMBER() OVER (ORDER BY day) AS r FROM events) AS t WHERE r = 1",
        "SELECT COUNT(*) AS n FROM (SELECT MAX(kind) OVER (PARTITION BY label) AS r FROM events) AS t WHERE r = 1",
    ] {
        let error = home.study().question(sql, &Spend::AsWritten).map(|_| ()).unwrap_err();
        let QueryError::Refused(refusals) = &error else { panic!("{sql}\n{error}") };
        for refusal in refusals {
            let Some((_, example)) = refusal.fix.split_once("for example: ") else {
                panic!("{sql}\n{error}")
            };
            if let Err(error) = home.study().question(example, &Spend::AsWritten) {
                panic!("{sql}\n{example}\n{error}");
            }
        }
    }
    // Nothing that the changes do not mend is shown.
    for sql in [
        "SELECT SUM(code) AS s, BIT_AND(kind) AS b FROM events",
        "SELECT COUNT(*) AS n FROM evnts WHERE note ~ 'a'",
        "SELECT SUM(code) AS s FROM people",
    ] {
        let error = home.study().question(sql, &Spend::AsWritten).map(|_| ()).unwrap_err();
        assert!(!error.to_string().contains("for example"), "{sql}\n{error}");
    }
}

/// What is written in place of the windows that are refused is accepted.
#[test]
fn tiles_and_percent_ranks_can_be_written_with_other_windows() {
    let home = Neighbourhood::build(plans::HUB, "hostile", &[]);
    let counted = |window: &str| {
        format!("SELECT COUNT(*) AS n FROM (SELECT {window} AS w FROM events) AS t WHERE w < 3")
    };
    let w = "(PARTITION BY who ORDER BY day)";
    for (refused, written) in [
        (
            format!("NTILE(4) OVER {w}"),
            format!("1 + (ROW_NUMBER() OVER {w} - 1) * 4 / COUNT(*) OVER (PARTITION BY who)"),
        ),
        (
            format!("PERCENT_RANK() OVER {w}"),
            format!("(RANK() OVER {w} - 1.0) / (COUNT(*) OVER (PARTITION BY who) - 1)"),
        ),
    ] {
        let error = home.study().question(&counted(&refused), &Spend::AsWritten);
        let error = error.map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("COUNT(*) OVER (PARTITION BY unit)"), "{error}");
        if let Err(error) = home.study().question(&counted(&written), &Spend::AsWritten) {
            panic!("{written}\n{error}");
        }
    }
}
