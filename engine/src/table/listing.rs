//! Which files a path stands for, as Spark's file index lists them.
//!
//! Names that begin with `_` (unless they hold a `=`) or `.`, and `….` + `_COPYING_`, are skipped. Files in sub-folders
//! count only with `recursiveFileLookup`, or when some folder names a partition column (`k=v`). Local folders are read
//! with one readdir each, and a file is only asked for its size and time when the caller wants it.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use arrow::datatypes::{FieldRef, Schema};
use datafusion::execution::runtime_env::RuntimeEnv;
use futures::TryStreamExt;
use globset::GlobMatcher;
use object_store::ObjectStoreExt;

use super::{ModifiedRange, TableFile, glob, partition};
use crate::blocking::run_blocking;
use crate::file_uri::is_pattern;
use crate::{Conf, ErrorKind, FileUri, Options, Result, TidemillError};

/// Says whether a file (by its URI) is of no interest, so that its size and time need not be read.
pub(crate) type Skip = Arc<dyn Fn(&FileUri) -> bool + Send + Sync>;

/// What to list.
#[derive(Clone, Debug)]
pub(crate) struct FileListing {
    root: FileUri,
    recursive: bool,
    filter: Option<GlobMatcher>,
    base: Option<FileUri>,
    modified: ModifiedRange,
}

/// One folder or file that the path stands for, and what lies below it.
struct Found {
    root: FileUri,
    /// Folder of each file below the root, and the file.
    files: Vec<(FileUri, TableFile)>,
}

impl FileListing {
    /// The listing of a path (a folder, a file or a pattern) under Spark's options `recursiveFileLookup`,
    /// `pathGlobFilter`, `basePath`, `modifiedBefore` and `modifiedAfter`.
    pub(crate) fn new(root: FileUri, options: &Options, conf: &Conf) -> Result<Self> {
        let base = match options.get("basePath") {
            Some(base) => Some(FileUri::parse(base)?),
            None if root.is_glob() => None,
            None => Some(root.clone()),
        };
        Ok(Self {
            recursive: options.get_bool("recursiveFileLookup", false)?,
            filter: options.get("pathGlobFilter").map(glob::element).transpose()?,
            root,
            base,
            modified: ModifiedRange::new(options, conf)?,
        })
    }

    /// The path.
    pub(crate) fn root(&self) -> &FileUri {
        &self.root
    }

    /// The folder below which `k=v` names are partition columns; none when the path is a pattern without `basePath`:
    /// then each folder that matches is its own.
    pub(crate) fn base(&self) -> Option<&FileUri> {
        self.base.as_ref()
    }

    /// When files must have been changed last.
    pub(crate) fn modified(&self) -> &ModifiedRange {
        &self.modified
    }

    /// Whether `k=v` names mean anything.
    pub(crate) fn has_partitions(&self) -> bool {
        !self.recursive
    }

    /// Whether the path exists; a pattern always does.
    pub(crate) async fn exists(&self, runtime: &RuntimeEnv) -> Result<bool> {
        if self.root.is_glob() {
            return Ok(true);
        }
        if let Some(path) = self.root.local_path() {
            return run_blocking(move || path.exists()).await;
        }
        let (store, path) = self.root.object_store(runtime)?;
        if store.head(&path).await.is_ok() {
            return Ok(true);
        }
        let mut below = store.list(Some(&path));
        Ok(below.try_next().await.map_err(|e| self.failed(e))?.is_some())
    }

    /// All files, in the order of their paths. Files that `skip` knows are left out.
    ///
    /// # Errors
    /// When a folder cannot be read, or partition folders contradict each other.
    pub(crate) async fn list(&self, runtime: &RuntimeEnv, skip: Option<Skip>) -> Result<Vec<TableFile>> {
        let found = if self.root.is_local() {
            let listing = self.clone();
            run_blocking(move || listing.list_local(skip.as_ref())).await??
        } else {
            self.list_store(runtime, skip.as_ref()).await?
        };
        self.choose(found)
    }

