//! One exception class for each thing that a reader may have to do.

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use voilage_budgets::ErrorKind;
use voilage_query::QueryError;

create_exception!(
    voilage,
    VoilageError,
    PyException,
    "Why Voilage did not do what it was asked. The message ends with a fix."
);
create_exception!(
    voilage,
    FixQuery,
    VoilageError,
    "The SQL, a loss, a name or a file is wrong; nothing was spent."
);
create_exception!(
    voilage,
    BudgetRefused,
    VoilageError,
    "The budget does not allow the question; nothing was spent."
);
create_exception!(
    voilage,
    PolicyRefused,
    VoilageError,
    "A permit, a date or a rule of the dataset forbids it; nothing was spent."
);
create_exception!(
    voilage,
    TryAgain,
    VoilageError,
    "Ask the same question again; a charge that stands is not charged twice."
);
create_exception!(
    voilage,
    NoPrice,
    FixQuery,
    "A question without a price, or with several; the package turns it into an unpriced question."
);
create_exception!(voilage, Bug, VoilageError, "Voilage contradicts itself; please report it.");

/// Adds the exception classes to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("VoilageError", py.get_type::<VoilageError>())?;
    module.add("FixQuery", py.get_type::<FixQuery>())?;
    module.add("NoPrice", py.get_type::<NoPrice>())?;
    module.add("BudgetRefused", py.get_type::<BudgetRefused>())?;
    module.add("PolicyRefused", py.get_type::<PolicyRefused>())?;
    module.add("TryAgain", py.get_type::<TryAgain>())?;
    module.add("Bug", py.get_type::<Bug>())
}

/// The Python exception for an error of the engine or, through `Into`, of the ledger.
pub(crate) fn raise(error: impl Into<QueryError>) -> PyErr {
    let error = error.into();
    let message = error.to_string();
    if error.asks_for_a_price() {
        return NoPrice::new_err(message);
    }
    match error.kind() {
        ErrorKind::FixInput => FixQuery::new_err(message),
        ErrorKind::BudgetRefused => BudgetRefused::new_err(message),
        ErrorKind::PolicyRefused => PolicyRefused::new_err(message),
        ErrorKind::TryAgain => TryAgain::new_err(message),
        ErrorKind::Bug => Bug::new_err(message),
    }
}
