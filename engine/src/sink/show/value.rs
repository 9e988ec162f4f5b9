//! One value as text: as Spark's `show` prints it, or as Spark casts it to a string.

use std::fmt::Write as _;

use arrow::array::timezone::Tz;
use arrow::array::{Array, ArrayRef, AsArray, MapArray, StructArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Timelike};

use crate::{Result, TidemillError};

/// Writes the values of one array.
pub(crate) struct ValueText<'a> {
    array: &'a ArrayRef,
    style: Style,
}

#[derive(Clone, Copy)]
struct Style {
    zone: Tz,
    null: &'static str,
    binary_as_hex: bool,
}

impl<'a> ValueText<'a> {
    /// As `show` prints: `NULL`, and binary as `[0A FF]`.
    pub(crate) fn pretty(array: &'a ArrayRef, time_zone: &str) -> Result<Self> {
        Self::new(array, time_zone, "NULL", true)
    }

    /// As a cast to a string: `null` inside of arrays, and binary as UTF-8.
    pub(crate) fn cast(array: &'a ArrayRef, time_zone: &str) -> Result<Self> {
        Self::new(array, time_zone, "null", false)
    }

    fn new(array: &'a ArrayRef, time_zone: &str, null: &'static str, binary_as_hex: bool) -> Result<Self> {
        let zone = time_zone.parse::<Tz>().map_err(|e| {
            TidemillError::invalid(
                "INVALID_CONF_VALUE.TIME_ZONE",
                format!(
                    "The value '{time_zone}' in the config \"spark.sql.session.timeZone\" is invalid. {e}"
                ),
            )
        })?;
        let style = Style {
            zone,
            null,
            binary_as_hex,
        };
        Ok(Self { array, style })
    }

    /// Appends the text of row `row`.
    pub(crate) fn write(&self, row: usize, out: &mut String) -> Result<()> {
        write_value(self.array, row, self.style, out)
    }
}

