//! Parquet part files: the `parquet` crate's column encoders, and INT96 for timestamps.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Int32Type, IntervalYearMonthType, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::Compression;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::SchemaDescriptor;

use super::int96::{Int96Column, int96_leaves};
use super::schema::{TimestampType, parquet_schema, storage_schema};
use super::spark_schema::spark_schema_json;
use super::{PartEncoder, PartOutput};
use crate::{ErrorKind, Result, TidemillError};

/// What all part files of a sink share.
#[derive(Debug)]
pub(crate) struct ParquetFormat {
    schema: SchemaRef,
    descriptor: SchemaDescriptor,
    timestamps: TimestampType,
    properties: Arc<WriterProperties>,
}

impl ParquetFormat {
    /// For rows of this schema.
    pub(crate) fn new(schema: &Schema, timestamps: TimestampType, compression: Compression) -> Result<Self> {
        if let Some(field) = schema.fields().iter().find(|f| has_inner_interval(f.data_type())) {
            return Err(TidemillError::unsupported(
                "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
                format!(
                    "an interval inside of the column {} is not supported in Parquet files yet",
                    field.name()
                ),
            ));
        }
        let stored = storage_schema(schema, timestamps);
        let descriptor = parquet_schema(&stored, timestamps).map_err(|e| unsupported(schema, &e))?;
        let mut metadata = vec![KeyValue::new(
            "org.apache.spark.version".to_owned(),
            SPARK_VERSION.to_owned(),
        )];
        if let Some(json) = spark_schema_json(&stored) {
            metadata.push(KeyValue::new(
                "org.apache.spark.sql.parquet.row.metadata".to_owned(),
                json,
            ));
        }
        let mut properties = WriterProperties::builder()
            .set_compression(compression)
            .set_key_value_metadata(Some(metadata));
        if timestamps == TimestampType::Int96 {
            for column in descriptor.columns() {
                // INT96 has no defined order, so readers must ignore its statistics.
                if column.physical_type() == parquet::basic::Type::INT96 {
                    properties = properties
                        .set_column_statistics_enabled(column.path().clone(), EnabledStatistics::None);
                }
            }
        }
        Ok(Self {
            schema: stored,
            descriptor,
            timestamps,
            properties: Arc::new(properties.build()),
        })
    }

    /// A new part file.
    pub(crate) fn open(&self, output: PartOutput) -> Result<ParquetEncoder> {
        let root = self.descriptor.root_schema_ptr();
        let writer = SerializedFileWriter::new(output, root, Arc::clone(&self.properties)).map_err(failed)?;
        let factory = ArrowRowGroupWriterFactory::new(&writer, Arc::clone(&self.schema));
        let int96 = match self.timestamps {
            TimestampType::Int96 => int96_leaves(self.schema.fields().iter().map(AsRef::as_ref)),
            TimestampType::Micros | TimestampType::Millis => {
                self.descriptor.columns().iter().map(|_| None).collect()
            }
        };
        Ok(ParquetEncoder {
            schema: Arc::clone(&self.schema),
            writer,
            factory,
            row_group: Vec::new(),
            int96,
            rows: 0,
            max_rows: self
                .properties
                .max_row_group_row_count()
                .unwrap_or(MAX_ROW_GROUP_ROWS),
        })
    }
}

/// Tells Spark's reader that dates and timestamps are in the proleptic Gregorian calendar (any version from 3.0 on).
const SPARK_VERSION: &str = "4.3.0";

/// Rows of a row group when the properties name no number.
const MAX_ROW_GROUP_ROWS: usize = 1_048_576;

/// One part file.
pub(crate) struct ParquetEncoder {
    schema: SchemaRef,
    writer: SerializedFileWriter<PartOutput>,
    factory: ArrowRowGroupWriterFactory,
    /// One writer per leaf; empty between row groups.
    row_group: Vec<ArrowColumnWriter>,
    int96: Vec<Option<Int96Column>>,
    rows: usize,
    max_rows: usize,
}

