//! The nearest unsafe neighbours of what is accepted, held as golden text.

use std::fmt::Write;
use std::fs;
use std::sync::Arc;

use voilage_query::Hub;
use voilage_tests::randomness::Tape;
use voilage_tests::ward::{HUB, Records, Ward};

use crate::{ask, rho};

const REFUSED: [&str; 31] = [
    "SELECT patient, COUNT(*) FROM stays GROUP BY patient",
    "SELECT COUNT(*) FROM (SELECT cost FROM stays UNION SELECT cost FROM stays) AS t",
    "SELECT COUNT(*) FROM (SELECT patient FROM stays INTERSECT SELECT patient FROM items) AS t",
    "SELECT COUNT(*) FROM (SELECT patient FROM stays EXCEPT SELECT patient FROM items) AS t",
    "SELECT COUNT(*) FROM (SELECT band FROM bands UNION ALL SELECT ward FROM stays) AS t",
    "SELECT COUNT(*) FROM stays AS a FULL JOIN items AS b ON a.patient = b.patient",
    "SELECT COUNT(*) FROM stays AS a JOIN stays AS b ON a.day = b.day",
    "SELECT COUNT(*) FROM stays AS a JOIN stays AS b ON a.patient = b.patient OR a.day = b.day",
    "SELECT COUNT(*) FROM stays AS a LEFT JOIN items AS i ON a.stay = i.stay",
    "SELECT COUNT(*) FROM stays AS a JOIN (SELECT cost AS patient FROM stays) AS b ON a.patient = b.patient",
    "SELECT COUNT(*) FROM stays AS a JOIN stays AS b ON a.patient = b.patient \
     JOIN items AS c ON b.stay = c.patient",
    "SELECT COUNT(*) FROM stays AS a LEFT JOIN stays AS b ON a.patient = b.patient AND a.day < b.day \
     JOIN items AS c ON b.patient = c.patient",
    "SELECT COUNT(*) FROM stays WHERE ward NOT IN (SELECT ward FROM stays WHERE cost > 5)",
    "SELECT COUNT(*) FROM stays AS a WHERE ward NOT IN (SELECT ward FROM stays AS b WHERE a.patient = b.patient)",
    "SELECT COUNT(*) FROM stays AS a WHERE EXISTS (SELECT 1 FROM stays AS b WHERE a.day = b.day)",
    "SELECT COUNT(*) FROM stays AS a WHERE EXISTS (SELECT 1 FROM stays AS b)",
    "SELECT COUNT(*) FROM bands AS b WHERE EXISTS (SELECT 1 FROM stays AS s WHERE s.cost > b.low)",
    "SELECT COUNT(*) FROM stays WHERE cost > (SELECT cost FROM stays)",
    "SELECT COUNT(*) FROM stays AS s WHERE cost > (SELECT o.cost FROM stays AS o WHERE o.ward = s.ward)",
    "SELECT COUNT(*) FROM (SELECT DISTINCT ward FROM stays) AS t",
    "SELECT COUNT(*) FROM (SELECT DISTINCT ON (patient) patient, ward FROM stays ORDER BY patient, day) AS t",
    "SELECT COUNT(*) FROM (SELECT patient, cost FROM stays GROUP BY patient, cost) AS t",
    "SELECT COUNT(*) FROM (SELECT patient, ward, COUNT(*) AS n FROM stays GROUP BY ROLLUP (patient, ward)) AS t",
    "SELECT COUNT(*) FROM (SELECT patient, ARRAY_AGG(ward) AS w FROM stays GROUP BY patient) AS t",
    "SELECT COUNT(*) FROM (SELECT patient, FIRST_VALUE(ward ORDER BY day) AS w FROM stays GROUP BY patient) AS t",
    "SELECT COUNT(*) FROM (SELECT ROW_NUMBER() OVER (ORDER BY cost) AS n FROM stays) AS t WHERE n < 5",
    "SELECT COUNT(*) FROM (SELECT SUM(score) OVER (PARTITION BY ward) AS n FROM stays) AS t WHERE n < 5",
    "SELECT COUNT(*) FROM (SELECT LAST_VALUE(cost) OVER (PARTITION BY patient ORDER BY day) AS n FROM stays) AS t \
     WHERE n < 5",
    "SELECT COUNT(*) FROM (SELECT SUM(score) OVER (PARTITION BY patient ORDER BY score RANGE BETWEEN 2 PRECEDING \
     AND CURRENT ROW) AS n FROM stays) AS t WHERE n < 5",
    "SELECT COUNT(*) FROM (SELECT NTILE(4) OVER (PARTITION BY patient ORDER BY cost) AS n FROM stays) AS t WHERE n = 1",
    "SELECT patient FROM expensive",
];

#[test]
fn every_refusal_names_the_rule_and_the_fix_and_spends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ward = Ward::build(folder.path(), &Records::orderly());
    let study = ward.study(Arc::new(Tape::recording(1)));
    let mut text = String::new();
    for sql in REFUSED {
        let error = match ask(&study, sql, &rho("0.1")) {
            Ok(_) => panic!("accepted: {sql}"),
            Err(error) => error,
        };
        writeln!(text, "{sql}\n-> exit {}: {error}\n", error.kind().exit_code()).unwrap();
    }
    insta::assert_snapshot!("ownership_refusals", text);
    assert!(study.hub().ledger().charges("study").unwrap().is_empty());
}

