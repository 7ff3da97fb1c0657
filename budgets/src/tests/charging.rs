//! What is charged, replayed, renewed, fenced and sealed.

use voilage_privacy::{Delta, Epsilon, Loss, Rho};

use super::*;
use crate::{ErrorKind, ProjectStatus};

#[test]
fn a_charge_reaches_both_caps_and_survives_reopening() {
    each_store(|store| {
        let fixture = store.with_projects();
        let charge = fixture.admit("costs", 1, zcdp_with_delta("0.01", "1e-9")).unwrap();
        assert!(!charge.replayed && !charge.sealed);
        assert_eq!(charge.attempts, 0);
        assert_eq!(charge.spent_after, zcdp_with_delta("0.01", "1e-9"));

        let again = fixture.reopen();
        assert_eq!(again.project("costs").unwrap().spent, zcdp_with_delta("0.01", "1e-9"));
        assert_eq!(again.dataset("rand").unwrap().spent, zcdp_with_delta("0.01", "1e-9"));
        again.verify().unwrap();
    });
}

#[test]
fn a_cost_finer_than_the_grid_is_rounded_up_and_nothing_is_free() {
    each_store(|store| {
        let fixture = store.with_projects();
        let charge = fixture.admit("costs", 1, zcdp_with_delta("1e-16", "1e-19")).unwrap();
        assert_eq!(charge.loss, zcdp_with_delta("1e-15", "1e-18"));
        let charge = fixture.admit("costs", 4, zcdp_with_delta("1.1e-15", "1.1e-18")).unwrap();
        assert_eq!(charge.loss, zcdp_with_delta("2e-15", "2e-18"));
        let charge = fixture.admit("counts", 5, pure("1.1e-12")).unwrap();
        assert_eq!(charge.loss, pure("2e-12"));
        let nothing = Loss::Zcdp { rho: Rho::zero(), delta: Delta::zero() };
        let charge = fixture.admit("costs", 2, nothing).unwrap();
        assert_eq!(charge.loss, zcdp("1e-15"));
        let nothing = Loss::Pure { epsilon: Epsilon::zero() };
        let charge = fixture.admit("counts", 3, nothing).unwrap();
        assert_eq!(charge.loss, pure("1e-12"));
    });
}

#[test]
fn a_pure_charge_adds_half_its_square_to_a_zcdp_dataset_rounded_up() {
    each_store(|store| {
        let fixture = store.with_projects();
        fixture.admit("counts", 1, pure("0.5")).unwrap();
        assert_eq!(fixture.ledger.dataset("rand").unwrap().spent, zcdp("0.125"));
        // 1e-9 squared and halved is 5e-19: less than one unit of rho.
        fixture.admit("counts", 2, pure("1e-9")).unwrap();
        assert_eq!(fixture.ledger.dataset("rand").unwrap().spent, zcdp("0.125000000000001"));
        assert_eq!(fixture.ledger.project("counts").unwrap().spent, pure("0.500000001"));
    });
}

#[test]
fn the_same_key_replays_the_same_charge_even_when_the_cap_is_exhausted() {
    each_store(|store| {
        let fixture = store.with_projects();
        let first = fixture.admit("counts", 1, pure("0.4")).unwrap();
        fixture.admit("counts", 2, pure("0.6")).unwrap();
        assert_eq!(
            fixture.admit("counts", 3, pure("1e-12")).unwrap_err().kind(),
            ErrorKind::BudgetRefused
        );
        let mut request = fixture.request("counts", 1, pure("0.4"));
        request.principal = "ben".to_owned();
        request.bounding_key = [99; 16];
        let again = fixture.ledger.admit(&request).unwrap();
        assert!(again.replayed);
        assert_eq!(again.bounding_key, first.bounding_key);
        assert_eq!(Charge { replayed: false, ..again }, first);
        assert_eq!(fixture.ledger.project("counts").unwrap().spent, pure("1"));
        let charges = fixture.ledger.charges("counts").unwrap();
        assert_eq!(charges.iter().map(|charge| charge.replays).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(charges[0].principal, "ana");
        fixture.ledger.verify().unwrap();
    });
}

#[test]
fn a_key_belongs_to_its_project() {
    each_store(|store| {
        let fixture = store.with_projects();
        let one = fixture.admit("costs", 1, zcdp("0.01")).unwrap();
        let other = fixture.admit("counts", 1, pure("0.1")).unwrap();
        assert!(!other.replayed);
        assert_ne!(one.id, other.id);
    });
}

#[test]
fn the_dataset_stops_a_project_that_is_within_its_own_cap() {
    each_store(|store| {
        let fixture = store.empty();
        fixture.ledger.register_dataset(&dataset("rand", "1", None)).unwrap();
        fixture.ledger.open_project(&project("a", "0.8", None)).unwrap();
        fixture.ledger.open_project(&project("b", "0.8", None)).unwrap();
        fixture.admit("a", 1, pure("0.6")).unwrap();
        let refused = fixture.admit("b", 2, pure("0.5")).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::BudgetRefused);
        assert_eq!(
            fixture.ledger.project("b").unwrap().spent,
            Loss::Pure { epsilon: Epsilon::zero() }
        );
        assert_eq!(fixture.ledger.affordable_epsilon("b").unwrap(), Epsilon::parse("0.4").unwrap());
        fixture.admit("b", 2, pure("0.4")).unwrap();
        assert_eq!(fixture.ledger.dataset("rand").unwrap().spent, pure("1"));
        fixture.ledger.verify().unwrap();
    });
}

