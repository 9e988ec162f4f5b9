//! Functions of plain values: what they take and give stands in the list, and a row is computed by a function of ours or of
//! DataFusion's.
//!
//! Arguments are cast to their parameters' types first, as Spark casts implicitly; NULL for one is NULL in most of them.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryBuilder, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder,
    StringBuilder, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};

use super::super::SqlSettings;
use super::format_string::Printed;
use super::rows::{Parameter, Rows};
use super::strings::string_list;
use crate::SqlError;

/// What a function gives for a row: nothing is NULL.
pub(super) enum Value {
    Text(String),
    Texts(Vec<String>),
    Int(i32),
    Long(i64),
    Double(f64),
    Boolean(bool),
    Bytes(Vec<u8>),
    Failed(SqlError),
}

macro_rules! values {
    ($($type:ty => $variant:ident,)*) => {
        $(impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        })*
    };
}

values! {
    String => Text,
    Vec<String> => Texts,
    i32 => Int,
    i64 => Long,
    f64 => Double,
    bool => Boolean,
    Vec<u8> => Bytes,
    SqlError => Failed,
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// The arguments of one row.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    rows: &'a Rows,
    row: usize,
    /// Whether what does not fit is an error.
    pub(super) ansi: bool,
}

impl<'a> Row<'a> {
    /// How many arguments there are.
    pub(super) fn width(&self) -> usize {
        self.rows.width()
    }

    pub(super) fn text(&self, at: usize) -> Option<&'a str> {
        self.rows.text(at, self.row)
    }

    pub(super) fn int(&self, at: usize) -> Option<i32> {
        self.rows.int(at, self.row)
    }

    pub(super) fn long(&self, at: usize) -> Option<i64> {
        self.rows.long(at, self.row)
    }

    pub(super) fn double(&self, at: usize) -> Option<f64> {
        self.rows.double(at, self.row)
    }

    pub(super) fn boolean(&self, at: usize) -> Option<bool> {
        self.rows.boolean(at, self.row)
    }

    /// The value in a column of [`Parameter::Printable`].
    pub(super) fn printed(&self, at: usize) -> Printed<'a> {
        self.rows.printed(at, self.row)
    }

    pub(super) fn bytes(&self, at: usize) -> Option<&'a [u8]> {
        self.rows.bytes(at, self.row)
    }
}

/// What computes a row.
pub(super) type RowFunction = for<'a> fn(Row<'a>) -> Option<Value>;

#[derive(Clone, Copy)]
enum How {
    Row(RowFunction),
    DataFusion(fn() -> Arc<ScalarUDF>),
}

/// A function of the list: what it takes, what it gives, and what computes it.
#[derive(Clone, Copy)]
pub(super) struct Simple {
    result: Parameter,
    parameters: &'static [Parameter],
    how: How,
}

/// A function computed here, row by row. More arguments than parameters are of the last parameter's type.
pub(super) const fn by_row(
    result: Parameter,
    parameters: &'static [Parameter],
    function: RowFunction,
) -> Simple {
    Simple {
        result,
        parameters,
        how: How::Row(function),
    }
}

/// A function of DataFusion's over arguments of these types.
pub(super) const fn of_datafusion(
    result: Parameter,
    parameters: &'static [Parameter],
    function: fn() -> Arc<ScalarUDF>,
) -> Simple {
    Simple {
        result,
        parameters,
        how: How::DataFusion(function),
    }
}

/// The function under this name.
pub(super) fn function(
    name: &'static str,
    simple: Simple,
    volatility: Volatility,
    settings: &SqlSettings,
) -> ScalarUDF {
    ScalarUDF::new_from_impl(SimpleFunction {
        name,
        simple,
        ansi: settings.ansi,
        zone: settings.time_zone.clone(),
        signature: Signature::one_of(
            vec![TypeSignature::Nullary, TypeSignature::VariadicAny],
            volatility,
        ),
    })
}

struct SimpleFunction {
    name: &'static str,
    simple: Simple,
    ansi: bool,
    zone: String,
    signature: Signature,
}

impl SimpleFunction {
    /// What two functions differ in: the name says the rest.
    fn key(&self) -> (&str, bool, &str) {
        (self.name, self.ansi, &self.zone)
    }

    fn settings(&self) -> SqlSettings {
        SqlSettings {
            ansi: self.ansi,
            time_zone: self.zone.clone(),
            ..SqlSettings::default()
        }
    }

    fn parameter(&self, at: usize) -> Parameter {
        let parameters = self.simple.parameters;
        let last = parameters.last().copied().unwrap_or(Parameter::Any);
        parameters.get(at).copied().unwrap_or(last)
    }

    fn unexpected(&self, at: usize, found: &DataType) -> SqlError {
        if self.parameter(at).is_narrower() && !found.is_nested() {
            return SqlError::new(
                "UNSUPPORTED_FEATURE",
                format!(
                    "{} of \"{}\" is not supported in the spark dialect yet: cast it.",
                    self.name,
                    super::type_name(found)
                ),
            );
        }
        SqlError::new(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
            format!(
                "Parameter {} of {} requires the \"{}\" type, however it has the type \"{}\".",
                at + 1,
                self.name,
                self.parameter(at).wanted(),
                super::type_name(found)
            ),
        )
    }
}

impl std::fmt::Debug for SimpleFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SimpleFunction").field(&self.key()).finish()
    }
}

