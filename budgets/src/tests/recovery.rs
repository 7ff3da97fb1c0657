//! What an administrator may accept, and what nobody can talk the ledger out of.

use std::fs;

use super::decisions::file;
use super::*;
use crate::{
    Act, CapTerms, Decider, Forbidden, Mode, Outcome, Principal, Proof, Recovered, Recovery, Role,
    Verdict,
};

const ADAM: Decider<'_> = Decider { principal: "adam", reason: "the disk was replaced" };

fn answer(fixture: &Fixture, key: u8) -> Proof {
    let charge = fixture.admit("costs", key, zcdp("0.01")).unwrap();
    let attempt = fixture.ledger.begin_attempt(&charge).unwrap();
    fixture.ledger.seal(&attempt, 0, b"answer").unwrap();
    fixture.ledger.prove(&charge, b"receipt").unwrap()
}

fn receipt(proof: Proof) -> (String, Proof) {
    ("receipt".to_owned(), proof)
}

/// A ledger of the same name with other files beside it, as its next opener sees it.
fn opened(fixture: &Fixture, settings: &Settings) -> Ledger {
    Ledger::open_at(settings, fixture.clock.clone()).unwrap()
}

fn with(branches: &[&Settings], receipts: Vec<(String, Proof)>) -> Recovery {
    let branches = branches.iter().map(|settings| settings.location.clone()).collect();
    Recovery { branches, receipts, ..Recovery::default() }
}

fn recover(ledger: &Ledger, recovery: &Recovery) -> Result<Recovered, LedgerError> {
    ledger.recover(ADAM, recovery, Mode::Record)
}

/// Otherwise whoever shows an old receipt could have the answers after it forgotten.
#[test]
fn an_old_receipt_never_hides_what_the_witness_saw() {
    let fixture = Fixture::new();
    answer(&fixture, 1);
    let (_oldest, oldest) = fixture.copied();
    let early = answer(&fixture, 2);
    let (_older, older) = fixture.copied();
    answer(&fixture, 3);
    let ledger = opened(&fixture, &oldest);
    let error = ledger.present("receipt", &early).unwrap_err();
    assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
    // The older copy explains the receipt and not the witness.
    for ledger in [&ledger, &opened(&fixture, &oldest)] {
        let found = ledger.survey(&with(&[&older], Vec::new())).unwrap();
        let explained: Vec<bool> =
            found.missing.iter().map(|one| one.explained_by.is_some()).collect();
        assert_eq!(explained, [false, true]);
        let error = recover(ledger, &with(&[&older], Vec::new())).unwrap_err();
        assert!(matches!(error, LedgerError::Unexplained { .. }), "{error}");
    }
    let all = with(&[&older, &fixture.settings], Vec::new());
    assert_eq!(recover(&ledger, &all).unwrap().charges.len(), 2);
    assert_eq!(ledger.dataset("rand").unwrap().spent, zcdp("0.03"));
    ledger.verify().unwrap();
    // Both heads are accepted, so the receipt that is presented again locks nothing.
    ledger.present("receipt", &early).unwrap();
    opened(&fixture, &oldest).verify().unwrap();
}

/// A recovery that is rolled back itself leaves what was presented in the witness.
#[test]
fn a_ledger_from_before_its_recovery_is_locked_by_the_same_receipt() {
    let fixture = Fixture::new();
    answer(&fixture, 1);
    let (folder, mut old) = fixture.copied();
    old.witness = folder.path().join("witness");
    fs::copy(&fixture.settings.witness, &old.witness).unwrap();
    let shown = answer(&fixture, 2);
    let ledger = opened(&fixture, &old);
    ledger.present("receipt", &shown).unwrap_err();
    let before = fs::read(&old.witness).unwrap();
    recover(&ledger, &with(&[&fixture.settings], Vec::new())).unwrap();
    drop(ledger);
    let after = fs::read(&old.witness).unwrap();
    assert_eq!(before[512..], after[512..]);
    let (_folder, again) = fixture.copied();
    let again = Settings { witness: old.witness.clone(), ..again };
    // The first ledger has the receipt's entry, and not what its other branch recovered.
    let error = opened(&fixture, &again).verify().unwrap_err();
    assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
}

