//! The allow-list: one entry for each function that may run below the boundary.
//!
//! Lowering takes argument and result types from here, range inference takes its rule, sessions
//! register the SQL names, and `docs/functions.md` is this table written out.

use voilage_kernels::scalar::Function;

use crate::plan::Type::{self, Bool, Date, Float64, Int64, Text, Timestamp};

/// A function of the allow-list.
#[derive(Debug)]
pub struct Entry {
    /// Which function.
    pub function: Function,
    /// Its name in canonical plans; never changes.
    pub name: &'static str,
    /// How it is written in SQL.
    pub written: &'static str,
    /// The names under which SQL calls it; none for operators.
    pub sql: &'static [&'static str],
    /// The lists of argument types that it takes, the narrowest first.
    pub takes: &'static [Overload],
    /// Which values it can give.
    pub(crate) range: Rule,
    /// Why it cannot fail.
    pub total: &'static str,
}

/// Argument types and the type of the result.
#[derive(Debug)]
pub struct Overload {
    /// The types of the arguments.
    pub takes: &'static [Type],
    /// Whether the last argument may come again.
    pub repeats: bool,
    /// The type of the result.
    pub gives: Type,
}

/// How the range of a result follows from those of the arguments. Finite sets need no rule: the
/// function itself is evaluated on every combination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Sum,
    Difference,
    Product,
    Quotient,
    Remainder,
    Negative,
    Magnitude,
    Sign,
    Rising,
    RisingRoughly,
    Power,
    Clamp,
    Bucket,
    First,
    Same,
    Greatest,
    Least,
    DatePart,
    DateTrunc,
    DateDifference,
    Shift,
    Truth,
    Count,
    Text,
}

impl Rule {
    /// The rule in words.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Sum => "sums of the ends, cut to the type",
            Self::Difference => "differences of the ends, cut to the type",
            Self::Product => "products of the ends, cut to the type",
            Self::Quotient => "quotients of the ends; none for doubles where the divisor can be 0",
            Self::Remainder => "smaller than the divisor, with the dividend's sign",
            Self::Negative => "the ends, negated and exchanged",
            Self::Magnitude => "from 0 to the larger end",
            Self::Sign => "-1, 0 and 1",
            Self::Rising => "the function at both ends",
            Self::RisingRoughly => "the function at both ends, widened by rounding errors",
            Self::Power => {
                "powers of the ends, widened by rounding errors; none for negative bases"
            }
            Self::Clamp => "between the limits",
            Self::Bucket => "from 0 to the count plus 1; narrower where the value's range is",
            Self::First => "all arguments together; NULL only if all can be NULL",
            Self::Same => "that of the first argument, or NULL",
            Self::Greatest => {
                "at least every end of an argument that is never NULL; NULLs are skipped"
            }
            Self::Least => "at most every end of an argument that is never NULL; NULLs are skipped",
            Self::DatePart => "the years of the range; the calendar's numbers for other parts",
            Self::DateTrunc => "every beginning in the range, up to 4,096",
            Self::DateDifference => "differences of the ends",
            Self::Shift => "the ends, shifted by constants",
            Self::Truth => "false and true",
            Self::Count => "0 and more",
            Self::Text => "any text",
        }
    }
}

const fn one(takes: &'static [Type], gives: Type) -> Overload {
    Overload { takes, repeats: false, gives }
}

const fn many(takes: &'static [Type], gives: Type) -> Overload {
    Overload { takes, repeats: true, gives }
}

/// An operator: no SQL name calls it.
const OPERATOR: &[&str] = &[];

