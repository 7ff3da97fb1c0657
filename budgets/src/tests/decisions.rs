//! Who may decide and ask, what two must agree on, and the brakes beneath a cap.

use super::*;
use crate::{
    Act, AuditFilter, CapTerms, Ceiling, Decider, ErrorKind, LegalBasis, Mode, Opening, Outcome,
    Policy, Principal, ProjectRules, ProjectStatus, Role, TableFile, Verdict,
};

/// A ledger with administrators ana and ben, auditor cleo and analyst dora; ana opened `costs`.
pub(super) fn house(backend: Backend) -> Fixture {
    let fixture = backend.empty();
    fixture.decide("ana", person("ana", Role::Administrator)).unwrap();
    fixture.decide("ana", person("ben", Role::Administrator)).unwrap();
    fixture.decide("ana", person("cleo", Role::Auditor)).unwrap();
    fixture.decide("ana", person("dora", Role::Analyst)).unwrap();
    let terms = dataset("rand", "8", Some("1e-6"));
    fixture.decide("ana", Act::RegisterDataset { terms, files: vec![file("hie", 1)] }).unwrap();
    fixture.decide("ana", open("costs", "2", Opening::default())).unwrap();
    fixture
}

impl Fixture {
    /// One of every decision that leaves `costs` as it was, made by ana, who may still ask.
    pub(super) fn record_decisions(&self) {
        let costs = || "costs".to_owned();
        let limits = ProjectRules {
            question_epsilon: Some(Epsilon::parse("1").unwrap()),
            pace: Some("100%/week".parse().unwrap()),
            min_units: Some(5),
            starts: Some(day("2026-01-01")),
            ends: Some(day("2026-12-31")),
            tables: Some(vec!["hie".to_owned()]),
        };
        for act in [
            person("ana", Role::Administrator),
            person("ben", Role::Administrator),
            policy("2", "8"),
            Act::AddTables { dataset: "rand".to_owned(), files: vec![file("hie", 1)] },
            Act::NamePerson { project: costs(), principal: "ana".to_owned(), may_ask: true },
            rules(limits),
            Act::ChangeProjectCap { project: costs(), cap: cap("1.9", "1e-6") },
            Act::Suspend { project: costs() },
            Act::Resume { project: costs() },
            Act::GrantPermit {
                project: costs(),
                permit: Permit {
                    reference: "THL/2/2027".to_owned(),
                    starts: day("2027-02-01"),
                    ends: day("2027-06-30"),
                    ..project("costs", "1", None).permit
                },
                legal_basis: LegalBasis::DataPermit,
            },
            Act::ExtendPermit {
                project: costs(),
                reference: "THL/2/2027".to_owned(),
                ends: day("2027-07-31"),
            },
            Act::RecordPurge { project: "counts".to_owned(), files: 3 },
        ] {
            self.decide("ana", act).unwrap();
        }
        let raised = Act::ChangeProjectCap { project: costs(), cap: cap("2.1", "1e-6") };
        let Outcome::Proposed { proposal } = self.decide("ana", raised).unwrap() else {
            panic!("above the ceiling")
        };
        self.answer("ben", proposal, Verdict::Reject).unwrap();
        let mut request = self.request("costs", 77, zcdp("0.001"));
        self.ledger.admit(&request).unwrap_err();
        request.detail = ChargeDetail {
            tables: vec!["hie".to_owned()],
            mechanisms: "discrete_gaussian".to_owned(),
            bounds: "1 groups".to_owned(),
            min_units: Some(5),
        };
        self.ledger.admit(&request).unwrap();
        self.decide("ana", rules(ProjectRules::default())).unwrap();
    }

    pub(super) fn decide(&self, by: &str, act: Act) -> Result<Outcome, LedgerError> {
        let by = Decider { principal: by, reason: "for the test" };
        self.ledger.decide(by, &act, Mode::Record)
    }

