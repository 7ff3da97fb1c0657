//! A handle that stays open while its database is put back, its witness goes, or others write.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;
use crate::{Act, Decider, Mode, Principal, Recovery, Role};

/// What a database held, so that it can be put back under a handle that is open.
struct Dump<'a> {
    fixture: &'a Fixture,
    /// The folder of the copy, for a file; in PostgreSQL it is a schema of the same database.
    _folder: Option<TempDir>,
    copy: Option<PathBuf>,
}

impl<'a> Dump<'a> {
    fn of(fixture: &'a Fixture) -> Self {
        match &fixture.settings.location {
            Location::File(_) => {
                let folder = TempDir::new().unwrap();
                let copy = folder.path().join("dump");
                let sql = format!("VACUUM INTO '{}'", copy.display());
                fixture.raw().execute_batch(&sql).unwrap();
                Self { fixture, _folder: Some(folder), copy: Some(copy) }
            }
            Location::Postgres(url) => {
                let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
                client
                    .batch_execute(
                        "CREATE SCHEMA dump;
                         DO $$ DECLARE t text; BEGIN
                             FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'voilage' LOOP
                                 EXECUTE format('CREATE TABLE dump.%I AS TABLE voilage.%I', t, t);
                             END LOOP;
                         END $$",
                    )
                    .unwrap();
                Self { fixture, _folder: None, copy: None }
            }
        }
    }

    /// Puts every row back as it was, past all triggers, as a restore does.
    fn restore(&self) {
        match (&self.fixture.settings.location, &self.copy) {
            (Location::File(_), Some(copy)) => restore_file(&self.fixture.raw(), copy),
            (Location::Postgres(url), _) => {
                let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
                client
                    .batch_execute(
                        "SET session_replication_role = replica;
                         DO $$ DECLARE t text; BEGIN
                             FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'voilage' LOOP
                                 EXECUTE format('DELETE FROM voilage.%I', t);
                                 EXECUTE format('INSERT INTO voilage.%I SELECT * FROM dump.%I', t, t);
                             END LOOP;
                         END $$",
                    )
                    .unwrap();
            }
            (Location::File(_), None) => unreachable!("a file's dump is a file"),
        }
    }
}

