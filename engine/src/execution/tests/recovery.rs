//! Where a run goes on: the rows of `checkpoint-format.md` §14.1.

use super::Fixture;
use crate::{ErrorKind, Trigger};

#[tokio::test]
async fn a_fresh_checkpoint_begins_with_batch_0_and_has_sparks_files() {
    let fixture = Fixture::new(3);
    fixture.run_available().await.unwrap();
    assert_eq!(fixture.log("offsets"), [0, 1]);
    assert_eq!(fixture.log("commits"), [0, 1]);
    assert_eq!(fixture.sink.batch(0), [0, 1]);
    assert_eq!(fixture.sink.batch(1), [2]);
    let entry = fixture.read("offsets/0");
    let lines: Vec<_> = entry.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[2]), (3, "v1", "2"));
    let metadata: serde_json::Value = serde_json::from_str(lines[1]).unwrap();
    assert_eq!(metadata["conf"].as_object().unwrap().len(), 17);
    assert_eq!(fixture.read("commits/0"), "v1\n{\"nextBatchWatermarkMs\":0}");
    assert!(!fixture.sink.starts.lock().unwrap()[0].resumed);
}

#[tokio::test]
async fn a_committed_checkpoint_goes_on_with_the_next_batch_and_only_when_there_is_data() {
    let fixture = Fixture::new(2);
    fixture.run_available().await.unwrap();
    fixture.run_available().await.unwrap();
    assert_eq!(fixture.sink.seen(), [0]);
    fixture.numbers.grow_to(4);
    fixture.run_available().await.unwrap();
    assert_eq!(fixture.sink.seen(), [0, 1]);
    assert_eq!(fixture.sink.batch(1), [2, 3]);
    let starts = fixture.sink.starts.lock().unwrap();
    assert!(starts[2].resumed && !starts[2].rerun);
    assert_eq!(starts[2].first_batch.get(), 1);
    assert_eq!(starts[0].query_id, starts[2].query_id);
}

#[tokio::test]
async fn an_uncommitted_batch_runs_again_over_its_range_and_its_entry_stays() {
    let fixture = Fixture::new(4);
    fixture.run_available().await.unwrap();
    let logged = fixture.read("offsets/1");
    fixture.remove("commits/1");
    fixture.numbers.grow_to(9);
    fixture.run_available().await.unwrap();
    assert_eq!(fixture.sink.seen(), [0, 1, 1, 2, 3, 4]);
    assert_eq!(fixture.sink.batch(1), [2, 3]);
    assert_eq!(fixture.read("offsets/1"), logged);
    assert_eq!(fixture.sink.rows(), (0..9).collect::<Vec<_>>());
    let start = fixture.sink.starts.lock().unwrap()[1];
    assert!(start.rerun && start.first_batch.get() == 1);
}

#[tokio::test]
async fn the_first_batch_runs_again_from_the_beginning() {
    let fixture = Fixture::new(2);
    fixture.run_available().await.unwrap();
    fixture.remove("commits/0");
    fixture.run_available().await.unwrap();
    assert_eq!(fixture.sink.seen(), [0, 0]);
    assert_eq!(fixture.sink.batch(0), [0, 1]);
}

#[tokio::test]
async fn of_several_missing_commits_only_the_newest_batch_runs_again() {
    let fixture = Fixture::new(6);
    fixture.run_available().await.unwrap();
    fixture.remove("commits/1");
    fixture.remove("commits/2");
    fixture.run_available().await.unwrap();
    assert_eq!(fixture.sink.seen(), [0, 1, 2, 2]);
    assert_eq!(fixture.log("commits"), [0, 2]);
}

#[tokio::test]
async fn a_batch_whose_start_is_gone_fails_the_query_and_names_the_file() {
    let fixture = Fixture::new(4);
    fixture.run_available().await.unwrap();
    fixture.remove("commits/1");
    fixture.remove("offsets/0");
    let error = fixture.run_available().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("offsets/0"), "{error}");
    assert_eq!(fixture.sink.seen(), [0, 1]);
}

