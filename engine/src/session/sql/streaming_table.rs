//! CREATE STREAMING TABLE: starts the query, and makes its output a table of the session.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::TableReference;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::LogicalPlan;
use tidemill_sql::StreamingPlan;
use tidemill_sql::dialect::{CreateStreamingTable, TableClauses};

use super::StatementResult;
use super::options::table_options;
use super::output::{is_file_format, read_options};
use crate::{
    DataFrameStreamingExt, FileUri, Options, OutputMode, Result, StreamingSession, TidemillError, Trigger,
};

/// What the options say of the query; the rest is the sink's.
struct QueryOptions {
    mode: OutputMode,
    trigger: Trigger,
    name: String,
    sink_name: Option<String>,
    sink: Options,
}

impl StreamingSession {
    pub(super) async fn create_streaming_table(
        &self,
        create: &CreateStreamingTable,
    ) -> Result<StatementResult> {
        let clauses = &create.table;
        if self.exists(&clauses.name, clauses.if_not_exists)? {
            return Ok(StatementResult::done());
        }
        let plan = self.plan(&create.query).await?;
        if !StreamingPlan::is_streaming(&plan) {
            return Err(TidemillError::invalid(
                "INVALID_FLOW_QUERY_TYPE.BATCH_RELATION_FOR_STREAMING_TABLE",
                format!(
                    "The query of streaming table {} reads no stream. Read a table with STREAM(name).",
                    clauses.name
                ),
            ));
        }
        check_columns(clauses, &plan)?;
        let schema = Arc::clone(plan.schema().inner());
        let format = clauses.format.as_deref().unwrap_or("parquet");
        let options = QueryOptions::take(clauses)?;
        let mut writer = DataFrame::new(self.context().state(), plan)
            .write_stream()
            .format(format)
            .output_mode(options.mode)
            .query_name(options.name)
            .trigger(options.trigger)
            .partition_by(clauses.partition_by.clone())
            .options(options.sink.iter());
        if let Some(name) = options.sink_name {
            writer = writer.name(name);
        }
        let query = writer.start().await?;
        if is_file_format(format) {
            self.register_output(
                &clauses.name,
                format,
                &options.sink,
                &schema,
                &clauses.partition_by,
            )
            .await?;
        }
        Ok(StatementResult::Started {
            table: clauses.name.table().to_owned(),
            query,
            bounded: matches!(options.trigger, Trigger::AvailableNow | Trigger::Once),
        })
    }

    /// Makes the output readable by its name, as a batch and as a stream, through the log of the sink.
    pub(crate) async fn register_output(
        &self,
        name: &TableReference,
        format: &str,
        options: &Options,
        schema: &SchemaRef,
        partition_by: &[String],
    ) -> Result<()> {
        let path = options.get("path").unwrap_or_default();
        if let Some(folder) = FileUri::parse(path)?.local_path() {
            // The first batch may be a while away, and a table without rows is no error.
            tokio::fs::create_dir_all(&folder).await.map_err(|e| {
                TidemillError::invalid(
                    "CANNOT_CREATE_FOLDER",
                    format!("cannot create {}: {e}", folder.display()),
                )
            })?;
        }
        let schema = table_schema(schema, partition_by);
        let table = self
            .streamable_table(format, Some(schema), read_options(options), partition_by)
            .await?;
        self.context().register_table(name.clone(), table)?;
        Ok(())
    }
}

impl QueryOptions {
    fn take(clauses: &TableClauses) -> Result<Self> {
        let mut sink = table_options(clauses)?;
        let mode = sink
            .remove("outputMode")
            .map_or(Ok(OutputMode::Append), |m| m.parse())?;
        let trigger = sink
            .remove("trigger")
            .map_or(Ok(Trigger::default()), |t| Trigger::parse(&t))?;
        let name = sink
            .remove("queryName")
            .unwrap_or_else(|| clauses.name.table().to_owned());
        Ok(Self {
            mode,
            trigger,
            name,
            sink_name: sink.remove("sinkName"),
            sink,
        })
    }
}

/// The columns as a reader sees them: those of the partitions last, all nullable.
fn table_schema(schema: &SchemaRef, partition_by: &[String]) -> SchemaRef {
    let is_partition = |f: &&Arc<Field>| partition_by.iter().any(|p| p.eq_ignore_ascii_case(f.name()));
    let data = schema.fields().iter().filter(|f| !is_partition(f));
    let partitions = partition_by
        .iter()
        .filter_map(|p| schema.fields().iter().find(|f| f.name().eq_ignore_ascii_case(p)));
    let fields: Vec<Field> = data
        .chain(partitions)
        .map(|f| Field::new(f.name(), f.data_type().clone(), true))
        .collect();
    Arc::new(Schema::new(fields))
}

/// A column list must say what the query gives.
fn check_columns(clauses: &TableClauses, plan: &LogicalPlan) -> Result<()> {
    let Some(columns) = &clauses.columns else {
        return Ok(());
    };
    let given = plan.schema().fields();
    let same = columns.fields().len() == given.len()
        && columns
            .fields()
            .iter()
            .zip(given.iter())
            .all(|(a, b)| a.name().eq_ignore_ascii_case(b.name()) && a.data_type() == b.data_type());
    if same {
        return Ok(());
    }
    Err(TidemillError::invalid(
        "USER_SPECIFIED_AND_INFERRED_SCHEMA_NOT_COMPATIBLE",
        format!(
            "The columns of streaming table {} are not those of its query; leave the list out, or name and type every \
             column as the query does.",
            clauses.name
        ),
    ))
}
