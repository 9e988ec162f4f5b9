//! The name of a data file or folder: a local path or a URL, and how Hadoop writes it.
//!
//! A name is read as Hadoop's `Path` reads it: what a user writes is not percent-decoded, doubled slashes and `.`
//! fall away, `..` climbs. Logs hold the escaped form, which is what `java.net.URI` prints for such a path: blanks,
//! percent signs, control characters and the characters that a URI path cannot hold are escaped, other letters stay.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnv;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use percent_encoding::percent_decode_str;
use tidemill_checkpoint::{CheckpointFileManager, Fsync, LocalFileManager, ObjectStoreFileManager};
use url::Url;

use crate::blocking::TokioBlocking;
use crate::{ErrorKind, Result, TidemillError};

/// The scheme of local files.
const LOCAL: &str = "file";

/// An absolute file or folder name: `/a/b`, `file:///a/b`, `s3://bucket/a`, `memory:///a`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileUri {
    /// `file`, `s3`, `gs`, `abfss`, `memory` …
    scheme: String,
    /// Bucket or host; empty for local files.
    authority: String,
    /// The absolute path, not escaped.
    path: String,
}

impl FileUri {
    /// From what a user wrote; a relative path is relative to the working directory.
    ///
    /// Nothing is percent-decoded: `a%20b` names a file with a percent sign.
    pub fn parse(text: &str) -> Result<Self> {
        let (scheme, authority, path) = split(text);
        if text.trim().is_empty() {
            return Err(invalid_path(text, "it is empty"));
        }
        let path = if path.starts_with('/') || !authority.is_empty() {
            path.to_owned()
        } else if scheme == LOCAL {
            format!("{}/{path}", working_directory()?)
        } else {
            return Err(invalid_path(text, "a path with a scheme must be absolute"));
        };
        Ok(Self {
            scheme: scheme.to_owned(),
            authority: authority.to_owned(),
            path: normalize(&path),
        })
    }

    /// From what a source or sink log holds: `file:///a%20b`.
    pub fn from_hadoop(text: &str) -> Result<Self> {
        let (scheme, authority, path) = split(text);
        let path = percent_decode_str(path)
            .decode_utf8()
            .map_err(|_| invalid_path(text, "its escapes are not UTF-8"))?;
        if !path.starts_with('/') {
            return Err(invalid_path(text, "a path in a log must be absolute"));
        }
        Ok(Self {
            scheme: scheme.to_owned(),
            authority: authority.to_owned(),
            path: normalize(&path),
        })
    }

    /// A local file or folder by its absolute path.
    pub fn from_local_path(path: &std::path::Path) -> Result<Self> {
        let text = path
            .to_str()
            .ok_or_else(|| invalid_path(&path.to_string_lossy(), "it is not UTF-8"))?;
        Self::parse(&format!("{LOCAL}://{text}"))
    }

    /// As Hadoop prints it in logs: `file:///a%20b`; blank and percent escaped, other letters raw.
    pub fn to_hadoop(&self) -> String {
        let mut out = format!("{}://{}", self.scheme, self.authority);
        escape(&self.path, &mut out);
        out
    }

    /// As Spark prints a folder in descriptions: `file:/a/b`.
    pub fn to_description(&self) -> String {
        if self.authority.is_empty() {
            format!("{}:{}", self.scheme, self.path)
        } else {
            format!("{}://{}{}", self.scheme, self.authority, self.path)
        }
    }

    /// The local path, for `file`.
    pub fn local_path(&self) -> Option<PathBuf> {
        self.is_local().then(|| PathBuf::from(&self.path))
    }

    /// Whether it names a file of this machine.
    pub fn is_local(&self) -> bool {
        self.scheme == LOCAL
    }

    /// The absolute path, not escaped.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The last element of the path; empty for the root.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The folder that holds it; none for the root.
    pub fn parent(&self) -> Option<Self> {
        let (parent, name) = self.path.rsplit_once('/')?;
        (!name.is_empty()).then(|| self.with_path(if parent.is_empty() { "/" } else { parent }))
    }

    /// A name under this folder.
    #[must_use]
    pub fn join(&self, relative: &str) -> Self {
        self.with_path(&format!("{}/{relative}", self.path))
    }

    /// The file or folder of exactly this name in this folder.
    pub(crate) fn child(&self, name: &str) -> Self {
        let folder = self.path.trim_end_matches('/');
        Self {
            scheme: self.scheme.clone(),
            authority: self.authority.clone(),
            path: format!("{folder}/{name}"),
        }
    }

    /// The folders before the first element that is a pattern; the path itself when there is none.
    pub(crate) fn fixed_prefix(&self) -> Self {
        let fixed: Vec<&str> = self.path.split('/').take_while(|e| !is_pattern(e)).collect();
        self.with_path(&fixed.join("/"))
    }

