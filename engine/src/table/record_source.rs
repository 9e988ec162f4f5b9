//! Files that decoders of this crate read, in a DataFusion scan: JSON, CSV and text through the record decoders, and ORC.
//!
//! One blocking task a file of records reads, unpacks and decodes, and hands batches over a short channel; the columns
//! that a query does not use are not decoded. Files are not split: a record's start is only known from the file's start.

use std::fmt;
use std::io::Read;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use bytes::{Buf, Bytes};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result as DataFusionResult;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_plan::apply_expression_roots;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion_datasource::file::FileSource;
use datafusion_datasource::file_scan_config::FileScanConfig;
use datafusion_datasource::file_stream::{FileOpenFuture, FileOpener};
use datafusion_datasource::projection::{ProjectionOpener, SplitProjection};
use datafusion_datasource::{PartitionedFile, TableSchema};
use futures::TryStreamExt;
use futures::stream::BoxStream;
use object_store::{GetResultPayload, ObjectStore, ObjectStoreExt};
use tidemill_sql::record::{DEFAULT_BATCH_ROWS, RecordDecoder, RecordError};
use tokio::sync::mpsc;

use super::blocking_stream::{BatchSender, CHANNEL_LENGTH, from_blocking};
use super::format::{FileFormat, FileFormatKind};
use super::orc::OrcOpener;
use crate::{ErrorKind, Result, TidemillError};

/// How many bytes are read at once.
const CHUNK_BYTES: usize = 256 << 10;

/// Files of records, or of ORC.
#[derive(Clone)]
pub(super) struct RecordSource {
    table_schema: TableSchema,
    projection: SplitProjection,
    format: Arc<FileFormat>,
    batch_rows: usize,
    metrics: ExecutionPlanMetricsSet,
}

