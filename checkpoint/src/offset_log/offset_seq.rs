//! The file of one batch in the offset log, versions 1 and 2.

use super::{OffsetLogVersion, OffsetSeqMetadata};
use crate::metadata_log::version::{json, split_version, tail, text, to_json};
use crate::{CheckpointError, Offset, Result};

/// The newest version known.
const MAX_VERSION: u32 = 2;

/// The line of a source that has no offset yet.
const VOID: &str = "-";

const EXPECTED: &str = "a version line, a metadata line and one offset line per source";

/// The entry of one batch.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OffsetSeq {
    /// The metadata line; none in very old checkpoints.
    pub metadata: Option<OffsetSeqMetadata>,
    /// One per source occurrence, in plan order (v1), or in file order (v2): its id (`0`, `1` … or a name) and offset.
    /// In v1 the id is the position.
    pub offsets: Vec<(String, Option<Offset>)>,
}

impl OffsetSeq {
    /// The entry of one batch, sources by position.
    pub fn new(metadata: OffsetSeqMetadata, offsets: Vec<(String, Option<Offset>)>) -> Self {
        Self {
            metadata: Some(metadata),
            offsets,
        }
    }

    /// The offset of the source with this id.
    pub fn offset(&self, source_id: &str) -> Option<&Offset> {
        self.offsets
            .iter()
            .find(|(id, _)| id == source_id)
            .and_then(|(_, offset)| offset.as_ref())
    }

    /// Reads a file of the offset log; `path` is for messages.
    pub fn parse(path: &str, content: &[u8]) -> Result<Self> {
        let text = text(path, content, EXPECTED)?;
        let (version, body) = split_version(path, text, MAX_VERSION)?;
        let torn = |found: &str| CheckpointError::Torn {
            path: path.to_owned(),
            expected: EXPECTED.to_owned(),
            found: tail(found),
        };
        let mut lines = body.ok_or_else(|| torn(text))?.lines();
        let metadata = match lines.next().ok_or_else(|| torn(text))? {
            "" => None,
            line => Some(json(path, line, "the metadata line, a JSON object")?),
        };
        let offsets = lines
            .enumerate()
            .map(|(position, line)| match version {
                1 => Ok((position.to_string(), parse_offset(path, line)?)),
                _ => parse_named(path, line),
            })
            .collect::<Result<Vec<_>>>()?;
        if offsets.is_empty() {
            return Err(torn(text));
        }
        Ok(Self { metadata, offsets })
    }

    /// The file of this entry, without a newline at its end; `path` is for messages.
    pub fn encode(&self, path: &str, version: OffsetLogVersion) -> Result<String> {
        let mut out = match version {
            OffsetLogVersion::V1 => "v1\n".to_owned(),
            OffsetLogVersion::V2 => "v2\n".to_owned(),
        };
        if let Some(metadata) = &self.metadata {
            out.push_str(&match version {
                OffsetLogVersion::V1 => to_json(path, metadata)?,
                OffsetLogVersion::V2 => to_json(path, &metadata.for_version_2())?,
            });
        }
        for (id, offset) in &self.offsets {
            out.push('\n');
            if version == OffsetLogVersion::V2 {
                if id.is_empty() || id.contains([':', '\n', '\r']) {
                    return Err(CheckpointError::NotInVersion {
                        path: path.to_owned(),
                        version: 2,
                        what: format!("a source named {id:?}"),
                    });
                }
                out.push_str(id);
                out.push(':');
            }
            let line = offset.as_ref().map_or(VOID, Offset::json);
            if line.is_empty() || line.contains(['\n', '\r']) {
                return Err(CheckpointError::NotInVersion {
                    path: path.to_owned(),
                    version: if version == OffsetLogVersion::V1 { 1 } else { 2 },
                    what: format!("the offset {line:?}, which is not one line of text"),
                });
            }
            out.push_str(line);
        }
        Ok(out)
    }
}

/// The version of a file of the offset log.
pub(super) fn version_of(path: &str, content: &[u8]) -> Result<OffsetLogVersion> {
    let (version, _) = split_version(path, text(path, content, EXPECTED)?, MAX_VERSION)?;
    Ok(match version {
        1 => OffsetLogVersion::V1,
        _ => OffsetLogVersion::V2,
    })
}

fn parse_offset(path: &str, line: &str) -> Result<Option<Offset>> {
    if line == VOID {
        return Ok(None);
    }
    // Only the source knows its fields; that the line is whole JSON is what can be checked for all of them.
    json::<serde::de::IgnoredAny>(path, line, "an offset line, JSON or '-'")?;
    Ok(Some(Offset::new(line)))
}

fn parse_named(path: &str, line: &str) -> Result<(String, Option<Offset>)> {
    let Some((id, offset)) = line.split_once(':') else {
        return Err(CheckpointError::Torn {
            path: path.to_owned(),
            expected: "a line 'source:offset'".to_owned(),
            found: tail(line),
        });
    };
    Ok((id.to_owned(), parse_offset(path, offset)?))
}
