//! Decisions on listings, names, and checksum files.

use proptest::prelude::*;
use tidemill_checkpoint::FileStatus;

use super::super::checksum_file::ChecksumFile;
use super::super::*;
use crate::{OperatorId, StateStoreId, StateStoreVersion};

fn files(names: &[&str]) -> StoreFiles {
    let listing: Vec<FileStatus> = names
        .iter()
        .map(|name| FileStatus {
            name: (*name).to_owned(),
            is_dir: name.ends_with('/'),
            size_bytes: 46,
            modified_ms: 0,
        })
        .collect();
    StoreFiles::of_listing(&listing)
}

fn ways(files: &StoreFiles, version: u64) -> Vec<(Option<u64>, Vec<u64>)> {
    lineage(files, StateStoreVersion(version))
        .into_iter()
        .map(|way| {
            let deltas: Vec<u64> = way.deltas.clone().collect();
            assert_eq!(u64::try_from(deltas.len()).unwrap(), way.delta_count());
            (way.snapshot.map(|snapshot| snapshot.0), deltas)
        })
        .collect()
}

#[test]
fn the_default_store_has_no_folder_of_its_own() {
    let mut id = StateStoreId::new(OperatorId(1), 2);
    assert_eq!(store_folder(&id), "state/1/2");
    assert_eq!(delta_path(&id, StateStoreVersion(3)), "state/1/2/3.delta");
    id.store_name = "left-keyToNumValues".to_owned();
    assert_eq!(
        snapshot_path(&id, StateStoreVersion(3)),
        "state/1/2/left-keyToNumValues/3.snapshot"
    );
}

#[test]
fn only_deltas_and_snapshots_count() {
    let found = files(&[
        "1.delta",
        "10.delta",
        "2.snapshot",
        ".1.delta.crc",
        ".3.delta.5f.tmp",
        "03.delta",
        "x.delta",
        "-1.delta",
        "4.delta/",
        "_metadata/",
        "5.zip",
        "6.changelog",
        "7.deltas",
        "8_5f.delta",
        "1.delta.crc",
    ]);
    assert_eq!(found.deltas.into_iter().collect::<Vec<_>>(), [1, 10]);
    assert_eq!(found.snapshots.into_iter().collect::<Vec<_>>(), [2]);
}

#[test]
fn the_newest_snapshot_comes_first_and_older_ones_are_there_to_fall_back_on() {
    let all = files(&[
        "1.delta",
        "2.delta",
        "2.snapshot",
        "3.delta",
        "4.delta",
        "4.snapshot",
        "5.delta",
    ]);
    assert_eq!(
        ways(&all, 5),
        [
            (Some(4), vec![5]),
            (Some(2), vec![3, 4, 5]),
            (None, vec![1, 2, 3, 4, 5])
        ]
    );
    assert_eq!(ways(&all, 3), [(Some(2), vec![3]), (None, vec![1, 2, 3])]);
    assert_eq!(ways(&all, 0), [(None, vec![])]);
    assert_eq!(ways(&files(&["10.snapshot"]), 10), [(Some(10), vec![])]);
    assert_eq!(ways(&files(&["2.snapshot", "3.delta"]), 3), [(Some(2), vec![3])]);
}

#[test]
fn a_gap_is_no_way_and_the_error_names_what_is_missing() {
    let id = StateStoreId::new(OperatorId(0), 1);
    for (names, version, path, reason) in [
        (
            &["1.delta", "3.delta"][..],
            3,
            "/c/state/0/1/2.delta",
            "no snapshot",
        ),
        (&["1.delta", "2.delta"], 3, "/c/state/0/1/3.delta", "no snapshot"),
        (&[], 1, "/c/state/0/1/1.delta", "no snapshot"),
        (
            &["2.snapshot", "4.delta"],
            4,
            "/c/state/0/1/3.delta",
            "2.snapshot",
        ),
        (
            &["4.snapshot", "1.delta"],
            3,
            "/c/state/0/1/3.delta",
            "no snapshot",
        ),
    ] {
        let files = files(names);
        assert_eq!(ways(&files, version), []);
        let error = missing(&files, &id, StateStoreVersion(version), |path| {
            format!("/c/{path}")
        });
        assert_eq!(
            error.condition(),
            "CANNOT_LOAD_STATE_STORE.CANNOT_READ_DELTA_FILE_NOT_EXISTS"
        );
        let text = error.to_string();
        assert!(text.contains(path) && text.contains(reason), "{text}");
    }
    // A gap below the newest snapshot only takes the older ways.
    assert_eq!(
        ways(&files(&["1.delta", "3.snapshot", "4.delta"]), 4),
        [(Some(3), vec![4])]
    );
}

