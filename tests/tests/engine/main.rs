//! Tests of the whole engine: one binary with a module per subject, so that DataFusion links once.

mod tidy;
