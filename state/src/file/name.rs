//! Where the files of a state store are, and what a listing of its folder holds.

use std::collections::BTreeSet;

use tidemill_checkpoint::{BatchId, CheckpointLocation, FileStatus};

use crate::{OperatorId, StateStoreId, StateStoreVersion};

const DELTA: &str = ".delta";
const SNAPSHOT: &str = ".snapshot";

/// The folder of a store: `state/<operator>/<partition>`, and one level more for a store that is not the default one.
pub(crate) fn store_folder(id: &StateStoreId) -> String {
    let partition = format!("{}/{}", operator_folder(id.operator), id.partition);
    if id.store_name == StateStoreId::DEFAULT_STORE {
        partition
    } else {
        format!("{partition}/{}", id.store_name)
    }
}

/// The folder of an operator: `state/<operator>`.
fn operator_folder(operator: OperatorId) -> String {
    format!("{}/{}", CheckpointLocation::STATE, operator.0)
}

/// The file of the changes from the version before to `version`.
pub(crate) fn delta_path(id: &StateStoreId, version: StateStoreVersion) -> String {
    format!("{}/{version}{DELTA}", store_folder(id))
}

/// The file of the whole content of `version`.
pub(crate) fn snapshot_path(id: &StateStoreId, version: StateStoreVersion) -> String {
    format!("{}/{version}{SNAPSHOT}", store_folder(id))
}

/// Whether a path is that of a snapshot.
pub(super) fn is_snapshot(path: &str) -> bool {
    path.ends_with(SNAPSHOT)
}

/// The deltas and snapshots in a store's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoreFiles {
    /// The versions that have a delta.
    pub(crate) deltas: BTreeSet<u64>,
    /// The versions that have a snapshot.
    pub(crate) snapshots: BTreeSet<u64>,
}

impl StoreFiles {
    /// The files of a listing of the store's folder; names of another form are passed over, as Spark passes them over.
    pub(crate) fn of_listing(listing: &[FileStatus]) -> Self {
        let mut files = Self::default();
        for file in listing.iter().filter(|file| !file.is_dir) {
            if let Some(version) = version_of(&file.name, DELTA) {
                files.deltas.insert(version);
            } else if let Some(version) = version_of(&file.name, SNAPSHOT) {
                files.snapshots.insert(version);
            }
        }
        files
    }

    /// The names of all files of versions below `version`: deltas, then snapshots, each in order.
    pub(super) fn names_below(&self, version: u64) -> Vec<String> {
        let deltas = self.deltas.range(..version).map(|v| format!("{v}{DELTA}"));
        let snapshots = self.snapshots.range(..version).map(|v| format!("{v}{SNAPSHOT}"));
        deltas.chain(snapshots).collect()
    }
}

fn version_of(name: &str, suffix: &str) -> Option<u64> {
    BatchId::from_file_name(name.strip_suffix(suffix)?).map(BatchId::get)
}
