//! Snapshots and cleanup, beside batches and after failures.

use std::sync::Arc;

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::{BoxFuture, pending};
use tidemill_checkpoint::testing::{FaultMoment, FaultyFileManager, in_memory};
use tidemill_checkpoint::{Blocking, FileManagerRef};

use super::{batch, conf, has_file, id, load, stores};
use crate::file::{snapshot_path, store_folder};
use crate::id::StateStoreVersion;
use crate::memory::testing::{key, value};
use crate::provider::StateStores;

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
    assert_eq!(load(&super::stores(&manager), 3).unwrap().len(), 3);
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
fn a_snapshot_is_due_after_so_many_deltas_of_this_run_and_those_before() {
    let manager = in_memory();
    for version in 0..2 {
        // A run of one batch never has more than one delta of its own.
        let stores = stores(&manager);
        batch(&stores, version, &[version as i64]).unwrap();
        assert!(!stores.is_maintenance_due(), "version {version}");
    }
    let before = stores(&manager);
    batch(&before, 2, &[2]).unwrap();
    assert!(!before.is_maintenance_due(), "two deltas are loaded");
    let now = stores(&manager);
    batch(&now, 3, &[3]).unwrap();
    assert!(now.is_maintenance_due(), "three deltas are loaded");
    block_on(now.maintain()).unwrap();
    assert!(!now.is_maintenance_due());
    let next = stores(&manager);
    for version in 4..6 {
        batch(&next, version, &[version as i64]).unwrap();
        assert!(
            !next.is_maintenance_due(),
            "version {version}, after the snapshot"
        );
    }
    batch(&next, 6, &[6]).unwrap();
    assert!(next.is_maintenance_due());
}

#[test]
fn whoever_waits_until_no_store_is_open_goes_on_when_the_last_one_closes() {
    let stores = stores(&in_memory());
    assert!(stores.wait_until_closed().now_or_never().is_some());
    let store = load(&stores, 0).unwrap();
    let closed = stores.wait_until_closed();
    let mut closed = std::pin::pin!(closed);
    assert!((&mut closed).now_or_never().is_none());
    drop(store);
    assert!(closed.now_or_never().is_some());
}

/// Never gets to its work.
#[derive(Debug)]
struct Stuck;

impl Blocking for Stuck {
    fn run(&self, _work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        Box::pin(pending())
    }
}

#[test]
fn maintenance_that_is_dropped_can_be_done_again() {
    let manager = in_memory();
    let stores = StateStores::new(Arc::clone(&manager), conf(), Arc::new(Stuck));
    for version in 0..3 {
        batch(&stores, version, &[version as i64]).unwrap();
    }
    drop(load(&stores, 3).unwrap());
    assert!(stores.maintain().now_or_never().is_none());
    // Not taken for running, nor for done.
    assert!(stores.maintain().now_or_never().is_none());
    let going_on = stores.maintain();
    let mut going_on = std::pin::pin!(going_on);
    assert!((&mut going_on).now_or_never().is_none());
    block_on(stores.maintain()).unwrap();
}
