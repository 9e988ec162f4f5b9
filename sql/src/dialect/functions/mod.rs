//! The checked list of functions of the Spark dialect: each name means here what it means in Spark 4.3, or is an error.
//!
//! `spark_expressions.tsv` holds what PySpark 4.3.0 gave for expressions over one table: name, type and values; a test compares
//! every line whose functions are on the list. A name that Spark has and the list has not is "not supported"; any other is unknown.

mod argument_count;
mod arithmetic;
mod array_build;
mod array_sets;
mod array_shape;
mod arrays;
mod arrays_zip;
mod cast;
mod clock;
mod conditional;
mod construct;
mod datetime;
mod doubles;
pub(crate) mod element;
mod encodings;
mod extract;
mod float_key;
mod fold;
mod format_string;
pub(crate) mod generator;
pub(crate) mod grouping;
mod hashes;
mod intervals;
mod json;
pub(crate) mod lambdas;
mod maps;
mod math;
mod naming;
mod number_text;
pub(crate) mod over;
#[cfg(test)]
mod page;
mod regexes;
mod rows;
mod scalar_list;
mod simple;
mod sort_array;
mod strings;
#[cfg(test)]
mod tests;
mod text_of;
mod try_arithmetic;
mod typed;
mod urls;
mod words;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::logical_expr::{AggregateUDF, HigherOrderUDF, ScalarUDF, WindowUDF};

pub(crate) use argument_count::check_argument_count;
pub(crate) use arithmetic::{Arithmetic, arithmetic};
pub(crate) use cast::{coerce, double_to_decimal, spark_cast};
pub(crate) use datetime::{add_interval, add_months, date_offset, difference};
pub(crate) use float_key::{float_key, holds_floats};
pub(crate) use intervals::{IntervalKind, interval_call, with_fields};
pub(crate) use naming::{CASTS, name_of_call};
pub(crate) use strings::concat;
pub(crate) use text_of::{java_decimal, java_double};
pub use typed::{simple_type_name, simple_type_of};

use super::{SqlDialect, SqlSettings, types};
use crate::record::value::IntervalFields;
use crate::{SqlError, aggregate};

/// The start of the name under which a cast to the type that follows is called.
pub(crate) const CAST_PREFIX: &str = "__cast ";

/// The same for TRY_CAST.
pub(crate) const TRY_CAST_PREFIX: &str = "__try_cast ";

/// The functions of Spark 4.3, one a line, as SHOW FUNCTIONS lists them.
const SPARK_FUNCTIONS: &str = include_str!("spark_functions.txt");

/// The functions of event time.
const EVENT_TIME: [&str; 2] = ["window", "window_time"];

/// The functions of a dialect under a session's settings; empty for DataFusion's, whose session holds its own.
#[derive(Debug)]
pub(crate) struct Functions {
    settings: SqlSettings,
    aggregates: HashMap<String, Arc<AggregateUDF>>,
}

/// The functions of the settings' dialect.
pub(crate) fn of(settings: &SqlSettings) -> Functions {
    let mut aggregates = HashMap::new();
    if settings.dialect == SqlDialect::Spark {
        for name in aggregate::NAMES {
            if let Some(function) = aggregate::function(name, settings.ansi) {
                aggregates.insert((*name).to_owned(), function);
            }
        }
    }
    Functions {
        settings: settings.clone(),
        aggregates,
    }
}

impl Functions {
    /// The scalar function of this name.
    pub(crate) fn scalar(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        if self.settings.dialect != SqlDialect::Spark {
            return None;
        }
        let cast = |text: &str, misfit| {
            let interval = text.strip_prefix("INTERVAL ").and_then(IntervalFields::parse);
            let function = match interval {
                Some(fields) => cast::interval_function(fields, misfit, &self.settings),
                None => cast::cast_function(types::parse(text).ok()?, misfit, &self.settings),
            };
            Some(Arc::new(function))
        };
        if let Some(text) = name.strip_prefix(CAST_PREFIX) {
            return cast(text, cast::Misfit::Error);
        }
        if let Some(text) = name.strip_prefix(TRY_CAST_PREFIX) {
            return cast(text, cast::Misfit::Null);
        }
        if let Some(text) = name.strip_prefix(generator::PREFIX) {
            return generator::function(text).map(Arc::new);
        }
        match name {
            "window" => Some(crate::functions::window_udf()),
            "window_time" => Some(crate::functions::window_time_udf()),
            _ => scalar_list::function(name, &self.settings),
        }
    }

    /// The function of lambdas of this name.
    pub(crate) fn higher_order(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        match self.settings.dialect {
            SqlDialect::Spark => lambdas::function(name),
            SqlDialect::DataFusion => None,
        }
    }

