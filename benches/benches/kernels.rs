//! Rows per second of the bounding kernels, and of whole questions, on generated claims.
//!
//! Run with `cargo bench --profile dev -p voilage-benches --bench kernels`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use voilage_benches::claims::Order;
use voilage_benches::{hub, kernels};
use voilage_query::observer::Unobserved;

const KERNEL_ROWS: u64 = 1_000_000;
/// A small question: what a notebook asks all day.
const QUESTION_ROWS: u64 = 100_000;

fn bounding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bound");
    group.sample_size(10).throughput(Throughput::Elements(KERNEL_ROWS));
    for run in kernels::runs() {
        let batches = run.batches(KERNEL_ROWS);
        group.bench_function(run.name, |bencher| bencher.iter(|| run.bounded(black_box(&batches))));
    }
    group.finish();
}

fn questions(criterion: &mut Criterion) {
    let folder = std::env::temp_dir().join("voilage-benches");
    let study = hub::open(&folder, QUESTION_ROWS, Order::Arrival);
    let mut group = criterion.benchmark_group("question");
    group.sample_size(10);
    let (name, sql) = hub::QUESTIONS[0];
    group.bench_function(BenchmarkId::new("plan", name), |bencher| {
        bencher.iter(|| study.question(black_box(sql), &hub::spend(0)));
    });
    let mut run = 0;
    group.bench_function(BenchmarkId::new("answer", name), |bencher| {
        bencher.iter(|| {
            run += 1;
            let question = study.question(sql, &hub::spend(run)).expect("a sound question");
            question.run(&Unobserved).expect("budget for every run")
        });
    });
    group.finish();
}

criterion_group!(benches, bounding, questions);
criterion_main!(benches);
