//! Functions of numbers: rounding half up, exact on decimals; DOUBLE functions as IEEE gives them (NULL where Spark has it).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Builder, PrimitiveBuilder};
use arrow::compute::cast;
use arrow::compute::kernels::numeric;
use arrow::datatypes::{DataType, Decimal128Type, FieldRef, Float64Type, Int64Type, i256};
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::functions::utils::make_scalar_function;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::SqlSettings;
use super::super::analyzer::{is_float, is_integer, is_numeric};
use super::arithmetic::{Half, power_of_ten, rescale, rescale_to};
use super::intervals::{self, IntervalKind};
use super::rows::{check_count, convert};
use super::text_of::java_double;
use crate::SqlError;
use crate::record::value::IntervalFields;

/// A function of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum MathKind {
    /// `-x`
    Negative,
    /// `abs(x)`
    Abs,
    /// `ceil(x)`
    Ceil,
    /// `floor(x)`
    Floor,
    /// `round(x[, digits])`
    Round,
    /// `bround(x[, digits])`: a half goes to the even digit
    BankersRound,
    /// `sqrt(x)`
    Sqrt,
    /// `power(x, y)`
    Power,
    /// `exp(x)`
    Exp,
    /// `ln(x)`; NULL for 0 and below
    Ln,
    /// `log10(x)`; NULL for 0 and below
    Log10,
    /// `sign(x)`
    Sign,
    /// `isnan(x)`
    IsNan,
}

