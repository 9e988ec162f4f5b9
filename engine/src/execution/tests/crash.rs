//! A crash at every write of a run, before and after it took effect: nothing is lost and nothing comes twice.

use std::sync::{Arc, Mutex};

use tidemill_checkpoint::testing::{FaultMoment, FaultyFileManager};

use super::Fixture;
use crate::{CheckpointFileManager, FileUri, Result, StreamingSession, Trigger};

type Faulty = Arc<Mutex<Option<Arc<FaultyFileManager>>>>;

/// A session whose checkpoint files go through `make`.
fn session(
    fixture: &Fixture,
    make: impl Fn(Arc<dyn CheckpointFileManager>) -> FaultyFileManager + Send + Sync + 'static,
) -> (StreamingSession, Faulty) {
    let made: Faulty = Arc::default();
    let keep = Arc::clone(&made);
    let hook = move |_: &FileUri, files: Arc<dyn CheckpointFileManager>| -> Arc<dyn CheckpointFileManager> {
        let files = Arc::new(make(files));
        *keep.lock().unwrap() = Some(Arc::clone(&files));
        files
    };
    (
        fixture
            .builder()
            .with_file_manager(Arc::new(hook))
            .build()
            .unwrap(),
        made,
    )
}

async fn run(fixture: &Fixture, session: &StreamingSession) -> Result<()> {
    let writer = fixture.writer(session).await.trigger(Trigger::AvailableNow);
    writer.start().await?.await_termination(None).await.map(drop)
}

#[tokio::test]
async fn a_crash_at_any_write_loses_nothing_and_doubles_nothing() {
    let count = {
        let fixture = Fixture::new(6);
        let (session, made) = session(&fixture, FaultyFileManager::counting);
        run(&fixture, &session).await.unwrap();
        let made = made.lock().unwrap();
        made.as_ref().unwrap().writes()
    };
    // The query's id, and an entry in either log for each of three batches.
    assert_eq!(count, 7);
    for nth in 0..count {
        for moment in [FaultMoment::Before, FaultMoment::After] {
            let fixture = Fixture::new(6);
            let (broken, _) = session(&fixture, move |files| {
                FaultyFileManager::failing(files, nth, moment)
            });
            let error = run(&fixture, &broken).await.unwrap_err();
            assert_eq!(
                error.kind(),
                crate::ErrorKind::Retry,
                "write {nth} {moment:?}: {error}"
            );
            let before = fixture.sink.batches.lock().unwrap().clone();
            fixture.run_available().await.unwrap();
            assert_eq!(fixture.sink.rows(), [0, 1, 2, 3, 4, 5], "write {nth} {moment:?}");
            assert_eq!(fixture.log("commits"), [0, 1, 2], "write {nth} {moment:?}");
            for (id, rows) in before {
                assert_eq!(
                    fixture.sink.batch(id),
                    rows,
                    "write {nth} {moment:?}: batch {id} changed"
                );
            }
        }
    }
}

#[tokio::test]
async fn the_next_batch_is_looked_at_while_one_commits_unless_that_is_switched_off() {
    for (pipelining, asked) in [("true", 2), ("false", 1)] {
        let fixture = Fixture::new(6);
        // The third write of a run is the first commit.
        let (broken, _) = session(&fixture, |files| {
            FaultyFileManager::failing(files, 2, FaultMoment::Before)
        });
        broken
            .set_conf("tidemill.pipelining.enabled", pipelining)
            .unwrap();
        run(&fixture, &broken).await.unwrap_err();
        assert_eq!(fixture.numbers.asked(), asked, "pipelining {pipelining}");
        assert_eq!(
            (fixture.log("offsets"), fixture.log("commits")),
            (vec![0], vec![])
        );
    }
}

#[tokio::test]
async fn a_small_batch_writes_two_files() {
    let fixture = Fixture::new(2);
    let (session, made) = session(&fixture, FaultyFileManager::counting);
    run(&fixture, &session).await.unwrap();
    let one = made.lock().unwrap().as_ref().unwrap().writes();
    fixture.numbers.grow_to(8);
    run(&fixture, &session).await.unwrap();
    let three_more = made.lock().unwrap().as_ref().unwrap().writes();
    assert_eq!((one, three_more), (3, 6));
}

#[tokio::test]
async fn sources_hear_of_a_batch_only_after_the_next_one_is_logged() {
    let fixture = Fixture::new(6);
    fixture.run_available().await.unwrap();
    assert_eq!(fixture.numbers.committed(), ["2", "4"]);
}

#[tokio::test]
async fn an_entry_that_another_run_wrote_stops_the_query_before_it_writes_output() {
    let fixture = Fixture::new(2);
    let session = fixture.session();
    let query = fixture.writer(&session).await.start().await.unwrap();
    query.process_all_available().await.unwrap();
    std::fs::copy(
        fixture.checkpoint().join("offsets/0"),
        fixture.checkpoint().join("offsets/1"),
    )
    .unwrap();
    fixture.numbers.grow_to(4);
    let error = query.await_termination(None).await.unwrap_err();
    assert_eq!(error.condition(), "CONCURRENT_STREAM_LOG_UPDATE");
    assert_eq!(error.kind(), crate::ErrorKind::Concurrent);
    assert!(error.message().contains("offsets/1"), "{error}");
    assert_eq!(fixture.sink.seen(), [0]);
}

#[tokio::test]
async fn a_commit_that_another_run_wrote_stops_the_query() {
    let fixture = Fixture::new(2);
    fixture.sink.hold.send_replace(true);
    let session = fixture.session();
    let query = fixture.writer(&session).await.start().await.unwrap();
    fixture.sink.wait_for_arrivals(1).await;
    std::fs::create_dir_all(fixture.checkpoint().join("commits")).unwrap();
    std::fs::copy(
        fixture.checkpoint().join("offsets/0"),
        fixture.checkpoint().join("commits/0"),
    )
    .unwrap();
    fixture.sink.hold.send_replace(false);
    let error = query.await_termination(None).await.unwrap_err();
    assert_eq!(error.condition(), "CONCURRENT_STREAM_LOG_UPDATE");
    assert!(error.message().contains("commits/0"), "{error}");
}

#[tokio::test]
async fn old_entries_are_purged_down_to_the_retention() {
    let fixture = Fixture::new(20);
    let session = fixture
        .builder()
        .conf("spark.sql.streaming.minBatchesToRetain", "3")
        .conf("spark.sql.streaming.asyncLogPurge.enabled", "false")
        .build()
        .unwrap();
    run(&fixture, &session).await.unwrap();
    assert_eq!(fixture.log("offsets"), [6, 7, 8, 9]);
    assert_eq!(fixture.log("commits"), [6, 7, 8, 9]);
    fixture.numbers.grow_to(22);
    fixture.run_available().await.unwrap();
    assert_eq!(fixture.sink.rows().len(), 22);
}
