//! Snapshots made of older files.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::executor::block_on;
use proptest::prelude::*;
use tidemill_checkpoint::testing::in_memory;
use tidemill_checkpoint::{CheckpointFileManager, InlineBlocking};

use super::super::{StoreFiles, delta_path, fold_snapshot, lineage, snapshot_path, store_folder};
use super::*;
use crate::{OperatorId, StateStoreConf, StateStoreId, StateStoreVersion};

type Content = BTreeMap<Vec<u8>, Vec<u8>>;

fn apply(content: &mut Content, records: &[Record]) {
    for (key, value) in records {
        match value {
            Some(value) => content.insert(key.clone(), value.clone()),
            None => content.remove(key),
        };
    }
}

fn puts(content: &Content) -> Vec<Record> {
    content
        .iter()
        .map(|(key, value)| (key.clone(), Some(value.clone())))
        .collect()
}

/// Writes the deltas from version 1 on and some snapshots; gives the content of the newest version.
async fn store(
    manager: &Arc<dyn CheckpointFileManager>,
    id: &StateStoreId,
    conf: &StateStoreConf,
    versions: &[(Vec<Record>, bool)],
) -> Content {
    let mut content = Content::new();
    for (version, (records, snapshot)) in (1..).zip(versions) {
        let version = StateStoreVersion(version);
        apply(&mut content, records);
        let delta = write(records, conf.compression, conf.row_checksum);
        manager
            .replace(&delta_path(id, version), delta.into())
            .await
            .unwrap();
        if *snapshot {
            let snapshot = write(&puts(&content), conf.compression, conf.row_checksum);
            manager
                .replace(&snapshot_path(id, version), snapshot.into())
                .await
                .unwrap();
        }
    }
    content
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    (0_u8..12).prop_map(|number| vec![number; 8])
}

fn value() -> impl Strategy<Value = Option<Vec<u8>>> {
    proptest::option::of(any::<u8>().prop_map(|number| vec![number; 16]))
}

proptest! {
    #[test]
    fn a_folded_snapshot_holds_what_the_files_hold_whichever_way_it_is_made(
        versions in proptest::collection::vec(
            (proptest::collection::vec((key(), value()), 0..10), any::<bool>()),
            0..8,
        ),
        codec in proptest::sample::select(&CODECS[..]),
        row_checksum in any::<bool>(),
    ) {
        let conf = StateStoreConf { compression: codec, row_checksum, ..StateStoreConf::default() };
        let id = StateStoreId::new(OperatorId(0), 3);
        let newest = StateStoreVersion(u64::try_from(versions.len()).unwrap());
        block_on(async {
            let manager = in_memory();
            let content = store(&manager, &id, &conf, &versions).await;
            let files = StoreFiles::of_listing(&manager.list(&store_folder(&id)).await.unwrap());
            let ways = lineage(&files, newest);
            assert!(!ways.is_empty());
            for way in ways {
                let fold = || fold_snapshot(manager.as_ref(), &id, &way, &conf, &InlineBlocking);
                let folded = fold().await.unwrap();
                assert_eq!(folded, fold().await.unwrap());
                let mut records = read("9.snapshot", &folded, codec, row_checksum).unwrap();
                records.sort();
                assert_eq!(records, puts(&content));
            }
        });
    }
}

#[test]
fn a_file_that_is_gone_or_damaged_is_named() {
    let id = StateStoreId::new(OperatorId(0), 3);
    let conf = StateStoreConf::default();
    let put = |number: u8| (vec![(vec![number; 8], Some(vec![number; 8]))], number == 1);
    block_on(async {
        let manager = in_memory();
        store(&manager, &id, &conf, &[put(1), put(2)]).await;
        let files = StoreFiles::of_listing(&manager.list(&store_folder(&id)).await.unwrap());
        let way = lineage(&files, StateStoreVersion(2)).swap_remove(0);
        for (path, condition) in [
            (
                "state/0/3/1.snapshot",
                "CANNOT_LOAD_STATE_STORE.CANNOT_READ_MISSING_SNAPSHOT_FILE",
            ),
            (
                "state/0/3/2.delta",
                "CANNOT_LOAD_STATE_STORE.CANNOT_READ_DELTA_FILE_NOT_EXISTS",
            ),
        ] {
            let whole = manager.read(path).await.unwrap().unwrap();
            manager
                .replace(path, whole.slice(..whole.len() - 1))
                .await
                .unwrap();
            let fold = || fold_snapshot(manager.as_ref(), &id, &way, &conf, &InlineBlocking);
            let torn = fold().await.unwrap_err();
            assert_eq!(torn.condition(), "CANNOT_LOAD_STATE_STORE.UNCATEGORIZED");
            assert!(torn.to_string().contains(path), "{torn}");
            manager.delete(path).await.unwrap();
            let gone = fold().await.unwrap_err();
            assert_eq!(gone.condition(), condition);
            assert!(gone.to_string().contains(path), "{gone}");
            manager.replace(path, whole).await.unwrap();
            fold().await.unwrap();
        }
    });
}
