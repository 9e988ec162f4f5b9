//! Async progress tracking: which batches are recorded, what a crash brings again, what is refused.

use std::sync::Arc;
use std::time::Duration;

use tidemill_checkpoint::testing::{FaultMoment, FaultyFileManager};

use super::Fixture;
use crate::clock::ManualClock;
use crate::{
    CheckpointFileManager, DataStreamWriter, FileUri, Result, StreamingQuery, StreamingSession, Trigger,
};

/// The fixture's writer with an interval of a thousand seconds; the sink of the tests stands for one that may see rows again.
fn asynchronous(writer: DataStreamWriter) -> DataStreamWriter {
    writer
        .option("asyncProgressTrackingEnabled", true)
        .option("asyncProgressTrackingCheckpointIntervalMs", 1_000_000)
        .option("_asyncProgressTrackingOverrideSinkSupportCheck", true)
}

fn session(fixture: &Fixture, clock: &Arc<ManualClock>) -> StreamingSession {
    let clock = Arc::clone(clock);
    fixture
        .builder()
        .clock(clock)
        .conf("spark.sql.streaming.minBatchesToRetain", "2")
        .build()
        .unwrap()
}

/// Waits for what there is to be processed. The clock goes on a little meanwhile: a query that waits looks again by it.
async fn processed(query: &StreamingQuery, clock: &ManualClock) -> Result<()> {
    let ticking = async {
        loop {
            tokio::time::sleep(Duration::from_millis(2)).await;
            clock.advance(Duration::from_millis(10));
        }
    };
    tokio::select! {
        done = query.process_all_available() => done,
        () = ticking => Ok(()),
    }
}

/// Two more numbers.
fn grow(fixture: &Fixture) {
    let there_are = *fixture.numbers.there_are.borrow();
    fixture.numbers.grow_to(there_are + 2);
}

/// Runs a batch for each pause: two more numbers, after so many seconds.
async fn run_batches(fixture: &Fixture, clock: &Arc<ManualClock>, pauses_s: &[u64]) {
    let session = session(fixture, clock);
    let query = asynchronous(fixture.writer(&session).await)
        .start()
        .await
        .unwrap();
    for pause in pauses_s {
        clock.advance(Duration::from_secs(*pause));
        grow(fixture);
        processed(&query, clock).await.unwrap();
    }
    query.stop().await.unwrap();
}

#[tokio::test]
async fn only_batches_after_the_interval_are_recorded_and_sources_let_go_below_them() {
    let fixture = Fixture::new(0);
    let clock = Arc::new(ManualClock::new(1_000_000));
    run_batches(&fixture, &clock, &[0, 400, 400, 400, 400]).await;
    assert_eq!(fixture.log("offsets"), [0, 3]);
    assert_eq!(fixture.log("commits"), [0, 3]);
    assert_eq!(fixture.numbers.committed(), ["2"]);
    assert_eq!(fixture.sink.rows(), (0..10).collect::<Vec<_>>());

    // Batch 4 was not recorded: it runs again under the same number, with the first new number in it.
    run_batches(&fixture, &clock, &[0, 2000]).await;
    assert_eq!(fixture.log("offsets"), [4, 6], "the newest two stay");
    assert_eq!(fixture.log("commits"), [4, 6]);
    assert_eq!(fixture.sink.rows(), (0..14).collect::<Vec<_>>());
    assert_eq!(fixture.numbers.committed(), ["2", "8", "10"]);
}

#[tokio::test]
async fn a_log_with_gaps_runs_its_newest_batch_again_from_the_entry_below() {
    let fixture = Fixture::new(0);
    let clock = Arc::new(ManualClock::new(1_000_000));
    run_batches(&fixture, &clock, &[0, 500, 500]).await;
    assert_eq!(fixture.log("offsets"), [0, 2]);
    fixture.remove("commits/2");

    let error = fixture.run_available().await.unwrap_err();
    assert!(
        error.message().contains("asynchronous progress tracking"),
        "{error}"
    );

    fixture.sink.batches.lock().unwrap().clear();
    run_batches(&fixture, &clock, &[0]).await;
    assert_eq!(fixture.sink.batch(2), [2, 3, 4, 5], "what batches 1 and 2 had");
    assert_eq!(fixture.log("commits"), [2, 3]);
}

