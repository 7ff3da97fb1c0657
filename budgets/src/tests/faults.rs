//! A charge and its answer under a file system that fails at each of its calls in turn.
//!
//! A process charges and answers with `faults.c` preloaded. At every call that opens, writes, syncs,
//! cuts or removes a file, it is killed, or the call returns EIO, or ENOSPC. Whatever it managed to
//! say must be true of the ledger that the next process finds.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

const TEST: &str = "tests::faults::\
                    whatever_fails_no_answer_is_without_its_charge_and_asking_again_completes";
/// What was spent before the process began.
const BEFORE: &str = "0.01";
/// The same with the process's charge.
const AFTER: &str = "0.03";

#[test]
fn whatever_fails_no_answer_is_without_its_charge_and_asking_again_completes() {
    if let Some(path) = child::job() {
        return victim(&path);
    }
    let folder = TempDir::new().unwrap();
    let shim = folder.path().join("faults.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/faults.c");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&shim, Path::new(source)])
        .arg("-ldl")
        .status();
    assert!(compiled.unwrap().success());
    let calls = whole(&shim);
    // Two commits with their log, and the witness: fewer would mean that the shim sees nothing.
    assert!(calls >= 20, "{calls} calls");
    for mode in ["kill", "eio", "enospc"] {
        let mut told = [0; 3];
        for call in 1..=calls {
            let told_here = one(&shim, mode, call);
            told[usize::from(told_here)] += 1;
        }
        println!("{mode}: {told:?} processes told nothing, a charge, an answer");
        assert!(told[0] > 0 && told[1] > 0, "{mode} spares or stops everything: {told:?}");
    }
}

/// A process without a fault; returns how many calls it made.
fn whole(shim: &Path) -> u32 {
    let fixture = prepared();
    let text = victim_output(shim, &fixture, ("none", 0));
    assert!(text.contains("charged\n") && text.contains("answered\n"), "{text}");
    let line = text.lines().find_map(|line| line.strip_prefix("calls ")).unwrap();
    line.parse().unwrap()
}

/// A process with one fault, and what must be true afterwards; returns how much it told.
fn one(shim: &Path, mode: &str, call: u32) -> u8 {
    let fixture = prepared();
    let text = victim_output(shim, &fixture, (mode, call));
    let context = format!("{mode} at call {call}: {text}");
    let (charged, answered) = (text.contains("charged\n"), text.contains("answered\n"));
    let ledger = fixture.reopen();
    ledger.verify().unwrap_or_else(|error| panic!("{context}: {error}"));
    let spent = ledger.project("costs").unwrap().spent;
    if charged {
        assert_eq!(spent, zcdp(AFTER), "a charge that was told is gone: {context}");
    } else {
        assert!(spent == zcdp(BEFORE) || spent == zcdp(AFTER), "{spent:?}: {context}");
    }
    let request = request_of(&ledger);
    let again = ledger.admit(&request).unwrap();
    if answered {
        assert!(again.replayed && again.sealed, "{context}");
    }
    let answer = match ledger.sealed(&again, 0).unwrap() {
        Some(bytes) => bytes,
        None => {
            let attempt = ledger.begin_attempt(&again).unwrap();
            ledger.seal(&attempt, 0, b"answer").unwrap()
        }
    };
    assert_eq!(answer, b"answer", "{context}");
    assert_eq!(ledger.project("costs").unwrap().spent, zcdp(AFTER), "{context}");
    ledger.verify().unwrap_or_else(|error| panic!("{context}: {error}"));
    u8::from(charged) + u8::from(answered)
}

/// A ledger with one charge that was answered.
fn prepared() -> Fixture {
    let fixture = Fixture::new();
    let charge = fixture.admit("costs", 1, zcdp(BEFORE)).unwrap();
    let attempt = fixture.ledger.begin_attempt(&charge).unwrap();
    fixture.ledger.seal(&attempt, 0, b"before").unwrap();
    fixture
}

fn request_of(ledger: &Ledger) -> ChargeRequest {
    ChargeRequest {
        project: "costs".to_owned(),
        principal: "ana".to_owned(),
        request_key: RequestKey([2; 32]),
        request_hash: [2; 32],
        loss: zcdp("0.02"),
        plan_hash: [2; 32],
        data_version: ledger.dataset("rand").unwrap().data_version,
        boundaries: 1,
        bounding_key: [2; 16],
        description: "SELECT count(*) FROM rand_hie".to_owned(),
        shares: Vec::new(),
        detail: ChargeDetail::default(),
        renew: false,
    }
}

fn victim_output(shim: &Path, fixture: &Fixture, (mode, call): (&str, u32)) -> String {
    let path = fixture.path();
    let output = child::of(TEST, path.to_str().unwrap())
        .env("LD_PRELOAD", shim)
        .env("VOILAGE_FAULT_MODE", mode)
        .env("VOILAGE_FAULT_CALL", call.to_string())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// What each process runs.
fn victim(path: &str) {
    let clock = Arc::new(FixedClock::new(noon("2026-06-15")));
    let ledger = Ledger::open(path, clock).unwrap();
    let request = request_of(&ledger);
    // The shim knows these paths, which do not exist.
    let mark = |name: &str| drop(fs::File::open(format!("/voilage-fault/{name}")));
    mark("arm");
    let answered = ledger.admit(&request).and_then(|charge| {
        println!("\ncharged");
        let attempt = ledger.begin_attempt(&charge)?;
        ledger.seal(&attempt, 0, b"answer")
    });
    mark("disarm");
    match answered {
        Ok(_) => println!("answered"),
        Err(error) => println!("refused: {error}"),
    }
}
