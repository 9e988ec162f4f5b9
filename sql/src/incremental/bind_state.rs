//! Binds a batch to the stateful nodes: versions, watermarks, the layout that the checkpoint pins.

use std::num::NonZeroU32;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{Extension, LogicalPlan};

use super::BatchContext;
use crate::Result;
use crate::analyze::reads_watermark;
use crate::logical::{StateStoreSave, StreamingDeduplicate, StreamingGlobalLimit};
use crate::operators::StateInfo;

/// What a checkpoint pins about its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateLayout {
    /// `spark.sql.shuffle.partitions`: how many state partitions every operator with keys has.
    pub partitions: NonZeroU32,
    /// `spark.sql.streaming.aggregation.stateFormatVersion`: 1 or 2.
    pub aggregation_format: u8,
}

impl StateLayout {
    /// With this many state partitions and this layout of aggregations.
    pub fn new(partitions: NonZeroU32, aggregation_format: u8) -> Self {
        Self {
            partitions,
            aggregation_format,
        }
    }
}

/// The plan with every stateful node told of its batch.
pub(super) fn bind_state(
    plan: LogicalPlan,
    context: &BatchContext,
    layout: &StateLayout,
) -> Result<LogicalPlan> {
    let plan = plan.transform_up(|node| {
        let LogicalPlan::Extension(Extension { node }) = node else {
            return Ok(Transformed::no(node));
        };
        // An operator that no watermark reaches has none.
        let watermarked = node.inputs().into_iter().any(reads_watermark);
        let bind = |info: &StateInfo| bound(info, context, layout, watermarked);
        let bound: Arc<dyn datafusion::logical_expr::UserDefinedLogicalNode> =
            if let Some(save) = node.as_any().downcast_ref::<StateStoreSave>() {
                Arc::new(StateStoreSave {
                    info: bind(&save.info),
                    ..save.clone()
                })
            } else if let Some(deduplicate) = node.as_any().downcast_ref::<StreamingDeduplicate>() {
                Arc::new(StreamingDeduplicate {
                    info: deduplicate.info.as_ref().map(bind),
                    ..deduplicate.clone()
                })
            } else if let Some(limit) = node.as_any().downcast_ref::<StreamingGlobalLimit>() {
                Arc::new(StreamingGlobalLimit {
                    info: bind(&limit.info),
                    ..limit.clone()
                })
            } else {
                return Ok(Transformed::no(LogicalPlan::Extension(Extension { node })));
            };
        Ok(Transformed::yes(LogicalPlan::Extension(Extension {
            node: bound,
        })))
    })?;
    Ok(plan.data)
}

fn bound(info: &StateInfo, context: &BatchContext, layout: &StateLayout, watermarked: bool) -> StateInfo {
    let micros = |watermark_ms: i64| {
        if watermarked {
            watermark_ms.saturating_mul(1000)
        } else {
            0
        }
    };
    StateInfo {
        version: context.batch_id,
        partitions: layout.partitions,
        late_watermark_us: micros(context.late_watermark_ms),
        eviction_watermark_us: micros(context.watermark_ms),
        is_watermarked: watermarked,
        aggregation_format: layout.aggregation_format,
        ..info.clone()
    }
}
