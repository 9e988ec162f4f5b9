//! Gathers the rows of a decoder into batches of the projected schema.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Schema, SchemaRef};

use super::column::Column;
use super::{ParseMode, RecordError};

/// A batch is also full when its records took this many bytes.
const FULL_BYTES: usize = 128 << 20;

/// Where a column of the output comes from.
#[derive(Clone, Copy, Debug)]
enum Origin {
    /// The parsed column of this index.
    Parsed(usize),
    CorruptRecord,
}

/// What a decoder is asked for.
pub(crate) struct Request<'a> {
    /// The format's name in errors.
    pub(crate) format: &'static str,
    pub(crate) schema: &'a SchemaRef,
    /// Indexes into the schema, in the order wanted; none means all.
    pub(crate) projection: Option<&'a [usize]>,
    /// The name of the corrupt-record column, for formats that know one.
    pub(crate) corrupt_record: Option<&'a str>,
    pub(crate) mode: ParseMode,
    /// Whether the format can hold this type.
    pub(crate) supports: fn(&DataType) -> bool,
}

/// The columns being filled.
pub(crate) struct Assembler {
    /// The columns that are parsed.
    pub(crate) columns: Vec<Column>,
    /// For each of `columns`, its position among the schema's fields without the corrupt-record column.
    pub(crate) positions: Vec<usize>,
    /// The number of the schema's fields without the corrupt-record column.
    pub(crate) width: usize,
    corrupt_record: Option<Column>,
    origins: Vec<Origin>,
    schema: SchemaRef,
    mode: ParseMode,
    rows: usize,
    bytes: usize,
    batch_rows: usize,
    ready: VecDeque<RecordBatch>,
}

impl Assembler {
    /// # Errors
    /// If a type is not supported, or the corrupt-record column is not a nullable STRING.
    pub(crate) fn new(request: &Request<'_>, batch_rows: usize) -> Result<Self, RecordError> {
        let fields = request.schema.fields();
        let all: Vec<usize> = (0..fields.len()).collect();
        let wanted = request.projection.unwrap_or(&all);
        let corrupt = request
            .corrupt_record
            .and_then(|name| fields.iter().position(|f| f.name() == name));
        let parse_all = corrupt.is_some_and(|c| wanted == [c]);
        let mut this = Self {
            columns: Vec::new(),
            positions: Vec::new(),
            width: fields.len() - usize::from(corrupt.is_some()),
            corrupt_record: None,
            origins: Vec::new(),
            schema: Arc::new(request.schema.project(wanted)?),
            mode: request.mode,
            rows: 0,
            bytes: 0,
            batch_rows: batch_rows.max(1),
            ready: VecDeque::new(),
        };
        let mut parsed = vec![None; fields.len()];
        for (i, field) in fields.iter().enumerate() {
            let column = (request.supports)(field.data_type())
                .then(|| Column::new(field.data_type()))
                .flatten();
            let column = column.ok_or_else(|| RecordError::UnsupportedType {
                format: request.format,
                column: field.name().clone(),
                data_type: field.data_type().to_string(),
            })?;
            if corrupt == Some(i) {
                if field.data_type() != &DataType::Utf8 || !field.is_nullable() {
                    return Err(RecordError::CorruptRecordType {
                        column: field.name().clone(),
                        data_type: field.data_type().to_string(),
                    });
                }
                if wanted.contains(&i) {
                    this.corrupt_record = Some(column);
                }
            } else if parse_all || wanted.contains(&i) {
                if let Some(slot) = parsed.get_mut(i) {
                    *slot = Some(this.columns.len());
                }
                this.positions
                    .push(i - usize::from(corrupt.is_some_and(|c| c < i)));
                this.columns.push(column);
            }
        }
        this.origins = wanted
            .iter()
            .map(|i| {
                parsed
                    .get(*i)
                    .copied()
                    .flatten()
                    .map_or(Origin::CorruptRecord, Origin::Parsed)
            })
            .collect();
        Ok(this)
    }

