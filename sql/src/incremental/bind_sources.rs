//! Puts the batch's input in the place of each source.
//!
//! The scan keeps its name, its projected columns and its qualifiers, so nothing above it changes.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::provider_as_source;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{LogicalPlan, TableSource};

use super::BatchInputs;
use crate::{Result, SourceId, SqlError, StreamingRelation};

/// The plan with every streaming scan reading this batch's input. A source without input reads as empty.
///
/// # Errors
/// An input whose schema is not the source's.
pub(super) fn bind_sources(plan: LogicalPlan, inputs: &BatchInputs) -> Result<LogicalPlan> {
    let mut bound: HashMap<SourceId, Arc<dyn TableSource>> = HashMap::new();
    let plan = plan.transform_up(|node| {
        let LogicalPlan::TableScan(mut scan) = node else {
            return Ok(Transformed::no(node));
        };
        let Some(relation) = StreamingRelation::of_scan(&scan) else {
            return Ok(Transformed::no(LogicalPlan::TableScan(scan)));
        };
        let source = match bound.get(&relation.id()) {
            Some(source) => Arc::clone(source),
            None => {
                let source = provider_as_source(input_of(relation, inputs)?);
                bound.insert(relation.id(), Arc::clone(&source));
                source
            }
        };
        scan.source = source;
        Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
    })?;
    Ok(plan.data)
}

fn input_of(relation: &StreamingRelation, inputs: &BatchInputs) -> DataFusionResult<Arc<dyn TableProvider>> {
    let expected = relation.schema();
    let Some(input) = inputs.get(&relation.id()) else {
        return Ok(Arc::new(EmptyTable::new(expected)));
    };
    check_schema(&expected, &input.schema())?;
    Ok(Arc::clone(input))
}

/// The plan was made for the source's columns: the batch must bring the same ones, nulls only where expected.
fn check_schema(expected: &Schema, found: &Schema) -> Result<()> {
    let fits = expected.fields().len() == found.fields().len()
        && expected
            .fields()
            .iter()
            .zip(found.fields())
            .all(|(expected, found)| {
                expected.name() == found.name()
                    && expected.data_type() == found.data_type()
                    && (expected.is_nullable() || !found.is_nullable())
            });
    if fits {
        return Ok(());
    }
    Err(SqlError::new(
        "STREAMING_SOURCE_SCHEMA_MISMATCH",
        format!(
            "A batch of a streaming source must have the schema of the source. Expected {expected}, got {found}. Restart the query if the source's schema has changed."
        ),
    ))
}
