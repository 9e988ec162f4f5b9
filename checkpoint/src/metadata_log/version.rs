//! The version line, and the first look at any text file of a checkpoint.
//!
//! What is told apart: an empty file, bytes that are no text, a first line that is no version, and a version newer
//! than the one known here.

use crate::error::{CheckpointError, Result};

/// The content as text; an empty file and bad UTF-8 are errors.
pub(crate) fn text<'a>(path: &str, content: &'a [u8], expected: &str) -> Result<&'a str> {
    if content.is_empty() {
        return Err(CheckpointError::Empty {
            path: path.to_owned(),
            expected: expected.to_owned(),
        });
    }
    std::str::from_utf8(content).map_err(|error| CheckpointError::NotUtf8 {
        path: path.to_owned(),
        position_bytes: u64::try_from(error.valid_up_to()).unwrap_or(u64::MAX),
    })
}

/// Splits off the version line: the version, and what follows it, `None` when the file ends with the version.
pub(crate) fn split_version<'a>(path: &str, text: &'a str, supported: u32) -> Result<(u32, Option<&'a str>)> {
    let (first, rest) = match text.split_once('\n') {
        Some((first, rest)) => (first, Some(rest)),
        None => (text, None),
    };
    let first = first.strip_suffix('\r').unwrap_or(first);
    let malformed = || CheckpointError::MalformedVersion {
        path: path.to_owned(),
        supported,
        found: first.chars().take(80).collect(),
    };
    let digits = first.strip_prefix('v').ok_or_else(malformed)?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(malformed());
    }
    let found: u64 = digits.parse().unwrap_or(u64::MAX);
    match u32::try_from(found) {
        Ok(0) => Err(malformed()),
        Ok(version) if version <= supported => Ok((version, rest)),
        _ => Err(CheckpointError::UnsupportedVersion {
            path: path.to_owned(),
            supported,
            found,
        }),
    }
}

/// The version of a text file and what follows its first line: UTF-8 text, split behind the version.
///
/// `path` and `expected` are for messages.
pub fn split<'a>(
    path: &str,
    content: &'a [u8],
    supported: u32,
    expected: &str,
) -> Result<(u32, Option<&'a str>)> {
    split_version(path, text(path, content, expected)?, supported)
}

/// Reads one JSON value; an early end is torn, anything else malformed. `path` and `expected` are for messages.
pub fn json<'a, T: serde::Deserialize<'a>>(path: &str, text: &'a str, expected: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        if error.is_eof() {
            CheckpointError::Torn {
                path: path.to_owned(),
                expected: expected.to_owned(),
                found: tail(text),
            }
        } else {
            CheckpointError::Malformed {
                path: path.to_owned(),
                expected: expected.to_owned(),
                found: text.chars().take(80).collect(),
                reason: error.to_string(),
            }
        }
    })
}

/// The last characters of a text, for messages.
pub(crate) fn tail(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(40);
    text.chars().skip(skip).collect()
}

/// A value as compact JSON.
pub(crate) fn to_json<T: serde::Serialize>(path: &str, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| CheckpointError::io("encode", path, error))
}
