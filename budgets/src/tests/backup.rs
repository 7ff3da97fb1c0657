//! Copies of a whole ledger: complete or not there, and locked when they are put back too late.

use std::path::Path;
use std::process::Command;
use std::{fs, thread};

use super::*;
use crate::{Decider, ErrorKind, Mode, Recovery};

fn answer(fixture: &Fixture, keys: std::ops::RangeInclusive<u8>) {
    for key in keys {
        let charge = fixture.admit("costs", key, zcdp("0.01")).unwrap();
        let attempt = fixture.ledger.begin_attempt(&charge).unwrap();
        fixture.ledger.seal(&attempt, 0, b"answer").unwrap();
    }
}

/// A place for a ledger of the same store, under the same witness and key.
fn elsewhere(fixture: &Fixture, name: &str) -> Settings {
    let location = match &fixture.settings.location {
        Location::File(_) => Location::File(fixture.folder.path().join(name)),
        Location::Postgres(_) => Cluster::shared().unwrap().new_database(),
    };
    Settings { location, ..fixture.settings.clone() }
}

fn restore(fixture: &Fixture, to: &Settings, copy: &Path) -> Result<Ledger, LedgerError> {
    Ledger::restore(to, copy, fixture.clock.clone(), Mode::Record).map(Option::unwrap)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The tenth way to roll a ledger back is to restore it: it is locked, and recovered like the others.
#[test]
fn a_restored_ledger_is_behind_its_witness_until_it_is_recovered() {
    each_store(|store| {
        let fixture = store.with_projects();
        answer(&fixture, 1..=2);
        let copy = fixture.folder.path().join("monday.backup");
        let written = fixture.ledger.backup(&copy, Mode::Record).unwrap();
        assert_eq!(written, fixture.ledger.verify().unwrap());
        answer(&fixture, 3..=3);
        let place = elsewhere(&fixture, "restored");
        let restored = restore(&fixture, &place, &copy).unwrap();
        assert_eq!(restored.head().unwrap(), written.head);
        let error = restored.admit(&fixture.request("costs", 9, zcdp("0.01"))).unwrap_err();
        assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
        assert!(error.to_string().contains("are missing"), "{error}");
        let by = Decider { principal: "adam", reason: "the disk broke" };
        let alone = restored.recover(by, &Recovery::default(), Mode::Record).unwrap_err();
        assert!(matches!(alone, LedgerError::Unexplained { .. }), "{alone}");
        let branches = vec![fixture.settings.location.clone()];
        let named = Recovery { branches, ..Recovery::default() };
        assert_eq!(restored.recover(by, &named, Mode::Record).unwrap().charges.len(), 1);
        assert_eq!(restored.dataset("rand").unwrap().spent, zcdp("0.03"));
        restored.verify().unwrap();
        Ledger::open_at(&place, fixture.clock.clone()).unwrap().verify().unwrap();
    });
}

#[test]
fn a_ledger_that_answered_nothing_since_goes_on() {
    each_store(|store| {
        let fixture = store.full();
        let copy = fixture.folder.path().join("copy");
        fixture.ledger.backup(&copy, Mode::Record).unwrap();
        let restored = restore(&fixture, &elsewhere(&fixture, "restored"), &copy).unwrap();
        assert_eq!(restored.verify().unwrap(), fixture.ledger.verify().unwrap());
        let charge = &restored.charges("costs").unwrap()[0].charge;
        assert_eq!(restored.sealed(charge, 0).unwrap().unwrap(), [1; 100]);
        restored.prove(charge, b"receipt").unwrap();
        let charge = restored.admit(&fixture.request("costs", 9, zcdp("0.01"))).unwrap();
        let attempt = restored.begin_attempt(&charge).unwrap();
        restored.seal(&attempt, 0, b"answer").unwrap();
    });
}

#[test]
fn a_copy_is_of_one_moment_while_others_charge() {
    each_store(|store| {
        let fixture = store.with_projects();
        thread::scope(|scope| {
            for thread in 0..4 {
                let fixture = &fixture;
                scope.spawn(move || {
                    for question in 0..20 {
                        fixture.admit("costs", thread * 20 + question, zcdp("0.0001")).unwrap();
                    }
                });
            }
            for number in 0..3 {
                let copy = fixture.folder.path().join(format!("copy-{number}"));
                let written = fixture.ledger.backup(&copy, Mode::Record).unwrap();
                let place = elsewhere(&fixture, &format!("restored-{number}"));
                let restored = restore(&fixture, &place, &copy).unwrap();
                assert_eq!(restored.verify().unwrap(), written);
            }
        });
        fixture.ledger.verify().unwrap();
    });
}

#[test]
fn a_rehearsal_writes_nothing() {
    each_store(|store| {
        let fixture = store.with_projects();
        let folder = fixture.folder.path();
        let copy = folder.join("copy");
        let rehearsed = fixture.ledger.backup(&copy, Mode::Rehearse).unwrap();
        assert!(!copy.exists());
        assert_eq!(fixture.ledger.backup(&copy, Mode::Record).unwrap(), rehearsed);
        let before = names(folder);
        let place = elsewhere(&fixture, "restored");
        let none = Ledger::restore(&place, &copy, fixture.clock.clone(), Mode::Rehearse).unwrap();
        assert!(none.is_none());
        assert_eq!(names(folder), before);
        let error = Ledger::open_at(&place, fixture.clock.clone()).unwrap_err();
        assert!(matches!(error, LedgerError::Missing { .. }), "{error}");
    });
}

#[test]
fn what_is_in_the_way_is_not_touched() {
    each_store(|store| {
        let fixture = store.with_projects();
        let folder = fixture.folder.path();
        let copy = folder.join("copy");
        fixture.ledger.backup(&copy, Mode::Record).unwrap();
        let bytes = fs::read(&copy).unwrap();
        let error = fixture.ledger.backup(&copy, Mode::Record).unwrap_err();
        assert!(error.to_string().contains("exists already and was not touched"), "{error}");
        assert_eq!(fs::read(&copy).unwrap(), bytes);
        let error = restore(&fixture, &fixture.settings, &copy).unwrap_err();
        assert!(error.to_string().contains("exists already and was not touched"), "{error}");
        assert_eq!(error.kind(), ErrorKind::FixInput);
        fixture.ledger.verify().unwrap();
        let error = fixture.ledger.backup(&folder.join("no/folder"), Mode::Record).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::FixInput | ErrorKind::TryAgain), "{error}");
    });
    // The log of a lost ledger would be read into the restored one.
    let fixture = Fixture::new();
    let copy = fixture.folder.path().join("copy");
    fixture.ledger.backup(&copy, Mode::Record).unwrap();
    let place = elsewhere(&fixture, "restored");
    fs::write(fixture.folder.path().join("restored-wal"), "left behind").unwrap();
    let error = restore(&fixture, &place, &copy).unwrap_err();
    assert!(error.to_string().contains("restored-wal: it exists already"), "{error}");
}

