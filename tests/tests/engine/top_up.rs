//! Top-ups: the same bounded answer, noise of its own, one mean of all draws, and nothing for nothing.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use voilage_budgets::{Act, ErrorKind};
use voilage_privacy::mechanism::{Combined, Noise};
use voilage_privacy::quantity::Accountant;
use voilage_privacy::source::NoiseSource;
use voilage_privacy::source::testing::RecordedColumn;
use voilage_privacy::{Loss, PrivacyError};
use voilage_query::observer::Unobserved;
use voilage_query::question::SpendOptions;
use voilage_query::{
    Answer, AskOptions, Interrupt, QueryError, Question, Randomness, ReleaseId, Spend, Study,
};
use voilage_tests::clinic::{Clinic, Visit, orderly_visits};
use voilage_tests::randomness::Tape;
use voilage_tests::replay::{Run, violations};

use crate::{ask, rho};

/// A tape whose bounding key is of this run alone: two releases bound alike only if the second one
/// takes the first one's key.
struct Keyed {
    tape: Tape,
    key: u8,
}

impl Randomness for Keyed {
    fn bounding_key(&self) -> Result<[u8; 16], PrivacyError> {
        Ok([self.key; 16])
    }

    fn noise(&self) -> Result<Box<dyn NoiseSource>, PrivacyError> {
        self.tape.noise()
    }
}

/// People with far more rows and sites than the bounds keep, so that the key decides what is counted.
fn crowded_visits() -> Vec<Visit> {
    let mut visits = Vec::new();
    for person in 1..=40_i64 {
        for visit in 0..24 {
            visits.push(Visit {
                person: Some(person),
                site: Some(1 + visit % 3),
                reason: Some(["flu", "cough", "fracture", "other"][(visit % 4) as usize].into()),
                cost: Some((person * 7 % 90) as f64 + visit as f64 / 4.0),
                minutes: Some((person * 3 + visit) % 60),
            });
        }
    }
    visits
}

fn study(clinic: &Clinic, seed: u8) -> (Study, Tape) {
    let tape = Tape::recording(u64::from(seed));
    (clinic.study(Arc::new(Keyed { tape: tape.clone(), key: seed })), tape)
}

fn release(answer: &Answer) -> ReleaseId {
    ReleaseId::parse(&answer.receipt.charge.to_string()).unwrap()
}

fn topping(study: &Study, sql: &str, former: &Answer, spend: &str) -> Result<Question, QueryError> {
    study.top_up(sql, &release(former), &rho(spend), &AskOptions::default())
}

fn top_up(study: &Study, sql: &str, former: &Answer, spend: &str) -> Answer {
    topping(study, sql, former, spend).unwrap().run(&Unobserved).unwrap()
}

fn exact(columns: &[RecordedColumn]) -> Vec<Vec<i128>> {
    let cells = |column: &RecordedColumn| column.cells.iter().map(|cell| cell.exact).collect();
    columns.iter().map(cells).collect()
}

/// What was released for one cell of a column, draw by draw, and the noises.
fn readings(tapes: &[Vec<RecordedColumn>], column: usize, cell: usize) -> (Vec<Noise>, Vec<i128>) {
    let of = |tape: &Vec<RecordedColumn>| {
        (tape[column].request.noise, tape[column].cells[cell].released)
    };
    tapes.iter().map(of).unzip()
}

fn whole(table: &RecordBatch, column: usize) -> Vec<i128> {
    let values = table.column(column).as_primitive::<Int64Type>();
    values.values().iter().map(|value| i128::from(*value)).collect()
}

const SQL: &str = "SELECT site, COUNT(*) AS n, SUM(minutes) AS minutes, AVG(minutes) AS mean \
                   FROM visits GROUP BY site";

