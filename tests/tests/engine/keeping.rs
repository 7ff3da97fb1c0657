//! A ledger as its keepers meet it on the command line: backups, restores, recoveries and receipts.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::Value;
use voilage_tests::clinic::{Clinic, orderly_visits};

use crate::commands::voilage;

/// Lines of a session: each command with its exit code and everything it said.
struct Session<'a> {
    folder: &'a Path,
    text: String,
}

impl Session<'_> {
    fn run(&mut self, line: &str) -> String {
        let words: Vec<String> = line.split(' ').map(|word| self.filled(word)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (code, out, errors) = voilage(&words);
        let said = self.plain(&format!("{out}{errors}"));
        writeln!(self.text, "$ voilage {}\n{said}-> exit {code}\n", line.replace('_', " "))
            .unwrap();
        out
    }

    /// A line is split at its spaces, so a space within a word is written as an underscore; FOLDER
    /// is the session's.
    fn filled(&self, word: &str) -> String {
        word.replace('_', " ").replace("FOLDER", &self.folder.to_string_lossy())
    }

    /// Without what differs from run to run: the folder, hashes and times.
    fn plain(&self, said: &str) -> String {
        let said = said.replace(&*self.folder.to_string_lossy(), "FOLDER");
        let mut plain = String::new();
        let mut word = String::new();
        for letter in said.chars().chain(['\n']) {
            if letter.is_ascii_alphanumeric() || "-:.+".contains(letter) {
                word.push(letter);
                continue;
            }
            let is_hash = word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
            let is_time = word.starts_with("20") && word.contains('T') && word.contains(':');
            plain.push_str(if is_hash {
                "HASH"
            } else if is_time {
                "TIME"
            } else {
                &word
            });
            word.clear();
            plain.push(letter);
        }
        plain.pop();
        plain
    }
}

const ASK: &str = "ask study SELECT_COUNT(*)_AS_n_FROM_visits --rho 0.01 --hub FOLDER/hub.toml";

#[test]
fn a_restored_ledger_is_recovered_by_command() {
    let folder = tempfile::tempdir().unwrap();
    let _clinic = Clinic::build(folder.path(), &orderly_visits());
    let mut session = Session { folder: folder.path(), text: String::new() };
    // What is asked is not what this is about, so its noisy answers stay out of the text.
    let ask = |rho: &str| {
        let hub = folder.path().join("hub.toml");
        let sql = "SELECT COUNT(*) AS n FROM visits";
        let hub = hub.to_str().unwrap();
        let (code, out, errors) =
            voilage(&["ask", "study", sql, "--rho", rho, "--hub", hub, "--json"]);
        assert_eq!(code, 0, "{errors}");
        out
    };
    ask("0.01");
    session.run("ledger recover --hub FOLDER/hub.toml");
    session.run("ledger backup FOLDER/monday.backup --hub FOLDER/hub.toml --dry-run");
    session.run("ledger backup FOLDER/monday.backup --hub FOLDER/hub.toml");
    session.run("ledger backup FOLDER/monday.backup --hub FOLDER/hub.toml");
    fs::write(folder.path().join("told.json"), ask("0.02")).unwrap();
    session.run("ledger restore FOLDER/monday.backup --hub FOLDER/hub.toml");
    for suffix in ["", "-wal", "-shm"] {
        let name = format!("ledger.sqlite{suffix}");
        let _ = fs::rename(folder.path().join(&name), folder.path().join(format!("lost-{name}")));
    }
    session.run("ledger restore FOLDER/told.json --hub FOLDER/hub.toml");
    session.run("ledger restore FOLDER/monday.backup --hub FOLDER/hub.toml --dry-run");
    session.run("ledger restore FOLDER/monday.backup --hub FOLDER/hub.toml");
    session.run(ASK);
    session.run("ledger recover --hub FOLDER/hub.toml");
    session.run("ledger recover --hub FOLDER/hub.toml --reason the_disk_broke");
    session.run("ledger recover --hub FOLDER/hub.toml --branch FOLDER/lost-ledger.sqlite");
    let accept = "ledger recover --hub FOLDER/hub.toml --branch FOLDER/lost-ledger.sqlite --reason \
                  the_disk_broke";
    session.run(&format!("{accept} --dry-run"));
    session.run(&format!("{accept} --json --dry-run"));
    session.run(accept);
    session.run("receipt present FOLDER/told.json --hub FOLDER/hub.toml");
    session.run("ledger recover --hub FOLDER/hub.toml");
    session.run("audit verify --hub FOLDER/hub.toml");
    fs::remove_file(folder.path().join("ledger.sqlite.witness")).unwrap();
    session.run("ledger recover --hub FOLDER/hub.toml");
    session.run("ledger recover --hub FOLDER/hub.toml --reason the_disk_broke");
    session.run("ledger recover --hub FOLDER/hub.toml --reason the_disk_broke --exhaust --dry-run");
    session.run("ledger recover --hub FOLDER/hub.toml --reason it_is_all_there_was --newest");
    session.run("audit verify --hub FOLDER/hub.toml");
    insta::assert_snapshot!("keeping", session.text);
}

