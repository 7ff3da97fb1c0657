//! The one error type of this crate.

use arrow::datatypes::DataType;

/// Why the kernels refuse, ordered by what the reader must do: fix the bounds, fix the plan, fix
/// the input, fix a partial state, ask for less or give more memory, report a bug.
///
/// Messages name columns, types, positions and public parameters; they never hold a row's value,
/// and errors of Arrow are not carried along because theirs may.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// The bounds cannot be put on a grid.
    #[error("the bounds [{lower}, {upper}] cannot be put on a grid: {why}")]
    Bounds {
        /// The lower bound as given.
        lower: f64,
        /// The upper bound as given.
        upper: f64,
        /// The reason and the fix.
        why: &'static str,
    },
    /// The grid step does not suit the bounds.
    #[error("the step 2^{step_log2} does not suit the bounds [{lower}, {upper}]: {why}")]
    Step {
        /// The lower bound.
        lower: f64,
        /// The upper bound.
        upper: f64,
        /// The step's binary logarithm as given.
        step_log2: i32,
        /// The reason and the fix.
        why: &'static str,
    },

    /// A row-wise function got arguments that it is not made for: a mistake of the planner.
    #[error("a row-wise function cannot take {what}; this depends on no value")]
    Function {
        /// What was wrong with the arguments.
        what: String,
    },

    /// A contribution bound is zero.
    #[error("{limit} is 0, so that nobody could ever be counted; set it to 1 or more")]
    ZeroLimit {
        /// The bound's name.
        limit: &'static str,
    },
    /// A measure reads a value column that the plan does not have.
    #[error(
        "measure {measure} reads value column {value}, but the plan has {values}; add the value \
         column or change the measure's index"
    )]
    MissingValue {
        /// The measure's position in the plan.
        measure: usize,
        /// The value column that it reads.
        value: usize,
        /// How many value columns there are.
        values: usize,
    },
    /// A sum reads a value column that has no grid.
    #[error(
        "measure {measure} sums value column {value}, which only records presence; give that \
         column bounds with ValueColumn::Grid"
    )]
    SumWithoutGrid {
        /// The measure's position in the plan.
        measure: usize,
        /// The value column that it sums.
        value: usize,
    },
    /// Rows that were to come sorted by unit did not, or one unit has too many of them; nothing is
    /// known about them yet.
    #[error("the rows cannot be streamed: they are not sorted by unit; bound them in lanes")]
    Unsorted,
    /// Distinct values of a column that is not read for them, or something else of one that is.
    #[error(
        "measure {measure} and value column {value} do not fit: a ValueColumn::Distinct is read by \
         Measure::Distinct and by nothing else; add a value column of its own"
    )]
    NotCounted {
        /// The measure's position in the plan.
        measure: usize,
        /// The value column that it reads.
        value: usize,
    },
    /// Learned keys without key columns.
    #[error(
        "there are no key columns to learn; for one global group use Keys::Public with a batch \
         of no columns and one row"
    )]
    NothingToLearn,
    /// A public domain without columns that does not stand for exactly one group.
    #[error(
        "public keys without columns stand for one global group, but the batch has {rows} rows; \
         give it exactly one"
    )]
    GlobalGroup {
        /// The rows of the batch.
        rows: usize,
    },
    /// A key tuple stands twice in the public domain.
    #[error("rows {first} and {second} of the public keys are the same key; remove one of them")]
    DuplicateKey {
        /// Position of the first occurrence.
        first: usize,
        /// Position of the second occurrence.
        second: usize,
    },
    /// A public key column and the input column differ in type.
    #[error(
        "public key column {column} has type {domain}, but the rows have {input}; cast the \
         public keys to {input}"
    )]
    KeyType {
        /// The key column's position.
        column: usize,
        /// The type in the public domain.
        domain: DataType,
        /// The canonical type in the input.
        input: DataType,
    },
    /// The input schema does not have the plan's columns.
    #[error(
        "the plan needs {expected} columns (the unit, then keys, then values), but the input has \
         {found}; project the input to exactly these"
    )]
    ColumnCount {
        /// Columns that the plan needs.
        expected: usize,
        /// Columns that are there.
        found: usize,
    },
    /// A column's type cannot be used in its role.
    #[error("column {column} has type {data_type}, which cannot be {role}; cast it to {fix}")]
    UnsupportedType {
        /// The column's name.
        column: String,
        /// Its type.
        data_type: DataType,
        /// What the plan uses it for.
        role: &'static str,
        /// The types that can be used.
        fix: &'static str,
    },
    /// An array without numbers was to be put on a grid.
    #[error(
        "an array of type {data_type} cannot be put on a grid; cast it to an integer, BOOLEAN, \
         DOUBLE or DECIMAL(38, s) first"
    )]
    NotNumeric {
        /// The array's type.
        data_type: DataType,
    },

    /// A batch does not follow the schema that the bounder was made for.
    #[error(
        "column {column} of a batch has type {found}, but {expected} was announced; make every \
         batch follow one schema"
    )]
    BatchType {
        /// The column's position.
        column: usize,
        /// The announced canonical type.
        expected: DataType,
        /// The type that came.
        found: DataType,
    },
    /// A column of a batch could not be brought to its canonical type.
    #[error(
        "column {column} of a batch could not be read as {expected}; check that the array is \
         valid and holds less than 2 GiB of text per batch"
    )]
    Unreadable {
        /// The column's position.
        column: usize,
        /// The canonical type.
        expected: DataType,
    },

    /// A partial state is not what this version writes.
    #[error("the partial state is malformed: {why}; compute it again with this version")]
    MalformedState {
        /// What is wrong with it.
        why: &'static str,
    },
    /// Partial states, or a state and its keys, belong to different plans.
    #[error("partial states do not belong together: {why}; merge states of one plan only")]
    StateMismatch {
        /// What differs.
        why: &'static str,
    },
    /// An empty list of partial states was to be merged.
    #[error("there is no partial state to merge; pass at least one, an empty one will do")]
    NothingToMerge,

    /// A total does not fit Decimal(38, 0).
    #[error("a total does not fit 38 decimal digits; use a coarser grid step")]
    Overflow,
    /// More rows, units, keys or key bytes than one bounder can hold.
    #[error("there are more than {limit} {what}; split the input by unit and merge the states")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The largest number allowed.
        limit: u64,
    },

    /// More memory is needed than the policy allows.
    #[error(
        "bounding needs more than {limit_bytes} bytes of memory; raise the limit, or give a place \
         to spill rows to"
    )]
    Memory {
        /// The limit.
        limit_bytes: usize,
    },
    /// Rows could not be spilled, or not be read back.
    #[error("rows could not be kept outside of memory: {detail}")]
    Spill {
        /// What the store said, for the operator.
        detail: String,
    },

    /// Something that the checks above should have excluded.
    #[error("internal error while {doing}; please report this as a bug")]
    Internal {
        /// What was being done.
        doing: &'static str,
    },
}
