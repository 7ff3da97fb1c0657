//! Record and replay of every shape that keeps rows owned.

use voilage_tests::randomness::Tape;
use voilage_tests::ward::{Item, Records, Stay};

use super::run;
use crate::neighbours::compare;

/// Whether the keys of a question are learned.
const LEARNED: bool = true;
const PUBLIC: bool = false;

/// Every shape once.
pub(super) const SHAPES: [(&str, bool); 45] = [
    (
        "SELECT COUNT(*) AS n FROM (SELECT patient, cost FROM stays \
         UNION ALL SELECT patient, price FROM items) AS t",
        PUBLIC,
    ),
    (
        "SELECT AVG(cost) AS c, COUNT(DISTINCT patient) AS n FROM (SELECT patient, cost FROM stays \
         UNION ALL SELECT patient, cost FROM stays WHERE score > 2 \
         UNION ALL SELECT patient, price FROM items) AS t",
        PUBLIC,
    ),
    (
        "SELECT COUNT(*) AS n FROM stays WHERE patient IN (SELECT patient FROM stays WHERE cost > 50 \
         UNION SELECT patient FROM items WHERE code = 2)",
        PUBLIC,
    ),
    ("SELECT COUNT(*) AS n FROM stays WHERE patient NOT IN (SELECT patient FROM items)", PUBLIC),
    (
        "SELECT ward, COUNT(*) AS n FROM stays AS s WHERE NOT EXISTS (SELECT 1 FROM stays AS e \
         WHERE e.patient = s.patient AND e.day < s.day) GROUP BY ward",
        PUBLIC,
    ),
    (
        "SELECT COUNT(DISTINCT patient) AS n FROM stays AS s WHERE EXISTS (SELECT 1 FROM stays AS r \
         WHERE r.patient = s.patient AND r.day > s.day AND r.cost > s.cost)",
        PUBLIC,
    ),
    (
        "SELECT COUNT(*) AS n FROM stays AS s WHERE s.cost > 90 OR EXISTS (SELECT 1 FROM items AS i \
         WHERE i.patient = s.patient AND i.code = 1)",
        PUBLIC,
    ),
    (
        "SELECT COUNT(*) AS n FROM stays AS s WHERE NOT (s.cost > 90 OR s.patient IN \
         (SELECT patient FROM items WHERE code = 1))",
        PUBLIC,
    ),
    (
        "SELECT SUM(b.cost) AS c FROM stays AS a JOIN stays AS b ON a.patient = b.patient \
         AND b.day > a.day",
        PUBLIC,
    ),
    (
        "SELECT COUNT(*) AS n, COUNT(b.cost) AS later FROM stays AS a LEFT JOIN stays AS b \
         ON a.patient = b.patient AND b.day > a.day AND b.cost > a.cost",
        PUBLIC,
    ),
    (
        "SELECT p.sex, COUNT(*) AS n FROM items AS i RIGHT JOIN patients AS p \
         ON i.patient = p.patient GROUP BY p.sex",
        PUBLIC,
    ),
    (
        "SELECT n, COUNT(*) AS patients FROM (SELECT patient, COUNT(*) AS n FROM stays \
         GROUP BY patient) AS t GROUP BY n",
        LEARNED,
    ),
    (
        "SELECT COUNT(*) AS n FROM stays WHERE patient IN (SELECT patient FROM stays \
         GROUP BY patient HAVING COUNT(*) > 2 AND SUM(score) > 3)",
        PUBLIC,
    ),
    (
        "SELECT AVG(mean) AS m, COUNT(*) AS n FROM (SELECT patient, AVG(cost) AS mean, MAX(cost) AS top, \
         MIN(day) AS first FROM stays GROUP BY patient) AS t WHERE top > 20 AND first IS NOT NULL",
        PUBLIC,
    ),
    (
        "SELECT ward, AVG(spread) AS s, COUNT(spread) AS n FROM (SELECT patient, ward, \
         STDDEV(cost) AS spread, VAR_POP(cost) AS v, COUNT(DISTINCT day) AS days FROM stays \
         GROUP BY patient, ward) AS t WHERE days > 1 GROUP BY ward",
        PUBLIC,
    ),
    (
        "SELECT any_dear, all_dear, COUNT(*) AS n FROM (SELECT patient, BOOL_OR(cost > 50) AS any_dear, \
         BOOL_AND(cost > 50) AS all_dear FROM stays GROUP BY patient) AS t GROUP BY any_dear, all_dear",
        PUBLIC,
    ),
    (
        "SELECT COUNT(*) AS n FROM (SELECT patient, SUM(cost) FILTER (WHERE ward = 'a') AS a, \
         COUNT(*) FILTER (WHERE score > 2) AS high FROM stays GROUP BY patient) AS t \
         WHERE a > 50 OR high > 1",
        PUBLIC,
    ),
    (
        "SELECT ward, COUNT(*) AS n FROM (SELECT DISTINCT patient, ward, day FROM stays) AS t GROUP BY ward",
        PUBLIC,
    ),
    (
        "SELECT ward, COUNT(*) AS n, AVG(cost) AS c FROM (SELECT patient, ward, cost, ROW_NUMBER() OVER \
         (PARTITION BY patient ORDER BY day) AS nth FROM stays) AS t WHERE nth = 1 GROUP BY ward",
        PUBLIC,
    ),
    (
        "SELECT COUNT(*) AS n FROM (SELECT day, LAG(day) OVER (PARTITION BY patient ORDER BY day) AS before, \
         LEAD(cost, 2, 0.0) OVER (PARTITION BY patient ORDER BY cost DESC) AS second FROM stays) AS t \
         WHERE before IS NOT NULL AND before < day AND second < 50",
        PUBLIC,
    ),
    (
        "SELECT COUNT(*) AS n FROM (SELECT RANK() OVER (PARTITION BY patient ORDER BY score) AS r, \
         DENSE_RANK() OVER (PARTITION BY patient, ward ORDER BY score DESC) AS d FROM stays) AS t \
         WHERE r > 1 OR d = 2",
        PUBLIC,
    ),
    (
        "SELECT COUNT(*) AS n FROM (SELECT SUM(score) OVER (PARTITION BY patient ORDER BY day \
         ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS three, AVG(cost) OVER (PARTITION BY patient \
         ORDER BY day) AS so_far, COUNT(*) OVER (PARTITION BY patient) AS all_stays, \
         MIN(cost) OVER (PARTITION BY patient ORDER BY day ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING) AS low \
         FROM stays) AS t WHERE three > 4 OR so_far > 70 OR all_stays = 3 OR low < 5",
        PUBLIC,
    ),
    (
        "SELECT COUNT(*) AS n FROM (SELECT cost, FIRST_VALUE(cost) OVER (PARTITION BY patient ORDER BY day) \
         AS first, LAST_VALUE(cost) OVER (PARTITION BY patient ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING \
         AND UNBOUNDED FOLLOWING) AS last, NTH_VALUE(cost, 2) OVER (PARTITION BY patient ORDER BY day ROWS \
         BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS second FROM stays) AS t \
         WHERE first < last OR second > cost",
        PUBLIC,
    ),
    ("SELECT COUNT(*) AS n FROM stays WHERE cost > (SELECT AVG(cost) FROM stays)", PUBLIC),
    (
        "SELECT COUNT(*) AS n FROM stays AS s JOIN (SELECT ward, AVG(cost) AS mean FROM stays \
         GROUP BY ward) AS m ON s.ward = m.ward WHERE s.cost > m.mean",
        PUBLIC,
    ),
    (
        "SELECT COUNT(*) AS n FROM stays WHERE ward IN (SELECT ward FROM stays GROUP BY ward \
         HAVING COUNT(*) > 20)",
        PUBLIC,
    ),
    (
        "WITH wards AS (SELECT ward, COUNT(*) AS n FROM stays GROUP BY ward) \
         SELECT a.ward, a.n, b.n AS again FROM wards AS a JOIN wards AS b ON a.ward = b.ward",
        PUBLIC,
    ),
    (
        "SELECT COUNT(*) AS n FROM stays AS s WHERE cost > (SELECT AVG(cost) FROM stays AS o \
         WHERE o.patient = s.patient)",
        PUBLIC,
    ),
    (
        "SELECT COUNT(*) AS n FROM stays AS s WHERE cost > (SELECT AVG(cost) FROM stays AS o \
         WHERE o.ward = s.ward)",
        PUBLIC,
    ),
    ("SELECT code, COUNT(*) AS n, SUM(price) AS p FROM items GROUP BY code", PUBLIC),
    (
        "SELECT p.sex, COUNT(DISTINCT i.patient) AS n FROM items AS i JOIN patients AS p \
         ON i.patient = p.patient WHERE i.price > 3 GROUP BY p.sex",
        PUBLIC,
    ),
    (
        "SELECT s.ward, SUM(i.price) AS p FROM items AS i JOIN stays AS s ON i.patient = s.patient \
         AND i.stay = s.stay GROUP BY s.ward",
        PUBLIC,
    ),
    ("SELECT ward, COUNT(*) AS n FROM expensive GROUP BY ward", PUBLIC),
    ("SELECT COUNT(*) AS n FROM expensive_people WHERE stays > 1", PUBLIC),
    (
        "SELECT b.band, COUNT(*) AS n FROM stays AS s JOIN bands AS b ON s.cost >= b.low \
         AND s.cost < b.high GROUP BY b.band",
        PUBLIC,
    ),
    (
        "SELECT COUNT(*) AS n, COUNT(b.band) AS banded FROM stays AS s LEFT JOIN bands AS b \
         ON s.cost > b.low AND s.cost < b.high AND b.band = 'dear'",
        PUBLIC,
    ),
    (
        "SELECT COUNT(*) AS n FROM stays AS s WHERE NOT EXISTS (SELECT 1 FROM bands AS b \
         WHERE s.cost < b.low)",
        PUBLIC,
    ),
    (
        "SELECT COUNT(*) AS n FROM stays AS s JOIN (SELECT MAX(low) AS cut FROM bands) AS b \
         ON s.cost > b.cut",
        PUBLIC,
    ),
    (
        "SELECT COUNT(*) AS n FROM (SELECT patient, COUNT(*) AS n FROM stays GROUP BY patient) AS a \
         JOIN (SELECT patient, SUM(price) AS p FROM items GROUP BY patient) AS b \
         ON a.patient = b.patient WHERE a.n > 1 AND b.p > 2",
        PUBLIC,
    ),
    (
        "SELECT day, COUNT(*) AS n FROM (SELECT patient, MIN(day) AS day FROM stays GROUP BY patient) AS t \
         GROUP BY day",
        LEARNED,
    ),
    (
        "SELECT COUNT(*) AS n FROM stays AS s LEFT JOIN items AS i ON s.patient = i.patient \
         AND s.stay = i.stay WHERE i.patient IS NULL",
        PUBLIC,
    ),
    (
        "SELECT AVG(clamp(n, 0, 10)) AS m, SUM(clamp(total, 0, 500)) AS t FROM (SELECT patient, \
         COUNT(*) AS n, SUM(cost * 2) AS total FROM stays GROUP BY patient) AS t",
        PUBLIC,
    ),
    (
        "SELECT AVG(clamp(gap, 0, 60)) AS days, COUNT(*) AS n FROM (SELECT day - LAG(day) OVER \
         (PARTITION BY patient ORDER BY day) AS gap FROM stays) AS t WHERE gap > 0",
        PUBLIC,
    ),
    (
        "SELECT COUNT(*) AS n FROM patients AS p WHERE (SELECT COUNT(*) FROM items AS i \
         WHERE i.patient = p.patient) < 2",
        PUBLIC,
    ),
    (
        "SELECT CASE WHEN n = 1 THEN 'once' WHEN n < 4 THEN 'some' ELSE 'many' END AS how_often, \
         COUNT(*) AS patients FROM (SELECT patient, COUNT(*) AS n FROM stays GROUP BY patient) AS t \
         GROUP BY CASE WHEN n = 1 THEN 'once' WHEN n < 4 THEN 'some' ELSE 'many' END",
        PUBLIC,
    ),
];

