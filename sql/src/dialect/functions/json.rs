//! `from_json` by the decoder of JSON files, and `to_json` by their encoder: a text means what a line of a file means.
//!
//! The options of a call come as names and values after its other arguments.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, StructArray, UInt64Builder};
use arrow::buffer::NullBuffer;
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::SqlSettings;
use super::super::statements::parse_schema_ddl;
use super::simple::{Row, Value};
use crate::SqlError;
use crate::record::{
    JsonDecoder, JsonEncoder, JsonPath, JsonReadOptions, JsonText, JsonWriteOptions, RecordDecoder,
    infer_json_type,
};

/// A function of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum JsonKind {
    /// `from_json(text, schema[, options])`
    From,
    /// `to_json(value[, options])`
    To,
    /// `schema_of_json(text[, options])`
    SchemaOf,
}

/// The function under this name.
pub(super) fn function(name: &'static str, kind: JsonKind, settings: &SqlSettings) -> ScalarUDF {
    ScalarUDF::new_from_impl(JsonFunction {
        name,
        kind,
        zone: settings.time_zone.clone(),
        signature: Signature::variadic_any(Volatility::Immutable),
    })
}

/// `get_json_object(text, path)`
pub(super) fn get_json_object(row: Row<'_>) -> Option<Value> {
    let path = JsonPath::parse(row.text(1)?)?;
    JsonText::read(row.text(0)?)?.find(&path).map(Value::from)
}

/// `json_array_length(text)`
pub(super) fn json_array_length(row: Row<'_>) -> Option<Value> {
    let length = JsonText::read(row.text(0)?)?.array_length()?;
    Some(i32::try_from(length).unwrap_or(i32::MAX).into())
}

/// `json_object_keys(text)`
pub(super) fn json_object_keys(row: Row<'_>) -> Option<Value> {
    JsonText::read(row.text(0)?)?.object_keys().map(Value::from)
}

/// The columns of `json_tuple(text, name, …)`.
pub(super) fn tuple_fields(types: &[DataType]) -> Result<Fields, SqlError> {
    if !types.iter().all(|t| matches!(t, DataType::Utf8 | DataType::Null)) {
        return Err(SqlError::new(
            "DATATYPE_MISMATCH.NON_STRING_TYPE",
            "All arguments of `json_tuple` must be strings.",
        ));
    }
    let names = 0..types.len().saturating_sub(1);
    Ok(names
        .map(|at| Field::new(format!("c{at}"), DataType::Utf8, true))
        .collect())
}