/// The function under this name.
pub(crate) fn function(name: &'static str, kind: MathKind, settings: &SqlSettings) -> ScalarUDF {
    ScalarUDF::new_from_impl(MathFunction {
        name,
        kind,
        ansi: settings.ansi,
        signature: Signature::variadic_any(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MathFunction {
    name: &'static str,
    kind: MathKind,
    ansi: bool,
    signature: Signature,
}

impl MathFunction {
    fn settings(&self) -> SqlSettings {
        SqlSettings {
            ansi: self.ansi,
            ..SqlSettings::default()
        }
    }

    /// The function that this one is for intervals.
    fn of_interval(&self, argument: Option<&FieldRef>) -> Option<ScalarUDF> {
        IntervalFields::of(argument?)?;
        let kind = match self.kind {
            MathKind::Negative => IntervalKind::Negative,
            MathKind::Abs => IntervalKind::Abs,
            MathKind::Sign => IntervalKind::Sign,
            _ => return None,
        };
        Some(intervals::function(self.name, kind))
    }

    fn rounds(&self) -> bool {
        matches!(self.kind, MathKind::Round | MathKind::BankersRound)
    }

    fn half(&self) -> Half {
        match self.kind {
            MathKind::BankersRound => Half::Even,
            _ => Half::Up,
        }
    }

    fn is_double(&self) -> bool {
        use MathKind as K;
        matches!(
            self.kind,
            K::Sqrt | K::Power | K::Exp | K::Ln | K::Log10 | K::Sign | K::IsNan
        )
    }

    fn result(&self, types: &[DataType], digits: Option<i32>) -> DataFusionResult<DataType> {
        use MathKind as K;
        let counts = match self.kind {
            K::Round | K::BankersRound => 1..=2,
            K::Power => 2..=2,
            _ => 1..=1,
        };
        check_count(self.name, types.len(), counts)?;
        let first = types.first().cloned().unwrap_or(DataType::Null);
        if self.is_double() {
            for t in types {
                if !is_numeric(t) && *t != DataType::Null {
                    return Err(wrong_type(self.name, t).into());
                }
            }
            return Ok(if self.kind == K::IsNan {
                DataType::Boolean
            } else {
                DataType::Float64
            });
        }
        if !is_numeric(&first) {
            return Err(wrong_type(self.name, &first).into());
        }
        let (precision, scale) = match first {
            DataType::Decimal128(p, s) => (i32::from(p), i32::from(s)),
            _ => (0, 0),
        };
        let decimal = matches!(first, DataType::Decimal128(..));
        Ok(match self.kind {
            K::Ceil | K::Floor if decimal => super::super::analyzer::adjusted(precision - scale + 1, 0),
            K::Ceil | K::Floor => DataType::Int64,
            K::Round | K::BankersRound if decimal => {
                let digits = digits.unwrap_or(0);
                let whole = precision - scale + 1;
                if digits < 0 {
                    super::super::analyzer::adjusted(whole.max(1 - digits), 0)
                } else {
                    let kept = scale.min(digits);
                    super::super::analyzer::adjusted(whole + kept, kept)
                }
            }
            _ => first,
        })
    }
}

impl ScalarUDFImpl for MathFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        self.result(types, None)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> DataFusionResult<arrow::datatypes::FieldRef> {
        if let Some(function) = self.of_interval(args.arg_fields.first()) {
            return function.return_field_from_args(args);
        }
        let types: Vec<DataType> = args.arg_fields.iter().map(|f| f.data_type().clone()).collect();
        let digits = match args.scalar_arguments.get(1) {
            Some(Some(value)) => i32_of(value),
            Some(None) if self.rounds() => {
                return Err(SqlError::new(
                    "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
                    "The number of digits of round must be a literal.",
                )
                .into());
            }
            _ => None,
        };
        let result = self.result(&types, digits)?;
        Ok(Arc::new(arrow::datatypes::Field::new(self.name, result, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        if let Some(function) = self.of_interval(args.arg_fields.first()) {
            return function.invoke_with_args(args);
        }
        let digits = match (self.rounds(), args.args.get(1)) {
            (true, Some(ColumnarValue::Scalar(value))) => i32_of(value).unwrap_or(0),
            _ => 0,
        };
        let of_numbers = |columns: &[ArrayRef]| {
            let result = args.return_field.data_type();
            if !self.is_double() {
                return self.compute(columns, digits, result);
            }
            let double = |column| convert(column, DataType::Float64, &self.settings());
            let columns: Vec<ArrayRef> = columns.iter().map(double).collect::<DataFusionResult<_>>()?;
            self.compute(&columns, digits, result)
        };
        make_scalar_function(of_numbers, Vec::new())(&args.args)
    }
}

impl MathFunction {
    fn compute(&self, columns: &[ArrayRef], digits: i32, result: &DataType) -> DataFusionResult<ArrayRef> {
        use MathKind as K;
        let first = columns
            .first()
            .ok_or_else(|| super::conditional::wrong_count(self.name, 0))?;
        if self.is_double() {
            return double(self.kind, first, columns.get(1));
        }
        match (self.kind, first.data_type()) {
            (K::Negative, _) if self.ansi => {
                numeric::neg(first.as_ref()).map_err(|_| overflow(first.data_type()).into())
            }
            (K::Negative, _) => Ok(numeric::neg_wrapping(first.as_ref())?),
            (K::Abs, _) => {
                let zero = ScalarValue::new_zero(first.data_type())?.to_array()?;
                let below = arrow::compute::kernels::cmp::lt(first, &arrow::array::Scalar::new(zero))?;
                let negated = if self.ansi {
                    // Only values below zero are turned: the smallest one has no opposite.
                    let kept = arrow::compute::nullif(first, &arrow::compute::not(&below)?)?;
                    numeric::neg(kept.as_ref()).map_err(|_| overflow(first.data_type()))?
                } else {
                    numeric::neg_wrapping(first.as_ref())?
                };
                if is_float(first.data_type()) {
                    let values = cast(first, &DataType::Float64)?;
                    let out: Float64Array = values.as_primitive::<Float64Type>().unary(f64::abs);
                    return Ok(cast(&(Arc::new(out) as ArrayRef), first.data_type())?);
                }
                Ok(arrow::compute::kernels::zip::zip(&below, &negated, first)?)
            }
            (K::Ceil | K::Floor, t) if is_integer(t) => Ok(cast(first, &DataType::Int64)?),
            (K::Ceil | K::Floor, t) if is_float(t) => {
                let values = cast(first, &DataType::Float64)?;
                let mut out = Int64Builder::with_capacity(values.len());
                for v in values.as_primitive::<Float64Type>() {
                    // Java's conversion: NaN is 0, the ends stay the ends.
                    out.append_option(
                        v.map(|v| if self.kind == K::Ceil { v.ceil() } else { v.floor() } as i64),
                    );
                }
                Ok(Arc::new(out.finish()))
            }
            (_, DataType::Decimal128(_, scale)) => self.decimal(first, i32::from(*scale), digits, result),
            (_, t) if is_float(t) => {
                let values = cast(first, &DataType::Float64)?;
                let single = *t == DataType::Float32;
                let out: Float64Array = values
                    .as_primitive::<Float64Type>()
                    .unary(|v| round_double(v, digits, single, self.half()));
                Ok(cast(&(Arc::new(out) as ArrayRef), t)?)
            }
            (_, t) => {
                if digits >= 0 {
                    return Ok(Arc::clone(first));
                }
                let values = cast(first, &DataType::Int64)?;
                let mut out = Int64Builder::with_capacity(values.len());
                for v in values.as_primitive::<Int64Type>() {
                    let rounded = v.map(|v| {
                        rescale_to(i256::from_i128(i128::from(v)), -digits, 0, self.half())
                            .and_then(|q| q.checked_mul(power_of_ten(-digits)?))
                            .and_then(|q| q.to_i128())
                            .and_then(|q| i64::try_from(q).ok())
                            .ok_or_else(|| overflow(t))
                    });
                    out.append_option(rounded.transpose()?);
                }
                convert(&(Arc::new(out.finish()) as ArrayRef), t.clone(), &self.settings())
            }
        }
    }

    fn decimal(
        &self,
        array: &ArrayRef,
        scale: i32,
        digits: i32,
        result: &DataType,
    ) -> DataFusionResult<ArrayRef> {
        let DataType::Decimal128(_, to) = result else {
            return Err(wrong_type(self.name, result).into());
        };
        let to = i32::from(*to);
        let values = array.as_primitive::<Decimal128Type>();
        let mut out =
            PrimitiveBuilder::<Decimal128Type>::with_capacity(values.len()).with_data_type(result.clone());
        let unit = 10i128.saturating_pow(u32::try_from(scale).unwrap_or(0));
        for value in values {
            let Some(value) = value else {
                out.append_null();
                continue;
            };
            let rounded = match self.kind {
                MathKind::Ceil => Some(value.div_euclid(unit) + i128::from(value.rem_euclid(unit) != 0)),
                MathKind::Floor => Some(value.div_euclid(unit)),
                _ => {
                    let kept = digits.min(scale);
                    rescale_to(i256::from_i128(value), scale, kept, self.half())
                        .and_then(|v| rescale(v, kept, to))
                        .and_then(|v| v.to_i128())
                }
            };
            out.append_value(rounded.ok_or_else(|| overflow(result))?);
        }
        Ok(Arc::new(out.finish()))
    }
}

fn i32_of(value: &ScalarValue) -> Option<i32> {
    match value.cast_to(&DataType::Int32).ok()? {
        ScalarValue::Int32(digits) => digits,
        _ => None,
    }
}

fn double(kind: MathKind, first: &ArrayRef, second: Option<&ArrayRef>) -> DataFusionResult<ArrayRef> {
    use MathKind as K;
    let values = first.as_primitive::<Float64Type>();
    if kind == K::IsNan {
        // Never null: NULL is not a NaN.
        let out: BooleanArray = values.iter().map(|v| Some(v.is_some_and(f64::is_nan))).collect();
        return Ok(Arc::new(out));
    }
    let positive = |v: f64, f: fn(f64) -> f64| (v > 0.0 || v.is_nan()).then(|| f(v));
    let out: Float64Array = match (kind, second) {
        (K::Power, Some(second)) => values
            .iter()
            .zip(second.as_primitive::<Float64Type>())
            .map(|(a, b)| Some(a?.powf(b?)))
            .collect(),
        (K::Ln, _) => values
            .iter()
            .map(|v| v.and_then(|v| positive(v, f64::ln)))
            .collect(),
        (K::Log10, _) => values
            .iter()
            .map(|v| v.and_then(|v| positive(v, f64::log10)))
            .collect(),
        (K::Sqrt, _) => values.unary(f64::sqrt),
        (K::Exp, _) => values.unary(f64::exp),
        _ => values.unary(|v| if v == 0.0 || v.is_nan() { v } else { v.signum() }),
    };
    Ok(Arc::new(out))
}

/// Rounds on the decimal digits that the double prints with, as Spark does through BigDecimal.
fn round_double(value: f64, digits: i32, single: bool, half: Half) -> f64 {
    if !value.is_finite() {
        return value;
    }
    let text = if single {
        super::text_of::java_float(value as f32)
    } else {
        java_double(value)
    };
    let (mantissa, exponent) = text.split_once('E').unwrap_or((&text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let scale = i32::try_from(fraction.len()).unwrap_or(0) - exponent.parse::<i32>().unwrap_or(0);
    if scale <= digits {
        return value;
    }
    let unscaled: Option<i256> = format!("{whole}{fraction}").parse().ok();
    if scale - digits > 40 {
        return 0.0;
    }
    unscaled
        .and_then(|v| rescale_to(v, scale, digits, half))
        .and_then(|v| format!("{v}e{}", -digits).parse().ok())
        .unwrap_or(value)
}

fn overflow(data_type: &DataType) -> SqlError {
    SqlError::new(
        "ARITHMETIC_OVERFLOW",
        format!("{} overflow.", super::type_name(data_type).to_lowercase()),
    )
}

fn wrong_type(name: &str, data_type: &DataType) -> SqlError {
    SqlError::new(
        "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        format!(
            "{name} takes a number, not \"{}\" (a cast makes it one).",
            super::type_name(data_type)
        ),
    )
}