/// Receipts that are named with a recovery must be explained like those that were presented.
#[test]
fn a_named_receipt_asks_for_its_branch() {
    let fixture = Fixture::new();
    answer(&fixture, 1);
    let (folder, mut old) = fixture.copied();
    old.witness = folder.path().join("witness");
    fs::copy(&fixture.settings.witness, &old.witness).unwrap();
    let shown = answer(&fixture, 2);
    let ledger = opened(&fixture, &old);
    ledger.verify().unwrap();
    let error = recover(&ledger, &with(&[], vec![receipt(shown)])).unwrap_err();
    assert!(matches!(error, LedgerError::Unexplained { .. }), "{error}");
    let forged = ("other".to_owned(), shown);
    let error = recover(&ledger, &with(&[], vec![forged])).unwrap_err();
    assert!(matches!(error, LedgerError::BadTerms { .. }), "{error}");
    let named = with(&[&fixture.settings], vec![receipt(shown), receipt(shown)]);
    let found = recover(&ledger, &named).unwrap();
    assert_eq!((found.missing.len(), found.charges.len()), (1, 1));
    ledger.verify().unwrap();
}

#[test]
fn a_rehearsal_says_the_same_and_changes_nothing() {
    each_store(|store| {
        let fixture = store.with_projects();
        answer(&fixture, 1);
        fs::remove_file(&fixture.settings.witness).unwrap();
        let ledger = fixture.reopen();
        let head = ledger.head().unwrap();
        let recovery = Recovery { exhaust: true, ..Recovery::default() };
        let rehearsed = ledger.recover(ADAM, &recovery, Mode::Rehearse).unwrap();
        assert!(rehearsed.is_witness_missing);
        assert_eq!(rehearsed.exhausted, ["rand"]);
        assert_eq!(ledger.head().unwrap(), head);
        assert!(!fixture.settings.witness.exists());
        assert!(matches!(ledger.verify(), Err(LedgerError::Locked { .. })));
        assert_eq!(recover(&ledger, &recovery).unwrap(), rehearsed);
        ledger.verify().unwrap();
    });
}

/// A missing witness could have seen anything: somebody has to answer for it.
#[test]
fn a_lost_witness_is_accepted_only_in_so_many_words() {
    let fixture = Fixture::new();
    answer(&fixture, 1);
    let (_folder, old) = fixture.copied();
    answer(&fixture, 2);
    fs::remove_file(&fixture.settings.witness).unwrap();
    let ledger = opened(&fixture, &old);
    for named in [with(&[], Vec::new()), with(&[&fixture.settings], Vec::new())] {
        let error = recover(&ledger, &named).unwrap_err();
        assert!(matches!(error, LedgerError::WitnessLost), "{error}");
    }
    let said = Recovery { newest: true, ..with(&[&fixture.settings], Vec::new()) };
    assert_eq!(recover(&ledger, &said).unwrap().charges.len(), 1);
    assert_eq!(ledger.dataset("rand").unwrap().spent, zcdp("0.02"));
    opened(&fixture, &old).verify().unwrap();
}

#[test]
fn only_an_administrator_recovers() {
    let fixture = Fixture::new();
    let people = [("adam", Role::Administrator), ("ana", Role::Analyst), ("cleo", Role::Auditor)];
    for (name, role) in people {
        let principal = Principal { name: name.into(), role, account: name.into() };
        fixture.ledger.decide(ADAM, &Act::SetPrincipal { principal }, Mode::Record).unwrap();
    }
    answer(&fixture, 1);
    fs::remove_file(&fixture.settings.witness).unwrap();
    let ledger = fixture.reopen();
    let recovery = Recovery { newest: true, ..Recovery::default() };
    for principal in ["ana", "cleo", "eve"] {
        let by = Decider { principal, reason: "the disk was replaced" };
        let error = ledger.recover(by, &recovery, Mode::Record).unwrap_err();
        let LedgerError::Forbidden(why) = error else { panic!("{error}") };
        assert!(matches!(*why, Forbidden::Role { .. } | Forbidden::UnknownPrincipal { .. }));
    }
    let error =
        ledger.recover(Decider { reason: "", ..ADAM }, &recovery, Mode::Record).unwrap_err();
    assert!(matches!(error, LedgerError::BadTerms { .. }), "{error}");
    recover(&ledger, &recovery).unwrap();
    fixture.reopen().verify().unwrap();
}

