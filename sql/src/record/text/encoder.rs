//! Batches to lines of text.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};

use super::line_sep;
use crate::record::option::{OptionReader, RecordOption, by_caller, implemented};
use crate::record::text_value::{Values, string_at};
use crate::record::{RecordEncoder, RecordError};

/// Every option Spark 4.3 has for writing text.
pub const TEXT_WRITE_OPTIONS: &[RecordOption] = &[
    implemented("encoding"),
    implemented("lineSep"),
    by_caller("compression"),
];

/// How text is written: always in UTF-8, as in Spark; `encoding` is that of `lineSep`.
#[derive(Clone, Debug)]
pub struct TextWriteOptions {
    line_sep: Vec<u8>,
}

impl TextWriteOptions {
    /// The options that `get` gives values for; `get` should not care about case.
    ///
    /// # Errors
    /// [`RecordError::InvalidOption`] or [`RecordError::NotImplementedOption`], naming the option.
    pub fn from_options(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, RecordError> {
        let options = OptionReader::new(get, TEXT_WRITE_OPTIONS)?;
        Ok(Self {
            line_sep: line_sep(&options)?.unwrap_or_else(|| b"\n".to_vec()),
        })
    }
}

/// Writes the one STRING column of a batch, a line a row; a null is an empty line.
pub struct TextEncoder {
    options: TextWriteOptions,
}

impl TextEncoder {
    /// An encoder for batches of `schema`.
    ///
    /// # Errors
    /// If the schema is not one STRING column.
    pub fn new(schema: &SchemaRef, options: TextWriteOptions) -> Result<Self, RecordError> {
        let is_text = |t: &DataType| matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        match schema.fields().as_ref() {
            [only] if is_text(only.data_type()) => Ok(Self { options }),
            [only] => Err(RecordError::UnsupportedType {
                format: "Text",
                column: only.name().clone(),
                data_type: only.data_type().to_string(),
            }),
            fields => Err(RecordError::TextColumns {
                columns: fields.len(),
            }),
        }
    }
}

impl RecordEncoder for TextEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let Some(column) = batch.columns().first() else {
            return Err(RecordError::TextColumns { columns: 0 });
        };
        let Some(Values::String(strings)) = Values::new(column) else {
            return Err(RecordError::TextColumns {
                columns: batch.num_columns(),
            });
        };
        for row in 0..batch.num_rows() {
            if !strings.is_null(row) {
                out.extend_from_slice(string_at(strings, row).as_bytes());
            }
            out.extend_from_slice(&self.options.line_sep);
        }
        Ok(())
    }
}
