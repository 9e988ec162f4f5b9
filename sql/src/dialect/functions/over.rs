//! Functions with OVER: those that only windows have, and aggregates over frames that move.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions_window::{cume_dist, lead_lag, nth_value, ntile, rank, row_number};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, WindowUDF};
use datafusion::physical_expr::{PhysicalExpr, PhysicalSortExpr};

/// The functions that only windows have; they mean nothing without an order.
pub(crate) const NAMES: [&str; 9] = [
    "cume_dist",
    "dense_rank",
    "lag",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];

/// Those that look at a frame of their own, whatever the window's.
pub(crate) const OWN_FRAME: [&str; 8] = [
    "cume_dist",
    "dense_rank",
    "lag",
    "lead",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];

/// The function of this name over a window; `None` for aggregates.
pub(crate) fn function(name: &str) -> Option<Arc<WindowUDF>> {
    Some(match name {
        "cume_dist" => cume_dist::cume_dist_udwf(),
        "dense_rank" => rank::dense_rank_udwf(),
        "lag" => lead_lag::lag_udwf(),
        "lead" => lead_lag::lead_udwf(),
        "nth_value" => nth_value::nth_value_udwf(),
        "ntile" => ntile::ntile_udwf(),
        "percent_rank" => rank::percent_rank_udwf(),
        "rank" => rank::rank_udwf(),
        "row_number" => row_number::row_number_udwf(),
        "first" | "first_value" | "any_value" => nth_value::first_value_udwf(),
        "last" | "last_value" => nth_value::last_value_udwf(),
        _ => return None,
    })
}

/// The aggregate function as one that can move with a frame.
pub(crate) fn moving(function: Arc<AggregateUDF>) -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::new_from_impl(Moving { inner: function }))
}

/// An aggregate function that adds up each frame anew, as Spark does.
#[derive(Debug)]
struct Moving {
    inner: Arc<AggregateUDF>,
}

impl PartialEq for Moving {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Moving {}

impl Hash for Moving {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl AggregateUDFImpl for Moving {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.inner().coerce_types(types)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field(&self, fields: &[FieldRef]) -> Result<FieldRef> {
        self.inner.return_field(fields)
    }

    fn is_nullable(&self) -> bool {
        self.inner.is_nullable()
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(args)
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.inner.default_value(data_type)
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.inner.supports_null_handling_clause()
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.inner.accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Frame {
            function: Arc::clone(&self.inner),
            call: Call::of(&args),
            rows: VecDeque::new(),
        }))
    }
}

/// A call of an aggregate function, with all that makes an accumulator.
#[derive(Debug)]
struct Call {
    return_field: FieldRef,
    schema: Schema,
    ignore_nulls: bool,
    order_bys: Vec<PhysicalSortExpr>,
    is_reversed: bool,
    name: String,
    is_distinct: bool,
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    expr_fields: Vec<FieldRef>,
}

impl Call {
    fn of(args: &AccumulatorArgs<'_>) -> Self {
        Self {
            return_field: Arc::clone(&args.return_field),
            schema: args.schema.clone(),
            ignore_nulls: args.ignore_nulls,
            order_bys: args.order_bys.to_vec(),
            is_reversed: args.is_reversed,
            name: args.name.to_owned(),
            is_distinct: args.is_distinct,
            exprs: args.exprs.to_vec(),
            expr_fields: args.expr_fields.to_vec(),
        }
    }

    fn args(&self) -> AccumulatorArgs<'_> {
        AccumulatorArgs {
            return_field: Arc::clone(&self.return_field),
            schema: &self.schema,
            ignore_nulls: self.ignore_nulls,
            order_bys: &self.order_bys,
            is_reversed: self.is_reversed,
            name: &self.name,
            is_distinct: self.is_distinct,
            exprs: &self.exprs,
            expr_fields: &self.expr_fields,
        }
    }
}

/// The rows of the frame, in pieces as they came.
#[derive(Debug)]
struct Frame {
    function: Arc<AggregateUDF>,
    call: Call,
    rows: VecDeque<Vec<ArrayRef>>,
}

fn count(values: &[ArrayRef]) -> usize {
    values.first().map_or(0, |v| v.len())
}

impl Accumulator for Frame {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if count(values) > 0 {
            self.rows.push_back(values.to_vec());
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let mut gone = count(values);
        while gone > 0
            && let Some(piece) = self.rows.pop_front()
        {
            let length = count(&piece);
            if length > gone {
                let rest = piece.iter().map(|v| v.slice(gone, length - gone)).collect();
                self.rows.push_front(rest);
            }
            gone = gone.saturating_sub(length);
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut accumulator = self.function.accumulator(self.call.args())?;
        for piece in &self.rows {
            accumulator.update_batch(piece)?;
        }
        accumulator.evaluate()
    }

    fn merge_batch(&mut self, _states: &[ArrayRef]) -> Result<()> {
        datafusion::common::internal_err!("a frame has no partial results")
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        datafusion::common::internal_err!("a frame has no partial results")
    }

    fn size(&self) -> usize {
        let pieces = self.rows.iter().flatten();
        size_of::<Self>() + pieces.map(|v| v.get_array_memory_size()).sum::<usize>()
    }
}
