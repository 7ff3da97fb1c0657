//! Why a query is refused: which rule, where, why, and what to write instead.

use std::fmt;

use voilage_budgets::ErrorKind;

use crate::remedy::Remedy;

/// One reason why a query is refused, and a rewrite that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// A stable name for the rule.
    pub code: RefusalCode,
    /// Where in the SQL, as far as it is known.
    pub place: Option<Place>,
    /// What in the SQL is meant.
    pub subject: String,
    /// Why the rule exists.
    pub why: String,
    /// What to write instead. After `for example: ` stands a whole statement that can be pasted.
    pub fix: String,
    more: Box<More>,
}

/// What few refusals have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct More {
    /// How the text of the statement would have to change.
    remedy: Option<Remedy>,
    /// What else was found, until [`Refusal::each`] puts all of it side by side.
    also: Vec<Refusal>,
}

/// A place in the text of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The first character of what is meant.
    At {
        /// Counted from 1.
        line: u64,
        /// Characters, counted from 1.
        column: u64,
    },
    /// Somewhere in this clause.
    In(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At { line, column } => write!(out, "line {line}, column {column}"),
            Self::In(clause) => write!(out, "in {clause}"),
        }
    }
}

impl Refusal {
    pub(crate) fn new(
        code: RefusalCode,
        subject: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            code,
            place: None,
            subject: readable(&subject.into()),
            why: why.into(),
            fix: fix.into(),
            more: Box::default(),
        }
    }

    /// Says where, unless that is known already.
    #[must_use]
    pub(crate) fn at(mut self, place: impl Into<Option<Place>>) -> Self {
        let place = place.into();
        for refusal in &mut self.more.also {
            refusal.place = refusal.place.or(place);
        }
        self.place = self.place.or(place);
        self
    }

    /// Another thing to write instead.
    #[must_use]
    pub(crate) fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    /// Says how the text of the statement would have to change.
    #[must_use]
    pub(crate) fn remedied(mut self, remedy: impl Into<Option<Remedy>>) -> Self {
        self.more.remedy = remedy.into();
        self
    }

    /// How the text of the statement would have to change.
    pub(crate) fn remedy(&self) -> Option<&Remedy> {
        self.more.remedy.as_ref()
    }

    /// This refusal and another one of the same query.
    #[must_use]
    pub(crate) fn and(mut self, other: Refusal) -> Self {
        self.more.also.push(other);
        self
    }

    /// All values, or all refusals as one.
    pub(crate) fn together<T>(
        results: impl IntoIterator<Item = Result<T, Refusal>>,
    ) -> Result<Vec<T>, Refusal> {
        let mut values = Vec::new();
        let mut refused: Option<Refusal> = None;
        for result in results {
            match result {
                Ok(value) => values.push(value),
                Err(refusal) => {
                    refused = Some(match refused {
                        None => refusal,
                        Some(first) => first.and(refusal),
                    });
                }
            }
        }
        refused.map_or(Ok(values), Err)
    }

    /// Both values, or all refusals as one.
    pub(crate) fn both<A, B>(
        first: Result<A, Refusal>,
        second: Result<B, Refusal>,
    ) -> Result<(A, B), Refusal> {
        match (first, second) {
            (Ok(first), Ok(second)) => Ok((first, second)),
            (Err(first), Err(second)) => Err(first.and(second)),
            (Err(refusal), Ok(_)) | (Ok(_), Err(refusal)) => Err(refusal),
        }
    }

    /// Everything that was found, each once.
    pub(crate) fn each(mut self) -> Vec<Refusal> {
        let also = std::mem::take(&mut self.more.also);
        std::iter::once(self).chain(also.into_iter().flat_map(Refusal::each)).collect()
    }

    /// All refusals of a query in the order of its text, each once.
    pub(crate) fn listed(refusals: Vec<Refusal>) -> Vec<Refusal> {
        let mut all: Vec<Refusal> = refusals.into_iter().flat_map(Refusal::each).collect();
        all.sort_by_key(|refusal| refusal.place);
        let mut listed: Vec<Refusal> = Vec::with_capacity(all.len());
        for refusal in all {
            if !listed.contains(&refusal) {
                listed.push(refusal);
            }
        }
        listed
    }
}

/// The planner's text of an expression with its constants as people write them.
pub(crate) fn readable(text: &str) -> String {
    const TYPES: [&str; 5] = ["Int64(", "Float64(", "Boolean(", "Utf8(", "Date32("];
    let mut rest = text;
    let mut shown = String::with_capacity(text.len());
    while let Some((start, name)) =
        TYPES.iter().filter_map(|name| rest.find(name).map(|start| (start, name))).min()
    {
        let inside = start + name.len();
        let (closing, skipped) =
            if rest[inside..].starts_with('"') { ("\")", 1) } else { (")", 0) };
        let Some(end) = rest[inside + skipped..].find(closing) else { break };
        let value = &rest[inside + skipped..inside + skipped + end];
        shown.push_str(&rest[..start]);
        if skipped == 0 {
            shown.push_str(value);
        } else {
            shown.push_str(&format!("'{value}'"));
        }
        rest = &rest[inside + skipped + end + closing.len()..];
    }
    shown.push_str(rest);
    shown.replace("count(1)", "count(*)")
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "refused [{}] {}", self.code.name(), self.subject)?;
        if let Some(place) = self.place {
            write!(out, " ({place})")?;
        }
        write!(out, ": {}\n  fix: {}", self.why, self.fix)
    }
}

/// The rules a query can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalCode {
    /// The text is not one SQL query, or is larger than the limits.
    Syntax,
    /// No table of that name.
    UnknownTable,
    /// No column of that name, or several.
    UnknownColumn,
    /// The table belongs to another dataset than the project.
    ForeignTable,
    /// A kind of statement that is never allowed.
    Statement,
    /// A parameter of WITH DIFFERENTIAL_PRIVACY that is not understood or not allowed.
    Parameter,
    /// A function, operator or type outside the allow-list.
    Expression,
    /// A relational operation that is not (yet) allowed over owned rows.
    OwnedOperation,
    /// A join of owned rows that does not equate the unit.
    UnitJoin,
    /// The query would return rows of individuals.
    OwnedResult,
    /// An aggregate that has no private mechanism here.
    Aggregate,
    /// A sum or mean over values without bounds.
    MissingBounds,
    /// Keys of the GROUP BY cannot be released.
    Keys,
}

impl RefusalCode {
    /// The name printed with a refusal.
    pub fn name(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::UnknownTable => "unknown-table",
            Self::UnknownColumn => "unknown-column",
            Self::ForeignTable => "foreign-table",
            Self::Statement => "statement",
            Self::Parameter => "parameter",
            Self::Expression => "expression",
            Self::OwnedOperation => "owned-operation",
            Self::UnitJoin => "unit-join",
            Self::OwnedResult => "owned-result",
            Self::Aggregate => "aggregate",
            Self::MissingBounds => "missing-bounds",
            Self::Keys => "keys",
        }
    }

    /// Whether the analyst can fix it in the SQL or the policy stands in the way.
    pub fn kind(self) -> ErrorKind {
        match self {
            Self::ForeignTable => ErrorKind::PolicyRefused,
            Self::Syntax
            | Self::UnknownTable
            | Self::UnknownColumn
            | Self::Statement
            | Self::Parameter
            | Self::Expression
            | Self::OwnedOperation
            | Self::UnitJoin
            | Self::OwnedResult
            | Self::Aggregate
            | Self::MissingBounds
            | Self::Keys => ErrorKind::FixInput,
        }
    }
}
