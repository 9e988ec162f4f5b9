//! The source's own log: which input files each log offset brought, in `sources/<i>/`.
//!
//! An entry is written when the newest offset is asked for, before the offset log mentions it. Entries that are not
//! committed yet are kept in memory with the sizes of their files, so that an ordinary batch reads no log file back.

use std::collections::BTreeMap;

use tidemill_checkpoint::{
    BatchId, CompactibleFileStreamLog, CompactibleLogOptions, Creation, FileSourceEntry, Offset,
};

use crate::source::{SourceContext, offset};
use crate::table::TableFile;
use crate::{ErrorKind, FileUri, Result, TidemillError};

/// One logged file; its size where it is known.
#[derive(Clone, Debug)]
pub(super) struct LoggedFile {
    pub(super) uri: FileUri,
    pub(super) modified_ms: i64,
    pub(super) size_bytes: Option<u64>,
}

/// The log and its newest entries.
#[derive(Debug)]
pub(super) struct FileSourceLog {
    log: CompactibleFileStreamLog<FileSourceEntry>,
    folder: String,
    /// The newest entry.
    newest: Option<u64>,
    recent: BTreeMap<u64, Vec<LoggedFile>>,
}

impl FileSourceLog {
    /// Opens the log in the source's folder.
    pub(super) async fn open(context: &SourceContext) -> Result<Self> {
        let conf = &context.conf;
        let options = CompactibleLogOptions {
            compact_interval: conf.get_u64("spark.sql.streaming.fileSource.log.compactInterval")?,
            cleanup_delay_ms: conf.get_duration_ms("spark.sql.streaming.fileSource.log.cleanupDelay")?,
            deletion: conf.get_bool("spark.sql.streaming.fileSource.log.deletion")?,
            min_batches_to_retain: conf.get_u64("spark.sql.streaming.minBatchesToRetain")?,
            retention_ms: None,
        };
        let manager = std::sync::Arc::clone(&context.checkpoint);
        let log = CompactibleFileStreamLog::open(manager, context.folder.clone(), options).await?;
        let newest = log.latest().await?.map(BatchId::get);
        Ok(Self {
            log,
            folder: context.checkpoint.describe(&context.folder),
            newest,
            recent: BTreeMap::new(),
        })
    }

    /// The newest log offset.
    pub(super) fn newest(&self) -> Option<u64> {
        self.newest
    }

    /// Every file that is still on record.
    pub(super) async fn all(&self) -> Result<Vec<LoggedFile>> {
        self.log.all_files().await?.iter().map(logged).collect()
    }

    /// Writes the next entry.
    ///
    /// # Errors
    /// `CONCURRENT_STREAM_LOG_UPDATE` when another run wrote it first.
    pub(super) async fn add(&mut self, files: &[TableFile], now_ms: i64) -> Result<()> {
        let id = self.newest.map_or(0, |newest| newest + 1);
        let entries = files
            .iter()
            .map(|file| FileSourceEntry {
                path: file.uri.to_hadoop(),
                timestamp: file.modified_ms,
                batch_id: id,
            })
            .collect();
        match self.log.add(BatchId::new(id), entries, now_ms).await? {
            Creation::Created => {}
            Creation::AlreadyExists => {
                return Err(TidemillError::new(
                    ErrorKind::Concurrent,
                    "CONCURRENT_STREAM_LOG_UPDATE",
                    format!(
                        "Concurrent update to the log. Multiple streaming jobs detected for {id} in {}. Please make \
                         sure only one streaming job runs on a specific checkpoint location at a time.",
                        self.folder
                    ),
                ));
            }
        }
        let files = files
            .iter()
            .map(|file| LoggedFile {
                uri: file.uri.clone(),
                modified_ms: file.modified_ms,
                size_bytes: Some(file.size_bytes),
            })
            .collect();
        self.newest = Some(id);
        self.recent.insert(id, files);
        Ok(())
    }

    /// The files of the entries after `start` up to and with `end`, in order.
    ///
    /// # Errors
    /// When an entry is missing.
    pub(super) async fn range(&self, start: Option<u64>, end: u64) -> Result<Vec<LoggedFile>> {
        let mut out = Vec::new();
        for id in start.map_or(0, |start| start + 1)..=end {
            match self.recent.get(&id) {
                Some(files) => out.extend(files.iter().cloned()),
                None => out.extend(self.read(id).await?),
            }
        }
        Ok(out)
    }

    /// The files of one entry.
    pub(super) async fn read(&self, id: u64) -> Result<Vec<LoggedFile>> {
        match self.log.get(BatchId::new(id)).await? {
            Some(entries) => entries.iter().map(logged).collect(),
            None => Err(TidemillError::new(
                ErrorKind::Corrupt,
                "MISSING_SOURCE_LOG_ENTRY",
                format!(
                    "entry {id} of the source log {} is missing, but the offset log refers to it; restore the file, \
                     or start with a new checkpoint",
                    self.folder
                ),
            )),
        }
    }

    /// Forgets what is committed.
    pub(super) fn committed(&mut self, end: u64) {
        self.recent = self.recent.split_off(&(end + 1));
    }

    /// Refuses an offset that the log does not reach.
    pub(super) fn check_reached(&self, offset: u64) -> Result<()> {
        if self.newest.is_some_and(|newest| newest >= offset) {
            return Ok(());
        }
        let newest = self
            .newest
            .map_or("is empty".to_owned(), |n| format!("ends at entry {n}"));
        Err(TidemillError::new(
            ErrorKind::Corrupt,
            "MISSING_SOURCE_LOG_ENTRY",
            format!(
                "the offset log has read up to logOffset {offset}, but the source log {} {newest}; restore its files, \
                 or start with a new checkpoint",
                self.folder
            ),
        ))
    }
}

fn logged(entry: &FileSourceEntry) -> Result<LoggedFile> {
    Ok(LoggedFile {
        uri: FileUri::from_hadoop(&entry.path)?,
        modified_ms: entry.timestamp,
        size_bytes: None,
    })
}

/// `{"logOffset":7}`.
pub(super) fn to_offset(log_offset: u64) -> Offset {
    Offset::new(format!("{{\"logOffset\":{log_offset}}}"))
}

/// From `{"logOffset":7}` or a bare `7`; -1 stands for nothing read yet.
pub(super) fn from_offset(text: &Offset) -> Result<Option<u64>> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Json {
        Object {
            #[serde(rename = "logOffset")]
            log_offset: i64,
        },
        Bare(i64),
    }
    match serde_json::from_str(text.json()) {
        Ok(Json::Object { log_offset: number } | Json::Bare(number)) if number >= -1 => {
            Ok(u64::try_from(number).ok())
        }
        _ => Err(offset::malformed(text, "a file source", "{\"logOffset\":n}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_in_both_forms() {
        let read = |text: &str| from_offset(&Offset::new(text));
        assert_eq!(read(to_offset(7).json()).unwrap(), Some(7));
        assert_eq!(read("{ \"logOffset\" : 7 }").unwrap(), Some(7));
        assert_eq!(read("7").unwrap(), Some(7));
        assert_eq!(read("-1").unwrap(), None);
        for wrong in ["-2", "{}", "{\"a\":{\"0\":1}}", "x", ""] {
            assert_eq!(
                read(wrong).unwrap_err().condition(),
                "MALFORMED_SOURCE_OFFSET",
                "{wrong}"
            );
        }
    }
}
