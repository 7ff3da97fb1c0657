//! Exact expected answers of the shapes, counted in plain Rust.

use std::collections::{BTreeMap, BTreeSet};

use voilage_tests::ward::{Records, Stay};

use super::exact;

/// The answer is one count.
fn check(records: &Records, sql: &str, expected: usize) {
    let shown = exact(records, sql);
    let value = shown.lines().nth(3).unwrap_or_default().trim_matches(['|', ' ']).to_owned();
    assert_eq!(value, expected.to_string(), "{sql}\n{shown}");
}

fn by_patient(records: &Records) -> BTreeMap<i64, Vec<&Stay>> {
    let mut all: BTreeMap<i64, Vec<&Stay>> = BTreeMap::new();
    for stay in &records.stays {
        all.entry(stay.patient.unwrap()).or_default().push(stay);
    }
    for stays in all.values_mut() {
        stays.sort_by_key(|stay| stay.day);
    }
    all
}

fn owners_of_items(records: &Records) -> BTreeSet<i64> {
    let stays: BTreeSet<i64> = records.items.iter().filter_map(|item| item.stay).collect();
    let owned = records.stays.iter().filter(|stay| stays.contains(&stay.stay.unwrap()));
    owned.filter_map(|stay| stay.patient).collect()
}

#[test]
fn first_stays_stays_per_patient_and_days_between_them() {
    let records = Records::orderly();
    let patients = by_patient(&records);
    let first_in_a =
        patients.values().filter(|stays| stays[0].ward.as_deref() == Some("a")).count();
    let sql = "SELECT COUNT(*) AS n FROM (SELECT ward, ROW_NUMBER() OVER (PARTITION BY patient \
               ORDER BY day) AS nth FROM stays) AS t WHERE nth = 1 AND ward = 'a'";
    check(&records, sql, first_in_a);
    let sql = "SELECT COUNT(*) AS n FROM stays AS s WHERE ward = 'a' AND NOT EXISTS (SELECT 1 \
               FROM stays AS e WHERE e.patient = s.patient AND e.day < s.day)";
    check(&records, sql, first_in_a);
    let often = patients.values().filter(|stays| stays.len() >= 3).count();
    let sql = "SELECT COUNT(*) AS n FROM (SELECT patient, COUNT(*) AS stays FROM stays \
               GROUP BY patient) AS t WHERE stays >= 3";
    check(&records, sql, often);
    let again = patients.values().filter(|stays| stays.len() >= 2).count();
    let sql = "SELECT COUNT(DISTINCT patient) AS n FROM (SELECT patient, day, LAG(day) OVER \
               (PARTITION BY patient ORDER BY day) AS before FROM stays) AS t WHERE before < day";
    check(&records, sql, again);
}

/// A patient without items has a count of zero, and not none.
#[test]
fn a_correlated_count_of_nothing_is_zero() {
    let records = Records::orderly();
    let with_items = owners_of_items(&records);
    let without = by_patient(&records).keys().filter(|id| !with_items.contains(id)).count();
    let sql = "SELECT COUNT(*) AS n FROM patients AS p WHERE (SELECT COUNT(*) FROM items AS i \
               WHERE i.patient = p.patient) = 0";
    check(&records, sql, without);
    let late = by_patient(&records)
        .values()
        .flat_map(|stays| stays.windows(2))
        .filter(|pair| pair[1].day.unwrap() - pair[0].day.unwrap() >= 30)
        .count();
    let sql = "SELECT COUNT(*) AS n FROM (SELECT day - LAG(day) OVER (PARTITION BY patient \
               ORDER BY day) AS gap FROM stays) AS t WHERE gap >= 30";
    check(&records, sql, late);
}

