//! Checkpoints that Spark wrote, unpacked where a test may change them.
//!
//! The archive holds them under the neutral root `/tmp/golden/<case>`; unpacking rewrites that root to the test's own
//! folder in every text file (logs, metadata, case.json) and gives the input files the modification times that the
//! source logs know, so that nothing looks changed. Hidden `.crc` files no longer fit the rewritten files; Spark
//! tolerates that beside log files, and data files are not rewritten.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use flate2::read::GzDecoder;
use serde_json::Value;
use tempfile::TempDir;

use super::repository;

/// One case in a folder of its own; the folder goes when this is dropped.
pub(crate) struct GoldenCase {
    folder: TempDir,
    /// case.json, paths rewritten.
    pub(crate) case: Value,
}

/// One batch of a case.
pub(crate) struct GoldenBatch {
    /// Its number.
    pub(crate) id: u64,
    /// The rows it emitted, where the case has them.
    pub(crate) rows: Option<Vec<Value>>,
}

impl GoldenCase {
    /// Unpacks the case.
    pub(crate) fn unpack(name: &str) -> Self {
        let folder = TempDir::with_prefix("tidemill-golden-").unwrap();
        let root = folder.path().canonicalize().unwrap();
        let archive = repository().join("tests/golden/golden.tar.gz");
        let mut archive = tar::Archive::new(GzDecoder::new(File::open(archive).unwrap()));
        let mut found = false;
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().into_owned();
            let path = path.strip_prefix(".").unwrap_or(&path).to_path_buf();
            let Ok(inner) = path.strip_prefix(name) else {
                continue;
            };
            found = true;
            if entry.header().entry_type().is_dir() {
                fs::create_dir_all(root.join(inner)).unwrap();
            } else {
                entry.unpack(root.join(inner)).unwrap();
            }
        }
        assert!(found, "no golden case {name}");
        let old = format!("/tmp/golden/{name}");
        let new = root.to_str().unwrap();
        for file in files(&root) {
            rewrite(&file, &old, new);
        }
        let case = serde_json::from_slice(&fs::read(root.join("case.json")).unwrap()).unwrap();
        let out = Self { folder, case };
        out.restore_input_times();
        out
    }

    /// Its folder.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    /// A path in its folder, as text.
    pub(crate) fn path(&self, name: &str) -> String {
        self.root().join(name).to_str().unwrap().to_string()
    }

    /// The batches, in order.
    pub(crate) fn batches(&self) -> Vec<GoldenBatch> {
        let batches = self.case["batches"].as_array().unwrap();
        batches
            .iter()
            .map(|b| GoldenBatch {
                id: b["batchId"].as_u64().unwrap(),
                rows: b["rows"].as_array().cloned(),
            })
            .collect()
    }

    /// Takes the checkpoint back to where batch `last` was just committed: later entries of all logs go, and
    /// those of the sink. `None` leaves a query that never ran.
    pub(crate) fn cut_after(&self, last: Option<u64>) {
        let checkpoint = self.root().join("checkpoint");
        let Some(last) = last else {
            fs::remove_dir_all(&checkpoint).unwrap();
            let _ = fs::remove_dir_all(self.root().join("output"));
            return;
        };
        let entry = fs::read_to_string(checkpoint.join(format!("offsets/{last}"))).unwrap();
        cut(&checkpoint.join("offsets"), last);
        cut(&checkpoint.join("commits"), last);
        for (folder, newest) in newest_source_entries(&entry) {
            let folder = checkpoint.join("sources").join(folder);
            match newest {
                Some(newest) => cut(&folder, newest),
                None => drop(fs::remove_dir_all(folder)),
            }
        }
        cut(&self.root().join("output/_spark_metadata"), last);
        cut_state(&checkpoint.join("state"), last + 1);
    }

    /// Removes the commit of `batch` as a crash before the commit leaves it.
    pub(crate) fn uncommit(&self, batch: u64) {
        remove_log_file(&self.root().join("checkpoint/commits"), &batch.to_string());
    }

    /// Gives the input files that are there the modification times that the source logs know.
    pub(crate) fn restore_input_times(&self) {
        for (path, timestamp_ms) in self.logged_inputs() {
            if let Ok(file) = File::options().write(true).open(path) {
                file.set_modified(UNIX_EPOCH + Duration::from_millis(timestamp_ms))
                    .unwrap();
            }
        }
    }

    /// Path and modification time of every file in the source logs.
    fn logged_inputs(&self) -> HashMap<PathBuf, u64> {
        let mut out = HashMap::new();
        let logs = self.root().join("checkpoint/sources");
        for file in files(&logs) {
            let Ok(text) = fs::read_to_string(&file) else {
                continue;
            };
            for line in text.lines().skip(1) {
                let Ok(entry) = serde_json::from_str::<Value>(line) else {
                    continue;
                };
                if let (Some(uri), Some(time)) = (entry["path"].as_str(), entry["timestamp"].as_u64()) {
                    out.insert(uri_to_path(uri), time);
                }
            }
        }
        out
    }
}

/// `file:///a%20b` to a path.
pub(crate) fn uri_to_path(uri: &str) -> PathBuf {
    let path = uri.strip_prefix("file://").unwrap();
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8().unwrap();
    PathBuf::from(decoded.as_ref())
}

/// Every file under a folder; none when there is no such folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return out;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(files(&path));
        } else {
            out.push(path);
        }
    }
    out.sort();
    out
}

fn rewrite(file: &Path, old: &str, new: &str) {
    let Ok(text) = String::from_utf8(fs::read(file).unwrap()) else {
        return;
    };
    if text.contains(old) {
        fs::write(file, text.replace(old, new)).unwrap();
    }
}

/// Source folder and newest log entry, from the offset lines of an `offsets/<N>`; only file sources have numbered logs.
fn newest_source_entries(entry: &str) -> Vec<(String, Option<u64>)> {
    let v2 = entry.starts_with("v2");
    let mut out = Vec::new();
    for (at, line) in entry.lines().skip(2).enumerate() {
        let (name, offset) = match line.split_once(':') {
            Some((name, offset)) if v2 => (name.to_string(), offset),
            _ => (at.to_string(), line),
        };
        let value: Value = serde_json::from_str(offset).unwrap_or(Value::Null);
        if offset == "-" {
            out.push((name, None));
        } else if let Some(newest) = value["logOffset"].as_u64() {
            out.push((name, Some(newest)));
        }
    }
    out
}

/// Removes the entries of a log above `last`.
fn cut(folder: &Path, last: u64) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let number = name.trim_end_matches(".compact").parse::<u64>();
        if number.is_ok_and(|n| n > last) {
            remove_log_file(folder, &name);
        }
    }
}

/// Removes what the state of later versions than this wrote.
fn cut_state(folder: &Path, version: u64) {
    for file in files(folder) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let number = name.strip_suffix(".delta").or_else(|| name.strip_suffix(".snapshot"));
        if number.and_then(|n| n.parse::<u64>().ok()).is_some_and(|n| n > version) {
            remove_log_file(file.parent().unwrap(), name);
        }
    }
}

fn remove_log_file(folder: &Path, name: &str) {
    fs::remove_file(folder.join(name)).unwrap();
    let _ = fs::remove_file(folder.join(format!(".{name}.crc")));
}
