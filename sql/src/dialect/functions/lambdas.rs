//! Functions that take lambdas: `transform`, `filter`, `exists`, `forall`, `aggregate`, `zip_with`, and those of maps.
//!
//! A lambda is computed for all elements of a batch at once.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, ListArray, UInt64Array, UInt64Builder, new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{cast, take, take_arrays};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::{
    ColumnarValue, HigherOrderFunctionArgs, HigherOrderReturnFieldArgs, HigherOrderSignature, HigherOrderUDF,
    HigherOrderUDFImpl, LambdaArgument, LambdaParametersProgress, ValueOrLambda, Volatility,
};

use super::super::statements::{array, map};
use super::array_shape::range;
use super::arrays::element_field;
use super::fold::aggregate;
use super::maps;
use crate::SqlError;

/// Spark's functions of lambdas that are supported.
pub(crate) const NAMES: [&str; 10] = [
    "aggregate",
    "exists",
    "filter",
    "forall",
    "map_filter",
    "reduce",
    "transform",
    "transform_keys",
    "transform_values",
    "zip_with",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Transform,
    Filter,
    Exists,
    ForAll,
    Aggregate,
    ZipWith,
    MapFilter,
    TransformKeys,
    TransformValues,
}

/// The function of this name.
pub(super) fn function(name: &str) -> Option<Arc<HigherOrderUDF>> {
    let name = NAMES.iter().find(|n| **n == name)?;
    let kind = match *name {
        "transform" => Kind::Transform,
        "filter" => Kind::Filter,
        "exists" => Kind::Exists,
        "forall" => Kind::ForAll,
        "zip_with" => Kind::ZipWith,
        "map_filter" => Kind::MapFilter,
        "transform_keys" => Kind::TransformKeys,
        "transform_values" => Kind::TransformValues,
        _ => Kind::Aggregate,
    };
    Some(Arc::new(HigherOrderUDF::new_from_impl(LambdaFunction {
        name,
        kind,
        signature: HigherOrderSignature::variadic_any(Volatility::Immutable),
    })))
}

/// Refuses a lambda with another number of parameters than the function gives it; `place` counts the lambdas of the call.
///
/// # Errors
/// INVALID_LAMBDA_FUNCTION_CALL, as Spark has it.
pub(crate) fn check_lambda(name: &str, place: usize, parameters: usize) -> Result<(), SqlError> {
    let most = match name {
        "exists" | "forall" => 1,
        "aggregate" | "reduce" if place > 0 => 1,
        _ => 2,
    };
    let least = if matches!(name, "transform" | "filter") {
        1
    } else {
        most
    };
    if !NAMES.contains(&name) {
        return Err(SqlError::new(
            "INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION",
            format!("A lambda function should only be used in a higher order function, but {name} is none."),
        ));
    }
    if (least..=most).contains(&parameters) {
        return Ok(());
    }
    Err(SqlError::new(
        "INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH",
        format!("A higher order function expects {most} arguments, but got {parameters}."),
    ))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct LambdaFunction {
    name: &'static str,
    kind: Kind,
    signature: HigherOrderSignature,
}

/// What an argument that is no lambda holds.
fn values<'a, V, L>(args: &'a [ValueOrLambda<V, L>]) -> Vec<&'a V> {
    let value = |arg: &'a ValueOrLambda<V, L>| match arg {
        ValueOrLambda::Value(value) => Some(value),
        ValueOrLambda::Lambda(_) => None,
    };
    args.iter().filter_map(value).collect()
}

fn lambdas<'a, V, L>(args: &'a [ValueOrLambda<V, L>]) -> Vec<&'a L> {
    let lambda = |arg: &'a ValueOrLambda<V, L>| match arg {
        ValueOrLambda::Lambda(lambda) => Some(lambda),
        ValueOrLambda::Value(_) => None,
    };
    args.iter().filter_map(lambda).collect()
}

fn element(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::List(field) => Some(field.data_type()),
        DataType::Null => Some(data_type),
        _ => None,
    }
}

