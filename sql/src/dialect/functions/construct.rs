//! `array(…)` and `map(…)`: the elements meet in one type.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, MapArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Field};
use datafusion::common::Result as DataFusionResult;
use datafusion::functions::utils::make_scalar_function;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::super::SqlSettings;
use super::super::analyzer::widest;
use super::super::statements::{array, map};
use super::rows::{convert, row_count};
use crate::SqlError;

/// The function `array` or `map`.
pub(crate) fn function(is_map: bool, settings: &SqlSettings) -> ScalarUDF {
    ScalarUDF::new_from_impl(Construct {
        is_map,
        ansi: settings.ansi,
        zone_name: settings.time_zone.clone(),
        signature: Signature::one_of(
            vec![TypeSignature::Nullary, TypeSignature::UserDefined],
            Volatility::Immutable,
        ),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Construct {
    is_map: bool,
    ansi: bool,
    zone_name: String,
    signature: Signature,
}

impl Construct {
    /// The common type of every `step`-th argument from `first` on.
    fn common(&self, types: &[DataType], first: usize, step: usize) -> Result<DataType, SqlError> {
        let mut common = DataType::Null;
        for t in types.iter().skip(first).step_by(step) {
            common = widest(&common, t, self.ansi).ok_or_else(|| {
                SqlError::new(
                    "DATATYPE_MISMATCH.DATA_DIFF_TYPES",
                    format!(
                        "The elements of {} should all be of one type, but they are \"{}\" and \"{}\".",
                        self.name(),
                        super::type_name(&common),
                        super::type_name(t)
                    ),
                )
            })?;
        }
        Ok(common)
    }
}

impl ScalarUDFImpl for Construct {
    fn name(&self) -> &str {
        if self.is_map { "map" } else { "array" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> DataFusionResult<Vec<DataType>> {
        if self.is_map && !types.len().is_multiple_of(2) {
            return Err(super::conditional::wrong_count("map", types.len()).into());
        }
        // The call itself casts, as Spark casts.
        Ok(types.to_vec())
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        Ok(if self.is_map {
            map(self.common(types, 0, 2)?, self.common(types, 1, 2)?)
        } else {
            array(self.common(types, 0, 1)?)
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let result = args.return_field.data_type();
        make_scalar_function(|columns| self.compute(columns, result), Vec::new())(&args.args)
    }
}

impl Construct {
    fn compute(&self, columns: &[ArrayRef], result: &DataType) -> DataFusionResult<ArrayRef> {
        let rows = row_count(columns);
        let parts = part_types(result);
        let settings = SqlSettings {
            ansi: self.ansi,
            time_zone: self.zone_name.clone(),
            ..SqlSettings::default()
        };
        let columns: Vec<ArrayRef> = columns
            .iter()
            .zip(parts.iter().cycle())
            .map(|(column, to)| convert(column, to.clone(), &settings))
            .collect::<DataFusionResult<_>>()?;
        Ok(if self.is_map {
            Arc::new(map_array(&columns, rows, result)?)
        } else {
            let values = interleaved(&columns, 0, 1, rows)?;
            let field = Arc::new(Field::new("element", values.data_type().clone(), true));
            let offsets = OffsetBuffer::from_repeated_length(columns.len(), rows);
            Arc::new(ListArray::try_new(field, offsets, values, None)?)
        })
    }
}

/// The types of the parts: of an array's elements, or of a map's keys and values.
fn part_types(data_type: &DataType) -> Vec<DataType> {
    match data_type {
        DataType::List(element) => vec![element.data_type().clone()],
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => fields.iter().map(|f| f.data_type().clone()).collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The columns' values row by row.
fn interleaved(columns: &[ArrayRef], first: usize, step: usize, rows: usize) -> DataFusionResult<ArrayRef> {
    let chosen: Vec<&dyn Array> = columns
        .iter()
        .skip(first)
        .step_by(step)
        .map(AsRef::as_ref)
        .collect();
    if chosen.is_empty() {
        return Ok(arrow::array::new_empty_array(&DataType::Null));
    }
    let places: Vec<(usize, usize)> = (0..rows)
        .flat_map(|row| (0..chosen.len()).map(move |column| (column, row)))
        .collect();
    Ok(interleave(&chosen, &places)?)
}

fn map_array(columns: &[ArrayRef], rows: usize, result: &DataType) -> DataFusionResult<MapArray> {
    let (keys, values) = (
        interleaved(columns, 0, 2, rows)?,
        interleaved(columns, 1, 2, rows)?,
    );
    if keys.null_count() > 0 {
        return Err(SqlError::new("NULL_MAP_KEY", "Cannot use null as map key.").into());
    }
    let width = columns.len() / 2;
    for row in 0..rows {
        for a in 0..width {
            for b in a + 1..width {
                if keys.slice(row * width + a, 1).as_ref() == keys.slice(row * width + b, 1).as_ref() {
                    return Err(SqlError::new(
                        "DUPLICATED_MAP_KEY",
                        "A map has the same key twice; remove one, or set spark.sql.mapKeyDedupPolicy, which is not supported here.",
                    )
                    .into());
                }
            }
        }
    }
    let DataType::Map(entries, _) = result else {
        return Err(SqlError::new("INTERNAL_ERROR", "a map without its type").into());
    };
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(SqlError::new("INTERNAL_ERROR", "a map without its entries").into());
    };
    let pairs = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    let offsets = OffsetBuffer::from_repeated_length(width, rows);
    Ok(MapArray::try_new(
        Arc::clone(entries),
        offsets,
        pairs,
        None,
        false,
    )?)
}
