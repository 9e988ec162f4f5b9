//! What a nearly empty stateless batch costs on a local disk with fsync, beside the floor of a durable write.
//!
//! `cargo bench -p tidemill --bench small_batch [-- BATCHES]`: memory to noop (two durable writes a batch) and one small JSON
//! file to noop (three), p50 and p99 over all batches after the first twenty, and what each part of a batch took.

#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a bench reads the clock, makes its own files and stops when it cannot run"
)]

mod measure;

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::prelude::{DataFrame, col, lit};
use measure::{Parts, durable_write_p50, ms, report, resident_mb};
use tidemill::source::MemoryStream;
use tidemill::{DataFrameStreamingExt, StreamingQuery, StreamingSession};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let batches = std::env::args()
        .skip(1)
        .find_map(|a| a.parse().ok())
        .unwrap_or(500);
    let folder = tempfile::Builder::new()
        .prefix("small_batch")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let floor = durable_write_p50(&folder.path().join("floor"));
    println!("f, one durable small write: p50 {}", ms(floor));
    memory_to_noop(&folder.path().join("memory"), batches).await?;
    file_to_noop(&folder.path().join("file"), batches).await?;
    println!(
        "f again: p50 {}",
        ms(durable_write_p50(&folder.path().join("floor-again")))
    );
    println!("resident memory at the end: {} MB", resident_mb());
    Ok(())
}

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("name", DataType::Utf8, true),
    ]))
}

fn query(input: DataFrame) -> datafusion::error::Result<DataFrame> {
    input
        .filter(col("id").gt(lit(0_i64)))?
        .select(vec![col("id") + lit(1_i64), col("name")])
}

async fn start(input: DataFrame, checkpoint: &std::path::Path) -> tidemill::Result<StreamingQuery> {
    query(input)?
        .write_stream()
        .format("noop")
        .option("checkpointLocation", checkpoint.display())
        .start()
        .await
}

async fn memory_to_noop(folder: &std::path::Path, batches: usize) -> Result<(), Box<dyn std::error::Error>> {
    let session = StreamingSession::new()?;
    let stream = MemoryStream::new(schema());
    let running = start(session.read_memory(&stream)?, folder).await?;
    let row = RecordBatch::try_new(
        schema(),
        vec![
            Arc::new(Int64Array::from(vec![7])),
            Arc::new(StringArray::from(vec!["seven"])),
        ],
    )?;
    let mut wall = Vec::new();
    let mut parts = Parts::default();
    for _ in 0..batches {
        let begin = Instant::now();
        stream.add_batch(row.clone())?;
        running.process_all_available().await?;
        wall.push(begin.elapsed());
        parts.add(&running);
    }
    report("memory -> noop", wall, &parts);
    running.stop().await?;
    Ok(())
}

async fn file_to_noop(folder: &std::path::Path, batches: usize) -> Result<(), Box<dyn std::error::Error>> {
    let session = StreamingSession::builder()
        .conf("spark.sql.streaming.pollingDelay", "1ms")
        .build()?;
    let input = folder.join("input");
    std::fs::create_dir_all(&input)?;
    let stream = session
        .read_stream()
        .format("json")
        .schema(schema())
        .load_path(input.display().to_string())
        .await?;
    let running = start(stream, &folder.join("checkpoint")).await?;
    let mut wall = Vec::new();
    let mut parts = Parts::default();
    for i in 0..batches {
        let hidden = input.join(format!(".{i}.tmp"));
        std::fs::write(&hidden, format!("{{\"id\":{i},\"name\":\"n{i}\"}}\n"))?;
        let begin = Instant::now();
        std::fs::rename(&hidden, input.join(format!("{i}.json")))?;
        running.process_all_available().await?;
        wall.push(begin.elapsed());
        parts.add(&running);
    }
    report("one JSON file -> noop", wall, &parts);
    running.stop().await?;
    Ok(())
}
