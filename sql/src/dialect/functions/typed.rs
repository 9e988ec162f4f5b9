//! Functions whose result's type follows their arguments', and those that take any: bits, `pmod`, `nanvl`, hashes, `typeof`.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, Int8Builder, Int32Array,
    Int64Array, StringArray,
};
use arrow::compute::{cast, kernels::bitwise, kernels::zip::zip};
use arrow::datatypes::{
    DataType, Decimal128Type, Field, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::functions::utils::make_scalar_function;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::SqlSettings;
use super::super::analyzer::{is_float, is_integer, is_numeric, is_string};
use super::rows::row_count;
use super::rows::{Parameter, convert};
use super::{hashes, number_text, type_name};
use crate::SqlError;
use crate::record::value::IntervalFields;

/// Such a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TypedKind {
    /// `~x`
    BitNot,
    /// `shiftleft(x, n)`
    ShiftLeft,
    /// `shiftright(x, n)`
    ShiftRight,
    /// `shiftrightunsigned(x, n)`
    ShiftRightUnsigned,
    /// `bit_get(x, position)`
    BitGet,
    /// `bit_count(x)`
    BitCount,
    /// `x % y` and `y` make `pmod(x, y)`
    PositiveRemainder,
    /// `positive(x)`
    Positive,
    /// `nanvl(x, y)`
    Nanvl,
    /// `hash(…)`
    Hash,
    /// `xxhash64(…)`
    XxHash,
    /// `hex(x)`
    Hex,
    /// `format_number(x, digits)`
    FormatNumber,
    /// `typeof(x)`
    TypeOf,
}