    /// The names of the parsed columns, given the schema the assembler was made for.
    pub(crate) fn names<'s>(&self, schema: &'s Schema, corrupt_record: &str) -> Vec<&'s str> {
        let plain: Vec<&str> = schema
            .fields()
            .iter()
            .map(|f| f.name().as_str())
            .scan(false, |seen, name| {
                let skip = !*seen && name == corrupt_record;
                *seen |= skip;
                Some((!skip).then_some(name))
            })
            .flatten()
            .collect();
        self.positions
            .iter()
            .filter_map(|p| plain.get(*p).copied())
            .collect()
    }

    pub(crate) fn batch_rows(&self) -> usize {
        self.batch_rows
    }

    pub(crate) fn set_batch_rows(&mut self, rows: usize) {
        self.batch_rows = rows.max(1);
    }

    /// The rows in the columns, all of which have this many values between records.
    pub(crate) fn open_rows(&self) -> usize {
        self.rows
    }

    /// Rows not yet flushed.
    pub(crate) fn rows(&self) -> usize {
        self.rows + self.ready.iter().map(RecordBatch::num_rows).sum::<usize>()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows >= self.batch_rows || self.bytes >= FULL_BYTES || !self.ready.is_empty()
    }

    /// Takes back every value of the parsed columns beyond the finished rows.
    pub(crate) fn rollback(&mut self) {
        let rows = self.rows;
        self.columns.iter_mut().for_each(|c| c.truncate(rows));
    }

    /// Finishes `rows` rows that one record gave, all of whose parsed columns are filled.
    ///
    /// A bad record is kept, left out or made an error, as the mode says.
    pub(crate) fn end_record(&mut self, rows: usize, bad: bool, record: &[u8]) -> Result<(), RecordError> {
        if bad {
            match self.mode {
                ParseMode::Permissive => {}
                ParseMode::DropMalformed => {
                    self.rollback();
                    return Ok(());
                }
                ParseMode::FailFast => return Err(RecordError::malformed(record)),
            }
        }
        if let Some(column) = &mut self.corrupt_record {
            let text = if bad {
                Some(String::from_utf8_lossy(record))
            } else {
                None
            };
            for _ in 0..rows {
                match &text {
                    Some(text) => column.append_bytes(text.as_bytes()),
                    None => column.append_null(),
                }
            }
        }
        self.rows += rows;
        self.bytes += record.len();
        Ok(())
    }

    /// Finishes one row of nulls for a record that could not be read at all.
    pub(crate) fn end_unreadable(&mut self, record: &[u8]) -> Result<(), RecordError> {
        self.rollback();
        if self.mode == ParseMode::Permissive {
            self.columns.iter_mut().for_each(Column::append_null);
        }
        self.end_record(1, true, record)
    }

    /// The next batch.
    pub(crate) fn flush(&mut self) -> Result<Option<RecordBatch>, RecordError> {
        if let Some(batch) = self.ready.pop_front() {
            return Ok(Some(batch));
        }
        if self.rows == 0 {
            return Ok(None);
        }
        let batch = self.finish()?;
        let mut offset = self.batch_rows;
        while offset < batch.num_rows() {
            let len = self.batch_rows.min(batch.num_rows() - offset);
            self.ready.push_back(batch.slice(offset, len));
            offset += len;
        }
        Ok(Some(batch.slice(0, batch.num_rows().min(self.batch_rows))))
    }

    fn finish(&mut self) -> Result<RecordBatch, RecordError> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let parsed = self
            .columns
            .iter_mut()
            .map(Column::finish)
            .collect::<Result<Vec<_>, _>>()?;
        let corrupt = self.corrupt_record.as_mut().map(Column::finish).transpose()?;
        let arrays = self
            .origins
            .iter()
            .filter_map(|origin| match origin {
                Origin::Parsed(i) => parsed.get(*i).cloned(),
                Origin::CorruptRecord => corrupt.clone(),
            })
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(
            self.schema.clone(),
            arrays,
            &options,
        )?)
    }
}
