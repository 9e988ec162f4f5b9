//! A start on a checkpoint that does not fit is refused under Spark's condition, and the checkpoint stays as it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::json;
use tidemill::prelude::*;

use crate::harness::golden::GoldenCase;
use crate::harness::stateful::{Build, Event, StatefulFixture, changed, select};

const COUNT: &str = "SELECT k, count(*) AS n FROM STREAM(e) GROUP BY k";

/// A checkpoint of [`COUNT`] after two batches.
async fn counted() -> StatefulFixture {
    let fixture = StatefulFixture::new(OutputMode::Update, 3);
    for k in ["a", "b"] {
        let rows = [Event::at(1_000, k), Event::at(2_000, "a")];
        fixture.run(&select(COUNT), &rows).await.unwrap();
    }
    fixture
}

/// Starts the query with one more row, which must fail; gives the error.
async fn refused(fixture: &StatefulFixture, build: &Build) -> TidemillError {
    let before = fixture.files();
    let batches = fixture.batches();
    let rows = [Event::at(3_000, "c")];
    let error = fixture.run(build, &rows).await.unwrap_err();
    let mut after = fixture.files();
    // Spark too has logged the batch by the time that it plans it.
    let logged = fixture.checkpoint().join("offsets/2");
    if !before.contains_key(&logged) {
        after.remove(&logged);
    }
    assert_eq!(names(&after), names(&before), "{error}");
    assert!(after == before, "a file was changed: {error}");
    assert_eq!(fixture.batches(), batches, "{error}");
    error
}

