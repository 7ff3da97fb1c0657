//! Charges per second of the ledger, beside the single-fsync rate of the same disk in the same run.
//!
//! Run with `cargo bench --profile dev -p voilage-benches --bench ledger`. The goal: 8 threads of one
//! process charge at four times the fsync rate or better, 99 of 100 charges within 20 ms, and a full
//! ledger is as fast as an empty one. Set the temporary folder to the disk that matters.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tempfile::TempDir;
use voilage_budgets::{
    ChargeDetail, ChargeRequest, DatasetTerms, Ledger, Permit, ProjectTerms, RequestKey,
    SystemClock,
};
use voilage_privacy::{Accountant, Epsilon, Loss};

const THREADS: u64 = 8;
/// Charges of one report on latency, and of filling a ledger.
const CHARGES: u64 = 4_000;
const FILLED: u64 = 100_000;

struct Spenders {
    _folder: TempDir,
    ledger: Ledger,
    data_version: String,
    next: AtomicU64,
}

impl Spenders {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let ledger = Ledger::create(folder.path().join("ledger"), Arc::new(SystemClock))
            .expect("a new ledger");
        let epsilon = Epsilon::parse("1").expect("an epsilon");
        let data_version = ledger
            .register_dataset(&DatasetTerms {
                name: "people".to_owned(),
                accountant: Accountant::Pure,
                epsilon: epsilon.clone(),
                delta: None,
            })
            .expect("a dataset")
            .data_version;
        let day = |date: &str| date.parse().expect("a date");
        ledger
            .open_project(&ProjectTerms {
                name: "study".to_owned(),
                dataset: "people".to_owned(),
                accountant: Accountant::Pure,
                epsilon,
                delta: None,
                permit: Permit {
                    authority: "authority".to_owned(),
                    reference: "1".to_owned(),
                    purpose: "a benchmark".to_owned(),
                    starts: day("2000-01-01"),
                    ends: day("2999-12-31"),
                },
            })
            .expect("a project");
        Self { _folder: folder, ledger, data_version, next: AtomicU64::new(0) }
    }

    fn charge(&self) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_le_bytes());
        let request = ChargeRequest {
            project: "study".to_owned(),
            principal: "ana".to_owned(),
            request_key: RequestKey(key),
            request_hash: key,
            loss: Loss::Pure { epsilon: Epsilon::from_units(1) },
            plan_hash: [7; 32],
            data_version: self.data_version.clone(),
            boundaries: 1,
            bounding_key: [7; 16],
            description: "SELECT count(*) FROM visits".to_owned(),
            shares: Vec::new(),
            detail: ChargeDetail::default(),
            renew: false,
        };
        self.ledger.admit(&request).expect("a charge");
    }

    /// The time each of `charges` took, and all of them together.
    fn timed(&self, threads: u64, charges: u64) -> (Vec<Duration>, Duration) {
        let begun = now();
        let times = thread::scope(|scope| {
            let spend = |share: u64| {
                (0..share)
                    .map(|_| {
                        let begun = now();
                        self.charge();
                        begun.elapsed()
                    })
                    .collect::<Vec<_>>()
            };
            let spenders: Vec<_> = (0..threads)
                .map(|thread| {
                    let share = charges / threads + u64::from(thread < charges % threads);
                    scope.spawn(move || spend(share))
                })
                .collect();
            spenders
                .into_iter()
                .flat_map(|spender| spender.join().expect("a spender"))
                .collect::<Vec<_>>()
        });
        (times, begun.elapsed())
    }
}

fn fsync(criterion: &mut Criterion) {
    let mut file = tempfile::tempfile().expect("a temporary file");
    criterion.bench_function("one fsync", |bencher| bencher.iter(|| append(&mut file)));
}

fn append(file: &mut File) {
    file.write_all(&[7; 4_096]).and_then(|()| file.sync_data()).expect("a disk that syncs");
}

fn charges(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("charge");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    let spenders = Spenders::new();
    for (state, fill) in [("empty", 0), ("filled", FILLED)] {
        spenders.timed(64, fill);
        for threads in [1, THREADS] {
            group.bench_function(BenchmarkId::new(state, threads), |bencher| {
                bencher.iter_custom(|charges| spenders.timed(threads, charges).1);
            });
        }
        report(state, &spenders);
    }
    group.finish();
}

/// The numbers of the goal, from one disk at one time.
#[expect(
    clippy::print_stdout,
    reason = "criterion tells means, and the goal is a ratio and a tail"
)]
fn report(state: &str, spenders: &Spenders) {
    let mut file = tempfile::tempfile().expect("a temporary file");
    let begun = now();
    (0..200).for_each(|_| append(&mut file));
    let fsyncs = 200.0 / begun.elapsed().as_secs_f64();
    let (mut times, together) = spenders.timed(THREADS, CHARGES);
    times.sort();
    let rate = times.len() as f64 / together.as_secs_f64();
    let late = times[times.len() * 99 / 100];
    println!(
        "{state}: {rate:.0} charges/s by {THREADS} threads, {:.1} times {fsyncs:.0} fsyncs/s, \
         99% within {:.1} ms",
        rate / fsyncs,
        late.as_secs_f64() * 1e3
    );
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

criterion_group!(benches, fsync, charges);
criterion_main!(benches);
