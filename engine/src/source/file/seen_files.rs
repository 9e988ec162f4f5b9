//! Which input files were read already, and from which time on a file is too old to be asked for.
//!
//! Age is measured against the newest modification time seen, never against the clock; until the first batch is
//! taken nothing is too old.

use std::collections::HashMap;

use crate::FileUri;

/// The files that were read, by path (or by name alone), with their modification times.
#[derive(Debug)]
pub(super) struct SeenFiles {
    files: HashMap<Box<str>, i64>,
    max_age_ms: Option<i64>,
    file_name_only: bool,
    newest_ms: i64,
    /// Files older than this are not looked at any more.
    purged_before_ms: i64,
}

impl SeenFiles {
    pub(super) fn new(max_age_ms: Option<i64>, file_name_only: bool) -> Self {
        Self {
            files: HashMap::new(),
            max_age_ms,
            file_name_only,
            newest_ms: 0,
            purged_before_ms: 0,
        }
    }

    fn key<'a>(&self, uri: &'a FileUri) -> &'a str {
        if self.file_name_only {
            uri.name()
        } else {
            uri.path()
        }
    }

    /// Whether the file was read, as far as is remembered.
    pub(super) fn contains(&self, uri: &FileUri) -> bool {
        self.files.contains_key(self.key(uri))
    }

    /// Whether the file is to be read.
    pub(super) fn is_new(&self, uri: &FileUri, modified_ms: i64) -> bool {
        modified_ms >= self.purged_before_ms && !self.contains(uri)
    }

    /// Remembers a file as read.
    pub(super) fn add(&mut self, uri: &FileUri, modified_ms: i64) {
        self.files.insert(self.key(uri).into(), modified_ms);
        self.newest_ms = self.newest_ms.max(modified_ms);
    }

    /// Forgets files that are too old to come again.
    pub(super) fn purge(&mut self) {
        let Some(age) = self.max_age_ms else { return };
        self.purged_before_ms = self.newest_ms.saturating_sub(age);
        let before = self.purged_before_ms;
        self.files.retain(|_, modified_ms| *modified_ms >= before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(path: &str) -> FileUri {
        FileUri::parse(path).unwrap()
    }

    #[test]
    fn age_is_measured_against_the_newest_file_seen() {
        let mut seen = SeenFiles::new(Some(10), false);
        assert!(seen.is_new(&uri("/a"), 5));
        seen.add(&uri("/a"), 5);
        assert!(!seen.is_new(&uri("/a"), 5));
        seen.add(&uri("/b"), 15);
        seen.purge();
        assert!(!seen.is_new(&uri("/a"), 5));
        assert!(seen.is_new(&uri("/c"), 5));
        seen.add(&uri("/d"), 25);
        seen.purge();
        assert!(!seen.is_new(&uri("/a"), 5));
        assert!(!seen.is_new(&uri("/c"), 14));
        assert!(seen.is_new(&uri("/c"), 15));
        assert!(!seen.contains(&uri("/a")));
    }

    #[test]
    fn only_the_name_counts_with_file_name_only() {
        let mut seen = SeenFiles::new(None, true);
        seen.add(&uri("/x/a"), 1);
        assert!(seen.contains(&uri("s3://b/y/a")));
        assert!(!seen.contains(&uri("/x/b")));
    }
}