#[test]
fn absence_is_counted_alike_in_every_way_of_saying_it() {
    let records = Records::orderly();
    let with_items = owners_of_items(&records);
    let without = by_patient(&records).keys().filter(|id| !with_items.contains(id)).count();
    assert!(without > 0);
    for sql in [
        "SELECT COUNT(*) AS n FROM patients WHERE patient NOT IN (SELECT patient FROM items)",
        "SELECT COUNT(*) AS n FROM patients AS p WHERE NOT EXISTS (SELECT 1 FROM items AS i \
         WHERE i.patient = p.patient)",
        "SELECT COUNT(*) AS n FROM patients AS p LEFT JOIN (SELECT DISTINCT patient FROM items) AS i \
         ON p.patient = i.patient WHERE i.patient IS NULL",
        "SELECT COUNT(*) AS n FROM patients AS p WHERE NOT (p.sex = 'x' OR EXISTS (SELECT 1 \
         FROM items AS i WHERE i.patient = p.patient))",
    ] {
        check(&records, sql, without);
    }
}

/// A NULL in the subquery of NOT IN empties the result for everybody, in plain SQL. The unit is
/// never NULL here, whatever the file holds.
#[test]
fn a_null_in_not_in_changes_nobody_else() {
    let mut records = Records::orderly();
    let sql = "SELECT COUNT(*) AS n FROM patients WHERE patient NOT IN \
               (SELECT patient FROM stays WHERE cost > 60)";
    let dear = records.stays.iter().filter(|stay| stay.cost > Some(60.0));
    let dear: BTreeSet<i64> = dear.filter_map(|stay| stay.patient).collect();
    let expected = by_patient(&records).keys().filter(|id| !dear.contains(id)).count();
    check(&records, sql, expected);
    let nobody = Stay { patient: None, cost: Some(99.0), ..records.stays[0].clone() };
    records.stays.push(nobody);
    check_with_nobody(&records, sql, expected);
}

fn check_with_nobody(records: &Records, sql: &str, expected: usize) {
    let shown = exact(records, sql);
    assert!(shown.contains(&format!("| {expected} ")), "{shown}");
}

#[test]
fn unions_views_and_public_bands() {
    let records = Records::orderly();
    let sql = "SELECT COUNT(DISTINCT patient) AS n FROM (SELECT patient FROM stays WHERE cost > 80 \
               UNION ALL SELECT patient FROM items WHERE price > 8) AS t";
    let mut found: BTreeSet<i64> = records
        .stays
        .iter()
        .filter(|stay| stay.cost > Some(80.0))
        .filter_map(|stay| stay.patient)
        .collect();
    for item in records.items.iter().filter(|item| item.price > Some(8.0)) {
        found.extend(records.stays.iter().find(|s| s.stay == item.stay).unwrap().patient);
    }
    check(&records, sql, found.len());
    let dear: BTreeSet<i64> = records
        .stays
        .iter()
        .filter(|stay| stay.cost > Some(50.0))
        .filter_map(|stay| stay.patient)
        .collect();
    check(&records, "SELECT COUNT(DISTINCT patient) AS n FROM expensive", dear.len());
    let sql = "SELECT COUNT(DISTINCT patient) AS n FROM stays AS s JOIN bands AS b \
               ON s.cost >= b.low AND s.cost < b.high WHERE b.band = 'dear'";
    let dear = records.stays.iter().filter(|stay| stay.cost >= Some(50.0));
    let dear: BTreeSet<i64> = dear.filter_map(|stay| stay.patient).collect();
    check(&records, sql, dear.len());
}

/// The unit is found by position: a column that merely has its name is not the unit.
#[test]
fn items_belong_to_the_owner_of_their_stay() {
    let records = Records::orderly();
    let owners = owners_of_items(&records).len();
    check(&records, "SELECT COUNT(DISTINCT patient) AS n FROM items", owners);
    let sql = "SELECT COUNT(DISTINCT i.patient) AS n FROM items AS i JOIN stays AS s \
               ON i.patient = s.patient AND i.stay = s.stay WHERE i.code = 2";
    let stays: BTreeSet<i64> = records
        .items
        .iter()
        .filter(|item| item.code == Some(2))
        .filter_map(|item| item.stay)
        .collect();
    let owners: BTreeSet<i64> = records
        .stays
        .iter()
        .filter(|stay| stays.contains(&stay.stay.unwrap()))
        .filter_map(|stay| stay.patient)
        .collect();
    check(&records, sql, owners.len());
}