fn write_value(array: &ArrayRef, row: usize, style: Style, out: &mut String) -> Result<()> {
    if array.is_null(row) {
        out.push_str(style.null);
        return Ok(());
    }
    // Writing to a String cannot fail.
    let _ = match array.data_type() {
        DataType::Boolean => write!(out, "{}", array.as_boolean().value(row)),
        DataType::Int8 => write!(out, "{}", array.as_primitive::<Int8Type>().value(row)),
        DataType::Int16 => write!(out, "{}", array.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => write!(out, "{}", array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => write!(out, "{}", array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => {
            let value = array.as_primitive::<Float32Type>().value(row);
            java_float(f64::from(value), &format!("{value:e}"), out);
            Ok(())
        }
        DataType::Float64 => {
            let value = array.as_primitive::<Float64Type>().value(row);
            java_float(value, &format!("{value:e}"), out);
            Ok(())
        }
        DataType::Decimal128(_, _) => {
            write!(
                out,
                "{}",
                array.as_primitive::<Decimal128Type>().value_as_string(row)
            )
        }
        DataType::Utf8 => write!(out, "{}", array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => write!(out, "{}", array.as_string::<i64>().value(row)),
        DataType::Utf8View => write!(out, "{}", array.as_string_view().value(row)),
        DataType::Binary => {
            binary(array.as_binary::<i32>().value(row), style, out);
            Ok(())
        }
        DataType::LargeBinary => {
            binary(array.as_binary::<i64>().value(row), style, out);
            Ok(())
        }
        DataType::BinaryView => {
            binary(array.as_binary_view().value(row), style, out);
            Ok(())
        }
        DataType::Date32 => match array.as_primitive::<Date32Type>().value_as_date(row) {
            Some(date) => write!(out, "{date}"),
            None => return Err(out_of_range(array)),
        },
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            timestamp(micros, zone.is_some(), style, out).ok_or_else(|| out_of_range(array))?;
            Ok(())
        }
        DataType::List(_) => return list(&array.as_list::<i32>().value(row), style, out),
        DataType::LargeList(_) => return list(&array.as_list::<i64>().value(row), style, out),
        DataType::Struct(_) => return structure(array.as_struct(), row, style, out),
        DataType::Map(_, _) => return map(array.as_map(), row, style, out),
        _ => return other(array, row, out),
    };
    Ok(())
}

fn list(items: &ArrayRef, style: Style, out: &mut String) -> Result<()> {
    out.push('[');
    for i in 0..items.len() {
        if i > 0 {
            out.push_str(", ");
        }
        write_value(items, i, style, out)?;
    }
    out.push(']');
    Ok(())
}

fn structure(array: &StructArray, row: usize, style: Style, out: &mut String) -> Result<()> {
    out.push('{');
    for (i, column) in array.columns().iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_value(column, row, style, out)?;
    }
    out.push('}');
    Ok(())
}

fn map(array: &MapArray, row: usize, style: Style, out: &mut String) -> Result<()> {
    let entries = array.value(row);
    out.push('{');
    for i in 0..entries.len() {
        if i > 0 {
            out.push_str(", ");
        }
        write_value(entries.column(0), i, style, out)?;
        out.push_str(" -> ");
        write_value(entries.column(1), i, style, out)?;
    }
    out.push('}');
    Ok(())
}

fn binary(bytes: &[u8], style: Style, out: &mut String) {
    if !style.binary_as_hex {
        out.push_str(&String::from_utf8_lossy(bytes));
        return;
    }
    out.push('[');
    for (i, byte) in bytes.iter().enumerate() {
        let _ = write!(out, "{}{byte:02X}", if i > 0 { " " } else { "" });
    }
    out.push(']');
}

/// `2024-01-01 00:00:00.1`: as many digits of the fraction as are needed.
fn timestamp(micros: i64, zoned: bool, style: Style, out: &mut String) -> Option<()> {
    let utc = DateTime::from_timestamp_micros(micros)?.naive_utc();
    let local: NaiveDateTime = if zoned {
        style.zone.from_utc_datetime(&utc).naive_local()
    } else {
        utc
    };
    let _ = write!(out, "{} ", local.date());
    let micros = local.nanosecond() / 1_000;
    let whole = local - TimeDelta::nanoseconds(i64::from(local.nanosecond()));
    let _ = write!(out, "{}", whole.time());
    if micros > 0 {
        let digits = format!("{micros:06}");
        let _ = write!(out, ".{}", digits.trim_end_matches('0'));
    }
    Some(())
}

/// `scientific` is Rust's shortest digits with an exponent; Java writes an exponent only below 1e-3 and from 1e7.
fn java_float(value: f64, scientific: &str, out: &mut String) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else if value == 0.0 {
        out.push_str(if value.is_sign_negative() { "-0.0" } else { "0.0" });
    } else if (1e-3..1e7).contains(&value.abs()) {
        plain(scientific, out);
    } else {
        let (digits, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
        let point = if digits.contains('.') { "" } else { ".0" };
        let _ = write!(out, "{digits}{point}E{exponent}");
    }
}

/// `1.25e2` as `125.0`.
fn plain(scientific: &str, out: &mut String) {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |m| ("-", m));
    let digits = mantissa.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or(0);
    out.push_str(sign);
    if exponent < 0 {
        out.push_str("0.");
        for _ in 1..exponent.unsigned_abs() {
            out.push('0');
        }
        out.push_str(&digits);
        return;
    }
    let whole = usize::try_from(exponent).unwrap_or(0) + 1;
    if digits.len() <= whole {
        let _ = write!(out, "{digits:0<whole$}.0");
    } else {
        let (whole, fraction) = digits.split_at(whole);
        let _ = write!(out, "{whole}.{fraction}");
    }
}

fn other(array: &ArrayRef, row: usize, out: &mut String) -> Result<()> {
    let options = FormatOptions::default();
    let formatter =
        ArrayFormatter::try_new(array.as_ref(), &options).map_err(|e| no_text(array, &e.to_string()))?;
    let _ = write!(out, "{}", formatter.value(row));
    Ok(())
}

fn no_text(array: &ArrayRef, why: &str) -> TidemillError {
    TidemillError::unsupported(
        "UNSUPPORTED_DATATYPE",
        format!("a value of type {} has no text: {why}", array.data_type()),
    )
}

fn out_of_range(array: &ArrayRef) -> TidemillError {
    no_text(array, "the value is outside of the calendar's range")
}
