//! What can be refused on the text alone, before anything is planned.

use std::collections::BTreeMap;

use datafusion::sql::sqlparser::ast::With;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::{Refusal, RefusalCode};

/// A query may have so many tokens.
const TOKENS_MAX: usize = 10_000;

/// A query may have so many bytes.
const BYTES_MAX: usize = 1 << 20;

/// A query may have so many operators: DataFusion copies a chain by recursion, one stack frame per
/// operator, before its plan can be measured.
const OPERATORS_MAX: usize = 800;

/// Common table expressions may stand for so many relations once they are written out.
const EXPANSION_MAX: u64 = 100;

/// Clauses that the planner would leave out without a word.
const REFUSED_CLAUSES: [&str; 6] =
    ["tablesample", "sample", "qualify", "pivot", "unpivot", "match_recognize"];

/// Refuses text that is too large, or that uses words which have no place in a question.
pub(super) fn check(sql: &str) -> Result<(), Refusal> {
    if sql.len() > BYTES_MAX || sql.contains('\0') {
        return Err(Refusal::new(
            RefusalCode::Syntax,
            "the query text",
            "it is longer than 1 MiB or contains a NUL byte",
            "send one plain SELECT statement",
        ));
    }
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize().map_err(|error| {
        Refusal::new(
            RefusalCode::Syntax,
            "the query text",
            error.to_string(),
            "close quotes and comments; identifiers are ASCII words or stand in double quotes",
        )
    })?;
    let words = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).count();
    if words > TOKENS_MAX {
        return Err(Refusal::new(
            RefusalCode::Syntax,
            format!("the query has {words} tokens"),
            format!("at most {TOKENS_MAX} are read"),
            "split it, or put a long IN list into a public table",
        ));
    }
    let operators = tokens.iter().filter(|token| is_operator(token)).count();
    if operators > OPERATORS_MAX {
        return Err(Refusal::new(
            RefusalCode::Syntax,
            format!("the query has {operators} operators"),
            format!("at most {OPERATORS_MAX} are read"),
            "split it, or write a chain of OR as IN (..)",
        ));
    }
    let keywords: Vec<String> = tokens.iter().filter_map(bare_word).collect();
    if let Some(clause) = keywords.iter().find(|word| REFUSED_CLAUSES.contains(&word.as_str())) {
        return Err(Refusal::new(
            RefusalCode::Statement,
            format!("the clause {}", clause.to_uppercase()),
            "it is not understood here, and leaving it out would answer another question",
            "write the question without it",
        ));
    }
    if keywords.iter().skip(1).any(|word| word == "with") {
        return Err(Refusal::new(
            RefusalCode::Statement,
            "a WITH inside a query",
            "common table expressions stand once, at the beginning",
            "move them all into one WITH at the beginning",
        ));
    }
    for token in &tokens {
        if let Token::Word(word) = token
            && (word.value.starts_with("__") || !word.value.is_ascii())
        {
            return Err(Refusal::new(
                RefusalCode::Syntax,
                format!("identifier {:?}", word.value),
                "identifiers are ASCII and do not start with __, so that none can pass for another",
                "rename it",
            ));
        }
    }
    Ok(())
}

/// Whatever can make a chain without parentheses. What is not known not to, counts.
fn is_operator(token: &Token) -> bool {
    const CHAINING: [&str; 12] = [
        "and",
        "or",
        "not",
        "is",
        "in",
        "between",
        "like",
        "ilike",
        "union",
        "except",
        "intersect",
        "join",
    ];
    match token {
        Token::Word(word) => {
            CHAINING.iter().any(|operator| word.value.eq_ignore_ascii_case(operator))
        }
        Token::Whitespace(_)
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::Comma
        | Token::Period
        | Token::LParen
        | Token::RParen
        | Token::SemiColon
        | Token::EOF => false,
        _ => true,
    }
}

/// Refuses common table expressions that double each other: the planner writes every use out.
pub(super) fn check_expansion(with: &With, body: &str) -> Result<(), Refusal> {
    let mut weights: BTreeMap<String, u64> = BTreeMap::new();
    for table in &with.cte_tables {
        let weight = expansion(&table.query.to_string(), &weights)?;
        weights.insert(table.alias.name.value.to_lowercase(), weight);
    }
    expansion(body, &weights).map(|_| ())
}

/// One, and the weights of all earlier expressions that a text names.
fn expansion(text: &str, weights: &BTreeMap<String, u64>) -> Result<u64, Refusal> {
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize().unwrap_or_default();
    let named = |token: &Token| match token {
        Token::Word(word) => weights.get(&word.value.to_lowercase()).copied(),
        Token::SingleQuotedString(name) => weights.get(&name.to_lowercase()).copied(),
        _ => None,
    };
    let weight = tokens.iter().filter_map(named).fold(1_u64, u64::saturating_add);
    if weight > EXPANSION_MAX {
        return Err(Refusal::new(
            RefusalCode::Syntax,
            "the common table expressions",
            format!("written out they stand for more than {EXPANSION_MAX} relations"),
            "use each of them once or twice, or ask several questions",
        ));
    }
    Ok(weight)
}

/// An unquoted word, in lower case.
fn bare_word(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_lowercase()),
        _ => None,
    }
}
