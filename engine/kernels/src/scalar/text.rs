//! Text, in characters. What would be longer than [`TEXT_BYTES_MAX`] bytes is NULL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringBuilder};
use arrow::datatypes::{DataType, Int64Type};

use super::argument::{Argument, Texts, each, each_truth, exactly, wrong};
use super::{Function, JOINED_BYTES_MAX, TEXT_BYTES_MAX};
use crate::KernelError;

/// One text per row, or NULL.
fn each_text<T: AsRef<str>>(
    rows: usize,
    value: impl Fn(usize) -> Option<T>,
) -> Result<ArrayRef, KernelError> {
    let mut out = StringBuilder::with_capacity(rows, 0);
    let mut bytes = 0_usize;
    for row in 0..rows {
        let value = value(row);
        match value.as_ref().map(AsRef::as_ref).filter(|text| text.len() <= TEXT_BYTES_MAX) {
            None => out.append_null(),
            Some(text) => {
                bytes += text.len();
                // Arrow's offsets have 31 bits; batches are so small that this is never reached.
                if bytes > i32::MAX as usize {
                    return Err(wrong("more than 2 GiB of text in one batch"));
                }
                out.append_value(text);
            }
        }
    }
    Ok(Arc::new(out.finish()))
}

/// Lower or upper case, by Unicode's rules.
pub(super) fn case(
    function: Function,
    arguments: &[Argument],
    rows: usize,
) -> Result<ArrayRef, KernelError> {
    let [text] = exactly(arguments)?;
    let text = text.texts()?;
    match function {
        Function::Lower => each_text(rows, |row| Some(text.get(row)?.to_lowercase())),
        _ => each_text(rows, |row| Some(text.get(row)?.to_uppercase())),
    }
}

/// Text without blanks, or without the characters of a second text, at its ends.
pub(super) fn trim(
    function: Function,
    arguments: &[Argument],
    rows: usize,
) -> Result<ArrayRef, KernelError> {
    let (text, trimmed) = match arguments {
        [text] => (text.texts()?, None),
        [text, trimmed] => (text.texts()?, Some(trimmed.texts()?)),
        _ => return Err(wrong("the number of arguments")),
    };
    let once = match (&trimmed, arguments) {
        (None, _) => Some(characters_of(" ")),
        (Some(trimmed), [_, given]) if given.is_constant() => trimmed.get(0).map(characters_of),
        (Some(_), _) => None,
    };
    each_text(rows, |row| {
        let text = text.get(row)?;
        let of_row;
        let set = match (&once, &trimmed) {
            (Some(set), _) => set,
            (None, trimmed) => {
                of_row = characters_of(trimmed.as_ref()?.get(row)?);
                &of_row
            }
        };
        let gone = |character: char| set.binary_search(&character).is_ok();
        Some(match function {
            Function::Trim => text.trim_matches(gone),
            Function::TrimStart => text.trim_start_matches(gone),
            _ => text.trim_end_matches(gone),
        })
    })
}

/// The characters of a text, sorted, each once: looking one up takes no longer where both texts are
/// long.
fn characters_of(text: &str) -> Vec<char> {
    let mut characters: Vec<char> = text.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    characters
}

/// The characters from `start` (the first being 1) on, at most `count` of them.
pub(super) fn substring(arguments: &[Argument], rows: usize) -> Result<ArrayRef, KernelError> {
    let (text, start, count) = match arguments {
        [text, start] => (text, start, None),
        [text, start, count] => (text, start, Some(count.values::<Int64Type>()?)),
        _ => return Err(wrong("the number of arguments")),
    };
    let (text, start) = (text.texts()?, start.values::<Int64Type>()?);
    each_text(rows, |row| {
        let (text, start) = (text.get(row)?, start.get(row)?);
        let end = match &count {
            None => i64::MAX,
            Some(count) => start.saturating_add(count.get(row).filter(|count| *count >= 0)?),
        };
        Some(characters(text, start.saturating_sub(1), end.saturating_sub(1)))
    })
}

