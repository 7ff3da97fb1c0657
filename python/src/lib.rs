//! Floor 4: the extension module `voilage._native`, one file per class.
//!
//! It turns Python arguments into calls of [`voilage_query`] and answers into Arrow capsules and
//! Python values; what people see is made in the package around it. Nothing but [`query::Query::run`] spends. Never import DataFusion, a source of
//! randomness or anything that decides about privacy here.

mod command;
mod errors;
mod hub;
mod input;
mod json;
mod pool;
mod preview;
mod query;
mod result;
mod study;
mod table;
mod values;

use pyo3::prelude::*;

/// The engine of Voilage; import `voilage` instead.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    errors::register(module)?;
    module.add_class::<hub::Hub>()?;
    module.add_class::<study::Study>()?;
    module.add_class::<query::Query>()?;
    module.add_class::<preview::Preview>()?;
    module.add_class::<result::Result>()?;
    module.add_class::<table::Table>()?;
    module.add_class::<input::Input>()?;
    module.add_function(wrap_pyfunction!(command::main, module)?)
}
