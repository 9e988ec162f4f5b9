//! The scalar functions of the list, by name.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use super::super::SqlSettings;
use super::bit_not;
use super::clock::{self, ClockKind};
use super::conditional::{self, Conditional};
use super::construct;
use super::datetime::{self, DatetimeKind, TimeField};
use super::element::{self, ElementKind};
use super::math::{self, MathKind};
use super::regexes::{self, RegexKind};
use super::sort_array;
use super::strings::{self, StringKind};

/// What a name stands for.
#[derive(Clone, Copy)]
enum Entry {
    Text(StringKind),
    Math(MathKind),
    Time(DatetimeKind),
    If(Conditional),
    BitNot,
    Regex(RegexKind),
    Element(ElementKind),
    Clock(ClockKind),
    Array,
    Map,
    NamedStruct,
    /// The AST layer makes an operator of the call.
    Operator,
    SortArray,
    Sha2,
    Crc32,
    Md5,
}

macro_rules! list {
    ($($name:literal => $entry:expr,)*) => {
        /// Every name of the list, with those that only the layers above use.
        pub(crate) const NAMES: &[&str] = &[$($name),*];

        fn entry(name: &str) -> Option<(&'static str, Entry)> {
            Some(match name {
                $($name => ($name, $entry),)*
                _ => return None,
            })
        }
    };
}

