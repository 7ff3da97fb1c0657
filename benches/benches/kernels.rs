//! Rows per second of the bounding kernels on generated claims.
//!
//! Run with `cargo bench --profile dev -p voilage-benches --bench kernels`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use voilage_benches::kernels;

const KERNEL_ROWS: u64 = 1_000_000;

fn bounding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bound");
    group.sample_size(10).throughput(Throughput::Elements(KERNEL_ROWS));
    for run in kernels::runs() {
        let batches = run.batches(KERNEL_ROWS);
        group.bench_function(run.name, |bencher| bencher.iter(|| run.bounded(black_box(&batches))));
    }
    group.finish();
}

criterion_group!(benches, bounding);
criterion_main!(benches);
