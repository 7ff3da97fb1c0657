//! A job before it is run: whether all of it would be let in, and what the errors it wants would cost.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::Value;
use voilage_tests::clinic::{Clinic, orderly_visits};

use crate::commands::voilage;

fn hub(folder: &Path) -> String {
    Clinic::build(folder, &orderly_visits()).hub_file().to_str().unwrap().to_owned()
}

fn ok(arguments: &[&str]) -> String {
    let (code, out, errors) = voilage(arguments);
    assert_eq!(code, 0, "{arguments:?}: {errors}");
    out
}

/// The command reads the real clock, whose days and times are not part of the golden text.
fn without_days(message: &str) -> String {
    let plain = |word: &str| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        match (digits, word.matches('-').count(), word.matches(':').count()) {
            (8, 2, 0) => "DAY".to_owned(),
            (4, 0, 1) => "TIME".to_owned(),
            _ => word.to_owned(),
        }
    };
    message.split(' ').map(plain).collect::<Vec<_>>().join(" ")
}

/// A job of counts with the prices given, written to a file.
fn job(folder: &Path, prices: &[(&str, &str)]) -> String {
    let mut text = "project = 'study'\n".to_owned();
    for (name, price) in prices {
        let sql = format!("SELECT COUNT(*) AS n FROM visits WHERE minutes < {}", name.len());
        writeln!(text, "[[question]]\nname = '{name}'\ntitle = 'T'\n{price}\nsql = '{sql}'")
            .unwrap();
    }
    let path = folder.join("job.toml");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Every brake is asked before the first charge: one question too many, and none is asked.
#[test]
fn a_job_is_let_in_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let hub = hub.as_str();
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    let mut text = String::new();
    let mut refused = |what: &str, prices: &[(&str, &str)], code: u8| {
        let path = job(folder.path(), prices);
        let before = ok(&["audit", "verify", "--json", "--hub", hub]);
        for line in [
            &["run", &path, "--hub", hub, "--out", out][..],
            &["run", &path, "--hub", hub, "--out", out, "--dry-run"],
        ] {
            let (found, _, errors) = voilage(line);
            assert_eq!(found, code, "{what}: {errors}");
            if !line.contains(&"--dry-run") {
                writeln!(text, "{what}\n-> exit {found}: {}", without_days(&errors)).unwrap();
            }
        }
        assert_eq!(ok(&["audit", "verify", "--json", "--hub", hub]), before, "{what}");
    };
    let rules = |arguments: &[&str]| {
        let line = ["project", "rules", "study", "--reason", "x", "--hub", hub];
        ok(&[&line[..], arguments].concat());
    };
    rules(&["--question-epsilon", "0.5"]);
    refused("above the ceiling", &[("a", "epsilon = '0.4'"), ("bb", "epsilon = '0.9'")], 4);
    rules(&["--pace", "1%/day"]);
    refused(
        "too fast together",
        &[("a", "share = '0.7%'"), ("bb", "share = '0.2%'"), ("ccc", "share = '0.7%'")],
        4,
    );
    rules(&["--table", "people"]);
    refused("another table", &[("a", "epsilon = '0.1'")], 4);
    rules(&[]);
    refused(
        "more than the cap",
        &[("a", "share = '60%'"), ("bb", "share = '30%'"), ("ccc", "share = '30%'")],
        3,
    );
    ok(&["suspend", "study", "--reason", "x", "--hub", hub]);
    refused("suspended", &[("a", "epsilon = '0.1'")], 4);
    ok(&["resume", "study", "--reason", "x", "--hub", hub]);
    insta::assert_snapshot!("jobs", text);

    // What is paid already costs nothing, so the same job with one more question fits.
    let path = job(folder.path(), &[("a", "share = '60%'")]);
    ok(&["run", &path, "--hub", hub, "--out", out]);
    let prices = [("a", "share = '60%'"), ("bb", "share = '30%'")];
    let path = job(folder.path(), &prices);
    let priced = ok(&["run", &path, "--hub", hub, "--out", out, "--dry-run"]);
    assert!(priced.contains("free: paid already") && priced.contains("charged"), "{priced}");
    let json: Value = serde_json::from_str(&ok(&[
        "run",
        &path,
        "--hub",
        hub,
        "--out",
        out,
        "--dry-run",
        "--json",
    ]))
    .unwrap();
    assert_eq!(
        (&json["questions"][0]["paid"], &json["questions"][1]["paid"]),
        (&Value::Bool(true), &Value::Bool(false))
    );
    let json: Value =
        serde_json::from_str(&ok(&["run", &path, "--hub", hub, "--out", out, "--json"])).unwrap();
    assert_eq!(json["questions"][1]["replayed"], false, "{json}");
    assert!(json["questions"][1]["entry"].is_number(), "{json}");
}

const WANTED: &str = r#"
project = "study"

[[question]]
name = "visits"
title = "A count alone: the price follows from its error"
error = 10
sql = "SELECT COUNT(*) AS n FROM visits"

[[question]]
name = "means"
title = "A mean and its count, which share one noisy column, and another mean"
error = { n = 20, cost = 2.5, minutes = 0.5 }
sql = "SELECT COUNT(cost) AS n, AVG(cost) AS cost, AVG(minutes) AS minutes FROM visits"

[[question]]
name = "sums"
title = "Sums of unequal precision"
error = { cost = 2000, minutes = 100 }
sql = "SELECT site, SUM(cost) AS cost, SUM(minutes) AS minutes FROM visits GROUP BY site"

