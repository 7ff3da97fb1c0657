//! Benchmarks of the rooms, each in a file of its own under `benches/`. This library is empty on
//! purpose.