#[tokio::test]
async fn after_a_crash_at_any_write_every_row_comes_at_least_once() {
    for nth in 0..7_u64 {
        for moment in [FaultMoment::Before, FaultMoment::After] {
            let fixture = Fixture::new(0);
            let clock = Arc::new(ManualClock::new(1_000_000));
            let broken = failing_session(&fixture, &clock, nth, moment);
            if let Ok(query) = asynchronous(fixture.writer(&broken).await).start().await {
                for _ in 0..3 {
                    clock.advance(Duration::from_secs(1000));
                    grow(&fixture);
                    // The failed write ends the query at one of the next batches, or at its end.
                    let _ = processed(&query, &clock).await;
                }
                let _ = query.stop().await;
                let error = query.await_termination(None).await.unwrap_err();
                assert_eq!(
                    error.kind(),
                    crate::ErrorKind::Retry,
                    "write {nth} {moment:?}: {error}"
                );
            }
            run_batches(&fixture, &clock, &[1000]).await;
            let mut rows = fixture.sink.rows();
            rows.dedup();
            let all: Vec<i64> = (0..*fixture.numbers.there_are.borrow()).collect();
            assert_eq!(rows, all, "write {nth} {moment:?}");
        }
    }
}

fn failing_session(
    fixture: &Fixture,
    clock: &Arc<ManualClock>,
    nth: u64,
    moment: FaultMoment,
) -> StreamingSession {
    let hook = move |_: &FileUri, files: Arc<dyn CheckpointFileManager>| -> Arc<dyn CheckpointFileManager> {
        Arc::new(FaultyFileManager::failing(files, nth, moment))
    };
    fixture
        .builder()
        .clock(Arc::clone(clock) as _)
        .with_file_manager(Arc::new(hook))
        .build()
        .unwrap()
}

#[tokio::test]
async fn what_cannot_go_with_it_is_refused_by_name() {
    let fixture = Fixture::new(2);
    let session = fixture.session();
    for (trigger, name) in [(Trigger::Once, "Once"), (Trigger::AvailableNow, "AvailableNow")] {
        let writer = asynchronous(fixture.writer(&session).await).trigger(trigger);
        let error = writer.start().await.unwrap_err();
        assert_eq!(error.condition(), "ASYNC_PROGRESS_TRACKING_NOT_SUPPORTED");
        let text = format!("Async progress tracking cannot be used with {name} trigger");
        assert_eq!(error.message(), text);
    }
    let writer = fixture.writer(&session).await;
    let error = writer
        .option("asyncProgressTrackingEnabled", "true")
        .start()
        .await
        .unwrap_err();
    assert!(
        error
            .message()
            .starts_with("Sink Kept does not support async progress tracking"),
        "{error}"
    );
    let writer = fixture.writer(&session).await;
    let error = asynchronous(writer)
        .option("asyncProgressTrackingCheckpointIntervalMs", "soon")
        .start()
        .await
        .unwrap_err();
    assert_eq!(error.condition(), "INVALID_OPTION_VALUE");

    let frame = fixture.stream(&session, 2).await;
    let counted = frame.distinct().unwrap();
    let query = asynchronous(fixture.write(counted)).start().await.unwrap();
    let error = query.await_termination(None).await.unwrap_err();
    assert_eq!(error.condition(), "ASYNC_PROGRESS_TRACKING_NOT_SUPPORTED");
    assert!(
        error.message().starts_with("Stateful streaming queries"),
        "{error}"
    );
}
