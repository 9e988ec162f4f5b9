//! Text as bytes and bytes as text: character sets, base 64, hexadecimal digits, and numbers in other bases.

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::simple::{Row, Value};
use crate::SqlError;

/// The character sets that Spark knows.
#[derive(Clone, Copy, PartialEq)]
enum Charset {
    Ascii,
    Latin1,
    Utf8,
    Utf16,
    Utf16Be,
    Utf16Le,
    Utf32,
}

fn charset(name: &str) -> Result<Charset, SqlError> {
    Ok(match name.to_uppercase().as_str() {
        "US-ASCII" => Charset::Ascii,
        "ISO-8859-1" => Charset::Latin1,
        "UTF-8" => Charset::Utf8,
        "UTF-16" => Charset::Utf16,
        "UTF-16BE" => Charset::Utf16Be,
        "UTF-16LE" => Charset::Utf16Le,
        "UTF-32" => Charset::Utf32,
        _ => {
            return Err(SqlError::new(
                "INVALID_PARAMETER_VALUE.CHARSET",
                format!(
                    "Expects one of the character sets 'iso-8859-1', 'us-ascii', 'utf-16', 'utf-16be', 'utf-16le', 'utf-32', \
                     'utf-8', but got {name}."
                ),
            ));
        }
    })
}

fn malformed(function: &str, charset: &str) -> SqlError {
    SqlError::new(
        "MALFORMED_CHARACTER_CODING",
        format!("Invalid value found when performing `{function}` with {charset}."),
    )
}

/// `encode(s, charset)`
pub(super) fn encode(row: Row<'_>) -> Option<Value> {
    let (text, name) = (row.text(0)?, row.text(1)?);
    let units = || text.encode_utf16();
    Some(match charset(name) {
        Err(error) => error.into(),
        Ok(Charset::Ascii) if !text.is_ascii() => malformed("encode", name).into(),
        Ok(Charset::Ascii | Charset::Utf8) => text.as_bytes().to_vec().into(),
        Ok(Charset::Latin1) => {
            let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
            bytes.map_or_else(|| malformed("encode", name).into(), Value::from)
        }
        Ok(Charset::Utf16) if text.is_empty() => Value::Bytes(Vec::new()),
        Ok(Charset::Utf16) => {
            let with_mark = std::iter::once(0xfeff).chain(units());
            with_mark.flat_map(u16::to_be_bytes).collect::<Vec<u8>>().into()
        }
        Ok(Charset::Utf16Be) => units().flat_map(u16::to_be_bytes).collect::<Vec<u8>>().into(),
        Ok(Charset::Utf16Le) => units().flat_map(u16::to_le_bytes).collect::<Vec<u8>>().into(),
        Ok(Charset::Utf32) => {
            let points = text.chars().map(u32::from);
            points.flat_map(u32::to_be_bytes).collect::<Vec<u8>>().into()
        }
    })
}

/// `decode(bytes, charset)`
pub(super) fn decode(row: Row<'_>) -> Option<Value> {
    let (bytes, name) = (row.bytes(0)?, row.text(1)?);
    Some(match charset(name) {
        Err(error) => error.into(),
        Ok(charset) => decoded(bytes, charset).map_or_else(|| malformed("decode", name).into(), Value::from),
    })
}

fn decoded(bytes: &[u8], charset: Charset) -> Option<String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let pairs = bytes.chunks(2).map(|pair| Some(unit(pair.try_into().ok()?)));
        String::from_utf16(&pairs.collect::<Option<Vec<u16>>>()?).ok()
    };
    match charset {
        Charset::Ascii => bytes
            .is_ascii()
            .then(|| bytes.iter().map(|b| char::from(*b)).collect()),
        Charset::Latin1 => Some(bytes.iter().map(|b| char::from(*b)).collect()),
        Charset::Utf8 => String::from_utf8(bytes.to_vec()).ok(),
        Charset::Utf16Le => wide(bytes, u16::from_le_bytes),
        Charset::Utf16Be => wide(bytes, u16::from_be_bytes),
        Charset::Utf16 => match bytes {
            [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
            all => wide(all, u16::from_be_bytes),
        },
        Charset::Utf32 => {
            let points = bytes
                .chunks(4)
                .map(|four| four.try_into().ok().map(u32::from_be_bytes));
            points.map(|point| char::from_u32(point?)).collect()
        }
    }
}

