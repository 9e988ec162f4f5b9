//! Partition columns: what the folders `k=v` between a base path and a file say.
//!
//! Read as Spark reads them: from the file's folder upwards to the base path, the first unbroken run of `k=v` names
//! counts; names and values are percent-unescaped; `__HIVE_DEFAULT_PARTITION__` is null.

use std::collections::BTreeSet;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit};
use datafusion::common::ScalarValue;

use super::partition_type::PartitionType;
use crate::{FileUri, Result, TidemillError};

/// What stands for null in a folder's name.
const NULL_NAME: &str = "__HIVE_DEFAULT_PARTITION__";

/// The columns that one folder names, outermost first, with their unescaped values (none for null).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Folder {
    columns: Vec<(String, Option<String>)>,
    /// The part of the path before the first column.
    table: String,
}

/// Reads the folders of a path below its base.
fn parse(base: &FileUri, folder: &FileUri) -> Result<Folder> {
    let below = base.relative(folder).unwrap_or_default();
    let mut columns = Vec::new();
    let elements: Vec<&str> = below.split('/').filter(|e| !e.is_empty()).collect();
    let mut rest = elements.len();
    for element in elements.iter().rev() {
        match parse_element(element)? {
            Some(column) => columns.push(column),
            None if columns.is_empty() => {}
            None => break,
        }
        rest -= 1;
    }
    columns.reverse();
    let table = elements.get(..rest).unwrap_or_default().join("/");
    Ok(Folder { columns, table })
}

fn parse_element(element: &str) -> Result<Option<(String, Option<String>)>> {
    let Some((name, value)) = element.split_once('=') else {
        return Ok(None);
    };
    if name.is_empty() || value.is_empty() {
        let (condition, what) = if value.is_empty() {
            ("EMPTY_PARTITION_COLUMN_VALUE", "value")
        } else {
            ("EMPTY_PARTITION_COLUMN_NAME", "name")
        };
        return Err(TidemillError::invalid(
            condition,
            format!("Found an empty partition column {what} in the path segment '{element}'."),
        ));
    }
    let value = (value != NULL_NAME).then(|| unescape(value));
    Ok(Some((unescape(name), value)))
}

/// Hadoop's and Hive's escape: `%` and two hexadecimal digits are one character; anything else stays.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let code = after
            .get(1..3)
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(code) => {
                out.push(char::from(code));
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                out.push('%');
                rest = after.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

/// Whether any of the folders (each with its base path) names a partition column.
///
/// # Errors
/// `CONFLICTING_DIRECTORY_STRUCTURES` and `CONFLICTING_PARTITION_COLUMN_NAMES`, as Spark.
pub(super) fn check_folders(folders: &[(&FileUri, &FileUri)]) -> Result<bool> {
    let parsed = folders
        .iter()
        .map(|(base, folder)| Ok((*base, parse(base, folder)?)))
        .collect::<Result<Vec<_>>>()?;
    if parsed.iter().all(|(_, folder)| folder.columns.is_empty()) {
        return Ok(false);
    }
    let tables: BTreeSet<String> = parsed
        .iter()
        .map(|(base, folder)| base.join(&folder.table).to_description())
        .collect();
    if tables.len() > 1 {
        let paths: Vec<String> = tables.into_iter().collect();
        return Err(TidemillError::invalid(
            "CONFLICTING_DIRECTORY_STRUCTURES",
            format!(
                "Conflicting directory structures detected.\nSuspicious paths:\n\t{}\nIf provided paths are partition \
                 directories, please set \"basePath\" in the options of the data source to specify the root \
                 directory of the table. If there are multiple root directories, please load them separately and \
                 then union them.",
                paths.join("\n\t")
            ),
        ));
    }
    let lists: BTreeSet<String> = parsed
        .iter()
        .map(|(_, folder)| {
            let names: Vec<&str> = folder.columns.iter().map(|(name, _)| name.as_str()).collect();
            names.join(", ")
        })
        .collect();
    if lists.len() > 1 {
        let lists: Vec<String> = lists.into_iter().collect();
        return Err(TidemillError::invalid(
            "CONFLICTING_PARTITION_COLUMN_NAMES",
            format!(
                "Conflicting partition column names detected:\n\t{}\nFor partitioned table directories, data files \
                 should only live in leaf directories. And directories at the same level should have the same \
                 partition column name.",
                lists.join("\n\t")
            ),
        ));
    }
    Ok(true)
}

/// The partition columns that these folders name, typed by the user's schema, else by their values.
pub(super) fn infer_columns(
    folders: &[(FileUri, FileUri)],
    user: Option<&Schema>,
    infer_types: bool,
) -> Result<Vec<FieldRef>> {
    let mut names: Vec<String> = Vec::new();
    let mut types: Vec<PartitionType> = Vec::new();
    for (base, folder) in folders {
        for (at, (name, value)) in parse(base, folder)?.columns.into_iter().enumerate() {
            let found = match value {
                None => PartitionType::Null,
                Some(_) if !infer_types => PartitionType::String,
                Some(value) => PartitionType::of(&value),
            };
            match types.get_mut(at) {
                Some(known) => *known = known.widen(found),
                None => {
                    names.push(name);
                    types.push(found);
                }
            }
        }
    }
    Ok(names
        .into_iter()
        .zip(types)
        .map(|(name, found)| {
            let user = user.and_then(|s| s.fields().iter().find(|f| f.name().eq_ignore_ascii_case(&name)));
            match user {
                Some(field) => Field::new(field.name(), field.data_type().clone(), true).into(),
                None => Field::new(name, found.data_type(), true).into(),
            }
        })
        .collect())
}

/// The values of the partition columns for one file; a column that its path does not name is null.
///
/// # Errors
/// `INVALID_PARTITION_VALUE` when a value does not fit its column's type.
pub(super) fn values(
    base: Option<&FileUri>,
    file: &FileUri,
    columns: &[FieldRef],
    time_zone: &str,
) -> Result<Vec<ScalarValue>> {
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let named = match (base, file.parent()) {
        (Some(base), Some(folder)) => parse(base, &folder)?.columns,
        _ => Vec::new(),
    };
    columns
        .iter()
        .map(|column| {
            let value = named
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(column.name()))
                .and_then(|(_, value)| value.as_deref());
            cast(value, column, time_zone)
        })
        .collect()
}

