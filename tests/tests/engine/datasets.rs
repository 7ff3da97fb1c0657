//! Questions about the people of several datasets: each pays for its own boundaries, all or nothing.

use std::sync::Arc;

use voilage_budgets::{Act, ErrorKind, Ledger};
use voilage_privacy::quantity::{Accountant, Loss, Rho};
use voilage_query::{AskOptions, Free, QueryError, ReleaseId, SignedReceipt, Study};
use voilage_tests::clinic::{Clinic, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{ask, rho};

const BOTH: &str = "SELECT v.n, v.cost, s.m
    FROM (SELECT COUNT(*) AS n, SUM(cost) AS cost FROM visits) v
    CROSS JOIN (SELECT COUNT(*) AS m FROM staff) s";

fn spent(ledger: &Ledger, dataset: &str) -> Rho {
    match ledger.dataset(dataset).unwrap().spent {
        Loss::Zcdp { rho, .. } => rho,
        Loss::Pure { epsilon } => panic!("{epsilon}"),
    }
}

fn given(clinic: &Clinic) -> Study {
    let (project, dataset) = ("study".to_owned(), "other".to_owned());
    clinic.decide(&Act::GiveDataset { project, dataset });
    clinic.study(Arc::new(Tape::recording(1)))
}

#[test]
fn each_dataset_pays_for_its_own_boundaries() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = given(&clinic);
    let ledger = study.hub().ledger();
    let answer = ask(&study, BOTH, &rho("0.003")).unwrap();
    assert_eq!((answer.table.num_rows(), answer.table.num_columns()), (1, 3));
    let (own, further) = (spent(ledger, "clinic"), spent(ledger, "other"));
    // Three noisy columns of equal price: two of the visits', one of the staff's.
    let third = |rho: &Rho| rho.as_rational().to_f64().value() / 0.001;
    assert!((1.99..=2.0).contains(&third(&own)) && (0.99..=1.0).contains(&third(&further)));
    let Loss::Zcdp { rho: whole, .. } = study.project().unwrap().spent else { panic!() };
    assert_eq!(whole.as_rational().clone(), own.as_rational() + further.as_rational());
    let receipt = &answer.receipt;
    assert_eq!(receipt.loss["rho"], whole.to_string());
    assert_eq!(receipt.further_datasets.len(), 1);
    assert_eq!(receipt.further_datasets[0].dataset, "other");
    assert_eq!(receipt.further_datasets[0].loss["rho"], further.to_string());
    let json = serde_json::to_string(receipt).unwrap();
    assert!(SignedReceipt::parse(&json).unwrap().holds(&ledger.public_key().unwrap()));
    // Asked again it costs nobody anything.
    let again = ask(&study, BOTH, &rho("0.003")).unwrap();
    assert!(again.replayed && again.receipt == *receipt);
    assert_eq!((spent(ledger, "clinic"), spent(ledger, "other")), (own, further));
    ledger.verify().unwrap();
}

/// Its data versions are several, and so are those who paid: one dataset's question does not start from it.
#[test]
fn a_release_of_several_datasets_is_the_start_of_no_other_answer() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = given(&clinic);
    let answer = ask(&study, BOTH, &rho("0.003")).unwrap();
    let one = "SELECT COUNT(*) AS n FROM visits";
    let free = study.free(one, &AskOptions::default()).unwrap();
    assert!(matches!(free, Free::No { .. }), "it is offered");
    let release = ReleaseId::parse(&answer.receipt.charge.to_string()).unwrap();
    for sql in [one, BOTH] {
        let refused = study.top_up(sql, &release, &rho("0.003"), &AskOptions::default());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::FixInput);
    }
    ask(&study, one, &rho("0.003")).unwrap();
    let free = study.free(one, &AskOptions::default()).unwrap();
    assert!(matches!(free, Free::Offered(_)), "the test can fail");
}

#[test]
fn what_one_dataset_cannot_pay_costs_the_other_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = given(&clinic);
    let ledger = study.hub().ledger();
    // The staff's whole lifetime cap is epsilon 1: rho 0.02 is too much, and the clinic has plenty.
    let error = ask(&study, BOTH, &rho("3")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BudgetRefused, "{error}");
    assert!(error.to_string().contains("dataset other's lifetime budget"), "{error}");
    assert!(spent(ledger, "clinic").is_zero() && spent(ledger, "other").is_zero());
    assert!(study.project().unwrap().spent == Loss::zero(Accountant::Zcdp));
    ask(&study, "SELECT COUNT(*) AS n FROM visits", &rho("3")).unwrap();
    ledger.verify().unwrap();
}

/// An answer about one version of the data is none about the next, whichever dataset moved.
#[test]
fn a_further_dataset_that_moved_is_asked_anew() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = given(&clinic);
    ask(&study, BOTH, &rho("0.003")).unwrap();
    let before = spent(study.hub().ledger(), "other");
    let files = study.hub().fingerprints("other").unwrap();
    clinic.decide(&Act::UpdateDataset { dataset: "other".to_owned(), files });
    let study = clinic.study(Arc::new(Tape::recording(2)));
    assert!(!ask(&study, BOTH, &rho("0.003")).unwrap().replayed);
    let after = spent(study.hub().ledger(), "other");
    assert_eq!(after.as_rational().clone(), before.as_rational() + before.as_rational());
}

#[test]
fn people_of_two_datasets_never_meet_below_a_boundary() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let stranger = clinic.study(Arc::new(Tape::recording(1)));
    let refused = |study: &Study, sql: &str, said: &str| {
        let error = ask(study, sql, &rho("0.001")).unwrap_err();
        assert!(matches!(error, QueryError::Refused(_)), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    };
    refused(&stranger, BOTH, "it belongs to dataset other");
    let study = given(&clinic);
    let joined = "SELECT COUNT(*) AS n FROM visits v JOIN staff s ON v.person = s.person";
    refused(&study, joined, "unit");
    let either = "SELECT COUNT(*) AS n
        FROM (SELECT person FROM visits UNION ALL SELECT person FROM staff) p";
    refused(&study, either, "UNION ALL of rows of two datasets");
    let within = "SELECT COUNT(*) AS n FROM visits WHERE person IN (SELECT person FROM staff)";
    refused(&study, within, "unit");
    let without = "SELECT COUNT(*) AS n FROM visits v
        WHERE NOT EXISTS (SELECT 1 FROM staff s WHERE s.person = v.person)";
    refused(&study, without, "unit");
    assert!(study.hub().ledger().charges("study").unwrap().is_empty());
}
