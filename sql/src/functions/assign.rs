//! Gives times their windows: one struct a row, or the list of all windows that hold it.
//!
//! Times are µs; a window that would begin before the least long wraps, as in Spark. Bounds are computed in one pass over the
//! values, nulls included, so that the loop has no branch.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, PrimitiveArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, TimestampMicrosecondType};
use datafusion::common::{Result as DataFusionResult, exec_err, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::spec::WindowSpec;
use super::window::window_fields;
use crate::event_time::window_metadata;

/// How many windows one array holds.
const MAX_WINDOWS: usize = i32::MAX as usize;

/// The windows of a time of one of Spark's timestamp types: a struct where windows tumble, else a list of structs.
pub(super) fn assign(time: Expr, spec: WindowSpec) -> Expr {
    assign_udf(spec).call(vec![time])
}

/// The function that does so.
pub(super) fn assign_udf(spec: WindowSpec) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(Assign {
        spec,
        signature: Signature::any(1, Volatility::Immutable),
    }))
}

/// The time and the windows of an expression that [`assign`] made.
pub(super) fn assigned(expr: &Expr) -> Option<(&Expr, WindowSpec)> {
    let Expr::ScalarFunction(call) = expr else {
        return None;
    };
    let assign = call.func.inner().downcast_ref::<Assign>()?;
    Some((call.args.first()?, assign.spec))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Assign {
    spec: WindowSpec,
    signature: Signature,
}

impl ScalarUDFImpl for Assign {
    fn name(&self) -> &str {
        "time_window"
    }

    fn schema_name(&self, args: &[Expr]) -> DataFusionResult<String> {
        let WindowSpec {
            duration,
            slide,
            start,
        } = self.spec;
        let time = args
            .first()
            .map_or_else(String::new, |time| time.schema_name().to_string());
        Ok(format!("time_window({time}, {duration}, {slide}, {start})"))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> DataFusionResult<DataType> {
        internal_err!("the type of a window is that of its field")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> DataFusionResult<FieldRef> {
        let Some(time) = args.arg_fields.first() else {
            return internal_err!("a window without a time");
        };
        let window = DataType::Struct(window_fields(time.data_type()));
        let field = if self.spec.is_tumbling() {
            // Rows without a time are gone before.
            Field::new(self.name(), window, false)
        } else {
            Field::new(self.name(), DataType::new_list(window, true), true)
        };
        Ok(Arc::new(field.with_metadata(window_metadata(time.metadata()))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let Some(times) = args.args.into_iter().next() else {
            return internal_err!("a window without a time");
        };
        let times = times.into_array(args.number_rows)?;
        Ok(ColumnarValue::Array(if self.spec.is_tumbling() {
            tumbling(&times, self.spec)?
        } else {
            sliding(&times, self.spec)?
        }))
    }
}

/// The start of the last window that began at or before the time.
#[inline]
pub(super) fn last_start(micros: i64, spec: WindowSpec) -> i64 {
    let past = micros.wrapping_sub(spec.start).rem_euclid(spec.slide);
    micros.wrapping_sub(past)
}

fn timestamps(values: Vec<i64>, data_type: &DataType) -> ArrayRef {
    Arc::new(
        PrimitiveArray::<TimestampMicrosecondType>::new(ScalarBuffer::from(values), None)
            .with_data_type(data_type.clone()),
    )
}

fn windows(
    starts: Vec<i64>,
    spec: WindowSpec,
    data_type: &DataType,
    nulls: Option<NullBuffer>,
) -> DataFusionResult<StructArray> {
    let ends = starts
        .iter()
        .map(|start| start.wrapping_add(spec.duration))
        .collect();
    let columns = vec![timestamps(starts, data_type), timestamps(ends, data_type)];
    Ok(StructArray::try_new(window_fields(data_type), columns, nulls)?)
}

fn tumbling(times: &ArrayRef, spec: WindowSpec) -> DataFusionResult<ArrayRef> {
    let Some(micros) = times.as_primitive_opt::<TimestampMicrosecondType>() else {
        return internal_err!("a window over {}", times.data_type());
    };
    let starts = micros
        .values()
        .iter()
        .map(|micros| last_start(*micros, spec))
        .collect();
    Ok(Arc::new(windows(
        starts,
        spec,
        times.data_type(),
        times.nulls().cloned(),
    )?))
}

fn sliding(times: &ArrayRef, spec: WindowSpec) -> DataFusionResult<ArrayRef> {
    let Some(micros) = times.as_primitive_opt::<TimestampMicrosecondType>() else {
        return internal_err!("a window over {}", times.data_type());
    };
    let most = spec.windows_per_time();
    let valid = micros.len() - micros.null_count();
    if valid.saturating_mul(most) > MAX_WINDOWS {
        return exec_err!(
            "{valid} times have {most} sliding windows each, more than a batch holds. Use a longer slide, or a smaller \
             datafusion.execution.batch_size"
        );
    }
    let mut starts = Vec::with_capacity(valid * most);
    let mut offsets: Vec<i32> = Vec::with_capacity(micros.len() + 1);
    offsets.push(0);
    for micros in micros.iter() {
        if let Some(micros) = micros {
            let mut start = last_start(micros, spec);
            // From the latest window to the earliest, as Spark's rows come.
            while micros.wrapping_sub(start) < spec.duration {
                starts.push(start);
                start = start.wrapping_sub(spec.slide);
            }
        }
        match i32::try_from(starts.len()) {
            Ok(end) => offsets.push(end),
            Err(_) => return exec_err!("a batch of rows has more than {MAX_WINDOWS} sliding windows"),
        }
    }
    let windows = windows(starts, spec, times.data_type(), None)?;
    let item = Arc::new(Field::new_list_field(windows.data_type().clone(), true));
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    Ok(Arc::new(ListArray::try_new(
        item,
        offsets,
        Arc::new(windows),
        times.nulls().cloned(),
    )?))
}