#[test]
fn a_receipt_is_verified_with_the_public_key_alone() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let session = Session { folder: folder.path(), text: String::new() };
    let at = |name: &str| folder.path().join(name);
    let job = "project = 'study'\n[[question]]\nname = 'n'\ntitle = 'N'\nrho = '0.01'\n\
               sql = 'SELECT COUNT(*) AS n FROM visits'\n";
    fs::write(at("job.toml"), job).unwrap();
    let words = session.filled("run FOLDER/job.toml --out FOLDER/out --hub FOLDER/hub.toml");
    let words: Vec<&str> = words.split(' ').collect();
    assert_eq!(voilage(&words).0, 0);
    let (_, answer, _) = voilage(&[
        "ask",
        "study",
        "SELECT COUNT(*) AS n FROM visits",
        "--rho",
        "0.01",
        "--json",
        "--hub",
        clinic.hub_file().to_str().unwrap(),
    ]);
    // Everything else may be gone.
    let elsewhere = tempfile::tempdir().unwrap();
    let mut copied = Session { folder: elsewhere.path(), text: String::new() };
    let there = |name: &str| elsewhere.path().join(name);
    fs::copy(at("ledger.sqlite.key.pub"), there("key.pub")).unwrap();
    fs::copy(at("out/study/run.json"), there("run.json")).unwrap();
    fs::write(there("answer.json"), &answer).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["columns"][0], "n");
    assert!(answer["rows"][0][0]["low"].is_number() && answer["replayed"] == true, "{answer}");
    fs::write(there("receipt.json"), answer["receipt"].to_string()).unwrap();
    drop(folder);
    let all = "FOLDER/answer.json FOLDER/receipt.json FOLDER/run.json";
    copied.run(&format!("receipt verify {all} --key FOLDER/key.pub"));
    let mut forged = answer["receipt"].clone();
    forged["loss"]["rho"] = "0.001".into();
    fs::write(there("forged.json"), forged.to_string()).unwrap();
    forged["proof"] = Value::Null;
    fs::write(there("bare.json"), forged.to_string()).unwrap();
    copied.run("receipt verify FOLDER/answer.json FOLDER/forged.json --key FOLDER/key.pub");
    copied.run("receipt verify FOLDER/forged.json --key FOLDER/key.pub --json");
    copied.run("receipt verify FOLDER/bare.json --key FOLDER/key.pub");
    copied.run("receipt verify FOLDER/answer.json --key FOLDER/answer.json");
    copied.run("receipt verify FOLDER/nowhere.json --key FOLDER/key.pub");
    let weak = "0".repeat(64);
    copied.run(&format!("receipt verify FOLDER/answer.json --key {weak}"));
    insta::assert_snapshot!("receipts", copied.text);
}
