//! Registering, opening and closing.

use super::*;
use crate::{ErrorKind, ProjectStatus};

#[test]
fn the_same_terms_twice_change_nothing() {
    each_store(|store| {
        let fixture = store.with_projects();
        let before = fixture.ledger.verify().unwrap();
        let first = fixture.ledger.dataset("rand").unwrap();
        let again = fixture.ledger.register_dataset(&dataset("rand", "8.0", Some("1e-6"))).unwrap();
        assert_eq!(again, first);
        fixture.ledger.open_project(&project("costs", "2", Some("1e-6"))).unwrap();
        assert_eq!(fixture.ledger.verify().unwrap(), before);
        assert_eq!(fixture.ledger.datasets().unwrap().len(), 1);
        let names: Vec<_> =
            fixture.ledger.projects().unwrap().into_iter().map(|project| project.name).collect();
        assert_eq!(names, ["costs", "counts"]);
    });
}

#[test]
fn other_terms_under_the_same_name_are_refused() {
    each_store(|store| {
        let fixture = store.with_projects();
        for terms in [
            dataset("rand", "9", Some("1e-6")),
            dataset("rand", "8", Some("1e-7")),
            dataset("rand", "8", None),
        ] {
            let error = fixture.ledger.register_dataset(&terms).unwrap_err();
            assert!(matches!(error, LedgerError::TermsDiffer { .. }), "{error}");
        }
        let mut longer = project("costs", "2", Some("1e-6"));
        longer.permit.ends = day("2027-12-31");
        for terms in [project("costs", "3", Some("1e-6")), project("costs", "2", None), longer] {
            let error = fixture.ledger.open_project(&terms).unwrap_err();
            assert!(matches!(error, LedgerError::TermsDiffer { .. }), "{error}");
        }
    });
}

#[test]
fn a_project_has_at_most_its_datasets_cap() {
    each_store(|store| {
        let fixture = store.with_projects();
        fixture.ledger.open_project(&project("all", "8", Some("1e-6"))).unwrap();
        for terms in [
            project("more", "8.000001", Some("1e-6")),
            project("wide", "0.1", Some("2e-6")),
            project("steep", "8", None),
        ] {
            let error = fixture.ledger.open_project(&terms).unwrap_err();
            assert!(matches!(error, LedgerError::CapAboveDataset { .. }), "{error}");
        }
    });
}

#[test]
fn a_pure_dataset_admits_only_pure_projects() {
    each_store(|store| {
        let fixture = store.empty();
        fixture.ledger.register_dataset(&dataset("rand", "1", None)).unwrap();
        let error =
            fixture.ledger.open_project(&project("costs", "0.5", Some("1e-6"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FixInput);
        fixture.ledger.open_project(&project("costs", "1", None)).unwrap();
    });
}

#[test]
fn terms_that_make_no_sense_are_refused() {
    each_store(|store| {
        let fixture = store.with_projects();
        let bad = |terms: ProjectTerms| {
            let error = fixture.ledger.open_project(&terms).unwrap_err();
            assert!(matches!(error, LedgerError::BadTerms { .. }), "{error}");
        };
        let terms = project("new", "1", Some("1e-6"));
        for name in ["", "two words", "sch\u{f6}n", "semi;colon", &"x".repeat(65)] {
            bad(ProjectTerms { name: name.to_owned(), ..terms.clone() });
        }
        bad(ProjectTerms { delta: None, ..terms.clone() });
        bad(ProjectTerms { accountant: Accountant::Pure, ..terms.clone() });
        bad(ProjectTerms { epsilon: Epsilon::parse("1e-13").unwrap(), ..terms.clone() });
        bad(ProjectTerms { delta: Some(Delta::parse("1e-19").unwrap()), ..terms.clone() });
        let permit = |change: fn(&mut Permit)| {
            let mut permit = terms.permit.clone();
            change(&mut permit);
            bad(ProjectTerms { permit, ..terms.clone() });
        };
        permit(|permit| permit.ends = day("2025-12-31"));
        permit(|permit| permit.reference = " ".to_owned());
        permit(|permit| permit.authority = "two\nlines".to_owned());
        permit(|permit| permit.purpose = "x".repeat(1_001));
        permit(|permit| permit.ends = NaiveDate::MAX);
    });
}

#[test]
fn closing_is_recorded_once_and_with_a_reason() {
    each_store(|store| {
        let fixture = store.with_projects();
        fixture.ledger.close_project("costs", " ").unwrap_err();
        let first = fixture.ledger.close_project("costs", "study ended").unwrap();
        let ProjectStatus::Closed { reason, .. } = &first.status else { panic!("{first:?}") };
        assert_eq!(reason, "study ended");
        let head = fixture.ledger.head().unwrap();
        assert_eq!(fixture.ledger.close_project("costs", "again").unwrap(), first);
        assert_eq!(fixture.ledger.head().unwrap(), head);
        fixture.ledger.verify().unwrap();
    });
}
