//! From the text of a field to a column.

use super::read_options::CsvReadOptions;
use super::tokenizer::Token;
use crate::record::column::{Column, Data};
use crate::record::value::parse_decimal;

/// Appends a field to its column. A value that does not fit is appended as null, and false returned.
pub(super) fn append(column: &mut Column, token: Token<'_>, options: &CsvReadOptions) -> bool {
    let text = match token {
        Token::Missing => {
            column.append_null();
            return true;
        }
        Token::QuotedEmpty => options.empty_value.as_bytes(),
        Token::Text(text) => text,
    };
    if text == options.null_value.as_bytes() {
        column.append_null();
        return true;
    }
    if matches!(column.data, Data::String(_) | Data::Binary(_)) {
        column.append_bytes(text);
        return true;
    }
    let fits = value(&mut column.data, text, options).is_some();
    if fits {
        column.mark_valid();
    } else {
        column.append_null();
    }
    fits
}

fn value(data: &mut Data, text: &[u8], options: &CsvReadOptions) -> Option<()> {
    match data {
        Data::Boolean(v) if text.eq_ignore_ascii_case(b"true") => v.append(true),
        Data::Boolean(v) if text.eq_ignore_ascii_case(b"false") => v.append(false),
        Data::Int8(v) => v.push(parse(text)?),
        Data::Int16(v) => v.push(parse(text)?),
        Data::Int32(v) => v.push(parse(text)?),
        Data::Int64(v) => v.push(parse(text)?),
        Data::Float32(v) => v.push(match special(text, options) {
            Some(special) => special as f32,
            None => parse(java_number(text)?)?,
        }),
        Data::Float64(v) => v.push(match special(text, options) {
            Some(special) => special,
            None => parse(java_number(text)?)?,
        }),
        Data::Decimal(v, precision, scale) => {
            let plain: Vec<u8> = text.iter().copied().filter(|b| *b != b',').collect();
            v.push(parse_decimal(&plain, *precision, *scale)?);
        }
        Data::Date(v) => v.push(options.temporal.date(text)?),
        Data::Timestamp(v) => v.push(options.temporal.timestamp(text)?),
        Data::TimestampNtz(v) => v.push(options.temporal.timestamp_ntz(text)?),
        _ => return None,
    }
    Some(())
}

fn parse<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn special(text: &[u8], options: &CsvReadOptions) -> Option<f64> {
    match text {
        _ if text == options.nan_value.as_bytes() => Some(f64::NAN),
        _ if text == options.negative_inf.as_bytes() => Some(f64::NEG_INFINITY),
        _ if text == options.positive_inf.as_bytes() => Some(f64::INFINITY),
        b"NaN" | b"+NaN" | b"-NaN" => Some(f64::NAN),
        b"Infinity" | b"+Infinity" => Some(f64::INFINITY),
        b"-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// The digits of a Java double or float: blanks around it and a type letter behind it are allowed.
///
/// Java's hexadecimal doubles are not understood.
pub(super) fn java_number(text: &[u8]) -> Option<&[u8]> {
    let mut text = text;
    while let [first, rest @ ..] = text
        && *first <= b' '
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && *last <= b' '
    {
        text = rest;
    }
    if let [rest @ .., b'd' | b'D' | b'f' | b'F'] = text {
        text = rest;
    }
    let allowed = |b: &u8| b.is_ascii_digit() || b"+-.eE".contains(b);
    text.iter().all(allowed).then_some(text)
}
