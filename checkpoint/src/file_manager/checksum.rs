//! Hadoop's hidden checksum files: never written, never read, only removed.
//!
//! Hadoop's local file system keeps `.name.crc` beside `name`. They are no part of the protocol, but an orphan
//! `.name.crc` makes Spark's rename that creates `name` fail, and a stale one belongs to other bytes. So it goes
//! before `name` is created, replaced or deleted.

/// The path of the hidden checksum file of `path`.
pub(super) fn hidden_crc(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/.{name}.crc"),
        None => format!(".{path}.crc"),
    }
}

/// Refuses paths that leave the root or have no file name.
pub(super) fn check_path(path: &str) -> crate::Result<()> {
    let bad = |name: &str| name.is_empty() || name == "." || name == ".." || name.contains('\0');
    if path.split('/').any(bad) {
        return Err(crate::CheckpointError::InvalidPath {
            path: path.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_file_stands_beside_its_file() {
        assert_eq!(hidden_crc("offsets/12"), "offsets/.12.crc");
        assert_eq!(hidden_crc("metadata"), ".metadata.crc");
    }

    #[test]
    fn a_path_cannot_leave_the_root() {
        for path in ["", "/etc", "a//b", "a/../b", "./a", "a/"] {
            let error = check_path(path).unwrap_err();
            assert!(error.to_string().contains("not a path inside"), "{error}");
        }
        check_path("sources/0/1.compact").unwrap();
    }
}
