//! `STREAM …` in queries: each occurrence in the text is a source of its own.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::MemTable;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;

use super::super::{SqlSettings, plan_query};
use super::{context, create_view, query};
use crate::{SourceId, SqlError, StreamDefinition, StreamableTable, StreamingRelation};

#[derive(Debug)]
struct Definition {
    schema: SchemaRef,
    options: HashMap<String, String>,
}

impl StreamDefinition for Definition {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn with_options(&self, options: &HashMap<String, String>) -> Result<Arc<dyn StreamDefinition>, SqlError> {
        Ok(Arc::new(Self {
            schema: Arc::clone(&self.schema),
            options: options.clone(),
        }))
    }
}

fn session() -> SessionContext {
    let context = context(&SqlSettings::default());
    let schema = Arc::new(Schema::new(vec![
        Field::new("K", DataType::Utf8, true),
        Field::new("v", DataType::Int32, true),
    ]));
    let batch = Arc::new(MemTable::try_new(Arc::clone(&schema), vec![vec![]]).unwrap());
    let stream = Arc::new(Definition {
        schema,
        options: HashMap::new(),
    });
    for name in ["events", "stream"] {
        let table = StreamableTable::new(Arc::clone(&batch) as _, Arc::clone(&stream) as _);
        context.register_table(name, Arc::new(table)).unwrap();
    }
    context
}

async fn plan(context: &SessionContext, text: &str) -> Result<LogicalPlan, SqlError> {
    let settings = SqlSettings::default();
    plan_query(&context.state(), &query(text, &settings)?, &settings).await
}

/// Id, name and options of each source, in the plan's order.
fn sources(plan: &LogicalPlan) -> Vec<(SourceId, Option<String>, HashMap<String, String>)> {
    let mut out = Vec::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Ok(provider) = source_as_provider(&scan.source)
            && let Some(relation) = provider.downcast_ref::<StreamingRelation>()
        {
            let definition: &dyn std::any::Any = relation.definition().as_ref();
            let options = definition.downcast_ref::<Definition>().unwrap().options.clone();
            out.push((relation.id(), relation.name().map(str::to_owned), options));
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    out
}

#[tokio::test]
async fn each_stream_in_the_text_has_its_own_identity_and_a_cte_has_one() {
    let context = session();
    for (text, distinct) in [
        (
            "SELECT K FROM STREAM(events) UNION ALL SELECT k FROM STREAM events",
            2,
        ),
        (
            "WITH c AS (SELECT * FROM STREAM(events)) SELECT * FROM c UNION ALL SELECT * FROM c",
            1,
        ),
        ("SELECT * FROM events", 0),
        ("SELECT * FROM STREAM(EVENTS) AS e JOIN events b ON e.k = b.k", 1),
    ] {
        let plan = plan(&context, text)
            .await
            .unwrap_or_else(|e| panic!("{text}: {e}"));
        let mut ids: Vec<SourceId> = sources(&plan).into_iter().map(|(id, ..)| id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), distinct, "{text}");
    }
}

#[tokio::test]
async fn a_view_used_twice_is_two_sources() {
    let context = session();
    create_view(
        &context,
        "CREATE TEMP VIEW v AS SELECT k FROM STREAM(events)",
        &SqlSettings::default(),
    )
    .await
    .unwrap();
    let plan = plan(&context, "SELECT * FROM v UNION ALL SELECT * FROM v")
        .await
        .unwrap();
    let sources = sources(&plan);
    assert_eq!(sources.len(), 2);
    assert_ne!(sources[0].0, sources[1].0);
}

#[tokio::test]
async fn with_identified_by_and_alias_are_read() {
    let context = session();
    let plan = plan(
        &context,
        "SELECT e.k AS Key FROM STREAM events WITH (maxFilesPerTrigger = 1, 'a.b' 'c') IDENTIFIED BY src_a AS e WHERE e.V > 1",
    )
    .await
    .unwrap();
    let sources = sources(&plan);
    assert_eq!(sources[0].1.as_deref(), Some("src_a"));
    assert_eq!(
        sources[0].2.get("maxFilesPerTrigger").map(String::as_str),
        Some("1")
    );
    assert_eq!(sources[0].2.get("a.b").map(String::as_str), Some("c"));
    assert_eq!(plan.schema().field(0).name(), "Key");
}

#[tokio::test]
async fn stream_watermark_and_delay_stay_names() {
    let context = session();
    for (text, streams) in [
        ("SELECT stream.v AS stream FROM stream", 0),
        ("SELECT * FROM stream AS watermark", 0),
        ("SELECT * FROM events delay WHERE delay.v > 1", 0),
        ("SELECT * FROM STREAM stream stream", 1),
        ("SELECT * FROM STREAM stream watermark", 1),
        ("SELECT * FROM (STREAM events)", 1),
    ] {
        let plan = plan(&context, text)
            .await
            .unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(sources(&plan).len(), streams, "{text}");
    }
}

#[tokio::test]
async fn a_stream_of_a_plain_table_is_refused_and_of_a_cte_is_the_cte() {
    let context = session();
    let error = plan(&context, "SELECT * FROM STREAM(missing)").await.unwrap_err();
    assert_eq!(error.condition, "TABLE_OR_VIEW_NOT_FOUND");
    create_view(
        &context,
        "CREATE VIEW v AS SELECT 1 AS one",
        &SqlSettings::default(),
    )
    .await
    .unwrap();
    let error = plan(&context, "SELECT * FROM STREAM(v)").await.unwrap_err();
    assert_eq!(error.condition, "UNSUPPORTED_FEATURE.STREAM_OF_TABLE");
    let plan = plan(&context, "WITH c AS (SELECT 1 AS x) SELECT * FROM STREAM c")
        .await
        .unwrap();
    assert!(sources(&plan).is_empty());
}