#[test]
fn a_refused_charge_spends_nothing_and_is_recorded() {
    each_store(|store| {
        let fixture = store.with_projects();
        let before = fixture.ledger.verify().unwrap();
        let (project, dataset) =
            (fixture.ledger.project("counts").unwrap(), fixture.ledger.dataset("rand").unwrap());
        fixture.admit("counts", 1, pure("2")).unwrap_err();
        assert_eq!(fixture.ledger.project("counts").unwrap(), project);
        assert_eq!(fixture.ledger.dataset("rand").unwrap(), dataset);
        assert_eq!(fixture.ledger.verify().unwrap().entries, before.entries + 1);
        // What is wrong with the request itself is no decision about it.
        let mut request = fixture.request("counts", 1, pure("0.1"));
        request.data_version = "0".repeat(32);
        fixture.ledger.admit(&request).unwrap_err();
        assert_eq!(fixture.ledger.verify().unwrap().entries, before.entries + 1);
    });
}

#[test]
fn every_replay_asks_for_an_open_project() {
    each_store(|store| {
        let fixture = store.with_projects();
        fixture.admit("costs", 1, zcdp("0.01")).unwrap();
        fixture.today("2027-01-01");
        let expired = fixture.admit("costs", 1, zcdp("0.01")).unwrap_err();
        assert_eq!(expired.kind(), ErrorKind::PolicyRefused);
        assert!(matches!(expired, LedgerError::Expired { .. }));

        let fixture = store.with_projects();
        let charge = fixture.admit("costs", 1, zcdp("0.01")).unwrap();
        let closed = fixture.ledger.close_project("costs", "study ended").unwrap();
        assert!(matches!(closed.status, ProjectStatus::Closed { .. }));
        assert!(matches!(
            fixture.admit("costs", 1, zcdp("0.01")).unwrap_err(),
            LedgerError::Closed { .. }
        ));
        assert!(matches!(
            fixture.ledger.begin_attempt(&charge).unwrap_err(),
            LedgerError::Closed { .. }
        ));
    });
}

#[test]
fn a_permit_counts_its_first_and_its_last_day() {
    each_store(|store| {
        for (date, status) in [
            ("2025-12-31", ProjectStatus::NotStarted),
            ("2026-01-01", ProjectStatus::Open),
            ("2026-12-31", ProjectStatus::Open),
            ("2027-01-01", ProjectStatus::Expired),
        ] {
            let fixture = Fixture::on(store, "2025-06-01");
            fixture.ledger.register_dataset(&dataset("rand", "8", Some("1e-6"))).unwrap();
            fixture.ledger.open_project(&project("costs", "2", Some("1e-6"))).unwrap();
            fixture.today(date);
            assert_eq!(fixture.ledger.project("costs").unwrap().status, status, "{date}");
            let admitted = fixture.admit("costs", 1, zcdp("0.01")).is_ok();
            assert_eq!(admitted, status == ProjectStatus::Open, "{date}");
        }
    });
}

#[test]
fn a_clock_set_back_reopens_nothing() {
    each_store(|store| {
        let fixture = store.with_projects();
        fixture.today("2027-02-01");
        // Any entry made after the end fixes the day.
        fixture.ledger.register_dataset(&dataset("other", "1", None)).unwrap();
        fixture.today("2026-06-15");
        assert_eq!(fixture.ledger.project("costs").unwrap().status, ProjectStatus::Expired);
        assert!(matches!(
            fixture.admit("costs", 1, zcdp("0.01")).unwrap_err(),
            LedgerError::Expired { .. }
        ));
        fixture.ledger.verify().unwrap();
    });
}

