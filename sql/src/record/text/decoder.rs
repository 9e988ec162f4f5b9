//! Lines of text to batches.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};

use super::line_sep;
use crate::record::assembler::{Assembler, Request};
use crate::record::line::LineSeparator;
use crate::record::option::{OptionReader, ParseMode, RecordOption, by_caller, implemented};
use crate::record::{DEFAULT_BATCH_ROWS, RecordDecoder, RecordError};

/// Every option Spark 4.3 has for reading text.
pub const TEXT_READ_OPTIONS: &[RecordOption] = &[
    implemented("encoding"),
    implemented("lineSep"),
    implemented("wholetext"),
    by_caller("compression"),
];

/// How text is read.
#[derive(Clone, Debug, Default)]
pub struct TextReadOptions {
    separator: LineSeparator,
    whole_text: bool,
}

impl TextReadOptions {
    /// The options that `get` gives values for; `get` should not care about case.
    ///
    /// # Errors
    /// [`RecordError::InvalidOption`] or [`RecordError::NotImplementedOption`], naming the option.
    pub fn from_options(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, RecordError> {
        let options = OptionReader::new(get, TEXT_READ_OPTIONS)?;
        Ok(Self {
            separator: LineSeparator::new(line_sep(&options)?),
            whole_text: options.boolean("wholetext", false)?,
        })
    }
}

/// Decodes lines into the one STRING column of its schema; blank lines are rows.
///
/// With `wholetext` a file is one row, unless it is empty. Bytes that are not UTF-8 become U+FFFD.
pub struct TextDecoder {
    schema: SchemaRef,
    options: TextReadOptions,
    rows: Assembler,
    /// Whether the file gave its row already, with `wholetext`.
    done: bool,
}

impl TextDecoder {
    /// A decoder for a schema of one STRING column.
    ///
    /// # Errors
    /// If the schema has another column or type.
    pub fn new(schema: SchemaRef, options: TextReadOptions) -> Result<Self, RecordError> {
        if schema.fields().len() != 1 {
            return Err(RecordError::TextColumns {
                columns: schema.fields().len(),
            });
        }
        let rows = assembler(&schema, None, DEFAULT_BATCH_ROWS)?;
        Ok(Self {
            schema,
            options,
            rows,
            done: false,
        })
    }

    /// The same decoder giving only these columns of the schema. Call before decoding.
    ///
    /// # Errors
    /// If an index is not one of the schema's.
    pub fn with_projection(mut self, projection: &[usize]) -> Result<Self, RecordError> {
        self.rows = assembler(&self.schema, Some(projection), self.rows.batch_rows())?;
        Ok(self)
    }

    /// The same decoder with at most this many rows in a batch.
    #[must_use]
    pub fn with_batch_rows(mut self, rows: usize) -> Self {
        self.rows.set_batch_rows(rows);
        self
    }

    fn line(&mut self, line: &[u8]) -> Result<(), RecordError> {
        for column in &mut self.rows.columns {
            column.append_bytes(String::from_utf8_lossy(line).as_bytes());
        }
        self.rows.end_record(1, false, line)
    }
}

fn assembler(
    schema: &SchemaRef,
    projection: Option<&[usize]>,
    batch_rows: usize,
) -> Result<Assembler, RecordError> {
    let request = Request {
        format: "Text",
        schema,
        projection,
        corrupt_record: None,
        mode: ParseMode::Permissive,
        supports: |t: &DataType| t == &DataType::Utf8,
    };
    Assembler::new(&request, batch_rows)
}

impl RecordDecoder for TextDecoder {
    fn decode(&mut self, input: &[u8], end_of_input: bool) -> Result<usize, RecordError> {
        if self.options.whole_text {
            if end_of_input && !self.done && !input.is_empty() {
                self.done = true;
                self.line(input)?;
                return Ok(input.len());
            }
            return Ok(0);
        }
        let mut at = 0;
        while !self.rows.is_full() {
            let rest = input.get(at..).unwrap_or_default();
            let Some(line) = self.options.separator.next(rest, end_of_input) else {
                break;
            };
            self.line(rest.get(..line.len).unwrap_or_default())?;
            at += line.consumed;
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