/// A branch that still runs may answer while it is recovered: then its answer counts, not the recovery.
#[test]
fn a_witness_that_moved_meanwhile_is_not_written_over() {
    let fixture = Fixture::new();
    answer(&fixture, 1);
    let (_folder, old) = fixture.copied();
    answer(&fixture, 2);
    let ledger = opened(&fixture, &old);
    let named = with(&[&fixture.settings], Vec::new());
    ledger.recover(ADAM, &named, Mode::Rehearse).unwrap();
    // As if the branch had answered between the recovery and its end.
    answer(&fixture, 3);
    let seen = fs::read(&fixture.settings.witness).unwrap();
    let turn = ledger.guard().first_turn().unwrap();
    let error = ledger.read(|transaction| ledger.guard().accept(transaction, turn)).unwrap_err();
    assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
    assert_eq!(fs::read(&fixture.settings.witness).unwrap(), seen);
    assert_eq!(recover(&ledger, &named).unwrap().charges.len(), 2);
    let error = fixture.admit("costs", 4, zcdp("0.01")).and_then(|charge| {
        let attempt = fixture.ledger.begin_attempt(&charge)?;
        fixture.ledger.seal(&attempt, 0, b"answer")
    });
    assert!(matches!(error, Err(LedgerError::Locked { .. })), "{error:?}");
}

/// What a branch accepted from others it counts, so it explains what was seen of them too.
#[test]
fn a_branch_speaks_for_those_it_recovered() {
    each_store(|store| {
        let fixture = store.with_projects();
        let backup = fixture.folder.path().join("backup");
        fixture.ledger.backup(&backup, Mode::Record).unwrap();
        let restored = |name: &str| {
            let location = match store {
                Backend::Sqlite => Location::File(fixture.folder.path().join(name)),
                Backend::Postgres => Cluster::shared().unwrap().new_database(),
            };
            let settings = Settings { location, ..fixture.settings.clone() };
            let ledger = Ledger::restore(&settings, &backup, fixture.clock.clone(), Mode::Record);
            (settings, ledger.unwrap().unwrap())
        };
        answer(&fixture, 1);
        let (second_place, second) = restored("second");
        recover(&second, &with(&[&fixture.settings], Vec::new())).unwrap();
        let (_, third) = restored("third");
        let found = recover(&third, &with(&[&second_place], Vec::new())).unwrap();
        assert_eq!(found.charges.len(), 1);
        assert_eq!(third.dataset("rand").unwrap().spent, zcdp("0.01"));
        third.verify().unwrap();
    });
}

/// A dataset that only the lost branch knew could neither be counted nor, while locked, be registered.
#[test]
fn a_dataset_that_only_the_branch_knew_comes_with_its_cap_and_its_files() {
    let fixture = Fixture::new();
    answer(&fixture, 1);
    let (_folder, old) = fixture.copied();
    let births = dataset("births", "0.5", None);
    let listed = file("births", 9);
    let act = Act::RegisterDataset { terms: births, files: vec![listed.clone()] };
    fixture.ledger.decide(ADAM, &act, Mode::Record).unwrap();
    let mut terms = project("nursery", "0.5", None);
    terms.dataset = "births".to_owned();
    fixture.ledger.open_project(&terms).unwrap();
    let mut request = fixture.request("nursery", 2, pure("0.3"));
    request.data_version = fixture.ledger.dataset("births").unwrap().data_version;
    let charge = fixture.ledger.admit(&request).unwrap();
    let attempt = fixture.ledger.begin_attempt(&charge).unwrap();
    fixture.ledger.seal(&attempt, 0, b"answer").unwrap();
    let ledger = opened(&fixture, &old);
    assert!(matches!(ledger.verify(), Err(LedgerError::Locked { .. })));
    assert_eq!(recover(&ledger, &with(&[&fixture.settings], Vec::new())).unwrap().charges.len(), 1);
    let found = ledger.dataset("births").unwrap();
    assert_eq!((found.spent, found.cap), (pure("0.3"), pure("0.5")));
    assert_eq!(ledger.tables("births").unwrap(), [listed]);
    ledger.verify().unwrap();
}

