//! How a file's columns become a table's: found by name, and converted only where Spark's reader gives the same value.
//!
//! Names match without regard to case, in structs too; what a file lacks is null. A file of Hive's, whose columns are
//! all named `_col…`, is read by position.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Decimal128Array, ListArray, MapArray, RecordBatch,
    RecordBatchOptions, StructArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, FieldRef, Fields, Int64Type, Schema, SchemaRef, TimeUnit,
    TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use orc_rust::projection::ProjectionMask;
use orc_rust::proto::Type;
use orc_rust::proto::r#type::Kind;
use orc_rust::schema::RootDataType;
use tidemill_sql::dialect::simple_type_name;

use super::damaged;
use super::schema::{part, spark_type, type_at};
use super::stripe::StripeTimes;
use super::tail::OrcTail;
use crate::{Result, TidemillError};

/// Timestamps are decoded to nanoseconds of this type, which holds all that ORC stores.
const DECODED_TIMESTAMP: DataType = DataType::Decimal128(38, 9);

/// How one column, or a part of it, is made of what was decoded.
#[derive(Debug, PartialEq)]
enum Reading {
    /// As decoded.
    Same,
    /// Cast; a value that does not fit is null.
    Cast(DataType),
    Dates,
    /// Instants; `local` says that they are stored by the writer's time zone.
    Times {
        local: bool,
        zone: Arc<str>,
    },
    /// Microseconds of a local time.
    LocalTimes,
    Struct(Fields, Vec<Option<(usize, Reading)>>),
    List(FieldRef, Box<Reading>),
    Map(FieldRef, Box<Reading>, Box<Reading>),
}

/// How the wanted columns of a table are made of one file's.
#[derive(Debug)]
pub(super) struct TableReading {
    /// The columns that are decoded.
    pub(super) root: RootDataType,
    /// The types they are decoded to.
    pub(super) decoded: SchemaRef,
    wanted: SchemaRef,
    /// For each wanted column the place of the decoded one.
    columns: Vec<Option<(usize, Reading)>>,
}

impl TableReading {
    /// Of these columns of a table.
    ///
    /// # Errors
    /// When a file's type is not read as the table's, or a name is not one column's.
    pub(super) fn new(table: &Schema, wanted: &[usize], tail: &OrcTail) -> Result<Self> {
        let ids = ids(table, wanted, type_at(&tail.types, 0)?)?;
        let all = tail.metadata.root_data_type();
        let chosen = ids.iter().flatten().map(|id| *id as usize);
        let root = all.project(&ProjectionMask::roots(all, chosen));
        let wanted = table.project(wanted).map_err(DataFusionError::from)?;
        let columns =
            wanted
                .fields()
                .iter()
                .zip(ids)
                .map(|(field, id)| -> Result<Option<(usize, Reading)>> {
                    let Some(id) = id else { return Ok(None) };
                    let reading = Reading::of(&tail.types, id, field.data_type(), field.name())?;
                    let mut decoded = root.children().iter();
                    let at = decoded.position(|column| column.data_type().column_index() == id as usize);
                    Ok(at.map(|at| (at, reading)))
                });
        let columns = columns.collect::<Result<_>>()?;
        let decoded = root.create_arrow_schema(&HashMap::new());
        let decoded = decoded.fields().iter().map(|field| decoded_field(field));
        Ok(Self {
            decoded: Arc::new(Schema::new(decoded.collect::<Fields>())),
            root,
            wanted: Arc::new(wanted),
            columns,
        })
    }

    /// The wanted columns of a decoded batch of this many rows.
    pub(super) fn batch(
        &self,
        decoded: &[ArrayRef],
        rows: usize,
        times: &StripeTimes,
    ) -> Result<RecordBatch> {
        let fields = self.wanted.fields().iter().zip(&self.columns);
        let columns = fields
            .map(|(field, column)| read_part(column.as_ref(), field, decoded, rows, times))
            .collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.wanted), columns, &options).map_err(damaged)
    }
}

/// For each wanted column of a table the id of the file's.
fn ids(table: &Schema, wanted: &[usize], root: &Type) -> Result<Vec<Option<u32>>> {
    let names = &root.field_names;
    let by_position = names.iter().all(|name| name.starts_with("_col"));
    if by_position && names.len() > table.fields().len() {
        return Err(TidemillError::invalid(
            "ORC_POSITIONAL_SCHEMA_MISMATCH",
            format!(
                "The schema has {} columns, fewer than the {} of the ORC file, whose columns ({}) have no names: it is not \
                 known which are left out. Write all of them.",
                table.fields().len(),
                names.len(),
                names.join(", ")
            ),
        ));
    }
    let mut ids = Vec::with_capacity(wanted.len());
    for at in wanted {
        let place = match table.fields().get(*at) {
            _ if by_position => (*at < names.len()).then_some(*at),
            Some(field) => place(names, field.name())?,
            None => None,
        };
        ids.push(place.map(|place| part(root, place)).transpose()?);
    }
    Ok(ids)
}

