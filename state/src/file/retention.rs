//! When a snapshot is due, and which files no retained version needs: decisions on a listing alone.

use super::lineage::lineage;
use super::name::StoreFiles;
use crate::StateStoreVersion;

/// Whether loading `newest` needs more than `min_deltas` deltas.
pub(crate) fn snapshot_due(files: &StoreFiles, newest: StateStoreVersion, min_deltas: u64) -> bool {
    lineage(files, newest)
        .first()
        .is_some_and(|best| best.delta_count() > min_deltas)
}

/// The names of the files that no version from `newest - retain` on needs.
///
/// None while that version is not above 0, and none when it cannot be loaded: then something is wrong, and nothing
/// should go.
pub(crate) fn deletable(files: &StoreFiles, newest: StateStoreVersion, retain: u64) -> Vec<String> {
    let Some(earliest) = newest.0.checked_sub(retain).filter(|earliest| *earliest > 0) else {
        return Vec::new();
    };
    lineage(files, StateStoreVersion(earliest))
        .first()
        .and_then(|best| best.first_version())
        .map(|first| files.names_below(first))
        .unwrap_or_default()
}
