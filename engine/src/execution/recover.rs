//! Where a run goes on: what the logs hold, laid against the sources of the query.

use std::sync::Arc;

use tidemill_checkpoint::{
    BatchId, CheckpointLocation, CommitLogVersion, OffsetLogVersion, OffsetSeq, ResumePoint,
    StreamingCheckpoint,
};
use tidemill_sql::{StreamingPlan, StreamingRelation};
use tidemill_state::{check_operators, read_all};

use super::micro_batch::{OffsetLine, Position};
use super::stages::{BatchFacts, LoggedBatch, SourceOffsets};
use crate::conf::PinnedConf;
use crate::{Conf, Result, TidemillError};

const SINK_EVOLUTION: &str = "spark.sql.streaming.queryEvolution.enableSinkEvolution";
const SOURCE_EVOLUTION: &str = "spark.sql.streaming.queryEvolution.enableSourceEvolution";

/// The sources of a query as its checkpoint sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SourceLayout {
    /// The folder of each distinct source under `sources/`: its name, or its number.
    pub(super) folders: Vec<String>,
    /// The lines of the offset log.
    pub(super) lines: Vec<OffsetLine>,
}

/// What a run begins with.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) pinned: PinnedConf,
    pub(super) position: Position,
    /// Whether the checkpoint held batches before.
    pub(super) resumed: bool,
}

/// The version that a new offset log gets.
pub(super) fn offset_log_version(conf: &Conf) -> Result<OffsetLogVersion> {
    let by_name = conf.get_bool(SOURCE_EVOLUTION)?;
    let version = conf.get_u64("spark.sql.streaming.offsetLog.formatVersion")?;
    match version {
        2 => Ok(OffsetLogVersion::V2),
        1 if by_name => Ok(OffsetLogVersion::V2),
        1 => Ok(OffsetLogVersion::V1),
        other => Err(TidemillError::invalid(
            "INVALID_CONF_VALUE.OUT_OF_RANGE_OF_OPTIONS",
            format!(
                "The value '{other}' in the config \"spark.sql.streaming.offsetLog.formatVersion\" is invalid. It \
                 should be one of '1, 2'."
            ),
        )),
    }
}

/// The version that a new commit log gets.
pub(super) fn commit_log_version(conf: &Conf) -> Result<CommitLogVersion> {
    if conf.get_bool(SINK_EVOLUTION)? {
        return Ok(CommitLogVersion::V3);
    }
    let state = conf.get_u64("spark.sql.streaming.stateStore.checkpointFormatVersion")?;
    Ok(if state >= 2 {
        CommitLogVersion::V2
    } else {
        CommitLogVersion::V1
    })
}

/// Which distinct source stands where (`spark-behaviour.md` §3): a line per occurrence, a folder per distinct source.
/// A log that goes by name has one line for a source that occurs twice.
pub(super) fn source_layout(
    plan: &StreamingPlan,
    version: OffsetLogVersion,
    conf: &Conf,
) -> Result<SourceLayout> {
    let unnamed = plan.sources().iter().any(|relation| relation.name().is_none());
    if unnamed && conf.get_bool(SOURCE_EVOLUTION)? {
        return Err(TidemillError::invalid(
            "STREAMING_QUERY_EVOLUTION_ERROR.UNNAMED_STREAMING_SOURCES_WITH_ENFORCEMENT",
            format!(
                "All streaming sources must be named when {SOURCE_EVOLUTION} is enabled. Use the name() method, or \
                 IDENTIFIED BY, to assign names to all streaming sources."
            ),
        ));
    }
    let name = |(place, relation): (usize, &Arc<StreamingRelation>)| {
        relation.name().map_or_else(|| place.to_string(), str::to_owned)
    };
    let folders: Vec<String> = plan.sources().iter().enumerate().map(name).collect();
    let by_name = folders.iter().enumerate().map(|(source, key)| OffsetLine {
        key: key.clone(),
        source,
    });
    let ordinals = plan.offset_lines().iter().map(|r| plan.source_ordinal(r.id()));
    let by_position = ordinals.enumerate().filter_map(|(position, source)| {
        Some(OffsetLine {
            key: position.to_string(),
            source: source?,
        })
    });
    let lines = match version {
        OffsetLogVersion::V1 => by_position.collect(),
        OffsetLogVersion::V2 => by_name.collect(),
    };
    Ok(SourceLayout { folders, lines })
}

/// Reads where the query goes on and lays it against its sources.
pub(super) async fn recover(
    checkpoint: &StreamingCheckpoint,
    layout: &SourceLayout,
    conf: &Conf,
) -> Result<Recovered> {
    let resume = checkpoint.resume().await?;
    let version = checkpoint.offset_log().version();
    if resume != ResumePoint::Fresh && version == OffsetLogVersion::V1 && conf.get_bool(SOURCE_EVOLUTION)? {
        return Err(TidemillError::invalid(
            "STREAMING_QUERY_EVOLUTION_ERROR.CANNOT_ENABLE_ON_EXISTING_CHECKPOINT",
            "Cannot enable streaming source evolution on a checkpoint that was created without it. The existing \
             checkpoint uses offset log format version 1, which does not support the named source tracking required \
             by streaming source evolution. To use source evolution, start the query with a fresh checkpoint.",
        ));
    }
    position(resume, layout, version, conf)
}