/// The place of a name.
fn place(names: &[String], wanted: &str) -> Result<Option<usize>> {
    let same = |name: &&String| name.eq_ignore_ascii_case(wanted);
    let found: Vec<&str> = names.iter().filter(same).map(String::as_str).collect();
    if found.len() > 1 {
        return Err(TidemillError::invalid(
            "DUPLICATED_FIELD_NAME_IN_FILE",
            format!(
                "Found duplicate field(s) \"{wanted}\": [{}] in case-insensitive mode.",
                found.join(", ")
            ),
        ));
    }
    Ok(names.iter().position(|name| same(&name)))
}

/// The decoder's type for a column of this type.
fn decoded_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Timestamp(..) => DECODED_TIMESTAMP,
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|f| decoded_field(f)).collect()),
        DataType::List(element) => DataType::List(decoded_field(element).into()),
        DataType::Map(entries, sorted) => DataType::Map(decoded_field(entries).into(), *sorted),
        other => other.clone(),
    }
}

fn decoded_field(field: &Field) -> Field {
    field.clone().with_data_type(decoded_type(field.data_type()))
}

impl Reading {
    /// Of the file's type with this column id; `path` names it in errors.
    fn of(types: &[Type], id: u32, wanted: &DataType, path: &str) -> Result<Self> {
        let found = type_at(types, id)?;
        let inner = |at: usize, wanted: &Field| -> Result<Box<Self>> {
            let path = format!("{path}.{}", wanted.name());
            Self::of(types, part(found, at)?, wanted.data_type(), &path).map(Box::new)
        };
        match (found.kind(), wanted) {
            (Kind::Struct, DataType::Struct(fields)) => {
                let parts = fields.iter().map(|field| -> Result<Option<(usize, Self)>> {
                    let Some(at) = place(&found.field_names, field.name())? else {
                        return Ok(None);
                    };
                    Ok(Some((at, *inner(at, field.as_ref())?)))
                });
                Ok(Self::Struct(fields.clone(), parts.collect::<Result<_>>()?))
            }
            (Kind::List, DataType::List(element)) => {
                Ok(Self::List(Arc::clone(element), inner(0, element.as_ref())?))
            }
            (Kind::Map, DataType::Map(entries, false)) => match entries.data_type() {
                DataType::Struct(parts) => match parts.as_ref() {
                    [key, value] => Ok(Self::Map(
                        Arc::clone(entries),
                        inner(0, key.as_ref())?,
                        inner(1, value.as_ref())?,
                    )),
                    _ => Err(mismatch(types, id, wanted, path)),
                },
                _ => Err(mismatch(types, id, wanted, path)),
            },
            (kind, _) => {
                let file = spark_type(types, id, path)?;
                let local = kind == Kind::Timestamp;
                Self::of_primitive(&file, wanted, local).ok_or_else(|| mismatch(types, id, wanted, path))
            }
        }
    }

    fn of_primitive(file: &DataType, wanted: &DataType, local: bool) -> Option<Self> {
        use DataType::{Date32, Int64, Timestamp};
        const MICROS: TimeUnit = TimeUnit::Microsecond;
        match (file, wanted) {
            (Timestamp(_, Some(_)), Timestamp(MICROS, Some(zone))) => Some(Self::Times {
                local,
                zone: Arc::clone(zone),
            }),
            (Timestamp(_, None) | Int64, Timestamp(MICROS, None)) => Some(Self::LocalTimes),
            // They are stored as numbers.
            (Timestamp(_, None), other) => Self::of_primitive(&Int64, other, local),
            (Date32, Date32) => Some(Self::Dates),
            (a, b) if a == b => Some(Self::Same),
            (a, b) => casts(a, b).then(|| Self::Cast(b.clone())),
        }
    }

