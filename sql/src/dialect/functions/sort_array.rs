//! `sort_array(array[, ascending])`: nulls first where it ascends, last where it descends.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use tidemill_state::normalize_keys;

use super::conditional::wrong_count;
use crate::SqlError;
use crate::error::state;

/// The function.
pub(super) fn function() -> ScalarUDF {
    ScalarUDF::new_from_impl(SortArray {
        signature: Signature::variadic_any(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SortArray {
    signature: Signature,
}

impl ScalarUDFImpl for SortArray {
    fn name(&self) -> &str {
        "sort_array"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        if !matches!(types.get(1), None | Some(DataType::Boolean | DataType::Null)) {
            return Err(unexpected("second", "BOOLEAN", types.get(1)).into());
        }
        match types.first() {
            Some(DataType::Null) => Ok(DataType::List(Arc::new(Field::new(
                "element",
                DataType::Null,
                true,
            )))),
            Some(list @ DataType::List(element)) if is_ordered(element.data_type()) => Ok(list.clone()),
            Some(list @ DataType::List(_)) => Err(SqlError::new(
                "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE",
                format!(
                    "The `sort_array` does not support ordering on type \"{}\".",
                    super::type_name(list)
                ),
            )
            .into()),
            other => Err(unexpected("first", "ARRAY", other).into()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let ascending = match args.args.get(1) {
            None => Some(true),
            Some(ColumnarValue::Scalar(ScalarValue::Boolean(ascending))) => *ascending,
            Some(ColumnarValue::Scalar(_)) => None,
            Some(ColumnarValue::Array(_)) => {
                return Err(SqlError::new(
                    "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
                    "The input `ascendingOrder` of sort_array should be a foldable \"BOOLEAN\" expression.",
                )
                .into());
            }
        };
        let (Some(ascending), Some(array)) = (ascending, args.args.first()) else {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from(
                args.return_field.data_type(),
            )?));
        };
        match array {
            ColumnarValue::Scalar(ScalarValue::Null) => Ok(ColumnarValue::Scalar(ScalarValue::try_from(
                args.return_field.data_type(),
            )?)),
            ColumnarValue::Scalar(value) => {
                let sorted = sorted(&value.to_array()?, ascending)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&sorted, 0)?))
            }
            ColumnarValue::Array(array) => Ok(ColumnarValue::Array(sorted(array, ascending)?)),
        }
    }
}

/// Whether Spark orders the type.
fn is_ordered(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(..) => false,
        DataType::List(element) => is_ordered(element.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_ordered(field.data_type())),
        _ => true,
    }
}

fn unexpected(which: &str, wanted: &str, found: Option<&DataType>) -> SqlError {
    let Some(found) = found else {
        return wrong_count("sort_array", 0);
    };
    SqlError::new(
        "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        format!(
            "The {which} parameter of sort_array requires the \"{wanted}\" type, however it has the type \"{}\".",
            super::type_name(found)
        ),
    )
}

/// Every list with its elements in order; equal ones stay as they stood.
fn sorted(array: &ArrayRef, ascending: bool) -> DataFusionResult<ArrayRef> {
    let Some(list) = array.as_list_opt::<i32>() else {
        return Ok(Arc::clone(array));
    };
    let DataType::List(field) = list.data_type() else {
        return Ok(Arc::clone(array));
    };
    if *field.data_type() == DataType::Null {
        return Ok(Arc::clone(array));
    }
    // Zeros of both signs and all NaNs are equal.
    let compared = normalize_keys(list.values()).map_err(state)?;
    let converter = RowConverter::new(vec![SortField::new(compared.data_type().clone())])?;
    let rows = converter.convert_columns(&[compared])?;
    let mut places: Vec<u64> = (0..list.values().len() as u64).collect();
    for ends in list.value_offsets().windows(2) {
        let [start, end] = ends else {
            continue;
        };
        let (Ok(start), Ok(end)) = (usize::try_from(*start), usize::try_from(*end)) else {
            continue;
        };
        let Some(own) = places.get_mut(start..end) else {
            continue;
        };
        own.sort_by(|a, b| {
            let (a, b) = (rows.row(*a as usize), rows.row(*b as usize));
            if ascending { a.cmp(&b) } else { b.cmp(&a) }
        });
    }
    let values = take(list.values(), &UInt64Array::from(places), None)?;
    Ok(Arc::new(ListArray::try_new(
        Arc::clone(field),
        list.offsets().clone(),
        values,
        list.nulls().cloned(),
    )?))
}
