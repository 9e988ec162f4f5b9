//! One run's reading of a file source.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use tidemill_checkpoint::Offset;

use super::cleaner::Cleaner;
use super::definition::FileDefinition;
use super::log::{FileSourceLog, LoggedFile, from_offset, to_offset};
use super::options::CleanSource;
use super::seen_files::SeenFiles;
use crate::source::{ReadLimit, SourceContext, StreamSource};
use crate::table::{FileTable, PathFiles, Skip, TableFile, present_files};
use crate::{Result, TidemillError};

/// Opens the source: reads its log, so that no file is read twice.
pub(in crate::source) async fn open(
    definition: FileDefinition,
    context: SourceContext,
) -> Result<Arc<dyn StreamSource>> {
    if let Some(option) = definition.listing.modified().option() {
        return Err(TidemillError::unsupported(
            "UNSUPPORTED_OPTION",
            format!("option '{option}' is not allowed in file stream sources"),
        ));
    }
    let log = FileSourceLog::open(&context).await?;
    let options = &definition.options;
    let mut seen = SeenFiles::new(options.max_file_age_ms, options.file_name_only);
    for file in log.all().await? {
        seen.add(&file.uri, file.modified_ms);
    }
    seen.purge();
    let cleaner = Cleaner::new(
        options.clean_source.clone(),
        options.cleaner_threads,
        Arc::clone(&context.runtime),
    );
    let files = PathFiles::new(definition.listing.clone(), definition.ignore_sink_log);
    Ok(Arc::new(FileSource {
        state: tokio::sync::Mutex::new(State {
            log,
            files,
            unread: Vec::new(),
            frozen: None,
            cleaned: None,
        }),
        seen: Arc::new(Mutex::new(seen)),
        definition,
        context,
        cleaner,
    }))
}

#[derive(Debug)]
struct FileSource {
    definition: FileDefinition,
    context: SourceContext,
    state: tokio::sync::Mutex<State>,
    seen: Arc<Mutex<SeenFiles>>,
    cleaner: Option<Cleaner>,
}

#[derive(Debug)]
struct State {
    log: FileSourceLog,
    files: PathFiles,
    /// Listed already, waiting for later batches.
    unread: Vec<TableFile>,
    /// All files of an available-now run.
    frozen: Option<Vec<TableFile>>,
    /// The newest log offset whose files were handed to the cleaner.
    cleaned: Option<u64>,
}

impl FileSource {
    fn seen(&self) -> MutexGuard<'_, SeenFiles> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every file of the path that may be new, ordered for reading.
    async fn list(&self, files: &mut PathFiles) -> Result<Vec<TableFile>> {
        let seen = Arc::clone(&self.seen);
        let skip: Skip =
            Arc::new(move |uri| seen.lock().unwrap_or_else(PoisonError::into_inner).contains(uri));
        let mut found = files.list(&self.context.runtime, Some(skip)).await?;
        if files.reads_sink_log() && self.definition.options.clean_source != CleanSource::Off {
            return Err(TidemillError::unsupported(
                "CLEAN_SOURCE_FILES.SINK_OUTPUT",
                "Clean up source files is not supported when reading from the output directory of FileStreamSink.",
            ));
        }
        // Listings come in the order of paths, which the sorts keep among equal times.
        if self.definition.options.latest_first {
            found.sort_by_key(|file| std::cmp::Reverse(file.modified_ms));
        } else {
            found.sort_by_key(|file| file.modified_ms);
        }
        Ok(found)
    }

    /// The files of the next entry. What is left over waits in `unread`, where that saves a listing.
    async fn next_files(&self, state: &mut State, limit: &ReadLimit) -> Result<Vec<TableFile>> {
        let new = if state.unread.is_empty() {
            let all = match &state.frozen {
                Some(frozen) => frozen.clone(),
                None => self.list(&mut state.files).await?,
            };
            let seen = self.seen();
            all.into_iter()
                .filter(|file| seen.is_new(&file.uri, file.modified_ms))
                .collect()
        } else {
            std::mem::take(&mut state.unread)
        };
        let count = match limit {
            ReadLimit::MaxFiles(files) => usize::try_from(*files).unwrap_or(usize::MAX),
            ReadLimit::MaxBytes(bytes) => files_within(&new, *bytes),
            ReadLimit::AllAvailable | ReadLimit::MaxRows(_) => usize::MAX,
        };
        let mut batch = new;
        let rest = batch.split_off(count.min(batch.len()));
        let options = &self.definition.options;
        // The newest files first means a new look each time.
        if !options.latest_first && state.frozen.is_none() && self.worth_keeping(&rest, limit) {
            state.unread = rest;
            state.unread.truncate(options.max_cached_files);
        }
        Ok(batch)
    }