    fn read(&self, array: &ArrayRef, times: &StripeTimes) -> Result<ArrayRef> {
        Ok(match self {
            Self::Same => Arc::clone(array),
            Self::Cast(wanted) => cast(array, wanted).map_err(damaged)?,
            Self::Dates => {
                let days: &Date32Array = array.as_primitive_opt::<Date32Type>().ok_or_else(undecoded)?;
                Arc::new(days.unary::<_, Date32Type>(|day| times.local.days(day)))
            }
            Self::Times { local, zone } => {
                let nanos: &Decimal128Array =
                    array.as_primitive_opt::<Decimal128Type>().ok_or_else(undecoded)?;
                let writer = if *local { &times.local } else { &times.instant };
                let micros: TimestampMicrosecondArray = nanos.try_unary(|nanos| {
                    let micros = writer.micros(nanos);
                    micros.ok_or_else(|| damaged("a timestamp is out of range"))
                })?;
                Arc::new(micros.with_timezone(Arc::clone(zone)))
            }
            Self::LocalTimes => {
                let micros = array.as_primitive_opt::<Int64Type>().ok_or_else(undecoded)?;
                Arc::new(micros.reinterpret_cast::<TimestampMicrosecondType>())
            }
            Self::Struct(fields, parts) => {
                let found = array.as_struct_opt().ok_or_else(undecoded)?;
                let rows = found.len();
                let arrays = fields
                    .iter()
                    .zip(parts)
                    .map(|(field, part)| read_part(part.as_ref(), field, found.columns(), rows, times))
                    .collect::<Result<_>>()?;
                let nulls = found.nulls().cloned();
                whole(StructArray::try_new_with_length(
                    fields.clone(),
                    arrays,
                    nulls,
                    rows,
                ))?
            }
            Self::List(field, element) => {
                let found = array.as_list_opt::<i32>().ok_or_else(undecoded)?;
                let values = element.read(found.values(), times)?;
                let nulls = found.nulls().cloned();
                whole(ListArray::try_new(
                    Arc::clone(field),
                    found.offsets().clone(),
                    values,
                    nulls,
                ))?
            }
            Self::Map(field, key, value) => {
                let found = array.as_map_opt().ok_or_else(undecoded)?;
                let DataType::Struct(parts) = field.data_type() else {
                    return Err(undecoded());
                };
                let entries = vec![key.read(found.keys(), times)?, value.read(found.values(), times)?];
                let entries = StructArray::try_new(parts.clone(), entries, None).map_err(damaged)?;
                let (offsets, nulls) = (found.offsets().clone(), found.nulls().cloned());
                whole(MapArray::try_new(
                    Arc::clone(field),
                    offsets,
                    entries,
                    nulls,
                    false,
                ))?
            }
        })
    }
}

/// A column, or a part of a struct: null where the file lacks it.
fn read_part(
    part: Option<&(usize, Reading)>,
    field: &Field,
    decoded: &[ArrayRef],
    rows: usize,
    times: &StripeTimes,
) -> Result<ArrayRef> {
    match part {
        Some((at, reading)) => reading.read(decoded.get(*at).ok_or_else(undecoded)?, times),
        None => Ok(new_null_array(field.data_type(), rows)),
    }
}

fn whole<T: Array + 'static>(array: std::result::Result<T, ArrowError>) -> Result<ArrayRef> {
    array.map(|array| Arc::new(array) as ArrayRef).map_err(damaged)
}

fn undecoded() -> TidemillError {
    TidemillError::internal("the ORC decoder gave another type than it was asked for")
}

/// Where a cast of Arrow's gives the value that Spark's reader gives, null for what does not fit included.
fn casts(file: &DataType, wanted: &DataType) -> bool {
    use DataType::{Binary, Boolean, Decimal128, Float32, Float64, Int8, Int16, Int32, Int64, Utf8};
    matches!(
        (file, wanted),
        (
            Int8 | Int16 | Int32 | Int64,
            Boolean | Int8 | Int16 | Int32 | Int64 | Float32 | Float64 | Decimal128(..) | Utf8
        ) | (Boolean, Int8 | Int16 | Int32 | Int64 | Float32 | Float64)
            | (Decimal128(..), Decimal128(..))
            | (Float32, Float64)
            | (Utf8, Binary)
    )
}

fn mismatch(types: &[Type], id: u32, wanted: &DataType, path: &str) -> TidemillError {
    let found = match spark_type(types, id, path) {
        Ok(found) => simple_type_name(&found),
        Err(error) => return error,
    };
    TidemillError::unsupported(
        "UNSUPPORTED_FEATURE.ORC_TYPE_CAST",
        format!(
            "Unable to convert \"{}\" of Orc to data type \"{}\": column `{path}`.",
            found.to_uppercase(),
            simple_type_name(wanted).to_uppercase()
        ),
    )
}