    pub(super) fn answer(
        &self,
        by: &str,
        proposal: u64,
        verdict: Verdict,
    ) -> Result<Outcome, LedgerError> {
        let by = Decider { principal: by, reason: "seen" };
        self.ledger.answer(by, (proposal, verdict), Mode::Record)
    }

    pub(super) fn ask(&self, who: &str, key: u8, loss: Loss) -> Result<Charge, LedgerError> {
        let mut request = self.request("costs", key, loss);
        request.principal = who.to_owned();
        self.ledger.admit(&request)
    }
}

pub(super) fn person(name: &str, role: Role) -> Act {
    let (name, account) = (name.to_owned(), name.to_owned());
    Act::SetPrincipal { principal: Principal { name, role, account } }
}

pub(super) fn open(name: &str, epsilon: &str, opening: Opening) -> Act {
    Act::OpenProject { terms: project(name, epsilon, Some("1e-6")), opening }
}

pub(super) fn file(table: &str, content: u8) -> TableFile {
    TableFile {
        table: table.to_owned(),
        path: format!("/data/{table}.parquet"),
        key_id: [1; 8],
        fingerprint: [content; 32],
    }
}

pub(super) fn cap(epsilon: &str, delta: &str) -> CapTerms {
    CapTerms {
        epsilon: Epsilon::parse(epsilon).unwrap(),
        delta: Some(Delta::parse(delta).unwrap()),
    }
}

pub(super) fn rules(rules: ProjectRules) -> Act {
    Act::SetRules { project: "costs".to_owned(), rules }
}

pub(super) fn policy(project: &str, dataset: &str) -> Act {
    let ceiling = |epsilon: &str| {
        Some(Ceiling {
            epsilon: Epsilon::parse(epsilon).unwrap(),
            delta: Delta::parse("1e-6").unwrap(),
        })
    };
    Act::SetPolicy { policy: Policy { project: ceiling(project), dataset: ceiling(dataset) } }
}

#[test]
fn only_administrators_decide_and_only_the_named_ask() {
    each_store(|store| {
        let fixture = house(store);
        for who in ["cleo", "dora", "nobody"] {
            let error = fixture.decide(who, person("eve", Role::Analyst)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PolicyRefused, "{who}: {error}");
        }
        // Before the project names anybody, every principal whose role asks may ask.
        fixture.ask("dora", 1, zcdp("0.001")).unwrap();
        for who in ["cleo", "nobody"] {
            fixture.ask(who, 1, zcdp("0.001")).unwrap_err();
        }
        let name = |principal: &str, may_ask| Act::NamePerson {
            project: "costs".to_owned(),
            principal: principal.to_owned(),
            may_ask,
        };
        fixture.decide("ana", name("ben", true)).unwrap();
        let refused = fixture.ask("dora", 1, zcdp("0.001")).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PolicyRefused, "a replay asks for membership too");
        fixture.ask("ben", 1, zcdp("0.001")).unwrap();
        fixture.decide("ana", name("ben", false)).unwrap();
        fixture.ask("ben", 1, zcdp("0.001")).unwrap_err();
        assert!(fixture.ledger.project("costs").unwrap().persons.is_empty());
        fixture.decide("ana", name("cleo", true)).unwrap_err();
        fixture.ledger.verify().unwrap();
    });
}

#[test]
fn a_removed_principal_is_nobody_and_an_administrator_stays() {
    let fixture = house(Backend::Sqlite);
    let remove = |name: &str| Act::RemovePrincipal { name: name.to_owned() };
    fixture.ask("dora", 1, zcdp("0.001")).unwrap();
    fixture.decide("ben", remove("dora")).unwrap();
    fixture.ask("dora", 1, zcdp("0.001")).unwrap_err();
    fixture.decide("ben", remove("ana")).unwrap();
    let error = fixture.decide("ben", remove("ben")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PolicyRefused);
    fixture.decide("ben", person("ben", Role::Auditor)).unwrap_err();
    fixture.decide("ana", person("ana", Role::Administrator)).unwrap_err();
}

