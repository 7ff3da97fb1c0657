//! The cheapest split of a loss over noisy columns that keeps every wanted error.
//!
//! Each column of loss rho has noise whose square falls as 1 / rho, and independent noise adds up in
//! squares. So with the losses `rho_i` the wanted errors are linear in `1 / rho_i`:
//!
//! ```text
//! minimise  sum_i rho_i   such that   sum_i a_ji / rho_i <= 1  for every target j.
//! ```
//!
//! This is convex. Where no two targets share a column it has a closed form; otherwise `1 / rho_i` is a
//! second variable beside `rho_i`, whose product is at least one: a rotated cone, for a conic solver.
//! Floating point is good enough: what comes out is a proposal, which the engine prices exactly.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{
    DefaultSettings, DefaultSolver, IPSolver, SolverStatus, SupportedConeT,
    SupportedConeT::{NonnegativeConeT, SecondOrderConeT},
};

/// What the wanted errors ask of the columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    /// How many noisy columns there are; each is in at least one target.
    pub(crate) columns: usize,
    /// For each wanted error, its columns with their `a_ji`, all above zero.
    pub(crate) targets: Vec<Vec<(usize, f64)>>,
}

/// A split, and how it was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Split {
    /// The loss of each column.
    pub(crate) losses: Vec<f64>,
    /// Whether a formula gave it, and no solver was needed.
    pub(crate) is_closed_form: bool,
}

impl Wanted {
    /// The cheapest split; `None` where the solver finds none, which numbers far apart can cause.
    pub(crate) fn cheapest(&self) -> Option<Split> {
        match self.closed_form() {
            Some(losses) => Some(Split { losses, is_closed_form: true }),
            None => self.solved().map(|losses| Split { losses, is_closed_form: false }),
        }
    }

    /// Where each column serves one target: `rho_i = sqrt(a_i) * sum_k sqrt(a_k)`, by Cauchy-Schwarz.
    fn closed_form(&self) -> Option<Vec<f64>> {
        let mut losses = vec![0.0; self.columns];
        for target in &self.targets {
            let roots: f64 = target.iter().map(|(_, part)| part.sqrt()).sum();
            for (column, part) in target {
                if losses[*column] > 0.0 {
                    return None;
                }
                losses[*column] = part.sqrt() * roots;
            }
        }
        Some(losses)
    }

    /// The same by the solver, in units that bring every number near one.
    fn solved(&self) -> Option<Vec<f64>> {
        let columns = self.columns;
        let mut guess = vec![0.0_f64; columns];
        for target in &self.targets {
            let roots: f64 = target.iter().map(|(_, part)| part.sqrt()).sum();
            for (column, part) in target {
                // What the column would cost if its dearest target were the only one.
                guess[*column] = guess[*column].max(part.sqrt() * roots);
            }
        }
        let largest = guess.iter().copied().fold(0.0, f64::max);
        let mut entries = Entries::default();
        for target in &self.targets {
            for (column, part) in target {
                entries.put(columns + column, part / guess[*column]);
            }
            entries.row(1.0);
        }
        let mut cones: Vec<SupportedConeT<f64>> = vec![NonnegativeConeT(self.targets.len())];
        for column in 0..columns {
            // |(2, u - x)| <= u + x says that u * x >= 1.
            entries.put(column, -1.0);
            entries.put(columns + column, -1.0);
            entries.row(0.0);
            entries.row(2.0);
            entries.put(column, -1.0);
            entries.put(columns + column, 1.0);
            entries.row(0.0);
            cones.push(SecondOrderConeT(3));
        }
        let costs: Vec<f64> =
            guess.iter().map(|guess| guess / largest).chain(vec![0.0; columns]).collect();
        let settings = DefaultSettings { verbose: false, ..DefaultSettings::default() };
        let nothing = CscMatrix::zeros((2 * columns, 2 * columns));
        let (matrix, bounds) = entries.into_matrix(2 * columns);
        let mut solver = DefaultSolver::new(&nothing, &costs, &matrix, &bounds, &cones, settings);
        solver.solve();
        match solver.solution.status {
            SolverStatus::Solved | SolverStatus::AlmostSolved => {
                Some(solver.solution.x.iter().zip(&guess).map(|(u, guess)| u * guess).collect())
            }
            _ => None,
        }
    }
}

