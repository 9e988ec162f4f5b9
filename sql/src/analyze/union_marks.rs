//! Which event time a UNION's columns carry: that of the first branch, as in Spark.
//!
//! DataFusion keeps what all branches agree on, so two watermarks with different delays would cancel each other out, and a
//! later branch would mark a column that the first branch does not. The other branches' columns are therefore given the mark
//! of the first, which every later derivation of the schema keeps, and the union's schema is set to the first's marks.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::Field;
use datafusion::common::metadata::FieldMetadata;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result as DataFusionResult};
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, Union};

use crate::Result;
use crate::event_time::WATERMARK_DELAY_KEY;

/// The plan with every union's marks those of its first branch; plans that have them so stay as they are.
pub(crate) fn mark_unions(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut settled = true;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Union(union) = node {
            settled &= is_settled(union);
        }
        Ok(if settled {
            TreeNodeRecursion::Continue
        } else {
            TreeNodeRecursion::Stop
        })
    })?;
    if settled {
        return Ok(plan);
    }
    let plan = plan.transform_up_with_subqueries(|node| {
        Ok(Transformed::yes(match node {
            LogicalPlan::Union(union) => LogicalPlan::Union(settle(union)?),
            other => other.recompute_schema()?,
        }))
    })?;
    Ok(plan.data)
}

fn mark(field: &Field) -> Option<&String> {
    field.metadata().get(WATERMARK_DELAY_KEY)
}

/// The mark of each column of the first branch.
fn first_marks(union: &Union) -> Vec<Option<String>> {
    let first = union.inputs.first();
    first.map_or_else(Vec::new, |first| {
        let fields = first.schema().fields().iter();
        fields.map(|field| mark(field).cloned()).collect()
    })
}

fn is_settled(union: &Union) -> bool {
    let marks = first_marks(union);
    let as_first = |schema: &DFSchema| {
        let fields = schema.fields().iter().zip(&marks);
        fields
            .into_iter()
            .all(|(field, first)| mark(field) == first.as_ref())
    };
    as_first(&union.schema) && union.inputs.iter().all(|input| agrees(input, &marks))
}

/// Whether a branch has every mark that the first has.
fn agrees(input: &LogicalPlan, marks: &[Option<String>]) -> bool {
    let fields = input.schema().fields().iter().zip(marks);
    fields
        .into_iter()
        .all(|(field, first)| first.is_none() || mark(field) == first.as_ref())
}

fn settle(union: Union) -> DataFusionResult<Union> {
    let marks = first_marks(&union);
    let fields = union
        .schema
        .iter()
        .zip(&marks)
        .map(|((qualifier, field), first)| {
            let mut metadata = field.metadata().clone();
            match first {
                Some(first) => metadata.insert(WATERMARK_DELAY_KEY.to_owned(), first.clone()),
                None => metadata.remove(WATERMARK_DELAY_KEY),
            };
            let field = field.as_ref().clone().with_metadata(metadata);
            (qualifier.cloned(), Arc::new(field))
        });
    let schema = DFSchema::new_with_metadata(fields.collect(), union.schema.metadata().clone())?;
    let inputs = union
        .inputs
        .into_iter()
        .map(|input| {
            if agrees(&input, &marks) {
                return Ok(input);
            }
            marked_as(input, &marks, &schema)
        })
        .collect::<DataFusionResult<_>>()?;
    Ok(Union {
        inputs,
        schema: Arc::new(schema),
    })
}

/// A branch whose columns have these marks, under the union's names.
fn marked_as(
    input: Arc<LogicalPlan>,
    marks: &[Option<String>],
    union: &DFSchema,
) -> DataFusionResult<Arc<LogicalPlan>> {
    let columns = input.schema().columns().into_iter();
    let columns = columns
        .zip(marks)
        .zip(union.fields())
        .map(|((column, first), field)| {
            let column = Expr::Column(column);
            match first {
                Some(first) => {
                    let mark = HashMap::from([(WATERMARK_DELAY_KEY.to_owned(), first.clone())]);
                    column.alias_with_metadata(field.name(), Some(FieldMetadata::from(mark)))
                }
                None => column,
            }
        });
    let projection = Projection::try_new(columns.collect(), input)?;
    Ok(Arc::new(LogicalPlan::Projection(projection)))
}
