//! Where strings, numbers and names end.

use super::{Kind, Syntax};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Bytes of `word` that equal zero have their high bit set; exact up to the first such byte.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// The first of quote, backslash or control character at or after `at`.
#[inline]
fn special(text: &[u8], mut at: usize, quote: u8) -> Option<usize> {
    let quotes = ONES.wrapping_mul(u64::from(quote));
    let backslashes = ONES.wrapping_mul(u64::from(b'\\'));
    while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let control = word.wrapping_sub(ONES.wrapping_mul(0x20)) & !word & HIGHS;
        let found = zero_bytes(word ^ quotes) | zero_bytes(word ^ backslashes) | control;
        if found != 0 {
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    let rest = text.get(at..)?;
    rest.iter()
        .position(|b| *b == quote || *b == b'\\' || *b < 0x20)
        .map(|i| at + i)
}

/// The index of the closing quote of a string whose text begins at `at`, and whether it has escapes.
#[inline]
pub(super) fn string_end(text: &[u8], mut at: usize, quote: u8, syntax: &Syntax) -> Option<(usize, bool)> {
    let mut escaped = false;
    loop {
        at = special(text, at, quote)?;
        match *text.get(at)? {
            b if b == quote => return Some((at, escaped)),
            b'\\' => {
                escaped = true;
                at = escape_end(text, at + 1, syntax)?;
            }
            _ if syntax.unquoted_control_chars => at += 1,
            _ => return None,
        }
    }
}

/// The index after an escape whose letter is at `at`.
fn escape_end(text: &[u8], at: usize, syntax: &Syntax) -> Option<usize> {
    match text.get(at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
        b'u' => {
            let digits = text.get(at + 1..at + 5)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(at + 5)
        }
        b'\'' if syntax.single_quotes => Some(at + 1),
        _ if syntax.backslash_escaping_any_character => Some(at + 1),
        _ => None,
    }
}

#[inline]
fn digits_end(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

/// The end of the number at `at`, and whether it is a whole number or a decimal.
#[inline]
pub(super) fn number_end(text: &[u8], at: usize, leading_zeros: bool) -> Option<(usize, Kind)> {
    let start = at + usize::from(text.get(at) == Some(&b'-'));
    let mut end = digits_end(text, start);
    let zero_led = text.get(start) == Some(&b'0') && end > start + 1;
    if end == start || (zero_led && !leading_zeros) {
        return None;
    }
    let mut kind = Kind::Integer;
    if text.get(end) == Some(&b'.') {
        kind = Kind::Decimal;
        let fraction = end + 1;
        end = digits_end(text, fraction);
        if end == fraction {
            return None;
        }
    }
    if let Some(b'e' | b'E') = text.get(end) {
        kind = Kind::Decimal;
        let exponent = end + 1 + usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        end = digits_end(text, exponent);
        if end == exponent {
            return None;
        }
    }
    Some((end, kind))
}

/// The end of the unquoted field name at `at`.
pub(super) fn identifier_end(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let part = |b: &u8| b.is_ascii_alphanumeric() || b"_$-*#@+".contains(b) || *b >= 0x80;
    let len = rest.iter().position(|b| !part(b)).unwrap_or(rest.len());
    (len > 0).then_some(at + len)
}
