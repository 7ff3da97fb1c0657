//! What is let in under whose name and which rules, and what is not let in by a second name, an old
//! charge or a missing key.

use std::fs;

use super::decisions::{file, house, open, person, policy, rules};
use super::*;
use crate::{Act, ErrorKind, Forbidden, Opening, Outcome, Principal, ProjectRules, Role, Verdict};

fn named(name: &str, role: Role, account: &str) -> Act {
    let (name, account) = (name.to_owned(), account.to_owned());
    Act::SetPrincipal { principal: Principal { name, role, account } }
}

fn is_forbidden<T: std::fmt::Debug>(done: Result<T, LedgerError>) -> Forbidden {
    match done.unwrap_err() {
        LedgerError::Forbidden(why) => *why,
        error => panic!("{error}"),
    }
}

/// Ana calls herself bea, too, and could answer her own proposals under that name.
#[test]
fn a_second_name_of_one_account_is_no_second_administrator() {
    each_store(|store| {
        let fixture = store.empty();
        fixture.decide("ana", person("ana", Role::Administrator)).unwrap();
        fixture.decide("ana", named("bea", Role::Administrator, "ana")).unwrap();
        let terms = dataset("rand", "8", Some("1e-6"));
        fixture.decide("ana", Act::RegisterDataset { terms, files: Vec::new() }).unwrap();
        // Two names are not two who could agree.
        let error = fixture.decide("ana", policy("2", "8")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FixInput, "{error}");
        fixture.decide("ana", person("ben", Role::Administrator)).unwrap();
        fixture.decide("ana", policy("2", "8")).unwrap();
        let Outcome::Proposed { proposal } =
            fixture.decide("ana", open("large", "4", Opening::default())).unwrap()
        else {
            panic!("proposed")
        };
        let why = is_forbidden(fixture.answer("bea", proposal, Verdict::Approve));
        assert!(matches!(why, Forbidden::OwnProposal { .. }), "{why}");
        // Nor is a name whose account was exchanged after the proposal.
        let Outcome::Proposed { proposal: moved } =
            fixture.decide("ben", named("ana", Role::Administrator, "anna")).unwrap()
        else {
            panic!("proposed")
        };
        fixture.answer("bea", moved, Verdict::Approve).unwrap();
        let why = is_forbidden(fixture.answer("bea", proposal, Verdict::Approve));
        assert!(matches!(why, Forbidden::OwnProposal { .. }), "{why}");
        fixture.answer("ben", proposal, Verdict::Approve).unwrap();
        fixture.ledger.verify().unwrap();
    });
}

/// With a policy, two accounts stay, whatever they call themselves.
#[test]
fn the_last_two_persons_stay_administrators() {
    let fixture = house(Backend::Sqlite);
    fixture.decide("ana", named("bea", Role::Administrator, "ana")).unwrap();
    fixture.decide("ana", policy("2", "8")).unwrap();
    for act in [
        Act::RemovePrincipal { name: "ben".to_owned() },
        person("ben", Role::Analyst),
        named("ben", Role::Administrator, "ana"),
    ] {
        let why = is_forbidden(fixture.decide("ana", act));
        assert!(matches!(why, Forbidden::LastAdministrators { .. }), "{why}");
    }
    // Bea is ana: without her the two are still there.
    let outcome = fixture.decide("ana", Act::RemovePrincipal { name: "bea".to_owned() });
    assert!(matches!(outcome.unwrap(), Outcome::Proposed { .. }));
}

/// Whoever comes later and is called the same was never named.
#[test]
fn a_later_person_of_the_same_name_inherits_no_project() {
    each_store(|store| {
        let fixture = house(store);
        let name = |may_ask| Act::NamePerson {
            project: "costs".to_owned(),
            principal: "dora".to_owned(),
            may_ask,
        };
        fixture.decide("ana", name(true)).unwrap();
        fixture.ask("dora", 1, zcdp("0.001")).unwrap();
        // Another role is the same person.
        fixture.decide("ana", person("dora", Role::Job)).unwrap();
        fixture.ask("dora", 1, zcdp("0.001")).unwrap();
        let later = [
            vec![Act::RemovePrincipal { name: "dora".to_owned() }, person("dora", Role::Analyst)],
            vec![named("dora", Role::Analyst, "d.other")],
        ];
        for acts in later {
            for act in acts {
                fixture.decide("ana", act).unwrap();
            }
            let why = is_forbidden(fixture.ask("dora", 1, zcdp("0.001")));
            assert!(matches!(why, Forbidden::NotNamed { .. }), "{why}");
            assert!(fixture.ledger.project("costs").unwrap().persons.is_empty());
            // Naming them is a decision of its own, and not one that was there already.
            assert!(matches!(fixture.decide("ana", name(true)).unwrap(), Outcome::Done { .. }));
            fixture.ask("dora", 1, zcdp("0.001")).unwrap();
        }
        fixture.ledger.verify().unwrap();
    });
}

