//! What makes rows of a value: `explode`, `posexplode`, `inline`, `stack` and their outer forms.
//!
//! A generator's call becomes a function that gives, for each row, the array of the rows it makes, as structs with Spark's
//! column names; an unnest over it, planned elsewhere, makes rows of them. An outer one gives a row of nulls for no row.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int32Builder, ListArray, StructArray, UInt64Builder, new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{interleave, take};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::rows::check_count;
use crate::SqlError;

/// Spark's generators that are supported.
pub(crate) const NAMES: [&str; 8] = [
    "explode",
    "explode_outer",
    "inline",
    "inline_outer",
    "json_tuple",
    "posexplode",
    "posexplode_outer",
    "stack",
];

/// The start of the name under which a generator is called; its name, perhaps the rows of `stack`, and perhaps `outer` follow.
pub(crate) const PREFIX: &str = "__generate ";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// Of an array `col`, of a map `key` and `value`; with `pos` before them.
    Explode { with_position: bool },
    /// The fields of the structs in an array.
    Inline,
    /// That many rows of the values.
    Stack(usize),
    /// One row: the values of a JSON object's fields.
    JsonTuple,
}

/// The function for what follows the prefix.
pub(super) fn function(text: &str) -> Option<ScalarUDF> {
    let mut words = text.split(' ');
    let name = words.next()?;
    let mut outer = name.ends_with("_outer");
    let mut rows = 0;
    for word in words {
        match word.parse() {
            Ok(number) => rows = number,
            Err(_) => outer |= word == "outer",
        }
    }
    let kind = match name.trim_end_matches("_outer") {
        "explode" => Kind::Explode { with_position: false },
        "posexplode" => Kind::Explode { with_position: true },
        "inline" => Kind::Inline,
        "json_tuple" => Kind::JsonTuple,
        "stack" if rows > 0 => Kind::Stack(rows),
        _ => return None,
    };
    Some(ScalarUDF::new_from_impl(Generator {
        call: format!("{PREFIX}{text}"),
        generator: name.to_owned(),
        kind,
        outer,
        signature: Signature::one_of(
            vec![TypeSignature::Nullary, TypeSignature::VariadicAny],
            Volatility::Immutable,
        ),
    }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Generator {
    call: String,
    generator: String,
    kind: Kind,
    outer: bool,
    signature: Signature,
}

impl Generator {
    /// The columns of the rows.
    fn fields(&self, types: &[DataType]) -> DataFusionResult<Fields> {
        if let Kind::Stack(rows) = self.kind {
            return Ok(stack_fields(types, rows)?);
        }
        if self.kind == Kind::JsonTuple {
            return Ok(super::json::tuple_fields(types)?);
        }
        check_count(&self.generator, types.len(), 1..=1)?;
        let container = types.first().unwrap_or(&DataType::Null);
        let column = |name: &str, data_type: &DataType| Field::new(name, data_type.clone(), true);
        let mut out = Vec::new();
        match (self.kind, container) {
            (Kind::Inline, DataType::List(element)) => match element.data_type() {
                DataType::Struct(fields) => {
                    out.extend(fields.iter().map(|f| column(f.name(), f.data_type())));
                }
                _ => return Err(self.unexpected("\"ARRAY<STRUCT>\"", container).into()),
            },
            (Kind::Inline, _) => return Err(self.unexpected("\"ARRAY<STRUCT>\"", container).into()),
            (Kind::Explode { with_position }, DataType::List(_) | DataType::Map(..)) => {
                if with_position {
                    out.push(column("pos", &DataType::Int32));
                }
                match container {
                    DataType::List(element) => out.push(column("col", element.data_type())),
                    DataType::Map(entries, _) => {
                        if let DataType::Struct(pair) = entries.data_type() {
                            let names = ["key", "value"].into_iter().zip(pair);
                            out.extend(names.map(|(name, f)| column(name, f.data_type())));
                        }
                    }
                    _ => {}
                }
            }
            _ => return Err(self.unexpected("(\"ARRAY\" or \"MAP\")", container).into()),
        }
        Ok(out.into())
    }

    fn unexpected(&self, wanted: &str, found: &DataType) -> SqlError {
        SqlError::new(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            format!(
                "The first parameter of {} requires the {wanted} type, however it has the type \"{}\".",
                self.generator,
                super::type_name(found)
            ),
        )
    }

    /// The rows of the elements of an array or a map.
    fn of_container(&self, container: &ArrayRef, fields: &Fields) -> DataFusionResult<ArrayRef> {
        let (offsets, values): (&[i32], Vec<ArrayRef>) = match container.data_type() {
            DataType::Map(..) => {
                let map = container.as_map();
                (map.value_offsets(), map.entries().columns().to_vec())
            }
            _ => {
                let list = container.as_list::<i32>();
                (list.value_offsets(), vec![Arc::clone(list.values())])
            }
        };
        // The structs of inline are taken apart; one that is null makes a row of nulls.
        let structs = match (self.kind, values.first()) {
            (Kind::Inline, Some(values)) => values.as_struct_opt(),
            _ => None,
        };
        let mut places = UInt64Builder::new();
        let mut positions = Int32Builder::new();
        let mut lengths = Vec::with_capacity(container.len());
        for (row, ends) in offsets.windows(2).enumerate() {
            let &[start, end] = ends else {
                continue;
            };
            let end = if container.is_valid(row) { end } else { start };
            for at in start..end {
                let place = usize::try_from(at).unwrap_or(0);
                let is_there = structs.is_none_or(|s| s.is_valid(place));
                places.append_option(is_there.then_some(place as u64));
                positions.append_value(at - start);
            }
            let mut length = usize::try_from(end - start).unwrap_or(0);
            if length == 0 && self.outer {
                places.append_null();
                positions.append_null();
                length = 1;
            }
            lengths.push(length);
        }
        let places = places.finish();
        let values = structs.map_or(values.clone(), |s| s.columns().to_vec());
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(fields.len());
        if self.kind == (Kind::Explode { with_position: true }) {
            columns.push(Arc::new(positions.finish()));
        }
        for value in &values {
            columns.push(take(value, &places, None)?);
        }
        rows_of(fields, columns, lengths)
    }
}

impl ScalarUDFImpl for Generator {
    fn name(&self) -> &str {
        &self.call
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        Ok(list_of(&self.fields(types)?))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let rows = args.number_rows;
        let columns: Vec<ArrayRef> = args
            .args
            .iter()
            .map(|a| a.clone().into_array(rows))
            .collect::<DataFusionResult<_>>()?;
        let types: Vec<DataType> = columns.iter().map(|c| c.data_type().clone()).collect();
        let fields = self.fields(&types)?;
        let out = match (self.kind, columns.first()) {
            (Kind::Stack(high), _) => stack(&columns, high, rows, &fields)?,
            (Kind::JsonTuple, Some(texts)) => {
                let names = columns.get(1..).unwrap_or_default();
                rows_of(&fields, super::json::tuple(texts, names, rows)?, vec![1; rows])?
            }
            (_, Some(container)) => self.of_container(container, &fields)?,
            (_, None) => return Err(super::conditional::wrong_count(&self.generator, 0).into()),
        };
        Ok(ColumnarValue::Array(out))
    }
}

fn list_of(fields: &Fields) -> DataType {
    DataType::List(Arc::new(Field::new(
        "element",
        DataType::Struct(fields.clone()),
        true,
    )))
}

/// Arrays of these lengths over rows.
fn rows_of(fields: &Fields, columns: Vec<ArrayRef>, lengths: Vec<usize>) -> DataFusionResult<ArrayRef> {
    let count = lengths.iter().sum();
    let values = StructArray::try_new_with_length(fields.clone(), columns, None, count)?;
    let field = Arc::new(Field::new("element", values.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(
        field,
        offsets,
        Arc::new(values),
        None,
    )?))
}

/// How many columns the values make in that many rows.
const fn stack_width(values: usize, rows: usize) -> usize {
    values.div_ceil(rows)
}

fn stack_fields(types: &[DataType], rows: usize) -> Result<Fields, SqlError> {
    let width = stack_width(types.len(), rows);
    let mut out = Vec::with_capacity(width);
    for column in 0..width {
        let mut found = DataType::Null;
        for data_type in types.iter().skip(column).step_by(width) {
            if found != DataType::Null && *data_type != DataType::Null && found != *data_type {
                return Err(SqlError::new(
                    "DATATYPE_MISMATCH.STACK_COLUMN_DIFF_TYPES",
                    format!(
                        "The data type of the column ({column}) do not have the same type: \"{}\" <> \"{}\".",
                        super::type_name(&found),
                        super::type_name(data_type)
                    ),
                ));
            }
            if found == DataType::Null {
                found = data_type.clone();
            }
        }
        out.push(Field::new(format!("col{column}"), found, true));
    }
    Ok(out.into())
}

fn stack(columns: &[ArrayRef], high: usize, rows: usize, fields: &Fields) -> DataFusionResult<ArrayRef> {
    let width = stack_width(columns.len(), high);
    let places: Vec<(usize, usize)> = (0..rows)
        .flat_map(|row| (0..high).map(move |line| (line, row)))
        .collect();
    let mut out = Vec::with_capacity(width);
    for (column, field) in fields.iter().enumerate() {
        let values: Vec<ArrayRef> = (0..high)
            .map(|line| match columns.get(line * width + column) {
                Some(values) if values.data_type() == field.data_type() => Arc::clone(values),
                _ => new_null_array(field.data_type(), rows),
            })
            .collect();
        let values: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
        out.push(interleave(&values, &places)?);
    }
    rows_of(fields, out, vec![high; rows])
}
