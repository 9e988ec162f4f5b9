//! The columns of files without a schema.

use std::io::{Cursor, Read};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionState;
use datafusion::parquet::arrow::parquet_to_arrow_schema;
use datafusion::parquet::file::metadata::ParquetMetaData;
use datafusion_datasource_parquet::metadata::DFParquetMetadata;
use futures::TryFutureExt;
use object_store::{GetResult, ObjectStoreExt};

use super::TableFile;
use super::file_table::object_meta;
use super::format::{FileFormat, FileFormatKind};
use super::guard::unreadable_file;
use super::merge_schema;
use super::orc;
use crate::blocking::run_blocking;
use crate::{Result, TidemillError};

/// Columns are looked for in whole files, up to about so many bytes of them.
const MAX_INFERENCE_BYTES: u64 = 256 << 20;

/// The columns of these files: of Parquet and ORC, those of the first file unless option `mergeSchema` is set.
///
/// # Errors
/// `UNABLE_TO_INFER_SCHEMA` when there is no file to look at.
pub(crate) async fn infer_schema(
    format: &FileFormat,
    files: &[TableFile],
    state: &SessionState,
    path: &str,
) -> Result<SchemaRef> {
    let unable = || {
        TidemillError::invalid(
            "UNABLE_TO_INFER_SCHEMA",
            format!(
                "Unable to infer schema for {}: {path} holds no file to look at. It must be specified manually.",
                format.kind.name()
            ),
        )
    };
    match format.kind {
        FileFormatKind::Parquet => {
            let (first, others) = files.split_first().ok_or_else(unable)?;
            let mut schema = parquet_schema(first, state).await?;
            for file in others.iter().filter(|_| format.merges_schemas()) {
                let found = parquet_schema(file, state).await?;
                schema = Arc::new(merge_schema::merge(&schema, &found)?);
            }
            Ok(schema)
        }
        FileFormatKind::Orc => orc_schema(format, files, state).await?.ok_or_else(unable),
        FileFormatKind::Json | FileFormatKind::Csv | FileFormatKind::Text => {
            if files.is_empty() {
                return Err(unable());
            }
            record_schema(format, files, state).await
        }
    }
}

/// The columns that the records of these files have.
async fn record_schema(format: &FileFormat, files: &[TableFile], state: &SessionState) -> Result<SchemaRef> {
    let mut contents: Vec<Vec<u8>> = Vec::new();
    let mut bytes = 0_u64;
    for file in files {
        if bytes > MAX_INFERENCE_BYTES {
            log::warn!(
                "the columns are inferred from the first {} of {} files; write a schema if later ones have more",
                contents.len(),
                files.len()
            );
            break;
        }
        bytes = bytes.saturating_add(file.size_bytes);
        let (store, path) = file.uri.object_store(state.runtime_env())?;
        let raw = store
            .get(&path)
            .and_then(GetResult::bytes)
            .await
            .map_err(|e| unreadable_file(&file.uri, e.into()))?;
        let name = file.uri.name().to_owned();
        let format = format.clone();
        let plain = run_blocking(move || {
            let mut plain = Vec::new();
            format
                .plain(&name, Box::new(Cursor::new(raw)))?
                .read_to_end(&mut plain)
                .map_err(|e| TidemillError::from(DataFusionError::from(e)))?;
            Ok::<_, TidemillError>(plain)
        })
        .await?
        .map_err(|e| unreadable_file(&file.uri, e.into()))?;
        contents.push(plain);
    }
    let contents: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
    format.infer(&contents)
}

/// The columns of ORC files. One without columns, or that may be left out, tells none.
async fn orc_schema(
    format: &FileFormat,
    files: &[TableFile],
    state: &SessionState,
) -> Result<Option<SchemaRef>> {
    let mut known: Option<Schema> = None;
    for file in files.iter().filter(|file| file.size_bytes > 0) {
        let (store, _) = file.uri.object_store(state.runtime_env())?;
        let found = match orc::file_schema(store.as_ref(), &object_meta(file)?).await {
            Ok(found) => found,
            Err(error) if format.ignore_corrupt_files => {
                log::warn!("skipping {}, which cannot be read: {error}", file.uri);
                continue;
            }
            Err(error) => return Err(unreadable_file(&file.uri, error)),
        };
        if found.fields().is_empty() {
            continue;
        }
        let merged = match known {
            None => found,
            Some(known) => merge_schema::merge(&known, &found)?,
        };
        if !format.merges_schemas() {
            return Ok(Some(Arc::new(merged)));
        }
        known = Some(merged);
    }
    Ok(known.map(Arc::new))
}

async fn parquet_schema(file: &TableFile, state: &SessionState) -> Result<SchemaRef> {
    let (store, _) = file.uri.object_store(state.runtime_env())?;
    let meta = object_meta(file)?;
    let metadata: Arc<ParquetMetaData> = DFParquetMetadata::new(store.as_ref(), &meta)
        .fetch_metadata()
        .await?;
    let file_metadata = metadata.file_metadata();
    // What the file says itself: an embedded Arrow schema of another writer is not Spark's reading.
    let schema =
        parquet_to_arrow_schema(file_metadata.schema_descr(), None).map_err(DataFusionError::from)?;
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| Field::new(field.name(), spark_type(field.data_type()), true))
        .collect();
    Ok(Arc::new(Schema::new(fields)))
}

/// The type that Spark reads for an Arrow type found in a file.
fn spark_type(found: &DataType) -> DataType {
    match found {
        // INT96 comes as nanoseconds without a zone; Spark reads it as an instant.
        DataType::Timestamp(TimeUnit::Nanosecond, None) => utc(),
        DataType::Timestamp(_, Some(_)) => utc(),
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Dictionary(_, value) => spark_type(value),
        DataType::Float16 => DataType::Float32,
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => DataType::Decimal128(*p, *s),
        DataType::List(element) | DataType::LargeList(element) => {
            DataType::List(Field::new("element", spark_type(element.data_type()), true).into())
        }
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|f| spark_field(f)).collect()),
        DataType::Map(entries, sorted) => DataType::Map(spark_entries(entries), *sorted),
        other => other.clone(),
    }
}

fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn spark_field(field: &Field) -> Field {
    Field::new(field.name(), spark_type(field.data_type()), true)
}

fn spark_entries(entries: &Field) -> FieldRef {
    let DataType::Struct(fields) = entries.data_type() else {
        return entries.clone().into();
    };
    let fields: Fields = fields
        .iter()
        .zip(["key", "value"])
        .map(|(field, name)| Field::new(name, spark_type(field.data_type()), name == "value"))
        .collect();
    Field::new("entries", DataType::Struct(fields), false).into()
}

/// The column with nulls allowed everywhere within it: files promise nothing.
pub(crate) fn nullable(field: &Field) -> FieldRef {
    Field::new(field.name(), nullable_type(field.data_type()), true)
        .with_metadata(field.metadata().clone())
        .into()
}

fn nullable_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::List(element) => DataType::List(nullable(element)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|f| nullable(f)).collect()),
        DataType::Map(entries, sorted) => match entries.data_type() {
            // A map's entries and keys are never null.
            DataType::Struct(fields) if fields.len() == 2 => {
                let fields: Fields = fields
                    .iter()
                    .enumerate()
                    .map(|(at, f)| Field::new(f.name(), nullable_type(f.data_type()), at == 1))
                    .collect();
                DataType::Map(
                    Field::new(entries.name(), DataType::Struct(fields), false).into(),
                    *sorted,
                )
            }
            _ => data_type.clone(),
        },
        other => other.clone(),
    }
}
