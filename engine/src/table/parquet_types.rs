//! How a Parquet file's columns become a table's: found by name, and widened only where Spark's reader widens.
//!
//! Columns match without regard to case; a column that the file lacks is null. A type that Spark's reader would not
//! take for the table's is an error, never a lossy cast.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result as DataFusionResult;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapter, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};

use crate::{ErrorKind, TidemillError};

/// Makes [`ParquetAdapter`]s.
#[derive(Debug)]
pub(super) struct ParquetAdapterFactory;

impl PhysicalExprAdapterFactory for ParquetAdapterFactory {
    fn create(
        &self,
        logical_file_schema: SchemaRef,
        physical_file_schema: SchemaRef,
    ) -> DataFusionResult<Arc<dyn PhysicalExprAdapter>> {
        let renamed: Vec<Field> = physical_file_schema
            .fields()
            .iter()
            .map(|field| match table_field(&logical_file_schema, field.name()) {
                Some(wanted) => field.as_ref().clone().with_name(wanted.name()),
                None => field.as_ref().clone(),
            })
            .collect();
        let renamed = Arc::new(Schema::new(renamed));
        Ok(Arc::new(ParquetAdapter {
            inner: DefaultPhysicalExprAdapter::new(Arc::clone(&logical_file_schema), Arc::clone(&renamed)),
            table: logical_file_schema,
            renamed,
            file: physical_file_schema,
        }))
    }
}

/// The table's column for a file's: the same name, else the same but for case.
fn table_field<'a>(table: &'a Schema, name: &str) -> Option<&'a Field> {
    let fields = table.fields();
    fields
        .iter()
        .find(|f| f.name() == name)
        .or_else(|| fields.iter().find(|f| f.name().eq_ignore_ascii_case(name)))
        .map(AsRef::as_ref)
}

/// Rewrites expressions over the table's columns to expressions over one file's.
#[derive(Debug)]
struct ParquetAdapter {
    inner: DefaultPhysicalExprAdapter,
    table: SchemaRef,
    /// The file's columns under the table's names.
    renamed: SchemaRef,
    file: SchemaRef,
}

impl PhysicalExprAdapter for ParquetAdapter {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> DataFusionResult<Arc<dyn PhysicalExpr>> {
        let expr = expr
            .transform(|expr| {
                if let Some(column) = expr.downcast_ref::<Column>() {
                    self.check(column)?;
                }
                Ok(Transformed::no(expr))
            })
            .data()?;
        let expr = self.inner.rewrite(expr)?;
        // Statistics are looked up by the file's own names.
        expr.transform(|expr| {
            let renamed = expr.downcast_ref::<Column>().and_then(|column| {
                let field = self.file.fields().get(column.index())?;
                (field.name() != column.name()).then(|| Column::new(field.name(), column.index()))
            });
            Ok(match renamed {
                Some(column) => Transformed::yes(Arc::new(column) as Arc<dyn PhysicalExpr>),
                None => Transformed::no(expr),
            })
        })
        .data()
    }
}

impl ParquetAdapter {
    fn check(&self, column: &Column) -> DataFusionResult<()> {
        let (Ok(wanted), Ok(found)) = (
            self.table.field_with_name(column.name()),
            self.renamed.field_with_name(column.name()),
        ) else {
            return Ok(());
        };
        if fits(found.data_type(), wanted.data_type()) {
            return Ok(());
        }
        Err(TidemillError::new(
            ErrorKind::Invalid,
            "FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH",
            format!(
                "Data type mismatches when reading Parquet column [{}]. Expected type: {}, actual type in the file: {}.",
                column.name(),
                wanted.data_type(),
                found.data_type()
            ),
        )
        .into())
    }
}

/// Whether Spark's reader takes a file's type for a table's.
fn fits(file: &DataType, table: &DataType) -> bool {
    use DataType::{
        Binary, BinaryView, Date32, Decimal128, Dictionary, FixedSizeBinary, Float16, Float32, Float64, Int8,
        Int16, Int32, Int64, LargeBinary, LargeList, LargeUtf8, List, ListView, Map, Struct, Timestamp,
        UInt8, UInt16, UInt32, UInt64, Utf8, Utf8View,
    };
    match (file, table) {
        (a, b) if a == b => true,
        (Dictionary(_, value), table) => fits(value, table),
        (
            Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView,
            Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView,
        )
        | (FixedSizeBinary(_), Binary)
        | (Int8, Int16 | Int32 | Int64 | Float64)
        | (Int16, Int32 | Int64 | Float64)
        | (Int32, Int64 | Float64)
        | (UInt8, Int16 | Int32 | Int64)
        | (UInt16, Int32 | Int64)
        | (UInt32, Int64)
        | (UInt64, Decimal128(20.., 0))
        | (Float16, Float32 | Float64)
        | (Float32, Float64)
        | (Date32, Timestamp(TimeUnit::Microsecond, None))
        | (Timestamp(_, _), Timestamp(TimeUnit::Microsecond, Some(_)))
        // The other way round too: a local time is then that of UTC.
        | (Timestamp(_, _), Timestamp(TimeUnit::Microsecond, None)) => true,
        (Int8 | Int16 | Int32, Decimal128(precision, scale)) => whole_digits(*precision, *scale) >= 10,
        (Int64, Decimal128(precision, scale)) => whole_digits(*precision, *scale) >= 20,
        (Decimal128(p, s), Decimal128(precision, scale)) => {
            scale >= s && whole_digits(*precision, *scale) >= whole_digits(*p, *s)
        }
        (Struct(file), Struct(table)) => table.iter().all(|wanted| {
            file.iter()
                .find(|found| found.name() == wanted.name())
                .is_none_or(|found| fits(found.data_type(), wanted.data_type()))
        }),
        (List(file) | LargeList(file) | ListView(file), List(table)) | (Map(file, _), Map(table, _)) => {
            let inner = |data_type: &DataType| match data_type {
                Struct(fields) => Some(fields.clone()),
                _ => None,
            };
            match (
                file.data_type(),
                table.data_type(),
                inner(file.data_type()),
                inner(table.data_type()),
            ) {
                // The entries of a map go by position: their names differ between writers.
                (_, _, Some(file), Some(table)) if file.len() == 2 && table.len() == 2 => file
                    .iter()
                    .zip(table.iter())
                    .all(|(found, wanted)| fits(found.data_type(), wanted.data_type())),
                (file, table, _, _) => fits(file, table),
            }
        }
        _ => false,
    }
}

fn whole_digits(precision: u8, scale: i8) -> i16 {
    i16::from(precision) - i16::from(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_widen_only_as_in_spark() {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let ntz = DataType::Timestamp(TimeUnit::Microsecond, None);
        assert!(fits(&DataType::Int32, &DataType::Int64));
        assert!(!fits(&DataType::Int64, &DataType::Int32));
        assert!(fits(&DataType::Float32, &DataType::Float64));
        assert!(!fits(&DataType::Utf8, &DataType::Int32));
        assert!(!fits(&DataType::Int32, &DataType::Utf8));
        assert!(fits(&DataType::Timestamp(TimeUnit::Nanosecond, None), &utc));
        assert!(fits(&ntz, &utc));
        assert!(fits(&utc, &ntz));
        assert!(!fits(&DataType::Int16, &DataType::Float32));
        assert!(fits(&DataType::Decimal128(5, 2), &DataType::Decimal128(10, 4)));
        assert!(!fits(&DataType::Decimal128(10, 4), &DataType::Decimal128(5, 2)));
    }
}