/// Three draws around one bounded answer: exact totals are equal though every run brings a bounding
/// key of its own, counts and sums are the exact weighted means, and the mean follows from them.
#[test]
fn three_draws_are_one_exact_mean_of_one_bounded_answer() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &crowded_visits());
    let (first, tape) = study(&clinic, 1);
    let mut answer = ask(&first, SQL, &rho("0.02")).unwrap();
    let mut tapes = vec![tape.columns()];
    for (seed, spend) in [(2, "0.05"), (3, "0.01")] {
        let (next, tape) = study(&clinic, seed);
        answer = top_up(&next, SQL, &answer, spend);
        tapes.push(tape.columns());
        assert_eq!(exact(&tapes[0]), exact(&tapes[usize::from(seed) - 1]), "another key bounded");
    }
    assert_ne!(tapes[1][0].cells[0].released, tapes[2][0].cells[0].released, "noise was reused");
    // Columns in their order: rows, sum and deviations of minutes, rows with minutes.
    let names: Vec<&str> = tapes[0].iter().map(|column| column.request.column.as_str()).collect();
    assert_eq!(names, ["n0_rows", "n1_sum", "n2_deviations", "n3_rows"]);
    let mean_of = |column: usize, cell: usize| {
        let (noises, released) = readings(&tapes, column, cell);
        Combined::of(&noises).unwrap().value(released)
    };
    let cells = answer.table.num_rows();
    assert_eq!(cells, 4);
    for (shown, column) in [(1, 0), (2, 1)] {
        let expected: Vec<i128> = (0..cells).map(|cell| mean_of(column, cell)).collect();
        assert_eq!(whole(&answer.table, shown), expected);
    }
    let means = answer.table.column(3).as_primitive::<Float64Type>();
    for cell in 0..cells {
        let ratio = mean_of(2, cell) as f64 / mean_of(3, cell).max(1) as f64;
        assert!((means.value(cell) - (30.0 + ratio.clamp(-30.0, 30.0))).abs() < 1e-9);
    }
    // The receipt names what was combined, and was signed with it.
    let combined: Vec<String> =
        answer.receipt.combined.iter().map(|part| part.loss["rho"].clone()).collect();
    assert_eq!(combined.len(), 2);
    assert!(answer.receipt.proof.is_some());
}

/// Precision in three steps is what it is at once, and costs the same: the same errors before paying
/// and the same intervals after, but for rounding.
#[test]
fn steps_cost_and_give_what_one_release_does() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let (study, _) = study(&clinic, 1);
    let first = ask(&study, SQL, &rho("0.01")).unwrap();
    let second = top_up(&study, SQL, &first, "0.02");
    let question = topping(&study, SQL, &second, "0.03").unwrap();
    let third = question.run(&Unobserved).unwrap();
    let once = study.question(SQL, &rho("0.06")).unwrap();
    let errors = |question: &Question| -> Vec<f64> {
        question.explanation().boundaries[0].outputs.iter().map(|output| output.error_95).collect()
    };
    for (steps, once) in errors(&question).iter().zip(errors(&once)) {
        assert!((steps / once - 1.0).abs() < 1e-3 || (steps - once).abs() <= 1.0, "{steps} {once}");
    }
    let spent = study.project().unwrap().spent;
    let Loss::Zcdp { rho: paid, delta } = &spent else { panic!("zcdp") };
    assert!(delta.is_zero());
    // Scales round up, never the price: 5e-7 of it may stay unspent.
    let paid: f64 = paid.to_string().parse().unwrap();
    assert!(paid <= 0.06 && paid > 0.06 * (1.0 - 2e-6), "{paid}");
    let widths = |answer: &Answer, column: usize| -> Vec<f64> {
        let interval = answer.intervals[column].as_ref().unwrap();
        interval
            .low
            .iter()
            .zip(&interval.high)
            .map(|(low, high)| high.unwrap() - low.unwrap())
            .collect()
    };
    let once = once.run(&Unobserved).unwrap();
    for column in [1, 2] {
        for (steps, once) in widths(&third, column).iter().zip(widths(&once, column)) {
            assert!((steps - once).abs() <= 2.0, "{steps} against {once}");
        }
    }
}

