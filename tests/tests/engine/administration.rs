//! A hub as its administrators, analysts and auditors meet it on the command line.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::Value;
use voilage_budgets::{Act, Decider, Mode, Principal, ProjectRules, Role, Verdict};
use voilage_tests::clinic::{Clinic, orderly_visits};

use crate::commands::voilage;

const PEOPLE: &str = "SELECT COUNT(DISTINCT person) AS n FROM visits";

/// A clinic with a second administrator `ben` of an account of his own, and its hub file's path.
fn clinic(folder: &Path) -> (Clinic, String, String) {
    let clinic = Clinic::build(folder, &orderly_visits());
    let hub = clinic.hub_file().to_str().unwrap().to_owned();
    let (_, list, _) = voilage(&["principal", "list", "--json", "--hub", &hub]);
    let list: Value = serde_json::from_str(&list).unwrap();
    let own = list.as_array().unwrap().iter().find(|one| one["role"] == "administrator").unwrap();
    let account = own["account"].as_str().unwrap().to_owned();
    for (name, role) in
        [("ben", Role::Administrator), ("cleo", Role::Auditor), ("dora", Role::Analyst)]
    {
        // Two administrators of one account would be one person.
        let account = if name == "ben" { "ben".to_owned() } else { account.clone() };
        let principal = Principal { name: name.into(), role, account };
        clinic.decide(&Act::SetPrincipal { principal });
    }
    (clinic, hub, account)
}

fn ok(arguments: &[&str]) -> String {
    let (code, out, errors) = voilage(arguments);
    assert_eq!(code, 0, "{arguments:?}: {errors}");
    out
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&ok(arguments)).unwrap()
}

#[test]
fn two_administrators_open_a_large_project_and_an_analyst_asks_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let (clinic, hub, account) = clinic(folder.path());
    let hub = hub.as_str();
    let set = ["policy", "set", "--project-epsilon", "2", "--project-delta", "1e-6"];
    ok(&[&set[..], &["--reason", "the board asks for it", "--hub", hub]].concat());
    let open = [
        "project",
        "open",
        "large",
        "--hub",
        hub,
        "--dataset",
        "clinic",
        "--epsilon",
        "4",
        "--delta",
        "1e-6",
        "--authority",
        "board",
        "--reference",
        "P-7",
        "--purpose",
        "test",
        "--starts",
        "2020-01-01",
        "--ends",
        "2060-12-31",
        "--legal-basis",
        "data-permit",
        "--person",
        "dora",
    ];
    let rehearsed = ok(&[&open[..], &["--dry-run"]].concat());
    assert!(rehearsed.contains("would propose"), "{rehearsed}");
    assert!(json(&["approve", "--list", "--json", "--hub", hub]).as_array().unwrap().is_empty());
    let proposed = json(&[&open[..], &["--json"]].concat());
    assert_eq!(proposed["outcome"], "proposed");
    let entry = proposed["entry"].to_string();
    let (code, _, errors) = voilage(&["approve", &entry, "--reason", "mine", "--hub", hub]);
    assert_eq!(code, 4, "{errors}");
    assert!(errors.contains("another administrator must approve"), "{errors}");
    // This process cannot be ben's, so ben answers past the command.
    let (code, _, errors) =
        voilage(&["approve", &entry, "--reason", "fine", "--hub", hub, "--as", "ben"]);
    assert_eq!(code, 4, "{errors}");
    let answer = (proposed["entry"].as_u64().unwrap(), Verdict::Approve);
    let ben = Decider { principal: "ben", reason: "fine" };
    voilage_query::Hub::open(&clinic.hub_file())
        .unwrap()
        .ledger()
        .answer(ben, answer, Mode::Record)
        .unwrap();

    let ask = ["ask", "large", PEOPLE, "--epsilon", "0.1", "--hub", hub, "--as"];
    for who in [account.as_str(), "cleo"] {
        let (code, _, errors) = voilage(&[&ask[..], &[who]].concat());
        assert_eq!(code, 4, "{who}: {errors}");
    }
    let first = ok(&[&ask[..], &["dora"]].concat());
    assert!(first.contains("released now"), "{first}");
    // A replay asks for the same rights.
    ok(&["permit", "unname", "large", "dora", "--reason", "left", "--hub", hub]);
    let (code, _, _) = voilage(&[&ask[..], &["dora"]].concat());
    assert_eq!(code, 4);

    let entries = json(&["audit", "list", "--json", "--project", "large", "--hub", hub]);
    let entries = entries.as_array().unwrap();
    let refused = entries.iter().filter(|entry| entry["decision"] == "refused").count();
    assert_eq!(refused, 3);
    let charge = entries.iter().find(|entry| entry["kind"] == "charge").unwrap();
    assert_eq!(charge["principal"], "dora");
    assert_eq!(charge["permit"], "P-7");
    assert_eq!(charge["tables"], "visits");
    assert!(charge["mechanisms"].as_str().unwrap().contains("scale"), "{charge}");
    assert!(charge["rho"].is_string() && charge["output_hash"].is_string(), "{charge}");
    ok(&["audit", "verify", "--hub", hub]);
}