/// A matrix that is written row by row.
#[derive(Default)]
struct Entries {
    rows: Vec<usize>,
    columns: Vec<usize>,
    values: Vec<f64>,
    bounds: Vec<f64>,
}

impl Entries {
    fn put(&mut self, column: usize, value: f64) {
        self.rows.push(self.bounds.len());
        self.columns.push(column);
        self.values.push(value);
    }

    /// Ends the row, whose right-hand side is `bound`.
    fn row(&mut self, bound: f64) {
        self.bounds.push(bound);
    }

    fn into_matrix(self, columns: usize) -> (CscMatrix<f64>, Vec<f64>) {
        let rows = self.bounds.len();
        let matrix =
            CscMatrix::new_from_triplets(rows, columns, self.rows, self.columns, self.values);
        (matrix, self.bounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: &[f64], expected: &[f64], tolerance: f64) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            let off = (found / expected - 1.0).abs();
            assert!(off < tolerance, "{found} is not {expected}");
        }
    }

    /// Numbers between 1e-4 and 1e4, the same in every run.
    fn some_numbers(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            10_f64.powf((state >> 33) as f64 / f64::from(1_u32 << 31) * 8.0 - 4.0)
        }
    }

    #[test]
    fn the_solver_agrees_with_the_closed_form() {
        for seed in 0..40 {
            let mut number = some_numbers(seed);
            let targets = vec![
                vec![(0, number())],
                vec![(1, number()), (2, number())],
                vec![(3, number()), (4, number()), (5, number())],
            ];
            let wanted = Wanted { columns: 6, targets };
            let exact = wanted.closed_form().unwrap();
            let solved = wanted.solved().unwrap();
            let (exact, solved): (f64, f64) = (exact.iter().sum(), solved.iter().sum());
            close(&[solved], &[exact], 1e-5);
            assert!(wanted.cheapest().unwrap().is_closed_form);
        }
    }

    /// Two means that share their count, and the count itself: no split nearby is cheaper.
    #[test]
    fn a_shared_column_is_paid_for_once_and_nothing_cheaper_keeps_the_errors() {
        for seed in 0..40 {
            let mut number = some_numbers(seed);
            let targets = vec![
                vec![(0, number())],
                vec![(1, number()), (0, number())],
                vec![(2, number()), (0, number())],
            ];
            let wanted = Wanted { columns: 3, targets };
            let split = wanted.cheapest().unwrap();
            assert!(!split.is_closed_form);
            let worst = |losses: &[f64]| {
                let errors = wanted.targets.iter().map(|target| {
                    target.iter().map(|(column, part)| part / losses[*column]).sum::<f64>()
                });
                errors.fold(0.0, f64::max)
            };
            assert!(worst(&split.losses) < 1.0 + 1e-5, "an error is too large");
            let cost: f64 = split.losses.iter().sum();
            // Other splits, scaled so that they keep every error too, all cost as much or more.
            for step in 0..2_000 {
                let mut other = some_numbers(seed * 10_000 + step);
                let reach = [1e-3, 1e-2, 1e-1, 1.0][step as usize % 4];
                let nearby: Vec<f64> =
                    split.losses.iter().map(|loss| loss * other().powf(reach)).collect();
                let scale = worst(&nearby);
                let nearby: f64 = nearby.iter().map(|loss| loss * scale).sum();
                assert!(nearby > cost * (1.0 - 1e-5), "{nearby} < {cost}");
            }
        }
    }

    #[test]
    fn the_price_falls_with_the_square_of_the_error() {
        let at = |part: f64| {
            let targets = vec![vec![(0, part), (1, part)], vec![(1, part)]];
            Wanted { columns: 2, targets }.cheapest().unwrap().losses.iter().sum::<f64>()
        };
        close(&[at(4.0)], &[4.0 * at(1.0)], 1e-6);
    }
}
