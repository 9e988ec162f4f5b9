//! Splits batches by the values of the partition columns; the columns themselves leave the rows.
//!
//! Rows are grouped by hashing, not sorted: the cost is one lookup a row.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};

use super::names::partition_folder;
use crate::sink::show::ValueText;
use crate::{Result, TidemillError};

/// Which columns make the folders, and which stay in the files.
#[derive(Clone, Debug)]
pub(crate) struct PartitionLayout {
    partition_columns: Vec<usize>,
    names: Vec<String>,
    data_columns: Vec<usize>,
    data_schema: SchemaRef,
    time_zone: Arc<str>,
}

impl PartitionLayout {
    /// Finds the columns by name, without regard to case; errors as Spark words them.
    pub(crate) fn new(schema: &Schema, partition_by: &[String], time_zone: &str) -> Result<Self> {
        let mut partition_columns = Vec::with_capacity(partition_by.len());
        for name in partition_by {
            let index = find(schema, name)?;
            if partition_columns.contains(&index) {
                return Err(TidemillError::invalid(
                    "COLUMN_ALREADY_EXISTS",
                    format!(
                        "The column `{name}` already exists. Choose another name or rename the existing column."
                    ),
                ));
            }
            check_type(schema.field(index).name(), schema.field(index).data_type())?;
            partition_columns.push(index);
        }
        let all = schema.fields().len();
        if !partition_columns.is_empty() && partition_columns.len() == all {
            return Err(TidemillError::invalid(
                "ALL_PARTITION_COLUMNS_NOT_ALLOWED",
                "Cannot use all columns for partition columns.",
            ));
        }
        let data_columns: Vec<usize> = (0..all).filter(|i| !partition_columns.contains(i)).collect();
        let data_schema = Arc::new(schema.project(&data_columns).map_err(arrow_error)?);
        let names = partition_columns
            .iter()
            .map(|i| schema.field(*i).name().clone())
            .collect();
        Ok(Self {
            partition_columns,
            names,
            data_columns,
            data_schema,
            time_zone: Arc::from(time_zone),
        })
    }

    /// Whether there are folders at all.
    pub(crate) fn is_partitioned(&self) -> bool {
        !self.partition_columns.is_empty()
    }

    /// The columns that the files hold.
    pub(crate) fn data_schema(&self) -> &SchemaRef {
        &self.data_schema
    }

    /// Splits batches of one task.
    pub(crate) fn splitter(&self, schema: &Schema) -> Result<Splitter> {
        let fields = self
            .partition_columns
            .iter()
            .map(|i| SortField::new(schema.field(*i).data_type().clone()));
        Ok(Splitter {
            layout: self.clone(),
            converter: RowConverter::new(fields.collect()).map_err(arrow_error)?,
            groups: HashMap::new(),
            folders: Vec::new(),
        })
    }
}

/// The folder numbers that a task has seen, by the values of the partition columns.
pub(crate) struct Splitter {
    layout: PartitionLayout,
    converter: RowConverter,
    groups: HashMap<Box<[u8]>, usize>,
    folders: Vec<String>,
}

impl Splitter {
    /// The folder of this number, relative to the output: `k=x/d=1`.
    pub(crate) fn folder(&self, number: usize) -> &str {
        self.folders.get(number).map_or("", String::as_str)
    }

    /// The rows of each folder that occurs in `batch`, without the partition columns; row order is kept.
    pub(crate) fn split(&mut self, batch: &RecordBatch) -> Result<Vec<(usize, RecordBatch)>> {
        let columns: Vec<ArrayRef> = self
            .layout
            .partition_columns
            .iter()
            .map(|i| Arc::clone(batch.column(*i)))
            .collect();
        let keys = self.converter.convert_columns(&columns).map_err(arrow_error)?;
        let mut rows: HashMap<usize, Vec<u32>> = HashMap::new();
        for (row, key) in (0u32..).zip(keys.iter()) {
            let group = match self.groups.get(key.as_ref()) {
                Some(group) => *group,
                None => {
                    let group = self.add_group(&columns, row)?;
                    self.groups.insert(Box::from(key.as_ref()), group);
                    group
                }
            };
            rows.entry(group).or_default().push(row);
        }
        let data = batch.project(&self.layout.data_columns).map_err(arrow_error)?;
        let mut out = Vec::with_capacity(rows.len());
        if let [(group, _)] = rows.iter().collect::<Vec<_>>().as_slice() {
            out.push((**group, data));
            return Ok(out);
        }
        for (group, rows) in rows {
            let part = take_record_batch(&data, &UInt32Array::from(rows)).map_err(arrow_error)?;
            out.push((group, part));
        }
        out.sort_by_key(|(group, _)| *group);
        Ok(out)
    }

