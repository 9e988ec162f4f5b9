//! Aggregate functions with Spark's meaning, and how their buffers lie in a state row.
//!
//! [`BufferLayout`] maps between the state columns that DataFusion's partial aggregation gives and the buffer columns that
//! Spark keeps. A function of Spark's whose buffers DataFusion has not is our own, with Spark's buffers as its state; a
//! function of DataFusion's that has no counterpart in Spark keeps its state columns, so Spark must not read them.

mod avg;
mod buffer_bytes;
mod builtin;
mod checked;
mod count;
mod counted;
mod distinct;
mod extremum;
mod fold;
mod function;
mod groups;
mod histogram;
mod hyperloglog;
mod interval;
mod kind;
mod list;
mod listagg;
mod min_max;
mod moments;
mod order_keys;
mod parameter;
mod quantiles;
mod row_order;
mod select;
mod step;
mod sum;
#[cfg(test)]
mod tests;
mod values;

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;

use crate::SqlError;
use crate::analyze::has_some_fields;
use crate::record::value::IntervalFields;
use function::SparkAggregate;
use kind::Kind;
pub(crate) use list::{NAMES, function};
pub(crate) use min_max::as_kept_in_state;
pub(crate) use row_order::heeds_no_order;
use step::Step;
pub(crate) use values::bytes_of;

/// How an aggregate's buffers lie in a state row.
#[derive(Clone, Debug)]
pub(crate) struct BufferLayout {
    fields: Vec<FieldRef>,
    to_buffers: Vec<Step>,
    to_states: Vec<Step>,
    portable: bool,
}

impl BufferLayout {
    /// The layout of an aggregate, by its function, the types of its arguments and result, and its parameters.
    ///
    /// # Errors
    /// UNSUPPORTED_FEATURE.AGGREGATE_IN_STATE, by the function's name, for one that cannot be kept in state: over distinct
    /// values, or with a state of a type that no state row holds.
    pub(crate) fn of(aggregate: &AggregateFunctionExpr) -> Result<Self> {
        if aggregate.is_distinct() {
            return Err(refused(aggregate, "it is over distinct values").into());
        }
        let states = aggregate.state_fields()?;
        let field = aggregate.field();
        let is_interval = |data_type: &DataType| IntervalFields::of_type(data_type).is_some();
        let keeps_interval =
            is_interval(field.data_type()) || states.iter().any(|s| is_interval(s.data_type()));
        // Of which fields the others are is not known here.
        let name = aggregate.fun().name().trim_start_matches("spark_");
        let is_known = matches!(
            name,
            "min" | "max" | "first" | "last" | "first_value" | "last_value" | "any_value"
        );
        if keeps_interval && (!is_known || has_some_fields(&field)) {
            return Err(refused(aggregate, "it is over intervals").into());
        }
        if let Some(own) = aggregate.fun().inner().downcast_ref::<SparkAggregate>() {
            return Self::of_own(own.kind(), aggregate, &states);
        }
        match builtin::layout(aggregate, &states) {
            Some(layout) => Ok(layout),
            None => Self::of_states(aggregate, &states),
        }
    }

    /// Spark's buffer columns, in order, with Spark's names and types; all nullable.
    pub(crate) fn fields(&self) -> &[FieldRef] {
        &self.fields
    }

    /// Whether Spark reads these buffers; without it the value schema must tell Spark not to.
    pub(crate) fn is_portable(&self) -> bool {
        self.portable
    }

    /// Spark's buffers from DataFusion's state columns, one value per group.
    ///
    /// # Errors
    /// A state that no buffer holds, such as a sum beyond its type.
    pub(crate) fn to_buffers(&self, states: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        self.to_buffers.iter().map(|step| step.apply(states)).collect()
    }

    /// DataFusion's state columns from Spark's buffers, one value per group.
    ///
    /// # Errors
    /// A buffer that no state holds.
    pub(crate) fn to_states(&self, buffers: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        self.to_states.iter().map(|step| step.apply(buffers)).collect()
    }

    /// A layout of Spark's: a name, a type and the step that makes it for each buffer, then the steps back.
    fn new(buffers: Vec<(&str, DataType, Step)>, to_states: Vec<Step>) -> Self {
        let (fields, to_buffers) = buffers
            .into_iter()
            .map(|(name, data_type, step)| (Arc::new(Field::new(name, data_type, true)), step))
            .unzip();
        Self {
            fields,
            to_buffers,
            to_states,
            portable: true,
        }
    }

