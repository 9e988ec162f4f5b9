//! Functions of strings and numbers computed row by row: arguments of any type are first cast as Spark casts them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::ColumnarValue;

use super::super::SqlSettings;
use super::super::analyzer::{is_float, is_integer, is_numeric, is_string};
use super::super::statements::array;
use super::cast::{Misfit, cast_function};
use super::format_string::Printed;
use crate::SqlError;

/// What a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Parameter {
    /// A string.
    Text,
    /// An array of strings.
    Texts,
    /// An INT.
    Int,
    /// A BIGINT.
    Long,
    /// A DOUBLE, or a string that is cast to one.
    Double,
    /// A BOOLEAN.
    Boolean,
    /// A BINARY, or the bytes of a string.
    Bytes,
    /// A BINARY, or the bytes of what is cast to a string.
    TextBytes,
    /// A string; bytes, which Spark takes too, are refused.
    Chars,
    /// A number that is no decimal, a BOOLEAN or a string, as it is; Spark takes more.
    Printable,
    /// Whatever is given, as it is.
    Any,
}

impl Parameter {
    /// The type that arguments are cast to; as a result, the type of the values.
    pub(super) fn data_type(self) -> Option<DataType> {
        Some(match self {
            Self::Text | Self::Chars => DataType::Utf8,
            Self::Texts => array(DataType::Utf8),
            Self::Int => DataType::Int32,
            Self::Long => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Bytes | Self::TextBytes => DataType::Binary,
            Self::Any | Self::Printable => return None,
        })
    }

    /// Whether Spark casts arguments of the type implicitly to this one.
    pub(super) fn takes(self, found: &DataType) -> bool {
        if *found == DataType::Null {
            return true;
        }
        let is_text = is_string(found);
        match self {
            Self::Any => true,
            Self::Text | Self::TextBytes => !found.is_nested(),
            Self::Chars => !found.is_nested() && *found != DataType::Binary,
            Self::Printable => is_text || *found == DataType::Boolean || is_integer(found) || is_float(found),
            Self::Bytes => is_text || *found == DataType::Binary,
            Self::Int | Self::Long | Self::Double => is_text || is_numeric(found),
            Self::Boolean => is_text || *found == DataType::Boolean,
            Self::Texts => self.data_type().as_ref() == Some(found),
        }
    }

    /// Whether Spark may take what this parameter does not.
    pub(super) fn is_narrower(self) -> bool {
        matches!(self, Self::Chars | Self::Printable)
    }

    /// The type's name in an error.
    pub(super) fn wanted(self) -> String {
        self.data_type()
            .map_or_else(|| "ANY".to_owned(), |t| super::type_name(&t))
    }
}

/// The arguments of a batch of rows, cast to their parameters' types.
pub(super) struct Rows {
    columns: Vec<ArrayRef>,
    /// How many rows there are.
    pub(super) count: usize,
    /// Whether every argument is one value.
    pub(super) scalar: bool,
}

impl Rows {
    /// Casts the arguments; a scalar stands for every row.
    pub(super) fn new(
        args: &[ColumnarValue],
        rows: usize,
        parameter: impl Fn(usize) -> Parameter,
        settings: &SqlSettings,
    ) -> DataFusionResult<Self> {
        let scalar = args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let count = if scalar { 1 } else { rows };
        let mut columns = Vec::with_capacity(args.len());
        for (at, arg) in args.iter().enumerate() {
            let array = arg.clone().into_array(count)?;
            columns.push(match (parameter(at), parameter(at).data_type()) {
                (Parameter::TextBytes, Some(bytes)) if *array.data_type() != DataType::Binary => {
                    let text = convert(&array, DataType::Utf8, settings)?;
                    convert(&text, bytes, settings)?
                }
                (_, Some(to)) => convert(&array, to, settings)?,
                (_, None) => array,
            });
        }
        Ok(Self {
            columns,
            count,
            scalar,
        })
    }

