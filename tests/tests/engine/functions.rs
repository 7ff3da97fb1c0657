//! Functions over rows of people, from SQL to released tables: which keys and ranges follow, what
//! is refused and how it is written instead, and that one person changes nothing else.

use std::fmt::Write;

use voilage_query::{Catalogue, QueryError, Spend};
use voilage_tests::neighbourhood::{CHANGES, Neighbourhood};
use voilage_tests::plans;

/// The hostile hub, with ranges for its dates.
fn hub() -> String {
    let dated = [
        (
            "day   = { type = \"date\" }",
            "day = { type = \"date\", bounds = [\"2019-06-15\", 2021-02-01], source = \"test\" }",
        ),
        (
            "at    = { type = \"timestamp\" }",
            "at = { type = \"timestamp\", bounds = [\"2019-01-01\", \"2020-12-31 23:59:59\"], source = \"test\" }",
        ),
    ];
    dated.iter().fold(plans::HUB.to_owned(), |hub, (from, to)| {
        assert!(hub.contains(from), "{from}");
        hub.replace(from, to)
    })
}

const ACCEPTED: [&str; 26] = [
    "SELECT extract(year FROM day) AS y, COUNT(*) AS n FROM events GROUP BY extract(year FROM day)",
    "SELECT date_trunc('month', day) AS m, COUNT(*) AS n FROM events GROUP BY date_trunc('month', day)",
    "SELECT date_trunc('quarter', at) AS q, COUNT(*) AS n FROM events GROUP BY date_trunc('quarter', at)",
    "SELECT extract(dow FROM at) AS d, COUNT(*) AS n FROM events GROUP BY extract(dow FROM at)",
    "SELECT SUM(clamp(code, 0, 9)) AS s FROM events",
    "SELECT AVG(CASE WHEN flag THEN cost WHEN size > 3 THEN 5 ELSE 0 END) AS a FROM events",
    "SELECT SUM(CAST(cost > 50 AS INT)) AS s FROM events",
    "SELECT width_bucket(cost, 0, 100, 4) AS b, COUNT(*) AS n FROM events GROUP BY width_bucket(cost, 0, 100, 4)",
    "SELECT size / 10 AS b, COUNT(*) AS n FROM events GROUP BY size / 10",
    "SELECT size % 7 AS b, kind, COUNT(*) AS n FROM events GROUP BY size % 7, kind",
    "SELECT upper(label) || '-' || kind AS k, COUNT(*) AS n FROM events GROUP BY upper(label) || '-' || kind",
    "SELECT CASE kind WHEN 1 THEN 'one' WHEN 2 THEN 'two' ELSE 'more' END AS k, COUNT(*) AS n FROM events GROUP BY 1",
    "SELECT SUM(LEAST(GREATEST(raw, 0), 9)) AS s FROM events",
    "SELECT AVG(cost * 2 - size) AS a FROM events",
    "SELECT SUM(cost / size) AS s FROM events WHERE size >= 1",
    "SELECT AVG(sqrt(cost)) AS a, AVG(ln(cost + 1)) AS b, AVG(power(cost, 2)) AS c FROM events",
    "SELECT AVG(DATE '2021-02-01' - day) AS a FROM events",
    "SELECT AVG(date_diff('month', day, DATE '2021-02-01')) AS a FROM events",
    "SELECT COUNT(*) AS n FROM events WHERE day + INTERVAL '30' DAY > DATE '2020-06-01'",
    "SELECT COUNT(*) AS n FROM events WHERE note LIKE 'a%' OR lower(trim(note)) = 'b'",
    "SELECT AVG(length(label)) AS a FROM events",
    "SELECT COALESCE(label, 'none') AS l, COUNT(*) AS n FROM events GROUP BY COALESCE(label, 'none')",
    "SELECT COUNT(TRY_CAST(note AS BIGINT)) AS n FROM events",
    "SELECT COUNT(*) AS n FROM events WHERE 1 / code > 0 AND code * 9223372036854775807 > 1",
    "SELECT COUNT(*) AS n FROM events WHERE (flag AND cost > 1) IS NOT TRUE",
    "SELECT COUNT(*) AS n FROM events e JOIN codes c ON abs(e.code) = c.code + 1",
];

