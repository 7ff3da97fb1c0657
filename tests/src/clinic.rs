//! A small clinic: a hub with records that tests can look through.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int32Type;
use chrono::{NaiveDate, TimeZone, Utc};
use parquet::arrow::ArrowWriter;
use voilage_budgets::{
    Act, Decider, FixedClock, Mode, Opening, Permit, Principal, ProjectTerms, Role,
};
use voilage_privacy::quantity::{Accountant, Delta, Epsilon};
use voilage_query::hub::Surroundings;
use voilage_query::{Hub, Randomness, Study};

/// One visit. A person of `None` is a row of nobody.
#[derive(Clone, Debug, PartialEq)]
pub struct Visit {
    /// The privacy unit.
    pub person: Option<i64>,
    /// 1, 2 or 3 in a clean row.
    pub site: Option<i64>,
    /// Anything.
    pub reason: Option<String>,
    /// Between 0 and 100 in a clean row.
    pub cost: Option<f64>,
    /// Between 0 and 60 in a clean row.
    pub minutes: Option<i64>,
}

/// What the hub file of the clinic says, with `%` for the folder's ledger.
const HUB: &str = r#"
[hub]
ledger = "ledger.sqlite"

[datasets.clinic]
cap = { epsilon = "1000", delta = "1e-2" }

[datasets.clinic.tables.visits]
file = "visits.parquet"
unit = "person"
max_groups = 2
max_rows_per_group = 3

[datasets.clinic.tables.visits.columns]
person = { type = "int64" }
site = { type = "int64", values = [1, 2, 3], source = "the clinic has three sites" }
reason = { type = "utf8" }
cost = { type = "float64", bounds = ["0", "100"], source = "price list" }
minutes = { type = "int64", bounds = ["0", "60"], source = "length of a slot" }

[datasets.clinic.tables.people]
file = "people.parquet"
unit = "person"
max_groups = 1
max_rows_per_group = 1

[datasets.clinic.tables.people.columns]
person = { type = "int64" }
sex = { type = "utf8", values = ["f", "m"], source = "form" }

[datasets.other]
cap = { epsilon = "1", delta = "1e-6" }

[datasets.other.tables.staff]
file = "staff.parquet"
unit = "person"
max_groups = 1
max_rows_per_group = 1

[datasets.other.tables.staff.columns]
person = { type = "int64" }
sex = { type = "utf8" }

[public.reasons]
file = "reasons.parquet"
provenance = "written for this test"

[public.reasons.columns]
reason = { type = "utf8" }
chapter = { type = "utf8" }
"#;

/// A clinic in a folder of its own.
pub struct Clinic {
    folder: PathBuf,
}

impl Clinic {
    /// Writes the clinic's files and its ledger with the project `study`.
    ///
    /// # Panics
    /// When the folder cannot be written: a test cannot go on then.
    pub fn build(folder: &Path, visits: &[Visit]) -> Self {
        let clinic = Self { folder: folder.to_owned() };
        clinic.write_visits(visits);
        let mut people: Vec<i64> = visits.iter().filter_map(|visit| visit.person).collect();
        people.sort_unstable();
        people.dedup();
        let sexes: StringArray =
            people.iter().map(|person| Some(if person % 2 == 0 { "f" } else { "m" })).collect();
        let people: ArrayRef = Arc::new(Int64Array::from(people));
        let sexes: ArrayRef = Arc::new(sexes);
        clinic.write("people.parquet", vec![("person", people.clone()), ("sex", sexes.clone())]);
        // Other people: the same data would not be let into a second dataset.
        let staff: Int64Array = (1..=sexes.len() as i64).map(|person| Some(-person)).collect();
        clinic.write("staff.parquet", vec![("person", Arc::new(staff)), ("sex", sexes)]);
        let reasons: ArrayRef = Arc::new(StringArray::from(vec!["flu", "cough", "fracture"]));
        let chapters: ArrayRef = Arc::new(StringArray::from(vec!["lung", "lung", "bone"]));
        clinic.write("reasons.parquet", vec![("reason", reasons), ("chapter", chapters)]);
        std::fs::write(clinic.hub_file(), HUB).unwrap();
        Hub::init(&clinic.hub_file()).unwrap();
        let tester =
            Principal { name: "tester".into(), role: Role::Analyst, account: "tester".into() };
        clinic.decide(&Act::SetPrincipal { principal: tester });
        clinic.open_project("study", Accountant::Zcdp);
        clinic
    }

    /// Where the hub file is.
    pub fn hub_file(&self) -> PathBuf {
        self.folder.join("hub.toml")
    }

