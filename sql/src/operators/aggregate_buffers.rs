//! The aggregates of an operator: accumulators of DataFusion's, and their buffers as state rows hold them.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::FieldRef;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::GroupsAccumulatorAdapter;
use datafusion::physical_plan::udaf::AggregateFunctionExpr;

use crate::aggregate::BufferLayout;

/// The aggregates of an operator, in the order of the query.
#[derive(Debug)]
pub(super) struct AggregateBuffers {
    aggregates: Vec<(Arc<AggregateFunctionExpr>, BufferLayout)>,
}

/// One accumulator per aggregate, for the groups of one task.
pub(super) struct Accumulators {
    accumulators: Vec<Box<dyn GroupsAccumulator>>,
}

impl AggregateBuffers {
    /// The layouts of these aggregates.
    ///
    /// # Errors
    /// An aggregate that cannot be kept in state.
    pub(super) fn try_new(aggregates: Vec<Arc<AggregateFunctionExpr>>) -> DataFusionResult<Self> {
        let aggregates = aggregates
            .into_iter()
            .map(|aggregate| {
                let layout = BufferLayout::of(&aggregate)?;
                Ok((aggregate, layout))
            })
            .collect::<DataFusionResult<_>>()?;
        Ok(Self { aggregates })
    }

    /// The buffer columns of a state row.
    pub(super) fn fields(&self) -> Vec<FieldRef> {
        self.aggregates
            .iter()
            .flat_map(|(_, layout)| layout.fields().iter().cloned())
            .collect()
    }

    /// Whether Spark can read every buffer.
    pub(super) fn is_portable(&self) -> bool {
        self.aggregates.iter().all(|(_, layout)| layout.is_portable())
    }

    /// Accumulators without any group.
    pub(super) fn accumulators(&self) -> DataFusionResult<Accumulators> {
        let accumulators = self
            .aggregates
            .iter()
            .map(|(aggregate, _)| {
                if aggregate.groups_accumulator_supported() {
                    return aggregate.create_groups_accumulator();
                }
                let aggregate = Arc::clone(aggregate);
                let one = move || aggregate.create_accumulator();
                Ok(Box::new(GroupsAccumulatorAdapter::new(one)) as Box<dyn GroupsAccumulator>)
            })
            .collect::<DataFusionResult<_>>()?;
        Ok(Accumulators { accumulators })
    }

    /// The state columns of each aggregate, from the buffer columns of state rows.
    pub(super) fn states(&self, buffers: &[ArrayRef]) -> DataFusionResult<Vec<Vec<ArrayRef>>> {
        let mut rest = buffers;
        self.aggregates
            .iter()
            .map(|(aggregate, layout)| {
                let (own, others) = rest.split_at(layout.fields().len().min(rest.len()));
                rest = others;
                let named = || format!("the state of {}", aggregate.name());
                layout.to_states(own).map_err(|e| e.context(named()))
            })
            .collect()
    }

    /// The buffer columns of state rows, from the state columns of each aggregate.
    pub(super) fn buffers(&self, states: &[Vec<ArrayRef>]) -> DataFusionResult<Vec<ArrayRef>> {
        let mut buffers = Vec::new();
        for ((_, layout), states) in self.aggregates.iter().zip(states) {
            buffers.extend(layout.to_buffers(states)?);
        }
        Ok(buffers)
    }

    /// The state columns of each aggregate among the columns of a partial aggregation.
    pub(super) fn partial_states(&self, columns: &[ArrayRef]) -> DataFusionResult<Vec<Vec<ArrayRef>>> {
        let mut rest = columns;
        self.aggregates
            .iter()
            .map(|(aggregate, _)| {
                let (own, others) = rest.split_at(aggregate.state_fields()?.len().min(rest.len()));
                rest = others;
                Ok(own.to_vec())
            })
            .collect()
    }

    /// The result of each aggregate for rows of states, one group a row.
    pub(super) fn evaluate(&self, states: &[Vec<ArrayRef>], rows: usize) -> DataFusionResult<Vec<ArrayRef>> {
        let mut accumulators = self.accumulators()?;
        let groups: Vec<usize> = (0..rows).collect();
        accumulators.merge(states, &groups, rows)?;
        accumulators
            .accumulators
            .iter_mut()
            .map(|accumulator| accumulator.evaluate(EmitTo::All))
            .collect()
    }
}

impl Accumulators {
    /// Merges rows of states into their groups; `total` is how many groups there are by now.
    pub(super) fn merge(
        &mut self,
        states: &[Vec<ArrayRef>],
        groups: &[usize],
        total: usize,
    ) -> DataFusionResult<()> {
        for (place, (accumulator, states)) in self.accumulators.iter_mut().zip(states).enumerate() {
            let named = || format!("merging the state of aggregate {place}");
            accumulator
                .merge_batch(states, groups, total)
                .map_err(|e| e.context(named()))?;
        }
        Ok(())
    }

    /// The states of all groups.
    pub(super) fn into_states(mut self) -> DataFusionResult<Vec<Vec<ArrayRef>>> {
        self.accumulators
            .iter_mut()
            .map(|accumulator| accumulator.state(EmitTo::All))
            .collect()
    }
}