fn pair(data_type: &DataType) -> Option<(DataType, DataType)> {
    let DataType::Map(entries, _) = data_type else {
        return None;
    };
    match entries.data_type() {
        DataType::Struct(fields) => Some((
            fields.first()?.data_type().clone(),
            fields.get(1)?.data_type().clone(),
        )),
        _ => None,
    }
}

impl LambdaFunction {
    fn unexpected(&self, wanted: &str, found: &DataType) -> SqlError {
        SqlError::new(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            format!(
                "{} requires the \"{wanted}\" type, however it has the type \"{}\".",
                self.name,
                super::type_name(found)
            ),
        )
    }

    /// The types of what the lambdas take.
    fn parameters(&self, types: &[&DataType], lambdas: usize) -> Result<Vec<Vec<DataType>>, SqlError> {
        let array_element = |t: &DataType| element(t).cloned().ok_or_else(|| self.unexpected("ARRAY", t));
        Ok(match (self.kind, types, lambdas) {
            (Kind::Transform | Kind::Filter, [list], 1) => vec![vec![array_element(list)?, DataType::Int32]],
            (Kind::Exists | Kind::ForAll, [list], 1) => vec![vec![array_element(list)?]],
            (Kind::ZipWith, [a, b], 1) => vec![vec![array_element(a)?, array_element(b)?]],
            (Kind::MapFilter | Kind::TransformKeys | Kind::TransformValues, [m], 1) => {
                let (key, value) = pair(m).ok_or_else(|| self.unexpected("MAP", m))?;
                vec![vec![key, value]]
            }
            (Kind::Aggregate, [list, start], 1 | 2) => {
                let merge = vec![(*start).clone(), array_element(list)?];
                let finish = vec![(*start).clone()];
                [merge, finish].into_iter().take(lambdas).collect()
            }
            _ => {
                return Err(SqlError::new(
                    "INVALID_LAMBDA_FUNCTION_CALL.PARAMETER_DOES_NOT_ACCEPT_LAMBDA_FUNCTION",
                    format!(
                        "{} is called with other values and lambdas than it takes.",
                        self.name
                    ),
                ));
            }
        })
    }

    fn result(&self, types: &[&DataType], results: &[&DataType]) -> Result<DataType, SqlError> {
        let parameters = self.parameters(types, results.len())?;
        let first = types.first().copied().unwrap_or(&DataType::Null);
        let result = results.first().copied().unwrap_or(&DataType::Null);
        let is_test = matches!(
            self.kind,
            Kind::Filter | Kind::Exists | Kind::ForAll | Kind::MapFilter
        );
        if is_test && !matches!(result, DataType::Boolean | DataType::Null) {
            return Err(self.unexpected("BOOLEAN", result));
        }
        let of_map = parameters.first().map_or(&[][..], Vec::as_slice);
        Ok(match (self.kind, of_map) {
            (Kind::Exists | Kind::ForAll, _) => DataType::Boolean,
            (Kind::Transform | Kind::ZipWith, _) => array(result.clone()),
            (Kind::TransformKeys, [_, value]) => map(result.clone(), value.clone()),
            (Kind::TransformValues, [key, _]) => map(key.clone(), result.clone()),
            (Kind::Aggregate, [start, _]) => {
                if result != start && *result != DataType::Null {
                    return Err(self.unexpected(&super::type_name(start), result));
                }
                results.get(1).map_or(start, |finished| finished).clone()
            }
            _ => first.clone(),
        })
    }
}

