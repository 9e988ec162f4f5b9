//! Starting, stopping, failing, and two starts at once.

use std::sync::Arc;
use std::time::Duration;

use super::Fixture;
use crate::clock::ManualClock;
use crate::{DataFrameStreamingExt, Trigger};

#[tokio::test]
async fn stop_lets_the_running_batch_commit() {
    let fixture = Fixture::new(6);
    fixture.sink.hold.send_replace(true);
    let session = fixture.session();
    let query = fixture.writer(&session).await.start().await.unwrap();
    fixture.sink.wait_for_arrivals(1).await;
    let stopping = tokio::spawn({
        let query = query.clone();
        async move { query.stop().await }
    });
    tokio::task::yield_now().await;
    assert!(query.is_active());
    fixture.sink.hold.send_replace(false);
    stopping.await.unwrap().unwrap();
    assert_eq!(fixture.log("commits"), fixture.log("offsets"));
    assert_eq!(query.status().message, "Stopped");
    assert!(session.streams().active().is_empty());
    query.stop().await.unwrap();
}

#[tokio::test]
async fn after_the_stop_timeout_the_batch_is_aborted_and_replayed_at_the_next_start() {
    let fixture = Fixture::new(4);
    fixture.sink.hold.send_replace(true);
    let clock = Arc::new(ManualClock::new(0));
    let builder = fixture.builder().clock(clock.clone());
    let session = builder
        .conf("spark.sql.streaming.stopTimeout", "5s")
        .build()
        .unwrap();
    let query = fixture.writer(&session).await.start().await.unwrap();
    fixture.sink.wait_for_arrivals(1).await;
    let stopping = tokio::spawn({
        let query = query.clone();
        async move { query.stop().await }
    });
    clock.wait_for_sleeper().await;
    clock.advance(Duration::from_secs(5));
    stopping.await.unwrap().unwrap();
    assert!(query.exception().is_none());
    assert_eq!(fixture.log("offsets"), [0]);
    assert!(fixture.log("commits").is_empty());
    fixture.sink.hold.send_replace(false);
    fixture.run_available().await.unwrap();
    assert_eq!(fixture.sink.seen(), [0, 0, 1]);
    assert_eq!(fixture.sink.rows(), [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_failed_query_keeps_its_exception_and_goes_on_after_the_cause_is_mended() {
    let fixture = Fixture::new(4);
    *fixture.sink.fail.lock().unwrap() = Some(1);
    let session = fixture.session();
    let query = fixture.writer(&session).await.start().await.unwrap();
    let error = query.process_all_available().await.unwrap_err();
    assert_eq!(error.condition(), "SINK_IS_FULL");
    assert_eq!(query.exception().unwrap().condition(), "SINK_IS_FULL");
    assert!(!query.is_active());
    assert!(query.status().message.starts_with("Terminated with exception: "));
    let error = session.streams().await_any_termination(None).await.unwrap_err();
    assert_eq!(error.condition(), "SINK_IS_FULL");
    session.streams().reset_terminated();
    *fixture.sink.fail.lock().unwrap() = None;
    fixture.run_available().await.unwrap();
    assert_eq!(fixture.sink.rows(), [0, 1, 2, 3]);
}

#[tokio::test]
async fn names_are_unique_among_running_queries() {
    let fixture = Fixture::new(0);
    let session = fixture.session();
    let one = fixture
        .writer(&session)
        .await
        .query_name("dup")
        .start()
        .await
        .unwrap();
    let other = Fixture::new(0);
    let writer = || async { fixture.writer(&session).await.query_name("dup") };
    let elsewhere = other.checkpoint().display().to_string();
    let second = writer().await.option("checkpointLocation", &elsewhere);
    let error = second.start().await.unwrap_err();
    assert!(
        error
            .message()
            .starts_with("Cannot start query with name dup as a query with that name is already active"),
        "{error}"
    );
    one.stop().await.unwrap();
    let again = writer().await.option("checkpointLocation", &elsewhere);
    again.start().await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn a_second_start_on_a_checkpoint_stops_the_older_query() {
    let fixture = Fixture::new(2);
    let session = fixture.session();
    let older = fixture.writer(&session).await.start().await.unwrap();
    older.process_all_available().await.unwrap();
    let newer = fixture.writer(&session).await.start().await.unwrap();
    assert!(!older.is_active() && older.exception().is_none());
    assert!(newer.is_active());
    assert_eq!(older.id(), newer.id());
    assert_ne!(older.run_id(), newer.run_id());
    assert_eq!(
        session.streams().get(newer.id()).unwrap().run_id(),
        newer.run_id()
    );
    session.stop().await.unwrap();
    assert_eq!(fixture.sink.seen(), [0]);
}

#[tokio::test]
async fn a_second_start_is_refused_where_the_conf_says_so() {
    let fixture = Fixture::new(2);
    let builder = fixture.builder();
    let session = builder
        .conf("spark.sql.streaming.stopActiveRunOnRestart", "false")
        .build()
        .unwrap();
    let older = fixture.writer(&session).await.start().await.unwrap();
    let error = fixture.writer(&session).await.start().await.unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Concurrent);
    assert!(older.is_active());
    older.stop().await.unwrap();
    fixture
        .writer(&session)
        .await
        .start()
        .await
        .unwrap()
        .stop()
        .await
        .unwrap();
}

#[tokio::test]
async fn another_session_is_kept_out_by_the_lock() {
    let fixture = Fixture::new(2);
    let session = fixture.session();
    let older = fixture.writer(&session).await.start().await.unwrap();
    older.process_all_available().await.unwrap();
    let error = fixture.run_available().await.unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Concurrent);
    assert!(older.is_active());
    older.stop().await.unwrap();
    fixture.run_available().await.unwrap();
}

#[tokio::test]
async fn awaiting_any_termination_remembers_until_it_is_reset() {
    let fixture = Fixture::new(2);
    let clock = Arc::new(ManualClock::new(0));
    let session = fixture.builder().clock(clock.clone()).build().unwrap();
    let writer = fixture.writer(&session).await.trigger(Trigger::AvailableNow);
    writer
        .start()
        .await
        .unwrap()
        .await_termination(None)
        .await
        .unwrap();
    assert!(session.streams().await_any_termination(None).await.unwrap());
    session.streams().reset_terminated();
    let waiting = tokio::spawn({
        let streams = session.streams().clone();
        async move { streams.await_any_termination(Some(Duration::from_secs(1))).await }
    });
    clock.wait_for_sleeper().await;
    clock.advance(Duration::from_secs(1));
    assert!(!waiting.await.unwrap().unwrap());
}

#[tokio::test]
async fn a_file_sink_needs_a_checkpoint_and_a_noop_sink_gets_one_that_goes_with_it() {
    let fixture = Fixture::new(2);
    let session = fixture.session();
    let frame = fixture.stream(&session, 2).await;
    let parquet = frame.clone().write_stream().start_path("/nowhere");
    let error = parquet.await.unwrap_err();
    assert!(
        error
            .message()
            .starts_with("checkpointLocation must be specified"),
        "{error}"
    );
    let noop = frame.write_stream().format("noop").trigger(Trigger::AvailableNow);
    let query = noop.start().await.unwrap();
    query.await_termination(None).await.unwrap();
    assert_eq!(query.last_progress().unwrap().num_input_rows(), 2);
}

#[tokio::test]
async fn the_checkpoint_conf_gives_each_named_query_a_folder() {
    let fixture = Fixture::new(2);
    let root = fixture.folder.path().display().to_string();
    let builder = fixture.builder();
    let session = builder
        .conf("spark.sql.streaming.checkpointLocation", root)
        .build()
        .unwrap();
    let frame = fixture.stream(&session, 2).await;
    let writer = frame.write_stream().format("noop").query_name("ckpt");
    let query = writer.trigger(Trigger::AvailableNow).start().await.unwrap();
    query.await_termination(None).await.unwrap();
    assert_eq!(fixture.log("commits"), [0]);
}

#[tokio::test]
async fn a_batch_dataframe_and_a_foreign_one_cannot_be_written_as_streams() {
    let fixture = Fixture::new(2);
    let session = fixture.session();
    let batch = session.context().read_empty().unwrap();
    assert!(!batch.is_streaming());
    let error = batch.write_stream().format("noop").start().await.unwrap_err();
    assert_eq!(error.condition(), "WRITE_STREAM_NOT_ALLOWED");
    let stream = fixture.stream(&session, 2).await;
    assert!(stream.is_streaming());
    let plan = stream.into_parts().1;
    let elsewhere = datafusion::prelude::SessionContext::new().state();
    let foreign = datafusion::dataframe::DataFrame::new(elsewhere, plan);
    let error = foreign.write_stream().format("noop").start().await.unwrap_err();
    assert_eq!(error.condition(), "NO_STREAMING_SESSION");
}

#[tokio::test]
async fn a_running_batch_can_be_seen_in_the_status() {
    let fixture = Fixture::new(2);
    fixture.sink.hold.send_replace(true);
    let session = fixture.session();
    let query = fixture.writer(&session).await.start().await.unwrap();
    fixture.sink.wait_for_arrivals(1).await;
    let status = query.status();
    assert_eq!(
        status.json(),
        r#"{"message":"Processing new data","isDataAvailable":true,"isTriggerActive":true}"#
    );
    fixture.sink.hold.send_replace(false);
    query.stop().await.unwrap();
}

#[tokio::test]
async fn a_batch_closure_gets_an_ordinary_dataframe() {
    let fixture = Fixture::new(3);
    let session = fixture.session();
    let counts = Arc::new(std::sync::Mutex::new(Vec::new()));
    let keep = Arc::clone(&counts);
    let writer = fixture.stream(&session, 2).await.write_stream();
    let writer = writer.foreach_batch(move |frame, id| {
        let keep = Arc::clone(&keep);
        async move {
            let count = frame.count().await?;
            keep.lock().unwrap().push((id.get(), count));
            Ok::<_, datafusion::error::DataFusionError>(())
        }
    });
    let query = writer.trigger(Trigger::AvailableNow).start().await.unwrap();
    query.await_termination(None).await.unwrap();
    assert_eq!(*counts.lock().unwrap(), [(0, 2), (1, 1)]);
}

#[tokio::test]
async fn a_table_that_is_not_there_is_made_and_read_back() {
    let fixture = Fixture::new(3);
    let session = fixture.session();
    let out = fixture.folder.path().join("out").display().to_string();
    let write = async |limit: u64| {
        let writer = fixture.stream(&session, limit).await.write_stream();
        let writer = writer.option("checkpointLocation", fixture.checkpoint().display());
        let query = writer
            .trigger(Trigger::AvailableNow)
            .option("path", &out)
            .to_table("t")
            .await?;
        query.await_termination(None).await
    };
    write(2).await.unwrap();
    assert_eq!(session.table("t").await.unwrap().count().await.unwrap(), 3);
    fixture.numbers.grow_to(5);
    write(2).await.unwrap();
    assert_eq!(session.table("t").await.unwrap().count().await.unwrap(), 5);
    let writer = fixture.stream(&session, 2).await.write_stream().format("json");
    let error = writer.to_table("t").await.unwrap_err();
    assert_eq!(error.condition(), "TABLE_DOES_NOT_MATCH");
}
