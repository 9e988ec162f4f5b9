//! What the integration tests share: the repository's place, temporary folders, golden cases, processes.

pub(crate) mod golden;

use std::path::PathBuf;

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    let engine = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    engine.parent().expect("engine lies in the workspace").to_path_buf()
}
