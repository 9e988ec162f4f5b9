//! Sources by format name: what a reader or table made of a format, a schema and options.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::{Arc, PoisonError, RwLock};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::execution::context::SessionContext;
use tidemill_sql::{SqlError, StreamDefinition};

use super::file::{self, FileDefinition};
use super::rate::{self, RateOptions};
use super::{MemoryStream, SourceContext, StreamSource};
use crate::table::FileFormatKind;
use crate::{Conf, FileUri, OptionSpec, Options, Result, TidemillError};

/// A format of the user's own.
#[async_trait]
pub trait StreamSourceProvider: Debug + Send + Sync {
    /// The name in `format(…)` and `USING …`; compared without regard to case.
    fn short_name(&self) -> &str;

    /// The options it understands; others are refused before it sees them.
    fn options(&self) -> &[OptionSpec];

    /// The schema of the stream, given the one that the user wrote, if any.
    async fn schema(&self, user: Option<SchemaRef>, options: &Options) -> Result<SchemaRef>;

    /// Opens the stream for one run of a query.
    async fn open(
        &self,
        schema: SchemaRef,
        options: &Options,
        context: SourceContext,
    ) -> Result<Arc<dyn StreamSource>>;
}

/// The formats of the user's own that a session knows.
///
/// A session puts it into its DataFusion configuration as an extension; [`SourceDefinition::resolve`] finds it there.
#[derive(Debug, Default)]
pub struct SourceRegistry {
    providers: RwLock<BTreeMap<String, Arc<dyn StreamSourceProvider>>>,
}

impl SourceRegistry {
    /// Without any format beyond the built-in ones.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a format; one of the same name is replaced. Built-in names win over it.
    pub fn register(&self, provider: Arc<dyn StreamSourceProvider>) {
        self.providers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(provider.short_name().to_lowercase(), provider);
    }

    /// The format of this name (lower case).
    pub fn get(&self, format: &str) -> Option<Arc<dyn StreamSourceProvider>> {
        self.providers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(format)
            .cloned()
    }

    /// The names of all its formats.
    pub fn names(&self) -> Vec<String> {
        self.providers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .cloned()
            .collect()
    }
}

/// What makes the stream.
#[derive(Clone, Debug)]
enum Kind {
    File(Box<FileDefinition>),
    Memory(MemoryStream),
    Rate(RateOptions),
    User(Arc<dyn StreamSourceProvider>),
}

/// A source that is checked and has a schema, but is not open.
#[derive(Clone, Debug)]
pub struct SourceDefinition {
    format: String,
    schema: SchemaRef,
    options: Options,
    kind: Kind,
}

/// Streaming formats of Spark's that are not built.
const NOT_SUPPORTED: &[&str] = &[
    "avro",
    "binaryfile",
    "delta",
    "iceberg",
    "kafka",
    "rate-micro-batch",
    "socket",
    "xml",
];

/// Formats that Spark reads only as a batch.
const BATCH_ONLY: &[&str] = &["jdbc", "noop", "console", "state-metadata", "statestore"];

impl SourceDefinition {
    /// The source of this format, with options, path and schema checked. Files need a schema, except text and under
    /// `spark.sql.streaming.schemaInference`. The columns that folders name come last, whatever the schema's order.
    ///
    /// # Errors
    /// `DATA_SOURCE_NOT_FOUND`, `PATH_NOT_FOUND`, unknown or wrong options, a missing schema.
    pub async fn resolve(
        format: &str,
        schema: Option<SchemaRef>,
        options: Options,
        session: &SessionContext,
        conf: &Conf,
    ) -> Result<Arc<Self>> {
        let infer = conf
            .get("spark.sql.streaming.schemaInference")
            .is_some_and(|v| v.eq_ignore_ascii_case("true"));
        Self::make(format, schema, options, session, conf, infer).await
    }

    /// As [`resolve`](Self::resolve), for a table that can also be read as a batch: without a schema it is inferred.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve).
    pub async fn resolve_table(
        format: &str,
        schema: Option<SchemaRef>,
        options: Options,
        session: &SessionContext,
        conf: &Conf,
    ) -> Result<Arc<Self>> {
        Self::make(format, schema, options, session, conf, true).await
    }

    /// The same source with these columns told by the names of folders (`PARTITIONED BY`), which may not be there yet.
    /// Sources without files stay as they are.
    #[must_use]
    pub fn partitioned_by(self: Arc<Self>, columns: &[String]) -> Arc<Self> {
        let Kind::File(files) = &self.kind else {
            return self;
        };
        if columns.is_empty() {
            return self;
        }
        let files = files.partitioned_by(columns);
        let mut out = self.as_ref().clone();
        out.schema = files.schema();
        out.kind = Kind::File(Box::new(files));
        Arc::new(out)
    }

