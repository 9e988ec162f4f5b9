//! The schema of CSV files, as Spark infers it.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::convert::java_number;
use super::read_options::CsvReadOptions;
use super::tokenizer::{Failure, Record, Token};
use crate::record::RecordError;
use crate::record::error::excerpt;
use crate::record::line::LineSeparator;
use crate::record::value::DateTimePattern;

/// The schema of these whole files: the columns of the first record, named by the header or `_c0`, `_c1`, ...
///
/// All are nullable STRING, unless `infer_types` (option `inferSchema`): then INT, BIGINT, DECIMAL, DOUBLE,
/// DATE (`preferDate`), TIMESTAMP or BOOLEAN where every value that is not null fits.
///
/// # Errors
/// [`RecordError::Unreadable`] if a record breaks a limit of the options.
pub fn infer_csv_schema(
    files: &[&[u8]],
    options: &CsvReadOptions,
    infer_types: bool,
) -> Result<SchemaRef, RecordError> {
    let mut names: Option<Vec<String>> = None;
    let mut types: Vec<Option<DataType>> = Vec::new();
    let iso = DateTimePattern::new("yyyy-MM-dd").ok();
    let date = options
        .temporal
        .date
        .as_ref()
        .or(iso.as_ref())
        .filter(|_| options.prefer_date);
    for file in files {
        let mut header = options.header;
        for_each_record(file, options, |tokens| {
            let known = names.get_or_insert_with(|| column_names(tokens, options.header));
            types.resize(known.len(), None);
            if std::mem::take(&mut header) {
                return true;
            }
            for (slot, token) in types.iter_mut().zip(tokens) {
                let text = match token {
                    Token::Missing => continue,
                    Token::QuotedEmpty => options.empty_value.as_bytes(),
                    Token::Text(text) => text,
                };
                if text != options.null_value.as_bytes() && !text.is_empty() && infer_types {
                    *slot = Some(widen(slot.take(), text, options, date));
                }
            }
            infer_types
        })?;
    }
    let fields = names.unwrap_or_default().into_iter().zip(types);
    let fields = fields.map(|(name, t)| Field::new(name, t.unwrap_or(DataType::Utf8), true));
    Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

/// Calls `take` with the tokens of every record of a file, until it returns false.
fn for_each_record(
    file: &[u8],
    options: &CsvReadOptions,
    mut take: impl FnMut(&[Token<'_>]) -> bool,
) -> Result<(), RecordError> {
    let mut syntax = options.syntax.clone();
    let mut record = Record::default();
    let mut rest = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    if syntax.multi_line && matches!(syntax.separator, LineSeparator::Any) {
        syntax.separator = LineSeparator::detect(rest, true).unwrap_or_default();
    }
    let syntax = &syntax;
    while !rest.is_empty() {
        let (line, mut consumed) = match syntax.separator.next(rest, true) {
            Some(line) if !syntax.multi_line => (rest.get(..line.len).unwrap_or_default(), line.consumed),
            _ => (rest, 0),
        };
        let blank = !syntax.multi_line && line.iter().all(|b| *b <= b' ');
        let comment = syntax.comment.is_some() && line.first().copied() == syntax.comment;
        let skipped = blank || (comment && !syntax.multi_line);
        if !skipped {
            let (len, with_end) = match record.read(line, syntax, true) {
                Ok(lengths) => lengths,
                Err(Failure::Incomplete) => return Ok(()),
                Err(Failure::Fatal(reason)) => {
                    return Err(RecordError::Unreadable {
                        reason: reason.into(),
                        record: excerpt(line),
                    });
                }
            };
            if syntax.multi_line {
                consumed = with_end;
            }
            let tokens: Vec<Token<'_>> = (0..record.len()).map(|i| record.get(line, i)).collect();
            if len > 0 && !comment && !take(&tokens) {
                return Ok(());
            }
        }
        rest = rest.get(consumed.max(1)..).unwrap_or_default();
    }
    Ok(())
}

/// Names of the header, with the position behind those that are there twice; `_c` and the position else.
fn column_names(tokens: &[Token<'_>], header: bool) -> Vec<String> {
    let name = |token: &Token<'_>| match token {
        Token::Text(text) if header => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    };
    let names: Vec<Option<String>> = tokens.iter().map(name).collect();
    let lower = |name: &Option<String>| name.as_ref().map(|n| n.to_lowercase());
    let twice = |at: usize, name: &Option<String>| {
        names
            .iter()
            .enumerate()
            .any(|(other, n)| other != at && lower(n) == lower(name))
    };
    names
        .iter()
        .enumerate()
        .map(|(i, name)| match name {
            None => format!("_c{i}"),
            Some(text) if twice(i, name) => format!("{text}{i}"),
            Some(text) => text.clone(),
        })
        .collect()
}

/// The type of a column that so far was `known` and also holds `text`.
fn widen(
    known: Option<DataType>,
    text: &[u8],
    options: &CsvReadOptions,
    date: Option<&DateTimePattern>,
) -> DataType {
    let found = narrowest(text, options, date);
    let Some(known) = known else { return found };
    let timestamp = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    match (known, found) {
        (a, b) if a == b => a,
        (DataType::Int32, DataType::Int64) | (DataType::Int64, DataType::Int32) => DataType::Int64,
        (DataType::Decimal128(p, 0), DataType::Int32 | DataType::Int64)
        | (DataType::Int32 | DataType::Int64, DataType::Decimal128(p, 0)) => {
            DataType::Decimal128(p.max(20), 0)
        }
        (DataType::Decimal128(a, 0), DataType::Decimal128(b, 0)) => DataType::Decimal128(a.max(b), 0),
        (a, DataType::Float64) | (DataType::Float64, a) if a.is_numeric() => DataType::Float64,
        (DataType::Date32, t) | (t, DataType::Date32) if t == timestamp => timestamp,
        _ => DataType::Utf8,
    }
}

fn narrowest(text: &[u8], options: &CsvReadOptions, date: Option<&DateTimePattern>) -> DataType {
    let plain = std::str::from_utf8(text).unwrap_or("");
    if plain.parse::<i32>().is_ok() {
        return DataType::Int32;
    }
    if plain.parse::<i64>().is_ok() {
        return DataType::Int64;
    }
    let digits = plain
        .strip_prefix(['-', '+'])
        .unwrap_or(plain)
        .trim_start_matches('0');
    if !digits.is_empty() && digits.len() <= 38 && digits.bytes().all(|b| b.is_ascii_digit()) {
        return DataType::Decimal128(digits.len() as u8, 0);
    }
    let named = [&options.nan_value, &options.positive_inf, &options.negative_inf];
    let number = java_number(text).and_then(|n| std::str::from_utf8(n).ok());
    if number.is_some_and(|n| n.parse::<f64>().is_ok()) || named.iter().any(|n| n.as_str() == plain) {
        return DataType::Float64;
    }
    if date.is_some_and(|pattern| pattern.parse_date(text).is_some()) {
        return DataType::Date32;
    }
    if options.temporal.timestamp(text).is_some() {
        return DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    }
    if plain.eq_ignore_ascii_case("true") || plain.eq_ignore_ascii_case("false") {
        return DataType::Boolean;
    }
    DataType::Utf8
}