    /// Without partition folders only the files directly in a root count.
    fn choose(&self, found: Vec<Found>) -> Result<Vec<TableFile>> {
        let partitioned = !self.recursive && {
            let mut folders: Vec<(&FileUri, &FileUri)> = found
                .iter()
                .flat_map(|f| {
                    f.files
                        .iter()
                        .map(|(folder, _)| (self.base.as_ref().unwrap_or(&f.root), folder))
                })
                .collect();
            folders.dedup();
            partition::check_folders(&folders)?
        };
        let mut files = Vec::new();
        let mut taken = HashSet::new();
        for Found { root, files: below } in found {
            for (folder, file) in below {
                let direct = folder == root || file.uri == root;
                if (self.recursive || partitioned || direct) && taken.insert(file.uri.clone()) {
                    files.push(file);
                }
            }
        }
        files.sort_by(|a, b| a.uri.cmp(&b.uri));
        Ok(files)
    }

    /// The partition columns of these files.
    pub(crate) fn partition_columns(
        &self,
        files: &[TableFile],
        user: Option<&Schema>,
        infer_types: bool,
    ) -> Result<Vec<FieldRef>> {
        let root = self.root.with_path("/");
        let base = self.base.as_ref().unwrap_or(&root);
        let mut folders: Vec<(FileUri, FileUri)> = files
            .iter()
            .filter_map(|file| Some((base.clone(), file.uri.parent()?)))
            .collect();
        folders.dedup();
        partition::infer_columns(&folders, user, infer_types)
    }

    pub(super) fn accepts(&self, name: &str) -> bool {
        !is_hidden(name) && self.filter.as_ref().is_none_or(|f| f.is_match(name))
    }

    fn failed(&self, error: impl std::error::Error + Send + Sync + 'static) -> TidemillError {
        TidemillError::new(
            ErrorKind::Retry,
            "CANNOT_LIST_FILES",
            format!("cannot list the files of {}: {error}", self.root),
        )
        .with_source(error)
    }

    fn list_local(&self, skip: Option<&Skip>) -> Result<Vec<Found>> {
        let mut out = Vec::new();
        for root in self.local_roots()? {
            let mut found = Found {
                root: root.clone(),
                files: Vec::new(),
            };
            let Some(path) = root.local_path() else { continue };
            match fs::metadata(&path) {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                Err(e) => return Err(self.failed(e)),
                Ok(meta) if meta.is_dir() => self.walk(&root, &path, skip, &mut found.files)?,
                Ok(meta) => {
                    let folder = root.parent().unwrap_or_else(|| root.clone());
                    if self.accepts(root.name()) && skip.is_none_or(|skip| !skip(&root)) {
                        found.files.push((folder, local_file(root, &meta)));
                    }
                }
            }
            out.push(found);
        }
        Ok(out)
    }