impl PartialEq for SimpleFunction {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for SimpleFunction {}

impl Hash for SimpleFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl ScalarUDFImpl for SimpleFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> DataFusionResult<DataType> {
        for (at, found) in types.iter().enumerate() {
            if !self.parameter(at).takes(found) {
                return Err(self.unexpected(at, found).into());
            }
        }
        Ok(self.simple.result.data_type().unwrap_or(DataType::Null))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let parameter = |at| self.parameter(at);
        let rows = Rows::new(&args.args, args.number_rows, parameter, &self.settings())?;
        let out = match self.simple.how {
            How::Row(function) => self.by_row(function, &rows)?,
            How::DataFusion(function) => self.by_datafusion(&function(), &rows, args)?,
        };
        rows.finish(out)
    }
}

impl SimpleFunction {
    fn by_row(&self, function: RowFunction, rows: &Rows) -> DataFusionResult<ArrayRef> {
        let mut out = Output::new(self.simple.result, rows.count);
        for row in 0..rows.count {
            let value = function(Row {
                rows,
                row,
                ansi: self.ansi,
            });
            out.append(value)?;
        }
        Ok(out.finish())
    }

    fn by_datafusion(
        &self,
        function: &ScalarUDF,
        rows: &Rows,
        args: ScalarFunctionArgs,
    ) -> DataFusionResult<ArrayRef> {
        let arg_fields: Vec<FieldRef> = rows
            .columns()
            .iter()
            .map(|c| Arc::new(Field::new("", c.data_type().clone(), true)))
            .collect();
        let return_field = function.return_field_from_args(ReturnFieldArgs {
            arg_fields: &arg_fields,
            scalar_arguments: &vec![None; arg_fields.len()],
        })?;
        let out = function.invoke_with_args(ScalarFunctionArgs {
            args: rows.columns().iter().cloned().map(ColumnarValue::Array).collect(),
            arg_fields,
            number_rows: rows.count,
            return_field,
            config_options: args.config_options,
        })?;
        let wanted = args.return_field.data_type();
        Ok(cast(&out.into_array(rows.count)?, wanted)?)
    }
}

/// The results of the rows, in the type that the function gives.
enum Output {
    Text(StringBuilder),
    Texts(arrow::array::ListBuilder<StringBuilder>),
    Int(Int32Builder),
    Long(Int64Builder),
    Double(Float64Builder),
    Boolean(BooleanBuilder),
    Bytes(BinaryBuilder),
    /// Only nulls.
    Nothing(usize),
}

impl Output {
    fn new(result: Parameter, rows: usize) -> Self {
        match result {
            Parameter::Text | Parameter::Chars => Self::Text(StringBuilder::with_capacity(rows, rows * 16)),
            Parameter::Texts => Self::Texts(string_list()),
            Parameter::Int => Self::Int(Int32Builder::with_capacity(rows)),
            Parameter::Long => Self::Long(Int64Builder::with_capacity(rows)),
            Parameter::Double => Self::Double(Float64Builder::with_capacity(rows)),
            Parameter::Boolean => Self::Boolean(BooleanBuilder::with_capacity(rows)),
            Parameter::Bytes | Parameter::TextBytes => {
                Self::Bytes(BinaryBuilder::with_capacity(rows, rows * 16))
            }
            Parameter::Any | Parameter::Printable => Self::Nothing(0),
        }
    }

    fn append(&mut self, value: Option<Value>) -> Result<(), SqlError> {
        match (self, value) {
            (_, Some(Value::Failed(error))) => return Err(error),
            (Self::Text(out), Some(Value::Text(value))) => out.append_value(value),
            (Self::Texts(out), Some(Value::Texts(values))) => {
                values.into_iter().for_each(|v| out.values().append_value(v));
                out.append(true);
            }
            (Self::Int(out), Some(Value::Int(value))) => out.append_value(value),
            (Self::Long(out), Some(Value::Long(value))) => out.append_value(value),
            (Self::Double(out), Some(Value::Double(value))) => out.append_value(value),
            (Self::Boolean(out), Some(Value::Boolean(value))) => out.append_value(value),
            (Self::Bytes(out), Some(Value::Bytes(value))) => out.append_value(value),
            (Self::Nothing(rows), _) => *rows += 1,
            (out, None) => out.append_null(),
            (_, Some(_)) => {
                return Err(SqlError::new(
                    "INTERNAL_ERROR",
                    "a value of another type than its function's",
                ));
            }
        }
        Ok(())
    }

    fn append_null(&mut self) {
        match self {
            Self::Text(out) => out.append_null(),
            Self::Texts(out) => out.append(false),
            Self::Int(out) => out.append_null(),
            Self::Long(out) => out.append_null(),
            Self::Double(out) => out.append_null(),
            Self::Boolean(out) => out.append_null(),
            Self::Bytes(out) => out.append_null(),
            Self::Nothing(rows) => *rows += 1,
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Text(mut out) => Arc::new(out.finish()),
            Self::Texts(mut out) => Arc::new(out.finish()),
            Self::Int(mut out) => Arc::new(out.finish()),
            Self::Long(mut out) => Arc::new(out.finish()),
            Self::Double(mut out) => Arc::new(out.finish()),
            Self::Boolean(mut out) => Arc::new(out.finish()),
            Self::Bytes(mut out) => Arc::new(out.finish()),
            Self::Nothing(rows) => new_null_array(&DataType::Null, rows),
        }
    }
}
