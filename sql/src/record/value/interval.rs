//! Spark's intervals: the fields that a column of them has, and a value as text.
//!
//! A day-time interval is a `Duration(Microsecond)`, a year-month interval an `Interval(YearMonth)`. The type has all fields,
//! `DAY TO SECOND` or `YEAR TO MONTH`; a column of fewer says so in its field's metadata, under [`INTERVAL_FIELDS_KEY`].

use std::collections::HashMap;
use std::fmt;
use std::fmt::Write as _;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, DurationMicrosecondType, Field, FieldRef, IntervalUnit, IntervalYearMonthType, TimeUnit,
};

/// The key in a field's metadata of an interval's fields, such as `DAY TO HOUR`; without it the interval has all.
pub const INTERVAL_FIELDS_KEY: &str = "tidemill.interval.fields";

/// A field of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum IntervalUnitName {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

use IntervalUnitName as Unit;

impl Unit {
    /// From the widest to the narrowest.
    pub(crate) const ALL: [Self; 6] = [
        Self::Year,
        Self::Month,
        Self::Day,
        Self::Hour,
        Self::Minute,
        Self::Second,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Year => "YEAR",
            Self::Month => "MONTH",
            Self::Day => "DAY",
            Self::Hour => "HOUR",
            Self::Minute => "MINUTE",
            Self::Second => "SECOND",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.name() == name)
    }

    fn is_month_based(self) -> bool {
        self <= Self::Month
    }

    /// How many months, or microseconds, the unit has.
    pub(crate) fn size(self) -> i64 {
        const SECOND: i64 = 1_000_000;
        match self {
            Self::Year => 12,
            Self::Month => 1,
            Self::Day => 86_400 * SECOND,
            Self::Hour => 3600 * SECOND,
            Self::Minute => 60 * SECOND,
            Self::Second => SECOND,
        }
    }
}

/// The fields of an interval type, from the widest to the narrowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IntervalFields {
    first: Unit,
    last: Unit,
}

impl IntervalFields {
    /// `DAY TO SECOND`.
    pub(crate) const DAY_TO_SECOND: Self = Self {
        first: Unit::Day,
        last: Unit::Second,
    };

    /// `YEAR TO MONTH`.
    pub(crate) const YEAR_TO_MONTH: Self = Self {
        first: Unit::Year,
        last: Unit::Month,
    };

    /// `DAY`.
    pub(crate) const DAY: Self = Self {
        first: Unit::Day,
        last: Unit::Day,
    };

