//! Contribution bounding and mergeable integer partial states over Arrow arrays.
//!
//! Rows owned by privacy units go in as Arrow batches; for each unit at most `max_groups` groups
//! and `max_rows_per_group` rows per group are kept, chosen by a keyed hash and by nothing else;
//! what comes out is one integer state per group, which merges with the states of other units in
//! any order. Nothing here is private yet: a [`PartialState`] holds exact values and must reach
//! a noise source before anyone sees it.
//!
//! | module | purpose |
//! |---|---|
//! | `plan` | what is bounded and measured, checked against the input schema |
//! | `squares` | squared deviations as integers |
//! | `grid` | bounds and the fixed-point grid; the only place where values stop being floats |
//! | `canonical` | one byte string per unit id and per key tuple, whatever Arrow type carries it |
//! | `intern`, `integer`, `dictionary`, `number` | values as numbers, compared by value and never by hash |
//! | `declared` | what a catalogue declares, enforced in every row |
//! | `rank` | the keyed order in which groups and rows are kept |
//! | `store` | rows as fixed records, partitioned by unit |
//! | `memory` | how much memory rows may take, and the trait through which they are spilled |
//! | `bounder`, `lane` | rows in, one state out |
//! | `stream` | the same for rows that come sorted by unit, one unit in memory at a time |
//! | `grouping`, `choice`, `settle` | rows unit by unit, which of them are kept, each unit bounded |
//! | `measure`, `cells` | what kept rows add to a group, and the sums |
//! | `distinct` | which values of a unit are counted, and the union over all units |
//! | `partial`, `sets`, `ipc` | partial states: merge, cells, Arrow IPC |
//! | `scalar` | total functions of one row, which may run before rows are bounded |
//! | `reference` | the same answer computed slowly: sort, then take |
//!
//! Never imported here: SQL, DataFusion, the ledger, a source of randomness, a clock or files.

mod bounder;
mod canonical;
mod cells;
mod choice;
mod declared;
mod dictionary;
mod distinct;
mod error;
mod grid;
mod grouping;
mod integer;
mod intern;
mod ipc;
mod lane;
mod measure;
mod memory;
mod number;
mod partial;
mod plan;
mod rank;
pub mod reference;
pub mod scalar;
mod sets;
mod settle;
mod squares;
mod store;
mod stream;

#[cfg(test)]
mod tests;

pub use bounder::{Bounder, Lane, SortedLane};
pub use cells::Over;
pub use declared::Declaration;
pub use error::KernelError;
pub use grid::Grid;
pub use memory::{Memory, Spill};
pub use partial::{Labels, PartialState, Totals};
pub use plan::{BoundingPlan, Keys, Measure, ValueColumn};
pub use rank::ranking;
pub use squares::Squares;
