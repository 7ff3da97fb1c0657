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