fn names(files: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<&PathBuf> {
    files.keys().collect()
}

fn mentions(error: &TidemillError, words: &[&str]) {
    for word in words {
        assert!(error.message().contains(word), "{word} is not in: {error}");
    }
}

/// The query goes on with what it knew.
async fn goes_on(fixture: &StatefulFixture) {
    fixture
        .run(&select(COUNT), &[Event::at(4_000, "a")])
        .await
        .unwrap();
    let newest = fixture.batches().into_values().next_back().unwrap();
    assert_eq!(
        newest.iter().find(|r| r["k"] == "a").unwrap()["n"],
        json!("4.000000000e0")
    );
}

#[tokio::test]
async fn another_operator_than_the_checkpoints_is_refused() {
    let fixture = counted().await;
    let error = refused(&fixture, &changed(|df| df.drop_duplicates(&["k"]))).await;
    assert_eq!(
        error.condition(),
        "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA"
    );
    mentions(&error, &["stateStoreSave", "dedupe"]);
    let none = refused(&fixture, &select("SELECT k FROM STREAM(e)")).await;
    assert_eq!(none.condition(), error.condition());
    goes_on(&fixture).await;
}

#[tokio::test]
async fn another_number_of_operators_is_refused() {
    let fixture = counted().await;
    let text = "SELECT k, count(*) AS n FROM (SELECT DISTINCT k, v FROM STREAM(e)) q GROUP BY k";
    let fixture_error = refused(&fixture, &select(text)).await;
    assert!(!fixture_error.condition().is_empty());
    goes_on(&fixture).await;
}

#[tokio::test]
async fn another_key_than_the_states_is_refused_with_both_schemas() {
    let fixture = counted().await;
    for text in [
        "SELECT v, count(*) AS n FROM STREAM(e) GROUP BY v",
        "SELECT k, g, count(*) AS n FROM STREAM(e) GROUP BY k, g",
    ] {
        let error = refused(&fixture, &select(text)).await;
        assert_eq!(error.condition(), "STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE");
        mentions(
            &error,
            &["string", "integer"].map(|t| {
                if text.contains("g,") || t == "string" {
                    t
                } else {
                    "long"
                }
            }),
        );
    }
    goes_on(&fixture).await;
}

#[tokio::test]
async fn another_value_than_the_states_is_refused_with_both_schemas() {
    let fixture = counted().await;
    for text in [
        "SELECT k, max(x) AS n FROM STREAM(e) GROUP BY k",
        "SELECT k, count(*) AS n, sum(v) AS s FROM STREAM(e) GROUP BY k",
    ] {
        let error = refused(&fixture, &select(text)).await;
        assert_eq!(error.condition(), "STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE");
        mentions(&error, &["long"]);
    }
    goes_on(&fixture).await;
}

#[tokio::test]
async fn a_query_whose_state_folder_is_gone_is_refused() {
    let fixture = counted().await;
    let state = fixture.checkpoint().join("state");
    let aside = fixture.checkpoint().with_file_name("aside");
    fs::rename(state.join("0"), &aside).unwrap();
    let error = refused(&fixture, &select(COUNT)).await;
    assert_eq!(
        error.condition(),
        "STREAMING_STATEFUL_OPERATOR_MISSING_STATE_DIRECTORY"
    );
    mentions(&error, &["state/0", "stateStoreSave"]);
    fs::rename(aside, state.join("0")).unwrap();
    goes_on(&fixture).await;
}

#[tokio::test]
async fn a_delta_that_is_gone_is_named_and_nothing_takes_its_place() {
    for version in [1, 2] {
        let fixture = counted().await;
        let path = format!("state/0/1/{version}.delta");
        let delta = fixture.checkpoint().join(&path);
        let content = fs::read(&delta).unwrap();
        fs::remove_file(&delta).unwrap();
        let error = refused_while_running(&fixture).await;
        assert_eq!(
            error.condition(),
            "CANNOT_LOAD_STATE_STORE.CANNOT_READ_DELTA_FILE_NOT_EXISTS"
        );
        mentions(&error, &[&path]);
        assert!(!delta.exists());
        fs::write(delta, content).unwrap();
        goes_on(&fixture).await;
    }
}

/// As [`refused`], by an error that comes while the tasks run: partitions that are whole may have committed.
async fn refused_while_running(fixture: &StatefulFixture) -> TidemillError {
    let before = fixture.files();
    let rows = [Event::at(3_000, "c")];
    let error = fixture.run(&select(COUNT), &rows).await.unwrap_err();
    let after = fixture.files();
    for (path, content) in &before {
        // What a write of an earlier failure had begun may still be tidied away.
        if path.extension().is_some_and(|extension| extension == "tmp") {
            continue;
        }
        assert!(
            after.get(path) == Some(content),
            "{} was changed: {error}",
            path.display()
        );
    }
    assert!(!fixture.checkpoint().join("commits/2").exists());
    assert!(fixture.batch(2).is_empty());
    error
}

#[tokio::test]
async fn a_damaged_delta_is_named_whatever_the_damage() {
    let fixture = counted().await;
    let path = "state/0/1/2.delta";
    let delta = fixture.checkpoint().join(path);
    let content = fs::read(&delta).unwrap();
    let mut flipped = content.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    let half = content[..middle].to_vec();
    for damaged in [Vec::new(), half, flipped] {
        fs::write(&delta, &damaged).unwrap();
        let error = refused_while_running(&fixture).await;
        assert!(
            error.condition().starts_with("CANNOT_LOAD_STATE_STORE."),
            "{error}"
        );
        mentions(&error, &[path]);
        assert_eq!(fs::read(&delta).unwrap(), damaged);
    }
    fs::write(delta, content).unwrap();
    goes_on(&fixture).await;
}

#[tokio::test]
async fn a_checkpoint_keeps_its_number_of_state_partitions() {
    let mut fixture = counted().await;
    fixture.set_conf("spark.sql.shuffle.partitions", "7");
    goes_on(&fixture).await;
    let state = fixture.checkpoint().join("state/0");
    assert!(state.join("2/3.delta").exists());
    assert!(!state.join("3").exists());
    let entry = fs::read_to_string(fixture.checkpoint().join("offsets/2")).unwrap();
    assert!(entry.contains(r#""spark.sql.shuffle.partitions":"3""#), "{entry}");
}

#[tokio::test]
async fn state_that_cannot_be_written_is_refused_before_anything_is() {
    for (key, value, condition) in [
        (
            "compression.codec",
            "brotli",
            "CODEC_NOT_AVAILABLE.WITH_CONF_SUGGESTION",
        ),
        (
            "checkpointFormatVersion",
            "2",
            "STATE_STORE_CHECKPOINT_IDS_NOT_SUPPORTED",
        ),
        (
            "providerClass",
            "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
            "UNSUPPORTED_STATE_STORE_PROVIDER",
        ),
    ] {
        let key = format!("spark.sql.streaming.stateStore.{key}");
        let fixture = StatefulFixture::new(OutputMode::Update, 2).conf(&key, value);
        let error = fixture
            .run(&select(COUNT), &[Event::at(1_000, "a")])
            .await
            .unwrap_err();
        assert_eq!(error.condition(), condition, "{error}");
        mentions(
            &error,
            &[if key.ends_with("Version") {
                key.as_str()
            } else {
                value
            }],
        );
        for folder in ["offsets", "commits", "state"] {
            let written = crate::harness::golden::files(&fixture.checkpoint().join(folder));
            assert!(written.is_empty(), "{written:?}");
        }
    }
}

#[tokio::test]
async fn state_in_rocksdb_is_refused_by_its_providers_name() {
    let case = GoldenCase::unpack("windowed_count_rocksdb");
    let checkpoint = case.root().join("checkpoint");
    let content = || -> Vec<(PathBuf, Vec<u8>)> {
        let files = crate::harness::golden::files(&checkpoint);
        files
            .into_iter()
            .map(|f| (f.clone(), fs::read(f).unwrap()))
            .collect()
    };
    let before = content();
    let session = StreamingSession::new().unwrap();
    let input = session
        .read_stream()
        .schema(case.case["sourceSchema"].as_str().unwrap())
        .json(case.path("input"))
        .await
        .unwrap();
    let query = input
        .drop_duplicates(&["k"])
        .unwrap()
        .write_stream()
        .output_mode(OutputMode::Update)
        .option("checkpointLocation", case.path("checkpoint"))
        .format("console")
        .start()
        .await
        .unwrap();
    let error = query.await_termination(None).await.unwrap_err();
    assert_eq!(error.condition(), "UNSUPPORTED_STATE_STORE_PROVIDER");
    mentions(&error, &["RocksDBStateStoreProvider"]);
    assert!(content() == before, "the checkpoint was changed");
}
