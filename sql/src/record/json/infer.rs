//! The schema of JSON files, as Spark infers it.
//!
//! Whole numbers are BIGINT (DECIMAL beyond), others DOUBLE; what does not go together is STRING, as is what
//! is always null. Fields are sorted by name. Empty objects give no column.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use super::read_options::JsonReadOptions;
use super::tape::{Kind, Tape, Token};
use super::unescape::unescape;
use crate::record::{ParseMode, RecordError};

/// What is known of a value's type.
#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Null,
    Boolean,
    Long,
    Double,
    /// Precision and scale.
    Decimal(u8, i8),
    Timestamp,
    String,
    Array(Box<Shape>),
    Object(BTreeMap<String, Shape>),
}

/// The schema of these whole files; all fields are nullable.
///
/// A record that is not JSON adds the corrupt-record column (mode PERMISSIVE).
///
/// # Errors
/// [`RecordError::Malformed`] for such a record in mode FAILFAST.
pub fn infer_json_schema(files: &[&[u8]], options: &JsonReadOptions) -> Result<SchemaRef, RecordError> {
    let mut shape = Shape::Null;
    let mut tape = Tape::default();
    for file in files {
        let mut rest = *file;
        while !rest.is_empty() {
            let record = match options.separator.next(rest, true) {
                Some(line) if !options.multi_line => {
                    let (record, after) = (rest.get(..line.len), rest.get(line.consumed..));
                    rest = after.unwrap_or_default();
                    record.unwrap_or_default()
                }
                _ => std::mem::take(&mut rest),
            };
            if let Some(found) = record_shape(record, &mut tape, options)? {
                shape = merge(shape, found);
            }
        }
    }
    let fields = match finish(shape, options) {
        Some(DataType::Struct(fields)) => fields,
        _ => Fields::empty(),
    };
    Ok(Arc::new(Schema::new(fields)))
}

/// The type of one text's value; `None` for what is no JSON, and for an object without fields.
pub(crate) fn infer_json_type(text: &str, options: &JsonReadOptions) -> Option<DataType> {
    let mut tape = Tape::default();
    match tape.read(text.as_bytes(), &options.syntax) {
        Ok(read) if read > 0 => finish(shape(text.as_bytes(), &tape, 0, options), options),
        _ => None,
    }
}

fn record_shape(
    text: &[u8],
    tape: &mut Tape,
    options: &JsonReadOptions,
) -> Result<Option<Shape>, RecordError> {
    let read = match tape.read(text, &options.syntax) {
        Ok(0) => return Ok(None),
        Ok(read) if std::str::from_utf8(text.get(..read).unwrap_or_default()).is_ok() => read,
        _ => 0,
    };
    if read > 0 {
        match shape(text, tape, 0, options) {
            object @ Shape::Object(_) => return Ok(Some(object)),
            Shape::Array(element) => match *element {
                object @ Shape::Object(_) => return Ok(Some(object)),
                Shape::Null => return Ok(None),
                _ => {}
            },
            _ => {}
        }
    }
    match options.mode {
        ParseMode::Permissive => Ok(Some(Shape::Object(
            [(options.corrupt_record.clone(), Shape::String)].into(),
        ))),
        ParseMode::DropMalformed => Ok(None),
        ParseMode::FailFast => Err(RecordError::malformed(text)),
    }
}

fn shape(text: &[u8], tape: &Tape, index: usize, options: &JsonReadOptions) -> Shape {
    let Some(token) = tape.get(index) else {
        return Shape::Null;
    };
    let raw = text
        .get(token.start as usize..token.end as usize)
        .unwrap_or_default();
    match token.kind {
        Kind::Null => Shape::Null,
        Kind::String | Kind::Escaped if raw.is_empty() => Shape::Null,
        Kind::String | Kind::Escaped => string_shape(raw, options),
        Kind::Array => Shape::Array(Box::new(elements(text, tape, index, token, options))),
        Kind::Object => Shape::Object(members(text, tape, index, token, options)),
        _ if options.primitives_as_string => Shape::String,
        Kind::True | Kind::False => Shape::Boolean,
        Kind::Integer => match std::str::from_utf8(raw).map(str::parse::<i64>) {
            Ok(Ok(_)) => Shape::Long,
            _ => decimal(raw).unwrap_or(Shape::Double),
        },
        Kind::Decimal if options.prefers_decimal => decimal(raw).unwrap_or(Shape::Double),
        Kind::Decimal | Kind::NonNumeric => Shape::Double,
    }
}

fn string_shape(raw: &[u8], options: &JsonReadOptions) -> Shape {
    if options.prefers_decimal
        && let Some(shape) = decimal(raw)
    {
        return shape;
    }
    if options.infer_timestamp && options.temporal.timestamp(raw).is_some() {
        return Shape::Timestamp;
    }
    Shape::String
}

