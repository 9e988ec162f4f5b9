//! ORC files in a DataFusion scan: a stream of the batches of one stripe after the other.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion_datasource::PartitionedFile;
use datafusion_datasource::file_stream::{FileOpenFuture, FileOpener};
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStore;

use super::reading::TableReading;
use super::stripe::FetchedStripe;
use super::tail::OrcTail;
use crate::table::blocking_stream::{BatchSender, from_blocking};

/// Opens one file after another for one partition of a scan.
pub(in crate::table) struct OrcOpener {
    pub(in crate::table) store: Arc<dyn ObjectStore>,
    /// The columns of the table's files.
    pub(in crate::table) schema: SchemaRef,
    /// Those that are wanted.
    pub(in crate::table) columns: Vec<usize>,
    pub(in crate::table) batch_rows: usize,
}

impl fmt::Debug for OrcOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrcOpener")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

impl FileOpener for OrcOpener {
    fn open(&self, file: PartitionedFile) -> DataFusionResult<FileOpenFuture> {
        let (store, batch_rows) = (Arc::clone(&self.store), self.batch_rows);
        let (schema, columns) = (Arc::clone(&self.schema), self.columns.clone());
        Ok(Box::pin(async move {
            let file = file.object_meta;
            if file.size == 0 {
                return Ok(futures::stream::empty().boxed());
            }
            let tail = Arc::new(OrcTail::fetch(store.as_ref(), &file).await?);
            let reading = Arc::new(TableReading::new(&schema, &columns, &tail)?);
            let stripes = tail.metadata.stripe_metadatas().to_vec();
            let batches = futures::stream::iter(stripes).then(move |info| {
                let (store, file) = (Arc::clone(&store), file.location.clone());
                let (tail, reading) = (Arc::clone(&tail), Arc::clone(&reading));
                async move {
                    let stripe = FetchedStripe::fetch(store.as_ref(), &file, tail, info, &reading).await?;
                    let decode = move |sender: &BatchSender| {
                        stripe.decode(&reading, batch_rows, |batch| {
                            sender.blocking_send(Ok(batch)).is_ok()
                        })
                    };
                    Ok::<_, DataFusionError>(from_blocking(decode))
                }
            });
            Ok(batches.try_flatten().boxed())
        }))
    }
}
