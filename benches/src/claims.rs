//! Claims with a fixed seed: rows per patient, diagnoses and providers follow Zipf's law.
//!
//! Row `n` of a size depends on nothing but `n` and that size, so that every system and every
//! machine reads the same claims.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::Int32Type;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

/// Regions; public.
pub const REGIONS: usize = 18;
/// Diagnoses that can occur.
pub const DIAGNOSES: usize = 2_000;
/// Providers that can occur.
pub const PROVIDERS: u64 = 1_000_000;
/// Costs are at most this.
pub const COST_MAX: f64 = 5_000.0;
/// There are so many claims per patient on average.
pub const ROWS_PER_PATIENT: u64 = 20;

const BATCH_ROWS: u64 = 1 << 16;
const ROW_GROUP_ROWS: usize = 1 << 20;

/// In which order the claims lie in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As they came in: no patient's claims are neighbours.
    Arrival,
    /// By patient.
    Patient,
}

/// One claim.
struct Claim {
    patient: i64,
    region: i32,
    diagnosis: i32,
    provider: i64,
    cost: f64,
}

/// A good mixture of 64 bits (the finalizer of SplitMix64).
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The `field`-th random number of a row, uniform between 0 and 1.
fn uniform(row: u64, field: u64) -> f64 {
    (mixed(mixed(row) ^ field) >> 11) as f64 / (1_u64 << 53) as f64
}

/// A rank below `ranks` whose probability falls like `1 / (rank + head)`.
fn zipf(uniform: f64, ranks: u64, head: f64) -> u64 {
    let rank = head * ((1.0 + ranks as f64 / head).powf(uniform) - 1.0);
    (rank as u64).min(ranks - 1)
}

fn claim(row: u64, patients: u64) -> Claim {
    let rank = zipf(uniform(row, 1), patients, 1_000.0);
    // Ids that say nothing about how many claims a patient has.
    let patient = (mixed(rank) >> 20).cast_signed();
    let home = mixed(rank ^ 0x5eed) % REGIONS as u64;
    let away = (uniform(row, 2) * REGIONS as f64) as u64;
    let region = if uniform(row, 3) < 0.85 { home } else { away };
    let diagnosis = zipf(uniform(row, 4), DIAGNOSES as u64, 10.0);
    let provider = mixed(zipf(uniform(row, 5), PROVIDERS, 100.0)) >> 24;
    let odds = uniform(row, 6);
    let cost = (3_000.0 * (odds / (1.0 - odds)).sqrt()).round() / 100.0 * 4.0;
    Claim {
        patient,
        region: region as i32,
        diagnosis: diagnosis as i32,
        provider: provider.cast_signed(),
        cost,
    }
}

/// The name of a region.
pub fn region(number: usize) -> String {
    format!("R{:02}", number + 1)
}

/// The code of a diagnosis.
pub fn diagnosis(number: usize) -> String {
    let letter = char::from(b'A' + (number % 26) as u8);
    format!("{letter}{:02}.{}", number / 26 % 100, number / 2_600)
}

fn texts(keys: Vec<i32>, names: &Arc<StringArray>) -> ArrayRef {
    let names: ArrayRef = Arc::clone(names) as _;
    Arc::new(DictionaryArray::<Int32Type>::new(Int32Array::from(keys), names))
}

/// The claims in batches, in the order of their file.
pub fn batches(rows: u64, order: Order) -> impl Iterator<Item = RecordBatch> {
    let patients = (rows / ROWS_PER_PATIENT).max(1);
    let regions: Arc<StringArray> =
        Arc::new((0..REGIONS).map(|number| Some(region(number))).collect());
    let diagnoses: Arc<StringArray> =
        Arc::new((0..DIAGNOSES).map(|number| Some(diagnosis(number))).collect());
    let mut numbers: Vec<u64> = Vec::new();
    if order == Order::Patient {
        numbers = (0..rows).collect();
        numbers.sort_by_cached_key(|&row| claim(row, patients).patient);
    }
    (0..rows.div_ceil(BATCH_ROWS)).map(move |batch| {
        let range = batch * BATCH_ROWS..((batch + 1) * BATCH_ROWS).min(rows);
        let claims: Vec<Claim> = range
            .map(|place| numbers.get(place as usize).copied().unwrap_or(place))
            .map(|row| claim(row, patients))
            .collect();
        let columns: [(&str, ArrayRef); 5] = [
            ("patient", Arc::new(claims.iter().map(|c| Some(c.patient)).collect::<Int64Array>())),
            ("region", texts(claims.iter().map(|c| c.region).collect(), &regions)),
            ("diagnosis", texts(claims.iter().map(|c| c.diagnosis).collect(), &diagnoses)),
            ("provider", Arc::new(claims.iter().map(|c| Some(c.provider)).collect::<Int64Array>())),
            ("cost", Arc::new(claims.iter().map(|c| Some(c.cost)).collect::<Float64Array>())),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    })
}

/// Writes the claims as a Parquet file, unless it is there.
///
/// # Panics
/// When the file cannot be written.
pub fn write(path: &Path, rows: u64, order: Order) {
    if path.exists() {
        return;
    }
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let unfinished = path.with_extension("unfinished");
    let mut batches = batches(rows, order).peekable();
    let schema = batches.peek().unwrap().schema();
    let file = File::create(&unfinished).unwrap();
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties)).unwrap();
    for batch in batches {
        writer.write(&batch).unwrap();
    }
    writer.close().unwrap();
    std::fs::rename(unfinished, path).unwrap();
}