#[test]
fn a_snapshot_is_due_when_more_deltas_than_the_minimum_are_needed() {
    let names: Vec<String> = (1..=9).map(|version| format!("{version}.delta")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    let due = |names: &[&str], newest, min| snapshot_due(&files(names), StateStoreVersion(newest), min);
    assert!(!due(&names, 2, 2));
    assert!(due(&names, 3, 2));
    names.push("3.snapshot");
    assert!(!due(&names, 3, 2));
    assert!(!due(&names, 5, 2));
    assert!(due(&names, 6, 2));
    // Nothing to make it of.
    assert!(!due(&["9.delta"], 9, 2));
}

#[test]
fn what_the_oldest_retained_version_needs_stays() {
    // Spark's own leftovers of this run: 6.delta 6.snapshot 7.delta 8.delta 9.delta 9.snapshot.
    let mut names: Vec<String> = (3..=9).map(|version| format!("{version}.delta")).collect();
    names.extend(["3.snapshot", "6.snapshot", "9.snapshot"].map(str::to_owned));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let gone = |newest, retain| deletable(&files(&names), StateStoreVersion(newest), retain);
    assert_eq!(gone(9, 3), ["3.delta", "4.delta", "5.delta", "3.snapshot"]);
    assert_eq!(gone(9, 4), Vec::<String>::new());
    assert_eq!(gone(9, 100), Vec::<String>::new());
    assert_eq!(gone(9, 9), Vec::<String>::new());
    // The version to keep cannot be loaded: nothing goes.
    assert_eq!(
        deletable(
            &files(&["1.delta", "3.delta", "9.delta"]),
            StateStoreVersion(9),
            6
        ),
        Vec::<String>::new()
    );
}

proptest! {
    #[test]
    fn every_retained_version_can_still_be_loaded_as_before(
        deltas in proptest::collection::btree_set(1_u64..30, 0..30),
        snapshots in proptest::collection::btree_set(1_u64..30, 0..5),
        newest in 0_u64..30,
        retain in 0_u64..10,
    ) {
        let before = StoreFiles { deltas, snapshots };
        let mut after = before.clone();
        for name in deletable(&before, StateStoreVersion(newest), retain) {
            let (version, kind) = name.split_once('.').unwrap();
            let version = version.parse().unwrap();
            let was_there = if kind == "delta" {
                after.deltas.remove(&version)
            } else {
                after.snapshots.remove(&version)
            };
            prop_assert!(was_there);
        }
        for version in newest.saturating_sub(retain)..=newest {
            prop_assert_eq!(ways(&before, version).into_iter().next(), ways(&after, version).into_iter().next());
        }
    }
}

#[test]
fn a_checksum_file_that_spark_wrote_comes_back_byte_for_byte() {
    let text = r#"{"algorithm":"CRC32C","value":-486108541,"mainFileSize":9,"timestampMs":1795226011612,"creator":{"executorId":"driver","taskInfo":"Task= 2.0, Stage= 132.0"}}"#;
    let path = ChecksumFile::path_of("/c/3_5f.changelog");
    assert_eq!(path, "/c/3_5f.changelog.crc");
    let file = ChecksumFile::parse(&path, text.as_bytes()).unwrap();
    assert_eq!(file.format(&path).unwrap(), text.as_bytes());
    let made = ChecksumFile::of(
        b"123456789",
        1_795_226_011_612,
        "driver",
        "Task= 2.0, Stage= 132.0",
    );
    // The check value of CRC-32C, as a signed number.
    assert_eq!(
        file,
        ChecksumFile::parse(&path, &made.format(&path).unwrap()).unwrap()
    );
    file.verify("/c/3_5f.changelog", b"123456789").unwrap();
    for damaged in [&b"123456780"[..], b"12345678"] {
        let error = file.verify("/c/3_5f.changelog", damaged).unwrap_err();
        assert!(error.to_string().contains("/c/3_5f.changelog"), "{error}");
    }
    for damaged in [&text[..40], &text.replace("CRC32C", "MD5"), "[]"] {
        let error = ChecksumFile::parse(&path, damaged.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(&path), "{error}");
    }
}