list! {
    "upper" => Entry::Text(StringKind::Upper),
    "ucase" => Entry::Text(StringKind::Upper),
    "lower" => Entry::Text(StringKind::Lower),
    "lcase" => Entry::Text(StringKind::Lower),
    "trim" => Entry::Text(StringKind::Trim),
    "ltrim" => Entry::Text(StringKind::LeftTrim),
    "rtrim" => Entry::Text(StringKind::RightTrim),
    "__trim" => Entry::Text(StringKind::Trim),
    "__ltrim" => Entry::Text(StringKind::LeftTrim),
    "__rtrim" => Entry::Text(StringKind::RightTrim),
    "length" => Entry::Text(StringKind::Length),
    "char_length" => Entry::Text(StringKind::Length),
    "character_length" => Entry::Text(StringKind::Length),
    "len" => Entry::Text(StringKind::Length),
    "concat" => Entry::Text(StringKind::Concat),
    "concat_ws" => Entry::Text(StringKind::ConcatWs),
    "substring" => Entry::Text(StringKind::Substring),
    "substr" => Entry::Text(StringKind::Substring),
    "left" => Entry::Text(StringKind::Left),
    "right" => Entry::Text(StringKind::Right),
    "lpad" => Entry::Text(StringKind::LeftPad),
    "rpad" => Entry::Text(StringKind::RightPad),
    "replace" => Entry::Text(StringKind::Replace),
    "instr" => Entry::Text(StringKind::Instr),
    "locate" => Entry::Text(StringKind::Locate),
    "position" => Entry::Text(StringKind::Locate),
    "reverse" => Entry::Text(StringKind::Reverse),
    "repeat" => Entry::Text(StringKind::Repeat),
    "contains" => Entry::Text(StringKind::Contains),
    "startswith" => Entry::Text(StringKind::StartsWith),
    "endswith" => Entry::Text(StringKind::EndsWith),
    "split_part" => Entry::Text(StringKind::SplitPlain),
    "__rlike" => Entry::Regex(RegexKind::Matches),
    "regexp_replace" => Entry::Regex(RegexKind::Replace),
    "regexp_extract" => Entry::Regex(RegexKind::Extract),
    "split" => Entry::Regex(RegexKind::Split),
    "negative" => Entry::Math(MathKind::Negative),
    "abs" => Entry::Math(MathKind::Abs),
    "ceil" => Entry::Math(MathKind::Ceil),
    "ceiling" => Entry::Math(MathKind::Ceil),
    "floor" => Entry::Math(MathKind::Floor),
    "round" => Entry::Math(MathKind::Round),
    "sqrt" => Entry::Math(MathKind::Sqrt),
    "power" => Entry::Math(MathKind::Power),
    "pow" => Entry::Math(MathKind::Power),
    "exp" => Entry::Math(MathKind::Exp),
    "ln" => Entry::Math(MathKind::Ln),
    "log10" => Entry::Math(MathKind::Log10),
    "sign" => Entry::Math(MathKind::Sign),
    "signum" => Entry::Math(MathKind::Sign),
    "isnan" => Entry::Math(MathKind::IsNan),
    "mod" => Entry::Operator,
    "greatest" => Entry::If(Conditional::Greatest),
    "least" => Entry::If(Conditional::Least),
    "coalesce" => Entry::If(Conditional::Coalesce),
    "nvl" => Entry::If(Conditional::Coalesce),
    "ifnull" => Entry::If(Conditional::Coalesce),
    "nvl2" => Entry::If(Conditional::Nvl2),
    "nullif" => Entry::If(Conditional::NullIf),
    "if" => Entry::If(Conditional::If),
    "__case" => Entry::If(Conditional::Case),
    "__in" => Entry::If(Conditional::In),
    "__bit_not" => Entry::BitNot,
    "string" => Entry::Operator,
    "boolean" => Entry::Operator,
    "tinyint" => Entry::Operator,
    "smallint" => Entry::Operator,
    "int" => Entry::Operator,
    "bigint" => Entry::Operator,
    "float" => Entry::Operator,
    "double" => Entry::Operator,
    "decimal" => Entry::Operator,
    "date" => Entry::Operator,
    "timestamp" => Entry::Operator,
    "binary" => Entry::Operator,
    "isnull" => Entry::Operator,
    "isnotnull" => Entry::Operator,
    "year" => Entry::Time(DatetimeKind::Field(TimeField::Year)),
    "quarter" => Entry::Time(DatetimeKind::Field(TimeField::Quarter)),
    "month" => Entry::Time(DatetimeKind::Field(TimeField::Month)),
    "day" => Entry::Time(DatetimeKind::Field(TimeField::Day)),
    "dayofmonth" => Entry::Time(DatetimeKind::Field(TimeField::Day)),
    "dayofweek" => Entry::Time(DatetimeKind::Field(TimeField::DayOfWeek)),
    "weekday" => Entry::Time(DatetimeKind::Field(TimeField::Weekday)),
    "dayofyear" => Entry::Time(DatetimeKind::Field(TimeField::DayOfYear)),
    "weekofyear" => Entry::Time(DatetimeKind::Field(TimeField::WeekOfYear)),
    "hour" => Entry::Time(DatetimeKind::Field(TimeField::Hour)),
    "minute" => Entry::Time(DatetimeKind::Field(TimeField::Minute)),
    "second" => Entry::Time(DatetimeKind::Field(TimeField::Second)),
    "dayname" => Entry::Time(DatetimeKind::Field(TimeField::DayName)),
    "monthname" => Entry::Time(DatetimeKind::Field(TimeField::MonthName)),
    "__second_fraction" => Entry::Time(DatetimeKind::Field(TimeField::SecondWithFraction)),
    "__year_of_week" => Entry::Time(DatetimeKind::Field(TimeField::YearOfWeek)),
    "__day_of_week_iso" => Entry::Time(DatetimeKind::Field(TimeField::DayOfWeekIso)),
    "date_part" => Entry::Operator,
    "datepart" => Entry::Operator,
    "date_format" => Entry::Time(DatetimeKind::Format),
    "to_date" => Entry::Time(DatetimeKind::ToDate { tries: false }),
    "try_to_date" => Entry::Time(DatetimeKind::ToDate { tries: true }),
    "to_timestamp" => Entry::Time(DatetimeKind::ToTimestamp { tries: false }),
    "to_timestamp_ltz" => Entry::Time(DatetimeKind::ToTimestamp { tries: false }),
    "to_timestamp_ntz" => Entry::Time(DatetimeKind::ToTimestampNtz),
    "try_to_timestamp" => Entry::Time(DatetimeKind::ToTimestamp { tries: true }),
    "unix_timestamp" => Entry::Time(DatetimeKind::UnixTimestamp),
    "to_unix_timestamp" => Entry::Time(DatetimeKind::UnixTimestamp),
    "from_unixtime" => Entry::Time(DatetimeKind::FromUnixtime),
    "date_trunc" => Entry::Time(DatetimeKind::TruncTimestamp),
    "trunc" => Entry::Time(DatetimeKind::TruncDate),
    "date_add" => Entry::Time(DatetimeKind::DateAdd),
    "dateadd" => Entry::Time(DatetimeKind::DateAdd),
    "date_sub" => Entry::Time(DatetimeKind::DateSub),
    "datediff" => Entry::Time(DatetimeKind::DateDiff),
    "date_diff" => Entry::Time(DatetimeKind::DateDiff),
    "last_day" => Entry::Time(DatetimeKind::LastDay),
    "add_months" => Entry::Time(DatetimeKind::AddMonths),
    "next_day" => Entry::Time(DatetimeKind::NextDay),
    "months_between" => Entry::Time(DatetimeKind::MonthsBetween),
    "make_date" => Entry::Time(DatetimeKind::MakeDate),
    "make_timestamp" => Entry::Time(DatetimeKind::MakeTimestamp { ntz: false, tries: false }),
    "make_timestamp_ltz" => Entry::Time(DatetimeKind::MakeTimestamp { ntz: false, tries: false }),
    "make_timestamp_ntz" => Entry::Time(DatetimeKind::MakeTimestamp { ntz: true, tries: false }),
    "try_make_timestamp" => Entry::Time(DatetimeKind::MakeTimestamp { ntz: false, tries: true }),
    "try_make_timestamp_ltz" => Entry::Time(DatetimeKind::MakeTimestamp { ntz: false, tries: true }),
    "try_make_timestamp_ntz" => Entry::Time(DatetimeKind::MakeTimestamp { ntz: true, tries: true }),
    "unix_date" => Entry::Time(DatetimeKind::UnixDate),
    "date_from_unix_date" => Entry::Time(DatetimeKind::DateFromUnixDate),
    "timestamp_seconds" => Entry::Time(DatetimeKind::TimestampOf { per_second: 1 }),
    "timestamp_millis" => Entry::Time(DatetimeKind::TimestampOf { per_second: 1000 }),
    "timestamp_micros" => Entry::Time(DatetimeKind::TimestampOf { per_second: 1_000_000 }),
    "unix_seconds" => Entry::Time(DatetimeKind::UnixSeconds),
    "unix_millis" => Entry::Time(DatetimeKind::UnixMillis),
    "unix_micros" => Entry::Time(DatetimeKind::UnixMicros),
    "from_utc_timestamp" => Entry::Time(DatetimeKind::FromUtc),
    "to_utc_timestamp" => Entry::Time(DatetimeKind::ToUtc),
    "convert_timezone" => Entry::Time(DatetimeKind::ConvertTimezone),
    "current_timezone" => Entry::Time(DatetimeKind::CurrentTimezone),
    "timestampadd" => Entry::Time(DatetimeKind::TimestampAdd),
    "timestampdiff" => Entry::Time(DatetimeKind::TimestampDiff),
    "curdate" => Entry::Clock(ClockKind::Date),
    "now" => Entry::Clock(ClockKind::Timestamp),
    "current_timestamp" => Entry::Clock(ClockKind::Timestamp),
    "current_date" => Entry::Clock(ClockKind::Date),
    "localtimestamp" => Entry::Clock(ClockKind::LocalTimestamp),
    "array" => Entry::Array,
    "map" => Entry::Map,
    "named_struct" => Entry::NamedStruct,
    "struct" => Entry::NamedStruct,
    "element_at" => Entry::Element(ElementKind::ElementAt),
    "array_contains" => Entry::Element(ElementKind::Contains),
    "size" => Entry::Element(ElementKind::Size),
    "cardinality" => Entry::Element(ElementKind::Size),
    "sort_array" => Entry::SortArray,
    "sha2" => Entry::Sha2,
    "crc32" => Entry::Crc32,
    "md5" => Entry::Md5,
}

