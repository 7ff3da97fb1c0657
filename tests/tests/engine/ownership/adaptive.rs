//! Cut-offs that were released a moment before: charged once, drawn once, sealed one by one.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use voilage_query::Hub;
use voilage_tests::randomness::Tape;
use voilage_tests::ward::{Records, Ward};

use super::{exact, run};
use crate::{ask, rho};

const CUT_OFF: &str = "SELECT COUNT(*) AS n FROM stays WHERE cost > (SELECT AVG(cost) FROM stays)";

#[test]
fn a_cut_off_is_released_first_and_its_value_decides_who_is_counted() {
    let records = Records::orderly();
    let (_, columns) = run(&records, CUT_OFF, Tape::recording(42));
    let boundaries: Vec<u32> = columns.iter().map(|column| column.request.boundary).collect();
    assert_eq!(boundaries, [0, 0, 1], "deviations and count of the mean, then the count");
    let shown = exact(&records, CUT_OFF);
    let costs: Vec<f64> = records.stays.iter().filter_map(|stay| stay.cost).collect();
    let mean = costs.iter().sum::<f64>() / costs.len() as f64;
    let above = costs.iter().filter(|cost| **cost > mean).count();
    let count: i64 = shown.lines().nth(3).unwrap().trim_matches(['|', ' ']).parse().unwrap();
    // The mean is bounded to three stays of a patient, so a few stays lie between the two cut-offs.
    assert!(count.abs_diff(above as i64) <= 8, "{shown}\n{above}");
}

#[test]
fn a_table_expression_used_twice_is_drawn_and_charged_once() {
    let records = Records::orderly();
    let once = "SELECT ward, COUNT(*) AS n FROM stays GROUP BY ward";
    let twice = "WITH w AS (SELECT ward, COUNT(*) AS n FROM stays GROUP BY ward) \
                 SELECT a.ward, a.n, b.n AS again FROM w AS a JOIN w AS b ON a.ward = b.ward";
    let (one, columns) = run(&records, once, Tape::recording(42));
    let (two, again) = run(&records, twice, Tape::recording(42));
    assert_eq!(columns.len(), 1);
    assert_eq!(columns, again);
    assert_eq!(one.receipt.loss, two.receipt.loss);
    assert_eq!(two.table.column(1).to_data(), two.table.column(2).to_data());
}

#[test]
fn other_cut_offs_are_other_questions() {
    let folder = tempfile::tempdir().unwrap();
    let ward = Ward::build(folder.path(), &Records::orderly());
    let study = ward.study(Arc::new(Tape::recording(1)));
    let asked = |factor: &str| {
        let sql = format!(
            "SELECT COUNT(*) AS n FROM stays WHERE cost > (SELECT AVG(cost) * {factor} FROM stays)"
        );
        ask(&study, &sql, &rho("0.5")).unwrap().receipt
    };
    assert_eq!(asked("1.5"), asked("1.5"));
    assert_ne!(asked("1.5").plan_hash, asked("0.5").plan_hash);
    assert_eq!(study.hub().ledger().charges("study").unwrap().len(), 2);
}

/// All four draw the same columns; what is made of them decides who is counted afterwards.
#[test]
fn cut_offs_made_differently_of_the_same_draws_are_other_questions() {
    let folder = tempfile::tempdir().unwrap();
    let ward = Ward::build(folder.path(), &Records::orderly());
    let study = ward.study(Arc::new(Tape::recording(1)));
    let hashes: std::collections::BTreeSet<_> = ["VAR", "VAR_POP", "STDDEV", "STDDEV_POP"]
        .into_iter()
        .map(|spread| {
            let sql = format!(
                "SELECT COUNT(*) AS n FROM stays WHERE cost > (SELECT {spread}(cost) FROM stays)"
            );
            ask(&study, &sql, &rho("0.5")).unwrap().receipt.plan_hash
        })
        .collect();
    assert_eq!(hashes.len(), 4);
}

/// Killed after the first of two seals: the second run reuses that seal, under the same charge.
#[test]
fn killed_between_two_seals_nothing_is_drawn_or_charged_again() {
    let folder = tempfile::tempdir().unwrap();
    let ward = Ward::build(folder.path(), &Records::orderly());
    let mut child = Command::new(env!("CARGO_BIN_EXE_voilage-crash-child"))
        .arg(ward.hub_file())
        .args(["Sealed", CUT_OFF])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "reached");
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    let charges = || {
        let hub = Hub::open(&ward.hub_file()).unwrap();
        hub.ledger().verify().unwrap();
        hub.ledger().charges("study").unwrap()
    };
    assert_eq!(charges().len(), 1);
    assert!(!charges()[0].charge.sealed, "one of two boundaries is sealed");
    let tape = Tape::recording(5);
    let answer = ask(&ward.study(Arc::new(tape.clone())), CUT_OFF, &rho("0.5")).unwrap();
    let drawn: Vec<u32> = tape.columns().iter().map(|column| column.request.boundary).collect();
    assert_eq!(drawn, [1], "the mean was drawn and sealed before the crash");
    assert_eq!(charges().len(), 1);
    let again = ask(&ward.study(Arc::new(Tape::recording(6))), CUT_OFF, &rho("0.5")).unwrap();
    assert!(again.replayed);
    assert_eq!(again.table, answer.table);
}
