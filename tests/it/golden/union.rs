//! Sources that SQL text alone does not show: one DataFrame used twice, and sources with names of their own.

use std::fs;

use crate::harness::command;
use crate::harness::golden::GoldenCase;

#[test]
fn named_sources_go_on_under_their_names() {
    let case = GoldenCase::unpack("named_sources");
    case.cut_after(Some(0));
    let script = format!(
        "{}
         CREATE TABLE a (ts TIMESTAMP, k STRING, v INT) USING json OPTIONS (path 'input_a');
         CREATE TABLE b (ts TIMESTAMP, k STRING, v INT) USING json OPTIONS (path 'input_b');
         CREATE STREAMING TABLE shown USING console
            OPTIONS (format 'json', checkpointLocation 'checkpoint', trigger 'availableNow')
         AS SELECT k, v FROM STREAM(a) IDENTIFIED BY src_a
            UNION ALL SELECT k, v FROM STREAM(b) IDENTIFIED BY src_b;",
        super::settings(&case)
    );
    let rows = command::run(&case.root(), &script).success().rows();
    assert_eq!(rows, [serde_json::json!({"_batch_id": 1, "k": "b", "v": 2})]);
    let written = fs::read_to_string(case.root().join("checkpoint/offsets/1")).unwrap();
    assert!(written.starts_with("v2\n"));
    assert!(
        written.ends_with("src_a:{\"logOffset\":0}\nsrc_b:{\"logOffset\":0}"),
        "{written}"
    );
    assert!(case.root().join("checkpoint/sources/src_b/0").exists());
}
