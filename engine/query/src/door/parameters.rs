//! `SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(..)`: the parameters that a query may carry itself.
//!
//! The parser does not know the clause, so it is cut out of the token stream. What remains is
//! parsed with its places unchanged, and the options are read by the parser's own option parser.

use std::collections::BTreeSet;
use std::ops::Range;

use datafusion::sql::sqlparser::ast::{Expr, SqlOption, UnaryOperator, Value};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};
use voilage_privacy::quantity::Delta;

use super::text::{is_keyword, is_space, place_of_span};
use crate::error::nearest;
use crate::ownership::Draft;
use crate::refusal::{Place, Refusal, RefusalCode};
use crate::session::DEPTH_MAX;
use crate::spend::{Spend, SpendOptions};
use crate::weights::Weights;

/// The parameters that are understood.
const KNOWN: [&str; 12] = [
    "epsilon",
    "rho",
    "share",
    "delta",
    "max_groups_contributed",
    "max_rows_per_group",
    "min_units",
    "min_privacy_units_per_group",
    "estimate_cut",
    "consistent",
    "weights",
    "group_selection_strategy",
];

/// What a query says about its own price and bounds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters {
    /// The wanted loss, and where it stands.
    pub(crate) spend: Option<(Spend, Option<Place>)>,
    /// What learned keys may spend of delta, all of the statement together.
    pub(crate) delta: Option<(Delta, Option<Place>)>,
    /// At most so many groups keep a unit's rows.
    pub(crate) max_groups: Option<Bound>,
    /// At most so many of a unit's rows are kept in a group.
    pub(crate) max_rows_per_group: Option<Bound>,
    /// Groups of fewer units are not shown.
    pub(crate) min_units: Option<Bound>,
    /// Whether to estimate how many units were cut.
    pub(crate) estimate_cut: Option<(bool, Option<Place>)>,
    /// Whether to show consistent values.
    pub(crate) consistent: Option<(bool, Option<Place>)>,
    /// Which columns get more of the loss, and where that stands.
    pub(crate) weights: Option<(Weights, Option<Place>)>,
    /// Keys must be known beforehand.
    pub(crate) public_groups: Option<Place>,
}

/// A bound on what a unit contributes, or on the units of a group, as the query asks for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    /// At least 1.
    pub(crate) value: u32,
    /// Where it stands.
    pub(crate) place: Option<Place>,
}

impl Parameters {
    /// Whether the query states none.
    pub(crate) fn is_empty(&self) -> bool {
        let Self {
            spend,
            delta,
            max_groups,
            max_rows_per_group,
            min_units,
            estimate_cut,
            consistent,
            weights,
            public_groups,
        } = self;
        spend.is_none()
            && delta.is_none()
            && max_groups.is_none()
            && max_rows_per_group.is_none()
            && min_units.is_none()
            && estimate_cut.is_none()
            && consistent.is_none()
            && weights.is_none()
            && public_groups.is_none()
    }

    /// Refuses learned keys where the query allows declared ones only.
    pub(crate) fn check_keys(&self, drafts: &[Draft]) -> Result<(), Refusal> {
        match self.public_groups {
            Some(place) if drafts.iter().any(Draft::has_too_many_groups) => Err(Refusal::new(
                RefusalCode::Keys,
                "group_selection_strategy = PUBLIC_GROUPS",
                "the keys together have more values than there may be public groups, so they would be \
                 learned",
                "group by fewer or coarser keys, or leave the strategy out",
            )
            .at(place)),
            Some(place) if drafts.iter().any(Draft::is_learned) => Err(Refusal::new(
                RefusalCode::Keys,
                "group_selection_strategy = PUBLIC_GROUPS",
                "a key of the GROUP BY has no declared values, so it would be learned",
                "group by columns with declared values, or leave the strategy out",
            )
            .at(place)),
            Some(_) | None => Ok(()),
        }
    }
}

/// Cuts the clause out of the tokens and reads its parameters.
///
/// # Errors
/// All refusals of the clause together.
pub(super) fn cut(
    mut tokens: Vec<TokenWithSpan>,
) -> Result<(Vec<TokenWithSpan>, Parameters), Refusal> {
    let clauses = find(&tokens)?;
    let Some(clause) = clauses.first() else { return Ok((tokens, Parameters::default())) };
    let inside = |range: &Range<usize>| {
        tokens[..range.start].iter().fold(0_i64, |depth, token| match token.token {
            Token::LParen => depth + 1,
            Token::RParen => depth - 1,
            _ => depth,
        }) != 0
    };
    let place = |range: &Range<usize>| place_of_span(tokens[range.start].span);
    if let Some(nested) = clauses.iter().find(|clause| inside(clause)) {
        return Err(misplaced(
            "its parameters hold for the whole statement, and this is a query inside another",
        )
        .at(place(nested)));
    }
    if let Some(second) = clauses.get(1) {
        return Err(misplaced("it stands there twice").at(place(second)));
    }
    let parameters = parse(&tokens[clause.clone()])?;
    tokens.drain(clause.clone());
    Ok((tokens, parameters))
}