#[tokio::test]
async fn the_newest_entrys_confs_hold_against_the_session() {
    let fixture = Fixture::new(2);
    let start = async |partitions: &str| {
        let builder = fixture.builder().conf("spark.sql.shuffle.partitions", partitions);
        let session = builder.build().unwrap();
        let writer = fixture.writer(&session).await.trigger(Trigger::AvailableNow);
        writer
            .start()
            .await
            .unwrap()
            .await_termination(None)
            .await
            .unwrap();
    };
    start("3").await;
    fixture.numbers.grow_to(4);
    start("7").await;
    let newest = fixture.read("offsets/1");
    assert!(
        newest.contains(r#""spark.sql.shuffle.partitions":"3""#),
        "{newest}"
    );
}

#[tokio::test]
async fn a_checkpoint_of_another_number_of_sources_is_refused() {
    let fixture = Fixture::new(2);
    fixture.run_available().await.unwrap();
    let session = fixture.session();
    let one = fixture.stream(&session, 2).await;
    let both = one.union(fixture.stream(&session, 2).await).unwrap();
    let query = fixture.write(both).start().await.unwrap();
    let error = query.await_termination(None).await.unwrap_err();
    assert!(
        error.message().starts_with(
            "There are [1] sources in the checkpoint offsets and now there are [2] sources requested by the query. \
             Cannot continue."
        ),
        "{error}"
    );
    assert_eq!(fixture.log("offsets"), [0]);
}

#[tokio::test]
async fn a_checkpoint_with_state_is_refused_by_a_query_without() {
    let fixture = Fixture::new(2);
    fixture.run_available().await.unwrap();
    let state = fixture.checkpoint().join("state/0/_metadata");
    std::fs::create_dir_all(&state).unwrap();
    let old = fixture.run_available().await.unwrap_err();
    assert!(old.message().contains("[0]"), "{old}");
    let metadata = r#"{"operatorInfo":{"operatorId":0,"operatorName":"stateStoreSave"},"stateStoreInfo":[{"storeName":"default","numColsPrefixKey":0,"numPartitions":2}]}"#;
    #[allow(clippy::disallowed_methods)]
    std::fs::write(state.join("metadata"), format!("v1\n{metadata}")).unwrap();
    let error = fixture.run_available().await.unwrap_err();
    assert!(error.message().contains("stateStoreSave"), "{error}");
    assert_eq!(
        error.condition(),
        "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA"
    );
}

#[tokio::test]
async fn a_repeat_the_builder_made_has_two_lines_and_one_folder() {
    let fixture = Fixture::new(2);
    let session = fixture.session();
    let one = fixture.stream(&session, 2).await;
    let both = one.clone().union(one).unwrap();
    let query = fixture
        .write(both)
        .trigger(Trigger::AvailableNow)
        .start()
        .await
        .unwrap();
    query.await_termination(None).await.unwrap();
    assert_eq!(
        fixture.read("offsets/0").lines().skip(2).collect::<Vec<_>>(),
        ["2", "2"]
    );
    assert_eq!(fixture.sink.batch(0), [0, 0, 1, 1]);
    assert_eq!(query.last_progress().unwrap().sources.len(), 1);
}

#[tokio::test]
async fn a_named_source_goes_by_its_name_in_a_log_of_version_2() {
    let fixture = Fixture::new(2);
    let session = fixture
        .builder()
        .conf("spark.sql.streaming.queryEvolution.enableSourceEvolution", "true")
        .build()
        .unwrap();
    let reader = || session.read_stream().format("numbers");
    let frame = reader().name("src_a").load().await.unwrap();
    let query = fixture
        .write(frame)
        .trigger(Trigger::AvailableNow)
        .start()
        .await
        .unwrap();
    query.await_termination(None).await.unwrap();
    let entry = fixture.read("offsets/0");
    assert!(
        entry.starts_with("v2\n") && entry.ends_with("\nsrc_a:2"),
        "{entry}"
    );
    let unnamed = fixture
        .write(reader().load().await.unwrap())
        .start()
        .await
        .unwrap();
    let error = unnamed.await_termination(None).await.unwrap_err();
    assert!(
        error
            .condition()
            .ends_with("UNNAMED_STREAMING_SOURCES_WITH_ENFORCEMENT")
    );
    let other = fixture
        .write(reader().name("src_b").load().await.unwrap())
        .start()
        .await
        .unwrap();
    let error = other.await_termination(None).await.unwrap_err();
    assert!(error.message().contains("src_b"), "{error}");
}

#[tokio::test]
async fn source_evolution_cannot_be_switched_on_for_a_log_of_version_1() {
    let fixture = Fixture::new(2);
    fixture.run_available().await.unwrap();
    let session = fixture
        .builder()
        .conf("spark.sql.streaming.queryEvolution.enableSourceEvolution", "true")
        .build()
        .unwrap();
    let frame = session
        .read_stream()
        .format("numbers")
        .name("a")
        .load()
        .await
        .unwrap();
    let query = fixture.write(frame).start().await.unwrap();
    let error = query.await_termination(None).await.unwrap_err();
    assert!(
        error
            .condition()
            .ends_with("CANNOT_ENABLE_ON_EXISTING_CHECKPOINT"),
        "{error}"
    );
}

#[tokio::test]
async fn a_named_sink_stands_in_commits_of_version_3() {
    let fixture = Fixture::new(2);
    let session = fixture
        .builder()
        .conf("spark.sql.streaming.queryEvolution.enableSinkEvolution", "true")
        .build()
        .unwrap();
    let error = fixture.writer(&session).await.start().await.unwrap_err();
    assert!(
        error
            .condition()
            .ends_with("UNNAMED_STREAMING_SINKS_WITH_ENFORCEMENT")
    );
    let writer = fixture
        .writer(&session)
        .await
        .name("sink_x")
        .trigger(Trigger::AvailableNow);
    writer
        .start()
        .await
        .unwrap()
        .await_termination(None)
        .await
        .unwrap();
    let commit = fixture.read("commits/0");
    assert!(
        commit.starts_with("v3\n") && commit.contains(r#""sinkName":"sink_x","commitOffset":"-""#),
        "{commit}"
    );
}
