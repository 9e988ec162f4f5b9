//! Which files make up a version: a decision on a listing alone.

use std::ops::RangeInclusive;

use super::name::{StoreFiles, delta_path};
use crate::{StateError, StateStoreId, StateStoreVersion};

/// One way to load a version: a snapshot, or nothing, and the deltas after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lineage {
    /// Where to begin; `None` is the empty version 0.
    pub(crate) snapshot: Option<StateStoreVersion>,
    /// The versions whose deltas follow, in order; may be empty.
    pub(crate) deltas: RangeInclusive<u64>,
}

impl Lineage {
    /// How many deltas there are to read.
    pub(crate) fn delta_count(&self) -> u64 {
        if self.deltas.is_empty() {
            return 0;
        }
        (self.deltas.end() - self.deltas.start()).saturating_add(1)
    }

    /// The version of the oldest file.
    pub(super) fn first_version(&self) -> Option<u64> {
        match self.snapshot {
            Some(StateStoreVersion(version)) => Some(version),
            None if self.deltas.is_empty() => None,
            None => Some(*self.deltas.start()),
        }
    }
}

/// The ways to load `version`, best first: from the newest snapshot, then from older ones, at last from nothing.
///
/// A way counts only when every delta it needs is there. Version 0 can always be loaded: it is empty. No way at all
/// is an error, [`missing`] tells which.
pub(crate) fn lineage(files: &StoreFiles, version: StateStoreVersion) -> Vec<Lineage> {
    let StateStoreVersion(version) = version;
    // The lowest base from which every delta up to `version` exists.
    let base = lowest_base(files, version);
    let mut ways: Vec<Lineage> = files
        .snapshots
        .range(base..=version)
        .rev()
        // Version 0 is empty by definition.
        .filter(|snapshot| **snapshot > 0)
        .map(|snapshot| Lineage {
            snapshot: Some(StateStoreVersion(*snapshot)),
            deltas: snapshot.saturating_add(1)..=version,
        })
        .collect();
    if base == 0 {
        ways.push(Lineage {
            snapshot: None,
            deltas: 1..=version,
        });
    }
    ways
}

fn lowest_base(files: &StoreFiles, version: u64) -> u64 {
    let mut base = version;
    for delta in files.deltas.range(..=version).rev() {
        if *delta != base || base == 0 {
            break;
        }
        base -= 1;
    }
    base
}

/// Why [`lineage`] found no way: the newest delta that is missing.
pub(crate) fn missing(
    files: &StoreFiles,
    id: &StateStoreId,
    version: StateStoreVersion,
    describe: impl Fn(&str) -> String,
) -> StateError {
    let base = lowest_base(files, version.0);
    let newest_snapshot = files.snapshots.range(..=version.0).next_back().copied();
    StateError::DeltaMissing {
        path: describe(&delta_path(id, StateStoreVersion(base))),
        needed_after: match newest_snapshot {
            Some(snapshot) => format!("the newest snapshot before it is {snapshot}.snapshot"),
            None => "there is no snapshot before it".to_owned(),
        },
    }
}