#[test]
fn a_permit_that_ended_leaves_the_ledger_and_takes_the_working_files() {
    let folder = tempfile::tempdir().unwrap();
    let (_clinic, hub, _) = clinic(folder.path());
    let hub = hub.as_str();
    let job = folder.path().join("job.toml");
    let question = format!("name = 'n'\ntitle = 'N'\nepsilon = '0.1'\nsql = '{PEOPLE}'\n");
    fs::write(&job, format!("project = 'study'\n[[question]]\n{question}")).unwrap();
    let out = folder.path().join("out");
    let (job, out) = (job.to_str().unwrap(), out.to_str().unwrap());
    let run = ["run", job, "--hub", hub, "--out", out];
    // Priced as a whole, without a charge.
    let priced = ok(&[&run[..], &["--dry-run"]].concat());
    assert!(priced.contains("nothing was charged"), "{priced}");
    assert!(!Path::new(out).exists());
    ok(&run);
    let kept = folder.path().join("out/study/notes.txt");
    fs::write(&kept, "not ours").unwrap();
    let purge = ["project", "purge", "study", "--out", out, "--reason", "ended", "--hub", hub];
    let (code, _, errors) = voilage(&purge);
    assert_eq!(code, 4, "{errors}");
    ok(&["close", "study", "--reason", "done", "--hub", hub]);
    ok(&[&purge[..], &["--dry-run"]].concat());
    assert!(folder.path().join("out/study/n.parquet").exists());
    ok(&purge);
    let left: Vec<_> = fs::read_dir(folder.path().join("out/study")).unwrap().collect();
    assert_eq!(left.len(), 1, "only what a run wrote is deleted");
    let budget = json(&["budget", "study", "--json", "--hub", hub]);
    assert_eq!(budget["charges"].as_array().unwrap().len(), 1);
    ok(&["audit", "verify", "--hub", hub]);
}

#[test]
fn data_never_moves_under_another_cap() {
    let folder = tempfile::tempdir().unwrap();
    let (_clinic, hub, _) = clinic(folder.path());
    let hub = hub.as_str();
    let before = json(&["dataset", "show", "clinic", "--json", "--hub", hub]);
    ok(&["dataset", "update", "clinic", "--reason", "monthly delivery", "--hub", hub]);
    let after = json(&["dataset", "show", "clinic", "--json", "--hub", hub]);
    assert_ne!(before["data_version"], after["data_version"]);
    assert_eq!(before["left"], after["left"]);
    // A copy of the visits as a new dataset: refused at init and when somebody asks without it.
    fs::copy(folder.path().join("visits.parquet"), folder.path().join("copy.parquet")).unwrap();
    let text = fs::read_to_string(hub).unwrap();
    let copied = text
        .replace("datasets.other", "datasets.fresh")
        .replace("tables.staff", "tables.again")
        .replace("staff.parquet", "copy.parquet")
        .replace("sex = { type = \"utf8\" }", "site = { type = \"int64\" }");
    fs::write(hub, copied).unwrap();
    let (code, _, errors) = voilage(&["init", "--hub", hub]);
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("have a lifetime cap already"), "{errors}");
    // The file of a known table is moved to another place in the hub file.
    fs::write(hub, text.replace("file = \"visits.parquet\"", "file = \"copy.parquet\"")).unwrap();
    let ask = ["ask", "study", PEOPLE, "--epsilon", "0.1", "--hub", hub];
    let (code, _, errors) = voilage(&ask);
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("voilage dataset update clinic"), "{errors}");
    let init = ok(&["init", "--hub", hub]);
    assert!(init.contains("changed  the files of dataset clinic"), "{init}");
}

#[test]
fn exports_hold_every_entry_and_fingerprints_stay_with_the_holder() {
    let folder = tempfile::tempdir().unwrap();
    let (_clinic, hub, _) = clinic(folder.path());
    let hub = hub.as_str();
    ok(&["ask", "study", PEOPLE, "--epsilon", "0.1", "--hub", hub]);
    let lines = folder.path().join("audit.jsonl");
    let table = folder.path().join("audit.parquet");
    for file in [&lines, &table] {
        ok(&["audit", "export", file.to_str().unwrap(), "--hub", hub]);
        let (code, _, errors) = voilage(&["audit", "export", file.to_str().unwrap(), "--hub", hub]);
        assert_eq!(code, 2, "{errors}");
    }
    let head = json(&["audit", "verify", "--json", "--hub", hub]);
    let text = fs::read_to_string(&lines).unwrap();
    assert_eq!(text.lines().count() as u64, head["entries"].as_u64().unwrap());
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    assert!(!text.contains("visits.parquet"), "paths and fingerprints are the holder's");
    let with = ["audit", "list", "--json", "--fingerprints", "--hub", hub];
    assert!(ok(&with).contains("visits.parquet"));
    let (code, _, errors) = voilage(&[&with[..], &["--as", "cleo"]].concat());
    assert_eq!(code, 4, "{errors}");
}

