//! The names of things: operators, their stores, versions.

use std::fmt;

/// The number of a stateful operator, counted from the output side of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperatorId(pub u32);

/// One state store: a partition of an operator, and the store's name there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateStoreId {
    /// The operator.
    pub operator: OperatorId,
    /// The state partition, from 0.
    pub partition: u32,
    /// `default`, or a name of the operator's choice.
    pub store_name: String,
}

impl StateStoreId {
    /// The name of an operator's only store.
    pub const DEFAULT_STORE: &'static str = "default";

    /// The default store of a partition.
    pub fn new(operator: OperatorId, partition: u32) -> Self {
        Self {
            operator,
            partition,
            store_name: Self::DEFAULT_STORE.to_owned(),
        }
    }
}

impl fmt::Display for StateStoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "operator {}, partition {}, store {}",
            self.operator.0, self.partition, self.store_name
        )
    }
}

/// A version of a store: batch N loads version N and commits version N+1; version 0 is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateStoreVersion(pub u64);

impl fmt::Display for StateStoreVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
