//! Stores against a plain map, through files, crashes and maintenance.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::executor::block_on;
use tidemill_checkpoint::{FileManagerRef, InlineBlocking};

use super::StateStores;
use crate::conf::StateStoreConf;
use crate::error::Result;
use crate::id::{OperatorId, StateStoreId, StateStoreVersion};
use crate::memory::testing::{key, spec, value};
use crate::store::StateStore;

mod damage;
mod maintenance;
mod model;
mod transactions;

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
