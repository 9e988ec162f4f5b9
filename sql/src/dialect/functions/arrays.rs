//! Functions of arrays and maps: their types, and which computation each is.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use datafusion::common::Result as DataFusionResult;
use datafusion::functions::utils::make_scalar_function;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::super::SqlSettings;
use super::super::analyzer::{is_integer, tightest};
use super::super::statements::{array, map};
use super::rows::row_count;
use super::rows::{Parameter, convert};
use super::{array_build, array_sets, array_shape, maps};
use crate::SqlError;

/// A function of arrays or maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ArrayKind {
    /// `array_distinct(a)`
    Distinct,
    /// `array_union(a, b)`
    Union,
    /// `array_intersect(a, b)`
    Intersect,
    /// `array_except(a, b)`
    Except,
    /// `arrays_overlap(a, b)`
    Overlap,
    /// `array_remove(a, x)`
    Remove,
    /// `array_position(a, x)`
    Position,
    /// `array_max(a)`
    Max,
    /// `array_min(a)`
    Min,
    /// `slice(a, start, length)`
    Slice,
    /// `flatten(a)`
    Flatten,
    /// `array_join(a, delimiter[, for nulls])`
    Join,
    /// `sequence(from, to[, step])`, of whole numbers
    Sequence,
    /// `map_keys(m)`
    MapKeys,
    /// `map_values(m)`
    MapValues,
    /// `map_from_arrays(k, v)`
    MapFromArrays,
    /// `map_from_entries(a)`
    MapFromEntries,
    /// `map_entries(m)`
    MapEntries,
    /// `map_concat(m, …)`
    MapConcat,
    /// `map_contains_key(m, k)`
    MapContainsKey,
    /// `array_append(a, x)`
    Append,
    /// `array_prepend(a, x)`
    Prepend,
    /// `array_insert(a, at, x)`
    Insert,
    /// `array_repeat(x, n)`
    Repeat,
    /// `array_compact(a)`
    Compact,
    /// `array_size(a)`
    Size,
    /// `array_sort(a)`: nulls last
    Sort,
}

