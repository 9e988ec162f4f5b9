//! `count_if`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array};
use datafusion::common::Result;
use datafusion::common::cast::{as_boolean_array, as_int64_array};

use super::fold::{Fold, Rows, column};

/// How many values are true.
#[derive(Debug)]
pub(super) struct CountIf;

impl Fold for CountIf {
    type Group = i64;

    fn empty(&self) -> Self::Group {
        0
    }

    fn update(&self, groups: &mut [Self::Group], values: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let values = as_boolean_array(column(values, 0)?)?;
        rows.each(values.nulls(), |row, group| {
            groups[group] += i64::from(values.value(row));
            Ok(())
        })
    }

    fn merge(&self, groups: &mut [Self::Group], states: &[ArrayRef], rows: &Rows<'_>) -> Result<()> {
        let counts = as_int64_array(column(states, 0)?)?;
        rows.each(counts.nulls(), |row, group| {
            groups[group] += counts.value(row);
            Ok(())
        })
    }

    fn states(&self, groups: Vec<Self::Group>) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.results(groups)?])
    }

    fn results(&self, groups: Vec<Self::Group>) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from(groups)))
    }
}
