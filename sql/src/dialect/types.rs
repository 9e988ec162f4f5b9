//! Spark's types in expressions: `CAST(x AS STRING)`.

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::sql::sqlparser::ast::{ArrayElemTypeDef, DataType as SqlType, ExactNumberInfo, TimezoneInfo};
use datafusion::sql::sqlparser::parser::Parser;
use std::sync::Arc;

use super::SqlDialect;
use super::statements::{array, map, parse_schema_ddl, timestamp};
use super::tokens::{parser_dialect, parser_error};
use crate::SqlError;
use crate::record::value::IntervalFields;

/// Plans types as Spark means them; a type that Spark does not have is an error.
#[derive(Debug)]
pub(crate) struct SparkTypes;

impl TypePlanner for SparkTypes {
    fn plan_type_field(&self, sql_type: &SqlType) -> DataFusionResult<Option<FieldRef>> {
        Ok(Some(Arc::new(Field::new("", data_type(sql_type)?, true))))
    }
}

/// The Arrow type of a type's text.
pub(crate) fn parse(text: &str) -> Result<DataType, SqlError> {
    if is_quoted_type(text) {
        return quoted(text);
    }
    let dialect = parser_dialect(SqlDialect::Spark);
    let sql_type = Parser::new(dialect.as_ref())
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_data_type())
        .map_err(|e| parser_error(&e))?;
    data_type(&sql_type)
}

/// Whether this is a type that the tokens layer has put in quotes, because the parser does not read it.
pub(crate) fn is_quoted_type(text: &str) -> bool {
    // Only that layer leaves a blank here.
    text.to_uppercase().contains("MAP <")
}

fn quoted(text: &str) -> Result<DataType, SqlError> {
    let schema = parse_schema_ddl(&format!("x {}", text.trim_matches('`')))?;
    let field = schema.fields().first().map(|f| f.data_type().clone());
    field.ok_or_else(|| SqlError::new("UNSUPPORTED_DATATYPE", format!("Unsupported data type {text}.")))
}

/// The Arrow type of a type in the text.
pub(crate) fn data_type(sql_type: &SqlType) -> Result<DataType, SqlError> {
    Ok(match sql_type {
        SqlType::Boolean => DataType::Boolean,
        SqlType::TinyInt(None) => DataType::Int8,
        SqlType::SmallInt(None) => DataType::Int16,
        SqlType::Int(None) | SqlType::Integer(None) => DataType::Int32,
        SqlType::BigInt(None) => DataType::Int64,
        SqlType::Float(ExactNumberInfo::None) | SqlType::Real => DataType::Float32,
        SqlType::Double(ExactNumberInfo::None) => DataType::Float64,
        SqlType::String(None) => DataType::Utf8,
        SqlType::Binary(None) => DataType::Binary,
        SqlType::Date => DataType::Date32,
        SqlType::Timestamp(None, TimezoneInfo::None) => timestamp(),
        SqlType::TimestampNtz(None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        SqlType::Decimal(info) | SqlType::Dec(info) | SqlType::Numeric(info) => decimal(info, sql_type)?,
        SqlType::Array(ArrayElemTypeDef::AngleBracket(element)) => array(data_type(element)?),
        SqlType::Map(key, value) => map(data_type(key)?, data_type(value)?),
        SqlType::Interval {
            fields: Some(fields),
            precision: None,
        } => IntervalFields::parse(&fields.to_string())
            .ok_or_else(|| unsupported(sql_type))?
            .data_type(),
        SqlType::Struct(fields, _) => {
            let fields: Result<Vec<Field>, SqlError> = fields
                .iter()
                .map(|f| {
                    let name = f.field_name.as_ref().ok_or_else(|| unsupported(sql_type))?;
                    Ok(Field::new(&name.value, data_type(&f.field_type)?, true))
                })
                .collect();
            DataType::Struct(fields?.into())
        }
        SqlType::Custom(name, _) if is_quoted_type(&name.to_string()) => quoted(&name.to_string())?,
        SqlType::Custom(name, modifiers) if modifiers.is_empty() => {
            match name.to_string().to_uppercase().as_str() {
                "BYTE" => DataType::Int8,
                "SHORT" => DataType::Int16,
                "LONG" => DataType::Int64,
                "TIMESTAMP_NTZ" => DataType::Timestamp(TimeUnit::Microsecond, None),
                "TIMESTAMP_LTZ" => timestamp(),
                _ => return Err(unsupported(sql_type)),
            }
        }
        _ => return Err(unsupported(sql_type)),
    })
}

fn decimal(info: &ExactNumberInfo, sql_type: &SqlType) -> Result<DataType, SqlError> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => (10, 0),
        ExactNumberInfo::Precision(precision) => (*precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (*precision, *scale),
    };
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(p @ 1..=38), Ok(s)) if s >= 0 && i64::from(s) <= i64::from(p) => Ok(DataType::Decimal128(p, s)),
        _ => Err(SqlError::new(
            "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
            format!("{sql_type}: the precision is 1 to 38, the scale 0 to the precision."),
        )),
    }
}

fn unsupported(sql_type: &SqlType) -> SqlError {
    SqlError::new(
        "UNSUPPORTED_DATATYPE",
        format!(
            "Unsupported data type \"{}\".",
            sql_type.to_string().to_uppercase()
        ),
    )
}