    /// What of `other` lies below this folder: `b/c` for `/a` and `/a/b/c`; none when `other` is not below it.
    pub fn relative<'a>(&self, other: &'a Self) -> Option<&'a str> {
        if self.scheme != other.scheme || self.authority != other.authority {
            return None;
        }
        let rest = other.path.strip_prefix(self.path.trim_end_matches('/'))?;
        rest.strip_prefix('/').filter(|rest| !rest.is_empty())
    }

    /// Whether Hadoop reads it as a pattern: it holds one of `{}[]*?\`.
    pub fn is_glob(&self) -> bool {
        is_pattern(&self.path)
    }

    /// Whether both lie in the same bucket or on the same disk.
    pub fn same_store(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.authority == other.authority
    }

    /// The same store with another absolute path.
    #[must_use]
    pub fn with_path(&self, path: &str) -> Self {
        Self {
            scheme: self.scheme.clone(),
            authority: self.authority.clone(),
            path: normalize(path),
        }
    }

    /// The URL of the object store alone, as DataFusion names stores: `file://`, `s3://bucket`.
    pub fn store_url(&self) -> Result<ObjectStoreUrl> {
        let scheme = match self.scheme.as_str() {
            "s3a" | "s3n" => "s3",
            other => other,
        };
        Ok(ObjectStoreUrl::parse(format!("{scheme}://{}", self.authority))?)
    }

    /// The path inside the object store.
    pub fn store_path(&self) -> Result<object_store::path::Path> {
        object_store::path::Path::parse(&self.path).map_err(|e| {
            invalid_path(&self.to_description(), "no object store can hold such a name").with_source(e)
        })
    }

    /// The object store that holds it, and its path there.
    ///
    /// A store registered with the runtime wins. Otherwise `memory:` makes a store that lives as long as the runtime,
    /// and cloud schemes are opened with the settings in the environment, where the crate was built with them.
    pub fn object_store(
        &self,
        runtime: &RuntimeEnv,
    ) -> Result<(Arc<dyn ObjectStore>, object_store::path::Path)> {
        static OPENING: Mutex<()> = Mutex::new(());
        let path = self.store_path()?;
        let url = self.store_url()?;
        // Two openings at once must not register two stores for one URL.
        let _guard = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(store) = runtime.object_store(&url) {
            return Ok((store, path));
        }
        let store = self.open_store(url.as_ref())?;
        runtime.register_object_store(url.as_ref(), Arc::clone(&store));
        Ok((store, path))
    }

    /// A file manager rooted at this folder, which overwrites nothing; `fsync` says what a local disk must do.
    pub fn file_manager(&self, runtime: &RuntimeEnv, fsync: Fsync) -> Result<Arc<dyn CheckpointFileManager>> {
        if let Some(path) = self.local_path() {
            let blocking = Arc::new(TokioBlocking);
            return Ok(Arc::new(LocalFileManager::with_fsync(path, blocking, fsync)));
        }
        let (store, path) = self.object_store(runtime)?;
        Ok(Arc::new(ObjectStoreFileManager::new(store, path)))
    }

    fn open_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        if self.scheme == "memory" {
            return Ok(Arc::new(InMemory::new()));
        }
        let settings = std::env::vars().map(|(name, value)| (name.to_ascii_lowercase(), value));
        let (store, _) = object_store::parse_url_opts(url, settings).map_err(|e| {
            TidemillError::new(
                ErrorKind::Unsupported,
                "UNSUPPORTED_FILE_SYSTEM",
                format!(
                    "no object store for '{}': register one with the session's runtime, or build Tidemill with the \
                     feature of its provider (aws, gcp or azure)",
                    self.to_description()
                ),
            )
            .with_source(e)
        })?;
        Ok(Arc::from(store))
    }
}

impl std::fmt::Display for FileUri {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_description())
    }
}

fn invalid_path(text: &str, why: &str) -> TidemillError {
    TidemillError::invalid("INVALID_PATH", format!("cannot read '{text}' as a path: {why}"))
}

fn working_directory() -> Result<String> {
    let folder = std::env::current_dir().map_err(|e| {
        TidemillError::new(
            ErrorKind::Retry,
            "WORKING_DIRECTORY",
            format!("the working directory cannot be found: {e}"),
        )
    })?;
    folder
        .to_str()
        .map(str::to_owned)
        .ok_or_else(|| invalid_path(&folder.to_string_lossy(), "the working directory is not UTF-8"))
}

/// Scheme, authority and path, as Hadoop's `Path` splits them: a colon before the first slash ends a scheme.
fn split(text: &str) -> (&str, &str, &str) {
    let colon = text.find(':');
    let slash = text.find('/');
    let (scheme, rest) = match colon {
        Some(at) if at > 0 && slash.is_none_or(|s| at < s) && is_scheme(&text[..at]) => {
            (&text[..at], &text[at + 1..])
        }
        _ => return (LOCAL, "", text),
    };
    match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            (scheme, &rest[..end], &rest[end..])
        }
        None => (scheme, "", rest),
    }
}