/// After a self-join two columns are called alike; only the carried one is the unit, by position.
#[test]
fn the_unit_is_not_found_by_name_after_a_self_join() {
    let folder = tempfile::tempdir().unwrap();
    let ward = Ward::build(folder.path(), &Records::orderly());
    let study = ward.study(Arc::new(Tape::recording(1)));
    for sql in [
        // A column that is only called like the unit joins rows of different people.
        "SELECT COUNT(*) AS n FROM stays AS a JOIN (SELECT stay AS patient, cost FROM stays) AS b \
         ON a.patient = b.patient",
        // The names of two columns exchanged.
        "SELECT COUNT(*) AS n FROM (SELECT stay AS patient, patient AS stay FROM stays) AS a \
         JOIN stays AS b ON a.patient = b.patient",
        // In a union, the unit of one input stands beside another column of the other.
        "SELECT COUNT(*) AS n FROM (SELECT patient FROM stays UNION ALL SELECT stay FROM stays) AS a \
         JOIN stays AS b ON a.patient = b.patient",
        // The unmatched side of an outer join has no unit.
        "SELECT COUNT(*) AS n FROM (SELECT b.patient AS patient FROM stays AS a LEFT JOIN stays AS b \
         ON a.patient = b.patient AND a.day < b.day) AS t JOIN items AS c ON t.patient = c.patient",
        "SELECT COUNT(*) AS n FROM (SELECT n, ROW_NUMBER() OVER (PARTITION BY patient ORDER BY n) AS r FROM \
         (SELECT stay AS patient, cost AS n FROM stays) AS t) AS u WHERE r = 1",
    ] {
        let error = ask(&study, sql, &rho("0.1")).err().map(|error| error.to_string());
        let error = error.unwrap_or_else(|| panic!("accepted: {sql}"));
        assert!(
            error.contains("[unit-join]") || error.contains("not partitioned by the unit"),
            "{sql}\n{error}"
        );
    }
    // Exchanged names are fine where the positions agree.
    let sql = "SELECT COUNT(*) AS n FROM (SELECT stay AS patient, patient AS stay FROM stays) AS a \
               JOIN stays AS b ON a.stay = b.patient";
    ask(&study, sql, &rho("0.1")).unwrap();
}

#[test]
fn contradictory_paths_and_views_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    let path = "unit = { column = \"stay\", references = \"stays.stay\" }";
    for (what, from, to) in [
        ("a path that is none", path, "unit = { column = \"stay\" }"),
        ("a number", path, "unit = 7"),
        ("no table", path, "unit = { column = \"stay\", references = \"stay.stay\" }"),
        ("itself", path, "unit = { column = \"stay\", references = \"items.stay\" }"),
        ("no key there", path, "unit = { column = \"stay\", references = \"stays.visit\" }"),
        ("no key here", path, "unit = { column = \"visit\", references = \"stays.stay\" }"),
        ("another type", path, "unit = { column = \"stay\", references = \"stays.ward\" }"),
        ("a number as key", path, "unit = { column = \"price\", references = \"stays.cost\" }"),
        ("the unit as key", path, "unit = { column = \"stay\", references = \"stays.patient\" }"),
        (
            "bounds on the key",
            "stay = { type = \"int64\" }",
            "stay = { type = \"int64\", bounds = [0, 9] }",
        ),
        ("the unit twice", "code = {", "patient = { type = \"int64\" }\ncode = {"),
        (
            "a circle",
            "unit = \"patient\"\nmax_groups = 2",
            "unit = { column = \"stay\", references = \"items.stay\" }\nmax_groups = 2",
        ),
        (
            "units of two types",
            "[datasets.ward.tables.patients.columns]\npatient = { type = \"int64\" }",
            "[datasets.ward.tables.patients.columns]\npatient = { type = \"utf8\" }",
        ),
        ("a view called like a table", "views.expensive]", "views.stays]"),
    ] {
        assert!(HUB.contains(from), "{from}");
        let file = folder.path().join("hub.toml");
        fs::write(&file, HUB.replacen(from, to, 1)).unwrap();
        let error = Hub::init(&file).err().unwrap_or_else(|| panic!("accepted: {what}"));
        let message = error.to_string().replace(&*folder.path().to_string_lossy(), "FOLDER");
        writeln!(text, "{what}\n-> exit {}: {message}\n", error.kind().exit_code()).unwrap();
    }
    let ward = Ward::build(folder.path(), &Records::orderly());
    for (what, from, to) in [
        ("a view that is no query", "SELECT patient, ward, cost FROM stays", "DELETE FROM stays"),
        ("a view of an unknown column", "SELECT patient, ward, cost", "SELECT patient, word, cost"),
        ("views in a circle", "cost FROM stays WHERE", "cost FROM expensive_people WHERE"),
    ] {
        assert!(HUB.contains(from), "{from}");
        fs::write(ward.hub_file(), HUB.replacen(from, to, 1)).unwrap();
        let error = Hub::init(&ward.hub_file()).err().unwrap_or_else(|| panic!("accepted: {what}"));
        writeln!(text, "{what}\n-> exit {}: {error}\n", error.kind().exit_code()).unwrap();
    }
    insta::assert_snapshot!("ownership_hubs", text);
}
