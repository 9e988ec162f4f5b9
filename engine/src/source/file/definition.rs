//! A path, a format and options, checked: what a file source and a batch table are made of.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::execution::context::SessionContext;
use datafusion::execution::runtime_env::RuntimeEnv;

use super::options::{FileStreamOptions, STREAM_OPTIONS};
use crate::table::{FileFormat, FileFormatKind, FileListing, PathFiles, TableLayout, infer_schema, nullable};
use crate::{Conf, FileUri, Options, Result, TidemillError};

/// A path, a format and options, checked.
#[derive(Clone, Debug)]
pub(in crate::source) struct FileDefinition {
    pub(super) listing: FileListing,
    pub(super) layout: Arc<TableLayout>,
    pub(super) format: Arc<FileFormat>,
    pub(super) options: FileStreamOptions,
    pub(super) ignore_sink_log: bool,
    conf: Arc<Conf>,
}

impl FileDefinition {
    /// Checks the options, finds the path and the columns. A schema may be left out where `infer` allows it, and for
    /// text.
    pub(in crate::source) async fn resolve(
        kind: FileFormatKind,
        schema: Option<SchemaRef>,
        options: &Options,
        session: &SessionContext,
        conf: &Conf,
        infer: bool,
    ) -> Result<Self> {
        let Some(path) = options.get("path") else {
            return Err(TidemillError::invalid("MISSING_PATH", "'path' is not specified."));
        };
        let path = path.to_owned();
        let mut out = Self::unresolved(kind, &path, options, conf)?;
        let runtime = session.runtime_env();
        if !out.listing.exists(&runtime).await? {
            return Err(TidemillError::invalid(
                "PATH_NOT_FOUND",
                format!("Path does not exist: {path}."),
            ));
        }
        if schema.is_none() && !infer && kind != FileFormatKind::Text {
            return Err(TidemillError::invalid(
                "SCHEMA_NOT_SPECIFIED",
                "Schema must be specified when creating a streaming source DataFrame. If some files already exist in \
                 the directory, then depending on the file format you may be able to create a static DataFrame on \
                 that directory with 'spark.read.load(directory)' and infer schema from it. \
                 spark.sql.streaming.schemaInference=true infers it here.",
            ));
        }
        out.layout = Arc::new(out.find_columns(schema, session, &runtime, &path).await?);
        Ok(out)
    }

    fn unresolved(kind: FileFormatKind, path: &str, options: &Options, conf: &Conf) -> Result<Self> {
        let root = FileUri::parse(path)?;
        let format = FileFormat::new(kind, options, conf, STREAM_OPTIONS)?;
        let ignore_sink_log = conf
            .get("spark.sql.streaming.fileStreamSink.ignoreMetadata")
            .is_some_and(|v| v.eq_ignore_ascii_case("true"));
        Ok(Self {
            options: FileStreamOptions::new(options, conf, &root)?,
            listing: FileListing::new(root, options, conf)?,
            layout: Arc::new(TableLayout::new(Arc::new(Schema::empty()), Vec::new(), None)),
            format: Arc::new(format),
            ignore_sink_log,
            conf: Arc::new(conf.clone()),
        })
    }

    /// The same source with other options, checked; columns stay.
    pub(in crate::source) fn with_options(&self, options: &Options) -> Result<Self> {
        let path = self.listing.root().to_description();
        let mut out = Self::unresolved(self.format.kind, &path, options, &self.conf)?;
        out.layout = Arc::clone(&self.layout);
        Ok(out)
    }

    /// The same source with these columns told by the names of folders, which may not be there yet.
    pub(in crate::source) fn partitioned_by(&self, names: &[String]) -> Self {
        let is = |field: &FieldRef, name: &String| field.name().eq_ignore_ascii_case(name);
        let all = self.layout.schema().fields();
        let declared = names.iter().filter_map(|n| all.iter().find(|f| is(f, n)));
        let mut partitions: Vec<FieldRef> = declared.cloned().collect();
        for found in self.layout.partition_columns() {
            if !names.iter().any(|n| is(found, n)) {
                partitions.push(Arc::clone(found));
            }
        }
        let data = all
            .iter()
            .filter(|f| !partitions.iter().any(|p| p.name() == f.name()));
        let data = Schema::new(data.cloned().collect::<Vec<_>>());
        let base = self.layout.base().cloned();
        Self {
            layout: Arc::new(TableLayout::new(Arc::new(data), partitions, base)),
            ..self.clone()
        }
    }

    /// Columns of the files first, then those that folders name, as Spark orders them.
    async fn find_columns(
        &self,
        user: Option<SchemaRef>,
        session: &SessionContext,
        runtime: &Arc<RuntimeEnv>,
        path: &str,
    ) -> Result<TableLayout> {
        let mut files = Vec::new();
        let mut partition_columns: Vec<FieldRef> = Vec::new();
        if self.listing.has_partitions() || user.is_none() {
            files = PathFiles::new(self.listing.clone(), self.ignore_sink_log)
                .list(runtime, None)
                .await?;
        }
        if self.listing.has_partitions() {
            let typed = self
                .conf
                .get("spark.sql.sources.partitionColumnTypeInference.enabled")
                .is_none_or(|v| !v.eq_ignore_ascii_case("false"));
            partition_columns = self.listing.partition_columns(&files, user.as_deref(), typed)?;
        }
        let data = match user {
            Some(schema) => schema,
            None if self.format.kind == FileFormatKind::Text => {
                Arc::new(Schema::new(vec![Field::new("value", DataType::Utf8, true)]))
            }
            None => infer_schema(&self.format, &files, &session.state(), path).await?,
        };
        let data: Vec<FieldRef> = data
            .fields()
            .iter()
            .filter(|field| {
                !partition_columns
                    .iter()
                    .any(|column| column.name().eq_ignore_ascii_case(field.name()))
            })
            .map(|field| nullable(field))
            .collect();
        if self.format.kind == FileFormatKind::Text {
            check_text(&data)?;
        }
        let base = self.listing.base().cloned();
        Ok(TableLayout::new(
            Arc::new(Schema::new(data)),
            partition_columns,
            base,
        ))
    }

    pub(in crate::source) fn schema(&self) -> SchemaRef {
        Arc::clone(self.layout.schema())
    }

    pub(in crate::source) fn path(&self) -> &FileUri {
        self.listing.root()
    }

    /// The files as a table that is listed at every scan.
    pub(in crate::source) fn batch_table(&self) -> crate::table::BatchFileTable {
        crate::table::BatchFileTable::new(
            self.listing.clone(),
            self.ignore_sink_log,
            Arc::clone(&self.layout),
            Arc::clone(&self.format),
        )
    }
}

fn check_text(data: &[FieldRef]) -> Result<()> {
    match data {
        [] => Ok(()),
        [one] if *one.data_type() == DataType::Utf8 => Ok(()),
        [one] => Err(TidemillError::unsupported(
            "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
            format!(
                "The Text datasource doesn't support the column `{}` of the type {}; declare it as STRING.",
                one.name(),
                one.data_type()
            ),
        )),
        more => Err(TidemillError::invalid(
            "TEXT_SCHEMA",
            format!(
                "Text data source supports only a single column, and you have {} columns.",
                more.len()
            ),
        )),
    }
}
