//! Whether each node over a stream can run batch by batch: one exhaustive match over DataFusion's logical plan.
//!
//! Nodes are judged from the leaves up, as Spark does. A node none of whose inputs reads a stream runs as a batch inside
//! each batch, so anything goes there.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion, TreeNodeVisitor};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, Limit, LogicalPlan, SkipType, TableScan, UserDefinedLogicalNode,
};

use super::expression::check_expressions;
use super::join::{StreamSide, check_join};
use super::map_keys::{check_deduplicated_maps, check_distinct_maps, grouping_by_map};
use super::refusal::{not_supported_yet, refused, stream_in_batch};
use super::sources::is_stream_leaf;
use crate::event_time::delay_ms_of;
use crate::logical::{EventTimeWatermark, RowSlices, StreamingDeduplicate};
use crate::{OutputMode, Result, SqlError, StreamingRelation};

/// Refuses a plan with a node over a stream that cannot run in this mode; a pair of nodes whose results could be wrong
/// only with `check_correctness`.
pub(super) fn check_nodes(plan: &LogicalPlan, mode: OutputMode, check_correctness: bool) -> Result<()> {
    let mut visitor = NodeCheck {
        mode,
        inputs: Vec::new(),
        correctness: None,
        not_yet: None,
    };
    plan.visit(&mut visitor)?;
    let correctness = visitor.correctness.filter(|_| check_correctness);
    match correctness.or(visitor.not_yet) {
        Some(refusal) => Err(refusal),
        None => Ok(()),
    }
}

/// What is known of a subtree.
#[derive(Clone, Copy, Debug, Default)]
struct Subtree {
    /// It reads a stream.
    streaming: bool,
    /// It holds an aggregation over a stream.
    aggregated: bool,
}

/// Judges the nodes from the leaves up.
struct NodeCheck {
    mode: OutputMode,
    /// The subtrees judged and not yet taken by their parent, left to right.
    inputs: Vec<Subtree>,
    /// The first pair of nodes whose results could be wrong; Spark looks for it after every other refusal.
    correctness: Option<SqlError>,
    /// The first node that only Tidemill lacks.
    not_yet: Option<SqlError>,
}

impl<'n> TreeNodeVisitor<'n> for NodeCheck {
    type Node = LogicalPlan;

    fn f_down(&mut self, _node: &'n LogicalPlan) -> DataFusionResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn f_up(&mut self, node: &'n LogicalPlan) -> DataFusionResult<TreeNodeRecursion> {
        let first = self.inputs.len().saturating_sub(node.inputs().len());
        let inputs = self.inputs.split_off(first);
        let streaming = is_stream_leaf(node) || inputs.iter().any(|input| input.streaming);
        if streaming {
            check_expressions(node)?;
            if let Some(refusal) = self.check_node(node, &inputs)? {
                self.not_yet.get_or_insert(refusal);
            }
        }
        let aggregated = inputs.iter().any(|input| input.aggregated)
            || streaming && matches!(node, LogicalPlan::Aggregate(_));
        self.inputs.push(Subtree {
            streaming,
            aggregated,
        });
        Ok(TreeNodeRecursion::Continue)
    }
}

impl NodeCheck {
    /// Judges one node over a stream: an error is Spark's refusal, a value is what only Tidemill lacks.
    fn check_node(&mut self, node: &LogicalPlan, inputs: &[Subtree]) -> Result<Option<SqlError>> {
        match node {
            LogicalPlan::Projection(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Subquery(_)
            | LogicalPlan::Unnest(_)
            | LogicalPlan::Repartition(_)
            | LogicalPlan::EmptyRelation(_)
            | LogicalPlan::Values(_) => Ok(None),
            LogicalPlan::TableScan(scan) => check_scan(scan),
            LogicalPlan::Union(_) => check_union(inputs),
            LogicalPlan::Join(join) => {
                let side = match inputs {
                    [left, right] if left.streaming && right.streaming => StreamSide::Both,
                    [left, ..] if left.streaming => StreamSide::Left,
                    _ => StreamSide::Right,
                };
                let refusal = check_join(join, side, self.mode)?;
                if side == StreamSide::Both {
                    self.note_stateful(inputs);
                }
                Ok(refusal)
            }
            LogicalPlan::Aggregate(aggregate) => {
                check_aggregate(aggregate)?;
                self.note_stateful(inputs);
                Ok(grouping_by_map(aggregate))
            }
            LogicalPlan::Distinct(distinct) => {
                check_distinct_maps(node.schema().fields())?;
                self.note_stateful(inputs);
                Ok(check_distinct(distinct))
            }
            LogicalPlan::Sort(_) => self.check_sort(inputs),
            LogicalPlan::Limit(limit) => self.check_limit(limit),
            LogicalPlan::Window(window) => Err(refuse_window(&window.window_expr)),
            LogicalPlan::RecursiveQuery(_) => Err(refused(
                "RECURSIVE_CTE",
                "Recursive common table expressions over streaming DataFrames/Datasets are not supported",
            )),
            LogicalPlan::Extension(extension) => {
                check_extension(extension.node.as_ref())?;
                if extension.node.as_any().is::<StreamingDeduplicate>() {
                    self.note_stateful(inputs);
                }
                Ok(None)
            }
            LogicalPlan::Statement(_) => Err(stream_in_batch("a session statement")),
            LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) => Err(stream_in_batch("EXPLAIN")),
            LogicalPlan::DescribeTable(_) => Err(stream_in_batch("DESCRIBE")),
            LogicalPlan::Dml(_) => Err(stream_in_batch("INSERT, UPDATE or DELETE")),
            LogicalPlan::Ddl(_) => Err(stream_in_batch("CREATE or DROP")),
            LogicalPlan::Copy(_) => Err(stream_in_batch("COPY")),
        }
    }

