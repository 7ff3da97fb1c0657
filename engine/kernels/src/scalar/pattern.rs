//! LIKE: `%` stands for any text, `_` for one character, `\` takes the next one as it is.
//!
//! The pattern is a constant, so that what a row costs is bounded by its own length times the
//! pattern's.

use arrow::array::ArrayRef;

use super::argument::{Argument, each_truth};
use crate::KernelError;

/// A parsed pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
    insensitive: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Exactly this character.
    This(char),
    /// Any one character.
    One,
    /// Any text, also none.
    Any,
}

impl Pattern {
    /// Reads a pattern; `insensitive` compares lower-case forms.
    pub fn new(pattern: &str, insensitive: bool) -> Self {
        let folded = if insensitive { pattern.to_lowercase() } else { pattern.to_owned() };
        let mut parts = Vec::new();
        let mut characters = folded.chars();
        while let Some(character) = characters.next() {
            parts.push(match character {
                '%' => Part::Any,
                '_' => Part::One,
                '\\' => Part::This(characters.next().unwrap_or('\\')),
                other => Part::This(other),
            });
        }
        parts.dedup_by(|a, b| *a == Part::Any && *b == Part::Any);
        Self { parts, insensitive }
    }

    /// Whether each text matches.
    ///
    /// # Errors
    /// When the argument is no text.
    pub fn matches(&self, text: &Argument, rows: usize) -> Result<ArrayRef, KernelError> {
        let text = text.texts()?;
        Ok(each_truth(rows, |row| {
            let text = text.get(row)?;
            Some(if self.insensitive { self.holds(&text.to_lowercase()) } else { self.holds(text) })
        }))
    }

    /// Greedy matching: where a part fails, only the latest `%` can take one character more.
    fn holds(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut part = 0;
        let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            match self.parts.get(part) {
                Some(Part::Any) => {
                    part += 1;
                    if part == self.parts.len() {
                        return true;
                    }
                    retry = Some((part, rest.clone()));
                    continue;
                }
                Some(Part::One) => {
                    if rest.next().is_some() {
                        part += 1;
                        continue;
                    }
                    return false;
                }
                Some(Part::This(wanted)) => match rest.next() {
                    Some(found) if found == *wanted => {
                        part += 1;
                        continue;
                    }
                    Some(_) => {}
                    None => return false,
                },
                None => {
                    if rest.as_str().is_empty() {
                        return true;
                    }
                }
            }
            let Some((after, from)) = &mut retry else { return false };
            if from.next().is_none() {
                return false;
            }
            part = *after;
            rest = from.clone();
        }
    }
}
