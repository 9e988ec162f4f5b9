//! Which scans of one SQL statement are one occurrence of a source, and in which order their offset lines stand.
//!
//! DataFusion's SQL planner copies a CTE's plan to every place that names it, and forgets where it was written. Spark
//! counts a CTE once, and before the body of its statement. Both are recovered from the ids: `STREAM` gives an id each
//! time it is planned, and a statement is planned CTEs first, then left to right.
//! A relation that is older than the statement comes from a view. A CTE over it is known by its plan, which all copies
//! share behind their alias; the view itself may be named several times, and each counts.
//!
//! Not recovered: a CTE with a column list over a view that a DataFrame was registered as counts once per use, and such
//! a view whose outermost node is an alias counts once per statement.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::LogicalPlan;

use crate::relation::StatementLine;
use crate::{Result, SourceId, StreamingRelation};

/// Notes on the streaming scans of a freshly planned statement which of them stand for one offset line, and in which
/// order the lines stand.
///
/// To be called once per statement of SQL text, on the plan as the planner gave it. `since` is a [`SourceId`] taken
/// before planning began. The text of a view that is planned where the statement names it belongs to the statement: it
/// is not marked on its own.
pub fn mark_statement_repeats(plan: LogicalPlan, since: SourceId) -> Result<LogicalPlan> {
    let mut walk = Walk::default();
    walk.visit(&plan, false);
    let lines = assign_lines(&walk.scans, since);
    let as_written = walk
        .scans
        .iter()
        .all(|scan| scan.relation.statement_line().is_none())
        && lines.iter().copied().eq(0..lines.len());
    if as_written {
        return Ok(plan);
    }
    let scans = lines.len();
    let mut indexes = lines.into_iter();
    let marked = plan.transform_up(|node| {
        let LogicalPlan::TableScan(mut scan) = node else {
            return Ok(Transformed::no(node));
        };
        let Some(relation) = StreamingRelation::of_scan(&scan) else {
            return Ok(Transformed::no(LogicalPlan::TableScan(scan)));
        };
        let Some(index) = indexes.next() else {
            return Ok(Transformed::no(LogicalPlan::TableScan(scan)));
        };
        let marked = relation.with_statement_line(StatementLine { index, scans });
        scan.source = provider_as_source(Arc::new(marked));
        Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
    })?;
    Ok(marked.data)
}

/// A streaming scan of the statement.
struct Scan {
    relation: StreamingRelation,
    /// The scan that this one is a CTE's copy of.
    copy_of: Option<usize>,
}

/// The scans of a statement, left to right, with the copies that a CTE made.
#[derive(Default)]
struct Walk {
    scans: Vec<Scan>,
    /// Where the scans of an aliased subtree begin, by the address of the subtree, which its copies share.
    aliased: HashMap<*const LogicalPlan, usize>,
    /// The other inputs seen; one that comes again below no shared alias is a view's.
    seen: HashMap<*const LogicalPlan, ()>,
}

impl Walk {
    fn visit(&mut self, node: &LogicalPlan, in_repeated_view: bool) {
        if let LogicalPlan::TableScan(scan) = node
            && let Some(relation) = StreamingRelation::of_scan(scan)
        {
            self.scans.push(Scan {
                relation: relation.clone(),
                copy_of: None,
            });
        }
        let is_alias = matches!(node, LogicalPlan::SubqueryAlias(_));
        for input in node.inputs() {
            let address: *const LogicalPlan = input;
            let begin = self.scans.len();
            if !is_alias {
                let seen = self.seen.insert(address, ()).is_some();
                self.visit(input, in_repeated_view || seen);
                continue;
            }
            let original = self.aliased.insert(address, begin);
            self.visit(input, in_repeated_view);
            if let Some(original) = original.filter(|_| !in_repeated_view) {
                for (offset, copy) in self.scans.iter_mut().skip(begin).enumerate() {
                    copy.copy_of = Some(original + offset);
                }
            }
        }
    }
}

