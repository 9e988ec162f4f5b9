//! The checked list.
use std::collections::HashMap;
use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

use super::SqlSettings;

/// The functions of a dialect.
#[derive(Debug, Default)]
pub(crate) struct Functions {
    scalar: HashMap<String, Arc<ScalarUDF>>,
    aggregate: HashMap<String, Arc<AggregateUDF>>,
}

/// The functions.
pub(crate) fn of(_settings: &SqlSettings) -> Functions {
    Functions::default()
}

impl Functions {
    pub(crate) fn scalar(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.scalar.get(name).cloned()
    }
    pub(crate) fn aggregate(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.aggregate.get(name).cloned()
    }
    pub(crate) fn all_scalar(&self) -> Vec<Arc<ScalarUDF>> {
        self.scalar.values().cloned().collect()
    }
    pub(crate) fn all_aggregate(&self) -> Vec<Arc<AggregateUDF>> {
        self.aggregate.values().cloned().collect()
    }
}
