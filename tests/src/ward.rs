//! A hospital ward: stays that name their patient, items that name only a stay, and a view.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use chrono::{NaiveDate, TimeZone, Utc};
use parquet::arrow::ArrowWriter;
use voilage_budgets::{FixedClock, Permit, ProjectTerms};
use voilage_privacy::quantity::{Accountant, Delta, Epsilon};
use voilage_query::hub::Surroundings;
use voilage_query::{Hub, Randomness, Study};

/// What the hub file of the ward says.
pub const HUB: &str = r#"
[hub]
ledger = "ledger.sqlite"

[datasets.ward]
cap = { epsilon = "1000", delta = "1e-2" }

[datasets.ward.tables.stays]
file = "stays.parquet"
unit = "patient"
max_groups = 2
max_rows_per_group = 3

[datasets.ward.tables.stays.columns]
patient = { type = "int64" }
stay = { type = "int64" }
ward = { type = "utf8", values = ["a", "b", "c"], source = "the house has three wards" }
day = { type = "date" }
cost = { type = "float64", bounds = ["0", "100"], source = "price list" }
score = { type = "int64" }

[datasets.ward.tables.items]
file = "items.parquet"
unit = { column = "stay", references = "stays.stay" }
max_groups = 2
max_rows_per_group = 3

[datasets.ward.tables.items.columns]
stay = { type = "int64" }
code = { type = "int64", values = [1, 2, 3], source = "catalogue of items" }
price = { type = "float64", bounds = ["0", "10"], source = "price list" }

[datasets.ward.tables.patients]
file = "patients.parquet"
unit = "patient"
max_groups = 1
max_rows_per_group = 1

[datasets.ward.tables.patients.columns]
patient = { type = "int64" }
sex = { type = "utf8", values = ["f", "m"], source = "form" }

[datasets.ward.views.expensive]
sql = "SELECT patient, ward, cost FROM stays WHERE cost > 50"
description = "stays that cost more than 50"

[datasets.ward.views.expensive_people]
sql = "SELECT patient, COUNT(*) AS stays FROM expensive GROUP BY patient"

[public.bands]
file = "bands.parquet"
provenance = "written for this test"

[public.bands.columns]
band = { type = "utf8", values = ["cheap", "dear"], source = "written for this test" }
low = { type = "float64" }
high = { type = "float64" }
"#;

/// One stay. A patient of `None` is a row of nobody.
#[derive(Clone, Debug, PartialEq)]
pub struct Stay {
    /// The privacy unit.
    pub patient: Option<i64>,
    /// The key that items refer to.
    pub stay: Option<i64>,
    /// a, b or c in a clean row.
    pub ward: Option<String>,
    /// Days since 1970.
    pub day: Option<i32>,
    /// Between 0 and 100 in a clean row.
    pub cost: Option<f64>,
    /// Anything.
    pub score: Option<i64>,
}

/// One item, which belongs to whoever owns its stay.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The stay.
    pub stay: Option<i64>,
    /// 1, 2 or 3 in a clean row.
    pub code: Option<i64>,
    /// Between 0 and 10 in a clean row.
    pub price: Option<f64>,
}

/// All records of the ward.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    /// The stays.
    pub stays: Vec<Stay>,
    /// The items.
    pub items: Vec<Item>,
}

impl Records {
    /// Sixty patients with one to four stays each and up to two items a stay.
    pub fn orderly() -> Self {
        let mut records = Self::default();
        for patient in 1..=60_i64 {
            for visit in 0..1 + patient % 4 {
                let stay = 10 * patient + visit;
                records.stays.push(Stay {
                    patient: Some(patient),
                    stay: Some(stay),
                    ward: Some(["a", "b"][((patient + visit / 2) % 2) as usize].into()),
                    day: Some((18_000 + 30 * visit + patient % 7) as i32),
                    cost: Some((patient * 7 % 90) as f64 + visit as f64),
                    score: Some(patient % 5 + visit),
                });
                for item in 0..stay % 3 {
                    records.items.push(Item {
                        stay: Some(stay),
                        code: Some(1 + (stay + item) % 3),
                        price: Some(((stay + item) % 10) as f64),
                    });
                }
            }
        }
        records
    }

