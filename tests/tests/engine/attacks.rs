//! Attacks on the guarantee by an analyst who chooses the SQL, one test per way that was tried.

use std::sync::Arc;

use voilage_query::Study;
use voilage_tests::clinic::{Clinic, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{ask, rho};

fn in_study(attack: impl Fn(&Study)) {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    attack(&clinic.study(Arc::new(Tape::recording(1))));
}

/// Chains pass the parser's limit on nesting, and would overflow the stack of the whole process.
#[test]
fn long_chains_are_refused_and_do_not_overflow_the_stack() {
    let steps =
        |count: usize, step: fn(usize) -> String| -> String { (1..=count).map(step).collect() };
    let queries = [
        format!("SELECT COUNT(*) AS n FROM visits WHERE site = 1{}", " OR site = 1".repeat(2_400)),
        format!("SELECT COUNT(*) AS n FROM visits WHERE site = 1{}", " AND site = 1".repeat(2_400)),
        format!("SELECT COUNT(*){} AS n FROM visits", " + 1".repeat(4_000)),
        format!("SELECT COUNT(*) AS n FROM visits WHERE site{}", " IS NULL".repeat(4_000)),
        format!(
            "WITH t0 AS (SELECT COUNT(*) AS n FROM visits){} SELECT * FROM t800",
            steps(800, |step| format!(", t{step} AS (SELECT * FROM t{})", step - 1))
        ),
        format!(
            "SELECT COUNT(*) AS n FROM visits{}",
            " UNION ALL SELECT COUNT(*) FROM visits".repeat(1_000)
        ),
        format!(
            "SELECT COUNT(*) AS n FROM visits AS v0{}",
            steps(600, |step| format!(" JOIN visits AS v{step} ON v{step}.person = v0.person"))
        ),
        format!(
            "SELECT COUNT(*) AS n FROM visits AS v0{}",
            steps(600, |step| format!(", visits AS v{step}"))
        ),
    ];
    in_study(|study| {
        for sql in &queries {
            let error = ask(study, sql, &rho("0.1")).unwrap_err().to_string();
            assert!(error.contains("refused [syntax]"), "{}: {error}", &sql[..80]);
        }
    });
}

/// A statement that measures nothing would read rows for nothing, as often as one likes.
#[test]
fn declared_keys_without_an_aggregate_are_refused_before_a_row_is_read() {
    in_study(|study| {
        let sql = "SELECT site FROM visits WHERE person = 7 GROUP BY site";
        let error = ask(study, sql, &rho("0.1")).unwrap_err().to_string();
        assert!(error.contains("refused [aggregate]"), "{error}");
        assert!(study.hub().ledger().charges("study").unwrap().is_empty());
    });
}

/// One person's rows would multiply at each join before they are bounded: that would tell, by time
/// and memory, whether the person is there.
#[test]
fn joins_that_multiply_a_persons_rows_are_few() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let joined = |copies: usize| {
        let more: String = (1..copies)
            .map(|copy| format!(" JOIN visits v{copy} ON v0.person = v{copy}.person"))
            .collect();
        format!("SELECT COUNT(*) AS n FROM visits v0{more} WHERE v0.person = 3")
    };
    assert!(study.question(&joined(3), &rho("0.1")).is_ok());
    let refused = study.question(&joined(4), &rho("0.1")).unwrap_err().to_string();
    assert!(refused.contains("multiply"), "{refused}");
}

/// Each name stands for twice the one before: written out, thirty of them are a billion relations.
#[test]
fn doubling_table_expressions_are_refused_before_planning() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let mut sql = "WITH t0 AS (SELECT COUNT(*) AS n FROM visits)".to_owned();
    for next in 1..30 {
        let last = next - 1;
        sql += &format!(", t{next} AS (SELECT n FROM t{last} UNION ALL SELECT n FROM \"t{last}\")");
    }
    let refused = study.question(&format!("{sql} SELECT n FROM t29"), &rho("0.1")).unwrap_err();
    assert!(refused.to_string().contains("more than 32 relations"), "{refused}");
    let nested =
        "SELECT n FROM (WITH a AS (SELECT COUNT(*) AS n FROM visits) SELECT n FROM a) AS b";
    let refused = study.question(nested, &rho("0.1")).unwrap_err().to_string();
    assert!(refused.contains("WITH inside"), "{refused}");
}

/// The planner leaves these clauses out without a word, which would answer another question.
#[test]
fn clauses_that_would_be_ignored_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    for sql in [
        "SELECT COUNT(*) AS n FROM visits TABLESAMPLE (10)",
        "SELECT COUNT(*) AS n FROM visits SAMPLE (10)",
        "SELECT COUNT(*) AS n FROM visits AS v SAMPLE (10 ROWS)",
        "SELECT COUNT(*) AS n FROM (SELECT site FROM visits) AS v SAMPLE (10)",
        "SELECT site, COUNT(*) AS n FROM visits GROUP BY site QUALIFY n > 3",
    ] {
        let refused = study.question(sql, &rho("0.1")).unwrap_err();
        assert!(refused.to_string().contains("the clause"), "{refused}");
    }
    // As a name it is like any other.
    for sql in [
        "SELECT COUNT(*) AS sample FROM visits",
        "SELECT COUNT(*) AS n FROM visits AS sample WHERE sample.site = 1",
        "WITH sample AS (SELECT site FROM visits) SELECT COUNT(*) AS n FROM sample",
    ] {
        assert!(study.question(sql, &rho("0.1")).is_ok(), "{sql}");
    }
}

/// Found by fuzzing: the planner panicked where it expected the first column of a subquery.
#[test]
fn a_select_without_columns_is_refused_before_planning() {
    in_study(|study| {
        for sql in [
            "SELECT (SELECT FROM people) AS p",
            "SELECT COUNT(*) AS n FROM visits WHERE person IN (SELECT FROM people)",
            "SELECT FROM visits",
            "WITH t AS (SELECT FROM visits) SELECT COUNT(*) AS n FROM t",
        ] {
            let error = ask(study, sql, &rho("0.1")).unwrap_err().to_string();
            assert!(error.contains("a SELECT without columns (line 1, column"), "{error}");
        }
    });
}
