//! Many spenders at once.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::*;
use crate::Attempt;

/// 16 threads on 4 handles ask 320 questions of a budget for exactly 100.
#[test]
fn exactly_as_many_are_let_in_as_the_cap_holds() {
    each_store(|store| {
        let fixture = store.empty();
        fixture.ledger.register_dataset(&dataset("rand", "1", None)).unwrap();
        fixture.ledger.open_project(&project("costs", "1", None)).unwrap();
        let handles: Vec<Ledger> = (0..4).map(|_| fixture.reopen()).collect();
        let (accepted, refused) = (AtomicU32::new(0), AtomicU32::new(0));
        thread::scope(|scope| {
            for thread in 0..16_u8 {
                let (fixture, accepted, refused) = (&fixture, &accepted, &refused);
                let ledger = &handles[usize::from(thread % 4)];
                scope.spawn(move || {
                    for question in 0..20_u8 {
                        let mut request = fixture.request("costs", thread, pure("0.01"));
                        request.request_key.0[31] = 100 + question;
                        let counter = match ledger.admit(&request) {
                            Ok(charge) => {
                                assert!(!charge.replayed);
                                accepted
                            }
                            Err(LedgerError::Budget(_)) => refused,
                            Err(error) => panic!("{error}"),
                        };
                        counter.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(accepted.into_inner(), 100);
        assert_eq!(refused.into_inner(), 220);
        assert_eq!(fixture.ledger.project("costs").unwrap().spent, pure("1"));
        assert_eq!(fixture.ledger.charges("costs").unwrap().len(), 100);
        fixture.ledger.verify().unwrap();
    });
}

/// 16 threads ask one question and try to answer it: one charge, one answer for everybody.
#[test]
fn one_question_is_charged_once_and_answered_once() {
    each_store(|store| {
        let fixture = store.with_projects();
        let handles: Vec<Ledger> = (0..4).map(|_| fixture.reopen()).collect();
        let charged = AtomicU32::new(0);
        let answers: Vec<Vec<u8>> = thread::scope(|scope| {
            let spenders: Vec<_> = (0..16_u8)
                .map(|thread| {
                    let (fixture, charged) = (&fixture, &charged);
                    let ledger = &handles[usize::from(thread % 4)];
                    scope.spawn(move || {
                        let request = fixture.request("costs", 1, zcdp("0.01"));
                        let charge = match ledger.admit(&request) {
                            Ok(charge) => charge,
                            Err(LedgerError::AttemptsUsedUp { .. }) => return None,
                            Err(error) => panic!("{error}"),
                        };
                        charged.fetch_add(u32::from(!charge.replayed), Ordering::Relaxed);
                        let sealed = ledger
                            .begin_attempt(&charge)
                            .and_then(|attempt: Attempt| ledger.seal(&attempt, 0, &[thread]));
                        match sealed {
                            Ok(bytes) => Some(bytes),
                            Err(
                                LedgerError::Fenced { .. }
                                | LedgerError::AlreadySealed { .. }
                                | LedgerError::AttemptsUsedUp { .. },
                            ) => ledger.sealed(&charge, 0).unwrap(),
                            Err(error) => panic!("{error}"),
                        }
                    })
                })
                .collect();
            spenders.into_iter().filter_map(|spender| spender.join().unwrap()).collect()
        });
        assert_eq!(charged.into_inner(), 1);
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
        assert_eq!(fixture.ledger.project("costs").unwrap().spent, zcdp("0.01"));
        fixture.ledger.verify().unwrap();
    });
}