/// The index of each scan's line.
fn assign_lines(scans: &[Scan], since: SourceId) -> Vec<usize> {
    let lines = LineKeys::of(scans, since);
    // The keys of the distinct lines as they stand in the plan; those that the statement wrote stand as it wrote them.
    let mut order: Vec<LineKey> = Vec::new();
    for key in &lines.0 {
        if !order.contains(key) {
            order.push(*key);
        }
    }
    order.sort_by_key(LineKey::place);
    let mut written: Vec<LineKey> = order.iter().copied().filter(LineKey::is_written).collect();
    written.sort_by_key(|key| key.written);
    let mut written = written.into_iter();
    for key in order.iter_mut().filter(|key| key.is_written()) {
        if let Some(next) = written.next() {
            *key = next;
        }
    }
    lines
        .0
        .iter()
        .filter_map(|key| order.iter().position(|line| line == key))
        .collect()
}

/// What tells one line from another.
#[derive(Clone, Copy, PartialEq, Eq)]
struct LineKey {
    /// The id that the statement gave, for a relation that it wrote.
    written: Option<SourceId>,
    /// The first scan of the line, or of the earlier statement that it belongs to.
    first_scan: usize,
    /// Which line of that earlier statement.
    index: usize,
}

impl LineKey {
    fn is_written(&self) -> bool {
        self.written.is_some()
    }

    fn place(&self) -> (usize, usize) {
        (self.first_scan, self.index)
    }
}

/// The line of each scan.
struct LineKeys(Vec<LineKey>);

