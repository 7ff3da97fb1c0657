//! Any bytes as SQL.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| voilage_tests::fuzzing::door(bytes));
