//! Free answers: what follows from a released cube, for nothing, and nothing else.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use voilage_budgets::{Act, ErrorKind, ProjectRules};
use voilage_privacy::quantity::Accountant;
use voilage_query::observer::Unobserved;
use voilage_query::question::SpendOptions;
use voilage_query::{Answer, AskOptions, Free, Offer, ReleaseId, Spend, Study};
use voilage_tests::clinic::{Clinic, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{ask, rho};

const CUBE: &str = "SELECT site, minutes >= 30 AS long, COUNT(*) AS n, SUM(cost) AS cost, \
                    COUNT(cost) AS costs, COUNT(DISTINCT person) AS people, AVG(minutes) AS mean \
                    FROM visits GROUP BY site, minutes >= 30";

fn search(study: &Study, sql: &str) -> Free {
    study.free(sql, &AskOptions::default()).unwrap()
}

fn offer(study: &Study, sql: &str) -> Box<Offer> {
    match search(study, sql) {
        Free::Offered(offer) => offer,
        Free::No { why } => panic!("{sql}: {why}"),
    }
}

fn why_not(study: &Study, sql: &str) -> String {
    match search(study, sql) {
        Free::Offered(offer) => panic!("{sql}: {}", offer.terms),
        Free::No { why } => why,
    }
}

fn ints(table: &RecordBatch, column: usize) -> Vec<i64> {
    table.column(column).as_primitive::<Int64Type>().values().to_vec()
}

fn floats(table: &RecordBatch, column: usize) -> Vec<f64> {
    table.column(column).as_primitive::<Float64Type>().values().to_vec()
}

/// Sums a column of the cube over the rows in which the key is one of its values.
fn rolled<T: Copy + std::iter::Sum>(table: &RecordBatch, values: &[T]) -> Vec<T> {
    let sites = table.column(0).as_primitive::<Int64Type>();
    let of = |site: Option<i64>| {
        let rows = (0..table.num_rows()).filter(|row| match site {
            Some(site) => sites.is_valid(*row) && sites.value(*row) == site,
            None => sites.is_null(*row),
        });
        rows.map(|row| values[row]).sum()
    };
    [Some(1), Some(2), Some(3), None].into_iter().map(of).collect()
}

fn half_widths(answer: &Answer, column: usize) -> Vec<f64> {
    let interval = answer.intervals[column].as_ref().unwrap();
    let ends = interval.low.iter().zip(&interval.high);
    ends.map(|(low, high)| (high.unwrap() - low.unwrap()) / 2.0).collect()
}

/// Counts and sums add up exactly, with the noise of as many cells; a mean follows from a released sum
/// and count. Nothing is drawn, charged or attempted, and the replay is logged.
#[test]
fn counts_sums_and_means_follow_from_a_cube_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let tape = Tape::recording(1);
    let study = clinic.study(Arc::new(tape.clone()));
    let cube = ask(&study, CUBE, &rho("0.5")).unwrap();
    let before = study.hub().ledger().charges("study").unwrap()[0].clone();
    let (spent, drawn) = (study.project().unwrap().spent, tape.columns().len());
    // The records are gone: whoever read a row would notice.
    clinic.write_visits(&[]);

    let sql = "SELECT site, SUM(cost) AS cost, COUNT(*) AS n, AVG(minutes) AS mean, AVG(cost) AS each \
               FROM visits GROUP BY site";
    let offer = offer(&study, sql);
    let answer = offer.run().unwrap();
    assert!(answer.replayed);
    assert_eq!(ints(&answer.table, 2), rolled(&cube.table, &ints(&cube.table, 2)));
    let sums = rolled(&cube.table, &floats(&cube.table, 3));
    for (shown, sum) in floats(&answer.table, 1).iter().zip(&sums) {
        assert!((shown - sum).abs() < 1e-6, "{shown} {sum}");
    }
    let counts = rolled(&cube.table, &ints(&cube.table, 4));
    for (row, each) in floats(&answer.table, 4).iter().enumerate() {
        let mean = (sums[row] / counts[row].max(1) as f64).clamp(0.0, 100.0);
        assert!((each - mean).abs() < 1e-9, "{each} {mean}");
    }
    // Three cells are added, long, short and NULL: their noise is wider by the root of three.
    for column in [1, 2] {
        let wide = half_widths(&answer, column)[0];
        let narrow = half_widths(&cube, column + if column == 1 { 2 } else { 0 })[0];
        assert!((wide / narrow - 3_f64.sqrt()).abs() < 0.1, "{column}: {wide} {narrow}");
    }
    let (receipt, source) = (&answer.receipt, &cube.receipt);
    assert_eq!((receipt.charge, &receipt.output_hash), (source.charge, &source.output_hash));
    assert!(receipt.derived.as_ref().unwrap().contains("bounded at the cube's level"));
    assert!(receipt.proof.is_some());
    assert_eq!(offer.run().unwrap().receipt, *receipt);

    let after = study.hub().ledger().charges("study").unwrap()[0].clone();
    assert_eq!(after.replays, before.replays + 2, "each is logged as a replay");
    assert_eq!(after.charge.attempts, before.charge.attempts);
    assert_eq!(study.hub().ledger().charges("study").unwrap().len(), 1);
    assert_eq!((study.project().unwrap().spent, tape.columns().len()), (spent, drawn));
    study.hub().ledger().verify().unwrap();
}

