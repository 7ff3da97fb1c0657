//! Every noisy column errs by what its noise promises, and by nothing else.
//!
//! 80 seeded releases of 244 cells: `N` = 19,520 draws for each column. The root mean square of so many
//! draws of a Gaussian has a standard deviation of 0.5% (of a Laplace law 0.8%), so that an alarm at 2%
//! happens by chance once in 10,000 columns (once in 80); the seeds are fixed. Noise that is 4% too
//! large or too small is caught with near certainty.

use std::collections::BTreeMap;
use std::sync::Arc;

use voilage_tests::clinic::{Clinic, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::{ask, rho};

const RELEASES: u64 = 80;

#[test]
fn every_column_errs_by_what_its_noise_promises() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let sql = "SELECT site, minutes, COUNT(*) AS n, COUNT(DISTINCT person) AS p, \
               COUNT(DISTINCT reason) AS r, SUM(cost) AS s, VAR(cost) AS v, MEDIAN(cost) AS m \
               FROM visits WHERE minutes IS NOT NULL GROUP BY site, minutes";
    let mut squares: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for seed in 0..RELEASES {
        let tape = Tape::recording(seed);
        let study = clinic.study(Arc::new(tape.clone()));
        ask(&study, sql, &rho(&format!("0.05{seed:03}"))).unwrap();
        for column in tape.columns() {
            // The rounds of a search have one noise.
            let (_, kind) = column.request.column.split_once('_').unwrap();
            let promised = column.request.noise.std_dev_f64();
            let sum = squares.entry(kind.to_owned()).or_default();
            for cell in &column.cells {
                sum.0 += ((cell.released - cell.exact) as f64 / promised).powi(2);
                sum.1 += 1.0;
            }
        }
    }
    let kinds: Vec<&str> = squares.keys().map(String::as_str).collect();
    assert_eq!(kinds, ["deviations", "rows", "score", "squares", "sum", "units", "values"]);
    for (kind, (sum, draws)) in &squares {
        let ratio = (sum / draws).sqrt();
        assert!(*draws >= 19_000.0, "{kind}: {draws} draws");
        assert!((ratio - 1.0).abs() < 0.02, "{kind}: {ratio} of what was promised");
    }
}