/// Asked again it is a replay; of another release, or for another price, it is another question.
#[test]
fn a_top_up_asked_again_is_free_and_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let (study, tape) = study(&clinic, 1);
    let first = ask(&study, SQL, &rho("0.01")).unwrap();
    let second = top_up(&study, SQL, &first, "0.02");
    let spent = study.project().unwrap().spent;
    let drawn = tape.columns().len();
    let again = top_up(&study, SQL, &first, "0.02");
    assert!(!second.replayed && again.replayed);
    assert_eq!((&again.table, &again.intervals), (&second.table, &second.intervals));
    assert_eq!(again.receipt, second.receipt);
    assert_eq!((study.project().unwrap().spent, tape.columns().len()), (spent.clone(), drawn));
    // Its words above the boundary are free, as those of any release.
    let sql = "SELECT site, AVG(minutes) AS mean, COUNT(*) AS n, SUM(minutes) AS total FROM visits \
               GROUP BY site ORDER BY site DESC";
    assert_eq!(study.project().unwrap().spent, spent);
    let other = topping(&study, sql, &first, "0.02");
    assert!(other.is_err(), "columns in another order are drawn in another order");
    // The first release is what it was, and the question asked anew at the second price is new.
    assert_eq!(ask(&study, SQL, &rho("0.01")).unwrap().table, first.table);
    assert!(!ask(&study, SQL, &rho("0.02")).unwrap().replayed);
    assert!(
        !top_up(&study, SQL, &second, "0.02").replayed,
        "a top-up of the top-up is another one"
    );
    assert_eq!(study.hub().ledger().charges("study").unwrap().len(), 4);
    study.hub().ledger().verify().unwrap();
}

/// Which values of a person count is chosen by the same key, too.
#[test]
fn a_count_of_distinct_values_is_topped_up() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &crowded_visits());
    let sql = "SELECT site, COUNT(DISTINCT minutes) AS n FROM visits GROUP BY site";
    let (first_study, tape) = study(&clinic, 1);
    let first = ask(&first_study, sql, &rho("2")).unwrap();
    let before = tape.columns();
    let (next, tape) = study(&clinic, 2);
    top_up(&next, sql, &first, "2");
    assert_eq!(exact(&before), exact(&tape.columns()));
    let (other, tape) = study(&clinic, 3);
    ask(&other, sql, &rho("3")).unwrap();
    assert_ne!(exact(&before), exact(&tape.columns()), "the test can fail");
}

/// Learned keys are public once released: only they are drawn again, around the counts that were bounded
/// among all keys, and no delta is spent.
#[test]
fn released_keys_are_topped_up_and_none_is_selected() {
    let folder = tempfile::tempdir().unwrap();
    let mut visits = crowded_visits();
    for visit in visits.iter_mut().filter(|visit| visit.person == Some(7)) {
        visit.reason = Some(format!("rare {:?}", visit.minutes));
    }
    let clinic = Clinic::build(folder.path(), &visits);
    let sql = "SELECT reason, COUNT(DISTINCT person) AS people, SUM(minutes) AS minutes \
               FROM visits GROUP BY reason";
    let (first_study, tape) = study(&clinic, 1);
    let first = ask(&first_study, sql, &rho("2")).unwrap();
    let before = tape.columns();
    let released = first.table.num_rows();
    assert!(released < before[0].cells.len(), "candidates were dropped");
    let (next, tape) = study(&clinic, 2);
    let second = top_up(&next, sql, &first, "2");
    let after = tape.columns();
    assert_eq!(second.table.column(0), first.table.column(0));
    assert_eq!(second.receipt.loss["delta"], "0");
    assert_ne!(first.receipt.loss["delta"], "0");
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(after.cells.len(), released, "only released keys are drawn");
        for cell in &after.cells {
            let known = before.cells.iter().find(|known| known.label == cell.label).unwrap();
            assert_eq!(known.exact, cell.exact, "bounded among other keys");
        }
    }
    let interval = second.intervals[1].as_ref().unwrap();
    let people = whole(&second.table, 1);
    for (row, count) in people.iter().enumerate() {
        assert!(
            interval.low.value(row) <= *count as f64 && *count as f64 <= interval.high.value(row)
        );
    }
}

