//! Draws per second of the exact samplers, through the public noise source.
//!
//! Run with `cargo bench --profile dev -p voilage-benches --bench samplers`, so that nothing large
//! is compiled twice.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use voilage_privacy::mechanism::{Confidence, DiscreteGaussian, DiscreteLaplace, Noise};
use voilage_privacy::selection::KeySelection;
use voilage_privacy::sensitivity::{Sensitivity, SensitivityTerms};
use voilage_privacy::source::testing::SeededNoise;
use voilage_privacy::source::{Cell, NoiseRequest, NoiseSource};
use voilage_privacy::{Delta, PrivacyError, Rational};

/// Cells of one column.
const CELLS: u64 = 10_000;

fn gaussian(scale: u64) -> Result<Noise, PrivacyError> {
    Ok(Noise::Gaussian(DiscreteGaussian::with_scale(&Rational::from(scale))?))
}

fn laplace(scale: u64) -> Result<Noise, PrivacyError> {
    Ok(Noise::Laplace(DiscreteLaplace::with_scale(&Rational::from(scale))?))
}

fn request(noise: Noise) -> Result<NoiseRequest, PrivacyError> {
    let sensitivity = Sensitivity::new(SensitivityTerms { max_groups: 1, per_group: 1 })?;
    Ok(NoiseRequest { boundary: 0, column: "n".to_owned(), noise, sensitivity })
}

fn samplers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("draw");
    group.throughput(Throughput::Elements(CELLS));
    let cells = vec![Cell { label: b"", exact: 0 }; CELLS as usize];
    let noises = [
        ("gaussian 128 bits", gaussian(30)),
        ("gaussian 128 bits", gaussian(4_000_001)),
        ("gaussian 256 bits", gaussian(1 << 26)),
        ("gaussian 256 bits", gaussian(((1 << 22) - 1) << 32)),
        ("laplace", laplace(30)),
        ("laplace", laplace(1 << 40)),
    ];
    for (name, noise) in noises {
        let request = noise.and_then(request).expect("a representable scale");
        let mut source = SeededNoise::new(1);
        let id = BenchmarkId::new(name, request.noise.scale());
        group.bench_function(id, |bencher| {
            bencher.iter(|| source.perturb(&request, black_box(&cells)))
        });
    }
    group.finish();
}

fn laws(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("law");
    let confidence = Confidence::ninety_five();
    let budget = Delta::parse("1e-8").expect("a delta");
    for scale in [10, 300, 4_096, 1 << 20, 1 << 50] {
        let noise = gaussian(scale).expect("a representable scale");
        group.bench_function(BenchmarkId::new("half width", scale), |bencher| {
            bencher.iter(|| black_box(&noise).half_width(&confidence));
        });
        group.bench_function(BenchmarkId::new("threshold", scale), |bencher| {
            bencher.iter(|| KeySelection::for_delta(black_box(&noise), 10, &budget));
        });
        let intervals = noise.intervals(&confidence, Some(5 * i128::from(scale)));
        group.bench_function(BenchmarkId::new("truncated interval", scale), |bencher| {
            bencher.iter(|| intervals.around(black_box(6 * i128::from(scale))));
        });
    }
    group.finish();
}

criterion_group!(benches, samplers, laws);
criterion_main!(benches);
