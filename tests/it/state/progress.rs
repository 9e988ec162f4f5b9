//! What progress tells of state and event time, under Spark's keys.

use serde_json::Value;
use tidemill::OutputMode;

use super::WINDOWED_COUNT;
use crate::harness::stateful::{Event, StatefulFixture, changed, select};

/// Spark's keys of a stateful operator, in its order.
const OPERATOR_KEYS: [&str; 12] = [
    "operatorName",
    "numRowsTotal",
    "numRowsUpdated",
    "allUpdatesTimeMs",
    "numRowsRemoved",
    "allRemovalsTimeMs",
    "commitTimeMs",
    "memoryUsedBytes",
    "numRowsDroppedByWatermark",
    "numShufflePartitions",
    "numStateStoreInstances",
    "customMetrics",
];

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn progress_has_sparks_keys_and_figures_of_state_and_event_time() {
    let fixture = StatefulFixture::new(OutputMode::Append, 2);
    let run = fixture.start(&select(WINDOWED_COUNT)).await.unwrap();
    let mut progress = Vec::new();
    for block in [
        vec![
            Event::at(1_000, "a"),
            Event::at(3_000, "b"),
            Event::at(32_000, "a"),
        ],
        vec![Event::at(2_000, "late"), Event::at(33_000, "a")],
    ] {
        run.feed(&fixture, &block).await.unwrap();
    }
    for entry in run.query.recent_progress() {
        progress.push(serde_json::from_str::<Value>(&entry.json()).unwrap());
    }
    run.session.stop().await.unwrap();
    let [first, no_data, late, ..] = progress.as_slice() else {
        panic!("three batches: {progress:?}");
    };
    assert_eq!(
        first["eventTime"],
        serde_json::json!({
            "avg": "1970-01-01T00:00:12.000Z",
            "max": "1970-01-01T00:00:32.000Z",
            "min": "1970-01-01T00:00:01.000Z",
            "watermark": "1970-01-01T00:00:00.000Z",
        })
    );
    assert_eq!(
        no_data["eventTime"],
        serde_json::json!({"watermark": "1970-01-01T00:00:22.000Z"})
    );
    assert_eq!(no_data["numInputRows"], 0);
    let figures = |progress: &Value| {
        let operator = &progress["stateOperators"][0];
        assert_eq!(keys(operator), OPERATOR_KEYS);
        assert_eq!(operator["operatorName"], "stateStoreSave");
        assert_eq!(operator["numShufflePartitions"], 2);
        assert_eq!(operator["numStateStoreInstances"], 2);
        assert!(operator["memoryUsedBytes"].as_u64().unwrap() > 0);
        [
            "numRowsTotal",
            "numRowsUpdated",
            "numRowsRemoved",
            "numRowsDroppedByWatermark",
        ]
        .map(|key| operator[key].as_u64().unwrap())
    };
    assert_eq!(figures(first), [3, 3, 0, 0]);
    assert_eq!(figures(no_data), [1, 0, 2, 0]);
    assert_eq!(figures(late), [1, 1, 0, 1]);
    let custom = &late["stateOperators"][0]["customMetrics"];
    assert_eq!(
        keys(custom),
        [
            "SnapshotLastUploaded.partition_0_default",
            "SnapshotLastUploaded.partition_1_default",
            "forceSnapshotCount",
            "loadedMapCacheHitCount",
            "loadedMapCacheMissCount",
            "numSnapshotsAutoRepaired",
            "stateOnCurrentVersionSizeBytes",
        ]
    );
    assert_eq!(custom["SnapshotLastUploaded.partition_0_default"], -1);
    assert_eq!(custom["forceSnapshotCount"], 0);
}

#[tokio::test]
async fn a_deduplication_tells_how_many_duplicates_it_dropped() {
    let fixture = StatefulFixture::new(OutputMode::Append, 3);
    let build = changed(|df| tidemill::DataFrameStreamingExt::drop_duplicates(df, &["k"]));
    let run = fixture.start(&build).await.unwrap();
    let block = [
        Event::at(1, "a"),
        Event::at(2, "a"),
        Event::at(3, "b"),
        Event::at(4, "a"),
    ];
    run.feed(&fixture, &block).await.unwrap();
    let progress: Value = serde_json::from_str(&run.query.last_progress().unwrap().json()).unwrap();
    run.session.stop().await.unwrap();
    let operator = &progress["stateOperators"][0];
    assert_eq!(keys(operator), OPERATOR_KEYS);
    assert_eq!(operator["operatorName"], "dedupe");
    assert_eq!(operator["numRowsTotal"], 2);
    assert_eq!(operator["numStateStoreInstances"], 3);
    assert_eq!(operator["customMetrics"]["numDroppedDuplicateRows"], 2);
    assert!(progress.get("eventTime").is_none(), "a query without a watermark");
}

