//! kill -9 between a charge and its answer: never an answer without a charge, never two charges.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use voilage_query::Hub;
use voilage_tests::clinic::{Clinic, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{ask, rho};

const SQL: &str = "SELECT site, COUNT(*) AS n FROM visits GROUP BY site";

fn killed_at(clinic: &Clinic, stage: &str) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_voilage-crash-child"))
        .arg(clinic.hub_file())
        .args([stage, SQL])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "reached", "the child ended before {stage}");
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
}

fn check(stage: &str, sealed: bool) {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    killed_at(&clinic, stage);
    let ledger_says = |clinic: &Clinic| {
        let hub = Hub::open(&clinic.hub_file()).unwrap();
        hub.ledger().verify().unwrap();
        (hub.ledger().charges("study").unwrap(), hub.project("study").unwrap().project().unwrap())
    };
    let (charges, project) = ledger_says(&clinic);
    assert_eq!(charges.len(), 1, "the charge is durable at {stage}");
    assert_eq!(charges[0].charge.sealed, sealed, "{stage}");
    let study = clinic.study(Arc::new(Tape::recording(5)));
    let answer = ask(&study, SQL, &rho("0.5")).unwrap();
    assert_eq!(answer.replayed, sealed);
    let (charges, after) = ledger_says(&clinic);
    assert_eq!(charges.len(), 1, "no second charge after {stage}");
    assert_eq!(after.spent, project.spent);
    let again = ask(&clinic.study(Arc::new(Tape::recording(6))), SQL, &rho("0.5")).unwrap();
    assert_eq!(again.table, answer.table);
}

#[test]
fn killed_right_after_the_charge() {
    check("Charged", false);
}

#[test]
fn killed_while_executing() {
    check("Executing", false);
}

#[test]
fn killed_before_the_seal() {
    check("Released", false);
}

#[test]
fn killed_after_the_seal() {
    check("Sealed", true);
}

#[test]
fn three_lost_attempts_need_a_new_charge() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    for _ in 0..3 {
        killed_at(&clinic, "Executing");
    }
    let study = clinic.study(Arc::new(Tape::recording(5)));
    let refused = ask(&study, SQL, &rho("0.5")).unwrap_err();
    assert_eq!(refused.kind(), voilage_budgets::ErrorKind::BudgetRefused, "{refused}");
    let question = study.question(SQL, &rho("0.5")).unwrap().renew(true);
    question.run(&voilage_query::observer::Unobserved).unwrap();
    assert_eq!(study.hub().ledger().charges("study").unwrap().len(), 2);
}