/// The same name under another accountant: what was spent there has no sum here.
#[test]
fn what_was_spent_in_another_accountant_uses_a_dataset_up() {
    let fixture = Fixture::empty();
    let (folder, mut copy) = fixture.copied();
    copy.witness = folder.path().join("witness");
    fs::copy(&fixture.settings.witness, &copy.witness).unwrap();
    let branch = opened(&fixture, &copy);
    fixture.ledger.register_dataset(&dataset("rand", "1", None)).unwrap();
    branch.register_dataset(&dataset("rand", "1", Some("1e-6"))).unwrap();
    branch.open_project(&project("costs", "1", Some("1e-6"))).unwrap();
    let mut request = fixture.request("costs", 1, zcdp("0.001"));
    request.data_version = branch.dataset("rand").unwrap().data_version;
    branch.admit(&request).unwrap();
    recover(&fixture.ledger, &with(&[&copy], Vec::new())).unwrap();
    let found = fixture.ledger.dataset("rand").unwrap();
    assert_eq!(found.spent, found.cap);
    fixture.ledger.verify().unwrap();
}

/// The branch that nobody can list may have had other datasets and larger caps.
#[test]
fn after_an_unlisted_branch_new_budget_needs_a_second_administrator() {
    let fixture = Fixture::empty();
    fs::remove_file(&fixture.settings.witness).unwrap();
    let ledger = fixture.reopen();
    let exhaust = Recovery { exhaust: true, ..Recovery::default() };
    assert_eq!(recover(&ledger, &exhaust).unwrap().exhausted, [] as [String; 0]);
    // In a house that is open to everybody nobody can agree with anybody.
    let error = ledger.register_dataset(&dataset("births", "1", None)).unwrap_err();
    assert!(matches!(error, LedgerError::BadTerms { .. }), "{error}");
    for name in ["adam", "eve"] {
        let principal = Principal {
            name: name.to_owned(),
            role: Role::Administrator,
            account: name.to_owned(),
        };
        ledger.decide(ADAM, &Act::SetPrincipal { principal }, Mode::Record).unwrap();
    }
    let terms = dataset("births", "1", None);
    let act = Act::RegisterDataset { terms, files: Vec::new() };
    let Outcome::Proposed { proposal } = ledger.decide(ADAM, &act, Mode::Record).unwrap() else {
        panic!("a new dataset is proposed")
    };
    let eve = Decider { principal: "eve", reason: "nobody was ever asked about them" };
    ledger.answer(eve, (proposal, Verdict::Approve), Mode::Record).unwrap();
    let raise = Act::ChangeDatasetCap {
        dataset: "births".to_owned(),
        cap: CapTerms { epsilon: Epsilon::parse("2").unwrap(), delta: None },
    };
    let raised = ledger.decide(ADAM, &raise, Mode::Record).unwrap();
    assert!(matches!(raised, Outcome::Proposed { .. }));
    fixture.reopen().verify().unwrap();
}

/// Every receipt of the lost branch is explained by its recovery, not only the newest.
#[test]
fn after_a_recovery_no_receipt_of_the_branch_locks_again() {
    let fixture = Fixture::new();
    answer(&fixture, 1);
    let (_folder, old) = fixture.copied();
    let shown = [answer(&fixture, 2), answer(&fixture, 3)];
    let ledger = opened(&fixture, &old);
    recover(&ledger, &with(&[&fixture.settings], Vec::new())).unwrap();
    for proof in &shown {
        ledger.present("receipt", proof).unwrap();
    }
    ledger.verify().unwrap();
}
