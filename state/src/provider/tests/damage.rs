//! Failed writes, and files that are missing, damaged or left by a run that failed.

use std::sync::Arc;

use futures::executor::block_on;
use tidemill_checkpoint::testing::{FaultMoment, FaultyFileManager, in_memory};
use tidemill_checkpoint::{CheckpointErrorKind, FileManagerRef};

use super::{batch, content, has_file, id, load, put_file, stores};
use crate::file::{delta_path, snapshot_path};
use crate::id::StateStoreVersion;
use crate::memory::testing::{key, value};

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
    assert_eq!(load(&super::stores(&manager), 4).unwrap().len(), 0);
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