impl PartEncoder for ParquetEncoder {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut offset = 0;
        while offset < batch.num_rows() {
            let take = (self.max_rows - self.rows).min(batch.num_rows() - offset);
            let piece = batch.slice(offset, take);
            self.encode(&piece).map_err(failed)?;
            offset += take;
            if self.rows >= self.max_rows {
                self.finish_row_group().map_err(failed)?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<PartOutput> {
        self.finish_row_group().map_err(failed)?;
        self.writer.into_inner().map_err(failed)
    }
}

impl ParquetEncoder {
    fn encode(&mut self, batch: &RecordBatch) -> ParquetResult<()> {
        if self.row_group.is_empty() {
            self.row_group = self
                .factory
                .create_column_writers(self.writer.flushed_row_groups().len())?;
        }
        let columns = self.stored_columns(batch)?;
        let mut leaf = 0;
        for (field, column) in self.schema.fields().iter().zip(&columns) {
            for levels in compute_leaves(field, column)? {
                if let (Some(None), Some(writer)) = (self.int96.get(leaf), self.row_group.get_mut(leaf)) {
                    writer.write(&levels)?;
                }
                leaf += 1;
            }
        }
        for column in self.int96.iter_mut().flatten() {
            column.append(&columns)?;
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    /// The columns in the types of the file.
    fn stored_columns(&self, batch: &RecordBatch) -> ParquetResult<Vec<ArrayRef>> {
        let options = CastOptions {
            safe: false,
            ..CastOptions::default()
        };
        let fields = self.schema.fields().iter();
        let columns = fields
            .zip(batch.columns())
            .map(|(field, column)| -> ParquetResult<ArrayRef> {
                if column.data_type().equals_datatype(field.data_type()) {
                    Ok(Arc::clone(column))
                } else if let Some(months) = column.as_primitive_opt::<IntervalYearMonthType>() {
                    Ok(Arc::new(months.reinterpret_cast::<Int32Type>()))
                } else {
                    Ok(cast_with_options(column, field.data_type(), &options)?)
                }
            });
        columns.collect()
    }

    fn finish_row_group(&mut self) -> ParquetResult<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut row_group = self.writer.next_row_group()?;
        for (writer, int96) in std::mem::take(&mut self.row_group)
            .into_iter()
            .zip(&mut self.int96)
        {
            match int96 {
                None => writer.close()?.append_to_row_group(&mut row_group)?,
                Some(int96) => {
                    let column = row_group.next_column()?;
                    let column =
                        column.ok_or_else(|| ParquetError::General("a column is missing".to_owned()))?;
                    int96.write(column)?;
                }
            }
        }
        row_group.close()?;
        self.rows = 0;
        Ok(())
    }
}

/// Whether there is an interval in a part of the type.
fn has_inner_interval(data_type: &DataType) -> bool {
    let is_one = |t: &DataType| matches!(t, DataType::Duration(_) | DataType::Interval(_));
    let holds = |t: &DataType| is_one(t) || has_inner_interval(t);
    match data_type {
        DataType::List(item) | DataType::LargeList(item) | DataType::Map(item, _) => holds(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| holds(field.data_type())),
        _ => false,
    }
}

fn unsupported(schema: &Schema, error: &ParquetError) -> TidemillError {
    let columns: Vec<String> = schema
        .fields()
        .iter()
        .map(|f| format!("{} {}", f.name(), f.data_type()))
        .collect();
    TidemillError::unsupported(
        "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
        format!(
            "the Parquet datasource cannot hold the columns ({}): {error}",
            columns.join(", ")
        ),
    )
}

fn failed(error: ParquetError) -> TidemillError {
    TidemillError::new(
        ErrorKind::Retry,
        "FILE_SINK_WRITE_FAILED",
        format!("cannot write a Parquet file: {error}"),
    )
    .with_source(error)
}
