//! Wrong files, names, losses and hubs: one clear message each, and nothing spent.

use std::fmt::Write;
use std::fs;
use std::sync::Arc;

use voilage_budgets::Act;
use voilage_query::observer::{Stage, StageObserver};
use voilage_query::question::SpendOptions;
use voilage_query::{Hub, Spend};
use voilage_tests::clinic::{Clinic, Visit, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{ask, rho};

const SQL: &str = "SELECT COUNT(*) AS n FROM visits";

#[test]
fn files_that_cannot_be_read_are_named_before_any_charge() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let file = folder.path().join("visits.parquet");
    let whole = fs::read(&file).unwrap();
    let mut text = String::new();
    let mut say = |what: &str| {
        let error = ask(&study, SQL, &rho("0.1")).unwrap_err();
        let message = error.to_string().replace(&*folder.path().to_string_lossy(), "FOLDER");
        writeln!(text, "{what}\n-> exit {}: {message}\n", error.kind().exit_code()).unwrap();
    };
    fs::write(&file, b"site,cost\n1,2\n").unwrap();
    say("not Parquet");
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    say("truncated");
    fs::copy(folder.path().join("reasons.parquet"), &file).unwrap();
    say("another table's file");
    fs::remove_file(&file).unwrap();
    say("missing");
    insta::assert_snapshot!("files", text);
    assert!(study.hub().ledger().charges("study").unwrap().is_empty());
}

#[test]
fn rows_of_nobody_are_never_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut visits = orderly_visits();
    let known = visits.len() as i64;
    for _ in 0..500 {
        visits.push(Visit { person: None, ..visits[0].clone() });
    }
    let clinic = Clinic::build(folder.path(), &visits);
    let tape = Tape::recording(1);
    ask(&clinic.study(Arc::new(tape.clone())), SQL, &rho("0.1")).unwrap();
    let counted = tape.columns()[0].cells[0].exact;
    assert!(counted <= i128::from(known), "{counted} rows of {known}");
}

#[test]
fn losses_are_plain_decimals_in_range() {
    let mut text = String::new();
    for loss in ["0", "-1", "NaN", "inf", "1e308", "1e-400", "1e999999999", "\u{661}", "", "0x1"] {
        let options = SpendOptions { epsilon: Some(loss), ..SpendOptions::default() };
        let error = Spend::from_options(options).unwrap_err();
        writeln!(text, "epsilon {loss:?} -> exit {}: {error}", error.kind().exit_code()).unwrap();
    }
    for share in ["2", "0%", "101%", "-1%", "x%"] {
        let options = SpendOptions { share: Some(share), ..SpendOptions::default() };
        let error = Spend::from_options(options).unwrap_err();
        writeln!(text, "share {share:?} -> exit {}: {error}", error.kind().exit_code()).unwrap();
    }
    insta::assert_snapshot!("losses", text);
}

#[test]
fn a_budget_that_does_not_suffice_and_a_closed_project_refuse() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let refused = ask(&study, SQL, &rho("999")).unwrap_err();
    assert_eq!(refused.kind().exit_code(), 3, "{refused}");
    let unknown = study.hub().project("studi").err().unwrap();
    assert_eq!(unknown.kind().exit_code(), 2);
    assert!(unknown.to_string().contains("study"), "{unknown}");
    clinic.decide(&Act::Close { project: "study".to_owned() });
    let closed = ask(&study, SQL, &rho("0.1")).unwrap_err();
    assert_eq!(closed.kind().exit_code(), 4, "{closed}");
    assert!(study.hub().ledger().charges("study").unwrap().is_empty());
}

