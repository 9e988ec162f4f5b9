//! Which scans of one SQL statement are one occurrence of a source, and in which order their offset lines stand.
//!
//! DataFusion's SQL planner copies a CTE's plan to every place that names it, and forgets where it was written. Spark
//! counts a CTE once, and before the body of its statement. Both are recovered from the occurrence numbers: `STREAM`
//! gives one each time it is planned, a [`StreamingView`](crate::StreamingView) each time it is named, and a statement
//! is planned CTEs first, then left to right. An occurrence older than the statement comes from a plain view of
//! DataFusion's; nothing tells a CTE over it from the view named twice, so each use counts.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::LogicalPlan;

use super::offset_lines::line_indexes;
use super::sources::stream_scans;
use crate::relation::StatementLine;
use crate::{Result, SourceId, StreamingRelation};

/// Notes on the streaming scans of a freshly planned statement which of them stand for one offset line, and in which
/// order the lines stand.
///
/// To be called once per statement of SQL text. `since` is a [`SourceId`] taken before planning began. The text of a
/// view that is planned where the statement names it belongs to the statement: it is not marked on its own.
pub fn mark_statement_repeats(plan: LogicalPlan, since: SourceId) -> Result<LogicalPlan> {
    let scans = stream_scans(&plan);
    let lines = line_indexes(&scans, Some(since));
    let as_they_stand =
        scans.iter().all(|scan| scan.statement_line().is_none()) && lines.iter().copied().eq(0..lines.len());
    if as_they_stand {
        return Ok(plan);
    }
    let scans = lines.len();
    let mut indexes = lines.into_iter();
    rewrite_scans(plan, |relation| {
        let index = indexes.next().unwrap_or_default();
        relation.with_statement_line(StatementLine { index, scans })
    })
}

/// The plan with each streaming scan's relation replaced, left to right.
pub(crate) fn rewrite_scans(
    plan: LogicalPlan,
    mut rewrite: impl FnMut(&StreamingRelation) -> StreamingRelation,
) -> Result<LogicalPlan> {
    let rewritten = plan.transform_up(|node| {
        let LogicalPlan::TableScan(mut scan) = node else {
            return Ok(Transformed::no(node));
        };
        let Some(relation) = StreamingRelation::of_scan(&scan) else {
            return Ok(Transformed::no(LogicalPlan::TableScan(scan)));
        };
        scan.source = provider_as_source(Arc::new(rewrite(relation)));
        Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
    })?;
    Ok(rewritten.data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StreamingView;
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
        let view = StreamingView::new(DataFrame::new(context.state(), plan).into_view());
        context.register_table(name, Arc::new(view)).unwrap();
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
    async fn a_plain_view_of_a_dataframe_counts_at_each_use() {
        let context = TestStream::context();
        let view = DataFrame::new(context.state(), stream_scan("a")).into_view();
        context.register_table("v", view).unwrap();
        let text = "SELECT k FROM v UNION ALL SELECT k FROM stream('b') UNION ALL SELECT k FROM v";
        assert_eq!(lines(&planned(&context, text).await), ("a b a".into(), 2));
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
        let scan = stream_scan("d");
        let twice = LogicalPlanBuilder::from(scan.clone()).union(scan).unwrap();
        view_of(&context, "w", twice.build().unwrap());
        assert_eq!(
            lines(&planned(&context, "SELECT k FROM w").await),
            ("d d".into(), 1)
        );
        let through_cte = "WITH d AS (SELECT k FROM v) SELECT k FROM d UNION ALL SELECT k FROM d";
        assert_eq!(lines(&planned(&context, through_cte).await), ("b a".into(), 2));
    }
}
