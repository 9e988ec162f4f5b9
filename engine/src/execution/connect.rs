//! Where the loop meets sources and sinks: how a planned stream is opened, and how a writer's format becomes a sink.

use std::any::Any;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::execution::context::SessionContext;
use tidemill_sql::{StreamDefinition, StreamingRelation};

use crate::sink::{ForeachSink, SinkContext, SinkRegistry, StreamSink};
use crate::source::{SourceContext, SourceDefinition, StreamSource};
use crate::{Conf, Options, Result, TidemillError};

/// Where a writer wants its rows.
#[derive(Clone, Debug)]
pub(crate) enum SinkRequest {
    /// A format by name.
    Format(String),
    /// A sink that exists already: `foreach`, `foreach_batch`, or one of the user's.
    Open(Arc<dyn StreamSink>),
}

impl SinkRequest {
    pub(super) async fn open(
        &self,
        sinks: &SinkRegistry,
        context: SinkContext,
    ) -> Result<Arc<dyn StreamSink>> {
        match self {
            Self::Open(sink) => {
                if context.partition_by.is_empty() {
                    Ok(Arc::clone(sink))
                } else {
                    Err(TidemillError::invalid(
                        "PARTITIONING_NOT_SUPPORTED",
                        format!("'{}' does not support partitioning.", sink.description()),
                    ))
                }
            }
            Self::Format(format) => sinks.open(format, context).await,
        }
    }
}

impl SinkRequest {
    /// What a person calls it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Format(format) => format.trim().to_owned(),
            Self::Open(sink) => sink.description(),
        }
    }

    /// Whether it makes no difference to the sink that rows come again in a batch of another number.
    pub(super) fn may_see_rows_again(&self) -> bool {
        match self {
            Self::Format(format) => {
                let sinks = ["noop", "console", "memory"];
                sinks.iter().any(|sink| sink.eq_ignore_ascii_case(format.trim()))
            }
            Self::Open(sink) => sink.description() == ForeachSink::DESCRIPTION,
        }
    }

    /// Spark's class for such a sink, and which of its interfaces it implements: what a commit of version 3 holds.
    pub(super) fn spark_provider(&self) -> (&'static str, &'static str) {
        let Self::Format(format) = self else {
            if let Self::Open(sink) = self
                && sink.description() == ForeachSink::DESCRIPTION
            {
                return (
                    "org.apache.spark.sql.execution.streaming.sources.ForeachWriterTable",
                    "DSv2",
                );
            }
            return (
                "org.apache.spark.sql.execution.streaming.sources.ForeachBatchSink",
                "DSv1",
            );
        };
        match format.trim().to_ascii_lowercase().as_str() {
            "console" => ("org.apache.spark.sql.execution.streaming.ConsoleTable$", "DSv2"),
            "memory" => (
                "org.apache.spark.sql.execution.streaming.sources.MemorySink",
                "DSv2",
            ),
            "noop" => (
                "org.apache.spark.sql.execution.datasources.noop.NoopTable$",
                "DSv2",
            ),
            _ => (
                "org.apache.spark.sql.execution.streaming.sinks.FileStreamSink",
                "DSv1",
            ),
        }
    }
}

/// Checks what a reader was told and makes a source of it.
pub(crate) async fn resolve_source(
    format: &str,
    schema: Option<SchemaRef>,
    options: Options,
    session: &SessionContext,
    conf: &Conf,
) -> Result<Arc<dyn StreamDefinition>> {
    Ok(SourceDefinition::resolve(format, schema, options, session, conf).await?)
}

/// Opens the source behind a planned stream for one run.
pub(super) async fn open_source(
    relation: &StreamingRelation,
    context: SourceContext,
) -> Result<Arc<dyn StreamSource>> {
    let definition = relation.definition().as_ref() as &dyn Any;
    match definition.downcast_ref::<SourceDefinition>() {
        Some(definition) => definition.open(context).await,
        None => Err(TidemillError::internal(format!(
            "{:?} is no source of this engine",
            relation.definition()
        ))),
    }
}
