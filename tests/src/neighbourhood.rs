//! Records, and neighbours of them that differ by one person, each behind a hub of its own.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::path::Path;
use std::sync::Arc;

use chrono::{NaiveDate, TimeZone, Utc};
use tempfile::TempDir;
use voilage_budgets::{FixedClock, Permit, ProjectTerms};
use voilage_privacy::quantity::{Accountant, Delta, Epsilon};
use voilage_query::hub::Surroundings;
use voilage_query::{Catalogue, Hub, QueryError, Question, Spend, Study};

use crate::randomness::Tape;
use crate::records::{Manner, Records};
use crate::replay::{Run, violations};

/// The person that neighbours have more.
const NEWCOMER: i64 = 1_000;

/// How many people the records hold.
const PEOPLE: i64 = 24;

/// Records with all their neighbours.
pub struct Neighbourhood {
    base: Home,
    neighbours: Vec<Home>,
}

/// One hub and what its questions draw from.
struct Home {
    name: String,
    study: Study,
    tape: Tape,
    _folder: TempDir,
}

/// How a neighbour differs.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// This person is gone.
    Removed(i64),
    /// A newcomer with so many rows in every table.
    Added(Manner, usize),
    /// A newcomer of this id with one ordinary row in every table.
    Named(i64),
}

/// The changes that every question must stand: 24 neighbours.
pub const CHANGES: [Change; 24] = [
    Change::Removed(1),
    Change::Removed(5),
    Change::Removed(11),
    Change::Removed(20),
    Change::Removed(PEOPLE),
    Change::Added(Manner::Ordinary, 1),
    Change::Added(Manner::Ordinary, 2),
    Change::Added(Manner::Ordinary, 1_000),
    Change::Added(Manner::Repeated, 7),
    Change::Added(Manner::Sweep, 3),
    Change::Added(Manner::Sweep, 100),
    Change::Added(Manner::NotANumber, 3),
    Change::Added(Manner::Null, 2),
    Change::Added(Manner::Huge, 4),
    Change::Added(Manner::Tiny, 4),
    Change::Added(Manner::Small, 8),
    Change::Added(Manner::Bounds, 4),
    Change::Added(Manner::Outside, 14),
    Change::Added(Manner::Mixed, 20),
    Change::Added(Manner::Mixed, 60),
    Change::Named(i64::MIN),
    Change::Named(i64::MAX),
    Change::Named(0),
    Change::Named(-1),
];

impl Neighbourhood {
    /// Builds records for `dataset` of a hub file's text, and one neighbour per change.
    ///
    /// # Panics
    /// When the hub file is wrong or a folder cannot be written.
    pub fn build(hub: &str, dataset: &str, changes: &[Change]) -> Self {
        let neighbours = changes
            .iter()
            .map(|change| Home::build(hub, dataset, &format!("{change:?}"), Some(*change)))
            .collect();
        Self { base: Home::build(hub, dataset, "records", None), neighbours }
    }

    /// The project that asks about the records themselves.
    pub fn study(&self) -> &Study {
        &self.base.study
    }

    /// Asks a question of the records and of every neighbour, and returns what differs more than
    /// one person may make it differ.
    ///
    /// # Errors
    /// When the question is refused.
    pub fn compare(&self, sql: &str, spend: &Spend) -> Result<Vec<String>, QueryError> {
        self.compare_some(sql, spend, |_| true)
    }

    /// Both runs of a question: on the records, and on the neighbour at a position.
    ///
    /// # Errors
    /// When the question is refused.
    pub fn runs(
        &self,
        sql: &str,
        spend: &Spend,
        neighbour: usize,
    ) -> Result<(Run, Run), QueryError> {
        let recorded = self.base.recorded(&self.base.study.question(sql, spend)?);
        let home = &self.neighbours[neighbour];
        let replayed = home.replayed(&home.study.question(sql, spend)?, &recorded);
        Ok((recorded, replayed))
    }

    /// [`Neighbourhood::compare`] with the neighbours at some positions only.
    ///
    /// # Errors
    /// When the question is refused.
    pub fn compare_some(
        &self,
        sql: &str,
        spend: &Spend,
        chosen: impl Fn(usize) -> bool,
    ) -> Result<Vec<String>, QueryError> {
        let question = self.base.study.question(sql, spend)?;
        let recorded = self.base.recorded(&question);
        if recorded.outcome.as_ref().is_ok_and(|shown| shown.replayed) {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for (_, home) in self.neighbours.iter().enumerate().filter(|(index, _)| chosen(*index)) {
            let about = |what: String| format!("{}: {what}", home.name);
            match home.study.question(sql, spend) {
                Ok(question) => {
                    let run = home.replayed(&question, &recorded);
                    found.extend(violations(&recorded, &run).into_iter().map(about));
                }
                Err(error) => found.push(about(format!("refused there only: {error}"))),
            }
        }
        Ok(found)
    }
}

impl Home {
    fn build(hub: &str, dataset: &str, name: &str, change: Option<Change>) -> Self {
        let folder = quick_folder();
        let home = folder.path().join("home");
        std::fs::create_dir(&home).unwrap();
        let file = home.join("hub.toml");
        std::fs::write(&file, hub).unwrap();
        let catalogue = Catalogue::read(&file).unwrap();
        let mut records = Records::ordinary(&catalogue, dataset, PEOPLE);
        match change {
            None => {}
            Some(Change::Removed(person)) => records.remove(&catalogue, dataset, person),
            Some(Change::Added(manner, rows)) => {
                records.add(&catalogue, dataset, NEWCOMER, manner, rows);
            }
            Some(Change::Named(person)) => {
                records.add(&catalogue, dataset, person, Manner::Ordinary, 1);
            }
        }
        records.write(&catalogue);
        let tape = Tape::recording(0);
        let study = open(&file, dataset, &tape);
        Self { name: name.to_owned(), study, tape, _folder: folder }
    }

    fn recorded(&self, question: &Question) -> Run {
        self.tape.record_again(42);
        Run::of(question, &self.tape)
    }

    fn replayed(&self, question: &Question, recorded: &Run) -> Run {
        self.tape.replay_next(&recorded.columns);
        Run::of(question, &self.tape)
    }
}

/// A folder in memory where the system has one: thousands of ledgers need no disk.
fn quick_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap()
}

/// A project with a wide budget and a clock that stands still.
fn open(hub: &Path, dataset: &str, tape: &Tape) -> Study {
    Hub::init(hub).unwrap();
    let noon = Utc.with_ymd_and_hms(2030, 1, 1, 12, 0, 0).unwrap();
    let surroundings = Surroundings {
        clock: Arc::new(FixedClock::new(noon)),
        randomness: Arc::new(tape.clone()),
        ..Surroundings::default()
    };
    let hub = Hub::open_with(hub, surroundings).unwrap();
    let day = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
    let terms = ProjectTerms {
        name: "study".into(),
        dataset: dataset.into(),
        accountant: Accountant::Zcdp,
        epsilon: Epsilon::parse("1000").unwrap(),
        delta: Some(Delta::parse("1e-3").unwrap()),
        permit: Permit {
            authority: "board".into(),
            reference: "P-1".into(),
            purpose: "test".into(),
            starts: day(2020),
            ends: day(2060),
        },
    };
    hub.open_project(terms).unwrap();
    hub.project("study").unwrap()
}
