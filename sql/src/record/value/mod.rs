//! Single values as text: numbers, dates and timestamps, read and written as Spark and Java do.
//!
//! Used by the record formats; casts to string and the console can use the same functions.

pub(crate) mod civil;
mod decimal;
mod double;
mod interval;
mod iso;
mod pattern;
mod temporal;
mod zone;

pub use decimal::format_decimal;
pub(crate) use decimal::parse_decimal;
pub use double::{format_double, format_float};
pub(crate) use interval::IntervalUnitName;
pub use interval::{INTERVAL_FIELDS_KEY, IntervalFields, interval_at};
pub(crate) use iso::parse_timestamp_local;
pub use iso::{parse_date, parse_timestamp, parse_timestamp_ntz};
pub use pattern::DateTimePattern;
pub(crate) use temporal::TemporalReader;
pub use temporal::{format_date, format_timestamp, format_timestamp_ntz};
pub use zone::Zone;
