//! Spark's names of types, for DESCRIBE.

use arrow::datatypes::{DataType, TimeUnit};

/// The type as Spark's `simpleString` writes it; Arrow's own name for what Spark does not have.
pub(super) fn spark_type(data_type: &DataType) -> String {
    let name = match data_type {
        DataType::Null => "void",
        DataType::Boolean => "boolean",
        DataType::Int8 => "tinyint",
        DataType::Int16 => "smallint",
        DataType::Int32 => "int",
        DataType::Int64 => "bigint",
        DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "binary",
        DataType::Date32 => "date",
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp",
        DataType::Timestamp(TimeUnit::Microsecond, None) => "timestamp_ntz",
        DataType::Decimal128(precision, scale) => return format!("decimal({precision},{scale})"),
        DataType::List(item) | DataType::LargeList(item) => {
            return format!("array<{}>", spark_type(item.data_type()));
        }
        DataType::Map(entries, _) => {
            if let DataType::Struct(fields) = entries.data_type()
                && let [key, value] = fields.as_ref()
            {
                return format!(
                    "map<{},{}>",
                    spark_type(key.data_type()),
                    spark_type(value.data_type())
                );
            }
            return data_type.to_string();
        }
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|f| format!("{}:{}", f.name(), spark_type(f.data_type())))
                .collect();
            return format!("struct<{}>", fields.join(","));
        }
        other => return other.to_string(),
    };
    name.to_owned()
}