    async fn make(
        format: &str,
        schema: Option<SchemaRef>,
        options: Options,
        session: &SessionContext,
        conf: &Conf,
        infer: bool,
    ) -> Result<Arc<Self>> {
        let format = format.to_lowercase();
        let registry = session.state().config().get_extension::<SourceRegistry>();
        let (kind, schema) = if let Some(kind) = FileFormatKind::by_name(&format) {
            let files = FileDefinition::resolve(kind, schema, &options, session, conf, infer).await?;
            let schema = files.schema();
            (Kind::File(Box::new(files)), schema)
        } else if format == "rate" {
            if schema.is_some() {
                return Err(no_user_schema("rate"));
            }
            let partitions = session.state().config().target_partitions();
            (
                Kind::Rate(RateOptions::new(&options, partitions)?),
                rate::schema(),
            )
        } else if let Some(provider) = registry.as_ref().and_then(|r| r.get(&format)) {
            options.check(&format!("source '{format}'"), &[provider.options()])?;
            let schema = provider.schema(schema, &options).await?;
            (Kind::User(provider), schema)
        } else {
            return Err(unknown_format(
                &format,
                &registry.map_or_else(Vec::new, |r| r.names()),
            ));
        };
        Ok(Arc::new(Self {
            format,
            schema,
            options,
            kind,
        }))
    }

    pub(super) fn memory(stream: MemoryStream) -> Arc<Self> {
        Arc::new(Self {
            format: "memory".to_owned(),
            schema: stream.schema(),
            options: Options::new(),
            kind: Kind::Memory(stream),
        })
    }

    /// Opens the stream for one run of a query.
    ///
    /// # Errors
    /// When the source's own log is damaged, or its environment fails.
    pub async fn open(&self, context: SourceContext) -> Result<Arc<dyn StreamSource>> {
        match &self.kind {
            Kind::File(files) => file::open(files.as_ref().clone(), context).await,
            Kind::Memory(stream) => Ok(stream.open(&context)),
            Kind::Rate(options) => rate::open(*options, context).await,
            Kind::User(provider) => {
                provider
                    .open(Arc::clone(&self.schema), &self.options, context)
                    .await
            }
        }
    }

    /// The source read as a batch: a table that lists its files at each scan.
    ///
    /// # Errors
    /// When the format can only be streamed.
    pub fn batch_table(&self) -> Result<Arc<dyn TableProvider>> {
        if let Kind::File(files) = &self.kind {
            return Ok(Arc::new(files.batch_table()));
        }
        Err(TidemillError::unsupported(
            "UNSUPPORTED_BATCH_READ",
            format!(
                "Data source {} does not support batch reading; read it with STREAM",
                self.format
            ),
        ))
    }

    /// The short name of the format, in lower case.
    pub fn format(&self) -> &str {
        &self.format
    }

    /// The schema of the stream.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// All options, including `path`.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The path, for sources of files.
    pub fn path(&self) -> Option<&FileUri> {
        match &self.kind {
            Kind::File(files) => Some(files.path()),
            Kind::Memory(_) | Kind::Rate(_) | Kind::User(_) => None,
        }
    }

    fn merged(&self, options: &HashMap<String, String>) -> Result<Self> {
        let mut merged = self.options.clone();
        for (name, value) in options {
            if merged.get(name).is_some() {
                return Err(TidemillError::invalid(
                    "DUPLICATED_OPTION",
                    format!(
                        "option '{name}' of STREAM … WITH is set by the table's OPTIONS already; set it in one place"
                    ),
                ));
            }
            merged.set(name, value);
        }
        let mut out = self.clone();
        match &self.kind {
            Kind::File(files) => out.kind = Kind::File(Box::new(files.with_options(&merged)?)),
            Kind::Memory(_) => merged.check("source 'memory'", &[])?,
            Kind::Rate(_) => out.kind = Kind::Rate(RateOptions::new(&merged, 1)?),
            Kind::User(provider) => {
                merged.check(&format!("source '{}'", self.format), &[provider.options()])?;
            }
        }
        out.options = merged;
        Ok(out)
    }
}

impl StreamDefinition for SourceDefinition {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn with_options(&self, options: &HashMap<String, String>) -> Result<Arc<dyn StreamDefinition>, SqlError> {
        match self.merged(options) {
            Ok(merged) => Ok(Arc::new(merged)),
            Err(e) => Err(SqlError::new(e.condition(), e.message())),
        }
    }
}

/// The definition behind a planned stream, when it is one of this crate's.
pub(crate) fn definition(stream: &dyn StreamDefinition) -> Option<&SourceDefinition> {
    (stream as &dyn Any).downcast_ref()
}

fn no_user_schema(format: &str) -> TidemillError {
    TidemillError::invalid(
        "USER_SPECIFIED_SCHEMA_NOT_SUPPORTED",
        format!("{format} source does not support user-specified schema."),
    )
}

fn unknown_format(format: &str, user: &[String]) -> TidemillError {
    if BATCH_ONLY.contains(&format) {
        return TidemillError::unsupported(
            "UNSUPPORTED_STREAMING_SOURCE",
            format!("Data source {format} does not support streamed reading."),
        );
    }
    if NOT_SUPPORTED.contains(&format) {
        return TidemillError::unsupported(
            "UNSUPPORTED_DATA_SOURCE",
            format!(
                "data source '{format}' is Spark's, but Tidemill does not support it yet; it reads json, csv, parquet, orc, text and rate"
            ),
        );
    }
    let known = ["csv", "json", "orc", "parquet", "rate", "text"];
    let nearest = known
        .into_iter()
        .chain(user.iter().map(String::as_str))
        .map(|name| (strsim::normalized_damerau_levenshtein(name, format), name))
        .filter(|(score, _)| *score >= 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(String::new(), |(_, name)| format!("; did you mean '{name}'?"));
    TidemillError::invalid(
        "DATA_SOURCE_NOT_FOUND",
        format!("Failed to find the data source: {format}{nearest}"),
    )
}
