//! `arrays_zip`: arrays side by side, as structs whose fields have the columns' names, else their places.
//!
//! The AST layer puts a field's name before each array.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, UInt64Builder};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::statements::array;
use super::array_shape::range;
use crate::SqlError;

/// The function.
pub(super) fn function() -> ScalarUDF {
    ScalarUDF::new_from_impl(ArraysZip {
        signature: Signature::variadic_any(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ArraysZip {
    signature: Signature,
}

fn field(name: &str, data_type: &DataType) -> Result<Field, SqlError> {
    let element = match data_type {
        DataType::List(field) => field.data_type().clone(),
        DataType::Null => DataType::Null,
        other => {
            return Err(SqlError::new(
                "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                format!(
                    "arrays_zip requires the \"ARRAY\" type, however a parameter has the type \"{}\".",
                    super::type_name(other)
                ),
            ));
        }
    };
    Ok(Field::new(name, element, true))
}

impl ScalarUDFImpl for ArraysZip {
    fn name(&self) -> &str {
        "arrays_zip"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DataFusionResult<DataType> {
        Err(SqlError::new("INTERNAL_ERROR", "arrays_zip without its names").into())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> DataFusionResult<FieldRef> {
        let mut fields = Vec::new();
        for (name, list) in args.scalar_arguments.chunks(2).zip(args.arg_fields.chunks(2)) {
            if let ([Some(ScalarValue::Utf8(Some(name))), _], [_, list]) = (name, list) {
                fields.push(field(name, list.data_type())?);
            }
        }
        let result = array(DataType::Struct(fields.into()));
        Ok(Arc::new(Field::new(self.name(), result, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let DataType::List(element) = args.return_field.data_type() else {
            return Err(SqlError::new("INTERNAL_ERROR", "arrays_zip without its type").into());
        };
        let DataType::Struct(fields) = element.data_type() else {
            return Err(SqlError::new("INTERNAL_ERROR", "arrays_zip without its fields").into());
        };
        let arrays: Vec<ArrayRef> = args
            .args
            .iter()
            .skip(1)
            .step_by(2)
            .zip(fields)
            .map(|(list, f)| {
                Ok(cast(
                    &list.clone().into_array(args.number_rows)?,
                    &array(f.data_type().clone()),
                )?)
            })
            .collect::<DataFusionResult<_>>()?;
        let lists: Vec<&ListArray> = arrays.iter().map(|list| list.as_list::<i32>()).collect();
        Ok(ColumnarValue::Array(zipped(
            &lists,
            element,
            fields,
            args.number_rows,
        )?))
    }
}

fn zipped(
    lists: &[&ListArray],
    element: &FieldRef,
    fields: &Fields,
    rows: usize,
) -> DataFusionResult<ArrayRef> {
    let known: Vec<bool> = (0..rows)
        .map(|row| lists.iter().all(|list| list.is_valid(row)))
        .collect();
    let within = |list: &ListArray, row: usize| match known.get(row) {
        Some(true) => range(list.value_offsets(), row),
        _ => 0..0,
    };
    let longest = |row: usize| {
        lists
            .iter()
            .map(|list| within(list, row).len())
            .max()
            .unwrap_or(0)
    };
    let lengths: Vec<usize> = (0..rows).map(longest).collect();
    let mut columns = Vec::with_capacity(lists.len());
    for list in lists {
        let mut places = UInt64Builder::new();
        for (row, length) in lengths.iter().enumerate() {
            let all: Range<usize> = within(list, row);
            (0..*length)
                .for_each(|at| places.append_option((at < all.len()).then_some((all.start + at) as u64)));
        }
        columns.push(take(list.values(), &places.finish(), None)?);
    }
    let total = lengths.iter().sum();
    let structs = StructArray::try_new_with_length(fields.clone(), columns, None, total)?;
    let (offsets, nulls) = (OffsetBuffer::from_lengths(lengths), NullBuffer::from(known));
    let out = ListArray::try_new(Arc::clone(element), offsets, Arc::new(structs), Some(nulls));
    Ok(Arc::new(out?))
}