#[test]
fn functions_give_ranges_and_public_keys_and_one_person_changes_nothing_else() {
    let neighbourhood = Neighbourhood::build(&hub(), "hostile", &CHANGES);
    let mut text = String::new();
    let mut wrong = String::new();
    for (number, sql) in ACCEPTED.iter().enumerate() {
        match neighbourhood.study().question(sql, &Spend::AsWritten) {
            Ok(question) => writeln!(text, "{sql}\n{}", question.explanation()).unwrap(),
            Err(error) => writeln!(wrong, "{sql}\n{error}").unwrap(),
        }
        // Six of the neighbours for each question, all of them over the questions.
        let chosen = |index: usize| index % 4 == number % 4;
        match neighbourhood.compare_some(sql, &Spend::AsWritten, chosen) {
            Ok(violations) if violations.is_empty() => {}
            Ok(violations) => writeln!(wrong, "{sql}\n{}", violations.join("\n")).unwrap(),
            Err(error) => writeln!(wrong, "{sql}\n{error}").unwrap(),
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    insta::assert_snapshot!("functions", text);
}

/// A column keeps its name and loses its bounds where an expression redefines it.
#[test]
fn bounds_are_not_believed_after_a_column_is_redefined() {
    let neighbourhood = Neighbourhood::build(&hub(), "hostile", &[]);
    let explained = |sql: &str| {
        let question = neighbourhood.study().question(sql, &Spend::AsWritten);
        question.map(|question| question.explanation().to_string())
    };
    for (inner, range) in [
        ("cost", "[0, 100]"),
        ("cost * 100 AS cost", "[0, 10000]"),
        ("-cost AS cost", "[-100, 0]"),
        ("CASE WHEN flag THEN cost ELSE size * 10 END AS cost", "[-50, 600]"),
    ] {
        let text =
            explained(&format!("SELECT SUM(cost) AS s FROM (SELECT {inner} FROM events) AS e"));
        let text = text.unwrap();
        assert!(text.contains(range), "{inner}: {text}");
    }
    let unbounded = "SELECT SUM(cost) AS s FROM (SELECT cost * raw AS cost FROM events) AS e";
    assert!(explained(unbounded).unwrap_err().to_string().contains("missing-bounds"));
    let key =
        "SELECT kind, COUNT(*) AS n FROM (SELECT code AS kind FROM events) AS e GROUP BY kind";
    assert!(explained(key).unwrap().contains("learned"));
}

/// What people write, and what works instead.
const REFUSED: [(&str, &str); 14] = [
    ("repeat(note, code) = 'x'", "note || note = 'x'"),
    ("lpad(note, 5) = 'x'", "left(note, 5) = 'x'"),
    ("note ~ '(a+)+b'", "note LIKE 'a%b'"),
    ("regexp_like(note, 'a.*')", "starts_with(note, 'a')"),
    ("random() < 0.5", "kind = 1"),
    ("at < now()", "at < TIMESTAMP '2021-01-01 00:00:00'"),
    ("day < current_date", "day < DATE '2021-01-01'"),
    ("to_date(note) > DATE '2020-01-01'", "CAST(note AS DATE) > DATE '2020-01-01'"),
    ("year(day) = 2020", "extract(year FROM day) = 2020"),
    ("extract(century FROM day) = 21", "extract(year FROM day) > 2000"),
    ("note LIKE label", "strpos(note, label) = 1"),
    ("at - at > INTERVAL '1' DAY", "date_diff('day', at, at) > 1"),
    ("if(flag, 1, 2) = 1", "CASE WHEN flag THEN 1 ELSE 2 END = 1"),
    ("code IN (1, NULL)", "code IN (1) OR code IS NULL"),
];

#[test]
fn what_is_refused_can_be_written_in_another_way() {
    let neighbourhood = Neighbourhood::build(&hub(), "hostile", &[]);
    let ask = |test: &str| {
        let sql = format!("SELECT COUNT(*) AS n FROM events WHERE {test}");
        neighbourhood.study().question(&sql, &Spend::AsWritten)
    };
    let mut text = String::new();
    for (refused, instead) in REFUSED {
        let error = ask(refused).err().unwrap_or_else(|| panic!("{refused} was accepted"));
        assert!(matches!(error, QueryError::Refused(_)), "{refused}: {error}");
        writeln!(text, "{refused}\n-> {error}\n   instead: {instead}\n").unwrap();
        ask(instead).unwrap_or_else(|error| panic!("{instead}: {error}"));
    }
    insta::assert_snapshot!("refused_functions", text);
}

#[test]
fn bounds_of_dates_are_checked() {
    let mut text = String::new();
    for bounds in [
        "[\"2021-01-01\", \"2020-01-01\"]",
        "[\"2020-01-01\", \"2020-01-01\"]",
        "[\"2020-02-30\", \"2020-03-01\"]",
        "[0, 100]",
        "[\"yesterday\", \"today\"]",
        "[2020-01-01T00:00:00Z, 2020-01-02T00:00:00Z]",
    ] {
        let from = "day   = { type = \"date\" }";
        let to = format!("day = {{ type = \"date\", bounds = {bounds} }}");
        let folder = std::path::Path::new(".");
        let error = Catalogue::parse(&plans::HUB.replace(from, &to), folder).unwrap_err();
        writeln!(text, "{bounds}\n-> {error}\n").unwrap();
    }
    insta::assert_snapshot!("bounds_of_dates", text);
}