    /// Replaces the visits, as a data holder's update would.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn write_visits(&self, visits: &[Visit]) {
        let int = |of: fn(&Visit) -> Option<i64>| -> ArrayRef {
            Arc::new(visits.iter().map(of).collect::<Int64Array>())
        };
        let reasons: StringArray = visits.iter().map(|visit| visit.reason.as_deref()).collect();
        let costs: Float64Array = visits.iter().map(|visit| visit.cost).collect();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("person", int(|visit| visit.person)),
            ("site", int(|visit| visit.site)),
            ("reason", Arc::new(reasons)),
            ("cost", Arc::new(costs)),
            ("minutes", int(|visit| visit.minutes)),
        ];
        self.write("visits.parquet", columns);
    }

    /// Replaces the people: one row for each id, the sex by its last bit.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn write_people(&self, ids: &[i64]) {
        let sexes: StringArray =
            ids.iter().map(|id| Some(if id % 2 == 0 { "f" } else { "m" })).collect();
        let ids: ArrayRef = Arc::new(Int64Array::from(ids.to_vec()));
        self.write("people.parquet", vec![("person", ids), ("sex", Arc::new(sexes))]);
    }

    /// Replaces the people: one of each sex given, as plain text or as a dictionary.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn write_sexes(&self, sexes: &[&str], dictionary: bool) {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(1..=sexes.len() as i64));
        let sexes: ArrayRef = if dictionary {
            Arc::new(sexes.iter().copied().collect::<DictionaryArray<Int32Type>>())
        } else {
            Arc::new(StringArray::from(sexes.to_vec()))
        };
        self.write("people.parquet", vec![("person", ids), ("sex", sexes)]);
    }

    fn write(&self, name: &str, columns: Vec<(&str, ArrayRef)>) {
        let nullable = columns.into_iter().map(|(name, column)| (name, column, true));
        let batch = RecordBatch::try_from_iter_with_nullable(nullable).unwrap();
        let file = File::create(self.folder.join(name)).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    /// Opens a project with a wide budget.
    ///
    /// # Panics
    /// When the ledger refuses.
    pub fn open_project(&self, name: &str, accountant: Accountant) {
        let day = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
        let (epsilon, delta) = match accountant {
            Accountant::Zcdp => ("1000", Some(Delta::parse("1e-3").unwrap())),
            Accountant::Pure => ("5", None),
        };
        let terms = ProjectTerms {
            name: name.into(),
            dataset: "clinic".into(),
            accountant,
            epsilon: Epsilon::parse(epsilon).unwrap(),
            delta,
            permit: Permit {
                authority: "board".into(),
                reference: "P-1".into(),
                purpose: "test".into(),
                starts: day(2020),
                ends: day(2060),
            },
        };
        self.decide(&Act::OpenProject { terms, opening: Opening::default() });
    }

    /// Decides something as whoever set the clinic up.
    ///
    /// # Panics
    /// When the ledger refuses.
    pub fn decide(&self, act: &Act) {
        let hub = Hub::open(&self.hub_file()).unwrap();
        let by = Decider { principal: hub.principal(), reason: "for a test" };
        hub.ledger().decide(by, act, Mode::Record).unwrap();
    }

    /// The project `study` with its own randomness and a clock that stands still.
    ///
    /// # Panics
    /// When the hub cannot be opened.
    pub fn study(&self, randomness: Arc<dyn Randomness>) -> Study {
        self.project("study", randomness)
    }

    /// A project with its own randomness and a clock that stands still.
    ///
    /// # Panics
    /// When the hub cannot be opened.
    pub fn project(&self, name: &str, randomness: Arc<dyn Randomness>) -> Study {
        let noon = Utc.with_ymd_and_hms(2030, 1, 1, 12, 0, 0).unwrap();
        let surroundings = Surroundings {
            clock: Arc::new(FixedClock::new(noon)),
            randomness,
            principal: "tester".into(),
        };
        Hub::open_with(&self.hub_file(), surroundings).unwrap().project(name).unwrap()
    }
}

/// Sixty people with one to four visits each, at most two sites and three visits a site: within
/// the declared bounds, so that exact answers are easy to know.
pub fn orderly_visits() -> Vec<Visit> {
    let mut visits = Vec::new();
    for person in 1..=60_i64 {
        for visit in 0..1 + person % 4 {
            visits.push(Visit {
                person: Some(person),
                site: Some(1 + (person + visit / 2) % 2),
                reason: Some(["flu", "cough", "fracture"][(person % 3) as usize].into()),
                cost: Some((person * 7 % 90) as f64 + visit as f64),
                minutes: Some((person * 3 + visit) % 60),
            });
        }
    }
    visits
}
