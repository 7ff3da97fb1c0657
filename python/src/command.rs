//! The `voilage` command as the wheel installs it.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command line `argv`, whose first word is the command's own name, and returns its exit
/// code.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, argv: Vec<OsString>) -> i32 {
    py.detach(|| i32::from(voilage_cli::main(argv)))
}