/// The function under this name.
pub(super) fn function(name: &'static str, kind: TypedKind, settings: &SqlSettings) -> ScalarUDF {
    ScalarUDF::new_from_impl(TypedFunction {
        name,
        kind,
        ansi: settings.ansi,
        signature: Signature::variadic_any(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TypedFunction {
    name: &'static str,
    kind: TypedKind,
    ansi: bool,
    signature: Signature,
}

impl TypedFunction {
    fn settings(&self) -> SqlSettings {
        SqlSettings {
            ansi: self.ansi,
            ..SqlSettings::default()
        }
    }

    fn unexpected(&self, wanted: &str, found: &DataType) -> SqlError {
        SqlError::new(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            format!(
                "{} requires the {wanted} type, however a parameter has the type \"{}\".",
                self.name,
                type_name(found)
            ),
        )
    }

    /// The type of the first argument inside of the function.
    fn operand(&self, types: &[DataType]) -> Result<DataType, SqlError> {
        use TypedKind as K;
        let first = types.first().unwrap_or(&DataType::Null);
        Ok(match (self.kind, first) {
            (K::BitNot | K::BitGet, t) if is_integer(t) => t.clone(),
            (K::BitNot | K::BitGet, DataType::Null) => DataType::Int32,
            (K::BitNot | K::BitGet, other) => return Err(self.unexpected("\"INTEGRAL\"", other)),
            (K::ShiftLeft | K::ShiftRight | K::ShiftRightUnsigned, DataType::Int64) => DataType::Int64,
            (K::ShiftLeft | K::ShiftRight | K::ShiftRightUnsigned, t) if Parameter::Int.takes(t) => {
                DataType::Int32
            }
            (K::ShiftLeft | K::ShiftRight | K::ShiftRightUnsigned, other) => {
                return Err(self.unexpected("(\"INT\" or \"BIGINT\")", other));
            }
            (K::BitCount, t) if is_integer(t) || matches!(t, DataType::Boolean | DataType::Null) => {
                DataType::Int64
            }
            (K::BitCount, other) => return Err(self.unexpected("(\"INTEGRAL\" or \"BOOLEAN\")", other)),
            (K::PositiveRemainder, t) => t.clone(),
            (K::Positive, t) if is_numeric(t) => t.clone(),
            (K::Nanvl, DataType::Float32) if types.iter().all(|t| *t == DataType::Float32) => {
                DataType::Float32
            }
            (K::Positive | K::Nanvl, t) if Parameter::Double.takes(t) => DataType::Float64,
            (K::Positive | K::Nanvl, other) => return Err(self.unexpected("\"DOUBLE\"", other)),
            (K::FormatNumber, t) if is_numeric(t) || *t == DataType::Null => t.clone(),
            (K::FormatNumber, other) => return Err(self.unexpected("\"NUMERIC\"", other)),
            (K::Hex, t) if is_numeric(t) => DataType::Int64,
            (K::Hex, DataType::Binary) => DataType::Binary,
            (K::Hex, t) if t.is_nested() => {
                return Err(self.unexpected("(\"BIGINT\" or \"BINARY\" or \"STRING\")", t));
            }
            (K::Hex, _) => DataType::Utf8,
            (K::Hash | K::XxHash | K::TypeOf, t) => t.clone(),
        })
    }
}

impl ScalarUDFImpl for TypedFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        use TypedKind as K;
        let operand = self.operand(types)?;
        if let (K::Hash | K::XxHash, types) = (self.kind, types) {
            types.iter().try_for_each(|t| hashes::check(self.name, t))?;
        }
        if let (K::ShiftLeft | K::ShiftRight | K::ShiftRightUnsigned | K::BitGet, Some(places)) =
            (self.kind, types.get(1))
            && !Parameter::Int.takes(places)
        {
            return Err(self.unexpected("\"INT\"", places).into());
        }
        if let (K::FormatNumber, Some(pattern)) = (self.kind, types.get(1))
            && is_string(pattern)
        {
            let message = "format_number with a pattern is not supported in the spark dialect yet: give it a number of digits.";
            return Err(SqlError::new("UNSUPPORTED_FEATURE", message).into());
        }
        Ok(match self.kind {
            K::BitGet => DataType::Int8,
            K::BitCount | K::Hash => DataType::Int32,
            K::XxHash => DataType::Int64,
            K::TypeOf | K::Hex | K::FormatNumber => DataType::Utf8,
            _ => operand,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        if let (TypedKind::TypeOf, Some(field)) = (self.kind, args.arg_fields.first()) {
            return Ok(ColumnarValue::Scalar(ScalarValue::Utf8(Some(simple_type_of(
                field,
            )))));
        }
        make_scalar_function(|columns| self.compute(columns), Vec::new())(&args.args)
    }
}

impl TypedFunction {
    fn compute(&self, columns: &[ArrayRef]) -> DataFusionResult<ArrayRef> {
        let rows = row_count(columns);
        use TypedKind as K;
        match self.kind {
            K::Hash => return hashes::murmur(columns, rows),
            K::XxHash => return hashes::xx(columns, rows),
            _ => {}
        }
        let types: Vec<DataType> = columns.iter().map(|c| c.data_type().clone()).collect();
        let operand = self.operand(&types)?;
        let argument = |at: usize, to: DataType| match columns.get(at) {
            Some(column) => convert(column, to, &self.settings()),
            None => Err(super::conditional::wrong_count(self.name, columns.len()).into()),
        };
        let first = match (self.kind, types.first()) {
            (K::BitCount, Some(DataType::Boolean)) => argument(0, DataType::Int32)?,
            _ => argument(0, operand.clone())?,
        };
        match self.kind {
            K::Hex => hex(&first),
            K::FormatNumber => number_text::format_number(&first, &argument(1, DataType::Int32)?),
            K::BitNot => not(&first),
            K::BitCount => {
                let numbers = cast(&first, &DataType::Int64)?;
                let ones = |n: i64| n.count_ones().cast_signed();
                let out: Int32Array = numbers.as_primitive::<Int64Type>().unary(ones);
                Ok(Arc::new(out))
            }
            K::BitGet => self.bit_get(&first, &argument(1, DataType::Int32)?),
            K::ShiftLeft | K::ShiftRight | K::ShiftRightUnsigned => {
                self.shift(&first, &argument(1, DataType::Int32)?)
            }
            K::PositiveRemainder => self.positive_remainder(&first, &argument(1, divisor_type(&types))?),
            K::Nanvl => {
                let wide = cast(&first, &DataType::Float64)?;
                let is_nan: BooleanArray = wide
                    .as_primitive::<Float64Type>()
                    .iter()
                    .map(|x| Some(x.is_some_and(f64::is_nan)))
                    .collect();
                Ok(zip(&is_nan, &argument(1, operand)?, &first)?)
            }
            _ => Ok(first),
        }
    }

    fn shift(&self, numbers: &ArrayRef, places: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let places = places.as_primitive::<Int32Type>();
        let by = |n: i32| n.cast_unsigned();
        Ok(match numbers.data_type() {
            DataType::Int64 => {
                let shifted = |x: i64, n: i32| match self.kind {
                    TypedKind::ShiftLeft => x.wrapping_shl(by(n)),
                    TypedKind::ShiftRight => x.wrapping_shr(by(n)),
                    _ => x.cast_unsigned().wrapping_shr(by(n)).cast_signed(),
                };
                let numbers = numbers.as_primitive::<Int64Type>();
                let pairs = numbers.iter().zip(places);
                Arc::new(pairs.map(|(x, n)| Some(shifted(x?, n?))).collect::<Int64Array>())
            }
            _ => {
                let shifted = |x: i32, n: i32| match self.kind {
                    TypedKind::ShiftLeft => x.wrapping_shl(by(n)),
                    TypedKind::ShiftRight => x.wrapping_shr(by(n)),
                    _ => x.cast_unsigned().wrapping_shr(by(n)).cast_signed(),
                };
                let numbers = numbers.as_primitive::<Int32Type>();
                let pairs = numbers.iter().zip(places);
                Arc::new(pairs.map(|(x, n)| Some(shifted(x?, n?))).collect::<Int32Array>())
            }
        })
    }

    fn bit_get(&self, numbers: &ArrayRef, places: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let bits = match numbers.data_type() {
            DataType::Int8 => 8,
            DataType::Int16 => 16,
            DataType::Int32 => 32,
            _ => 64,
        };
        let numbers = cast(numbers, &DataType::Int64)?;
        let mut out = Int8Builder::with_capacity(numbers.len());
        for (number, place) in numbers
            .as_primitive::<Int64Type>()
            .iter()
            .zip(places.as_primitive::<Int32Type>())
        {
            if let Some(place) = place
                && number.is_some()
                && !(0..bits).contains(&place)
            {
                let message = format!(
                    "The value of parameter(s) `pos` in `{}` is invalid: expects an integer value in [0, {bits}), but got {place}.",
                    self.name
                );
                return Err(SqlError::new("INVALID_PARAMETER_VALUE.BIT_POSITION_RANGE", message).into());
            }
            let bit = number.zip(place).map(|(n, place)| i8::from(n >> place & 1 == 1));
            out.append_option(bit);
        }
        Ok(Arc::new(out.finish()))
    }

    /// From the remainder `r` of `x % y`: `r`, or `(r + y) % y` where it is below 0.
    fn positive_remainder(&self, remainders: &ArrayRef, divisors: &ArrayRef) -> DataFusionResult<ArrayRef> {
        match remainders.data_type() {
            t if is_float(t) => {
                let (r, y) = (
                    cast(remainders, &DataType::Float64)?,
                    cast(divisors, &DataType::Float64)?,
                );
                let pairs = r
                    .as_primitive::<Float64Type>()
                    .iter()
                    .zip(y.as_primitive::<Float64Type>());
                let positive = |r: f64, y: f64| if r < 0.0 { (r + y) % y } else { r };
                let out: Float64Array = pairs.map(|(r, y)| Some(positive(r?, y?))).collect();
                Ok(cast(&out, t)?)
            }
            DataType::Decimal128(precision, scale) => {
                let most = 10_i128.saturating_pow(u32::from(*precision));
                let y = divisors.as_primitive::<Decimal128Type>();
                let mut out = Decimal128Array::builder(remainders.len());
                for (r, y) in remainders.as_primitive::<Decimal128Type>().iter().zip(y) {
                    let value = r.zip(y).map(|(r, y)| if r < 0 && y > 0 { r + y } else { r });
                    let fits = value.is_none_or(|v| v.abs() < most);
                    if !fits && self.ansi {
                        let message = format!(
                            "A result of pmod cannot be represented as Decimal({precision}, {scale})."
                        );
                        return Err(
                            SqlError::new("NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", message).into(),
                        );
                    }
                    out.append_option(value.filter(|_| fits));
                }
                Ok(Arc::new(
                    out.finish().with_precision_and_scale(*precision, *scale)?,
                ))
            }
            t => {
                let (r, y) = (
                    cast(remainders, &DataType::Int64)?,
                    cast(divisors, &DataType::Int64)?,
                );
                let pairs = r
                    .as_primitive::<Int64Type>()
                    .iter()
                    .zip(y.as_primitive::<Int64Type>());
                let positive = |r: i64, y: i64| if r < 0 && y > 0 { r + y } else { r };
                let out: Int64Array = pairs.map(|(r, y)| Some(positive(r?, y?))).collect();
                Ok(cast(&out, t)?)
            }
        }
    }
}

/// The divisor's type beside a remainder: of a decimal the same scale, with room for every digit.
fn divisor_type(types: &[DataType]) -> DataType {
    match types.first() {
        Some(DataType::Decimal128(_, scale)) => DataType::Decimal128(38, *scale),
        Some(other) => other.clone(),
        None => DataType::Null,
    }
}

fn not(numbers: &ArrayRef) -> DataFusionResult<ArrayRef> {
    Ok(match numbers.data_type() {
        DataType::Int8 => Arc::new(bitwise::bitwise_not(numbers.as_primitive::<Int8Type>())?),
        DataType::Int16 => Arc::new(bitwise::bitwise_not(numbers.as_primitive::<Int16Type>())?),
        DataType::Int32 => Arc::new(bitwise::bitwise_not(numbers.as_primitive::<Int32Type>())?),
        _ => Arc::new(bitwise::bitwise_not(numbers.as_primitive::<Int64Type>())?),
    })
}

/// Numbers, or bytes, as hexadecimal digits.
fn hex(values: &ArrayRef) -> DataFusionResult<ArrayRef> {
    let of_bytes = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02X}")).collect::<String>();
    Ok(Arc::new(match values.data_type() {
        DataType::Int64 => {
            let numbers = values.as_primitive::<Int64Type>().iter();
            numbers
                .map(|n| n.map(|n| format!("{n:X}")))
                .collect::<StringArray>()
        }
        _ => {
            let bytes = cast(values, &DataType::Binary)?;
            let bytes = bytes.as_binary::<i32>().iter();
            bytes.map(|b| b.map(of_bytes)).collect::<StringArray>()
        }
    }))
}

/// A column's type as Spark's `typeof` and DESCRIBE write it.
pub fn simple_type_of(field: &Field) -> String {
    match IntervalFields::of(field) {
        Some(fields) => format!("interval {fields}").to_lowercase(),
        None => simple_type_name(field.data_type()),
    }
}

/// The type as Spark's `typeof` and DESCRIBE write it; Arrow's own name, in lower case, for what Spark does not have.
pub fn simple_type_name(data_type: &DataType) -> String {
    match data_type {
        t if is_string(t) => "string".to_owned(),
        DataType::List(field) | DataType::LargeList(field) => {
            format!("array<{}>", simple_type_name(field.data_type()))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => {
                let parts: Vec<String> = fields.iter().map(|f| simple_type_name(f.data_type())).collect();
                format!("map<{}>", parts.join(","))
            }
            other => other.to_string(),
        },
        DataType::Struct(fields) => {
            let part =
                |f: &arrow::datatypes::FieldRef| format!("{}:{}", f.name(), simple_type_name(f.data_type()));
            let parts: Vec<String> = fields.iter().map(part).collect();
            format!("struct<{}>", parts.join(","))
        }
        other => type_name(other).to_lowercase(),
    }
}