#[test]
fn what_passes_the_ceiling_needs_another_administrator() {
    each_store(|store| {
        let fixture = house(store);
        fixture.decide("ana", policy("2", "8")).unwrap();
        let below = fixture.decide("ana", open("small", "2", Opening::default())).unwrap();
        assert!(matches!(below, Outcome::Done { .. }));
        let raised = Act::ChangeProjectCap { project: "costs".to_owned(), cap: cap("3", "1e-6") };
        for act in [
            open("large", "2.1", Opening::default()),
            raised.clone(),
            policy("100", "100"),
            person("eve", Role::Administrator),
            Act::RemovePrincipal { name: "ben".to_owned() },
            Act::ChangeDatasetCap { dataset: "rand".to_owned(), cap: cap("9", "1e-6") },
        ] {
            let outcome = fixture.ledger.decide(
                Decider { principal: "ana", reason: "more" },
                &act,
                Mode::Rehearse,
            );
            // Two administrators are the fewest that a policy leaves.
            if matches!(act, Act::RemovePrincipal { .. }) {
                outcome.unwrap_err();
            } else {
                assert!(matches!(outcome.unwrap(), Outcome::Proposed { .. }), "{act}");
            }
        }
        let Outcome::Proposed { proposal } = fixture.decide("ana", raised.clone()).unwrap() else {
            panic!("a raise above the ceiling is proposed")
        };
        assert_eq!(fixture.decide("ana", raised).unwrap(), Outcome::Proposed { proposal });
        assert_eq!(fixture.ledger.project("costs").unwrap().terms.epsilon.to_string(), "2");
        assert_eq!(fixture.ledger.project_standing("costs").unwrap().waiting.len(), 1);
        assert_eq!(fixture.ledger.dataset_standing("rand").unwrap().waiting.len(), 1);
        let own = fixture.answer("ana", proposal, Verdict::Approve).unwrap_err();
        assert_eq!(own.kind(), ErrorKind::PolicyRefused);
        fixture.answer("dora", proposal, Verdict::Approve).unwrap_err();
        fixture.answer("ben", proposal, Verdict::Approve).unwrap();
        assert_eq!(fixture.ledger.project("costs").unwrap().terms.epsilon.to_string(), "3");
        fixture.answer("ben", proposal, Verdict::Approve).unwrap_err();
        fixture.answer("ben", proposal, Verdict::Reject).unwrap_err();
        assert!(fixture.ledger.proposals().unwrap().is_empty());
        fixture.ledger.verify().unwrap();
    });
}

#[test]
fn a_policy_cannot_be_waved_through_by_a_second_name_of_ones_own() {
    let fixture = house(Backend::Sqlite);
    fixture.decide("ana", policy("2", "8")).unwrap();
    // Taking over the other's account would leave one person; giving it to a third is a proposal itself.
    let moved = |account: &str| Act::SetPrincipal {
        principal: Principal {
            name: "ben".to_owned(),
            role: Role::Administrator,
            account: account.to_owned(),
        },
    };
    let error = fixture.decide("ana", moved("ana")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PolicyRefused, "{error}");
    let outcome = fixture.decide("ana", moved("eve")).unwrap();
    assert!(matches!(outcome, Outcome::Proposed { .. }));
    let outcome = fixture.decide("ana", person("ben", Role::Analyst));
    assert!(outcome.is_err(), "two administrators stay: {outcome:?}");
    let Outcome::Proposed { proposal } =
        fixture.decide("ana", open("large", "4", Opening::default())).unwrap()
    else {
        panic!("proposed")
    };
    fixture.answer("ben", proposal, Verdict::Reject).unwrap();
    assert_eq!(fixture.ledger.project("large").unwrap_err().kind(), ErrorKind::FixInput);
}

