//! `aggregate`: the lists of all rows folded at once, one element of each row after the other.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt64Array, new_null_array};
use arrow::compute::{cast, filter, interleave, take, take_arrays};
use arrow::datatypes::DataType;
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::LambdaArgument;

use super::array_shape::range;

/// `aggregate(list, start, merge[, finish])`
pub(super) fn aggregate(
    list: &ArrayRef,
    start: &ArrayRef,
    merge: &LambdaArgument,
    finish: Option<&LambdaArgument>,
    result: &DataType,
) -> DataFusionResult<ArrayRef> {
    let Some(list) = list.as_list_opt::<i32>() else {
        return Ok(new_null_array(result, start.len()));
    };
    let offsets = list.value_offsets();
    let mut merged = Arc::clone(start);
    let known = |row: usize| list.is_valid(row);
    for step in 0.. {
        let active: Vec<usize> = (0..list.len())
            .filter(|row| known(*row) && range(offsets, *row).len() > step)
            .collect();
        if active.is_empty() {
            break;
        }
        let rows: UInt64Array = active.iter().map(|row| *row as u64).collect();
        let places: UInt64Array = active
            .iter()
            .map(|row| (range(offsets, *row).start + step) as u64)
            .collect();
        let (before, values) = (take(&merged, &rows, None)?, take(list.values(), &places, None)?);
        let spread = |captures: &[ArrayRef]| Ok(take_arrays(captures, &rows, None)?);
        let after = merge.evaluate(
            &[&|| Ok(Arc::clone(&before)), &|| Ok(Arc::clone(&values))],
            spread,
        )?;
        let after = cast(&after.into_array(active.len())?, merged.data_type())?;
        let mut sources: Vec<(usize, usize)> = (0..list.len()).map(|row| (0, row)).collect();
        for (at, row) in active.iter().enumerate() {
            if let Some(source) = sources.get_mut(*row) {
                *source = (1, at);
            }
        }
        merged = interleave(&[merged.as_ref(), after.as_ref()], &sources)?;
    }
    // A row without a list has no result, and its lambda is not run.
    let mask = BooleanArray::from((0..list.len()).map(known).collect::<Vec<bool>>());
    let rows: UInt64Array = (0..list.len())
        .filter(|row| known(*row))
        .map(|row| row as u64)
        .collect();
    let mut out = filter(&merged, &mask)?;
    if let Some(finish) = finish {
        let values = Arc::clone(&out);
        let spread = |captures: &[ArrayRef]| Ok(take_arrays(captures, &rows, None)?);
        out = finish
            .evaluate(&[&|| Ok(Arc::clone(&values))], spread)?
            .into_array(rows.len())?;
    }
    let mut next = 0;
    let places = (0..list.len()).map(|row| {
        let place = known(row).then_some(next);
        next += u64::from(known(row));
        place
    });
    Ok(take(&out, &places.collect::<UInt64Array>(), None)?)
}
