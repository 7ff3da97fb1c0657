//! Choices for the grammar of expressions below the boundary.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| voilage_tests::fuzzing::expressions(bytes));
