//! Spenders in processes of their own, on one ledger.

use std::process::{Child, Stdio};
use std::thread;

use super::*;

const TEST: &str =
    "tests::processes::exactly_a_thousand_of_64_spenders_in_8_processes_twenty_times";
const ROUNDS: u32 = 20;
const PROCESSES: u8 = 8;
const THREADS: u8 = 8;
/// What the budget holds.
const CHARGES: usize = 1_000;
/// What each spender tries: 64 * 24 is half as much again as the budget holds.
const TRIES: u8 = 24;

/// 64 spenders in 8 processes and a budget for exactly 1,000 charges: exactly 1,000 are accepted.
fn exactly_a_thousand(store: Backend) {
    let fixture = store.empty();
    fixture.ledger.register_dataset(&dataset("rand", "1", None)).unwrap();
    fixture.ledger.open_project(&project("costs", "1", None)).unwrap();
    let version = fixture.ledger.dataset("rand").unwrap().data_version;
    let spenders: Vec<Child> = (0..PROCESSES)
        .map(|process| {
            let ledger = match &fixture.settings.location {
                Location::File(path) => path.to_str().unwrap().to_owned(),
                Location::Postgres(url) => url.clone(),
            };
            let witness = fixture.settings.witness.to_str().unwrap();
            let job = format!("{ledger}\n{witness}\n{version}\n{process}");
            child::of(TEST, &job).stdout(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut accepted = 0;
    for spender in spenders {
        let output = spender.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        accepted += text.matches("accepted\n").count();
    }
    assert_eq!(accepted, CHARGES, "{store:?}");
    assert_eq!(fixture.ledger.charges("costs").unwrap().len(), CHARGES);
    assert_eq!(fixture.ledger.dataset("rand").unwrap().spent, pure("1"));
    fixture.ledger.verify().unwrap();
}

#[test]
fn exactly_a_thousand_of_64_spenders_in_8_processes_twenty_times() {
    if let Some(job) = child::job() {
        return spender(&job);
    }
    for _ in 0..ROUNDS {
        each_store(exactly_a_thousand);
    }
}

/// What each process runs.
fn spender(job: &str) {
    let lines: Vec<&str> = job.lines().collect();
    let [ledger, witness, version, process] = lines[..] else { panic!("{job}") };
    let beside = Settings::beside(std::path::Path::new(witness.trim_end_matches(".witness")));
    let location = Location::parse(ledger, std::path::Path::new("/"));
    let settings = Settings { location, ..beside };
    let clock = Arc::new(FixedClock::new(noon("2026-06-15")));
    let ledger = Ledger::open_at(&settings, clock).unwrap();
    let process: u8 = process.parse().unwrap();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let ledger = &ledger;
            scope.spawn(move || {
                for question in 0..TRIES {
                    let mut key = [process; 32];
                    (key[30], key[31]) = (thread, question);
                    spend(ledger, version, key);
                }
            });
        }
    });
}

fn spend(ledger: &Ledger, version: &str, key: [u8; 32]) {
    let request = ChargeRequest {
        project: "costs".to_owned(),
        principal: "ana".to_owned(),
        request_key: RequestKey(key),
        request_hash: key,
        loss: pure("0.001"),
        plan_hash: [7; 32],
        data_version: version.to_owned(),
        boundaries: 1,
        bounding_key: [7; 16],
        description: "SELECT count(*) FROM rand_hie".to_owned(),
        shares: Vec::new(),
        detail: ChargeDetail::default(),
        renew: false,
    };
    loop {
        match ledger.admit(&request) {
            Ok(charge) => {
                assert!(!charge.replayed);
                break println!("accepted");
            }
            Err(LedgerError::Budget(_)) => break,
            // Twenty seconds behind other processes: nothing was spent, so it is asked again.
            Err(LedgerError::Busy) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
