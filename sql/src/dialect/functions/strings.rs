//! Functions of strings: positions count characters from 1, blanks are spaces only, patterns are regular expressions.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanBuilder, Int32Builder, ListBuilder, StringBuilder,
};
use arrow::compute::kernels::length::length;
use arrow::datatypes::{DataType, Field};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::SqlSettings;
use super::rows::{Parameter, Rows, check_castable, check_count};
use super::{array_build, array_shape};

/// A function of strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum StringKind {
    /// `upper(s)`
    Upper,
    /// `lower(s)`
    Lower,
    /// `trim(s)`, `TRIM(BOTH x FROM s)`
    Trim,
    /// `ltrim(s)`
    LeftTrim,
    /// `rtrim(s)`
    RightTrim,
    /// `length(s)`
    Length,
    /// `concat(…)`
    Concat,
    /// `concat_ws(separator, …)`
    ConcatWs,
    /// `substring(s, from[, length])`
    Substring,
    /// `left(s, n)`
    Left,
    /// `right(s, n)`
    Right,
    /// `lpad(s, n[, pad])`
    LeftPad,
    /// `rpad(s, n[, pad])`
    RightPad,
    /// `replace(s, from[, to])`
    Replace,
    /// `instr(s, part)`
    Instr,
    /// `locate(part, s[, from])`
    Locate,
    /// `reverse(s)`
    Reverse,
    /// `repeat(s, n)`
    Repeat,
    /// `contains(s, part)`
    Contains,
    /// `startswith(s, part)`
    StartsWith,
    /// `endswith(s, part)`
    EndsWith,
    /// `split_part(s, separator, n)`
    SplitPlain,
}

/// The call of `concat`.
pub(crate) fn concat(args: Vec<Expr>, settings: &SqlSettings) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(
        Arc::new(function("concat", StringKind::Concat, settings)),
        args,
    ))
}