/// Patients that are hard on an engine: many rows, many groups, ties, hostile values, keys that
/// nobody else has and keys that belong to somebody else too.
fn newcomers() -> Vec<Records> {
    let stay = |stay: i64, ward: &str, day, cost, score| Stay {
        patient: Some(1_000),
        stay: Some(stay),
        ward: Some(ward.to_owned()),
        day,
        cost,
        score,
    };
    let item = |stay, code, price| Item { stay: Some(stay), code: Some(code), price: Some(price) };
    let hostile = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e308, f64::MIN_POSITIVE];
    vec![
        Records {
            stays: vec![stay(9_000, "a", Some(18_000), Some(99.0), Some(4))],
            items: vec![item(9_000, 1, 9.0), item(9_000, 2, 9.0)],
        },
        Records {
            stays: (0..1_000)
                .map(|n| stay(9_000 + n, "a", Some(18_000), Some(55.0), Some(n % 3)))
                .collect(),
            items: (0..40).map(|n| item(9_000 + n, 1 + n % 3, 5.0)).collect(),
        },
        Records {
            stays: (0..100)
                .map(|n| stay(9_000, &format!("rare {n}"), Some(n), Some(1.0), Some(n.into())))
                .collect(),
            items: vec![item(9_000, 3, 1.0)],
        },
        Records {
            stays: hostile
                .into_iter()
                .map(|cost| stay(i64::MIN, "c", Some(i32::MIN), Some(cost), Some(i64::MIN)))
                .chain([stay(i64::MAX, "", None, None, None)])
                .chain([stay(0, "b", Some(i32::MAX), Some(1.0), Some(i64::MAX))])
                .collect(),
            items: vec![
                item(i64::MIN, i64::MIN, f64::NAN),
                item(i64::MAX, 1, f64::INFINITY),
                Item { stay: None, code: None, price: None },
            ],
        },
        // Stays with keys of patients 11 and 22: their items are shared from now on.
        Records {
            stays: [110, 111, 112, 220, 221]
                .into_iter()
                .map(|key| stay(key, "b", Some(18_010), Some(60.0), Some(1)))
                .collect(),
            items: Vec::new(),
        },
    ]
}