/// A smallest group is kept by the mean, too: what was shown at first may turn out to be too small.
#[test]
fn means_below_the_smallest_group_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let sql = "SELECT site, COUNT(DISTINCT person) AS people FROM visits GROUP BY site";
    let options = AskOptions { min_units: Some(5), ..AskOptions::default() };
    let mut dropped = 0;
    for seed in 1..=12 {
        let (study, _) = study(&clinic, seed);
        let spend = format!("0.0{seed:02}1");
        let first = study.question_with(sql, &rho(&spend), &options).unwrap();
        let first = first.run(&Unobserved).unwrap();
        let second = study.top_up(sql, &release(&first), &rho("2"), &options).unwrap();
        let second = second.run(&Unobserved).unwrap();
        assert!(whole(&second.table, 1).iter().all(|count| *count >= 5));
        dropped += first.table.num_rows() - second.table.num_rows();
    }
    assert!(dropped > 0, "sites without people appeared at first and not in the mean");
}

/// What one person may change in a top-up is what one person may change in any release.
#[test]
fn a_neighbour_changes_a_top_up_no_more_than_a_release() {
    for sql in [
        SQL,
        "SELECT reason, COUNT(DISTINCT person) AS people, SUM(minutes) AS minutes FROM visits GROUP BY reason",
    ] {
        let visits = crowded_visits();
        let fewer =
            visits.iter().filter(|visit| visit.person != Some(3)).cloned().collect::<Vec<_>>();
        let (folder, other_folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let tape = Tape::recording(1);
        let base = Clinic::build(folder.path(), &visits);
        let study = base.study(Arc::new(tape.clone()));
        let first = ask(&study, sql, &rho("2")).unwrap();
        let other_tape = Tape::replaying(&tape.columns());
        let other = Clinic::build(other_folder.path(), &fewer);
        let other_study = other.study(Arc::new(other_tape.clone()));
        let other_first = ask(&other_study, sql, &rho("2")).unwrap();
        assert_eq!(first.table, other_first.table);
        tape.record_again(2);
        let mut here = Run::of(&topping(&study, sql, &first, "3").unwrap(), &tape);
        other_tape.replay_next(&here.columns);
        let mut there =
            Run::of(&topping(&other_study, sql, &other_first, "3").unwrap(), &other_tape);
        // Their keys are public by now: there may be no difference in what is asked for.
        (here.learned, there.learned) = (BTreeSet::new(), BTreeSet::new());
        assert_eq!(violations(&here, &there), Vec::<String>::new(), "{sql}");
        assert_ne!(exact(&here.columns), exact(&there.columns), "the test can fail");
    }
}

/// Stopped after its charge, it is answered under that charge by the next run.
#[test]
fn a_stopped_top_up_keeps_its_charge() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let (study, tape) = study(&clinic, 1);
    let first = ask(&study, SQL, &rho("0.01")).unwrap();
    let drawn = tape.columns().len();
    let question = topping(&study, SQL, &first, "0.02").unwrap();
    let stopped = Interrupt::new();
    stopped.raise();
    let error = question.run_until(&Unobserved, &stopped).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TryAgain);
    assert_eq!(tape.columns().len(), drawn);
    let spent = study.project().unwrap().spent;
    let charges = || study.hub().ledger().charges("study").unwrap();
    let unsealed = ReleaseId::parse(&charges()[1].charge.position.to_string()).unwrap();
    let error = study.top_up(SQL, &unsealed, &rho("0.02"), &AskOptions::default()).unwrap_err();
    assert!(error.to_string().contains("has no answer yet"), "{error}");
    question.run(&Unobserved).unwrap();
    assert_eq!(study.project().unwrap().spent, spent);
    assert_eq!(charges().len(), 2);
    assert_eq!(charges()[0].charge.bounding_key, charges()[1].charge.bounding_key);
}

