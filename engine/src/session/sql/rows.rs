//! The rows of a DataFrame as text for people and pipes.

use std::io::Write;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::dataframe::DataFrame;
use futures::TryStreamExt;
use tidemill_sql::record::{
    CsvEncoder, CsvWriteOptions, JsonEncoder, JsonWriteOptions, RecordEncoder, RecordError,
};

use crate::sink::show::{ShowOptions, show_string};
use crate::{ErrorKind, Result, StreamingSession, TidemillError};

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowFormat {
    /// A table, as Spark's `show` draws it, with all rows and whole cells.
    #[default]
    Table,
    /// One JSON object a line, fields without a value left out.
    Json,
    /// CSV with a header.
    Csv,
}

impl StreamingSession {
    /// Computes the rows and writes them. A table is written when all rows are there, the others batch by batch.
    ///
    /// # Errors
    /// The failure of the query; a type that the format cannot write; what `out` refuses.
    pub async fn write_rows(
        &self,
        frame: DataFrame,
        format: RowFormat,
        out: &mut (dyn Write + Send),
    ) -> Result<()> {
        let conf = self.conf();
        let time_zone = conf.get("spark.sql.session.timeZone").unwrap_or("UTC").to_owned();
        let schema = Arc::clone(frame.schema().inner());
        let mut rows = frame.execute_stream().await?;
        let mut batches: Vec<RecordBatch> = Vec::new();
        let Some(mut encoder) = encoder(format, &schema, &time_zone).map_err(refused)? else {
            while let Some(batch) = rows.try_next().await? {
                batches.push(batch);
            }
            let options = ShowOptions {
                num_rows: usize::MAX,
                truncate: 0,
                time_zone,
            };
            return write(out, show_string(&schema, &batches, &options)?.as_bytes());
        };
        let mut bytes = Vec::new();
        encoder.start(&mut bytes);
        while let Some(batch) = rows.try_next().await? {
            encoder.encode(&batch, &mut bytes).map_err(refused)?;
            write(out, &bytes)?;
            bytes.clear();
        }
        write(out, &bytes)
    }
}

/// The encoder of a format that is written batch by batch, with the writer's default options.
fn encoder(
    format: RowFormat,
    schema: &SchemaRef,
    time_zone: &str,
) -> Result<Option<Box<dyn RecordEncoder>>, RecordError> {
    Ok(match format {
        RowFormat::Table => None,
        RowFormat::Json => {
            let options = JsonWriteOptions::from_options(&|_| None, time_zone)?;
            Some(Box::new(JsonEncoder::new(schema, options)?))
        }
        RowFormat::Csv => {
            let header = |name: &str| (name == "header").then(|| "true".to_owned());
            let options = CsvWriteOptions::from_options(&header, time_zone)?;
            Some(Box::new(CsvEncoder::new(schema, options)?))
        }
    })
}

fn refused(error: RecordError) -> TidemillError {
    TidemillError::invalid(error.condition(), error.to_string()).with_source(error)
}

fn write(out: &mut (dyn Write + Send), bytes: &[u8]) -> Result<()> {
    out.write_all(bytes).map_err(|e| {
        TidemillError::new(
            ErrorKind::Retry,
            "CANNOT_WRITE_ROWS",
            format!("cannot write rows: {e}"),
        )
        .with_source(e)
    })
}