/// The function under this name.
pub(super) fn function(name: &'static str, kind: ArrayKind) -> ScalarUDF {
    ScalarUDF::new_from_impl(ArrayFunction {
        name,
        kind,
        signature: Signature::one_of(
            vec![TypeSignature::Nullary, TypeSignature::VariadicAny],
            Volatility::Immutable,
        ),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ArrayFunction {
    name: &'static str,
    kind: ArrayKind,
    signature: Signature,
}

/// The type of an array's elements; of NULL it is NULL.
fn element(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::List(field) => Some(field.data_type()),
        DataType::Null => Some(&DataType::Null),
        _ => None,
    }
}

fn pair(data_type: &DataType) -> Option<(&Field, &Field)> {
    let DataType::Map(entries, _) = data_type else {
        return None;
    };
    match entries.data_type() {
        DataType::Struct(fields) => Some((fields.first()?, fields.get(1)?)),
        _ => None,
    }
}

impl ArrayFunction {
    fn unexpected(&self, wanted: &str, found: &DataType) -> SqlError {
        SqlError::new(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            format!(
                "{} requires the \"{wanted}\" type, however a parameter has the type \"{}\".",
                self.name,
                super::type_name(found)
            ),
        )
    }

    fn different(&self, a: &DataType, b: &DataType) -> SqlError {
        let condition = match self.kind {
            ArrayKind::Remove
            | ArrayKind::Position
            | ArrayKind::Append
            | ArrayKind::Prepend
            | ArrayKind::Insert => "DATATYPE_MISMATCH.ARRAY_FUNCTION_DIFF_TYPES",
            ArrayKind::MapContainsKey => "DATATYPE_MISMATCH.MAP_FUNCTION_DIFF_TYPES",
            ArrayKind::MapConcat => "DATATYPE_MISMATCH.DATA_DIFF_TYPES",
            _ => "DATATYPE_MISMATCH.BINARY_ARRAY_DIFF_TYPES",
        };
        SqlError::new(
            condition,
            format!(
                "Input to function {} should be arrays and elements of one type, but they are \"{}\" and \"{}\".",
                self.name,
                super::type_name(a),
                super::type_name(b)
            ),
        )
    }

    fn no_sequence(&self, data_type: &DataType) -> SqlError {
        if data_type.is_temporal() {
            return SqlError::new(
                "UNSUPPORTED_FEATURE",
                "sequence of dates or times is not supported in the spark dialect yet.",
            );
        }
        SqlError::new(
            "DATATYPE_MISMATCH.SEQUENCE_WRONG_INPUT_TYPES",
            format!(
                "{} uses the wrong parameter type \"{}\": start, stop and step must be whole numbers of one type.",
                self.name,
                super::type_name(data_type)
            ),
        )
    }

    fn element_of<'t>(&self, data_type: &'t DataType) -> Result<&'t DataType, SqlError> {
        element(data_type).ok_or_else(|| self.unexpected("ARRAY", data_type))
    }

    /// The type of the elements that two arguments meet in.
    fn common(&self, a: &DataType, b: &DataType, b_is_array: bool) -> Result<DataType, SqlError> {
        let of_a = self.element_of(a)?;
        let of_b = if b_is_array { self.element_of(b)? } else { b };
        tightest(of_a, of_b).ok_or_else(|| self.different(a, b))
    }

    fn check_ordered(&self, data_type: &DataType) -> Result<(), SqlError> {
        let holds_map = match data_type {
            DataType::Map(..) => true,
            DataType::List(field) => return self.check_ordered(field.data_type()),
            DataType::Struct(fields) => {
                return fields.iter().try_for_each(|f| self.check_ordered(f.data_type()));
            }
            _ => false,
        };
        if holds_map {
            return Err(SqlError::new(
                "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE",
                format!(
                    "The `{}` does not support ordering on type \"{}\".",
                    self.name,
                    super::type_name(data_type)
                ),
            ));
        }
        Ok(())
    }

    /// The types that the arguments are cast to.
    fn wanted(&self, types: &[DataType]) -> Result<Vec<DataType>, SqlError> {
        use ArrayKind as K;
        Ok(match (self.kind, types) {
            (K::Union | K::Intersect | K::Except | K::Overlap, [a, b]) => {
                let common = self.common(a, b, true)?;
                self.check_ordered(&common)?;
                vec![array(common); 2]
            }
            (K::Remove | K::Position, [a, x]) => {
                let common = self.common(a, x, false)?;
                self.check_ordered(&common)?;
                vec![array(common.clone()), common]
            }
            (K::Append | K::Prepend, [a, x]) => {
                let common = self.common(a, x, false)?;
                vec![array(common.clone()), common]
            }
            (K::Insert, [a, _, x]) => {
                let common = self.common(a, x, false)?;
                vec![array(common.clone()), DataType::Int32, common]
            }
            (K::Distinct | K::Max | K::Min | K::Sort, [a]) => {
                let of = self.element_of(a)?;
                self.check_ordered(of)?;
                vec![array(of.clone())]
            }
            (K::Compact | K::Size, [a]) => vec![array(self.element_of(a)?.clone())],
            (K::Repeat, [x, count]) => match count {
                DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Null => {
                    vec![x.clone(), DataType::Int32]
                }
                other => return Err(self.unexpected("INT", other)),
            },
            (K::Slice | K::Flatten | K::Join, _) => return self.wanted_of_shape(types),
            (K::Sequence, [_, _] | [_, _, _]) => self.wanted_of_sequence(types)?,
            _ => return self.wanted_of_maps(types),
        })
    }

    fn wanted_of_sequence(&self, types: &[DataType]) -> Result<Vec<DataType>, SqlError> {
        if let [DataType::Date32, DataType::Date32] = types {
            return Ok(types.to_vec());
        }
        let mut common = DataType::Null;
        for data_type in types {
            common = tightest(&common, data_type)
                .filter(|t| is_integer(t) || *t == DataType::Null)
                .ok_or_else(|| self.no_sequence(data_type))?;
        }
        Ok(vec![common; types.len()])
    }

    /// The same for functions that take or make maps.
    fn wanted_of_maps(&self, types: &[DataType]) -> Result<Vec<DataType>, SqlError> {
        use ArrayKind as K;
        Ok(match (self.kind, types) {
            (K::MapKeys | K::MapValues | K::MapEntries, [m @ DataType::Map(..)]) => vec![m.clone()],
            (K::MapKeys | K::MapValues | K::MapEntries, [other]) => return Err(self.unexpected("MAP", other)),
            (K::MapContainsKey, [_, DataType::Null]) => {
                let message = format!(
                    "Null typed values cannot be used as arguments of `{}`.",
                    self.name
                );
                return Err(SqlError::new("DATATYPE_MISMATCH.NULL_TYPE", message));
            }
            (K::MapContainsKey, [m, key]) => {
                let (of_key, value) = pair(m).ok_or_else(|| self.unexpected("MAP", m))?;
                let common = tightest(of_key.data_type(), key).ok_or_else(|| self.different(m, key))?;
                vec![map(common.clone(), value.data_type().clone()), common]
            }
            (K::MapConcat, []) => Vec::new(),
            (K::MapConcat, [first, others @ ..]) => {
                let wrong = |found: &DataType| {
                    let message = format!(
                        "The `{}` should be of maps, but got \"{}\".",
                        self.name,
                        super::type_name(found)
                    );
                    SqlError::new("DATATYPE_MISMATCH.MAP_CONCAT_DIFF_TYPES", message)
                };
                let (k, v) = pair(first).ok_or_else(|| wrong(first))?;
                let (mut keys, mut values) = (k.data_type().clone(), v.data_type().clone());
                for other in others {
                    let (k, v) = pair(other).ok_or_else(|| wrong(other))?;
                    keys = tightest(&keys, k.data_type()).ok_or_else(|| self.different(first, other))?;
                    values = tightest(&values, v.data_type()).ok_or_else(|| self.different(first, other))?;
                }
                vec![map(keys, values); types.len()]
            }
            (K::MapFromArrays, [k, v]) => {
                vec![
                    array(self.element_of(k)?.clone()),
                    array(self.element_of(v)?.clone()),
                ]
            }
            (K::MapFromEntries, [a]) => match self.element_of(a)? {
                DataType::Struct(fields) if fields.len() == 2 => vec![a.clone()],
                _ => return Err(self.unexpected("ARRAY of pair STRUCT", a)),
            },
            _ => return Err(super::conditional::wrong_count(self.name, types.len())),
        })
    }
}

