//! A crash at every write of a query with state, before and after it took effect: rows and state are those of a run
//! without a crash.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tidemill::prelude::*;
use tidemill::{CheckpointFileManager, ErrorKind, FileManagerHook, FileUri};
use tidemill_checkpoint::testing::{FaultMoment, FaultyFileManager};

use super::WINDOWED_COUNT;
use crate::harness::stateful::{Build, Event, Run, State, StatefulFixture, changed, select};

type Made = Arc<Mutex<Option<Arc<FaultyFileManager>>>>;

fn hook(
    make: impl Fn(Arc<dyn CheckpointFileManager>) -> FaultyFileManager + Send + Sync + 'static,
) -> (FileManagerHook, Made) {
    let made = Made::default();
    let keep = Arc::clone(&made);
    let hook = move |_: &FileUri, files: Arc<dyn CheckpointFileManager>| -> Arc<dyn CheckpointFileManager> {
        let files = Arc::new(make(files));
        *keep.lock().unwrap() = Some(Arc::clone(&files));
        files
    };
    (Arc::new(hook), made)
}

/// What came of a life of three batches.
#[derive(Debug, PartialEq)]
struct Outcome {
    batches: BTreeMap<u64, Vec<Value>>,
    state: State,
    commits: usize,
}

fn blocks() -> [Vec<Event>; 3] {
    [
        vec![
            Event::at(1_000, "a"),
            Event::at(2_000, "b"),
            Event::at(12_000, "a"),
        ],
        vec![
            Event::at(31_000, "c"),
            Event::at(13_000, "a"),
            Event::at(2_000, "a"),
        ],
        vec![
            Event::at(45_000, "b"),
            Event::at(1_000, "late"),
            Event::at(32_000, "c"),
        ],
    ]
}

async fn fed(run: &Run, fixture: &StatefulFixture) -> Result<()> {
    for block in blocks() {
        // A block whose batch failed is there when the query is started again.
        fixture.add(&block);
        run.query.process_all_available().await?;
    }
    Ok(())
}

/// Goes on after a crash, with the blocks that are still to come.
async fn go_on(fixture: &StatefulFixture, build: &Build) {
    let run = fixture.start(build).await.unwrap();
    run.query.process_all_available().await.unwrap();
    for block in blocks().into_iter().skip(fixture.blocks()) {
        run.feed(fixture, &block).await.unwrap();
    }
    run.session.stop().await.unwrap();
}

/// Batches without data depend on where a query was restarted; without them every run has the same batches.
fn fixture(mode: OutputMode) -> StatefulFixture {
    StatefulFixture::new(mode, 2).conf("spark.sql.streaming.noDataMicroBatches.enabled", "false")
}

async fn outcome(fixture: &StatefulFixture) -> Outcome {
    Outcome {
        batches: fixture.batches(),
        state: fixture.state().await,
        commits: std::fs::read_dir(fixture.checkpoint().join("commits"))
            .unwrap()
            .count(),
    }
}

async fn without_a_crash(mode: OutputMode, build: &Build) -> (u64, Outcome) {
    let fixture = fixture(mode);
    let (hook, made) = hook(FaultyFileManager::counting);
    let run = fixture.start_with(build, Some(hook)).await.unwrap();
    fed(&run, &fixture).await.unwrap();
    run.session.stop().await.unwrap();
    let writes = made.lock().unwrap().as_ref().unwrap().writes();
    (writes, outcome(&fixture).await)
}

async fn with_a_crash(mode: OutputMode, build: &Build, nth: u64, moment: FaultMoment) -> Outcome {
    let fixture = fixture(mode);
    let (hook, _) = hook(move |files| FaultyFileManager::failing(files, nth, moment));
    // The first write is made by the start itself.
    let error = match fixture.start_with(build, Some(hook)).await {
        Ok(run) => {
            let error = fed(&run, &fixture).await.unwrap_err();
            drop(run.session.stop().await);
            error
        }
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::Retry, "write {nth} {moment:?}: {error}");
    go_on(&fixture, build).await;
    outcome(&fixture).await
}

async fn survives(mode: OutputMode, build: &Build, least_writes: u64) {
    let (writes, expected) = without_a_crash(mode, build).await;
    assert!(writes >= least_writes, "{writes} writes");
    assert!(!expected.state.is_empty());
    for nth in 0..writes {
        for moment in [FaultMoment::Before, FaultMoment::After] {
            let outcome = with_a_crash(mode, build, nth, moment).await;
            assert_eq!(outcome, expected, "write {nth} {moment:?}");
        }
    }
}

// The query's id, the operator's metadata and schema; then for each of three batches an entry in either log and a
// delta of either partition.
const WRITES: u64 = 3 + 3 * 4;

#[tokio::test]
async fn a_crash_at_any_write_of_a_windowed_count_changes_neither_rows_nor_state() {
    for mode in [OutputMode::Append, OutputMode::Update] {
        survives(mode, &select(WINDOWED_COUNT), WRITES).await;
    }
}

#[tokio::test]
async fn a_crash_at_any_write_of_two_operators_changes_neither_rows_nor_state() {
    let build = changed(|df| {
        let df = df.with_watermark("ts", "10 seconds")?;
        df.drop_duplicates_within_watermark(&["k", "v"])?
            .drop_duplicates(&["k", "ts"])
    });
    survives(OutputMode::Append, &build, 1 + 2 * 2 + 3 * 6).await;
}

#[tokio::test]
async fn a_whole_result_is_given_again_by_the_batch_that_runs_again() {
    let build = select("SELECT k, count(*) AS n, max(ts) AS t FROM STREAM(e) GROUP BY k");
    survives(OutputMode::Complete, &build, WRITES).await;
}