/// A query without stateful operators must not go on with a checkpoint that holds state: it would be another query.
pub(super) async fn refuse_state(checkpoint: &StreamingCheckpoint) -> Result<()> {
    let files = checkpoint.manager();
    check_operators(&[], &read_all(files.as_ref()).await?)?;
    // State older than the operators' metadata is state all the same.
    let mut operators = Vec::new();
    for folder in files.list(CheckpointLocation::STATE).await? {
        if folder.is_dir && folder.name.parse::<u32>().is_ok() {
            operators.push(folder.name);
        }
    }
    if operators.is_empty() {
        return Ok(());
    }
    operators.sort();
    Err(TidemillError::invalid(
        "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA",
        format!(
            "Streaming stateful operator name does not match with the operator in state metadata. This likely to \
             happen when user adds/removes/changes stateful operator of existing streaming query. Stateful operators \
             in the checkpoint {}: [{}]; Stateful operators in current batch: [].",
            files.describe(CheckpointLocation::STATE),
            operators.join(", ")
        ),
    ))
}

/// Where the query goes on: a pure function of what the logs hold.
fn position(
    resume: ResumePoint,
    layout: &SourceLayout,
    version: OffsetLogVersion,
    conf: &Conf,
) -> Result<Recovered> {
    let none = || vec![None; layout.folders.len()];
    let offsets = |entry: &OffsetSeq| source_offsets(entry, layout, version);
    match resume {
        ResumePoint::Fresh => Ok(Recovered {
            pinned: PinnedConf::of_session(conf),
            position: Position {
                next: BatchId::FIRST,
                start: none(),
                watermark_ms: 0,
                late_watermark_ms: 0,
                pending: None,
            },
            resumed: false,
        }),
        ResumePoint::Continue {
            next,
            start,
            watermark_ms,
        } => Ok(Recovered {
            pinned: pinned(&start, conf),
            position: Position {
                next,
                start: offsets(&start)?,
                watermark_ms,
                late_watermark_ms: batch_watermark_ms(&start),
                pending: None,
            },
            resumed: true,
        }),
        ResumePoint::Rerun { batch, start, end } => {
            let metadata = end.metadata.clone().unwrap_or_default();
            let pinned = pinned(&end, conf);
            let late_watermark_ms = start.as_ref().map_or(0, batch_watermark_ms);
            let start = start.as_ref().map_or_else(|| Ok(none()), offsets)?;
            let facts = BatchFacts {
                id: batch,
                end: offsets(&end)?,
                start: start.clone(),
                timestamp_ms: metadata.batch_timestamp_ms,
                watermark_ms: metadata.batch_watermark_ms,
                late_watermark_ms,
            };
            Ok(Recovered {
                pinned,
                position: Position {
                    next: batch,
                    start,
                    watermark_ms: metadata.batch_watermark_ms,
                    late_watermark_ms,
                    pending: Some(LoggedBatch::of_log(facts)),
                },
                resumed: true,
            })
        }
    }
}

/// The watermark that was in force for a logged batch.
fn batch_watermark_ms(entry: &OffsetSeq) -> i64 {
    entry
        .metadata
        .as_ref()
        .map_or(0, |metadata| metadata.batch_watermark_ms)
}

/// An entry without a metadata line (very old checkpoints) freezes nothing.
fn pinned(entry: &OffsetSeq, conf: &Conf) -> PinnedConf {
    match &entry.metadata {
        Some(metadata) => PinnedConf::of_entry(&metadata.conf, conf),
        None => PinnedConf::of_session(conf),
    }
}

fn source_offsets(
    entry: &OffsetSeq,
    layout: &SourceLayout,
    version: OffsetLogVersion,
) -> Result<SourceOffsets> {
    let lines = &layout.lines;
    // A source known by name has no line before its first offset (seen in Spark's checkpoints).
    let named = version == OffsetLogVersion::V2 && lines.iter().any(|l| l.key.parse::<u64>().is_err());
    let unknown = |key: &String| !lines.iter().any(|l| l.key == *key);
    if named {
        if let Some((key, _)) = entry.offsets.iter().find(|(key, _)| unknown(key)) {
            return Err(unknown_source(key, lines.iter().map(|l| l.key.as_str())));
        }
    } else if entry.offsets.len() != lines.len() {
        return Err(TidemillError::invalid(
            "STREAMING_SOURCES_NOT_MATCH_CHECKPOINT",
            format!(
                "There are [{}] sources in the checkpoint offsets and now there are [{}] sources requested by the \
                 query. Cannot continue. Start the query that wrote the checkpoint, or use a new checkpointLocation",
                entry.offsets.len(),
                lines.len()
            ),
        ));
    }
    let mut out = vec![None; layout.folders.len()];
    for (position, line) in lines.iter().enumerate() {
        let found = match version {
            OffsetLogVersion::V1 => entry.offsets.get(position),
            OffsetLogVersion::V2 => entry.offsets.iter().find(|(key, _)| *key == line.key),
        };
        let offset = match found {
            Some((_, offset)) => offset.clone(),
            None if named => None,
            None => return Err(missing_source(entry, &line.key)),
        };
        if let Some(slot) = out.get_mut(line.source) {
            *slot = offset;
        }
    }
    Ok(out)
}

fn unknown_source<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> TidemillError {
    let known: Vec<_> = known.map(|name| format!("'{name}'")).collect();
    TidemillError::invalid(
        "STREAMING_SOURCES_NOT_MATCH_CHECKPOINT",
        format!(
            "source '{name}' of the checkpoint is not in the query, which has [{}]. Cannot continue. Start the query \
             that wrote the checkpoint, or use a new checkpointLocation",
            known.join(", ")
        ),
    )
}

fn missing_source(entry: &OffsetSeq, name: &str) -> TidemillError {
    let names: Vec<_> = entry.offsets.iter().map(|(key, _)| key.as_str()).collect();
    TidemillError::invalid(
        "STREAMING_SOURCES_NOT_MATCH_CHECKPOINT",
        format!(
            "source '{name}' of the query is not in the checkpoint, which knows [{}]. Cannot continue. Start the \
             query that wrote the checkpoint, or use a new checkpointLocation",
            names.join(", ")
        ),
    )
}