/// Of the same groups everything but a search can be taken, distinct people too, in any order of keys.
#[test]
fn columns_of_the_same_groups_are_taken_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let cube = ask(&study, CUBE, &rho("0.5")).unwrap();
    let sql = "SELECT minutes >= 30 AS long, site, COUNT(DISTINCT person) AS people FROM visits \
               GROUP BY minutes >= 30, site ORDER BY site, long";
    let answer = offer(&study, sql).run().unwrap();
    let mut expected = ints(&cube.table, 5);
    let mut shown = ints(&answer.table, 2);
    expected.sort_unstable();
    shown.sort_unstable();
    assert_eq!(shown, expected);
    assert_eq!(half_widths(&answer, 2)[0], half_widths(&cube, 5)[0]);
}

/// The release with the least noise is offered, beside what a fresh answer would be; a topped-up cube
/// counts as the mean that it is.
#[test]
fn the_best_release_is_offered_beside_the_price() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let cube = "SELECT site, COUNT(*) AS n FROM visits GROUP BY site";
    let sql = "SELECT COUNT(*) AS n FROM visits";
    let coarse = ask(&study, cube, &rho("0.01")).unwrap();
    let question = study.question(sql, &rho("0.5")).unwrap();
    let said = |free: Free| match free {
        Free::Offered(offer) => (offer.terms.columns[0].clone(), offer.terms.release),
        Free::No { why } => panic!("{why}"),
    };
    let (first, release) = said(question.free().unwrap());
    assert!(release.starts_with(&format!("{}-", coarse.receipt.charge)), "{release}");
    assert!(first.error_95 > first.fresh_error_95.unwrap());
    let id = ReleaseId::parse(&release).unwrap();
    let topped = study.top_up(cube, &id, &rho("0.03"), &AskOptions::default()).unwrap();
    let topped = topped.run(&Unobserved).unwrap();
    let (second, release) = said(question.free().unwrap());
    assert!(release.starts_with(&format!("{}-", topped.receipt.charge)));
    assert!((second.error_95 / first.error_95 - 0.5).abs() < 0.05, "four times the loss");
    let answer = offer(&study, sql).run().unwrap();
    assert_eq!(ints(&answer.table, 0)[0], ints(&topped.table, 1).iter().sum::<i64>());
    assert_eq!(answer.receipt.combined.len(), 1);
}

/// What is not known to be the same is not derived, and the reason is there.
#[test]
fn nothing_else_is_derived_and_the_reason_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    clinic.open_project("other", Accountant::Zcdp);
    let tape = Tape::recording(1);
    let study = clinic.study(Arc::new(tape.clone()));
    let mut text = String::new();
    let mut say = |study: &Study, what: &str, sql: &str| {
        writeln!(text, "{what}\n-> {}\n", why_not(study, sql)).unwrap();
    };
    let total = "SELECT site, COUNT(*) AS n FROM visits GROUP BY site";
    say(&study, "before any release", total);
    ask(&study, CUBE, &rho("0.5")).unwrap();
    ask(&study, "SELECT reason, COUNT(*) AS n FROM visits GROUP BY reason", &rho("0.5")).unwrap();
    let other = clinic.project("other", Arc::new(tape.clone()));
    say(&other, "another project", total);
    say(
        &study,
        "distinct people over groups",
        "SELECT site, COUNT(DISTINCT person) AS n FROM visits GROUP BY site",
    );
    say(
        &study,
        "another filter",
        "SELECT site, COUNT(*) AS n FROM visits WHERE cost > 5 GROUP BY site",
    );
    say(
        &study,
        "a filter that looks like a key",
        "SELECT site, COUNT(*) AS n FROM visits WHERE minutes >= 30 GROUP BY site",
    );
    say(
        &study,
        "another key",
        "SELECT minutes >= 20 AS long, COUNT(*) AS n FROM visits GROUP BY minutes >= 20",
    );
    say(&study, "another value", "SELECT site, SUM(cost * 2) AS n FROM visits GROUP BY site");
    say(
        &study,
        "other bounds of a value",
        "SELECT site, SUM(clamp(cost, 0, 50)) AS n FROM visits GROUP BY site",
    );
    say(
        &study,
        "rows that pass a filter",
        "SELECT site, COUNT(*) FILTER (WHERE cost > 5) AS n FROM visits GROUP BY site",
    );
    for option in ["consistent", "estimate_cut"] {
        let sql = format!(
            "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS({option} = true) site, COUNT(*) AS n FROM visits \
             GROUP BY site"
        );
        say(&study, option, &sql);
    }
    say(&study, "a quantile", "SELECT site, MEDIAN(cost) AS n FROM visits GROUP BY site");
    say(&study, "learned keys", "SELECT reason, COUNT(*) AS n FROM visits GROUP BY reason");
    say(
        &study,
        "a total of learned keys",
        "SELECT COUNT(*) FILTER (WHERE reason = 'flu') AS n FROM visits",
    );
    say(
        &study,
        "an adaptive cut-off",
        "SELECT COUNT(*) AS n FROM visits WHERE cost > (SELECT AVG(cost) FROM visits)",
    );
    let mut with = |what: &str, options: AskOptions| {
        let Free::No { why } = study.free(total, &options).unwrap() else { panic!("{what}") };
        writeln!(text, "{what}\n-> {why}\n").unwrap();
    };
    with(
        "other rows per group",
        AskOptions { max_rows_per_group: Some(1), ..AskOptions::default() },
    );
    with("other groups", AskOptions { max_groups: Some(1), ..AskOptions::default() });
    with("a smallest group", AskOptions { min_units: Some(5), ..AskOptions::default() });
    let offered = offer(&study, total);
    let files = study.hub().fingerprints("clinic").unwrap();
    clinic.decide(&Act::UpdateDataset { dataset: "clinic".to_owned(), files });
    let moved = clinic.study(Arc::new(tape.clone()));
    writeln!(text, "another version of the data\n-> {}\n", why_not(&moved, total)).unwrap();
    insta::assert_snapshot!("no_free_answers", text);
    let error = offered.run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TryAgain, "an offer of the old version: {error}");
}

