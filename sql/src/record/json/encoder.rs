//! Batches to lines of JSON, byte for byte as Spark writes them.

use std::io::Write;

use arrow::array::{Array, ArrayRef, MapArray, RecordBatch, StructArray};
use arrow::datatypes::SchemaRef;

use super::base64;
use super::write_options::JsonWriteOptions;
use crate::record::text_value::{Values, binary_at, list_at, push_interval, string_at};
use crate::record::value::{IntervalFields, format_decimal, format_double, format_float};
use crate::record::{RecordEncoder, RecordError};

/// Writes one JSON object a line, or with `pretty` one field a line. Null fields are left out unless `ignoreNullFields` is
/// false.
pub struct JsonEncoder {
    options: JsonWriteOptions,
    scratch: String,
    /// How many objects are open around what is written next.
    depth: usize,
}

impl JsonEncoder {
    /// An encoder for batches of `schema`.
    ///
    /// # Errors
    /// If a column's type is not one that Spark has.
    pub fn new(schema: &SchemaRef, options: JsonWriteOptions) -> Result<Self, RecordError> {
        match schema.fields().iter().find(|f| !Values::supports(f.data_type())) {
            None => Ok(Self {
                options,
                scratch: String::new(),
                depth: 0,
            }),
            Some(field) => Err(RecordError::UnsupportedType {
                format: "JSON",
                column: field.name().clone(),
                data_type: field.data_type().to_string(),
            }),
        }
    }

    /// The values as JSON texts, a null as no text.
    ///
    /// # Errors
    /// If their type is not one that Spark has.
    pub(crate) fn texts(&mut self, array: &ArrayRef) -> Result<Vec<Option<String>>, RecordError> {
        let Some(values) = Values::new(array) else {
            return Err(RecordError::UnsupportedType {
                format: "JSON",
                column: "to_json".into(),
                data_type: array.data_type().to_string(),
            });
        };
        let mut out = Vec::new();
        let mut text = |row| {
            if values.is_null(row) {
                return None;
            }
            out.clear();
            self.value(&values, row, &mut out);
            Some(String::from_utf8_lossy(&out).into_owned())
        };
        Ok((0..array.len()).map(&mut text).collect())
    }

    fn value(&mut self, values: &Values<'_>, row: usize, out: &mut Vec<u8>) {
        if values.is_null(row) {
            out.extend_from_slice(b"null");
            return;
        }
        self.scratch.clear();
        match values {
            Values::Float32(a) if !a.value(row).is_finite() => quoted(out, |o| format_float(a.value(row), o)),
            Values::Float64(a) if !a.value(row).is_finite() => {
                quoted(out, |o| format_double(a.value(row), o))
            }
            Values::Date(a) => {
                self.options
                    .temporal
                    .date
                    .format_date(a.value(row), &mut self.scratch);
                push_string(&self.scratch, out);
            }
            Values::Timestamp(a) => {
                let temporal = &self.options.temporal;
                temporal
                    .timestamp
                    .format_timestamp(a.value(row), &temporal.zone, &mut self.scratch);
                push_string(&self.scratch, out);
            }
            Values::TimestampNtz(a) => {
                self.options
                    .temporal
                    .timestamp_ntz
                    .format_timestamp_ntz(a.value(row), &mut self.scratch);
                push_string(&self.scratch, out);
            }
            Values::Interval(a, fields) => interval(a, *fields, row, out),
            Values::String(a) => push_string(string_at(a, row), out),
            Values::Binary(a) => {
                base64::encode(binary_at(a, row), &mut self.scratch);
                push_string(&self.scratch, out);
            }
            Values::List(a, elements) => {
                out.push(b'[');
                for (i, element) in list_at(a, row).enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    self.blank(out);
                    self.value(elements, element, out);
                }
                self.blank(out);
                out.push(b']');
            }
            Values::Map(a, keys, entries) => self.map(a, keys, entries, row, out),
            Values::Struct(_, fields) => {
                let fields = fields
                    .iter()
                    .map(|(field, values)| (field.name().as_str(), values));
                self.object(fields, row, out);
            }
            plain => number(plain, row, out),
        }
    }

    fn map(&mut self, map: &MapArray, keys: &Values<'_>, values: &Values<'_>, row: usize, out: &mut Vec<u8>) {
        let offsets = map.value_offsets();
        let start = offsets.get(row).copied().unwrap_or(0) as usize;
        let end = offsets.get(row + 1).copied().unwrap_or(0) as usize;
        out.push(b'{');
        self.depth += 1;
        for entry in start..end {
            self.begin_field(entry == start, out);
            key(keys, entry, out);
            self.end_name(out);
            self.value(values, entry, out);
        }
        self.end_object(start == end, out);
    }

    fn object<'v>(
        &mut self,
        fields: impl Iterator<Item = (&'v str, &'v Values<'v>)>,
        row: usize,
        out: &mut Vec<u8>,
    ) {
        out.push(b'{');
        self.depth += 1;
        let mut first = true;
        for (name, values) in fields {
            if self.options.ignore_null_fields && values.is_null(row) {
                continue;
            }
            self.begin_field(std::mem::take(&mut first), out);
            push_string(name, out);
            self.end_name(out);
            self.value(values, row, out);
        }
        self.end_object(first, out);
    }

    fn begin_field(&self, is_first: bool, out: &mut Vec<u8>) {
        if !is_first {
            out.push(b',');
        }
        self.new_line(out);
    }

    fn end_name(&self, out: &mut Vec<u8>) {
        self.blank(out);
        out.push(b':');
        self.blank(out);
    }

    fn end_object(&mut self, is_empty: bool, out: &mut Vec<u8>) {
        self.depth -= 1;
        if is_empty {
            self.blank(out);
        } else {
            self.new_line(out);
        }
        out.push(b'}');
    }

    fn blank(&self, out: &mut Vec<u8>) {
        if self.options.pretty {
            out.push(b' ');
        }
    }

    fn new_line(&self, out: &mut Vec<u8>) {
        if self.options.pretty {
            out.push(b'\n');
            out.resize(out.len() + 2 * self.depth, b' ');
        }
    }
}

