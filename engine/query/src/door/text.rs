//! What can be refused on the text alone, before anything is planned.

use datafusion::sql::sqlparser::ast::Ident;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{
    Location, Span, Token, TokenWithSpan, Tokenizer, Word,
};

use crate::refusal::{Place, Refusal, RefusalCode};

/// A query may have so many tokens.
const TOKENS_MAX: usize = 10_000;

/// A query may have so many bytes.
const BYTES_MAX: usize = 1 << 20;

/// A query may have so many operators: DataFusion copies a chain by recursion, one stack frame per
/// operator, before its plan can be measured.
const OPERATORS_MAX: usize = 800;

/// Clauses that the planner would leave out without a word.
/// SAMPLE, which people also use as a name, is found by the parser.
const REFUSED_CLAUSES: [&str; 5] =
    ["tablesample", "qualify", "pivot", "unpivot", "match_recognize"];

/// What a statement that only asks begins with.
const FIRST_WORDS: [&str; 2] = ["select", "with"];

/// The tokens of a query within the limits, each with its place.
pub(crate) fn tokens(sql: &str) -> Result<Vec<TokenWithSpan>, Refusal> {
    if sql.len() > BYTES_MAX {
        return Err(Refusal::new(
            RefusalCode::Syntax,
            "the query text",
            "it is longer than 1 MiB",
            "put long lists into a public table, and send one plain SELECT statement",
        ));
    }
    if sql.contains('\0') {
        return Err(Refusal::new(
            RefusalCode::Syntax,
            "the query text",
            "it contains a NUL byte, which would end the text for some readers and not for others",
            "remove the NUL byte",
        )
        .at(place_of_byte(sql, '\0')));
    }
    let tokens =
        Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location().map_err(|error| {
            Refusal::new(
                RefusalCode::Syntax,
                "the query text",
                error.message,
                "close quotes and comments; identifiers are ASCII words or stand in double quotes",
            )
            .at(place(error.location))
        })?;
    check_size(&tokens)?;
    Ok(tokens)
}

fn place_of_byte(sql: &str, wanted: char) -> Option<Place> {
    let before = sql.split(wanted).next()?;
    let line = 1 + before.matches('\n').count() as u64;
    let column = 1 + before.chars().rev().take_while(|c| *c != '\n').count() as u64;
    Some(Place::At { line, column })
}

fn check_size(tokens: &[TokenWithSpan]) -> Result<(), Refusal> {
    let words = tokens.iter().filter(|token| !is_space(token)).count();
    if words > TOKENS_MAX {
        return Err(Refusal::new(
            RefusalCode::Syntax,
            format!("the query has {words} tokens"),
            format!("at most {TOKENS_MAX} are read"),
            "split it, or put a long IN list into a public table",
        ));
    }
    let operators = tokens.iter().filter(|token| is_operator(&token.token)).count();
    if operators > OPERATORS_MAX {
        return Err(Refusal::new(
            RefusalCode::Syntax,
            format!("the query has {operators} operators"),
            format!("at most {OPERATORS_MAX} are read"),
            "split it, or write a chain of OR as IN (..)",
        ));
    }
    Ok(())
}

/// Refuses words that have no place in a question, all of them together.
pub(super) fn check_words(tokens: &[TokenWithSpan]) -> Result<(), Refusal> {
    check_first(tokens)?;
    let mut found: Vec<Result<(), Refusal>> = Vec::new();
    let mut before = None;
    for token in tokens {
        let Token::Word(word) = &token.token else {
            if !is_space(token) {
                before = None;
            }
            continue;
        };
        let refusal = check_word(word, before);
        found.extend(refusal.map(|refusal| Err(refusal.at(place(token.span.start)))));
        before = bare(word);
    }
    Refusal::together(found).map(|_| ())
}

