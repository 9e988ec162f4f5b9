//! Functions of strings and numbers computed row by row: arguments of any type are first cast as Spark casts them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Int32Type};
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::ColumnarValue;

use super::super::SqlSettings;
use super::cast::{Misfit, cast_function};
use crate::SqlError;

/// What a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Parameter {
    /// A string.
    Text,
    /// An INT.
    Int,
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
            let to = match parameter(at) {
                Parameter::Text => DataType::Utf8,
                Parameter::Int => DataType::Int32,
            };
            columns.push(convert(&array, to, settings)?);
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
        cast_function(to(at), Misfit::Error, settings)
            .return_type(std::slice::from_ref(from))
            .map_err(SqlError::from)?;
    }
    Ok(())
}