#[test]
fn only_a_sound_copy_of_this_ledger_is_restored() {
    let fixture = Fixture::new();
    answer(&fixture, 1..=1);
    let folder = fixture.folder.path();
    let copy = folder.join("copy");
    fixture.ledger.backup(&copy, Mode::Record).unwrap();
    let bytes = fs::read(&copy).unwrap();
    let edited = |name: &str, sql: &str| {
        let path = folder.join(name);
        fs::write(&path, &bytes).unwrap();
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        path
    };
    fs::write(folder.join("text"), "not a ledger").unwrap();
    fs::write(folder.join("empty"), "").unwrap();
    fs::write(folder.join("cut"), &bytes[..bytes.len() / 2]).unwrap();
    let database = folder.join("database");
    Connection::open(&database).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let other = Fixture::new();
    other.ledger.backup(&folder.join("other"), Mode::Record).unwrap();
    edited("newer", "PRAGMA user_version = 99");
    edited("edited", "DROP TRIGGER charge_no_update; UPDATE charge SET principal = 'eve'");
    let before = names(folder);
    let place = elsewhere(&fixture, "restored");
    for (name, said) in [
        ("nowhere", "there is no such file"),
        ("text", "it is no backup of a ledger"),
        ("empty", "it is no backup of a ledger"),
        ("database", "is not a Voilage ledger (it is another database)"),
        ("cut", "is not a Voilage ledger"),
        ("other", "it is a backup of another ledger"),
        ("newer", "was written by a newer Voilage"),
        ("edited", "its charge row or its place in the chain is not what was written"),
    ] {
        let error = restore(&fixture, &place, &folder.join(name)).unwrap_err();
        assert!(error.to_string().contains(said), "{name}: {error}");
        assert_eq!(names(folder), before, "{name}");
    }
    restore(&fixture, &place, &copy).unwrap().verify().unwrap();
}

