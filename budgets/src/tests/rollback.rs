//! Ten ways to make a ledger forget, each detected or harmless.
//!
//! The fixture has answered questions 1 to 3, and its witness saw them; then the ledger is put back.

use std::fs;

use super::*;
use crate::{Decider, ErrorKind, Mode, Place, Recovered, Recovery};

/// Questions 1 to `last`, answered.
fn answered(fixture: &Fixture, keys: std::ops::RangeInclusive<u8>) {
    for key in keys {
        answer(&fixture.ledger, &fixture.request("costs", key, zcdp("0.01")));
    }
}

fn answer(ledger: &Ledger, request: &ChargeRequest) {
    let charge = ledger.admit(request).unwrap();
    let attempt = ledger.begin_attempt(&charge).unwrap();
    ledger.seal(&attempt, 0, b"answer").unwrap();
}

/// The ledger whose files are put in place of those of `fixture`, as its next opener sees it.
fn opened(fixture: &Fixture, settings: &Settings) -> Ledger {
    Ledger::open_at(settings, fixture.clock.clone()).unwrap()
}

/// Locked: it can be read, and nothing is charged or answered.
fn is_locked(fixture: &Fixture, ledger: &Ledger) -> String {
    let request = fixture.request("costs", 99, zcdp("0.001"));
    let error = ledger.admit(&request).unwrap_err();
    assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::PolicyRefused);
    assert!(matches!(ledger.verify(), Err(LedgerError::Locked { .. })));
    ledger.project("costs").unwrap();
    error.to_string()
}

fn recovered(
    ledger: &Ledger,
    branches: Vec<Location>,
    exhaust: bool,
) -> Result<Recovered, LedgerError> {
    recovered_by(ledger, &Recovery { branches, exhaust, ..Recovery::default() })
}

fn recovered_by(ledger: &Ledger, recovery: &Recovery) -> Result<Recovered, LedgerError> {
    let by = Decider { principal: "adam", reason: "the disk was replaced" };
    ledger.recover(by, recovery, Mode::Record)
}

#[test]
fn an_old_copy_is_behind_its_witness() {
    let fixture = Fixture::new();
    answered(&fixture, 1..=1);
    let (_folder, old) = fixture.copied();
    answered(&fixture, 2..=3);
    let ledger = opened(&fixture, &old);
    let message = is_locked(&fixture, &ledger);
    assert!(message.contains("entries 12 to 17 are missing"), "{message}");
    // With the newer ledger as a branch, what it spent is spent here too.
    let branch = fixture.settings.location.clone();
    let found = recovered(&ledger, vec![branch.clone()], false).unwrap();
    assert_eq!((found.charges.len(), found.exhausted.len()), (2, 0));
    assert_eq!(ledger.project("costs").unwrap().spent, zcdp("0.03"));
    assert_eq!(ledger.dataset("rand").unwrap().spent, zcdp("0.03"));
    ledger.verify().unwrap();
    // It goes on, also after it is opened anew, and the branch counts once.
    answer(&ledger, &fixture.request("costs", 50, zcdp("0.01")));
    let again = opened(&fixture, &old);
    again.verify().unwrap();
    assert_eq!(recovered(&again, vec![branch], false).unwrap().charges, []);
    assert_eq!(again.dataset("rand").unwrap().spent, zcdp("0.04"));
}

#[test]
fn a_dropped_log_is_behind_its_witness() {
    let fixture = Fixture::new();
    fixture.raw().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    answered(&fixture, 1..=3);
    let (folder, copy) = fixture.copied();
    fs::remove_file(folder.path().join("ledger-wal")).unwrap();
    is_locked(&fixture, &opened(&fixture, &copy));
}

#[test]
fn a_truncated_log_is_behind_its_witness() {
    let fixture = Fixture::new();
    fixture.raw().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    answered(&fixture, 1..=3);
    let (folder, copy) = fixture.copied();
    let log = folder.path().join("ledger-wal");
    let bytes = fs::read(&log).unwrap();
    fs::write(&log, &bytes[..bytes.len() / 2]).unwrap();
    is_locked(&fixture, &opened(&fixture, &copy));
}

