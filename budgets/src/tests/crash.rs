//! Crashes: whatever reached the disk is a ledger in order, and no charge is half there.

use std::fs;

use super::*;
use crate::store::database::Access;
use crate::store::{admit, seal};

/// A power cut may leave any part of the write-ahead log. Each is tried: whole frames, and cut
/// within a frame.
#[test]
fn every_prefix_of_the_log_is_a_ledger_in_order() {
    let fixture = Fixture::new();
    // From here on everything is in the log and nothing of it in the main file.
    fixture.raw().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let mut told = vec![(0, 0)];
    let log = fixture.folder.path().join("ledger-wal");
    for key in 1..=4_u8 {
        let charge = fixture.admit("counts", key, pure("0.1")).unwrap();
        told.push((fs::metadata(&log).unwrap().len(), u64::from(key)));
        let attempt = fixture.ledger.begin_attempt(&charge).unwrap();
        fixture.ledger.seal(&attempt, 0, &[key; 3_000]).unwrap();
    }
    let (main, log) = (fs::read(fixture.path()).unwrap(), fs::read(&log).unwrap());
    let mut spent_before = 0;
    for length in (0..=log.len()).step_by(1_030).chain([log.len()]) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ledger");
        fs::write(&path, &main).unwrap();
        fs::write(folder.path().join("ledger-wal"), &log[..length]).unwrap();
        let location = Location::File(path);
        let settings = Settings { location, ..fixture.settings.clone() };
        let ledger = Ledger::open_at(&settings, fixture.clock.clone()).unwrap();
        // In order, and locked where an answer that has left is not in it.
        match ledger.verify() {
            Ok(_) => assert_eq!(length, log.len(), "an answer was forgotten silently"),
            Err(LedgerError::Locked { .. }) => assert!(length < log.len()),
            Err(error) => panic!("{error}"),
        }
        let Loss::Pure { epsilon } = ledger.project("counts").unwrap().spent else { panic!() };
        let spent = epsilon.units_down() as u64 / 100_000_000_000;
        let durable = told.iter().filter(|(end, _)| *end <= length as u64).map(|(_, n)| *n).max();
        assert!(spent >= durable.unwrap(), "a charge that was told is gone at {length}");
        assert!(spent >= spent_before, "spent fell at {length}");
        spent_before = spent;
    }
    assert_eq!(spent_before, 4);
}

/// The process dies between the statements of a charge and its commit.
#[test]
fn a_charge_without_its_commit_never_happened() {
    let fixture = Fixture::new();
    let before = fixture.ledger.verify().unwrap();
    let request = fixture.request("costs", 1, zcdp("0.01"));
    let dying = fixture.reopen();
    dying.writer().with_store(|store| {
        store.begin(Access::Write).unwrap();
        admit::admit(store, fixture.clock.as_ref(), &request).unwrap();
        // What a killed process leaves behind, seen by the next one.
        let (_folder, settings) = fixture.copied();
        let copy = Ledger::open_at(&settings, fixture.clock.clone()).unwrap();
        assert_eq!(copy.verify().unwrap(), before);
    });
    drop(dying);
    assert_eq!(fixture.ledger.verify().unwrap(), before);
    assert!(!fixture.ledger.admit(&request).unwrap().replayed);
}

/// The process dies after the charge and before the answer: the charge stays, the answer is
/// computed again under it, and spent does not move.
#[test]
fn an_unanswered_charge_is_answered_later_for_free() {
    let fixture = Fixture::new();
    let request = fixture.request("costs", 1, zcdp("0.01"));
    let dying = fixture.reopen();
    let charge = dying.admit(&request).unwrap();
    let attempt = dying.begin_attempt(&charge).unwrap();
    dying.writer().with_store(|store| {
        store.begin(Access::Write).unwrap();
        seal::seal(store, fixture.clock.as_ref(), &attempt, 0, b"lost").unwrap();
    });
    drop(dying);
    let spent = fixture.ledger.project("costs").unwrap().spent;
    let again = fixture.ledger.admit(&request).unwrap();
    assert!(again.replayed && !again.sealed);
    assert_eq!((again.attempts, again.bounding_key), (1, charge.bounding_key));
    let attempt = fixture.ledger.begin_attempt(&again).unwrap();
    assert_eq!(fixture.ledger.seal(&attempt, 0, b"kept").unwrap(), b"kept");
    assert_eq!(fixture.ledger.project("costs").unwrap().spent, spent);
    fixture.ledger.verify().unwrap();
}

/// A panic inside a transaction rolls it back and leaves the handle usable.
#[test]
fn a_panic_in_the_middle_rolls_back() {
    let fixture = Fixture::new();
    let before = fixture.ledger.verify().unwrap();
    let request = fixture.request("costs", 1, zcdp("0.01"));
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        fixture.ledger.write(|transaction| -> Result<(), LedgerError> {
            admit::admit(transaction, fixture.clock.as_ref(), &request).unwrap();
            panic!("in the middle");
        })
    }));
    assert!(died.is_err());
    assert_eq!(fixture.ledger.verify().unwrap(), before);
    fixture.ledger.admit(&request).unwrap();
}