/// An offer is taken as a replay: the rights are asked for when it is taken, not when it was made.
#[test]
fn an_offer_is_checked_like_a_replay() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    ask(&study, CUBE, &rho("0.5")).unwrap();
    let offer = offer(&study, "SELECT COUNT(*) AS n FROM visits");
    offer.run().unwrap();
    let project = || "study".to_owned();
    clinic.decide(&Act::Suspend { project: project() });
    let error = offer.run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PolicyRefused, "{error}");
    clinic.decide(&Act::Resume { project: project() });
    offer.run().unwrap();
    let rules = ProjectRules { min_units: Some(10), ..ProjectRules::default() };
    clinic.decide(&Act::SetRules { project: project(), rules });
    let error = offer.run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PolicyRefused, "a smallest group since then: {error}");
    clinic.decide(&Act::SetRules { project: project(), rules: ProjectRules::default() });
    let nobody = "tester".to_owned();
    clinic.decide(&Act::RemovePrincipal { name: nobody });
    let error = offer.run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PolicyRefused, "a removed person: {error}");
}

/// How often intervals of rolled-up counts hold the totals of the same bounded cells, in a zcdp and in a
/// pure project: 25 releases of 62 groups, each the sum of four cells. The share of 1,550 intervals has a
/// standard deviation of 0.56%; below 92% is a false alarm once in 10^7 seeds. Intervals of one cell's
/// width would cover 67%.
#[test]
fn intervals_of_sums_cover_the_cubes_totals() {
    const RUNS: u64 = 25;
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    clinic.open_project("pure", Accountant::Pure);
    let cube = "SELECT minutes, site, COUNT(*) AS n FROM visits GROUP BY minutes, site";
    let sql = "SELECT minutes, COUNT(*) AS n FROM visits GROUP BY minutes";
    for project in ["study", "pure"] {
        let (mut covered, mut all) = (0, 0);
        for seed in 0..RUNS {
            let tape = Tape::recording(seed);
            let study = clinic.project(project, Arc::new(tape.clone()));
            // A little more each time: another question, and the best release to start from.
            let loss = format!("0.05{seed:02}");
            let spend = match project {
                "study" => SpendOptions { rho: Some(&loss), ..SpendOptions::default() },
                _ => SpendOptions { epsilon: Some(&loss), ..SpendOptions::default() },
            };
            ask(&study, cube, &Spend::from_options(spend).unwrap()).unwrap();
            let columns = tape.columns();
            let cells: Vec<i128> = columns[0].cells.iter().map(|cell| cell.exact).collect();
            let answer = offer(&study, sql).run().unwrap();
            let interval = answer.intervals[1].as_ref().unwrap();
            for (row, totals) in cells.chunks(4).enumerate() {
                let total = totals.iter().sum::<i128>() as f64;
                let (low, high) = (interval.low.value(row), interval.high.value(row));
                covered += usize::from(low <= total && total <= high);
                all += 1;
            }
        }
        let share = f64::from(covered as u32) / f64::from(all);
        assert!(all == 62 * RUNS as u32 && share >= 0.92, "{project}: {covered} of {all}");
    }
}