    /// Different values can share a folder (null and the empty string), so folders are compared, not keys.
    fn add_group(&mut self, columns: &[ArrayRef], row: u32) -> Result<usize> {
        let row = row as usize;
        let mut folder = String::new();
        for (name, array) in self.layout.names.iter().zip(columns) {
            let mut text = String::new();
            let value = if array.is_null(row) {
                None
            } else {
                ValueText::cast(array, &self.layout.time_zone)?.write(row, &mut text)?;
                Some(text.as_str())
            };
            if !folder.is_empty() {
                folder.push('/');
            }
            folder.push_str(&partition_folder(name, value));
        }
        let known = self.folders.iter().position(|f| *f == folder);
        Ok(known.unwrap_or_else(|| {
            self.folders.push(folder);
            self.folders.len() - 1
        }))
    }
}

fn find(schema: &Schema, name: &str) -> Result<usize> {
    let exact = schema.fields().iter().position(|f| f.name() == name);
    let loose = || {
        schema
            .fields()
            .iter()
            .position(|f| f.name().eq_ignore_ascii_case(name))
    };
    exact.or_else(loose).ok_or_else(|| {
        let existing: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        TidemillError::invalid(
            "PARTITION_COLUMN_NOT_FOUND",
            format!(
                "Partition column {name} not found in existing columns ({})",
                existing.join(", ")
            ),
        )
    })
}

fn check_type(name: &str, data_type: &DataType) -> Result<()> {
    if data_type.is_nested() {
        return Err(TidemillError::invalid(
            "INVALID_PARTITION_COLUMN_DATA_TYPE",
            format!("Cannot use {data_type} for partition column {name}."),
        ));
    }
    if matches!(data_type, DataType::Duration(_) | DataType::Interval(_)) {
        return Err(TidemillError::unsupported(
            "UNSUPPORTED_FEATURE",
            format!("An interval as a partition column ({name}) is not supported yet."),
        ));
    }
    Ok(())
}

/// Arrow refused arrays that this sink made.
fn arrow_error(error: ArrowError) -> TidemillError {
    TidemillError::internal(format!("splitting a batch by partition: {error}")).with_source(error)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, StringArray, TimestampMicrosecondArray};

    use super::*;

    fn rows() -> RecordBatch {
        let keys = StringArray::from(vec![Some("a"), Some(""), Some("b"), None, Some("a")]);
        let stamps = TimestampMicrosecondArray::from(vec![0, 0, 1_500_000, 0, 0]).with_timezone("UTC");
        let columns: Vec<(&str, ArrayRef, bool)> = vec![
            ("K", Arc::new(keys), true),
            ("v", Arc::new(Int32Array::from(vec![1, 2, 3, 4, 5])), true),
            ("ts", Arc::new(stamps), true),
        ];
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    }

    fn split(partition_by: &[&str], zone: &str) -> Result<Vec<(String, Vec<i32>)>> {
        let batch = rows();
        let names: Vec<String> = partition_by.iter().map(|n| (*n).to_owned()).collect();
        let layout = PartitionLayout::new(&batch.schema(), &names, zone)?;
        let mut splitter = layout.splitter(&batch.schema())?;
        let parts = splitter.split(&batch)?;
        Ok(parts
            .into_iter()
            .map(|(folder, part)| {
                assert_eq!(part.schema(), *layout.data_schema());
                let values = part
                    .column_by_name("v")
                    .unwrap()
                    .as_any()
                    .downcast_ref::<Int32Array>()
                    .unwrap();
                (splitter.folder(folder).to_owned(), values.values().to_vec())
            })
            .collect())
    }

    #[test]
    fn rows_are_grouped_in_order_and_null_shares_a_folder_with_the_empty_string() {
        let parts = split(&["k"], "UTC").unwrap();
        let expected = [
            ("K=a".to_owned(), vec![1, 5]),
            ("K=__HIVE_DEFAULT_PARTITION__".to_owned(), vec![2, 4]),
            ("K=b".to_owned(), vec![3]),
        ];
        assert_eq!(parts, expected);
    }

    #[test]
    fn timestamps_are_cast_in_the_session_time_zone() {
        let parts = split(&["ts", "k"], "+01:00").unwrap();
        assert_eq!(parts[0].0, "ts=1970-01-01 01%3A00%3A00/K=a");
        assert_eq!(parts[2].0, "ts=1970-01-01 01%3A00%3A01.5/K=b");
    }

    #[test]
    fn partition_columns_must_exist_and_leave_some_column() {
        let text = split(&["zz"], "UTC").unwrap_err().to_string();
        assert!(
            text.ends_with("Partition column zz not found in existing columns (K, v, ts)"),
            "{text}"
        );
        let text = split(&["k", "v", "ts"], "UTC").unwrap_err().to_string();
        assert!(
            text.contains("Cannot use all columns for partition columns."),
            "{text}"
        );
        assert!(split(&["k", "K"], "UTC").is_err());
    }
}
