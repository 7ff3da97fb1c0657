//! Voilage as one of the systems of `benches/compare`: questions by name on standard input, one
//! line of JSON each on standard output.
//!
//! `voilage_worker FOLDER ROWS arrival|patient`

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a worker speaks to its driver")]

use std::io::{BufRead, stdin};
use std::path::PathBuf;

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use serde_json::{Value, json};
use voilage_benches::claims::Order;
use voilage_benches::hub;
use voilage_query::observer::Unobserved;

/// A moment. Timings are what this package is for.
struct Clock(std::time::Instant);

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "benchmarks measure time")]
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn seconds_until(&self, later: &Self) -> f64 {
        (later.0 - self.0).as_secs_f64()
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, rows, order] = arguments.as_slice() else {
        println!("usage: voilage_worker FOLDER ROWS arrival|patient");
        return;
    };
    let order = if order == "patient" { Order::Patient } else { Order::Arrival };
    let study = hub::open(&PathBuf::from(folder), rows.parse().unwrap(), order);
    println!("{}", json!({"ready": true}));
    for (run, line) in (0..).zip(stdin().lock().lines()) {
        let line = line.unwrap();
        let Some((_, sql)) = hub::QUESTIONS.iter().find(|(name, _)| *name == line) else { return };
        let asked = Clock::start();
        let question = study.question(sql, &hub::spend(run)).unwrap();
        let planned = Clock::start();
        let answer = question.run(&Unobserved).unwrap();
        let answered = Clock::start();
        assert!(!answer.replayed, "a replay measures nothing");
        let table = &answer.table;
        let columns: Vec<Value> = table.columns().iter().map(|column| values(column)).collect();
        let names: Vec<String> =
            table.schema().fields().iter().map(|field| field.name().clone()).collect();
        println!(
            "{}",
            json!({
                "wall_s": asked.seconds_until(&answered),
                "planning_s": asked.seconds_until(&planned),
                "names": names,
                "columns": columns,
            })
        );
    }
}

fn values(column: &dyn Array) -> Value {
    match column.data_type() {
        DataType::Int64 => {
            column.as_primitive::<arrow::datatypes::Int64Type>().iter().collect::<Vec<_>>().into()
        }
        DataType::Float64 => {
            column.as_primitive::<arrow::datatypes::Float64Type>().iter().collect::<Vec<_>>().into()
        }
        _ => column.as_string::<i32>().iter().collect::<Vec<_>>().into(),
    }
}
