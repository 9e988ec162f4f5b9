//! Tables of cases kept as text, beside the tests: tests/spark/records.txt says what stands in an entry.

use std::fs;

use serde_json::{Map, Value};

use super::repository;

/// One case.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// The file format it is about.
    pub(crate) format: String,
    pub(crate) name: String,
    /// Columns as DDL; none to have them inferred.
    pub(crate) schema: Option<String>,
    pub(crate) options: Map<String, Value>,
    pub(crate) confs: Map<String, Value>,
    /// Expressions; empty for all columns.
    pub(crate) select: Vec<String>,
    pub(crate) partition_by: Vec<String>,
    /// The word behind `modes:`.
    pub(crate) modes: Option<String>,
    /// The bytes of its file.
    pub(crate) file: Vec<u8>,
}

impl Entry {
    /// The entries of a file in tests/spark, in its order.
    pub(crate) fn all(file: &str) -> Vec<Self> {
        let text = fs::read_to_string(repository().join("tests/spark").join(file)).unwrap();
        let mut out: Vec<Self> = Vec::new();
        for line in text.lines() {
            if let Some(head) = line.strip_prefix("-- ") {
                let (format, name) = head.split_once(" | ").unwrap_or_else(|| panic!("{line}"));
                let (format, name) = (format.to_owned(), name.to_owned());
                out.push(Self {
                    format,
                    name,
                    ..Self::default()
                });
            } else if let Some(entry) = out.last_mut() {
                entry.take(line);
            }
        }
        out
    }

    fn take(&mut self, line: &str) {
        let list = |text: &str| text.split(';').map(|one| one.trim().to_owned()).collect();
        let rest = |mark: &str| {
            line.strip_prefix(mark)
                .map(|rest| rest.strip_prefix(' ').unwrap_or(rest))
        };
        if let Some(text) = rest(">") {
            self.file.extend_from_slice(text.as_bytes());
            self.file.push(b'\n');
        } else if let Some(text) = rest("~") {
            unescape(text, &mut self.file);
        } else if let Some(text) = rest("schema:") {
            self.schema = Some(text.to_owned());
        } else if let Some(text) = rest("options:") {
            self.options = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {line}"));
        } else if let Some(text) = rest("confs:") {
            self.confs = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {line}"));
        } else if let Some(text) = rest("select:") {
            self.select = list(text);
        } else if let Some(text) = rest("partition:") {
            self.partition_by = list(text);
        } else if let Some(text) = rest("modes:") {
            self.modes = Some(text.to_owned());
        } else {
            assert!(line.is_empty(), "what is this in {}: {line}", self.name);
        }
    }

    /// `OPTIONS` of a statement, with these before the entry's own.
    pub(crate) fn sql_options(&self, first: &[(&str, &str)]) -> String {
        let own = self.options.iter();
        let own = own.map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
        let all: Vec<String> = first
            .iter()
            .copied()
            .chain(own)
            .map(|(name, value)| format!("{name} {}", literal(value)))
            .collect();
        format!("OPTIONS ({})", all.join(", "))
    }
}

/// A string literal of Spark's SQL.
fn literal(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
    format!("'{}'", escaped.replace('\n', "\\n").replace('\r', "\\r"))
}

fn unescape(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        at += 1;
        match bytes[at - 1] {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'\\' => out.push(b'\\'),
            b'x' => {
                out.push(u8::from_str_radix(&text[at..at + 2], 16).unwrap());
                at += 2;
            }
            other => panic!("an unknown escape {other} in {text}"),
        }
    }
}
