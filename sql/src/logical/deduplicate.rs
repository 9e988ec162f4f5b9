//! The node of a streaming deduplication.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchemaRef, internal_err};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{
    Expr, Extension, LogicalPlan, LogicalPlanBuilder, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use super::only_equal;
use crate::event_time::delay_ms_of;
use crate::operators::{NormalizeKeyExpr, StateInfo, StreamingDeduplicateExec, with_state_partition};
use crate::{Result, SqlError, StreamingPlan};

/// A deduplication over a stream: the first row of each key goes on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StreamingDeduplicate {
    pub(crate) input: Arc<LogicalPlan>,
    /// The key columns, in the user's order.
    pub(crate) keys: Vec<Expr>,
    pub(crate) within_watermark: bool,
    /// The batch; none before one is bound.
    pub(crate) info: Option<StateInfo>,
}

impl StreamingDeduplicate {
    /// The first row of each distinct value of these columns; of all columns where none are named.
    ///
    /// Over a static input this is DataFusion's DISTINCT ON. Within the watermark, a key is remembered until the
    /// watermark passes the event time of its first row plus the delay.
    ///
    /// # Errors
    /// `UNRESOLVED_COLUMN` for a column that is not there; deduplication within a watermark over a static input.
    pub fn plan(input: LogicalPlan, columns: &[&str], within_watermark: bool) -> Result<LogicalPlan> {
        let keys = keys(&input, columns)?;
        if !StreamingPlan::is_streaming(&input) {
            if within_watermark {
                return Err(SqlError::new(
                    "UNSUPPORTED_BATCH_OPERATION.DEDUPLICATE_WITHIN_WATERMARK",
                    "dropDuplicatesWithinWatermark is not supported with batch DataFrames/DataSets. Use dropDuplicates.",
                ));
            }
            let all: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
            return Ok(LogicalPlanBuilder::from(input)
                .distinct_on(keys, all, None)?
                .build()?);
        }
        Ok(LogicalPlan::Extension(Extension {
            node: Arc::new(Self {
                input: Arc::new(input),
                keys,
                within_watermark,
                info: None,
            }),
        }))
    }

    /// The deduplication over all columns that DataFusion's DISTINCT asks for.
    pub(crate) fn over_all_columns(input: Arc<LogicalPlan>, info: StateInfo) -> Self {
        Self {
            keys: input.schema().columns().into_iter().map(Expr::Column).collect(),
            input,
            within_watermark: false,
            info: Some(info),
        }
    }
}

/// The key columns by name, without regard to case where no name is an exact match.
fn keys(input: &LogicalPlan, columns: &[&str]) -> Result<Vec<Expr>> {
    let all = input.schema().columns();
    if columns.is_empty() {
        return Ok(all.into_iter().map(Expr::Column).collect());
    }
    let find = |name: &str| -> Result<Expr> {
        let exact = all.iter().find(|column| column.name == name);
        let folded = || all.iter().find(|column| column.name.eq_ignore_ascii_case(name));
        exact.or_else(folded).cloned().map(Expr::Column).ok_or_else(|| {
            let names: Vec<String> = all.iter().map(|column| format!("`{}`", column.name)).collect();
            SqlError::new(
                "UNRESOLVED_COLUMN_AMONG_FIELD_NAMES",
                format!(
                    "Cannot resolve column name \"{name}\" among ({}).",
                    names.join(", ")
                ),
            )
        })
    };
    let mut keys: Vec<Expr> = Vec::with_capacity(columns.len());
    for name in columns {
        let key = find(name)?;
        // A column that is named twice counts once.
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Ok(keys)
}

impl PartialOrd for StreamingDeduplicate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        only_equal(self, other)
    }
}

impl UserDefinedLogicalNodeCore for StreamingDeduplicate {
    fn name(&self) -> &'static str {
        "StreamingDeduplicate"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        self.keys.clone()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<String> = self.keys.iter().map(ToString::to_string).collect();
        write!(f, "StreamingDeduplicate: keys=[{}]", keys.join(", "))
    }

    fn with_exprs_and_inputs(
        &self,
        exprs: Vec<Expr>,
        mut inputs: Vec<LogicalPlan>,
    ) -> DataFusionResult<Self> {
        let (Some(input), true) = (inputs.pop(), inputs.is_empty()) else {
            return internal_err!("StreamingDeduplicate has one input");
        };
        Ok(Self {
            input: Arc::new(input),
            keys: exprs,
            ..self.clone()
        })
    }

    /// What the query goes on to use, the keys, and the event time that late rows are told by.
    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let schema = self.input.schema();
        let mut needed = output_columns.to_vec();
        for key in &self.keys {
            for column in key.column_refs() {
                needed.push(schema.index_of_column(column).ok()?);
            }
        }
        let timed = schema.fields().iter().enumerate();
        needed.extend(
            timed
                .filter(|(_, field)| delay_ms_of(field).is_some())
                .map(|(i, _)| i),
        );
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }
}

/// Plans [`StreamingDeduplicate`].
#[derive(Debug)]
pub(crate) struct DeduplicatePlanner;

#[async_trait]
impl ExtensionPlanner for DeduplicatePlanner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        _planning: &PhysicalPlanningContext,
    ) -> DataFusionResult<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<StreamingDeduplicate>() else {
            return Ok(None);
        };
        let ([logical], [input], Some(info)) = (logical_inputs, physical_inputs, node.info.clone()) else {
            return internal_err!("a streaming deduplication runs only in a batch of a streaming query");
        };
        let keys = node
            .keys
            .iter()
            .map(|key| match key {
                Expr::Column(column) => logical.schema().index_of_column(column),
                other => internal_err!("the key of a deduplication is a column, not {other}"),
            })
            .collect::<DataFusionResult<Vec<usize>>>()?;
        let schema = input.schema();
        let key_columns = keys
            .iter()
            .map(|key| {
                let column: Arc<dyn PhysicalExpr> =
                    Arc::new(PhysicalColumn::new(schema.field(*key).name(), *key));
                Arc::new(NormalizeKeyExpr::new(column)) as Arc<dyn PhysicalExpr>
            })
            .collect();
        let partitioned = with_state_partition(
            Arc::clone(input),
            key_columns,
            info.partitions_of(!keys.is_empty()),
        )?;
        // The fields of the logical plan: those of the input may have lost the watermark's metadata.
        let schema = Arc::clone(logical.schema().inner());
        let tasks = session.config().target_partitions();
        let exec =
            StreamingDeduplicateExec::try_new(partitioned, keys, node.within_watermark, info, schema, tasks)?;
        Ok(Some(Arc::new(exec)))
    }
}