[[question]]
name = "priced"
title = "With a price of its own"
rho = "0.001"
sql = "SELECT COUNT(*) AS n FROM people"
"#;

#[test]
fn the_cheapest_prices_keep_the_wanted_errors() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let path = folder.path().join("job.toml");
    fs::write(&path, WANTED).unwrap();
    let path = path.to_str().unwrap();
    let found = ok(&["allocate", path, "--hub", &hub]);
    insta::assert_snapshot!("allocation", found);
    let json: Value =
        serde_json::from_str(&ok(&["allocate", path, "--hub", &hub, "--json"])).unwrap();
    let questions = json["questions"].as_array().unwrap();
    let error =
        |question: usize, name: &str| questions[question]["error_95"][name].as_f64().unwrap();
    // Each wanted error is kept, and the dearest of a question is nearly used up.
    for (question, wanted) in [
        (0, vec![("n", 10.0)]),
        (1, vec![("n", 20.0), ("cost", 2.5), ("minutes", 0.5)]),
        (2, vec![("cost", 2000.0), ("minutes", 100.0)]),
    ] {
        let shares: Vec<f64> =
            wanted.iter().map(|(name, most)| error(question, name) / most).collect();
        assert!(shares.iter().all(|share| *share <= 1.0), "{question}: {shares:?}");
        assert!(shares.iter().any(|share| *share > 0.9), "{question}: {shares:?}");
    }
    // The split is cheaper than equal shares that keep the same errors.
    let rho = |question: &Value| question["loss"]["rho"].as_str().unwrap().parse::<f64>().unwrap();
    let equal = WANTED.replace("error = { cost = 2000, minutes = 100 }", "rho = '0.1'");
    fs::write(folder.path().join("equal.toml"), equal).unwrap();
    let equal = folder.path().join("equal.toml");
    let equal = ok(&["allocate", equal.to_str().unwrap(), "--hub", &hub, "--json"]);
    let equal: Value = serde_json::from_str(&equal).unwrap();
    let at = &equal["questions"][2];
    // At equal shares each error falls with the root of the price: the price that keeps both.
    let most = [("cost", 2000.0), ("minutes", 100.0)]
        .map(|(name, most)| (at["error_95"][name].as_f64().unwrap() / most).powi(2) * rho(at));
    let equal = most.into_iter().fold(0.0, f64::max);
    assert!(rho(&questions[2]) < equal * 0.95, "{} is not below {equal}", rho(&questions[2]));
    // A job that still wants errors is not run.
    let out = folder.path().join("out");
    let (code, _, errors) = voilage(&["run", path, "--hub", &hub, "--out", out.to_str().unwrap()]);
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("voilage allocate"), "{errors}");
    for (wrong, said) in [
        ("error = { n = 20, cost = 2.5 }", "says no error for its aggregate \"minutes\""),
        ("error = { n = 20, cost = 2.5, minutes = 0.5, x = 1 }", "which is no aggregate of it"),
        ("error = { n = 20, cost = 2.5, minutes = -0.5 }", "is not above zero"),
    ] {
        let text = WANTED.replace("error = { n = 20, cost = 2.5, minutes = 0.5 }", wrong);
        fs::write(path, text).unwrap();
        let (code, _, errors) = voilage(&["allocate", path, "--hub", &hub]);
        assert_eq!(code, 2, "{errors}");
        assert!(errors.contains(said), "{errors}");
    }
}

/// What is refused before it has a price is in the audit too; what is only explained is not.
#[test]
fn a_question_that_is_refused_at_the_door_is_in_the_audit() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let rows = "SELECT person, cost FROM visits";
    let tail = ["study", rows, "--epsilon", "0.1", "--hub", &hub];
    assert_eq!(voilage(&[&["explain"][..], &tail].concat()).0, 2);
    let refused = |entries: &str| {
        let entries: Value = serde_json::from_str(entries).unwrap();
        let entries = entries.as_array().unwrap().clone();
        entries.into_iter().filter(|entry| entry["decision"] == "refused").collect::<Vec<_>>()
    };
    let list = ["audit", "list", "--json", "--project", "study", "--hub", &hub];
    assert!(refused(&ok(&list)).is_empty());
    assert_eq!(voilage(&[&["ask"][..], &tail].concat()).0, 2);
    let found = refused(&ok(&list));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["description"], rows);
    assert!(found[0]["plan_hash"].is_null(), "{found:?}");
    assert!(found[0]["reason"].as_str().unwrap().contains("rows of individuals"), "{found:?}");
    ok(&["audit", "verify", "--hub", &hub]);
}

#[test]
fn a_project_is_given_a_further_dataset_by_command() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let both = "SELECT v.n, s.m FROM (SELECT COUNT(*) AS n FROM visits) v \
                CROSS JOIN (SELECT COUNT(*) AS m FROM staff) s";
    let ask = ["ask", "study", both, "--rho", "0.002", "--hub", &hub];
    let (code, _, errors) = voilage(&ask);
    assert_eq!(code, 4, "{errors}");
    assert!(errors.contains("voilage project give PROJECT other"), "{errors}");
    let give = ["project", "give", "study", "other", "--reason", "both are asked", "--hub", &hub];
    let rehearsed = ok(&[&give[..], &["--dry-run"]].concat());
    assert!(
        rehearsed.contains("would let project study ask about dataset other too"),
        "{rehearsed}"
    );
    assert_eq!(voilage(&ask).0, 4);
    ok(&give);
    ok(&ask);
    ok(&["audit", "verify", "--hub", &hub]);
}
