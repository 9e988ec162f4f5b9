//! The lines of the offset log: which scan of a plan stands for which line.
//!
//! Spark writes one line per occurrence of a source in the analysed plan, left to right. A CTE is one occurrence however
//! often it is named, and stands before the body of its statement: `mark_statement_repeats` has noted that on the
//! relations, which stand side by side in every plan built on the statement. A branch that can give no rows still counts.

use std::sync::Arc;

use datafusion::logical_expr::LogicalPlan;

use super::sources::stream_scans;
use crate::{SourceId, StreamingRelation};

/// The relations in the order of the offset log's lines.
pub(crate) fn offset_lines(plan: &LogicalPlan) -> Vec<Arc<StreamingRelation>> {
    let scans = stream_scans(plan);
    let mut lines: Vec<_> = line_indexes(&scans, None).into_iter().zip(scans).collect();
    lines.sort_by_key(|(line, _)| *line);
    lines.dedup_by_key(|(line, _)| *line);
    lines
        .into_iter()
        .map(|(_, relation)| Arc::new(relation))
        .collect()
}

/// The index of each scan's line; occurrences after `since` are those of the statement being planned.
pub(crate) fn line_indexes(scans: &[StreamingRelation], since: Option<SourceId>) -> Vec<usize> {
    let keys = line_keys(scans, since);
    let mut lines = keys.clone();
    lines.sort_by_key(|key| key.place);
    lines.dedup();
    // What the statement wrote stands in the order of its writing, in the places that it has.
    let mut written: Vec<LineKey> = lines.iter().copied().filter(LineKey::is_written).collect();
    written.sort_by_key(|key| key.written);
    let mut written = written.into_iter();
    for line in lines.iter_mut().filter(|line| line.is_written()) {
        *line = written.next().unwrap_or(*line);
    }
    keys.iter()
        .filter_map(|key| lines.iter().position(|line| line == key))
        .collect()
}

/// What tells one line from another.
#[derive(Clone, Copy, PartialEq, Eq)]
struct LineKey {
    /// The occurrence, if the statement wrote it.
    written: Option<SourceId>,
    /// Where the line stands: the first scan of the line, or of the earlier statement that it belongs to, and which
    /// line of that statement.
    place: (usize, usize),
}

impl LineKey {
    fn is_written(&self) -> bool {
        self.written.is_some()
    }
}

fn line_keys(scans: &[StreamingRelation], since: Option<SourceId>) -> Vec<LineKey> {
    let mut keys: Vec<LineKey> = Vec::with_capacity(scans.len());
    // The scans of an earlier statement stand side by side.
    let mut earlier = 0..0;
    for (position, scan) in scans.iter().enumerate() {
        let line = scan.statement_line();
        if let Some(line) = line
            && !earlier.contains(&position)
        {
            earlier = position..position + line.scans;
        }
        let written = since
            .and(Some(scan.occurrence()))
            .filter(|occurrence| Some(*occurrence) > since);
        let first = keys.iter().find(|key| key.is_written() && key.written == written);
        let place = match (first, written, line) {
            (Some(first), ..) => first.place,
            (None, None, Some(line)) => (earlier.start, line.index),
            (None, ..) => (position, 0),
        };
        keys.push(LineKey { written, place });
    }
    keys
}
