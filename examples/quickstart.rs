//! Click events, as JSON files that arrive in a folder, become a partitioned Parquet table.
//!
//! Run it twice: the second run finds nothing new. Put another file into `examples/data/clicks` and run it again:
//! only that file is read. `examples/sql/quickstart.sql` is the same in SQL.
//!
//!     cargo run --release --example quickstart

use std::path::Path;

use datafusion::arrow::datatypes::DataType;
use datafusion::prelude::{DataFrame, JoinType, cast, coalesce, col, lit};
use tidemill::prelude::*;

const CLICKS: &str =
    "ts TIMESTAMP, click_id BIGINT, user STRING, page_id INT, action STRING, dwell_ms INT, agent STRING";

#[tokio::main]
async fn main() -> Result<()> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = examples.join("data");
    let output = examples.with_file_name("quickstart-output").join("rust");
    let table = output.join("page_views");

    let session = StreamingSession::new()?;
    session
        .sql(&format!(
            "CREATE TABLE pages (page_id INT, title STRING, section STRING)
             USING csv OPTIONS (path '{}', header 'true')",
            data.join("pages.csv").display()
        ))
        .await?;
    let clicks = session
        .read_stream()
        .schema(CLICKS)
        .option("maxFilesPerTrigger", 2)
        .json(data.join("clicks").display().to_string())
        .await?;

    let query = page_views(clicks, session.table("pages").await?)?
        .write_stream()
        .format("parquet")
        .query_name("page_views")
        .partition_by(["day"])
        .option("checkpointLocation", output.join("checkpoint").display())
        .trigger(Trigger::AvailableNow)
        .start_path(table.display().to_string())
        .await?;
    query.await_termination(None).await?;
    report(&query);

    session
        .sql(&format!(
            "CREATE TABLE page_views USING parquet OPTIONS (path '{}')",
            table.display()
        ))
        .await?;
    let summary = session
        .sql(
            "SELECT day, section, count(*) AS views, round(avg(dwell_s), 1) AS avg_dwell_s
             FROM page_views GROUP BY day, section ORDER BY day, section",
        )
        .await?;
    summary.show().await?;
    println!("The table is in {}", table.display());
    Ok(())
}

/// The views of people, with the page's title and section.
fn page_views(clicks: DataFrame, pages: DataFrame) -> Result<DataFrame> {
    let views = col("action").eq(lit("view"));
    let people = col("agent").not_like(lit("%bot%"));
    let pages = pages.select(vec![col("page_id").alias("id"), col("title"), col("section")])?;
    Ok(clicks
        .filter(views.and(people))?
        .join(pages, JoinType::Inner, &["page_id"], &["id"], None)?
        .select(vec![
            col("ts"),
            col("click_id"),
            coalesce(vec![col("user"), lit("guest")]).alias("user"),
            col("title"),
            col("section"),
            (cast(col("dwell_ms"), DataType::Float64) / lit(1000.0)).alias("dwell_s"),
            cast(col("ts"), DataType::Date32).alias("day"),
        ])?)
}

/// Says what the run did.
fn report(query: &StreamingQuery) {
    let batches: Vec<_> = query
        .recent_progress()
        .into_iter()
        .filter(|p| p.duration_ms.contains_key("addBatch"))
        .collect();
    for batch in &batches {
        println!("batch {}: {} clicks read", batch.batch_id, batch.num_input_rows());
    }
    if batches.is_empty() {
        println!("Nothing new: every file in examples/data/clicks was read by an earlier run.");
    } else {
        println!("Run this again: nothing will be read twice.");
    }
}
