//! When batches run.

use std::sync::Arc;
use std::time::Duration;

use super::Fixture;
use crate::clock::{Clock, ManualClock};
use crate::{StreamingSession, Trigger};

/// 12 s after a multiple of 10 s.
const START_MS: i64 = 1_704_067_202_000;

async fn start(fixture: &Fixture, session: &StreamingSession, trigger: Trigger) -> crate::StreamingQuery {
    let writer = fixture.writer(session).await.trigger(trigger);
    writer.start().await.unwrap()
}

#[tokio::test]
async fn a_processing_time_trigger_fires_at_once_and_then_at_multiples_of_its_interval() {
    let fixture = Fixture::new(1);
    let clock = Arc::new(ManualClock::new(START_MS));
    let session = fixture.builder().clock(clock.clone()).build().unwrap();
    let query = start(
        &fixture,
        &session,
        Trigger::ProcessingTime(Duration::from_secs(10)),
    )
    .await;
    clock.wait_for_sleeper().await;
    assert_eq!(fixture.sink.seen(), [0]);
    assert_eq!(query.status().message, "Waiting for next trigger");
    fixture.numbers.grow_to(2);
    clock.advance(Duration::from_millis(7_999));
    clock.wait_for_sleeper().await;
    assert_eq!(fixture.sink.seen(), [0]);
    clock.advance(Duration::from_millis(1));
    fixture.sink.wait_for_arrivals(2).await;
    assert_eq!(fixture.sink.batch(0), [0]);
    query.stop().await.unwrap();
    let progress = query.recent_progress();
    assert_eq!(progress[1].timestamp, "2024-01-01T00:00:10.000Z");
}

#[tokio::test]
async fn an_overrun_starts_the_next_trigger_at_once() {
    let fixture = Fixture::new(1);
    fixture.sink.hold.send_replace(true);
    let clock = Arc::new(ManualClock::new(START_MS));
    let session = fixture.builder().clock(clock.clone()).build().unwrap();
    let query = start(
        &fixture,
        &session,
        Trigger::ProcessingTime(Duration::from_secs(10)),
    )
    .await;
    fixture.sink.wait_for_arrivals(1).await;
    clock.advance(Duration::from_secs(9));
    fixture.numbers.grow_to(2);
    fixture.sink.hold.send_replace(false);
    fixture.sink.wait_for_arrivals(2).await;
    assert_eq!(clock.now_ms(), START_MS + 9_000);
    query.stop().await.unwrap();
    assert_eq!(fixture.sink.rows(), [0, 1]);
}

#[tokio::test]
async fn the_default_trigger_goes_on_when_data_come() {
    let fixture = Fixture::new(0);
    let session = fixture.session();
    let query = start(&fixture, &session, Trigger::default()).await;
    query.process_all_available().await.unwrap();
    assert!(fixture.log("offsets").is_empty());
    assert_eq!(query.explain(), "No physical plan. Waiting for data.");
    fixture.numbers.grow_to(5);
    query.process_all_available().await.unwrap();
    assert_eq!(fixture.sink.rows(), [0, 1, 2, 3, 4]);
    assert!(query.explain().contains("InputRowsExec"), "{}", query.explain());
    query.stop().await.unwrap();
    assert!(!query.is_active());
    assert!(query.exception().is_none());
}

#[tokio::test]
async fn once_takes_everything_in_one_batch_and_ends() {
    let fixture = Fixture::new(5);
    let session = fixture.session();
    let query = start(&fixture, &session, Trigger::Once).await;
    assert!(query.await_termination(None).await.unwrap());
    assert_eq!(fixture.sink.batch(0), [0, 1, 2, 3, 4]);
    assert_eq!(fixture.log("commits"), [0]);
}

#[tokio::test]
async fn once_counts_an_uncommitted_batch_as_the_one() {
    let fixture = Fixture::new(2);
    fixture.run_available().await.unwrap();
    fixture.remove("commits/0");
    fixture.numbers.grow_to(5);
    let session = fixture.session();
    let query = start(&fixture, &session, Trigger::Once).await;
    query.await_termination(None).await.unwrap();
    assert_eq!(fixture.sink.seen(), [0, 0]);
    assert_eq!(fixture.sink.rows(), [0, 1]);
}

#[tokio::test]
async fn available_now_keeps_to_the_limits_and_to_what_was_there_at_its_start() {
    let fixture = Fixture::new(5);
    fixture.sink.hold.send_replace(true);
    let session = fixture.session();
    let query = start(&fixture, &session, Trigger::AvailableNow).await;
    fixture.sink.wait_for_arrivals(1).await;
    fixture.numbers.grow_to(100);
    fixture.sink.hold.send_replace(false);
    query.await_termination(None).await.unwrap();
    assert_eq!(fixture.sink.seen(), [0, 1, 2]);
    assert_eq!(fixture.sink.rows(), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn available_now_is_a_single_batch_when_a_source_cannot_fix_its_end() {
    let fixture = Fixture::new(5);
    let session = fixture.session();
    let reader = session.read_stream().format("numbers").option("limit", 2);
    let frame = reader.option("endless", true).load().await.unwrap();
    let writer = fixture.write(frame).trigger(Trigger::AvailableNow);
    let query = writer.start().await.unwrap();
    query.await_termination(None).await.unwrap();
    assert_eq!(fixture.sink.seen(), [0]);
    assert_eq!(fixture.sink.batch(0), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn two_triggers_are_refused() {
    let fixture = Fixture::new(0);
    let session = fixture.session();
    let writer = fixture.writer(&session).await;
    let error = writer
        .trigger(Trigger::Once)
        .trigger(Trigger::Once)
        .start()
        .await
        .unwrap_err();
    assert_eq!(error.condition(), "ONLY_ALLOW_SINGLE_TRIGGER");
}
