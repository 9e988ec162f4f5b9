//! An aggregate over the distinct values of its argument, for batch queries.

use std::mem::size_of;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Accumulator;
use indexmap::IndexSet;

use super::fold::column;
use super::values::{array_of, value_at};

/// Hands each value once to another accumulator, when the result is asked for.
#[derive(Debug)]
pub(super) struct DistinctValues {
    inner: Box<dyn Accumulator>,
    data_type: DataType,
    values: IndexSet<ScalarValue>,
}

impl DistinctValues {
    /// The aggregate before any value, of this type.
    pub(super) fn new(inner: Box<dyn Accumulator>, data_type: DataType) -> Self {
        Self {
            inner,
            data_type,
            values: IndexSet::new(),
        }
    }

    fn insert(&mut self, values: &ArrayRef) -> Result<()> {
        for row in 0..values.len() {
            if values.is_valid(row) {
                self.values.insert(value_at(values, row)?);
            }
        }
        Ok(())
    }

    fn array(&self) -> Result<ArrayRef> {
        array_of(self.values.iter().cloned(), &self.data_type)
    }
}

impl Accumulator for DistinctValues {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.insert(column(values, 0)?)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for values in column(states, 0)?.as_list::<i32>().iter().flatten() {
            self.insert(&values)?;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values: Vec<ScalarValue> = self.values.iter().cloned().collect();
        Ok(vec![ScalarValue::List(ScalarValue::new_list_nullable(
            &values,
            &self.data_type,
        ))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let values = self.array()?;
        self.inner.update_batch(&[values])?;
        self.inner.evaluate()
    }

    fn size(&self) -> usize {
        let values: usize = self.values.iter().map(ScalarValue::size).sum();
        size_of::<Self>() + self.inner.size() + values
    }
}