const NUMBERS: &[Overload] = &[one(&[Int64, Int64], Int64), one(&[Float64, Float64], Float64)];
const NUMBER: &[Overload] = &[one(&[Int64], Int64), one(&[Float64], Float64)];
const DOUBLE: &[Overload] = &[one(&[Float64], Float64)];
const ANY_LIST: &[Overload] = &[
    many(&[Bool], Bool),
    many(&[Int64], Int64),
    many(&[Float64], Float64),
    many(&[Text], Text),
    many(&[Date], Date),
    many(&[Timestamp], Timestamp),
];
const SIZED_LIST: &[Overload] = &[
    many(&[Int64], Int64),
    many(&[Float64], Float64),
    many(&[Text], Text),
    many(&[Date], Date),
    many(&[Timestamp], Timestamp),
];
const ANY_PAIR: &[Overload] = &[
    one(&[Bool, Bool], Bool),
    one(&[Int64, Int64], Int64),
    one(&[Float64, Float64], Float64),
    one(&[Text, Text], Text),
    one(&[Date, Date], Date),
    one(&[Timestamp, Timestamp], Timestamp),
];
const TRIMMED: &[Overload] = &[one(&[Text], Text), one(&[Text, Text], Text)];
const CUT: &[Overload] = &[one(&[Text, Int64], Text)];
const TEXTS: &[Overload] = &[many(&[Text], Text)];
const TWO_TEXTS: &[Type] = &[Text, Text];

const OVERFLOW: &str = "NULL where the result does not fit the type";
const SHORTENS: &str = "never longer than its text; NULL above 64 KiB";