    /// How many arguments there are.
    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }

    /// The string in a column of strings.
    pub(super) fn text(&self, column: usize, row: usize) -> Option<&str> {
        let array: &StringArray = self.columns.get(column)?.as_string_opt()?;
        array.is_valid(row).then(|| array.value(row))
    }

    /// The number in a column of numbers.
    pub(super) fn int(&self, column: usize, row: usize) -> Option<i32> {
        let array = self.columns.get(column)?.as_primitive_opt::<Int32Type>()?;
        array.is_valid(row).then(|| array.value(row))
    }

    /// The number in a column of BIGINT.
    pub(super) fn long(&self, column: usize, row: usize) -> Option<i64> {
        let array = self.columns.get(column)?.as_primitive_opt::<Int64Type>()?;
        array.is_valid(row).then(|| array.value(row))
    }

    /// The number in a column of DOUBLE.
    pub(super) fn double(&self, column: usize, row: usize) -> Option<f64> {
        let array = self.columns.get(column)?.as_primitive_opt::<Float64Type>()?;
        array.is_valid(row).then(|| array.value(row))
    }

    /// The truth in a column of truths.
    pub(super) fn boolean(&self, column: usize, row: usize) -> Option<bool> {
        let array = self.columns.get(column)?.as_boolean_opt()?;
        array.is_valid(row).then(|| array.value(row))
    }

    /// The bytes in a column of bytes.
    pub(super) fn bytes(&self, column: usize, row: usize) -> Option<&[u8]> {
        let array = self.columns.get(column)?.as_binary_opt::<i32>()?;
        array.is_valid(row).then(|| array.value(row))
    }

    /// The value in a column of numbers, truths or strings.
    pub(super) fn printed(&self, column: usize, row: usize) -> Printed<'_> {
        let Some(array) = self.columns.get(column).filter(|c| c.is_valid(row)) else {
            return Printed::Null;
        };
        match array.data_type() {
            DataType::Int8 => Printed::Whole(array.as_primitive::<Int8Type>().value(row).into(), 8),
            DataType::Int16 => Printed::Whole(array.as_primitive::<Int16Type>().value(row).into(), 16),
            DataType::Int32 => Printed::Whole(array.as_primitive::<Int32Type>().value(row).into(), 32),
            DataType::Int64 => Printed::Whole(array.as_primitive::<Int64Type>().value(row), 64),
            DataType::Float32 => Printed::Float(array.as_primitive::<Float32Type>().value(row)),
            DataType::Float64 => Printed::Double(array.as_primitive::<Float64Type>().value(row)),
            DataType::Boolean => Printed::Boolean(array.as_boolean().value(row)),
            DataType::Utf8 => Printed::Text(array.as_string::<i32>().value(row)),
            _ => Printed::Null,
        }
    }

    /// The arguments as arrays of the rows.
    pub(super) fn columns(&self) -> &[ArrayRef] {
        &self.columns
    }

    /// The result as one value where all arguments were.
    pub(super) fn finish(&self, out: ArrayRef) -> DataFusionResult<ColumnarValue> {
        Ok(if self.scalar {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&out, 0)?)
        } else {
            ColumnarValue::Array(out)
        })
    }
}

/// The array as a type, by Spark's cast.
pub(super) fn convert(array: &ArrayRef, to: DataType, settings: &SqlSettings) -> DataFusionResult<ArrayRef> {
    if *array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    let function = cast_function(to.clone(), Misfit::Error, settings);
    function.return_type(&[array.data_type().clone()])?;
    let args = datafusion::logical_expr::ScalarFunctionArgs {
        args: vec![ColumnarValue::Array(Arc::clone(array))],
        arg_fields: Vec::new(),
        number_rows: array.len(),
        return_field: Arc::new(arrow::datatypes::Field::new("", to, true)),
        config_options: Arc::default(),
    };
    function.invoke_with_args(args)?.into_array(array.len())
}

/// An error for arguments of a wrong number.
pub(super) fn check_count(
    name: &str,
    count: usize,
    range: std::ops::RangeInclusive<usize>,
) -> DataFusionResult<()> {
    if range.contains(&count) {
        Ok(())
    } else {
        Err(super::conditional::wrong_count(name, count).into())
    }
}

/// An error for an argument that has no cast to its parameter's type.
pub(super) fn check_castable(
    types: &[DataType],
    to: impl Fn(usize) -> DataType,
    settings: &SqlSettings,
) -> Result<(), SqlError> {
    for (at, from) in types.iter().enumerate() {
        if from.is_nested() {
            // A cast to a string is there, but nobody meant it.
            return Err(SqlError::new(
                "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                format!(
                    "Argument {} is of the type \"{}\", which this function does not take in the spark dialect yet.",
                    at + 1,
                    super::type_name(from)
                ),
            ));
        }
        cast_function(to(at), Misfit::Error, settings)
            .return_type(std::slice::from_ref(from))
            .map_err(SqlError::from)?;
    }
    Ok(())
}

/// How many rows the columns of a call have; a call without arguments is computed once.
pub(super) fn row_count(columns: &[ArrayRef]) -> usize {
    columns.first().map_or(1, |column| column.len())
}