impl HigherOrderUDFImpl for LambdaFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &HigherOrderSignature {
        &self.signature
    }

    fn lambda_parameters(
        &self,
        _step: usize,
        fields: &[ValueOrLambda<FieldRef, Option<FieldRef>>],
    ) -> DataFusionResult<LambdaParametersProgress> {
        let types: Vec<&DataType> = values(fields).into_iter().map(|f| f.data_type()).collect();
        let parameters = self.parameters(&types, lambdas(fields).len())?;
        let field = |data_type: DataType| Arc::new(Field::new("", data_type, true));
        Ok(LambdaParametersProgress::Complete(
            parameters
                .into_iter()
                .map(|types| types.into_iter().map(field).collect())
                .collect(),
        ))
    }

    fn return_field_from_args(&self, args: HigherOrderReturnFieldArgs) -> DataFusionResult<FieldRef> {
        let types: Vec<&DataType> = values(args.arg_fields)
            .into_iter()
            .map(|f| f.data_type())
            .collect();
        let results: Vec<&DataType> = lambdas(args.arg_fields)
            .into_iter()
            .map(|f| f.data_type())
            .collect();
        Ok(Arc::new(Field::new(
            self.name,
            self.result(&types, &results)?,
            true,
        )))
    }

    fn invoke_with_args(&self, args: HigherOrderFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let rows = args.number_rows;
        let result = args.return_type();
        let columns: Vec<ArrayRef> = values(&args.args)
            .into_iter()
            .map(|value| value.to_array(rows))
            .collect::<DataFusionResult<_>>()?;
        let out = match (self.kind, columns.as_slice(), lambdas(&args.args).as_slice()) {
            (Kind::Aggregate, [list, start], [merge, finish @ ..]) => {
                aggregate(list, start, merge, finish.first().copied(), result)?
            }
            (Kind::ZipWith, [a, b], [lambda]) => zip_with(a, b, lambda, result)?,
            (Kind::MapFilter | Kind::TransformKeys | Kind::TransformValues, [map], [lambda]) => {
                self.of_map(map, lambda, result)?
            }
            (_, [list], [lambda]) => self.of_list(list, lambda, result)?,
            _ => {
                return Err(
                    SqlError::new("INTERNAL_ERROR", "a lambda function without its arguments").into(),
                );
            }
        };
        Ok(ColumnarValue::Array(out))
    }
}

/// The elements of the rows' lists, without what lies under null rows.
struct Elements {
    /// Where in the list's values each element is.
    places: UInt64Array,
    /// The row of each element.
    rows: UInt64Array,
    /// The place of each element in its row, from 0.
    indexes: Int32Array,
    lengths: Vec<usize>,
    nulls: NullBuffer,
}

impl Elements {
    fn new(offsets: &[i32], is_valid: impl Fn(usize) -> bool) -> Self {
        let (mut places, mut rows, mut indexes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut lengths, mut valid) = (Vec::new(), Vec::new());
        for row in 0..offsets.len().saturating_sub(1) {
            let all = if is_valid(row) { range(offsets, row) } else { 0..0 };
            lengths.push(all.len());
            valid.push(is_valid(row));
            for (index, place) in all.enumerate() {
                places.push(place as u64);
                rows.push(row as u64);
                indexes.push(i32::try_from(index).unwrap_or(i32::MAX));
            }
        }
        Self {
            places: places.into(),
            rows: rows.into(),
            indexes: indexes.into(),
            lengths,
            nulls: NullBuffer::from(valid),
        }
    }

    /// What the lambda gives for each element.
    fn evaluate(&self, lambda: &LambdaArgument, parameters: &[ArrayRef]) -> DataFusionResult<ArrayRef> {
        let get: Vec<_> = parameters.iter().map(|p| move || Ok(Arc::clone(p))).collect();
        let get: Vec<&dyn Fn() -> DataFusionResult<ArrayRef>> = get.iter().map(|g| g as _).collect();
        let spread = |captures: &[ArrayRef]| Ok(take_arrays(captures, &self.rows, None)?);
        lambda.evaluate(&get, spread)?.into_array(self.places.len())
    }

    /// Lists of values, one for each element.
    fn lists(&self, values: ArrayRef) -> DataFusionResult<ArrayRef> {
        let offsets = OffsetBuffer::from_lengths(self.lengths.iter().copied());
        let (field, nulls) = (element_field(values.data_type()), Some(self.nulls.clone()));
        Ok(Arc::new(ListArray::try_new(field, offsets, values, nulls)?))
    }

    /// The elements that pass.
    fn filtered(mut self, passes: &BooleanArray) -> Self {
        let mut at = 0;
        let mut places = UInt64Builder::new();
        for length in &mut self.lengths {
            let kept = (at..at + *length).filter(|at| passes.is_valid(*at) && passes.value(*at));
            let before = places.values_slice().len();
            kept.for_each(|at| places.append_value(self.places.value(at)));
            at += *length;
            *length = places.values_slice().len() - before;
        }
        self.places = places.finish();
        self
    }
}