#[test]
fn wrong_decisions_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (_clinic, hub, account) = clinic(folder.path());
    let hub = hub.as_str();
    ok(&["ask", "study", PEOPLE, "--rho", "1", "--hub", hub]);
    ok(&["suspend", "study", "--reason", "a complaint", "--hub", hub]);
    let mut text = String::new();
    for (what, arguments) in [
        ("suspended", vec!["ask", "study", PEOPLE, "--epsilon", "0.1"]),
        ("unknown principal", vec!["ask", "study", PEOPLE, "--epsilon", "0.1", "--as", "dorra"]),
        ("an auditor decides", vec!["resume", "study", "--reason", "x", "--as", "cleo"]),
        ("no reason", vec!["resume", "study", "--reason", " "]),
        (
            "a cap below what was spent",
            vec!["project", "cap", "study", "--epsilon", "0.5", "--delta", "1e-6", "--reason", "x"],
        ),
        (
            "a cap above the dataset's",
            vec!["project", "cap", "study", "--epsilon", "1000", "--delta", "0.5", "--reason", "x"],
        ),
        (
            "no decimal",
            vec!["project", "cap", "study", "--epsilon", "1e999999999", "--reason", "x"],
        ),
        (
            "overlapping permits",
            vec![
                "permit",
                "grant",
                "study",
                "--authority",
                "board",
                "--reference",
                "P-2",
                "--purpose",
                "test",
                "--starts",
                "2060-01-01",
                "--ends",
                "2061-01-01",
                "--reason",
                "x",
            ],
        ),
        (
            "an extension backwards",
            vec!["permit", "extend", "study", "P-1", "--until", "2030-01-01", "--reason", "x"],
        ),
        (
            "an unknown permit",
            vec!["permit", "extend", "study", "P-9", "--until", "2070-01-01", "--reason", "x"],
        ),
        ("an unknown person", vec!["permit", "name", "study", "eve", "--reason", "x"]),
        ("an auditor is named", vec!["permit", "name", "study", "cleo", "--reason", "x"]),
        ("no pace", vec!["project", "rules", "study", "--pace", "fast", "--reason", "x"]),
        ("no table", vec!["project", "rules", "study", "--table", "vists", "--reason", "x"]),
        (
            "dates exchanged",
            vec![
                "project",
                "rules",
                "study",
                "--starts",
                "2031-01-02",
                "--ends",
                "2031-01-01",
                "--reason",
                "x",
            ],
        ),
        ("no proposal", vec!["approve", "99", "--reason", "x"]),
        ("no reason to approve", vec!["approve", "99"]),
    ] {
        let (code, _, errors) = voilage(&[&arguments[..], &["--hub", hub]].concat());
        let errors = errors.replace(&account, "ACCOUNT");
        let errors = match errors.split_once("suspended since ") {
            Some((before, after)) => format!("{before}suspended since DAY{}", &after[10..]),
            None => errors,
        };
        writeln!(text, "{what}\n-> exit {code}: {}\n", errors.trim_end()).unwrap();
    }
    insta::assert_snapshot!("administration", text);
}

#[test]
fn a_rule_of_small_groups_is_told_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (clinic, hub, _) = clinic(folder.path());
    let rules = ProjectRules { min_units: Some(1_000), ..ProjectRules::default() };
    clinic.decide(&Act::SetRules { project: "study".into(), rules });
    assert!(ok(&["project", "show", "study", "--hub", &hub]).contains("of 1000 units or more"));
    let explained = ok(&["explain", "study", PEOPLE, "--rho", "100", "--hub", &hub]);
    assert!(explained.contains("reaches 1000 (the project's rule)"), "{explained}");
    let more = ["--min-units", "2000", "--rho", "100"];
    let explained = ok(&[&["explain", "study", PEOPLE, "--hub", &hub][..], &more].concat());
    assert!(explained.contains("reaches 2000 (asked for in the question)"), "{explained}");
    let answered = ok(&["ask", "study", PEOPLE, "--rho", "100", "--hub", &hub]);
    assert!(answered.contains("released now"), "{answered}");
}

#[test]
fn a_shell_can_complete_every_verb() {
    let script = ok(&["completions", "bash"]);
    for verb in ["dataset", "permit", "principal", "approve", "suspend", "audit"] {
        assert!(script.contains(verb), "{verb}");
    }
}