/// A rule says what is answered, not only what is charged.
#[test]
fn rules_hold_for_what_was_charged_before_them() {
    each_store(|store| {
        let fixture = house(store);
        let files = vec![file("visits", 2)];
        fixture.decide("ana", Act::AddTables { dataset: "rand".to_owned(), files }).unwrap();
        let request = |key: u8, min_units| {
            let mut request = fixture.request("costs", key, zcdp("0.001"));
            request.principal = "dora".to_owned();
            request.detail.tables = vec!["hie".to_owned()];
            request.detail.min_units = min_units;
            request
        };
        let (sealed, open) = (request(1, None), request(2, None));
        let charge = fixture.ledger.admit(&sealed).unwrap();
        let attempt = fixture.ledger.begin_attempt(&charge).unwrap();
        fixture.ledger.seal(&attempt, 0, b"answer").unwrap();
        fixture.ledger.admit(&open).unwrap();
        let spent = fixture.ledger.project("costs").unwrap().spent;
        let limits = |min_units, tables: Option<&str>| {
            rules(ProjectRules {
                min_units,
                tables: tables.map(|table| vec![table.to_owned()]),
                ..ProjectRules::default()
            })
        };
        fixture.decide("ana", limits(Some(5), None)).unwrap();
        for request in [&sealed, &open, &request(3, Some(4))] {
            let why = is_forbidden(fixture.ledger.admit(request));
            assert!(matches!(why, Forbidden::SmallGroups { least: 5, .. }), "{why}");
        }
        fixture.ledger.admit(&request(3, Some(5))).unwrap();
        fixture.decide("ana", limits(None, Some("visits"))).unwrap();
        for request in [&sealed, &open] {
            let why = is_forbidden(fixture.ledger.admit(request));
            assert!(matches!(why, Forbidden::Table { .. }), "{why}");
        }
        fixture.decide("ana", limits(None, Some("hie"))).unwrap();
        assert!(fixture.ledger.admit(&sealed).unwrap().replayed);
        assert!(fixture.ledger.admit(&open).unwrap().replayed);
        assert_ne!(fixture.ledger.project("costs").unwrap().spent, spent, "the third was charged");
        fixture.ledger.verify().unwrap();
    });
}

/// The receipt could not be signed, and the question would have been paid, read and sealed.
#[test]
fn without_its_key_nothing_is_charged() {
    let fixture = Fixture::new();
    let other = Fixture::new();
    let key = fs::read(&fixture.settings.key).unwrap();
    let nothing = fixture.ledger.project("costs").unwrap().spent;
    fs::remove_file(&fixture.settings.key).unwrap();
    let is_refused = || {
        let error = fixture.admit("costs", 1, zcdp("0.01")).unwrap_err();
        assert!(matches!(error, LedgerError::NoKey { .. }), "{error}");
        assert_eq!(fixture.ledger.project("costs").unwrap().spent, nothing);
        assert!(fixture.ledger.charges("costs").unwrap().is_empty());
    };
    is_refused();
    fs::copy(&other.settings.key, &fixture.settings.key).unwrap();
    is_refused();
    fs::write(&fixture.settings.key, key).unwrap();
    assert!(!fixture.admit("costs", 1, zcdp("0.01")).unwrap().replayed);
}

/// A key stands for a question with its price: not for a dearer, a wider or another one.
#[test]
fn a_replay_is_compared_with_all_that_was_charged() {
    each_store(|store| {
        let fixture = store.with_projects();
        fixture.ledger.register_dataset(&dataset("omop", "1", Some("1e-6"))).unwrap();
        fixture.ledger.give_dataset("costs", "omop", "both are asked").unwrap();
        let share = DatasetShare {
            dataset: "omop".to_owned(),
            data_version: fixture.ledger.dataset("omop").unwrap().data_version,
            loss: zcdp("0.001"),
        };
        let mut request = fixture.request("costs", 1, zcdp("0.01"));
        request.shares = vec![share.clone()];
        let charge = fixture.ledger.admit(&request).unwrap();
        let changed: [fn(&mut ChargeRequest); 6] = [
            |request| request.loss = zcdp("0.009"),
            |request| request.boundaries = 2,
            |request| request.plan_hash = [8; 32],
            |request| request.shares.clear(),
            |request| request.shares[0].loss = zcdp("0.002"),
            // The same sum, split otherwise.
            |request| (request.loss, request.shares[0].loss) = (zcdp("0.009"), zcdp("0.002")),
        ];
        for (index, change) in changed.into_iter().enumerate() {
            let mut other = request.clone();
            change(&mut other);
            let error = fixture.ledger.admit(&other).unwrap_err();
            assert!(matches!(error, LedgerError::KeyReused { .. }), "{index}: {error}");
        }
        let again = fixture.ledger.admit(&request).unwrap();
        assert!(again.replayed && again.id == charge.id);
        fixture.ledger.verify().unwrap();
    });
}

/// Hardly any rho and all of delta is no small question.
#[test]
fn ceilings_and_paces_hold_for_delta_too() {
    each_store(|store| {
        let fixture = house(store);
        let ask = |key: u8, delta: &str| fixture.ask("dora", key, zcdp_with_delta("1e-9", delta));
        let brake = |question: Option<&str>, pace: Option<&str>| {
            rules(ProjectRules {
                question_epsilon: question.map(|epsilon| Epsilon::parse(epsilon).unwrap()),
                pace: pace.map(|pace| pace.parse().unwrap()),
                ..ProjectRules::default()
            })
        };
        let whole = fixture.ledger.project("costs").unwrap().cap;
        let Loss::Zcdp { delta: whole, .. } = whole else { panic!("zcdp") };
        let share = |parts: i64| Delta::from_units(whole.units_down() / parts).to_string();
        // Epsilon 0.5 of 2: a quarter of delta, and not a unit more.
        fixture.decide("ana", brake(Some("0.5"), None)).unwrap();
        let why = is_forbidden(ask(1, &share(3)));
        assert!(matches!(why, Forbidden::AboveQuestionCeiling { .. }), "{why}");
        assert!(why.to_string().contains("delta"), "{why}");
        ask(1, &share(4)).unwrap();
        // Of a pace of 30 percent, a quarter is used.
        fixture.decide("ana", brake(None, Some("30%/day"))).unwrap();
        let why = is_forbidden(ask(2, &share(10)));
        assert!(matches!(why, Forbidden::TooFast { .. }), "{why}");
        assert!(why.to_string().contains("delta"), "{why}");
        ask(2, &share(25)).unwrap();
        fixture.ledger.verify().unwrap();
    });
}
