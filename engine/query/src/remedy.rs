//! Rewrites of refused statements: whole ones that can be pasted.
//!
//! A refusal may know how the text of its statement would have to change. All changes of a statement's
//! refusals are made together, and what comes out is shown only if the analysis accepts it.

use std::collections::BTreeMap;
use std::ops::Range;

use datafusion::sql::sqlparser::tokenizer::Token;

use crate::door;
use crate::refusal::{Place, Refusal};

/// A longer statement is not repeated in a message.
const STATEMENT_BYTES_MAX: usize = 2_000;

/// How the text of a statement changes, at the refusal's place where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// The last part of the name there is this one.
    Name(String),
    /// The column there is brought between two numbers.
    Bounds,
    /// The constant before it that numbers days is `'day'`.
    Day,
    /// The only window is partitioned by this column.
    Partition(String),
    /// UNION keeps duplicates.
    UnionAll,
    /// The first ORDER BY or LIMIT that is no window's is left out.
    Unordered,
    /// The rows are counted.
    Counted,
}

impl Remedy {
    /// The name that a fix suggests.
    pub(crate) fn meant(fix: &str) -> Option<Self> {
        let name = fix.strip_prefix("did you mean ")?.strip_suffix('?')?;
        Some(Self::Name(name.to_owned()))
    }
}

/// The refusals of a statement, those with a remedy followed by a statement that `accepted` accepts.
pub(crate) fn with_example(
    sql: &str,
    refusals: Vec<Refusal>,
    accepted: impl Fn(&str) -> bool,
) -> Vec<Refusal> {
    let example = candidates(sql, &refusals).into_iter().find(|candidate| {
        candidate.len() <= STATEMENT_BYTES_MAX && candidate != sql && accepted(candidate)
    });
    let Some(example) = example else { return refusals };
    let shown = |mut refusal: Refusal| {
        if refusal.remedy().is_some() {
            let link = if refusal.fix.ends_with('?') { "" } else { ";" };
            refusal.fix += &format!("{link} for example: {example}");
        }
        refusal
    };
    refusals.into_iter().map(shown).collect()
}

/// The statement with all changes, and the number of its rows.
fn candidates(sql: &str, refusals: &[Refusal]) -> Vec<String> {
    let Some(text) = Text::of(sql) else { return Vec::new() };
    let mut edits = BTreeMap::new();
    let mut counted = false;
    let mut changed = false;
    for refusal in refusals {
        let Some(remedy) = refusal.remedy() else { continue };
        changed = true;
        counted |= matches!(remedy, Remedy::Counted | Remedy::Unordered);
        for (range, with) in text.edits(remedy, refusal.place).unwrap_or_default() {
            edits.insert((range.start, range.end), with);
        }
    }
    if !changed {
        return Vec::new();
    }
    let mut edited = String::with_capacity(sql.len());
    let mut done = 0;
    for ((start, end), with) in edits {
        let Some(before) = sql.get(done..start) else { return Vec::new() };
        edited += before;
        edited += &with;
        done = end;
    }
    edited += sql.get(done..).unwrap_or_default();
    let edited = edited.trim_end().trim_end_matches(';').trim_end().to_owned();
    let count = format!("SELECT COUNT(*) AS n FROM ({edited}) AS t");
    if counted { vec![edited, count] } else { vec![edited] }
}

/// A text with its tokens, each with the bytes where it stands.
struct Text {
    tokens: Vec<(Token, Range<usize>)>,
    /// Line and column of each token.
    places: Vec<(u64, u64)>,
}

type Edits = Vec<(Range<usize>, String)>;

