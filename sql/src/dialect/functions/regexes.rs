//! Functions of regular expressions: `RLIKE`, `regexp_replace`, `regexp_extract`, `split`, `str_to_map` and their like.
//!
//! Patterns are Java's as far as both engines have them: `\d`, `\w` and `\s` are ASCII; a pattern that this engine cannot
//! compile (look-around, back references) is an error.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBuilder, Int32Builder, StringBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use regex::Regex;

use super::super::SqlSettings;
use super::super::statements::map;
use super::maps;
use super::rows::{Parameter, Rows, check_castable, check_count};
use super::strings::string_list;
use crate::SqlError;

/// A function of a regular expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RegexKind {
    /// `s RLIKE p`
    Matches,
    /// `regexp_replace(s, p, to[, from])`
    Replace,
    /// `regexp_extract(s, p[, group])`
    Extract,
    /// `split(s, p[, limit])`
    Split,
    /// `regexp_count(s, p)`
    Count,
    /// `regexp_instr(s, p)`
    Instr,
    /// `regexp_substr(s, p)`
    Substr,
    /// `regexp_extract_all(s, p[, group])`
    ExtractAll,
    /// `str_to_map(s[, between pairs[, between key and value]])`
    ToMap,
}

/// The function under this name.
pub(crate) fn function(name: &'static str, kind: RegexKind, settings: &SqlSettings) -> ScalarUDF {
    ScalarUDF::new_from_impl(RegexFunction {
        name,
        kind,
        ansi: settings.ansi,
        zone: settings.time_zone.clone(),
        signature: Signature::variadic_any(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RegexFunction {
    name: &'static str,
    kind: RegexKind,
    ansi: bool,
    zone: String,
    signature: Signature,
}

impl RegexFunction {
    fn settings(&self) -> SqlSettings {
        SqlSettings {
            ansi: self.ansi,
            time_zone: self.zone.clone(),
            ..SqlSettings::default()
        }
    }

    fn parameter(&self, at: usize) -> Parameter {
        match (self.kind, at) {
            (RegexKind::Extract | RegexKind::ExtractAll | RegexKind::Split | RegexKind::Instr, 2) => {
                Parameter::Int
            }
            (RegexKind::Replace, 3) => Parameter::Int,
            _ => Parameter::Text,
        }
    }
}

impl ScalarUDFImpl for RegexFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        let counts = match self.kind {
            RegexKind::Matches | RegexKind::Count | RegexKind::Substr => 2..=2,
            RegexKind::Replace => 3..=4,
            RegexKind::ToMap => 1..=3,
            _ => 2..=3,
        };
        check_count(self.name, types.len(), counts)?;
        let to = |at| self.parameter(at).data_type().unwrap_or(DataType::Null);
        check_castable(types, to, &self.settings())?;
        Ok(match self.kind {
            RegexKind::Matches => DataType::Boolean,
            RegexKind::Replace | RegexKind::Extract | RegexKind::Substr => DataType::Utf8,
            RegexKind::Count | RegexKind::Instr => DataType::Int32,
            RegexKind::ToMap => map(DataType::Utf8, DataType::Utf8),
            RegexKind::Split | RegexKind::ExtractAll => {
                DataType::List(Arc::new(Field::new("element", DataType::Utf8, true)))
            }
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let rows = Rows::new(
            &args.args,
            args.number_rows,
            |at| self.parameter(at),
            &self.settings(),
        )?;
        let mut cache = Compiled::default();
        let out: ArrayRef = match self.kind {
            RegexKind::Matches => {
                let mut out = BooleanBuilder::with_capacity(rows.count);
                for row in 0..rows.count {
                    let pair = rows.text(0, row).zip(rows.text(1, row));
                    out.append_option(match pair {
                        Some((text, pattern)) => Some(cache.get(pattern)?.is_match(text)),
                        None => None,
                    });
                }
                Arc::new(out.finish())
            }
            RegexKind::Count | RegexKind::Instr => {
                let mut out = Int32Builder::with_capacity(rows.count);
                for row in 0..rows.count {
                    let known = rows.width() < 3 || rows.int(2, row).is_some();
                    out.append_option(match (rows.text(0, row), rows.text(1, row)) {
                        (Some(text), Some(pattern)) if known => Some(self.number(text, cache.get(pattern)?)),
                        _ => None,
                    });
                }
                Arc::new(out.finish())
            }
            RegexKind::ExtractAll => {
                let mut out = string_list();
                for row in 0..rows.count {
                    match extract_all(&rows, row, &mut cache)? {
                        Some(parts) => {
                            parts.iter().for_each(|part| out.values().append_value(part));
                            out.append(true);
                        }
                        None => out.append(false),
                    }
                }
                Arc::new(out.finish())
            }
            RegexKind::ToMap => to_map(&rows, &mut cache, args.return_field.data_type())?,
            RegexKind::Replace | RegexKind::Extract | RegexKind::Substr => {
                let mut out = StringBuilder::with_capacity(rows.count, rows.count * 16);
                for row in 0..rows.count {
                    out.append_option(self.string(&rows, row, &mut cache)?);
                }
                Arc::new(out.finish())
            }
            RegexKind::Split => parts(&rows, &mut cache)?,
        };
        rows.finish(out)
    }
}

impl RegexFunction {
    fn string(&self, rows: &Rows, row: usize, cache: &mut Compiled) -> Result<Option<String>, SqlError> {
        let (Some(text), Some(pattern)) = (rows.text(0, row), rows.text(1, row)) else {
            return Ok(None);
        };
        if self.kind == RegexKind::Replace {
            let from = if rows.width() > 3 {
                rows.int(3, row)
            } else {
                Some(1)
            };
            let (Some(to), Some(from)) = (rows.text(2, row), from) else {
                return Ok(None);
            };
            return replaced(text, cache.get(pattern)?, to, from).map(Some);
        }
        if self.kind == RegexKind::Substr {
            let found = cache.get(pattern)?.find(text).map(|m| m.as_str());
            return Ok(found.filter(|part| !part.is_empty()).map(str::to_owned));
        }
        let Some(group) = group(rows, row) else {
            return Ok(None);
        };
        let regex = cache.get(pattern)?;
        let at = group_index(regex, group)?;
        let found = regex.captures(text).and_then(|c| c.get(at));
        Ok(Some(found.map_or(String::new(), |m| m.as_str().to_owned())))
    }

    /// How often the pattern is found, or where first.
    fn number(&self, text: &str, regex: &Regex) -> i32 {
        let number = match self.kind {
            RegexKind::Count => regex.find_iter(text).count(),
            _ => regex.find(text).map_or(0, |found| {
                text.get(..found.start())
                    .map_or(0, |before| before.chars().count() + 1)
            }),
        };
        i32::try_from(number).unwrap_or(i32::MAX)
    }
}

/// The text with what is found from this place on replaced; the pattern sees nothing before it.
fn replaced(text: &str, regex: &Regex, to: &str, from: i32) -> Result<String, SqlError> {
    let before = usize::try_from(from).ok().and_then(|from| from.checked_sub(1));
    let before = before.ok_or_else(|| {
        SqlError::new(
            "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
            format!("The position of regexp_replace must be between 1 and 2147483647, not {from}."),
        )
    })?;
    let to = replacement(to);
    if before == 0 {
        return Ok(regex.replace_all(text, to.as_str()).into_owned());
    }
    let Some((at, _)) = text.char_indices().nth(before) else {
        return Ok(text.to_owned());
    };
    let (kept, rest) = text.split_at(at);
    Ok(format!("{kept}{}", regex.replace_all(rest, to.as_str())))
}

/// `split`, row by row.
fn parts(rows: &Rows, cache: &mut Compiled) -> Result<ArrayRef, SqlError> {
    let mut out = string_list();
    for row in 0..rows.count {
        let limit = if rows.width() > 2 {
            rows.int(2, row)
        } else {
            Some(-1)
        };
        match (rows.text(0, row), rows.text(1, row), limit) {
            (Some(text), Some(pattern), Some(limit)) => {
                for part in split(text, cache.get(pattern)?, limit)? {
                    out.values().append_value(part);
                }
                out.append(true);
            }
            _ => out.append(false),
        }
    }
    Ok(Arc::new(out.finish()))
}

/// The group that a call asks for.
fn group(rows: &Rows, row: usize) -> Option<i32> {
    if rows.width() > 2 {
        rows.int(2, row)
    } else {
        Some(1)
    }
}

/// The group's number where the pattern has it.
fn group_index(regex: &Regex, group: i32) -> Result<usize, SqlError> {
    let at = usize::try_from(group).ok().filter(|g| *g < regex.captures_len());
    at.ok_or_else(|| {
        SqlError::new(
            "INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX",
            format!(
                "Expects group index between 0 and {}, but got {group}.",
                regex.captures_len().saturating_sub(1)
            ),
        )
    })
}

fn extract_all(rows: &Rows, row: usize, cache: &mut Compiled) -> Result<Option<Vec<String>>, SqlError> {
    let (Some(text), Some(pattern), Some(group)) = (rows.text(0, row), rows.text(1, row), group(rows, row))
    else {
        return Ok(None);
    };
    let regex = cache.get(pattern)?;
    let at = group_index(regex, group)?;
    let part = |c: regex::Captures<'_>| c.get(at).map_or(String::new(), |m| m.as_str().to_owned());
    Ok(Some(regex.captures_iter(text).map(part).collect()))
}

/// `str_to_map`: a pair without a value has NULL.
fn to_map(rows: &Rows, cache: &mut Compiled, result: &DataType) -> DataFusionResult<ArrayRef> {
    let (mut keys, mut values) = (string_list(), string_list());
    let mut inner = Compiled::default();
    for row in 0..rows.count {
        let delimiter = |at: usize, default: &'static str| {
            if rows.width() > at {
                rows.text(at, row)
            } else {
                Some(default)
            }
        };
        let known = (rows.text(0, row), delimiter(1, ","), delimiter(2, ":"));
        let (Some(text), Some(between), Some(inside)) = known else {
            keys.append(false);
            values.append(false);
            continue;
        };
        for pair in split(text, cache.get(between)?, -1)? {
            let mut parts = split(pair, inner.get(inside)?, 2)?.into_iter();
            keys.values().append_value(parts.next().unwrap_or_default());
            values.values().append_option(parts.next());
        }
        keys.append(true);
        values.append(true);
    }
    let (keys, values): (ArrayRef, ArrayRef) = (Arc::new(keys.finish()), Arc::new(values.finish()));
    maps::of(&keys, &values, result)
}

/// Java's replacement text as this engine reads it: `$1` is a group whatever follows, `\x` is x.
fn replacement(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('$') => out.push_str("$$"),
                Some(other) => out.push(other),
                None => {}
            },
            '$' => match chars.next_if(char::is_ascii_digit) {
                Some(digit) => out.push_str(&format!("${{{digit}}}")),
                None => out.push('$'),
            },
            other => out.push(other),
        }
    }
    out
}