/// Whether Hadoop takes the text for a pattern.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['{', '}', '[', ']', '*', '?', '\\'])
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// One leading slash, none at the end or doubled, `.` and `..` resolved.
fn normalize(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn escape(path: &str, out: &mut String) {
    let mut bytes = [0; 4];
    for c in path.chars() {
        if is_raw(c) {
            out.push(c);
        } else {
            for byte in c.encode_utf8(&mut bytes).bytes() {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

/// What `java.net.URI` leaves alone in a path: unreserved and path punctuation, and of the letters beyond ASCII all
/// but controls and blanks (Unicode's Zs, Zl and Zp).
fn is_raw(c: char) -> bool {
    let punctuation = matches!(
        c,
        '"' | '#' | '%' | '<' | '>' | '?' | '[' | '\\' | ']' | '^' | '`' | '{' | '|' | '}'
    );
    let blank = matches!(
        c,
        '\0'..=' '
            | '\u{7f}'..='\u{a0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200a}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{202f}'
            | '\u{205f}'
            | '\u{3000}'
    );
    !punctuation && !blank
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_as_spark_logs_them() {
        let uri = FileUri::parse("/in/a b%20ü.json").unwrap();
        assert_eq!(uri.to_hadoop(), "file:///in/a%20b%2520ü.json");
        let uri = FileUri::parse("/a/x[1]{2}#3?4\"<>|^`\\\t\u{7f}").unwrap();
        assert_eq!(
            uri.to_hadoop(),
            "file:///a/x%5B1%5D%7B2%7D%233%3F4%22%3C%3E%7C%5E%60%5C%09%7F"
        );
        let uri = FileUri::parse("/a/\u{85}\u{a0}\u{2028}\u{3000}\u{200b}😀~!$&'()*+,;=:@-._").unwrap();
        assert_eq!(
            uri.to_hadoop(),
            "file:///a/%C2%85%C2%A0%E2%80%A8%E3%80%80\u{200b}😀~!$&'()*+,;=:@-._"
        );
    }

    #[test]
    fn an_escaped_name_reads_back() {
        for name in ["/a b%20ü", "/[x]/{y}#?", "/\u{3000}/%", "/+=&"] {
            let uri = FileUri::parse(name).unwrap();
            assert_eq!(FileUri::from_hadoop(&uri.to_hadoop()).unwrap(), uri);
        }
        assert_eq!(FileUri::from_hadoop("file:/a%20b").unwrap().path(), "/a b");
    }

    #[test]
    fn paths_are_read_as_hadoop_reads_them() {
        let hadoop = |text: &str| FileUri::parse(text).unwrap().to_hadoop();
        assert_eq!(hadoop("file:/a//b/"), "file:///a/b");
        assert_eq!(hadoop("/a/./b/../c:d"), "file:///a/c:d");
        assert_eq!(hadoop("s3://b/x y"), "s3://b/x%20y");
        assert_eq!(hadoop("s3a://b"), "s3a://b/");
        assert_eq!(hadoop("memory:///a%20b"), "memory:///a%2520b");
        let here = std::env::current_dir().unwrap();
        assert_eq!(
            FileUri::parse("in/x").unwrap().local_path().unwrap(),
            here.join("in/x")
        );
        assert_eq!(FileUri::parse("s3:x").unwrap_err().condition(), "INVALID_PATH");
        assert_eq!(FileUri::parse("").unwrap_err().condition(), "INVALID_PATH");
    }

    #[test]
    fn descriptions_have_one_slash() {
        assert_eq!(FileUri::parse("/a b").unwrap().to_description(), "file:/a b");
        assert_eq!(FileUri::parse("s3://b/a").unwrap().to_description(), "s3://b/a");
    }

    #[test]
    fn names_below_a_folder_are_found() {
        let root = FileUri::parse("/a").unwrap();
        assert_eq!(root.relative(&root.join("b/c")), Some("b/c"));
        assert_eq!(root.relative(&FileUri::parse("/ab").unwrap()), None);
        assert_eq!(root.relative(&root), None);
        assert_eq!(root.join("b").parent().unwrap(), root);
        assert_eq!(root.parent().unwrap().path(), "/");
        assert!(root.parent().unwrap().parent().is_none());
    }

    #[test]
    fn a_memory_store_lives_with_its_runtime() {
        let runtime = RuntimeEnv::default();
        let uri = FileUri::parse("memory:///a/b").unwrap();
        let (first, path) = uri.object_store(&runtime).unwrap();
        let (second, _) = uri.object_store(&runtime).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(path.as_ref(), "a/b");
        let (other, _) = uri.object_store(&RuntimeEnv::default()).unwrap();
        assert!(!Arc::ptr_eq(&first, &other));
    }

    #[test]
    fn an_unknown_scheme_says_what_to_do() {
        let uri = FileUri::parse("nope://x/y").unwrap();
        let error = uri.object_store(&RuntimeEnv::default()).unwrap_err();
        assert_eq!(error.condition(), "UNSUPPORTED_FILE_SYSTEM");
        assert!(error.message().contains("nope://x/y"), "{error}");
    }
}
