//! What the tests of sources share: a checkpoint folder, a clock that stands still, rows as text.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::TableProvider;
use datafusion::execution::context::SessionContext;
use tidemill_checkpoint::{CheckpointFileManager, InlineBlocking, LocalFileManager, Offset};

use super::{ReadLimit, SourceContext, SourceDefinition, StreamSource};
use crate::clock::{Clock, ManualClock};
use crate::{Conf, Options, Result};

/// A folder with an `in` and a `ckpt`, and a session.
pub(crate) struct Fixture {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) session: SessionContext,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) conf: Conf,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("in")).unwrap();
        Self {
            dir,
            session: SessionContext::new(),
            clock: Arc::new(ManualClock::new(0)),
            conf: Conf::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file that was last changed so many seconds after the epoch.
    #[expect(clippy::disallowed_methods)]
    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>, modified_s: u64) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        set_modified(&path, modified_s);
    }

    pub(crate) fn manager(&self) -> Arc<dyn CheckpointFileManager> {
        Arc::new(LocalFileManager::new(self.path("ckpt"), Arc::new(InlineBlocking)))
    }

    pub(crate) fn context(&self) -> SourceContext {
        self.context_with(self.manager())
    }

    pub(crate) fn context_with(&self, checkpoint: Arc<dyn CheckpointFileManager>) -> SourceContext {
        SourceContext {
            checkpoint,
            folder: "sources/0".to_owned(),
            conf: Arc::new(self.conf.clone()),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            runtime: self.session.runtime_env(),
        }
    }

    /// A source of files in `in` with these options.
    pub(crate) async fn define(
        &self,
        format: &str,
        schema: &[(&str, arrow::datatypes::DataType)],
        options: &[(&str, &str)],
    ) -> Result<Arc<SourceDefinition>> {
        let fields: Vec<_> = schema
            .iter()
            .map(|(name, data_type)| arrow::datatypes::Field::new(*name, data_type.clone(), false))
            .collect();
        let mut options: Options = options.iter().copied().collect();
        if options.get("path").is_none() {
            options.set("path", self.path("in").to_str().unwrap());
        }
        let schema = (!fields.is_empty()).then(|| Arc::new(arrow::datatypes::Schema::new(fields)));
        SourceDefinition::resolve(format, schema, options, &self.session, &self.conf).await
    }

    /// A JSON source with one column `k`.
    pub(crate) async fn json(&self, options: &[(&str, &str)]) -> Arc<dyn StreamSource> {
        let definition = self
            .define("json", &[("k", arrow::datatypes::DataType::Utf8)], options)
            .await
            .unwrap();
        definition.open(self.context()).await.unwrap()
    }

    /// The rows of a table, one line each, columns separated by commas, in order.
    pub(crate) async fn rows(&self, table: Arc<dyn TableProvider>) -> Vec<String> {
        self.try_rows(table).await.unwrap()
    }

    pub(crate) async fn try_rows(&self, table: Arc<dyn TableProvider>) -> Result<Vec<String>> {
        let batches = self.session.read_table(table)?.collect().await?;
        let format = FormatOptions::default().with_null("null");
        let mut out = Vec::new();
        for batch in &batches {
            let columns: Vec<_> = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column, &format).unwrap())
                .collect();
            for row in 0..batch.num_rows() {
                let values: Vec<_> = columns
                    .iter()
                    .map(|column| column.value(row).to_string())
                    .collect();
                out.push(values.join(","));
            }
        }
        out.sort();
        Ok(out)
    }
}

pub(crate) fn set_modified(path: &Path, modified_s: u64) {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(modified_s))
        .unwrap();
}

/// The next offset under the source's own limit.
pub(crate) async fn next(source: &dyn StreamSource, start: Option<&Offset>) -> Option<Offset> {
    source
        .latest_offset(start, source.default_read_limit())
        .await
        .unwrap()
}

/// All batches from `start` until nothing is new: the rows of each.
pub(crate) async fn drain(
    fixture: &Fixture,
    source: &dyn StreamSource,
    mut start: Option<Offset>,
) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    loop {
        let end = next(source, start.as_ref()).await;
        if end == start {
            return out;
        }
        let table = source.batch(start.as_ref(), end.as_ref().unwrap()).await.unwrap();
        out.push(fixture.rows(table).await);
        start = end;
    }
}

/// Everything there is.
pub(crate) const ALL: ReadLimit = ReadLimit::AllAvailable;