impl RecordSource {
    pub(super) fn new(table_schema: TableSchema, format: Arc<FileFormat>) -> Self {
        Self {
            projection: SplitProjection::unprojected(&table_schema),
            table_schema,
            format,
            batch_rows: DEFAULT_BATCH_ROWS,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl FileSource for RecordSource {
    fn create_file_opener(
        &self,
        object_store: Arc<dyn ObjectStore>,
        _base_config: &FileScanConfig,
        _partition: usize,
    ) -> DataFusionResult<Arc<dyn FileOpener>> {
        let schema = self.table_schema.file_schema();
        let columns = self.projection.file_indices.clone();
        let opener: Arc<dyn FileOpener> = match self.format.kind {
            FileFormatKind::Orc => Arc::new(OrcOpener {
                store: object_store,
                schema: Arc::clone(schema),
                columns,
                batch_rows: self.batch_rows,
            }),
            _ => Arc::new(RecordOpener {
                store: object_store,
                schema: Arc::clone(schema),
                columns,
                format: Arc::clone(&self.format),
                batch_rows: self.batch_rows,
            }),
        };
        ProjectionOpener::try_new(self.projection.clone(), opener, schema)
    }

    fn table_schema(&self) -> &TableSchema {
        &self.table_schema
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        let mut out = self.clone();
        out.batch_rows = batch_size;
        Arc::new(out)
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        Some(&self.projection.source)
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        &self.metrics
    }

    fn file_type(&self) -> &str {
        self.format.kind.name()
    }

    fn supports_repartitioning(&self) -> bool {
        false
    }

    fn try_pushdown_projection(
        &self,
        projection: &ProjectionExprs,
    ) -> DataFusionResult<Option<Arc<dyn FileSource>>> {
        let mut out = self.clone();
        let merged = self.projection.source.try_merge(projection)?;
        out.projection = SplitProjection::new(self.table_schema.file_schema(), &merged);
        Ok(Some(Arc::new(out)))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataFusionResult<TreeNodeRecursion>,
    ) -> DataFusionResult<TreeNodeRecursion> {
        apply_expression_roots(self.projection.source.iter(), f)
    }
}

/// Opens one file after another for one partition of a scan.
struct RecordOpener {
    store: Arc<dyn ObjectStore>,
    schema: SchemaRef,
    /// The columns that are wanted.
    columns: Vec<usize>,
    format: Arc<FileFormat>,
    batch_rows: usize,
}

impl fmt::Debug for RecordOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordOpener")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

impl FileOpener for RecordOpener {
    fn open(&self, file: PartitionedFile) -> DataFusionResult<FileOpenFuture> {
        let decoder = self
            .format
            .decoder(&self.schema, &self.columns, self.batch_rows)?;
        let store = Arc::clone(&self.store);
        let format = Arc::clone(&self.format);
        Ok(Box::pin(async move {
            let location = file.object_meta.location;
            let name = location.filename().unwrap_or_default().to_owned();
            let raw: Box<dyn Read + Send> = match store.get(&location).await?.payload {
                GetResultPayload::File(file, _) => Box::new(file),
                GetResultPayload::Stream(stream) => Box::new(ObjectReader::new(stream)),
            };
            let plain = format.plain(&name, raw)?;
            Ok(from_blocking(move |sender| decode_all(plain, decoder, sender)))
        }))
    }
}

fn decode_all(
    mut bytes: Box<dyn Read + Send>,
    mut decoder: Box<dyn RecordDecoder>,
    sender: &BatchSender,
) -> Result<()> {
    let mut buffer: Vec<u8> = Vec::new();
    let mut end = false;
    loop {
        let filled = buffer.len();
        // A record longer than the buffer doubles it, so that it is not looked through too often.
        buffer.resize(filled + CHUNK_BYTES.max(filled), 0);
        let mut read = filled;
        while let Some(space) = buffer.get_mut(read..).filter(|space| !space.is_empty()) {
            match bytes.read(space) {
                Ok(0) => {
                    end = true;
                    break;
                }
                Ok(count) => read += count,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(unreadable(e)),
            }
        }
        buffer.truncate(read);
        let taken = decode_buffer(&buffer, end, decoder.as_mut(), sender)?;
        let Some(taken) = taken else { return Ok(()) };
        if end {
            return Ok(());
        }
        buffer.drain(..taken);
    }
}

/// Decodes what is there and sends full batches, at the end of the file all of them; gives the bytes taken, or none
/// when nobody wants more.
fn decode_buffer(
    buffer: &[u8],
    end: bool,
    decoder: &mut dyn RecordDecoder,
    sender: &BatchSender,
) -> Result<Option<usize>> {
    let mut taken = 0;
    loop {
        let rest = buffer.get(taken..).unwrap_or_default();
        let count = decoder.decode(rest, end).map_err(malformed)?;
        taken += count;
        let full = decoder.is_full();
        if full || end {
            match decoder.flush().map_err(malformed)? {
                Some(batch) => {
                    if sender.blocking_send(Ok(batch)).is_err() {
                        return Ok(None);
                    }
                    continue;
                }
                None if end && count == 0 && taken < buffer.len() => {
                    return Err(TidemillError::internal(format!(
                        "the record decoder left {} bytes at the end of a file",
                        buffer.len() - taken
                    )));
                }
                None if end && taken < buffer.len() => continue,
                None => {}
            }
        }
        return Ok(Some(taken));
    }
}

fn malformed(error: RecordError) -> TidemillError {
    TidemillError::invalid(error.condition(), error.to_string()).with_source(error)
}

fn unreadable(error: std::io::Error) -> TidemillError {
    TidemillError::new(ErrorKind::Corrupt, "FAILED_READ_FILE.NO_HINT", error.to_string()).with_source(error)
}

/// The bytes of an object as they arrive, for a blocking reader.
struct ObjectReader {
    pieces: mpsc::Receiver<object_store::Result<Bytes>>,
    piece: Bytes,
}

impl ObjectReader {
    fn new(mut stream: BoxStream<'static, object_store::Result<Bytes>>) -> Self {
        let (sender, pieces) = mpsc::channel(CHANNEL_LENGTH);
        // Ends with the stream, or when the reader is dropped.
        tokio::spawn(async move {
            loop {
                let next = match stream.try_next().await {
                    Ok(None) => return,
                    Ok(Some(piece)) => Ok(piece),
                    Err(error) => Err(error),
                };
                let failed = next.is_err();
                if sender.send(next).await.is_err() || failed {
                    return;
                }
            }
        });
        Self {
            pieces,
            piece: Bytes::new(),
        }
    }
}

impl Read for ObjectReader {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                None => return Ok(0),
                Some(piece) => self.piece = piece.map_err(std::io::Error::other)?,
            }
        }
        let count = space.len().min(self.piece.len());
        self.piece
            .copy_to_slice(space.get_mut(..count).unwrap_or_default());
        Ok(count)
    }
}
