//! `window(time, duration[, slide[, start]])`: the mark of a window in a plan.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};
use datafusion::common::{Result as DataFusionResult, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, lit,
};

use super::spec::wrong_count;
use crate::SqlError;
use crate::dialect::spark_type_name;
use crate::event_time::window_metadata;

/// The windows `[start, end)` of this length that hold the time, side by side and aligned to 1970-01-01 00:00:00 UTC.
///
/// One column `window` of a struct `start`, `end`; a row without a time is dropped. `time` is a timestamp or a window column;
/// `duration` is text such as `10 minutes`, without months.
pub fn window(time: Expr, duration: &str) -> Expr {
    call(vec![time, lit(duration)])
}

/// As [`window`], with a new window at each `slide` (at most `duration`), and the first at the epoch plus `start`.
///
/// A row stands in each of the windows that hold its time.
pub fn window_with(time: Expr, duration: &str, slide: &str, start: &str) -> Expr {
    call(vec![time, lit(duration), lit(slide), lit(start)])
}

fn call(arguments: Vec<Expr>) -> Expr {
    window_udf().call(arguments)
}

/// The function.
pub(crate) fn window_udf() -> Arc<ScalarUDF> {
    static FUNCTION: LazyLock<Arc<ScalarUDF>> =
        LazyLock::new(|| Arc::new(ScalarUDF::new_from_impl(WindowMark::new())));
    Arc::clone(&FUNCTION)
}

/// The arguments of a call of `window` that no pass has resolved yet.
pub(super) fn arguments_of(expr: &Expr) -> Option<&[Expr]> {
    match expr {
        Expr::ScalarFunction(call) if call.func.inner().downcast_ref::<WindowMark>().is_some() => {
            Some(&call.args)
        }
        _ => None,
    }
}

/// What the time of a window must be turned into: the two timestamp types of Spark.
pub(super) fn time_type(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Timestamp(_, Some(_)) => {
            Some(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
        }
        DataType::Timestamp(_, None) => Some(DataType::Timestamp(TimeUnit::Microsecond, None)),
        DataType::Date32 | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => {
            Some(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
        }
        DataType::Struct(fields) => match fields
            .iter()
            .map(|field| field.data_type())
            .collect::<Vec<_>>()
            .as_slice()
        {
            [start @ DataType::Timestamp(TimeUnit::Microsecond, _), end]
                if start == end
                    && fields
                        .iter()
                        .map(|field| field.name().as_str())
                        .eq(["start", "end"]) =>
            {
                Some(DataType::clone(start))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The fields of a window whose bounds have this type.
pub(super) fn window_fields(time: &DataType) -> Fields {
    Fields::from(vec![
        Field::new("start", time.clone(), true),
        Field::new("end", time.clone(), true),
    ])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct WindowMark {
    signature: Signature,
}

impl WindowMark {
    fn new() -> Self {
        Self {
            signature: Signature::variadic_any(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for WindowMark {
    fn name(&self) -> &str {
        "window"
    }

    /// Spark's name for the column, whatever the arguments.
    fn schema_name(&self, _args: &[Expr]) -> DataFusionResult<String> {
        Ok("window".to_owned())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> DataFusionResult<DataType> {
        internal_err!("the type of a window is that of its field")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> DataFusionResult<FieldRef> {
        let [time, lengths @ ..] = args.arg_fields else {
            return Err(wrong_count(0).into());
        };
        if lengths.is_empty() || lengths.len() > 3 {
            return Err(wrong_count(args.arg_fields.len()).into());
        }
        let Some(bound) = time_type(time.data_type()) else {
            return Err(not_a_time(time.data_type()).into());
        };
        let data_type = DataType::Struct(window_fields(&bound));
        // A sliding window is nullable in Spark; with one length it tumbles.
        let field = Field::new(self.name(), data_type, lengths.len() > 1);
        Ok(Arc::new(field.with_metadata(window_metadata(time.metadata()))))
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        Err(SqlError::new(
            "UNSUPPORTED_FEATURE.WINDOW_HERE",
            "window(…) is not supported here: use it in the select list or in GROUP BY of a query over one relation, or of a subquery.",
        )
        .into())
    }
}

fn not_a_time(found: &DataType) -> SqlError {
    SqlError::new(
        "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        format!(
            "Cannot resolve \"window\" due to data type mismatch: The first parameter requires the (\"(TIMESTAMP OR TIMESTAMP WITHOUT TIME ZONE)\" or \"STRUCT<start: TIMESTAMP, end: TIMESTAMP>\" or \"STRUCT<start: TIMESTAMP_NTZ, end: TIMESTAMP_NTZ>\") type, however it has the type \"{}\".",
            spark_type_name(found)
        ),
    )
}
