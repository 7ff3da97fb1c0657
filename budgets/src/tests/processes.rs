//! Spenders in processes of their own, on one ledger.

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
    let spender = |process| child::on_ledger(TEST, &fixture, &version, process);
    let accepted = child::lines_of((0..PROCESSES).map(spender).collect(), "accepted");
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
    let (ledger, version, process) = child::opened(job);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (ledger, version) = (&ledger, &version);
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
    let request = child::a_thousandth(version, key);
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
