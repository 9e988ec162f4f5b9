//! Prints the rows: a table a batch, as Spark's console sink prints it, or one JSON object a row.
//!
//! Every piece of output is written whole under one lock, so queries that share a terminal do not mix lines.
//! A crash between printing and commit prints the batch again.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::error::DataFusionError;
use futures::StreamExt;
use tidemill_sql::record::{JsonEncoder, JsonWriteOptions, RecordEncoder};

use super::file::record_error;
use super::partitions::{row_count, run_partitions};
use super::show::{ShowOptions, show_string};
use super::{SinkBatch, SinkContext, SinkProgress, StreamSink};
use crate::options::invalid_value;
use crate::{ErrorKind, OptionSpec, Options, Result, TidemillError};

const DASHES: &str = "-------------------------------------------";

/// Prints to standard output, or to a writer of the caller's.
pub struct ConsoleSink {
    show: ShowOptions,
    /// Set when rows are printed as JSON.
    json: Option<JsonWriteOptions>,
    output: Output,
}

#[derive(Clone)]
enum Output {
    Stdout,
    Writer(Arc<Mutex<dyn Write + Send>>),
}

impl ConsoleSink {
    /// What it understands.
    pub(crate) const OPTIONS: &[OptionSpec] = &[
        OptionSpec::Known("numRows"),
        OptionSpec::Known("truncate"),
        OptionSpec::Known("format"),
    ];

    /// From the writer's options.
    pub(crate) fn open(ctx: &SinkContext) -> Result<Self> {
        let time_zone = ctx.conf.get("spark.sql.session.timeZone").unwrap_or("UTC");
        let format = ctx.options.get("format").unwrap_or("table");
        let json = match format.to_ascii_lowercase().as_str() {
            "table" => None,
            "json" => {
                refuse_batch_id(&ctx.schema)?;
                Some(JsonWriteOptions::from_options(&|_| None, time_zone).map_err(record_error)?)
            }
            _ => return Err(invalid_value("format", format, "'table' or 'json'")),
        };
        Ok(Self {
            json,
            show: ShowOptions {
                num_rows: num_rows(&ctx.options)?,
                truncate: truncate(&ctx.options)?,
                time_zone: time_zone.to_owned(),
            },
            output: Output::Stdout,
        })
    }

    /// The same sink printing elsewhere.
    #[must_use]
    pub fn with_writer(self, writer: Arc<Mutex<dyn Write + Send>>) -> Self {
        Self {
            output: Output::Writer(writer),
            ..self
        }
    }

    async fn print_table(&self, batch: &SinkBatch) -> Result<i64> {
        // One row more than is shown tells that there are more.
        let limit = self.show.num_rows.saturating_add(1);
        let parts = run_partitions(batch.execute()?, move |_, mut stream| async move {
            let (mut head, mut kept, mut rows) = (Vec::new(), 0, 0);
            while let Some(next) = stream.next().await {
                let next = next?;
                rows += next.num_rows();
                let take = next.num_rows().min(limit - kept);
                if take > 0 {
                    head.push(next.slice(0, take));
                    kept += take;
                }
            }
            Ok((head, rows))
        })
        .await?;
        let rows = parts.iter().map(|(_, rows)| rows).sum();
        let head: Vec<RecordBatch> = parts.into_iter().flat_map(|(head, _)| head).collect();
        let table = show_string(&batch.schema(), &head, &self.show)?;
        let id = batch.batch_id;
        self.output
            .write(format!("{DASHES}\nBatch: {id}\n{DASHES}\n{table}").as_bytes())?;
        Ok(row_count(rows))
    }