impl LineKeys {
    fn of(scans: &[Scan], since: SourceId) -> Self {
        let mut keys: Vec<LineKey> = Vec::with_capacity(scans.len());
        let mut first_of_id: HashMap<SourceId, usize> = HashMap::new();
        // The scans of an earlier statement stand side by side.
        let mut earlier_begin = 0;
        let mut earlier_end = 0;
        for (position, scan) in scans.iter().enumerate() {
            let id = scan.relation.id();
            let line = scan.relation.statement_line();
            if line.is_some() && position >= earlier_end {
                earlier_begin = position;
                earlier_end = position + line.map_or(1, |line| line.scans);
            }
            let key = match scan.copy_of.and_then(|original| keys.get(original)) {
                Some(original) => *original,
                None if id > since => LineKey {
                    written: Some(id),
                    first_scan: *first_of_id.entry(id).or_insert(position),
                    index: 0,
                },
                None => LineKey {
                    written: None,
                    first_scan: line.map_or(position, |_| earlier_begin),
                    index: line.map_or(0, |line| line.index),
                },
            };
            keys.push(key);
        }
        Self(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::offset_lines;
    use crate::test_streams::{TestStream, stream_scan};
    use datafusion::logical_expr::LogicalPlanBuilder;
    use datafusion::prelude::{DataFrame, SessionContext};

    async fn planned(context: &SessionContext, text: &str) -> LogicalPlan {
        let since = SourceId::next();
        let plan = context.state().create_logical_plan(text).await.unwrap();
        mark_statement_repeats(plan, since).unwrap()
    }

    /// The definitions' names of the lines, and how many sources there are.
    fn lines(plan: &LogicalPlan) -> (String, usize) {
        let lines = offset_lines(plan);
        let names: Vec<_> = lines.iter().map(|line| TestStream::name_of(line)).collect();
        let mut ids: Vec<_> = lines.iter().map(|line| line.id()).collect();
        ids.sort();
        ids.dedup();
        (names.join(" "), ids.len())
    }

    async fn lines_of(text: &str) -> (String, usize) {
        lines(&planned(&TestStream::context(), text).await)
    }

    fn view_of(context: &SessionContext, name: &str, plan: LogicalPlan) {
        let view = DataFrame::new(context.state(), plan).into_view();
        context.register_table(name, view).unwrap();
    }

    #[tokio::test]
    async fn a_source_written_twice_is_two_lines_and_two_sources() {
        let text = "SELECT k FROM stream('a') UNION ALL SELECT k FROM stream('a')";
        assert_eq!(lines_of(text).await, ("a a".into(), 2));
    }

    #[test]
    fn a_dataframe_united_with_itself_is_two_lines_and_one_source() {
        let plan = stream_scan("a");
        let union = LogicalPlanBuilder::from(plan.clone()).union(plan).unwrap();
        assert_eq!(lines(&union.build().unwrap()), ("a a".into(), 1));
    }

    #[tokio::test]
    async fn a_view_of_a_dataframe_named_twice_is_two_lines_and_one_source() {
        let context = TestStream::context();
        view_of(&context, "v", stream_scan("a"));
        let text = "SELECT k FROM v UNION ALL SELECT k FROM v";
        assert_eq!(lines(&planned(&context, text).await), ("a a".into(), 1));
        let inner = planned(&context, "SELECT k FROM stream('b') AS x WHERE k > '1'").await;
        view_of(&context, "w", inner);
        let text = "SELECT k FROM w UNION ALL SELECT k FROM w";
        assert_eq!(lines(&planned(&context, text).await), ("b b".into(), 1));
    }

    #[tokio::test]
    async fn a_cte_named_twice_is_one_line() {
        for text in [
            "WITH c AS (SELECT k FROM stream('a')) SELECT k FROM c UNION ALL SELECT k FROM c",
            "WITH c AS (SELECT k FROM stream('a')) SELECT x.k FROM c AS x JOIN c AS y ON x.k = y.k",
            "WITH c(q) AS (SELECT k FROM stream('a')) SELECT q FROM c UNION ALL SELECT q FROM c",
            "WITH c AS (SELECT k FROM stream('a')), d AS (SELECT k FROM c UNION ALL SELECT k FROM c)
             SELECT k FROM d UNION ALL SELECT k FROM d UNION ALL SELECT k FROM c",
        ] {
            assert_eq!(lines_of(text).await, ("a".into(), 1), "{text}");
        }
    }

    #[tokio::test]
    async fn a_branch_that_gives_no_rows_is_a_line() {
        let text = "SELECT k FROM stream('a') UNION ALL SELECT k FROM stream('b') WHERE false";
        assert_eq!(lines_of(text).await, ("a b".into(), 2));
    }

    #[tokio::test]
    async fn a_cte_stands_before_the_body_of_its_statement() {
        for (text, expected) in [
            (
                "WITH c AS (SELECT k FROM stream('b')) SELECT k FROM stream('a') UNION ALL SELECT k FROM c",
                "b a",
            ),
            (
                "WITH c AS (SELECT k FROM stream('b')), unused AS (SELECT k FROM stream('c'))
                 SELECT k FROM stream('a') UNION ALL SELECT k FROM c",
                "b a",
            ),
            (
                "WITH c AS (SELECT k FROM stream('b')), d AS (SELECT k FROM stream('a') UNION ALL SELECT k FROM c)
                 SELECT k FROM d UNION ALL SELECT k FROM c",
                "b a",
            ),
            (
                "SELECT k FROM stream('a') UNION ALL SELECT k FROM
                 (WITH c AS (SELECT k FROM stream('b')) SELECT k FROM c UNION ALL SELECT k FROM c)",
                "a b",
            ),
        ] {
            assert_eq!(lines_of(text).await, (expected.into(), 2), "{text}");
        }
    }

    #[tokio::test]
    async fn a_cte_over_a_view_counts_once_and_the_view_beside_it_again() {
        let context = TestStream::context();
        view_of(&context, "v", stream_scan("a"));
        let twice = "WITH c AS (SELECT k FROM v) SELECT k FROM c UNION ALL SELECT k FROM c";
        assert_eq!(lines(&planned(&context, twice).await), ("a".into(), 1));
        let mixed =
            "WITH c AS (SELECT k FROM v) SELECT k FROM v UNION ALL SELECT k FROM c UNION ALL SELECT k FROM c";
        assert_eq!(lines(&planned(&context, mixed).await), ("a a".into(), 1));
    }

    #[tokio::test]
    async fn a_statement_with_a_cte_united_with_itself_repeats_its_lines() {
        let context = TestStream::context();
        let text = "WITH c AS (SELECT k FROM stream('b')) SELECT k FROM stream('a') UNION ALL SELECT k FROM c UNION ALL SELECT k FROM c";
        let plan = planned(&context, text).await;
        let union = LogicalPlanBuilder::from(plan.clone())
            .union(plan.clone())
            .unwrap();
        assert_eq!(lines(&union.build().unwrap()), ("b a b a".into(), 2));
        view_of(&context, "v", plan);
        let through_view = planned(&context, "SELECT k FROM v UNION ALL SELECT k FROM stream('c')").await;
        assert_eq!(lines(&through_view), ("b a c".into(), 3));
        let through_cte = "WITH d AS (SELECT k FROM v) SELECT k FROM d UNION ALL SELECT k FROM d";
        assert_eq!(lines(&planned(&context, through_cte).await), ("b a".into(), 2));
    }
}
