//! The node that marks a column as event time: rows pass unchanged, and each batch counts their times.
//!
//! Which rows are counted decides the watermark, so what may be pushed below is settled once, when the streaming plan is
//! analysed: until then a predicate that does not name the event time may pass, afterwards none may.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use datafusion::common::{Column, DFSchema, DFSchemaRef, plan_err};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};

use crate::event_time::{WATERMARK_DELAY_KEY, with_delay};

/// A watermark over its input: the schema is the input's, with the delay in the metadata of the event-time column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EventTimeWatermark {
    /// What is read.
    pub(crate) input: Arc<LogicalPlan>,
    /// The event-time column, as the input's schema has it.
    pub(crate) column: Column,
    /// How late a row may be, ms.
    pub(crate) delay_ms: i64,
    /// The operator's number among the plan's watermarks, in pre-order.
    pub(crate) operator: usize,
    /// Whether the filters below are settled.
    pub(crate) sealed: bool,
    schema: DFSchemaRef,
}

impl EventTimeWatermark {
    /// The node, not numbered and not sealed.
    ///
    /// # Errors
    /// A column that the input has not, or has twice.
    pub(crate) fn try_new(input: Arc<LogicalPlan>, column: Column, delay_ms: i64) -> DataFusionResult<Self> {
        let schema = marked(input.schema(), &column, delay_ms)?;
        Ok(Self {
            input,
            column,
            delay_ms,
            operator: 0,
            sealed: false,
            schema,
        })
    }

    /// The watermark that this node is, if it is one.
    pub(crate) fn of(plan: &LogicalPlan) -> Option<&Self> {
        match plan {
            LogicalPlan::Extension(extension) => extension.node.as_any().downcast_ref(),
            _ => None,
        }
    }

    /// The node as a plan.
    pub(crate) fn into_plan(self) -> LogicalPlan {
        LogicalPlan::Extension(Extension { node: Arc::new(self) })
    }

    /// The same with this number, and closed to filters.
    pub(crate) fn seal(&self, operator: usize) -> Self {
        Self {
            operator,
            sealed: true,
            ..self.clone()
        }
    }

    /// The event-time column's place in the input.
    pub(crate) fn column_index(&self) -> DataFusionResult<usize> {
        self.input.schema().index_of_column(&self.column)
    }
}

/// The schema with the mark on this column, and on no other.
fn marked(input: &DFSchemaRef, column: &Column, delay_ms: i64) -> DataFusionResult<DFSchemaRef> {
    let at = input.index_of_column(column)?;
    let fields = input
        .iter()
        .enumerate()
        .map(|(index, (qualifier, field))| {
            let metadata = if index == at {
                with_delay(field.metadata(), delay_ms)
            } else {
                without_delay(field.metadata())
            };
            let field = field.as_ref().clone().with_metadata(metadata);
            (qualifier.cloned(), Arc::new(field))
        })
        .collect();
    let schema = DFSchema::new_with_metadata(fields, input.metadata().clone())?
        .with_functional_dependencies(input.functional_dependencies().clone())?;
    Ok(Arc::new(schema))
}

fn without_delay(metadata: &HashMap<String, String>) -> HashMap<String, String> {
    let mut metadata = metadata.clone();
    metadata.remove(WATERMARK_DELAY_KEY);
    metadata
}

impl PartialOrd for EventTimeWatermark {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let key = |node: &Self| (node.operator, node.delay_ms, node.column.clone());
        match key(self).partial_cmp(&key(other)) {
            Some(Ordering::Equal) => self.input.partial_cmp(&other.input),
            order => order,
        }
        .filter(|order| *order != Ordering::Equal || self == other)
    }
}

impl UserDefinedLogicalNodeCore for EventTimeWatermark {
    fn name(&self) -> &str {
        "EventTimeWatermark"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![Expr::Column(self.column.clone())]
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        if self.sealed {
            self.schema
                .fields()
                .iter()
                .map(|field| field.name().clone())
                .collect()
        } else {
            HashSet::from([self.column.name.clone()])
        }
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "EventTimeWatermark: {}, delay={}ms",
            self.column, self.delay_ms
        )
    }

    fn with_exprs_and_inputs(
        &self,
        exprs: Vec<Expr>,
        mut inputs: Vec<LogicalPlan>,
    ) -> DataFusionResult<Self> {
        let (Some(input), true, [Expr::Column(column)]) = (inputs.pop(), inputs.is_empty(), exprs.as_slice())
        else {
            return plan_err!("a watermark has one input and one column");
        };
        let node = Self::try_new(Arc::new(input), column.clone(), self.delay_ms)?;
        Ok(Self {
            operator: self.operator,
            sealed: self.sealed,
            ..node
        })
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let mut needed = output_columns.to_vec();
        needed.push(self.column_index().ok()?);
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }
}