#[test]
fn contradictory_hub_files_are_refused() {
    let good = include_str!("../../../examples/hub.toml");
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for (what, from, to) in [
        ("unknown key", "[hub]", "[hub]\ncolour = 1"),
        ("unit that is no column", "unit = \"zper\"", "unit = \"zpr\""),
        ("no groups", "max_groups = 1", "max_groups = 0"),
        ("too little memory", "[hub]", "[hub]\nmemory_mib = 63"),
        ("pure with delta", "accountant = \"zcdp\"", "accountant = \"pure\""),
        (
            "bounds the wrong way round",
            "bounds = [\"0\", \"25000\"]",
            "bounds = [\"25000\", \"0\"]",
        ),
        ("bounds of nothing", "bounds = [\"0\", \"25000\"]", "bounds = [\"0\", \"0\"]"),
        ("infinite bounds", "bounds = [\"0\", \"25000\"]", "bounds = [\"0\", \"inf\"]"),
        (
            "bounds and values",
            "bounds = [\"0\", \"25000\"]",
            "bounds = [\"0\", \"25000\"], values = [1, 2]",
        ),
        ("a value twice", "values = [0, 25, 50, 95, 100]", "values = [0, 25, 25]"),
        (
            "a ceiling below its bound",
            "max_rows_per_group = 5",
            "max_rows_per_group = 5\nmax_rows_per_group_ceiling = 4",
        ),
        (
            "a wrong default price",
            "accountant = \"zcdp\"",
            "accountant = \"zcdp\"\ndefault_spend = { share = \"2\" }",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        let path = folder.path().join("hub.toml");
        fs::write(&path, good.replacen(from, to, 1)).unwrap();
        let error = Hub::open(&path).err().unwrap();
        let message = error.to_string().replace(&*folder.path().to_string_lossy(), "FOLDER");
        writeln!(text, "{what}\n-> exit {}: {message}\n", error.kind().exit_code()).unwrap();
    }
    insta::assert_snapshot!("hubs", text);
}

/// A page that breaks in the middle of a scan: analysts learn one bit, the operator the rest, the
/// charge stands, and asking again completes under it.
#[test]
fn a_corrupt_page_is_one_generic_try_again() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let sql = "SELECT SUM(cost) AS cost FROM visits";
    let file = folder.path().join("visits.parquet");
    let whole = fs::read(&file).unwrap();
    let mut broken = whole.clone();
    let pages = whole.len() / 3;
    broken[4..pages].fill(0xff);
    fs::write(&file, &broken).unwrap();
    let error = ask(&study, sql, &rho("0.1")).unwrap_err();
    assert_eq!(error.kind().exit_code(), 75, "{error}");
    assert!(!error.to_string().to_lowercase().contains("parquet"), "{error}");
    let spent = study.project().unwrap().spent;
    assert_eq!(study.hub().ledger().charges("study").unwrap().len(), 1);
    fs::write(&file, &whole).unwrap();
    let answer = ask(&study, sql, &rho("0.1")).unwrap();
    assert!(!answer.replayed);
    assert_eq!(study.project().unwrap().spent, spent);
    assert_eq!(study.hub().ledger().charges("study").unwrap().len(), 1);
    let log = fs::read_to_string(folder.path().join("ledger.operator.log")).unwrap();
    assert!(log.contains("execution failed"), "{log}");
}

