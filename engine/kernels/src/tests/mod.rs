//! The kernels against the slow reference, against hostile input, and against their promise.

mod cases;
mod distinct;
mod hostile;
mod properties;
mod ranking;
mod sensitivity;
mod spill;
mod states;
mod types;