fn misplaced(why: &str) -> Refusal {
    Refusal::new(
        RefusalCode::Parameter,
        "WITH DIFFERENTIAL_PRIVACY",
        why,
        "write it once, after the first word SELECT of the outermost query",
    )
}

/// The clauses, from WITH to the closing parenthesis of the options.
fn find(tokens: &[TokenWithSpan]) -> Result<Vec<Range<usize>>, Refusal> {
    let words: Vec<usize> =
        (0..tokens.len()).filter(|position| !is_space(&tokens[*position])).collect();
    let mut clauses = Vec::new();
    for (index, start) in words.iter().enumerate() {
        let word = |ahead: usize| words.get(index + ahead).map(|position| &tokens[*position].token);
        let is =
            |ahead: usize, keyword| word(ahead).is_some_and(|token| is_keyword(token, keyword));
        if !(is(0, "with") && is(1, "differential_privacy")) {
            continue;
        }
        let after_select = index > 0 && is_keyword(&tokens[words[index - 1]].token, "select");
        if !after_select {
            return Err(misplaced("it belongs directly after SELECT")
                .at(place_of_span(tokens[*start].span)));
        }
        let last = if is(2, "options") { closing(tokens, &words[index + 2..]) } else { None };
        let end = match (last, is(2, "options")) {
            (Some(end), _) => end,
            (None, false) => words[index + 1],
            (None, true) => {
                return Err(Refusal::new(
                    RefusalCode::Parameter,
                    "OPTIONS",
                    "its parentheses are missing or not closed",
                    "write OPTIONS(epsilon = 0.5)",
                )
                .at(place_of_span(tokens[words[index + 2]].span)));
            }
        };
        clauses.push(*start..end + 1);
    }
    Ok(clauses)
}

/// The parenthesis that closes the one after the first word.
fn closing(tokens: &[TokenWithSpan], words: &[usize]) -> Option<usize> {
    let mut depth = 0_usize;
    for position in &words[1..] {
        match tokens[*position].token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.checked_sub(1)?,
            _ if depth == 0 => return None,
            _ => {}
        }
        if depth == 0 {
            return Some(*position);
        }
    }
    None
}

/// Reads the options of one clause, which begins with its two first words.
fn parse(clause: &[TokenWithSpan]) -> Result<Parameters, Refusal> {
    let start = clause.iter().position(|token| is_keyword(&token.token, "options"));
    let Some(start) = start else { return Ok(Parameters::default()) };
    let place = place_of_span(clause[start].span);
    let mut parser = Parser::new(&GenericDialect {})
        .with_recursion_limit(DEPTH_MAX)
        .with_tokens_with_locations(clause[start..].to_vec());
    let options = parser.parse_options(Keyword::OPTIONS).map_err(|error| {
        let (message, found) = super::planner::located(&error.to_string());
        Refusal::new(
            RefusalCode::Parameter,
            "OPTIONS",
            message,
            "write name = value pairs, as in OPTIONS(epsilon = 0.5, max_groups_contributed = 3)",
        )
        .at(found)
        .at(place)
    })?;
    let mut reading = Reading::default();
    let read: Vec<Result<(), Refusal>> =
        options.iter().map(|option| reading.option(option).map_err(|e| e.at(place))).collect();
    Refusal::both(Refusal::together(read), reading.finish(place)).map(|(_, parameters)| parameters)
}

#[derive(Default)]
struct Reading {
    seen: BTreeSet<String>,
    losses: Vec<(String, String)>,
    parameters: Parameters,
    loss_place: Option<Place>,
}

impl Reading {
    fn option(&mut self, option: &SqlOption) -> Result<(), Refusal> {
        let SqlOption::KeyValue { key, value } = option else {
            return Err(refuse("OPTIONS", "it holds something else than name = value"));
        };
        let (name, place) = (key.value.to_lowercase(), place_of_span(key.span));
        if !self.seen.insert(name.clone()) {
            return Err(refuse(&name, "it is given twice").at(place));
        }
        self.named(&name, value, place).map_err(|refusal| refusal.at(place))
    }