/// A file that changes once the question is paid for and before it is read, or while it is: one
/// generic answer, whatever became of the file, and the charge waits for it to come back.
#[test]
fn a_file_that_changes_during_the_query_is_one_generic_try_again() {
    /// Replaces a file when execution begins.
    struct Replaces<'a>(&'a std::path::Path, &'a [u8]);
    impl StageObserver for Replaces<'_> {
        fn reached(&self, stage: Stage) {
            if stage == Stage::Executing {
                fs::write(self.0, self.1).unwrap();
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let file = folder.path().join("visits.parquet");
    let whole = fs::read(&file).unwrap();
    let others = fs::read(folder.path().join("people.parquet")).unwrap();
    let sql = "SELECT SUM(cost) AS cost FROM visits";
    let question = study.question(sql, &rho("0.1")).unwrap();
    let mut messages = Vec::new();
    for spoiled in [&whole[..whole.len() / 2], &others[..]] {
        let error = question.run(&Replaces(&file, spoiled)).unwrap_err();
        assert_eq!(error.kind().exit_code(), 75, "{error}");
        messages.push(error.to_string());
        fs::write(&file, &whole).unwrap();
    }
    assert_eq!(messages[0], messages[1]);
    let spent = study.project().unwrap().spent;
    let answer = ask(&study, sql, &rho("0.1")).unwrap();
    assert!(!answer.replayed);
    assert_eq!(study.project().unwrap().spent, spent);
    assert_eq!(study.hub().ledger().charges("study").unwrap().len(), 1);
}

/// More rows than fit the memory of the policy, where there is no place for them at first.
///
/// A third of 64 MiB holds 1.8 million rows of 12 bytes.
#[test]
fn rows_that_do_not_fit_are_spilled_or_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let hub = fs::read_to_string(clinic.hub_file()).unwrap();
    let hub = hub.replacen("[hub]", "[hub]\nmemory_mib = 64\nspill = \"place\"", 1);
    fs::write(clinic.hub_file(), hub).unwrap();
    let ids: Vec<i64> = (0..2_500_000).map(|row| row * 7_919 % 600_011).collect();
    clinic.write_people(&ids);
    let place = folder.path().join("place");
    fs::write(&place, "not a folder").unwrap();

    let tape = Tape::recording(1);
    let study = clinic.study(Arc::new(tape.clone()));
    let sql = "SELECT sex, COUNT(*) AS n FROM people GROUP BY sex";
    let error = ask(&study, sql, &rho("0.1")).unwrap_err();
    assert_eq!(error.kind().exit_code(), 75, "{error}");
    assert!(!error.to_string().contains("place"), "{error}");
    let spent = study.project().unwrap().spent;
    let log = fs::read_to_string(folder.path().join("ledger.operator.log")).unwrap();
    assert!(log.contains("place"), "{log}");

    fs::remove_file(&place).unwrap();
    // What a killed execution would have left is gone once a hub is opened.
    fs::create_dir_all(place.join("1-0")).unwrap();
    fs::write(place.join("1-0/0.arrows"), "rows").unwrap();
    let study = clinic.study(Arc::new(tape.clone()));
    assert!(!place.join("1-0").exists());
    ask(&study, sql, &rho("0.1")).unwrap();
    assert_eq!(study.project().unwrap().spent, spent);
    let counted: i128 = tape.columns()[0].cells.iter().map(|cell| cell.exact).sum();
    assert_eq!(counted, 600_011, "everybody once");
    let left: Vec<_> = fs::read_dir(&place).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, ["lock"], "rows were spilled, and are gone");
}

