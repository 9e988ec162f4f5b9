//! Elements of arrays and maps: `arr[0]`, `element_at(arr, 1)`, `m['k']`, `size`, `array_contains`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder, Int32Builder, UInt64Builder};
use arrow::compute::take;
use arrow::datatypes::{DataType, Int32Type};
use datafusion::common::Result as DataFusionResult;
use datafusion::functions::utils::make_scalar_function;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::SqlSettings;
use super::super::analyzer::tightest;
use super::rows::{check_count, convert};
use crate::SqlError;

/// A function of an array or a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ElementKind {
    /// `arr[0]`, `m['k']`
    Index,
    /// `element_at(arr, 1)`, `element_at(m, 'k')`
    ElementAt,
    /// `try_element_at(x, key)`: NULL for what is not there
    TryElementAt,
    /// `get(arr, 0)`: NULL for what is not there
    Get,
    /// `array_contains(arr, x)`
    Contains,
    /// `size(x)`
    Size,
}

/// The access `value[key]`.
pub(crate) fn index(value: Expr, key: Expr, settings: &SqlSettings) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(
        Arc::new(function("spark_index", ElementKind::Index, settings)),
        vec![value, key],
    ))
}

/// The function under this name.
pub(crate) fn function(name: &'static str, kind: ElementKind, settings: &SqlSettings) -> ScalarUDF {
    ScalarUDF::new_from_impl(ElementFunction {
        name,
        kind,
        ansi: settings.ansi,
        signature: Signature::variadic_any(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ElementFunction {
    name: &'static str,
    kind: ElementKind,
    ansi: bool,
    signature: Signature,
}

impl ElementFunction {
    fn wrong(&self, data_type: &DataType) -> SqlError {
        SqlError::new(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            format!(
                "{} does not take \"{}\" here.",
                self.name,
                super::type_name(data_type)
            ),
        )
    }

    /// The type that the key or value is compared in.
    fn key_type(&self, container: &DataType, key: &DataType) -> Result<DataType, SqlError> {
        match container {
            DataType::List(_) if self.kind != ElementKind::Contains => match key {
                DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 | DataType::Null => {
                    Ok(DataType::Int32)
                }
                other => Err(self.wrong(other)),
            },
            DataType::List(field) => tightest(field.data_type(), key)
                .filter(|t| t == field.data_type())
                .ok_or_else(|| self.wrong(key)),
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(fields) => {
                    let of_key = fields
                        .first()
                        .map(|f| f.data_type().clone())
                        .ok_or_else(|| self.wrong(container))?;
                    tightest(&of_key, key)
                        .filter(|t| *t == of_key)
                        .ok_or_else(|| self.wrong(key))
                }
                other => Err(self.wrong(other)),
            },
            other => Err(self.wrong(other)),
        }
    }
}

impl ScalarUDFImpl for ElementFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        use ElementKind as K;
        let count = if self.kind == K::Size { 1 } else { 2 };
        check_count(self.name, types.len(), count..=count)?;
        let container = types.first().cloned().unwrap_or(DataType::Null);
        if self.kind == K::Size {
            return match container {
                DataType::List(_) | DataType::Map(..) | DataType::Null => Ok(DataType::Int32),
                other => Err(self.wrong(&other).into()),
            };
        }
        self.key_type(&container, types.get(1).unwrap_or(&DataType::Null))?;
        match (&container, self.kind) {
            (DataType::List(_), K::Contains) => Ok(DataType::Boolean),
            (DataType::List(field), _) => Ok(field.data_type().clone()),
            (DataType::Map(entries, _), K::Index | K::ElementAt | K::TryElementAt) => {
                match entries.data_type() {
                    DataType::Struct(fields) if fields.len() == 2 => {
                        Ok(fields.last().map_or(DataType::Null, |f| f.data_type().clone()))
                    }
                    other => Err(self.wrong(other).into()),
                }
            }
            (other, _) => Err(self.wrong(other).into()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        make_scalar_function(|columns| self.compute(columns), Vec::new())(&args.args)
    }
}

impl ElementFunction {
    fn compute(&self, columns: &[ArrayRef]) -> DataFusionResult<ArrayRef> {
        match columns {
            [container] => Ok(size(container, self.ansi)),
            [container, key] => {
                let key = convert(
                    key,
                    self.key_type(container.data_type(), key.data_type())?,
                    &SqlSettings::default(),
                )?;
                match container.data_type() {
                    DataType::Map(..) => self.of_map(container, &key),
                    _ if self.kind == ElementKind::Contains => contains(container, &key),
                    _ => self.of_list(container, &key),
                }
            }
            other => Err(super::conditional::wrong_count(self.name, other.len()).into()),
        }
    }

    fn of_list(&self, container: &ArrayRef, key: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let list = container.as_list::<i32>();
        let keys = key.as_primitive::<Int32Type>();
        let mut places = UInt64Builder::with_capacity(list.len());
        let offsets = list.value_offsets();
        for row in 0..list.len() {
            if list.is_null(row) || keys.is_null(row) {
                places.append_null();
                continue;
            }
            let start = offsets.get(row).copied().unwrap_or(0);
            let length = offsets.get(row + 1).copied().unwrap_or(start) - start;
            let key = keys.value(row);
            let at = match self.kind {
                ElementKind::Index | ElementKind::Get => Some(key),
                _ if key > 0 => Some(key - 1),
                _ if key < 0 => length.checked_add(key),
                _ => {
                    return Err(SqlError::new(
                        "INVALID_INDEX_OF_ZERO",
                        "The index 0 is invalid: elements count from 1.",
                    )
                    .into());
                }
            };
            match at.filter(|at| (0..length).contains(at)) {
                Some(at) => places.append_value(u64::try_from(start + at).unwrap_or(0)),
                None if self.ansi && matches!(self.kind, ElementKind::Index | ElementKind::ElementAt) => {
                    let condition = match self.kind {
                        ElementKind::Index => "INVALID_ARRAY_INDEX",
                        _ => "INVALID_ARRAY_INDEX_IN_ELEMENT_AT",
                    };
                    return Err(SqlError::new(
                        condition,
                        format!("The index {key} is out of bounds. The array has {length} elements."),
                    )
                    .into());
                }
                None => places.append_null(),
            }
        }
        Ok(take(list.values(), &places.finish(), None)?)
    }

    fn of_map(&self, container: &ArrayRef, key: &ArrayRef) -> DataFusionResult<ArrayRef> {
        let map = container.as_map();
        let mut places = UInt64Builder::with_capacity(map.len());
        let offsets = map.value_offsets();
        for row in 0..map.len() {
            let mut found = None;
            if map.is_valid(row) && key.is_valid(row) {
                let wanted = key.slice(row, 1);
                let start = offsets.get(row).copied().unwrap_or(0);
                let end = offsets.get(row + 1).copied().unwrap_or(start);
                for at in start..end {
                    let place = usize::try_from(at).unwrap_or(0);
                    if map.keys().slice(place, 1).as_ref() == wanted.as_ref() {
                        found = u64::try_from(at).ok();
                        break;
                    }
                }
            }
            places.append_option(found);
        }
        Ok(take(map.values(), &places.finish(), None)?)
    }
}

/// The number of elements; of NULL it is NULL, without ANSI -1.
pub(super) fn size(container: &ArrayRef, ansi: bool) -> ArrayRef {
    let mut out = Int32Builder::with_capacity(container.len());
    let offsets = match container.data_type() {
        DataType::List(_) => container.as_list::<i32>().value_offsets(),
        DataType::Map(..) => container.as_map().value_offsets(),
        _ => &[],
    };
    for row in 0..container.len() {
        let length = offsets.get(row).zip(offsets.get(row + 1)).map(|(a, b)| b - a);
        let length = length.filter(|_| container.is_valid(row));
        out.append_option(if ansi { length } else { length.or(Some(-1)) });
    }
    Arc::new(out.finish())
}

fn contains(container: &ArrayRef, value: &ArrayRef) -> DataFusionResult<ArrayRef> {
    let list = container.as_list::<i32>();
    let mut out = BooleanBuilder::with_capacity(list.len());
    for row in 0..list.len() {
        if list.is_null(row) || value.is_null(row) {
            out.append_null();
            continue;
        }
        let elements = list.value(row);
        let wanted = value.slice(row, 1);
        let found = (0..elements.len()).any(|at| elements.slice(at, 1).as_ref() == wanted.as_ref());
        // A null element may be the value: without a find the answer is not known.
        out.append_option((found || elements.null_count() == 0).then_some(found));
    }
    Ok(Arc::new(out.finish()))
}
