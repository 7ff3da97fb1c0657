//! The seeds of the fuzz targets, and every input that once broke one, through the same functions.

use std::path::{Path, PathBuf};

use voilage_tests::corpus::{entries, files};
use voilage_tests::fuzzing;

/// The inputs of one target, in the order of their names.
fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{target} has no seeds");
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn seeds_of_the_door_are_answered_or_refused() {
    for (_, bytes) in seeds("door") {
        fuzzing::door(&bytes);
    }
    for dataset in ["rand", "omop"] {
        for file in files(dataset).unwrap() {
            for entry in entries(&std::fs::read_to_string(file).unwrap()) {
                fuzzing::door(entry.sql.as_bytes());
                // Cut anywhere, a question is still only text.
                let cut = entry.sql.floor_char_boundary(entry.sql.len() / 2);
                fuzzing::door(&entry.sql.as_bytes()[..cut]);
            }
        }
    }
    fuzzing::door(b"SELECT COUNT(*) FROM events WHERE note = '\xff\xfe'");
}

#[test]
fn seeds_of_expressions_run_and_change_within_their_sensitivity() {
    for (_, bytes) in seeds("expressions") {
        fuzzing::expressions(&bytes);
    }
}

#[test]
fn seeds_of_values_lie_where_they_were_inferred() {
    for (_, bytes) in seeds("values") {
        fuzzing::values(&bytes);
    }
}