#[test]
fn a_question_planned_for_other_data_is_planned_again() {
    each_store(|store| {
        let fixture = store.with_projects();
        let mut request = fixture.request("costs", 1, zcdp("0.01"));
        request.data_version = "0".repeat(32);
        let moved = fixture.ledger.admit(&request).unwrap_err();
        assert_eq!(moved.kind(), ErrorKind::TryAgain);
    });
}

#[test]
fn the_first_seal_wins_and_is_what_is_returned() {
    each_store(|store| {
        let fixture = store.with_projects();
        let mut request = fixture.request("costs", 1, zcdp("0.01"));
        request.boundaries = 2;
        let charge = fixture.ledger.admit(&request).unwrap();
        let attempt = fixture.ledger.begin_attempt(&charge).unwrap();
        assert_eq!(attempt.number(), 1);
        assert_eq!(fixture.ledger.sealed(&charge, 0).unwrap(), None);
        assert_eq!(fixture.ledger.seal(&attempt, 0, b"first").unwrap(), b"first");
        assert_eq!(fixture.ledger.seal(&attempt, 0, b"second").unwrap(), b"first");
        assert_eq!(fixture.ledger.sealed(&charge, 0).unwrap().unwrap(), b"first");

        let half = fixture.ledger.admit(&request).unwrap();
        assert!(half.replayed && !half.sealed);
        // An empty answer is an answer.
        assert_eq!(fixture.ledger.seal(&attempt, 1, b"").unwrap(), b"");
        let whole = fixture.reopen().admit(&request).unwrap();
        assert!(whole.sealed);
        assert!(matches!(
            fixture.ledger.begin_attempt(&whole).unwrap_err(),
            LedgerError::AlreadySealed { .. }
        ));
        let beyond = fixture.ledger.seal(&attempt, 2, b"x").unwrap_err();
        assert_eq!(beyond.kind(), ErrorKind::Bug);
        fixture.ledger.verify().unwrap();
    });
}

#[test]
fn a_newer_attempt_fences_the_older_one() {
    each_store(|store| {
        let fixture = store.with_projects();
        let charge = fixture.admit("costs", 1, zcdp("0.01")).unwrap();
        let slow = fixture.ledger.begin_attempt(&charge).unwrap();
        let other = fixture.reopen();
        let quick = other.begin_attempt(&charge).unwrap();
        let fenced = fixture.ledger.seal(&slow, 0, b"slow").unwrap_err();
        assert_eq!(fenced.kind(), ErrorKind::TryAgain);
        assert_eq!(other.seal(&quick, 0, b"quick").unwrap(), b"quick");
        fixture.ledger.seal(&slow, 0, b"slow").unwrap_err();
        assert_eq!(fixture.ledger.sealed(&charge, 0).unwrap().unwrap(), b"quick");
    });
}

#[test]
fn after_three_attempts_only_renew_pays_again() {
    each_store(|store| {
        let fixture = store.with_projects();
        let charge = fixture.admit("counts", 1, pure("0.4")).unwrap();
        let attempts: Vec<_> =
            (0..3).map(|_| fixture.ledger.begin_attempt(&charge).unwrap()).collect();
        assert!(matches!(
            fixture.ledger.begin_attempt(&charge).unwrap_err(),
            LedgerError::AttemptsUsedUp { .. }
        ));
        let used_up = fixture.admit("counts", 1, pure("0.4")).unwrap_err();
        assert_eq!(used_up.kind(), ErrorKind::BudgetRefused);

        let mut request = fixture.request("counts", 1, pure("0.4"));
        request.renew = true;
        request.bounding_key = [99; 16];
        let renewed = fixture.ledger.admit(&request).unwrap();
        assert!(!renewed.replayed);
        assert_eq!(renewed.bounding_key, [99; 16]);
        assert_eq!(renewed.spent_after, pure("0.8"));
        // The work belongs to the new charge now.
        let late = fixture.ledger.seal(&attempts[2], 0, b"late").unwrap_err();
        assert!(matches!(late, LedgerError::Fenced { .. }));
        // Renewing again is a replay while attempts are left.
        assert!(fixture.ledger.admit(&request).unwrap().replayed);

        let attempt = fixture.ledger.begin_attempt(&renewed).unwrap();
        fixture.ledger.seal(&attempt, 0, b"answer").unwrap();
        assert!(fixture.ledger.admit(&request).unwrap().sealed);
        assert_eq!(fixture.ledger.project("counts").unwrap().spent, pure("0.8"));
        fixture.ledger.verify().unwrap();
    });
}

