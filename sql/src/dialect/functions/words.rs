//! Functions of text, a row at a time: words, parts, codes and distances.

use super::simple::{Row, Value};
use super::strings::substring;
use crate::SqlError;

/// `initcap(s)`: the first letter after a space in capitals, the others small.
pub(super) fn initcap(row: Row<'_>) -> Option<Value> {
    let mut out = String::new();
    let mut starts = true;
    for c in row.text(0)?.to_lowercase().chars() {
        if starts {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        starts = c == ' ';
    }
    Some(out.into())
}

/// `ascii(s)`: the code point of the first character.
pub(super) fn ascii(row: Row<'_>) -> Option<Value> {
    let first = row.text(0)?.chars().next().map_or(0, u32::from);
    Some(i32::try_from(first).unwrap_or(0).into())
}

/// `chr(n)`: the character of the number's lowest byte, nothing below 0.
pub(super) fn chr(row: Row<'_>) -> Option<Value> {
    let number = row.long(0)?;
    let text = match u8::try_from(number.rem_euclid(256)) {
        Ok(byte) if number >= 0 => char::from(byte).to_string(),
        _ => String::new(),
    };
    Some(text.into())
}

/// `space(n)`
pub(super) fn space(row: Row<'_>) -> Option<Value> {
    Some(" ".repeat(usize::try_from(row.int(0)?).unwrap_or(0)).into())
}

/// `translate(s, from, to)`: each character of `from` becomes its counterpart in `to`, or goes.
pub(super) fn translate(row: Row<'_>) -> Option<Value> {
    let (text, from, to) = (row.text(0)?, row.text(1)?, row.text(2)?);
    let translated = |c: char| match from.chars().position(|f| f == c) {
        Some(at) => to.chars().nth(at),
        None => Some(c),
    };
    Some(text.chars().filter_map(translated).collect::<String>().into())
}

/// `overlay(s PLACING new FROM position [FOR length])`; a length below 0 is that of the new text.
pub(super) fn overlay(row: Row<'_>) -> Option<Value> {
    let (text, new, position) = (row.text(0)?, row.text(1)?, row.int(2)?);
    let length = if row.width() > 3 { row.int(3)? } else { -1 };
    let length = match length {
        given if given >= 0 => given,
        _ => i32::try_from(new.chars().count()).unwrap_or(i32::MAX),
    };
    let before = substring(text, 1, position.saturating_sub(1));
    let after = substring(text, position.saturating_add(length), i32::MAX);
    Some((before + new + &after).into())
}

/// `substring_index(s, delimiter, n)`: what is before the n-th delimiter, below 0 after the n-th from the end.
pub(super) fn substring_index(row: Row<'_>) -> Option<Value> {
    let (text, delimiter, count) = (row.text(0)?, row.text(1)?, row.int(2)?);
    if delimiter.is_empty() || count == 0 {
        return Some("".into());
    }
    // Delimiters may overlap.
    let places = || {
        text.char_indices()
            .map(|(at, _)| at)
            .filter(|at| text.get(*at..).is_some_and(|rest| rest.starts_with(delimiter)))
    };
    let nth = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX) - 1;
    let part = if count > 0 {
        places().nth(nth).and_then(|at| text.get(..at))
    } else {
        let from_end: Vec<usize> = places().collect();
        let at = from_end.iter().rev().nth(nth);
        at.and_then(|at| text.get(at + delimiter.len()..))
    };
    Some(part.unwrap_or(text).into())
}

/// `find_in_set(s, 'a,b,c')`: the place of the text in the list, from 1.
pub(super) fn find_in_set(row: Row<'_>) -> Option<Value> {
    let (text, list) = (row.text(0)?, row.text(1)?);
    let at = list.split(',').position(|item| item == text);
    Some(
        at.map_or(0, |at| i32::try_from(at + 1).unwrap_or(i32::MAX))
            .into(),
    )
}

