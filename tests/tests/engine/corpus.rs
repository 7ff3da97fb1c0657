//! The corpus over both demo datasets: record and replay of every accepted question on 24
//! neighbours.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use voilage_query::{QueryError, Spend};
use voilage_tests::corpus::{Entry, demo_hub, entries, files};
use voilage_tests::neighbourhood::{CHANGES, Neighbourhood};

/// The corpus never shrinks below this.
const QUESTIONS_MIN: usize = 150;

fn read(path: &Path) -> Vec<Entry> {
    entries(&std::fs::read_to_string(path).unwrap())
}

#[test]
fn the_corpus_is_large_and_its_names_are_unique() {
    let mut questions = 0;
    for dataset in ["rand", "omop"] {
        for file in files(dataset).unwrap() {
            let entries = read(&file);
            let names: BTreeSet<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
            assert_eq!(names.len(), entries.len(), "{}", file.display());
            questions += entries.len();
        }
    }
    assert!(questions >= QUESTIONS_MIN, "{questions} questions");
    assert!(CHANGES.len() >= 20);
}

/// Every accepted question, on records and 24 neighbours that differ by one person.
fn replay(dataset: &str) {
    let neighbourhood = Neighbourhood::build(&demo_hub().unwrap(), dataset, &CHANGES);
    let mut wrong = String::new();
    for file in files(dataset).unwrap() {
        for entry in read(&file) {
            match neighbourhood.compare(&entry.sql, &Spend::AsWritten) {
                Ok(violations) => {
                    for violation in violations {
                        writeln!(wrong, "{}: {violation}", entry.name).unwrap();
                    }
                }
                Err(QueryError::Refused(_)) => {}
                Err(error) => writeln!(wrong, "{}: {error}", entry.name).unwrap(),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn one_person_changes_insurance_costs_within_the_sensitivity_and_nothing_else() {
    replay("rand");
}

#[test]
fn one_person_changes_clinical_tables_within_the_sensitivity_and_nothing_else() {
    replay("omop");
}
