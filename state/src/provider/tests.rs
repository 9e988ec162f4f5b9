//! Stores against a plain map, through files, crashes and maintenance.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::executor::block_on;
use futures::future::{BoxFuture, join_all};
use proptest::collection::vec;
use proptest::prelude::*;
use tidemill_checkpoint::testing::{FaultMoment, FaultyFileManager, in_memory};
use tidemill_checkpoint::{Blocking, CheckpointErrorKind, FileManagerRef, InlineBlocking};

use super::StateStores;
use crate::codec::Rows;
use crate::conf::{CompressionCodec, StateStoreConf};
use crate::error::{Result, StateError};
use crate::file::{delta_path, snapshot_path, store_folder};
use crate::id::{OperatorId, StateStoreId, StateStoreVersion};
use crate::memory::testing::{key, name_of, prefix, spec, time_of, value};
use crate::store::{StateStore, StateStoreSpec};

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn id() -> StateStoreId {
    StateStoreId::new(OperatorId(0), 3)
}

fn conf() -> StateStoreConf {
    StateStoreConf {
        min_deltas_for_snapshot: 2,
        min_versions_to_retain: 3,
        ..StateStoreConf::default()
    }
}

fn stores(manager: &FileManagerRef) -> StateStores {
    StateStores::new(Arc::clone(manager), conf(), Arc::new(InlineBlocking))
}

fn load(stores: &StateStores, version: u64) -> Result<Box<dyn StateStore>> {
    block_on(stores.load(&id(), StateStoreVersion(version), &spec()))
}

fn content(store: &dyn StateStore) -> Model {
    let mut rows = Model::new();
    store
        .for_each(&mut |key, value| {
            assert!(rows.insert(key.to_vec(), value.to_vec()).is_none());
            Ok(())
        })
        .unwrap();
    assert_eq!(rows.len(), store.len());
    rows
}

/// Runs a batch that sets `n` to some value for each of `numbers`; the version it leaves.
fn batch(stores: &StateStores, version: u64, numbers: &[i64]) -> Result<u64> {
    let mut store = load(stores, version)?;
    for number in numbers {
        store.put(&key("n", *number), &value(Some(*number), &version.to_le_bytes()))?;
    }
    block_on(store.commit())?;
    Ok(version + 1)
}

fn put_file(manager: &FileManagerRef, path: &str, content: &'static [u8]) {
    block_on(manager.replace(path, content.into())).unwrap();
}

fn has_file(manager: &FileManagerRef, path: &str) -> bool {
    block_on(manager.read(path)).unwrap().is_some()
}

#[derive(Clone, Debug)]
enum Operation {
    Put(i64, Option<i64>, Vec<u8>),
    Remove(i64),
    Expire(i64),
}

#[derive(Clone, Copy, Debug)]
enum End {
    Commit,
    Abort,
    Drop,
}

#[derive(Clone, Debug)]
struct Batch {
    operations: Vec<Operation>,
    end: End,
    maintains: bool,
    restarts: bool,
}

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let operation = prop_oneof![
        6 => (0..12_i64, prop::option::of(0..30_i64), vec(any::<u8>(), 0..20))
            .prop_map(|(number, time, payload)| Operation::Put(number, time, payload)),
        3 => (0..12_i64).prop_map(Operation::Remove),
        1 => (0..30_i64).prop_map(Operation::Expire),
    ];
    let end = prop_oneof![8 => Just(End::Commit), 1 => Just(End::Abort), 1 => Just(End::Drop)];
    let batch = (
        vec(operation, 0..12),
        end,
        prop::bool::weighted(0.4),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(operations, end, maintains, restarts)| Batch {
            operations,
            end,
            maintains,
            restarts,
        });
    vec(batch, 0..25)
}