/// The values under these names: of a name that comes twice the last.
pub(super) fn tuple(texts: &ArrayRef, names: &[ArrayRef], rows: usize) -> DataFusionResult<Vec<ArrayRef>> {
    let texts = cast(texts, &DataType::Utf8)?;
    let texts: Vec<Option<JsonText<'_>>> = texts
        .as_string::<i32>()
        .iter()
        .map(|text| JsonText::read(text?))
        .collect();
    let mut out: Vec<ArrayRef> = Vec::with_capacity(names.len());
    for names in names {
        let names = cast(names, &DataType::Utf8)?;
        let names = names.as_string::<i32>();
        let value = |row: usize| {
            let name = names.is_valid(row).then(|| names.value(row))?;
            texts.get(row)?.as_ref()?.field(name)
        };
        out.push(Arc::new((0..rows).map(value).collect::<StringArray>()));
    }
    Ok(out)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct JsonFunction {
    name: &'static str,
    kind: JsonKind,
    zone: String,
    signature: Signature,
}

/// What a text is read as.
enum Wanted {
    /// An object's fields.
    Struct(SchemaRef),
    /// An array or a map, as the only column.
    Value(SchemaRef),
}

impl Wanted {
    fn schema(&self) -> &SchemaRef {
        match self {
            Self::Struct(schema) | Self::Value(schema) => schema,
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Struct(schema) => DataType::Struct(schema.fields().clone()),
            Self::Value(schema) => schema
                .fields()
                .first()
                .map_or(DataType::Null, |f| f.data_type().clone()),
        }
    }
}

impl JsonFunction {
    fn literal<'a>(&self, value: Option<&'a ScalarValue>) -> Result<&'a str, SqlError> {
        match value {
            Some(ScalarValue::Utf8(Some(text))) => Ok(text),
            _ => Err(SqlError::new(
                "UNSUPPORTED_FEATURE",
                format!(
                    "{} with a schema or options that are not literal strings is not supported in the spark dialect.",
                    self.name
                ),
            )),
        }
    }

    /// The options among the literals, from the first of them on.
    fn options(
        &self,
        values: &[Option<&ScalarValue>],
        first: usize,
    ) -> Result<HashMap<String, String>, SqlError> {
        let mut out = HashMap::new();
        for pair in values.get(first..).unwrap_or_default().chunks(2) {
            let name = self.literal(pair.first().copied().flatten())?.to_lowercase();
            out.insert(name, self.literal(pair.get(1).copied().flatten())?.to_owned());
        }
        match out.get("mode") {
            Some(mode) if mode.eq_ignore_ascii_case("DROPMALFORMED") => Err(SqlError::new(
                "PARSE_MODE_UNSUPPORTED",
                "The function `from_json` doesn't support the DROPMALFORMED mode. Acceptable modes are PERMISSIVE and FAILFAST.",
            )),
            _ => Ok(out),
        }
    }

    fn wanted(&self, literals: &[Option<&ScalarValue>]) -> Result<Wanted, SqlError> {
        let text = self.literal(literals.get(1).copied().flatten())?.trim();
        let start = text.to_lowercase();
        let is_named = |name: &str| {
            start
                .strip_prefix(name)
                .is_some_and(|rest| rest.trim_start().starts_with('<'))
        };
        if !is_named("struct")
            && (is_named("array") || is_named("map") || !text.contains(char::is_whitespace))
        {
            let schema = parse_schema_ddl(&format!("value {text}"))?;
            let fields: Vec<FieldRef> = schema.fields().iter().map(nullable).collect();
            let wanted = Wanted::Value(Arc::new(Schema::new(fields)));
            return match wanted.data_type() {
                DataType::List(_) | DataType::Map(..) => Ok(wanted),
                other => Err(self.no_schema(&other)),
            };
        }
        let schema = parse_schema_ddl(text)?;
        let fields: Vec<FieldRef> = schema.fields().iter().map(nullable).collect();
        Ok(Wanted::Struct(Arc::new(Schema::new(fields))))
    }

    fn no_schema(&self, found: &DataType) -> SqlError {
        SqlError::new(
            "DATATYPE_MISMATCH.INVALID_JSON_SCHEMA",
            format!(
                "Input schema \"{}\" of {} must be a struct, an array, a map or a variant.",
                super::type_name(found),
                self.name
            ),
        )
    }

    fn result(&self, types: &[DataType], literals: &[Option<&ScalarValue>]) -> Result<DataType, SqlError> {
        let first = types.first().unwrap_or(&DataType::Null);
        match (self.kind, first) {
            (JsonKind::To, value) => {
                check_writable(value)?;
                let options = self.options(literals, 1)?;
                JsonWriteOptions::from_options(
                    &|name| options.get(&name.to_lowercase()).cloned(),
                    &self.zone,
                )?;
                match value {
                    DataType::Struct(_) | DataType::List(_) | DataType::Map(..) | DataType::Null => {
                        Ok(DataType::Utf8)
                    }
                    other => Err(self.no_schema(other)),
                }
            }
            (_, other) if !matches!(other, DataType::Utf8 | DataType::Null) => Err(SqlError::new(
                "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                format!(
                    "The first parameter of {} requires the \"STRING\" type, however it has the type \"{}\".",
                    self.name,
                    super::type_name(other)
                ),
            )),
            (JsonKind::From, _) => {
                self.options(literals, 2)?;
                Ok(self.wanted(literals)?.data_type())
            }
            (JsonKind::SchemaOf, DataType::Null) => Err(SqlError::new(
                "DATATYPE_MISMATCH.UNEXPECTED_NULL",
                "The `json` of schema_of_json must not be null.",
            )),
            (JsonKind::SchemaOf, _) => match literals.first().copied().flatten() {
                Some(_) => Ok(DataType::Utf8),
                None => Err(SqlError::new(
                    "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
                    "The `json` of schema_of_json must be a literal string.",
                )),
            },
        }
    }
}

/// The field with nulls wherever a text may lack a value, whatever the schema says.
fn nullable(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::List(element) => DataType::List(nullable(element)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(nullable).collect()),
        DataType::Map(entries, sorted) => match entries.data_type() {
            DataType::Struct(pair) => {
                let pair = pair.iter().enumerate().map(|(at, part)| match at {
                    0 => Arc::clone(part),
                    _ => nullable(part),
                });
                let pair = DataType::Struct(pair.collect());
                DataType::Map(Arc::new(entries.as_ref().clone().with_data_type(pair)), *sorted)
            }
            _ => field.data_type().clone(),
        },
        other => other.clone(),
    };
    Arc::new(
        field
            .as_ref()
            .clone()
            .with_data_type(data_type)
            .with_nullable(true),
    )
}