/// The decimal type of a plain number, if 38 digits are enough.
fn decimal(raw: &[u8]) -> Option<Shape> {
    let digits = raw.strip_prefix(b"-").unwrap_or(raw);
    let point = memchr::memchr(b'.', digits);
    if digits.is_empty() || !digits.iter().all(|b| b.is_ascii_digit() || *b == b'.') {
        return None;
    }
    let scale = point.map_or(0, |at| digits.len() - at - 1);
    let significant = digits
        .iter()
        .filter(|b| **b != b'.')
        .skip_while(|b| **b == b'0')
        .count();
    let precision = significant.max(scale).max(1);
    if precision > 38 {
        return None;
    }
    Some(Shape::Decimal(
        u8::try_from(precision).ok()?,
        i8::try_from(scale).ok()?,
    ))
}

fn elements(text: &[u8], tape: &Tape, index: usize, token: Token, options: &JsonReadOptions) -> Shape {
    let mut merged = Shape::Null;
    let mut at = index + 1;
    while at < token.next as usize {
        merged = merge(merged, shape(text, tape, at, options));
        at = tape.get(at).map_or(usize::MAX, |t| t.next as usize);
    }
    merged
}

fn members(
    text: &[u8],
    tape: &Tape,
    index: usize,
    token: Token,
    options: &JsonReadOptions,
) -> BTreeMap<String, Shape> {
    let mut fields: BTreeMap<String, Shape> = BTreeMap::new();
    let mut at = index + 1;
    while at < token.next as usize {
        let Some(name) = tape.get(at) else { break };
        let raw = text
            .get(name.start as usize..name.end as usize)
            .unwrap_or_default();
        let mut plain = Vec::new();
        unescape(raw, &mut plain);
        let name = String::from_utf8_lossy(&plain).into_owned();
        let found = shape(text, tape, at + 1, options);
        let known = fields.remove(&name).unwrap_or(Shape::Null);
        fields.insert(name, merge(known, found));
        at = tape.get(at + 1).map_or(usize::MAX, |t| t.next as usize);
    }
    fields
}

/// The narrowest type that holds both; STRING if there is no other.
fn merge(a: Shape, b: Shape) -> Shape {
    match (a, b) {
        (a, b) if a == b => a,
        (Shape::Null, other) | (other, Shape::Null) => other,
        (Shape::Long | Shape::Decimal(..), Shape::Double)
        | (Shape::Double, Shape::Long | Shape::Decimal(..)) => Shape::Double,
        (Shape::Long, Shape::Decimal(p, s)) | (Shape::Decimal(p, s), Shape::Long) => wider(20, 0, p, s),
        (Shape::Decimal(p1, s1), Shape::Decimal(p2, s2)) => wider(p1, s1, p2, s2),
        (Shape::Array(a), Shape::Array(b)) => Shape::Array(Box::new(merge(*a, *b))),
        (Shape::Object(mut a), Shape::Object(b)) => {
            for (name, shape) in b {
                let known = a.remove(&name).unwrap_or(Shape::Null);
                a.insert(name, merge(known, shape));
            }
            Shape::Object(a)
        }
        _ => Shape::String,
    }
}

fn wider(p1: u8, s1: i8, p2: u8, s2: i8) -> Shape {
    let scale = s1.max(s2);
    let whole = (i16::from(p1) - i16::from(s1)).max(i16::from(p2) - i16::from(s2));
    match u8::try_from(whole + i16::from(scale)) {
        Ok(precision) if precision <= 38 => Shape::Decimal(precision, scale),
        _ => Shape::Double,
    }
}

/// The Arrow type; none for an empty object, or for nulls only with `dropFieldIfAllNull`.
fn finish(shape: Shape, options: &JsonReadOptions) -> Option<DataType> {
    Some(match shape {
        Shape::Null if options.drop_field_if_all_null => return None,
        Shape::Null | Shape::String => DataType::Utf8,
        Shape::Boolean => DataType::Boolean,
        Shape::Long => DataType::Int64,
        Shape::Double => DataType::Float64,
        Shape::Decimal(p, s) => DataType::Decimal128(p, s),
        Shape::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Shape::Array(element) => {
            DataType::List(Arc::new(Field::new("element", finish(*element, options)?, true)))
        }
        Shape::Object(fields) => {
            let fields: Vec<Field> = fields
                .into_iter()
                .filter_map(|(name, shape)| Some(Field::new(name, finish(shape, options)?, true)))
                .collect();
            if fields.is_empty() {
                return None;
            }
            DataType::Struct(fields.into())
        }
    })
}
