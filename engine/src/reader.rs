//! Reads a stream: format, schema, options, and then a DataFrame.

use std::any::Any;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::dataframe::DataFrame;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::LogicalPlanBuilder;
use tidemill_sql::dialect::parse_schema_ddl;
use tidemill_sql::{StreamableTable, StreamingRelation};

use crate::execution::resolve_source;
use crate::session::table_not_found;
use crate::{Options, Result, StreamingSession, TidemillError};

/// The schema of a stream, as it was given.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StreamSchema {
    /// Arrow's.
    Arrow(SchemaRef),
    /// Spark's text: `ts TIMESTAMP, k STRING`.
    Ddl(String),
}

impl StreamSchema {
    fn resolve(self) -> Result<SchemaRef> {
        match self {
            Self::Arrow(schema) => Ok(schema),
            Self::Ddl(text) => Ok(parse_schema_ddl(&text)?),
        }
    }
}

impl From<SchemaRef> for StreamSchema {
    fn from(schema: SchemaRef) -> Self {
        Self::Arrow(schema)
    }
}

impl From<&str> for StreamSchema {
    fn from(text: &str) -> Self {
        Self::Ddl(text.to_owned())
    }
}

impl From<String> for StreamSchema {
    fn from(text: String) -> Self {
        Self::Ddl(text)
    }
}

/// How a stream is read; made by [`StreamingSession::read_stream`].
#[derive(Clone, Debug)]
#[must_use = "a reader reads nothing until load() or table()"]
pub struct DataStreamReader {
    session: StreamingSession,
    format: Option<String>,
    schema: Option<StreamSchema>,
    options: Options,
    name: Option<String>,
}

impl DataStreamReader {
    pub(crate) fn new(session: StreamingSession) -> Self {
        Self {
            session,
            format: None,
            schema: None,
            options: Options::new(),
            name: None,
        }
    }

    /// The format: `json`, `csv`, `parquet`, `text`, `rate`, or one of the user's own. Parquet when not given.
    pub fn format(mut self, format: impl Into<String>) -> Self {
        self.format = Some(format.into());
        self
    }

    /// The schema of the rows: an Arrow schema, or Spark's text (`"ts TIMESTAMP, k STRING"`), whose errors show at
    /// [`load`](Self::load).
    pub fn schema(mut self, schema: impl Into<StreamSchema>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// One option; names compare without regard to case, a later value replaces an earlier one.
    pub fn option(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.options.set(name, value.to_string());
        self
    }

    /// Several options.
    pub fn options<K: Into<String>, V: Into<String>>(
        mut self,
        options: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        for (name, value) in options {
            self.options.set(name, value);
        }
        self
    }

    /// The source's name in the checkpoint: `sources/<name>` instead of its number.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The stream as a DataFrame; each call is a source of its own.
    ///
    /// # Errors
    /// What is wrong with the format, schema, options or name.
    pub async fn load(self) -> Result<DataFrame> {
        if let Some(name) = &self.name {
            check_source_name(name)?;
        }
        let context = self.session.context();
        let schema = self.schema.map(StreamSchema::resolve).transpose()?;
        let format = self.format.as_deref().unwrap_or("parquet");
        let definition = resolve_source(format, schema, self.options, context, &self.session.conf()).await?;
        let relation = StreamingRelation::new(definition, self.name);
        Ok(context.read_table(Arc::new(relation))?)
    }

    /// [`load`](Self::load) of this path.
    ///
    /// # Errors
    /// As `load`; a path that is also given as an option.
    pub async fn load_path(mut self, path: impl Into<String>) -> Result<DataFrame> {
        set_path(&mut self.options, path.into())?;
        self.load().await
    }

    /// JSON files in this folder, one object a line.
    ///
    /// # Errors
    /// As [`load_path`](Self::load_path).
    pub async fn json(self, path: impl Into<String>) -> Result<DataFrame> {
        self.format("json").load_path(path).await
    }

    /// CSV files in this folder.
    ///
    /// # Errors
    /// As [`load_path`](Self::load_path).
    pub async fn csv(self, path: impl Into<String>) -> Result<DataFrame> {
        self.format("csv").load_path(path).await
    }

    /// Parquet files in this folder.
    ///
    /// # Errors
    /// As [`load_path`](Self::load_path).
    pub async fn parquet(self, path: impl Into<String>) -> Result<DataFrame> {
        self.format("parquet").load_path(path).await
    }

    /// ORC files in this folder.
    ///
    /// # Errors
    /// As [`load_path`](Self::load_path).
    pub async fn orc(self, path: impl Into<String>) -> Result<DataFrame> {
        self.format("orc").load_path(path).await
    }

    /// Text files in this folder, one row a line.
    ///
    /// # Errors
    /// As [`load_path`](Self::load_path).
    pub async fn text(self, path: impl Into<String>) -> Result<DataFrame> {
        self.format("text").load_path(path).await
    }

    /// A table of the catalog as a stream; options are added to the table's own.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_NOT_FOUND`; a table that cannot be read as a stream; a schema given beside the table's.
    pub async fn table(self, name: &str) -> Result<DataFrame> {
        if self.schema.is_some() {
            return Err(TidemillError::invalid(
                "USER_SPECIFIED_SCHEMA_NOT_SUPPORTED",
                "read_stream().table() does not take a schema: the table has its own",
            ));
        }
        if let Some(source) = &self.name {
            check_source_name(source)?;
        }
        let context = self.session.context();
        let provider = context
            .table_provider(name)
            .await
            .map_err(|e| table_not_found(name).with_source(e))?;
        let Some(table) = (provider.as_ref() as &dyn Any).downcast_ref::<StreamableTable>() else {
            return Err(TidemillError::unsupported(
                "UNSUPPORTED_STREAMING_SOURCE",
                format!(
                    "table {name} does not support streamed reading; tables made with CREATE TABLE … USING do"
                ),
            ));
        };
        let options: Vec<_> = self.options.iter().collect();
        let definition = if options.is_empty() {
            Arc::clone(table.stream())
        } else {
            let options = options.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned()));
            table.stream().with_options(&options.collect())?
        };
        let relation = StreamingRelation::new(definition, self.name);
        let plan = LogicalPlanBuilder::scan(name, provider_as_source(Arc::new(relation)), None)?.build()?;
        Ok(DataFrame::new(context.state(), plan))
    }
}

/// Sets option `path`, once.
pub(crate) fn set_path(options: &mut Options, path: String) -> Result<()> {
    if options.get("path").is_some() {
        return Err(TidemillError::invalid(
            "DUPLICATED_OPTION",
            "There is a 'path' option set and a path is given as an argument; set it in one place",
        ));
    }
    options.set("path", path);
    Ok(())
}

fn check_source_name(name: &str) -> Result<()> {
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Ok(());
    }
    Err(TidemillError::invalid(
        "STREAMING_QUERY_EVOLUTION_ERROR.INVALID_SOURCE_NAME",
        format!(
            "Invalid streaming source name '{name}'. Source names must only contain ASCII letters (a-z, A-Z), digits \
             (0-9), and underscores (_)."
        ),
    ))
}
