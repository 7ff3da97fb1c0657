//! What the fuzz targets do with their bytes. Ordinary tests replay the seed corpus and every
//! input that once broke something through the same functions.

use std::sync::{Mutex, OnceLock, PoisonError};

use voilage_query::expression::{domain, evaluate};
use voilage_query::plan::Value;
use voilage_query::{QueryError, Spend};

use crate::chance::Chance;
use crate::expressions::case;
use crate::neighbourhood::{Change, Neighbourhood};
use crate::plans;
use crate::records::Manner;

/// The ledgers of one set of hubs take so many questions before they are made anew.
const QUESTIONS_PER_HUB: u64 = 20_000;

/// Text for the SQL door: it is explained or refused, whatever it is, and never a bug.
///
/// # Panics
/// When the engine contradicts itself: that is what the fuzzer looks for.
pub fn door(bytes: &[u8]) {
    static HUB: OnceLock<Neighbourhood> = OnceLock::new();
    let Ok(sql) = std::str::from_utf8(bytes) else { return };
    let hub = HUB.get_or_init(|| Neighbourhood::build(plans::HUB, "hostile", &[]));
    match hub.study().question(sql, &Spend::AsWritten) {
        Ok(question) => {
            let explanation = question.explanation();
            assert!(!explanation.to_string().is_empty());
            assert!(!explanation.boundaries.is_empty(), "accepted without a private aggregate");
        }
        Err(error) => {
            assert!(!matches!(error, QueryError::Bug(_) | QueryError::TryAgain), "{error}");
            assert!(!error.to_string().is_empty());
        }
    }
}

/// Choices for the grammar of random expressions: what is accepted runs over hostile values without
/// failing, and one person more changes no more than is declared.
///
/// # Panics
/// When the engine contradicts itself, fails, or a neighbour differs too much.
pub fn expressions(bytes: &[u8]) {
    static HUB: Mutex<Option<(u64, Neighbourhood)>> = Mutex::new(None);
    let sql = plans::ungrouped(&mut Chance::from_bytes(bytes));
    let mut hub = HUB.lock().unwrap_or_else(PoisonError::into_inner);
    if hub.as_ref().is_some_and(|(asked, _)| *asked >= QUESTIONS_PER_HUB) {
        *hub = None;
    }
    let (asked, neighbourhood) = hub.get_or_insert_with(|| {
        let changes = [Change::Added(Manner::Mixed, 40)];
        (0, Neighbourhood::build(plans::HUB, "hostile", &changes))
    });
    *asked += 1;
    match neighbourhood.compare(&sql, &Spend::AsWritten) {
        Ok(violations) => assert!(violations.is_empty(), "{sql}\n{violations:?}"),
        Err(error) => assert!(matches!(error, QueryError::Refused(_)), "{sql}\n{error}"),
    }
}

/// Choices for one random expression over a few rows of hostile values: it has a value for each row,
/// and every value is one that was inferred.
///
/// # Panics
/// When an evaluation fails, or a value is NaN, -0.0 or outside the inferred domain.
pub fn values(bytes: &[u8]) {
    const ROWS: usize = 4;
    let case = case(&mut Chance::from_bytes(bytes), ROWS);
    let inferred = domain(&case.scalar, &case.domains, &case.kinds);
    let Some(results) = evaluate(&case.scalar, &case.columns, ROWS) else {
        panic!("the evaluation failed: {case:?}");
    };
    for result in &results {
        if let Value::Float(float) = result {
            assert!(!float.is_nan(), "NaN from {case:?}");
            assert!(*float != 0.0 || float.is_sign_positive(), "-0.0 from {case:?}");
        }
        assert!(inferred.contains(result), "{result:?} is not in {inferred:?}: {case:?}");
    }
}
