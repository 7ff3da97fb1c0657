//! The private plan: a small closed language for everything below the boundary.
//!
//! A query is lowered from DataFusion's logical plan into these types and raised back for
//! execution. What cannot be written here cannot run over owned rows: there is no node that fails,
//! allocates without bound, reads a clock or depends on the order of rows. Columns are positions,
//! so no name can be ambiguous, and the serialised plan is the canonical form that request keys
//! are made of.

mod boundary;
mod derived;
mod domain;
mod per_unit;
mod relation;
mod scalar;
mod value;
mod written;

pub use boundary::{
    Boundary, CutNoise, KeyDomain, MeasuredValue, NoisyColumn, NoisyMeasure, OutputColumn,
    PrivatePlan, SmallestGroup, Spread, Squares,
};
pub use derived::{CanonicalPlan, DerivedTable};
pub use domain::{Domain, FINITE_MAX, Possible};
pub use per_unit::{
    Edge, Frame, Moments, SortKey, UnitAggregate, UnitFunction, WindowCall, WindowFunction,
};
pub use relation::{ColumnFacts, JoinKind, Node, Owner, Relation, ScanColumn};
pub use scalar::{Comparison, Scalar};
pub use value::{Type, Value};
pub(crate) use written::Written;
