//! The sinks without files: console, memory, noop and foreach_batch.

use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::dataframe::DataFrame;
use tidemill_checkpoint::BatchId;

use super::testing::{batch, context, start};
use super::*;

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("v", DataType::Int64, true)]))
}

fn rows(values: &[i64]) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    RecordBatch::try_new(schema(), vec![column]).unwrap()
}

#[tokio::test]
async fn the_console_prints_a_table_for_every_batch() {
    let written = Arc::new(Mutex::new(Vec::new()));
    let sink = console::ConsoleSink::open(&context(schema(), &[("numRows", "2")])).unwrap();
    let sink = sink.with_writer(Arc::clone(&written) as _);
    let parts = vec![vec![rows(&[1]), rows(&[2])], vec![rows(&[3])]];
    let done = sink.add_batch(&batch(0, parts, schema()).await).await.unwrap();
    assert_eq!(done, SinkProgress::rows(3));
    sink.add_batch(&batch(1, vec![vec![]], schema()).await)
        .await
        .unwrap();
    let dashes = "-".repeat(43);
    let expected = format!(
        "{dashes}\nBatch: 0\n{dashes}\n+---+\n|  v|\n+---+\n|  1|\n|  2|\n+---+\nonly showing top 2 rows\n\
         {dashes}\nBatch: 1\n{dashes}\n+---+\n|  v|\n+---+\n+---+\n\n"
    );
    assert_eq!(
        String::from_utf8(written.lock().unwrap().clone()).unwrap(),
        expected
    );
}

#[tokio::test]
async fn the_console_prints_one_json_object_a_row_and_nothing_else() {
    let written = Arc::new(Mutex::new(Vec::new()));
    let mut ctx = context(schema(), &[("format", "json")]);
    ctx.mode = OutputMode::Complete;
    let sink = console::ConsoleSink::open(&ctx)
        .unwrap()
        .with_writer(Arc::clone(&written) as _);
    sink.add_batch(&batch(4, vec![vec![rows(&[1, 2])]], schema()).await)
        .await
        .unwrap();
    sink.add_batch(&batch(5, vec![vec![]], schema()).await)
        .await
        .unwrap();
    let expected = "{\"_batch_id\":4,\"v\":1}\n{\"_batch_id\":4,\"v\":2}\n";
    assert_eq!(
        String::from_utf8(written.lock().unwrap().clone()).unwrap(),
        expected
    );
}

#[test]
fn the_console_refuses_a_column_that_would_stand_twice_in_an_object() {
    let column = Field::new("_batch_id", DataType::Int64, true);
    let schema = Arc::new(Schema::new(vec![column]));
    let json = context(Arc::clone(&schema), &[("format", "json")]);
    let error = console::ConsoleSink::open(&json).unwrap_err();
    assert_eq!(error.condition(), "COLUMN_ALREADY_EXISTS");
    assert!(console::ConsoleSink::open(&context(schema, &[])).is_ok());
}

async fn memory(mode: OutputMode) -> (SinkContext, MemorySink) {
    let mut ctx = context(schema(), &[]);
    ctx.query_name = Some("MyQuery".to_owned());
    ctx.mode = mode;
    let sink = MemorySink::open(&ctx).await.unwrap();
    (ctx, sink)
}

async fn values(ctx: &SinkContext) -> Vec<i64> {
    let batches = ctx
        .session
        .table("myquery")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    let column = |b: &RecordBatch| {
        b.column(0)
            .as_any()
            .downcast_ref::<Int64Array>()
            .unwrap()
            .values()
            .to_vec()
    };
    batches.iter().flat_map(column).collect()
}

#[tokio::test]
async fn the_memory_table_grows_in_append_mode_and_a_batch_counts_once() {
    let (ctx, sink) = memory(OutputMode::Append).await;
    for (id, value) in [(0, 1), (1, 2), (1, 2)] {
        sink.add_batch(&batch(id, vec![vec![rows(&[value])]], schema()).await)
            .await
            .unwrap();
    }
    assert_eq!(values(&ctx).await, [1, 2]);
    let error = sink.start(start(1, false)).await.unwrap_err();
    assert!(
        error
            .message()
            .contains("does not support recovering from checkpoint location"),
        "{error}"
    );
}

#[tokio::test]
async fn the_memory_table_is_replaced_in_complete_mode_and_may_resume() {
    let (ctx, sink) = memory(OutputMode::Complete).await;
    sink.start(start(3, false)).await.unwrap();
    for (id, value) in [(3, 1), (4, 2)] {
        sink.add_batch(&batch(id, vec![vec![rows(&[value])]], schema()).await)
            .await
            .unwrap();
    }
    assert_eq!(values(&ctx).await, [2]);
}

#[tokio::test]
async fn the_memory_sink_leaves_a_table_that_it_did_not_make() {
    let (mut ctx, _) = memory(OutputMode::Append).await;
    MemorySink::open(&ctx).await.unwrap();
    ctx.query_name = Some("other".to_owned());
    ctx.session.register_batch("other", rows(&[5])).unwrap();
    let error = MemorySink::open(&ctx).await.unwrap_err();
    assert_eq!(error.condition(), "TABLE_OR_VIEW_ALREADY_EXISTS");
    assert_eq!(
        ctx.session.table("other").await.unwrap().count().await.unwrap(),
        1
    );
}

