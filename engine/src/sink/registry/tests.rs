//! Names, modes, partitioning and options of the sinks.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};

use super::open;
use crate::OutputMode;
use crate::sink::testing::context;

async fn refusal(format: &str, options: &[(&str, &str)], mode: OutputMode, partition_by: &[&str]) -> String {
    let schema = Arc::new(Schema::new(vec![Field::new("k", DataType::Utf8, true)]));
    let mut ctx = context(schema, options);
    ctx.mode = mode;
    ctx.partition_by = partition_by.iter().map(|c| (*c).to_owned()).collect();
    open(format, ctx).await.unwrap_err().to_string()
}

#[tokio::test]
async fn an_unknown_format_names_the_nearest_one() {
    let text = refusal("parqet", &[], OutputMode::Append, &[]).await;
    assert_eq!(
        text,
        "[DATA_SOURCE_NOT_FOUND] Failed to find the data source: parqet. Did you mean 'parquet'?"
    );
    let text = refusal("orc", &[], OutputMode::Append, &[]).await;
    assert!(text.contains("'orc' is not supported"), "{text}");
    let text = refusal("rate", &[], OutputMode::Append, &[]).await;
    assert!(
        text.contains("Data source rate does not support streamed writing."),
        "{text}"
    );
}

#[tokio::test]
async fn sinks_without_folders_refuse_partitioning() {
    for format in ["memory", "console", "noop"] {
        let text = refusal(format, &[], OutputMode::Append, &["k"]).await;
        assert!(
            text.ends_with(&format!("'{format}' does not support partitioning.")),
            "{text}"
        );
    }
}

#[tokio::test]
async fn an_unknown_option_names_the_nearest_one() {
    let text = refusal("console", &[("numRow", "3")], OutputMode::Append, &[]).await;
    assert_eq!(
        text,
        "[UNKNOWN_OPTION] unknown option 'numRow' for sink 'console'; did you mean 'numRows'?"
    );
    let text = refusal("console", &[("truncate", "maybe")], OutputMode::Append, &[]).await;
    assert!(text.contains("INVALID_OPTION_VALUE"), "{text}");
}

#[tokio::test]
async fn the_memory_sink_needs_a_query_name() {
    let text = refusal("memory", &[], OutputMode::Append, &[]).await;
    assert!(
        text.ends_with("queryName must be specified for memory sink."),
        "{text}"
    );
}