impl ArrayFunction {
    /// The same for `slice`, `flatten` and `array_join`.
    fn wanted_of_shape(&self, types: &[DataType]) -> Result<Vec<DataType>, SqlError> {
        use ArrayKind as K;
        Ok(match (self.kind, types) {
            (K::Slice, [a, start, length]) => {
                for number in [start, length] {
                    if !Parameter::Int.takes(number) {
                        return Err(self.unexpected("INT", number));
                    }
                }
                vec![
                    array(self.element_of(a)?.clone()),
                    DataType::Int32,
                    DataType::Int32,
                ]
            }
            (K::Flatten, [a]) => match self.element_of(a)? {
                inner @ (DataType::List(_) | DataType::Null) => vec![array(inner.clone())],
                _ => return Err(self.unexpected("ARRAY of ARRAY", a)),
            },
            (K::Join, [a, others @ ..]) => {
                let of = self.element_of(a)?;
                if of.is_nested() {
                    return Err(self.unexpected("ARRAY<STRING>", a));
                }
                if matches!(of, DataType::Timestamp(..) | DataType::Binary) {
                    let message =
                        "array_join of timestamps or bytes is not supported in the spark dialect yet.";
                    return Err(SqlError::new("UNSUPPORTED_FEATURE", message));
                }
                let mut out = vec![array(of.clone())];
                for other in others {
                    if !matches!(other, DataType::Utf8 | DataType::Null) {
                        return Err(self.unexpected("STRING", other));
                    }
                    out.push(DataType::Utf8);
                }
                out
            }
            _ => return Err(super::conditional::wrong_count(self.name, types.len())),
        })
    }
}

