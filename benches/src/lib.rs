//! Generated claims and the questions asked of them, shared by benchmarks and comparisons.

#![expect(clippy::unwrap_used, reason = "a benchmark ends where something is missing")]

pub mod claims;
pub mod hub;
pub mod kernels;