/// The function under this name.
pub(crate) fn function(name: &'static str, kind: StringKind, settings: &SqlSettings) -> ScalarUDF {
    ScalarUDF::new_from_impl(StringFunction {
        name,
        kind,
        ansi: settings.ansi,
        zone: settings.time_zone.clone(),
        signature: Signature::one_of(
            vec![
                datafusion::logical_expr::TypeSignature::Nullary,
                datafusion::logical_expr::TypeSignature::VariadicAny,
            ],
            Volatility::Immutable,
        ),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct StringFunction {
    name: &'static str,
    kind: StringKind,
    ansi: bool,
    zone: String,
    signature: Signature,
}

impl StringFunction {
    fn settings(&self) -> SqlSettings {
        SqlSettings {
            ansi: self.ansi,
            time_zone: self.zone.clone(),
            ..SqlSettings::default()
        }
    }

    fn parameter(&self, at: usize) -> Parameter {
        use StringKind as K;
        match (self.kind, at) {
            (K::Substring, 1 | 2)
            | (K::Left | K::Right | K::LeftPad | K::RightPad | K::Repeat, 1)
            | (K::Locate | K::SplitPlain, 2) => Parameter::Int,
            _ => Parameter::Text,
        }
    }

    fn counts(&self) -> std::ops::RangeInclusive<usize> {
        use StringKind as K;
        match self.kind {
            K::Upper | K::Lower | K::Length | K::Reverse => 1..=1,
            K::Trim | K::LeftTrim | K::RightTrim => 1..=2,
            K::Concat => 0..=usize::MAX,
            K::ConcatWs => 1..=usize::MAX,
            K::Substring | K::LeftPad | K::RightPad | K::Replace | K::Locate => 2..=3,
            K::Left | K::Right | K::Instr | K::Repeat | K::Contains | K::StartsWith | K::EndsWith => 2..=2,
            K::SplitPlain => 3..=3,
        }
    }
}

impl ScalarUDFImpl for StringFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        use StringKind as K;
        check_count(self.name, types.len(), self.counts())?;
        if self.kind == K::Concat && types.iter().any(|t| matches!(t, DataType::List(_))) {
            return Ok(array_shape::concat_type(types)?);
        }
        if self.kind == K::Concat && !types.is_empty() && types.iter().all(|t| *t == DataType::Binary) {
            return Ok(DataType::Binary);
        }
        if let (K::Reverse, [list @ DataType::List(_)]) = (self.kind, types) {
            return Ok(list.clone());
        }
        let to = |at| self.parameter(at).data_type().unwrap_or(DataType::Null);
        check_castable(types, to, &self.settings())?;
        Ok(match self.kind {
            K::Length | K::Instr | K::Locate => DataType::Int32,
            K::Contains | K::StartsWith | K::EndsWith => DataType::Boolean,
            _ => DataType::Utf8,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        use StringKind as K;
        if *args.return_field.data_type() == DataType::Binary {
            return concat_bytes(&args);
        }
        if matches!(args.return_field.data_type(), DataType::List(_)) {
            let columns: Vec<ArrayRef> = args
                .args
                .iter()
                .map(|a| a.clone().into_array(args.number_rows))
                .collect::<DataFusionResult<_>>()?;
            let out = match (self.kind, columns.as_slice()) {
                (K::Reverse, [list]) => array_build::reverse(list)?,
                _ => array_shape::concat(&columns, args.return_field.data_type())?,
            };
            return Ok(ColumnarValue::Array(out));
        }
        if let (K::Length, [bytes]) = (self.kind, args.args.as_slice())
            && bytes.data_type() == DataType::Binary
        {
            let bytes = bytes.clone().into_array(args.number_rows)?;
            return Ok(ColumnarValue::Array(length(&bytes)?));
        }
        let rows = Rows::new(
            &args.args,
            args.number_rows,
            |at| self.parameter(at),
            &self.settings(),
        )?;
        let out: ArrayRef = match self.kind {
            K::Length | K::Instr | K::Locate => {
                let mut out = Int32Builder::with_capacity(rows.count);
                (0..rows.count).for_each(|row| out.append_option(number(self.kind, &rows, row)));
                Arc::new(out.finish())
            }
            K::Contains | K::StartsWith | K::EndsWith => {
                let mut out = BooleanBuilder::with_capacity(rows.count);
                (0..rows.count).for_each(|row| out.append_option(test(self.kind, &rows, row)));
                Arc::new(out.finish())
            }
            _ => {
                let mut out = StringBuilder::with_capacity(rows.count, rows.count * 16);
                (0..rows.count).for_each(|row| out.append_option(string(self.kind, &rows, row)));
                Arc::new(out.finish())
            }
        };
        rows.finish(out)
    }
}

fn concat_bytes(args: &ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
    let columns: Vec<ArrayRef> = args
        .args
        .iter()
        .map(|a| a.clone().into_array(args.number_rows))
        .collect::<DataFusionResult<_>>()?;
    let columns: Vec<&BinaryArray> = columns.iter().map(|c| c.as_binary::<i32>()).collect();
    let row = |at: usize| -> Option<Vec<u8>> {
        let parts = columns.iter().map(|c| c.is_valid(at).then(|| c.value(at)));
        Some(parts.collect::<Option<Vec<&[u8]>>>()?.concat())
    };
    let out: BinaryArray = (0..args.number_rows).map(row).collect();
    Ok(ColumnarValue::Array(Arc::new(out)))
}

fn count(text: &str) -> i32 {
    i32::try_from(text.chars().count()).unwrap_or(i32::MAX)
}

fn number(kind: StringKind, rows: &Rows, row: usize) -> Option<i32> {
    let find = |text: &str, part: &str, from: i32| -> i32 {
        if from < 1 {
            return 0;
        }
        let skip = usize::try_from(from - 1).unwrap_or(0);
        let Some(start) = text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .nth(skip)
        else {
            return 0;
        };
        let (before, rest) = text.split_at(start);
        rest.find(part).map_or(0, |at| {
            count(before) + count(rest.get(..at).unwrap_or_default()) + 1
        })
    };
    Some(match kind {
        StringKind::Length => count(rows.text(0, row)?),
        StringKind::Instr => find(rows.text(0, row)?, rows.text(1, row)?, 1),
        _ => {
            let from = if rows.width() > 2 { rows.int(2, row)? } else { 1 };
            find(rows.text(1, row)?, rows.text(0, row)?, from)
        }
    })
}

fn test(kind: StringKind, rows: &Rows, row: usize) -> Option<bool> {
    let (text, part) = (rows.text(0, row)?, rows.text(1, row)?);
    Some(match kind {
        StringKind::StartsWith => text.starts_with(part),
        StringKind::EndsWith => text.ends_with(part),
        _ => text.contains(part),
    })
}

fn string(kind: StringKind, rows: &Rows, row: usize) -> Option<String> {
    use StringKind as K;
    Some(match kind {
        K::Upper => rows.text(0, row)?.to_uppercase(),
        K::Lower => rows.text(0, row)?.to_lowercase(),
        K::Concat => (0..rows.width())
            .map(|c| rows.text(c, row))
            .collect::<Option<String>>()?,
        K::ConcatWs => {
            let separator = rows.text(0, row)?;
            let parts: Vec<&str> = (1..rows.width()).filter_map(|c| rows.text(c, row)).collect();
            parts.join(separator)
        }
        K::Reverse => rows.text(0, row)?.chars().rev().collect(),
        K::Repeat => rows
            .text(0, row)?
            .repeat(usize::try_from(rows.int(1, row)?).unwrap_or(0)),
        K::Trim | K::LeftTrim | K::RightTrim => trimmed(kind, rows, row)?,
        K::Substring | K::Left | K::Right => part(kind, rows, row)?,
        _ => filled_or_replaced(kind, rows, row)?,
    })
}

fn trimmed(kind: StringKind, rows: &Rows, row: usize) -> Option<String> {
    let text = rows.text(0, row)?;
    let chars = if rows.width() > 1 { rows.text(1, row)? } else { " " };
    let matches = |c: char| chars.contains(c);
    let kept = match kind {
        StringKind::Trim => text.trim_matches(matches),
        StringKind::LeftTrim => text.trim_start_matches(matches),
        _ => text.trim_end_matches(matches),
    };
    Some(kept.to_owned())
}

fn part(kind: StringKind, rows: &Rows, row: usize) -> Option<String> {
    let (text, number) = (rows.text(0, row)?, rows.int(1, row)?);
    Some(match kind {
        StringKind::Left => substring(text, 1, number),
        StringKind::Right if number <= 0 => String::new(),
        StringKind::Right => substring(text, -number, i32::MAX),
        _ if rows.width() > 2 => substring(text, number, rows.int(2, row)?),
        _ => substring(text, number, i32::MAX),
    })
}

fn filled_or_replaced(kind: StringKind, rows: &Rows, row: usize) -> Option<String> {
    use StringKind as K;
    let third = |default: &'static str| -> Option<String> {
        if rows.width() > 2 {
            rows.text(2, row).map(str::to_owned)
        } else {
            Some(default.to_owned())
        }
    };
    Some(match kind {
        K::LeftPad | K::RightPad => {
            let pad = third(" ")?;
            let (text, length) = (
                rows.text(0, row)?,
                usize::try_from(rows.int(1, row)?).unwrap_or(0),
            );
            let missing = length.saturating_sub(text.chars().count());
            let fill: String = pad
                .chars()
                .cycle()
                .take(if pad.is_empty() { 0 } else { missing })
                .collect();
            if missing == 0 {
                text.chars().take(length).collect()
            } else if kind == K::LeftPad {
                fill + text
            } else {
                text.to_owned() + &fill
            }
        }
        K::Replace => {
            let to = third("")?;
            let (text, from) = (rows.text(0, row)?, rows.text(1, row)?);
            if from.is_empty() {
                text.to_owned()
            } else {
                text.replace(from, &to)
            }
        }
        K::SplitPlain => {
            let (text, separator, n) = (rows.text(0, row)?, rows.text(1, row)?, rows.int(2, row)?);
            let parts: Vec<&str> = if separator.is_empty() {
                vec![text]
            } else {
                text.split(separator).collect()
            };
            let at = if n > 0 {
                usize::try_from(n).ok()?.checked_sub(1)
            } else {
                parts.len().checked_sub(usize::try_from(n.unsigned_abs()).ok()?)
            };
            at.and_then(|at| parts.get(at))
                .copied()
                .unwrap_or_default()
                .to_owned()
        }
        _ => return None,
    })
}

/// Spark's substring: from 1, 0 counts as 1, a negative start counts from the end.
pub(super) fn substring(text: &str, from: i32, length: i32) -> String {
    let size = i64::from(count(text));
    let from = i64::from(from);
    let start = match from {
        0 => 0,
        f if f > 0 => f - 1,
        f => size + f,
    };
    let end = if length == i32::MAX {
        size
    } else {
        (start + i64::from(length)).min(size)
    };
    let (start, end) = (start.max(0), end.max(0));
    let skip = usize::try_from(start).unwrap_or(0);
    let take = usize::try_from(end - start).unwrap_or(0);
    text.chars().skip(skip).take(take).collect()
}

/// A list of strings in Spark's layout.
pub(super) fn string_list() -> ListBuilder<StringBuilder> {
    ListBuilder::new(StringBuilder::new()).with_field(Field::new("element", DataType::Utf8, true))
}