impl ScalarUDFImpl for ArrayFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        use ArrayKind as K;
        let wanted = self.wanted(types)?;
        let first = wanted.first().cloned().unwrap_or(DataType::Null);
        Ok(match self.kind {
            K::Sequence => array(first),
            K::Overlap => DataType::Boolean,
            K::Position => DataType::Int64,
            K::Join => DataType::Utf8,
            K::Max | K::Min | K::Flatten => self.element_of(&first)?.clone(),
            K::MapKeys => array(pair(&first).map_or(DataType::Null, |(k, _)| k.data_type().clone())),
            K::MapValues => array(pair(&first).map_or(DataType::Null, |(_, v)| v.data_type().clone())),
            K::MapFromArrays => {
                let values = wanted.get(1).unwrap_or(&DataType::Null);
                map(self.element_of(&first)?.clone(), self.element_of(values)?.clone())
            }
            K::MapFromEntries => match self.element_of(&first)? {
                DataType::Struct(fields) => {
                    let mut types = fields.iter().map(|f| f.data_type().clone());
                    map(
                        types.next().unwrap_or(DataType::Null),
                        types.next().unwrap_or(DataType::Null),
                    )
                }
                other => return Err(self.unexpected("ARRAY of pair STRUCT", other).into()),
            },
            K::MapEntries => match &first {
                DataType::Map(entries, _) => array(entries.data_type().clone()),
                other => return Err(self.unexpected("MAP", other).into()),
            },
            K::MapConcat if wanted.is_empty() => map(DataType::Utf8, DataType::Utf8),
            K::MapContainsKey => DataType::Boolean,
            K::Repeat => array(first),
            K::Size => DataType::Int32,
            _ => first,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let of_wanted = |columns: &[ArrayRef]| {
            let types: Vec<DataType> = columns.iter().map(|c| c.data_type().clone()).collect();
            let columns: Vec<ArrayRef> = columns
                .iter()
                .zip(self.wanted(&types)?)
                .map(|(column, to)| as_wanted(column, to))
                .collect::<DataFusionResult<_>>()?;
            self.compute(&columns, args.return_field.data_type())
        };
        make_scalar_function(of_wanted, Vec::new())(&args.args)
    }
}

impl ArrayFunction {
    fn compute(&self, columns: &[ArrayRef], result: &DataType) -> DataFusionResult<ArrayRef> {
        use ArrayKind as K;
        match (self.kind, columns) {
            (K::Slice, [list, start, length]) => array_shape::slice(list, start, length),
            (K::Flatten, [list]) => array_shape::flatten(list, result),
            (K::Join, [list, others @ ..]) => array_shape::join(list, others),
            (K::Sequence, [from, to, step @ ..]) => array_shape::sequence(from, to, step.first(), result),
            (K::MapKeys, [map]) => maps::part(map, 0, result),
            (K::MapValues, [map]) => maps::part(map, 1, result),
            (K::MapFromArrays, [keys, values]) => maps::of(keys, values, result),
            (K::MapFromEntries, [list]) => maps::from_entries(list, result),
            (K::MapEntries, [map]) => maps::entries(map, result),
            (K::MapConcat, []) => maps::empty(result, row_count(columns)),
            (K::MapConcat, maps) => maps::concat(maps, result),
            (K::MapContainsKey, [map, key]) => maps::contains_key(map, key),
            (K::Append, [list, x]) => array_build::put(list, x, array_build::End::Last),
            (K::Prepend, [list, x]) => array_build::put(list, x, array_build::End::First),
            (K::Insert, [list, at, x]) => array_build::insert(list, at, x),
            (K::Repeat, [x, count]) => array_build::repeat(x, count),
            (K::Compact, [list]) => array_build::compact(list),
            (K::Size, [list]) => Ok(super::element::size(list, true)),
            (kind, [list]) => array_sets::of_one(kind, list),
            (kind, [list, other]) => array_sets::of_two(kind, list, other),
            _ => Err(super::conditional::wrong_count(self.name, columns.len()).into()),
        }
    }
}

/// The column as the type that the function works in: numbers of texts by Spark's cast, else widened.
fn as_wanted(column: &ArrayRef, to: DataType) -> DataFusionResult<ArrayRef> {
    if to.is_nested() {
        return Ok(cast(column, &to)?);
    }
    convert(column, to, &SqlSettings::default())
}

/// A list of the elements, under the field that every array here has.
pub(super) fn element_field(data_type: &DataType) -> Arc<Field> {
    Arc::new(Field::new("element", data_type.clone(), true))
}