/// The characters at positions from `start` to before `end`, the first being 0.
fn characters(text: &str, start: i64, end: i64) -> &str {
    let (start, end) = (start.max(0), end.max(0));
    if end <= start {
        return "";
    }
    let byte = |position: i64| {
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        text.char_indices().nth(position).map_or(text.len(), |(byte, _)| byte)
    };
    &text[byte(start)..byte(end)]
}

/// The first or last `count` characters; all but so many for a negative count.
pub(super) fn end(
    function: Function,
    arguments: &[Argument],
    rows: usize,
) -> Result<ArrayRef, KernelError> {
    let [text, count] = exactly(arguments)?;
    let (text, count) = (text.texts()?, count.values::<Int64Type>()?);
    each_text(rows, |row| {
        let (text, count) = (text.get(row)?, count.get(row)?);
        let length = text.chars().count() as i64;
        let kept = if count < 0 { length.saturating_add(count) } else { count.min(length) };
        Some(match function {
            Function::Left => characters(text, 0, kept),
            _ => characters(text, length - kept.max(0), length),
        })
    })
}

/// The number of characters.
pub(super) fn length(arguments: &[Argument], rows: usize) -> Result<ArrayRef, KernelError> {
    let [text] = exactly(arguments)?;
    let text = text.texts()?;
    Ok(each::<Int64Type>(rows, |row| Some(text.get(row)?.chars().count() as i64)))
}

/// Whether the first text begins with the second.
pub(super) fn starts_with(arguments: &[Argument], rows: usize) -> Result<ArrayRef, KernelError> {
    let [text, start] = exactly(arguments)?;
    let (text, start) = (text.texts()?, start.texts()?);
    Ok(each_truth(rows, |row| Some(text.get(row)?.starts_with(start.get(row)?))))
}

/// The position of the second text's first occurrence in the first, counted from 1; 0 for none.
pub(super) fn position(arguments: &[Argument], rows: usize) -> Result<ArrayRef, KernelError> {
    let [text, part] = exactly(arguments)?;
    let (text, part) = (text.texts()?, part.texts()?);
    Ok(each::<Int64Type>(rows, |row| {
        let (text, part) = (text.get(row)?, part.get(row)?);
        Some(text.find(part).map_or(0, |byte| text[..byte].chars().count() as i64 + 1))
    }))
}

/// All texts one after another: `||` is NULL beside a NULL, `concat` leaves NULLs out.
pub(super) fn join(
    function: Function,
    arguments: &[Argument],
    rows: usize,
) -> Result<ArrayRef, KernelError> {
    let texts: Vec<Texts<'_>> = arguments.iter().map(Argument::texts).collect::<Result<_, _>>()?;
    each_text(rows, |row| {
        let mut all = String::new();
        for text in &texts {
            let text = match (text.get(row), function) {
                (Some(text), _) => text,
                (None, Function::Concat) => "",
                (None, _) => return None,
            };
            if all.len() + text.len() > JOINED_BYTES_MAX {
                return None;
            }
            all.push_str(text);
        }
        Some(all)
    })
}

/// Every occurrence of the second text in the first replaced by the third.
pub(super) fn replace(arguments: &[Argument], rows: usize) -> Result<ArrayRef, KernelError> {
    let [text, from, to] = exactly(arguments)?;
    let (text, from, to) = (text.texts()?, from.texts()?, to.texts()?);
    each_text(rows, |row| {
        let (text, from, to) = (text.get(row)?, from.get(row)?, to.get(row)?);
        if from.is_empty() {
            return Some(text.to_owned());
        }
        // The length is known before anything is written.
        let found = text.matches(from).count();
        let bytes = text.len() - found * from.len() + found.checked_mul(to.len())?;
        // What is not longer than its text has not grown.
        (bytes <= JOINED_BYTES_MAX.max(text.len())).then(|| text.replace(from, to))
    })
}

/// Whether an array holds text.
pub(super) fn is_text(array: &dyn Array) -> bool {
    *array.data_type() == DataType::Utf8
}

/// One text per row, or NULL, for other modules.
pub(super) fn written(
    rows: usize,
    value: impl Fn(usize) -> Option<String>,
) -> Result<ArrayRef, KernelError> {
    each_text(rows, value)
}