/// `levenshtein(a, b[, most])`: how many characters differ; -1 beyond the most.
pub(super) fn levenshtein(row: Row<'_>) -> Option<Value> {
    let distance = strsim::levenshtein(row.text(0)?, row.text(1)?);
    let distance = i32::try_from(distance).unwrap_or(i32::MAX);
    if row.width() > 2 && distance > row.int(2)? {
        return Some((-1).into());
    }
    Some(distance.into())
}

/// `soundex(s)`: a letter and three digits; what starts with no letter stays as it is.
pub(super) fn soundex(row: Row<'_>) -> Option<Value> {
    /// Spark's codes of A to Z; 0 are vowels, 7 are H and W, which leave the code before them.
    const CODES: &[u8; 26] = b"01230127022455012623017202";
    let text = row.text(0)?;
    let code = |c: u8| {
        let at = usize::from(c.to_ascii_uppercase().wrapping_sub(b'A'));
        CODES.get(at).copied()
    };
    let Some((first, rest)) = text.as_bytes().split_first() else {
        return Some(text.into());
    };
    let Some(mut last) = code(*first) else {
        return Some(text.into());
    };
    let mut out = char::from(first.to_ascii_uppercase()).to_string();
    for c in rest {
        let Some(digit) = code(*c) else {
            last = b'0';
            continue;
        };
        if digit == b'7' {
            continue;
        }
        if digit != b'0' && digit != last {
            out.push(char::from(digit));
            if out.len() == 4 {
                break;
            }
        }
        last = digit;
    }
    while out.len() < 4 {
        out.push('0');
    }
    Some(out.into())
}

/// `luhn_check(digits)`
pub(super) fn luhn_check(row: Row<'_>) -> Option<Value> {
    let text = row.text(0)?;
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let mut sum = 0;
    for (at, byte) in text.bytes().rev().enumerate() {
        let digit = u32::from(byte.wrapping_sub(b'0'));
        sum += match at % 2 {
            0 => digit,
            _ if digit > 4 => digit * 2 - 9,
            _ => digit * 2,
        };
    }
    Some((is_number && sum % 10 == 0).into())
}

/// `bit_length(x)`
pub(super) fn bit_length(row: Row<'_>) -> Option<Value> {
    let bits = row.bytes(0)?.len().saturating_mul(8);
    Some(i32::try_from(bits).unwrap_or(i32::MAX).into())
}

/// `octet_length(x)`
pub(super) fn octet_length(row: Row<'_>) -> Option<Value> {
    Some(i32::try_from(row.bytes(0)?.len()).unwrap_or(i32::MAX).into())
}

/// `quote(s)`: in single quotes, with those inside escaped.
pub(super) fn quote(row: Row<'_>) -> Option<Value> {
    Some(format!("'{}'", row.text(0)?.replace('\'', "\\'")).into())
}

/// `elt(n, a, b, …)`: the n-th of the texts.
pub(super) fn elt(row: Row<'_>) -> Option<Value> {
    let n = row.int(0)?;
    let at = usize::try_from(n).ok().filter(|at| (1..row.width()).contains(at));
    match at {
        Some(at) => Some(row.text(at)?.into()),
        None if row.ansi => {
            let message = format!(
                "The index {n} is out of bounds. elt has {} texts.",
                row.width() - 1
            );
            Some(SqlError::new("INVALID_ARRAY_INDEX", message).into())
        }
        None => None,
    }
}

/// `raise_error(message)`
pub(super) fn raise_error(row: Row<'_>) -> Option<Value> {
    Some(raised(row.text(0).unwrap_or("null")))
}

/// `assert_true(condition[, message])`
pub(super) fn assert_true(row: Row<'_>) -> Option<Value> {
    if row.boolean(0) == Some(true) {
        return None;
    }
    let message = match row.width() {
        1 => "The condition of assert_true is not true!",
        _ => row.text(1).unwrap_or("null"),
    };
    Some(raised(message))
}

fn raised(message: &str) -> Value {
    SqlError::new("USER_RAISED_EXCEPTION", message).into()
}
