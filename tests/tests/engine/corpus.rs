//! The corpus over both demo datasets: golden explanations and refusals, a fix for every refusal
//! that is accepted, and record and replay of every accepted question on 24 neighbours.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use voilage_query::{QueryError, RefusalCode, Spend};
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

fn title(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// One golden file per corpus file; nothing is spent by explaining.
fn golden(dataset: &str) {
    let home = Neighbourhood::build(&demo_hub().unwrap(), dataset, &[]);
    let study = home.study();
    for file in files(dataset).unwrap() {
        let mut text = String::new();
        for entry in read(&file) {
            let shown = match study.question(&entry.sql, &Spend::AsWritten) {
                Ok(question) => question.explanation().to_string(),
                Err(error) => format!("-> exit {}: {error}\n", error.kind().exit_code()),
            };
            writeln!(text, "# {}\n{}\n{shown}", entry.name, entry.sql).unwrap();
        }
        insta::assert_snapshot!(format!("{dataset}_{}", title(&file)), text);
    }
    assert!(study.hub().ledger().charges("study").unwrap().is_empty());
}

#[test]
fn explanations_and_refusals_over_insurance_costs() {
    golden("rand");
}

#[test]
fn explanations_and_refusals_over_clinical_tables() {
    golden("omop");
}

/// Every refusal can be followed: the statement in its fix, or the corpus' statement after the fix.
#[test]
fn what_a_refusal_advises_is_accepted() {
    let mut wrong = String::new();
    for dataset in ["rand", "omop"] {
        let home = Neighbourhood::build(&demo_hub().unwrap(), dataset, &[]);
        let accepted = |sql: &str| home.study().question(sql, &Spend::AsWritten);
        for file in files(dataset).unwrap() {
            for entry in read(&file) {
                let Err(error) = accepted(&entry.sql) else { continue };
                let QueryError::Refused(refusals) = &error else {
                    writeln!(wrong, "{}: not a refusal: {error}", entry.name).unwrap();
                    continue;
                };
                for refusal in refusals {
                    let Some((_, sql)) = refusal.fix.split_once("for example: ") else { continue };
                    if let Err(error) = accepted(sql) {
                        writeln!(wrong, "{}: {}\n  {error}", entry.name, refusal.fix).unwrap();
                    }
                }
                let foreign = refusals.iter().any(|r| r.code == RefusalCode::ForeignTable);
                match &entry.fixed {
                    Some(sql) => {
                        if let Err(error) = accepted(sql) {
                            writeln!(wrong, "{}: the fixed one: {error}", entry.name).unwrap();
                        }
                    }
                    None if foreign => {}
                    None => writeln!(wrong, "{}: refused and never fixed", entry.name).unwrap(),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
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
