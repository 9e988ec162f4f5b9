//! Progress and listeners of real runs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use datafusion::prelude::{col, lit};

use super::Fixture;
use crate::clock::ManualClock;
use crate::{
    QueryIdleEvent, QueryProgressEvent, QueryStartedEvent, QueryTerminatedEvent, StreamingQueryListener,
    Trigger,
};

#[derive(Default)]
struct Diary(Mutex<Vec<String>>);

impl Diary {
    fn write(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }
}

impl StreamingQueryListener for Diary {
    fn on_query_started(&self, event: &QueryStartedEvent) {
        self.write(format!("started {}", event.name.as_deref().unwrap_or("-")));
    }
    fn on_query_progress(&self, event: &QueryProgressEvent) {
        self.write(format!("progress {}", event.progress.batch_id));
    }
    fn on_query_idle(&self, _: &QueryIdleEvent) {
        self.write("idle");
    }
    fn on_query_terminated(&self, event: &QueryTerminatedEvent) {
        let how = event.exception.as_ref().map_or("well", |e| e.condition());
        self.write(format!("terminated {how}"));
    }
}

#[tokio::test]
async fn a_listener_hears_started_progress_and_terminated_in_order() {
    let fixture = Fixture::new(3);
    let session = fixture.session();
    let diary = Arc::new(Diary::default());
    session.streams().add_listener(diary.clone());
    let writer = fixture
        .writer(&session)
        .await
        .query_name("q")
        .trigger(Trigger::AvailableNow);
    let query = writer.start().await.unwrap();
    assert_eq!(diary.0.lock().unwrap()[0], "started q");
    query.await_termination(None).await.unwrap();
    session.streams().flush_listeners().await;
    assert_eq!(
        *diary.0.lock().unwrap(),
        ["started q", "progress 0", "progress 1", "terminated well"]
    );
    let as_listener: Arc<dyn StreamingQueryListener> = diary.clone();
    assert!(session.streams().remove_listener(&as_listener));
    assert!(session.streams().list_listeners().is_empty());
}

#[tokio::test]
async fn a_failure_is_told_to_listeners() {
    let fixture = Fixture::new(3);
    *fixture.sink.fail.lock().unwrap() = Some(0);
    let session = fixture.session();
    let diary = Arc::new(Diary::default());
    session.streams().add_listener(diary.clone());
    let query = fixture.writer(&session).await.start().await.unwrap();
    query.await_termination(None).await.unwrap_err();
    session.streams().flush_listeners().await;
    assert_eq!(*diary.0.lock().unwrap(), ["started -", "terminated SINK_IS_FULL"]);
}

#[tokio::test]
async fn an_idle_query_tells_so_once_an_interval() {
    let fixture = Fixture::new(1);
    let clock = Arc::new(ManualClock::new(0));
    let session = fixture.builder().clock(clock.clone()).build().unwrap();
    let diary = Arc::new(Diary::default());
    session.streams().add_listener(diary.clone());
    let query = fixture.writer(&session).await.start().await.unwrap();
    query.process_all_available().await.unwrap();
    clock.advance(Duration::from_millis(9_980));
    query.process_all_available().await.unwrap();
    assert_eq!(query.recent_progress().len(), 1);
    clock.advance(Duration::from_millis(20));
    query.process_all_available().await.unwrap();
    query.stop().await.unwrap();
    session.streams().flush_listeners().await;
    assert_eq!(
        *diary.0.lock().unwrap(),
        ["started -", "progress 0", "idle", "terminated well"]
    );
    let idle = query.last_progress().unwrap();
    assert_eq!(idle.batch_id, 1);
    let keys: Vec<_> = idle.duration_ms.keys().copied().collect();
    assert_eq!(keys, ["latestOffset", "triggerExecution"]);
    assert_eq!(idle.sources[0].start_offset, idle.sources[0].end_offset);
}

#[tokio::test]
async fn the_progress_of_a_batch_has_sparks_keys_and_figures() {
    let fixture = Fixture::new(5);
    let session = fixture.session();
    let frame = fixture
        .stream(&session, 3)
        .await
        .filter(col("n").gt(lit(0)))
        .unwrap();
    let query = fixture
        .write(frame)
        .trigger(Trigger::AvailableNow)
        .start()
        .await
        .unwrap();
    query.await_termination(None).await.unwrap();
    let json: serde_json::Value = serde_json::from_str(&query.recent_progress()[0].json()).unwrap();
    assert_eq!(json["batchId"], 0);
    assert_eq!(json["numInputRows"], 3);
    assert_eq!(
        json["sink"],
        serde_json::json!({"description": "Kept", "numOutputRows": 2})
    );
    let durations: Vec<_> = json["durationMs"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        durations,
        [
            "addBatch",
            "commitOffsets",
            "getBatch",
            "latestOffset",
            "queryPlanning",
            "triggerExecution",
            "walCommit"
        ]
    );
    let source = json["sources"][0].as_object().unwrap();
    assert_eq!(source["description"], "Numbers");
    assert!(source["startOffset"].is_null());
    assert_eq!(source["endOffset"], 3);
    assert_eq!(source["inputRowsPerSecond"], 0.0);
    assert_eq!(json["stateOperators"], serde_json::json!([]));
    let last = query.last_progress().unwrap();
    assert_eq!((last.batch_id, last.num_input_rows()), (1, 2));
    assert_eq!(last.id, query.id());
}

#[tokio::test]
async fn recent_progress_is_bounded() {
    let fixture = Fixture::new(20);
    let builder = fixture
        .builder()
        .conf("spark.sql.streaming.numRecentProgressUpdates", "3");
    let session = builder.build().unwrap();
    let writer = fixture.writer(&session).await.trigger(Trigger::AvailableNow);
    let query = writer.start().await.unwrap();
    query.await_termination(None).await.unwrap();
    let ids: Vec<_> = query.recent_progress().iter().map(|p| p.batch_id).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.is_sorted() && ids.contains(&9));
}
