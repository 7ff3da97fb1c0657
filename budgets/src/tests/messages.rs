//! Golden messages: what people read when they are refused.

use super::*;

fn refusal(fixture: &Fixture, project: &str, key: u8, loss: Loss) -> String {
    fixture.admit(project, key, loss).unwrap_err().to_string()
}

#[test]
fn the_budget_of_a_zcdp_project() {
    let fixture = Fixture::new();
    fixture.admit("costs", 1, zcdp("0.08")).unwrap();
    assert_eq!(
        refusal(&fixture, "costs", 2, zcdp("0.0123")),
        "this question needs rho 0.0123 (14.8% of costs's budget) and 4.1% is left; nothing was \
         spent. The largest single epsilon still affordable is 0.365."
    );
    assert_eq!(
        refusal(&fixture, "costs", 3, zcdp_with_delta("0.001", "6e-7")),
        "this question needs delta 0.0000006 (120.0% of costs's delta for learned keys) and \
         100.0% is left; nothing was spent. Declare the keys as public values, which needs no \
         delta, or spend a smaller share of delta on them."
    );
}

#[test]
fn the_budget_of_a_pure_project() {
    let fixture = Fixture::new();
    fixture.admit("counts", 1, pure("0.7")).unwrap();
    assert_eq!(
        refusal(&fixture, "counts", 2, pure("0.5")),
        "this question needs epsilon 0.5 (50.0% of counts's budget) and 30.0% is left; nothing was \
         spent. The largest single epsilon still affordable is 0.3."
    );
    fixture.admit("counts", 3, pure("0.3")).unwrap();
    assert_eq!(
        refusal(&fixture, "counts", 4, pure("0.0001")),
        "this question needs epsilon 0.0001 (0.1% of counts's budget) and 0.0% is left; nothing \
         was spent. No further question is affordable: more budget is an administrator's decision."
    );
}

#[test]
fn the_budget_of_a_dataset() {
    let fixture = Fixture::empty();
    fixture.ledger.register_dataset(&dataset("rand", "1", Some("1e-6"))).unwrap();
    fixture.ledger.open_project(&project("a", "1", Some("1e-6"))).unwrap();
    fixture.ledger.open_project(&project("b", "0.1", None)).unwrap();
    let cap = fixture.ledger.project("a").unwrap().left;
    let Loss::Zcdp { rho, .. } = cap else { panic!() };
    let most = Rho::from_units(rho.units_down() - 1_000_000_000_000);
    fixture.admit("a", 1, Loss::Zcdp { rho: most, delta: Delta::zero() }).unwrap();
    assert_eq!(
        refusal(&fixture, "b", 2, pure("0.1")),
        "this question needs rho 0.005 (21.8% of dataset rand's lifetime budget) and 4.3% is left; \
         nothing was spent. The largest single epsilon still affordable is 0.0447."
    );
    fixture.admit("b", 2, pure("0.0447")).unwrap();
}

#[test]
fn dates_and_closures() {
    let fixture = Fixture::new();
    fixture.ledger.close_project("counts", "study ended").unwrap();
    assert_eq!(
        refusal(&fixture, "counts", 1, pure("0.1")),
        "project \"counts\" was closed on 2026-06-15 (study ended); nothing was spent. A closed \
         project stays closed: open a new one"
    );
    fixture.today("2027-01-01");
    assert_eq!(
        refusal(&fixture, "costs", 1, zcdp("0.01")),
        "project \"costs\" has expired: its permit THL/1/2026 ran from 2026-01-01 to 2026-12-31 \
         and today is 2027-01-01; nothing was spent. Open a new project under a new permit of \
         Findata"
    );
    let fixture = Fixture::new();
    let mut later = project("later", "1", Some("1e-6"));
    later.permit.starts = day("2026-09-01");
    fixture.ledger.open_project(&later).unwrap();
    assert_eq!(
        refusal(&fixture, "later", 1, zcdp("0.01")),
        "project \"later\" has not started: its permit THL/1/2026 runs from 2026-09-01 to \
         2026-12-31 and today is 2026-06-15; nothing was spent. Ask again on 2026-09-01, or have \
         Findata change the dates"
    );
}

#[test]
fn names() {
    let fixture = Fixture::new();
    let message = |name| fixture.ledger.project(name).unwrap_err().to_string();
    assert_eq!(
        message("cotss"),
        "there is no project \"cotss\" in this ledger; did you mean \"costs\"?"
    );
    assert_eq!(message("births"), "there is no project \"births\" in this ledger; check the name");
    assert_eq!(
        fixture.ledger.dataset("rnd").unwrap_err().to_string(),
        "there is no dataset \"rnd\" in this ledger; did you mean \"rand\"?"
    );
}

#[test]
fn terms() {
    let fixture = Fixture::new();
    let open = |terms: ProjectTerms| fixture.ledger.open_project(&terms).unwrap_err().to_string();
    assert_eq!(
        open(project("more", "9", Some("1e-6"))),
        "project \"more\" asks for epsilon 9, delta 0.000001, more than the whole cap of dataset \
         \"rand\" (epsilon 8, delta 0.000001); ask for less, no project may have more than its \
         dataset"
    );
    assert_eq!(
        open(project("costs", "3", Some("1e-6"))),
        "project \"costs\" exists already with other terms (recorded zcdp, epsilon 2, delta \
         0.000001; asked zcdp, epsilon 3, delta 0.000001), and terms are fixed once they are \
         recorded; use the recorded terms or another name"
    );
    let mut without = project("new", "1", Some("1e-6"));
    without.delta = None;
    assert_eq!(
        open(without),
        "project \"new\": a zcdp budget needs a delta; add one, for example delta = \"1e-6\""
    );
}

#[test]
fn attempts_and_keys() {
    let fixture = Fixture::new();
    let charge = fixture.admit("costs", 1, zcdp("0.01")).unwrap();
    let attempts: Vec<_> = (0..3).map(|_| fixture.ledger.begin_attempt(&charge).unwrap()).collect();
    let entry = charge.position;
    assert_eq!(
        refusal(&fixture, "costs", 1, zcdp("0.01")),
        format!(
            "this question was paid for (entry {entry}) but each of its 3 attempts ended without \
             an answer; nothing more was spent. Find out what interrupts it, then ask again with \
             `renew`, which charges it a second time"
        )
    );
    let mut other = fixture.request("costs", 1, zcdp("0.01"));
    other.request_hash = [9; 32];
    assert_eq!(
        fixture.ledger.admit(&other).unwrap_err().to_string(),
        format!(
            "this request key is already bound to another request in project \"costs\" (entry \
             {entry}); send the same request again, or choose a new key for the new one"
        )
    );
    assert_eq!(
        fixture.ledger.seal(&attempts[0], 0, b"late").unwrap_err().to_string(),
        format!(
            "another run has taken over this question (entry {entry}) and this one gives way; \
             nothing more was spent. Ask again: the answer is the same and free"
        )
    );
}

#[test]
fn files() {
    let fixture = Fixture::new();
    let path = fixture.folder.path().join("absent");
    assert_eq!(
        Ledger::open(&path, fixture.clock.clone()).unwrap_err().to_string(),
        format!("there is no ledger at {}; create one with `voilage init`", path.display())
    );
    fixture.raw().pragma_update(None, "user_version", 7).unwrap();
    assert_eq!(
        Ledger::open(fixture.path(), fixture.clock.clone()).unwrap_err().to_string(),
        format!(
            "{} was written by a newer Voilage (ledger version 7, this one knows up to 4); upgrade \
             Voilage, the ledger was not touched",
            fixture.path().display()
        )
    );
}
