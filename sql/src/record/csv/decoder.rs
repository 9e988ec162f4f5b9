//! CSV bytes to batches.

use std::borrow::Cow;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};

use super::convert::append;
use super::read_options::CsvReadOptions;
use super::tokenizer::{Failure, Record, Token};
use crate::record::assembler::{Assembler, Request};
use crate::record::column::Column;
use crate::record::error::excerpt;
use crate::record::line::LineSeparator;
use crate::record::{DEFAULT_BATCH_ROWS, RecordDecoder, RecordError};

/// Decodes the CSV records of one file; fields go to columns by position.
///
/// A record with too few or too many fields is bad but keeps those it has. Bytes that are not UTF-8 become
/// U+FFFD. Make a new decoder for every file: with `header` it skips the file's first record.
pub struct CsvDecoder {
    schema: SchemaRef,
    options: CsvReadOptions,
    rows: Assembler,
    record: Record,
    header_pending: bool,
    /// Whether no byte has been taken yet.
    at_start: bool,
}

impl CsvDecoder {
    /// A decoder of all columns of `schema`.
    ///
    /// # Errors
    /// If a column is nested, or the corrupt-record column is not a nullable STRING.
    pub fn new(schema: SchemaRef, options: CsvReadOptions) -> Result<Self, RecordError> {
        let rows = assembler(&schema, &options, None, DEFAULT_BATCH_ROWS)?;
        let header_pending = options.header;
        Ok(Self {
            schema,
            options,
            rows,
            record: Record::default(),
            header_pending,
            at_start: true,
        })
    }

    /// The same decoder giving only these columns of the schema, in this order. Call before decoding.
    ///
    /// # Errors
    /// If an index is not one of the schema's.
    pub fn with_projection(mut self, projection: &[usize]) -> Result<Self, RecordError> {
        self.rows = assembler(
            &self.schema,
            &self.options,
            Some(projection),
            self.rows.batch_rows(),
        )?;
        Ok(self)
    }

    /// The same decoder with at most this many rows in a batch.
    #[must_use]
    pub fn with_batch_rows(mut self, rows: usize) -> Self {
        self.rows.set_batch_rows(rows);
        self
    }

    /// Reads the record at the front of `input`: the bytes it took, or none if it is not all there.
    fn read(&mut self, input: &[u8], end_of_input: bool) -> Result<Option<usize>, RecordError> {
        let (line, consumed) = if self.options.syntax.multi_line {
            (input, 0)
        } else {
            match self.options.syntax.separator.next(input, end_of_input) {
                Some(line) => (input.get(..line.len).unwrap_or_default(), line.consumed),
                None => return Ok(None),
            }
        };
        if !self.options.syntax.multi_line && self.is_skipped(line) {
            return Ok(Some(consumed));
        }
        let (len, with_end) = match self.record.read(line, &self.options.syntax, end_of_input) {
            Ok(lengths) => lengths,
            Err(Failure::Incomplete) => return Ok(None),
            Err(Failure::Fatal(reason)) => {
                return Err(RecordError::Unreadable {
                    reason: reason.into(),
                    record: excerpt(line),
                });
            }
        };
        let consumed = if self.options.syntax.multi_line {
            with_end
        } else {
            consumed
        };
        let text = line.get(..len).unwrap_or_default();
        if self.options.syntax.multi_line && (text.is_empty() || self.is_comment(text)) {
            return Ok(Some(consumed));
        }
        self.take(text)?;
        Ok(Some(consumed))
    }

    /// Records over several lines end as the first line does; false if more must be read to tell.
    fn detect_line_end(&mut self, input: &[u8], end_of_input: bool) -> bool {
        let syntax = &mut self.options.syntax;
        if !syntax.multi_line || matches!(syntax.separator, LineSeparator::Bytes(_)) {
            return true;
        }
        match LineSeparator::detect(input, end_of_input) {
            Some(found) => syntax.separator = found,
            None => return false,
        }
        true
    }

    fn is_comment(&self, line: &[u8]) -> bool {
        self.options.syntax.comment.is_some() && line.first().copied() == self.options.syntax.comment
    }

