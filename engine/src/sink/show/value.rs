//! One value as text: as Spark's `show` prints it, or as Spark casts it to a string.

use std::fmt::Write as _;

use arrow::array::{Array, ArrayRef, AsArray, MapArray, StructArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use tidemill_sql::record::value::{
    IntervalFields, Zone, format_date, format_double, format_float, format_timestamp, format_timestamp_ntz,
    interval_at,
};

use crate::{Result, TidemillError};

/// Writes the values of one array.
pub(crate) struct ValueText<'a> {
    array: &'a ArrayRef,
    /// The fields that its column gives intervals; their type alone has all.
    fields: Option<IntervalFields>,
    style: Style,
}

#[derive(Clone)]
struct Style {
    zone: Zone,
    null: &'static str,
    binary_as_hex: bool,
}

impl<'a> ValueText<'a> {
    /// The values of a column as `show` prints them: `NULL`, and binary as `[0A FF]`.
    pub(crate) fn pretty(array: &'a ArrayRef, field: &Field, time_zone: &str) -> Result<Self> {
        let text = Self::new(array, time_zone, "NULL", true)?;
        let fields = IntervalFields::of(field).filter(|fields| fields.data_type() == *array.data_type());
        Ok(Self { fields, ..text })
    }

    /// As a cast to a string: `null` inside of arrays, and binary as UTF-8.
    pub(crate) fn cast(array: &'a ArrayRef, time_zone: &str) -> Result<Self> {
        Self::new(array, time_zone, "null", false)
    }

    fn new(array: &'a ArrayRef, time_zone: &str, null: &'static str, binary_as_hex: bool) -> Result<Self> {
        let zone = Zone::parse(time_zone).ok_or_else(|| {
            TidemillError::invalid(
                "INVALID_CONF_VALUE.TIME_ZONE",
                format!(
                    "The value '{time_zone}' in the config \"spark.sql.session.timeZone\" is invalid. Cannot \
                     resolve the given timezone."
                ),
            )
        })?;
        let style = Style {
            zone,
            null,
            binary_as_hex,
        };
        Ok(Self {
            array,
            fields: None,
            style,
        })
    }

    /// Appends the text of row `row`.
    pub(crate) fn write(&self, row: usize, out: &mut String) -> Result<()> {
        if let (Some(fields), Some(value)) = (self.fields, interval_at(self.array, row)) {
            fields.write(value, out);
            return Ok(());
        }
        write_value(self.array, row, &self.style, out)
    }
}

fn write_value(array: &ArrayRef, row: usize, style: &Style, out: &mut String) -> Result<()> {
    // An array of no type holds nothing else than NULL, and no bitmap that says so.
    if array.is_null(row) || *array.data_type() == DataType::Null {
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
            ascii(|bytes| format_float(value, bytes), out);
            Ok(())
        }
        DataType::Float64 => {
            let value = array.as_primitive::<Float64Type>().value(row);
            ascii(|bytes| format_double(value, bytes), out);
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
        DataType::Date32 => {
            format_date(array.as_primitive::<Date32Type>().value(row), out);
            Ok(())
        }
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            format_timestamp(
                array.as_primitive::<TimestampMicrosecondType>().value(row),
                &style.zone,
                out,
            );
            Ok(())
        }
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            format_timestamp_ntz(array.as_primitive::<TimestampMicrosecondType>().value(row), out);
            Ok(())
        }
        DataType::Duration(_) | DataType::Interval(_) => return interval(array, row, out),
        DataType::List(_) => return list(&array.as_list::<i32>().value(row), style, out),
        DataType::LargeList(_) => return list(&array.as_list::<i64>().value(row), style, out),
        DataType::Struct(_) => return structure(array.as_struct(), row, style, out),
        DataType::Map(_, _) => return map(array.as_map(), row, style, out),
        _ => return other(array, row, out),
    };
    Ok(())
}

fn interval(array: &ArrayRef, row: usize, out: &mut String) -> Result<()> {
    match (
        IntervalFields::of_type(array.data_type()),
        interval_at(array, row),
    ) {
        (Some(fields), Some(value)) => fields.write(value, out),
        _ => return other(array, row, out),
    }
    Ok(())
}

fn list(items: &ArrayRef, style: &Style, out: &mut String) -> Result<()> {
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

fn structure(array: &StructArray, row: usize, style: &Style, out: &mut String) -> Result<()> {
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

fn map(array: &MapArray, row: usize, style: &Style, out: &mut String) -> Result<()> {
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

fn binary(bytes: &[u8], style: &Style, out: &mut String) {
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

/// The number formatters write bytes.
fn ascii(format: impl FnOnce(&mut Vec<u8>), out: &mut String) {
    let mut bytes = Vec::new();
    format(&mut bytes);
    out.push_str(&String::from_utf8_lossy(&bytes));
}
