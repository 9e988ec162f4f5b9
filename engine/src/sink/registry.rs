//! Opens sinks by name: what each format allows is checked here, before anything is made.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::console::ConsoleSink;
use super::file::FileSink;
use super::memory::MemorySink;
use super::noop::NoopSink;
use super::{SinkContext, StreamSink};
use crate::{OptionSpec, OutputMode, Result, TidemillError};

/// Opens sinks of a format of the user's; registered in a [`SinkRegistry`].
#[async_trait]
pub trait StreamSinkProvider: std::fmt::Debug + Send + Sync {
    /// The format's name, compared without regard to case.
    fn short_name(&self) -> &str;

    /// The output modes that its sinks take.
    fn output_modes(&self) -> &[OutputMode] {
        &[OutputMode::Append, OutputMode::Update, OutputMode::Complete]
    }

    /// Whether its sinks take `partition_by`.
    fn supports_partitioning(&self) -> bool {
        false
    }

    /// Opens a sink for one run of a query. Modes and partitioning are checked already; options are the
    /// provider's own to check ([`Options::check`](crate::Options::check)).
    async fn open(&self, ctx: SinkContext) -> Result<Arc<dyn StreamSink>>;
}

/// The sinks of a session: the ones built in, and the user's.
#[derive(Clone, Debug, Default)]
pub struct SinkRegistry {
    providers: BTreeMap<String, Arc<dyn StreamSinkProvider>>,
}

/// What the built-in sinks are called.
const BUILT_IN: &[&str] = &["parquet", "json", "csv", "text", "console", "memory", "noop"];
/// Spark's own that are not implemented.
const NOT_IMPLEMENTED: &[&str] = &["orc", "avro", "xml", "kafka", "delta", "foreach", "socket"];
/// Formats that can be read as a stream or as a batch only.
const NOT_WRITABLE: &[&str] = &[
    "rate",
    "rate-micro-batch",
    "jdbc",
    "binaryFile",
    "state-metadata",
    "statestore",
];

impl SinkRegistry {
    /// Only the sinks built in.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a provider; it takes the place of one of the same name, but a built-in name stays built in.
    pub fn register(&mut self, provider: Arc<dyn StreamSinkProvider>) -> Result<()> {
        let name = provider.short_name().to_lowercase();
        if BUILT_IN.contains(&name.as_str()) {
            return Err(TidemillError::invalid(
                "SINK_ALREADY_EXISTS",
                format!("the sink format '{name}' is built in; give yours another name"),
            ));
        }
        self.providers.insert(name, provider);
        Ok(())
    }

    /// Opens the sink of this format for one run of a query.
    ///
    /// Errors: an unknown format (with the nearest name) or option, an output mode or partitioning that the sink
    /// does not take.
    pub async fn open(&self, format: &str, ctx: SinkContext) -> Result<Arc<dyn StreamSink>> {
        let name = format.trim().to_lowercase();
        if let Some(provider) = self.providers.get(&name) {
            check_mode(&name, ctx.mode, provider.output_modes())?;
            if !provider.supports_partitioning() {
                refuse_partitioning(&name, &ctx)?;
            }
            return provider.open(ctx).await;
        }
        match name.as_str() {
            "console" => {
                check_plain(&name, &ctx, ConsoleSink::OPTIONS)?;
                Ok(Arc::new(ConsoleSink::open(&ctx)?))
            }
            "memory" => {
                check_plain(&name, &ctx, MemorySink::OPTIONS)?;
                Ok(Arc::new(MemorySink::open(&ctx).await?))
            }
            "noop" => {
                check_plain(&name, &ctx, NoopSink::OPTIONS)?;
                Ok(Arc::new(NoopSink))
            }
            "parquet" | "json" | "csv" | "text" => {
                check_mode(&name, ctx.mode, &[OutputMode::Append])?;
                Ok(Arc::new(FileSink::open(&name, &ctx).await?))
            }
            _ => Err(self.no_such_sink(format.trim())),
        }
    }

    /// Refuses a format that no sink has, before anything else about the query is looked at.
    pub(crate) fn check_format(&self, format: &str) -> Result<()> {
        let name = format.trim().to_lowercase();
        if BUILT_IN.contains(&name.as_str()) || self.providers.contains_key(&name) {
            return Ok(());
        }
        Err(self.no_such_sink(format.trim()))
    }

    fn no_such_sink(&self, format: &str) -> TidemillError {
        let is = |names: &[&str]| names.iter().any(|n| n.eq_ignore_ascii_case(format));
        if is(NOT_IMPLEMENTED) {
            return TidemillError::unsupported(
                "UNSUPPORTED_DATA_SOURCE",
                format!(
                    "the sink format '{format}' is not supported; use one of {}",
                    BUILT_IN.join(", ")
                ),
            );
        }
        if is(NOT_WRITABLE) {
            return TidemillError::invalid(
                "STREAMING_WRITE_NOT_SUPPORTED",
                format!("Data source {format} does not support streamed writing."),
            );
        }
        let lower = format.to_lowercase();
        let known = BUILT_IN
            .iter()
            .copied()
            .chain(self.providers.keys().map(String::as_str));
        let nearest = known
            .map(|name| (strsim::normalized_damerau_levenshtein(name, &lower), name))
            .filter(|(score, _)| *score >= 0.5)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let hint = nearest.map_or(String::new(), |(_, name)| format!(" Did you mean '{name}'?"));
        TidemillError::invalid(
            "DATA_SOURCE_NOT_FOUND",
            format!("Failed to find the data source: {format}.{hint}"),
        )
    }
}

/// Opens a sink that is built in; [`SinkRegistry::open`] also knows the user's.
pub async fn open(format: &str, ctx: SinkContext) -> Result<Arc<dyn StreamSink>> {
    SinkRegistry::new().open(format, ctx).await
}

fn check_plain(name: &str, ctx: &SinkContext, specs: &[OptionSpec]) -> Result<()> {
    refuse_partitioning(name, ctx)?;
    ctx.options.check(&format!("sink '{name}'"), &[specs])
}

/// Refuses `partition_by` for a sink without folders.
pub(crate) fn refuse_partitioning(name: &str, ctx: &SinkContext) -> Result<()> {
    if ctx.partition_by.is_empty() {
        return Ok(());
    }
    Err(TidemillError::invalid(
        "PARTITIONING_NOT_SUPPORTED",
        format!("'{name}' does not support partitioning."),
    ))
}

fn check_mode(name: &str, mode: OutputMode, allowed: &[OutputMode]) -> Result<()> {
    if allowed.contains(&mode) {
        return Ok(());
    }
    let mode = match mode {
        OutputMode::Append => "Append",
        OutputMode::Update => "Update",
        OutputMode::Complete => "Complete",
    };
    Err(TidemillError::invalid(
        "STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE",
        format!(
            "Invalid streaming output mode: {mode}. The data source {name} does not support this output mode."
        ),
    ))
}

#[cfg(test)]
mod tests;
