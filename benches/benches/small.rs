//! Small questions, as a notebook asks them all day: 100,000 rows, from SQL to the answer with its
//! durable charge and seal.
//!
//! Run with `cargo bench --profile dev -p voilage-benches --bench small`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use voilage_benches::claims::Order;
use voilage_benches::hub;
use voilage_query::observer::Unobserved;

const ROWS: u64 = 100_000;

fn questions(criterion: &mut Criterion) {
    let folder = std::env::temp_dir().join("voilage-benches");
    let study = hub::open(&folder, ROWS, Order::Arrival);
    let mut group = criterion.benchmark_group("question");
    group.sample_size(20);
    let mut run = 0;
    for (name, sql) in hub::QUESTIONS {
        group.bench_function(BenchmarkId::new("plan", name), |bencher| {
            bencher.iter(|| study.question(black_box(sql), &hub::spend(0)));
        });
        // Learned keys spend delta, which lasts for a hundred answers.
        if name != "Q1" && name != "Q4" {
            continue;
        }
        group.bench_function(BenchmarkId::new("answer", name), |bencher| {
            bencher.iter(|| {
                // Another price each time, or the answer would be a replay.
                run += 1;
                let question = study.question(sql, &hub::spend(run)).expect("a sound question");
                question.run(&Unobserved).expect("budget for every run")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, questions);
criterion_main!(benches);
