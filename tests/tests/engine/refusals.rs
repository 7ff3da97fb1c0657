//! Refusals as an analyst reads them, held as golden text. Nothing is spent by any of them.

use std::fmt::Write;
use std::sync::Arc;

use voilage_privacy::quantity::Loss;
use voilage_tests::clinic::{Clinic, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{ask, rho};

const REFUSED: [&str; 30] = [
    "SELECT * FROM visits",
    "SELECT person, COUNT(*) FROM visits GROUP BY person",
    "SELECT cost FROM visits ORDER BY cost LIMIT 1",
    "SELECT DISTINCT site FROM visits",
    "SELECT BIT_AND(minutes) FROM visits",
    "SELECT SUM(DISTINCT minutes) FROM visits",
    "SELECT SUM(person) FROM visits",
    "SELECT AVG(ln(cost)) FROM visits",
    "SELECT COUNT(*) FROM visits WHERE repeat(reason, minutes) = 'x'",
    "SELECT COUNT(*) FROM visits WHERE reason ~ '(a+)+$'",
    "SELECT cost, COUNT(*) FROM visits GROUP BY cost",
    "SELECT COUNT(*) FROM visits a JOIN visits b ON a.site = b.site",
    "SELECT COUNT(*) FROM visits a JOIN people p ON a.person <> p.person",
    "SELECT COUNT(*) FROM reasons WHERE reason IN (SELECT reason FROM visits)",
    "SELECT COUNT(*) FROM reasons r LEFT JOIN visits v ON r.reason = v.reason",
    "SELECT COUNT(*) FROM visits WHERE site IN (SELECT site FROM visits)",
    "SELECT SUM(n) FROM (SELECT person, COUNT(*) AS n FROM visits GROUP BY person) AS t",
    "SELECT COUNT(*) FROM (SELECT * FROM visits LIMIT 5) AS t",
    "SELECT person, ROW_NUMBER() OVER (ORDER BY cost) FROM visits",
    "SELECT COUNT(*) FROM vists",
    "SELECT COUNT(*) FROM visits WHERE costs > 1",
    "SELECT COUNT(*) FROM staff",
    "SELECT COUNT(*) FROM information_schema.tables",
    "SELECT random(), COUNT(*) FROM visits",
    "SELECT COUNT(*) AS __n FROM visits",
    "SELECT COUNT(*) FROM visits; SELECT 1",
    "DELETE FROM visits",
    "COPY visits TO 'x.csv'",
    "EXPLAIN ANALYZE SELECT COUNT(*) FROM visits",
    "SELECT COUNT(*) FRM visits",
];

#[test]
fn every_refusal_names_the_rule_and_the_fix_and_spends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let mut text = String::new();
    for sql in REFUSED {
        let error = ask(&study, sql, &rho("0.1")).unwrap_err();
        writeln!(text, "{sql}\n-> exit {}: {error}\n", error.kind().exit_code()).unwrap();
    }
    insta::assert_snapshot!("refusals", text);
    assert!(matches!(study.project().unwrap().spent, Loss::Zcdp { rho, .. } if rho.is_zero()));
    assert!(study.hub().ledger().charges("study").unwrap().is_empty());
}

#[test]
fn several_refusals_come_together() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let error =
        ask(&study, "SELECT MAX(person), SUM(person), MIN(person) FROM visits", &rho("0.1"));
    assert_eq!(error.unwrap_err().to_string().matches("refused [").count(), 3);
}

#[test]
fn huge_and_deep_queries_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let list = vec!["1"; 6_000].join(",");
    let deep = format!("{}1{}", "(".repeat(2_000), ")".repeat(2_000));
    for sql in [
        format!("SELECT COUNT(*) FROM visits WHERE site IN ({list})"),
        format!("SELECT COUNT(*) FROM visits WHERE site = {deep}"),
        "SELECT COUNT(*) FROM visits WHERE reason = 'a\0b'".to_owned(),
        "SELECT COUNT(*) FROM vis\u{456}ts".to_owned(),
    ] {
        let error = ask(&study, &sql, &rho("0.1")).unwrap_err().to_string();
        assert!(error.contains("refused [syntax]"), "{error}");
    }
}

#[test]
fn explanations_depend_on_the_catalogue_only() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let mut text = String::new();
    for sql in [
        "SELECT site, COUNT(DISTINCT person) AS people, AVG(cost) AS cost FROM visits GROUP BY site",
        "SELECT reason, COUNT(*) AS n FROM visits GROUP BY reason",
    ] {
        let question = study.question(sql, &rho("0.01")).unwrap();
        writeln!(text, "{sql}\n{}", question.explanation()).unwrap();
    }
    insta::assert_snapshot!("explanations", text);
    assert!(study.hub().ledger().charges("study").unwrap().is_empty());
}