    /// The records without one patient: the patient's stays go, and with them the patient's claim
    /// to items.
    pub fn without(&self, patient: i64) -> Self {
        let stays = self.stays.iter().filter(|stay| stay.patient != Some(patient));
        Self { stays: stays.cloned().collect(), items: self.items.clone() }
    }

    /// The records with more stays and items.
    pub fn with(&self, more: &Self) -> Self {
        let mut all = more.clone();
        all.stays.extend(self.stays.iter().cloned());
        all.items.extend(self.items.iter().cloned());
        all
    }
}

/// A ward in a folder of its own.
pub struct Ward {
    folder: PathBuf,
}

impl Ward {
    /// Writes the ward's files and its ledger with the project `study`.
    ///
    /// # Panics
    /// When the folder cannot be written: a test cannot go on then.
    pub fn build(folder: &Path, records: &Records) -> Self {
        let ward = Self { folder: folder.to_owned() };
        ward.write_records(records);
        std::fs::write(ward.hub_file(), HUB).unwrap();
        Hub::init(&ward.hub_file()).unwrap();
        ward.open_project();
        ward
    }

    /// Where the hub file is.
    pub fn hub_file(&self) -> PathBuf {
        self.folder.join("hub.toml")
    }

    fn write_records(&self, Records { stays, items }: &Records) {
        let int = |of: fn(&Stay) -> Option<i64>| -> ArrayRef {
            Arc::new(stays.iter().map(of).collect::<Int64Array>())
        };
        let wards: StringArray = stays.iter().map(|stay| stay.ward.as_deref()).collect();
        let days: Date32Array = stays.iter().map(|stay| stay.day).collect();
        let costs: Float64Array = stays.iter().map(|stay| stay.cost).collect();
        self.write(
            "stays.parquet",
            vec![
                ("patient", int(|stay| stay.patient)),
                ("stay", int(|stay| stay.stay)),
                ("ward", Arc::new(wards)),
                ("day", Arc::new(days)),
                ("cost", Arc::new(costs)),
                ("score", int(|stay| stay.score)),
            ],
        );
        let keys: Int64Array = items.iter().map(|item| item.stay).collect();
        let codes: Int64Array = items.iter().map(|item| item.code).collect();
        let prices: Float64Array = items.iter().map(|item| item.price).collect();
        self.write(
            "items.parquet",
            vec![("stay", Arc::new(keys)), ("code", Arc::new(codes)), ("price", Arc::new(prices))],
        );
        let mut patients: Vec<i64> = stays.iter().filter_map(|stay| stay.patient).collect();
        patients.sort_unstable();
        patients.dedup();
        let sexes: StringArray =
            patients.iter().map(|patient| Some(if patient % 2 == 0 { "f" } else { "m" })).collect();
        let patients: ArrayRef = Arc::new(Int64Array::from(patients));
        self.write("patients.parquet", vec![("patient", patients), ("sex", Arc::new(sexes))]);
        self.write(
            "bands.parquet",
            vec![
                ("band", Arc::new(StringArray::from(vec!["cheap", "dear"]))),
                ("low", Arc::new(Float64Array::from(vec![0.0, 50.0]))),
                ("high", Arc::new(Float64Array::from(vec![50.0, 101.0]))),
            ],
        );
    }

    fn write(&self, name: &str, columns: Vec<(&str, ArrayRef)>) {
        let nullable = columns.into_iter().map(|(name, column)| (name, column, true));
        let batch = RecordBatch::try_from_iter_with_nullable(nullable).unwrap();
        let file = File::create(self.folder.join(name)).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    fn open_project(&self) {
        let day = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
        let terms = ProjectTerms {
            name: "study".into(),
            dataset: "ward".into(),
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
        Hub::open(&self.hub_file()).unwrap().open_project(terms).unwrap();
    }

    /// The project `study` with its own randomness and a clock that stands still.
    ///
    /// # Panics
    /// When the hub cannot be opened.
    pub fn study(&self, randomness: Arc<dyn Randomness>) -> Study {
        let noon = Utc.with_ymd_and_hms(2030, 1, 1, 12, 0, 0).unwrap();
        let surroundings = Surroundings {
            clock: Arc::new(FixedClock::new(noon)),
            randomness,
            ..Surroundings::default()
        };
        Hub::open_with(&self.hub_file(), surroundings).unwrap().project("study").unwrap()
    }
}
