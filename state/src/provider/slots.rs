//! What a run holds of each store between transactions, and who has it now.
//!
//! A store's slot gives its rows to one transaction at a time, through a [`Lease`]: however that ends, the slot has a
//! whole committed version afterwards, or nothing and the next load reads the files. The lock is held for a look at the
//! slot, never while anything is awaited. Work on files goes through a bounded number of gates.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::channel::oneshot;
use futures::lock;
use hashbrown::HashMap;
use tidemill_checkpoint::{Blocking, FileManagerRef};

use crate::conf::StateStoreConf;
use crate::error::{Result, StateError};
use crate::id::{StateStoreId, StateStoreVersion};
use crate::memory::VersionedMap;
use crate::store::StateStoreSpec;

/// How many stores may read or write files at once, besides maintenance: enough to hide an object store's latency, and
/// no thread per partition.
pub(super) const GATES: usize = 32;

/// What a provider, its transactions and its maintenance share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) manager: FileManagerRef,
    pub(super) conf: StateStoreConf,
    pub(super) blocking: Arc<dyn Blocking>,
    slots: Mutex<HashMap<StateStoreId, Slot>>,
    /// Who waits until no store is open; locked after `slots`.
    waiting: Mutex<Vec<oneshot::Sender<()>>>,
    gates: Vec<lock::Mutex<()>>,
}

/// A committed version in memory.
#[derive(Debug)]
struct Held {
    version: StateStoreVersion,
    spec: StateStoreSpec,
    map: VersionedMap,
}

#[derive(Debug, Default)]
struct Slot {
    held: Option<Held>,
    is_open: bool,
    hits: u64,
    misses: u64,
    /// The version loaded last. The batch before it is committed, so its files are final; those of the next version
    /// may still be written anew.
    loaded: Option<StateStoreVersion>,
    /// The newest snapshot at or below the loaded version that is known; 0 for none.
    snapshot: u64,
    /// Versions above the loaded one that have a snapshot: left by a batch that was not committed.
    stale_snapshots: BTreeSet<u64>,
    /// The loaded version that maintenance has seen to.
    maintained: Option<StateStoreVersion>,
    is_maintained_now: bool,
    /// The newest snapshot that this run wrote.
    written_snapshot: Option<StateStoreVersion>,
}

/// What a slot counted since the run began.
#[derive(Debug)]
pub(super) struct SlotCounts {
    pub(super) hits: u64,
    pub(super) misses: u64,
    pub(super) snapshot: Option<StateStoreVersion>,
}

impl Shared {
    pub(super) fn new(manager: FileManagerRef, conf: StateStoreConf, blocking: Arc<dyn Blocking>) -> Self {
        Self {
            manager,
            conf,
            blocking,
            slots: Mutex::default(),
            waiting: Mutex::default(),
            gates: (0..GATES).map(|_| lock::Mutex::default()).collect(),
        }
    }

    /// Waits until the store may work on files; until the guard is dropped it may.
    pub(super) async fn gate(&self, id: &StateStoreId) -> Option<lock::MutexGuard<'_, ()>> {
        // Neighbours go through different gates.
        let number = id.partition.wrapping_add(id.operator.0) as usize + id.store_name.len();
        match self.gates.get(number % GATES) {
            Some(gate) => Some(gate.lock().await),
            None => None,
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<StateStoreId, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_slot<T>(&self, id: &StateStoreId, look: impl FnOnce(&mut Slot) -> T) -> T {
        let mut slots = self.slots();
        match slots.get_mut(id) {
            Some(slot) => look(slot),
            None => look(slots.entry(id.clone()).or_default()),
        }
    }

    /// Maintenance wrote a snapshot of this version.
    pub(super) fn snapshot_written(&self, id: &StateStoreId, version: StateStoreVersion) {
        self.with_slot(id, |slot| slot.written_snapshot = Some(version));
    }

    /// Whether a loaded version that maintenance has not seen to has enough deltas for a snapshot.
    pub(super) fn is_snapshot_due(&self) -> bool {
        let min_deltas = self.conf.min_deltas_for_snapshot;
        self.slots().values().any(|slot| {
            let deltas = slot.loaded.map(|version| version.0.saturating_sub(slot.snapshot));
            slot.maintained != slot.loaded && deltas.is_some_and(|deltas| deltas > min_deltas)
        })
    }

    /// Resolves when no transaction has a store.
    pub(super) async fn wait_until_closed(&self) {
        let closed = {
            let slots = self.slots();
            if slots.values().all(|slot| !slot.is_open) {
                return;
            }
            let (sender, closed) = oneshot::channel();
            self.waiting().push(sender);
            closed
        };
        // The sender is only dropped together with `self`.
        let _ = closed.await;
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<oneshot::Sender<()>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives back a store, with what is held of it.
    fn close(&self, id: &StateStoreId, held: Option<Held>) {
        let mut slots = self.slots();
        if let Some(slot) = slots.get_mut(id) {
            slot.held = held;
            slot.is_open = false;
        }
        let mut waiting = self.waiting();
        if !waiting.is_empty() && slots.values().all(|slot| !slot.is_open) {
            for waiter in waiting.drain(..) {
                // One that gave up waiting is not there any more.
                let _ = waiter.send(());
            }
        }
    }

    /// The stores whose loaded version maintenance has not seen to.
    pub(super) fn to_maintain(&self) -> Vec<(StateStoreId, StateStoreVersion)> {
        let slots = self.slots();
        let mut stores: Vec<_> = slots
            .iter()
            .filter(|(_, slot)| slot.maintained != slot.loaded)
            .filter_map(|(id, slot)| Some((id.clone(), slot.loaded?)))
            .collect();
        stores.sort_unstable();
        stores
    }
}

/// What was loaded from files.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) map: VersionedMap,
    /// The snapshot it began with; 0 for none.
    pub(super) snapshot: u64,
    /// The higher versions that have a snapshot.
    pub(super) stale_snapshots: BTreeSet<u64>,
}

/// A store that one transaction owns.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) shared: Arc<Shared>,
    pub(super) id: StateStoreId,
    pub(super) version: StateStoreVersion,
    spec: StateStoreSpec,
    map: VersionedMap,
    /// Whether `map` is the version with the changes of the transaction.
    is_whole: bool,
}