/// Refuses maps whose keys have no text of their own.
fn check_writable(data_type: &DataType) -> Result<(), SqlError> {
    match data_type {
        DataType::List(field) => check_writable(field.data_type()),
        DataType::Struct(fields) => fields.iter().try_for_each(|f| check_writable(f.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.first().is_some_and(|key| key.data_type().is_nested()) => {
                Err(SqlError::new(
                    "UNSUPPORTED_FEATURE",
                    "to_json of a map whose keys are structs, arrays or maps is not supported in the spark dialect.",
                ))
            }
            DataType::Struct(pair) => pair.iter().try_for_each(|f| check_writable(f.data_type())),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

impl ScalarUDFImpl for JsonFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        Ok(self.result(types, &[])?)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> DataFusionResult<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|f| f.data_type().clone()).collect();
        let result = self.result(&types, args.scalar_arguments)?;
        Ok(Arc::new(Field::new(self.name, result, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let Some(first) = args.args.first() else {
            return Err(super::conditional::wrong_count(self.name, 0).into());
        };
        let is_scalar = matches!(first, ColumnarValue::Scalar(_));
        let rows = if is_scalar { 1 } else { args.number_rows };
        let values = first.clone().into_array(rows)?;
        let literals: Vec<Option<&ScalarValue>> = args
            .args
            .iter()
            .map(|a| match a {
                ColumnarValue::Scalar(value) => Some(value),
                ColumnarValue::Array(_) => None,
            })
            .collect();
        let out = match self.kind {
            JsonKind::From => {
                let options = self.options(&literals, 2)?;
                from_json(&values, &self.wanted(&literals)?, &options, &self.zone)?
            }
            JsonKind::To => to_json(&values, &self.options(&literals, 1)?, &self.zone)?,
            JsonKind::SchemaOf => {
                let options = self.options(&literals, 1)?;
                let text = self.literal(literals.first().copied().flatten())?;
                Arc::new(StringArray::from(vec![schema_of(text, &options, &self.zone)?]))
            }
        };
        Ok(if is_scalar {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&out, 0)?)
        } else {
            ColumnarValue::Array(out)
        })
    }
}

fn arrow_error(error: ArrowError) -> SqlError {
    SqlError::new("INTERNAL_ERROR", error.to_string())
}

fn from_json(
    values: &ArrayRef,
    wanted: &Wanted,
    options: &HashMap<String, String>,
    zone: &str,
) -> Result<ArrayRef, SqlError> {
    let get = |name: &str| options.get(&name.to_lowercase()).cloned();
    let options = JsonReadOptions::from_options(&get, zone)?;
    let schema = wanted.schema();
    let rows = values.len();
    let mut decoder = JsonDecoder::new(Arc::clone(schema), options)?
        .with_batch_rows(rows + 1)
        .of_texts();
    let mut places = UInt64Builder::with_capacity(rows);
    let mut read = 0;
    for row in 0..rows {
        let text = values.as_string_opt::<i32>().filter(|t| t.is_valid(row));
        let is_there = match (text, wanted) {
            (Some(text), Wanted::Struct(_)) => decoder.object(text.value(row).as_bytes())?,
            (Some(text), Wanted::Value(_)) => decoder.value(text.value(row).as_bytes())?,
            (None, _) => false,
        };
        places.append_option(is_there.then_some(read));
        read += u64::from(is_there);
    }
    let batch = decoder
        .flush()?
        .unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(schema)));
    let places = places.finish();
    let columns: Vec<ArrayRef> = batch
        .columns()
        .iter()
        .map(|column| take(column, &places, None))
        .collect::<Result<_, _>>()
        .map_err(arrow_error)?;
    if let (Wanted::Value(_), [column]) = (wanted, columns.as_slice()) {
        return Ok(Arc::clone(column));
    }
    let known: Vec<bool> = (0..rows).map(|row| places.is_valid(row)).collect();
    let nulls = Some(NullBuffer::from(known));
    let out = StructArray::try_new_with_length(schema.fields().clone(), columns, nulls, rows);
    Ok(Arc::new(out.map_err(arrow_error)?))
}

fn to_json(values: &ArrayRef, options: &HashMap<String, String>, zone: &str) -> Result<ArrayRef, SqlError> {
    let get = |name: &str| options.get(&name.to_lowercase()).cloned();
    let options = JsonWriteOptions::from_options(&get, zone)?;
    if *values.data_type() == DataType::Null {
        return Ok(arrow::array::new_null_array(&DataType::Utf8, values.len()));
    }
    let mut encoder = JsonEncoder::new(&Arc::new(Schema::empty()), options)?;
    Ok(Arc::new(StringArray::from(encoder.texts(values)?)))
}

/// The type of a text's value, as DDL.
fn schema_of(text: &str, options: &HashMap<String, String>, zone: &str) -> Result<String, SqlError> {
    let get = |name: &str| options.get(&name.to_lowercase()).cloned();
    let options = JsonReadOptions::from_options(&get, zone)?;
    if JsonText::read(text).is_none() && infer_json_type(text, &options).is_none() {
        return Err(SqlError::new(
            "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
            format!("The text of schema_of_json is no JSON: {text}"),
        ));
    }
    Ok(infer_json_type(text, &options).map_or_else(|| "STRUCT<>".to_owned(), |t| ddl(&t)))
}

fn ddl(data_type: &DataType) -> String {
    match data_type {
        DataType::List(field) => format!("ARRAY<{}>", ddl(field.data_type())),
        DataType::Struct(fields) => {
            let name = |name: &str| {
                let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                    && name.starts_with(|c: char| !c.is_ascii_digit());
                if is_plain {
                    name.to_owned()
                } else {
                    format!("`{}`", name.replace('`', "``"))
                }
            };
            let part = |f: &FieldRef| format!("{}: {}", name(f.name()), ddl(f.data_type()));
            let parts: Vec<String> = fields.iter().map(part).collect();
            format!("STRUCT<{}>", parts.join(", "))
        }
        other => super::type_name(other),
    }
}
