//! Files that are said to be sorted by their unit: streamed where that is true, and nothing else
//! where it is not.

use std::fs;
use std::sync::Arc;

use voilage_privacy::source::testing::RecordedColumn;
use voilage_tests::clinic::{Clinic, Visit, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{ask, rho};

const SQLS: [&str; 5] = [
    "SELECT site, COUNT(*) AS n, SUM(cost) AS cost, AVG(minutes) AS minutes FROM visits GROUP BY site",
    "SELECT reason, COUNT(DISTINCT person) AS n FROM visits GROUP BY reason",
    "SELECT minutes, COUNT(*) AS n FROM visits WHERE cost > 10 GROUP BY minutes",
    "SELECT MEDIAN(cost) AS middle FROM visits WHERE reason <> 'flu'",
    "SELECT p.sex, COUNT(*) AS n FROM visits AS v JOIN people AS p ON v.person = p.person GROUP BY p.sex",
];

fn declare(clinic: &Clinic, table: &str) {
    let hub = fs::read_to_string(clinic.hub_file()).unwrap();
    let from = format!("file = \"{table}.parquet\"");
    assert!(hub.contains(&from));
    let hub = hub.replacen(&from, &format!("{from}\nsorted_by_unit = true"), 1);
    fs::write(clinic.hub_file(), hub).unwrap();
}

/// What is measured and released about some visits.
fn columns(visits: &[Visit], declared: bool) -> Vec<RecordedColumn> {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), visits);
    if declared {
        declare(&clinic, "visits");
    }
    let tape = Tape::recording(1);
    let study = clinic.study(Arc::new(tape.clone()));
    for sql in SQLS {
        ask(&study, sql, &rho("0.1")).unwrap();
    }
    tape.columns()
}

#[test]
fn a_declaration_changes_no_answer_whether_it_is_true_or_not() {
    let mut visits = orderly_visits();
    visits.push(Visit { person: None, ..visits[0].clone() });
    visits.push(Visit { site: Some(7), reason: None, cost: None, ..visits[5].clone() });
    let mut sorted = visits.clone();
    sorted.sort_by_key(|visit| visit.person);
    let expected = columns(&visits, false);
    assert_eq!(columns(&sorted, true), expected);
    assert_eq!(columns(&visits, true), expected, "the last visits are not where they belong");
    sorted.reverse();
    assert_eq!(columns(&sorted, true), expected);
}

/// More rows than fit the memory, and no place to spill to: sorted ones need neither.
#[test]
fn sorted_rows_are_never_all_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let hub = fs::read_to_string(clinic.hub_file()).unwrap();
    let hub = hub.replacen("[hub]", "[hub]\nmemory_mib = 64\nspill = \"place\"", 1);
    fs::write(clinic.hub_file(), hub).unwrap();
    fs::write(folder.path().join("place"), "not a folder").unwrap();
    declare(&clinic, "people");
    let mut ids: Vec<i64> = (0..2_500_000).map(|row| row / 4).collect();
    clinic.write_people(&ids);
    let tape = Tape::recording(1);
    let study = clinic.study(Arc::new(tape.clone()));
    let sql = "SELECT sex, COUNT(*) AS n FROM people GROUP BY sex";
    ask(&study, sql, &rho("0.1")).unwrap();
    let counted: i128 = tape.columns()[0].cells.iter().map(|cell| cell.exact).sum();
    assert_eq!(counted, 625_000, "everybody once");
    // One row out of place: the general way, which has nowhere to go.
    ids.push(17);
    clinic.write_people(&ids);
    let tape = Tape::recording(1);
    let study = clinic.study(Arc::new(tape.clone()));
    let error = ask(&study, sql, &rho("0.2")).unwrap_err();
    assert_eq!(error.kind().exit_code(), 75, "{error}");
    // With a place to go, every row is read again, whichever partition had read it before.
    fs::remove_file(folder.path().join("place")).unwrap();
    ask(&study, sql, &rho("0.2")).unwrap();
    let counted: i128 = tape.columns()[0].cells.iter().map(|cell| cell.exact).sum();
    assert_eq!(counted, 625_000, "everybody once");
}
