//! The schema of a Parquet file as Spark writes it.
//!
//! All columns are optional but map keys; lists and maps have Spark's three levels; a TIMESTAMP is INT96 unless
//! `spark.sql.parquet.outputTimestampType` says otherwise.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, IntervalUnit, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::{LogicalType, Type as PhysicalType};
use parquet::errors::Result as ParquetResult;
use parquet::schema::types::{SchemaDescriptor, Type};
use tidemill_sql::record::value::{INTERVAL_FIELDS_KEY, IntervalFields};

/// `spark.sql.parquet.outputTimestampType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimestampType {
    /// Twelve bytes: nanoseconds of the day and a Julian day.
    Int96,
    /// INT64, microseconds since the epoch.
    Micros,
    /// INT64, milliseconds since the epoch, rounded down.
    Millis,
}

/// The types that batches are brought to before they are encoded.
pub(crate) fn storage_schema(schema: &Schema, timestamps: TimestampType) -> SchemaRef {
    let fields: Vec<FieldRef> = schema
        .fields()
        .iter()
        .map(|f| storage_field(f, timestamps))
        .collect();
    Arc::new(Schema::new(fields))
}

/// An interval is a number of months or microseconds; its fields stay in the metadata, for Spark's schema.
fn storage_field(field: &Field, timestamps: TimestampType) -> FieldRef {
    let stored = Field::new(field.name(), storage_type(field.data_type(), timestamps), true);
    Arc::new(match IntervalFields::of(field) {
        Some(fields) => {
            let fields = (INTERVAL_FIELDS_KEY.to_owned(), fields.to_string());
            stored.with_metadata([fields].into())
        }
        None => stored,
    })
}

fn storage_type(data_type: &DataType, timestamps: TimestampType) -> DataType {
    match data_type {
        DataType::Timestamp(_, Some(zone)) if timestamps == TimestampType::Millis => {
            DataType::Timestamp(TimeUnit::Millisecond, Some(Arc::clone(zone)))
        }
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        DataType::Duration(TimeUnit::Microsecond) => DataType::Int64,
        DataType::Interval(IntervalUnit::YearMonth) => DataType::Int32,
        DataType::List(item) => DataType::List(storage_field(item, timestamps)),
        DataType::LargeList(item) => DataType::LargeList(storage_field(item, timestamps)),
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|f| storage_field(f, timestamps)).collect())
        }
        DataType::Map(entries, sorted) => {
            let DataType::Struct(pair) = entries.data_type() else {
                return data_type.clone();
            };
            let parts = pair.iter().enumerate().map(|(i, f)| {
                let field = storage_field(f, timestamps);
                if i == 0 {
                    Arc::new(field.as_ref().clone().with_nullable(false))
                } else {
                    field
                }
            });
            let entries = Field::new(entries.name(), DataType::Struct(parts.collect()), false);
            DataType::Map(Arc::new(entries), *sorted)
        }
        other => other.clone(),
    }
}

/// The Parquet schema of a storage schema.
pub(crate) fn parquet_schema(schema: &Schema, timestamps: TimestampType) -> ParquetResult<SchemaDescriptor> {
    let converted = ArrowSchemaConverter::new()
        .with_coerce_types(true)
        .schema_root("spark_schema")
        .convert(schema)?;
    if timestamps != TimestampType::Int96 {
        return Ok(converted);
    }
    let root = with_int96(converted.root_schema())?;
    Ok(SchemaDescriptor::new(Arc::new(root)))
}

/// The same type with INT96 for every timestamp that is an instant.
fn with_int96(node: &Type) -> ParquetResult<Type> {
    let info = node.get_basic_info();
    if node.is_primitive() {
        return match info.logical_type_ref() {
            Some(LogicalType::Timestamp(stamp)) if stamp.is_adjusted_to_u_t_c => {
                Type::primitive_type_builder(info.name(), PhysicalType::INT96)
                    .with_repetition(info.repetition())
                    .build()
            }
            _ => Ok(node.clone()),
        };
    }
    let fields = node
        .get_fields()
        .iter()
        .map(|f| with_int96(f).map(Arc::new))
        .collect::<ParquetResult<_>>()?;
    let mut builder = Type::group_type_builder(info.name())
        .with_fields(fields)
        .with_converted_type(info.converted_type())
        .with_logical_type(info.logical_type_ref().cloned());
    if info.has_repetition() {
        builder = builder.with_repetition(info.repetition());
    }
    builder.build()
}
