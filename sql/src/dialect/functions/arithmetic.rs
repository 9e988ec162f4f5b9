//! `+ - * / % div` with Spark's results: exact decimals, errors (or NULL and wrap-around without ANSI) where Spark has them.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Datum, Decimal128Array, Decimal128Builder, Int64Builder, Scalar, new_null_array,
};
use arrow::compute::kernels::{boolean, cmp, numeric};
use arrow::compute::{concat, nullif};
use arrow::datatypes::{DataType, Decimal128Type, i256};
use arrow::error::ArrowError;
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::SqlSettings;
use crate::SqlError;

/// An operator on two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
    /// `div`
    IntegerDivide,
}

impl Arithmetic {
    /// The operator's sign.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::IntegerDivide => "div",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Add => "spark_add",
            Self::Subtract => "spark_subtract",
            Self::Multiply => "spark_multiply",
            Self::Divide => "spark_divide",
            Self::Remainder => "spark_remainder",
            Self::IntegerDivide => "spark_integer_divide",
        }
    }
}

/// The call that computes `left op right`; both sides are of one type, or both decimals.
pub(crate) fn arithmetic(
    op: Arithmetic,
    left: Expr,
    right: Expr,
    result: DataType,
    settings: &SqlSettings,
) -> Expr {
    let function = ArithmeticFunction::new(op, result, settings.ansi);
    Expr::ScalarFunction(ScalarFunction::new_udf(
        Arc::new(ScalarUDF::new_from_impl(function)),
        vec![left, right],
    ))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ArithmeticFunction {
    op: Arithmetic,
    result: DataType,
    ansi: bool,
    /// Whether what does not fit is NULL, of each row by itself.
    tries: bool,
    signature: Signature,
}

/// The operator that gives NULL where this one fails; nothing for other functions.
pub(super) fn trying(function: &ScalarUDF) -> Option<Arc<ScalarUDF>> {
    let strict = function.inner().downcast_ref::<ArithmeticFunction>()?;
    Some(Arc::new(ScalarUDF::new_from_impl(ArithmeticFunction {
        tries: true,
        ..ArithmeticFunction::new(strict.op, strict.result.clone(), true)
    })))
}

impl ArithmeticFunction {
    fn new(op: Arithmetic, result: DataType, ansi: bool) -> Self {
        Self {
            op,
            result,
            ansi,
            tries: false,
            signature: Signature::any(2, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for ArithmeticFunction {
    fn name(&self) -> &str {
        self.op.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> DataFusionResult<DataType> {
        Ok(self.result.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let [left, right] = args.args.as_slice() else {
            return Err(SqlError::new("WRONG_NUM_ARGS", "two operands expected").into());
        };
        let scalar = matches!(
            (left, right),
            (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_))
        );
        let rows = if scalar { 1 } else { args.number_rows };
        let out = match (left, right) {
            (ColumnarValue::Array(l), ColumnarValue::Scalar(r)) => {
                self.compute(l, &Scalar::new(r.to_array()?), rows)?
            }
            (ColumnarValue::Scalar(l), ColumnarValue::Array(r)) => {
                self.compute(&Scalar::new(l.to_array()?), r, rows)?
            }
            (l, r) => {
                let (l, r) = (l.clone().into_array(rows)?, r.clone().into_array(rows)?);
                self.compute(&l, &r, rows)?
            }
        };
        Ok(if scalar {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&out, 0)?)
        } else {
            ColumnarValue::Array(out)
        })
    }
}

impl ArithmeticFunction {
    fn compute(&self, left: &dyn Datum, right: &dyn Datum, rows: usize) -> DataFusionResult<ArrayRef> {
        let divides = matches!(
            self.op,
            Arithmetic::Divide | Arithmetic::Remainder | Arithmetic::IntegerDivide
        );
        if self.tries && !divides {
            return self
                .apply(left, right, rows)
                .or_else(|_| self.each(left, right, rows));
        }
        if !divides {
            return self.apply(left, right, rows);
        }
        let zeros = self.zeros(left, right, rows)?;
        match zeros {
            None if self.tries => self
                .apply(left, right, rows)
                .or_else(|_| self.each(left, right, rows)),
            None => self.apply(left, right, rows),
            Some(_) if self.ansi && !self.tries => Err(self.by_zero().into()),
            Some(zeros) => {
                let right = expand(right, rows)?;
                let right = nullif(&right, &zeros)?;
                if self.tries {
                    return self.each(left, &right, rows);
                }
                self.apply(left, &right, rows)
            }
        }
    }

    /// Each row by itself: NULL where it fails.
    fn each(&self, left: &dyn Datum, right: &dyn Datum, rows: usize) -> DataFusionResult<ArrayRef> {
        let (left, right) = (expand(left, rows)?, expand(right, rows)?);
        let one = |row| self.apply(&left.slice(row, 1), &right.slice(row, 1), 1);
        let values: Vec<ArrayRef> = (0..rows)
            .map(|row| one(row).unwrap_or_else(|_| new_null_array(&self.result, 1)))
            .collect();
        let values: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
        if values.is_empty() {
            return Ok(new_null_array(&self.result, 0));
        }
        Ok(concat(&values)?)
    }

    /// Where the divisor is zero and the dividend is not null; `None` where nowhere.
    fn zeros(
        &self,
        left: &dyn Datum,
        right: &dyn Datum,
        rows: usize,
    ) -> DataFusionResult<Option<arrow::array::BooleanArray>> {
        let (values, _) = right.get();
        let zero = Scalar::new(ScalarValue::new_zero(values.data_type())?.to_array()?);
        let mut zeros = cmp::eq(right, &zero)?;
        if matches!(values.data_type(), DataType::Float32 | DataType::Float64) {
            let minus = numeric::neg(&zero.into_inner())?;
            zeros = boolean::or(&zeros, &cmp::eq(right, &Scalar::new(minus))?)?;
        }
        if zeros.true_count() == 0 {
            return Ok(None);
        }
        let zeros: ArrayRef = Arc::new(zeros);
        let zeros = if zeros.len() == 1 && rows != 1 {
            ScalarValue::try_from_array(&zeros, 0)?.to_array_of_size(rows)?
        } else {
            zeros
        };
        let present = boolean::is_not_null(expand(left, rows)?.as_ref())?;
        let zeros = boolean::and(zeros.as_boolean(), &present)?;
        Ok((zeros.true_count() > 0).then_some(zeros))
    }

    fn apply(&self, left: &dyn Datum, right: &dyn Datum, rows: usize) -> DataFusionResult<ArrayRef> {
        if let DataType::Decimal128(precision, scale) = self.result {
            return self.decimal(left, right, rows, precision, scale);
        }
        if self.op == Arithmetic::IntegerDivide
            && matches!(left.get().0.data_type(), DataType::Decimal128(..))
        {
            return self.whole_quotient(&expand(left, rows)?, &expand(right, rows)?);
        }
        let wrap = !self.ansi;
        let out = match self.op {
            Arithmetic::Add if wrap => numeric::add_wrapping(left, right),
            Arithmetic::Add => numeric::add(left, right),
            Arithmetic::Subtract if wrap => numeric::sub_wrapping(left, right),
            Arithmetic::Subtract => numeric::sub(left, right),
            Arithmetic::Multiply if wrap => numeric::mul_wrapping(left, right),
            Arithmetic::Multiply => numeric::mul(left, right),
            Arithmetic::Divide | Arithmetic::IntegerDivide => numeric::div(left, right),
            Arithmetic::Remainder => numeric::rem(left, right),
        };
        out.map_err(|e| self.failed(&e).into())
    }

    /// How often one decimal goes into another.
    fn whole_quotient(&self, left: &ArrayRef, right: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let (left, right) = (
            left.as_primitive::<Decimal128Type>(),
            right.as_primitive::<Decimal128Type>(),
        );
        let (s1, s2) = (i32::from(left.scale()), i32::from(right.scale()));
        let common = s1.max(s2);
        let quotient = |l: i128, r: i128| {
            let l = rescale(i256::from_i128(l), s1, common)?;
            let r = rescale(i256::from_i128(r), s2, common)?;
            l.checked_div(r)?.to_i128().and_then(|q| i64::try_from(q).ok())
        };
        let mut out = Int64Builder::with_capacity(left.len());
        for (l, r) in left.iter().zip(right.iter()) {
            let (Some(l), Some(r)) = (l, r) else {
                out.append_null();
                continue;
            };
            match quotient(l, r) {
                None if self.ansi => {
                    return Err(self.failed(&ArrowError::ArithmeticOverflow(String::new())).into());
                }
                value => out.append_option(value),
            }
        }
        Ok(Arc::new(out.finish()))
    }

    fn decimal(
        &self,
        left: &dyn Datum,
        right: &dyn Datum,
        rows: usize,
        precision: u8,
        scale: i8,
    ) -> DataFusionResult<ArrayRef> {
        // Where the kernel's result has Spark's scale there is nothing to round.
        let kernel = match self.op {
            Arithmetic::Add => Some(numeric::add(left, right)),
            Arithmetic::Subtract => Some(numeric::sub(left, right)),
            Arithmetic::Multiply => Some(numeric::mul(left, right)),
            _ => None,
        };
        if let Some(Ok(out)) = kernel
            && let DataType::Decimal128(_, got) = out.data_type()
            && *got == scale
        {
            let out = out
                .as_primitive::<Decimal128Type>()
                .clone()
                .with_precision_and_scale(precision, scale)?;
            if out.validate_decimal_precision(precision).is_ok() {
                return Ok(Arc::new(out));
            }
        }
        let (l, r) = (expand(left, rows)?, expand(right, rows)?);
        let (l, r) = (
            l.as_primitive::<Decimal128Type>(),
            r.as_primitive::<Decimal128Type>(),
        );
        self.exact(l, r, precision, scale)
    }

    /// Each row with 256 bits, rounded half up to the result's scale.
    fn exact(
        &self,
        left: &Decimal128Array,
        right: &Decimal128Array,
        precision: u8,
        scale: i8,
    ) -> DataFusionResult<ArrayRef> {
        let (s1, s2, s) = (
            i32::from(left.scale()),
            i32::from(right.scale()),
            i32::from(scale),
        );
        let mut out =
            Decimal128Builder::with_capacity(left.len()).with_precision_and_scale(precision, scale)?;
        for (l, r) in left.iter().zip(right.iter()) {
            let (Some(l), Some(r)) = (l, r) else {
                out.append_null();
                continue;
            };
            let (l, r) = (i256::from_i128(l), i256::from_i128(r));
            let value = match self.op {
                Arithmetic::Multiply => l.checked_mul(r).and_then(|v| rescale(v, s1 + s2, s)),
                Arithmetic::Divide => {
                    // l / 10^s1 / (r / 10^s2), with `s` digits after the point.
                    let shift = s - s1 + s2;
                    power_of_ten(shift)
                        .and_then(|p| l.checked_mul(p))
                        .and_then(|n| divide_half_up(n, r))
                }
                op => {
                    let common = s1.max(s2);
                    rescale(l, s1, common)
                        .zip(rescale(r, s2, common))
                        .and_then(|(l, r)| match op {
                            Arithmetic::Add => l.checked_add(r),
                            Arithmetic::Subtract => l.checked_sub(r),
                            _ => l.checked_rem(r),
                        })
                        .and_then(|v| rescale(v, common, s))
                }
            };
            let value = value
                .and_then(|v| v.to_i128())
                .filter(|v| v.unsigned_abs() < 10u128.saturating_pow(u32::from(precision)));
            match value {
                Some(value) => out.append_value(value),
                None if self.ansi => {
                    return Err(SqlError::new(
                        "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
                        format!(
                            "The result of `{}` cannot be represented as Decimal({precision}, {scale}).",
                            self.op.symbol()
                        ),
                    )
                    .into());
                }
                None => out.append_null(),
            }
        }
        Ok(Arc::new(out.finish()))
    }

    fn by_zero(&self) -> SqlError {
        match self.op {
            Arithmetic::Remainder => SqlError::new(
                "REMAINDER_BY_ZERO",
                "Remainder by zero. Use `try_mod` to tolerate divisor being 0 and return NULL instead.",
            ),
            _ => SqlError::new(
                "DIVIDE_BY_ZERO",
                "Division by zero. Use nullif(divisor, 0) to tolerate divisor being 0 and return NULL instead, or set \
                 spark.sql.ansi.enabled to false.",
            ),
        }
    }

    fn failed(&self, error: &ArrowError) -> SqlError {
        match error {
            ArrowError::DivideByZero => self.by_zero(),
            _ => SqlError::new(
                match self.result {
                    DataType::Int8 | DataType::Int16 => "BINARY_ARITHMETIC_OVERFLOW",
                    _ => "ARITHMETIC_OVERFLOW",
                },
                format!(
                    "{} overflow in `{}`.",
                    super::type_name(&self.result).to_lowercase(),
                    self.op.symbol()
                ),
            ),
        }
    }
}

fn expand(datum: &dyn Datum, rows: usize) -> DataFusionResult<ArrayRef> {
    let (values, scalar) = datum.get();
    let values = values.slice(0, values.len());
    if scalar && rows != 1 {
        ScalarValue::try_from_array(&values, 0)?.to_array_of_size(rows)
    } else {
        Ok(values)
    }
}

pub(super) fn power_of_ten(exponent: i32) -> Option<i256> {
    i256::from_i128(10).checked_pow(u32::try_from(exponent).ok()?)
}

/// Where a half goes.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Half {
    /// Away from zero.
    Up,
    /// To the even digit.
    Even,
}

/// The value with another scale, rounded half up where digits go.
pub(super) fn rescale(value: i256, from: i32, to: i32) -> Option<i256> {
    rescale_to(value, from, to, Half::Up)
}

/// The same, with halves rounded as told.
pub(super) fn rescale_to(value: i256, from: i32, to: i32, half: Half) -> Option<i256> {
    if to >= from {
        return value.checked_mul(power_of_ten(to - from)?);
    }
    let divisor = power_of_ten(from - to)?;
    let rest = value.checked_rem(divisor)?.checked_abs()?;
    let is_half = rest.checked_mul(i256::from_i128(2))? == divisor;
    let two = i256::from_i128(2);
    let quotient = value.checked_div(divisor)?;
    if half == Half::Even && is_half && quotient.checked_rem(two)? == i256::ZERO {
        return Some(quotient);
    }
    divide_half_up(value, divisor)
}

/// The quotient rounded half up (away from zero).
pub(super) fn divide_half_up(dividend: i256, divisor: i256) -> Option<i256> {
    let quotient = dividend.checked_div(divisor)?;
    let rest = dividend.checked_rem(divisor)?;
    let twice = rest.checked_abs()?.checked_mul(i256::from_i128(2))?;
    if twice < divisor.checked_abs()? {
        return Some(quotient);
    }
    let one = i256::from_i128(if (dividend < i256::ZERO) == (divisor < i256::ZERO) {
        1
    } else {
        -1
    });
    quotient.checked_add(one)
}