    /// A stateful node above an aggregation gets rows behind the watermark unless the mode is append.
    fn note_stateful(&mut self, inputs: &[Subtree]) {
        if self.mode == OutputMode::Append || !inputs.iter().any(|input| input.aggregated) {
            return;
        }
        self.correctness.get_or_insert_with(|| {
            refused(
                "CORRECTNESS",
                "Detected pattern of possible 'correctness' issue due to global watermark. The query contains stateful operation which can emit rows older than the current watermark, and the stateful operation after it would drop them as late. Use append mode, or split the query in two; if you know the risk, set spark.sql.streaming.statefulOperator.checkCorrectness.enabled to false",
            )
        });
    }

    /// Rows can be sorted only when every batch gives all of them.
    fn check_sort(&self, inputs: &[Subtree]) -> Result<Option<SqlError>> {
        if self.mode == OutputMode::Complete && inputs.iter().any(|input| input.aggregated) {
            return Ok(None);
        }
        Err(refused(
            "SORT",
            "Sorting is not supported on streaming DataFrames/Datasets, unless it is on aggregated DataFrame/Dataset in Complete output mode",
        ))
    }

    fn check_limit(&self, limit: &Limit) -> Result<Option<SqlError>> {
        if !matches!(limit.get_skip_type()?, SkipType::Literal(0)) {
            return Err(refused(
                "OFFSET",
                "Offset is not supported on streaming DataFrames/Datasets",
            ));
        }
        if limit.fetch.is_none() {
            return Ok(None);
        }
        match self.mode {
            OutputMode::Update => Err(refused(
                "LIMIT",
                "Limits are not supported on streaming DataFrames/Datasets in Update output mode",
            )),
            // In complete mode a limit on an aggregation's result, which is whole in each batch, is a batch's limit; one
            // below it holds for the life of the query.
            OutputMode::Complete | OutputMode::Append => Ok(None),
        }
    }
}

/// A scan of a stream passes; a view that was not expanded while planning cannot be bound to a batch.
fn check_scan(scan: &TableScan) -> Result<Option<SqlError>> {
    if StreamingRelation::of_scan(scan).is_some() {
        return Ok(None);
    }
    Err(refused(
        "VIEW_SCAN_WITH_FILTERS",
        format!(
            "The scan of view {} carries filters of its own over a stream: read the view and filter it instead",
            scan.table_name
        ),
    ))
}

fn check_union(inputs: &[Subtree]) -> Result<Option<SqlError>> {
    if inputs.iter().all(|input| input.streaming) {
        return Ok(None);
    }
    Err(refused(
        "UNION_WITH_STATIC",
        "Union between streaming and batch DataFrames/Datasets is not supported",
    ))
}

fn check_aggregate(aggregate: &Aggregate) -> Result<()> {
    for expr in &aggregate.aggr_expr {
        let distinct = expr.exists(|expr| {
            Ok(matches!(expr, Expr::AggregateFunction(function) if function.params.distinct))
        })?;
        if distinct {
            return Err(refused(
                "DISTINCT_AGGREGATION",
                "Distinct aggregations are not supported on streaming DataFrames/Datasets. Consider using approx_count_distinct() instead.",
            ));
        }
    }
    Ok(())
}

fn check_distinct(distinct: &Distinct) -> Option<SqlError> {
    match distinct {
        Distinct::All(_) => None,
        Distinct::On(_) => Some(not_supported_yet(
            "STREAMING_DISTINCT_ON",
            "DISTINCT ON over a stream",
        )),
    }
}

/// Our own nodes; any other is unknown.
fn check_extension(node: &dyn UserDefinedLogicalNode) -> Result<()> {
    if let Some(deduplicate) = node.as_any().downcast_ref::<StreamingDeduplicate>() {
        check_deduplicated_maps(deduplicate)?;
        let has_watermark = deduplicate
            .schema()
            .fields()
            .iter()
            .any(|f| delay_ms_of(f).is_some());
        if deduplicate.within_watermark && !has_watermark {
            return Err(refused(
                "DEDUPLICATE_WITHOUT_WATERMARK",
                "dropDuplicatesWithinWatermark is not supported on streaming DataFrames/DataSets without watermark",
            ));
        }
        return Ok(());
    }
    if node.as_any().is::<EventTimeWatermark>() || node.as_any().is::<RowSlices>() {
        return Ok(());
    }
    Err(refused(
        "EXTENSION_NODE",
        format!(
            "{} is not supported on streaming DataFrames/Datasets",
            node.name()
        ),
    ))
}

fn refuse_window(exprs: &[Expr]) -> SqlError {
    let functions: Vec<_> = exprs
        .iter()
        .map(|expr| {
            let name = expr.schema_name();
            match expr {
                Expr::WindowFunction(window) => {
                    format!("{}() (as column `{name}`)", window.fun.name().to_uppercase())
                }
                _ => format!("`{name}`"),
            }
        })
        .collect();
    SqlError::new(
        "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING",
        format!(
            "Window function is not supported in {} on streaming DataFrames/Datasets. Structured Streaming only supports time-window aggregation using the WINDOW function.",
            functions.join(", ")
        ),
    )
}