impl RecordEncoder for JsonEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let rows = batch.num_rows();
        if batch.num_columns() == 0 {
            for _ in 0..rows {
                self.object(std::iter::empty(), 0, out);
                out.extend_from_slice(&self.options.line_sep);
            }
            return Ok(());
        }
        let array: ArrayRef = std::sync::Arc::new(StructArray::from(batch.clone()));
        let Some(Values::Struct(_, fields)) = Values::new(&array) else {
            return Err(RecordError::UnsupportedType {
                format: "JSON",
                column: "(a column)".into(),
                data_type: array.data_type().to_string(),
            });
        };
        for row in 0..rows {
            let fields = fields
                .iter()
                .map(|(field, values)| (field.name().as_str(), values));
            self.object(fields, row, out);
            out.extend_from_slice(&self.options.line_sep);
        }
        Ok(())
    }
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

/// Numbers and booleans.
fn number(values: &Values<'_>, row: usize, out: &mut Vec<u8>) {
    let _ = match values {
        Values::Boolean(a) => write!(out, "{}", a.value(row)),
        Values::Int8(a) => write!(out, "{}", a.value(row)),
        Values::Int16(a) => write!(out, "{}", a.value(row)),
        Values::Int32(a) => write!(out, "{}", a.value(row)),
        Values::Int64(a) => write!(out, "{}", a.value(row)),
        Values::Float32(a) => {
            format_float(a.value(row), out);
            Ok(())
        }
        Values::Float64(a) => {
            format_double(a.value(row), out);
            Ok(())
        }
        Values::Decimal(a, scale) => {
            format_decimal(a.value(row), *scale, out);
            Ok(())
        }
        _ => Ok(()),
    };
}

fn interval(array: &ArrayRef, fields: IntervalFields, row: usize, out: &mut Vec<u8>) {
    let mut text = String::new();
    push_interval(array, fields, row, &mut text);
    push_string(&text, out);
}

/// A map's key: dates and timestamps are the numbers that stand for them, as in Spark.
fn key(keys: &Values<'_>, row: usize, out: &mut Vec<u8>) {
    match keys {
        Values::String(a) => push_string(string_at(a, row), out),
        Values::Date(a) => quoted(out, |o| drop(write!(o, "{}", a.value(row)))),
        Values::Timestamp(a) | Values::TimestampNtz(a) => {
            quoted(out, |o| drop(write!(o, "{}", a.value(row))));
        }
        Values::Interval(a, fields) => interval(a, *fields, row, out),
        other => quoted(out, |o| number(other, row, o)),
    }
}

/// Appends a JSON string; only what must be is escaped, and not ASCII stays as it is.
pub(super) fn push_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain = 0;
    for (i, byte) in bytes.iter().enumerate() {
        if *byte >= 0x20 && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        out.extend_from_slice(bytes.get(plain..i).unwrap_or_default());
        plain = i + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            8 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            12 => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            other => drop(write!(out, "\\u{other:04X}")),
        }
    }
    out.extend_from_slice(bytes.get(plain..).unwrap_or_default());
    out.push(b'"');
}