    /// A rest too small for a batch of its own is better listed anew, with what has come meanwhile.
    fn worth_keeping(&self, rest: &[TableFile], limit: &ReadLimit) -> bool {
        let ratio = self.definition.options.discard_cached_input_ratio;
        let (size, limit) = match limit {
            ReadLimit::MaxFiles(files) => (rest.len() as f64, *files as f64),
            ReadLimit::MaxBytes(bytes) => {
                let size: u64 = rest
                    .iter()
                    .map(|file| file.size_bytes)
                    .fold(0, u64::saturating_add);
                (size as f64, *bytes as f64)
            }
            ReadLimit::AllAvailable | ReadLimit::MaxRows(_) => return false,
        };
        size >= limit * ratio
    }

    /// Hands the files of all entries up to `end` to the cleaner.
    async fn clean(&self, cleaner: &Cleaner, end: u64) -> Result<()> {
        let mut state = self.state.lock().await;
        // In a run's first commit only the last entry is known not to be cleaned.
        let start = state.cleaned.unwrap_or(end.saturating_sub(1));
        let mut files: Vec<LoggedFile> = Vec::new();
        if state.cleaned.is_none() && end == 0 {
            files = state.log.read(0).await?;
        } else if start < end {
            files = state.log.range(Some(start), end).await?;
        }
        state.cleaned = Some(end);
        drop(state);
        cleaner
            .clean(files.into_iter().map(|file| file.uri).collect())
            .await;
        Ok(())
    }
}

/// How many files together have at most so many bytes; at least one.
fn files_within(files: &[TableFile], max_bytes: u64) -> usize {
    let mut total = 0_u64;
    let fitting = files.iter().take_while(|file| {
        total = total.saturating_add(file.size_bytes);
        total <= max_bytes
    });
    fitting.count().max(1)
}

#[async_trait]
impl StreamSource for FileSource {
    fn description(&self) -> String {
        format!("FileStreamSource[{}]", self.definition.listing.root())
    }

    fn default_read_limit(&self) -> ReadLimit {
        self.definition.options.limit.clone()
    }

    async fn latest_offset(&self, start: Option<&Offset>, limit: ReadLimit) -> Result<Option<Offset>> {
        let start = start.map(from_offset).transpose()?.flatten();
        let mut state = self.state.lock().await;
        if let Some(start) = start {
            state.log.check_reached(start)?;
        }
        // An entry that no batch has mentioned yet fills a limited batch.
        if state.log.newest() > start && limit != ReadLimit::AllAvailable {
            return Ok(state.log.newest().map(to_offset));
        }
        let files = self.next_files(&mut state, &limit).await?;
        if !files.is_empty() {
            state.log.add(&files, self.context.clock.now_ms()).await?;
            let mut seen = self.seen();
            for file in &files {
                seen.add(&file.uri, file.modified_ms);
            }
            seen.purge();
        }
        Ok(state.log.newest().map(to_offset))
    }

    async fn batch(&self, start: Option<&Offset>, end: &Offset) -> Result<Arc<dyn TableProvider>> {
        let start = start.map(from_offset).transpose()?.flatten();
        let logged = match from_offset(end)? {
            Some(end) => {
                let state = self.state.lock().await;
                state.log.check_reached(end)?;
                state.log.range(start, end).await?
            }
            None => Vec::new(),
        };
        let format = &self.definition.format;
        let logged = logged
            .into_iter()
            .map(|file| (file.uri, file.modified_ms, file.size_bytes));
        let files = present_files(
            logged.collect(),
            &self.context.runtime,
            format.ignore_missing_files,
        )
        .await?;
        Ok(Arc::new(FileTable::new(
            files,
            Arc::clone(&self.definition.layout),
            Arc::clone(format),
        )))
    }

    async fn commit(&self, end: &Offset) -> Result<()> {
        let Some(end) = from_offset(end)? else {
            return Ok(());
        };
        if let Some(cleaner) = &self.cleaner {
            self.clean(cleaner, end).await?;
        }
        self.state.lock().await.log.committed(end);
        Ok(())
    }

    async fn prepare_for_available_now(&self) -> Result<bool> {
        let mut state = self.state.lock().await;
        let all = self.list(&mut state.files).await?;
        state.unread.clear();
        state.frozen = Some(all);
        Ok(true)
    }

    async fn stop(&self) {
        if let Some(cleaner) = &self.cleaner {
            cleaner.finish().await;
        }
    }
}