impl Text {
    fn of(sql: &str) -> Option<Self> {
        let tokens = door::tokens(sql).ok()?;
        let mut starts = Vec::with_capacity(tokens.len() + 1);
        let (mut line, mut column) = (1, 1);
        let mut places = tokens.iter().map(|token| token.span.start).peekable();
        for (byte, character) in sql.char_indices() {
            while places.next_if(|place| (place.line, place.column) == (line, column)).is_some() {
                starts.push(byte);
            }
            (line, column) = if character == '\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        starts.push(sql.len());
        let ranges = starts.windows(2).map(|ends| ends[0]..ends[1]);
        let places = tokens.iter().map(|token| (token.span.start.line, token.span.start.column));
        let places = places.collect();
        let tokens: Vec<_> = tokens.iter().map(|token| token.token.clone()).zip(ranges).collect();
        (tokens.len() + 1 == starts.len()).then_some(Self { tokens, places })
    }

    fn edits(&self, remedy: &Remedy, place: Option<Place>) -> Option<Edits> {
        match remedy {
            Remedy::Name(name) => {
                let last = self.name_at(self.at(place?)?).last()?;
                Some(vec![(self.tokens[last].1.clone(), name.clone())])
            }
            Remedy::Bounds => {
                let mut name = self.name_at(self.at(place?)?);
                let first = name.next()?;
                let last = name.last().unwrap_or(first);
                let (start, end) = (self.tokens[first].1.start, self.tokens[last].1.end);
                Some(vec![(start..start, "clamp(".to_owned()), (end..end, ", 0, 1000)".to_owned())])
            }
            Remedy::Day => {
                let numbers_days = |(token, _): &&(Token, Range<usize>)| {
                    let Token::SingleQuotedString(part) = token else { return false };
                    ["doy", "dow", "isodow"].iter().any(|known| known.eq_ignore_ascii_case(part))
                };
                let (_, range) = self.tokens[..self.at(place?)?].iter().rfind(numbers_days)?;
                Some(vec![(range.clone(), "'day'".to_owned())])
            }
            Remedy::Partition(unit) => {
                let mut windows = (0..self.tokens.len()).filter(|token| self.opens_window(*token));
                let (opening, None) = (windows.next()?, windows.next()) else { return None };
                let next = self.after(opening)?;
                let (last, with) = match self.is_word(next, "PARTITION") {
                    true => (self.after(next)?, format!(" {unit},")),
                    false => (opening, format!("PARTITION BY {unit} ")),
                };
                let end = self.tokens[last].1.end;
                Some(vec![(end..end, with)])
            }
            Remedy::UnionAll => {
                let unions = (0..self.tokens.len()).filter(|token| {
                    let all = self.after(*token).is_some_and(|next| self.is_word(next, "ALL"));
                    self.is_word(*token, "UNION") && !all
                });
                let more = |union: usize| {
                    let end = self.tokens[union].1.end;
                    (end..end, " ALL".to_owned())
                };
                Some(unions.map(more).collect())
            }
            Remedy::Unordered => {
                let first = self.first_order()?;
                let end = self.end_of_group(first);
                Some(vec![(self.tokens[first].1.start..end, String::new())])
            }
            Remedy::Counted => Some(Vec::new()),
        }
    }

    /// The token at a place.
    fn at(&self, place: Place) -> Option<usize> {
        let Place::At { line, column } = place else { return None };
        self.places.iter().position(|known| *known == (line, column))
    }

    /// The words of the name that begins at a token.
    fn name_at(&self, first: usize) -> impl Iterator<Item = usize> {
        let word = |token: usize| matches!(self.tokens.get(token), Some((Token::Word(_), _)));
        let period = |token: usize| matches!(self.tokens.get(token), Some((Token::Period, _)));
        let mut next = word(first).then_some(first);
        std::iter::from_fn(move || {
            let token = next?;
            next = (period(token + 1) && word(token + 2)).then_some(token + 2);
            Some(token)
        })
    }

    /// The next token that is no space.
    fn after(&self, token: usize) -> Option<usize> {
        let rest = self.tokens.iter().enumerate().skip(token + 1);
        let mut visible = rest.filter(|(_, (token, _))| !matches!(token, Token::Whitespace(_)));
        visible.next().map(|(position, _)| position)
    }

    fn is_word(&self, token: usize, wanted: &str) -> bool {
        match self.tokens.get(token) {
            Some((Token::Word(word), _)) => {
                word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted)
            }
            _ => false,
        }
    }

    /// Whether a parenthesis opens the description of a window or of an aggregate's order.
    fn opens_window(&self, token: usize) -> bool {
        let before = self.tokens[..token].iter().enumerate().rev();
        let mut visible = before.filter(|(_, (token, _))| !matches!(token, Token::Whitespace(_)));
        let word = visible.next().map(|(position, _)| position);
        matches!(self.tokens[token].0, Token::LParen)
            && word.is_some_and(|word| self.is_word(word, "OVER"))
    }

