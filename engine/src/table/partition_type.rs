//! The type of a partition column without a schema: what Spark makes of the text of its values.

use arrow::datatypes::{DataType, TimeUnit};
use chrono::{NaiveDate, NaiveDateTime};

/// The largest precision of a decimal.
const MAX_PRECISION: u8 = 38;

/// What the values of a partition column look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartitionType {
    Null,
    Int,
    Long,
    /// An integer beyond 64 bits, of so many digits.
    Decimal(u8),
    Double,
    Date,
    Timestamp,
    String,
}

impl PartitionType {
    /// The type of one value.
    pub(super) fn of(text: &str) -> Self {
        if text.parse::<i32>().is_ok() {
            return Self::Int;
        }
        if text.parse::<i64>().is_ok() {
            return Self::Long;
        }
        if let Some(plain) = plain_decimal(text) {
            let digits = plain.trim_start_matches(['-', '0']).len().max(1);
            if let Ok(digits) = u8::try_from(digits)
                && digits <= MAX_PRECISION
            {
                return Self::Decimal(digits);
            }
        }
        if java_double(text).is_some() {
            return Self::Double;
        }
        if text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() {
            return Self::Date;
        }
        if text.len() >= 19 && NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").is_ok() {
            return Self::Timestamp;
        }
        Self::String
    }

    /// The type that holds values of both.
    pub(super) fn widen(self, other: Self) -> Self {
        use PartitionType::{Date, Decimal, Double, Int, Long, Null, String, Timestamp};
        match (self, other) {
            (a, b) if a == b => a,
            (Null, x) | (x, Null) => x,
            (Int, Long) | (Long, Int) => Long,
            (Int, Double) | (Double, Int) => Double,
            (Decimal(a), Decimal(b)) => Decimal(a.max(b)),
            (Decimal(a), Int) | (Int, Decimal(a)) => Decimal(a.max(10)),
            (Decimal(a), Long) | (Long, Decimal(a)) => Decimal(a.max(20)),
            (Date, Timestamp) | (Timestamp, Date) => Timestamp,
            // Spark keeps the text rather than lose digits of a long or decimal in a double.
            _ => String,
        }
    }

    /// As Arrow has it; a column of nothing but nulls is a string.
    pub(super) fn data_type(self) -> DataType {
        match self {
            Self::Int => DataType::Int32,
            Self::Long => DataType::Int64,
            Self::Decimal(precision) => DataType::Decimal128(precision, 0),
            Self::Double => DataType::Float64,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Null | Self::String => DataType::Utf8,
        }
    }
}

/// The digits of a number without fraction, exponents multiplied out: `1e3` is `1000`. None for anything else.
pub(super) fn plain_decimal(text: &str) -> Option<String> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let zeros = exponent - i32::try_from(fraction.len()).ok()?;
    let zeros = usize::try_from(zeros)
        .ok()
        .filter(|z| *z <= usize::from(MAX_PRECISION))?;
    Some(format!("{sign}{whole}{fraction}{}", "0".repeat(zeros)))
}

/// A number as `Double.parseDouble` reads it: a trailing `d` or `f` is allowed.
pub(super) fn java_double(text: &str) -> Option<f64> {
    let text = text.trim();
    let number = text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text);
    let unsigned = number.trim_start_matches(['+', '-']);
    match unsigned {
        "NaN" | "Infinity" if number.len() == text.len() => number.parse().ok(),
        // Rust reads `inf` and `nan` too, Java does not.
        _ if unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') => number.parse().ok(),
        _ => None,
    }
}
