//! Names in an output folder: the log's, the part files', and the folders of partition values.

use std::fmt::Write as _;

use uuid::Uuid;

/// The folder of the sink's log, beside the part files.
pub const METADATA_FOLDER: &str = "_spark_metadata";

/// The value that stands for null, and for the empty string, in a partition folder's name.
pub const DEFAULT_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// `part-00000-<uuid>-c000.snappy.parquet`; in a partition folder a dot stands before the counter.
pub(crate) fn part_name(task: usize, id: Uuid, counter: u32, partitioned: bool, extension: &str) -> String {
    let mark = if partitioned { '.' } else { '-' };
    format!("part-{task:05}-{id}{mark}c{counter:03}{extension}")
}

/// `k=value`, both escaped as Hive and Spark escape them.
pub(crate) fn partition_folder(column: &str, value: Option<&str>) -> String {
    let mut out = String::new();
    escape_path_name(column, &mut out);
    out.push('=');
    match value {
        None | Some("") => out.push_str(DEFAULT_PARTITION),
        Some(value) => escape_path_name(value, &mut out),
    }
    out
}

/// Percent-escapes what Hive escapes in a folder name: controls, and `"#%'*/:=?\{[]^` and DEL.
fn escape_path_name(text: &str, out: &mut String) {
    for c in text.chars() {
        let special = matches!(
            c,
            '\u{1}'
                ..='\u{1f}'
                    | '"'
                    | '#'
                    | '%'
                    | '\''
                    | '*'
                    | '/'
                    | ':'
                    | '='
                    | '?'
                    | '\\'
                    | '\u{7f}'
                    | '{'
                    | '['
                    | ']'
                    | '^'
        );
        if special {
            let _ = write!(out, "%{:02X}", u32::from(c));
        } else {
            out.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_files_are_named_as_spark_names_them() {
        let id = Uuid::nil();
        let plain = part_name(7, id, 0, false, ".snappy.parquet");
        assert_eq!(
            plain,
            "part-00007-00000000-0000-0000-0000-000000000000-c000.snappy.parquet"
        );
        let partitioned = part_name(0, id, 12, true, ".json.gz");
        assert_eq!(
            partitioned,
            "part-00000-00000000-0000-0000-0000-000000000000.c012.json.gz"
        );
    }

    #[test]
    fn partition_values_are_escaped_as_spark_escapes_them() {
        let folder = |value| partition_folder("s", value);
        assert_eq!(
            folder(Some("quote \" comma , back \\ slash")),
            "s=quote %22 comma , back %5C slash"
        );
        assert_eq!(folder(Some("nl\nx")), "s=nl%0Ax");
        assert_eq!(folder(Some("2024-01-01 00:00:00")), "s=2024-01-01 00%3A00%3A00");
        assert_eq!(
            folder(Some("a/b=c?d#e%f'g*h{i[j]k^l\u{7f}")),
            "s=a%2Fb%3Dc%3Fd%23e%25f%27g%2Ah%7Bi%5Bj%5Dk%5El%7F"
        );
        assert_eq!(folder(Some("ü }|<>&+")), "s=ü }|<>&+");
        assert_eq!(folder(Some("")), "s=__HIVE_DEFAULT_PARTITION__");
        assert_eq!(folder(None), "s=__HIVE_DEFAULT_PARTITION__");
        assert_eq!(partition_folder("a b=c", Some("1")), "a b%3Dc=1");
    }
}
