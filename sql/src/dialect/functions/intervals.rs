//! Functions of intervals: what operators on them compute, and `make_dt_interval` and `make_ym_interval`.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DurationMicrosecondArray, Float64Array, Int32Array, Int64Array,
    IntervalYearMonthArray,
};
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Float64Type, Int32Type, Int64Type, i256};
use datafusion::common::Result as DataFusionResult;
use datafusion::functions::utils::make_scalar_function;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::SqlSettings;
use super::super::analyzer::{is_integer, is_numeric, is_string};
use super::arithmetic::{Half, divide_half_up, power_of_ten, rescale_to};
use super::rows::{check_count, convert, row_count};
use crate::SqlError;
use crate::record::value::civil::DAY_US;
use crate::record::value::{IntervalFields, interval_at};

/// A function of intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum IntervalKind {
    /// `a + b`
    Add,
    /// `a - b`
    Subtract,
    /// `a * number`, the number as BIGINT, DECIMAL or DOUBLE
    Multiply,
    /// `a / number`, likewise
    Divide,
    /// `-a`
    Negative,
    /// `abs(a)`
    Abs,
    /// `sign(a)`
    Sign,
    /// How many months or microseconds.
    Count,
    /// How many whole days, as INT.
    Days,
    /// `make_dt_interval([days[, hours[, minutes[, seconds]]]])`
    MakeDayTime,
    /// `make_ym_interval([years[, months]])`
    MakeYearMonth,
}

/// The call of the function with arguments of the types that it takes.
pub(crate) fn interval_call(kind: IntervalKind, args: Vec<Expr>) -> Expr {
    let function = Arc::new(function(kind.name(), kind));
    Expr::ScalarFunction(ScalarFunction::new_udf(function, args))
}

/// The function under this name.
pub(super) fn function(name: &'static str, kind: IntervalKind) -> ScalarUDF {
    ScalarUDF::new_from_impl(IntervalFunction {
        name,
        kind,
        tries: false,
        signature: Signature::variadic_any(Volatility::Immutable),
    })
}

/// The function that gives NULL where this one fails; nothing for functions that are none of intervals.
pub(super) fn trying(function: &ScalarUDF) -> Option<Arc<ScalarUDF>> {
    let strict = function.inner().downcast_ref::<IntervalFunction>()?;
    Some(Arc::new(ScalarUDF::new_from_impl(IntervalFunction {
        tries: true,
        ..strict.clone()
    })))
}

/// The expression with intervals of these fields, which DataFusion's own expressions drop.
pub(crate) fn with_fields(expr: Expr, fields: IntervalFields) -> Expr {
    let function = ScalarUDF::new_from_impl(WithFields {
        fields,
        signature: Signature::any(1, Volatility::Immutable),
    });
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(function), vec![expr]))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct WithFields {
    fields: IntervalFields,
    signature: Signature,
}

impl ScalarUDFImpl for WithFields {
    fn name(&self) -> &str {
        "interval_with_fields"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DataFusionResult<DataType> {
        Ok(self.fields.data_type())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> DataFusionResult<FieldRef> {
        Ok(self.fields.field(self.name()))
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let value = args.args.pop();
        value.ok_or_else(|| super::conditional::wrong_count(self.name(), 0).into())
    }
}

impl IntervalKind {
    fn name(self) -> &'static str {
        match self {
            Self::Add => "interval_add",
            Self::Subtract => "interval_subtract",
            Self::Multiply => "interval_multiply",
            Self::Divide => "interval_divide",
            Self::Negative => "interval_negative",
            Self::Abs => "interval_abs",
            Self::Sign => "interval_sign",
            Self::Count => "interval_count",
            Self::Days => "interval_days",
            Self::MakeDayTime => "make_dt_interval",
            Self::MakeYearMonth => "make_ym_interval",
        }
    }

    /// The types of the arguments that `make_…` functions cast theirs to.
    fn parameters(self) -> &'static [DataType] {
        const PARTS: [DataType; 4] = [
            DataType::Int32,
            DataType::Int32,
            DataType::Int32,
            DataType::Decimal128(18, 6),
        ];
        match self {
            Self::MakeDayTime => &PARTS,
            Self::MakeYearMonth => PARTS.split_at(2).0,
            _ => &[],
        }
    }