fn restore_file(raw: &Connection, copy: &std::path::Path) {
    let listed = |kind: &str| -> Vec<(String, String)> {
        let sql = "SELECT name, sql FROM sqlite_schema
                   WHERE type = ?1 AND substr(name, 1, 7) <> 'sqlite_'";
        let mut statement = raw.prepare(sql).unwrap();
        let rows = statement.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let (triggers, tables) = (listed("trigger"), listed("table"));
    let mut sql = format!("PRAGMA foreign_keys = OFF; ATTACH '{}' AS dump; BEGIN;", copy.display());
    for (name, _) in &triggers {
        sql += &format!("DROP TRIGGER {name};");
    }
    for (name, _) in &tables {
        sql +=
            &format!("DELETE FROM main.{name}; INSERT INTO main.{name} SELECT * FROM dump.{name};");
    }
    for (_, trigger) in &triggers {
        sql += &format!("{trigger};");
    }
    raw.execute_batch(&(sql + "COMMIT; DETACH dump;")).unwrap();
}

fn answer(ledger: &Ledger, request: &ChargeRequest) -> Result<Vec<u8>, LedgerError> {
    let charge = ledger.admit(request)?;
    let attempt = ledger.begin_attempt(&charge)?;
    ledger.seal(&attempt, 0, b"answer")
}

fn is_locked<T: std::fmt::Debug>(done: Result<T, LedgerError>) -> String {
    let error = done.unwrap_err();
    assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
    error.to_string()
}

/// The handle had looked at its witness once, and never again: it went on where it was put back to.
#[test]
fn a_database_that_is_put_back_under_an_open_handle_locks_it() {
    each_store(|store| {
        let fixture = store.with_projects();
        answer(&fixture.ledger, &fixture.request("costs", 1, zcdp("0.01"))).unwrap();
        let dump = Dump::of(&fixture);
        for key in 2..=3 {
            answer(&fixture.ledger, &fixture.request("costs", key, zcdp("0.01"))).unwrap();
        }
        let before = fixture.ledger.charges("costs").unwrap();
        // A handle that only ever read its way to the end of the chain is no better off.
        let reader = fixture.reopen();
        dump.restore();
        let message = is_locked(fixture.ledger.admit(&fixture.request("costs", 4, zcdp("0.01"))));
        assert!(message.contains("this process saw entry"), "{message}");
        is_locked(reader.sealed(&before[0].charge, 0));
        is_locked(fixture.ledger.prove(&before[0].charge, b"receipt"));
        let terms = dataset("births", "1", None);
        let act = Act::RegisterDataset { terms, files: Vec::new() };
        let by = Decider { principal: "ana", reason: "new" };
        is_locked(reader.decide(by, &act, Mode::Record));
        assert_eq!(fixture.ledger.charges("costs").unwrap().len(), 1);
    });
}

/// Entries are written again up to the old length: a position says nothing, its hash does.
#[test]
fn a_database_that_has_grown_again_is_told_by_its_hash() {
    each_store(|store| {
        let fixture = store.with_projects();
        let dump = Dump::of(&fixture);
        answer(&fixture.ledger, &fixture.request("costs", 1, zcdp("0.01"))).unwrap();
        let seal = fixture.ledger.charges("costs").unwrap().remove(0).charge;
        dump.restore();
        // Somebody without a witness of ours goes on in the same database.
        let folder = TempDir::new().unwrap();
        let witness = folder.path().join("witness");
        let settings = Settings { witness: witness.clone(), ..fixture.settings.clone() };
        let other = Ledger::open_at(&settings, fixture.clock.clone()).unwrap();
        let adam = Decider { principal: "adam", reason: "it is all there is" };
        let named = Recovery { newest: true, ..Recovery::default() };
        other.recover(adam, &named, Mode::Record).unwrap();
        answer(&other, &fixture.request("costs", 2, zcdp("0.02"))).unwrap();
        assert!(other.head().unwrap().position >= seal.position + 2);
        let message = is_locked(fixture.ledger.admit(&fixture.request("costs", 3, zcdp("0.01"))));
        assert!(message.contains("is not the one that this process saw"), "{message}");
    });
}

/// Another ledger in its place has other entries, and its own id.
#[test]
fn another_ledger_in_its_place_locks_an_open_handle() {
    let fixture = Fixture::new();
    let other = Fixture::new();
    let copy = other.folder.path().join("dump");
    let sql = format!("VACUUM INTO '{}'", copy.display());
    other.raw().execute_batch(&sql).unwrap();
    restore_file(&fixture.raw(), &copy);
    let message = is_locked(fixture.ledger.admit(&fixture.request("costs", 1, zcdp("0.01"))));
    assert!(message.contains("another ledger came into its place"), "{message}");
}

/// Zero bytes are not the beginning of a witness once there was one.
#[test]
fn a_witness_that_is_emptied_under_an_open_handle_is_missing() {
    let fixture = Fixture::new();
    answer(&fixture.ledger, &fixture.request("costs", 1, zcdp("0.01"))).unwrap();
    fs::write(&fixture.settings.witness, b"").unwrap();
    let charge = fixture.admit("costs", 2, zcdp("0.01")).unwrap();
    let message = is_locked(fixture.ledger.begin_attempt(&charge));
    assert!(message.contains("is missing"), "{message}");
    assert_eq!(fs::read(&fixture.settings.witness).unwrap(), b"");
}

/// A decision is a brake, and an attempt one of three: forgetting either must show.
#[test]
fn the_witness_covers_decisions_and_attempts() {
    let fixture = Fixture::new();
    let seen = || fs::read(&fixture.settings.witness).unwrap();
    let (_folder, before) = fixture.copied();
    let first = seen();
    let principal =
        Principal { name: "ana".into(), role: Role::Administrator, account: "ana".into() };
    let by = Decider { principal: "ana", reason: "she is the first" };
    fixture.ledger.decide(by, &Act::SetPrincipal { principal }, Mode::Record).unwrap();
    let decided = seen();
    assert_ne!(decided, first);
    is_locked(Ledger::open_at(&before, fixture.clock.clone()).unwrap().verify());
    let charge = fixture.admit("costs", 1, zcdp("0.01")).unwrap();
    assert_eq!(seen(), decided, "forgetting a charge forgets nothing that anybody learned");
    let (_folder, before) = fixture.copied();
    fixture.ledger.begin_attempt(&charge).unwrap();
    assert_ne!(seen(), decided);
    is_locked(Ledger::open_at(&before, fixture.clock.clone()).unwrap().verify());
    // A rehearsal has told nothing.
    let after = seen();
    let act = Act::Suspend { project: "costs".to_owned() };
    fixture.ledger.decide(by, &act, Mode::Rehearse).unwrap();
    assert_eq!(seen(), after);
}

/// A ledger from before its key was adopted as if it had never had one.
#[test]
fn a_copy_from_before_its_key_is_locked() {
    let fixture = Fixture::new();
    answer(&fixture.ledger, &fixture.request("costs", 1, zcdp("0.01"))).unwrap();
    let raw = fixture.raw();
    raw.execute_batch(
        "PRAGMA foreign_keys = OFF; DROP TRIGGER signing_key_no_delete; DELETE FROM signing_key;
         CREATE TRIGGER signing_key_no_delete BEFORE DELETE ON signing_key
         BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;",
    )
    .unwrap();
    fs::remove_file(&fixture.settings.witness).unwrap();
    for left in [fixture.settings.key.clone(), fixture.settings.public_key()] {
        let bytes = fs::read(&left).unwrap();
        let ledger = fixture.reopen();
        let message = is_locked(ledger.admit(&fixture.request("costs", 2, zcdp("0.01"))));
        assert!(message.contains("from before it had one"), "{message}");
        assert!(ledger.public_key().is_err(), "the key was adopted");
        // Either half alone says so too.
        fs::remove_file(&left).unwrap();
        is_locked(fixture.reopen().admit(&fixture.request("costs", 2, zcdp("0.01"))));
        fs::write(&left, bytes).unwrap();
    }
}

/// A ledger that was deleted with its witness is not begun anew beside its key.
#[test]
fn a_key_that_is_left_keeps_a_new_ledger_from_its_place() {
    let Fixture { folder, settings, clock, ledger } = Fixture::new();
    drop(ledger);
    for name in ["ledger", "ledger-wal", "ledger-shm", "ledger.witness"] {
        let _ = fs::remove_file(folder.path().join(name));
    }
    let is_refused = || {
        let error = Ledger::create_at(&settings, clock.clone()).unwrap_err();
        assert!(matches!(error, LedgerError::KeyLeft { .. }), "{error}");
    };
    is_refused();
    assert!(!folder.path().join("ledger").exists());
    // Nor where an empty file stands for it.
    fs::write(folder.path().join("ledger"), b"").unwrap();
    is_refused();
    fs::remove_file(&settings.key).unwrap();
    is_refused();
    fs::remove_file(settings.public_key()).unwrap();
    Ledger::create_at(&settings, clock).unwrap().verify().unwrap();
}

/// Somebody moved ledger and witness away and began anew with the same key.
#[test]
fn a_receipt_of_another_ledger_under_the_same_key_locks() {
    let fixture = Fixture::new();
    let request = fixture.request("costs", 1, zcdp("0.01"));
    answer(&fixture.ledger, &request).unwrap();
    let charge = fixture.ledger.charges("costs").unwrap().remove(0).charge;
    let proof = fixture.ledger.prove(&charge, b"receipt").unwrap();
    let folder = TempDir::new().unwrap();
    let settings = Settings::beside(&folder.path().join("ledger"));
    let anew = Ledger::create_at(&settings, fixture.clock.clone());
    drop(anew);
    // The key is the old one, as the new ledger would name it had it been there first.
    for name in ["ledger", "ledger-wal", "ledger-shm", "ledger.witness", "ledger.key.pub"] {
        let _ = fs::remove_file(folder.path().join(name));
    }
    fs::remove_file(&settings.key).unwrap();
    let half = Connection::open(folder.path().join("other")).unwrap();
    drop(half);
    let ledger = with_key_of(&fixture, &settings);
    let message = is_locked(ledger.present("receipt", &proof));
    assert!(message.contains("of another ledger"), "{message}");
    is_locked(Ledger::open_at(&settings, fixture.clock.clone()).unwrap().verify());
    let adam = Decider { principal: "adam", reason: "the old one is lost" };
    let error = ledger.recover(adam, &Recovery::default(), Mode::Record).unwrap_err();
    assert!(matches!(error, LedgerError::Unexplained { .. }), "{error}");
    let exhaust = Recovery { exhaust: true, ..Recovery::default() };
    ledger.recover(adam, &exhaust, Mode::Record).unwrap();
    ledger.present("receipt", &proof).unwrap();
}

/// A new ledger that adopts the key of `fixture` between its first entry and its second.
fn with_key_of(fixture: &Fixture, settings: &Settings) -> Ledger {
    let store = crate::store::database::create(&settings.location, &mut |transaction| {
        crate::store::identity::record(transaction, fixture.clock.as_ref())
    });
    drop(store.unwrap());
    fs::copy(&fixture.settings.key, &settings.key).unwrap();
    Ledger::open_at(settings, fixture.clock.clone()).unwrap()
}

const ANSWERING: &str =
    "tests::live::eight_processes_answer_under_one_witness_and_nobody_is_locked";
const PROCESSES: u8 = 8;
const THREADS: u8 = 4;
const QUESTIONS: u8 = 4;

/// Whoever opens a ledger while others answer from it compares it with what its witness says, and the
/// witness must not be the newer of the two: it would lock a ledger in which nothing is missing. Opened
/// 200 times in each store; with the witness read second, each of four runs of this test met a lock.
#[test]
fn a_ledger_that_others_answer_from_opens_unlocked() {
    each_store(|store| {
        let fixture = store.empty();
        fixture.ledger.register_dataset(&dataset("rand", "1", None)).unwrap();
        fixture.ledger.open_project(&project("costs", "1", None)).unwrap();
        let version = fixture.ledger.dataset("rand").unwrap().data_version;
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                for question in 0..=255 {
                    if is_over.load(Ordering::SeqCst) {
                        break;
                    }
                    answer_until_told(&fixture.ledger, &version, [question; 32]);
                }
            });
            for _ in 0..200 {
                let clock = fixture.clock.clone();
                let opened = Ledger::open_at(&fixture.settings, clock).unwrap();
                if let Err(error) = opened.must_be_unlocked() {
                    is_over.store(true, Ordering::SeqCst);
                    panic!("{error}");
                }
            }
            is_over.store(true, Ordering::SeqCst);
        });
    });
}

