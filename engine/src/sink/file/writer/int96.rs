//! TIMESTAMP columns as INT96, which the Arrow writer of the `parquet` crate cannot encode.
//!
//! The values of a row group are kept with their definition and repetition levels and written by the crate's typed
//! column writer when the row group is complete.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, TimestampMicrosecondType};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::Int96;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::writer::SerializedColumnWriter;

const JULIAN_DAY_OF_EPOCH: i64 = 2_440_588;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// One INT96 leaf column of the row group in progress.
#[derive(Debug)]
pub(crate) struct Int96Column {
    /// Which top-level column, and which child at each struct or map below it.
    root: usize,
    path: Vec<usize>,
    nested: bool,
    values: Vec<Int96>,
    definition: Vec<i16>,
    repetition: Vec<i16>,
}

/// For every leaf of the schema in order: its INT96 column, if it is one.
pub(crate) fn int96_leaves<'a>(fields: impl IntoIterator<Item = &'a Field>) -> Vec<Option<Int96Column>> {
    let mut out = Vec::new();
    for (root, field) in fields.into_iter().enumerate() {
        visit_leaves(field.data_type(), root, false, &mut Vec::new(), &mut out);
    }
    out
}

fn visit_leaves(
    data_type: &DataType,
    root: usize,
    nested: bool,
    path: &mut Vec<usize>,
    out: &mut Vec<Option<Int96Column>>,
) {
    match data_type {
        DataType::List(item) | DataType::LargeList(item) => {
            visit_leaves(item.data_type(), root, true, path, out)
        }
        DataType::Map(entries, _) => visit_leaves(entries.data_type(), root, true, path, out),
        DataType::Struct(fields) => {
            for (child, field) in fields.iter().enumerate() {
                path.push(child);
                visit_leaves(field.data_type(), root, true, path, out);
                path.pop();
            }
        }
        DataType::Timestamp(_, Some(_)) => out.push(Some(Int96Column {
            root,
            path: path.clone(),
            nested,
            values: Vec::new(),
            definition: Vec::new(),
            repetition: Vec::new(),
        })),
        _ => out.push(None),
    }
}

impl Int96Column {
    /// Adds the rows of a batch; `columns` are its top-level columns.
    pub(crate) fn append(&mut self, columns: &[ArrayRef]) -> ParquetResult<()> {
        let array = columns
            .get(self.root)
            .ok_or_else(|| ParquetError::General("a column is missing".to_owned()))?;
        if self.nested {
            let path = std::mem::take(&mut self.path);
            for row in 0..array.len() {
                self.append_nested(array, row, &path, Level::default())?;
            }
            self.path = path;
            return Ok(());
        }
        let stamps = array.as_primitive::<TimestampMicrosecondType>();
        self.values.reserve(stamps.len() - stamps.null_count());
        if stamps.null_count() == 0 {
            self.definition.resize(self.definition.len() + stamps.len(), 1);
            self.values
                .extend(stamps.values().iter().map(|micros| int96(*micros)));
        } else {
            self.definition
                .extend((0..stamps.len()).map(|row| i16::from(stamps.is_valid(row))));
            self.values.extend(stamps.iter().flatten().map(int96));
        }
        Ok(())
    }

    fn append_nested(
        &mut self,
        array: &ArrayRef,
        row: usize,
        path: &[usize],
        at: Level,
    ) -> ParquetResult<()> {
        if array.is_null(row) {
            self.push_level(at.definition, at.repetition);
            return Ok(());
        }
        let present = at.definition + i16::from(!at.required);
        let here = Level {
            definition: present,
            required: false,
            ..at
        };
        match array.data_type() {
            DataType::Timestamp(_, _) => {
                let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
                self.values.push(int96(micros));
                self.push_level(present, at.repetition);
                Ok(())
            }
            DataType::Struct(_) => {
                let (child, rest) = step(path)?;
                self.append_nested(array.as_struct().column(child), row, rest, here)
            }
            DataType::List(_) => self.append_items(&array.as_list::<i32>().value(row), path, here),
            DataType::LargeList(_) => self.append_items(&array.as_list::<i64>().value(row), path, here),
            DataType::Map(_, _) => {
                let (child, rest) = step(path)?;
                let entries = array.as_map().value(row);
                let key = Level {
                    required: child == 0,
                    ..here
                };
                self.append_items(entries.column(child), rest, key)
            }
            other => Err(ParquetError::General(format!("no timestamp inside of {other}"))),
        }
    }

    /// The items of one list; `at.required` says that they cannot be null.
    fn append_items(&mut self, items: &ArrayRef, path: &[usize], at: Level) -> ParquetResult<()> {
        if items.is_empty() {
            self.push_level(at.definition, at.repetition);
        }
        for item in 0..items.len() {
            let level = Level {
                definition: at.definition + 1,
                repetition: if item == 0 { at.repetition } else { at.depth + 1 },
                depth: at.depth + 1,
                required: at.required,
            };
            self.append_nested(items, item, path, level)?;
        }
        Ok(())
    }

    fn push_level(&mut self, definition: i16, repetition: i16) {
        self.definition.push(definition);
        self.repetition.push(repetition);
    }

    /// Writes what was added, and forgets it.
    pub(crate) fn write(&mut self, mut writer: SerializedColumnWriter<'_>) -> ParquetResult<()> {
        let ColumnWriter::Int96ColumnWriter(typed) = writer.untyped() else {
            return Err(ParquetError::General("the column is not INT96".to_owned()));
        };
        let repetition = typed.get_descriptor().max_rep_level() > 0;
        let repetition = repetition.then_some(self.repetition.as_slice());
        typed.write_batch(&self.values, Some(&self.definition), repetition)?;
        self.values.clear();
        self.definition.clear();
        self.repetition.clear();
        writer.close()
    }
}

/// Where in the nesting a value stands.
#[derive(Clone, Copy, Default)]
struct Level {
    definition: i16,
    repetition: i16,
    depth: i16,
    required: bool,
}

fn step(path: &[usize]) -> ParquetResult<(usize, &[usize])> {
    path.split_first()
        .map(|(child, rest)| (*child, rest))
        .ok_or_else(|| ParquetError::General("a nested column has no path".to_owned()))
}

/// Nanoseconds of the day in the first two words, the Julian day in the third.
fn int96(micros: i64) -> Int96 {
    let day = micros.div_euclid(MICROS_PER_DAY) + JULIAN_DAY_OF_EPOCH;
    let nanos = micros.rem_euclid(MICROS_PER_DAY).unsigned_abs() * 1_000;
    let mut out = Int96::new();
    // Every i64 of microseconds is within 300,000 years, so the day fits its 32 bits.
    out.set_data((nanos & 0xffff_ffff) as u32, (nanos >> 32) as u32, day as u32);
    out
}
