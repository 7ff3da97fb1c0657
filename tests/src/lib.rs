//! What the whole-engine tests share. Floor 5: it may name every room, and no room may name it.
//!
//! The tests themselves are one binary with a module per subject, `tests/engine/main.rs`.

pub mod chance;
pub mod clinic;
pub mod corpus;
pub mod expressions;
pub mod fuzzing;
pub mod neighbourhood;
pub mod plans;
pub mod randomness;
pub mod records;
pub mod replay;
pub mod tidy;
pub mod trial;
pub mod ward;
