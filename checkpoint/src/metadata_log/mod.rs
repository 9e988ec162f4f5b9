//! Logs: a folder with one file per batch id, each written once.
//!
//! A name that is a plain number is an entry; `<n>.compact` is one too in a compactible log; everything else (hidden
//! checksums, temporary files, foreign names) is passed over. Entries open with a version line; see
//! [`version`] for what is refused.

mod compactible;
mod entry;
mod log;
mod sink_entry;
mod source_entry;
#[cfg(test)]
mod tests;
pub(crate) mod version;

pub use compactible::{CompactibleFileStreamLog, CompactibleLogOptions};
pub use entry::CompactibleLogEntry;
pub use log::MetadataLog;
pub use sink_entry::SinkFileStatus;
pub use source_entry::FileSourceEntry;