    /// The units that the arguments of `make_…` functions count; the seconds are microseconds by then.
    fn units(self) -> &'static [i64] {
        match self {
            Self::MakeYearMonth => &[12, 1],
            _ => &[DAY_US, DAY_US / 24, DAY_US / 1440, 1],
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct IntervalFunction {
    name: &'static str,
    kind: IntervalKind,
    /// Whether what does not fit is NULL.
    tries: bool,
    signature: Signature,
}

impl ScalarUDFImpl for IntervalFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        let fields: Vec<FieldRef> = types
            .iter()
            .map(|t| Arc::new(Field::new("", t.clone(), true)))
            .collect();
        Ok(self.result(&fields)?.data_type().clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> DataFusionResult<FieldRef> {
        Ok(self.result(args.arg_fields)?)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        if args.args.is_empty() {
            let zero = self.collect(&args.return_field, std::iter::once(Ok(Some(0))))?;
            return Ok(ColumnarValue::Scalar(
                datafusion::common::ScalarValue::try_from_array(&zero, 0)?,
            ));
        }
        let compute = |columns: &[ArrayRef]| self.compute(columns, &args.return_field);
        make_scalar_function(compute, Vec::new())(&args.args)
    }
}

impl IntervalFunction {
    /// The result as a column.
    fn result(&self, args: &[FieldRef]) -> Result<FieldRef, SqlError> {
        use IntervalKind as K;
        let of = |at: usize| args.get(at).and_then(|field| IntervalFields::of(field));
        let first = || of(0).ok_or_else(|| self.refused(args));
        let number = |data_type| Ok(Arc::new(Field::new(self.name, data_type, true)));
        let fields = match self.kind {
            K::Add | K::Subtract => first()?.union(of(1).ok_or_else(|| self.refused(args))?),
            K::Multiply | K::Divide => match first()?.is_year_month() {
                true => IntervalFields::YEAR_TO_MONTH,
                false => IntervalFields::DAY_TO_SECOND,
            },
            K::Negative | K::Abs => first()?,
            K::Sign => return first().and_then(|_| number(DataType::Float64)),
            K::Count => return first().and_then(|_| number(DataType::Int64)),
            K::Days => return first().and_then(|_| number(DataType::Int32)),
            K::MakeDayTime => IntervalFields::DAY_TO_SECOND,
            K::MakeYearMonth => IntervalFields::YEAR_TO_MONTH,
        };
        if matches!(self.kind, K::MakeDayTime | K::MakeYearMonth) {
            self.check_parts(args)?;
        }
        Ok(fields.field(self.name))
    }

    fn check_parts(&self, args: &[FieldRef]) -> Result<(), SqlError> {
        let parameters = self.kind.parameters();
        check_count(self.name, args.len(), 0..=parameters.len()).map_err(SqlError::from)?;
        let fits = |(field, to): (&FieldRef, &DataType)| {
            let from = field.data_type();
            is_string(from)
                || *from == DataType::Null
                || is_integer(from)
                || matches!(to, DataType::Decimal128(..)) && is_numeric(from)
        };
        match args.iter().zip(parameters).all(fits) {
            true => Ok(()),
            false => Err(self.refused(args)),
        }
    }

    fn refused(&self, args: &[FieldRef]) -> SqlError {
        let types: Vec<String> = args
            .iter()
            .map(|field| super::type_name(field.data_type()))
            .collect();
        SqlError::new(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            format!("{} does not take ({}).", self.name, types.join(", ")),
        )
    }

    fn compute(&self, columns: &[ArrayRef], result: &FieldRef) -> DataFusionResult<ArrayRef> {
        use IntervalKind as K;
        let makes = matches!(self.kind, K::MakeDayTime | K::MakeYearMonth);
        let parts = if makes { self.parts(columns)? } else { Vec::new() };
        let (first, second) = (columns.first(), columns.get(1));
        let values = (0..row_count(columns)).map(|row| {
            let value = match (first.and_then(|a| interval_at(a, row)), second) {
                _ if makes => Ok(made(&parts, row, self.kind.units())),
                (None, _) => Ok(None),
                (Some(value), None) => Ok(Some(self.of_one(value))),
                (Some(_), Some(second)) if second.is_null(row) => Ok(None),
                (Some(value), Some(second)) => self.of_two(value, second, row).map(Some),
            };
            match value {
                Err(_) if self.tries => Ok(None),
                other => other,
            }
        });
        self.collect(result, values)
    }

    fn of_one(&self, value: i64) -> i128 {
        let value = i128::from(value);
        match self.kind {
            IntervalKind::Negative => -value,
            IntervalKind::Abs => value.abs(),
            IntervalKind::Sign => value.signum(),
            IntervalKind::Days => value / i128::from(DAY_US),
            _ => value,
        }
    }

    /// The operator on an interval and what the second column holds.
    fn of_two(&self, value: i64, second: &ArrayRef, row: usize) -> Result<i128, SqlError> {
        let divides = self.kind == IntervalKind::Divide;
        let wide = i256::from_i128(i128::from(value));
        let rounded = match second.data_type() {
            DataType::Int64 => {
                let number = i256::from_i128(i128::from(second.as_primitive::<Int64Type>().value(row)));
                match divides {
                    true if number == i256::ZERO => return Err(by_zero()),
                    true => divide_half_up(wide, number),
                    false => wide.checked_mul(number),
                }
            }
            DataType::Decimal128(_, scale) => {
                let digits = i256::from_i128(second.as_primitive::<Decimal128Type>().value(row));
                let scale = i32::from(*scale);
                match divides {
                    true if digits == i256::ZERO => return Err(by_zero()),
                    true => power_of_ten(scale)
                        .and_then(|unit| wide.checked_mul(unit))
                        .and_then(|scaled| divide_half_up(scaled, digits)),
                    false => wide
                        .checked_mul(digits)
                        .and_then(|product| rescale_to(product, scale, 0, Half::Up)),
                }
            }
            DataType::Float64 => {
                let number = second.as_primitive::<Float64Type>().value(row);
                if divides && number == 0.0 {
                    return Err(by_zero());
                }
                let value = value as f64;
                let exact = if divides { value / number } else { value * number };
                // A half goes away from zero.
                return match exact.round() {
                    rounded if rounded.is_finite() => Ok(rounded as i128),
                    _ => Err(self.overflow()),
                };
            }
            _ => {
                let other = i256::from_i128(i128::from(interval_at(second, row).unwrap_or(0)));
                match self.kind {
                    IntervalKind::Subtract => wide.checked_sub(other),
                    _ => wide.checked_add(other),
                }
            }
        };
        rounded.and_then(i256::to_i128).ok_or_else(|| self.overflow())
    }

    /// The error for an interval beyond its type; Spark has a hint for it where there is a `try_` function.
    fn overflow(&self) -> SqlError {
        let condition = match self.kind {
            IntervalKind::Add | IntervalKind::Subtract => "INTERVAL_ARITHMETIC_OVERFLOW.WITH_SUGGESTION",
            _ => "INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION",
        };
        SqlError::new(condition, "An interval is beyond the range of its type.")
    }

    /// The arguments of a `make_…` function, as whole numbers of its units.
    fn parts(&self, columns: &[ArrayRef]) -> DataFusionResult<Vec<ArrayRef>> {
        let settings = SqlSettings::default();
        let parts = columns.iter().zip(self.kind.parameters());
        parts
            .map(|(column, to)| convert(column, to.clone(), &settings))
            .collect()
    }

    fn collect(
        &self,
        result: &FieldRef,
        values: impl Iterator<Item = Result<Option<i128>, SqlError>>,
    ) -> DataFusionResult<ArrayRef> {
        let fit = |value: i128| match result.data_type() {
            DataType::Duration(_) | DataType::Int64 | DataType::Float64 => i64::try_from(value).ok(),
            _ => i32::try_from(value).ok().map(i64::from),
        };
        let mut out: Vec<Option<i64>> = Vec::with_capacity(values.size_hint().0);
        for value in values {
            out.push(match value? {
                None => None,
                Some(value) => match fit(value) {
                    None if !self.tries => return Err(self.overflow().into()),
                    fitting => fitting,
                },
            });
        }
        let ints = || out.iter().map(|v| v.and_then(|v| i32::try_from(v).ok()));
        Ok(match result.data_type() {
            DataType::Duration(_) => Arc::new(DurationMicrosecondArray::from(out)),
            DataType::Interval(_) => Arc::new(ints().collect::<IntervalYearMonthArray>()),
            DataType::Int32 => Arc::new(ints().collect::<Int32Array>()),
            DataType::Float64 => Arc::new(out.iter().map(|v| v.map(|v| v as f64)).collect::<Float64Array>()),
            _ => Arc::new(Int64Array::from(out)),
        })
    }
}

/// The sum of the parts of a row in their units; NULL where one of them is.
fn made(parts: &[ArrayRef], row: usize, units: &[i64]) -> Option<i128> {
    parts.iter().zip(units).try_fold(0, |sum, (part, unit)| {
        if part.is_null(row) {
            return None;
        }
        let count = match part.data_type() {
            DataType::Int32 => i128::from(part.as_primitive::<Int32Type>().value(row)),
            // The seconds have six digits behind the point.
            _ => part.as_primitive::<Decimal128Type>().value(row),
        };
        Some(sum + count * i128::from(*unit))
    })
}

fn by_zero() -> SqlError {
    SqlError::new(
        "INTERVAL_DIVIDED_BY_ZERO",
        "Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead.",
    )
}