    async fn print_json(&self, batch: &SinkBatch, options: &JsonWriteOptions) -> Result<i64> {
        let id = i64::try_from(batch.batch_id.get()).unwrap_or(i64::MAX);
        let schema = with_batch_id(&batch.schema());
        let parts = run_partitions(batch.execute()?, |_, mut stream| {
            let encoder = JsonEncoder::new(&schema, options.clone()).map_err(record_error);
            let (schema, output) = (Arc::clone(&schema), self.output.clone());
            async move {
                let (mut encoder, mut lines, mut rows) = (encoder?, Vec::new(), 0);
                while let Some(next) = stream.next().await {
                    let next = next?;
                    rows += next.num_rows();
                    let mut columns: Vec<ArrayRef> =
                        vec![Arc::new(Int64Array::from_value(id, next.num_rows()))];
                    columns.extend(next.columns().iter().cloned());
                    let next =
                        RecordBatch::try_new(Arc::clone(&schema), columns).map_err(DataFusionError::from)?;
                    encoder.encode(&next, &mut lines).map_err(record_error)?;
                    output.write(&lines)?;
                    lines.clear();
                }
                Ok(rows)
            }
        })
        .await?;
        Ok(row_count(parts.iter().sum()))
    }
}

/// The field that every JSON object begins with.
const BATCH_ID: &str = "_batch_id";

/// An object must not hold a name twice.
fn refuse_batch_id(schema: &Schema) -> Result<()> {
    if schema.field_with_name(BATCH_ID).is_err() {
        return Ok(());
    }
    Err(TidemillError::invalid(
        "COLUMN_ALREADY_EXISTS",
        format!(
            "The column `{BATCH_ID}` already exists: with format 'json' the console sink writes the number of the batch \
             under that name. Rename the column of the query."
        ),
    ))
}

/// `_batch_id` before the columns of the rows.
fn with_batch_id(schema: &Schema) -> SchemaRef {
    let mut fields: Vec<FieldRef> = vec![Arc::new(Field::new(BATCH_ID, DataType::Int64, false))];
    fields.extend(schema.fields().iter().cloned());
    Arc::new(Schema::new(fields))
}

impl fmt::Debug for ConsoleSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleSink")
            .field("show", &self.show)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl StreamSink for ConsoleSink {
    fn description(&self) -> String {
        "ConsoleTable".to_owned()
    }

    async fn add_batch(&self, batch: &SinkBatch) -> Result<SinkProgress> {
        let rows = match &self.json {
            Some(options) => self.print_json(batch, options).await?,
            None => self.print_table(batch).await?,
        };
        Ok(SinkProgress::rows(rows))
    }
}

impl Output {
    fn write(&self, bytes: &[u8]) -> Result<()> {
        let written = match self {
            Self::Stdout => write_all(&mut io::stdout().lock(), bytes),
            Self::Writer(writer) => {
                let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                write_all(&mut *writer, bytes)
            }
        };
        written.map_err(|e| {
            TidemillError::new(
                ErrorKind::Retry,
                "CONSOLE_WRITE_FAILED",
                format!("the console sink cannot write to its output: {e}"),
            )
            .with_source(e)
        })
    }
}

fn write_all(writer: &mut (impl Write + ?Sized), bytes: &[u8]) -> io::Result<()> {
    writer.write_all(bytes)?;
    writer.flush()
}

fn num_rows(options: &Options) -> Result<usize> {
    let Some(text) = options.get("numRows") else {
        return Ok(ShowOptions::default().num_rows);
    };
    text.trim()
        .parse()
        .map_err(|_| invalid_value("numRows", text, "a number of rows, not negative"))
}

/// `true` cuts at 20 characters, `false` never; a number is the width to cut at, 0 for never.
fn truncate(options: &Options) -> Result<usize> {
    let text = options.get("truncate").unwrap_or("true").trim();
    if text.eq_ignore_ascii_case("true") {
        return Ok(ShowOptions::default().truncate);
    }
    if text.eq_ignore_ascii_case("false") {
        return Ok(0);
    }
    text.parse()
        .map_err(|_| invalid_value("truncate", text, "'true', 'false' or a number of characters"))
}
