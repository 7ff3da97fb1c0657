//! Floor 4: the extension module `voilage._native`, one file per class.
//!
//! It turns Python arguments into calls of [`voilage_query`] and answers into Arrow capsules, text
//! and HTML. Nothing but [`query::Query::run`] spends. Never import DataFusion, a source of
//! randomness or anything that decides about privacy here.

mod command;
mod errors;
mod hub;
mod json;
mod preview;
mod query;
mod render;
mod result;
mod study;
mod table;

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
    module.add_function(wrap_pyfunction!(command::main, module)?)
}