/// Text that is no question: one refusal each, nothing spent, and long before a stack overflows.
#[test]
fn texts_beyond_the_limits_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let list = |tokens: usize| vec!["1"; tokens].join(",");
    let within = |depth: usize, left: &str, inner: &str, right: &str| {
        format!("{}{inner}{}", left.repeat(depth), right.repeat(depth))
    };
    let joins: String = (0..40)
        .map(|copy| format!(" JOIN reasons AS r{copy} ON r{copy}.reason = v.reason"))
        .collect();
    let mut text = String::new();
    for (what, sql) in [
        ("10,001 tokens", format!("SELECT COUNT(*) FROM visits WHERE site IN ({})", list(4_995))),
        ("1 MiB", format!("SELECT COUNT(*) FROM visits WHERE reason = '{}'", "x".repeat(1 << 20))),
        (
            "depth 51",
            format!("SELECT COUNT(*) FROM visits WHERE site = {}", within(51, "(", "1", ")")),
        ),
        (
            "subqueries 51 deep",
            within(51, "SELECT * FROM (", "SELECT COUNT(*) AS n FROM visits", ") AS t"),
        ),
        ("41 relations", format!("SELECT COUNT(*) FROM visits AS v{joins}")),
        (
            "33 branches",
            format!(
                "SELECT COUNT(*) AS n FROM visits{}",
                " UNION ALL SELECT COUNT(*) FROM visits".repeat(32)
            ),
        ),
        ("a NUL byte", "SELECT COUNT(*)\nFROM visits WHERE reason = 'a\0b'".to_owned()),
        ("an open quote", "SELECT COUNT(*) FROM visits WHERE reason = 'a".to_owned()),
        ("nothing", String::new()),
        ("a comment", "-- SELECT COUNT(*) FROM visits".to_owned()),
        ("a look-alike", "SELECT COUNT(*) FROM vis\u{456}ts".to_owned()),
        ("an invisible character", "SELECT COUNT(*) FROM visits\u{200b}".to_owned()),
    ] {
        let error = ask(&study, &sql, &rho("0.1")).unwrap_err();
        writeln!(text, "{what}\n-> exit {}: {error}\n", error.kind().exit_code()).unwrap();
    }
    insta::assert_snapshot!("texts", text);
    assert!(study.hub().ledger().charges("study").unwrap().is_empty());
    // Just within the limits, the same forms are answered.
    for sql in [
        format!("SELECT COUNT(*) AS n FROM visits WHERE site IN ({})", list(4_990)),
        format!("SELECT COUNT(*) AS n FROM visits WHERE site = {}", within(20, "(", "1", ")")),
        format!("SELECT COUNT(*) AS n FROM visits WHERE site = {}", "9".repeat(400)),
        "SELECT COUNT(*) AS n FROM `visits` WHERE \"site\" = 1".to_owned(),
    ] {
        assert!(study.question(&sql, &rho("0.1")).is_ok(), "{}", &sql[..50]);
    }
}

/// Explaining reads the footer of a file, whatever its pages hold.
#[test]
fn explaining_reads_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let explain = |sql: &str| study.question(sql, &rho("0.1")).unwrap().explanation().to_string();
    let questions = [
        "SELECT site, COUNT(DISTINCT person) AS n, AVG(cost) AS cost FROM visits GROUP BY site",
        "SELECT reason, COUNT(*) AS n FROM visits GROUP BY reason",
        "SELECT p.sex, SUM(v.minutes) AS m FROM visits AS v JOIN people AS p ON v.person = p.person \
         GROUP BY p.sex",
    ];
    let before = questions.map(explain);
    for table in ["visits", "people"] {
        let file = folder.path().join(format!("{table}.parquet"));
        let mut bytes = fs::read(&file).unwrap();
        let footer = u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap()) as usize;
        let pages = bytes.len() - 8 - footer;
        bytes[4..pages].fill(0xff);
        fs::write(&file, bytes).unwrap();
    }
    assert_eq!(before, questions.map(explain));
}

/// Text that the file holds as a dictionary stays one up to the kernel: the same keys, labels and
/// exact values as from plain text, with unlisted entries as NULL.
#[test]
fn a_dictionary_column_gives_what_plain_text_gives() {
    let sqls = [
        "SELECT sex, COUNT(*) AS n FROM people GROUP BY sex",
        "SELECT sex, COUNT(*) AS n FROM people WHERE person > 10 GROUP BY sex",
        "SELECT sex, COUNT(*) AS n FROM people WHERE sex = 'f' GROUP BY sex",
    ];
    let released = |dictionary: bool| {
        let folder = tempfile::tempdir().unwrap();
        let clinic = Clinic::build(folder.path(), &orderly_visits());
        clinic.write_sexes(&["f", "m", "?", "m", "f", "f"].repeat(20), dictionary);
        let tape = Tape::recording(1);
        let study = clinic.study(Arc::new(tape.clone()));
        for sql in sqls {
            ask(&study, sql, &rho("0.1")).unwrap();
        }
        tape.columns()
    };
    let plain = released(false);
    let unlisted = plain[0].cells.iter().filter(|cell| cell.exact == 20).count();
    assert_eq!(unlisted, 1, "20 unlisted values are the NULL key");
    assert_eq!(released(true), plain);
}