/// Every refusal says why, spends nothing and reads nothing.
#[test]
fn what_cannot_be_topped_up_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    clinic.open_project("other", Accountant::Zcdp);
    clinic.open_project("pure", Accountant::Pure);
    let (study, tape) = study(&clinic, 1);
    let first = ask(&study, SQL, &rho("0.01")).unwrap();
    let median = "SELECT MEDIAN(minutes) AS m FROM visits";
    let adaptive = "SELECT COUNT(DISTINCT person) AS n FROM visits \
                    WHERE minutes > (SELECT AVG(minutes) FROM visits)";
    let plain = "SELECT COUNT(*) AS n FROM visits";
    let searched = ask(&study, median, &rho("0.5")).unwrap();
    let adapted = ask(&study, adaptive, &rho("0.5")).unwrap();
    let pure = clinic.project("pure", Arc::new(tape.clone()));
    let epsilon = SpendOptions { epsilon: Some("0.5"), ..SpendOptions::default() };
    let epsilon = Spend::from_options(epsilon).unwrap();
    let laplace = ask(&pure, plain, &epsilon).unwrap();
    let spent = study.project().unwrap().spent;
    let (drawn, mut text) = (tape.columns().len(), String::new());
    let mut say = |what: &str, refused: Result<Question, QueryError>| {
        let error = refused.unwrap_err();
        writeln!(text, "{what}\n-> exit {}: {error}\n", error.kind().exit_code()).unwrap();
    };
    let other = clinic.project("other", Arc::new(tape.clone()));
    say("another project's release", topping(&other, SQL, &first, "0.01"));
    say(
        "no release",
        study.top_up(SQL, &ReleaseId::parse("999999").unwrap(), &rho("1"), &AskOptions::default()),
    );
    let wrong = ReleaseId::parse(&format!("{}-{}", first.receipt.charge, "0".repeat(8))).unwrap();
    let named = study.top_up(SQL, &wrong, &rho("1"), &AskOptions::default()).unwrap_err();
    assert!(named.to_string().contains("is another one"), "{named}");
    say("a search", topping(&study, median, &searched, "0.01"));
    say("an adaptive cut-off", topping(&study, adaptive, &adapted, "0.01"));
    let topped = pure.top_up(plain, &release(&laplace), &epsilon, &AskOptions::default());
    say("a pure project", topped);
    say(
        "another filter",
        topping(&study, &SQL.replace("FROM visits", "FROM visits WHERE cost > 9"), &first, "0.01"),
    );
    say("another key", topping(&study, &SQL.replace("site", "reason"), &first, "0.01"));
    say(
        "other columns",
        topping(&study, &SQL.replace("SUM(minutes)", "SUM(cost)"), &first, "0.01"),
    );
    let bounds = AskOptions { max_rows_per_group: Some(1), ..AskOptions::default() };
    say("other bounds", study.top_up(SQL, &release(&first), &rho("0.01"), &bounds));
    let small = AskOptions { min_units: Some(9), ..AskOptions::default() };
    say("another smallest group", study.top_up(SQL, &release(&first), &rho("0.01"), &small));
    say("no price", study.top_up(SQL, &release(&first), &Spend::AsWritten, &AskOptions::default()));
    let files = study.hub().fingerprints("clinic").unwrap();
    clinic.decide(&Act::UpdateDataset { dataset: "clinic".to_owned(), files });
    let (moved, _) = self::study(&clinic, 2);
    say("another version of the data", topping(&moved, SQL, &first, "0.01"));
    // What depends on the day is not part of the message.
    for answer in [&first, &searched, &adapted, &laplace] {
        let digits = &answer.receipt.output_hash[..8];
        text = text.replace(&format!("{}-{digits}", answer.receipt.charge), "ENTRY-HASH");
        text = text.replace(&format!("release {}", answer.receipt.charge), "release ENTRY");
    }
    insta::assert_snapshot!("refused_top_ups", text);
    assert_eq!(moved.project().unwrap().spent, spent);
    assert_eq!(tape.columns().len(), drawn);
}