/// `base64(bytes)`
pub(super) fn base64(row: Row<'_>) -> Option<Value> {
    Some(
        base64::engine::general_purpose::STANDARD
            .encode(row.bytes(0)?)
            .into(),
    )
}

/// `unbase64(s)`: what is no digit of base 64 is skipped.
pub(super) fn unbase64(row: Row<'_>) -> Option<Value> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let is_digit = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let digits: Vec<u8> = row.text(0)?.bytes().filter(is_digit).collect();
    Some(match LENIENT.decode(digits) {
        Ok(bytes) => bytes.into(),
        Err(_) => SqlError::new(
            "CONVERSION_INVALID_INPUT",
            "The last unit of the text to decode from base 64 does not have enough valid bits.",
        )
        .into(),
    })
}

/// `unhex(s)`: NULL for what is no hexadecimal digit.
pub(super) fn unhex(row: Row<'_>) -> Option<Value> {
    let text = row.text(0)?;
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    // An odd first digit is a byte of its own.
    let (first, rest) = digits.split_at(digits.len() % 2);
    let pairs = rest
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit));
    Some(first.iter().copied().chain(pairs).collect::<Vec<u8>>().into())
}

/// `bin(n)`
pub(super) fn bin(row: Row<'_>) -> Option<Value> {
    Some(format!("{:b}", row.long(0)?).into())
}

/// `conv(digits, from, to)`: through 64 bits, which are signed where the base to write in is below 0.
pub(super) fn conv(row: Row<'_>) -> Option<Value> {
    let (text, from, to) = (row.text(0)?.trim_matches(' '), row.int(1)?, row.int(2)?);
    let is_base = |base: u32| (2..=36).contains(&base);
    let from = u32::try_from(from).ok().filter(|f| is_base(*f))?;
    let base = Some(to.unsigned_abs()).filter(|t| is_base(*t))?;
    if text.is_empty() {
        return None;
    }
    let (mut negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let mut number: u64 = 0;
    for digit in digits.chars().map_while(|c| c.to_digit(from)) {
        let next = number
            .checked_mul(u64::from(from))
            .and_then(|n| n.checked_add(u64::from(digit)));
        match next {
            Some(next) => number = next,
            None if row.ansi => {
                return Some(
                    SqlError::new(
                        "ARITHMETIC_OVERFLOW",
                        format!("Overflow in function conv() of {text}."),
                    )
                    .into(),
                );
            }
            None => {
                number = u64::MAX;
                break;
            }
        }
    }
    if negative && to > 0 {
        number = if number.cast_signed() < 0 {
            u64::MAX
        } else {
            number.wrapping_neg()
        };
    }
    if to < 0 && number.cast_signed() < 0 {
        number = number.wrapping_neg();
        negative = true;
    }
    let sign = if negative && to < 0 { "-" } else { "" };
    Some(format!("{sign}{}", in_base(number, u64::from(base))).into())
}

fn in_base(mut number: u64, base: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(number % base).unwrap_or(0);
        digits.extend(char::from_digit(digit, 36).map(|c| c.to_ascii_uppercase()));
        number /= base;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

/// `is_valid_utf8(x)`
pub(super) fn is_valid_utf8(row: Row<'_>) -> Option<Value> {
    Some(std::str::from_utf8(row.bytes(0)?).is_ok().into())
}

/// `make_valid_utf8(x)`: what is no UTF-8 becomes U+FFFD.
pub(super) fn make_valid_utf8(row: Row<'_>) -> Option<Value> {
    Some(String::from_utf8_lossy(row.bytes(0)?).into_owned().into())
}

/// `validate_utf8(x)`
pub(super) fn validate_utf8(row: Row<'_>) -> Option<Value> {
    Some(match std::str::from_utf8(row.bytes(0)?) {
        Ok(text) => text.into(),
        Err(_) => SqlError::new(
            "INVALID_UTF8_STRING",
            "Invalid UTF8 byte sequence found in a string.",
        )
        .into(),
    })
}

/// `try_validate_utf8(x)`
pub(super) fn try_validate_utf8(row: Row<'_>) -> Option<Value> {
    std::str::from_utf8(row.bytes(0)?).ok().map(Value::from)
}