fn split<'a>(text: &'a str, regex: &Regex, limit: i32) -> Result<Vec<&'a str>, SqlError> {
    if regex.is_match("") {
        return Err(SqlError::new(
            "UNSUPPORTED_FEATURE",
            format!("split by the pattern '{regex}', which matches the empty string, is not supported yet."),
        ));
    }
    Ok(match usize::try_from(limit) {
        Ok(limit) if limit > 0 => regex.splitn(text, limit).collect(),
        _ => regex.split(text).collect(),
    })
}

/// The patterns compiled so far: nearly always one.
#[derive(Default)]
struct Compiled {
    last: Option<(String, Regex)>,
}

impl Compiled {
    fn get(&mut self, pattern: &str) -> Result<&Regex, SqlError> {
        if self.last.as_ref().is_none_or(|(text, _)| text != pattern) {
            let regex = Regex::new(&ascii_classes(pattern)).map_err(|e| {
                SqlError::new(
                    "INVALID_PARAMETER_VALUE.PATTERN",
                    format!("The pattern '{pattern}' is no regular expression, or uses what is not supported here: {e}"),
                )
            })?;
            self.last = Some((pattern.to_owned(), regex));
        }
        self.last
            .as_ref()
            .map(|(_, r)| r)
            .ok_or_else(|| SqlError::new("INVALID_PARAMETER_VALUE.PATTERN", "no pattern"))
    }
}

/// `\d`, `\w`, `\s` and their opposites as the ASCII classes that Java means.
fn ascii_classes(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('d') => out.push_str("[0-9]"),
            Some('D') => out.push_str("[^0-9]"),
            Some('w') => out.push_str("[A-Za-z0-9_]"),
            Some('W') => out.push_str("[^A-Za-z0-9_]"),
            Some('s') => out.push_str(r"[ \t\n\x0B\f\r]"),
            Some('S') => out.push_str(r"[^ \t\n\x0B\f\r]"),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_in_a_replacement_ends_after_its_digit() {
        let regex = Regex::new("(a)").unwrap();
        assert_eq!(regex.replace_all("a", replacement("$1x\\$").as_str()), "ax$");
    }
}
