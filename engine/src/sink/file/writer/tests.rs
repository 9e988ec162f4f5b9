//! What the writer puts into Parquet files, read back with the `parquet` crate.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DurationMicrosecondArray, Int32Array, Int64Array, IntervalYearMonthArray,
    RecordBatch, StructArray, TimestampMicrosecondArray,
};
use arrow::array::{Int32Builder, ListBuilder, MapBuilder, TimestampMicrosecondBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, IntervalUnit, Schema, TimeUnit};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Type};
use tidemill_sql::record::value::INTERVAL_FIELDS_KEY;

use super::parquet::ParquetFormat;
use super::{PartEncoder, PartOutput, TimestampType};

fn utc() -> DataType {
    DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()))
}

fn stamps(values: Vec<Option<i64>>) -> TimestampMicrosecondArray {
    TimestampMicrosecondArray::from(values).with_timezone("UTC")
}

fn list() -> ArrayRef {
    let item = Field::new("element", utc(), true);
    let mut list = ListBuilder::new(TimestampMicrosecondBuilder::new().with_timezone("UTC")).with_field(item);
    list.append_value([Some(1_000_000), None, Some(-1)]);
    list.append_null();
    list.append_value([]);
    list.append_value([None]);
    Arc::new(list.finish())
}

fn map() -> ArrayRef {
    let values = TimestampMicrosecondBuilder::new().with_timezone("UTC");
    let mut map = MapBuilder::new(None, Int32Builder::new(), values).with_values_field(Field::new(
        "value",
        utc(),
        true,
    ));
    map.keys().append_value(1);
    map.values().append_value(5);
    map.keys().append_value(2);
    map.values().append_null();
    map.append(true).unwrap();
    map.append(false).unwrap();
    map.append(true).unwrap();
    map.append(true).unwrap();
    Arc::new(map.finish())
}

fn nested() -> ArrayRef {
    let inner: ArrayRef = Arc::new(stamps(vec![Some(7), None, None, Some(9)]));
    let field = Arc::new(Field::new("t", utc(), true));
    let present = arrow::buffer::NullBuffer::from(vec![true, false, true, true]);
    Arc::new(StructArray::new(vec![field].into(), vec![inner], Some(present)))
}

fn all() -> RecordBatch {
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        (
            "ts",
            Arc::new(stamps(vec![
                Some(1_704_067_200_123_456),
                None,
                Some(-1),
                Some(i64::from(i32::MIN)),
            ])),
            true,
        ),
        ("li", list(), true),
        ("ma", map(), true),
        ("st", nested(), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn write(batch: &RecordBatch, timestamps: TimestampType) -> Bytes {
    let format = ParquetFormat::new(&batch.schema(), timestamps, Compression::SNAPPY).unwrap();
    let mut encoder = Box::new(format.open(PartOutput::Buffer(Vec::new())).unwrap());
    encoder.write(&batch.slice(0, 3)).unwrap();
    encoder.write(&batch.slice(3, 1)).unwrap();
    match encoder.finish().unwrap() {
        PartOutput::Buffer(bytes) => Bytes::from(bytes),
        PartOutput::Local(_) => panic!("a buffer was given"),
    }
}

#[test]
fn timestamps_are_int96_at_every_depth_and_read_back() {
    for timestamps in [TimestampType::Int96, TimestampType::Micros] {
        let batch = all();
        let reader = ParquetRecordBatchReaderBuilder::try_new(write(&batch, timestamps)).unwrap();
        let physical = match timestamps {
            TimestampType::Int96 => Type::INT96,
            TimestampType::Micros | TimestampType::Millis => Type::INT64,
        };
        let leaves = reader
            .parquet_schema()
            .columns()
            .iter()
            .filter(|c| c.physical_type() == physical)
            .count();
        assert_eq!(leaves, 4, "{:?}", reader.parquet_schema());
        let read: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
        assert_eq!(read.len(), 1);
        for (expected, found) in batch.columns().iter().zip(read[0].columns()) {
            let found = cast(found, expected.data_type()).unwrap();
            assert_eq!(format!("{found:?}"), format!("{expected:?}"));
        }
    }
}

/// Spark's schema in the metadata of a file.
fn spark_schema(file: Bytes) -> String {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let metadata = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let schema = metadata
        .iter()
        .find(|kv| kv.key == "org.apache.spark.sql.parquet.row.metadata");
    schema.unwrap().value.clone().unwrap()
}

#[test]
fn intervals_are_numbers_whose_fields_are_in_sparks_schema() {
    let days = Field::new("d", DataType::Duration(TimeUnit::Microsecond), true);
    let days = days.with_metadata([(INTERVAL_FIELDS_KEY.to_owned(), "DAY".to_owned())].into());
    let months = Field::new("m", DataType::Interval(IntervalUnit::YearMonth), true);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(DurationMicrosecondArray::from(vec![
            Some(86_400_000_000),
            None,
            Some(-1),
            Some(0),
        ])),
        Arc::new(IntervalYearMonthArray::from(vec![
            Some(14),
            None,
            Some(-1),
            Some(0),
        ])),
    ];
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![days, months])), columns).unwrap();
    let file = write(&batch, TimestampType::Int96);
    let expected = concat!(
        r#"{"type":"struct","fields":[{"name":"d","type":"interval day","nullable":true,"metadata":{}},"#,
        r#"{"name":"m","type":"interval year to month","nullable":true,"metadata":{}}]}"#,
    );
    assert_eq!(spark_schema(file.clone()), expected);
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let read: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    let (days, months) = (read[0].column(0), read[0].column(1));
    assert_eq!(
        days.as_primitive::<Int64Type>(),
        &Int64Array::from(vec![Some(86_400_000_000), None, Some(-1), Some(0)])
    );
    assert_eq!(
        months.as_primitive::<Int32Type>(),
        &Int32Array::from(vec![Some(14), None, Some(-1), Some(0)])
    );
    let nested: ArrayRef = Arc::new(StructArray::from(vec![(
        Arc::new(batch.schema().field(1).clone()),
        Arc::clone(batch.column(1)),
    )]));
    let nested = RecordBatch::try_from_iter([("s", nested)]).unwrap();
    let refused =
        ParquetFormat::new(&nested.schema(), TimestampType::Int96, Compression::SNAPPY).unwrap_err();
    assert_eq!(refused.condition(), "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE");
}

#[test]
fn files_carry_sparks_schema() {
    let schema = spark_schema(write(&all(), TimestampType::Int96));
    let expected = concat!(
        r#"{"type":"struct","fields":[{"name":"ts","type":"timestamp","nullable":true,"metadata":{}},"#,
        r#"{"name":"li","type":{"type":"array","elementType":"timestamp","containsNull":true},"nullable":true,"metadata":{}},"#,
        r#"{"name":"ma","type":{"type":"map","keyType":"integer","valueType":"timestamp","valueContainsNull":true},"nullable":true,"metadata":{}},"#,
        r#"{"name":"st","type":{"type":"struct","fields":[{"name":"t","type":"timestamp","nullable":true,"metadata":{}}]},"nullable":true,"metadata":{}}]}"#,
    );
    assert_eq!(schema, expected);
}
