//! Choices for one expression and the rows that it reads.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| voilage_tests::fuzzing::values(bytes));
