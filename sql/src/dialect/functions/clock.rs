//! `now`, `current_timestamp`, `current_date`, `localtimestamp`: one instant for a whole query, given when it is simplified.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{DataFusionError, Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::SqlSettings;
use super::super::statements::timestamp;
use crate::record::value::Zone;

/// What a clock function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ClockKind {
    /// The instant.
    Timestamp,
    /// The session zone's date.
    Date,
    /// The session zone's time, without zone.
    LocalTimestamp,
}

/// The function under this name.
pub(crate) fn function(name: &'static str, kind: ClockKind, settings: &SqlSettings) -> ScalarUDF {
    ScalarUDF::new_from_impl(ClockFunction {
        name,
        kind,
        zone: settings.zone(),
        signature: Signature::nullary(Volatility::Stable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ClockFunction {
    name: &'static str,
    kind: ClockKind,
    zone: Zone,
    signature: Signature,
}

impl ScalarUDFImpl for ClockFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> DataFusionResult<DataType> {
        Ok(match self.kind {
            ClockKind::Timestamp => timestamp(),
            ClockKind::Date => DataType::Date32,
            ClockKind::LocalTimestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        })
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> DataFusionResult<ExprSimplifyResult> {
        let Some(now) = info.query_execution_start_time() else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        let micros = now.timestamp_micros();
        let local = self.zone.to_local(micros);
        let value = match self.kind {
            ClockKind::Timestamp => ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())),
            ClockKind::LocalTimestamp => ScalarValue::TimestampMicrosecond(local, None),
            ClockKind::Date => {
                ScalarValue::Date32(local.and_then(|m| i32::try_from(m.div_euclid(86_400_000_000)).ok()))
            }
        };
        Ok(ExprSimplifyResult::Simplified(Expr::Literal(value, None)))
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        Err(DataFusionError::Internal(format!(
            "{} needs the time of its query",
            self.name
        )))
    }
}