    /// Blank lines and comments.
    fn is_skipped(&self, line: &[u8]) -> bool {
        line.iter().all(|b| *b <= b' ') || self.is_comment(line)
    }

    /// Takes the record just read, the header or a row.
    fn take(&mut self, text: &[u8]) -> Result<(), RecordError> {
        if std::mem::take(&mut self.header_pending) {
            return if self.options.enforce_schema {
                Ok(())
            } else {
                self.check_header(text)
            };
        }
        let text = String::from_utf8_lossy(text);
        if let Cow::Owned(clean) = &text {
            // The tokens must point into the clean text, which ends at the same fields.
            let read = self.record.read(clean.as_bytes(), &self.options.syntax, true);
            if read.is_err() {
                return self.rows.end_unreadable(clean.as_bytes());
            }
        }
        let pruned = self.options.column_pruning && self.rows.columns.len() < self.rows.width;
        let mut bad = !pruned && self.record.len() != self.rows.width;
        for (column, position) in self.rows.columns.iter_mut().zip(&self.rows.positions) {
            bad |= !append(column, self.record.get(text.as_bytes(), *position), &self.options);
        }
        self.rows.end_record(1, bad, without_line_end(text.as_bytes()))
    }

    fn check_header(&self, text: &[u8]) -> Result<(), RecordError> {
        let found: Vec<String> = (0..self.record.len())
            .map(|i| match self.record.get(text, i) {
                Token::Text(name) => String::from_utf8_lossy(name).into_owned(),
                _ => String::new(),
            })
            .collect();
        let fields = self.schema.fields().iter().map(|f| f.name().as_str());
        let expected: Vec<&str> = fields
            .filter(|name| *name != self.options.corrupt_record)
            .collect();
        let pairs = (0..expected.len().max(found.len())).map(|i| {
            (
                expected.get(i).copied().unwrap_or("(none)"),
                found.get(i).map_or("(none)", String::as_str),
            )
        });
        match pairs.into_iter().find(|(e, f)| !e.eq_ignore_ascii_case(f)) {
            None => Ok(()),
            Some((e, f)) => Err(RecordError::HeaderMismatch {
                header: found.join(", "),
                schema: expected.join(", "),
                expected: e.to_owned(),
                found: f.to_owned(),
            }),
        }
    }
}

/// A record that ends within quotes has the file's last line end in it.
fn without_line_end(record: &[u8]) -> &[u8] {
    match record {
        [rest @ .., b'\r', b'\n'] | [rest @ .., b'\n'] => rest,
        _ => record,
    }
}

fn assembler(
    schema: &SchemaRef,
    options: &CsvReadOptions,
    projection: Option<&[usize]>,
    batch_rows: usize,
) -> Result<Assembler, RecordError> {
    let request = Request {
        format: "CSV",
        schema,
        projection,
        corrupt_record: Some(&options.corrupt_record),
        mode: options.mode,
        supports: |t: &DataType| !t.is_nested() && Column::new(t).is_some(),
    };
    Assembler::new(&request, batch_rows)
}

impl RecordDecoder for CsvDecoder {
    fn decode(&mut self, input: &[u8], end_of_input: bool) -> Result<usize, RecordError> {
        const BOM: &[u8] = b"\xef\xbb\xbf";
        let mut at = 0;
        if self.at_start {
            if input.len() < BOM.len() && !end_of_input {
                return Ok(0);
            }
            at = if input.starts_with(BOM) { BOM.len() } else { 0 };
            if !self.detect_line_end(input.get(at..).unwrap_or_default(), end_of_input) {
                return Ok(0);
            }
            self.at_start = input.is_empty();
        }
        while !self.rows.is_full() {
            let rest = input.get(at..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let Some(consumed) = self.read(rest, end_of_input)? else {
                break;
            };
            at += consumed;
        }
        Ok(at)
    }

    fn rows(&self) -> usize {
        self.rows.rows()
    }

    fn is_full(&self) -> bool {
        self.rows.is_full()
    }

    fn flush(&mut self) -> Result<Option<RecordBatch>, RecordError> {
        self.rows.flush()
    }
}
