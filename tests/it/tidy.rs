//! The house rules that a program can check, over every file that git tracks.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::repository;

const MAX_FILE_LINES: usize = 500;
const MAX_FUNCTION_LINES: usize = 70;

struct Source {
    path: String,
    text: String,
}

fn tracked() -> Vec<Source> {
    let root = repository();
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output()
        .expect("git lists the repository's files");
    let names: Vec<PathBuf> = if listed.status.success() {
        String::from_utf8(listed.stdout)
            .unwrap()
            .split('\0')
            .filter(|n| !n.is_empty())
            .map(PathBuf::from)
            .collect()
    } else {
        walk(&root, Path::new(""))
    };
    let mut out = Vec::new();
    for name in names {
        let Ok(bytes) = std::fs::read(root.join(&name)) else {
            continue;
        };
        if let Ok(text) = String::from_utf8(bytes) {
            let path = name.to_str().unwrap().to_string();
            out.push(Source { path, text });
        }
    }
    assert!(out.len() > 50, "the repository's files were not found");
    out
}

/// For a copy of the sources without git.
fn walk(root: &Path, folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = folder.join(entry.file_name());
        let hidden = entry.file_name().to_string_lossy() == ".git";
        if entry.path().is_dir() {
            if !hidden && name != Path::new("target") {
                out.extend(walk(root, &name));
            }
        } else {
            out.push(name);
        }
    }
    out
}

fn rust() -> Vec<Source> {
    let mut all = tracked();
    all.retain(|s| s.path.ends_with(".rs"));
    all
}

/// This file and the lint settings spell out what they forbid.
fn names_the_forbidden(path: &str) -> bool {
    path == "tests/it/tidy.rs" || path == "clippy.toml"
}

fn report(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

/// Every line of `sources` that `wrong` says no to.
fn lines(sources: &[Source], rule: &str, wrong: impl Fn(&str) -> bool) {
    let mut found = Vec::new();
    for s in sources.iter().filter(|s| !names_the_forbidden(&s.path)) {
        for (at, line) in s.text.lines().enumerate() {
            if wrong(line) {
                found.push(format!("{}:{}: {}", s.path, at + 1, line.trim()));
            }
        }
    }
    report(found, rule);
}

#[test]
fn files_are_at_most_five_hundred_lines_long() {
    let found = rust()
        .iter()
        .map(|s| (s.text.lines().count(), &s.path))
        .filter(|(n, _)| *n > MAX_FILE_LINES)
        .map(|(n, path)| format!("{path}: {n} lines"))
        .collect();
    report(found, "split these files");
}

#[test]
fn functions_are_at_most_seventy_lines_long() {
    let mut found = Vec::new();
    for s in rust() {
        let all: Vec<&str> = s.text.lines().collect();
        for (at, line) in all.iter().enumerate() {
            let Some(name) = function_name(line) else { continue };
            let indent = line.len() - line.trim_start().len();
            let closing = format!("{}}}", " ".repeat(indent));
            let body = all[at + 1..].iter().take_while(|l| **l != closing);
            let body = body
                .filter(|l| !l.trim().is_empty() && !l.trim_start().starts_with("//"))
                .count();
            let one_line = line.trim_end().ends_with(['}', ';']);
            if !one_line && body > MAX_FUNCTION_LINES && !declared_only(&all[at..]) {
                found.push(format!("{}:{}: {name} has {body} lines", s.path, at + 1));
            }
        }
    }
    report(found, "split these functions");
}

/// The name of the function that starts on this line.
fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    for word in ["pub(crate) ", "pub(super) ", "pub ", "const ", "async "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let name = rest.strip_prefix("fn ")?;
    name.split(['(', '<']).next()
}

/// Whether the signature ends in `;`: a method of a trait without a body.
fn declared_only(lines: &[&str]) -> bool {
    lines
        .iter()
        .map(|l| l.trim_end())
        .find(|l| l.ends_with([';', '{']))
        .is_some_and(|l| l.ends_with(';'))
}

#[test]
fn every_file_opens_with_what_it_promises() {
    let found = rust()
        .iter()
        .filter(|s| !s.text.starts_with("//!"))
        .map(|s| s.path.clone())
        .collect();
    report(found, "these files do not open with `//!`");
}

#[test]
fn the_edges_between_the_crates_are_those_of_the_architecture() {
    let ours = |name: &str| dependencies(name, |d| d == "tidemill" || d.starts_with("tidemill-"));
    assert_eq!(ours("checkpoint"), set(&[]));
    assert_eq!(ours("state"), set(&["tidemill-checkpoint"]));
    assert_eq!(ours("sql"), set(&["tidemill-state"]));
    assert_eq!(
        ours("engine"),
        set(&["tidemill-checkpoint", "tidemill-sql", "tidemill-state"])
    );
    assert_eq!(ours("examples"), set(&["tidemill"]));
    let heavy =
        |d: &str| d.starts_with("datafusion") || d.starts_with("arrow") || d == "parquet" || d == "tokio";
    assert_eq!(dependencies("checkpoint", heavy), set(&[]));
    let engine_only = |d: &str| d.starts_with("datafusion") || d == "tokio";
    assert_eq!(dependencies("state", engine_only), set(&[]));
    assert_eq!(
        dependencies("sql", |d| d == "tokio" || d == "sqlparser"),
        set(&[])
    );
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|n| (*n).to_string()).collect()
}