fn booleans(values: &ArrayRef) -> DataFusionResult<BooleanArray> {
    Ok(cast(values, &DataType::Boolean)?.as_boolean().clone())
}

impl LambdaFunction {
    fn of_list(
        &self,
        list: &ArrayRef,
        lambda: &LambdaArgument,
        result: &DataType,
    ) -> DataFusionResult<ArrayRef> {
        let Some(list) = list.as_list_opt::<i32>() else {
            return Ok(new_null_array(result, list.len()));
        };
        let elements = Elements::new(list.value_offsets(), |row| list.is_valid(row));
        let values = take(list.values(), &elements.places, None)?;
        let indexes: ArrayRef = Arc::new(elements.indexes.clone());
        let given = elements.evaluate(lambda, &[values, indexes])?;
        match self.kind {
            Kind::Transform => elements.lists(given),
            Kind::Filter => {
                let kept = elements.filtered(&booleans(&given)?);
                let values = take(list.values(), &kept.places, None)?;
                kept.lists(values)
            }
            _ => {
                let tests = booleans(&given)?;
                let decisive = self.kind == Kind::Exists;
                let mut at = 0;
                let mut out = Vec::with_capacity(list.len());
                for (row, length) in elements.lengths.iter().enumerate() {
                    let tests = tests.slice(at, *length);
                    at += length;
                    let decided = tests.iter().any(|test| test == Some(decisive));
                    let known = decided || tests.null_count() == 0;
                    out.push((known && list.is_valid(row)).then_some(decided == decisive));
                }
                Ok(Arc::new(BooleanArray::from(out)))
            }
        }
    }

    fn of_map(
        &self,
        map: &ArrayRef,
        lambda: &LambdaArgument,
        result: &DataType,
    ) -> DataFusionResult<ArrayRef> {
        let map = map.as_map();
        let elements = Elements::new(map.value_offsets(), |row| map.is_valid(row));
        let part = |values: &ArrayRef, at: &UInt64Array| take(values, at, None);
        let keys = part(map.keys(), &elements.places)?;
        let values = part(map.values(), &elements.places)?;
        let given = elements.evaluate(lambda, &[Arc::clone(&keys), Arc::clone(&values)])?;
        let (elements, keys, values) = match self.kind {
            Kind::TransformKeys => (elements, given, values),
            Kind::TransformValues => (elements, keys, given),
            _ => {
                let kept = elements.filtered(&booleans(&given)?);
                let (keys, values) = (part(map.keys(), &kept.places)?, part(map.values(), &kept.places)?);
                (kept, keys, values)
            }
        };
        maps::of(&elements.lists(keys)?, &elements.lists(values)?, result)
    }
}

/// Both lists side by side, the shorter one with nulls at its end.
fn zip_with(
    a: &ArrayRef,
    b: &ArrayRef,
    lambda: &LambdaArgument,
    result: &DataType,
) -> DataFusionResult<ArrayRef> {
    let (Some(a), Some(b)) = (a.as_list_opt::<i32>(), b.as_list_opt::<i32>()) else {
        return Ok(new_null_array(result, a.len()));
    };
    let (mut of_a, mut of_b) = (UInt64Builder::new(), UInt64Builder::new());
    let mut offsets = vec![0];
    let mut total = 0;
    let known = |row| a.is_valid(row) && b.is_valid(row);
    for row in 0..a.len() {
        if known(row) {
            let (in_a, in_b) = (range(a.value_offsets(), row), range(b.value_offsets(), row));
            let length = in_a.len().max(in_b.len());
            for at in 0..length {
                let place = |of: &std::ops::Range<usize>| (at < of.len()).then_some((of.start + at) as u64);
                of_a.append_option(place(&in_a));
                of_b.append_option(place(&in_b));
            }
            total += length;
        }
        offsets.push(i32::try_from(total).unwrap_or(i32::MAX));
    }
    let elements = Elements::new(&offsets, known);
    let left = take(a.values(), &of_a.finish(), None)?;
    let right = take(b.values(), &of_b.finish(), None)?;
    elements.lists(elements.evaluate(lambda, &[left, right])?)
}
