//! Batches to CSV, byte for byte as Spark writes them.

use std::borrow::Cow;
use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::write_options::CsvWriteOptions;
use crate::record::text_value::{Values, binary_at, push_interval, string_at};
use crate::record::value::{format_decimal, format_double, format_float};
use crate::record::{RecordEncoder, RecordError};

/// Writes CSV records. A row whose text is empty (one null column) is left out, as in Spark.
pub struct CsvEncoder {
    schema: SchemaRef,
    options: CsvWriteOptions,
    text: Vec<u8>,
    scratch: String,
}

impl CsvEncoder {
    /// An encoder for batches of `schema`.
    ///
    /// # Errors
    /// If a column is nested or its type is not one that Spark has.
    pub fn new(schema: &SchemaRef, options: CsvWriteOptions) -> Result<Self, RecordError> {
        let refused = |t: &arrow::datatypes::DataType| t.is_nested() || !Values::supports(t);
        match schema.fields().iter().find(|f| refused(f.data_type())) {
            None => Ok(Self {
                schema: schema.clone(),
                options,
                text: Vec::new(),
                scratch: String::new(),
            }),
            Some(field) => Err(RecordError::UnsupportedType {
                format: "CSV",
                column: field.name().clone(),
                data_type: field.data_type().to_string(),
            }),
        }
    }

    /// Puts the text of a value into `text`.
    fn render(&mut self, values: &Values<'_>, row: usize) {
        self.text.clear();
        self.scratch.clear();
        let out = &mut self.text;
        let temporal = &self.options.temporal;
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
            Values::Date(a) => {
                temporal.date.format_date(a.value(row), &mut self.scratch);
                out.write_all(self.scratch.as_bytes())
            }
            Values::Timestamp(a) => {
                temporal
                    .timestamp
                    .format_timestamp(a.value(row), &temporal.zone, &mut self.scratch);
                out.write_all(self.scratch.as_bytes())
            }
            Values::TimestampNtz(a) => {
                temporal
                    .timestamp_ntz
                    .format_timestamp_ntz(a.value(row), &mut self.scratch);
                out.write_all(self.scratch.as_bytes())
            }
            Values::Interval(a, fields) => {
                push_interval(a, *fields, row, &mut self.scratch);
                out.write_all(self.scratch.as_bytes())
            }
            Values::String(a) => out.write_all(string_at(a, row).as_bytes()),
            Values::Binary(a) => {
                let hex: Vec<String> = binary_at(a, row).iter().map(|b| format!("{b:02X}")).collect();
                write!(out, "[{}]", hex.join(" "))
            }
            _ => Ok(()),
        };
    }

    /// Appends the field whose text is in `text`, trimmed and quoted where needed.
    fn push_field(&mut self, first: bool, out: &mut Vec<u8>) {
        let options = &self.options;
        let mut text = self.text.as_slice();
        while options.trim_start
            && let [b, rest @ ..] = text
            && *b <= b' '
        {
            text = rest;
        }
        // What the end loses by trimming counts too.
        let quote = options.quote_all || needs_quotes(text, first, options);
        let text = with_line_ends(text, &options.line_sep);
        let mut text = text.as_ref();
        while options.trim_end
            && let [rest @ .., b] = text
            && *b <= b' '
        {
            text = rest;
        }
        if text.is_empty() {
            let quotes = [options.quote, options.quote];
            if options.quote_all && options.empty_value.as_bytes() != quotes {
                push_quoted(options.empty_value.as_bytes(), options, out);
            } else {
                out.extend_from_slice(options.empty_value.as_bytes());
            }
        } else if quote {
            push_quoted(text, options, out);
        } else {
            out.extend_from_slice(text);
        }
    }

    fn push_null(&self, out: &mut Vec<u8>) {
        if self.options.quote_all {
            push_quoted(self.options.null_value.as_bytes(), &self.options, out);
        } else {
            out.extend_from_slice(self.options.null_value.as_bytes());
        }
    }
}

impl RecordEncoder for CsvEncoder {
    fn start(&mut self, out: &mut Vec<u8>) {
        if !self.options.header {
            return;
        }
        let schema = self.schema.clone();
        for (i, field) in schema.fields().iter().enumerate() {
            if i > 0 {
                out.extend_from_slice(&self.options.delimiter);
            }
            self.text.clear();
            self.text.extend_from_slice(field.name().as_bytes());
            self.push_field(i == 0, out);
        }
        out.extend_from_slice(&self.options.line_sep);
    }

    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns: Option<Vec<Values<'_>>> =
            columns.map(|(array, field)| Values::of(array, field)).collect();
        let columns = columns.ok_or_else(|| RecordError::UnsupportedType {
            format: "CSV",
            column: "(a column)".into(),
            data_type: batch.schema().to_string(),
        })?;
        for row in 0..batch.num_rows() {
            let start = out.len();
            for (i, column) in columns.iter().enumerate() {
                if i > 0 {
                    out.extend_from_slice(&self.options.delimiter);
                }
                if column.is_null(row) {
                    self.push_null(out);
                } else {
                    self.render(column, row);
                    self.push_field(i == 0, out);
                }
            }
            if out.len() > start {
                out.extend_from_slice(&self.options.line_sep);
            }
        }
        Ok(())
    }
}

fn needs_quotes(text: &[u8], first: bool, options: &CsvWriteOptions) -> bool {
    let has_quote = match options.escape_quotes {
        true => memchr::memchr(options.quote, text).is_some(),
        false => text.first() == Some(&options.quote),
    };
    let line_end = options.line_sep.first().copied().unwrap_or(b'\n');
    (has_quote && options.quote != 0)
        || memchr::memchr3(b'\n', b'\r', line_end, text).is_some()
        || memchr::memmem::find(text, &options.delimiter).is_some()
        || (first && text.first() == Some(&options.comment))
}

/// The text with a line separator of several bytes for each line feed, as Spark writes it.
fn with_line_ends<'a>(text: &'a [u8], line_sep: &[u8]) -> Cow<'a, [u8]> {
    if line_sep.len() < 2 || memchr::memchr(b'\n', text).is_none() {
        return Cow::Borrowed(text);
    }
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    Cow::Owned(lines.join(line_sep))
}

fn push_quoted(text: &[u8], options: &CsvWriteOptions, out: &mut Vec<u8>) {
    out.push(options.quote);
    for byte in text {
        if *byte == options.quote {
            out.push(options.escape);
        } else if *byte == options.escape
            && let Some(escape) = options.escape_escape
        {
            out.push(escape);
        }
        out.push(*byte);
    }
    out.push(options.quote);
}