    fn walk(
        &self,
        folder: &FileUri,
        path: &Path,
        skip: Option<&Skip>,
        out: &mut Vec<(FileUri, TableFile)>,
    ) -> Result<()> {
        let entries = match fs::read_dir(path) {
            // The folder went away while the listing ran.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(|e| self.failed(e))?,
        };
        for entry in entries {
            let entry = entry.map_err(|e| self.failed(e))?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                return Err(TidemillError::invalid(
                    "INVALID_PATH",
                    format!("{folder} holds a file whose name is not UTF-8: {name:?}; rename it"),
                ));
            };
            if is_hidden(name) {
                continue;
            }
            let mut kind = entry.file_type().map_err(|e| self.failed(e))?;
            if kind.is_symlink() {
                match fs::metadata(entry.path()) {
                    Ok(target) => kind = target.file_type(),
                    // A dangling link is no file.
                    Err(_) => continue,
                }
            }
            let uri = folder.child(name);
            if kind.is_dir() {
                self.walk(&uri, &entry.path(), skip, out)?;
            } else if self.accepts(name) && skip.is_none_or(|skip| !skip(&uri)) {
                match fs::metadata(entry.path()) {
                    Ok(meta) => out.push((folder.clone(), local_file(uri, &meta))),
                    // Deleted or moved since the folder was read.
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                    Err(e) => return Err(self.failed(e)),
                }
            }
        }
        Ok(())
    }

    /// The root itself, or what its pattern matches, in the order of the paths.
    fn local_roots(&self) -> Result<Vec<FileUri>> {
        if !self.root.is_glob() {
            return Ok(vec![self.root.clone()]);
        }
        let mut out = Vec::new();
        for pattern in glob::unfold(self.root.path()) {
            let mut roots = vec![self.root.with_path("/")];
            for element in pattern.split('/').filter(|e| !e.is_empty()) {
                if !is_pattern(element) {
                    roots.iter_mut().for_each(|root| *root = root.child(element));
                    continue;
                }
                let matcher = glob::element(element)?;
                let mut next = Vec::new();
                for root in roots {
                    let Some(path) = root.local_path() else { continue };
                    let Ok(entries) = fs::read_dir(path) else { continue };
                    next.extend(
                        entries
                            .filter_map(|e| e.ok()?.file_name().into_string().ok())
                            .filter(|name| matcher.is_match(name))
                            .map(|name| root.child(&name)),
                    );
                }
                roots = next;
            }
            out.extend(roots);
        }
        out.sort();
        out.dedup();
        Ok(out)
    }

    async fn list_store(&self, runtime: &RuntimeEnv, skip: Option<&Skip>) -> Result<Vec<Found>> {
        let start = self.root.fixed_prefix();
        let (store, path) = start.object_store(runtime)?;
        let mut objects: Vec<_> = store
            .list(Some(&path))
            .try_collect()
            .await
            .map_err(|e| self.failed(e))?;
        if objects.is_empty() && !self.root.is_glob() {
            objects.extend(store.head(&path).await.ok());
        }
        let patterns = glob::unfold(self.root.path())
            .iter()
            .map(|p| {
                p.split('/')
                    .filter(|e| !e.is_empty())
                    .map(glob::element)
                    .collect::<Result<Vec<_>>>()
            })
            .collect::<Result<Vec<_>>>()?;
        let mut out: Vec<Found> = Vec::new();
        for object in objects {
            let uri = self.root.with_path(object.location.as_ref());
            let Some(root) = self.store_root(&uri, &patterns) else {
                continue;
            };
            let below = root.relative(&uri).unwrap_or_else(|| uri.name());
            if below.split('/').any(is_hidden) || !self.accepts(uri.name()) || skip.is_some_and(|s| s(&uri)) {
                continue;
            }
            let folder = uri.parent().unwrap_or_else(|| root.clone());
            let file = TableFile {
                size_bytes: object.size,
                modified_ms: object.last_modified.timestamp_millis(),
                uri,
            };
            match out.iter_mut().find(|f| f.root == root) {
                Some(found) => found.files.push((folder, file)),
                None => out.push(Found {
                    root,
                    files: vec![(folder, file)],
                }),
            }
        }
        Ok(out)
    }

    /// The part of an object's path that the listed path, or its pattern, stands for.
    fn store_root(&self, uri: &FileUri, patterns: &[Vec<GlobMatcher>]) -> Option<FileUri> {
        if !self.root.is_glob() {
            return (*uri == self.root || self.root.relative(uri).is_some()).then(|| self.root.clone());
        }
        let elements: Vec<&str> = uri.path().split('/').filter(|e| !e.is_empty()).collect();
        let matched = patterns.iter().find(|pattern| {
            pattern.len() <= elements.len() && pattern.iter().zip(&elements).all(|(m, e)| m.is_match(e))
        })?;
        Some(self.root.with_path(&elements.get(..matched.len())?.join("/")))
    }
}

/// Whether Spark skips a file or folder of this name.
fn is_hidden(name: &str) -> bool {
    let hidden = (name.starts_with('_') && !name.contains('='))
        || name.starts_with('.')
        || name.ends_with("._COPYING_");
    hidden && !name.starts_with("_common_metadata") && !name.starts_with("_metadata")
}

fn local_file(uri: FileUri, meta: &fs::Metadata) -> TableFile {
    TableFile {
        uri,
        size_bytes: meta.len(),
        modified_ms: modified_ms(meta),
    }
}

/// Modification time in milliseconds since the epoch; 0 where the file system has none.
pub(crate) fn modified_ms(meta: &fs::Metadata) -> i64 {
    let Ok(time) = meta.modified() else { return 0 };
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}
