//! Record and replay of the demo's own questions on the demo's own records, with people removed
//! and added. The records are made by `make records`, which `make test` runs first.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use chrono::{NaiveDate, TimeZone, Utc};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;
use voilage_budgets::{
    Act, Decider, FixedClock, Mode, Opening, Permit, Principal, ProjectTerms, Role,
};
use voilage_privacy::quantity::{Accountant, Delta, Epsilon};
use voilage_query::hub::Surroundings;
use voilage_query::observer::Unobserved;
use voilage_query::question::SpendOptions;
use voilage_query::{Hub, Spend, Study};
use voilage_tests::randomness::Tape;

use crate::neighbours::compare;

/// How a neighbour differs from the records.
#[derive(Clone, Copy)]
enum Change {
    None,
    Removed(i64),
    /// A new person with the rows of this one, three times each.
    Added(i64),
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = Arc::clone(reader.schema());
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn changed(batch: &RecordBatch, unit: &str, change: Change) -> RecordBatch {
    let position = batch.schema().index_of(unit).unwrap();
    let units = batch.column(position).as_any().downcast_ref::<Int64Array>().unwrap();
    let rows_of = |person: i64, wanted: bool| {
        let mask: BooleanArray =
            units.iter().map(|unit| Some((unit == Some(person)) == wanted)).collect();
        filter_record_batch(batch, &mask).unwrap()
    };
    match change {
        Change::None => batch.clone(),
        Change::Removed(person) => rows_of(person, false),
        Change::Added(person) => {
            let copy = rows_of(person, true);
            let mut columns = copy.columns().to_vec();
            let id: ArrayRef = Arc::new(Int64Array::from(vec![900_000_001; copy.num_rows()]));
            columns[position] = id;
            let copy = RecordBatch::try_new(batch.schema(), columns).unwrap();
            concat_batches(&batch.schema(), [batch, &copy, &copy, &copy]).unwrap()
        }
    }
}

/// The demo's hub over changed records, with the job's project open.
fn study(tables: &[&str], unit: &str, change: Change, tape: &Tape, job: &str) -> (TempDir, Study) {
    let folder = tempfile::tempdir().unwrap();
    let records = root().join("data/demo");
    assert!(records.join("rand_hie.parquet").exists(), "make the demo's records: make records");
    let copies = folder.path().join("data/demo");
    fs::create_dir_all(&copies).unwrap();
    fs::create_dir(folder.path().join("examples")).unwrap();
    let hub = folder.path().join("examples/hub.toml");
    fs::copy(root().join("examples/hub.toml"), &hub).unwrap();
    for entry in fs::read_dir(&records).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(table) = name.strip_suffix(".parquet") else { continue };
        if !tables.contains(&table) {
            symlink(&path, copies.join(&name)).unwrap();
            continue;
        }
        let batch = changed(&read(&path), unit, change);
        let file = File::create(copies.join(&name)).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }
    Hub::init(&hub).unwrap();
    let noon = Utc.with_ymd_and_hms(2030, 1, 1, 12, 0, 0).unwrap();
    let surroundings = Surroundings {
        clock: Arc::new(FixedClock::new(noon)),
        randomness: Arc::new(tape.clone()),
        principal: "tester".into(),
    };
    let owner = Hub::open(&hub).unwrap();
    let hub = Hub::open_with(&hub, surroundings).unwrap();
    let day = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
    let terms = ProjectTerms {
        name: job.to_owned(),
        dataset: if job.starts_with("rand") { "rand" } else { "omop" }.into(),
        accountant: Accountant::Zcdp,
        epsilon: Epsilon::parse("4").unwrap(),
        delta: Some(Delta::parse("1e-7").unwrap()),
        permit: Permit {
            authority: "board".into(),
            reference: "P-1".into(),
            purpose: "test".into(),
            starts: day(2020),
            ends: day(2060),
        },
    };
    let tester = Principal { name: "tester".into(), role: Role::Analyst, account: "tester".into() };
    let by = Decider { principal: owner.principal(), reason: "for a test" };
    for act in [
        Act::SetPrincipal { principal: tester },
        Act::OpenProject { terms, opening: Opening::default() },
    ] {
        owner.ledger().decide(by, &act, Mode::Record).unwrap();
    }
    let study = hub.project(job).unwrap();
    (folder, study)
}

/// The questions of a job file: their SQL and their price.
fn questions(job: &str) -> Vec<(String, Spend)> {
    let text = fs::read_to_string(root().join(format!("examples/{job}.toml"))).unwrap();
    let job: toml::Table = text.parse().unwrap();
    let text_of = |question: &toml::Value, key: &str| {
        question
            .get(key)
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    job["question"]
        .as_array()
        .unwrap()
        .iter()
        .map(|question| {
            let [epsilon, rho, share] =
                ["epsilon", "rho", "share"].map(|key| text_of(question, key));
            let options = SpendOptions {
                epsilon: epsilon.as_deref(),
                rho: rho.as_deref(),
                share: share.as_deref(),
            };
            (text_of(question, "sql").unwrap(), Spend::from_options(options).unwrap())
        })
        .collect()
}

/// The person with the most rows, and the one with the smallest id.
fn busiest_and_first(table: &str, unit: &str) -> (i64, i64) {
    let batch = read(&root().join(format!("data/demo/{table}.parquet")));
    let column = batch.column_by_name(unit).unwrap();
    let units = column.as_any().downcast_ref::<Int64Array>().unwrap();
    let mut rows: BTreeMap<i64, usize> = BTreeMap::new();
    for unit in units.iter().flatten() {
        *rows.entry(unit).or_default() += 1;
    }
    let first = *rows.keys().next().unwrap();
    (rows.into_iter().max_by_key(|(_, count)| *count).unwrap().0, first)
}

fn check(job: &str, tables: &[&str], unit: &str) {
    let (person, first) = busiest_and_first(tables[0], unit);
    let recorded = Tape::recording(11);
    let (_folder, base) = study(tables, unit, Change::None, &recorded, job);
    let mut seen = 0;
    let mut runs = Vec::new();
    for (sql, spend) in questions(job) {
        let question = base.question(&sql, &spend).unwrap();
        let learned = question.explanation().boundaries.iter().any(|b| b.keys.kind == "learned");
        let answer = question.run(&Unobserved).unwrap();
        let columns = recorded.columns()[seen..].to_vec();
        seen += columns.len();
        runs.push((sql, spend, learned, answer, columns));
    }
    assert_eq!(runs.len(), 7);
    for change in [Change::Removed(person), Change::Removed(first), Change::Added(person)] {
        for (sql, spend, learned, answer, columns) in &runs {
            let tape = Tape::replaying(columns);
            let (_folder, other) = study(tables, unit, change, &tape, job);
            let again = other.question(sql, spend).unwrap().run(&Unobserved).unwrap();
            compare(sql, columns, &tape.columns(), *learned);
            assert_eq!(answer.receipt.loss, again.receipt.loss, "{sql}");
            assert_eq!(answer.receipt.plan_hash, again.receipt.plan_hash, "{sql}");
            if !learned {
                assert_eq!(answer.table, again.table, "{sql}");
            }
        }
    }
}

#[test]
fn costs_of_people_removed_and_added() {
    check("rand-costs", &["rand_hie"], "zper");
}

#[test]
fn conditions_of_people_removed_and_added() {
    let tables = ["visit_occurrence", "person", "condition_occurrence", "measurement"];
    check("omop-conditions", &tables, "person_id");
}
