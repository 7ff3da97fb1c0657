//! Work that is stopped after its charge: the charge stands, and the next run answers under it.

use std::sync::Arc;

use voilage_budgets::ErrorKind;
use voilage_query::{Interrupt, QueryError, Stage, StageObserver};
use voilage_tests::clinic::{Clinic, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::rho;

const SQL: &str = "SELECT site, COUNT(DISTINCT person) AS people FROM visits GROUP BY site";

/// Stops the work once a stage is reached.
struct StopAt(Stage, Interrupt);

impl StageObserver for StopAt {
    fn reached(&self, stage: Stage) {
        if stage == self.0 {
            self.1.raise();
        }
    }
}

#[test]
fn a_stopped_question_keeps_its_charge_and_draws_no_noise() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let tape = Arc::new(Tape::recording(1));
    let study = clinic.study(tape.clone());
    let question = study.question(SQL, &rho("0.01")).unwrap();
    for stage in [Stage::Charged, Stage::Executing] {
        let interrupt = Interrupt::new();
        let error = question.run_until(&StopAt(stage, interrupt.clone()), &interrupt).unwrap_err();
        assert!(matches!(error, QueryError::Interrupted), "{stage:?}: {error}");
        assert_eq!(error.kind(), ErrorKind::TryAgain);
    }
    assert_eq!(tape.columns().len(), 0, "noise was drawn for an answer that nobody got");
    let spent = study.project().unwrap().spent;

    let answer = question.run_until(&StopAt(Stage::Sealed, Interrupt::new()), &Interrupt::new());
    assert_eq!(answer.unwrap().table.num_rows(), 4);
    assert_eq!(study.project().unwrap().spent, spent);
    assert_eq!(study.hub().ledger().charges(study.name()).unwrap()[0].charge.attempts, 3);
}

#[test]
fn after_the_reading_nothing_is_stopped_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let question = study.question(SQL, &rho("0.01")).unwrap();
    let interrupt = Interrupt::new();
    let answer = question.run_until(&StopAt(Stage::Released, interrupt.clone()), &interrupt);
    assert_eq!(answer.unwrap().table.num_rows(), 4);
}

#[test]
fn the_error_of_a_column_is_found_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let named = |sql: &str| -> Vec<(String, usize, usize)> {
        let question = study.question(sql, &rho("0.01")).unwrap();
        let columns = &question.explanation().columns;
        columns.iter().map(|c| (c.name.clone(), c.boundary, c.output)).collect()
    };
    assert_eq!(
        named(
            "SELECT AVG(cost) AS mean, site, COUNT(*) * 2 AS twice, COUNT(*) AS visits \
             FROM visits GROUP BY site ORDER BY visits LIMIT 2"
        ),
        [("mean".to_owned(), 0, 0), ("visits".to_owned(), 0, 1)]
    );
    assert_eq!(
        named(
            "SELECT n FROM (SELECT site, COUNT(*) AS n FROM visits GROUP BY site) AS t WHERE n > 5"
        ),
        [("n".to_owned(), 0, 0)]
    );
    // A sum over released values is none of them.
    assert_eq!(
        named(
            "SELECT SUM(n) AS n FROM (SELECT site, COUNT(*) AS n FROM visits GROUP BY site) AS t"
        ),
        []
    );
}
