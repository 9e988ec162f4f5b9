//! The queries: SQL files whose first line says the output mode and what is asked.

use std::fs;
use std::path::Path;

use tidemill::OutputMode;

use crate::Result;

/// A query of the benchmark.
pub(crate) struct Query {
    /// The name of its file.
    pub(crate) name: String,
    pub(crate) mode: OutputMode,
    /// In words.
    pub(crate) question: String,
    /// A `SELECT` over `bid`, `auction`, `person` and `side_input`.
    pub(crate) sql: String,
}

impl Query {
    fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)?;
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let (mode, question) = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("-- ")?.split_once(": "))
            .ok_or_else(|| {
                format!(
                    "{}: the first line is not `-- output mode: question`",
                    path.display()
                )
            })?;
        Ok(Self {
            mode: mode.parse()?,
            question: question.to_owned(),
            name,
            sql: text,
        })
    }

    /// The number in the name, then the name: `q2` comes before `q10`, and what has no number last.
    fn place(&self) -> (u32, String) {
        let digits: String = self.name.chars().filter(char::is_ascii_digit).collect();
        (digits.parse().unwrap_or(u32::MAX), self.name.clone())
    }
}

/// All queries, in order.
pub(crate) fn all() -> Result<Vec<Query>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("nexmark");
    let mut queries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "sql") {
            queries.push(Query::read(&path)?);
        }
    }
    queries.sort_by_key(Query::place);
    Ok(queries)
}

/// The queries of these names, or all of them without names.
pub(crate) fn named(names: &[String]) -> Result<Vec<Query>> {
    let mut queries = all()?;
    if let Some(unknown) = names.iter().find(|name| queries.iter().all(|q| q.name != **name)) {
        let known: Vec<&str> = queries.iter().map(|q| q.name.as_str()).collect();
        return Err(format!("no query {unknown}; there are {}", known.join(", ")).into());
    }
    queries.retain(|query| names.is_empty() || names.contains(&query.name));
    Ok(queries)
}
