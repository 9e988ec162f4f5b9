//! Streams for the tests of this crate: definitions in memory, a session that can read them from SQL, batches of rows.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{MemTable, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::datasource::provider_as_source;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::{SqlError, StreamDefinition, StreamingRelation};

/// A stream of `(k STRING, v BIGINT)`.
#[derive(Debug)]
pub(crate) struct TestStream {
    name: String,
}

impl TestStream {
    pub(crate) fn relation(name: &str) -> StreamingRelation {
        StreamingRelation::new(Arc::new(Self { name: name.into() }), None)
    }

    pub(crate) fn named_relation(stream: &str, name: &str) -> StreamingRelation {
        StreamingRelation::new(Arc::new(Self { name: stream.into() }), Some(name.into()))
    }

    /// The name of the stream that a relation reads.
    pub(crate) fn name_of(relation: &StreamingRelation) -> String {
        let definition: &dyn std::any::Any = relation.definition().as_ref();
        definition.downcast_ref::<Self>().unwrap().name.clone()
    }

    /// A session with the table function `stream(name)` and the static table `t (tk STRING, tv BIGINT)`.
    pub(crate) fn context() -> SessionContext {
        let config = SessionConfig::new().with_target_partitions(2);
        let context = SessionContext::new_with_config(config);
        context.register_udtf("stream", Arc::new(StreamFunction));
        let rows = RecordBatch::try_from_iter([
            ("tk", Arc::new(StringArray::from(vec!["1", "2"])) as ArrayRef),
            ("tv", Arc::new(Int64Array::from(vec![10, 20])) as ArrayRef),
        ])
        .unwrap();
        let table = MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap();
        context.register_table("t", Arc::new(table)).unwrap();
        context
    }
}

impl StreamDefinition for TestStream {
    fn schema(&self) -> SchemaRef {
        stream_schema()
    }

    fn with_options(
        &self,
        _options: &HashMap<String, String>,
    ) -> Result<Arc<dyn StreamDefinition>, SqlError> {
        Ok(Arc::new(Self {
            name: self.name.clone(),
        }))
    }
}

/// `stream('a')`: a new occurrence each time it is planned, as `STREAM` is.
#[derive(Debug)]
struct StreamFunction;

impl TableFunctionImpl for StreamFunction {
    fn call_with_args(&self, args: TableFunctionArgs) -> DataFusionResult<Arc<dyn TableProvider>> {
        let Some(Expr::Literal(ScalarValue::Utf8(Some(name)), _)) = args.exprs().first() else {
            return plan_err!("stream('name')");
        };
        Ok(Arc::new(TestStream::relation(name)))
    }
}

pub(crate) fn stream_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("k", DataType::Utf8, true),
        Field::new("v", DataType::Int64, true),
    ]))
}

/// A scan of a new occurrence.
pub(crate) fn stream_scan(name: &str) -> LogicalPlan {
    scan_of(TestStream::relation(name), name)
}

/// A scan of this occurrence.
pub(crate) fn scan_of(relation: StreamingRelation, table: &str) -> LogicalPlan {
    LogicalPlanBuilder::scan(table, provider_as_source(Arc::new(relation)), None)
        .unwrap()
        .build()
        .unwrap()
}

/// Rows of a stream.
pub(crate) fn rows(rows: &[(Option<&str>, Option<i64>)]) -> RecordBatch {
    let keys: StringArray = rows.iter().map(|(k, _)| *k).collect();
    let values: Int64Array = rows.iter().map(|(_, v)| *v).collect();
    RecordBatch::try_new(stream_schema(), vec![Arc::new(keys), Arc::new(values)]).unwrap()
}

/// A table of such rows.
pub(crate) fn table_of(batches: Vec<RecordBatch>) -> Arc<dyn TableProvider> {
    Arc::new(MemTable::try_new(stream_schema(), vec![batches]).unwrap())
}
