//! JSON bytes to batches.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};

use super::convert::{Converter, Outcome};
use super::read_options::JsonReadOptions;
use super::tape::{Kind, Tape};
use crate::record::assembler::{Assembler, Request};
use crate::record::column::{Data, NameIndex};
use crate::record::{DEFAULT_BATCH_ROWS, RecordDecoder, RecordError};

/// Decodes JSON objects: one a line, or one value a file with `multiLine`.
///
/// An array at the top gives a row for each of its objects. What follows the first value of a line (or
/// file) is not looked at, as in Spark. A record that is not JSON or not UTF-8 gives one row of nulls.
pub struct JsonDecoder {
    schema: SchemaRef,
    options: JsonReadOptions,
    rows: Assembler,
    names: NameIndex,
    tape: Tape,
    rewrites: bool,
    scratch: Vec<u8>,
}

impl JsonDecoder {
    /// A decoder of all columns of `schema`.
    ///
    /// # Errors
    /// If a column's type has no JSON form, or the corrupt-record column is not a nullable STRING.
    pub fn new(schema: SchemaRef, options: JsonReadOptions) -> Result<Self, RecordError> {
        let rows = assembler(&schema, &options, None, DEFAULT_BATCH_ROWS)?;
        let names = NameIndex::new(rows.names(&schema, &options.corrupt_record).into_iter());
        Ok(Self {
            schema,
            options,
            rows,
            names,
            tape: Tape::default(),
            rewrites: false,
            scratch: Vec::new(),
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
        self.names = NameIndex::new(
            self.rows
                .names(&self.schema, &self.options.corrupt_record)
                .into_iter(),
        );
        Ok(self)
    }

    /// The same decoder with at most this many rows in a batch.
    #[must_use]
    pub fn with_batch_rows(mut self, rows: usize) -> Self {
        self.rows.set_batch_rows(rows);
        self
    }

    fn record(&mut self, text: &[u8]) -> Result<(), RecordError> {
        let read = match self.tape.read(text, &self.options.syntax) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(_) => return self.rows.end_unreadable(text),
        };
        if simdutf8::basic::from_utf8(text.get(..read).unwrap_or_default()).is_err() {
            return self.rows.end_unreadable(text);
        }
        let Some(top) = self.tape.get(0) else {
            return Ok(());
        };
        match top.kind {
            Kind::Object => {
                let outcome = self.row(text, 0, self.rows.open_rows());
                self.rows.end_record(1, outcome != Outcome::Good, text)
            }
            Kind::Array => self.array(text, top.next as usize),
            _ => self.rows.end_unreadable(text),
        }
    }

    /// The same decoder for texts of their own: an object that is read as a string is written anew, as `from_json` has it.
    #[must_use]
    pub(crate) fn of_texts(mut self) -> Self {
        self.rewrites = true;
        self
    }

    /// Reads a text of its own as one row: an object's fields. Nothing is read, and `false`, of a text without a value.
    ///
    /// # Errors
    /// [`RecordError::Malformed`] in mode FAILFAST.
    pub(crate) fn object(&mut self, text: &[u8]) -> Result<bool, RecordError> {
        match self.tape.read(text, &self.options.syntax) {
            Ok(0) => return Ok(false),
            Ok(_) if self.tape.get(0).is_some_and(|top| top.kind == Kind::Object) => {
                let outcome = self.row(text, 0, self.rows.open_rows());
                self.rows.end_record(1, outcome != Outcome::Good, text)?;
            }
            _ => self.rows.end_unreadable(text)?,
        }
        Ok(true)
    }

    /// The same for the value of the only column, an array or a map. An object is an array of one object too.
    ///
    /// # Errors
    /// As [`Self::object`].
    pub(crate) fn value(&mut self, text: &[u8]) -> Result<bool, RecordError> {
        let top = match self.tape.read(text, &self.options.syntax) {
            Ok(0) => return Ok(false),
            Ok(_) => self.tape.get(0),
            Err(_) => None,
        };
        let mut outcome = Outcome::Bad;
        if let (Some(top), Some(column)) = (top, self.rows.columns.first_mut()) {
            let mut converter = Converter {
                text,
                tape: &self.tape,
                temporal: &self.options.temporal,
                non_numeric_numbers: self.options.syntax.non_numeric_numbers,
                rewrites: self.rewrites,
                scratch: &mut self.scratch,
            };
            outcome = match &mut column.data {
                Data::List(_, element)
                    if top.kind == Kind::Object && matches!(element.data, Data::Struct(..)) =>
                {
                    let outcome = converter.append(element, 0);
                    if outcome != Outcome::Bad {
                        column.end_list();
                    }
                    outcome
                }
                _ => converter.append(column, 0),
            };
        }
        match outcome {
            Outcome::Bad => self.rows.end_unreadable(text)?,
            other => self.rows.end_record(1, other != Outcome::Good, text)?,
        }
        Ok(true)
    }

    /// Every object of an array at the top is a row; anything else in it spoils the record.
    fn array(&mut self, text: &[u8], end: usize) -> Result<(), RecordError> {
        let (mut at, mut rows, mut bad) = (1, 0, false);
        while at < end {
            let Some(element) = self.tape.get(at) else { break };
            if element.kind != Kind::Object {
                return self.rows.end_unreadable(text);
            }
            bad |= self.row(text, at, self.rows.open_rows() + rows) != Outcome::Good;
            rows += 1;
            at = element.next as usize;
        }
        self.rows.end_record(rows, bad, text)
    }

    /// Appends the object at `index` of the tape as row number `row`.
    fn row(&mut self, text: &[u8], index: usize, row: usize) -> Outcome {
        let Some(object) = self.tape.get(index) else {
            return Outcome::Bad;
        };
        let mut converter = Converter {
            text,
            tape: &self.tape,
            temporal: &self.options.temporal,
            non_numeric_numbers: self.options.syntax.non_numeric_numbers,
            rewrites: self.rewrites,
            scratch: &mut self.scratch,
        };
        let names = &self.names;
        converter.fields(&mut self.rows.columns, row, index, object, |name, hint| {
            names.find(name, hint)
        })
    }
}

fn assembler(
    schema: &SchemaRef,
    options: &JsonReadOptions,
    projection: Option<&[usize]>,
    batch_rows: usize,
) -> Result<Assembler, RecordError> {
    let request = Request {
        format: "JSON",
        schema,
        projection,
        corrupt_record: Some(&options.corrupt_record),
        mode: options.mode,
        supports: |_: &DataType| true,
    };
    Assembler::new(&request, batch_rows)
}

impl RecordDecoder for JsonDecoder {
    fn decode(&mut self, input: &[u8], end_of_input: bool) -> Result<usize, RecordError> {
        if self.options.multi_line {
            if end_of_input && !input.is_empty() && !self.is_full() {
                self.record(input)?;
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
            self.record(rest.get(..line.len).unwrap_or_default())?;
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
