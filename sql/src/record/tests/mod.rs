//! Tables of records and what Spark 4.3 makes of them, and properties of all decoders and encoders.

mod csv_read;
mod infer;
mod json_read;
mod properties;
mod temporal;
mod write;

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use super::*;

/// Option values by name.
pub(super) type Options<'a> = &'a [(&'a str, &'a str)];

pub(super) fn getter(options: Options<'_>) -> impl Fn(&str) -> Option<String> {
    let owned: Vec<(String, String)> = options
        .iter()
        .map(|(k, v)| (k.to_ascii_lowercase(), (*v).to_owned()))
        .collect();
    move |name: &str| {
        owned
            .iter()
            .find(|(k, _)| *k == name.to_ascii_lowercase())
            .map(|(_, v)| v.clone())
    }
}

/// A schema from `name type` pairs; `bad` is the corrupt-record column of most tests.
pub(super) fn schema(fields: &[(&str, DataType)]) -> SchemaRef {
    Arc::new(Schema::new(
        fields
            .iter()
            .map(|(name, t)| Field::new(*name, t.clone(), true))
            .collect::<Vec<_>>(),
    ))
}

pub(super) fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

pub(super) fn timestamp_ntz() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

pub(super) fn list(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("element", element, true)))
}

pub(super) fn map(value: DataType) -> DataType {
    let entries = Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", value, true),
    ]);
    DataType::Map(
        Arc::new(Field::new("entries", DataType::Struct(entries), false)),
        false,
    )
}

pub(super) fn structure(fields: &[(&str, DataType)]) -> DataType {
    DataType::Struct(schema(fields).fields().clone())
}

/// Feeds `input` in pieces of `step` bytes.
pub(super) fn decode_in_steps(
    decoder: &mut dyn RecordDecoder,
    input: &[u8],
    step: usize,
) -> Result<Vec<RecordBatch>, RecordError> {
    let mut batches = Vec::new();
    let mut buffer: Vec<u8> = Vec::new();
    let mut fed = 0;
    loop {
        let next = input.len().min(fed + step);
        buffer.extend_from_slice(&input[fed..next]);
        fed = next;
        let end = fed == input.len();
        loop {
            let used = decoder.decode(&buffer, end)?;
            buffer.drain(..used);
            let full = decoder.is_full();
            while decoder.is_full() {
                batches.extend(decoder.flush()?);
            }
            if !full {
                break;
            }
        }
        if end {
            break;
        }
    }
    assert!(buffer.is_empty(), "bytes left: {buffer:?}");
    while let Some(batch) = decoder.flush()? {
        batches.push(batch);
    }
    Ok(batches)
}

pub(super) fn decode(decoder: &mut dyn RecordDecoder, input: &[u8]) -> Result<Vec<RecordBatch>, RecordError> {
    decode_in_steps(decoder, input, input.len().max(1))
}

pub(super) fn json_decoder(schema: &SchemaRef, options: Options<'_>) -> JsonDecoder {
    let mut all = vec![("columnNameOfCorruptRecord", "bad")];
    all.extend_from_slice(options);
    let options = JsonReadOptions::from_options(&getter(&all), "UTC").unwrap();
    JsonDecoder::new(schema.clone(), options).unwrap()
}

pub(super) fn csv_decoder(schema: &SchemaRef, options: Options<'_>) -> CsvDecoder {
    let mut all = vec![("columnNameOfCorruptRecord", "bad")];
    all.extend_from_slice(options);
    let options = CsvReadOptions::from_options(&getter(&all), "UTC").unwrap();
    CsvDecoder::new(schema.clone(), options).unwrap()
}

/// The rows as JSON without their column `bad`, and that column.
pub(super) fn rows(batches: &[RecordBatch]) -> Vec<(String, Option<String>)> {
    let mut rows = Vec::new();
    for batch in batches {
        let position = batch.schema().index_of("bad").ok();
        let bad = position.map(|i| batch.column(i).clone());
        let keep: Vec<usize> = (0..batch.num_columns())
            .filter(|i| Some(*i) != position)
            .collect();
        let plain = batch.project(&keep).unwrap();
        let options = JsonWriteOptions::from_options(&getter(&[]), "UTC").unwrap();
        let mut out = Vec::new();
        JsonEncoder::new(&plain.schema(), options)
            .unwrap()
            .encode(&plain, &mut out)
            .unwrap();
        for (i, line) in String::from_utf8(out).unwrap().lines().enumerate() {
            let bad = bad
                .as_ref()
                .filter(|b| b.is_valid(i))
                .map(|b| b.as_string::<i32>().value(i).to_owned());
            rows.push((line.to_owned(), bad));
        }
    }
    rows
}

/// Checks one line after the other: expected rows, joined by a blank, with `!` in front if the line is bad.
pub(super) fn check_lines(mut make: impl FnMut() -> Box<dyn RecordDecoder>, table: &[(&[u8], &str)]) {
    for (line, expected) in table {
        let (is_bad, expected) = match expected.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, *expected),
        };
        let found = rows(&decode(make().as_mut(), line).unwrap());
        let shown = String::from_utf8_lossy(line);
        let texts: Vec<&str> = found.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(texts.join(" "), expected, "{shown}");
        for (_, bad) in &found {
            assert_eq!(bad.as_deref(), is_bad.then_some(&*shown), "{shown}");
        }
    }
}