    /// All fields of a type; `None` for what is no interval.
    pub fn of_type(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Duration(TimeUnit::Microsecond) => Some(Self::DAY_TO_SECOND),
            DataType::Interval(IntervalUnit::YearMonth) => Some(Self::YEAR_TO_MONTH),
            _ => None,
        }
    }

    /// The fields of a column; `None` for what is no interval.
    pub fn of(field: &Field) -> Option<Self> {
        let all = Self::of_type(field.data_type())?;
        let marked = field.metadata().get(INTERVAL_FIELDS_KEY);
        let marked = marked.and_then(|text| Self::parse(text));
        Some(
            marked
                .filter(|fields| fields.data_type() == all.data_type())
                .unwrap_or(all),
        )
    }

    /// The fields in a text such as `HOUR` or `DAY TO SECOND`, in capitals.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let first = Unit::parse(words.next()?)?;
        let last = match (words.next(), words.next(), words.next()) {
            (None, ..) => first,
            (Some("TO"), Some(last), None) => Unit::parse(last)?,
            _ => return None,
        };
        (first <= last && first.is_month_based() == last.is_month_based()).then_some(Self { first, last })
    }

    /// The type of the values.
    pub fn data_type(self) -> DataType {
        if self.is_year_month() {
            DataType::Interval(IntervalUnit::YearMonth)
        } else {
            DataType::Duration(TimeUnit::Microsecond)
        }
    }

    /// Whether these are years or months.
    pub(crate) fn is_year_month(self) -> bool {
        self.first.is_month_based()
    }

    /// Whether these are all fields of the type.
    pub fn is_all(self) -> bool {
        self == Self::DAY_TO_SECOND || self == Self::YEAR_TO_MONTH
    }

    pub(crate) fn first(self) -> Unit {
        self.first
    }

    pub(crate) fn last(self) -> Unit {
        self.last
    }

    /// Whether the field lies between the first and the last.
    pub(crate) fn holds(self, unit: Unit) -> bool {
        (self.first..=self.last).contains(&unit)
    }

    /// From the widest field of both to the narrowest.
    pub(crate) fn union(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
        }
    }

    /// What a field's metadata says of the fields.
    pub(crate) fn metadata(self) -> HashMap<String, String> {
        match self.is_all() {
            true => HashMap::new(),
            false => HashMap::from([(INTERVAL_FIELDS_KEY.to_owned(), self.to_string())]),
        }
    }

    /// A column of these intervals.
    pub(crate) fn field(self, name: &str) -> FieldRef {
        Field::new(name, self.data_type(), true)
            .with_metadata(self.metadata())
            .into()
    }

    /// Appends a value, in months or microseconds, as Spark writes it: `INTERVAL '1 02:03:04.5' DAY TO SECOND`.
    pub fn write(self, value: i64, out: &mut String) {
        out.push_str("INTERVAL '");
        if value < 0 {
            out.push('-');
        }
        let mut rest = value.unsigned_abs();
        for unit in Unit::ALL.into_iter().filter(|unit| self.holds(*unit)) {
            let size = unit.size().unsigned_abs();
            let count = rest / size;
            rest %= size;
            if unit != self.first {
                out.push(match unit {
                    Unit::Month => '-',
                    Unit::Hour => ' ',
                    _ => ':',
                });
            }
            // Writing to a String cannot fail.
            let _ = match unit {
                Unit::Year | Unit::Month | Unit::Day => write!(out, "{count}"),
                _ => write!(out, "{count:02}"),
            };
        }
        if self.last == Unit::Second && rest > 0 {
            out.push('.');
            out.push_str(format!("{rest:06}").trim_end_matches('0'));
        }
        let _ = write!(out, "' {self}");
    }
}

impl fmt::Display for IntervalFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.first.name())?;
        if self.last != self.first {
            write!(f, " TO {}", self.last.name())?;
        }
        Ok(())
    }
}

/// The months, or microseconds, in a row of an array of intervals; `None` for NULL and for what is no interval.
pub fn interval_at(array: &dyn Array, row: usize) -> Option<i64> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Interval(IntervalUnit::YearMonth) => {
            let months = array.as_primitive_opt::<IntervalYearMonthType>()?;
            Some(i64::from(months.value(row)))
        }
        _ => Some(array.as_primitive_opt::<DurationMicrosecondType>()?.value(row)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(fields: &str, value: i64) -> String {
        let mut out = String::new();
        IntervalFields::parse(fields).unwrap().write(value, &mut out);
        out
    }

    #[test]
    fn a_value_shows_the_fields_of_its_type() {
        for (fields, value, shown) in [
            ("DAY TO SECOND", 93_784_500_000, "1 02:03:04.5"),
            ("DAY TO SECOND", -1, "-0 00:00:00.000001"),
            ("DAY TO SECOND", i64::MIN, "-106751991 04:00:54.775808"),
            ("DAY", 7 * 86_400_000_000, "7"),
            ("HOUR", -3 * 3_600_000_000, "-03"),
            ("HOUR TO MINUTE", 100 * 3_600_000_000 + 60_000_000, "100:01"),
            ("SECOND", 5_000_000, "05"),
            ("YEAR TO MONTH", -14, "-1-2"),
            ("MONTH", 13, "13"),
            ("YEAR", 24, "2"),
        ] {
            assert_eq!(text(fields, value), format!("INTERVAL '{shown}' {fields}"));
        }
        for fields in ["DAY TO MONTH", "SECOND TO DAY", "WEEK", "DAY TO", ""] {
            assert_eq!(IntervalFields::parse(fields), None, "{fields}");
        }
    }
}