#[test]
fn an_altered_ledger_is_not_copied() {
    let fixture = Fixture::new();
    answer(&fixture, 1..=1);
    let edit = "DROP TRIGGER charge_no_update; UPDATE charge SET principal = 'eve'";
    fixture.raw().execute_batch(edit).unwrap();
    let copy = fixture.folder.path().join("copy");
    let error = fixture.ledger.backup(&copy, Mode::Record).unwrap_err();
    assert!(matches!(error, LedgerError::Altered { .. }), "{error}");
    assert!(!copy.exists());
}

#[test]
fn postgresql_takes_its_own_archives_only() {
    if Cluster::shared().is_none() {
        return;
    }
    let fixture = Backend::Postgres.with_projects();
    let folder = fixture.folder.path();
    let place = elsewhere(&fixture, "");
    let refused = |copy: &Path, said: &str| {
        let error = restore(&fixture, &place, copy).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        let missing = Ledger::open_at(&place, fixture.clock.clone()).unwrap_err();
        assert!(matches!(missing, LedgerError::Missing { .. }), "{missing}");
    };
    let archive = |location: &Location, name: &str| {
        let Location::Postgres(url) = location else { panic!("{location}") };
        let copy = folder.join(name);
        let mut program = Command::new("pg_dump");
        program.arg("--format=custom").arg("--file").arg(&copy).arg(url);
        assert!(program.status().unwrap().success());
        copy
    };
    let file = Fixture::new();
    file.ledger.backup(&folder.join("file"), Mode::Record).unwrap();
    refused(&folder.join("file"), "it is a backup of a ledger in a file");
    fs::write(folder.join("junk"), "PGDMP and then nothing that it knows").unwrap();
    refused(&folder.join("junk"), "pg_restore:");
    // Somebody else's tables.
    let shared = Cluster::shared().unwrap();
    let database = shared.new_database();
    let Location::Postgres(url) = &database else { panic!() };
    let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
    client.batch_execute("CREATE TABLE t (x int)").unwrap();
    refused(&archive(&database, "tables"), "outside the ledger");
    let other = Backend::Postgres.with_projects();
    other.ledger.backup(&folder.join("other"), Mode::Record).unwrap();
    refused(&folder.join("other"), "it is a backup of another ledger");
    let Location::Postgres(url) = &other.settings.location else { panic!() };
    let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
    client.batch_execute("INSERT INTO voilage.version (number) VALUES (99)").unwrap();
    refused(&archive(&other.settings.location, "newer"), "was written by a newer Voilage");
    // An archive of PostgreSQL where the hub file names a file.
    let copy = folder.join("copy");
    fixture.ledger.backup(&copy, Mode::Record).unwrap();
    let error = restore(&file, &elsewhere(&file, "restored"), &copy).unwrap_err();
    assert!(error.to_string().contains("it is a backup of a ledger in PostgreSQL"), "{error}");
}
