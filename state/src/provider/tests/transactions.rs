//! One transaction at a time per store, many stores at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::executor::block_on;
use futures::future::{BoxFuture, join_all};
use tidemill_checkpoint::testing::{FaultMoment, FaultyFileManager, in_memory};
use tidemill_checkpoint::{Blocking, FileManagerRef};

use super::{batch, conf, id, load, stores};
use crate::codec::Rows;
use crate::error::StateError;
use crate::id::{OperatorId, StateStoreId, StateStoreVersion};
use crate::memory::testing::{key, name_of, prefix, spec, time_of, value};
use crate::provider::StateStores;
use crate::provider::slots::GATES;
use crate::store::StateStoreSpec;

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
    let mut rows = keys.iter().zip(&values).map(|(key, value)| (None, key, value));
    store.put_batch(&mut rows).unwrap();
    let mut asked = Rows::default();
    for number in [9, 2, 5] {
        asked.push(&key("n", number));
    }
    let (mut found, mut got) = (Vec::new(), Rows::default());
    let mut handles = Vec::new();
    store.get_batch(&mut asked.iter(), &mut |place, handle, value| {
        found.push(place);
        handles.push(handle);
        got.push(value);
    });
    assert_eq!(found, [0, 2]);
    assert_eq!(got.row(0), values.row(3));
    assert_eq!(got.row(1), values.row(2));
    // Through handles: a value of the same size, a longer one, which moves the row, and once more by the old handle.
    let longer = [7; 32];
    let nine = key("n", 9);
    let five = key("n", 5);
    let rows = [
        (Some(handles[1]), &five[..], got.row(0)),
        (Some(handles[0]), &nine[..], &longer[..]),
        (Some(handles[0]), &nine[..], &longer[..]),
        (Some(handles[0]), &five[..], got.row(1)),
    ];
    store.put_batch(&mut rows.into_iter()).unwrap();
    assert_eq!(store.get(&nine), Some(&longer[..]));
    assert_eq!(store.get(&five), Some(got.row(1)));
    store.expire(1, &mut |_, _| Ok(())).unwrap();
    store.remove(&key("n", 9));
    let metrics = block_on(store.commit()).unwrap();
    assert_eq!(
        (metrics.rows_total, metrics.rows_updated, metrics.rows_removed),
        (1, 8, 2)
    );
    assert!(metrics.memory_used_bytes >= metrics.state_on_current_version_size_bytes);
}

/// Runs blocking work on tokio's threads for it, and counts how much of it runs at once.
#[derive(Debug, Default)]
struct BlockingThreads {
    running: Arc<AtomicUsize>,
    most: AtomicUsize,
}

impl Blocking for BlockingThreads {
    fn run(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let running = Arc::clone(&self.running);
        Box::pin(async move {
            tokio::task::spawn_blocking(work).await.unwrap();
            running.fetch_sub(1, Ordering::SeqCst);
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_partitions_run_at_the_same_time() {
    let manager = in_memory();
    let blocking = Arc::new(BlockingThreads::default());
    let partition = |partition| StateStoreId::new(OperatorId(0), partition);
    for version in 0..3 {
        let stores = StateStores::new(Arc::clone(&manager), conf(), Arc::clone(&blocking) as _);
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
    let stores = StateStores::new(manager, conf(), Arc::clone(&blocking) as _);
    for number in 0..200 {
        let store = stores
            .load(&partition(number), StateStoreVersion(3), &spec())
            .await
            .unwrap();
        assert_eq!(store.len(), 22);
        let time = store.get(&key("n", 21)).and_then(time_of);
        assert_eq!(time, Some(i64::from(number)));
    }
    let most = blocking.most.load(Ordering::SeqCst);
    assert!((1..=GATES + 4).contains(&most), "{most} at once");
}