#[tokio::test]
async fn noop_counts_the_rows_it_drops() {
    let parts = vec![vec![rows(&[1, 2])], vec![rows(&[3])]];
    let done = NoopSink
        .add_batch(&batch(0, parts, schema()).await)
        .await
        .unwrap();
    assert_eq!(done, SinkProgress::rows(3));
}

#[tokio::test]
async fn foreach_batch_hands_over_rows_and_id_and_keeps_the_users_error() {
    let sink = ForeachBatchSink::new(async |df: DataFrame, id: BatchId| {
        let rows = df.count().await?;
        if rows == 2 && id == BatchId::new(7) {
            return Ok(());
        }
        Err(datafusion::error::DataFusionError::Execution(format!(
            "{rows} rows in {id}"
        )))
    });
    let of = |id| batch(id, vec![vec![rows(&[1, 2])]], schema());
    assert_eq!(
        sink.add_batch(&of(7).await).await.unwrap(),
        SinkProgress::rows(-1)
    );
    let error = sink.add_batch(&of(8).await).await.unwrap_err();
    assert_eq!(error.condition(), "FOREACH_BATCH_USER_FUNCTION_ERROR");
    assert!(error.message().contains("2 rows in 8"), "{error}");
}

/// Writes down what happens to it.
struct Witness {
    log: Arc<Mutex<Vec<String>>>,
    name: String,
    skips: bool,
}

impl Witness {
    fn note(&self, what: String) {
        self.log.lock().unwrap().push(format!("{} {what}", self.name));
    }
}

type Boxed = Box<dyn std::error::Error + Send + Sync>;

#[async_trait::async_trait]
impl ForeachWriter for Witness {
    async fn open(&mut self, partition_id: u64, epoch_id: BatchId) -> Result<bool, Boxed> {
        self.name = format!("{epoch_id}/{partition_id}");
        if epoch_id == BatchId::new(9) {
            return Err("shut".into());
        }
        self.note("open".to_owned());
        Ok(!self.skips)
    }

    async fn process(&mut self, row: ForeachRow<'_>) -> Result<(), Boxed> {
        let values = row.values()?;
        assert_eq!(row.to_batch().num_rows(), 1);
        self.note(format!("row {}", values[0]));
        match values[0].to_string().as_str() {
            "13" => Err("thirteen".into()),
            _ => Ok(()),
        }
    }

    async fn close(&mut self, error: Option<&(dyn std::error::Error + Send + Sync)>) -> Result<(), Boxed> {
        self.note(match error {
            Some(error) => format!("close {error}"),
            None => "close".to_owned(),
        });
        Ok(())
    }
}

/// The sink over a log, sorted by partition.
fn witnessed(skips: bool) -> (ForeachSink, Arc<Mutex<Vec<String>>>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&log);
    let sink = ForeachSink::new(move || Witness {
        log: Arc::clone(&shared),
        name: String::new(),
        skips,
    });
    (sink, log)
}

#[tokio::test]
async fn foreach_opens_processes_and_closes_each_partition_also_an_empty_one() {
    let (sink, log) = witnessed(false);
    let parts = vec![vec![rows(&[1, 2])], vec![], vec![rows(&[3])]];
    let done = sink.add_batch(&batch(4, parts, schema()).await).await.unwrap();
    assert_eq!(done, SinkProgress::rows(3));
    let of = |partition: &str| -> Vec<String> {
        let log = log.lock().unwrap();
        log.iter().filter(|l| l.starts_with(partition)).cloned().collect()
    };
    assert_eq!(of("4/0"), ["4/0 open", "4/0 row 1", "4/0 row 2", "4/0 close"]);
    assert_eq!(of("4/1"), ["4/1 open", "4/1 close"]);
    assert_eq!(of("4/2"), ["4/2 open", "4/2 row 3", "4/2 close"]);
}

#[tokio::test]
async fn foreach_closes_a_writer_that_wants_no_rows_and_one_that_failed_but_none_that_did_not_open() {
    let (sink, log) = witnessed(true);
    let of = async |id, values: &[i64]| batch(id, vec![vec![rows(values)]], schema()).await;
    let done = sink.add_batch(&of(0, &[1]).await).await.unwrap();
    assert_eq!(done, SinkProgress::rows(1));
    assert_eq!(*log.lock().unwrap(), ["0/0 open", "0/0 close"]);

    let (sink, log) = witnessed(false);
    let error = sink.add_batch(&of(1, &[13, 14]).await).await.unwrap_err();
    assert_eq!(error.condition(), "FOREACH_USER_FUNCTION_ERROR");
    assert!(error.message().contains("thirteen"), "{error}");
    let seen = log.lock().unwrap().clone();
    assert_eq!(seen[..2], ["1/0 open", "1/0 row 13"]);
    assert!(
        seen[2].starts_with("1/0 close ") && seen[2].contains("thirteen"),
        "{seen:?}"
    );

    let (sink, log) = witnessed(false);
    let error = sink.add_batch(&of(9, &[1]).await).await.unwrap_err();
    assert_eq!(error.condition(), "FOREACH_USER_FUNCTION_ERROR");
    assert!(log.lock().unwrap().is_empty());
}
