//! From tape to columns: Spark's coercions, value by value.
//!
//! A value that does not fit its type makes its field null and its record bad. A struct keeps its good
//! fields; an array or map with a bad element is null, unless the element is a struct that kept some.

use super::path::copy;
use super::tape::{Kind, Tape, Token};
use super::unescape::unescape;
use crate::record::column::{Column, Data};
use crate::record::value::{TemporalReader, parse_decimal};

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// One value was appended.
    Good,
    /// One value was appended, but a part of it was bad.
    Partial,
    /// The value did not fit the type; nothing was appended.
    Bad,
}

/// Turns the tokens of one record into values.
pub(crate) struct Converter<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) tape: &'a Tape,
    pub(crate) temporal: &'a TemporalReader,
    /// Whether the strings `"NaN"`, `"Infinity"` and so on are numbers.
    pub(crate) non_numeric_numbers: bool,
    /// Whether what is read as a string and is none is written anew, not as it stands.
    pub(crate) rewrites: bool,
    /// Reused for texts with escapes.
    pub(crate) scratch: &'a mut Vec<u8>,
}

impl<'a> Converter<'a> {
    fn raw(&self, token: Token) -> &'a [u8] {
        self.text
            .get(token.start as usize..token.end as usize)
            .unwrap_or_default()
    }

    /// The text of a string token; it may be in `scratch`.
    fn string<'b>(text: &'b [u8], token: Token, scratch: &'b mut Vec<u8>) -> &'b [u8] {
        let raw = text
            .get(token.start as usize..token.end as usize)
            .unwrap_or_default();
        if token.kind == Kind::Escaped {
            scratch.clear();
            unescape(raw, scratch);
            scratch
        } else {
            raw
        }
    }

    /// Appends the value at `index` of the tape to `column`, or nothing if it does not fit.
    pub(crate) fn append(&mut self, column: &mut Column, index: usize) -> Outcome {
        let Some(token) = self.tape.get(index) else {
            return Outcome::Bad;
        };
        if token.kind == Kind::Null {
            column.append_null();
            return Outcome::Good;
        }
        let raw = self.raw(token);
        let number = matches!(token.kind, Kind::Integer | Kind::Decimal);
        let done = match &mut column.data {
            Data::String(bytes) => {
                match token.kind {
                    Kind::Escaped => unescape(raw, &mut bytes.values),
                    Kind::Object | Kind::Array | Kind::Decimal | Kind::Integer if self.rewrites => {
                        copy(self.tape, self.text, index, &mut bytes.values);
                    }
                    _ => bytes.values.extend_from_slice(raw),
                }
                column.end_bytes();
                return Outcome::Good;
            }
            Data::Int64(v) if token.kind == Kind::Integer => push(v, integer(raw)),
            Data::Int32(v) if token.kind == Kind::Integer => push(v, narrow(raw)),
            Data::Int16(v) if token.kind == Kind::Integer => push(v, narrow(raw)),
            // Jackson reads a byte from -128 to 255 and wraps.
            Data::Int8(v) if token.kind == Kind::Integer => push(
                v,
                integer(raw).filter(|n| (-128..=255).contains(n)).map(|n| n as i8),
            ),
            Data::Float64(v) if number => push(v, parse_text(raw)),
            Data::Float32(v) if number => push(v, parse_text(raw)),
            Data::Float64(v) => push(v, self.special(token)),
            Data::Float32(v) => push(v, self.special(token).map(|d| d as f32)),
            Data::Boolean(v) if matches!(token.kind, Kind::True | Kind::False) => {
                v.append(token.kind == Kind::True);
                Some(())
            }
            Data::List(..) => return self.list(column, index, token),
            Data::Map(..) => return self.map(column, index, token),
            Data::Struct(..) => return self.structure(column, index, token),
            Data::Null => None,
            _ => return self.text_value(column, token),
        };
        if done.is_none() {
            return Outcome::Bad;
        }
        column.mark_valid();
        Outcome::Good
    }

    /// Types that are mostly written as strings.
    fn text_value(&mut self, column: &mut Column, token: Token) -> Outcome {
        let raw = self.raw(token);
        let is_text = matches!(token.kind, Kind::String | Kind::Escaped);
        let text = Self::string(self.text, token, self.scratch);
        let done = match &mut column.data {
            Data::Timestamp(v) if is_text => push(v, self.temporal.timestamp(text)),
            Data::Timestamp(v) if token.kind == Kind::Integer => {
                // Spark's seconds wrap too.
                push(v, integer(raw).map(|seconds| seconds.wrapping_mul(1_000_000)))
            }
            Data::TimestampNtz(v) if is_text => push(v, self.temporal.timestamp_ntz(text)),
            Data::Date(v) if is_text => push(v, self.temporal.date(text)),
            Data::Decimal(v, p, s) if matches!(token.kind, Kind::Integer | Kind::Decimal) => {
                push(v, parse_decimal(raw, *p, *s))
            }
            Data::Decimal(v, p, s) if is_text => {
                let plain: Vec<u8> = text.iter().copied().filter(|b| *b != b',').collect();
                push(v, parse_decimal(&plain, *p, *s))
            }
            Data::Binary(bytes) if is_text => match super::base64::decode(text, &mut bytes.values) {
                Some(()) => {
                    column.end_bytes();
                    return Outcome::Good;
                }
                None => None,
            },
            _ => None,
        };
        if done.is_none() {
            return Outcome::Bad;
        }
        column.mark_valid();
        Outcome::Good
    }

    /// NaN and the infinities, as words or in quotes.
    fn special(&self, token: Token) -> Option<f64> {
        let quoted = token.kind == Kind::String && self.non_numeric_numbers;
        if !quoted && token.kind != Kind::NonNumeric {
            return None;
        }
        match self.raw(token) {
            b"NaN" => Some(f64::NAN),
            b"Infinity" | b"+Infinity" | b"+INF" => Some(f64::INFINITY),
            b"-Infinity" | b"-INF" => Some(f64::NEG_INFINITY),
            _ => None,
        }
    }

    fn list(&mut self, column: &mut Column, index: usize, token: Token) -> Outcome {
        let Data::List(_, child) = &mut column.data else {
            return Outcome::Bad;
        };
        if token.kind != Kind::Array {
            return Outcome::Bad;
        }
        let start = child.len();
        let mut outcome = Outcome::Good;
        let mut at = index + 1;
        while at < token.next as usize {
            match self.append(child, at) {
                Outcome::Good => {}
                Outcome::Partial => outcome = Outcome::Partial,
                Outcome::Bad => {
                    child.truncate(start);
                    return Outcome::Bad;
                }
            }
            at = self.tape.get(at).map_or(usize::MAX, |t| t.next as usize);
        }
        column.end_list();
        outcome
    }

    /// Maps keep the entries in their order, with repeated keys, as Spark's do.
    fn map(&mut self, column: &mut Column, index: usize, token: Token) -> Outcome {
        let Data::Map(_, keys, values) = &mut column.data else {
            return Outcome::Bad;
        };
        if token.kind != Kind::Object {
            return Outcome::Bad;
        }
        let start = keys.len();
        let mut outcome = Outcome::Good;
        let mut at = index + 1;
        while at < token.next as usize {
            let value = match self.append(keys, at) {
                Outcome::Bad => Outcome::Bad,
                _ => self.append(values, at + 1),
            };
            match value {
                Outcome::Good => {}
                Outcome::Partial => outcome = Outcome::Partial,
                Outcome::Bad => {
                    keys.truncate(start);
                    values.truncate(start);
                    return Outcome::Bad;
                }
            }
            at = self.tape.get(at + 1).map_or(usize::MAX, |t| t.next as usize);
        }
        column.end_list();
        outcome
    }

    fn structure(&mut self, column: &mut Column, index: usize, token: Token) -> Outcome {
        let row = column.len();
        let Data::Struct(children, names) = &mut column.data else {
            return Outcome::Bad;
        };
        if token.kind != Kind::Object {
            return Outcome::Bad;
        }
        let outcome = self.fields(children, row, index, token, |name, hint| names.find(name, hint));
        column.mark_valid();
        outcome
    }

    /// Appends one value to each of `columns`, all of which have `row` values: those of the object at `index`.
    ///
    /// Of a repeated name the last value that fits counts; any that does not makes the record bad.
    pub(crate) fn fields(
        &mut self,
        columns: &mut [Column],
        row: usize,
        index: usize,
        object: Token,
        find: impl Fn(&[u8], usize) -> Option<usize>,
    ) -> Outcome {
        let mut outcome = Outcome::Good;
        let mut hint = 0;
        let mut filled = 0;
        let mut at = index + 1;
        while at < object.next as usize {
            let Some(name) = self.tape.get(at) else { break };
            let found = find(Self::string(self.text, name, self.scratch), hint);
            if let Some(position) = found
                && let Some(column) = columns.get_mut(position)
            {
                hint = position + 1;
                let repeated = column.len() > row;
                let appended = self.append(column, at + 1);
                if appended != Outcome::Good {
                    outcome = Outcome::Partial;
                }
                if appended != Outcome::Bad {
                    if repeated {
                        column.truncate(row);
                        self.append(column, at + 1);
                    } else {
                        filled += 1;
                    }
                }
            }
            at = self.tape.get(at + 1).map_or(usize::MAX, |t| t.next as usize);
        }
        if filled < columns.len() {
            columns
                .iter_mut()
                .filter(|c| c.len() == row)
                .for_each(Column::append_null);
        }
        outcome
    }
}

#[inline]
fn push<T>(values: &mut Vec<T>, value: Option<T>) -> Option<()> {
    values.push(value?);
    Some(())
}

#[inline]
fn integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    if digits.len() < 19 {
        let value = digits
            .iter()
            .fold(0i64, |v, b| v * 10 + i64::from(b.wrapping_sub(b'0')));
        return Some(if negative { -value } else { value });
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[inline]
fn narrow<T: TryFrom<i64>>(text: &[u8]) -> Option<T> {
    integer(text).and_then(|n| T::try_from(n).ok())
}

#[inline]
fn parse_text<T: lexical_core::FromLexical>(text: &[u8]) -> Option<T> {
    lexical_core::parse(text).ok()
}
