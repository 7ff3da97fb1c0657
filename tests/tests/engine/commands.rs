//! The command as an operator meets it: exit codes, messages, and jobs that run twice.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use voilage_tests::clinic::{Clinic, orderly_visits};

/// The exit code, standard output and standard error of one command line.
pub(crate) fn voilage(arguments: &[&str]) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let line = std::iter::once("voilage").chain(arguments.iter().copied());
    let code = voilage_cli::run(line.map(Into::into), &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

/// The command reads the real clock, so the day it names is not part of the golden text.
fn without_today(message: &str) -> String {
    match message.split_once("today is ") {
        Some((before, after)) => format!("{before}today is TODAY{}", &after["2030-01-01".len()..]),
        None => message.to_owned(),
    }
}

const JOB: &str = r#"
project = "study"

[[question]]
name = "people"
title = "People by site"
epsilon = "0.5"
sql = "SELECT site, COUNT(DISTINCT person) AS people FROM visits GROUP BY site"

[[question]]
name = "cost"
title = "Cost <b>by</b> site"
rho = 0.02
sql = "SELECT site, AVG(cost) AS cost FROM visits GROUP BY site ORDER BY cost DESC"
"#;

fn bytes_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn a_job_runs_twice_with_the_same_bytes_and_one_charge() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let hub = clinic.hub_file();
    let hub = hub.to_str().unwrap();
    let job = folder.path().join("job.toml");
    fs::write(&job, JOB).unwrap();
    let out = folder.path().join("out");
    let arguments = ["run", job.to_str().unwrap(), "--hub", hub, "--out", out.to_str().unwrap()];
    let (code, first, errors) = voilage(&arguments);
    assert_eq!(code, 0, "{errors}");
    assert!(first.contains("released now"), "{first}");
    let written = bytes_below(&out.join("study"));
    let names: Vec<&str> = written.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["cost.parquet", "people.parquet", "report.html", "run.json"]);
    let (code, second, _) = voilage(&arguments);
    assert_eq!(code, 0);
    assert!(second.contains("already released") && !second.contains("released now:"), "{second}");
    assert_eq!(bytes_below(&out.join("study")), written);
    let report = String::from_utf8(written[2].1.clone()).unwrap();
    assert!(report.contains("<svg") && !report.contains("<b>by</b>"));
    assert!(!report.contains("http://") || !report.contains("src=\"http"));
    let (code, verified, _) = voilage(&["audit", "verify", "--hub", hub]);
    assert_eq!(code, 0, "{verified}");
}

#[test]
fn a_job_with_one_wrong_question_charges_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let hub = clinic.hub_file();
    let job = folder.path().join("job.toml");
    fs::write(&job, JOB.replace("AVG(cost)", "SUM(person)")).unwrap();
    let (code, _, errors) = voilage(&[
        "run",
        job.to_str().unwrap(),
        "--hub",
        hub.to_str().unwrap(),
        "--out",
        folder.path().join("out").to_str().unwrap(),
    ]);
    assert_eq!(code, 2, "{errors}");
    let hub = voilage_query::Hub::open(&hub).unwrap();
    assert!(hub.ledger().charges("study").unwrap().is_empty());
}