fn check(from: usize, to: usize) {
    let base = Records::orderly();
    let strangers: Records = Records {
        stays: newcomers().into_iter().flat_map(|more| more.stays).collect(),
        items: newcomers().into_iter().flat_map(|more| more.items).collect(),
    };
    // Items of stays that nobody has are in both data sets: removing a patient removes the stays.
    let base = Records { items: base.with(&strangers).items, ..base };
    for (sql, learned) in &SHAPES[from..to] {
        let (answer, recorded) = run(&base, sql, Tape::recording(42));
        let mut neighbours: Vec<Records> =
            [3, 31, 60].into_iter().map(|gone| base.without(gone)).collect();
        for newcomer in newcomers() {
            neighbours.push(base.with(&Records { items: Vec::new(), ..newcomer }));
        }
        for neighbour in neighbours {
            let (other, replayed) = run(&neighbour, sql, Tape::replaying(&recorded));
            compare(sql, &recorded, &replayed, *learned);
            assert_eq!(answer.receipt.loss, other.receipt.loss, "{sql}");
            assert_eq!(answer.receipt.plan_hash, other.receipt.plan_hash, "{sql}");
            if !learned {
                assert_eq!(answer.table, other.table, "{sql}");
            }
        }
    }
}

#[test]
fn unions_and_joins_change_within_the_sensitivity() {
    check(0, 11);
}

#[test]
fn features_of_each_patient_change_within_the_sensitivity() {
    check(11, 18);
}

#[test]
fn windows_of_each_patient_change_within_the_sensitivity() {
    check(18, 23);
}

#[test]
fn cut_offs_paths_views_and_public_conditions_change_within_the_sensitivity() {
    check(23, 41);
}

#[test]
fn features_and_windows_go_on_into_expressions_within_the_sensitivity() {
    check(41, SHAPES.len());
}

/// Order of rows, and so of batches, decides nothing: not among ties either.
#[test]
fn row_order_changes_no_shape() {
    let base = newcomers().iter().fold(Records::orderly(), |all, more| all.with(more));
    let mut turned = base.clone();
    turned.stays.reverse();
    turned.items.reverse();
    for (sql, _) in &SHAPES {
        let (answer, recorded) = run(&base, sql, Tape::recording(42));
        let (other, again) = run(&turned, sql, Tape::recording(42));
        assert_eq!(recorded, again, "{sql}");
        assert_eq!(answer.table, other.table, "{sql}");
    }
}