#[tokio::test]
async fn an_operator_below_a_filter_that_lets_nothing_through_keeps_its_state() {
    let fixture = StatefulFixture::new(OutputMode::Update, 2);
    let query = select("SELECT k, count(*) AS n FROM STREAM(e) GROUP BY k HAVING 1 = 0");
    let run = fixture.start(&query).await.unwrap();
    run.feed(&fixture, &[Event::at(1_000, "a"), Event::at(2_000, "b")])
        .await
        .unwrap();
    let progress = run.query.last_progress().unwrap();
    let operators: Vec<_> = progress
        .state_operators
        .iter()
        .map(|o| (o.operator_name.as_str(), o.num_rows_total))
        .collect();
    assert_eq!(operators, [("stateStoreSave", 2)]);
    run.session.stop().await.unwrap();
    assert!(fixture.take_batches().into_values().all(|rows| rows.is_empty()));
}

#[tokio::test]
async fn of_several_watermarks_the_first_that_saw_rows_is_told() {
    let fixture = StatefulFixture::new(OutputMode::Append, 2);
    let branch = |k: &str| {
        format!("SELECT ts, k FROM STREAM(e) WATERMARK ts DELAY OF INTERVAL 10 SECONDS WHERE k = '{k}'")
    };
    let text = format!(
        "SELECT window.start AS ws, count(*) AS n FROM ({} UNION ALL {}) GROUP BY window(ts, '10 seconds')",
        branch("a"),
        branch("b")
    );
    let run = fixture.start(&select(&text)).await.unwrap();
    let mut told = Vec::new();
    for block in [
        vec![
            Event::at(100_000, "b"),
            Event::at(1_000, "a"),
            Event::at(3_000, "a"),
        ],
        vec![Event::at(160_000, "b")],
    ] {
        run.feed(&fixture, &block).await.unwrap();
        let progress = run.query.recent_progress();
        let with_rows = progress.iter().rfind(|entry| entry.num_input_rows() > 0).unwrap();
        let times = with_rows.event_time.clone();
        told.push([times.min, times.avg, times.max].map(Option::unwrap));
    }
    run.session.stop().await.unwrap();
    let first = [
        "1970-01-01T00:00:01.000Z",
        "1970-01-01T00:00:02.000Z",
        "1970-01-01T00:00:03.000Z",
    ];
    assert_eq!(told, [first, ["1970-01-01T00:02:40.000Z"; 3]]);
}

#[tokio::test]
async fn without_a_batch_progress_still_tells_the_watermark_and_what_the_state_holds() {
    let fixture = StatefulFixture::new(OutputMode::Append, 2)
        .conf("spark.sql.streaming.noDataProgressEventInterval", "0");
    let run = fixture.start(&select(WINDOWED_COUNT)).await.unwrap();
    let block = [
        Event::at(1_000, "a"),
        Event::at(50_000, "b"),
        Event::at(50_001, "b"),
    ];
    run.feed(&fixture, &block).await.unwrap();
    // The look that found nothing has been told by now.
    let progress = run.query.recent_progress();
    run.session.stop().await.unwrap();
    let entries: Vec<Value> = progress
        .iter()
        .map(|entry| serde_json::from_str(&entry.json()).unwrap())
        .collect();
    let ran = |entry: &&Value| entry["durationMs"].get("addBatch").is_some();
    let batch = entries.iter().rfind(ran).unwrap();
    let idle = entries.last().unwrap();
    assert!(!ran(&idle), "{idle}");
    assert_eq!(
        idle["eventTime"],
        serde_json::json!({"watermark": "1970-01-01T00:00:40.001Z"})
    );
    let (before, now) = (&batch["stateOperators"][0], &idle["stateOperators"][0]);
    assert_eq!(keys(now), OPERATOR_KEYS);
    assert_eq!(before["numRowsRemoved"], 1);
    for key in [
        "operatorName",
        "numRowsTotal",
        "memoryUsedBytes",
        "numStateStoreInstances",
    ] {
        assert_eq!(now[key], before[key], "{key}");
    }
    for key in [
        "numRowsUpdated",
        "numRowsRemoved",
        "numRowsDroppedByWatermark",
        "commitTimeMs",
    ] {
        assert_eq!(now[key], 0, "{key}");
    }
    assert_eq!(now["customMetrics"]["loadedMapCacheHitCount"], 0);
    assert_eq!(
        now["customMetrics"]["stateOnCurrentVersionSizeBytes"],
        before["customMetrics"]["stateOnCurrentVersionSizeBytes"]
    );
}