#[test]
fn wrong_commands_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let hub = clinic.hub_file();
    let hub = hub.to_str().unwrap();
    let job = folder.path().join("job.toml");
    let job = job.to_str().unwrap();
    fs::write(job, JOB.replace("title =", "titel =")).unwrap();
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    let open = |name, starts, ends| {
        voilage(&[
            "project",
            "open",
            name,
            "--hub",
            hub,
            "--dataset",
            "clinic",
            "--epsilon",
            "1",
            "--delta",
            "1e-6",
            "--authority",
            "board",
            "--reference",
            "P-2",
            "--purpose",
            "test",
            "--starts",
            starts,
            "--ends",
            ends,
        ])
    };
    assert_eq!(open("over", "2020-01-01", "2020-12-31").0, 0);
    let people = "SELECT COUNT(*) AS n FROM visits";
    let mut text = String::new();
    for (what, arguments) in [
        ("no hub", vec!["budget", "study", "--hub", "nowhere.toml"]),
        ("unknown project", vec!["budget", "studdy", "--hub", hub]),
        ("expired project", vec!["ask", "over", people, "--epsilon", "0.1", "--hub", hub]),
        ("unknown key", vec!["run", job, "--hub", hub, "--out", out]),
        ("missing job", vec!["run", "nowhere.toml", "--hub", hub, "--out", out]),
        ("no loss", vec!["explain", "study", people, "--hub", hub]),
        ("epsilon of zero", vec!["ask", "study", people, "--epsilon", "0", "--hub", hub]),
        ("rho too large", vec!["ask", "study", people, "--rho", "999", "--hub", hub]),
        (
            "unknown column",
            vec!["ask", "study", "SELECT SUM(cots) FROM visits", "--epsilon", "0.1", "--hub", hub],
        ),
    ] {
        let (code, _, errors) = voilage(&arguments);
        let errors = without_today(&errors.replace(&*folder.path().to_string_lossy(), "FOLDER"));
        writeln!(text, "{what}\n-> exit {code}: {}\n", errors.trim_end()).unwrap();
    }
    insta::assert_snapshot!("commands", text);
    let hub = voilage_query::Hub::open(Path::new(hub)).unwrap();
    assert!(hub.ledger().charges("study").unwrap().is_empty());
}

#[test]
fn ledgers_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let hub = clinic.hub_file();
    let hub = hub.to_str().unwrap();
    let ledger = folder.path().join("ledger.sqlite");
    fs::write(&ledger, b"not a ledger at all, only some text that is long enough to be read")
        .unwrap();
    let (code, _, errors) = voilage(&["budget", "study", "--hub", hub]);
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("ledger"), "{errors}");
    for file in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"] {
        let _ = fs::remove_file(folder.path().join(file));
    }
    let (code, _, errors) = voilage(&["budget", "study", "--hub", hub]);
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("voilage init"), "{errors}");
}

/// Bytes that are no text, wherever text is expected.
#[cfg(unix)]
#[test]
fn text_that_is_not_utf8_is_named_and_charges_nothing() {
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::OsStrExt;

    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let hub = clinic.hub_file();
    let good = fs::read(&hub).unwrap();
    let (job, bad_hub) = (folder.path().join("job.toml"), folder.path().join("bad.toml"));
    let question = b"SELECT COUNT(*) AS n FROM visits WHERE reason = '\xff\xfe'";
    let with = |bytes: &[u8], before: &[u8]| -> Vec<u8> {
        let at = bytes.windows(before.len()).position(|part| part == before).unwrap();
        [&bytes[..at + before.len()], b"\xff", &bytes[at + before.len()..]].concat()
    };
    fs::write(&job, with(JOB.as_bytes(), b"People by site")).unwrap();
    fs::write(&bad_hub, with(&good, b"\n[datasets.")).unwrap();
    let text = |text: &str| OsString::from(text);
    let sql = OsStr::from_bytes(question).to_owned();
    let study =
        [text("study"), text("SELECT COUNT(*) AS n FROM visits"), text("--rho"), text("0.1")];
    let mut shown = String::new();
    for (what, arguments) in [
        ("a question", vec![text("ask"), text("study"), sql, text("--hub"), hub.clone().into()]),
        (
            "a name",
            vec![
                text("budget"),
                OsStr::from_bytes(b"st\xffdy").to_owned(),
                text("--hub"),
                hub.clone().into(),
            ],
        ),
        (
            "a job file",
            vec![
                text("run"),
                job.into(),
                text("--out"),
                folder.path().join("out").into(),
                text("--hub"),
                hub.clone().into(),
            ],
        ),
        ("a hub file", [&[text("ask")], &study[..], &[text("--hub"), bad_hub.into()]].concat()),
    ] {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let line = std::iter::once(text("voilage")).chain(arguments);
        let code = voilage_cli::run(line, &mut out, &mut err);
        let errors = String::from_utf8(err).unwrap();
        let errors = errors.replace(&*folder.path().to_string_lossy(), "FOLDER");
        assert!(out.is_empty());
        writeln!(shown, "{what}\n-> exit {code}: {}\n", errors.trim_end()).unwrap();
    }
    insta::assert_snapshot!("not_utf8", shown);
    let hub = voilage_query::Hub::open(&hub).unwrap();
    assert!(hub.ledger().charges("study").unwrap().is_empty());
}