#[test]
fn a_rehearsal_checks_everything_and_records_nothing() {
    each_store(|store| {
        let fixture = house(store);
        let before = fixture.ledger.verify().unwrap();
        let rehearse = |act: Act| {
            let by = Decider { principal: "ana", reason: "to see" };
            fixture.ledger.decide(by, &act, Mode::Rehearse)
        };
        assert!(matches!(
            rehearse(Act::Suspend { project: "costs".to_owned() }).unwrap(),
            Outcome::Done { .. }
        ));
        assert_eq!(
            rehearse(Act::Resume { project: "costs".to_owned() }).unwrap(),
            Outcome::Unchanged
        );
        rehearse(Act::Suspend { project: "cotss".to_owned() }).unwrap_err();
        assert_eq!(fixture.ledger.verify().unwrap(), before);
        assert_eq!(fixture.ledger.project("costs").unwrap().status, ProjectStatus::Open);
    });
}

#[test]
fn a_cap_moves_only_by_decision_and_never_below_what_was_spent() {
    each_store(|store| {
        let fixture = house(store);
        let first = fixture.ask("dora", 1, zcdp("0.05")).unwrap();
        let change = |epsilon: &str| Act::ChangeProjectCap {
            project: "costs".to_owned(),
            cap: cap(epsilon, "1e-6"),
        };
        fixture.decide("ana", change("4")).unwrap();
        // A receipt of an old charge says what it said.
        let again = fixture.ask("dora", 1, zcdp("0.05")).unwrap();
        assert_eq!((&again.cap, &again.left_after), (&first.cap, &first.left_after));
        assert_ne!(fixture.ledger.project("costs").unwrap().cap, first.cap);
        let low = fixture.decide("ana", change("0.5")).unwrap_err();
        assert!(matches!(low, LedgerError::CapBelowSpent { .. }), "{low}");
        fixture.decide("ana", change("1.9")).unwrap();
        fixture.decide("ana", change("9")).unwrap_err();
        let mut pure = cap("3", "1e-6");
        pure.delta = None;
        let act = Act::ChangeProjectCap { project: "costs".to_owned(), cap: pure };
        assert_eq!(fixture.decide("ana", act).unwrap_err().kind(), ErrorKind::FixInput);
        // The opening terms again change nothing, whatever was decided since.
        let again = fixture.decide("ana", open("costs", "2", Opening::default())).unwrap();
        assert_eq!(again, Outcome::Unchanged);
        fixture.ledger.verify().unwrap();
    });
    let fixture = house(Backend::Sqlite);
    let raw = fixture.raw();
    raw.execute("UPDATE account SET cap_rho = cap_rho + 1", []).unwrap_err();
    let low = Act::ChangeDatasetCap { dataset: "rand".to_owned(), cap: cap("7", "1e-6") };
    fixture.decide("ana", low).unwrap();
    assert_eq!(fixture.ledger.dataset("rand").unwrap().terms.epsilon.to_string(), "7");
    fixture.ledger.verify().unwrap();
}