/// Edits go past the triggers, as somebody who knows SQLite makes them.
fn edited(table: &str, sql: &str) -> LedgerError {
    let fixture = Fixture::new();
    answered(&fixture, 1..=3);
    let raw = fixture.raw();
    raw.execute_batch(&format!(
        "PRAGMA foreign_keys = OFF; DROP TRIGGER {table}_no_update; DROP TRIGGER {table}_no_delete;
         {sql}"
    ))
    .unwrap();
    fixture.reopen().verify().unwrap_err()
}

fn is_altered(error: &LedgerError) {
    let place = match error {
        LedgerError::Altered { place, .. } => place,
        other => panic!("{other}"),
    };
    assert!(matches!(place, Place::Entry(_)), "{error}");
}

#[test]
fn an_edited_row_is_named() {
    is_altered(&edited("charge", "UPDATE charge SET principal = 'eve'"));
}

#[test]
fn a_deleted_row_is_named() {
    is_altered(&edited("seal", "DELETE FROM seal WHERE charge = (SELECT min(charge) FROM seal)"));
}

#[test]
fn swapped_rows_are_named() {
    is_altered(&edited(
        "attempt",
        "UPDATE attempt SET position = -1 WHERE position = (SELECT min(position) FROM attempt);
         UPDATE attempt SET position = (SELECT position + 0 FROM entry WHERE kind = 'attempt'
                                        ORDER BY position LIMIT 1)
         WHERE position = (SELECT max(position) FROM attempt);
         UPDATE attempt SET position = (SELECT max(position) FROM entry WHERE kind = 'attempt')
         WHERE position = -1",
    ));
}

#[test]
fn a_deleted_ledger_is_not_begun_anew() {
    let fixture = Fixture::new();
    answered(&fixture, 1..=1);
    let Fixture { folder, settings, clock, ledger } = fixture;
    drop(ledger);
    for name in ["ledger", "ledger-wal", "ledger-shm"] {
        let _ = fs::remove_file(folder.path().join(name));
    }
    let error = Ledger::open_at(&settings, clock.clone()).unwrap_err();
    assert!(matches!(error, LedgerError::Missing { .. }), "{error}");
    let error = Ledger::create_at(&settings, clock).unwrap_err();
    assert!(matches!(error, LedgerError::WitnessLeft { .. }), "{error}");
    assert!(!folder.path().join("ledger").exists());
}

/// Both copies share the witness: the second to answer is locked before it begins.
#[test]
fn of_two_copies_only_one_goes_on() {
    let fixture = Fixture::new();
    answered(&fixture, 1..=1);
    let (_folder, copy) = fixture.copied();
    let other = opened(&fixture, &copy);
    other.verify().unwrap();
    answered(&fixture, 2..=3);
    let charge = other.admit(&fixture.request("costs", 4, zcdp("0.02"))).unwrap();
    let error = other.begin_attempt(&charge).unwrap_err();
    assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
    let error = other.sealed(&charge, 0).unwrap_err();
    assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
    // Its witness saw nothing of it, so the first goes on, and can count the other's charge.
    answered(&fixture, 5..=5);
    let found = recovered(&fixture.ledger, vec![copy.location], false).unwrap();
    assert_eq!(found.charges.len(), 1);
    assert_eq!(fixture.ledger.dataset("rand").unwrap().spent, zcdp("0.06"));
    fixture.ledger.verify().unwrap();
}