fn run(store: &mut dyn StateStore, model: &mut Model, operations: &[Operation]) {
    for operation in operations {
        match operation {
            Operation::Put(number, time, payload) => {
                let (key, value) = (key("n", *number), value(*time, payload));
                store.put(&key, &value).unwrap();
                model.insert(key, value);
            }
            Operation::Remove(number) => {
                let key = key("n", *number);
                assert_eq!(store.remove(&key), model.remove(&key).is_some());
            }
            Operation::Expire(bound) => {
                let mut gone = 0;
                store
                    .expire(*bound, &mut |_, _| {
                        gone += 1;
                        Ok(())
                    })
                    .unwrap();
                let before = model.len();
                model.retain(|_, value| time_of(value).is_none_or(|time| time > *bound));
                assert_eq!(before - model.len(), gone);
            }
        }
    }
    assert_eq!(&content(store), model);
}

fn any_codec() -> impl Strategy<Value = (CompressionCodec, bool)> {
    let codec = prop::sample::select(vec![
        CompressionCodec::Lz4,
        CompressionCodec::Zstd,
        CompressionCodec::Snappy,
        CompressionCodec::Lzf,
    ]);
    (codec, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_retained_version_is_what_its_batch_left(
        (compression, row_checksum) in any_codec(),
        batches in batches(),
    ) {
        let conf = StateStoreConf { compression, row_checksum, ..conf() };
        let manager = in_memory();
        let start = || StateStores::new(Arc::clone(&manager), conf.clone(), Arc::new(InlineBlocking));
        let mut stores = start();
        let mut versions = vec![Model::new()];
        for batch in &batches {
            let newest = versions.len() as u64 - 1;
            let mut model = versions.last().unwrap().clone();
            let mut store = load(&stores, newest).unwrap();
            prop_assert_eq!(content(store.as_ref()), model.clone());
            run(store.as_mut(), &mut model, &batch.operations);
            if batch.maintains {
                block_on(stores.maintain()).unwrap();
            }
            match batch.end {
                End::Commit => {
                    let metrics = block_on(store.commit()).unwrap();
                    prop_assert_eq!(metrics.rows_total, model.len() as u64);
                    versions.push(model);
                }
                End::Abort => store.abort(),
                End::Drop => drop(store),
            }
            if batch.restarts {
                stores = start();
            }
        }
        let newest = versions.len() - 1;
        for version in newest.saturating_sub(3)..=newest {
            let store = load(&start(), version as u64).unwrap();
            prop_assert_eq!(&content(store.as_ref()), &versions[version], "version {}", version);
        }
    }

    #[test]
    fn a_crash_at_any_write_leaves_every_version_whole(
        nth in 0..30_u64,
        after in any::<bool>(),
        batches in batches(),
    ) {
        let manager = in_memory();
        let moment = if after { FaultMoment::After } else { FaultMoment::Before };
        let faulty: FileManagerRef = Arc::new(FaultyFileManager::failing(Arc::clone(&manager), nth, moment));
        let mut stores = stores(&faulty);
        let mut versions = vec![Model::new()];
        for batch in &batches {
            let newest = versions.len() as u64 - 1;
            let committed = versions.last().unwrap().clone();
            let mut model = committed.clone();
            let mut done = false;
            for attempt in 0..2 {
                model.clone_from(&committed);
                let mut store = load(&stores, newest).unwrap();
                prop_assert_eq!(&content(store.as_ref()), &committed, "attempt {}", attempt);
                run(store.as_mut(), &mut model, &batch.operations);
                let maintained = if batch.maintains { block_on(stores.maintain()) } else { Ok(()) };
                let committed_now = block_on(store.commit());
                if let Err(error) = &committed_now {
                    prop_assert!(matches!(error, StateError::CannotCommit { .. }), "{}", error);
                }
                if maintained.is_err() || committed_now.is_err() {
                    // The process is gone, and the next one runs the batch again.
                    stores = self::stores(&manager);
                    continue;
                }
                done = true;
                break;
            }
            prop_assert!(done);
            versions.push(model);
        }
        let newest = versions.len() - 1;
        for version in newest.saturating_sub(3)..=newest {
            let store = load(&self::stores(&manager), version as u64).unwrap();
            prop_assert_eq!(&content(store.as_ref()), &versions[version], "version {}", version);
        }
    }
}

#[test]
fn a_failed_write_leaves_the_version_in_memory_for_the_next_try() {
    let manager = in_memory();
    let faulty = Arc::new(FaultyFileManager::failing(
        Arc::clone(&manager),
        1,
        FaultMoment::Before,
    ));
    let faulty_ref: FileManagerRef = Arc::clone(&faulty) as FileManagerRef;
    let stores = stores(&faulty_ref);
    assert_eq!(batch(&stores, 0, &[1, 2]).unwrap(), 1);
    let error = batch(&stores, 1, &[2, 3]).unwrap_err();
    assert_eq!(error.condition(), "CANNOT_WRITE_STATE_STORE.CANNOT_COMMIT");
    assert_eq!(error.kind(), CheckpointErrorKind::Retry);
    assert!(
        error
            .to_string()
            .contains("operator 0, partition 3, store default, version 2"),
        "{error}"
    );

    faulty.heal();
    let store = load(&stores, 1).unwrap();
    assert_eq!(
        store.get(&key("n", 2)),
        Some(value(Some(2), &0_u64.to_le_bytes()).as_slice())
    );
    assert_eq!(store.len(), 2);
    let metrics = block_on(store.commit()).unwrap();
    assert_eq!(metrics.loaded_map_cache_hit_count, 2);
    assert_eq!(metrics.loaded_map_cache_miss_count, 0);
}

#[test]
fn a_batch_run_again_replaces_what_its_first_run_wrote() {
    let manager = in_memory();
    let first = stores(&manager);
    for version in 0..3 {
        batch(&first, version, &[version as i64]).unwrap();
    }
    // A snapshot of the version that was never followed: another engine may have made it.
    let stale = block_on(manager.read(&delta_path(&id(), StateStoreVersion(3))))
        .unwrap()
        .unwrap();
    block_on(manager.replace(&snapshot_path(&id(), StateStoreVersion(3)), stale)).unwrap();

    let second = stores(&manager);
    batch(&second, 2, &[70]).unwrap();
    let numbers: Vec<_> = [0, 1, 70].map(|number| key("n", number)).into();
    let store = load(&second, 3).unwrap();
    assert!(content(store.as_ref()).into_keys().eq(numbers.iter().cloned()));
    let fresh = stores(&manager);
    let store = load(&fresh, 3).unwrap();
    assert!(content(store.as_ref()).into_keys().eq(numbers));
    assert!(!has_file(&manager, &snapshot_path(&id(), StateStoreVersion(3))));
}

#[test]
fn an_unchanged_store_writes_a_delta_too() {
    let manager = in_memory();
    let stores = stores(&manager);
    for version in 0..4 {
        batch(&stores, version, &[]).unwrap();
        assert!(has_file(
            &manager,
            &delta_path(&id(), StateStoreVersion(version + 1))
        ));
    }
    assert_eq!(load(&self::stores(&manager), 4).unwrap().len(), 0);
}

#[test]
fn a_missing_delta_is_an_error_that_names_it() {
    let manager = in_memory();
    let mut version = 0;
    while version < 4 {
        version = batch(&stores(&manager), version, &[1]).unwrap();
    }
    block_on(manager.delete(&delta_path(&id(), StateStoreVersion(2)))).unwrap();
    let stores = stores(&manager);
    let error = load(&stores, 4).unwrap_err();
    let text = error.to_string();
    assert_eq!(
        error.condition(),
        "CANNOT_LOAD_STATE_STORE.CANNOT_READ_DELTA_FILE_NOT_EXISTS"
    );
    assert_eq!(error.kind(), CheckpointErrorKind::Corrupt);
    for part in [
        "operator 0, partition 3, store default, version 4",
        "state/0/3/2.delta",
        "restore the file",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    // The store is free again, and what can be loaded still is.
    assert_eq!(load(&stores, 1).unwrap().len(), 1);
}

#[test]
fn a_store_without_files_is_not_an_empty_one() {
    let error = load(&stores(&in_memory()), 1).unwrap_err();
    assert!(error.to_string().contains("state/0/3/1.delta"), "{error}");
}

#[test]
fn a_damaged_newest_snapshot_gives_way_to_older_files() {
    let manager = in_memory();
    let first = stores(&manager);
    let mut version = 0;
    while version < 7 {
        version = batch(&first, version, &[version as i64]).unwrap();
        block_on(first.maintain()).unwrap();
    }
    let expected = content(load(&first, 7).unwrap().as_ref());
    assert_eq!(expected.len(), 7);
    let newest = snapshot_path(&id(), StateStoreVersion(6));
    assert!(has_file(&manager, &newest));
    put_file(&manager, &newest, b"LZ4Block, but no more");
    assert_eq!(content(load(&stores(&manager), 7).unwrap().as_ref()), expected);

    // With nothing older left there is no way around it.
    for version in 1..=6 {
        block_on(manager.delete(&delta_path(&id(), StateStoreVersion(version)))).unwrap();
    }
    let error = load(&stores(&manager), 7).unwrap_err();
    assert!(error.to_string().contains("6.snapshot"), "{error}");
    assert_eq!(error.kind(), CheckpointErrorKind::Corrupt);
}

#[test]
fn a_damaged_delta_is_an_error_that_names_it() {
    let manager = in_memory();
    for version in 0..3 {
        batch(&stores(&manager), version, &[1]).unwrap();
    }
    put_file(&manager, &delta_path(&id(), StateStoreVersion(2)), b"");
    let error = load(&stores(&manager), 3).unwrap_err();
    assert!(error.to_string().contains("state/0/3/2.delta"), "{error}");
    assert_eq!(error.kind(), CheckpointErrorKind::Corrupt);
}

#[test]
fn maintenance_keeps_what_the_retained_versions_need() {
    let manager = in_memory();
    let stores = stores(&manager);
    for version in 0..10 {
        batch(&stores, version, &[version as i64]).unwrap();
        block_on(stores.maintain()).unwrap();
    }
    let mut names: Vec<_> = block_on(manager.list(&store_folder(&id())))
        .unwrap()
        .into_iter()
        .map(|file| file.name)
        .collect();
    names.sort();
    let expected = [
        "10.delta",
        "6.delta",
        "6.snapshot",
        "7.delta",
        "8.delta",
        "9.delta",
        "9.snapshot",
    ];
    assert_eq!(names, expected);
}

#[test]
fn maintenance_runs_while_a_transaction_is_open_and_sees_only_what_is_loaded() {
    let manager = in_memory();
    let stores = stores(&manager);
    for version in 0..3 {
        batch(&stores, version, &[version as i64]).unwrap();
    }
    let mut store = load(&stores, 3).unwrap();
    store.put(&key("n", 50), &value(None, b"")).unwrap();
    block_on(stores.maintain()).unwrap();
    assert!(has_file(&manager, &snapshot_path(&id(), StateStoreVersion(3))));
    assert_eq!(store.len(), 4);
    drop(store);
    assert_eq!(load(&self::stores(&manager), 3).unwrap().len(), 3);
}

#[test]
fn maintenance_that_fails_names_the_file_and_is_tried_again() {
    let manager = in_memory();
    let faulty = Arc::new(FaultyFileManager::failing(
        Arc::clone(&manager),
        3,
        FaultMoment::Before,
    ));
    let stores = stores(&(Arc::clone(&faulty) as FileManagerRef));
    for version in 0..3 {
        batch(&stores, version, &[version as i64]).unwrap();
    }
    drop(load(&stores, 3).unwrap());
    let error = block_on(stores.maintain()).unwrap_err();
    assert!(error.to_string().contains("3.snapshot"), "{error}");
    faulty.heal();
    block_on(stores.maintain()).unwrap();
    assert!(has_file(&manager, &snapshot_path(&id(), StateStoreVersion(3))));
}

#[test]
fn a_store_is_open_once() {
    let stores = stores(&in_memory());
    let store = load(&stores, 0).unwrap();
    let error = load(&stores, 0).unwrap_err();
    assert!(matches!(error, StateError::StoreInUse { .. }), "{error}");
    drop(store);
    load(&stores, 0).unwrap().abort();
    load(&stores, 0).unwrap();
}

#[test]
fn a_version_in_memory_is_loaded_without_files() {
    let manager = in_memory();
    let faulty = Arc::new(FaultyFileManager::failing(
        Arc::clone(&manager),
        1,
        FaultMoment::Before,
    ));
    let stores = stores(&(Arc::clone(&faulty) as FileManagerRef));
    batch(&stores, 0, &[1]).unwrap();
    batch(&stores, 1, &[2]).unwrap_err();
    assert!(faulty.crashed());
    assert_eq!(load(&stores, 1).unwrap().len(), 1);
}

#[test]
fn a_load_with_another_spec_builds_its_indexes() {
    let manager = in_memory();
    let stores = stores(&manager);
    let plain = StateStoreSpec::default();
    let mut store = block_on(stores.load(&id(), StateStoreVersion(0), &plain)).unwrap();
    store.put(&key("a", 1), &value(Some(1), b"")).unwrap();
    store.put(&key("b", 2), &value(Some(2), b"")).unwrap();
    let error = store.expire(1, &mut |_, _| Ok(())).unwrap_err();
    assert!(
        error.to_string().starts_with("operator 0, partition 3"),
        "{error}"
    );
    block_on(store.commit()).unwrap();
    let mut store = load(&stores, 1).unwrap();
    let mut found = 0;
    store
        .prefix_scan(&prefix("b"), &mut |key, _| {
            assert_eq!(name_of(key), b"b");
            found += 1;
            Ok(())
        })
        .unwrap();
    store.expire(1, &mut |_, _| Ok(())).unwrap();
    assert_eq!((found, store.len()), (1, 1));
}

#[test]
fn batches_of_keys_are_found_by_position() {
    let stores = stores(&in_memory());
    let mut store = load(&stores, 0).unwrap();
    let (mut keys, mut values) = (Rows::default(), Rows::default());
    for number in [1, 5, 5, 9] {
        keys.push(&key("n", number));
        values.push(&value(Some(number), &[u8::try_from(values.len()).unwrap(); 8]));
    }
    store.put_batch(&keys, &values).unwrap();
    let mut asked = Rows::default();
    for number in [9, 2, 5] {
        asked.push(&key("n", number));
    }
    let (mut found, mut got) = (Vec::new(), Rows::default());
    store.get_batch(&asked, &mut found, &mut got);
    assert_eq!(found, [0, 2]);
    assert_eq!(got.row(0), values.row(3));
    assert_eq!(got.row(1), values.row(2));
    store.expire(1, &mut |_, _| Ok(())).unwrap();
    store.remove(&key("n", 9));
    let metrics = block_on(store.commit()).unwrap();
    assert_eq!(
        (metrics.rows_total, metrics.rows_updated, metrics.rows_removed),
        (1, 4, 2)
    );
    assert!(metrics.memory_used_bytes >= metrics.state_on_current_version_size_bytes);
}

/// Runs blocking work on tokio's threads for it.
#[derive(Debug)]
struct BlockingThreads;

impl Blocking for BlockingThreads {
    fn run(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            tokio::task::spawn_blocking(work).await.unwrap();
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_partitions_run_at_the_same_time() {
    let manager = in_memory();
    let partition = |partition| StateStoreId::new(OperatorId(0), partition);
    for version in 0..3 {
        let stores = StateStores::new(Arc::clone(&manager), conf(), Arc::new(BlockingThreads));
        let tasks = (0..200).map(|number| {
            let stores = stores.clone();
            tokio::spawn(async move {
                let id = partition(number);
                let mut store = stores.load(&id, StateStoreVersion(version), &spec()).await?;
                for row in 0..20 {
                    store.put(
                        &key("n", row + version as i64),
                        &value(Some(i64::from(number)), b""),
                    )?;
                }
                store.commit().await
            })
        });
        let maintenance = tokio::spawn({
            let stores = stores.clone();
            async move { stores.maintain().await }
        });
        for metrics in join_all(tasks).await {
            assert_eq!(metrics.unwrap().unwrap().rows_total, 20 + version);
        }
        maintenance.await.unwrap().unwrap();
    }
    let stores = StateStores::new(manager, conf(), Arc::new(BlockingThreads));
    for number in 0..200 {
        let store = stores
            .load(&partition(number), StateStoreVersion(3), &spec())
            .await
            .unwrap();
        assert_eq!(store.len(), 22);
        let time = store.get(&key("n", 21)).and_then(time_of);
        assert_eq!(time, Some(i64::from(number)));
    }
}
