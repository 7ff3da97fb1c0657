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
    r#"Why Voilage did not do what it was asked. The message ends with a fix.

>>> import voilage as vo
>>> try:
...     vo.demo().project("demmo")
... except vo.VoilageError as error:
...     print(type(error).__name__, error)
FixQuery there is no project "demmo" in this ledger; did you mean "demo"?
"#
);
create_exception!(
    voilage,
    FixQuery,
    VoilageError,
    r#"The SQL, a loss, a name or a file is wrong; nothing was spent.

>>> import voilage as vo
>>> study = vo.demo().project("demo")
>>> study.sql("SELECT AVG(csot) FROM visits", epsilon=0.5)
Traceback (most recent call last):
voilage.FixQuery: refused [unknown-column] ...
  fix: did you mean cost? for example: SELECT AVG(cost) FROM visits
"#
);
create_exception!(
    voilage,
    BudgetRefused,
    VoilageError,
    r#"The budget does not allow the question; nothing was spent.

>>> import voilage as vo
>>> study = vo.demo().project("demo")
>>> study.sql("SELECT COUNT(*) AS visits FROM visits", rho=1000).run()
Traceback (most recent call last):
voilage.BudgetRefused: rho 1000 needs ...
"#
);
create_exception!(
    voilage,
    PolicyRefused,
    VoilageError,
    r#"A permit, a date or a rule of the dataset forbids it; nothing was spent.

>>> import datetime as dt
>>> import voilage as vo
>>> hub = vo.Hub.local("later", epsilon=10, delta="1e-6")
>>> hub.register("stays", {"patient": [1, 2]}, unit="patient", max_rows_per_group=1)
>>> dates = {"starts": dt.date(2999, 1, 1), "ends": dt.date(2999, 12, 31)}
>>> study = hub.open_project("beds", epsilon=1, delta="1e-8", purpose="to wait", **dates)
>>> study.sql("SELECT COUNT(*) AS stays FROM stays", epsilon=0.5).run()
Traceback (most recent call last):
voilage.PolicyRefused: ...
"#
);
create_exception!(
    voilage,
    TryAgain,
    VoilageError,
    r#"Ask the same question again; a charge that stands is not charged twice.

>>> import voilage as vo
>>> query = vo.demo().project("demo").sql("SELECT COUNT(*) AS visits FROM visits", epsilon=0.5)
>>> try:
...     result = query.run()
... except vo.TryAgain:  # the data could not be read to its end: the charge stands
...     result = query.run()
>>> result.columns
('visits',)
"#
);
create_exception!(
    voilage,
    NoPrice,
    FixQuery,
    "A question without a price, or with several; the package turns it into an unpriced question."
);
create_exception!(
    voilage,
    Bug,
    VoilageError,
    r#"Voilage contradicts itself; please report it.

>>> import voilage as vo
>>> try:
...     projects = vo.demo().projects()
... except vo.Bug as bug:
...     print("to report:", bug)
"#
);

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