#[test]
fn brakes_refuse_and_spend_nothing() {
    each_store(|store| {
        let fixture = house(store);
        let ceiling = ProjectRules {
            question_epsilon: Some(Epsilon::parse("0.2").unwrap()),
            pace: Some("10%/day".parse().unwrap()),
            tables: Some(vec!["hie".to_owned()]),
            ..ProjectRules::default()
        };
        fixture.decide("ana", rules(ceiling)).unwrap();
        let mut request = fixture.request("costs", 1, zcdp("0.0001"));
        request.principal = "dora".to_owned();
        let unnamed = fixture.ledger.admit(&request).unwrap_err();
        assert_eq!(unnamed.kind(), ErrorKind::PolicyRefused);
        request.detail.tables = vec!["hie".to_owned(), "visits".to_owned()];
        fixture.ledger.admit(&request).unwrap_err();
        request.detail.tables.pop();
        let Loss::Zcdp { rho: whole, .. } = fixture.ledger.project("costs").unwrap().cap else {
            panic!("zcdp")
        };
        // Epsilon 0.2 is about 0.0009 of rho here; a tenth of the cap a little more than 0.007.
        request.loss = zcdp("0.0015");
        fixture.ledger.admit(&request).unwrap_err();
        let mut admitted = 0;
        request.loss = zcdp("0.0008");
        for key in 1..=20 {
            request.request_key = RequestKey([key; 32]);
            request.request_hash = [key; 32];
            match fixture.ledger.admit(&request) {
                Ok(_) => admitted += 1,
                Err(error) => assert_eq!(error.kind(), ErrorKind::PolicyRefused, "{error}"),
            }
        }
        let allowed = whole.units_down() / 10 / 800_000_000_000;
        assert_eq!(admitted, allowed, "as many as a tenth of the cap holds");
        // A replay is free at any pace, and a day later there is room again.
        request.request_key = RequestKey([1; 32]);
        request.request_hash = [1; 32];
        assert!(fixture.ledger.admit(&request).unwrap().replayed);
        fixture.today("2026-06-17");
        request.request_key = RequestKey([20; 32]);
        request.request_hash = [20; 32];
        fixture.ledger.admit(&request).unwrap();
        fixture.ledger.verify().unwrap();
    });
}

#[test]
fn drafts_suspensions_and_dates_hold_a_project_back() {
    let fixture = house(Backend::Sqlite);
    let costs = || "costs".to_owned();
    let may_ask = || fixture.ask("dora", 1, zcdp("0.001")).is_ok();
    assert!(may_ask());
    fixture.decide("ana", Act::Suspend { project: costs() }).unwrap();
    assert!(!may_ask(), "a replay is refused too");
    fixture.decide("ana", Act::Resume { project: costs() }).unwrap();
    assert!(may_ask());
    let dates = ProjectRules { ends: Some(day("2026-06-14")), ..ProjectRules::default() };
    fixture.decide("ana", rules(dates)).unwrap();
    assert!(!may_ask());
    fixture.decide("ana", rules(ProjectRules::default())).unwrap();
    assert!(may_ask());
    let draft = Opening { draft: true, ..Opening::default() };
    fixture.decide("ana", open("later", "1", draft)).unwrap();
    assert_eq!(fixture.ledger.project("later").unwrap().status, ProjectStatus::Draft);
    fixture.decide("ana", Act::Resume { project: "later".to_owned() }).unwrap();
    assert_eq!(fixture.ledger.project("later").unwrap().status, ProjectStatus::Open);
    fixture.decide("ana", Act::Close { project: costs() }).unwrap();
    assert!(!may_ask());
    fixture.decide("ana", Act::Resume { project: costs() }).unwrap_err();
    fixture.decide("ana", rules(ProjectRules::default())).unwrap_err();
}

#[test]
fn permits_follow_each_other_and_never_overlap() {
    each_store(|store| {
        let fixture = house(store);
        let grant = |reference: &str, starts: &str, ends: &str| Act::GrantPermit {
            project: "costs".to_owned(),
            permit: Permit {
                reference: reference.to_owned(),
                starts: day(starts),
                ends: day(ends),
                ..project("costs", "1", None).permit
            },
            legal_basis: LegalBasis::DataPermit,
        };
        let extend = |ends: &str| Act::ExtendPermit {
            project: "costs".to_owned(),
            reference: "THL/1/2026".to_owned(),
            ends: day(ends),
        };
        fixture.decide("ana", grant("THL/2/2027", "2026-12-31", "2027-06-30")).unwrap_err();
        fixture.decide("ana", grant("THL/2/2027", "2027-03-01", "2027-06-30")).unwrap();
        fixture.decide("ana", extend("2026-12-30")).unwrap_err();
        fixture.decide("ana", extend("2027-03-01")).unwrap_err();
        fixture.decide("ana", extend("2027-01-31")).unwrap();
        for (today, reference, status) in [
            ("2026-06-15", "THL/1/2026", ProjectStatus::Open),
            ("2027-01-31", "THL/1/2026", ProjectStatus::Open),
            ("2027-02-01", "THL/2/2027", ProjectStatus::NotStarted),
            ("2027-03-01", "THL/2/2027", ProjectStatus::Open),
            ("2027-07-01", "THL/2/2027", ProjectStatus::Expired),
        ] {
            fixture.today(today);
            let project = fixture.ledger.project("costs").unwrap();
            assert_eq!((project.permit.reference.as_str(), project.status), (reference, status));
        }
        let purge = Act::RecordPurge { project: "costs".to_owned(), files: 3 };
        fixture.decide("ana", purge.clone()).unwrap();
        fixture.decide("ana", open("other", "1", Opening::default())).unwrap();
        fixture.ledger.verify().unwrap();
    });
    let fixture = house(Backend::Sqlite);
    let purge = Act::RecordPurge { project: "costs".to_owned(), files: 3 };
    assert_eq!(fixture.decide("ana", purge).unwrap_err().kind(), ErrorKind::PolicyRefused);
}