#[test]
fn renewing_respects_the_cap() {
    each_store(|store| {
        let fixture = store.with_projects();
        let charge = fixture.admit("counts", 1, pure("0.6")).unwrap();
        for _ in 0..3 {
            fixture.ledger.begin_attempt(&charge).unwrap();
        }
        let mut request = fixture.request("counts", 1, pure("0.6"));
        request.renew = true;
        assert!(matches!(fixture.ledger.admit(&request).unwrap_err(), LedgerError::Budget(_)));
        assert_eq!(fixture.ledger.project("counts").unwrap().spent, pure("0.6"));
    });
}

#[test]
fn a_charge_of_another_ledger_opens_nothing() {
    each_store(|store| {
        let (one, other) = (store.with_projects(), store.with_projects());
        let charge = one.admit("costs", 1, zcdp("0.01")).unwrap();
        other.admit("costs", 2, zcdp("0.01")).unwrap();
        assert_eq!(other.ledger.begin_attempt(&charge).unwrap_err().kind(), ErrorKind::Bug);
        assert_eq!(other.ledger.sealed(&charge, 0).unwrap_err().kind(), ErrorKind::Bug);
    });
}

#[test]
fn the_epsilon_called_affordable_is_affordable_and_no_larger_one_is_hidden() {
    each_store(|store| {
        use voilage_privacy::conversion::ZcdpCap;
        for (key, spend) in [(1, "0.001"), (2, "0.02"), (3, "0.003"), (4, "0.0123456789")] {
            let fixture = store.with_projects();
            fixture.admit("costs", key, zcdp(spend)).unwrap();
            let epsilon = fixture.ledger.affordable_epsilon("costs").unwrap();
            let delta = Delta::parse("1e-6").unwrap();
            let price = |epsilon: &Epsilon| Loss::Zcdp {
                rho: ZcdpCap::from_epsilon_delta(epsilon, &delta).rho,
                delta: Delta::zero(),
            };
            let step = Epsilon::parse("0.02").unwrap();
            fixture.admit("costs", 10, price(&epsilon.plus(&step))).unwrap_err();
            fixture.admit("costs", 11, price(&epsilon)).unwrap();
        }
    });
}

#[test]
fn several_datasets_pay_all_or_nothing() {
    each_store(|store| {
        let fixture = store.with_projects();
        fixture.ledger.register_dataset(&dataset("omop", "1", Some("1e-6"))).unwrap();
        let version = fixture.ledger.dataset("omop").unwrap().data_version;
        let share =
            |loss| DatasetShare { dataset: "omop".to_owned(), data_version: version.clone(), loss };
        let mut request = fixture.request("costs", 1, zcdp("0.01"));
        request.shares = vec![share(zcdp("0.02"))];
        let error = fixture.ledger.admit(&request).unwrap_err();
        assert!(matches!(error, LedgerError::DatasetNotGiven { .. }), "{error}");
        fixture.ledger.give_dataset("costs", "omop", "both registers are asked").unwrap();
        fixture.ledger.give_dataset("costs", "omop", "again").unwrap();
        let charge = fixture.ledger.admit(&request).unwrap();
        let spent = |fixture: &Fixture| {
            let dataset = |name| fixture.ledger.dataset(name).unwrap().spent;
            [fixture.ledger.project("costs").unwrap().spent, dataset("rand"), dataset("omop")]
        };
        let once = [zcdp("0.03"), zcdp("0.01"), zcdp("0.02")];
        assert_eq!((charge.loss.clone(), spent(&fixture)), (zcdp("0.03"), once.clone()));
        assert!(fixture.ledger.admit(&request).unwrap().replayed);
        // The second dataset cannot pay, so nobody does: omop's cap is about 0.023.
        let mut second = fixture.request("costs", 2, zcdp("0.001"));
        second.shares = vec![share(zcdp("0.005"))];
        let error = fixture.ledger.admit(&second).unwrap_err().to_string();
        assert!(error.contains("of dataset omop's lifetime budget"), "{error}");
        assert_eq!(spent(&fixture), once);
        // A dataset that is named twice, or in an old version, is no way around a cap.
        second.shares = vec![share(zcdp("0.0001")), share(zcdp("0.0001"))];
        let error = fixture.ledger.admit(&second).unwrap_err();
        assert!(matches!(error, LedgerError::Misuse(_)), "{error}");
        second.shares =
            vec![DatasetShare { data_version: "0".repeat(32), ..share(zcdp("0.0001")) }];
        let error = fixture.ledger.admit(&second).unwrap_err();
        assert!(matches!(error, LedgerError::DataMoved { .. }), "{error}");
        assert_eq!(spent(&fixture), once);
        fixture.ledger.verify().unwrap();
    });
}
