//! Where a plan reads streams: whether at all, in which scans, and which sources are to be opened.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::LogicalPlan;

use crate::{Result, SourceId, SqlError, StreamingRelation};

/// Whether this node itself reads a stream (a view's scan reads what the view reads).
pub(super) fn is_stream_leaf(plan: &LogicalPlan) -> bool {
    let LogicalPlan::TableScan(scan) = plan else {
        return false;
    };
    StreamingRelation::of_scan(scan).is_some()
        || scan
            .source
            .get_logical_plan()
            .is_some_and(|view| reads_stream_anywhere(&view))
}

/// Whether a plan's rows come from a stream. Subqueries in expressions do not count.
pub(crate) fn reads_stream(plan: &LogicalPlan) -> bool {
    // The closure never fails, so neither does the walk.
    plan.exists(|node| Ok(is_stream_leaf(node))).unwrap_or(false)
}

/// Whether a plan reads a stream anywhere, also in the subqueries of its expressions.
pub(crate) fn reads_stream_anywhere(plan: &LogicalPlan) -> bool {
    let mut found = false;
    let walked = plan.apply_with_subqueries(|node| {
        found |= is_stream_leaf(node);
        Ok(if found {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    });
    walked.is_ok() && found
}

/// Every scan of a stream, in the order of the plan, left to right.
pub(crate) fn stream_scans(plan: &LogicalPlan) -> Vec<StreamingRelation> {
    let mut scans = Vec::new();
    // The closure never fails, so neither does the walk.
    let _ = plan.apply(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Some(relation) = StreamingRelation::of_scan(scan)
        {
            scans.push(relation.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    scans
}

/// The sources to open: each once, in the order of its first line.
///
/// # Errors
/// A source name that Spark would not take, or one that two lines bear.
pub(crate) fn distinct_sources(lines: &[Arc<StreamingRelation>]) -> Result<Vec<Arc<StreamingRelation>>> {
    let mut names = HashSet::new();
    for name in lines.iter().filter_map(|line| line.name()) {
        check_source_name(name)?;
        if !names.insert(name) {
            return Err(SqlError::new(
                "STREAMING_QUERY_EVOLUTION_ERROR.DUPLICATE_SOURCE_NAMES",
                format!(
                    "Streaming query evolution error: Duplicate streaming source names detected: '{name}'. Each streaming source must have a unique name."
                ),
            ));
        }
    }
    let mut seen: HashSet<SourceId> = HashSet::new();
    Ok(lines
        .iter()
        .filter(|line| seen.insert(line.id()))
        .cloned()
        .collect())
}

/// A name becomes a folder of the checkpoint, so only Spark's characters are let in.
fn check_source_name(name: &str) -> Result<()> {
    let is_valid = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if is_valid {
        return Ok(());
    }
    Err(SqlError::new(
        "STREAMING_QUERY_EVOLUTION_ERROR.INVALID_SOURCE_NAME",
        format!(
            "Streaming query evolution error: Invalid streaming source name '{name}'. Source names must only contain ASCII letters (a-z, A-Z), digits (0-9), and underscores (_)."
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_streams::{TestStream, scan_of, stream_scan};
    use crate::{OutputMode, StreamingPlan};
    use datafusion::logical_expr::LogicalPlanBuilder;

    #[test]
    fn sources_stand_once_in_the_order_of_their_first_line() {
        let (a, b) = (stream_scan("a"), stream_scan("b"));
        let plan = LogicalPlanBuilder::from(a.clone())
            .union(b)
            .and_then(|union| union.union(a))
            .and_then(LogicalPlanBuilder::build)
            .unwrap();
        let plan = StreamingPlan::analyze(plan, OutputMode::Append).unwrap();
        let names = |relations: &[Arc<StreamingRelation>]| -> Vec<String> {
            relations
                .iter()
                .map(|relation| TestStream::name_of(relation))
                .collect()
        };
        assert_eq!(names(plan.offset_lines()), ["a", "b", "a"]);
        assert_eq!(names(plan.sources()), ["a", "b"]);
        let second = plan.sources()[1].id();
        assert_eq!(plan.source_ordinal(second), Some(1));
        assert_eq!(plan.source_ordinal(SourceId::next()), None);
    }

    #[test]
    fn a_source_name_must_be_valid_and_unique_over_the_lines() {
        let named = |stream: &str, name: &str| scan_of(TestStream::named_relation(stream, name), stream);
        let union = |left: LogicalPlan, right: LogicalPlan| {
            let plan = LogicalPlanBuilder::from(left)
                .union(right)
                .unwrap()
                .build()
                .unwrap();
            StreamingPlan::analyze(plan, OutputMode::Append)
        };
        assert!(union(named("a", "x"), named("b", "y_2")).is_ok());
        let twice = union(named("a", "x"), named("b", "x")).unwrap_err();
        assert_eq!(
            twice.condition,
            "STREAMING_QUERY_EVOLUTION_ERROR.DUPLICATE_SOURCE_NAMES"
        );
        let same = named("a", "x");
        assert_eq!(union(same.clone(), same).unwrap_err().condition, twice.condition);
        for name in ["", "x-y", "../x", "é"] {
            let error = union(named("a", name), stream_scan("b")).unwrap_err();
            assert_eq!(
                error.condition, "STREAMING_QUERY_EVOLUTION_ERROR.INVALID_SOURCE_NAME",
                "{name}"
            );
        }
    }
}