#[test]
fn the_same_data_never_gets_a_second_cap() {
    each_store(|store| {
        let fixture = house(store);
        let register =
            |files| Act::RegisterDataset { terms: dataset("copy", "8", Some("1e-6")), files };
        let copied = TableFile { path: "/data/copy.parquet".to_owned(), ..file("copy", 1) };
        for files in [vec![copied], vec![file("hie", 9)]] {
            let error = fixture.decide("ana", register(files)).unwrap_err();
            assert!(matches!(error, LedgerError::SameData { .. }), "{error}");
        }
        fixture.decide("ana", register(vec![file("births", 2)])).unwrap();
        fixture.ask("dora", 1, zcdp("0.01")).unwrap();
        let before = fixture.ledger.dataset("rand").unwrap();
        let update = |content| Act::UpdateDataset {
            dataset: "rand".to_owned(),
            files: vec![file("hie", content)],
        };
        fixture.decide("ana", update(3)).unwrap();
        let after = fixture.ledger.dataset("rand").unwrap();
        assert_ne!(after.data_version, before.data_version);
        assert_eq!((after.cap, after.spent), (before.cap, before.spent));
        // The people of an old version are the people of the dataset.
        fixture
            .decide(
                "ana",
                Act::UpdateDataset {
                    dataset: "copy".to_owned(),
                    files: vec![TableFile {
                        path: "/data/new.parquet".to_owned(),
                        ..file("births", 1)
                    }],
                },
            )
            .unwrap_err();
        assert_eq!(fixture.ledger.tables("rand").unwrap(), [file("hie", 3)]);
        fixture.ledger.verify().unwrap();
    });
}

