//! The other half of the allow-list: forms of expression that are no functions.

/// A form of expression that is no function.
#[derive(Debug)]
pub struct Form {
    /// How it is written in SQL.
    pub written: &'static str,
    /// The types that it takes.
    pub takes: &'static str,
    /// Which values it can give.
    pub range: &'static str,
    /// Why it cannot fail.
    pub total: &'static str,
}

/// Every other form of expression, in the order of the documentation.
pub const FORMS: &[Form] = &[
    Form {
        written: "column, literal",
        takes: "all",
        range: "what is declared; the constant",
        total: "nothing is computed; a constant has at most 4,096 bytes",
    },
    Form {
        written: "= <> < <= > >=, BETWEEN",
        takes: "two of one type, integer beside double",
        range: "false and true",
        total: "a total order; NULL with NULL",
    },
    Form {
        written: "IS [NOT] DISTINCT FROM, IS [NOT] TRUE, IS [NOT] FALSE, IS [NOT] UNKNOWN",
        takes: "two of one type; bool",
        range: "false and true",
        total: "never NULL",
    },
    Form {
        written: "AND, OR, NOT",
        takes: "bool",
        range: "false and true",
        total: "three-valued logic",
    },
    Form {
        written: "IS [NOT] NULL",
        takes: "all",
        range: "false and true",
        total: "never NULL, reads validity only",
    },
    Form {
        written: "[NOT] IN (list)",
        takes: "all",
        range: "false and true",
        total: "equality with each",
    },
    Form {
        written: "[NOT] LIKE, [NOT] ILIKE 'pattern'",
        takes: "text",
        range: "false and true",
        total: "a constant pattern of at most 1,000 characters, matched without a regular expression",
    },
    Form {
        written: "CASE WHEN .. THEN .. ELSE .. END, CASE a WHEN ..",
        takes: "conditions of bool, values of one type",
        range: "all branches together, each narrowed by its condition",
        total: "one of its values",
    },
    Form {
        written: "CAST(a AS type), a::type, TRY_CAST",
        takes: "bool, integer, double, text, date, timestamp; not every pair",
        range: "the ends, converted",
        total: "always TRY_CAST: what does not fit is NULL; every integer type has 64 bits",
    },
];