/// Every function, in the order of the documentation.
pub const TABLE: &[Entry] = &[
    Entry {
        function: Function::Add,
        name: "add",
        written: "a + b",
        sql: OPERATOR,
        takes: NUMBERS,
        range: Rule::Sum,
        total: OVERFLOW,
    },
    Entry {
        function: Function::Subtract,
        name: "subtract",
        written: "a - b",
        sql: OPERATOR,
        takes: NUMBERS,
        range: Rule::Difference,
        total: OVERFLOW,
    },
    Entry {
        function: Function::Multiply,
        name: "multiply",
        written: "a * b",
        sql: OPERATOR,
        takes: NUMBERS,
        range: Rule::Product,
        total: OVERFLOW,
    },
    Entry {
        function: Function::Divide,
        name: "divide",
        written: "a / b",
        sql: OPERATOR,
        takes: NUMBERS,
        range: Rule::Quotient,
        total: "NULL for division by 0 and on overflow; integers are cut towards 0",
    },
    Entry {
        function: Function::Remainder,
        name: "remainder",
        written: "a % b",
        sql: &["mod"],
        takes: NUMBERS,
        range: Rule::Remainder,
        total: "NULL for division by 0",
    },
    Entry {
        function: Function::Negate,
        name: "negate",
        written: "-a",
        sql: OPERATOR,
        takes: NUMBER,
        range: Rule::Negative,
        total: OVERFLOW,
    },
    Entry {
        function: Function::Absolute,
        name: "abs",
        written: "abs(a)",
        sql: &["abs"],
        takes: NUMBER,
        range: Rule::Magnitude,
        total: OVERFLOW,
    },
    Entry {
        function: Function::Sign,
        name: "sign",
        written: "sign(a)",
        sql: &["sign", "signum"],
        takes: NUMBER,
        range: Rule::Sign,
        total: "every number has one",
    },
    Entry {
        function: Function::Floor,
        name: "floor",
        written: "floor(a)",
        sql: &["floor"],
        takes: NUMBER,
        range: Rule::Rising,
        total: "every finite number has one",
    },
    Entry {
        function: Function::Ceiling,
        name: "ceil",
        written: "ceil(a)",
        sql: &["ceil", "ceiling"],
        takes: NUMBER,
        range: Rule::Rising,
        total: "every finite number has one",
    },
    Entry {
        function: Function::Truncate,
        name: "trunc",
        written: "trunc(a)",
        sql: &["trunc"],
        takes: NUMBER,
        range: Rule::Rising,
        total: "every finite number has one",
    },
    Entry {
        function: Function::Round,
        name: "round",
        written: "round(a), round(a, places)",
        sql: &["round"],
        takes: &[one(&[Int64], Int64), one(&[Float64], Float64), one(&[Float64, Int64], Float64)],
        range: Rule::Rising,
        total: "half away from 0; NULL on overflow and beyond 300 places",
    },
    Entry {
        function: Function::SquareRoot,
        name: "sqrt",
        written: "sqrt(a)",
        sql: &["sqrt"],
        takes: DOUBLE,
        range: Rule::Rising,
        total: "NULL for negative numbers",
    },
    Entry {
        function: Function::NaturalLogarithm,
        name: "ln",
        written: "ln(a)",
        sql: &["ln"],
        takes: DOUBLE,
        range: Rule::RisingRoughly,
        total: "NULL for 0 and negative numbers",
    },
    Entry {
        function: Function::DecimalLogarithm,
        name: "log10",
        written: "log10(a)",
        sql: &["log10"],
        takes: DOUBLE,
        range: Rule::RisingRoughly,
        total: "NULL for 0 and negative numbers",
    },
    Entry {
        function: Function::Exponential,
        name: "exp",
        written: "exp(a)",
        sql: &["exp"],
        takes: DOUBLE,
        range: Rule::RisingRoughly,
        total: OVERFLOW,
    },
    Entry {
        function: Function::Power,
        name: "power",
        written: "power(a, b)",
        sql: &["power", "pow"],
        takes: &[one(&[Float64, Float64], Float64)],
        range: Rule::Power,
        total: "NULL where there is no real result, and on overflow",
    },
    Entry {
        function: Function::Clamp,
        name: "clamp",
        written: "clamp(a, low, high)",
        sql: &["clamp"],
        takes: &[one(&[Int64, Int64, Int64], Int64), one(&[Float64, Float64, Float64], Float64)],
        range: Rule::Clamp,
        total: "NULL for NULL, and where low is above high",
    },
    Entry {
        function: Function::WidthBucket,
        name: "width_bucket",
        written: "width_bucket(a, low, high, count)",
        sql: &["width_bucket"],
        takes: &[
            one(&[Int64, Int64, Int64, Int64], Int64),
            one(&[Float64, Float64, Float64, Int64], Int64),
        ],
        range: Rule::Bucket,
        total: "NULL where low is not below high, or count is not from 1 to 2^31",
    },
    Entry {
        function: Function::Coalesce,
        name: "coalesce",
        written: "coalesce(a, ..)",
        sql: &["coalesce", "ifnull", "nvl"],
        takes: ANY_LIST,
        range: Rule::First,
        total: "one of its arguments",
    },
    Entry {
        function: Function::NullIf,
        name: "nullif",
        written: "nullif(a, b)",
        sql: &["nullif"],
        takes: ANY_PAIR,
        range: Rule::Same,
        total: "its first argument or NULL",
    },
    Entry {
        function: Function::Greatest,
        name: "greatest",
        written: "greatest(a, ..)",
        sql: &["greatest"],
        takes: SIZED_LIST,
        range: Rule::Greatest,
        total: "one of its arguments; NULL only if all are NULL",
    },
    Entry {
        function: Function::Least,
        name: "least",
        written: "least(a, ..)",
        sql: &["least"],
        takes: SIZED_LIST,
        range: Rule::Least,
        total: "one of its arguments; NULL only if all are NULL",
    },
    Entry {
        function: Function::DatePart,
        name: "date_part",
        written: "extract(part FROM d), date_part('part', d)",
        sql: &["date_part", "datepart"],
        takes: &[one(&[Text, Date], Int64), one(&[Text, Timestamp], Int64)],
        range: Rule::DatePart,
        total: "every day has one; the part is a constant",
    },
    Entry {
        function: Function::DateTrunc,
        name: "date_trunc",
        written: "date_trunc('part', d)",
        sql: &["date_trunc", "datetrunc"],
        takes: &[one(&[Text, Date], Date), one(&[Text, Timestamp], Timestamp)],
        range: Rule::DateTrunc,
        total: "NULL before the first day; the part is a constant",
    },
    Entry {
        function: Function::DaysBetween,
        name: "days_between",
        written: "d - e",
        sql: OPERATOR,
        takes: &[one(&[Date, Date], Int64)],
        range: Rule::DateDifference,
        total: "days of 32 bits, their difference of 64",
    },
    Entry {
        function: Function::DateDiff,
        name: "date_diff",
        written: "date_diff('part', from, to)",
        sql: &["date_diff", "datediff"],
        takes: &[one(&[Text, Date, Date], Int64), one(&[Text, Timestamp, Timestamp], Int64)],
        range: Rule::DateDifference,
        total: "counts beginnings of the part; NULL on overflow",
    },
    Entry {
        function: Function::ShiftDate,
        name: "shift_date",
        written: "d + INTERVAL '1' DAY, date_add(d, months, days)",
        sql: &["date_add"],
        takes: &[one(&[Date, Int64, Int64], Date)],
        range: Rule::Shift,
        total: "the day is cut to the month's length; NULL out of range",
    },
    Entry {
        function: Function::ShiftTimestamp,
        name: "shift_timestamp",
        written: "t + INTERVAL '1' HOUR",
        sql: OPERATOR,
        takes: &[one(&[Timestamp, Int64, Int64, Int64], Timestamp)],
        range: Rule::Shift,
        total: "the day is cut to the month's length; NULL out of range",
    },
    Entry {
        function: Function::Lower,
        name: "lower",
        written: "lower(s)",
        sql: &["lower"],
        takes: &[one(&[Text], Text)],
        range: Rule::Text,
        total: "at most three times as long; NULL above 64 KiB",
    },
    Entry {
        function: Function::Upper,
        name: "upper",
        written: "upper(s)",
        sql: &["upper"],
        takes: &[one(&[Text], Text)],
        range: Rule::Text,
        total: "at most three times as long; NULL above 64 KiB",
    },
    Entry {
        function: Function::Trim,
        name: "trim",
        written: "trim(s), btrim(s, characters)",
        sql: &["trim", "btrim"],
        takes: TRIMMED,
        range: Rule::Text,
        total: SHORTENS,
    },
    Entry {
        function: Function::TrimStart,
        name: "ltrim",
        written: "ltrim(s), ltrim(s, characters)",
        sql: &["ltrim"],
        takes: TRIMMED,
        range: Rule::Text,
        total: SHORTENS,
    },
    Entry {
        function: Function::TrimEnd,
        name: "rtrim",
        written: "rtrim(s), rtrim(s, characters)",
        sql: &["rtrim"],
        takes: TRIMMED,
        range: Rule::Text,
        total: SHORTENS,
    },
    Entry {
        function: Function::Substring,
        name: "substring",
        written: "substring(s, start), substring(s, start, count)",
        sql: &["substr", "substring"],
        takes: &[one(&[Text, Int64], Text), one(&[Text, Int64, Int64], Text)],
        range: Rule::Text,
        total: "NULL for a negative count; never longer than its text",
    },
    Entry {
        function: Function::Left,
        name: "left",
        written: "left(s, count)",
        sql: &["left"],
        takes: CUT,
        range: Rule::Text,
        total: SHORTENS,
    },
    Entry {
        function: Function::Right,
        name: "right",
        written: "right(s, count)",
        sql: &["right"],
        takes: CUT,
        range: Rule::Text,
        total: SHORTENS,
    },
    Entry {
        function: Function::Length,
        name: "length",
        written: "length(s)",
        sql: &["length", "char_length", "character_length"],
        takes: &[one(&[Text], Int64)],
        range: Rule::Count,
        total: "every text has one; in characters",
    },
    Entry {
        function: Function::StartsWith,
        name: "starts_with",
        written: "starts_with(s, start)",
        sql: &["starts_with"],
        takes: &[one(TWO_TEXTS, Bool)],
        range: Rule::Truth,
        total: "compares bytes",
    },
    Entry {
        function: Function::Position,
        name: "strpos",
        written: "strpos(s, part), position(part IN s)",
        sql: &["strpos", "instr"],
        takes: &[one(TWO_TEXTS, Int64)],
        range: Rule::Count,
        total: "0 where the part is missing",
    },
    Entry {
        function: Function::Join,
        name: "join",
        written: "s || t",
        sql: OPERATOR,
        takes: TEXTS,
        range: Rule::Text,
        total: "NULL for NULL and above 4 KiB",
    },
    Entry {
        function: Function::Concat,
        name: "concat",
        written: "concat(s, ..)",
        sql: &["concat"],
        takes: TEXTS,
        range: Rule::Text,
        total: "leaves NULLs out; NULL above 4 KiB",
    },
    Entry {
        function: Function::Replace,
        name: "replace",
        written: "replace(s, from, to)",
        sql: &["replace"],
        takes: &[one(&[Text, Text, Text], Text)],
        range: Rule::Text,
        total: "NULL where it grows above 4 KiB",
    },
];
