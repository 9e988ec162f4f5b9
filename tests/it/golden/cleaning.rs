//! `cleanSource` archive goes on where Spark stopped: files move one batch late, to Spark's places.

use std::fs;

use super::settings;
use crate::harness::command;
use crate::harness::golden::{GoldenCase, files};

#[test]
fn files_of_processed_batches_move_to_the_archive_one_batch_late() {
    let case = GoldenCase::unpack("clean_source_archive");
    let root = case.root();
    let archived = root.join("archive/tmp/golden/clean_source_archive/input/sub");
    for name in ["002.json", "003.json"] {
        fs::rename(archived.join(name), root.join("input/sub").join(name)).unwrap();
    }
    case.restore_input_times();
    case.cut_after(Some(2));
    let script = format!(
        "{}
         CREATE TABLE src (k STRING) USING json OPTIONS (path '{input}', maxFilesPerTrigger '1',
            cleanSource 'archive', sourceArchiveDir '{archive}', recursiveFileLookup 'true');
         CREATE STREAMING TABLE shown USING console
            OPTIONS (format 'json', checkpointLocation 'checkpoint', trigger 'availableNow')
         AS SELECT k FROM STREAM(src);",
        settings(&case),
        input = case.path("input"),
        archive = case.path("archive"),
    );
    let said = command::run(&root, &script).success();
    let seen: Vec<(u64, String)> = said
        .rows()
        .iter()
        .map(|r| {
            (
                r["_batch_id"].as_u64().unwrap(),
                r["k"].as_str().unwrap().to_string(),
            )
        })
        .collect();
    assert_eq!(seen, [(3, "v3".to_string()), (4, "v4".to_string())]);
    assert_eq!(files(&root.join("input")), [root.join("input/sub/004.json")]);
    let inside = root
        .join("archive")
        .join(root.strip_prefix("/").unwrap())
        .join("input/sub");
    assert_eq!(files(&inside), [inside.join("002.json"), inside.join("003.json")]);
}
