//! The search beside a tree and the exponential mechanism, at equal rho on generated values.
//!
//! `cargo test -p voilage-privacy search::compared -- --ignored --nocapture` prints the table of
//! `PROOF.md`. The rivals are for comparison only and draw in floating point.

use dashu::rational::RBig;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;
use crate::sampler::Sampler;

const LEAVES: usize = 256;
/// Enough for the first digit of every error.
const RUNS: usize = 200;

/// What a cell holds: how many values are in each leaf.
struct Values {
    leaves: Vec<f64>,
}

/// What a unit may contribute, and what all quantiles together may cost.
struct Terms {
    max_groups: u32,
    max_rows: u32,
    rho: f64,
}

fn uniform(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

fn normal(rng: &mut impl Rng) -> f64 {
    let radius = (-2.0 * (1.0 - uniform(rng)).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform(rng)).cos()
}

impl Values {
    fn generated(kind: &str, rows: usize, rng: &mut impl Rng) -> Self {
        let mut leaves = vec![0.0; LEAVES];
        for _ in 0..rows {
            let value = match kind {
                "uniform" => uniform(rng),
                "lognormal" => normal(rng).exp() / 20.0,
                "zipf" => ((1.0 - uniform(rng)).powf(-1.0 / 1.2) - 1.0) / 200.0,
                _ if uniform(rng) < 0.5 => 0.1,
                _ if uniform(rng) < 0.8 => 0.4,
                _ => uniform(rng),
            };
            leaves[((value * LEAVES as f64) as usize).min(LEAVES - 1)] += 1.0;
        }
        Self { leaves }
    }

    fn rows(&self) -> f64 {
        self.leaves.iter().sum()
    }

    fn below(&self, leaf: usize) -> f64 {
        self.leaves[..leaf].iter().sum()
    }

    /// How many rows lie between a leaf and the quantile.
    fn rank_error(&self, leaf: usize, share: f64) -> f64 {
        let (from, wanted) = (self.below(leaf), share * self.rows());
        (from - wanted).max(wanted - from - self.leaves[leaf]).max(0.0)
    }
}

/// Each quantile a search of its own, as it is released.
fn searches(
    values: &Values,
    shares: &[Quantile],
    terms: &Terms,
    rng: &mut ChaCha20Rng,
) -> Vec<usize> {
    let leaves = Leaves::between(0, LEAVES as i64 - 1);
    let mut found: Vec<usize> = (shares.iter())
        .map(|share| {
            let rounds = f64::from(leaves.rounds()) * shares.len() as f64;
            let rho = RBig::try_from(terms.rho / rounds).unwrap();
            let sensitivity = share.sensitivity(terms.max_groups, terms.max_rows).unwrap();
            let sampler = Sampler::new(&Noise::best_for_rho(&sensitivity, &rho).unwrap());
            let mut search = Search::new(leaves);
            for _ in 0..leaves.rounds() {
                let below = values.below(search.asks() as usize) as u64;
                search.hear(share.score(below, values.rows() as u64) + sampler.sample(rng));
            }
            search.low as usize
        })
        .collect();
    found.sort_unstable();
    found
}

/// A tree of counts of branching 4 with the weighted means of Hay et al. 2010, which all quantiles
/// share.
fn tree(values: &Values, shares: &[Quantile], terms: &Terms, rng: &mut ChaCha20Rng) -> Vec<usize> {
    const BRANCHES: usize = 4;
    const LEVELS: usize = 4;
    let noise = f64::from(terms.max_rows)
        * (f64::from(terms.max_groups) * LEVELS as f64 / (2.0 * terms.rho)).sqrt();
    let sums = |level: &[f64]| level.chunks(BRANCHES).map(|node| node.iter().sum()).collect();
    let mut exact = vec![values.leaves.clone()];
    for _ in 1..LEVELS {
        let above: Vec<f64> = sums(&exact[0]);
        exact.insert(0, above);
    }
    let mut noisy: Vec<Vec<f64>> = (exact.iter())
        .map(|level| level.iter().map(|count| count + noise * normal(rng)).collect())
        .collect();
    for level in (0..LEVELS - 1).rev() {
        let height = (LEVELS - level) as i32;
        let power = |exponent| (BRANCHES as f64).powi(exponent);
        let own = (power(height) - power(height - 1)) / (power(height) - 1.0);
        let below: Vec<f64> = sums(&noisy[level + 1]);
        for (node, below) in noisy[level].iter_mut().zip(below) {
            *node = own * *node + (1.0 - own) * below;
        }
    }
    for level in 1..LEVELS {
        let [above, here] = &mut noisy[level - 1..=level] else { unreachable!() };
        for (node, above) in here.chunks_mut(BRANCHES).zip(above.iter()) {
            let missing = (above - node.iter().sum::<f64>()) / BRANCHES as f64;
            node.iter_mut().for_each(|count| *count += missing);
        }
    }
    let counts = &noisy[LEVELS - 1];
    let rows: f64 = counts.iter().sum();
    let at = |share: &Quantile| {
        let mut below = 0.0;
        let reaches = |count: &f64| {
            below += count;
            below >= share.to_f64() * rows
        };
        counts.iter().position(reaches).unwrap_or(LEAVES - 1)
    };
    shares.iter().map(at).collect()
}

/// The exponential mechanism, `epsilon^2 / 8` of concentrated loss in each group (Dong, Durfee &
/// Rogers 2020), scored for all rows of a unit.
fn exponential(
    values: &Values,
    shares: &[Quantile],
    terms: &Terms,
    rng: &mut ChaCha20Rng,
) -> Vec<usize> {
    let each = terms.rho / shares.len() as f64 / f64::from(terms.max_groups);
    let epsilon = (8.0 * each).sqrt();
    let mut found: Vec<usize> = (shares.iter())
        .map(|share| {
            let share = share.to_f64();
            let unit = f64::from(terms.max_rows) * share.max(1.0 - share);
            let weight = |leaf| (-epsilon * values.rank_error(leaf, share) / (2.0 * unit)).exp();
            let weights: Vec<f64> = (0..LEAVES).map(weight).collect();
            let mut left = uniform(rng) * weights.iter().sum::<f64>();
            let takes = |weight: &f64| {
                left -= weight;
                left <= 0.0
            };
            weights.iter().position(takes).unwrap_or(LEAVES - 1)
        })
        .collect();
    found.sort_unstable();
    found
}

type Mechanism = fn(&Values, &[Quantile], &Terms, &mut ChaCha20Rng) -> Vec<usize>;

/// The root mean square error of a mechanism's ranks. *Units*: `max_rows * sqrt(max_groups / rho)`.
fn error(mechanism: Mechanism, values: &Values, shares: &[Quantile], terms: &Terms) -> f64 {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let mut sum = 0.0;
    for _ in 0..RUNS {
        for (leaf, share) in mechanism(values, shares, terms, &mut rng).into_iter().zip(shares) {
            sum += values.rank_error(leaf, share.to_f64()).powi(2);
        }
    }
    let unit = f64::from(terms.max_rows) * (f64::from(terms.max_groups) / terms.rho).sqrt();
    (sum / (RUNS * shares.len()) as f64).sqrt() / unit
}

#[test]
#[ignore = "prints a table for people"]
fn the_table_of_the_proof_note() {
    println!(
        "| values | rows | groups x rows of a unit | quantiles | search | tree | exponential |"
    );
    for kind in ["uniform", "lognormal", "zipf", "lumped"] {
        for (rows, rho) in [(300, 0.1), (30_000, 0.01)] {
            let mut rng = ChaCha20Rng::seed_from_u64(1);
            let values = Values::generated(kind, rows, &mut rng);
            for (max_groups, max_rows) in [(1, 1), (4, 3)] {
                for quantiles in [1, 3, 9] {
                    let shares: Vec<Quantile> = (1..=quantiles)
                        .map(|place| Quantile::new(place, quantiles + 1).unwrap())
                        .collect();
                    let terms = Terms { max_groups, max_rows, rho };
                    let of = |mechanism| error(mechanism, &values, &shares, &terms);
                    println!(
                        "| {kind} | {rows} | {max_groups} x {max_rows} | {quantiles} | {:.2} | {:.2} | {:.2} |",
                        of(searches as Mechanism),
                        of(tree as Mechanism),
                        of(exponential as Mechanism),
                    );
                }
            }
        }
    }
}