/// The function of this name.
pub(crate) fn function(name: &str, settings: &SqlSettings) -> Option<Arc<ScalarUDF>> {
    let (name, entry) = entry(name)?;
    Some(match entry {
        Entry::Text(kind) => Arc::new(strings::function(name, kind, settings)),
        Entry::Math(kind) => Arc::new(math::function(name, kind, settings)),
        Entry::Time(kind) => Arc::new(datetime::function(name, kind, settings)),
        Entry::If(kind) => Arc::new(conditional::function(kind, settings)),
        Entry::BitNot => Arc::new(bit_not::function()),
        Entry::Regex(kind) => Arc::new(regexes::function(name, kind, settings)),
        Entry::Element(kind) => Arc::new(element::function(name, kind, settings)),
        Entry::Clock(kind) => Arc::new(clock::function(name, kind, settings)),
        Entry::Array => Arc::new(construct::function(false, settings)),
        Entry::Map => Arc::new(construct::function(true, settings)),
        Entry::NamedStruct => datafusion::functions::core::named_struct(),
        Entry::SortArray => Arc::new(sort_array::function()),
        Entry::Sha2 => datafusion_spark::function::hash::sha2(),
        Entry::Crc32 => datafusion_spark::function::hash::crc32(),
        Entry::Md5 => datafusion::functions::crypto::md5(),
        Entry::Operator => return None,
    })
}