    /// A layout whose buffers are the states, under Spark's names and types.
    fn renamed(buffers: Vec<(&str, DataType)>, states: &[FieldRef]) -> Self {
        let back = states.iter().enumerate();
        let to_states = back
            .map(|(at, state)| Step::cast(at, state.data_type()))
            .collect();
        let buffers = buffers.into_iter().enumerate();
        let buffers = buffers.map(|(at, (name, data_type))| {
            let step = Step::cast(at, &data_type);
            (name, data_type, step)
        });
        Self::new(buffers.collect(), to_states)
    }

    /// The layout of a function of ours: its states, named as `call[buffer]`, are Spark's buffers but for those that Spark
    /// keeps as bytes or words.
    fn of_own(kind: Kind, aggregate: &AggregateFunctionExpr, states: &[FieldRef]) -> Result<Self> {
        let bytes = |to: Step, back: Step| Self::new(vec![("buf", DataType::Binary, to)], vec![back]);
        let first = states.first().map_or(DataType::Null, |s| s.data_type().clone());
        Ok(match kind {
            Kind::ApproxCountDistinct => {
                let deviation = aggregate.expressions().get(1).and_then(function::literal);
                let bits = parameter::hash_bits(deviation.as_ref())?;
                let names: Vec<String> = (0..hyperloglog::word_count(bits))
                    .map(|word| format!("MS[{word}]"))
                    .collect();
                let words = names.iter().enumerate();
                let words = words.map(|(word, name)| (name.as_str(), DataType::Int64, Step::Word { word }));
                Self::new(words.collect(), vec![Step::Words])
            }
            Kind::ListAgg => bytes(Step::RowOfList { at: 0 }, Step::ListOfRow { at: 0, to: first }),
            _ if kind.counts_values() => bytes(
                Step::BytesOfCounted { at: 0 },
                Step::CountedOfBytes { at: 0, to: first },
            ),
            _ => {
                let buffers = states.iter().map(|state| {
                    let name = state.name().rsplit_once('[').map_or("", |(_, name)| name);
                    (name.trim_end_matches(']'), state.data_type().clone())
                });
                Self::renamed(buffers.collect(), states)
            }
        })
    }

    /// The layout of a function that Spark has not: its states, in types that a state row holds.
    fn of_states(aggregate: &AggregateFunctionExpr, states: &[FieldRef]) -> Result<Self> {
        let mut fields = Vec::new();
        let mut to_buffers = Vec::new();
        let mut to_states = Vec::new();
        for (at, state) in states.iter().enumerate() {
            let held = held_as(state.data_type()).ok_or_else(|| {
                refused(
                    aggregate,
                    &format!("its state {} has a type of no state row", state.data_type()),
                )
            })?;
            to_buffers.push(Step::bits(at, &held));
            to_states.push(Step::bits(at, state.data_type()));
            fields.push(Arc::new(Field::new(state.name(), held, true)));
        }
        Ok(Self {
            fields,
            to_buffers,
            to_states,
            portable: false,
        })
    }
}

fn refused(aggregate: &AggregateFunctionExpr, why: &str) -> SqlError {
    SqlError::new(
        "UNSUPPORTED_FEATURE.AGGREGATE_IN_STATE",
        format!(
            "The aggregate function {} cannot be kept in the state of a stream: {why}.",
            aggregate.fun().name()
        ),
    )
}

/// The type in which a state row holds a value of this type; `None` where none does.
fn held_as(data_type: &DataType) -> Option<DataType> {
    use DataType as D;
    Some(match data_type {
        D::UInt8 => D::Int8,
        D::UInt16 => D::Int16,
        D::UInt32 => D::Int32,
        D::UInt64 => D::Int64,
        D::Utf8View | D::LargeUtf8 => D::Utf8,
        D::BinaryView | D::LargeBinary => D::Binary,
        D::List(field) => {
            let element = held_as(field.data_type())?;
            D::List(Arc::new(field.as_ref().clone().with_data_type(element)))
        }
        D::Struct(fields) => {
            let fields = fields.iter().map(|field| {
                let held = held_as(field.data_type())?;
                Some(field.as_ref().clone().with_data_type(held))
            });
            D::Struct(fields.collect::<Option<Vec<_>>>()?.into())
        }
        other if tidemill_state::is_supported(other) => other.clone(),
        _ => return None,
    })
}