fn cast(value: Option<&str>, column: &Field, time_zone: &str) -> Result<ScalarValue> {
    let wanted = column.data_type();
    let Some(text) = value else {
        return Ok(ScalarValue::try_from(wanted)?);
    };
    let scalar = ScalarValue::Utf8(Some(text.to_owned()));
    let cast = match wanted {
        // Text without a zone is a time of the session's zone.
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => scalar
            .cast_to(&DataType::Timestamp(
                TimeUnit::Microsecond,
                Some(time_zone.into()),
            ))
            .and_then(|local| local.cast_to(wanted)),
        DataType::Float64 | DataType::Float32 => match super::partition_type::java_double(text) {
            Some(number) => ScalarValue::Float64(Some(number)).cast_to(wanted),
            None => scalar.cast_to(wanted),
        },
        DataType::Decimal128(..) => match super::partition_type::plain_decimal(text) {
            Some(plain) => ScalarValue::Utf8(Some(plain)).cast_to(wanted),
            None => scalar.cast_to(wanted),
        },
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            ScalarValue::Utf8(Some(text.trim().trim_start_matches('+').to_owned())).cast_to(wanted)
        }
        _ => scalar.cast_to(wanted),
    };
    cast.map_err(|e| {
        TidemillError::invalid(
            "INVALID_PARTITION_VALUE",
            format!(
                "Failed to cast value '{text}' to data type {wanted} for partition column `{}`. Ensure the value \
                 matches the expected data type for this partition column.",
                column.name()
            ),
        )
        .with_source(e)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(path: &str) -> FileUri {
        FileUri::parse(path).unwrap()
    }

    fn inferred(values: &[&str]) -> DataType {
        let folders: Vec<_> = values
            .iter()
            .map(|value| (uri("/t"), uri("/t").child(&format!("p={value}"))))
            .collect();
        let columns = infer_columns(&folders, None, true).unwrap();
        columns[0].data_type().clone()
    }

    #[test]
    fn types_are_inferred_as_spark_infers_them() {
        let timestamp = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        for (values, expected) in [
            (&["1", "2"][..], DataType::Int32),
            (&["1", "99999999999"], DataType::Int64),
            (&["1", "1.5"], DataType::Float64),
            (&["2024-01-01"], DataType::Date32),
            (&["2024-01-01", "x"], DataType::Utf8),
            (&["2024-01-01 10%3A00%3A00"], timestamp.clone()),
            (&["2024-01-01", "2024-01-01 10:00:00"], timestamp),
            (&["1", "__HIVE_DEFAULT_PARTITION__"], DataType::Int32),
            (&["true"], DataType::Utf8),
            (&["1e3"], DataType::Decimal128(4, 0)),
            (&["99999999999999999999"], DataType::Decimal128(20, 0)),
            (&["99999999999999999999.5", "1"], DataType::Float64),
            (&["NaN"], DataType::Float64),
            (&["+5", "-5", "01"], DataType::Int32),
            (&["1", "2024-01-01"], DataType::Utf8),
            (&["1d"], DataType::Float64),
            (&["2024-1-1"], DataType::Utf8),
            (&["0x1"], DataType::Utf8),
        ] {
            assert_eq!(inferred(values), expected, "{values:?}");
        }
    }

    #[test]
    fn values_are_cast_to_their_columns() {
        let column = |data_type| vec![FieldRef::from(Field::new("P", data_type, true))];
        let value = |text: &str, data_type, zone: &str| {
            let file = uri("/t").child(&format!("p={text}")).child("x.json");
            values(Some(&uri("/t")), &file, &column(data_type), zone).map(|v| v[0].clone())
        };
        let string = |s: &str| ScalarValue::Utf8(Some(s.into()));
        assert_eq!(value("a b%25ü", DataType::Utf8, "UTC").unwrap(), string("a b%ü"));
        assert_eq!(
            value("01", DataType::Int32, "UTC").unwrap(),
            ScalarValue::Int32(Some(1))
        );
        assert_eq!(
            value("+5", DataType::Int64, "UTC").unwrap(),
            ScalarValue::Int64(Some(5))
        );
        assert_eq!(
            value("1.5f", DataType::Float64, "UTC").unwrap(),
            ScalarValue::Float64(Some(1.5))
        );
        assert_eq!(
            value("1e3", DataType::Decimal128(4, 0), "UTC").unwrap(),
            ScalarValue::Decimal128(Some(1000), 4, 0)
        );
        assert_eq!(
            value(NULL_NAME, DataType::Int32, "UTC").unwrap(),
            ScalarValue::Int32(None)
        );
        let timestamp = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        assert_eq!(
            value("2024-01-01 10:00:00", timestamp, "Europe/Berlin").unwrap(),
            ScalarValue::TimestampMicrosecond(Some(1_704_099_600_000_000), Some("UTC".into()))
        );
        let error = value("2024-01-01", DataType::Int32, "UTC").unwrap_err();
        assert_eq!(error.condition(), "INVALID_PARTITION_VALUE");
    }

    #[test]
    fn the_users_schema_types_a_partition_column() {
        let user = Schema::new(vec![Field::new("P", DataType::Int64, false)]);
        let folders = [(uri("/t"), uri("/t/p=1"))];
        let columns = infer_columns(&folders, Some(&user), true).unwrap();
        assert_eq!(columns[0].name(), "P");
        assert_eq!(columns[0].data_type(), &DataType::Int64);
    }

    #[test]
    fn contradicting_folders_are_refused() {
        let t = uri("/t");
        let check = |folders: &[&str]| {
            let folders: Vec<_> = folders.iter().map(|f| uri(f)).collect();
            let pairs: Vec<_> = folders.iter().map(|f| (&t, f)).collect();
            check_folders(&pairs).map_err(|e| e.condition().to_owned())
        };
        assert_eq!(check(&["/t", "/t/sub"]), Ok(false));
        assert_eq!(check(&["/t/sub/p=1"]), Ok(true));
        assert_eq!(
            check(&["/t", "/t/sub/p=1"]).unwrap_err(),
            "CONFLICTING_DIRECTORY_STRUCTURES"
        );
        assert_eq!(
            check(&["/t/p=1", "/t/p=1/q=2"]).unwrap_err(),
            "CONFLICTING_PARTITION_COLUMN_NAMES"
        );
        assert_eq!(check(&["/t/p="]).unwrap_err(), "EMPTY_PARTITION_COLUMN_VALUE");
    }
}