/// Eight processes charge and answer on one ledger with one witness, and read each other's answers.
/// None of them may take the others' newer entries for a ledger that was put back.
#[test]
fn eight_processes_answer_under_one_witness_and_nobody_is_locked() {
    if let Some(job) = child::job() {
        return answering(&job);
    }
    each_store(|store| {
        let fixture = store.empty();
        fixture.ledger.register_dataset(&dataset("rand", "1", None)).unwrap();
        fixture.ledger.open_project(&project("costs", "1", None)).unwrap();
        let version = fixture.ledger.dataset("rand").unwrap().data_version;
        let process = |process| child::on_ledger(ANSWERING, &fixture, &version, process);
        let answered = child::lines_of((0..PROCESSES).map(process).collect(), "answered");
        // Every process answers its own questions, and all answer one that they share.
        let own = usize::from(PROCESSES) * usize::from(THREADS) * usize::from(QUESTIONS);
        assert_eq!(answered, own + usize::from(PROCESSES) * usize::from(THREADS));
        assert_eq!(fixture.ledger.charges("costs").unwrap().len(), own + 1);
        fixture.ledger.verify().unwrap();
        fixture.reopen().verify().unwrap();
    });
}

/// What each process runs.
fn answering(job: &str) {
    let (ledger, version, process) = child::opened(job);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (ledger, version) = (&ledger, &version);
            scope.spawn(move || {
                answer_until_told(ledger, version, [255; 32]);
                for question in 0..QUESTIONS {
                    let mut key = [process; 32];
                    (key[30], key[31]) = (thread, question);
                    answer_until_told(ledger, version, key);
                }
            });
        }
    });
}

fn answer_until_told(ledger: &Ledger, version: &str, key: [u8; 32]) {
    let request = child::a_thousandth(version, key);
    loop {
        let told = ledger.admit(&request).and_then(|charge| match ledger.sealed(&charge, 0)? {
            Some(bytes) => Ok(bytes),
            None => {
                let attempt = ledger.begin_attempt(&charge)?;
                ledger.seal(&attempt, 0, &key)
            }
        });
        match told {
            Ok(bytes) => {
                assert_eq!(bytes, key);
                break println!("answered");
            }
            // Somebody else works on the shared question, or is writing: it is asked again.
            Err(
                LedgerError::Busy
                | LedgerError::Fenced { .. }
                | LedgerError::AlreadySealed { .. }
                | LedgerError::AttemptsUsedUp { .. },
            ) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
