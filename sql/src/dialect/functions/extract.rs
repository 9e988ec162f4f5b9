//! `extract(field FROM x)` and `date_part`: a field of a date or time, or of an interval.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Int8Array, Int32Array};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result as DataFusionResult;
use datafusion::functions::utils::make_scalar_function;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::SqlSettings;
use super::datetime::{self, DatetimeKind, TimeField};
use crate::SqlError;
use crate::record::value::{IntervalFields, IntervalUnitName as Unit, interval_at};

/// The function under this name.
pub(super) fn function(name: &'static str, unit: Unit, settings: &SqlSettings) -> ScalarUDF {
    let field = match unit {
        Unit::Year => TimeField::Year,
        Unit::Month => TimeField::Month,
        Unit::Day => TimeField::Day,
        Unit::Hour => TimeField::Hour,
        Unit::Minute => TimeField::Minute,
        Unit::Second => TimeField::SecondWithFraction,
    };
    ScalarUDF::new_from_impl(Extract {
        name,
        unit,
        of_time: Arc::new(datetime::function(name, DatetimeKind::Field(field), settings)),
        signature: Signature::any(1, Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Extract {
    name: &'static str,
    unit: Unit,
    /// The function for dates and times.
    of_time: Arc<ScalarUDF>,
    signature: Signature,
}

impl Extract {
    /// The type of the field of an interval.
    fn part_type(&self) -> DataType {
        match self.unit {
            Unit::Year | Unit::Day => DataType::Int32,
            Unit::Second => DataType::Decimal128(8, 6),
            Unit::Month | Unit::Hour | Unit::Minute => DataType::Int8,
        }
    }

    fn part(&self, intervals: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let size = self.unit.size();
        let part = |value: i64| match self.unit {
            Unit::Year | Unit::Day => value / size,
            Unit::Month => value % 12,
            Unit::Hour => value / size % 24,
            Unit::Minute => value / size % 60,
            // Microseconds are the digits of the seconds.
            Unit::Second => value % (60 * size),
        };
        let parts = (0..intervals.len()).map(|row| interval_at(intervals, row).map(part));
        Ok(match self.unit {
            Unit::Year | Unit::Day => Arc::new(parts.map(|p| i32::try_from(p?).ok()).collect::<Int32Array>()),
            Unit::Second => {
                let digits: Decimal128Array = parts.map(|p| p.map(i128::from)).collect();
                Arc::new(digits.with_precision_and_scale(8, 6)?)
            }
            _ => Arc::new(parts.map(|p| i8::try_from(p?).ok()).collect::<Int8Array>()),
        })
    }
}

impl ScalarUDFImpl for Extract {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        match types.first().and_then(IntervalFields::of_type) {
            Some(_) => Ok(self.part_type()),
            None => self.of_time.return_type(types),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> DataFusionResult<FieldRef> {
        let fields = args
            .arg_fields
            .first()
            .and_then(|field| IntervalFields::of(field));
        match fields {
            None => self.of_time.return_field_from_args(args),
            Some(fields) if fields.holds(self.unit) => {
                Ok(Arc::new(Field::new(self.name, self.part_type(), true)))
            }
            Some(fields) => Err(SqlError::new(
                "INVALID_EXTRACT_FIELD",
                format!("An interval of {fields} has no such field ({}).", self.name),
            )
            .into()),
        }
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> DataFusionResult<ExprSimplifyResult> {
        match args.as_slice() {
            [of] if IntervalFields::of_type(&info.get_data_type(of)?).is_none() => {
                let call = ScalarFunction::new_udf(Arc::clone(&self.of_time), args);
                Ok(ExprSimplifyResult::Simplified(Expr::ScalarFunction(call)))
            }
            _ => Ok(ExprSimplifyResult::Original(args)),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let given = args.args.first().map(ColumnarValue::data_type);
        if given.as_ref().and_then(IntervalFields::of_type).is_none() {
            return self.of_time.invoke_with_args(args);
        }
        let part = |columns: &[ArrayRef]| match columns.first() {
            Some(intervals) => self.part(intervals),
            None => Err(super::conditional::wrong_count(self.name, 0).into()),
        };
        make_scalar_function(part, Vec::new())(&args.args)
    }
}
