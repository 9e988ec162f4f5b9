//! The file source: a folder or pattern whose new files are the stream.
//!
//! Each time the newest offset is asked for, the files that were not read yet are found, ordered by modification time
//! (then by path), cut to the limit, and written as the next entry of the source's own log; the offset is the entry's
//! number. A batch reads exactly the files of its entries, so a replay sees the same files, and a file changed in
//! place is not read again. A file that is gone by then is an error, unless `ignoreMissingFiles` is set.
//!
//! After a crash the log may hold an entry that no batch mentions: it is the next batch's, before any other file.

mod cleaner;
mod definition;
mod file_source;
mod log;
mod options;
mod seen_files;

#[cfg(test)]
mod tests;

pub(super) use definition::FileDefinition;
pub(super) use file_source::open;