#[test]
fn the_audit_says_who_did_what_under_which_permit() {
    each_store(|store| {
        let fixture = house(store);
        let mut request = fixture.request("costs", 1, zcdp("0.01"));
        request.principal = "dora".to_owned();
        request.detail = ChargeDetail {
            tables: vec!["hie".to_owned()],
            mechanisms: "discrete_gaussian, scale 10".to_owned(),
            bounds: "1 groups, 5 rows in each".to_owned(),
            min_units: None,
        };
        let charge = fixture.ledger.admit(&request).unwrap();
        let attempt = fixture.ledger.begin_attempt(&charge).unwrap();
        fixture.ledger.seal(&attempt, 0, b"answer").unwrap();
        fixture.ledger.admit(&request).unwrap();
        fixture.ask("dora", 2, zcdp("5")).unwrap_err();
        let entries = fixture.ledger.audit(&AuditFilter::default()).unwrap();
        assert_eq!(entries.len() as u64, fixture.ledger.head().unwrap().position);
        let of = |kind: &str| entries.iter().find(|entry| entry.kind == kind).unwrap();
        let charged = of("charge");
        assert_eq!(charged.decision, "charged");
        assert_eq!(charged.principal.as_deref(), Some("dora"));
        assert_eq!(charged.permit.as_deref(), Some("THL/1/2026"));
        assert_eq!(charged.loss, Some(zcdp("0.01")));
        assert_eq!(charged.bounds.as_deref(), Some("1 groups, 5 rows in each"));
        assert_eq!(charged.plan_hash.as_deref(), Some("07".repeat(32).as_str()));
        assert!(charged.output_hash.as_ref().is_some_and(|hash| hash.len() == 64));
        assert_eq!(of("replay").decision, "replayed");
        let refused = of("refusal");
        assert_eq!(refused.decision, "refused");
        assert!(refused.reason.as_ref().unwrap().starts_with("budget: "), "{refused:?}");
        assert_eq!(of("project").principal.as_deref(), Some("ana"));
        assert_eq!(of("project").reason.as_deref(), Some("for the test"));
        assert_eq!(of("table_file").fingerprint, None);
        let filter = AuditFilter { with_fingerprints: true, ..AuditFilter::default() };
        let entries = fixture.ledger.audit(&filter).unwrap();
        let shown = entries.iter().find(|entry| entry.kind == "table_file").unwrap();
        assert_eq!(shown.fingerprint.as_deref(), Some("01".repeat(32).as_str()));
        let filter = AuditFilter { project: Some("costs".to_owned()), ..AuditFilter::default() };
        let entries = fixture.ledger.audit(&filter).unwrap();
        assert!(entries.iter().all(|entry| entry.project.as_deref() == Some("costs")));
        assert!(entries.iter().any(|entry| entry.kind == "refusal"));
    });
}

#[test]
fn an_account_acts_as_its_own_principals() {
    let fixture = house(Backend::Sqlite);
    let act = |account: &str, wish: Option<&str>| fixture.ledger.acting_as(account, wish);
    assert_eq!(act("ana", None).unwrap(), "ana");
    assert_eq!(act("stranger", None).unwrap(), "stranger");
    // An account called like somebody else's principal is a stranger, and says so by itself.
    let principal = Principal {
        name: "eve".to_owned(),
        role: Role::Administrator,
        account: "e.vance".to_owned(),
    };
    fixture.decide("ana", Act::SetPrincipal { principal }).unwrap();
    let error = act("eve", None).unwrap_err();
    assert!(error.to_string().contains("e.vance"), "{error}");
    assert_eq!(act("e.vance", None).unwrap(), "eve");
    act("stranger", Some("ana")).unwrap_err();
    act("ana", Some("anna")).unwrap_err();
    let job = Principal { name: "nightly".to_owned(), role: Role::Job, account: "dora".to_owned() };
    fixture.decide("ana", Act::SetPrincipal { principal: job }).unwrap();
    assert_eq!(act("dora", Some("nightly")).unwrap(), "nightly");
    assert_eq!(act("dora", None).unwrap(), "dora");
    let job = Principal { name: "weekly".to_owned(), role: Role::Job, account: "batch".to_owned() };
    let other = Principal { name: "hourly".to_owned(), ..job.clone() };
    fixture.decide("ana", Act::SetPrincipal { principal: job }).unwrap();
    assert_eq!(act("batch", None).unwrap(), "weekly");
    fixture.decide("ana", Act::SetPrincipal { principal: other }).unwrap();
    act("batch", None).unwrap_err();
}

#[test]
fn a_ledger_with_principals_records_who_decides() {
    let fixture = house(Backend::Sqlite);
    let error = fixture.ledger.open_project(&project("new", "1", Some("1e-6"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Bug);
    let fixture = Backend::Sqlite.empty();
    let error = fixture.decide("ana", person("dora", Role::Analyst)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FixInput, "nobody could add an administrator later");
    let by = Decider { principal: "ana", reason: " " };
    fixture.ledger.decide(by, &person("ana", Role::Administrator), Mode::Record).unwrap_err();
}
