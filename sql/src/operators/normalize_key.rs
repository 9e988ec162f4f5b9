//! Float keys as Spark compares them: `-0.0` is `0.0`, and one NaN is every NaN.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use datafusion::common::internal_datafusion_err;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use tidemill_state::{holds_floats, normalize_keys};

use crate::error::state;

/// A key column with its floats normalised.
#[derive(Debug)]
pub(crate) struct NormalizeKeyExpr {
    key: Arc<dyn PhysicalExpr>,
}

impl NormalizeKeyExpr {
    /// Of this column.
    pub(crate) fn new(key: Arc<dyn PhysicalExpr>) -> Self {
        Self { key }
    }

    /// The column itself where it holds no floats.
    pub(crate) fn wrap(
        key: Arc<dyn PhysicalExpr>,
        input: &Schema,
    ) -> DataFusionResult<Arc<dyn PhysicalExpr>> {
        Ok(if holds_floats(&key.data_type(input)?) {
            Arc::new(Self { key })
        } else {
            key
        })
    }
}

impl PartialEq for NormalizeKeyExpr {
    fn eq(&self, other: &Self) -> bool {
        self.key.eq(&other.key)
    }
}

impl Eq for NormalizeKeyExpr {}

impl Hash for NormalizeKeyExpr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl fmt::Display for NormalizeKeyExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "normalize({})", self.key)
    }
}

impl PhysicalExpr for NormalizeKeyExpr {
    fn data_type(&self, input_schema: &Schema) -> DataFusionResult<DataType> {
        self.key.data_type(input_schema)
    }

    fn nullable(&self, input_schema: &Schema) -> DataFusionResult<bool> {
        self.key.nullable(input_schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> DataFusionResult<ColumnarValue> {
        let key = self.key.evaluate(batch)?.into_array(batch.num_rows())?;
        Ok(ColumnarValue::Array(normalize_keys(&key).map_err(state)?))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.key]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> DataFusionResult<Arc<dyn PhysicalExpr>> {
        let key = children
            .pop()
            .ok_or_else(|| internal_datafusion_err!("a normalised key needs its column"))?;
        Ok(Arc::new(Self { key }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