    /// The first ORDER BY, LIMIT or OFFSET of a query.
    fn first_order(&self) -> Option<usize> {
        let mut windows = 0_usize;
        let mut inside: Vec<bool> = Vec::new();
        for (token, (kind, _)) in self.tokens.iter().enumerate() {
            match kind {
                Token::LParen => {
                    let window = self.opens_window(token);
                    windows += usize::from(window);
                    inside.push(window);
                }
                Token::RParen => windows -= usize::from(inside.pop()? && windows > 0),
                _ if windows == 0
                    && ["ORDER", "LIMIT", "OFFSET", "FETCH"]
                        .iter()
                        .any(|word| self.is_word(token, word)) =>
                {
                    return Some(token);
                }
                _ => {}
            }
        }
        None
    }

    /// The byte where the parentheses around a token close, or where the text ends.
    fn end_of_group(&self, token: usize) -> usize {
        let mut depth = 0_usize;
        for (kind, range) in &self.tokens[token..] {
            match kind {
                Token::LParen => depth += 1,
                Token::RParen if depth == 0 => return range.start,
                Token::RParen => depth -= 1,
                _ => {}
            }
        }
        self.tokens.last().map_or(0, |(_, range)| range.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::RefusalCode;

    fn check(sql: &str, remedy: Remedy, place: u64, expected: &[&str]) {
        let refusal = Refusal::new(RefusalCode::Syntax, "it", "because", "write it")
            .at(Place::At { line: 1, column: place })
            .remedied(remedy);
        assert_eq!(candidates(sql, &[refusal]), expected, "{sql}");
    }

    #[test]
    fn statements_are_changed_where_they_are_refused() {
        let name = Remedy::Name("cost".into());
        check("SELECT SUM(v.csot) FROM v", name.clone(), 12, &["SELECT SUM(v.cost) FROM v"]);
        check("SELECT 'é', SUM(csot)", name, 17, &["SELECT 'é', SUM(cost)"]);
        let bounded = "SELECT SUM(clamp(v.x, 0, 1000) * 2) FROM v";
        check("SELECT SUM(v.x * 2) FROM v", Remedy::Bounds, 12, &[bounded]);
        let day = "SELECT date_diff('day', a, b) FROM t";
        check("SELECT date_diff('DOY', a, b) FROM t", Remedy::Day, 25, &[day]);
        let unit = Remedy::Partition("who".into());
        let window = "SELECT SUM(x) OVER (PARTITION BY who ORDER BY y) FROM t";
        check("SELECT SUM(x) OVER (ORDER BY y) FROM t", unit.clone(), 12, &[window]);
        let window = "SELECT SUM(x) OVER (PARTITION BY who, z) FROM t";
        check("SELECT SUM(x) OVER (PARTITION BY z) FROM t", unit, 12, &[window]);
        let union = "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3";
        check("SELECT 1 UNION SELECT 2 UNION ALL SELECT 3", Remedy::UnionAll, 1, &[union]);
        let count = |sql: &str| format!("SELECT COUNT(*) AS n FROM ({sql}) AS t");
        check(
            "SELECT x FROM t ;",
            Remedy::Counted,
            1,
            &["SELECT x FROM t", &count("SELECT x FROM t")],
        );
        let plain = "SELECT a FROM (SELECT a FROM t ) AS t";
        check(
            "SELECT a FROM (SELECT a FROM t ORDER BY f(a) LIMIT 3) AS t",
            Remedy::Unordered,
            1,
            &[plain, &count(plain)],
        );
        let kept = "SELECT SUM(x) OVER (ORDER BY y) FROM t";
        check(&format!("{kept} LIMIT 3"), Remedy::Unordered, 1, &[kept, &count(kept)]);
    }

    #[test]
    fn what_is_not_accepted_is_not_shown() {
        let refusal = || {
            let refusal = Refusal::new(RefusalCode::Syntax, "it", "because", "did you mean x?");
            refusal.remedied(Remedy::Counted)
        };
        let shown = |accepted: bool| {
            let shown = with_example("SELECT x FROM t", vec![refusal()], |_| accepted);
            shown[0].fix.clone()
        };
        assert_eq!(shown(false), "did you mean x?");
        let example = "SELECT COUNT(*) AS n FROM (SELECT x FROM t) AS t";
        assert_eq!(shown(true), format!("did you mean x? for example: {example}"));
    }
}