/// The whole machine is put back, with ledger and witness; only a receipt that was given out is newer.
#[test]
fn a_restored_snapshot_is_behind_a_receipt() {
    let fixture = Fixture::new();
    answered(&fixture, 1..=1);
    let (folder, mut old) = fixture.copied();
    old.witness = folder.path().join("witness");
    fs::copy(&fixture.settings.witness, &old.witness).unwrap();
    answered(&fixture, 2..=2);
    let charge = fixture.ledger.charges("costs").unwrap().remove(1).charge;
    let proof = fixture.ledger.prove(&charge, b"receipt").unwrap();
    let ledger = opened(&fixture, &old);
    ledger.verify().unwrap();
    // A forged receipt locks nothing.
    let error = ledger.present("other", &proof).unwrap_err();
    assert!(matches!(error, LedgerError::BadTerms { .. }), "{error}");
    ledger.verify().unwrap();
    let error = ledger.present("receipt", &proof).unwrap_err();
    assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
    is_locked(&fixture, &ledger);
    is_locked(&fixture, &opened(&fixture, &old));
    // The branch cannot be listed: its dataset is used up, and nobody asks about it any more.
    let error = recovered(&ledger, Vec::new(), false).unwrap_err();
    assert!(matches!(error, LedgerError::Unexplained { .. }), "{error}");
    let found = recovered(&ledger, Vec::new(), true).unwrap();
    assert_eq!(found.exhausted, ["rand"]);
    let dataset = ledger.dataset("rand").unwrap();
    assert_eq!(dataset.spent, dataset.cap);
    let error = ledger.admit(&fixture.request("costs", 9, zcdp("1e-15"))).unwrap_err();
    assert!(matches!(error, LedgerError::Budget(_)), "{error}");
    ledger.verify().unwrap();
}

#[test]
fn a_clock_set_back_is_harmless() {
    let fixture = Fixture::new();
    fixture.today("2026-12-31");
    answered(&fixture, 1..=1);
    fixture.today("2027-01-01");
    fixture.ledger.close_project("counts", "the year is over").unwrap();
    fixture.today("2026-06-15");
    let error = fixture.reopen().admit(&fixture.request("costs", 2, zcdp("0.01"))).unwrap_err();
    assert!(matches!(error, LedgerError::Expired { .. }), "{error}");
    fixture.ledger.verify().unwrap();
}

/// The same on PostgreSQL: a database that was restored from an older dump is behind its witness.
#[test]
fn a_missing_witness_and_that_of_another_ledger_lock_each_store() {
    each_store(|store| {
        let fixture = store.with_projects();
        answered(&fixture, 1..=1);
        let bytes = fs::read(&fixture.settings.witness).unwrap();
        fs::remove_file(&fixture.settings.witness).unwrap();
        let message = is_locked(&fixture, &fixture.reopen());
        assert!(message.contains("is missing"), "{message}");
        let other = store.empty();
        fs::copy(&other.settings.witness, &fixture.settings.witness).unwrap();
        let message = is_locked(&fixture, &fixture.reopen());
        assert!(message.contains("belongs to another ledger"), "{message}");
        fs::write(&fixture.settings.witness, &bytes[..100]).unwrap();
        let error = Ledger::open_at(&fixture.settings, fixture.clock.clone()).unwrap_err();
        assert!(matches!(error, LedgerError::WitnessFailed { .. }), "{error}");
        fs::write(&fixture.settings.witness, &bytes).unwrap();
        fixture.reopen().verify().unwrap();
    });
}

/// Two copies under two witnesses do not see each other. What they spent together may pass the cap:
/// it is recorded all the same, and nothing is left.
#[test]
fn branches_that_together_pass_the_cap_leave_nothing() {
    let fixture = Fixture::empty();
    fixture.ledger.register_dataset(&dataset("rand", "1", None)).unwrap();
    fixture.ledger.open_project(&project("costs", "1", None)).unwrap();
    let (folder, copy) = fixture.copied();
    let other = Settings { witness: folder.path().join("witness"), ..copy };
    fs::copy(&fixture.settings.witness, &other.witness).unwrap();
    let branch = opened(&fixture, &other);
    answer(&fixture.ledger, &fixture.request("costs", 1, pure("0.8")));
    answer(&branch, &fixture.request("costs", 2, pure("0.8")));
    let found = recovered(&fixture.ledger, vec![other.location], false).unwrap();
    assert_eq!(found.charges.len(), 1);
    let dataset = fixture.ledger.dataset("rand").unwrap();
    assert_eq!(
        (dataset.spent, dataset.left),
        (pure("1.6"), Loss::Pure { epsilon: Epsilon::zero() })
    );
    let error = fixture.ledger.admit(&fixture.request("costs", 3, pure("1e-12"))).unwrap_err();
    assert!(matches!(error, LedgerError::Budget(_)), "{error}");
    fixture.ledger.verify().unwrap();
    fixture.reopen().verify().unwrap();
}
