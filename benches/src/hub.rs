//! A hub over generated claims, and the questions of the comparison.

use std::path::Path;

use chrono::NaiveDate;
use voilage_budgets::{Permit, ProjectTerms};
use voilage_privacy::quantity::{Delta, Epsilon};
use voilage_query::question::SpendOptions;
use voilage_query::{Hub, Spend, Study};

use crate::claims::{self, Order};

/// Groups that keep a patient's claims.
pub const MAX_GROUPS: u32 = 4;
/// Claims of a patient that are kept in a group.
pub const MAX_ROWS_PER_GROUP: u32 = 3;

/// What each question of the comparison asks, by its name.
pub const QUESTIONS: [(&str, &str); 5] = [
    ("Q1", "SELECT region, COUNT(*) AS n FROM claims GROUP BY region"),
    (
        "Q2",
        "SELECT diagnosis, COUNT(*) AS n, SUM(cost) AS total, AVG(cost) AS mean FROM claims \
         GROUP BY diagnosis",
    ),
    ("Q3", "SELECT provider, COUNT(*) AS n FROM claims GROUP BY provider"),
    (
        "Q4",
        "SELECT region, MEDIAN(cost) AS median, APPROX_PERCENTILE_CONT(cost, 0.9) AS p90 FROM claims \
         GROUP BY region",
    ),
    ("Q5", "SELECT diagnosis, COUNT(DISTINCT patient) AS n FROM claims GROUP BY diagnosis"),
];

/// The hub of `rows` claims in a folder; claims that are there are used again.
///
/// # Panics
/// When the folder cannot be written.
pub fn open(folder: &Path, rows: u64, order: Order) -> Study {
    std::fs::create_dir_all(folder).unwrap();
    let (name, sorted) = match order {
        Order::Arrival => (format!("claims-{rows}"), ""),
        Order::Patient => (format!("claims-by-patient-{rows}"), "sorted_by_unit = true\n"),
    };
    claims::write(&folder.join(format!("{name}.parquet")), rows, order);
    let hub_file = folder.join(format!("{name}.toml"));
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        // A ledger, and whatever lies beside it, starts anew.
        if entry.file_name().to_string_lossy().starts_with(&format!("{name}.sqlite")) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    std::fs::write(&hub_file, hub_text(&name, sorted)).unwrap();
    Hub::init(&hub_file).unwrap();
    let hub = Hub::open(&hub_file).unwrap();
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    hub.open_project(ProjectTerms {
        name: "bench".into(),
        dataset: "claims".into(),
        accountant: voilage_privacy::quantity::Accountant::Zcdp,
        epsilon: Epsilon::parse("900").unwrap(),
        delta: Some(Delta::parse("1e-8").unwrap()),
        permit: Permit {
            authority: "nobody".into(),
            reference: "BENCH".into(),
            purpose: "to measure".into(),
            starts: day("2020-01-01"),
            ends: day("2099-12-31"),
        },
    })
    .unwrap();
    hub.project("bench").unwrap()
}

/// What the `run`-th question spends: epsilon 1 to a few digits, and never the same twice, so that
/// no answer is a replay.
///
/// # Panics
/// Never.
pub fn spend(run: u32) -> Spend {
    let epsilon = format!("1.{run:06}");
    Spend::from_options(SpendOptions { epsilon: Some(&epsilon), ..SpendOptions::default() })
        .unwrap()
}

fn hub_text(name: &str, sorted: &str) -> String {
    let regions: Vec<String> =
        (0..claims::REGIONS).map(|number| format!("{:?}", claims::region(number))).collect();
    format!(
        r#"
[hub]
ledger = "{name}.sqlite"

[datasets.claims]
cap = {{ epsilon = "1000", delta = "1e-4" }}

[datasets.claims.tables.claims]
file = "{name}.parquet"
unit = "patient"
{sorted}max_groups = {MAX_GROUPS}
max_rows_per_group = {MAX_ROWS_PER_GROUP}

[datasets.claims.tables.claims.columns]
patient = {{ type = "int64" }}
region = {{ type = "utf8", values = [{}] }}
diagnosis = {{ type = "utf8" }}
provider = {{ type = "int64" }}
cost = {{ type = "float64", bounds = ["0", "{}"] }}
"#,
        regions.join(", "),
        claims::COST_MAX,
    )
}
