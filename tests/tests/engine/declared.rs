//! Files that the ledger knows: what an edit of the hub file, or of the holder's key, cannot change.

use std::fs;
use std::path::Path;

use voilage_tests::clinic::{Clinic, orderly_visits};

use crate::commands::voilage;

const PUBLIC: &str = r#"
[public.sexes]
file = "FILE"
provenance = "somebody says so"

[public.sexes.columns]
person = { type = "int64" }
sex = { type = "utf8" }
"#;

/// A clinic whose table `people` became the public table `sexes`, in this file.
fn without_people(folder: &Path, file: &str) -> String {
    let clinic = Clinic::build(folder, &orderly_visits());
    let hub = fs::read_to_string(clinic.hub_file()).unwrap();
    let (before, rest) = hub.split_once("[datasets.clinic.tables.people]").unwrap();
    let (_, after) = rest.split_once("[datasets.other]").unwrap();
    let public = PUBLIC.replace("FILE", file);
    fs::write(clinic.hub_file(), format!("{before}[datasets.other]{after}{public}")).unwrap();
    clinic.hub_file().to_str().unwrap().to_owned()
}

fn is_refused(arguments: &[&str], why: &str) {
    let (code, _, errors) = voilage(arguments);
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains(why), "{errors}");
}

/// A public table is shown without noise.
#[test]
fn a_table_about_people_cannot_be_called_public() {
    let folder = tempfile::tempdir().unwrap();
    let hub = without_people(folder.path(), "people.parquet");
    let sql = "SELECT s.sex, COUNT(DISTINCT v.person) AS n FROM visits v
               JOIN sexes s ON s.person = v.minutes GROUP BY s.sex";
    let why = "the ledger knows its file as table people of dataset clinic";
    is_refused(&["explain", "study", sql, "--epsilon", "0.1", "--hub", &hub], why);
    is_refused(&["init", "--hub", &hub], why);
}

/// Nor can a copy of it, which is found by its fingerprint.
#[test]
fn a_copy_of_a_table_about_people_is_not_public_to_init() {
    let folder = tempfile::tempdir().unwrap();
    let hub = without_people(folder.path(), "codes.parquet");
    fs::copy(folder.path().join("people.parquet"), folder.path().join("codes.parquet")).unwrap();
    is_refused(&["init", "--hub", &hub], "the ledger knows its file as table people");
}

/// Under another key nothing is like anything, and a copy would get a cap of its own.
#[test]
fn another_holders_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let hub = clinic.hub_file().to_str().unwrap().to_owned();
    let key = folder.path().join("ledger.holder.key");
    let own = fs::read(&key).unwrap();
    fs::write(&key, [7; 32]).unwrap();
    is_refused(&["init", "--hub", &hub], "is another one");
    fs::write(&key, own).unwrap();
    let (code, _, errors) = voilage(&["init", "--hub", &hub]);
    assert_eq!(code, 0, "{errors}");
}
