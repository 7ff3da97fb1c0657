//! Sealed releases read again: as a replay is, and never as a charge.

use super::*;
use crate::{
    Act, AuditFilter, Decider, ErrorKind, Mode, Opening, Principal, ProjectRules, Revisit, Role,
};

fn decide(fixture: &Fixture, act: Act) {
    let by = Decider { principal: "ana", reason: "for the test" };
    fixture.ledger.decide(by, &act, Mode::Record).unwrap();
}

fn person(name: &str, role: Role) -> Act {
    let (name, account) = (name.to_owned(), name.to_owned());
    Act::SetPrincipal { principal: Principal { name, role, account } }
}

/// Ana administrates, dora asks, cleo looks; two projects, and a sealed release of `costs`.
fn house(backend: Backend) -> (Fixture, Charge) {
    let fixture = backend.empty();
    decide(&fixture, person("ana", Role::Administrator));
    decide(&fixture, person("dora", Role::Analyst));
    decide(&fixture, person("cleo", Role::Auditor));
    let terms = dataset("rand", "8", Some("1e-6"));
    decide(&fixture, Act::RegisterDataset { terms, files: Vec::new() });
    for name in ["costs", "others"] {
        let terms = project(name, "2", Some("1e-6"));
        decide(&fixture, Act::OpenProject { terms, opening: Opening::default() });
    }
    let mut request = fixture.request("costs", 1, zcdp("0.01"));
    request.principal = "dora".to_owned();
    let charge = fixture.ledger.admit(&request).unwrap();
    let attempt = fixture.ledger.begin_attempt(&charge).unwrap();
    fixture.ledger.seal(&attempt, 0, &[1; 9]).unwrap();
    (fixture, charge)
}

fn revisit(fixture: &Fixture, who: &str, project: &str, entry: u64) -> Result<Charge, LedgerError> {
    fixture.ledger.revisit(&Revisit {
        project: project.to_owned(),
        principal: who.to_owned(),
        entry,
        description: "SELECT count(*) FROM rand_hie".to_owned(),
        detail: ChargeDetail { tables: vec!["hie".to_owned()], ..ChargeDetail::default() },
    })
}

#[test]
fn a_release_is_read_again_for_free_by_those_who_may_replay_it() {
    each_store(|store| {
        let (fixture, charge) = house(store);
        let entry = charge.position;
        let again = revisit(&fixture, "dora", "costs", entry).unwrap();
        assert!(again.replayed && again.sealed);
        assert_eq!((again.id, again.bounding_key), (charge.id, charge.bounding_key));
        let spent = || fixture.ledger.project("costs").unwrap().spent;
        assert_eq!(spent(), zcdp("0.01"));
        let known = |project| fixture.ledger.charge(project, entry).unwrap();
        assert_eq!(known("costs").unwrap().replays, 1);
        assert_eq!(known("others"), None, "no project sees another one's charge");
        assert_eq!(fixture.ledger.charge("costs", u64::MAX).unwrap(), None);
        for (who, project, entry, kind) in [
            ("cleo", "costs", entry, ErrorKind::PolicyRefused),
            ("nobody", "costs", entry, ErrorKind::PolicyRefused),
            ("dora", "others", entry, ErrorKind::Bug),
            ("dora", "costs", entry + 1, ErrorKind::Bug),
            ("dora", "costs", u64::MAX, ErrorKind::Bug),
        ] {
            let error = revisit(&fixture, who, project, entry).unwrap_err();
            assert_eq!(error.kind(), kind, "{who} {project} {entry}: {error}");
        }
        let refused = |fixture: &Fixture| {
            let entries = fixture.ledger.audit(&AuditFilter::default()).unwrap();
            entries.iter().filter(|entry| entry.kind == "refusal").count()
        };
        assert_eq!(refused(&fixture), 2, "decisions are recorded");
        let pending = fixture.request("costs", 2, zcdp("0.01"));
        let pending = ChargeRequest { principal: "dora".to_owned(), ..pending };
        let pending = fixture.ledger.admit(&pending).unwrap();
        let error = revisit(&fixture, "dora", "costs", pending.position).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Bug, "without an answer there is nothing to read");
        assert_eq!(known("costs").unwrap().replays, 1);
        decide(&fixture, Act::Suspend { project: "costs".to_owned() });
        revisit(&fixture, "dora", "costs", entry).unwrap_err();
        decide(&fixture, Act::Resume { project: "costs".to_owned() });
        let rules = |tables: &[&str]| {
            let tables = Some(tables.iter().map(|table| (*table).to_owned()).collect());
            let rules = ProjectRules { tables, ..ProjectRules::default() };
            Act::SetRules { project: "costs".to_owned(), rules }
        };
        decide(&fixture, rules(&["hie"]));
        revisit(&fixture, "dora", "costs", entry).unwrap();
        decide(&fixture, rules(&["other"]));
        let error = revisit(&fixture, "dora", "costs", entry).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PolicyRefused, "a table taken away since: {error}");
        decide(&fixture, rules(&["hie"]));
        let files = Vec::new();
        decide(&fixture, Act::UpdateDataset { dataset: "rand".to_owned(), files });
        let error = revisit(&fixture, "dora", "costs", entry).unwrap_err();
        assert!(matches!(error, LedgerError::DataMoved { .. }), "{error}");
        fixture.today("2099-06-17");
        let error = revisit(&fixture, "dora", "costs", entry).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PolicyRefused, "the permit has ended: {error}");
        assert_eq!(spent(), zcdp("0.02"));
        fixture.ledger.verify().unwrap();
    });
}
