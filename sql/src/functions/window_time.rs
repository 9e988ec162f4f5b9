//! `window_time(window)`: the time that stands for a window, its end less 1 µs, so that windows can be put in windows.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, TimestampMicrosecondType};
use datafusion::common::{Result as DataFusionResult, ScalarValue, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::window::time_type;
use crate::SqlError;
use crate::dialect::spark_type_name;
use crate::event_time::without_window;

/// The last microsecond of a window column.
pub fn window_time(window: Expr) -> Expr {
    window_time_udf().call(vec![window])
}

/// The function.
pub(crate) fn window_time_udf() -> Arc<ScalarUDF> {
    static FUNCTION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
        Arc::new(ScalarUDF::new_from_impl(WindowTime {
            signature: Signature::any(1, Volatility::Immutable),
        }))
    });
    Arc::clone(&FUNCTION)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct WindowTime {
    signature: Signature,
}

impl ScalarUDFImpl for WindowTime {
    fn name(&self) -> &str {
        "window_time"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> DataFusionResult<DataType> {
        internal_err!("the type of a window's time is that of its field")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> DataFusionResult<FieldRef> {
        let window = args.arg_fields.first();
        match window.map(|field| (field, field.data_type())) {
            Some((field, data_type @ DataType::Struct(_))) if let Some(bound) = time_type(data_type) => {
                let time = Field::new(self.name(), bound, true);
                Ok(Arc::new(time.with_metadata(without_window(field.metadata()))))
            }
            other => Err(SqlError::new(
                "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                format!(
                    "Cannot resolve \"window_time\" due to data type mismatch: The first parameter requires the \"STRUCT\" type of a window, however it has the type \"{}\".",
                    other.map_or_else(String::new, |(_, data_type)| spark_type_name(data_type))
                ),
            )
            .into()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let Some(window) = args.args.into_iter().next() else {
            return internal_err!("window_time without a window");
        };
        let scalar = matches!(window, ColumnarValue::Scalar(_));
        let times = times(&window.into_array(if scalar { 1 } else { args.number_rows })?)?;
        Ok(if scalar {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&times, 0)?)
        } else {
            ColumnarValue::Array(times)
        })
    }
}

fn times(windows: &ArrayRef) -> DataFusionResult<ArrayRef> {
    let Some(ends) = windows
        .as_struct_opt()
        .and_then(|windows| windows.column_by_name("end"))
    else {
        return internal_err!("window_time of {}", windows.data_type());
    };
    let Some(micros) = ends.as_primitive_opt::<TimestampMicrosecondType>() else {
        return internal_err!("window_time of {}", windows.data_type());
    };
    let values: Vec<i64> = micros.values().iter().map(|end| end.wrapping_sub(1)).collect();
    let nulls = NullBuffer::union(windows.nulls(), ends.nulls());
    let times = PrimitiveArray::<TimestampMicrosecondType>::new(values.into(), nulls)
        .with_data_type(ends.data_type().clone());
    Ok(Arc::new(times))
}