/// Everything but a query is refused by its first word, before it is parsed.
fn check_first(tokens: &[TokenWithSpan]) -> Result<(), Refusal> {
    let first = tokens.iter().find(|token| !is_space(token) && token.token != Token::LParen);
    let known = |word: &Word| bare(word).is_some_and(|word| FIRST_WORDS.contains(&word.as_str()));
    match first {
        Some(TokenWithSpan { token: Token::Word(word), .. }) if known(word) => Ok(()),
        Some(TokenWithSpan { token: Token::Word(word), span }) => {
            let first = word.value.to_uppercase();
            let fix = match first.as_str() {
                "EXPLAIN" => "send the SELECT itself: `voilage explain` and preview() explain it",
                _ => "send one SELECT statement",
            };
            Err(only_select(format!("the statement {first}")).with_fix(fix).at(place(span.start)))
        }
        _ => Err(only_select("the statement")),
    }
}

pub(super) fn only_select(subject: impl Into<String>) -> Refusal {
    Refusal::new(
        RefusalCode::Statement,
        subject,
        "only a single SELECT statement can be answered privately",
        "send one SELECT; `voilage explain` shows what it would cost",
    )
}

fn check_word(word: &Word, before: Option<String>) -> Option<Refusal> {
    if word.value.starts_with("__") || !word.value.is_ascii() {
        return Some(Refusal::new(
            RefusalCode::Syntax,
            format!("identifier {:?}", word.value),
            "identifiers are ASCII and do not start with __, so that none can pass for another",
            "rename it",
        ));
    }
    let keyword = bare(word)?;
    if REFUSED_CLAUSES.contains(&keyword.as_str()) {
        return Some(Refusal::new(
            RefusalCode::Statement,
            format!("the clause {}", keyword.to_uppercase()),
            "it is not understood here, and leaving it out would answer another question",
            "write the question without it",
        ));
    }
    (keyword == "recursive" && before.as_deref() == Some("with")).then(|| {
        Refusal::new(
            RefusalCode::Statement,
            "WITH RECURSIVE",
            "a recursion has no bound on its cost",
            "write the steps out as plain common table expressions",
        )
    })
}

/// Common table expressions stand once, at the beginning, so that what they stand for is counted.
pub(super) fn check_single_with(tokens: &[TokenWithSpan]) -> Result<(), Refusal> {
    let mut withs = tokens.iter().filter(|token| is_keyword(&token.token, "with"));
    let first = tokens.iter().find(|token| !is_space(token));
    let begins = first.is_some_and(|token| is_keyword(&token.token, "with"));
    let inside = if begins { withs.nth(1) } else { withs.next() };
    let Some(inside) = inside else { return Ok(()) };
    Err(Refusal::new(
        RefusalCode::Statement,
        "a WITH inside a query",
        "common table expressions stand once, at the beginning",
        "move them all into one WITH at the beginning",
    )
    .at(place(inside.span.start)))
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

pub(super) fn is_space(token: &TokenWithSpan) -> bool {
    matches!(token.token, Token::Whitespace(_) | Token::EOF)
}

/// Whether this is an unquoted word, in any case.
pub(super) fn is_keyword(token: &Token, keyword: &str) -> bool {
    match token {
        Token::Word(word) => word.quote_style.is_none() && word.value.eq_ignore_ascii_case(keyword),
        _ => false,
    }
}

/// An unquoted word, in lower case.
fn bare(word: &Word) -> Option<String> {
    word.quote_style.is_none().then(|| word.value.to_lowercase())
}

/// A place, unless the parser had none.
pub(super) fn place(location: Location) -> Option<Place> {
    (location.line > 0).then_some(Place::At { line: location.line, column: location.column })
}

pub(super) fn place_of_span(span: Span) -> Option<Place> {
    place(span.start)
}

/// The name that the planner reads: unquoted names are folded to lower case.
pub(super) fn folded(ident: &Ident) -> String {
    match ident.quote_style {
        None => ident.value.to_lowercase(),
        Some(_) => ident.value.clone(),
    }
}