impl Lease {
    /// Takes a store, with its rows when they are the wanted version.
    pub(super) fn open(
        shared: &Arc<Shared>,
        id: &StateStoreId,
        version: StateStoreVersion,
        spec: &StateStoreSpec,
    ) -> Result<Self> {
        let (held, is_whole) = shared.with_slot(id, |slot| {
            if slot.is_open {
                return Err(StateError::StoreInUse { store: id.clone() });
            }
            slot.is_open = true;
            let held = slot.held.take();
            let is_whole = held
                .as_ref()
                .is_some_and(|held| held.version == version && held.spec == *spec);
            slot.loaded = is_whole.then_some(version);
            if is_whole {
                slot.hits += 1;
            } else if version.0 > 0 {
                // Version 0 is empty and not read from files.
                slot.misses += 1;
            }
            Ok((held, is_whole))
        })?;
        // Rows of another version are dropped here, without the lock.
        let held = held.filter(|_| is_whole);
        Ok(Self {
            shared: Arc::clone(shared),
            id: id.clone(),
            version,
            spec: spec.clone(),
            map: held.map(|held| held.map).unwrap_or_default(),
            is_whole,
        })
    }

    /// Whether the rows are there.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Puts in what was loaded from files.
    pub(super) fn loaded(&mut self, loaded: Loaded) {
        self.set_map(loaded.map);
        self.shared.with_slot(&self.id, |slot| {
            slot.loaded = Some(self.version);
            slot.snapshot = loaded.snapshot;
            slot.stale_snapshots = loaded.stale_snapshots;
        });
    }

    pub(super) fn map(&self) -> &VersionedMap {
        &self.map
    }

    pub(super) fn map_mut(&mut self) -> &mut VersionedMap {
        &mut self.map
    }

    /// Takes the rows out; unless they are set again, the next load reads the files.
    pub(super) fn take_map(&mut self) -> VersionedMap {
        self.is_whole = false;
        std::mem::take(&mut self.map)
    }

    pub(super) fn set_map(&mut self, map: VersionedMap) {
        self.map = map;
        self.is_whole = true;
    }

    /// Whether a version has a snapshot that an uncommitted batch left.
    pub(super) fn has_stale_snapshot(&self, version: StateStoreVersion) -> bool {
        self.shared
            .with_slot(&self.id, |slot| slot.stale_snapshots.contains(&version.0))
    }

    /// The changes are in a file: the rows are the next version, which the slot gets.
    pub(super) fn committed(mut self, version: StateStoreVersion) -> SlotCounts {
        self.version = version;
        self.shared.with_slot(&self.id, |slot| {
            slot.stale_snapshots.remove(&version.0);
            SlotCounts {
                hits: slot.hits,
                misses: slot.misses,
                snapshot: slot.written_snapshot,
            }
        })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let held = self.is_whole.then(|| {
            let mut map = std::mem::take(&mut self.map);
            map.roll_back();
            Held {
                version: self.version,
                spec: std::mem::take(&mut self.spec),
                map,
            }
        });
        self.shared.close(&self.id, held);
    }
}

/// The right to maintain a store, until dropped.
#[derive(Debug)]
pub(super) struct MaintenanceLease<'a> {
    shared: &'a Shared,
    id: &'a StateStoreId,
}

impl<'a> MaintenanceLease<'a> {
    /// `None` when another has it.
    pub(super) fn begin(shared: &'a Shared, id: &'a StateStoreId) -> Option<Self> {
        let is_free = shared.with_slot(id, |slot| !std::mem::replace(&mut slot.is_maintained_now, true));
        is_free.then_some(Self { shared, id })
    }

    /// Notes that the files are in order for a loaded version, whose newest snapshot this is (0 for none).
    pub(super) fn done(self, version: StateStoreVersion, snapshot: u64) {
        self.shared.with_slot(self.id, |slot| {
            slot.maintained = Some(version);
            slot.snapshot = snapshot;
        });
    }
}

impl Drop for MaintenanceLease<'_> {
    fn drop(&mut self) {
        self.shared
            .with_slot(self.id, |slot| slot.is_maintained_now = false);
    }
}
