//! What a stateful operator is told of its batch.

use std::num::NonZeroU32;

use tidemill_state::{OperatorId, StateStoreVersion};

use crate::OutputMode;

/// What a stateful operator is told of its batch: nothing of it is read anywhere else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StateInfo {
    /// The operator.
    pub(crate) operator: OperatorId,
    /// The version to load.
    pub(crate) version: u64,
    /// How many state partitions the checkpoint has.
    pub(crate) partitions: NonZeroU32,
    /// Rows at or before this time come too late, µs since the epoch.
    pub(crate) late_watermark_us: i64,
    /// Rows at or before this time leave the state, µs since the epoch.
    pub(crate) eviction_watermark_us: i64,
    /// Whether a watermark reaches the operator; without one both watermarks are 0.
    pub(crate) is_watermarked: bool,
    /// The query's output mode.
    pub(crate) mode: OutputMode,
    /// The layout of an aggregation's values: 1 repeats the key in them, 2 does not.
    pub(crate) aggregation_format: u8,
}

impl StateInfo {
    /// The operator before a batch is bound to it.
    pub(crate) fn unbound(operator: OperatorId, mode: OutputMode) -> Self {
        Self {
            operator,
            version: 0,
            partitions: NonZeroU32::MIN,
            late_watermark_us: 0,
            eviction_watermark_us: 0,
            is_watermarked: false,
            mode,
            aggregation_format: 2,
        }
    }

    /// The version to load.
    pub(crate) fn version(&self) -> StateStoreVersion {
        StateStoreVersion(self.version)
    }

    /// The state partitions of an operator with keys, or of one without, which has only the first.
    pub(crate) fn partitions_of(&self, has_keys: bool) -> NonZeroU32 {
        if has_keys {
            self.partitions
        } else {
            NonZeroU32::MIN
        }
    }
}