    /// The aggregate function of this name.
    pub(crate) fn aggregate(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        match self.settings.dialect {
            SqlDialect::Spark => self
                .aggregates
                .get(name)
                .cloned()
                .or_else(|| grouping::function(name)),
            SqlDialect::DataFusion => None,
        }
    }

    /// The function of this name over a window, if it is no aggregate.
    pub(crate) fn window(&self, name: &str) -> Option<Arc<WindowUDF>> {
        match self.settings.dialect {
            SqlDialect::Spark => over::function(name),
            SqlDialect::DataFusion => None,
        }
    }

    /// Every scalar function of the list.
    pub(crate) fn all_scalar(&self) -> Vec<Arc<ScalarUDF>> {
        let names = scalar_list::NAMES.iter().chain(&EVENT_TIME);
        names.filter_map(|n| self.scalar(n)).collect()
    }

    /// Every aggregate function of the list.
    pub(crate) fn all_aggregate(&self) -> Vec<Arc<AggregateUDF>> {
        self.aggregates.values().cloned().collect()
    }
}

/// Whether a call of this name is on the list.
pub(crate) fn is_listed(name: &str) -> bool {
    generator::NAMES.contains(&name)
        || EVENT_TIME.contains(&name)
        || is_aggregate(name)
        || lambdas::NAMES.contains(&name)
        || over::NAMES.contains(&name)
        || scalar_list::NAMES.contains(&name)
}

/// Whether the name is an aggregate function's of the list.
pub(crate) fn is_aggregate(name: &str) -> bool {
    aggregate::NAMES.contains(&name) || grouping::NAMES.contains(&name)
}

/// Whether Spark 4.3 has a function of this name.
pub(crate) fn is_sparks(name: &str) -> bool {
    SPARK_FUNCTIONS.lines().any(|line| line == name)
}

/// The error for a call of this name, which is not on the list.
///
/// UNSUPPORTED_ROUTINE where Spark has the function, else UNRESOLVED_ROUTINE; with the nearest names.
pub(crate) fn not_listed(name: &str) -> SqlError {
    let nearest = scalar_list::NAMES
        .iter()
        .chain(aggregate::NAMES)
        .chain(&EVENT_TIME)
        .chain(&generator::NAMES)
        .chain(&lambdas::NAMES)
        .chain(&over::NAMES)
        .filter(|n| !n.starts_with("__"))
        .map(|n| (strsim::damerau_levenshtein(name, n), *n))
        .filter(|(distance, n)| *distance <= 2.min(n.len() / 2))
        .min();
    let hint = nearest.map_or(String::new(), |(_, n)| format!(" Did you mean '{n}'?"));
    if is_sparks(name) {
        SqlError::new(
            "UNSUPPORTED_ROUTINE",
            format!("The function '{name}' of Spark is not supported in the spark dialect yet.{hint}"),
        )
    } else {
        SqlError::new(
            "UNRESOLVED_ROUTINE",
            format!(
                "Cannot resolve routine `{name}`: neither Spark nor the session has it \
                 (tidemill.sql.dialect = datafusion has DataFusion's functions).{hint}"
            ),
        )
    }
}

/// Whether the result's type follows the types of all arguments, so that a number among them needs its own.
pub(crate) fn types_follow_arguments(name: &str) -> bool {
    !matches!(name, "round" | "bround")
}

/// The type as Spark prints it in capitals.
pub(crate) fn type_name(data_type: &DataType) -> String {
    if let Some(fields) = IntervalFields::of_type(data_type) {
        return format!("INTERVAL {fields}");
    }
    match data_type {
        DataType::Null => "VOID".to_owned(),
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int8 => "TINYINT".to_owned(),
        DataType::Int16 => "SMALLINT".to_owned(),
        DataType::Int32 => "INT".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::Float32 => "FLOAT".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "STRING".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "BINARY".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond, None) => "TIMESTAMP_NTZ".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "TIMESTAMP".to_owned(),
        DataType::Decimal128(p, s) => format!("DECIMAL({p},{s})"),
        DataType::List(field) => format!("ARRAY<{}>", type_name(field.data_type())),
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|f| format!("{}: {}", f.name(), type_name(f.data_type())))
                .collect();
            format!("STRUCT<{}>", fields.join(", "))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => {
                let parts: Vec<String> = fields.iter().map(|f| type_name(f.data_type())).collect();
                format!("MAP<{}>", parts.join(", "))
            }
            other => other.to_string(),
        },
        other => other.to_string(),
    }
}