/// The names under `[dependencies]` of a crate that `wanted` picks.
fn dependencies(krate: &str, wanted: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let text = std::fs::read_to_string(repository().join(krate).join("Cargo.toml")).unwrap();
    let mut out = BTreeSet::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line.trim() == "[dependencies]";
        } else if inside
            && let Some(name) = line.split(['.', ' ', '=']).next()
            && !name.is_empty()
            && wanted(name)
        {
            out.insert(name.to_string());
        }
    }
    out
}

#[test]
fn comments_hold_no_code() {
    lines(&rust(), "commented-out code", |line| {
        let Some(text) = line.trim_start().strip_prefix("//") else {
            return false;
        };
        if text.starts_with(['/', '!']) {
            return false;
        }
        let text = text.trim();
        let statement = text.ends_with(");") || text.ends_with("};") || text.ends_with("?;");
        let opening = text.ends_with(") {") || text == "}" || text == "})" || text.starts_with("#[");
        let item = ["let ", "pub fn ", "fn ", "use ", "pub use ", "mod ", "return "]
            .iter()
            .any(|w| text.starts_with(w) && text.ends_with([';', '{']));
        statement || opening || item
    });
}

#[test]
fn no_usize_reaches_a_disk() {
    let all = rust();
    lines(&all, "a usize has no fixed width", |line| {
        ["le", "be", "ne"].iter().any(|e| {
            line.contains(&format!("usize::to_{e}_bytes"))
                || line.contains(&format!("usize::from_{e}_bytes"))
                || line.contains(&format!("len().to_{e}_bytes()"))
        })
    });
    let mut found = Vec::new();
    for s in all {
        let mut serialized = false;
        for (at, line) in s.text.lines().enumerate() {
            if line.trim_start().starts_with("#[derive(") {
                serialized = line.contains("Serialize");
            } else if line.trim() == "}" {
                serialized = false;
            } else if serialized && line.contains("usize") && !line.trim_start().starts_with("//") {
                found.push(format!("{}:{}: {}", s.path, at + 1, line.trim()));
            }
        }
    }
    report(found, "a usize in a serialized type");
}

#[test]
fn nothing_is_left_for_later_or_switched_off() {
    lines(&rust(), "unfinished or switched off", |line| {
        let marks = ["todo!(", "unimplemented!(", "dbg!(", "#[ignore", "FIXME", "TODO"];
        marks.iter().any(|m| line.contains(m))
    });
}

#[test]
fn lints_for_panics_and_the_clock_are_not_switched_off_in_library_code() {
    let denied = [
        "unwrap_used",
        "expect_used",
        "clippy::panic",
        "clippy::todo",
        "clippy::unimplemented",
    ];
    let library: Vec<Source> = rust()
        .into_iter()
        .filter(|s| s.path.contains("/src/") && !s.path.ends_with("tests.rs") && !s.path.contains("/tests/"))
        .collect();
    lines(&library, "a lint is switched off", |line| {
        let allow = line.contains("#[allow(") || line.contains("#![allow(");
        allow && denied.iter().any(|d| line.contains(d))
    });
}

#[test]
fn no_file_names_a_machine_or_a_registry() {
    let all: Vec<Source> = tracked().into_iter().filter(|s| s.path != "Cargo.lock").collect();
    lines(&all, "a path or host of one machine", |line| {
        let paths = ["/work/", "/root/", "/home/"];
        let hosts = [
            "crates.io",
            "pypi.org",
            "pythonhosted",
            "repo.maven",
            "repo1.maven",
            "proxy.golang",
        ];
        paths.iter().chain(&hosts).any(|m| line.contains(m))
    });
}

#[test]
fn the_lock_file_names_only_the_public_index() {
    let lock = std::fs::read_to_string(repository().join("Cargo.lock")).unwrap();
    let found = lock
        .lines()
        .filter(|l| l.starts_with("source = "))
        .filter(|l| *l != "source = \"registry+https://github.com/rust-lang/crates.io-index\"")
        .map(str::to_string)
        .collect();
    report(found, "other sources in Cargo.lock");
}

#[test]
fn every_relative_link_of_the_documents_leads_to_a_file() {
    let root = repository();
    let mut found = Vec::new();
    for s in tracked().iter().filter(|s| s.path.ends_with(".md")) {
        let folder = root.join(&s.path);
        for part in s.text.split("](").skip(1) {
            let target = part.split([')', '#']).next().unwrap();
            let outside = target.is_empty() || target.contains("://");
            if !outside && !folder.parent().unwrap().join(target).exists() {
                found.push(format!("{}: {target}", s.path));
            }
        }
    }
    report(found, "broken links");
}