    fn named(&mut self, name: &str, value: &Expr, place: Option<Place>) -> Result<(), Refusal> {
        match name {
            "epsilon" | "rho" | "share" => {
                self.losses.push((name.to_owned(), text(name, value)?));
                self.loss_place = self.loss_place.or(place);
            }
            "delta" => {
                let delta = Delta::parse(&text(name, value)?)
                    .map_err(|error| refuse(name, &error.to_string()))?;
                self.parameters.delta = Some((delta, place));
            }
            "max_groups_contributed" => {
                self.parameters.max_groups = Some(bound(name, value, place)?);
            }
            "max_rows_per_group" => {
                self.parameters.max_rows_per_group = Some(bound(name, value, place)?);
            }
            "min_units" | "min_privacy_units_per_group" => {
                if self.parameters.min_units.is_some() {
                    return Err(refuse(name, "min_units means the same, and both are given"));
                }
                self.parameters.min_units = Some(bound(name, value, place)?);
            }
            "estimate_cut" => self.parameters.estimate_cut = Some((flag(name, value)?, place)),
            "consistent" => self.parameters.consistent = Some((flag(name, value)?, place)),
            "weights" => {
                let text = text(name, value).map_err(|_| {
                    refuse(name, "it is not text").with_fix("write weights = 'n = 2, cost = 1'")
                })?;
                self.parameters.weights = Some((Weights::read(&text)?, place));
            }
            "group_selection_strategy" => self.strategy(value, place)?,
            other => return Err(unknown(other)),
        }
        Ok(())
    }

    fn strategy(&mut self, value: &Expr, place: Option<Place>) -> Result<(), Refusal> {
        let strategy = value.to_string().trim_matches('\'').to_uppercase();
        if strategy != "PUBLIC_GROUPS" {
            return Err(Refusal::new(
                RefusalCode::Parameter,
                format!("group_selection_strategy = {strategy}"),
                "keys without declared values are always selected by a noisy count of units, and \
                 the noise is chosen by its price",
                "leave it out, or write PUBLIC_GROUPS to allow declared keys only",
            ));
        }
        self.parameters.public_groups = place.or(Some(Place::In("OPTIONS")));
        Ok(())
    }

    fn finish(mut self, place: Option<Place>) -> Result<Parameters, Refusal> {
        let of = |name: &str| {
            self.losses.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
        };
        if !self.losses.is_empty() {
            let options =
                SpendOptions { epsilon: of("epsilon"), rho: of("rho"), share: of("share") };
            let at = self.loss_place.or(place);
            let spend = Spend::from_options(options).map_err(|error| {
                let name = &self.losses[0].0;
                let why = error.to_string();
                refuse(name, why.lines().next().unwrap_or_default()).at(at)
            })?;
            self.parameters.spend = Some((spend, at));
        }
        Ok(self.parameters)
    }
}

/// The text of a number, as it was written: it never becomes a float on the way.
fn text(name: &str, value: &Expr) -> Result<String, Refusal> {
    match value {
        Expr::Value(value) => match &value.value {
            Value::Number(text, false) | Value::SingleQuotedString(text) => Ok(text.clone()),
            _ => Err(no_number(name)),
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
            text(name, expr).map(|text| format!("-{text}"))
        }
        _ => Err(no_number(name)),
    }
}

/// True or false.
fn flag(name: &str, value: &Expr) -> Result<bool, Refusal> {
    match value.to_string().to_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(refuse(name, "it is neither true nor false")
            .with_fix(format!("write {name} = true, or leave it out"))),
    }
}

fn no_number(name: &str) -> Refusal {
    refuse(name, "its value is not a plain number")
}

fn bound(name: &str, value: &Expr, place: Option<Place>) -> Result<Bound, Refusal> {
    let text = text(name, value)?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u32>() {
        Ok(value) if digits && value > 0 => Ok(Bound { value, place }),
        _ => Err(Refusal::new(
            RefusalCode::Parameter,
            format!("{name} = {text}"),
            "it is not a whole number from 1 on",
            match name.starts_with("max") {
                true => {
                    format!(
                        "write for example {name} = 3, or leave it out for the data holder's bound"
                    )
                }
                false => format!("write for example {name} = 3, or leave it out"),
            },
        )),
    }
}

fn refuse(name: &str, why: &str) -> Refusal {
    Refusal::new(
        RefusalCode::Parameter,
        name,
        why,
        "write for example OPTIONS(epsilon = 0.5, max_groups_contributed = 3)",
    )
}

/// Parameters that other systems know, and those that nobody does.
fn unknown(name: &str) -> Refusal {
    let (why, fix) = match name {
        "privacy_unit_column" => (
            "whom the guarantee protects is the data holder's policy, not a choice of the query",
            "leave it out: the hub file names each table's unit".to_owned(),
        ),
        "max_rows_contributed" => (
            "rows are bounded in each group, not over all groups",
            "write max_rows_per_group, and max_groups_contributed for the number of groups"
                .to_owned(),
        ),
        "contribution_bounds_per_group" | "contribution_bounds_per_row" => (
            "bounds of values belong to the value",
            "write them there, as in SUM(clamp(x, 0, 100)), or use the declared ones".to_owned(),
        ),
        other => (
            "no parameter has this name",
            match nearest(other, KNOWN.into_iter()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("use some of: {}", KNOWN.join(", ")),
            },
        ),
    };
    Refusal::new(RefusalCode::Parameter, name, why, fix)
}
